"""The systems that keep a bank's change records beside Countersign, and words for what people do and see there.

A module of stories says which one it is about, that Countersign is connected to it, and that the bank has it keep records:
``there, countersign, board = elsewhere.servicenow, elsewhere.countersign, elsewhere.board``; or ``elsewhere.jira``.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from bot.clock import Clock
from bot.sandbox import SimulatedGitHub
from bot.sandbox.jira import SimulatedJira
from bot.sandbox.jira.desk import Request
from bot.sandbox.jira.simulation import TOKEN
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.servicenow.simulation import CLIENT_ID, CLIENT_SECRET
from bot.sandbox.vendor import Outage
from bot.settings import JiraAccess, ServiceNowAccess
from tests.scenarios.bank import SECRET, come_due
from tests.scenarios.board import POLICY, Board
from tests.waiting import until

BOARD = ("chris.cab", "ida.it", "rick.risk")
"""Those of the board, by the names that they have there."""


def kept(system: str, *people: str) -> str:
    """The end of a policy that has records kept there, and says who people there are here."""
    known = "".join(f"    {each}@bank.example: {each.partition('.')[0]}\n" for each in people)
    return f"records:\n  system: {system}\n  people:\n{known}"


@dataclass(slots=True)
class ServiceNow:
    """The bank's ServiceNow, and its people."""

    system: ClassVar[str] = "servicenow"

    simulation: SimulatedServiceNow
    chris: Any
    ida: Any
    rick: Any

    @property
    def access(self) -> dict[str, Any]:
        """How Countersign is connected to it."""
        return {"servicenow": ServiceNowAccess(self.simulation.url, CLIENT_ID, CLIENT_SECRET)}

    def keep_time(self, clock: Clock) -> None:
        self.simulation.instance.clock = clock

    @property
    def instance(self) -> Any:
        return self.simulation.instance

    @property
    def changes(self) -> list[Any]:
        return list(self.simulation.instance.changes.values())

    @property
    def only(self) -> Any:
        [change] = self.changes
        return change

    def person(self, name: str) -> Any:
        return next(each for each in self.simulation.instance.people.values() if each.user_name == name)

    def approve(self, record: Any = None) -> None:
        """Everybody on the board approves it."""
        for who in (self.chris, self.ida, self.rick):
            self.simulation.instance.approve((record or self.only).number, who)

    def goes_away(self) -> None:
        """It answers nobody, until its faults are cleared."""
        self.simulation.faults.add(Outage(match="", kind="503", times=1_000_000))


@pytest.fixture
async def servicenow() -> AsyncIterator[ServiceNow]:
    async with SimulatedServiceNow.start() as simulation:
        instance = simulation.instance
        people = [instance.person(name, f"{name}@bank.example") for name in BOARD]
        instance.cab.extend(people)
        instance.item("CI0012345")
        yield ServiceNow(simulation, *people)


@dataclass(slots=True)
class Jira:
    """The bank's Jira, and its people."""

    system: ClassVar[str] = "jira"

    simulation: SimulatedJira
    people: list[Any]

    @property
    def access(self) -> dict[str, Any]:
        """How Countersign is connected to it."""
        return {"jira": JiraAccess(self.simulation.url, self.simulation.desk.account.email, TOKEN, "3")}

    def keep_time(self, clock: Clock) -> None:
        self.simulation.desk.clock = clock

    @property
    def desk(self) -> Any:
        return self.simulation.desk

    @property
    def only(self) -> Request:
        [request] = self.simulation.desk.requests.values()
        return request

    def person(self, name: str) -> Any:
        return next(each for each in self.simulation.desk.users.values() if each.name == name)

    def approve(self) -> None:
        """Everybody on the board approves the request."""
        for who in self.people:
            self.simulation.desk.approve(self.only.key, who)


@pytest.fixture
async def jira() -> AsyncIterator[Jira]:
    async with SimulatedJira.start() as simulation:
        desk = simulation.desk
        people = [desk.user(name) for name in ("Chris Cab", "Ida It", "Rick Risk")]
        desk.cab.extend(people)
        yield Jira(simulation, people)


@pytest.fixture
async def countersign(gh: SimulatedGitHub, there: ServiceNow | Jira, database_url: str) -> AsyncIterator[Rehearsal]:
    """Countersign, connected to the system that the stories are about."""
    async with rehearsal(gh, database_url, SECRET, **there.access) as running:
        there.keep_time(running.now)
        yield running


@pytest.fixture
async def board(countersign: Rehearsal, there: ServiceNow | Jira) -> Board:
    """The bank with a board, which has its records kept there."""
    return Board.found(countersign, POLICY + kept(there.system, *BOARD))


async def poll(countersign: Rehearsal) -> None:
    """Have the twin read now; it would be within two minutes."""
    await come_due(countersign, "kind = 'record'")


async def is_polled(countersign: Rehearsal) -> bool:
    [(finished,)] = await countersign.rows("SELECT finished FROM subject WHERE kind = 'record'")
    return not finished


async def waits(countersign: Rehearsal) -> None:
    """Wait until everything is done but what is to be done there, which was tried in vain, and more than once."""

    async def nothing_else() -> bool:
        [(waiting,)] = await countersign.rows(
            "SELECT EXISTS (SELECT FROM subject WHERE kind = 'record' AND waiting_for IS NOT NULL AND attempts > 1) "
            "AND NOT EXISTS (SELECT FROM subject WHERE kind <> 'record' AND wanted > looked)"
        )
        return bool(waiting)

    await countersign.gh.settle()
    await until(nothing_else)


async def fails(countersign: Rehearsal, *, times: int = 2) -> None:
    """Have what is to be done there tried in vain so often, and what comes of it done here."""
    attempts = "SELECT attempts FROM subject WHERE kind = 'record' AND NOT finished"
    for _ in range(times):
        [(before,)] = await countersign.rows(attempts)
        async with countersign.store.transaction() as connection:
            await connection.execute("UPDATE subject SET due = now() WHERE kind = 'record' AND NOT finished")

        async def again(before: int = before) -> bool:
            [(now,)] = await countersign.rows(attempts)
            return bool(now > before)

        await until(again)
    await waits(countersign)


def since(told: str, what: str, countersign: Rehearsal) -> bool:
    """Whether it is told that this is so, and since when: within the last minutes."""
    found = re.search(re.escape(f"{what} since ") + r"(\S+ \S+) UTC; Countersign tries again by itself", told)
    if found is None:
        return False
    moment = datetime.strptime(found.group(1), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return timedelta(minutes=-1) < countersign.now() - moment < timedelta(minutes=5)
