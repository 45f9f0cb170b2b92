"""What people do to the record in ServiceNow is heard here by every pull request that it is about, and told by name."""

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios import elsewhere
from tests.scenarios.board import Board, cleared
from tests.scenarios.elsewhere import ServiceNow, poll

there, countersign, board = elsewhere.servicenow, elsewhere.countersign, elsewhere.board


async def test_a_release_whose_opener_has_left_hears_what_its_board_says_there(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    opener, other = await board.together()
    await board.say(opener, "alice", "/change unlink")
    await board.say(other, "bob", "/request-cab")
    twin = next(each for each in there.changes if each.values["correlation_id"] == "countersign:CHG-2026-0001")
    there.approve(twin)
    await poll(countersign)
    [(state_,)] = await countersign.rows("SELECT state FROM change WHERE number = 'CHG-2026-0001'")
    assert state_ == "scheduled"
    assert cleared(other)
