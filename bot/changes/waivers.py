"""Waivers: that one named finding does not block one change until a moment, and who answers for that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.changes.model import Refused
from bot.changes.plans import says_something
from bot.decide.approvals import holds
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Account, Standing
from bot.facts.people import is_human, people_among
from bot.policy.model import Policy
from bot.words import listed, quoted

NEVER = frozenset(
    {
        *("facts", "policy", "policy-change", "separation", "approvals", "objections", "unauthorised-change"),
        *("change-record", "cab", "sign-off", "emergency", "hold"),
        *("draft", "mergeable", "shared-head"),
    }
)
"""What cannot be waived.

It is what is not known, who may not do what, what a board decides or others answer for, and what is no demand of the
policy. A record goes its whole way to the board: what it lacks is written, and not waived away.
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """That ``by`` asks for a finding of a subject to be waived until a moment."""

    subject: str
    finding: str
    reason: str
    until: datetime
    by: Account


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding of a subject that does not block until ``until``, or until it is revoked."""

    subject: str
    finding: str
    reason: str
    asked_by: Account
    granted_by: Account
    granted_at: datetime
    until: datetime
    revoked_at: datetime | None = None

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
) -> Waiver | Refused:
    """The waiver, or why it is not granted."""
    refused = objection(wanted, policy, now) or _granter(wanted, by, contributors, standings, policy)
    return refused or Waiver(wanted.subject, wanted.finding, wanted.reason, wanted.by, by, now, wanted.until)


def objection(wanted: Wanted, policy: Policy, now: datetime) -> Refused | None:
    """What is wrong with the wish itself, whoever grants it; None when nothing is."""
    if not policy.waivers.groups:
        return Refused("Nobody may grant a waiver.", "The owners of the policy say in `waivers.from` who may.")
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
            f"Name an end not after {latest.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
        )
    return None


def _granter(
    wanted: Wanted, by: Account, contributors: Sequence[Account], standings: Sequence[Standing], policy: Policy
) -> Refused | None:
    groups = policy.waivers.groups
    who = f"Somebody with {listed(list(groups))} who did not contribute or ask for it can grant it."
    if not is_human(by):
        return Refused("A program cannot grant a waiver.", who)
    seen = [by, wanted.by, *contributors, *(each.account for each in standings)]
    people = people_among(seen, policy.people, policy.names)
    person = people.person(by)
    if person == people.person(wanted.by):
        return Refused(f"@{by.login} asked for this waiver and cannot grant it.", who)
    if any(person == people.person(each) for each in contributors):
        return Refused(f"@{by.login} contributed to the change and cannot grant a waiver for it.", who)
    mine = [each for each in standings if each.account == by]
    if not any(holds(standing, group, policy) for standing in mine for group in groups):
        return Refused(f"@{by.login} may not grant waivers.", who)
    return None


def waived(findings: Iterable[Finding], waivers: Iterable[Waiver], now: datetime) -> tuple[Finding, ...]:
    """The findings, those with a waiver in force as waived. Each says by whom, why and until when."""
    holding = {each.finding: each for each in sorted(waivers, key=lambda each: each.until) if each.in_force(now)}
    return tuple(
        _waived(each, holding[each.id])
        if each.id in holding
        and each.id.partition(":")[0] not in NEVER
        and each.verdict in {Verdict.FAIL, Verdict.WAIT}
        else each
        for each in findings
    )


def _waived(finding: Finding, waiver: Waiver) -> Finding:
    until = f"{waiver.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return replace(
        finding,
        verdict=Verdict.WAIVED,
        why=f"@{waiver.granted_by.login} waived this until {until}: {quoted(waiver.reason)}.",
        remedy=f"After {until} it blocks again: {finding.remedy}" if finding.remedy else "",
        until=waiver.until,
        minutes=False,
    )
