"""Attempts to make an approval say more than it did: of something else, at another time, in other words.

The numbers are those of docs/separation.md.
"""

import pytest

from bot.publish.effects import CHECK
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import Bank, reasons, shown, told

GREEN = ("success", "Passed: 2 of 2 approvals, none by a contributor")
WAITS_FOR_ONE = ("action_required", "Waiting: 1 approval from someone with write access")
WAITS_FOR_TWO = ("action_required", "Waiting: 2 approvals from people with write access")


async def test_05_the_approver_pushes_after_approving(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    pull.push(by=bank.bob, files={"ledger.py": "balance = 2\n"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert "pushed" in reasons(pull)["bob"]


async def test_06_approval_then_push_then_merge(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    seen = pull.head_sha
    pull.push(by=bank.alice, files={"ledger.py": "balance = 1_000_000\n"})
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO
    assert reasons(pull)["bob"] == f"not counted: it was given for {seen[:7]}; the head is {pull.head_sha[:7]} now"


async def test_07_an_old_commit_is_approved_after_a_force_push(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    seen = pull.head_sha
    pull.push(by=bank.alice, files={"ledger.py": "balance = 2\n"}, force=True)
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO
    assert f"it was given for {seen[:7]}" in reasons(pull)["carol"]


async def test_07_the_same_diff_on_another_commit_is_another_commit_unless_the_policy_says_otherwise(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.approved_change()
    pull.push(by=bank.alice, files={}, message="The same again", force=True)
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO


async def test_14_a_dismissed_approval_is_revived(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    pull.reviews[0].dismiss(by=bank.erin, message="Too quick.")
    bank.time_passes()
    pull.review(by=bank.bob, state="COMMENTED", body="I still approve. LGTM! APPROVED")
    pull.comment(by=bank.bob, body="/approve")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert "it was dismissed" in told(pull)
    assert reasons(pull)["bob"] == "not counted: it is a comment, not an approval"


async def test_15_the_words_of_a_review_are_changed_afterwards(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    comment = pull.review(by=bank.bob, state="COMMENTED", body="Not yet.")
    approval = pull.review(by=bank.carol, state="APPROVED", body="But only for the test environment.")
    comment.edit(by=bank.alice, body="Approved.")
    approval.edit(by=bank.alice, body="For production.")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert reasons(pull)["bob"] == "not counted: it is a comment, not an approval"
    assert "The words of the review of @carol were changed afterwards by @alice." in told(pull)


async def test_16_a_comment_is_edited_or_deleted_by_somebody_else_after_it_counted(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change(co_authors=[bank.bob])
    comment = pull.comment(by=bank.bob, body=f"/disown {pull.head_sha[:10]}")
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == GREEN
    comment.edit(by=bank.erin, body="I said nothing.")
    comment.delete(by=bank.erin)
    pull.comment(by=bank.erin, body="/recheck")
    await countersign.settle()
    assert shown(pull) == GREEN
    rows = await countersign.rows("SELECT text, outcome FROM request WHERE comment_id = %s", comment.id)
    assert rows == [(f"/disown {pull.head_sha[:10]}", "done")], "what was said is on record as it was said"


async def test_16_a_comment_is_deleted_before_anybody_can_see_that_it_was_there(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change(co_authors=[bank.bob])
    await countersign.settle()
    await countersign.stop_worker()
    comment = pull.comment(by=bank.bob, body=f"/disown {pull.head_sha[:10]}")
    comment.delete(by=bank.erin)
    await bank.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert "nor from a comment that is gone" in pull.comments[-1].body
    assert await countersign.rows("SELECT * FROM disowned") == []


@pytest.mark.parametrize(
    "hidden", ["> /disown {}", "`/disown {}`", "```\n/disown {}\n```", "<!--\n/disown {}\n-->", "Please /disown {}"]
)
async def test_17_a_command_in_a_quote_in_code_or_hidden(countersign: Rehearsal, bank: Bank, hidden: str) -> None:
    pull = bank.change(co_authors=[bank.bob])
    comment = pull.comment(by=bank.bob, body=hidden.format(pull.head_sha[:10]))
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert not comment.reactions


async def test_17_a_command_in_the_answer_to_an_e_mail(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change(co_authors=[bank.bob])
    comment = pull.comment(by=bank.bob, body=f"/disown {pull.head_sha[:10]}", by_email=True)
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert [reaction.content for reaction in comment.reactions] == ["eyes", "confused"]
    assert "`/disown` is not taken from an e-mail" in pull.comments[-1].body


async def test_32_the_base_branch_is_changed_after_the_approval(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.branch("release", start="main")
    pull = bank.approved_change(base="release")
    await countersign.settle()
    assert shown(pull) == GREEN
    pull.retarget(by=bank.alice, base="main")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO
    sentence = "it was given before the base branch was changed from `release` to `main`"
    assert reasons(pull) == {"bob": f"not counted: {sentence}", "carol": f"not counted: {sentence}"}
    bank.time_passes()
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == GREEN


async def test_33_an_old_approved_pull_request_is_opened_again(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    pull.close(by=bank.alice)
    bank.time_passes()
    pull.reopen(by=bank.alice)
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO
    assert reasons(pull)["bob"] == "not counted: it was given before the pull request was opened again"


async def test_34_a_draft_is_approved_and_then_made_ready(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change(draft=True)
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: the pull request is a draft")
    pull.ready(by=bank.alice)
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO
    assert reasons(pull)["carol"] == "not counted: it was given while the pull request was a draft"


async def test_37_a_large_change_is_approved_in_seconds(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change(text="".join(f"balance_{number} = {number}\n" for number in range(1200)))
    await countersign.settle()
    assert shown(pull) == GREEN, "it is reported and does not block"
    assert "@bob approved 1,201 changed lines 0 seconds after there was something to review." in told(pull)


async def test_37_two_people_always_approve_each_other(countersign: Rehearsal, bank: Bank) -> None:
    vault = bank.org.repository("vault", files={"a": "1"}, access={bank.alice: "write", bank.dana: "write"})
    async with countersign.store.transaction() as connection:
        for number in range(10):
            await connection.execute(
                "INSERT INTO approval_given (subject, author_id, approver_id, approver_login, at) "
                "VALUES (%s, %s, %s, 'dana', now() - interval '10 days')",
                [f"pull:1:{number}", bank.alice.id, bank.dana.id],
            )
    vault.grant(bank.bob, "write")
    pull = vault.open_pull_request(by=bank.alice, title="Again", files={"a": "2"})
    pull.review(by=bank.dana, state="APPROVED")
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success", "it is reported and does not block"
    assert "For 90 days nobody but @dana has approved what @alice proposed (10 times or more)." in told(pull)


async def test_45_an_approval_is_tied_to_a_commit_and_not_to_a_time(countersign: Rehearsal, bank: Bank) -> None:
    already = bank.ledger.push("other", by=bank.alice, files={"ledger.py": "balance = 9\n"}, start="main")
    bank.ledger.set_status(already.oid, {"state": "success", "context": "build"}, by=bank.alice)
    await countersign.settle()
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == GREEN
    from bot.sandbox import branches  # noqa: PLC0415 - moves a branch as `git push --force` does

    branches.advance(bank.ledger, pull.head_ref, already, by=bank.alice, forced=True)
    await countersign.settle()
    assert pull.head_sha == already.oid
    assert shown(pull) == WAITS_FOR_TWO
    assert f"the head is {already.oid[:7]} now" in reasons(pull)["bob"]


async def test_47_approve_then_request_changes_by_the_same_person(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    bank.time_passes()
    objection = pull.review(by=bank.bob, state="CHANGES_REQUESTED", body="Wait.")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "@bob requested changes." in told(pull)
    objection.dismiss(by=bank.erin, message="Done.")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE, "no approval is left of the one before"
    assert "a later review of the same person takes its place" in told(pull)


async def test_49_red_after_green_when_a_membership_ends(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == GREEN
    run = pull.check(CHECK)
    bank.ledger.revoke(bank.carol)
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert pull.check(CHECK).id == run.id
