"""Whatever a repository's file says: what the organisation demands is demanded, and merging gives one result."""

from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings

from bot.decide.evaluate import decide
from bot.decide.verdict import Decision, Verdict
from bot.facts.model import PullRequestFacts
from bot.policy import layers, packs
from bot.policy.contradictions import contradictions
from bot.policy.default import default
from bot.policy.digest import dump
from bot.policy.model import Layer, Mode, OnTimeout, Policy, Role, Tier, TierRules
from bot.policy.schema import PolicyFile
from bot.policy.tiers import within
from tests.properties.policies import ROLES, WINDOWS, Plain, changes, organisations, raised_to, repositories
from tests.unit.builders import NOON, approved, asked_for_changes, pull_request

ABOVE, BELOW = Layer("acme/.github:countersign.yml", "a"), Layer("acme/ledger:.github/countersign.yml", "b")
PASSING = {Verdict.PASS, Verdict.WAIVED}


def content(plain: Plain) -> PolicyFile:
    read = PolicyFile.model_validate(plain)
    assert not list(contradictions(read, ROLES, WINDOWS))
    return read


def both(above: Plain, below: Plain, facts: PullRequestFacts) -> tuple[Policy, Policy]:
    """The organisation's policy by itself, and with the repository's file over it."""
    upper = layers.organisation(default(), content(above), ABOVE)
    name = facts.repository.name
    merged, _ = layers.repository(upper, content(below), BELOW, name, facts.properties)
    return _with_packs(upper), _with_packs(merged)


def _with_packs(policy: Policy) -> Policy:
    return layers.with_packs(policy, [packs.load(name) for name in policy.packs])


def blocks(decision: Decision) -> bool:
    return decision.mode is Mode.ENFORCE and decision.verdict not in PASSING


def small(**parts: Any) -> Plain:
    """An organisation's file that enforces, with a low application and these parts."""
    roles = {"security": ["acme/appsec"], "risk": ["ben"], "cab": []}
    inventory = [{"name": "one", "repositories": ["ledger"], "tier": "low"}]
    return {"version": 1, "mode": "enforce", "roles": roles, "applications": inventory, **parts}


RAISES: Plain = {
    "version": 1,
    "roles": {},
    "applications": [{"name": "one", "repositories": ["ledger"], "tier": "high"}],
}
SOFT_HIGH = {
    "low": {"approvals": [{"count": 2, "from": ["write"]}]},
    "high": {"approvals": [{"count": 1, "from": ["write"]}]},
}
ONE_APPROVAL = pull_request(reviews=[approved("ben")])


@settings(max_examples=100, deadline=None)
@given(organisations, repositories, changes())
@example(small(tiers=SOFT_HIGH), RAISES, ONE_APPROVAL)
@example(
    small(tiers=SOFT_HIGH),
    {"version": 1, "roles": {}, "risk": {"raise": [{"id": "x", "to": "high", "when": "true"}]}},
    ONE_APPROVAL,
)
@example(
    small(rules=[{"id": "x", "when": 'change.tier == "low"', "require": "false", "message": "No."}]),
    RAISES,
    ONE_APPROVAL,
)
@example(
    small(risk={"raise": [{"id": "x", "to": "medium", "when": 'application.tier == "low"'}]}), RAISES, ONE_APPROVAL
)
@example(
    small(
        applications=[
            {"name": "one", "repositories": ["ledger"], "tier": "low", "mode": "observe"},
            {"name": "two", "repositories": ["ledger"], "tier": "medium"},
        ]
    ),
    RAISES,
    pull_request(),
)
@example(
    small(),
    {"version": 1, "roles": {}, "tiers": {"low": {"approvals": [{"count": 1, "from": ["admin"]}]}}},
    pull_request(reviews=[asked_for_changes("ben")]),
)
def test_nothing_passes_that_the_organisations_policy_alone_would_not_pass(
    above: Plain, below: Plain, facts: PullRequestFacts
) -> None:
    upper, merged = both(above, below, facts)
    alone, together = decide(facts, upper, NOON), decide(facts, merged, NOON)
    assert together.tier >= alone.tier
    assert blocks(together) or not blocks(alone)
    assert alone.verdict in PASSING or together.verdict not in PASSING
    still = {each.id: each.blocks for each in together.findings}
    for each in alone.findings:
        assert each.blocks in PASSING or still.get(each.id, Verdict.PASS) not in PASSING, each.id
    # Whatever tier the change now has: what its tier demanded before is demanded.
    if Verdict.FAIL not in {each.verdict for each in together.findings if each.id == "risk"}:
        at_least_as_strict(upper.tiers[alone.tier], merged.tiers[together.tier])
        assert kept_apart(merged, together.tier) >= kept_apart(upper, alone.tier)
        assert (together.tier in merged.checks.signed) >= (alone.tier in upper.checks.signed)


def kept_apart(policy: Policy, tier: Tier) -> set[frozenset[Role]]:
    return {each.roles for each in policy.separation if tier in each.tiers}


