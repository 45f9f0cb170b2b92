"""What a policy demands of a change of a tier, in sentences. Pure."""

from collections.abc import Iterator
from typing import assert_never

from bot.decide.approvals import label
from bot.policy.model import Approvals, Cab, OnTimeout, Policy, Tier, TierRules
from bot.words import counted, listed, spoken


def demanded(policy: Policy, tier: Tier) -> tuple[str, ...]:
    """A sentence for each demand, in the order of a change's life."""
    rules = policy.tiers[tier]
    apart = [pair.roles for pair in policy.separation if tier in pair.tiers]
    return (
        f"It is a change of type {rules.change}.",
        *_before_the_merge(policy, rules, signed=tier in policy.checks.signed),
        *_before_the_release(policy, rules),
        *_at_the_release(policy, rules),
        *[f"Nobody is both {' and '.join(sorted(roles))} of it." for roles in apart],
    )


def _before_the_merge(policy: Policy, rules: TierRules, *, signed: bool) -> Iterator[str]:
    for demand in rules.approvals:
        yield f"{_approve(demand, policy)}."
    if policy.emergency.approvals:
        instead = [_approve(each, policy) for each in policy.emergency.approvals]
        yield f"In an emergency, instead of that, {listed(instead)}."
    if signed:
        yield "Every commit is signed."


def _approve(demand: Approvals, policy: Policy) -> str:
    people = "1 person" if demand.count == 1 else f"{demand.count} people"
    return f"{people} with {label(demand, policy)} {'approves' if demand.count == 1 else 'approve'}"


def _before_the_release(policy: Policy, rules: TierRules) -> Iterator[str]:
    if rules.plans:
        yield f"Its record has these plans: {listed([*rules.plans])}."
    if rules.sign_off:
        named = [_role(role, policy) for role in rules.sign_off]
        yield f"{listed(named)} {'signs' if len(named) == 1 else 'sign, each by another person'}."
    if rules.cab is not None:
        yield _board(rules.cab, policy)
    for windows in rules.windows:
        yield f"It is released in the window {' or '.join(windows)}."


def _at_the_release(policy: Policy, rules: TierRules) -> Iterator[str]:
    for rate in rules.deployments:
        yield f"Its application has at most {counted(rate.at_most, 'deployment')} within {spoken(rate.per)}."
    if rules.cool_down:
        yield f"After it, nothing is deployed for {spoken(rules.cool_down)}."
    if rules.pairing:
        yield "Whoever deploys it has somebody beside them."
    if rules.verification is not None:
        who = label(Approvals(1, rules.verification.groups), policy)
        yield f"Somebody with {who} confirms it within {spoken(rules.verification.within)}."


def _role(role: str, policy: Policy) -> str:
    return f"{role} ({', '.join(policy.roles.get(role, ())) or 'held by nobody'})"


def _board(cab: Cab, policy: Policy) -> str:
    votes = "1 member of the board votes" if cab.quorum == 1 else f"{cab.quorum} members of the board vote"
    return f"{votes} for it within {spoken(cab.timeout)}, or {_end(cab, policy)}."


def _end(cab: Cab, policy: Policy) -> str:
    """What becomes of a change that the board did not decide about in time."""
    match cab.on_timeout:
        case OnTimeout.REJECT:
            return "it is rejected"
        case OnTimeout.EXTEND:
            return "the board is called again, and the time begins anew"
        case OnTimeout.ESCALATE if cab.escalate_to:
            named = listed([_role(role, policy) for role in cab.escalate_to])
            return f"{named} {'decides' if len(cab.escalate_to) == 1 else 'decide'} with them in as much time again"
        case OnTimeout.ESCALATE:
            return "the board is called once more, with as much time again"
        case _:
            assert_never(cab.on_timeout)
