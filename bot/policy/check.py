"""Says everything that is wrong in a policy file, at its line, in words."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bot.policy.contradictions import Known, contradictions
from bot.policy.model import Problem
from bot.policy.remembered import remembered
from bot.policy.schema import PolicyFile
from bot.policy.validation import Fitting, explain, fitting, validated
from bot.policy.yaml import MOST_PROBLEMS, Document, read

__all__ = ["MOST_PROBLEMS", "Checked", "check", "content_of", "explain"]

_WHOLE = "A policy is a mapping of names to values, beginning with `version: 1`."


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was read: its content when it can be used, and what is wrong with it when not."""

    origin: str
    blob: str
    content: PolicyFile | None
    document: Document
    problems: tuple[Problem, ...]


def check(
    text: str,
    origin: str,
    blob: str = "",
    *,
    known_roles: Collection[str] = (),
    known_windows: Collection[str] = (),
    known_things: Collection[str] = (),
) -> Checked:
    """Read a policy file. Never raises.

    ``known_roles``, ``known_windows`` and ``known_things`` (applications and configuration items) are those of the
    layers above it.
    """
    known = Known(frozenset(known_roles), frozenset(known_windows), frozenset(known_things))
    return _check(text, origin, blob, known)


@remembered
def _check(text: str, origin: str, blob: str, known: Known) -> Checked:
    document = read(text, origin)
    content = None
    if document.values is not None or not document.problems:
        content = validated(document, PolicyFile, _WHOLE)
        _contradict(document, content, known)
    document.scalars.clear()
    problems = tuple(sorted(document.problems, key=lambda each: (each.line, each.column)))[:MOST_PROBLEMS]
    return Checked(origin, blob, None if problems else content, document, problems)


def _contradict(document: Document, content: PolicyFile | None, known: Known) -> None:
    """Note what contradicts itself in all that fits: what does not fit hides nothing else that is wrong."""
    if content is not None:
        fit = Fitting(content, frozenset(), document.values)
    elif isinstance(document.values, dict):
        fit = fitting({**document.values, "version": 1}, PolicyFile)
    else:
        return
    if fit.content is None:
        return
    for each in islice(contradictions(fit.content, known | _named(document.values)), MOST_PROBLEMS):
        place = fit.place(each.path)
        # What lacks something only because that did not fit is not told to lack it.
        if fit.has_all_of(place):
            document.complain(place, each.message, each.offset)


def _named(values: Any) -> Known:
    """The names that a file gives, whether or not what they stand for fits."""
    calendar = values.get("calendar")
    windows = calendar.get("windows") if isinstance(calendar, dict) else None
    return Known(
        frozenset(_keys(values.get("roles"))), frozenset(_keys(windows)), frozenset(_things(values.get("applications")))
    )


def _keys(value: Any) -> Iterator[str]:
    """The names in a mapping; somebody may have written it as a list."""
    match value:
        case dict():
            yield from value
        case list():
            for each in value:
                yield from _keys(each)
        case str():
            yield value


def _things(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield from (str(each[key]) for key in ("name", "configuration_item") if key in each)


@remembered
def content_of(text: str, origin: str) -> PolicyFile | None:
    """What a file says by itself, whatever other files would have to name for it to be used; None when it says nothing.

    Never raises.
    """
    document = read(text, origin)
    return None if document.problems else validated(document, PolicyFile, _WHOLE)
