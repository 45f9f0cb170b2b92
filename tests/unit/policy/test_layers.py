"""What a repository's file can change: tighten, never loosen."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.policy import layers, packs
from bot.policy.check import check
from bot.policy.model import (
    Above,
    Application,
    Approvals,
    Cab,
    Calendar,
    CarryOver,
    ChangeType,
    Checks,
    Emergency,
    Evidence,
    Freeze,
    Infrastructure,
    Layer,
    Mode,
    OnTimeout,
    Plan,
    Policy,
    Rate,
    Records,
    Reviews,
    RiskRule,
    Role,
    Rule,
    System,
    Template,
    Tier,
    TierRules,
    Verification,
    Waivers,
    Window,
)
from bot.policy.schema import PolicyFile
from bot.policy.tightening import Loosening
from tests.unit.builders import demand, policy

LAYER = Layer("acme/ledger:.github/countersign.yml", "b10b")


def content(text: str, **known: Any) -> PolicyFile:
    checked = check("version: 1\n" + text, "o", known_roles=("security", "risk"), **known)
    assert checked.content is not None, checked.problems
    return checked.content


def over(upper: Policy, text: str) -> tuple[Policy, tuple[Loosening, ...]]:
    return layers.repository(upper, content(text), LAYER, "ledger")


def low(rules: Policy) -> tuple[Approvals, ...]:
    return rules.tiers[Tier.LOW].approvals


def test_an_organisation_replaces_what_it_names_and_keeps_the_rest() -> None:
    upper = policy(demand(2, "write"))
    text = "mode: observe\ntiers: {low: {approvals: [{count: 1, from: [admin, admin]}]}}\nroles: {risk: [b/c, b/c, A]}"
    merged = layers.organisation(upper, content(text), LAYER)
    assert merged.mode is Mode.OBSERVE
    assert low(merged) == (demand(1, "admin"),)
    assert merged.tiers[Tier.HIGH].approvals == (demand(2, "write"),)
    assert merged.roles == {"security": ("acme/appsec",), "risk": ("a", "b/c")}
    assert merged.applications == upper.applications
    assert merged.layers == (LAYER,)


def test_an_organisations_inventory_takes_the_place_of_the_built_in_one() -> None:
    merged = layers.organisation(policy(), content("applications: [{name: a, repositories: [b-*], tier: high}]"), LAYER)
    assert merged.applications == (Application("a", ("b-*",), Tier.HIGH),)
    assert merged.mode is Mode.ENFORCE


def test_a_repository_may_enforce_what_the_organisation_only_observes() -> None:
    merged, loosening = over(policy(mode=Mode.OBSERVE), "mode: enforce")
    assert merged.mode is Mode.ENFORCE
    assert loosening == ()


def test_a_repository_may_observe_where_the_organisation_does() -> None:
    merged, loosening = over(policy(mode=Mode.OBSERVE), "mode: observe")
    assert (merged.mode, loosening) == (Mode.OBSERVE, ())


def test_a_repository_cannot_only_observe_what_the_organisation_enforces() -> None:
    merged, loosening = over(policy(), "mode: observe")
    assert merged.mode is Mode.ENFORCE
    assert loosening == ((("mode",), "The organisation enforces its policy; a repository cannot only observe."),)


def test_a_repositorys_demands_are_added_to_the_organisations() -> None:
    merged, _ = over(policy(demand(1, "write")), "tiers: {low: {approvals: [{count: 1, from: [security]}]}}")
    assert low(merged) == (demand(1, "write"), demand(1, "security"))
    assert merged.tiers[Tier.HIGH].approvals == (demand(1, "write"),)


def test_of_two_demands_for_the_same_groups_the_higher_holds() -> None:
    upper = policy(demand(2, "write", "security"))
    more, _ = over(upper, "tiers: {low: {approvals: [{count: 3, from: [security, write]}]}}")
    fewer, _ = over(upper, "tiers: {low: {approvals: [{count: 1, from: [security, write]}]}}")
    assert low(more) == (demand(3, "write", "security"),)
    assert low(fewer) == (demand(2, "write", "security"),)


def test_two_demands_of_the_organisation_for_the_same_groups_stay_two_people() -> None:
    upper = policy(demand(1, "security"), demand(1, "security"))
    merged, _ = over(upper, "tiers: {low: {approvals: [{count: 1, from: [security]}]}}")
    assert low(merged) == (demand(2, "security"),)


def test_a_repository_adds_roles_of_its_own() -> None:
    merged, loosening = over(policy(), "roles: {owners: [acme/ledger-owners]}")
    assert merged.roles["owners"] == ("acme/ledger-owners",)
    assert loosening == ()
    known, _ = over(policy(roles={"security": ["acme/appsec"]}), "roles: {owners: [sam], security: [acme/appsec]}")
    assert (known.own_roles, known.organisation_roles) == (("owners",), ("security",))


def test_a_repository_narrows_a_role_and_who_is_narrowed_out_can_still_object() -> None:
    upper = policy(roles={"security": ["acme/appsec", "sam"]})
    merged, loosening = over(upper, "roles: {security: [sam]}")
    assert merged.roles["security"] == ("sam",)
    assert merged.dropped == ("acme/appsec",)
    assert merged.teams == {"acme/appsec"}
    assert loosening == ()


def test_a_repository_cannot_add_holders_to_a_role() -> None:
    merged, loosening = over(policy(), "roles: {security: [acme/appsec, eve]}")
    assert merged.roles["security"] == ("acme/appsec",)
    assert loosening == (
        (("roles", "security"), "The organisation says who is `security`; a repository cannot add eve."),
    )


def test_a_repository_says_nothing_of_who_is_on_a_board_that_the_organisation_has_not() -> None:
    merged, loosening = over(policy(roles={}), "roles: {ecab: [eve], cab: [eve], mine: [eve]}")
    assert merged.roles == {"mine": ("eve",)}
    assert loosening == (
        (("roles", "ecab"), "Only the organisation says who is `ecab`."),
        (("roles", "cab"), "Only the organisation says who is `cab`."),
    )
    narrowed, loosening = over(policy(roles={"cab": ["cleo", "cora"], "ecab": ["emil"]}), "roles: {cab: [cleo]}")
    assert (narrowed.roles, loosening) == ({"cab": ("cleo",), "ecab": ("emil",)}, ())


def test_who_may_object_is_for_the_organisation_to_say() -> None:
    upper = policy(roles={"security": ["sam", "sue"]}, people=[["ana", "ana-admin"]])
    merged, _ = over(upper, "roles: {security: [sam], mine: [eve]}\npeople: [[sam, eve]]")
    assert merged.above == Above(upper.roles, upper.people)
    assert merged.objecting.roles == {"security": ("sam", "sue"), "mine": ("eve",)}
    assert merged.objecting.people == upper.people
    same, _ = over(upper, "roles: {security: [sam, sue], mine: [eve]}\npeople: [[ana, ana-admin]]")
    assert same.above is None
    assert same.objecting is same


def test_nobody_who_could_acknowledge_is_left_is_no_way_to_have_nothing_asked() -> None:
    upper = replace(policy(roles={"risk": ["rick"]}), acknowledging=("risk",))
    merged, [(place, sentence)] = over(upper, "roles: {mine: [bob]}\nacknowledge: [mine]")
    assert merged.acknowledging == ("risk",)
    assert (place, sentence) == (("acknowledge",), ADDS.format("may acknowledge", "mine"))


def test_accounts_of_one_person_are_joined_over_both_files() -> None:
    merged, _ = over(policy(people=[["ana", "ana-admin"], ["cem", "cem-admin"]]), "people: [[ana, ana-old]]")
    assert merged.people == (("ana", "ana-admin", "ana-old"), ("cem", "cem-admin"))


def test_a_repository_raises_its_own_tier() -> None:
    merged, loosening = over(policy(tier="low"), "applications: [{name: payments, repositories: [x], tier: high}]")
    assert merged.raised is Tier.HIGH
    assert merged.applications == policy(tier="low").applications
    assert loosening == ()


def test_a_raised_tier_demands_what_both_tiers_demand() -> None:
    upper = policy(demand(1, "write"), tier="low")
    tiers = {**upper.tiers, Tier.LOW: type(upper.tiers[Tier.LOW])((demand(2, "admin"),))}
    odd = type(upper)(**{**{name: getattr(upper, name) for name in upper.__slots__}, "tiers": tiers})
    merged, _ = over(odd, "applications: [{name: payments, repositories: [x], tier: medium}]")
    assert merged.tiers[Tier.MEDIUM].approvals == (demand(2, "admin"),)
    assert merged.tiers[Tier.HIGH].approvals == (demand(1, "write"),)


def test_a_repository_cannot_lower_its_tier() -> None:
    merged, loosening = over(policy(tier="high"), "applications: [{name: payments, repositories: [ledger], tier: low}]")
    assert merged.applications == policy(tier="high").applications
    assert loosening == (
        (("applications", 0, "tier"), "`payments` is of tier high; a repository can raise its tier, not lower it."),
    )


def test_a_repository_may_repeat_its_tier() -> None:
    merged, loosening = over(policy(tier="high"), "applications: [{name: payments, repositories: [x], tier: high}]")
    assert (merged.applications, loosening) == (policy(tier="high").applications, ())


def test_a_repository_cannot_put_itself_into_the_inventory() -> None:
    merged, loosening = over(policy(in_inventory=False), "applications: [{name: mine, repositories: [l], tier: low}]")
    assert merged.applications == ()
    assert loosening == (
        (("applications", 0), "Only the organisation adds applications; it has no `mine` with this repository."),
    )


def test_separations_are_added_and_the_built_in_one_stays_for_every_tier() -> None:
    pair = frozenset({Role.CONTRIBUTOR, Role.APPROVER})
    merged, _ = over(policy(), "separation: [{roles: [approver, contributor], tiers: [high]}]")
    assert [(each.roles, each.tiers) for each in merged.separation] == [(pair, frozenset(Tier))]
    everywhere, _ = over(policy(), "separation: [{roles: [approver, contributor]}]")
    assert everywhere.separation == merged.separation


# Every other key: what tightens is merged, what would loosen is refused with a sentence at its place.

ORGANISATION = """
mode: enforce
observe: [inventory]
packs: [sox]
roles: {security: [acme/appsec], risk: [acme/risk], cab: [acme/cab], verifier: [acme/verification], release: [ben]}
applications: [{name: payments, repositories: [ledger], tier: low, configuration_item: CI0012345}]
risk: {raise: [{id: large, to: high, when: lines_changed > 500}]}
tiers:
  low:
    change: standard
    approvals: [{count: 2, from: [write]}]
    sign_off: [risk]
    cab: {quorum: 2, timeout: 1 day, on_timeout: escalate, escalate_to: [risk, security]}
    plans: [test]
    windows: [weekend]
    deployments: {at_most: 2, per: 1 week}
    cool_down: 24 hours
    verification: {from: [verifier, write], within: 4 hours}
