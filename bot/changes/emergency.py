"""Emergencies: who may declare one, for how long it opens the way, and when it must have been looked at.

An emergency is authorised by its own board at once, for one diff and a few hours, and reviewed afterwards; so is one
that was released before its board had authorised it. Until that review is done in time, the next change of the same
application or repository waits, also if it is an emergency: the policy can call an application otherwise by then, or
have the repository in another one.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.changes.model import Change, Refused
from bot.changes.plans import says_something
from bot.decide.approvals import holds
from bot.decide.verdict import Finding, Verdict
from bot.deployments.windows import FURTHER_NOTICE, Interval, allowed, frozen
from bot.facts.model import Account, Standing
from bot.facts.people import is_human
from bot.policy.model import ChangeType, Freeze, Policy
from bot.words import dated, listed, quoted

_INCIDENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*[-#]?[0-9]+", re.ASCII)
LONGEST_ID = 40


def may_declare(
    who: Account | None, reason: str, incident: str, standings: Sequence[Standing], policy: Policy
) -> Refused | None:
    """Why this is no declaration of an emergency; None when it is one."""
    groups = policy.emergency.groups
    if who is None or not is_human(who):
        return Refused("Only a person can declare an emergency.")
    if not groups:
        return Refused("Nobody may declare an emergency.", "The owners of the policy say in `emergency.from` who may.")
    mine = [each for each in standings if each.account == who]
    if not any(holds(standing, group, policy) for standing in mine for group in groups):
        return Refused(
            f"@{who.login} may not declare an emergency.", f"Somebody with {listed(list(groups))} can declare it."
        )
    if not _INCIDENT.fullmatch(incident) or len(incident) > LONGEST_ID:
        return Refused("An emergency belongs to an incident.", "Name it by its id, as in `INC0012345`.")
    if not says_something(reason):
        return Refused("An emergency needs a reason.", "Say in a sentence what cannot wait, and why.")
    return None


def lane(change: Change, policy: Policy) -> Interval | None:
    """When an authorised emergency may be begun; None for any other change."""
    if change.contents.kind is not ChangeType.EMERGENCY or change.authorisation is None:
        return None
    return Interval(change.authorisation.at, change.authorisation.at + policy.emergency.lasts)


def lane_ends(change: Change, policy: Policy) -> datetime | None:
    """When an authorised emergency may no longer be begun; None for any other change."""
    found = lane(change, policy)
    return found.end if found is not None else None


def may_begin_until(change: Change, policy: Policy, now: datetime) -> datetime | None:
    """Until when an authorised emergency may be begun from now on: its time is up, or a freeze begins that holds it."""
    found = lane(change, policy)
    if found is None or "freeze" in policy.observed:
        return found.end if found is not None else None
    slots = allowed(policy.calendar, (), ChangeType.EMERGENCY, found)
    return next((slot.end for slot in slots if now in slot), found.end)


def holding(policy: Policy, now: datetime) -> tuple[tuple[Freeze, datetime | None], ...]:
    """The freezes that hold an emergency now, each with its end as far as that is known; none that is only observed."""
    return () if "freeze" in policy.observed else frozen(policy.calendar, ChangeType.EMERGENCY, now)


def frozen_out(policy: Policy, now: datetime) -> Refused | None:
    """Why no emergency goes ahead now: its few hours would pass in a freeze; None where none holds it."""
    found = holding(policy, now)
    if not found:
        return None
    told = [
        f"the freeze {quoted(each.name)} holds until {dated(end) if end else FURTHER_NOTICE}" for each, end in found
    ]
    lacks = "its `except` lacks" if len(found) == 1 else "each `except` lacks"
    return Refused(
        f"No emergency can be released now: {listed(told)}, and {lacks} `emergency`.",
        "The owners of the policy can except emergencies; else it goes on when that is over.",
    )


def is_overdue(change: Change, now: datetime) -> bool:
    """Whether an emergency should have been reviewed by now and was not."""
    return change.review_due is not None and change.retrospective is None and now >= change.review_due


def concerns(application: str, repository: int) -> tuple[str, ...]:
    """What those looks depend on that an overdue review would block: of the application, if any, or the repository."""
    here = f"reviews:repository:{repository}"
    return (f"reviews:{application}", here) if application else (here,)


def reviews_due(changes: Iterable[Change], application: str, repository: int, number: str) -> tuple[Change, ...]:
    """Other emergencies that are still to be reviewed, of the application, if any, or of the repository."""
    return tuple(
        each
        for each in changes
        if each.number != number
        and {*concerns(application, repository)} & {*concerns(each.contents.application, each.repository)}
        and each.review_due is not None
        and each.retrospective is None
    )


def overdue(due: Iterable[Change], now: datetime) -> tuple[str, ...]:
    """The numbers of those whose review is overdue: they block whatever comes next."""
    return tuple(each.number for each in due if is_overdue(each, now))


def next_due(due: Iterable[Change], now: datetime) -> datetime | None:
    """When the next of them becomes overdue."""
    return min((each.review_due for each in due if each.review_due is not None and each.review_due > now), default=None)


def finding(overdue: Sequence[str]) -> Finding | None:
    """What blocks the next change; None when no review is overdue."""
    if not overdue:
        return None
    named = listed(list(overdue))
    return Finding(
        id="change:emergency-review",
        verdict=Verdict.FAIL,
        headline="an emergency was not reviewed in time",
        what=f"The review of {named} is overdue.",
        why="An emergency goes ahead on the promise that it is looked at afterwards.",
        remedy=f"Somebody of the board who did not take part reviews {named}; then the next change can go on. Where "
        "everybody of the board took part, the owners of the policy put somebody else into one of its roles, who can.",
        controls=("NIST-800-53-CM-3", "ISO-27001-A.8.32"),
    )
