"""The board votes by reviews of the pull request, where the policy says so: given, changed, dismissed, and of no use."""

from typing import Any

import pytest

from bot.publish.effects import CHECK
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import reasons, told
from tests.scenarios.board import POLICY, Board, cleared, said, state

TAKEN = POLICY.replace("on_timeout: reject}", "on_timeout: reject, reviews: true}")


@pytest.fixture
async def board(countersign: Rehearsal) -> Board:
    return Board.found(countersign, TAKEN)


async def requested(board: Board, **more: Any) -> Any:
    pull = board.change(**more)
    await ask(board, pull)
    return pull


async def ask(board: Board, pull: Any) -> None:
    """Ask the board. GitHub tells the moments of reviews in whole seconds: those that follow are in a later one."""
    await board.ask(pull)
    board.countersign.later(seconds=1)


def review(pull: Any, board: Board, *names: str, as_: str = "APPROVED", **more: Any) -> list[Any]:
    return [pull.review(by=board.people[name], state=as_, **more) for name in names]


async def votes(countersign: Rehearsal) -> list[tuple[str, str, str]]:
    """Every vote on record: whose, what, and why."""
    found = await countersign.rows("SELECT voter ->> 'login', choice, reason FROM vote ORDER BY number, version")
    return [(who, choice, reason) for who, choice, reason in found]


async def test_members_who_approve_the_pull_request_authorise_it(countersign: Rehearsal, board: Board) -> None:
    pull = await requested(board)
    assert "or review the pull request" in said(pull)[-1]
    review(pull, board, "ida", "rick", "chris")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert sorted(await votes(countersign)) == [
        (name, "approve", "approved the pull request") for name in ("chris", "ida", "rick")
    ]
    assert "Signed off for `it-manager` and `risk-officer`" in told(pull)
    assert cleared(pull)


async def test_a_member_who_may_not_approve_the_code_votes_all_the_same(countersign: Rehearsal, board: Board) -> None:
    board.vault.access[board.chris] = "read"
    pull = await requested(board)
    review(pull, board, "chris", "ida", "rick")
    await countersign.settle()
    assert reasons(pull)["chris"].startswith("not counted: has none of what is demanded")
    assert await state(countersign, pull) == "scheduled"


async def test_a_dismissed_approval_takes_its_vote_back(countersign: Rehearsal, board: Board) -> None:
    pull = await requested(board)
    [approval, _] = review(pull, board, "ida", "rick")
    await countersign.settle()
    approval.dismiss(by=board.alice, message="Not yet")
    await countersign.settle()
    review(pull, board, "chris")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert "1 more to approve, a signature for it-manager" in told(pull)
    assert await votes(countersign) == [
        ("ida", "approve", "approved the pull request"),
        ("rick", "approve", "approved the pull request"),
        ("ida", "withdraw", "The review that it was given by was dismissed."),
        ("chris", "approve", "approved the pull request"),
    ]
    assert "countersign:vote:withdrawn" in [kind for kind, _ in await countersign.ledger()]
    await board.say(pull, "alice", "/change")
    assert "| not counted | `@ida` | withdraw | The review that it was given by was dismissed. |" in said(pull)[-1]
    assert (
        "| not counted | `@ida` | approve | approved the pull request (a later vote of the same person takes its place) |"
        in said(pull)[-1]
    )
    await board.ballot(pull, "ida")
    assert await state(countersign, pull) == "scheduled"


async def test_nothing_is_authorised_by_a_review_that_was_dismissed_meanwhile(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await requested(board)
    pull.edit(by=board.alice, title="Daily interest")
    await countersign.settle()
    [approval, *_] = review(pull, board, "ida", "rick", "chris")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert len(await votes(countersign)) == 3
    await countersign.stop_worker()
    pull.edit(by=board.alice, title="PAY-1 Daily interest")
    approval.dismiss(by=board.ida, message="I take it back")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert not cleared(pull)


async def test_who_requests_changes_votes_against_it_and_can_change_that(countersign: Rehearsal, board: Board) -> None:
    pull = await requested(board)
    review(pull, board, "rick")
    await countersign.settle()
    [against] = review(pull, board, "rick", as_="CHANGES_REQUESTED", body="Nobody has tried\nthe back-out plan.")
    review(pull, board, "ida", "chris", "cleo")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert (await votes(countersign))[:2] == [
        ("rick", "approve", "approved the pull request"),
        ("rick", "reject", "Nobody has tried the back-out plan."),
    ]
    assert "@rick takes a rejection back" in told(pull)
    # Whoever may push can dismiss it: that takes no rejection back.
    against.dismiss(by=board.alice, message="We did")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    review(pull, board, "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"


async def test_a_board_that_requests_changes_has_rejected_it(countersign: Rehearsal, board: Board) -> None:
    pull = await requested(board)
    review(pull, board, "ida", "rick", "chris", as_="CHANGES_REQUESTED")
    await countersign.settle()
    assert await state(countersign, pull) == "draft"
    assert "@alice: CHG-2026-0001, PAY-1 Daily interest, was rejected by the board." in said(pull)[-1]
    assert said(pull)[-1].count("requested changes") == 3


async def test_what_somebody_says_with_cab_after_their_review_stands(countersign: Rehearsal, board: Board) -> None:
    pull = await requested(board)
    review(pull, board, "rick")
    await countersign.settle()
    await board.ballot(pull, "rick", word="reject The figures of last year are missing")
    pull.comment(by=board.carol, body="/recheck")
    review(pull, board, "ida", "chris", "cleo")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert [choice for who, choice, _ in await votes(countersign) if who == "rick"] == ["approve", "reject"]


async def test_what_was_said_first_and_heard_last_does_not_stand(countersign: Rehearsal, board: Board) -> None:
    pull = await requested(board)
    await countersign.stop_worker()
    board.vote(pull, "rick")
    await countersign.gh.settle()
    countersign.later(minutes=5)
    review(pull, board, "rick", as_="CHANGES_REQUESTED")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    await board.say(pull, "carol", "/recheck")
    assert len(await votes(countersign)) == 2
    assert [choice for _, choice, _ in await votes(countersign)] == ["approve", "reject"]
    assert "@rick takes a rejection back" in told(pull)


async def test_who_has_no_vote_has_none_by_a_review_and_the_check_says_why(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await requested(board, co_authors=[board.bob])
    board.org.teams["cab"].add(board.rita)
    await countersign.settle()
    review(pull, board, "bob", "rita")
    await countersign.settle()
    assert await votes(countersign) == []
    assert "The review of @bob is no vote: @bob contributed to the change." in told(pull)
    assert "The review of @rita is no vote: @rita came to the board after it was asked on" in told(pull)
    assert "The review of @carol is no vote" not in told(pull), "she is on no board"


async def test_a_review_of_what_the_change_was_before_is_no_vote(countersign: Rehearsal, board: Board) -> None:
    pull = await requested(board)
    review(pull, board, "chris", "ida")
    await countersign.settle()
    pull.push(by=board.alice, files={"a": "3"})
    review(pull, board, "carol", "rick")
    await ask(board, pull)
    review(pull, board, "ida")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    rows = await countersign.rows("SELECT round, voter ->> 'login' FROM vote ORDER BY 1, 2")
    assert rows == [(1, "chris"), (1, "ida"), (2, "ida")]
    assert "The review of @chris is no vote: it was given for" in told(pull)
    assert "The review of @rick is no vote: it was given before the board was asked." in told(pull)
    assert pull.check(CHECK) is not None
