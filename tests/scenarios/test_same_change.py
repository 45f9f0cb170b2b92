"""What a decision was made about: it holds for the same change on another base, and for nothing else."""

from datetime import timedelta

import pytest

from bot.sandbox.git import EXECUTABLE, LINK, PLAIN
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import told
from tests.scenarios.board import BODY, Board, said, state
from tests.scenarios.test_change_records import typo

LINES = [f"line {number}\n" for number in range(60)]


@pytest.fixture
async def long(board: Board) -> Board:
    """The bank, with a long file in its vault."""
    board.vault.push("main", by=board.bob, files={"long": "".join(LINES)}, message="PAY-0 Long")
    return board


async def test_the_authorisation_holds_for_lines_that_the_base_has_moved(countersign: Rehearsal, long: Board) -> None:
    mine = {"long": "".join([*LINES[:50], "of alice\n", *LINES[50:]]), "a": None, "b": "1", "empty": ""}
    pull = long.vault.open_pull_request(by=long.alice, title="PAY-1 Daily interest", files=mine, body=BODY)
    pull.review(by=long.carol, state="APPROVED")
    await countersign.settle()
    await long.authorise(pull)
    long.vault.push("main", by=long.carol, files={"long": "".join(["first of all\n", *LINES])}, message="PAY-9 Long")
    await countersign.settle()
    pull.update_branch(by=long.alice)
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    pull.push(by=long.alice, files={"empty": "slipped in"})
    await countersign.settle()
    assert await state(countersign, pull) == "assess"


@pytest.mark.parametrize("mode", [EXECUTABLE, LINK])
async def test_a_push_of_nothing_but_a_mode_takes_authorisation_and_votes_back(
    countersign: Rehearsal, board: Board, mode: int
) -> None:
    pull = await board.authorised()
    pull.push(by=board.alice, files={}, modes={"a": mode}, message="PAY-1 Mode")
    await countersign.settle()
    assert await state(countersign, pull) == "assess"
    pull.review(by=board.carol, state="APPROVED")
    await board.ask(pull)
    await board.ballot(pull, "chris", "ida")
    pull.push(by=board.alice, files={}, modes={"a": PLAIN}, message="PAY-1 Mode")
    pull.review(by=board.carol, state="APPROVED")
    await board.ask(pull)
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "authorize", "two have voted for something else"
    await board.ballot(pull, "chris", "ida")
    assert await state(countersign, pull) == "scheduled"


@pytest.mark.parametrize("mode", [EXECUTABLE, LINK])
async def test_a_push_of_nothing_but_a_mode_takes_a_waiver_back(
    countersign: Rehearsal, board: Board, mode: int
) -> None:
    pull = await typo(countersign, board)
    before = pull.head_sha[:7]
    pull.push(by=board.alice, files={}, modes={"a": mode}, message="Mode")
    countersign.later(seconds=2)
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert f"does not hold: the change is another one than at {before}, for which it was granted." in told(pull)
    pull.push(by=board.alice, files={}, modes={"a": PLAIN}, message="Mode")
    countersign.later(seconds=2)
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert "@rick waived this until" in told(pull), "it is what it was granted for"


async def test_a_waiver_that_was_asked_for_in_another_mode_is_not_granted(countersign: Rehearsal, board: Board) -> None:
    pull = board.low_change("Typo")
    await countersign.settle()
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    await board.say(pull, "alice", f"/waive rule:ticket until {until} because there is no ticket for a typo")
    pull.push(by=board.alice, files={}, modes={"a": LINK}, message="Mode")
    await countersign.settle()
    await board.say(pull, "rick", "/waiver grant rule:ticket")
    assert "the change is another one since" in said(pull)[-1]
