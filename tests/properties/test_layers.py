"""Whatever a repository's file says: what the organisation demands is demanded, and merging gives one result."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.changes import cab, emergency
from bot.changes.cab import Outcome
from bot.changes.context import Context
from bot.changes.lifecycle import apply
from bot.changes.model import Act, Applied, Change, Choice, Event, Refused, Request, State
from bot.changes.waivers import Waiver, Wanted, grant
from bot.decide.approvals import bound
from bot.decide.evaluate import decide
from bot.decide.verdict import Decision, Verdict
from bot.facts.model import Account, Named, PullRequestFacts
from bot.policy import layers, packs
from bot.policy.assemble import Source, assemble
from bot.policy.check import check
from bot.policy.contradictions import Known, contradictions
from bot.policy.default import default
from bot.policy.digest import dump
from bot.policy.model import ChangeType, Layer, Mode, OnTimeout, Policy, Role, Tier, TierRules
from bot.policy.schema import PolicyFile
from bot.policy.tiers import within
from tests.properties.policies import (
    PEOPLE,
    ROLES,
    THINGS,
    WENT_AROUND,
    WINDOWS,
    Plain,
    Session,
    changes,
    organisations,
    raised_to,
    repositories,
    sessions,
)
from tests.unit.builders import NOON, account, approved, asked_for_changes, pull_request
from tests.unit.changes.builders import contents

ABOVE, BELOW = Layer("acme/.github:countersign.yml", "a"), Layer("acme/ledger:.github/countersign.yml", "b")
PASSING = {Verdict.PASS, Verdict.WAIVED}


def read(plain: Plain) -> PolicyFile:
    content = PolicyFile.model_validate(plain)
    assert not list(contradictions(content, Known(frozenset(ROLES), frozenset(WINDOWS), frozenset(THINGS))))
    return content


def both(above: Plain, below: Plain, facts: PullRequestFacts) -> tuple[Policy, Policy]:
    """The organisation's policy by itself, and with the repository's file over it."""
    upper = layers.organisation(default(), read(above), ABOVE)
    name = facts.repository.name
    merged, _ = layers.repository(upper, read(below), BELOW, name, facts.properties)
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
@example(
    small(acknowledge=["risk"]),
    {"version": 1, "roles": {"own": ["eva"]}, "acknowledge": ["own"]},
    replace(ONE_APPROVAL, unauthorised=(WENT_AROUND,)),
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


PRESENT = pull_request(
    teams={"ben": ["acme/cab"], "cem": ["acme/cab"], "dee": ["acme/cab"], "eva": [], "fay": ["acme/cab"], "ana": []}
)
APPROVE, REJECT = Choice.APPROVE, Choice.REJECT


def board(cab_of_low: Plain | None = None, *sign_off: str, **parts: Any) -> Plain:
    """An organisation's file with a board; Ben and Eva sign for its role `risk`, and Dee for `security`."""
    rules = {"sign_off": [*sign_off], **({"cab": cab_of_low} if cab_of_low else {})}
    roles = {"security": ["dee"], "risk": ["ben", "eva"], "cab": ["acme/cab"]}
    return small(roles=roles, tiers={"low": rules}, **parts)


def said(*votes: tuple[str, Choice], emergency: bool = False) -> Session:
    """What is said at a board that Zoe asks."""
    return Session(account("zoe"), emergency, tuple((account(who), choice) for who, choice in votes))


