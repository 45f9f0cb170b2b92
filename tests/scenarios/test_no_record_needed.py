"""A change that needs no record: one that somebody opened and gave up is not in its way."""

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown
from tests.scenarios.board import Board, records, said

EMERGENCY = "/emergency INC0012345 The page is down since nine"


async def test_an_emergency_that_was_a_false_alarm_does_not_block(countersign: Rehearsal, board: Board) -> None:
    pull = board.low_change()
    await board.say(pull, "rita", EMERGENCY, "/cancel It was a false alarm")
    assert await records(countersign) == [("CHG-2026-0001", "cancelled")]
    assert shown(pull)[0] == "success"
    await board.merge(pull)
    rows = await countersign.rows("SELECT state, unauthorised FROM change")
    assert rows == [("cancelled", False)], "it needed none, so that nothing was released without authorisation"


async def test_who_asks_for_a_board_that_nobody_needs_is_told_that_it_is_authorised(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.low_change()
    await board.say(pull, "rita", EMERGENCY, "/cancel It was a false alarm")
    asked = pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert said(pull)[-1].startswith("CHG-2026-0002 needs no board; it is authorised.")
    assert [each.content for each in asked.reactions] == ["eyes", "+1"]
    assert shown(pull)[0] == "success"