reviews: {carry_over: same-diff, member_for: 7 days, quick: 2 minutes, large: 400, pair: 8}
separation: [{roles: [deployer, verifier], tiers: [low]}]
calendar:
  timezone: Europe/London
  holidays: GB-ENG
  windows: {weekend: {rrule: FREQ=WEEKLY;BYDAY=SA, duration: 4 hours}}
  freezes: [{name: end, rrule: FREQ=YEARLY;BYMONTH=12, duration: 5 days, except: [emergency]}]
checks:
  secrets: {config: a.toml}
  infrastructure: {retention_days: 100, tags: [a]}
  dependencies: {deny: ['pkg:npm/a'], licences: {deny: [MIT]}}
  workflows: {allow: [actions/*, acme/*]}
  signatures: {required: [low]}
evidence: [{kind: junit, at_most: {failures: 0}}]
emergency: {from: [write, release], ecab: {quorum: 2}, review_within: 3 days, lasts: 4 hours}
waivers: {from: [risk, security], at_most: 30 days}
acknowledge: [risk, security]
exclusive: [[payments, CI0012345]]
records: {system: jira, fields: {a: b}, extra: {c: d}, values: {e: {f: g}}}
audit: {retention_days: 1000}
standard: [{id: texts, title: Texts, paths: ['^texts/'], lines: 9, expires: 2027-01-01}]
rules: [{id: own, require: 'true', message: m}]
"""


def organisation() -> Policy:
    checked = check("version: 1" + ORGANISATION, "o")
    assert checked.content is not None, checked.problems
    return layers.organisation(policy(), checked.content, LAYER)


def repository(text: str) -> tuple[Policy, tuple[Loosening, ...]]:
    upper = organisation()
    windows = [name for name, _ in upper.calendar.windows]
    checked = check(
        "version: 1\n" + text, "o", known_roles=upper.roles, known_windows=windows, known_things=upper.things
    )
    assert checked.content is not None, checked.problems
    return layers.repository(upper, checked.content, LAYER, "ledger")


HOUR = timedelta(hours=1)
WEEKEND = Window("FREQ=WEEKLY;BYDAY=SA", 4 * HOUR)
END = Freeze("end", "FREQ=YEARLY;BYMONTH=12", timedelta(days=5), excepted=(ChangeType.EMERGENCY,))


def test_every_key_of_the_organisations_file_becomes_a_value() -> None:
    made = organisation()
    assert made.tiers[Tier.LOW] == TierRules(
        approvals=(demand(2, "write"),),
        change=ChangeType.STANDARD,
        sign_off=("risk",),
        cab=Cab(2, timedelta(days=1), OnTimeout.ESCALATE, reviews=False, escalate_to=("risk", "security")),
        plans=(Plan.TEST,),
        windows=(("weekend",),),
        deployments=(Rate(2, timedelta(days=7)),),
        cool_down=24 * HOUR,
        verification=Verification(("verifier", "write"), 4 * HOUR),
    )
    assert made.reviews == Reviews(CarryOver.SAME_DIFF, timedelta(days=7), timedelta(minutes=2), 400, 8)
    assert made.calendar == Calendar("Europe/London", "GB-ENG", (("weekend", (WEEKEND,)),), (END,))
    assert made.checks == Checks(
        "a.toml", Infrastructure(100, tags=("a",)), ("pkg:npm/a",), ("MIT",), False, ("actions/*", "acme/*"), frozenset({Tier.LOW})
    )  # fmt: skip
    assert made.evidence == (Evidence("junit", at_most=(("failures", 0.0),)),)
    assert made.emergency == Emergency(("write", "release"), 2, timedelta(days=3), 4 * HOUR)
    assert made.waivers == Waivers(("risk", "security"), timedelta(days=30))
    assert made.acknowledging == ("risk", "security")
    assert made.records == Records(System.JIRA, (("a", "b"),), (("c", "d"),), (("e", (("f", "g"),)),))
    assert made.templates == (Template("texts", "Texts", ("^texts/",), 9, date(2027, 1, 1)),)
    assert made.risk == (RiskRule("large", Tier.HIGH, "lines_changed > 500"),)
    assert made.rules == (Rule("own", "true", "true", "m"),)
    assert (made.packs, made.observed, made.retention_days) == (("sox",), ("inventory",), 1000)


SAYS = "The organisation says {}; a repository can only be stricter."
ADDS = "The organisation says who {}; a repository cannot add {}."
LOW = ("tiers", "low")


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("observe: [inventory, draft]", ("observe", 1), "Only the organisation can have `draft` observed."),
        ("applications: [{name: payments, repositories: [x], tier: low, mode: observe}]", ("applications", 0, "mode"), "Only the organisation can have an application observed."),
        ("risk: {raise: [{id: large, to: high, when: lines_changed > 900}]}", ("risk", "raise", 0, "id"), "The organisation has a rule `large`; give this one another id."),
        ("rules: [{id: own, require: 'false', message: m}]", ("rules", 0, "id"), "The organisation has a rule `own`; give this one another id."),
        ("standard: [{id: more, title: More, paths: [a], lines: 1, expires: 2027-01-01}]", ("standard", 0), "Only the organisation can authorise standard changes."),
        ("records: {system: register}", ("records",), "Only the organisation says where change records are kept."),
        ("records: {system: servicenow, carry_votes: true}", ("records",), "Only the organisation says where change records are kept."),
        ("audit: {retention_days: 999}", ("audit", "retention_days"), SAYS.format("that records are kept for 1000 days")),
        ("acknowledge: [cab]", ("acknowledge",), ADDS.format("may acknowledge", "cab")),
        ("tiers: {medium: {change: standard}}", ("tiers", "medium", "change"), SAYS.format("that this is a change of type normal")),
        ("tiers: {low: {cool_down: 23 hours}}", (*LOW, "cool_down"), SAYS.format("that nothing follows for 1 day")),
        ("tiers: {low: {cab: {quorum: 1}}}", (*LOW, "cab", "quorum"), SAYS.format("that the board needs 2 for a change")),
        ("tiers: {low: {cab: {quorum: 2, timeout: 3 days}}}", (*LOW, "cab", "timeout"), SAYS.format("that the board has 1 day")),
        ("tiers: {low: {cab: {quorum: 2, on_timeout: extend}}}", (*LOW, "cab", "on_timeout"), SAYS.format("what happens when the time is over")),
        ("tiers: {low: {cab: {quorum: 2, reviews: true}}}", (*LOW, "cab", "reviews"), SAYS.format("that a review is not a vote")),
        ("tiers: {low: {cab: {quorum: 2, on_timeout: escalate, escalate_to: [risk, security, release]}}}", (*LOW, "cab", "escalate_to"), ADDS.format("decides after an escalation", "release")),
        ("tiers: {low: {verification: {from: [verifier, write], within: 5 hours}}}", (*LOW, "verification", "within"), SAYS.format("that a change is verified within 4 hours")),
        ("tiers: {low: {verification: {from: [security], within: 4 hours}}}", (*LOW, "verification", "from"), ADDS.format("verifies", "security")),
        ("reviews: {member_for: 6 days}", ("reviews", "member_for"), SAYS.format("when an approval counts or is reported")),
        ("reviews: {quick: 1 minute}", ("reviews", "quick"), SAYS.format("when an approval counts or is reported")),
        ("reviews: {large: 401}", ("reviews", "large"), SAYS.format("when an approval counts or is reported")),
        ("reviews: {pair: 9}", ("reviews", "pair"), SAYS.format("when an approval counts or is reported")),
        ("calendar: {timezone: UTC}", ("calendar", "timezone"), "Only the organisation sets the calendar's timezone."),
        ("calendar: {holidays: DE}", ("calendar", "holidays"), "Only the organisation sets the calendar's holidays."),
        ("checks: {secrets: {config: b.toml}}", ("checks", "secrets", "config"), "Only the organisation says how secrets are looked for."),
        ("checks: {workflows: {allow: [actions/*, acme/*, eve/*]}}", ("checks", "workflows", "allow"), ADDS.format("may be used", "eve/*")),
        ("emergency: {from: [write, release, risk]}", ("emergency", "from"), ADDS.format("declares emergencies", "risk")),
        ("emergency: {from: [write, release], ecab: {quorum: 1}}", ("emergency", "ecab"), SAYS.format("that 2 of the board decide about an emergency")),
        ("emergency: {from: [write, release], approvals: [{count: 3, from: [write]}]}", ("emergency", "approvals"), "Only the organisation says which approvals an emergency needs."),
        ("emergency: {from: [write, release], review_within: 4 days}", ("emergency", "review_within"), SAYS.format("that an emergency is looked back at within 3 days")),
        ("emergency: {from: [write, release], lasts: 5 hours}", ("emergency", "lasts"), SAYS.format("that an emergency stands for 4 hours")),
        ("waivers: {from: [risk, security, cab]}", ("waivers", "from"), ADDS.format("grants waivers", "cab")),
        ("waivers: {from: [risk, security], at_most: 31 days}", ("waivers", "at_most"), SAYS.format("that a waiver holds for 30 days at most")),
    ],
)  # fmt: skip
def test_what_would_loosen_is_refused_at_its_place_and_changes_nothing(
    text: str, place: tuple[str | int, ...], sentence: str
) -> None:
    merged, loosening = repository(text)
    assert loosening == ((place, sentence),)
    assert merged == replace(organisation(), layers=(LAYER, LAYER))


def merged(text: str) -> Policy:
    made, loosening = repository(text)
    assert loosening == ()
    return made


def tier(text: str) -> TierRules:
    return merged(f"tiers: {{low: {{{text}}}}}").tiers[Tier.LOW]


def test_a_tier_is_tightened_key_by_key() -> None:
    low = organisation().tiers[Tier.LOW]
    assert tier("change: normal").change is ChangeType.NORMAL
    assert tier("sign_off: [security, risk]").sign_off == ("risk", "security")
    assert tier("plans: [impact, backout]").plans == (Plan.TEST, Plan.BACKOUT, Plan.IMPACT)
    assert tier("windows: [weekend]").windows == (("weekend",),)
    assert tier("deployments: {at_most: 5, per: 1 day}").deployments == (*low.deployments, Rate(5, 24 * HOUR))
    assert tier("cool_down: 2 days").cool_down == 48 * HOUR
    assert tier("pairing: true").pairing
    assert tier("approvals: [{count: 1, from: [admin]}]").approvals == (demand(1, "write"), demand(1, "admin"))


def test_a_board_is_tightened_and_what_is_not_said_of_it_stays() -> None:
    both = ("risk", "security")
    assert tier("cab: {quorum: 3}").cab == Cab(3, 24 * HOUR, OnTimeout.ESCALATE, escalate_to=both, against=2)
    assert tier("cab: {quorum: 2, timeout: 1 hour, on_timeout: reject}").cab == Cab(
        2, HOUR, OnTimeout.REJECT, escalate_to=both
    )
    voting = replace(organisation().tiers[Tier.LOW], cab=Cab(2, reviews=True))
    upper = replace(organisation(), tiers={**organisation().tiers, Tier.LOW: voting})
    for said, kept in (("", True), (", reviews: false", False), (", reviews: true", True)):
        file = PolicyFile.model_validate(
            {"version": 1, "tiers": {"low": {"cab": {"quorum": 2} | ({"reviews": "true" in said} if said else {})}}}
        )
        made, loosening = layers.repository(upper, file, LAYER, "ledger")
        assert (made.tiers[Tier.LOW].cab, loosening) == (Cab(2, reviews=kept), ())


@pytest.mark.parametrize(
    ("roles", "left", "refused"),
    [
        ("[security]", ("security",), False),
        ("[security, risk]", ("security", "risk"), False),
        ("[]", (), False),
        ("[security, release]", ("security",), True),
        # What is refused is no word for everybody, nor for those of the organisation.
        ("[release]", (), True),
    ],
)
def test_a_repository_takes_roles_away_that_are_escalated_to_and_adds_none(
    roles: str, left: tuple[str, ...], refused: bool
) -> None:
    made, loosening = repository(f"tiers: {{low: {{cab: {{quorum: 2, on_timeout: escalate, escalate_to: {roles}}}}}}}")
    board = made.tiers[Tier.LOW].cab
    assert board is not None
    assert (board.escalate_to, bool(loosening)) == (left, refused)


def test_a_repository_names_nobody_who_decides_where_the_organisation_names_none() -> None:
    extended = replace(organisation().tiers[Tier.LOW], cab=Cab(2, on_timeout=OnTimeout.EXTEND))
    upper = replace(organisation(), tiers={**organisation().tiers, Tier.LOW: extended})
    board = {"quorum": 2, "on_timeout": "escalate", "escalate_to": ["security"]}
    file = PolicyFile.model_validate({"version": 1, "tiers": {"low": {"cab": board}}})
    made, [(place, sentence)] = layers.repository(upper, file, LAYER, "ledger")
    assert made.tiers[Tier.LOW].cab == Cab(2, on_timeout=OnTimeout.ESCALATE)
    assert (place, sentence) == ((*LOW, "cab", "escalate_to"), ADDS.format("decides after an escalation", "security"))


def test_where_the_organisation_has_no_board_and_no_verification_a_repository_can_have_them() -> None:
    made = merged("tiers: {high: {cab: {quorum: 1}, verification: {from: [release], within: 1 hour}}}")
    assert made.tiers[Tier.HIGH].cab == Cab(1)
    assert made.tiers[Tier.HIGH].verification == Verification(("release",), HOUR)


def test_what_a_repository_has_signed_is_no_vote_of_the_board() -> None:
    upper = organisation().tiers[Tier.LOW]
    made = tier("sign_off: [security, risk]")
    assert (made.sign_off, made.besides, made.voting) == (("risk", "security"), ("security",), ("risk",))
    assert (made.cab, made.board) == (upper.cab, upper.cab)
    # What the organisation itself has signed for a tier below is asked for by the organisation, also above it.
    raised = merged("risk: {raise: [{id: m, to: medium, when: 'true'}]}\ntiers: {medium: {sign_off: [risk, security]}}")
    assert (raised.tiers[Tier.MEDIUM].sign_off, raised.tiers[Tier.MEDIUM].besides) == (
        ("risk", "security"),
        ("security",),
    )


def test_signatures_of_the_organisation_are_a_board_that_a_repository_cannot_loosen() -> None:
    upper = replace(
        policy(), tiers=dict.fromkeys(Tier, TierRules((demand(1, "write"),), sign_off=("security", "risk")))
    )
    text = "tiers: {low: {sign_off: [mine], cab: {quorum: 1, timeout: 9 weeks, on_timeout: extend, reviews: true}}}"
    made, loosening = over(upper, f"roles: {{mine: [eve], cab: [eve]}}\n{text}")
    assert made.tiers[Tier.LOW].cab == Cab(2) == upper.tiers[Tier.LOW].board
    assert [place[-1] for place, _ in loosening] == ["cab", "quorum", "timeout", "on_timeout", "reviews"]
    stricter, _ = over(upper, "roles: {cab: [eve]}\ntiers: {low: {cab: {quorum: 4, timeout: 1 hour}}}")
    assert stricter.tiers[Tier.LOW].cab == Cab(4, HOUR, against=2)
    more, _ = over(upper, "roles: {mine: [eve]}\ntiers: {low: {sign_off: [mine]}}")
    assert (more.tiers[Tier.LOW].cab, more.tiers[Tier.LOW].board) == (None, Cab(2))


def test_a_board_of_a_tier_below_does_not_take_the_place_of_signatures_above_it() -> None:
    rules = TierRules((demand(1, "write"),))
    below = replace(rules, cab=Cab(1, timedelta(weeks=9), OnTimeout.EXTEND, reviews=True))
    above = replace(rules, sign_off=("security", "risk"))
    upper = replace(policy(), tiers={Tier.LOW: below, Tier.MEDIUM: above, Tier.HIGH: rules})
    made, _ = over(upper, "risk: {raise: [{id: m, to: high, when: 'true'}]}")
    assert made.tiers[Tier.MEDIUM].cab == made.tiers[Tier.HIGH].cab == Cab(2, against=1)


def test_a_verification_is_tightened_to_fewer_people_and_less_time() -> None:
    assert tier("verification: {from: [verifier], within: 1 hour}").verification == Verification(("verifier",), HOUR)
    assert tier("verification: {from: [admin], within: 4 hours}").verification == Verification(("admin",), 4 * HOUR)


def test_what_makes_an_approval_count_is_tightened() -> None:
    made = merged("reviews: {carry_over: never, member_for: 8 days, quick: 3 minutes, large: 300, pair: 7}")
    assert made.reviews == Reviews(CarryOver.NEVER, timedelta(days=8), timedelta(minutes=3), 300, 7)
    strict = replace(organisation(), reviews=Reviews(CarryOver.NEVER))
    file = PolicyFile.model_validate({"version": 1, "reviews": {"carry_over": "same-diff"}})
    made, [(place, _)] = layers.repository(strict, file, LAYER, "ledger")
    assert (made.reviews.carry_over, place) == (CarryOver.NEVER, ("reviews", "carry_over"))


def test_lists_are_added_to() -> None:
    made = merged(
        "packs: [gdpr, sox]\n"
        "separation: [{roles: [contributor, cab], tiers: [high]}, {roles: [verifier, deployer], tiers: [high]}]\n"
        "evidence: [{kind: zap, stage: deployment, not_older_than: 7 days}, {kind: junit, at_most: {failures: 0}}]\n"
        "risk: {raise: [{id: large, to: high, when: lines_changed > 500}, {id: mine, to: low, when: 'true'}]}\n"
        "rules: [{id: own, require: 'true', message: m}, {id: mine, require: 'true', message: m}]\n"
    )
    assert made.packs == ("sox", "gdpr")
    pairs = {each.roles: each.tiers for each in made.separation}
    assert pairs[frozenset({Role.CONTRIBUTOR, Role.CAB})] == {Tier.HIGH}
    assert pairs[frozenset({Role.DEPLOYER, Role.VERIFIER})] == {Tier.LOW, Tier.HIGH}
    assert [each.kind for each in made.evidence] == ["junit", "zap"]
    assert [(each.id, each.own) for each in made.risk] == [("large", False), ("mine", True)]
    assert [each.id for each in made.rules] == ["own", "mine"]


def test_windows_of_the_same_name_must_both_be_open_and_freezes_are_added() -> None:
    made = merged(
        "calendar: {timezone: Europe/London, holidays: GB-ENG, windows: {weekend: {rrule: FREQ=DAILY, duration: 1 hour}, "
        "mine: {rrule: FREQ=DAILY, duration: 1 hour}}, freezes: [{name: tax, from: 2027-01-24, to: 2027-02-01}]}"
    )
    daily = Window("FREQ=DAILY", HOUR)
    assert made.calendar.windows == (("weekend", (WEEKEND, daily)), ("mine", (daily,)))
    assert made.calendar.freezes == (END, Freeze("tax", first=date(2027, 1, 24), last=date(2027, 2, 1)))


def test_what_is_looked_for_is_added_to() -> None:
    made = merged(
        "checks: {secrets: {config: a.toml}, infrastructure: {retention_days: 200, encryption: true, access_logging: true, "
        "tags: [b]}, dependencies: {deny: [x], licences: {deny: [Y]}}, workflows: {pin: sha, allow: [acme/*]}, "
        "signatures: {required: [high]}}"
    )
    tags = Infrastructure(200, encryption=True, access_logging=True, tags=("a", "b"))
    assert made.checks == Checks(
        "a.toml", tags, ("pkg:npm/a", "x"), ("MIT", "Y"), True, ("acme/*",), frozenset({Tier.LOW, Tier.HIGH})
    )  # fmt: skip
    anything = replace(organisation(), checks=Checks())
    file = PolicyFile.model_validate({"version": 1, "checks": {"workflows": {"allow": ["a/*"]}}})
    allowed, loosening = layers.repository(anything, file, LAYER, "ledger")
    assert (allowed.checks.actions_allowed, loosening) == (("a/*",), ())


def test_emergencies_waivers_acknowledgement_and_retention_are_tightened() -> None:
    made = merged(
        "emergency: {from: [maintain, release], ecab: {quorum: 3}, review_within: 1 day, lasts: 1 hour}\n"
        "waivers: {from: [risk], at_most: 1 day}\nacknowledge: [risk]\naudit: {retention_days: 2000}"
    )
    assert made.emergency == Emergency(("maintain", "release"), 3, timedelta(days=1), HOUR, against=2)
    assert made.waivers == Waivers(("risk",), timedelta(days=1))
    assert (made.acknowledging, made.retention_days) == (("risk",), 2000)
    fewer = merged("emergency: {from: [release]}\nwaivers: {from: [security]}")
    assert fewer.emergency == replace(organisation().emergency, groups=("release",))
    assert fewer.waivers == replace(organisation().waivers, groups=("security",))


def test_sets_of_which_one_is_changed_at_a_time_are_added_to() -> None:
    assert organisation().exclusive == (("payments", "CI0012345"),)
    made = merged("exclusive: [[CI0012345, payments], [payments, CI0012345]]")
    assert made.exclusive == (("payments", "CI0012345"), ("CI0012345", "payments"))


def test_the_records_may_be_repeated() -> None:
    again = "records: {system: jira, fields: {a: b}, extra: {c: d}, values: {e: {f: g}}}"
    assert merged(again).records == organisation().records


def test_what_holds_for_a_tier_holds_for_those_to_which_a_repository_raises_its_changes() -> None:
    made = merged("risk: {raise: [{id: mine, to: medium, when: 'true'}]}")
    assert made.tiers[Tier.MEDIUM].cab == organisation().tiers[Tier.LOW].cab
    assert made.tiers[Tier.HIGH] == organisation().tiers[Tier.HIGH]
    pairs = {each.roles: each.tiers for each in made.separation}
    assert pairs[frozenset({Role.DEPLOYER, Role.VERIFIER})] == {Tier.LOW, Tier.MEDIUM}
    assert made.checks.signed == {Tier.LOW, Tier.MEDIUM}


def test_two_boards_and_two_verifications_of_raised_tiers_make_the_stricter_of_both() -> None:
    upper = organisation()
    high = replace(
        upper.tiers[Tier.LOW],
        cab=Cab(1, HOUR, OnTimeout.EXTEND, reviews=True, escalate_to=("security", "cab")),
        verification=Verification(("risk", "maintain"), 9 * HOUR),
    )
    other = replace(high, verification=Verification(("risk",), HOUR))
    file = PolicyFile.model_validate({"version": 1, "risk": {"raise": [{"id": "m", "to": "high", "when": "true"}]}})
    made, _ = layers.repository(
        replace(upper, tiers={Tier.LOW: upper.tiers[Tier.LOW], Tier.MEDIUM: high, Tier.HIGH: other}),
        file,
        LAYER,
        "ledger",
    )
    assert made.tiers[Tier.MEDIUM].cab == Cab(2, HOUR, OnTimeout.ESCALATE, escalate_to=("security",), against=1)
    assert made.tiers[Tier.MEDIUM].verification == Verification(("maintain",), 4 * HOUR)
    assert made.tiers[Tier.HIGH].verification == Verification(("risk",), HOUR)


def test_who_is_asked_no_more_because_somebody_higher_is_still_has_a_say() -> None:
    made = merged("tiers: {low: {approvals: [{count: 2, from: [admin]}]}}")
    assert made.tiers[Tier.LOW].approvals == (demand(2, "admin"),)
    assert made.tiers[Tier.LOW].heard == ("write",)


def test_a_repository_enforces_where_the_organisation_observes_its_application() -> None:
    observed = Application("payments", ("ledger",), Tier.LOW, mode=Mode.OBSERVE)
    upper = replace(policy(), applications=(observed, Application("other", ("x",), Tier.LOW, mode=Mode.OBSERVE)))
    for text in ("mode: enforce", "applications: [{name: payments, repositories: [x], tier: low, mode: enforce}]"):
        made, loosening = over(upper, text)
        assert [each.mode for each in made.applications] == [Mode.ENFORCE, Mode.OBSERVE]
        assert (made.mode, loosening) == (Mode.ENFORCE, ())
    made, loosening = over(
        upper, "mode: observe\napplications: [{name: payments, repositories: [x], tier: low, mode: observe}]"
    )
    assert (made.applications, loosening) == (upper.applications, ())


def test_a_raised_application_stays_the_one_that_it_was() -> None:
    """With the data and the mode of its riskiest entry: raising another one must not put that in its place."""
    riskier = Application("cards", ("led*",), Tier.MEDIUM, data=("cardholder",))
    upper = replace(policy(tier="low"), applications=(*policy(tier="low").applications, riskier))
    made, loosening = over(upper, "applications: [{name: payments, repositories: [ledger], tier: high}]")
    assert (made.applications, made.raised, loosening) == (upper.applications, Tier.HIGH, ())
    _, [(place, sentence)] = over(upper, "applications: [{name: payments, repositories: [ledger], tier: low}]")
    assert place == ("applications", 0, "tier")
    assert sentence == "`cards` is of tier medium; a repository can raise its tier, not lower it."


def test_packs_add_pairs_and_name_the_controls_of_every_finding() -> None:
    made = layers.with_packs(policy(), [packs.load("sox"), packs.load("gdpr")])
    pairs = {each.roles: each.tiers for each in made.separation}
    assert pairs[frozenset({Role.CONTRIBUTOR, Role.DEPLOYER})] == {Tier.MEDIUM, Tier.HIGH}
    assert made.controls["approvals"] == packs.controls_for("approvals", [packs.load("sox"), packs.load("gdpr")])
    assert layers.with_packs(policy(), []).controls == {}


def test_whoever_repeats_a_demand_adds_none() -> None:
    upper = policy(demand(1, "write"), demand(1, "admin"))
    again, _ = over(upper, "tiers: {low: {approvals: [{count: 1, from: [admin]}]}}")
    assert set(low(again)) == {demand(1, "write"), demand(1, "admin")}
    assert again.tiers[Tier.LOW].heard == ()
    both, _ = over(again, "tiers: {low: {approvals: [{count: 1, from: [write]}, {count: 1, from: [admin]}]}}")
    assert set(low(both)) == {demand(1, "write"), demand(1, "admin")}
