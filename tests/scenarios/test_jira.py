"""The change record has a twin in Jira: one, and what people answer there counts here, once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.jira import SimulatedJira
from bot.sandbox.jira.desk import PLANNED, Request
from bot.sandbox.jira.simulation import TOKEN
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from bot.sandbox.vendor import Outage
from bot.settings import JiraAccess
from tests.scenarios.bank import SECRET, shown
from tests.scenarios.test_change_records import POLICY, Board, state
from tests.scenarios.test_servicenow import poll

MAPPED = """\
records:
  system: jira
  people:
    chris.cab@bank.example: chris
    ida.it@bank.example: ida
    rick.risk@bank.example: rick
"""


@dataclass(slots=True)
class There:
    """The bank's Jira, and its people."""

    simulation: SimulatedJira
    people: list[Any]

    @property
    def only(self) -> Request:
        [request] = self.simulation.desk.requests.values()
        return request


@pytest.fixture
async def there() -> AsyncIterator[There]:
    async with SimulatedJira.start() as simulation:
        desk = simulation.desk
        people = [desk.user(name) for name in ("Chris Cab", "Ida It", "Rick Risk")]
        desk.cab.extend(people)
        yield There(simulation, people)


@pytest.fixture
async def countersign(gh: SimulatedGitHub, there: There, database_url: str) -> AsyncIterator[Rehearsal]:
    access = JiraAccess(there.simulation.url, there.simulation.desk.account.email, TOKEN, "3")
    async with rehearsal(gh, database_url, SECRET, jira=access) as running:
        there.simulation.desk.clock = running.now
        yield running


async def asked(countersign: Rehearsal, gh: SimulatedGitHub) -> tuple[Board, Any]:
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    return board, pull


async def test_a_request_is_made_there_once_and_what_the_board_answers_there_counts_here(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    _, pull = await asked(countersign, gh)
    request = there.only
    assert request.fields["summary"] == "PAY-1 Daily interest"
    assert "Carol deploys the image before" in request.fields["description"]
    chris, ida, rick = there.people
    there.simulation.desk.approve(request.key, chris)
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    there.simulation.desk.approve(request.key, ida)
    there.simulation.desk.approve(request.key, rick)
    await poll(countersign)
    assert request.status == PLANNED
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull)[0] == "success"
    assert there.only is request
    # Jira tells the moment of an answer only when all have answered: nobody is heard twice for that.
    deeds = await countersign.rows("SELECT login, outcome FROM change_heard ORDER BY login")
    assert deeds == [("chris", "done"), ("ida", "done"), ("rick", "done")]


async def test_what_the_board_declines_there_is_not_authorised_here(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    _, pull = await asked(countersign, gh)
    there.simulation.desk.decline(there.only.key, there.people[0])
    await poll(countersign)
    assert await state(countersign, pull) == "cancelled"
    assert shown(pull)[0] == "failure"


async def test_a_status_that_nobody_explained_is_no_pass(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    _, pull = await asked(countersign, gh)
    there.simulation.desk.move(there.only.key, "Parked by finance")
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert shown(pull)[0] != "success"
    assert "Parked by finance" in pull.check(CHECK).summary.replace("\\", "")


@pytest.mark.parametrize("hidden", ["the address", "the account"])
async def test_a_requester_whom_jira_does_not_show_does_not_keep_the_request_from_being_made(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There, hidden: str
) -> None:
    if hidden == "the address":
        there.simulation.desk.user("Alice Author", "alice@bank.example", private=True)
    name = "alice@bank.example" if hidden == "the address" else "5b10ac8d82e05b22cc7d4ef5"
    # The request is made when somebody has asked already: only then is there one whom it is raised for.
    there.simulation.faults.add(Outage(match="", kind="503", times=1_000_000))
    board = Board.found(gh, POLICY + MAPPED + f"    {name}: alice\n")
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await gh.settle()
    await asyncio.sleep(3)
    assert await state(countersign, pull) == "authorize"
    there.simulation.faults.clear()
    countersign.later(hours=1)
    await poll(countersign)
    request = there.only
    assert request.reporter is there.simulation.desk.account
    assert "Requested by: alice" in request.fields["description"]
    [note] = [each for each in request.comments if "requested this change" in each.body]
    assert name in note.body
    for each in there.people:
        there.simulation.desk.approve(request.key, each)
    await poll(countersign)
    assert shown(pull)[0] == "success"
