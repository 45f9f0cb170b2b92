"""What goes wrong in ServiceNow is told on the check for what it is, the gate waits, and nothing is lost or doubled."""

import asyncio

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.vendor import Outage
from tests.scenarios.bank import shown, told
from tests.scenarios.test_change_records import POLICY, Board, state
from tests.scenarios.test_servicenow import MAPPED, There, countersign, poll, there

__all__ = ["countersign", "there"]

NOT_TOLD = pytest.mark.xfail(
    strict=True, reason="What is only retried is kept as what the subject waits for, and the check does not say it."
)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("401", "ServiceNow does not accept Countersign's credentials"),
        ("403", "ACL Exception Update Failed due to security constraints"),
        pytest.param("429", "rate limit", marks=NOT_TOLD),
        pytest.param("html", "an answer of ServiceNow that can be read", marks=NOT_TOLD),
    ],
)
async def test_while_it_lasts_the_gate_waits_and_says_why_and_then_there_is_one_record(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There, kind: str, words: str
) -> None:
    board = Board.found(gh, POLICY + MAPPED)
    there.simulation.faults.add(Outage(match="", kind=kind, times=1_000_000))
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await gh.settle()
    await asyncio.sleep(2)
    board.vote(pull, "chris", "ida", "rick")
    await gh.settle()
    await asyncio.sleep(2)
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull) == ("action_required", "Waiting: the record elsewhere")
    said = told(pull)
    assert there.changes == []
    there.simulation.faults.clear()
    countersign.later(hours=1)
    await poll(countersign)
    assert there.only.values["correlation_id"] == "countersign:CHG-2026-0001"
    assert words in said
