"""What a repository's file can change: tighten, never loosen."""

from typing import Any

from bot.policy import layers
from bot.policy.check import check
from bot.policy.layers import Loosening
from bot.policy.model import Application, Approvals, Layer, Mode, Policy, Role, Tier
from bot.policy.schema import PolicyFile
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
