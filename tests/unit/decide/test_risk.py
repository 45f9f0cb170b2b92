"""How risky a change is: the tier of its application, raised by rules and by its own repository, never lowered."""

from dataclasses import replace

from bot.decide.verdict import Decision, Verdict
from bot.facts.model import Instructed, Instruction
from bot.policy.model import Policy, RiskRule, Tier
from tests.unit.builders import NOON, account, approved, decided, demand, file, finding, found, policy, pull_request

MIGRATION = RiskRule("schema-migration", Tier.HIGH, 'paths.exists(p, p.matches("^db/"))')
LARGE = RiskRule("large", Tier.MEDIUM, "lines_changed > 3")
NONSENSE = RiskRule("nonsense", Tier.LOW, "1 / (lines_changed - 4) == 1")


def decided_with(*rules: RiskRule, tier: str = "low", upper: Policy | None = None) -> Decision:
    facts = pull_request(files=[file("db/1.sql")], reviews=[approved("ben")])
    return decided(facts, replace(upper or policy(tier=tier), risk=rules))


def test_a_rule_that_is_true_raises_the_tier_and_says_so() -> None:
    decision = decided_with(MIGRATION)
    assert decision.tier is Tier.HIGH
    assert decision.tier_because == (
        "`payments` is of tier low.",
        "The rule `schema-migration` raises it to high.",
    )
    assert finding(decision, "risk") is None


def test_a_rule_that_is_not_true_says_nothing() -> None:
    decision = decided_with(replace(MIGRATION, when="false"))
    assert (decision.tier, len(decision.tier_because)) == (Tier.LOW, 1)


def test_of_several_rules_the_highest_tier_holds_whatever_their_order() -> None:
    assert decided_with(MIGRATION, LARGE).tier is Tier.HIGH
    assert decided_with(LARGE, MIGRATION).tier is Tier.HIGH


def test_a_rule_never_lowers_the_tier() -> None:
    assert decided_with(LARGE, tier="high").tier is Tier.HIGH


def test_what_is_in_no_inventory_stays_high() -> None:
    assert decided_with(LARGE, upper=policy(in_inventory=False)).tier is Tier.HIGH


def test_a_rule_without_an_answer_makes_the_change_high_and_blocks() -> None:
    decision = decided_with(NONSENSE)
    assert decision.tier is Tier.HIGH
    assert decision.verdict is Verdict.FAIL
    assert decision.tier_because[1] == "The rule `nonsense` has no answer for this change: divide by zero."
    risk = found(decision, "risk")
    assert risk.what == ("A rule of the policy about risk has no answer for this change. `nonsense`: divide by zero.")
    assert risk.why == "What is not known cannot be passed, and the change is treated as high."


def test_every_rule_without_an_answer_is_named() -> None:
    other = replace(NONSENSE, id="more")
    assert found(decided_with(NONSENSE, other), "risk").what.endswith(
        "`nonsense`: divide by zero. `more`: divide by zero."
    )


def test_the_tier_that_rules_about_risk_see_is_the_applications() -> None:
    assert decided_with(LARGE, RiskRule("x", Tier.HIGH, 'change.tier == "medium"')).tier is Tier.MEDIUM


def test_the_demands_are_those_of_the_raised_tier() -> None:
    upper = policy(tier="low")
    high = replace(upper.tiers[Tier.HIGH], approvals=(demand(2, "write"),))
    decision = decided_with(MIGRATION, upper=replace(upper, tiers={**upper.tiers, Tier.HIGH: high}))
    assert [(each.needed, each.given) for each in decision.demands] == [(2, 1)]
    assert decision.verdict is Verdict.WAIT


def test_who_raises_a_change_adds_demands_and_takes_none_away() -> None:
    upper = policy(tier="low")
    low = replace(upper.tiers[Tier.LOW], approvals=(demand(1, "security"),))
    facts = pull_request(reviews=[approved("ben")])
    raised = Instruction(Instructed.RAISE, "medium", account("ana"), "It is large.", NOON)
    decision = decided(replace(facts, instructions=(raised,)), replace(upper, tiers={**upper.tiers, Tier.LOW: low}))
    assert decision.tier is Tier.MEDIUM
    assert decision.tier_because[-1] == "@ana raised it to medium: It is large."
    assert {(each.label, each.given) for each in decision.demands} == {
        ("write access", 1),
        ("the role security (acme/appsec)", 0),
    }
    assert decision.verdict is Verdict.WAIT


def test_a_repositorys_own_policy_raises_the_tier_and_says_so() -> None:
    decision = decided_with(upper=replace(policy(tier="low"), raised=Tier.MEDIUM))
    assert decision.tier is Tier.MEDIUM
    assert decision.tier_because == (
        "`payments` is of tier low.",
        "The repository's own policy raises it to medium.",
    )