@settings(max_examples=300, deadline=None)
@given(organisations, repositories, changes(), sessions())
@example(
    board(emergency={"from": ["write"]}),
    {"version": 1, "roles": {"ecab": ["eva"]}},
    PRESENT,
    said(("eva", APPROVE), emergency=True),
)
@example(
    small(roles={"security": ["dee"], "risk": ["ben"]}, emergency={"from": ["write"]}),
    {"version": 1, "roles": {"cab": ["eva"]}},
    PRESENT,
    said(("eva", APPROVE), emergency=True),
)
@example(
    board({"quorum": 2}),
    {"version": 1, "roles": {"own": ["eva", "ben"]}, "tiers": {"low": {"sign_off": ["own", "risk"]}}},
    PRESENT,
    said(("eva", APPROVE), ("ben", APPROVE)),
)
@example(
    board({"quorum": 2}, "risk"),
    {"version": 1, "roles": {}, "people": [["ben", "cem"]]},
    PRESENT,
    said(("ben", REJECT), ("cem", APPROVE), ("dee", APPROVE), ("eva", APPROVE)),
)
@example(
    board({"quorum": 2}, "risk"),
    {"version": 1, "roles": {}, "people": [["ben", "ana"]]},
    PRESENT,
    said(("ben", REJECT), ("cem", APPROVE), ("dee", APPROVE), ("eva", APPROVE)),
)
@example(
    board({"quorum": 2}, "risk"),
    {"version": 1, "roles": {"risk": ["eva"]}},
    PRESENT,
    said(("ben", REJECT), ("cem", APPROVE), ("dee", APPROVE), ("eva", APPROVE)),
)
@example(
    board(None, "risk", "security"),
    {"version": 1, "roles": {}, "tiers": {"low": {"cab": {"quorum": 1, "timeout": "9 weeks", "on_timeout": "extend"}}}},
    PRESENT,
    said(),
)
@example(
    board({"quorum": 2}),
    {"version": 1, "roles": {}, "tiers": {"low": {"cab": {"quorum": 3}}}},
    PRESENT,
    said(("ben", REJECT), ("cem", REJECT), ("dee", APPROVE), ("fay", APPROVE), ("ben", APPROVE)),
)
@example(
    board({"quorum": 1}, emergency={"from": ["write"]}),
    {"version": 1, "roles": {}, "emergency": {"from": ["write"], "ecab": {"quorum": 2}}},
    PRESENT,
    said(("ben", REJECT), ("cem", APPROVE), ("dee", APPROVE), emergency=True),
)
def test_no_board_approves_what_the_organisations_alone_would_not_approve(
    above: Plain, below: Plain, facts: PullRequestFacts, session: Session
) -> None:
    upper, merged = both(above, below, facts)
    alone, together = decide(facts, upper, NOON).tier, decide(facts, merged, NOON).tier
    kind = ChangeType.EMERGENCY if session.emergency else ChangeType.NORMAL
    wanted, routed = cab.routing(upper, alone, kind), cab.routing(merged, together, kind)
    if not wanted.has_board:
        return
    assert routed.has_board
    assert routed.timeout <= wanted.timeout
    assert list(OnTimeout).index(routed.on_timeout) <= list(OnTimeout).index(wanted.on_timeout)
    if decided(merged, together, kind, facts, session) is Outcome.APPROVED:
        assert decided(upper, alone, kind, facts, session) is Outcome.APPROVED


def decided(policy: Policy, tier: Tier, kind: ChangeType, facts: PullRequestFacts, session: Session) -> Outcome:
    """What the board comes to, which has decided as soon as there is an outcome."""
    policy = bound(policy, facts.names, facts.standings)
    routed = cab.routing(policy, tier, kind)
    members = cab.members(routed.roles, facts.standings, policy)
    change = Change(
        "CHG-2026-0001",
        "pull:77:7",
        contents(tier, kind=kind, routing=routed, contributors=(account("ana"),)),
        opened_at=NOON,
        state=State.AUTHORIZE,
        request=Request(session.asked_by, NOON, routed.roles, members),
        requesters=(session.asked_by,),
        round=1,
    )
    for minute, (who, choice) in enumerate(session.votes):
        outcome = cab.count(change, facts.standings, policy).outcome
        if outcome is not Outcome.OPEN:
            return outcome
        context = Context(policy, NOON + timedelta(minutes=minute), facts.standings)
        found = apply(change, Event(Act.VOTE, who, "So I think.", choice=choice), context)
        change = found.change if isinstance(found, Applied) else change
    return cab.count(change, facts.standings, policy).outcome


