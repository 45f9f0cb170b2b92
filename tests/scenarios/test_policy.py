"""Where the policy comes from, and what happens when a file of it is broken, loosened, or taken away."""

import json
from dataclasses import replace

import pytest

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import POLICY, Bank, shown, told

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
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")


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


async def test_the_switch_to_enforcing_is_on_record(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    bank = Bank.found(gh, policy=POLICY.replace("mode: enforce", "mode: observe"))
    pull = bank.change()
    await countersign.settle()
    assert shown(pull)[0] == "neutral"
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": POLICY})
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    rows = await countersign.rows("SELECT body FROM ledger_entry WHERE kind = 'policy:mode:switched'")
    [told] = [json.loads(bytes(body))["body"] for (body,) in rows]
    assert (told["was"]["mode"], told["now"]["mode"]) == ("observe", "enforce")


async def test_one_application_can_be_observed_while_others_are_not(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    observed = "{name: ledger, repositories: [ledger], tier: medium, mode: observe}"
    bank = Bank.found(gh, policy=POLICY.replace("{name: ledger, repositories: [ledger], tier: medium}", observed))
    pull = bank.change()
    vault = bank.org.repository("vault", files={"a": "1"}, access={bank.alice: "write"})
    other = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"})
    await countersign.settle()
    assert shown(pull)[0] == "neutral"
    assert shown(other)[0] == "action_required"


async def test_one_control_can_be_observed_while_others_are_not(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    bank = Bank.found(gh, policy=POLICY + "observe: [identity]\n")
    pull = bank.approved_change(email="somebody@elsewhere.example")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    assert "observed, would fail" in pull.check(CHECK).summary


async def test_an_application_is_found_by_custom_properties(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    by_property = "{name: ledger, properties: {tier: gold}, tier: low}"
    bank = Bank.found(gh, policy=POLICY.replace("{name: ledger, repositories: [ledger], tier: medium}", by_property))
    bank.ledger.properties["tier"] = "gold"
    pull = bank.change()
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == ("success", "Passed: 1 of 1 approval, none by a contributor")


async def test_when_a_property_changes_the_check_follows_at_once(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    by_property = "{name: ledger, properties: {tier: gold}, tier: low}"
    bank = Bank.found(gh, policy=POLICY.replace("{name: ledger, repositories: [ledger], tier: medium}", by_property))
    pull = bank.change()
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")
    bank.ledger.describe(tier="gold", by=bank.erin)
    await countersign.settle()
    assert shown(pull) == ("success", "Passed: 1 of 1 approval, none by a contributor")
    bank.ledger.describe(tier=None, by=bank.erin)
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")


async def test_a_rule_raises_the_tier_and_another_one_blocks(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    more = (
        "risk: {raise: [{id: migration, to: high, when: 'paths.exists(p, p.matches(\"^db/\"))'}]}\n"
        "rules: [{id: title, require: 'change.title.size() > 10', message: Say in the title what changes.}]\n"
    )
    bank = Bank.found(gh, policy=POLICY + more)
    pull = bank.ledger.open_pull_request(by=bank.alice, title="Tables", files={"db/1.sql": "SELECT 1;\n"})
    await countersign.settle()
    summary = pull.check(CHECK).summary
    assert shown(pull)[0] == "failure"
    assert "tier high" in summary
    assert "Say in the title what changes." in summary
    assert "raises it to high" in pull.check(CHECK).text
    pull.edit(by=bank.alice, title="Tables of the new ledger")
    await countersign.settle()
    assert shown(pull)[0] == "action_required"


@pytest.mark.parametrize("text", ["1;\n2;\n3;\n", "1;\n2;\n4;\n"], ids=["as it is", "changed on the way"])
async def test_a_file_that_is_moved_out_of_a_watched_folder_is_still_watched(
    countersign: Rehearsal, gh: SimulatedGitHub, text: str
) -> None:
    rules = (
        "risk: {raise: [{id: migration, to: high, when: 'paths.exists(p, p.matches(\"^db/\"))'}]}\n"
        'rules:\n  - {id: kept, when: \'files.exists(f, f.path.startsWith("db/") && f.change == "deleted")\',\n'
        "     require: 'false', message: A migration stays where it is.}\n"
    )
    bank = Bank.found(gh, policy=POLICY + rules)
    bank.ledger.push("main", by=bank.erin, files={"db/1.sql": "1;\n2;\n3;\n"})
    await countersign.settle()
    before = gh.counts.rest
    pull = bank.ledger.open_pull_request(by=bank.alice, title="Tidy", files={"db/1.sql": None, "old/1.sql": text})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert [(each.kind, each.previous) for each in pull.files] == [("RENAMED", "db/1.sql")]
    assert shown(pull)[1].startswith("Blocked: kept does not hold")
    assert "tier high" in told(pull)
    assert "A migration stays where it is." in told(pull)
    asked = gh.counts.rest
    pull.comment(by=bank.alice, body="Why?")
    pull.edit(by=bank.alice, title="Tidy up")
    await countersign.settle()
    assert gh.counts.rest == asked, "old names are asked for once"
    assert asked > before


async def test_a_file_whose_old_name_is_not_told_blocks(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    bank = Bank.found(gh)
    bank.ledger.push("main", by=bank.erin, files={"db/1.sql": "1;\n"})
    pull = bank.ledger.open_pull_request(by=bank.alice, title="Tidy", files={"db/1.sql": None, "old/1.sql": "1;\n"})
    pull.files = [replace(each, previous="") for each in pull.files]
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "the old name of old/1.sql" in told(pull)
    pull.refresh()
    pull.comment(by=bank.alice, body="/recheck")
    await countersign.settle()
    assert shown(pull)[0] == "action_required"


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


async def test_a_repositorys_file_that_was_taken_away_does_not_come_back(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": STRICTER})
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": None})
    await countersign.settle()
    assert shown(pull)[0] == "success"
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": "version: 1\ntiers: [\n"})
    await countersign.settle()
    assert shown(pull) == ("failure", "Blocked: the repository's policy cannot be used")
    kinds = [kind for kind, _ in await countersign.ledger() if kind.startswith("policy:file")]
    assert kinds[-2:] == ["policy:file:removed", "policy:file:refused"]


async def test_a_repositorys_file_that_never_worked_blocks_until_a_pull_request_corrects_it(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": "version: 1\ntiers: [\n"})
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == ("failure", "Blocked: the repository's policy cannot be used")
    assert "takes it away, is not held up by this" in pull.check(CHECK).summary
    remedy = bank.ledger.open_pull_request(
        by=bank.alice, title="Correct the policy", files={".github/countersign.yml": STRICTER}
    )
    await countersign.settle()
    assert shown(remedy)[0] == "action_required"
    assert "A policy file has errors" in remedy.check(CHECK).summary
    remedy.merge(by=bank.erin)
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from someone with write access")


async def test_a_role_that_the_organisation_renames_switches_nothing_off_in_a_repository(
    countersign: Rehearsal, bank: Bank
) -> None:
    """What worked before goes on: the role that nobody knows any more is held by nobody, and the check says so."""
    own = "version: 1\ntiers: {medium: {approvals: [{count: 1, from: [security]}]}}\n"
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": own})
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": POLICY.replace("security", "appsec-team")})
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")
    assert "There is no role `security`." in pull.check(CHECK).summary
    assert "held by nobody" in pull.check(CHECK).summary


async def test_each_branch_has_the_policy_that_is_on_it(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.branch("release", start="main")
    bank.ledger.push("release", by=bank.erin, files={".github/countersign.yml": STRICTER})
    pull, release = bank.approved_change(), bank.change(base="release", branch="fix")
    for who in (bank.bob, bank.carol):
        release.review(by=who, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    assert shown(release) == ("action_required", "Waiting: 1 approval from someone with write access")
    told = [kind for kind, _ in await countersign.ledger() if kind.startswith("policy:file")]
    pull.edit(by=bank.alice, title="Balance of today")
    release.edit(by=bank.alice, title="Balance of the release")
    await countersign.settle()
    assert [kind for kind, _ in await countersign.ledger() if kind.startswith("policy:file")] == told
