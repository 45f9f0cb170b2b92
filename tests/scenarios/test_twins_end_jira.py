"""The end of a change is told in Jira, and what people there say of it counts here by the rules of here."""

from typing import Any

import pytest

from bot.sandbox.jira.desk import CANCELED, DOING, DONE, FAILED
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios import elsewhere
from tests.scenarios.board import VERIFIED, Board, state
from tests.scenarios.elsewhere import Jira, is_polled, kept, poll

there, countersign = elsewhere.jira, elsewhere.countersign

KEPT = VERIFIED + kept("jira", *elsewhere.BOARD, "vera.v", "alice.a")


@pytest.fixture
async def board(countersign: Rehearsal, there: Jira) -> Board:
    for name in ("Vera V", "Alice A", "Mia M"):
        there.simulation.desk.user(name)
    return Board.with_verifiers(countersign, KEPT)


async def released(board: Board, there: Jira) -> Any:
    """A change that the board approved there, and that was merged in its window."""
    pull = await board.requested()
    there.approve()
    await poll(board.countersign)
    assert await state(board.countersign, pull) == "scheduled"
    await board.to_its_window()
    await board.merge(pull)
    assert await state(board.countersign, pull) == "review"
    assert there.only.status == DOING
    return pull


async def test_what_was_released_and_closed_here_is_so_there(countersign: Rehearsal, board: Board, there: Jira) -> None:
    pull = await released(board, there)
    assert await is_polled(countersign)
    await board.say(pull, "vera", "/change close with-issues Totals are right; it took an hour")
    assert there.only.status == DONE
    told = there.only.comments[-1]
    assert told.body == (
        "Closed: with issues. Totals are right; it took an hour\n"
        "Released by @rita; closed as successful with issues by @vera."
    )
    assert not told.public, "it is for those who work on it"
    assert not await is_polled(countersign)


async def test_what_was_backed_out_failed_there(board: Board, there: Jira) -> None:
    pull = await released(board, there)
    await board.say(pull, "alice", "/change close backed-out Totals differ by a cent")
    assert there.only.status == FAILED
    assert "Totals differ by a cent" in there.only.comments[-1].body


async def test_who_verifies_can_close_it_there(countersign: Rehearsal, board: Board, there: Jira) -> None:
    pull = await released(board, there)
    vera = there.person("Vera V")
    there.simulation.desk.comment(there.only, "Totals of the night are right.", vera, public=False)
    there.simulation.desk.move(there.only.key, DONE, by=vera)
    await poll(countersign)
    assert await state(countersign, pull) == "closed"
    told = await board.say(pull, "alice", "/change")
    assert "by `@vera`: Totals of the night are right. (in Jira, by vera.v@bank.example)" in told
    await poll(countersign)
    assert not await is_polled(countersign)


@pytest.mark.parametrize(
    ("who", "status", "sentence"),
    [
        ("Alice A", DONE, "Whoever closes CHG-2026-0001 as a success verifies it"),
        ("Mia M", DONE, "closed it in Jira, and is nobody here by the policy"),
        (None, DONE, "somebody closed it in Jira, and is nobody here by the policy"),
        ("Vera V", CANCELED, "what has been released is not cancelled"),
    ],
)
async def test_what_counts_for_nothing_there_ends_nothing_here(
    countersign: Rehearsal, board: Board, there: Jira, who: str | None, status: str, sentence: str
) -> None:
    pull = await released(board, there)
    there.simulation.desk.move(there.only.key, status, by=there.person(who) if who else None)
    await poll(countersign)
    await poll(countersign)
    assert await state(countersign, pull) == "review"
    assert sentence in await board.say(pull, "vera", "/change")


async def test_what_is_closed_without_a_merge_is_cancelled_there(
    countersign: Rehearsal, board: Board, there: Jira
) -> None:
    pull = await board.opened()
    pull.close(by=board.bob)
    await countersign.settle()
    assert there.only.status == CANCELED
    assert there.only.comments[-1].body.startswith(
        "Countersign cancels CHG-2026-0001. The pull request was closed without a merge, by @bob."
    )
    assert not await is_polled(countersign)


async def test_who_cancels_there_is_named_here(countersign: Rehearsal, board: Board, there: Jira) -> None:
    pull = await board.requested()
    there.simulation.desk.move(there.only.key, CANCELED, by=there.person("Mia M"))
    await poll(countersign)
    assert await state(countersign, pull) == "cancelled"
    mia = there.person("Mia M")
    told = (await board.say(pull, "alice", "/change")).replace("`", "")
    assert f"| cancelled | In Jira, by {mia.email or mia.account_id}, whom records.people does not know. |" in told