def at_least_as_strict(upper: TierRules, merged: TierRules) -> None:
    assert sum(each.count for each in merged.approvals) >= sum(each.count for each in upper.approvals)
    assert merged.change in {upper.change, "normal"} or upper.change == "emergency"
    assert {*merged.sign_off} >= {*upper.sign_off}
    assert {*merged.plans} >= {*upper.plans}
    assert {*merged.windows} >= {*upper.windows}
    assert {*merged.deployments} >= {*upper.deployments}
    assert merged.cool_down >= upper.cool_down
    assert merged.pairing or not upper.pairing
    if upper.cab is not None:
        assert merged.cab is not None
        assert merged.cab.quorum >= upper.cab.quorum
        assert merged.cab.timeout <= upper.cab.timeout
        assert list(OnTimeout).index(merged.cab.on_timeout) <= list(OnTimeout).index(upper.cab.on_timeout)
        assert upper.cab.reviews or not merged.cab.reviews
        if merged.cab.on_timeout is OnTimeout.ESCALATE:
            assert {*merged.cab.escalate_to} <= {*upper.cab.escalate_to}
    if upper.verification is not None:
        assert merged.verification is not None
        assert merged.verification.within <= upper.verification.within
        groups, known = merged.verification.groups, upper.verification.groups
        shared = [each for each in groups if any(within(each, other) for other in known)]
        # Of two tiers that ask different people, those of the higher one confirm the change.
        assert groups
        assert shared in ([*groups], [])


def _narrower(upper: tuple[str, ...], merged: tuple[str, ...]) -> None:
    assert all(any(within(each, known) for known in upper) for each in merged)


@settings(max_examples=100, deadline=None)
@given(organisations, repositories, changes())
def test_nothing_that_is_demanded_becomes_less(above: Plain, below: Plain, facts: PullRequestFacts) -> None:
    upper, merged = both(above, below, facts)
    for tier in Tier:
        at_least_as_strict(upper.tiers[tier], merged.tiers[tier])
    kept = {each.roles: each.tiers for each in merged.separation}
    assert all(kept[each.roles] >= each.tiers for each in upper.separation)
    assert merged.retention_days >= upper.retention_days
    assert {*merged.packs} >= {*upper.packs}
    assert {*merged.evidence} >= {*upper.evidence}
    assert {*merged.rules} >= {*upper.rules}
    assert {*merged.risk} >= {*upper.risk}
    assert all(any({*person} <= {*known} for known in merged.people) for person in upper.people)
    assert all({*merged.roles[role]} <= {*holders} for role, holders in upper.roles.items())
    same = ("observed", "records", "templates", "undecidable")
    assert [getattr(merged, name) for name in same] == [getattr(upper, name) for name in same]
    assert {*merged.acknowledging} <= {*upper.acknowledging}
    assert {*merged.waivers.groups} <= {*upper.waivers.groups}
    assert merged.waivers.at_most <= upper.waivers.at_most
    _narrower(upper.emergency.groups, merged.emergency.groups)
    assert merged.emergency.quorum >= upper.emergency.quorum
    assert merged.emergency.review_within <= upper.emergency.review_within
    assert merged.emergency.lasts <= upper.emergency.lasts
    assert merged.mode is Mode.ENFORCE or upper.mode is Mode.OBSERVE


@settings(max_examples=60, deadline=None)
@given(organisations, repositories, changes())
def test_nothing_is_looked_for_less_and_no_window_is_wider(above: Plain, below: Plain, facts: PullRequestFacts) -> None:
    upper, merged = both(above, below, facts)
    open_when = dict(merged.calendar.windows)
    assert all({*open_when[name]} >= {*whole} for name, whole in upper.calendar.windows)
    assert {*merged.calendar.freezes} >= {*upper.calendar.freezes}
    assert (merged.calendar.timezone, merged.calendar.holidays) == (upper.calendar.timezone, upper.calendar.holidays)
    assert merged.reviews.carry_over in {"never", upper.reviews.carry_over}
    assert merged.reviews.member_for >= upper.reviews.member_for
    assert merged.reviews.quick >= upper.reviews.quick
    assert merged.reviews.large <= upper.reviews.large
    assert merged.reviews.pair <= upper.reviews.pair
    before, after = upper.checks, merged.checks
    assert after.secrets_config == before.secrets_config
    assert after.infrastructure.retention_days >= before.infrastructure.retention_days
    assert after.infrastructure.encryption or not before.infrastructure.encryption
    assert after.infrastructure.access_logging or not before.infrastructure.access_logging
    assert {*after.infrastructure.tags} >= {*before.infrastructure.tags}
    assert {*after.dependencies_denied} >= {*before.dependencies_denied}
    assert {*after.licences_denied} >= {*before.licences_denied}
    assert after.actions_pinned or not before.actions_pinned
    assert after.signed >= before.signed
    if before.actions_allowed is not None:
        assert after.actions_allowed is not None
        assert {*after.actions_allowed} <= {*before.actions_allowed}


@settings(max_examples=100, deadline=None)
@given(organisations, repositories, changes())
@example(small(tiers=SOFT_HIGH), {"version": 1, "roles": {}}, replace(ONE_APPROVAL, instructions=(raised_to("high"),)))
def test_nobody_makes_a_change_pass_by_raising_it(above: Plain, below: Plain, facts: PullRequestFacts) -> None:
    _, merged = both(above, below, facts)
    unraised = decide(replace(facts, instructions=()), merged, NOON)
    decision = decide(facts, merged, NOON)
    assert decision.tier >= unraised.tier
    assert unraised.verdict in PASSING or decision.verdict not in PASSING


@settings(max_examples=40, deadline=None)
@given(organisations, repositories, changes())
def test_merging_gives_one_result_and_leaves_the_organisations_policy_alone(
    above: Plain, below: Plain, facts: PullRequestFacts
) -> None:
    upper = layers.organisation(default(), content(above), ABOVE)
    before = dump(upper)
    first, told = layers.repository(upper, content(below), BELOW, "ledger", facts.properties)
    again, told_again = layers.repository(upper, content(below), BELOW, "ledger", facts.properties)
    assert dump(first) == dump(again)
    assert told == told_again
    assert dump(upper) == before
