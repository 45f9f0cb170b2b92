"""Changes that are planned for the same time and touch the same thing, or things that the policy keeps apart.

Who comes first: an emergency, then what is authorised, then what somebody asked for; of two alike, the earlier one.
Only who comes later waits, or takes another window. A window is held by who asked for it: a draft that nobody asked for
holds none, nor does a change that no board decides about and nobody chose a time for. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.changes.model import Change
from bot.decide.verdict import Finding, Verdict
from bot.deployments.windows import Interval
from bot.words import listed

MOST_TOLD = 5
"""How many other changes are named."""

_CONTROLS = ("NIST-800-53-CM-3", "ISO-27001-A.8.32")
Exclusive = tuple[tuple[str, ...], ...]
"""The policy's sets of applications or configuration items of which one is changed at a time."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another change at the same time: its number, what both have in common, when, and whether it comes first."""

    number: str
    over: str
    during: Interval
    first: bool = False


@dataclass(frozen=True, slots=True)
class Others:
    """When others change the same thing: the windows that are held, and of these, those of whoever comes first."""

    taken: tuple[Interval, ...] = ()
    first: tuple[Interval, ...] = ()


def conflicts(change: Change, others: Iterable[Change], exclusive: Exclusive) -> tuple[Conflict, ...]:
    """The other open changes that are planned at the same time for the same thing; it is the same seen from either."""
    found = []
    for other in others:
        over = _in_common(change, other, exclusive)
        during = _together(change, other)
        if other.number != change.number and not other.state.over and over and during is not None:
            found.append(Conflict(other.number, over, during, holds(other) and rank(other) < rank(change)))
    return tuple(sorted(found, key=lambda each: (each.during, each.number)))


def others_of(change: Change, others: Iterable[Change], exclusive: Exclusive) -> Others:
    """The windows that others hold and that the change has to be planned around."""
    held = [
        (rank(other) < rank(change), window)
        for other in others
        if other.number != change.number
        and holds(other)
        and _in_common(change, other, exclusive)
        and (window := _busy(other)) is not None
    ]
    return Others(
        tuple(sorted({window for _, window in held})), tuple(sorted({window for first, window in held if first}))
    )


def rank(change: Change) -> tuple[int, datetime, str]:
    """Who comes first when two changes meet: the smaller one."""
    if change.emergency is not None and (change.request is not None or change.authorisation is not None):
        return 0, change.emergency.at, change.number
    if change.authorisation is not None:
        return 1, change.authorisation.at, change.number
    if change.request is not None:
        return 2, change.request.at, change.number
    return 3, change.opened_at, change.number


def holds(change: Change) -> bool:
    """Whether the change holds its window against others."""
    asked = change.request is not None or change.authorisation is not None
    return asked and not change.state.over and (change.contents.routing.has_board or change.contents.scheduled)


@dataclass(frozen=True, slots=True)
class Place:
    """What others see of a change: where in the calendar it stands, what it touches, and who comes first."""

    apart: tuple[str, ...]
    window: Interval
    held: bool
    rank: int


def place_of(change: Change) -> Place | None:
    """The change's place among others; None for one that has none, or has none any more."""
    window = _busy(change)
    if change.state.over or window is None:
        return None
    return Place(change.contents.apart, window, holds(change), rank(change)[0])


def findings(found: tuple[Conflict, ...]) -> tuple[Finding, ...]:
    """What is said of conflicts: that this change waits, or that others are there."""
    before = [each for each in found if each.first]
    beside = [each for each in found if not each.first]
    told = []
    if before:
        waiting = Finding(
            id="change:conflict",
            verdict=Verdict.WAIT,
            headline=f"{before[0].number} is planned at the same time",
            what=f"Planned at the same time: {_named(before)}.",
            why=f"Of two changes of one thing at one time, nobody can tell which of them broke it, or back out one. "
            f"{'It comes' if len(before) == 1 else 'They come'} first: authorised, or asked for, before this one.",
            remedy="Another window is chosen with `/schedule`, or both become one release with `/change link`.",
            controls=_CONTROLS,
        )
        told.append(waiting)
    if beside:
        noticed = Finding(
            id="change:conflict:beside" if before else "change:conflict",
            verdict=Verdict.PASS,
            headline=f"{beside[0].number} is planned at the same time",
            what=f"Planned at the same time: {_named(beside)}.",
            why="This change does not wait for that: what is asked for or authorised later waits, and a draft that "
            "nobody asked for holds no window.",
            controls=_CONTROLS,
        )
        told.append(noticed)
    return tuple(told)


def _named(found: list[Conflict]) -> str:
    told = [f"{each.number} ({each.over}, {each.during.spoken})" for each in found[:MOST_TOLD]]
    return listed([*told, *([f"{len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else [])])


def _in_common(one: Change, other: Change, exclusive: tuple[tuple[str, ...], ...]) -> str:
    if (one.repository, one.contents.head) == (other.repository, other.contents.head):
        # The same commit for two branches: neither passes without the other, so that they are made together.
        return ""
    mine, theirs = _item(one), _item(other)
    if mine and mine == theirs:
        return mine
    apart = [names for names in exclusive if _names(one) & set(names) and _names(other) & set(names)]
    return f"one of {listed(list(apart[0]))} at a time" if apart else ""


def _item(change: Change) -> str:
    """What the change touches: the configuration item, or the application where that has none."""
    return change.contents.configuration_item or change.contents.application


def _names(change: Change) -> set[str]:
    return {change.contents.configuration_item, change.contents.application} - {""}


def _together(one: Change, other: Change) -> Interval | None:
    first, second = _busy(one), _busy(other)
    if first is None or second is None or not first.overlaps(second):
        return None
    return Interval(max(first.start, second.start), min(first.end, second.end))


def _busy(change: Change) -> Interval | None:
    """When the change is planned; one that has ended takes no more of its time."""
    window, ended = change.contents.window, change.ended_at
    if window is None or ended is None:
        return window
    return Interval(window.start, min(window.end, ended)) if window.start < ended else None
