"""Attempts to go around the gate instead of through it: found afterwards, put on record, shown until somebody answers.

The numbers are those of docs/separation.md.
"""

from typing import Any

import pytest

from bot.publish.effects import CHECK
from bot.sandbox import Fault, Refused, SimulatedGitHub
from bot.sandbox.checks import CheckRun
from bot.sandbox.http import Exchange
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import POLICY, Bank, shown, told

GREEN = ("success", "Passed: 2 of 2 approvals, none by a contributor")
STRICTER = "version: 1\ntiers: {medium: {approvals: [{count: 3, from: [write]}]}}\n"


async def around(countersign: Rehearsal, bank: Bank) -> list[tuple[str, str, Any]]:
    """What is on record for the ledger's repository: kind, sentence, and the account that did it."""
    rows = await countersign.rows(
        "SELECT kind, what, actor_id FROM unauthorised_change WHERE repository_id = %s ORDER BY id", bank.ledger.id
    )
    kinds = [kind for kind, _ in await countersign.ledger()]
    assert kinds.count("countersign:unauthorised-change:found") >= len(rows)
    return [(kind, what, actor) for kind, what, actor in rows]


async def next_check(countersign: Rehearsal, bank: Bank) -> str:
    """What the check of the next change says."""
    pull = bank.ledger.open_pull_request(by=bank.alice, title="Next", files={"next.py": "1\n"}, branch="next")
    await countersign.settle()
    return told(pull)


async def test_22_the_policy_is_loosened_in_the_same_pull_request(countersign: Rehearsal, bank: Bank) -> None:
    loose = "version: 1\ntiers: {medium: {approvals: [{count: 1, from: [write]}]}}\n"
    pull = bank.change()
    pull.push(by=bank.alice, files={".github/countersign.yml": loose})
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "action_required", "one approval is not enough, whatever the head says"
    assert "The change touches what guards changes: `.github/countersign.yml`." in told(pull)


