"""Where the policy comes from, and what happens when a file of it is broken, loosened, or taken away."""

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import POLICY, Bank, shown

STRICTER = "version: 1\ntiers: {medium: {approvals: [{count: 3, from: [write]}]}}\n"
LOOSER = "version: 1\nmode: observe\n"


async def test_without_any_policy_countersign_only_observes(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    bank = Bank.found(gh, policy=None)
    pull = bank.change()
    await countersign.settle()
    state, title = shown(pull)
    assert state == "neutral"
    assert title.startswith("Observing:")


async def test_a_repository_can_demand_more(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": STRICTER})
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull)[0] == "action_required"


async def test_a_repository_cannot_demand_less_and_is_told_at_the_line(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": LOOSER})
    pull = bank.change()
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    annotations = pull.check(CHECK).annotations
    assert [(each["path"], each["start_line"]) for each in annotations] == [(".github/countersign.yml", 2)]


async def test_the_policy_of_the_head_has_no_say(countersign: Rehearsal, bank: Bank) -> None:
    loose = "version: 1\ntiers: {medium: {approvals: [{count: 1, from: [write]}]}}\n"
    pull = bank.ledger.open_pull_request(
        by=bank.alice, title="Loosen", files={".github/countersign.yml": loose, "countersign.yml": loose}
    )
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from someone with write access")


async def test_a_change_of_the_organisations_policy_reaches_open_pull_requests(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull)[0] == "success"
    three = POLICY.replace("medium:\n    approvals: [{count: 2", "medium:\n    approvals: [{count: 3")
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": three})
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from someone with write access")


async def test_a_broken_policy_leaves_the_last_good_one_in_force(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": "version: 1\nmode: [\n"})
    await countersign.settle()
    assert shown(pull)[0] == "success"
    kinds = [kind for kind, _ in await countersign.ledger()]
    assert "policy:file:refused" in kinds
    assert "countersign.yml" in pull.check(CHECK).summary


async def test_a_policy_that_never_worked_blocks(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    bank = Bank.found(gh, policy="version: 1\nmoed: enforce\n")
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull)[0] == "failure"


async def test_taking_the_policy_away_does_not_switch_it_off(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": None})
    await countersign.settle()
    assert shown(pull)[0] == "failure"
