"""ServiceNow knows of changes and schedules that are not on GitHub: what is in the way of a window is told and weighed."""

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.servicenow.records import Clash
from bot.sandbox.vendor import Outage
from tests.scenarios import elsewhere
from tests.scenarios.bank import told
from tests.scenarios.board import POLICY, Board, cleared, said, state
from tests.scenarios.elsewhere import ServiceNow, kept, poll

there, countersign = elsewhere.servicenow, elsewhere.countersign
MAPPED = kept("servicenow", *elsewhere.BOARD)

HOSTILE = "Quarter end `@northbank/cab` <img src=x> | [a](https://evil.example)"


async def drafted(countersign: Rehearsal, gh: SimulatedGitHub) -> tuple[Board, Any]:
    """A change whose twin has been asked to be checked."""
    board = Board.found(countersign, POLICY + MAPPED)
    pull = board.change()
    await countersign.settle()
    return board, pull


async def looks(countersign: Rehearsal, times: int) -> None:
    for _ in range(times):
        await poll(countersign)


def checks(there: ServiceNow) -> int:
    return sum(title.startswith("POST") and title.endswith("/conflict") for title in there.simulation.site.titles)


def with_another(there: ServiceNow) -> Any:
    """Another change of the same thing at the same time, which somebody made there."""
    instance, values = there.simulation.instance, there.changes[0].values
    fields = {name: values[name] for name in ("cmdb_ci", "start_date", "end_date")}
    return instance.create("normal", {"short_description": "New switches", **fields}, there.ida)[0]


async def test_what_is_in_the_way_there_is_told_on_the_check_to_who_asks_and_to_the_board(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await drafted(countersign, gh)
    twin, other = there.only, with_another(there)
    twin.clashes.append(Clash("blackout", HOSTILE))
    await looks(countersign, 2)
    assert f"CI Already Scheduled` (`{other.number}`)" in told(pull)
    assert "`Blackout` (`Quarter end '" in told(pull)
    assert "ServiceNow knows of 2 conflicts" in told(pull)
    pull.comment(by=board.alice, body="/change")
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    shown_record, call = said(pull)[-2:]
    assert "| conflicts | ServiceNow knows of 2 conflicts with this window: `Blackout` (" in shown_record
    assert f"(`{other.number}`)" in call
    assert "@northbank/cab" in call
    assert call.count("@northbank/cab") == 2, "called once, and quoted in code once"
    # The board knows, and decides; nothing waits for it.
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert checks(there) == 1


async def test_what_is_found_while_the_board_decides_calls_it_once_more_and_its_votes_stand(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    there.simulation.instance.patience = 2
    board, pull = await drafted(countersign, gh)
    await board.ask(pull)
    board.vote(pull, "chris")
    await countersign.settle()
    with_another(there)
    await looks(countersign, 5)
    calls = [each for each in said(pull) if "@northbank/cab" in each]
    assert len(calls) == 2
    assert "is planned for a time at which something else is, too" in calls[-1]
    board.vote(pull, "ida", "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"


async def test_another_window_is_checked_anew_and_what_was_found_about_the_first_is_not_told_of_it(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await drafted(countersign, gh)
    with_another(there)
    await looks(countersign, 3)
    assert "knows of 1 conflict" in told(pull)
    [[first]] = await countersign.rows("SELECT planned FROM change")
    week = timedelta(days=7)
    there.simulation.instance.reschedule(there.changes[0].number, first.lower + week, first.upper + week, there.chris)
    await poll(countersign)
    assert "knows of" not in told(pull)
    pull.comment(by=board.alice, body="/change")
    await countersign.settle()
    assert "not yet checked in ServiceNow for this window" in said(pull)[-1]
    await looks(countersign, 3)
    pull.comment(by=board.alice, body="/change")
    await countersign.settle()
    assert "| conflicts | none in ServiceNow |" in said(pull)[-1]
    assert checks(there) == 2


async def test_a_check_that_somebody_there_runs_again_is_heard(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    _, pull = await drafted(countersign, gh)
    await looks(countersign, 2)
    with_another(there)
    countersign.later(minutes=5)
    there.simulation.instance.check_conflicts(there.changes[0])
    await looks(countersign, 3)
    assert "knows of 1 conflict" in told(pull)
    assert checks(there) == 1


@pytest.mark.parametrize("lacking", ["role", "job"])
async def test_an_instance_that_does_not_check_is_told_once_and_stops_nothing(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow, lacking: str
) -> None:
    instance = there.simulation.instance
    instance.detects_conflicts, instance.checks_fail = lacking != "role", lacking == "job"
    board, pull = await drafted(countersign, gh)
    await looks(countersign, 3)
    asked = len([each for each in there.simulation.site.titles if each.endswith("/conflict")])
    assert "ServiceNow did not check this window" in told(pull)
    assert ("User does not have a role" if lacking == "role" else "Its check for conflicts failed there.") in told(pull)
    await board.ask(pull)
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    for who in (there.chris, there.ida, there.rick):
        instance.approve(there.only.number, who)
    await looks(countersign, 2)
    assert cleared(pull)
    assert len([each for each in there.simulation.site.titles if each.endswith("/conflict")]) == asked


async def test_a_check_whose_answer_is_lost_is_asked_for_again_and_the_record_goes_on(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    there.simulation.faults.add(Outage(match="GET .*/conflict$", kind="500", times=3))
    there.simulation.faults.add(Outage(match="POST .*/conflict$", kind="cut-after"))
    board, pull = await drafted(countersign, gh)
    with_another(there)
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert there.changes[0].values["state"] == "-3"
    await looks(countersign, 5)
    assert "knows of 1 conflict" in told(pull)
