"""A policy file's text as plain values, with the place of each; what is not plain YAML is a problem, never an error.

Only what a person can read without knowing YAML's corners is allowed: no anchors, no tags, no directives, no second
document, no key twice. Limits: 256 KiB, 20 levels, 50,000 names and values.
"""

import re
from collections.abc import Iterator
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
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from bot.policy.model import Problem
from bot.policy.scalars import position
from bot.words import quoted, visible

MOST_BYTES = 256 * 1024
MOST_LEVELS = 20
MOST_VALUES = 50_000
"""Together with their names; lists and mappings are values, too. An inventory of 5,000 applications, which is the most
that there may be and just fits into the bytes, has 40,000."""

MOST_PROBLEMS = 100
"""Problems of one file that are told; nobody corrects more at once."""

Path = tuple[str | int, ...]
"""The way to a value: keys and indexes from the top."""

_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{0,17}", re.ASCII)
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
"""What YAML 1.2 means by them, without quotation marks: https://yaml.org/spec/1.2.2/#1032-tag-resolution"""

_NO_TEXT = re.compile("[\\0\ud800-\udfff]")
"""Escapes can bring forth what no encoding has, and what no database keeps."""


@dataclass(slots=True)
class Document:
    """The values of a file, and the line and column (from 1) of each; a key's place is its value's."""

    origin: str
    text: str = ""
    values: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    scalars: dict[Path, ScalarEvent] = field(default_factory=dict)
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
        scalar = self.scalars.get(path)
        if scalar is None:
            return None
        start = scalar.start_mark.index
        found = position(self.text[start : scalar.end_mark.index], scalar.style, scalar.value, offset)
        if found is None:
            return None
        before = self.text[start : start + found]
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else scalar.start_mark.column + 1 + len(before)
        return scalar.start_mark.line + 1 + lines, column


def read(text: str, origin: str) -> Document:
    """The document in ``text``; its problems tell what cannot be used."""
    document = Document(origin, text)
    if len(text.encode(errors="replace")) > MOST_BYTES:
        document.complain((), f"The file is larger than {MOST_BYTES // 1024} KiB.")
        return document
    try:
        events = _events(document, text)
    except MarkedYAMLError as error:
        # Of a block that begins with a line of blanks, the parser tells what is wrong as the context.
        problem, mark = error.problem or error.context, error.problem_mark or error.context_mark
        _at_mark(document, mark, _invalid(problem))
        return document
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser raises nearly anything on hostile text, an OverflowError too
        document.complain((), _invalid(str(error).partition("\n")[0]))
        return document
    if not document.problems:
        _compose(document, events)
    return document


def _events(document: Document, text: str) -> list[Event]:
    """What the parser finds in the text; what of it is not plain is a problem.

    What nests too deeply, has too many values or is hardly ever plain is not read on, since that takes minutes.
    """
    events, depth, values = [], 0, 0
    for event in YAML(typ="safe", pure=True).parse(text):
        events.append(event)
        if (message := _forbidden(event)) is not None:
            _at(document, event, message)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MOST_LEVELS:
            _at(document, event, f"Values are nested more than {MOST_LEVELS} levels deep.")
            break
        values += isinstance(event, NodeEvent)
        if values > MOST_VALUES:
            _at(document, event, f"The file has more than {MOST_VALUES:,} names and values.")
            break
        if len(document.problems) >= MOST_PROBLEMS:
            break
    return events


def _compose(document: Document, events: list[Event]) -> None:
    """Make the values of the only document that the events tell of."""
    starts = [index for index, event in enumerate(events) if isinstance(event, DocumentStartEvent)]
    if not starts:
        document.complain((), "The file is empty.")
    elif len(starts) > 1:
        _at(
            document,
            events[starts[1]],
            _invalid("expected a single document in the stream, but found another document"),
        )
    else:
        rest = iter(events[starts[0] + 1 :])
        document.values = _value(document, next(rest), rest, ())


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
        case DocumentStartEvent() if event.version or event.tags:
            return "Directives (%) are not allowed."
        case _:
            return None


def _value(document: Document, event: Event, rest: Iterator[Event], path: Path) -> Any:
    """The value that begins with the event; what belongs to it is taken from the ``rest``."""
    document.places.setdefault(path, _place(event))
    if isinstance(event, MappingStartEvent):
        return _mapping(document, rest, path)
    if isinstance(event, SequenceStartEvent):
        return _sequence(document, rest, path)
    assert isinstance(event, ScalarEvent), event
    document.scalars[path] = event
    _clean(document, event)
    return _scalar(event)


def _mapping(document: Document, rest: Iterator[Event], path: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while not isinstance(key := next(rest), CollectionEndEvent):
        if not isinstance(key, ScalarEvent):
            _at(document, key, "A name is expected here.")
            _pass_over(key, rest)
            _pass_over(next(rest), rest)
            continue
        _clean(document, key)
        name: str = key.value
        if name in values:
            _at(document, key, f"{quoted(name)} is there twice.")
            _pass_over(next(rest), rest)
            continue
        # What is wrong with a value is shown where its name stands.
        document.places[*path, name] = _place(key)
        values[name] = _value(document, next(rest), rest, (*path, name))
    return values


def _sequence(document: Document, rest: Iterator[Event], path: Path) -> list[Any]:
    values: list[Any] = []
    while not isinstance(event := next(rest), CollectionEndEvent):
        values.append(_value(document, event, rest, (*path, len(values))))
    return values


def _pass_over(event: Event, rest: Iterator[Event]) -> None:
    """Take what belongs to the value that begins with the event from the ``rest``."""
    depth = int(isinstance(event, CollectionStartEvent))
    while depth:
        event = next(rest)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)


def _scalar(event: ScalarEvent) -> Any:
    """A number, a truth value, nothing, or text. What is neither a plain whole number nor a decimal one is text."""
    text: str = event.value
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _clean(document: Document, scalar: ScalarEvent) -> None:
    """Take out what is no text, so that everything else can be looked at."""
    if _NO_TEXT.search(scalar.value):
        _at(document, scalar, "This has a character that cannot be kept: a NUL, or half of a pair (`\\ud800`).")
        scalar.value = _NO_TEXT.sub("", scalar.value)


def _place(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _at(document: Document, event: Event, message: str) -> None:
    _at_mark(document, event.start_mark, message)


def _at_mark(document: Document, mark: Any, message: str) -> None:
    document.problems.append(Problem(document.origin, mark.line + 1, mark.column + 1, message))
