"""Who is called when somebody has to act on a change: the board, those above it, who asked, and who looks back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.__main__ import cli
from bot.sandbox import Fault, SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from tests.scenarios.bank import SECRET, shown, subject, told
from tests.scenarios.board import BODY, DIRECTORS, ON_THE_BOARD, POLICY, Board, calls, cleared, ending, said, state
from tests.scenarios.dying import FATAL, die_at

ESCALATING = ending("escalate, escalate_to: [director]")


async def hours_pass(board: Board, hours: float = 25) -> None:
    """Nobody says anything meanwhile."""
    await board.countersign.until(board.countersign.now() + timedelta(hours=hours))


async def looked_at_again(board: Board, pull: Any) -> None:
    await board.say(pull, "carol", "/recheck")


async def test_whom_it_is_escalated_to_decides_with_the_board(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, ESCALATING)
    pull = await board.requested()
    await board.ballot(pull, "ida", "rick")
    for _ in range(3):
        await hours_pass(board, 12.5)
        await looked_at_again(board, pull)
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, ON_THE_BOARD)) == 1, "who was called already is not called again"
    [call] = calls(pull, DIRECTORS)
    assert "was not decided by" in call
    assert "Whoever has the role `director` is on the board as well now, which has until" in call
    assert "Missing: 1 more to approve. Vote with `/cab approve`" in call

    await board.ballot(pull, "alice")
    assert "contributed to the change" in said(pull)[-1]
    board.org.teams["directors"].add(board.rita)
    await countersign.settle()
    await board.ballot(pull, "rita")
    assert "came to the board after it was asked" in said(pull)[-1]

    await board.ballot(pull, "dina")
    assert await state(countersign, pull) == "scheduled"
    assert "@ida, @rick and @dina authorised" in told(pull)
    assert "`risk-officer` and `director`" in told(pull)
    assert cleared(pull)


async def test_without_anybody_above_the_board_is_called_once_more_and_then_it_is_rejected(
    countersign: Rehearsal,
) -> None:
    board = Board.with_directors(countersign, ending("escalate"))
    pull = await board.requested()
    await hours_pass(board)
    await hours_pass(board, 1)
    await looked_at_again(board, pull)
    first, again = calls(pull, ON_THE_BOARD)
    assert "is on the agenda until" in first
    assert "was not decided by" in again
    assert "Without a decision by then, it is rejected." in again
    await hours_pass(board)
    assert await state(countersign, pull) == "draft"
    [told] = calls(pull, "@alice")
    assert "which rejects it. It is back in draft" in told
    assert len(calls(pull, ON_THE_BOARD)) == 2


async def test_a_board_whose_time_is_extended_is_called_once_for_each_time(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, ending("extend"))
    pull = await board.requested()
    for hours in (25, 1, 25, 1):
        await hours_pass(board, hours)
    await looked_at_again(board, pull)
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, ON_THE_BOARD)) == 3
    assert all("rejected" not in each for each in said(pull))


async def test_who_asked_is_told_once_that_nobody_decided_in_time(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, POLICY)
    pull = await board.requested()
    await hours_pass(board)
    await looked_at_again(board, pull)
    [told] = calls(pull, "@alice")
    assert told.startswith("@alice: CHG-2026-0001, PAY-1 Daily interest, was not decided by ")
    # Asked again, the board is called again.
    await board.ask(pull)
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, ON_THE_BOARD)) == 2


async def test_a_board_that_was_asked_too_early_is_called_when_it_can_vote(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, POLICY)
    pull = await board.requested(title="Daily interest")
    assert await state(countersign, pull) == "assess"
    assert calls(pull, ON_THE_BOARD) == []
    assert not any("@" in each for each in said(pull))
    assert "The board is called then" in said(pull)[-1]
    pull.edit(by=board.alice, title="PAY-1 Daily interest")
    await countersign.settle()
    await board.say(pull, "carol", "/recheck")
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, ON_THE_BOARD)) == 1


async def test_the_agenda_lists_what_the_board_is_to_decide(
    countersign: Rehearsal, board: Board, database_url: str
) -> None:
    async def agenda() -> str:
        told = await asyncio.to_thread(
            CliRunner().invoke, cli, ["report", "agenda"], env={"DATABASE_URL": database_url}
        )
        assert told.exit_code == 0, told.output
        return told.output

    pull = await board.requested()
    await board.ballot(pull, "chris")
    [_, line] = (await agenda()).strip().splitlines()
    for cell in ("CHG-2026-0001", "PAY-1 Daily interest", "@alice", "@chris approve", f"northbank/vault#{pull.number}"):
        assert cell in line
    await board.ballot(pull, "ida", "rick")
    assert await agenda() == "There is nothing to decide.\n"


async def merged_emergency(board: Board) -> Any:
    pull = board.change()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.ask(pull)
    await board.ballot(pull, "chris")
    await board.merge(pull)
    assert await state(board.countersign, pull) == "review"
    return pull


async def test_an_emergencys_review_is_asked_for_and_once_more_when_it_is_overdue(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, POLICY)
    pull = await merged_emergency(board)
    assert calls(pull, "@northbank/cab") != []
    [asked] = calls(pull, ON_THE_BOARD)
    assert "was released as an emergency. One of you who neither contributed" in asked
    assert "reviews it by" in asked
    key = subject(pull)
    ((due,),) = await countersign.rows("SELECT due - now() FROM subject WHERE key = %s", key)
    assert 71 * 3600 < due.total_seconds() <= 72 * 3600, "the merged pull request wakes when the review is due"
    await hours_pass(board, 71)
    assert len(calls(pull, ON_THE_BOARD)) == 1
    for _ in range(2):
        await hours_pass(board, 2)
    await looked_at_again(board, pull)
    asked, overdue = calls(pull, ON_THE_BOARD)
    assert "its review was due on" in overdue
    assert "Now the next change of `vault` waits for it" in overdue
    assert await countersign.rows("SELECT due FROM subject WHERE key = %s", key) == [(None,)]
    other = board.vault.open_pull_request(by=board.alice, title="PAY-2 Next", files={"b": "1"}, body=BODY)
    other.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert shown(other)[0] == "failure"
    await board.say(pull, "chris", "/change review The cause was a lost index; it is monitored from now on.")
    await looked_at_again(board, pull)
    assert len(calls(pull, ON_THE_BOARD)) == 2


async def test_a_review_that_is_there_in_time_is_asked_for_no_more(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, POLICY)
    pull = await merged_emergency(board)
    await board.say(pull, "ida", "/change review The cause was a lost index; it is monitored from now on.")
    key = subject(pull)
    assert await countersign.rows("SELECT due FROM subject WHERE key = %s", key) == [(None,)]
    await hours_pass(board, 100)
    await looked_at_again(board, pull)
    assert len(calls(pull, ON_THE_BOARD)) == 1


async def test_a_comment_whose_receipt_is_lost_is_not_made_twice(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, POLICY)
    pull = await board.opened()
    countersign.gh.faults.add(Fault("POST .*/issues/[0-9]+/comments", "cut-after"))
    await board.ask(pull)
    assert countersign.gh.faults.met
    assert len(calls(pull, ON_THE_BOARD)) == 1


SETTLED, RECEIVED, TOGETHER = 56, 92, 2
"""The steps of a look between which a command is settled and the call of the board is on record; they are shared out
among tests that run beside each other."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(TOGETHER))
async def test_a_worker_killed_while_it_calls_the_board_calls_it_once(
    gh: SimulatedGitHub, database_url: str, first: int
) -> None:
    async with rehearsal(gh, database_url, SECRET, patience=FATAL) as countersign:
        board = Board.found(countersign)
        left = set()
        for fatal in range(SETTLED + first, RECEIVED, TOGETHER):
            pull = board.vault.open_pull_request(
                by=board.alice, title=f"PAY-{fatal}", files={f"{fatal}": "2"}, body=BODY, branch=f"change-{fatal}"
            )
            pull.review(by=board.carol, state="APPROVED")
            await countersign.settle()
            await countersign.stop_worker()
            pull.comment(by=board.alice, body="/request-cab")
            await gh.settle()
            assert await die_at(countersign, fatal), fatal
            [[number]] = await countersign.rows("SELECT number FROM change WHERE subject = %s", subject(pull))
            noted = await countersign.rows("SELECT comment_id IS NOT NULL FROM announcement WHERE number = %s", number)
            left.add((len(said(pull)), noted == [(True,)]))
            await countersign.start_worker()
            await countersign.settle()
            assert await state(countersign, pull) == "authorize", fatal
            assert len(calls(pull, ON_THE_BOARD)) == len(said(pull)) == 1, fatal
            kinds = [kind for kind, about in await countersign.ledger() if about == number]
            assert kinds.count("countersign:change:announced") == 1, fatal
        assert left == {(0, False), (1, False), (1, True)}, "it was killed before, between and after"


