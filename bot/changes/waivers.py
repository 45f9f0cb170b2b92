"""Waivers: that one named finding does not block one change until a moment, and who answers for that."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.changes.model import Refused
from bot.changes.plans import says_something
from bot.decide.approvals import holds
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Account, Standing
from bot.facts.people import People, Person, is_human, people_among
from bot.policy.model import Policy
from bot.words import dated, listed, quoted

NEVER = frozenset(
    {
        *("facts", "policy", "policy-change", "separation", "approvals", "objections", "unauthorised-change"),
        *("change-record", "plans", "cab", "sign-off", "emergency", "hold"),
        *("draft", "mergeable", "shared-head", "identity", "window", "freeze"),
    }
)
"""What cannot be waived.

It is what is not known, who may not do what, what a board decides or others answer for, and what is no demand of the
policy. A contributor who is unknown may be the very person who grants. A record goes its whole way to the board: what
it lacks is written, and not waived away.
"""


_NOBODY = Refused("Nobody may grant a waiver.", "The owners of the policy say in `waivers.from` who may.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """That ``by`` asks for a finding of a subject to be waived until a moment.

    ``number`` is that of the wish. ``diff`` names the change that it is asked for, ``head`` is its commit.
    """

    subject: str
    finding: str
    reason: str
    until: datetime
    by: Account
    number: int = 0
    head: str = ""
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding of a subject that does not block until ``until``, or until it is revoked.

    It is for one change, as an authorisation is: the one that ``diff`` names.
    """

    subject: str
    finding: str
    reason: str
    asked_by: Account
    granted_by: Account
    granted_at: datetime
    until: datetime
    revoked_at: datetime | None = None
    number: int = 0
    head: str = ""
    diff: str = ""

    def in_force(self, now: datetime) -> bool:
        """Whether it holds; it expires by itself."""
        return self.granted_at <= now < self.until and (self.revoked_at is None or now < self.revoked_at)


def grant(
    wanted: Wanted,
    by: Account,
    contributors: Sequence[Account],
    standings: Sequence[Standing],
    policy: Policy,
    now: datetime,
    *,
    requesters: Sequence[Account],
    diff: str = "",
) -> Waiver | Refused:
    """The waiver, or why it is not granted; ``diff`` names the change as it is now."""
    refused = objection(wanted, policy, now) or may_answer(
        wanted, by, contributors, standings, policy, requesters=requesters
    )
    if refused is None and wanted.diff != diff:
        refused = Refused(
            f"The waiver of {quoted(wanted.finding)} was asked for at {_commit(wanted.head)}; the change is another "
            "one since.",
            "Whoever still needs it asks again with `/waive`.",
        )
    return refused or Waiver(
        wanted.subject,
        wanted.finding,
        wanted.reason,
        wanted.by,
        by,
        now,
        wanted.until,
        number=wanted.number,
        head=wanted.head,
        diff=wanted.diff,
    )


def objection(wanted: Wanted, policy: Policy, now: datetime) -> Refused | None:
    """What is wrong with the wish itself, whoever grants it; None when nothing is."""
    if not policy.waivers.groups:
        return _NOBODY
    root = wanted.finding.partition(":")[0]
    if root in NEVER:
        return Refused(f"{quoted(wanted.finding)} cannot be waived.", "Do what the finding asks for.")
    if not wanted.finding or any(char in wanted.finding for char in "*? "):
        return Refused("A waiver is for one finding.", "Name it by its id, as the check shows it.")
    if not says_something(wanted.reason):
        return Refused("A waiver needs a reason.", "Say in a sentence why the finding is acceptable for now.")
    if wanted.until <= now:
        return Refused("A waiver ends in the future.", "Name a day that is still to come.")
    latest = now + policy.waivers.at_most
    if wanted.until > latest:
        return Refused(
            f"A waiver holds for {policy.waivers.at_most.days} days at most.",
            f"Name an end not after {dated(latest)}.",
        )
    return None


