"""It is time for the change: where its merge releases it, no freeze holds, and a window of its tier is open.

Asked last, when nothing else is in the way: what waits for people is not looked at anew whenever a window opens.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.deployments.windows import FURTHER_NOTICE, Hours, Interval, frozen, hours
from bot.policy.inventory import is_released_by_merge
from bot.policy.model import ChangeType, Freeze
from bot.words import dated, listed, quoted

_MERGED = "The merge releases this change: the policy names no environment that it is deployed to."
_EMERGENCY = "The merge of an emergency releases it."

_BEGUN = "implement"
"""The state of a record of which something has been released, and is not over."""


def look(context: Context) -> list[Finding]:
    """Whether it may be merged now, and until when; nothing where a deployment releases it, or any time will do."""
    record, calendar, now = context.facts.record, context.policy.calendar, context.now
    rules = context.policy.tiers[context.tier]
    kind = ChangeType(record.kind) if record is not None and record.kind else rules.change
    emergency = kind is ChangeType.EMERGENCY
    if not is_released_by_merge(context.application, emergency=emergency):
        return []
    found = hours(calendar, rules.windows, kind, now)
    planned = Interval(*record.window) if record is not None and record.window is not None else None
    freezes = frozen(calendar, kind, now)
    spent = planned is not None and _is_spent(found, planned, now)
    begun = record is not None and record.state == _BEGUN
    bound = bool(rules.windows) and not emergency
    said = []
    if freezes:
        said.append(_frozen(found, freezes, goes_on=not spent))
    elif calendar.freezes:
        said.append(_not_frozen(found, bound=bound))
    if planned is not None and spent:
        said.append(_spent(planned, begun=begun))
    elif not freezes and (bound or planned is not None or not found.open):
        said.append(_window(found, planned, now, begun=begun))
    return [replace(each, why=_EMERGENCY if emergency else _MERGED) for each in said]


def _is_spent(found: Hours, planned: Interval, now: datetime) -> bool:
    """Whether nothing is left of the time that it is planned for in which the calendar would let it be merged."""
    if now < planned.start or (found.open and now in planned):
        return False
    return found.until is None or found.until not in planned


def _frozen(found: Hours, freezes: Sequence[tuple[Freeze, datetime | None]], *, goes_on: bool) -> Finding:
    """That a freeze holds; it ``goes_on`` after that where there is still a time that it is planned for."""
    ends = [end for _, end in freezes if end is not None]
    for_good = [quoted(freeze.name) for freeze, end in freezes if end is None]
    last = FURTHER_NOTICE if for_good else dated(max(ends))
    remedy = (
        f"The owners of the policy end the freeze {listed(for_good)} in its calendar."
        if for_good
        else f"It goes on by itself when the freeze is over, at {last}."
    )
    return Finding(
        "freeze",
        Verdict.WAIT,
        f"a freeze, until {last}",
        " ".join(found.because),
        remedy=remedy if for_good or goes_on else "",
        until=min(ends, default=None),
    )


def _not_frozen(found: Hours, *, bound: bool) -> Finding:
    """Where no window says when it may be merged, this says until when."""
    until = None if bound else found.until
    what = f"No freeze holds until {dated(until)}." if until else "No freeze holds."
    return Finding("freeze", Verdict.PASS, "no freeze", what, until=until)


def _window(found: Hours, planned: Interval | None, now: datetime, *, begun: bool) -> Finding:
    """Whether a window of the tier is open, and it is the time that it is planned for where one binds it."""
    other = planned is not None and now not in planned
    if found.open and not other:
        closes = [each for each in (found.until, planned.end if planned is not None else None) if each is not None]
        until = min(closes, default=None)
        what = f"It can be merged until {dated(until)}." if until else "It can be merged."
        return Finding("window", Verdict.PASS, "its window is open", what, until=until)
    opens = planned.start if planned is not None and now < planned.start else found.until
    terms = [f"It is planned for {planned.spoken}."] if planned is not None and other else []
    another = "." if begun else "; `/schedule` chooses another time."
    return Finding(
        "window",
        Verdict.WAIT,
        f"its window, {dated(opens)}" if opens else "a window, and none comes",
        " ".join((*found.because, *terms)),
        remedy=f"It goes on by itself at {dated(opens)}{another}"
        if opens
        else "The owners of the policy give the calendar a window for this tier.",
        until=opens,
    )


def _spent(planned: Interval, *, begun: bool) -> Finding:
    """That its time is over; of a release that was ``begun`` nothing is planned anew, and people take it apart."""
    return Finding(
        "window",
        Verdict.WAIT,
        "a record of its own: its window is over" if begun else "another window: its own is over",
        f"Nothing is left of the time that it is planned for, {planned.spoken}.",
        remedy="`/change unlink` takes the pull request out of its release, which ends with what was merged; it has a "
        "record of its own then, for which everything is asked anew."
        if begun
        else "Another time is planned by itself, and the board that decides is asked about that.",
    )