async def test_whoever_is_given_a_role_after_the_board_was_asked_does_not_sign_for_it(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.requested()
    board.org.teams["risk"].add(board.chris)
    await countersign.settle()
    await board.ballot(pull, "chris", "ida", "cleo")
    assert await state(countersign, pull) == "authorize"
    assert "a signature for risk-officer" in told(pull)
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "scheduled"


async def test_nothing_is_authorised_in_words_that_the_board_has_not_read(countersign: Rehearsal, board: Board) -> None:
    pull = await board.requested()
    pull.edit(by=board.alice, title="PAY-1 Interest, every day")
    await countersign.settle()
    assert "Interest, every day" in await board.say(pull, "alice", "/change"), "nobody has voted yet"
    await board.ballot(pull, "chris", "ida")
    rewritten = BODY.replace("Interest is paid out once a day from now on.", "Everything goes to one account.")
    pull.edit(by=board.alice, title="PAY-1 Another thing", body=rewritten)
    await countersign.settle()
    assert await state(countersign, pull) == "authorize", "an edit takes nobody's vote back"
    assert "The title and description of the pull request were edited after the board had begun to vote." in told(pull)
    shown_record = await board.say(pull, "rick", "/change")
    assert "Interest is paid out once a day from now on." in shown_record
    assert "Everything goes to one account." not in shown_record
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "scheduled"
    assert "PAY-1 Interest, every day" in await board.say(pull, "rick", "/change")
