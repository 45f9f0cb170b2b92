"""Who is told what they would not expect: that a change was released without them, or is not authorised any more."""

from datetime import timedelta
from typing import Any

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown, subject, told
from tests.scenarios.board import ON_THE_BOARD, POLICY, Board, calls, state

EVERYBODY = f"{ON_THE_BOARD} @alice"
FOUND = "/change review The cause was a lost index; it is monitored from now on."


async def hours_pass(board: Board, hours: float) -> None:
    """Nobody says anything meanwhile."""
    await board.countersign.until(board.countersign.now() + timedelta(hours=hours))


# Released without authorisation.


async def bypassing_emergency(board: Board) -> Any:
    """An emergency that is merged before its board has decided."""
    pull = board.change()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.ask(pull)
    await board.merge(pull)
    assert await state(board.countersign, pull) == "cancelled"
    return pull


async def test_an_emergency_that_did_not_wait_for_its_board_owes_a_review_as_any_other(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await bypassing_emergency(board)
    assert await countersign.rows("SELECT unauthorised, review_due IS NULL FROM change") == [(True, False)]
    [call] = calls(pull, f"{ON_THE_BOARD} @alice @rita")
    assert "an emergency, was released by `@rita` without authorisation: it was in state authorize." in call
    assert "else the next change of `vault` waits until that is done." in call
    assert "| to be reviewed | by " in await board.say(pull, "alice", "/change")

    other = board.second()
    await countersign.settle()
    assert shown(other)[0] == "action_required"
    await hours_pass(board, 73)
    [reminder] = calls(pull, ON_THE_BOARD)
    assert "its review was due on" in reminder
    assert shown(other)[0] == "failure", "it is overdue"
    assert "The review of CHG-2026-0001 is overdue." in told(other)

    await board.say(pull, "chris", FOUND)
    assert await countersign.rows("SELECT unauthorised, review_due FROM change ORDER BY sequence LIMIT 1") == [
        (True, None)
    ]
    assert await state(countersign, pull) == "cancelled"
    assert shown(other)[0] == "action_required", "the next change goes on"
    key = subject(pull)
    assert await countersign.rows("SELECT due, finished FROM subject WHERE key = %s", key) == [(None, True)]


async def test_who_released_an_emergency_without_authorisation_does_not_review_it(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.change()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.merge(pull, "cleo")
    answer = await board.say(pull, "cleo", FOUND)
    assert "@cleo released it without authorisation" in answer
    assert await board.say(pull, "chris", FOUND) == ""


async def test_the_board_is_told_that_a_change_was_released_without_it(countersign: Rehearsal) -> None:
    board = Board.found(countersign, f"{POLICY}acknowledge: [risk-officer]\n")
    pull = await board.requested()
    await board.ballot(pull, "chris")
    await board.merge(pull)
    [call] = calls(pull, EVERYBODY)
    assert call == (
        f"{EVERYBODY}: CHG-2026-0001, PAY-1 Daily interest, was released by `@rita` without authorisation: it was in "
        "state authorize. That stays on record, and nobody authorises it afterwards. Whoever takes it back does so by a "
        "change of its own. Where it went over a red check, somebody with the role `risk-officer` who did not do that "
        "answers for it with `/acknowledge number reason`; the next check of the repository has its number."
    )
    await board.say(pull, "carol", "/recheck")
    assert len(calls(pull, EVERYBODY)) == 1
    assert "there is nothing to review" in await board.say(pull, "chris", FOUND)


async def test_what_is_only_observed_calls_nobody_when_it_is_merged(countersign: Rehearsal) -> None:
    board = Board.found(countersign, POLICY.replace("mode: enforce", "mode: observe"))
    pull = await board.requested()
    await board.merge(pull)
    assert await countersign.rows("SELECT unauthorised FROM change") == [(True,)]
    assert calls(pull, EVERYBODY) == []
