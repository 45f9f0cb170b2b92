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
    bound = bool(rules.windows) and not emergency
    said = []
    if freezes:
        said.append(_frozen(found, freezes))
    elif calendar.freezes:
        said.append(_not_frozen(found, bound=bound))
    if not freezes and (bound or planned is not None or not found.open):
        said.append(_window(found, planned, now))
    return [replace(each, why=_EMERGENCY if emergency else _MERGED) for each in said]


def _frozen(found: Hours, freezes: Sequence[tuple[Freeze, datetime | None]]) -> Finding:
    ends = [end for _, end in freezes if end is not None]
    for_good = [quoted(freeze.name) for freeze, end in freezes if end is None]
    last = FURTHER_NOTICE if for_good else dated(max(ends))
    return Finding(
        "freeze",
        Verdict.WAIT,
        f"a freeze, until {last}",
        " ".join(found.because),
        remedy=f"The owners of the policy end the freeze {listed(for_good)} in its calendar."
        if for_good
        else f"It goes on by itself when the freeze is over, at {last}.",
        until=min(ends, default=None),
    )


def _not_frozen(found: Hours, *, bound: bool) -> Finding:
    """Where no window says when it may be merged, this says until when."""
    until = None if bound else found.until
    what = f"No freeze holds until {dated(until)}." if until else "No freeze holds."
    return Finding("freeze", Verdict.PASS, "no freeze", what, until=until)


def _window(found: Hours, planned: Interval | None, now: datetime) -> Finding:
    """Whether a window of the tier is open; where a board decides, that for which it authorised the change."""
    other = planned is not None and now not in planned
    if found.open and not other:
        closes = [each for each in (found.until, planned.end if planned is not None else None) if each is not None]
        until = min(closes, default=None)
        what = f"It can be merged until {dated(until)}." if until else "It can be merged."
        return Finding("window", Verdict.PASS, "its window is open", what, until=until)
    opens = planned.start if planned is not None and now < planned.start else found.until
    terms = [f"It is planned for {planned.spoken}."] if planned is not None and other else []
    return Finding(
        "window",
        Verdict.WAIT,
        f"its window, {dated(opens)}" if opens else "a window, and none comes",
        " ".join((*found.because, *terms)),
        remedy=f"It goes on by itself at {dated(opens)}; `/schedule` chooses another time."
        if opens
        else "The owners of the policy give the calendar a window for this tier.",
        until=opens,
    )
