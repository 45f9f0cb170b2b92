"""The simulated ServiceNow held against the real one's description of its API.

That description names operations, parameters and statuses and leaves the bodies open; those are held against the
documented samples. `conftest` collects this where somebody has put both beside the project.
"""

import json
import re
from typing import Any

import aiohttp
import pytest

from bot.changes.systems.port import ChangeType, CloseCode, Closure, State
from bot.changes.systems.servicenow import ServiceNow
from bot.changes.systems.servicenow_fields import plain, rows
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.servicenow.records import COLUMNS, Clash
from bot.sandbox.servicenow.rest import ROUTES
from tests.unit.changes.systems.conftest import SAMPLES, Ticking, content

CHANGE = "openapi_sn_chg_rest_change_management_1.json"
TABLE = "openapi_table_2.json"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def described() -> dict[tuple[str, str], Any]:
    """Every operation that the real one describes, by method and path."""
    return {
        (method.upper(), path): operation
        for name in (CHANGE, TABLE)
        for path, operations in sample(name)["paths"].items()
        for method, operation in operations.items()
    }


def test_every_operation_is_one_of_the_real_one() -> None:
    known = {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in described()}
    assert ROUTES
    for method, template, _, _ in ROUTES:
        assert (method, re.sub(r"\{\w+\}", "{}", template)) in known


@pytest.fixture
async def exercised(there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking) -> SimulatedServiceNow:
    """A simulation after a change went all the way, and whatever else a client asks for."""
    carol = there.instance.person("carol.cab")
    there.instance.cab.append(carol)
    there.instance.item("ledger")
    receipt = await servicenow.open(content(configuration_item="ledger"))
    await servicenow.add_note(receipt.id, "Head 6f1d2c3.")
    await servicenow.check_conflicts(receipt.id)
    there.instance.change(receipt.number).clashes.append(Clash("not_in_maintenance_window", "CHG0030001"))
    for _ in range(2):
        await servicenow.conflicts(receipt.id)
    await servicenow.move(receipt.id, State.AUTHORIZE)
    there.instance.approve(receipt.number, carol)
    await servicenow.move(receipt.id, State.IMPLEMENT)
    await servicenow.move(receipt.id, State.CLOSED, closure=Closure(CloseCode.SUCCESSFUL, "Done."))
    await servicenow.open(content(correlation_id="cs:2", type=ChangeType.EMERGENCY))
    template = there.instance.template(short_description="Renew")
    await servicenow.open(content(correlation_id="cs:3", type=ChangeType.STANDARD, template=template))
    prepared, _ = there.instance.create("standard", {}, there.instance.person("alice.dev"), template)
    await servicenow.adopt(prepared.number, content(correlation_id="cs:3", type=ChangeType.STANDARD, template=template))
    return there


async def test_every_exchange_is_described(exercised: SimulatedServiceNow) -> None:
    operations = described()
    met = set()
    for method, template, status in exercised.templates:
        assert str(status) in operations[method, template]["responses"], (method, template, status)
        met.add((method, template))
    assert len(met) >= 10
    known = {each["name"] for each in operations["GET", "/api/now/v2/table/{tableName}"]["parameters"]}
    reads = [each for each in exercised.site.asked if "/table/" in each.path]
    assert reads
    for each in reads:
        # Paging is described in the text of the documentation and not in the list.
        assert set(each.query) <= known | {"sysparm_offset"}


def test_the_columns_are_those_of_a_change() -> None:
    documented = set(sample("change_get_200.documented.json")["result"])
    requested = set(sample("change_normal_create_request.synthetic.json"))
    assert documented | requested >= COLUMNS


async def test_a_change_has_the_documented_shape(exercised: SimulatedServiceNow) -> None:
    documented = sample("change_get_200.documented.json")["result"]
    change = next(iter(exercised.instance.changes.values()))
    answer = await _get(exercised, f"/api/sn_chg_rest/v1/change/{change.sys_id}")
    for name, cell in answer["result"].items():
        if name in documented:
            assert set(cell) == set(documented[name]), name
            if cell["value"] not in {"", None} and documented[name]["value"] not in {"", None}:
                assert type(cell["value"]) is type(documented[name]["value"]), name


async def test_other_answers_have_the_documented_shape(exercised: SimulatedServiceNow) -> None:
    change = next(iter(exercised.instance.changes.values()))
    pending = next(each for each in exercised.instance.changes.values() if each.values["type"] == "emergency")
    path = "/api/sn_chg_rest/v1/change"
    answer, documented = (
        await _get(exercised, f"{path}/{change.sys_id}/conflict"),
        sample("conflict_found_200.documented.json"),
    )
    # Of a row, the documentation shows two fields and says that there are more.
    (row,), (like,) = answer["result"].pop("conflicts"), documented["result"].pop("conflicts")
    assert _shape(answer) == _shape(documented)
    assert {name: set(row[name]) for name in like} == {name: set(cell) for name, cell in like.items()}
    states = await _get(exercised, f"{path}/{pending.sys_id}/nextstates")
    wanted = sample("nextstates_200.documented.json")
    del states["result"]["state_label"], wanted["result"]["state_label"]
    assert _shape(states) == _shape(wanted)
    approvals = await _get(
        exercised,
        f"/api/now/v2/table/sysapproval_approver?sysparm_query=sysapproval={change.sys_id}",
    )
    (row,), (like, _) = approvals["result"], sample("sysapproval_approver_200.synthetic.json")["result"]
    assert set(row) >= set(like) - {"approver.employee_number"}
    assert all(type(row[name]) is type(like[name]) for name in like if name in row)


@pytest.mark.parametrize("status", [401, 403, 429])
def test_errors_have_the_documented_shape(there: SimulatedServiceNow, status: int) -> None:
    (path,) = SAMPLES.glob(f"error_{status}.*.json")
    assert _shape(there.refuse(status, 1).body) == _shape(json.loads(path.read_text()))


async def test_a_token_has_the_documented_shape(exercised: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    assert servicenow.door.authorization is not None
    async with servicenow.door.session.post(
        f"{exercised.url}/oauth_token.do",
        data={"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"},
    ) as response:
        assert response.status == 401
    assert (await servicenow.door.authorization.header()).startswith("Bearer ")


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("change_*_200.*.json")))
def test_the_client_reads_every_documented_change(servicenow: ServiceNow, name: str) -> None:
    (record,) = rows(sample(name))
    assert plain(record["number"]).startswith("CHG")
    assert servicenow.fields.state(plain(record["state"])) is not None
    assert plain(record["on_hold"]) == "false"


async def _get(there: SimulatedServiceNow, path: str) -> Any:
    """An answer as it is, past the client."""
    token = next(iter(there.tokens))
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    async with aiohttp.ClientSession() as session, session.get(there.url + path, headers=headers) as response:
        assert response.status == 200
        return await response.json()


def _shape(answer: Any) -> Any:
    """The names and kinds of an answer, whatever stands there."""
    match answer:
        case dict():
            return {name: _shape(value) for name, value in answer.items()}
        case list():
            return sorted({json.dumps(_shape(each), sort_keys=True) for each in answer})[:1]
        case None:
            return None
        case _:
            return type(answer).__name__
