"""A policy file's text as plain values, with the place of each; what is not plain YAML is a problem, never an error.

Only what a person can read without knowing YAML's corners is allowed: no anchors, no tags, no second document, no key
twice. Limits: 256 KiB, 20 levels.
"""

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.policy.model import Problem

MOST_BYTES = 256 * 1024
MOST_LEVELS = 20

Path = tuple[str | int, ...]
"""The way to a value: keys and indexes from the top."""


@dataclass(slots=True)
class Document:
    """The values of a file, and the line and column (from 1) of each; a key's place is its value's."""

    origin: str
    values: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def complain(self, path: Path, message: str) -> None:
        """Note a problem at the place of ``path``, or of what is nearest above it."""
        while path and path not in self.places:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        self.problems.append(Problem(self.origin, line, column, message))


def read(text: str, origin: str) -> Document:
    """The document in ``text``; its problems tell what cannot be used."""
    document = Document(origin)
    if len(text.encode(errors="replace")) > MOST_BYTES:
        document.complain((), f"The file is larger than {MOST_BYTES // 1024} KiB.")
        return document
    yaml = YAML(typ="safe", pure=True)
    try:
        for event in yaml.parse(text):
            if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
                _at(document, event, "Anchors and aliases (& and *) are not allowed: write the value out.")
        if document.problems:
            return document
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        _at_mark(document, error.problem_mark or error.context_mark, f"This is not valid YAML: {error.problem}.")
        return document
    except (YAMLError, RecursionError, ValueError) as error:
        document.complain((), f"This is not valid YAML: {str(error).splitlines()[0]}.")
        return document
    if root is None:
        document.complain((), "The file is empty.")
        return document
    document.values = _value(document, root, ())
    return document


def _value(document: Document, node: Node, path: Path) -> Any:
    document.places.setdefault(path, _place(node))
    if len(path) > MOST_LEVELS:
        _at(document, node, f"Values are nested more than {MOST_LEVELS} levels deep.")
        return None
    match node:
        case MappingNode():
            return _mapping(document, node, path)
        case SequenceNode():
            return [_value(document, item, (*path, index)) for index, item in enumerate(node.value)]
        case ScalarNode():
            return _scalar(document, node)
        case _:
            return None


def _mapping(document: Document, node: MappingNode, path: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, ScalarNode):
            _at(document, key_node, "A name is expected here.")
            continue
        key = str(key_node.value)
        if key in values:
            _at(document, key_node, f"`{key}` is there twice.")
            continue
        # What is wrong with a value is shown where its name stands.
        document.places[*path, key] = _place(key_node)
        values[key] = _value(document, value_node, (*path, key))
    return values


def _scalar(document: Document, node: ScalarNode) -> Any:
    text = str(node.value)
    kind = str(node.tag).rpartition(":")[2]
    plain = str(node.tag).startswith("tag:yaml.org,2002:") and kind in {
        "str",
        "int",
        "bool",
        "null",
        "float",
        "timestamp",
    }
    if not plain:
        _at(document, node, f"Tags such as {node.tag} are not allowed.")
        return None
    match kind:
        case "int":
            return int(text.replace("_", ""), 0) if not text.lstrip("+-").startswith("0") or text == "0" else text
        case "bool":
            return text.lower() == "true"
        case "null":
            return None
        case "float":
            return (
                float(text.replace("_", ""))
                if text.replace("_", "").replace(".", "", 1).lstrip("+-").isdecimal()
                else text
            )
        case _:
            return text


def _place(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _at(document: Document, node: Any, message: str) -> None:
    _at_mark(document, node.start_mark, message)


def _at_mark(document: Document, mark: Any, message: str) -> None:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    document.problems.append(Problem(document.origin, line, column, message))
