"""Who is told what they would not expect: that a change was released without them, or is not authorised any more."""

from datetime import timedelta
from typing import Any

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown, subject, told
from tests.scenarios.board import ON_THE_BOARD, POLICY, Board, calls, said, state

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


# Not authorised any more.


async def test_who_asked_is_told_once_that_a_push_took_the_authorisation_back(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.authorised()
    assert calls(pull, "@alice") == []
    pull.push(by=board.alice, files={"a": "3"})
    await countersign.settle()
    [lost] = calls(pull, "@alice")
    assert lost == (
        "@alice: CHG-2026-0001, PAY-1 Daily interest, is not authorised any more. Different now: the diff. "
        "Ask for it again with `/request-cab`."
    )
    pull.push(by=board.alice, files={"a": "4"})
    await countersign.settle()
    await board.say(pull, "carol", "/recheck")
    assert await state(countersign, pull) == "assess"
    assert len(calls(pull, "@alice")) == 1


async def test_who_asked_is_told_that_another_time_takes_it_off_the_agenda(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.requested()
    await board.say(pull, "carol", "/schedule 2026-12-12T02:00")
    assert await state(countersign, pull) == "assess"
    [lost] = calls(pull, "@alice")
    assert "is not on the agenda any more. Different now: the window that was authorised. Ask" in lost
    await board.say(pull, "carol", "/schedule 2026-12-19T02:00")
    assert len(calls(pull, "@alice")) == 1


async def test_a_draft_that_is_described_anew_calls_nobody(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened()
    pull.push(by=board.alice, files={"a": "3"})
    await countersign.settle()
    assert said(pull) == []


async def test_the_board_that_is_called_about_the_next_window_is_told_why_and_is_that_of_then(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.authorised()
    ivan = board.people["ivan"] = board.org.person("ivan")
    board.vault.access[ivan] = "write"
    team = board.org.teams["it-managers"]
    team.remove(board.ida)
    team.add(ivan)
    await countersign.settle()
    await hours_pass(board, 24 * 7)
    assert await state(countersign, pull) == "authorize"
    first, again = calls(pull, ON_THE_BOARD)
    assert "nothing was released" not in first
    assert "It was authorised for 2026-12-05 02:00 to 2026-12-05 06:00 UTC, and nothing was released in that" in again
    assert calls(pull, "@alice") == [], "nobody has to ask again"
    team.add(board.rita)
    await countersign.settle()
    assert "came to the board after it was asked" in await board.say(pull, "rita", "/cab approve")
    await board.ballot(pull, "chris", "ivan", "rick")
    assert await state(countersign, pull) == "scheduled"


# Nobody is left to review.


async def test_a_board_of_which_everybody_took_part_is_told_who_helps(countersign: Rehearsal, board: Board) -> None:
    for team, name in (("cab", "cleo"), ("cab", "bob"), ("risk", "rick")):
        board.org.teams[team].remove(board.people[name])
    pull = board.change()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.say(pull, "ida", "/request-cab")
    await board.ballot(pull, "chris")
    await board.merge(pull)
    assert await state(countersign, pull) == "review"
    refused = await board.say(pull, "chris", FOUND)
    assert "@chris decided about it" in refused
    assert "the owners of the policy put somebody into one of these roles, who can." in refused

    other = board.second()
    await hours_pass(board, 73)
    assert shown(other)[0] == "failure"
    assert "the owners of the policy put somebody else into one of its roles" in told(other)
    board.org.teams["cab"].add(board.carol)
    await countersign.settle()
    await board.say(pull, "carol", FOUND)
    assert shown(other)[0] == "action_required"
