"""The nouns of the queue: a subject, the wish to look at it, a look, and what comes after one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any


class Urgency(IntEnum):
    """Whose turn it is when not everything can be done now: a person waits > a deployment > a timer > the sweep."""

    SWEEP = 0
    TIMER = 1
    DEPLOYMENT = 2
    PERSON = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to look at: ``pull:<repository id>:<number>``, and the latest names that it is known by."""

    key: str
    kind: str
    installation_id: int
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """The wish to look at a subject."""

    subject: Subject
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a subject. ``number`` grows with every look: a slow one can tell that it was overtaken.

    ``attempt`` counts the looks before this one that did not come to an end, in a row.
    """

    subject: Subject
    number: int
    attempt: int
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Next:
    """What a finished look leaves behind.

    ``at`` is when time alone makes another look necessary; ``concerns`` are what the look depended on: a change there
    makes the subject wanted. ``over`` says that nothing is left to look at until somebody wants it again.
    """

    at: datetime | None = None
    concerns: frozenset[str] = field(default_factory=frozenset)
    over: bool = False


Handler = Callable[[Look], Awaitable[Next]]
"""Looks at a subject of its kind. What it raises decides when the subject is looked at again."""
