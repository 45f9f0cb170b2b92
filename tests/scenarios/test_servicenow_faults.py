"""What is wrong with our access to ServiceNow is told on the check, the gate waits, and nothing is lost or doubled."""

import pytest

from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.vendor import Outage
from tests.scenarios import elsewhere
from tests.scenarios.bank import shown, told
from tests.scenarios.board import Board, state
from tests.scenarios.elsewhere import ServiceNow, poll

there, countersign, board = elsewhere.servicenow, elsewhere.countersign, elsewhere.board


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("401", "ServiceNow does not accept Countersign's credentials"),
        ("403", "ACL Exception Update Failed due to security constraints"),
    ],
)
async def test_while_it_lasts_the_gate_waits_and_says_why_and_then_there_is_one_record(
    countersign: Rehearsal, board: Board, there: ServiceNow, kind: str, words: str
) -> None:
    there.simulation.faults.add(Outage(match="", kind=kind, times=1_000_000))
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await elsewhere.waits(countersign)
    board.vote(pull, "chris", "ida", "rick")
    await elsewhere.waits(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull) == ("action_required", "Waiting: the record elsewhere")
    said = told(pull)
    assert there.changes == []
    there.simulation.faults.clear()
    countersign.later(hours=1)
    await poll(countersign)
    assert there.only.values["correlation_id"] == "countersign:CHG-2026-0001"
    assert words in said
