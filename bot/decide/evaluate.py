"""The decision about a pull request, on one screen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.changes.waivers import Waiver, lapsed, waived
from bot.decide.approvals import Tally, tally
from bot.decide.catalogue import NEVER_OBSERVED
from bot.decide.context import Context
from bot.decide.contributors import Contributors, contributors
from bot.decide.controls import findings, shared_head, timing
from bot.decide.environment import environment
from bot.decide.requesters import kept_from_approving
from bot.decide.risk import risk_of
from bot.decide.verdict import Decision, Finding, Involvement, Verdict, worst
from bot.facts.model import PullRequestFacts
from bot.facts.people import People, people_of
from bot.policy.inventory import application_of
from bot.policy.model import Application, ChangeType, Mode, Policy, Tier
from bot.policy.tiers import raised

_ORDER = {Verdict.FAIL: 0, Verdict.WAIT: 1, Verdict.WAIVED: 2, Verdict.PASS: 3}


def decide(facts: PullRequestFacts, policy: Policy, now: datetime) -> Decision:
    """Decide about the head of a pull request. Pure: the same arguments give the same decision, always."""
    application = application_of(policy, facts)
    people = people_of(facts, policy.people)
    involved = contributors(facts, people)
    look = partial(environment, facts, policy, now, application=application, people=people, involved=involved)
    floor = Tier.HIGH if application is None or facts.policy_changes else application.tier
    risk = risk_of(facts, policy, application, look(tier=floor) if policy.risk else None)
    policy = _of_emergency(raised(policy, risk.by_policy, risk.tier), risk.tier, facts)
    demanded = policy.tiers[risk.tier]
    asking = kept_from_approving(facts, people, policy, risk.tier, now)
    counted = tally(facts, policy, demanded.approvals, people, involved, asking, heard=demanded.heard)
    seen_as = dict.fromkeys((risk.tier, risk.above)) if policy.rules else ()
    subjects = tuple(look(tier=tier, approvers=counted.approvers) for tier in seen_as)
    context = Context(facts, policy, now, risk.tier, risk, people, involved, asking, counted, application, subjects)
    why_not = partial(
        lapsed, diff=facts.diff, people=people, contributing=involved.because, requesters=facts.requesters
    )
    found = waived([_placed(finding, policy) for finding in findings(context)], _waivers(facts), now, why_not)
    if _passes(found):
        found = (*found, *(_placed(finding, policy) for finding in timing.look(context)))
    if (shared := shared_head.look(context, alone=_passes(found))) is not None:
        found = (*found, _placed(shared, policy))
    # Who asked for a waiver can approve when it is over.
    over = [each.until for each in facts.waivers if asking and each.in_force(now)]
    return Decision(
        head=facts.head.oid,
        mode=_mode(facts, policy, application),
        tier=risk.tier,
        tier_because=risk.because,
        verdict=worst(finding.blocks for finding in found),
        findings=worst_first(list(found)),
        reviews=counted.reviews,
        demands=counted.demands,
        people=_involvements(involved, counted, people),
        next_at=min((*over, *(finding.until for finding in found if finding.until)), default=None),
        raised_from=risk.by_policy if risk.by_policy < risk.tier else None,
    )


def _passes(found: Sequence[Finding]) -> bool:
    return worst(finding.blocks for finding in found) in {Verdict.PASS, Verdict.WAIVED}


def _of_emergency(policy: Policy, tier: Tier, facts: PullRequestFacts) -> Policy:
    """The policy with the approvals that it demands of an emergency, where it names them and the change is one."""
    instead = policy.emergency.approvals
    if not instead or facts.record is None or facts.record.kind != ChangeType.EMERGENCY:
        return policy
    rules = policy.tiers[tier]
    # Whom its tier asks for an approval can still object.
    heard = (*rules.heard, *(group for each in rules.approvals for group in each.groups))
    return replace(policy, tiers={**policy.tiers, tier: replace(rules, approvals=instead, heard=heard)})


def _waivers(facts: PullRequestFacts) -> list[Waiver]:
    return [
        Waiver(
            "",
            each.finding,
            each.reason,
            each.asked_by,
            each.granted_by,
            each.granted_at,
            each.until,
            number=each.number,
            head=each.head,
            diff=each.diff,
        )
        for each in facts.waivers
    ]


def _placed(finding: Finding, policy: Policy) -> Finding:
    """The finding with the controls of the packs that it gives evidence for, observed if the policy says so."""
    family = finding.id.partition(":")[0]
    controls = dict.fromkeys((*policy.controls.get(family, ()), *finding.controls))
    observed = family not in NEVER_OBSERVED and (finding.id in policy.observed or family in policy.observed)
    return replace(finding, controls=tuple(controls), observed=observed)


def own_mode(facts: PullRequestFacts, policy: Policy) -> Mode:
    """The mode that the policy has for the pull request's application."""
    return _of_application(policy, application_of(policy, facts))


def _of_application(policy: Policy, application: Application | None) -> Mode:
    """That of its entry, or the policy's."""
    chosen = application.mode if application is not None else None
    return policy.mode if chosen is None or policy.undecidable or policy.unusable else chosen


def _mode(facts: PullRequestFacts, policy: Policy, application: Application | None) -> Mode:
    """The mode, unless the check is also that of a pull request for which the policy is enforced."""
    return Mode.ENFORCE if any(sibling.enforced for sibling in facts.siblings) else _of_application(policy, application)


def worst_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """What blocks before what waits before what passes; within that, as the controls stand."""
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.blocks]))


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
