"""What people do to the record in ServiceNow is heard here by every pull request that it is about, and told by name."""

import pytest

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios import elsewhere
from tests.scenarios.bank import shown, told
from tests.scenarios.board import POLICY, Board, cleared, history, state
from tests.scenarios.elsewhere import ServiceNow, fails, kept, poll

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
    [(where,)] = await countersign.rows("SELECT state FROM change WHERE number = 'CHG-2026-0001'")
    assert where == "scheduled"
    assert cleared(other)


@pytest.mark.parametrize(
    ("who", "mapped", "actor", "by"),
    [
        ("rita.rel", "", None, "rita.rel, whom `records.people` does not know"),
        ("rita.rel", "    rita.rel@bank.example: rita\n    rita.rel: rita\n", "rita", "rita.rel, who is @rita here"),
        ("chris.cab", "    chris.cab: chris\n", "chris", "chris.cab, who is @chris here"),
    ],
)
async def test_what_is_cancelled_there_is_cancelled_here_by_whoever_that_was(
    countersign: Rehearsal, there: ServiceNow, who: str, mapped: str, actor: str | None, by: str
) -> None:
    board = Board.found(countersign, POLICY + kept("servicenow", *elsewhere.BOARD) + mapped)
    instance = there.simulation.instance
    person = there.chris if who == "chris.cab" else instance.person(who, f"{who}@bank.example")
    pull = await board.requested()
    instance.cancel(there.only.number, person)
    await poll(countersign)
    assert await state(countersign, pull) == "cancelled"
    assert shown(pull)[0] == "failure", "who may not cancel here has cancelled it there all the same"
    assert (await history(countersign))[-1] == ("cancel", actor, f"In ServiceNow, by {by}.")
    answered = (await board.say(pull, "alice", "/change")).replace("`", "")
    assert f"| cancelled | In ServiceNow, by {by}. |".replace("`", "") in answered


async def test_what_only_repeats_a_vote_is_not_told(countersign: Rehearsal, board: Board, there: ServiceNow) -> None:
    pull = await board.requested()
    await board.ballot(pull, "chris", "ida", "rick")
    there.approve()
    await poll(countersign)
    assert cleared(pull)
    assert "chris.cab" not in told(pull)
    assert "chris.cab" not in await board.say(pull, "alice", "/change")


async def test_who_answers_there_after_the_decision_is_told_so_in_a_sentence(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    cleo = there.simulation.instance.person("cleo.cab", "cleo.cab@bank.example")
    there.simulation.instance.cab.append(cleo)
    board = Board.found(countersign, POLICY + kept("servicenow", *elsewhere.BOARD, "cleo.cab"))
    pull = await board.requested()
    await board.ballot(pull, "chris", "ida", "rick")
    there.simulation.instance.approve(there.only.number, cleo)
    await poll(countersign)
    assert (
        "cleo.cab approved it in ServiceNow, which does not count. CHG-2026-0001 is in state scheduled: its board has "
        "decided, and it is authorised."
    ) in told(pull)


async def test_a_record_that_was_deleted_there_is_named_with_the_way_out(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    number = there.only.number
    there.simulation.instance.changes.clear()
    await fails(countersign, times=1)
    assert f"The record {number} is not in ServiceNow any more, or Countersign's account may not see it." in told(pull)
    assert "`/cancel reason` gives this record up; `/request-cab` then opens another one" in told(pull)
    await board.say(pull, "alice", "/cancel The record in ServiceNow is gone")
    await board.ask(pull)
    assert there.only.values["correlation_id"] == "countersign:CHG-2026-0002"
    there.approve()
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert cleared(pull)
    rows = await countersign.rows("SELECT finished FROM subject WHERE key = 'record:CHG-2026-0001'")
    assert rows == [(True,)], "nobody asks for what is not there any more"
