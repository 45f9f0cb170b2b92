"""A policy file's text as plain values, with the place of each; what is not plain YAML is a problem, never an error.

Only what a person can read without knowing YAML's corners is allowed: no anchors, no tags, no directives, no second
document, no key twice. Limits: 256 KiB, 20 levels.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.policy.model import Problem
from bot.policy.scalars import position
from bot.words import quoted, visible

MOST_BYTES = 256 * 1024
MOST_LEVELS = 20

Path = tuple[str | int, ...]
"""The way to a value: keys and indexes from the top."""

_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_HALF = re.compile("[\\ud800-\\udfff]")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{0,17}", re.ASCII)
_NO_TEXT = re.compile("[\\0\ud800-\udfff]")
"""Escapes can bring forth what no encoding has, and what no database keeps."""


@dataclass(slots=True)
class Document:
    """The values of a file, and the line and column (from 1) of each; a key's place is its value's."""

    origin: str
    text: str = ""
    values: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    scalars: dict[Path, ScalarNode] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: Path, message: str, offset: int | None = None) -> Problem:
        """A problem at the place of ``path``, or of what is nearest above it.

        ``offset`` is that of the character of the value that it is about; where it cannot be found in the file, it is
        told.
        """
        if offset is not None:
            within = self.within(path, offset)
            if within is not None:
                return Problem(self.origin, *within, message)
            message = f"{message} (at character {offset + 1})"
        return Problem(self.origin, *self.place(path), message)

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of ``path``, or of what is nearest above it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def complain(self, path: Path, message: str, offset: int | None = None) -> None:
        """Note a problem at the place of ``path``, or of a character of its value."""
        self.problems.append(self.problem(path, message, offset))

    def within(self, path: Path, offset: int) -> tuple[int, int] | None:
        """Line and column of a character of the text at ``path``; None where YAML's escapes hide it."""
        node = self.scalars.get(path)
        if node is None:
            return None
        start = node.start_mark.index
        found = position(self.text[start : node.end_mark.index], node.style, str(node.value), offset)
        if found is None:
            return None
        before = self.text[start : start + found]
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else node.start_mark.column + 1 + len(before)
        return node.start_mark.line + 1 + lines, column


def read(text: str, origin: str) -> Document:
    """The document in ``text``; its problems tell what cannot be used."""
    document = Document(origin, text)
    if len(text.encode(errors="replace")) > MOST_BYTES:
        document.complain((), f"The file is larger than {MOST_BYTES // 1024} KiB.")
        return document
    try:
        if not _is_plain(document, text):
            return document
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        problem = str(error.problem)
        said = f"{error.context}, {problem}" if problem.startswith("but ") else problem
        _at_mark(document, error.problem_mark, _invalid(said))
        return document
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser raises nearly anything on hostile text, an OverflowError too
        document.complain((), _invalid(str(error).partition("\n")[0]))
        return document
    if root is None:
        document.complain((), "The file is empty.")
        return document
    document.values = _value(document, root, ())
    return document


def _is_plain(document: Document, text: str) -> bool:
    """Whether there is nothing but plain values; what nests too deeply is not read on, since that takes minutes."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        if (message := _forbidden(event)) is not None:
            _at(document, event, message)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MOST_LEVELS:
            _at(document, event, f"Values are nested more than {MOST_LEVELS} levels deep.")
            return False
    return not document.problems


def _invalid(said: str) -> str:
    plain = visible(said).replace("`", "'").rstrip(".")
    return f"This is not valid YAML: {plain}."


def _forbidden(event: Event) -> str | None:
    """What is YAML, and not plain."""
    match event:
        case AliasEvent():
            return "Anchors and aliases (& and *) are not allowed: write the value out."
        case NodeEvent(anchor=str()):
            return "Anchors and aliases (& and *) are not allowed: write the value out."
        case NodeEvent() if getattr(event, "tag", None):
            return "Tags (!) are not allowed: write the plain value, in quotation marks where it begins with `!`."
        case ScalarEvent() if _HALF.search(str(event.value)):
            return "Half a character is no text: write the character itself, and no `\\u` for each half of it."
        case DocumentStartEvent() if event.version or event.tags:
            return "Directives (%) are not allowed."
        case _:
            return None


def _value(document: Document, node: Node, path: Path) -> Any:
    document.places.setdefault(path, _place(node))
    if isinstance(node, ScalarNode):
        document.scalars[path] = node
        _clean(document, node)
    match node:
        case MappingNode():
            return _mapping(document, node, path)
        case SequenceNode():
            return [_value(document, item, (*path, index)) for index, item in enumerate(node.value)]
        case _:
            return _scalar(node)


def _mapping(document: Document, node: MappingNode, path: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if isinstance(key_node, (MappingNode, SequenceNode)):
            _at(document, key_node, "A name is expected here.")
            continue
        _clean(document, key_node)
        key = str(key_node.value)
        if key in values:
            _at(document, key_node, f"{quoted(key)} is there twice.")
            continue
        # What is wrong with a value is shown where its name stands.
        document.places[*path, key] = _place(key_node)
        values[key] = _value(document, value_node, (*path, key))
    return values


def _scalar(node: Node) -> Any:
    """A number, a truth value, nothing, or text. What is neither a plain whole number nor a decimal one is text."""
    text = str(node.value)
    match str(node.tag).rpartition(":")[2]:
        case "int" if _WHOLE.fullmatch(text):
            return int(text)
        case "float" if _DECIMAL.fullmatch(text):
            return float(text)
        case "bool":
            return text.lower() == "true"
        case "null":
            return None
        case _:
            return text


def _clean(document: Document, node: ScalarNode) -> None:
    """Take out what is no text, so that everything else can be looked at."""
    text = str(node.value)
    if _NO_TEXT.search(text):
        _at(document, node, "This has a character that cannot be kept: a NUL, or half of a pair (`\\ud800`).")
        node.value = _NO_TEXT.sub("", text)


def _place(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _at(document: Document, node: Any, message: str) -> None:
    _at_mark(document, node.start_mark, message)


def _at_mark(document: Document, mark: Any, message: str) -> None:
    document.problems.append(Problem(document.origin, mark.line + 1, mark.column + 1, message))
