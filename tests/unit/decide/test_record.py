"""What the change record, people's instructions, and changes of the policy itself mean for a decision."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.decide.verdict import Verdict
from bot.facts.model import (
    Gain,
    Instructed,
    Instruction,
    Permission,
    PolicyChange,
    PullRequestFacts,
    RecordFacts,
    RecordFinding,
    Waived,
)
from bot.policy.model import Emergency, RiskRule, Rule, Tier
from tests.unit.builders import (
    NOON,
    account,
    approved,
    asked_for_changes,
    decided,
    demand,
    finding,
    found,
    policy,
    pull_request,
    review_of,
    why,
)

READY = pull_request(reviews=[approved("ben")])
LATER = NOON + timedelta(hours=3)
WAITS = RecordFinding("change-record", "wait", "CHG-2026-0001", "It waits.", "So it is.", "Somebody votes.", LATER)


def with_record(*findings: RecordFinding) -> PullRequestFacts:
    return replace(READY, record=RecordFacts("CHG-2026-0001", "authorize", findings))


def instructed(*said: Instruction) -> PullRequestFacts:
    return replace(READY, instructions=said)


def laid(kind: Instructed, value: str, reason: str = "Wait for the auditors.") -> Instruction:
    return Instruction(kind, value, account("dana"), reason, NOON)


# The record.


def test_a_change_without_a_record_says_nothing_of_one() -> None:
    assert finding(decided(READY), "change-record") is None
    assert decided(with_record()).findings == decided(READY).findings


@pytest.mark.parametrize("verdict", ["pass", "wait", "fail"])
def test_what_the_record_says_is_a_finding_of_the_decision(verdict: str) -> None:
    decision = decided(with_record(replace(WAITS, verdict=verdict)))
    said = found(decision, "change-record")
    assert (said.verdict, said.headline) == (Verdict(verdict), "CHG-2026-0001")
    assert (said.what, said.why, said.remedy) == ("It waits.", "So it is.", "Somebody votes.")
    assert decision.verdict is Verdict(verdict)
    assert decision.next_at == LATER


def test_everything_that_the_record_says_is_told() -> None:
    plans = replace(WAITS, id="plans:backout", until=None)
    decision = decided(with_record(WAITS, plans))
    assert [each.id for each in decision.findings if each.blocks is Verdict.WAIT] == ["change-record", "plans:backout"]


# A hold.


def test_a_hold_waits_for_who_holds_and_says_why() -> None:
    decision = decided(instructed(laid(Instructed.HOLD, "held")), replace(policy(), roles={}))
    said = found(decision, "hold")
    assert decision.verdict is Verdict.WAIT
    assert said.what == "@dana holds the change: Wait for the auditors."
    assert said.headline == "@dana, who holds it"
    assert said.remedy == "When it may go on, @dana comments `/unhold`."
    assert said.who == (account("dana"),)


def test_everybody_who_holds_is_waited_for_and_who_else_could_lift_it_is_named() -> None:
    facts = instructed(laid(Instructed.HOLD, "held"), replace(laid(Instructed.HOLD, "held"), by=account("rick")))
    rules = replace(policy(), roles={"cab": (), "risk-officer": (), "lifters": ()}, own_roles=("lifters",))
    said = found(decided(facts, rules), "hold")
    assert said.headline == "@dana and @rick, who hold it"
    assert said.what == "@dana holds the change: Wait for the auditors. @rick holds the change: Wait for the auditors."
    assert said.remedy == (
        "When it may go on, @dana or @rick comments `/unhold`. "
        "Somebody with `cab` or `risk-officer` who did not contribute can do it as well."
    )
    assert said.who == (account("dana"), account("rick"))


def test_a_hold_that_was_lifted_holds_nothing() -> None:
    decision = decided(instructed(laid(Instructed.HOLD, "")))
    assert finding(decision, "hold") is None
    assert decision.verdict is Verdict.PASS


def test_a_hold_stands_beside_what_the_record_says() -> None:
    decision = decided(replace(with_record(WAITS), instructions=(laid(Instructed.HOLD, "held"),)))
    assert {"hold", "change-record"} <= {each.id for each in decision.findings}


# Waivers.


def test_a_waiver_takes_what_the_record_blocks_while_it_holds() -> None:
    waiver = Waived("conflict", "Both are on the line.", account("ana"), account("rick"), NOON, LATER)
    facts = replace(with_record(replace(WAITS, id="conflict")), waivers=(waiver,))
    assert decided(facts).verdict is Verdict.WAIVED
    assert found(decided(facts), "conflict").why.startswith("@rick waived this until 2026-03-02 15:00 UTC")
    over = replace(facts, waivers=(replace(waiver, until=NOON),))
    assert decided(over).verdict is Verdict.WAIT


# Risk, raised by a person.


def test_a_person_raises_the_tier_and_is_named() -> None:
    decision = decided(instructed(laid(Instructed.RAISE, "high", "It pays interest.")))
    assert decision.tier is Tier.HIGH
    assert decision.tier_because == ("`payments` is of tier low.", "@dana raised it to high: It pays interest.")


@pytest.mark.parametrize(("tier", "word"), [("high", "low"), ("high", "medium"), ("medium", "low")])
def test_a_person_never_lowers_it(tier: str, word: str) -> None:
    assert decided(instructed(laid(Instructed.RAISE, word)), policy(tier=tier)).tier is Tier[tier.upper()]


def test_what_rules_raise_stays_raised_whatever_a_person_says() -> None:
    raises = replace(policy(), risk=(RiskRule("all", Tier.HIGH, "true"),))
    assert decided(instructed(laid(Instructed.RAISE, "medium")), raises).tier is Tier.HIGH


def test_a_person_raises_above_what_rules_raise() -> None:
    raises = replace(policy(), risk=(RiskRule("all", Tier.MEDIUM, "true"),))
    assert decided(instructed(laid(Instructed.RAISE, "high")), raises).tier is Tier.HIGH


def test_a_rule_that_has_no_answer_is_high_for_the_organisations_rules_too() -> None:
    """What a rule could not answer is high by the policy, not by a person: rules about the lower tier do not bind."""
    upper = replace(
        policy(),
        risk=(RiskRule("odd", Tier.LOW, "1 / (lines_changed - 4) == 1"),),
        rules=(Rule("r", 'change.tier == "low"', "false", "m"),),
    )
    assert finding(decided(READY, upper), "rule:r") is None
    own = replace(upper, risk=(replace(upper.risk[0], own=True),))
    assert found(decided(READY, own), "rule:r").verdict is Verdict.FAIL


# A change of the policy.


def changed(*changes: PolicyChange) -> PullRequestFacts:
    return replace(READY, policy_changes=changes)


ORGANISATIONS = PolicyChange("countersign.yml", usable=True, tried=1200, differing=34)
OWN = PolicyChange(".github/countersign.yml", usable=True, tried=5, differing=0)


def test_other_changes_have_no_finding_about_the_policy() -> None:
    assert finding(decided(READY), "policy-change") is None


def test_a_change_of_the_policy_is_of_tier_high_and_says_what_it_means() -> None:
    decision = decided(changed(ORGANISATIONS))
    assert (decision.tier, decision.verdict) == (Tier.HIGH, Verdict.PASS)
    assert decision.tier_because == ("`payments` is of tier low.", "It changes the policy, `countersign.yml`.")
    said = found(decision, "policy-change")
    assert said.what == "`countersign.yml` is changed: of 1,200 recorded changes, 34 would be decided differently."
    assert said.why == "The preview of the policy, a check of its own, shows which, and how."


def test_how_many_recorded_changes_cannot_be_compared_is_told() -> None:
    said = found(decided(changed(replace(OWN, untried=1200))), "policy-change")
    assert said.what.endswith("0 would be decided differently. 1,200 more cannot be compared.")


def test_each_changed_file_of_the_policy_is_told() -> None:
    said = found(decided(changed(ORGANISATIONS, OWN)), "policy-change")
    assert said.what.count("is changed") == 2
    assert "`.github/countersign.yml` is changed: of 5 recorded changes, 0 would be" in said.what


def test_what_would_loosen_and_not_hold_is_named() -> None:
    said = found(decided(changed(replace(OWN, refused=("mode", "tiers.low.approvals")))), "policy-change")
    assert said.verdict is Verdict.PASS
    assert said.headline == "the policy is changed, part of it would not hold"
    assert said.what.endswith(
        "What it says of `mode` and `tiers.low.approvals` would loosen the policy above it, and would not hold."
    )


def test_who_gains_from_it_is_named_once_and_has_no_say() -> None:
    gains = tuple(
        Gain(account(login), "acme/ledger", number) for login, number in (("ben", 8), ("ann", 9), ("ben", 10))
    )
    decision = decided(changed(replace(ORGANISATIONS, gains=gains)), policy(demand(1, "write")))
    said = found(decision, "policy-change")
    assert said.why == "Open changes of @ann and @ben would pass with it, so that they cannot approve it."
    assert review_of(decision, "ben").counts_for is None
    assert "gains from this change of the policy" in why(decision, "ben")
    assert decision.verdict is Verdict.WAIT


def test_who_gains_nothing_from_it_has_a_say() -> None:
    gain = Gain(account("ann"), "acme/ledger", 9)
    decision = decided(changed(replace(ORGANISATIONS, gains=(gain,))))
    assert review_of(decision, "ben").counts_for == "write access"


def test_a_policy_that_cannot_be_used_fails() -> None:
    decision = decided(changed(ORGANISATIONS, replace(OWN, usable=False)))
    said = found(decision, "policy-change")
    assert decision.verdict is Verdict.FAIL
    assert said.what == "As it is here, `.github/countersign.yml` cannot be used."
    assert "every problem at its line" in said.remedy
    both = found(decided(changed(replace(ORGANISATIONS, usable=False), replace(OWN, usable=False))), "policy-change")
    assert both.what == "As it is here, `countersign.yml` and `.github/countersign.yml` cannot be used."


# An emergency.


def in_an_emergency(facts: PullRequestFacts) -> PullRequestFacts:
    return replace(facts, record=RecordFacts("CHG-2026-0001", "authorize", (), "emergency"))


def test_an_emergency_needs_what_its_tier_does_or_what_the_policy_names_instead() -> None:
    strict = policy(demand(2, "write"))
    named = replace(strict, emergency=Emergency(approvals=(demand(1, "maintain"),)))
    assert decided(in_an_emergency(READY), strict).demands[0].needed == 2
    assert decided(READY, named).demands[0].needed == 2, "it is no emergency"
    [instead] = decided(in_an_emergency(READY), named).demands
    assert (instead.needed, instead.given) == (1, 0)
    maintainer = pull_request(reviews=[approved("ben")], can={"ben": Permission.MAINTAIN})
    assert decided(in_an_emergency(maintainer), named).verdict is Verdict.PASS


def test_whom_its_tier_asks_can_object_to_an_emergency() -> None:
    named = replace(policy(demand(2, "write")), emergency=Emergency(approvals=(demand(1, "maintain"),)))
    facts = pull_request(
        reviews=[approved("ben"), asked_for_changes("cem")], can={"ben": Permission.MAINTAIN, "cem": Permission.WRITE}
    )
    assert found(decided(in_an_emergency(facts), named), "objections").verdict is Verdict.FAIL
