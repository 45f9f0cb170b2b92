"""Two pull requests of the same commit: GitHub keeps one check for both, and neither is stopped for good by the other."""

from datetime import timedelta
from typing import Any

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown, told
from tests.scenarios.board import BODY, ON_THE_BOARD, Board, calls, planned, state


def another(board: Board, pull: Any, *, by: str, body: str = BODY) -> Any:
    """The same branch again, to be merged into another one."""
    board.vault.branches.setdefault("release-1", board.vault.branches["main"])
    return board.vault.open_pull_request(
        by=board.people[by], title="PAY-9 Interest, for release 1", body=body, branch=pull.head_ref, base="release-1"
    )


async def test_the_boards_of_two_pull_requests_of_one_commit_are_both_called(
    countersign: Rehearsal, board: Board
) -> None:
    first = await board.opened()
    second = another(board, first, by="alice")
    second.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    for pull in (first, second):
        await board.ask(pull)
        assert await state(countersign, pull) == "authorize"
        assert len(calls(pull, ON_THE_BOARD)) == 1
    for pull in (first, second):
        await board.ballot(pull, "chris", "ida", "rick")
        assert await state(countersign, pull) == "scheduled"
    assert await planned(countersign, first) == await planned(countersign, second), "they are made together"
    assert shown(first)[1].startswith("Waiting: its window, ")
    start = await planned(countersign, first)
    await countersign.until(start + timedelta(minutes=5))
    assert shown(first)[0] == shown(second)[0] == "success"
    for pull in (first, second):
        await board.merge(pull)
        assert await state(countersign, pull) == "review"
    assert await countersign.rows("SELECT what FROM unauthorised_change") == []


async def test_58_what_is_authorised_is_told_who_holds_it_up_and_goes_on_when_that_is_closed(
    countersign: Rehearsal, board: Board
) -> None:
    first = await board.authorised()
    second = another(board, first, by="bob")
    await countersign.settle()
    assert await planned(countersign, first) == await planned(countersign, second), "nobody moves for the same commit"
    await countersign.until(await planned(countersign, first) + timedelta(minutes=5))
    assert shown(first)[0] == "action_required", "a green check would open the merge of what nobody authorised"
    assert f"Close #{second.number}, opened by @bob, or get it approved as well" in told(first)
    second.close(by=board.carol)
    await countersign.settle()
    assert shown(first)[0] == "success"
    await board.merge(first)
    assert await state(countersign, first) == "review"