def may_answer(
    wanted: Wanted,
    by: Account,
    contributors: Sequence[Account],
    standings: Sequence[Standing],
    policy: Policy,
    *,
    requesters: Sequence[Account],
) -> Refused | None:
    """Why this account may not grant or deny it; None when it may. ``requesters`` asked for the change itself."""
    groups = policy.waivers.groups
    if not groups:
        return _NOBODY
    who = f"Somebody with {listed(list(groups))} who did not contribute or ask for it can grant it."
    if not is_human(by):
        return Refused("A program cannot grant a waiver.", who)
    seen = [by, wanted.by, *contributors, *requesters, *(each.account for each in standings)]
    people = people_among(seen, policy.people, policy.names)
    person = people.person(by)
    if person == people.person(wanted.by):
        return Refused(f"@{by.login} asked for this waiver and cannot grant it.", who)
    if any(person == people.person(each) for each in contributors):
        return Refused(f"@{by.login} contributed to the change and cannot grant a waiver for it.", who)
    if any(person == people.person(each) for each in requesters):
        return Refused(f"@{by.login} asked for the change to be authorised and cannot grant a waiver for it.", who)
    if not _has_role(by, standings, policy):
        return Refused(f"@{by.login} may not grant waivers.", who)
    return None


def may_revoke(granted_by: Account, by: Account, standings: Sequence[Standing], policy: Policy) -> Refused | None:
    """Why this account may not revoke a waiver; whoever may grant one may, whatever their part, and who granted it."""
    if by == granted_by or (is_human(by) and _has_role(by, standings, policy)):
        return None
    roles = f", or somebody with {listed(list(policy.waivers.groups), 'or')}," if policy.waivers.groups else ""
    return Refused(f"@{by.login} may not revoke waivers.", f"@{granted_by.login}{roles} can.")


def _has_role(account: Account, standings: Sequence[Standing], policy: Policy) -> bool:
    mine = [each for each in standings if each.account == account]
    return any(holds(standing, group, policy) for standing in mine for group in policy.waivers.groups)


def lapsed(
    waiver: Waiver, diff: str, people: People, contributing: Iterable[Person], requesters: Iterable[Account]
) -> str:
    """Why a waiver does not hold though its time is not over, to complete "does not hold: …"; empty when it holds.

    Who granted it must still be nobody who asked, for it or for the change itself, and no contributor; and the change
    must be the one that it was asked for.
    """
    granter = people.person(waiver.granted_by)
    if granter & people.person(waiver.asked_by):
        return f"@{waiver.granted_by.login}, who granted it, is who asked for it"
    if any(granter & each for each in contributing):
        return f"@{waiver.granted_by.login}, who granted it, contributed to the change"
    if any(granter & people.person(each) for each in requesters):
        return f"@{waiver.granted_by.login}, who granted it, asked for the change to be authorised"
    if waiver.diff != diff:
        return f"the change is another one than at {_commit(waiver.head)}, for which it was granted"
    return ""


def _commit(head: str) -> str:
    return head[:7] or "an earlier commit"


def waived(
    findings: Iterable[Finding], waivers: Iterable[Waiver], now: datetime, why_not: Callable[[Waiver], str]
) -> tuple[Finding, ...]:
    """The findings, those with a waiver in force as waived. Each says by whom, why and until when.

    ``why_not`` says why one does not hold all the same, as ``lapsed`` does; that is said where it is missed.
    """
    holding: dict[str, Waiver] = {}
    missed: dict[str, str] = {}
    for each in sorted(waivers, key=lambda each: each.until):
        if not each.in_force(now):
            continue
        if reason := why_not(each):
            missed[each.finding] = f"The waiver of @{each.granted_by.login} does not hold: {reason}."
        else:
            holding[each.finding] = each
    return tuple(_seen(each, holding.get(each.id), missed.get(each.id, "")) for each in findings)


def _seen(finding: Finding, waiver: Waiver | None, missed: str) -> Finding:
    if finding.verdict not in {Verdict.FAIL, Verdict.WAIT} or finding.id.partition(":")[0] in NEVER:
        return finding
    if waiver is not None:
        return _waived(finding, waiver)
    return replace(finding, why=f"{finding.why} {missed}".strip()) if missed else finding


def _waived(finding: Finding, waiver: Waiver) -> Finding:
    until = dated(waiver.until)
    return replace(
        finding,
        verdict=Verdict.WAIVED,
        why=f"@{waiver.granted_by.login} waived this until {until}: {quoted(waiver.reason)}.",
        remedy=f"After {until} it blocks again: {finding.remedy}" if finding.remedy else "",
        until=waiver.until,
        minutes=False,
    )
