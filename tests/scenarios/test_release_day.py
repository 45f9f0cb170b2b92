"""From the pull request to its merge: who may approve what, and what people see meanwhile."""

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from tests.scenarios.bank import SECRET, Bank, reasons, shown, told


async def test_a_new_pull_request_has_its_check_after_one_look(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 2 approvals from people with write access")
    check = pull.check(CHECK)
    assert check.external_id == f"pull:{bank.ledger.id}:{pull.number}@{pull.head_sha}"
    assert [button["identifier"] for button in check.actions] == ["recheck", "explain"]
    assert len(check.title) <= 50


async def test_two_people_with_write_access_make_it_green(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == ("success", "Passed: 2 of 2 approvals, none by a contributor")


async def test_a_co_author_does_not_count_as_approver_and_is_told_why(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change(co_authors=[bank.bob])
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    assert reasons(pull)["bob"].startswith("not counted: ")
    assert "co-author" in reasons(pull)["bob"]
    assert reasons(pull)["carol"].startswith("counted: ")


async def test_the_second_account_of_a_contributor_does_not_count(countersign: Rehearsal, bank: Bank) -> None:
    second = bank.org.person("bob-admin")
    bank.ledger.grant(second, "admin")
    pull = bank.change(co_authors=[bank.bob])
    pull.review(by=second, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["bob-admin"].startswith("not counted: ")


async def test_who_pushed_a_commit_of_others_does_not_count(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.push(by=bank.bob, author=bank.alice, committer=bank.alice, files={"ledger.py": "balance = 2\n"})
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert "pushed" in reasons(pull)["bob"]


async def test_a_push_makes_approvals_stale(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    before = pull.head_sha
    pull.push(by=bank.alice, files={"ledger.py": "balance = 3\n"})
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 2 approvals from people with write access")
    assert before[:7] in reasons(pull)["bob"]
    assert pull.head_sha[:7] in reasons(pull)["bob"]


async def test_a_review_of_someone_without_write_access_does_not_count(countersign: Rehearsal, bank: Bank) -> None:
    frank = bank.org.person("frank")
    bank.ledger.grant(frank, "read")
    pull = bank.change()
    pull.review(by=frank, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["frank"].startswith("not counted: ")
    assert "write access" in reasons(pull)["frank"]


async def test_access_that_is_given_later_counts_from_then_on(countersign: Rehearsal, bank: Bank) -> None:
    frank = bank.org.person("frank")
    bank.ledger.grant(frank, "read")
    pull = bank.change()
    pull.review(by=frank, state="APPROVED")
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    bank.ledger.grant(frank, "write")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    bank.ledger.revoke(frank)
    await countersign.settle()
    assert shown(pull)[0] == "action_required"


async def test_a_role_is_held_through_a_team_and_lost_with_it(countersign: Rehearsal, bank: Bank) -> None:
    vault = bank.org.repository(
        "vault", files={"a": "1"}, access={bank.alice: "write", bank.bob: "write", bank.dana: "read"}
    )
    pull = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"})
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")
    pull.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    bank.appsec.remove(bank.dana)
    await countersign.settle()
    assert shown(pull)[0] == "action_required"


async def test_a_request_for_changes_blocks_until_it_is_lifted(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    objection = pull.review(by=bank.dana, state="CHANGES_REQUESTED", body="No.")
    await countersign.settle()
    assert shown(pull)[0] != "success"
    objection.dismiss(by=bank.erin, message="Talked it over.")
    await countersign.settle()
    assert shown(pull)[0] == "success"


async def test_a_dismissed_approval_does_not_count(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    approval = pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    approval.dismiss(by=bank.erin, message="Too quick.")
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from someone with write access")


async def test_a_commit_that_nobody_is_known_for_blocks(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    pull.push(by=bank.alice, email="somebody@elsewhere.example", files={"b": "1"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "somebody@elsewhere" in told(pull)


async def test_a_repository_in_no_inventory_is_of_tier_high_and_says_so(countersign: Rehearsal, bank: Bank) -> None:
    stray = bank.org.repository("stray", files={"a": "1"}, access={bank.alice: "write", bank.bob: "write"})
    pull = stray.open_pull_request(by=bank.alice, title="Stray", files={"a": "2"})
    await countersign.settle()
    summary = pull.check(CHECK).summary
    assert "tier high" in summary
    assert "inventory" in summary


async def test_a_merged_pull_request_is_at_its_end(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    pull.merge(by=bank.alice)
    await countersign.settle()
    assert await countersign.rows("SELECT finished FROM subject WHERE kind = 'pull'") == [(True,)]
    kinds = {kind for kind, _ in await countersign.ledger()}
    assert {"github:delivery:accepted", "countersign:decision:made", "countersign:effect:published"} <= kinds


async def test_nothing_is_sent_when_nothing_changed(countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    before = gh.counts.writes
    pull.label(by=bank.alice, name="later")
    pull.edit(by=bank.alice, body="More words.")
    await countersign.settle()
    assert gh.counts.writes == before


async def test_two_pull_requests_with_one_commit_pass_together_or_not_at_all(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.ledger.branch("release", start="main")
    pull = bank.change(branch="fix")
    await countersign.settle()
    harmless = bank.ledger.open_pull_request(by=bank.alice, title="Small", files={}, branch="fix", base="release")
    for approver in (bank.bob, bank.carol):
        harmless.review(by=approver, state="APPROVED")
    await countersign.settle()
    assert pull.head_sha == harmless.head_sha
    assert shown(pull)[0] == "action_required", "the approvals of the other pull request are not its own"
    for approver in (bank.bob, bank.carol):
        pull.review(by=approver, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success", pull.check(CHECK).summary
    harmless.review(by=bank.carol, state="CHANGES_REQUESTED", body="Not on release.")
    await countersign.settle()
    assert shown(pull)[0] != "success"
    harmless.close(by=bank.alice)
    await countersign.settle()
    assert shown(pull)[0] == "success"


async def test_a_group_of_the_merge_queue_has_the_check_of_its_members(gh: SimulatedGitHub, database_url: str) -> None:
    async with rehearsal(gh, database_url, SECRET) as countersign:
        bank = Bank.found(gh, merge_queue=True)
        good = bank.approved_change()
        await countersign.settle()
        group = good.enqueue(by=bank.alice)
        await countersign.settle()
        assert shown(group)[0] == "success"
        bad = bank.ledger.open_pull_request(by=bank.alice, title="Other", files={"other.py": "1\n"})
        await countersign.settle()
        both = bad.enqueue(by=bank.alice)
        await countersign.settle()
        assert shown(both)[0] == "action_required"
        assert f"#{bad.number}" in told(both)
