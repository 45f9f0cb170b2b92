"""The same story through systems where one exchange in three goes wrong: whoever asks again arrives at one record."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.changes.systems import jira
from bot.changes.systems.errors import Forbidden, Unauthorized
from bot.changes.systems.port import CloseCode, Closure, Content, Receipt, RecordSystem, State
from bot.errors import Transient
from bot.sandbox.jira import SimulatedJira
from bot.sandbox.jira.desk import CANCELED as JIRA_CANCELED
from bot.sandbox.jira.desk import DRAFT
from bot.sandbox.jira.simulation import TOKEN
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.servicenow.rules import CANCELED, CLOSE_CODE, PLANS
from bot.settings import JiraAccess
from tests.unit.changes.systems.conftest import Ticking, client, content

DONE = Closure(CloseCode.SUCCESSFUL, "Deployed and verified.")
SEEDS = range(12)
MOST_TRIES = 200


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be waited for goes back to the caller, whose time is the test's."""
    monkeypatch.setattr("bot.changes.systems.http.SHORT", timedelta())


async def insistently(act: Callable[[], Awaitable[Any]], clock: Ticking) -> Any:
    """Do it until it is done, as the queue does: later, and after a refusal that a person met."""
    for _ in range(MOST_TRIES):
        try:
            return await act()
        except Transient as waits:
            clock.time = max(clock.time, waits.until or clock.time)
        except (Forbidden, Unauthorized):
            # A person meets it: that is what a refusal waits for.
            pass
        clock.go_on(seconds=1)
    raise AssertionError(f"not done after {MOST_TRIES} tries")


async def story(system: RecordSystem, wanted: Content, approve: Callable[[str], None], clock: Ticking) -> Receipt:
    """From a draft to the end, each step by a caller who remembers nothing but the change."""

    async def ref() -> str:
        return str((await system.open(wanted)).id)

    receipt: Receipt = await insistently(lambda: system.open(wanted), clock)

    async def at(act: Callable[[str], Awaitable[Any]]) -> None:
        async def whole() -> None:
            await act(await ref())

        await insistently(whole, clock)

    await at(lambda id_: system.update(id_, wanted))
    await at(lambda id_: system.add_note(id_, "Head 6f1d2c3."))
    await at(lambda id_: system.move(id_, State.AUTHORIZE))
    approve(receipt.number)
    await at(lambda id_: system.move(id_, State.IMPLEMENT))
    await at(lambda id_: system.add_note(id_, "Deployed."))
    await at(lambda id_: system.move(id_, State.CLOSED, closure=DONE))
    assert await insistently(lambda: system.open(wanted), clock) == receipt
    return receipt


@pytest.mark.parametrize("seed", SEEDS)
async def test_servicenow(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking, seed: int
) -> None:
    there.instance.rules += [CLOSE_CODE, PLANS]
    carol = there.instance.person("carol.cab")
    there.instance.cab.append(carol)
    there.instance.item("ledger")
    there.faults.at_random(0.35, seed)
    receipt = await story(
        client(there, session, clock),
        content(configuration_item="ledger"),
        lambda number: there.instance.approve(number, carol),
        clock,
    )
    living = [each for each in there.instance.changes.values() if each.state != CANCELED]
    assert [(each.number, each.state, each.values["close_code"]) for each in living] == [
        (receipt.number, "3", "successful")
    ]
    notes = [text for _, _, text in living[0].notes]
    # A repeater on the way may double a note; that is the only thing it can double.
    twice = [asked for kind, asked in there.faults.met if kind == "done-twice"]
    assert set(notes) == {"Head 6f1d2c3.", "Deployed."}
    assert len(notes) - 2 <= len(twice)
    assert len(there.faults.met) > 5
    assert not [title for title in there.site.titles if title.startswith("DELETE") or title.endswith("/approvals")]


@pytest.mark.parametrize("seed", SEEDS)
async def test_jira(session: aiohttp.ClientSession, clock: Ticking, seed: int) -> None:
    async with SimulatedJira.start(clock=clock) as there:
        carol = there.desk.user("Carol Cab")
        there.desk.cab.append(carol)
        there.faults.at_random(0.35, seed)
        access = JiraAccess(there.url, there.desk.account.email, TOKEN, "3")
        system = jira.connect(access, session, clock)
        system.door.chance = lambda: 0.0
        receipt = await story(system, content(), lambda number: there.desk.approve(number, carol), clock)
        living = [each for each in there.desk.requests.values() if each.status != JIRA_CANCELED]
        assert [(each.key, each.status) for each in living] == [(receipt.number, "Completed")]
        said = [each.body for each in living[0].comments]
        assert set(said) == {"Head 6f1d2c3.", "Deployed.", f"Closed: successful. {DONE.notes}"}
        assert len(said) - 3 <= len([kind for kind, _ in there.faults.met if kind == "done-twice"])
        assert all(not each.public for each in living[0].comments)
        assert not [title for title in there.site.titles if title.startswith("POST") and "/approval" in title]


@pytest.mark.parametrize("seed", SEEDS)
async def test_servicenow_takes_what_somebody_prepared(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking, seed: int
) -> None:
    system, wanted = client(there, session, clock), content()
    made = await system.open(wanted)
    prepared, _ = there.instance.create("normal", {}, there.instance.person("alice.dev"))
    there.faults.at_random(0.35, seed)
    receipt = await insistently(lambda: system.adopt(prepared.number, wanted), clock)
    assert await insistently(lambda: system.open(wanted), clock) == receipt
    assert len(there.faults.met) > 3
    assert (receipt.id, prepared.state, there.instance.change(made.number).state) == (prepared.sys_id, "-5", CANCELED)
    assert prepared.values["short_description"] == wanted.short_description
    twice = [asked for kind, asked in there.faults.met if kind == "done-twice"]
    for each in (prepared, there.instance.change(made.number)):
        assert 0 <= len(each.notes) - 1 <= len(twice)


@pytest.mark.parametrize("seed", SEEDS)
async def test_jira_takes_what_somebody_prepared(session: aiohttp.ClientSession, clock: Ticking, seed: int) -> None:
    async with SimulatedJira.start(clock=clock) as there:
        system = jira.connect(JiraAccess(there.url, there.desk.account.email, TOKEN, "3"), session, clock)
        system.door.chance = lambda: 0.0
        wanted = content()
        made = there.desk.request((await system.open(wanted)).number)
        prepared = there.desk.create("17", {"summary": "one", "labels": ["a"]}, there.desk.user("Alice Dev"))
        there.faults.at_random(0.35, seed)
        receipt = await insistently(lambda: system.adopt(prepared.key, wanted), clock)
        assert await insistently(lambda: system.open(wanted), clock) == receipt
        assert len(there.faults.met) > 3
        assert (receipt.number, prepared.status, made.status) == (prepared.key, DRAFT, JIRA_CANCELED)
        assert prepared.fields["labels"] == ["a", f"countersign:{wanted.correlation_id}"]
        twice = [asked for kind, asked in there.faults.met if kind == "done-twice"]
        for each in (prepared, made):
            assert 0 <= len(each.comments) - 1 <= len(twice)
