from datetime import timedelta
from typing import Any

import pytest

from bot.changes.systems.errors import Disagrees, Forbidden, MayHaveHappened, Unanswered
from bot.changes.systems.port import ChangeType, Planned, State
from bot.changes.systems.servicenow import ServiceNow
from bot.changes.systems.servicenow_work import Task, Work, _messages, _spans, _task
from bot.errors import Refusal, Transient
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.vendor import Outage
from tests.unit.changes.systems.conftest import NIGHT, START, content


async def _opened(there: SimulatedServiceNow, servicenow: ServiceNow, **other: Any) -> str:
    there.instance.item("ledger")
    return (await servicenow.open(content(configuration_item="ledger", **other))).id


async def test_free_times_are_those_that_others_left(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    ref = await _opened(there, servicenow)
    (item,) = there.instance.items
    other = {"cmdb_ci": item, "start_date": "2026-11-29 03:00:00", "end_date": "2026-11-29 04:00:00"}
    there.instance.create("normal", other, there.instance.account)
    work = Work(servicenow.door, pause=0)
    assert await work.free_times(ref) == (
        NIGHT,
        Planned(START + timedelta(hours=8), START + timedelta(hours=12)),
        Planned(START + timedelta(hours=12), START + timedelta(hours=16)),
    )
    other |= {"start_date": "2026-11-28 00:00:00", "end_date": "2026-12-28 00:00:00"}
    there.instance.create("normal", other, there.instance.account)
    assert await work.free_times(ref) == ()


async def test_what_takes_long_is_waited_for(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    ref = await _opened(there, servicenow)
    there.instance.patience = 9
    with pytest.raises(Transient, match="search for free times"):
        await Work(servicenow.door, pause=0).free_times(ref)
    assert len([title for title in there.site.titles if "/worker/" in title]) == 4


async def test_a_change_without_dates_has_no_free_times(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    ref = await _opened(there, servicenow, planned=None)
    with pytest.raises(Refusal, match=r"no free times: A configuration item and planned dates are needed\.") as no:
        await Work(servicenow.door, pause=0).free_times(ref)
    assert "planned start and end" in no.value.remedy


async def test_tasks_are_closed_once(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    template = there.instance.template()
    ref = await _opened(there, servicenow, type=ChangeType.STANDARD, template=template)
    assert await servicenow.work.tasks(ref) == ()
    await servicenow.move(ref, State.IMPLEMENT)
    first, second = await servicenow.work.tasks(ref)
    assert (first.short_description, first.is_open) == ("Implement", True)
    with pytest.raises(Forbidden, match="fields are mandatory: Close code"):
        await servicenow.work.close_task(ref, first.id, code="", notes="")
    there.faults.add(Outage("PATCH", "cut-after"))
    with pytest.raises(MayHaveHappened):
        await servicenow.work.close_task(ref, first.id, code="successful", notes="Deployed.")
    done = await servicenow.work.close_task(ref, first.id, code="successful", notes="Deployed.")
    assert done == Task(first.id, first.number, "Implement", is_open=False)
    kept = there.instance.change(ref).tasks[0]
    assert (kept.close_code, kept.close_notes) == ("successful", "Deployed.")
    assert len([each for each in there.site.titles if "/task/" in each]) == 2
    there.instance.locked.add("state")
    with pytest.raises(Disagrees, match="is closed, and left it open"):
        await servicenow.work.close_task(ref, second.id, code="successful", notes="Tested.")


async def test_a_task_of_another_change_is_not_closed(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    ref = await _opened(there, servicenow)
    with pytest.raises(Refusal, match="has no task"):
        await servicenow.work.close_task(ref, "0" * 32, code="successful", notes="")
    for ask in (servicenow.work.tasks("x"), servicenow.work.free_times("x")):
        with pytest.raises(Refusal, match="is no sys_id"):
            await ask


@pytest.mark.parametrize(
    "payload",
    [
        {"spans": {}},
        {"spans": [None]},
        {"spans": [{}]},
        {"spans": [{"start": {"value": "2026-11-28 22:00:00"}, "end": {"value": "soon"}}]},
        {"spans": [{"start": "2026-11-28 22:00:00", "end": "2026-11-28 22:00:00"}]},
    ],
)
def test_free_times_that_are_none(payload: Any) -> None:
    with pytest.raises(Unanswered):
        _spans({"payload": payload})


def test_answers_of_other_kinds() -> None:
    assert _spans({}) == _spans({"payload": {}}) == _spans({"payload": None}) == ()
    assert _messages({}) == _messages({"messages": {"errorMessages": "x"}}) == "it gives no reason"
    assert _messages({"messages": {"errorMessages": ["One."], "infoMessages": ["Two"]}}) == "One and Two"
    with pytest.raises(Unanswered):
        _task({"number": "CTASK1"})
