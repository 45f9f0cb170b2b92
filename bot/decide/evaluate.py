"""The decision about a pull request, on one screen."""

from datetime import datetime

from bot.decide.approvals import Tally, tally
from bot.decide.context import Context
from bot.decide.contributors import Contributors, contributors
from bot.decide.controls import CONTROLS
from bot.decide.risk import tier_of
from bot.decide.verdict import Decision, Finding, Involvement, Verdict, worst
from bot.facts.model import PullRequestFacts
from bot.facts.people import People, people_of
from bot.policy.model import Mode, Policy

_ORDER = {Verdict.FAIL: 0, Verdict.WAIT: 1, Verdict.WAIVED: 2, Verdict.PASS: 3}


def decide(facts: PullRequestFacts, policy: Policy, now: datetime) -> Decision:
    """Decide about the head of a pull request. Pure: the same arguments give the same decision, always."""
    tier, because = tier_of(facts, policy)
    people = people_of(facts, policy.people)
    involved = contributors(facts, people)
    counted = tally(facts, policy, policy.tiers[tier].approvals, people, involved)
    context = Context(facts, policy, now, tier, people, involved, counted)
    findings = [finding for control in CONTROLS if (finding := control(context)) is not None]
    return Decision(
        head=facts.head.oid,
        mode=_mode(facts, policy),
        tier=tier,
        tier_because=because,
        verdict=worst(finding.verdict for finding in findings),
        findings=worst_first(findings),
        reviews=counted.reviews,
        demands=counted.demands,
        people=_involvements(involved, counted, people),
        next_at=min((finding.until for finding in findings if finding.until), default=None),
    )


def _mode(facts: PullRequestFacts, policy: Policy) -> Mode:
    """The policy's mode, unless the check is also that of a pull request for which the policy is enforced."""
    return Mode.ENFORCE if any(sibling.enforced for sibling in facts.siblings) else policy.mode


def worst_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """What blocks before what waits before what passes; within that, as the controls stand."""
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.verdict]))


def _involvements(involved: Contributors, counted: Tally, people: People) -> tuple[Involvement, ...]:
    contributing = [
        Involvement(people.accounts_of(person), "contributor", involved.because[person])
        for person in sorted(involved.because, key=sorted)
    ]
    approving = [
        Involvement(people.accounts_of(person), "approver", ("gave an approval that counts",))
        for person in counted.approvers
    ]
    return (*contributing, *approving)