@settings(max_examples=100, deadline=None)
@given(organisations, repositories, changes(), sessions(), st.sampled_from([*PEOPLE, "zoe"]))
def test_renaming_an_account_makes_no_other_person_of_it(
    above: Plain, below: Plain, facts: PullRequestFacts, session: Session, who: str
) -> None:
    _, merged = both(above, below, facts)
    names = tuple(Named(login, account(login).id) for login in (*PEOPLE, "zoe"))
    before, tier = replace(facts, names=names), decide(facts, merged, NOON).tier
    standings = tuple(replace(each, account=under_new_login(each.account, who)) for each in facts.standings)
    after = replace(before, standings=standings)
    later = replace(
        session,
        asked_by=under_new_login(session.asked_by, who),
        votes=tuple((under_new_login(voter, who), choice) for voter, choice in session.votes),
    )
    for kind in (ChangeType.NORMAL, ChangeType.EMERGENCY):
        assert decided(merged, tier, kind, after, later) is decided(merged, tier, kind, before, session)
    for each in PEOPLE:
        told = [waiver(each, merged, before), waiver(each, merged, after)]
        assert isinstance(told[0], Waiver) is isinstance(told[1], Waiver)


def under_new_login(each: Account, who: str) -> Account:
    return replace(each, login="new-name") if each.login == who else each


def waiver(who: str, policy: Policy, facts: PullRequestFacts) -> Waiver | Refused:
    """What becomes of a waiver that Ben asks for a change of Ana's, when somebody grants it."""
    wanted = Wanted("pull:77:7", "inventory", "The regulator knows of it.", NOON + timedelta(minutes=1), account("ben"))
    by = next(each.account for each in facts.standings if each.account == account(who))
    policy = bound(policy, facts.names, facts.standings)
    return grant(wanted, by, (account("ana"),), facts.standings, policy, NOON, requesters=facts.requesters)


@settings(max_examples=100, deadline=None)
@given(organisations, repositories, changes())
def test_nobody_may_do_what_they_may_not_by_the_organisations_policy_alone(
    above: Plain, below: Plain, facts: PullRequestFacts
) -> None:
    upper, merged = both(above, below, facts)
    for standing in facts.standings:
        who = standing.account
        granted = [waiver(who.login, policy, facts) for policy in (merged, upper)]
        assert isinstance(granted[0], Refused) or isinstance(granted[1], Waiver)
        declared = [
            emergency.may_declare(
                who,
                "Payments are sent twice.",
                "INC0012345",
                facts.standings,
                bound(policy, facts.names, facts.standings),
            )
            for policy in (merged, upper)
        ]
        assert declared[0] is not None or declared[1] is None
        for role in merged.acknowledging:
            assert role in upper.acknowledging
    assert merged.acknowledging or not upper.acknowledging


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
    assert {*merged.exclusive} >= {*upper.exclusive}
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
    assert merged.emergency.approvals == upper.emergency.approvals
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
    upper = layers.organisation(default(), read(above), ABOVE)
    before = dump(upper)
    first, told = layers.repository(upper, read(below), BELOW, "ledger", facts.properties)
    again, told_again = layers.repository(upper, read(below), BELOW, "ledger", facts.properties)
    assert dump(first) == dump(again)
    assert told == told_again
    assert dump(upper) == before


@settings(max_examples=100, deadline=None)
@given(repositories, changes())
def test_what_a_repository_demands_is_demanded_whatever_names_the_organisation_takes_away(
    below: Plain, facts: PullRequestFacts
) -> None:
    own = Source("acme/ledger:.github/countersign.yml", "b", json.dumps(below, ensure_ascii=False))
    assume(
        check(own.text, own.origin, known_roles=ROLES, known_windows=WINDOWS, known_things=THINGS).content is not None
    )
    made = assemble(
        default(),
        organisation=Source("acme/.github:countersign.yml", "a", "version: 1"),
        repository=own,
        last_good={own.origin: own},
        repository_name=facts.repository.name,
    ).policy
    assert made.unusable == ""
    assert made.layers[-1].origin == own.origin
    assert made.mode is Mode(below.get("mode", "observe"))
    for tier in Tier:
        wanted = below.get("tiers", {}).get(tier.label, {})
        rules = made.tiers[tier]
        assert {*rules.sign_off} >= {*wanted.get("sign_off", ())}
        assert {name for names in rules.windows for name in names} >= {*wanted.get("windows", ())}
        assert sum(each.count for each in rules.approvals) >= sum(each["count"] for each in wanted.get("approvals", ()))
        assert rules.cab is not None or "cab" not in wanted
        assert rules.verification is not None or "verification" not in wanted
