"""The organisation's own rules, findings that it only observes, and the controls that findings are evidence for."""

from dataclasses import replace

import pytest

from bot.decide.catalogue import NEVER_OBSERVED
from bot.decide.evaluate import own_mode
from bot.decide.verdict import Decision, Verdict
from bot.facts.model import FactsIncomplete, Instructed, Instruction
from bot.policy import layers, packs
from bot.policy.model import Application, Mode, Policy, RiskRule, Rule, Tier
from tests.unit.builders import NOON, account, approved, decided, finding, found, policy, pull_request

READY = pull_request(reviews=[approved("ben")])
NONSENSE = "1 / (lines_changed - 4) == 1"
RULE = Rule("small", "true", "lines_changed < 100", "Make it smaller.", ("OURS-1",))


def decided_with(*rules: Rule, upper: Policy | None = None) -> Decision:
    return decided(READY, replace(upper or policy(), rules=rules))


def test_a_rule_that_holds_passes_and_gives_evidence_for_its_controls() -> None:
    decision = decided_with(RULE)
    said = found(decision, "rule:small")
    assert (said.verdict, said.what, said.controls) == (Verdict.PASS, "The rule `small` holds.", ("OURS-1",))
    assert decision.verdict is Verdict.PASS


def test_a_rule_that_does_not_hold_blocks_with_its_message() -> None:
    decision = decided_with(replace(RULE, require="lines_changed > 100"))
    said = found(decision, "rule:small")
    assert decision.verdict is Verdict.FAIL
    assert (said.what, said.why) == ("Make it smaller.", "The policy's rule `small` does not hold.")
    assert said.remedy
    assert said.controls == ("OURS-1",)


def test_a_rule_that_does_not_concern_the_change_says_nothing() -> None:
    assert finding(decided_with(replace(RULE, when="false", require="false")), "rule:small") is None


@pytest.mark.parametrize(("when", "require"), [(NONSENSE, "true"), ("true", NONSENSE)])
def test_a_rule_without_an_answer_blocks(when: str, require: str) -> None:
    nonsense = Rule("odd", when, require, "m")
    said = found(decided_with(nonsense), "rule:odd")
    assert said.verdict is Verdict.FAIL
    assert said.what == "The rule `odd` has no answer for this change: divide by zero."


def test_what_a_rule_requires_is_not_asked_where_it_does_not_concern_the_change() -> None:
    assert finding(decided_with(Rule("odd", "false", NONSENSE, "m")), "rule:odd") is None


def test_rules_are_told_in_their_order() -> None:
    decision = decided_with(RULE, replace(RULE, id="other"))
    assert [each.id for each in decision.findings if each.id.startswith("rule:")] == ["rule:small", "rule:other"]


def test_rules_see_who_approved_and_the_tier_of_the_change() -> None:
    asked = Rule("r", 'change.tier == "high"', 'people.approvers == ["ben"]', "m")
    upper = replace(policy(tier="low"), risk=(RiskRule("x", Tier.HIGH, "true"),))
    assert found(decided_with(asked, upper=upper), "rule:r").verdict is Verdict.PASS


def test_a_repository_does_not_escape_a_rule_by_raising_its_tier() -> None:
    for low in (Rule("r", 'change.tier == "low"', "false", "m"), Rule("r", "true", 'change.tier != "low"', "m")):
        raised = replace(policy(tier="low"), raised=Tier.HIGH)
        assert found(decided_with(low, upper=raised), "rule:r").verdict is Verdict.FAIL
        by_rule = replace(policy(tier="low"), risk=(RiskRule("x", Tier.HIGH, "true", own=True),))
        assert found(decided_with(low, upper=by_rule), "rule:r").verdict is Verdict.FAIL


def test_nobody_escapes_a_rule_by_raising_the_tier_of_a_change() -> None:
    low = Rule("r", 'change.tier == "low"', "false", "m")
    raised = Instruction(Instructed.RAISE, "high", account("ana"), "It touches the ledger.", NOON)
    rules = replace(policy(tier="low"), rules=(low,))
    decision = decided(replace(READY, instructions=(raised,)), rules)
    assert decision.tier is Tier.HIGH
    assert found(decision, "rule:r").verdict is Verdict.FAIL


def test_the_organisations_own_raise_is_a_rule_like_any_other() -> None:
    low = Rule("r", 'change.tier == "low"', "false", "m")
    upper = replace(policy(tier="low"), risk=(RiskRule("x", Tier.HIGH, "true"),))
    assert finding(decided_with(low, upper=upper), "rule:r") is None


# What is observed.


@pytest.mark.parametrize("observed", ["rule", "rule:small"])
def test_an_observed_finding_says_what_it_found_and_does_not_block(observed: str) -> None:
    failing = replace(RULE, require="false")
    decision = decided_with(failing, upper=replace(policy(), observed=(observed,)))
    said = found(decision, "rule:small")
    assert (said.verdict, said.observed, said.blocks) == (Verdict.FAIL, True, Verdict.PASS)
    assert decision.verdict is Verdict.PASS


def test_only_the_observed_rule_does_not_block() -> None:
    failing = replace(RULE, require="false")
    decision = decided_with(failing, replace(failing, id="other"), upper=replace(policy(), observed=("rule:small",)))
    assert decision.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("whole", "own", "mode"),
    [
        (Mode.ENFORCE, None, Mode.ENFORCE),
        (Mode.ENFORCE, Mode.OBSERVE, Mode.OBSERVE),
        (Mode.OBSERVE, Mode.ENFORCE, Mode.ENFORCE),
        (Mode.OBSERVE, None, Mode.OBSERVE),
    ],
)
def test_an_application_can_have_a_mode_of_its_own(whole: Mode, own: Mode | None, mode: Mode) -> None:
    entry = Application("payments", ("ledger",), Tier.LOW, mode=own)
    rules = replace(policy(mode=whole), applications=(entry,))
    assert decided(READY, rules).mode is mode
    assert own_mode(READY, rules) is mode


def test_a_policy_that_cannot_be_used_is_enforced_whatever_an_application_says() -> None:
    entry = Application("payments", ("ledger",), Tier.LOW, mode=Mode.OBSERVE)
    assert decided(READY, replace(policy(undecidable=True), applications=(entry,))).mode is Mode.ENFORCE


# What findings are evidence for.


def test_findings_name_the_controls_of_the_packs_first_each_once() -> None:
    upper = layers.with_packs(policy(), [packs.load("sox"), packs.load("pci-dss")])
    controls = found(decided(READY, upper), "approvals").controls
    told = upper.controls["approvals"]
    assert controls[: len(told)] == told
    assert len(set(controls)) == len(controls)


def test_a_rule_gives_evidence_for_what_packs_say_of_rules_and_for_what_it_names() -> None:
    upper = replace(policy(), controls={"rule": ("PACK-1",)})
    assert found(decided_with(RULE, upper=upper), "rule:small").controls == ("PACK-1", "OURS-1")


def test_what_could_not_be_read_blocks_whatever_is_observed() -> None:
    unread = replace(READY, incomplete=(FactsIncomplete("the team acme/appsec", "Countersign may not see it"),))
    decision = decided(unread, replace(policy(), observed=(*NEVER_OBSERVED, "approvals")))
    assert found(decision, "facts").blocks is Verdict.FAIL
    assert decision.verdict is Verdict.FAIL
    waiting = decided(pull_request(), replace(policy(), observed=("facts", "approvals")))
    assert found(waiting, "approvals").observed
