"""Changes that are planned for the same time and touch the same thing, or things that the policy keeps apart."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.changes.model import Change
from bot.decide.verdict import Finding, Verdict
from bot.deployments.windows import Interval
from bot.words import listed


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another change at the same time: its number, what both have in common, and when."""

    number: str
    over: str
    during: Interval


def conflicts(change: Change, others: Iterable[Change], exclusive: tuple[tuple[str, ...], ...]) -> tuple[Conflict, ...]:
    """The other open changes that are planned at the same time for the same thing; it is the same seen from either.

    ``exclusive`` are the policy's sets of applications or configuration items of which one is changed at a time.
    """
    found = []
    for other in others:
        over = _in_common(change, other, exclusive)
        during = _together(change, other)
        if other.number != change.number and not other.state.over and over and during is not None:
            found.append(Conflict(other.number, over, during))
    return tuple(sorted(found, key=lambda each: (each.during, each.number)))


def finding(found: tuple[Conflict, ...]) -> Finding | None:
    """What is said of conflicts: whoever comes second moves; None without any."""
    if not found:
        return None
    told = [
        f"{each.number} ({each.over}, {each.during.start:%Y-%m-%d %H:%M} to {each.during.end:%Y-%m-%d %H:%M} UTC)"
        for each in found
    ]
    return Finding(
        id="change:conflict",
        verdict=Verdict.WAIT,
        headline=f"{found[0].number} is planned at the same time",
        what=f"Planned at the same time: {listed(told)}.",
        why="Of two changes of one thing at one time, nobody can tell which of them broke it, or back out one.",
        remedy="One of them takes another window, or both become one release.",
        controls=("NIST-800-53-CM-3", "ISO-27001-A.8.32"),
    )


def _in_common(one: Change, other: Change, exclusive: tuple[tuple[str, ...], ...]) -> str:
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