async def test_23_the_policy_was_loosened_in_an_earlier_pull_request_by_the_same_person(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": STRICTER})
    bank.ledger.require_check = (CHECK,)
    earlier = bank.ledger.open_pull_request(
        by=bank.alice, title="Less", files={".github/countersign.yml": "version: 1\nmode: observe\n"}
    )
    earlier.review(by=bank.bob, state="APPROVED")
    earlier.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(earlier)[0] == "action_required", "taking a rule away needs what the rule demands"
    with pytest.raises(Refused):
        earlier.merge(by=bank.alice)
    earlier.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    earlier.merge(by=bank.alice)
    later = bank.change()
    later.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(later) == ("action_required", "Waiting: 1 approval from someone with write access")
    assert "a repository cannot only observe" in told(later), "and what the organisation demands stays"


async def test_24_owners_and_workflows_are_changed_so_that_the_required_check_changes(
    countersign: Rehearsal, bank: Bank
) -> None:
    fake = "name: change-control\non: pull_request\njobs: {ok: {runs-on: x, steps: [{run: 'true'}]}}\n"
    pull = bank.change()
    pull.push(by=bank.alice, files={".github/workflows/gate.yml": fake, ".github/CODEOWNERS": "* @alice\n"})
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from someone with write access")
    assert "The change touches what guards changes: `.github/CODEOWNERS` and `.github/workflows/gate.yml`." in told(
        pull
    )
    assert "this check comes from Countersign and from no workflow" in told(pull)


async def test_24_what_guards_changes_is_moved_away(countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank) -> None:
    gate = "name: gate\non: pull_request\njobs: {gate: {runs-on: x, steps: [{run: make}]}}\n"
    bank.ledger.push("main", by=bank.erin, files={".github/workflows/gate.yml": gate})
    pull = bank.ledger.open_pull_request(
        by=bank.alice, title="Tidy", files={".github/workflows/gate.yml": None, "attic/gate.yml": gate}
    )
    await countersign.settle()
    assert "The change touches what guards changes: `.github/workflows/gate.yml`." in told(pull)


async def test_25_and_50_the_name_of_the_check_is_used_by_another_app(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    bank.ledger.ruleset("main", by=bank.erin, checks=[CHECK])
    pull = bank.change()
    await countersign.settle()
    other = gh.world.other_app("helpful")
    bank.ledger.report_as(other, CHECK, pull.head_sha, conclusion="success")
    await countersign.settle()
    with pytest.raises(Refused, match="change-control"):
        pull.merge(by=bank.alice)
    sentence = (
        f"The App `helpful` reported a check `change-control` on {pull.head_sha[:7]}, which only Countersign does."
    )
    assert await around(countersign, bank) == [("impostor", sentence, other.account.id)]
    assert sentence in told(pull), "whoever looks at the check sees it"


async def test_25_another_app_copies_our_check_before_we_know_that_it_was_made(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    other = gh.world.other_app("helpful")
    copies: list[CheckRun] = []

    def copy(exchange: Exchange) -> None:
        if exchange.method == "POST" and exchange.template.endswith("/check-runs") and not copies:
            (own,) = bank.ledger.check_runs
            run = bank.ledger.report_as(other, CHECK, own.head_sha, conclusion="success", external_id=own.external_id)
            copies.append(run)

    gh.watchers.append(copy)
    gh.faults.add(Fault("POST .*/check-runs$", "cut-after"))
    pull = bank.approved_change()
    await countersign.settle()
    (own,) = bank.ledger.check_runs
    assert copies[0].external_id == own.external_id
    assert copies[0].id > own.id
    assert shown(pull) == GREEN
    assert own.conclusion == "success"


async def test_25_the_name_of_the_check_is_used_by_a_token(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    await countersign.settle()
    for _ in range(2):
        bank.ledger.set_status(pull.head_sha, {"state": "success", "context": "Change-Control"}, by=bank.alice)
    bank.ledger.set_status(pull.head_sha, {"state": "success", "context": "build"}, by=bank.alice)
    await countersign.settle()
    sentence = f"@alice set a status `change-control` on {pull.head_sha[:7]}, which Countersign never does."
    assert await around(countersign, bank) == [("impostor", sentence, bank.alice.id)]


async def test_25_what_countersign_itself_reports_is_no_news(countersign: Rehearsal, bank: Bank) -> None:
    bank.approved_change()
    await countersign.settle()
    assert await around(countersign, bank) == []


async def test_26_the_ruleset_is_switched_off_merged_past_and_switched_on_again(
    countersign: Rehearsal, bank: Bank
) -> None:
    ruleset = bank.ledger.ruleset("main", by=bank.erin, checks=[CHECK])
    pull = bank.change()
    await countersign.settle()
    with pytest.raises(Refused):
        pull.merge(by=bank.erin)
    ruleset.enforce("disabled", by=bank.erin)
    pull.merge(by=bank.erin)
    ruleset.enforce("active", by=bank.erin)
    await countersign.settle()
    found = await around(countersign, bank)
    assert (
        "protection",
        "@erin changed the ruleset `main`: its enforcement went from active to disabled.",
        bank.erin.id,
    ) in found
    merged = f"#{pull.number} was merged into `main` by @erin, though Countersign said `wait` of its head {pull.head_sha[:7]}."
    assert ("landing", merged, bank.erin.id) in found
    assert len(found) == 2
    said = await next_check(countersign, bank)
    assert "Something went around the gate here." in said
    assert merged in said


async def test_26_the_required_check_is_taken_out_of_the_rules(countersign: Rehearsal, bank: Bank) -> None:
    ruleset = bank.ledger.ruleset("main", by=bank.erin, checks=[CHECK])
    ruleset.release(by=bank.erin)
    ruleset.delete(by=bank.erin)
    protection = bank.ledger.protect("main", by=bank.erin, checks=[CHECK])
    protection.release(by=bank.erin)
    protection.delete(by=bank.erin)
    await countersign.settle()
    assert sorted(what for _, what, _ in await around(countersign, bank)) == [
        "@erin changed (`required_status_checks`) the protection of the branch `main`.",
        "@erin changed the ruleset `main`: deleted.",
        "@erin changed the ruleset `main`: its rules were changed or taken away.",
        "@erin deleted the protection of the branch `main`.",
    ]


async def test_26_branch_protection_is_switched_off_for_the_whole_repository(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.ledger.protect("main", by=bank.erin, checks=[CHECK])
    bank.ledger.switch_protection(on=False, by=bank.erin)
    bank.ledger.switch_protection(on=True, by=bank.erin)
    await countersign.settle()
    sentence = "@erin switched off the branch protection of the repository."
    assert await around(countersign, bank) == [("protection", sentence, bank.erin.id)]


async def test_27_an_administrator_merges_over_a_red_check(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.ruleset("main", by=bank.erin, checks=[CHECK])
    pull = bank.change()
    await countersign.settle()
    pull.merge(by=bank.erin, bypass=True)
    await countersign.settle()
    sentence = f"#{pull.number} was merged into `main` by @erin, though Countersign said `wait` of its head {pull.head_sha[:7]}."
    assert await around(countersign, bank) == [("landing", sentence, bank.erin.id)]
    assert sentence in await next_check(countersign, bank)


async def test_27_what_was_green_when_it_was_merged_is_no_news(countersign: Rehearsal, bank: Bank) -> None:
    for method in ("merge", "squash"):
        pull = bank.approved_change(text=f"balance = '{method}'\n", branch=method)
        await countersign.settle()
        assert shown(pull) == GREEN
        pull.merge(by=bank.alice, method=method)
        await countersign.settle()
    assert await around(countersign, bank) == []


@pytest.mark.parametrize("onto", ["main", "release"])
async def test_32_it_is_retargeted_and_merged_before_anybody_can_look(
    countersign: Rehearsal, bank: Bank, onto: str
) -> None:
    for branch in ("old", "release"):
        bank.ledger.branch(branch, start="main")
    bank.ledger.require_check = (CHECK,)
    pull = bank.approved_change(base="old")
    await countersign.settle()
    assert shown(pull) == GREEN
    pull.retarget(by=bank.alice, base=onto)
    pull.merge(by=bank.alice)
    await countersign.settle()
    sentence = (
        f"#{pull.number} was merged into `{onto}` by @alice, though its head {pull.head_sha[:7]} was decided for `old`."
    )
    assert await around(countersign, bank) == [("landing", sentence, bank.alice.id)]
    assert sentence in await next_check(countersign, bank)


async def test_32_it_is_retargeted_looked_at_again_and_merged(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.branch("old", start="main")
    pull = bank.change(base="old")
    await countersign.settle()
    pull.retarget(by=bank.alice, base="main")
    bank.time_passes()
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == GREEN
    pull.merge(by=bank.alice)
    await countersign.settle()
    assert await around(countersign, bank) == []


async def test_28_a_push_past_every_pull_request(countersign: Rehearsal, bank: Bank) -> None:
    bank.change()
    await countersign.settle()
    made = bank.ledger.push("main", by=bank.erin, files={"backdoor.py": "open()\n"})
    await countersign.settle()
    sentence = f"A commit ({made.oid[:7]}) came to `main` without a pull request; @erin pushed it there."
    assert await around(countersign, bank) == [("landing", sentence, bank.erin.id)]
    assert sentence in await next_check(countersign, bank)


async def test_28_a_push_to_another_branch_that_changes_are_merged_into(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.branch("release", start="main")
    bank.change(base="release")
    await countersign.settle()
    made = bank.ledger.push("release", by=bank.erin, files={"backdoor.py": "open()\n"})
    await countersign.settle()
    sentence = f"A commit ({made.oid[:7]}) came to `release` without a pull request; @erin pushed it there."
    assert await around(countersign, bank) == [("landing", sentence, bank.erin.id)]


async def test_27_what_was_green_when_it_was_merged_into_another_branch_is_no_news(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.ledger.branch("release", start="main")
    pull = bank.approved_change(base="release")
    await countersign.settle()
    assert shown(pull) == GREEN
    pull.merge(by=bank.alice)
    await countersign.settle()
    assert await around(countersign, bank) == []


async def test_28_the_history_of_the_branch_is_rewritten(countersign: Rehearsal, bank: Bank) -> None:
    bank.change()
    await countersign.settle()
    lost = bank.ledger.branches["main"]
    bank.ledger.push("main", by=bank.erin, files={"ledger.py": "balance = 7\n"}, force=True)
    await countersign.settle()
    found = await around(countersign, bank)
    assert ("history", f"@erin rewrote the history of `main`: {lost[:7]} is not on it any more.", bank.erin.id) in found


async def test_29_a_merge_by_hand_has_changes_of_its_own(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == GREEN
    made = bank.ledger.land("main", pull.head_sha, by=bank.erin, own={"backdoor.py": "open()\n"})
    await countersign.settle()
    assert pull.merged, "GitHub takes it for a merge of the pull request"
    sentence = (
        f"{made.oid[:7]}, by which #{pull.number} came into `main`, cannot be shown to have just what was approved as "
        f"{pull.head_sha[:7]}; @erin merged it, and GitHub did not make the merge."
    )
    assert await around(countersign, bank) == [("landing", sentence, bank.erin.id)]


async def test_29_a_merge_by_hand_of_just_what_was_approved_is_no_news(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    bank.ledger.land("main", pull.head_sha, by=bank.erin)
    await countersign.settle()
    assert pull.merged
    assert await around(countersign, bank) == []


async def test_29_another_head_is_merged_than_was_decided(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    await countersign.stop_worker()
    made = pull.push(by=bank.alice, files={"backdoor.py": "open()\n"})
    pull.merge(by=bank.erin)
    await bank.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    sentence = (
        f"#{pull.number} was merged into `main` by @erin, though Countersign had never decided about its head "
        f"{made.oid[:7]}."
    )
    assert await around(countersign, bank) == [("landing", sentence, bank.erin.id)]


@pytest.mark.parametrize("annotated", [False, True])
async def test_40_a_tag_is_moved_to_a_commit_that_nobody_reviewed(
    countersign: Rehearsal, bank: Bank, annotated: bool
) -> None:
    bank.ledger.tag("v1", bank.ledger.branches["main"], by=bank.erin, annotated=annotated)
    await countersign.settle()
    assert await around(countersign, bank) == []
    stray = bank.ledger.push("topic", by=bank.alice, files={"backdoor.py": "open()\n"}, start="main")
    bank.ledger.tag("v1", stray.oid, by=bank.erin, annotated=annotated)
    await countersign.settle()
    sentence = f"@erin moved the tag `v1` to {stray.oid[:7]}, which is not on `main` and was approved by nobody."
    assert await around(countersign, bank) == [("tag", sentence, bank.erin.id)]


async def test_48_a_slow_look_at_an_old_state_does_not_publish_over_a_newer_one(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == GREEN
    gh.faults.add(Fault("graphql", "slow", seconds=0.6))
    pull.comment(by=bank.alice, body="/recheck")
    pull.review(by=bank.dana, state="CHANGES_REQUESTED", body="No.")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert [run.conclusion for run in bank.ledger.check_runs if run.head_sha == pull.head_sha] == ["failure"]


async def test_51_a_changed_policy_reaches_every_open_pull_request_within_the_budget(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    pulls = []
    for number in range(6):
        pull = bank.ledger.open_pull_request(
            by=bank.alice, title=f"No. {number}", files={f"{number}.py": "1\n"}, branch=f"change-{number}"
        )
        pull.review(by=bank.bob, state="APPROVED")
        pull.review(by=bank.carol, state="APPROVED")
        pulls.append(pull)
    await countersign.settle()
    assert {shown(pull) for pull in pulls} == {GREEN}
    before = (gh.counts.points, gh.counts.rest)
    three = POLICY.replace("medium:\n    approvals: [{count: 2", "medium:\n    approvals: [{count: 3")
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": three})
    await countersign.settle()
    assert {shown(pull)[0] for pull in pulls} == {"action_required"}
    points, requests = gh.counts.points - before[0], gh.counts.rest - before[1]
    assert points <= 2 * len(pulls) + 6, "one query for each, and what is read once for all"
    assert requests <= len(pulls) + 2, "and one write for each"
