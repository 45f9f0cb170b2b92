"""The simulated systems, where no client of ours leads: what they refuse, and what people do there."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.changes.systems.authorization import Basic
from bot.sandbox.faults import Fault
from bot.sandbox.jira import SimulatedJira
from bot.sandbox.jira.desk import CAB, Refused
from bot.sandbox.jira.simulation import TOKEN
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.servicenow.rules import CANCELED, Denied
from bot.sandbox.servicenow.simulation import PASSWORD
from bot.sandbox.vendor import Asked, Outage
from tests.unit.changes.systems.conftest import START, Ticking

JSON = {"Accept": "application/json", "Content-Type": "application/json"}
CHANGE = "/api/sn_chg_rest/v1/change"


async def ask(
    there: SimulatedServiceNow | SimulatedJira, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    """The status and the answer to a request of Countersign's account, past its client."""
    if isinstance(there, SimulatedJira):
        proof = Basic(there.desk.account.email, TOKEN)
    else:
        proof = Basic(there.instance.account.user_name, PASSWORD)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**JSON, "Authorization": await proof.header(), **named}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, there.url + path, json=body, headers=sent) as response,
    ):
        return response.status, await response.json() if response.status != 204 else None


def test_a_fault_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="is no fault; there are 401, 403"):
        Outage("", "5xx")
    with pytest.raises(ValueError, match="is no fault"):
        Fault("", "done-twice")


# ServiceNow.


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        ("GET", CHANGE, {"Accept": "text/xml"}, 400, "Invalid Accept header"),
        ("POST", f"{CHANGE}/normal", {"Content_Type": "text/xml"}, 400, "Invalid Content-Type header"),
        ("GET", "/api/change/create", {}, 400, "Requested URI does not represent any resource"),
        ("POST", "/api/change/create", {}, 400, "Requested URI does not represent any resource"),
        ("DELETE", f"{CHANGE}/{'0' * 32}", {}, 400, "Requested URI does not represent any resource"),
        ("GET", f"{CHANGE}/{'0' * 32}", {}, 404, "No Record found"),
        ("GET", "/api/now/table/sys_user_has_password", {}, 400, "Invalid table sys_user_has_password"),
    ],
)
async def test_servicenow_refuses(
    there: SimulatedServiceNow, method: str, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    answered, body = await ask(there, method, path, {}, **headers)
    assert (answered, body["error"]["message"], body["status"]) == (status, message, "failure")


async def test_servicenow_stores_what_fits_and_says_nothing(there: SimulatedServiceNow) -> None:
    sent = {
        "short_description": "x" * 200,
        "start_date": "2026-11-28T22:00:00Z",
        "cab_required": True,
        "assignment_group": {"value": "abc"},
        "reason": None,
        "state": "3",
        "u_unknown": "x",
    }
    status, body = await ask(there, "POST", f"{CHANGE}/normal", sent)
    result = body["result"]
    assert status == 200
    assert result["__meta"] == {"ignoredFields": ["u_unknown"]}
    assert len(result["short_description"]["value"]) == 160
    assert (result["start_date"]["value"], result["cab_required"]["value"]) == ("", "true")
    assert (result["assignment_group"]["value"], result["state"]["value"]) == ("abc", "-5")
    assert (await ask(there, "POST", f"{CHANGE}/normal", [1]))[0] == 200
    assert (await ask(there, "GET", f"/api/sn_chg_rest/change/{result['sys_id']['value']}"))[0] == 200


async def test_a_query_that_is_partly_wrong_finds_too_much(there: SimulatedServiceNow) -> None:
    for name in ("one", "two"):
        there.instance.create("normal", {"short_description": name, "category": "c"}, there.instance.account)

    async def found(query: str, **more: str) -> list[str]:
        more_query = "".join(f"&{name}={value}" for name, value in more.items())
        paths = (CHANGE, "/api/now/table/change_request")
        answers = [await ask(there, "GET", f"{path}?sysparm_query={query}{more_query}") for path in paths]
        assert answers[0] == answers[1]
        return [each["short_description"]["value"] for each in answers[0][1]["result"]]

    assert await found("short_description=TWO") == ["two"]
    assert await found("u_nothing=x^category=c^ORDERBYDESCnumber") == ["one", "two"]
    assert await found("nonsense") == ["one", "two"]
    assert await found("", sysparm_limit="1", sysparm_offset="1") == ["two"]
    assert await found("", sysparm_limit="all") == ["one", "two"]
    there.strict = True
    assert await found("u_nothing=x^category=c") == []


async def test_a_rejected_change_may_become_another_type(there: SimulatedServiceNow) -> None:
    carol = there.instance.person("carol.cab")
    there.instance.cab.append(carol)
    change, _ = there.instance.create("normal", {}, there.instance.account)
    for state in ("-4", "-3"):
        there.instance.write(change, {"state": state}, there.instance.account)
    assert (await ask(there, "PATCH", f"{CHANGE}/{change.sys_id}", {"type": "emergency"}))[1]["result"]["__meta"]
    there.instance.reject(change.number, carol)
    await ask(there, "PATCH", f"{CHANGE}/{change.sys_id}", {"type": "emergency"})
    assert change.values["type"] == "emergency"
    with pytest.raises(Denied, match="was not asked to approve"):
        there.instance.approve(change.number, carol)
    assert str(Denied(400, "only this")) == "only this"


async def test_a_hold_ends_what_was_asked_and_a_release_asks_again(there: SimulatedServiceNow, clock: Ticking) -> None:
    carol, dan = there.instance.person("carol.cab"), there.instance.person("dan.cab")
    there.instance.cab += [carol, dan]
    change, _ = there.instance.create("emergency", {}, there.instance.account)
    there.instance.move(change.number, "-3", carol)
    there.instance.approve(change.number, carol)
    there.instance.hold(change.number, dan)
    assert [each.state for each in change.approvals] == ["approved", "not_required"]
    with pytest.raises(Denied, match="State model"):
        there.instance.move(change.number, "-5", dan)
    there.instance.release(change.number, dan)
    assert [each.state for each in change.approvals] == ["approved", "requested"]
    there.instance.cancel(change.number, dan)
    assert (change.state, [each.state for each in change.approvals]) == (CANCELED, ["approved", "cancelled"])
    assert change.values["active"] == "false"
    clock.go_on(minutes=1)
    before = change.values["sys_mod_count"]
    there.instance.write(change, {"on_hold": "false"}, dan)
    assert change.values["sys_mod_count"] == before


@pytest.mark.parametrize(
    ("method", "path"), [("GET", f"{CHANGE}/{'0' * 32}"), ("POST", f"{CHANGE}/{'0' * 32}/conflict")]
)
async def test_what_is_not_there(there: SimulatedServiceNow, method: str, path: str) -> None:
    status, body = await ask(there, method, path, {})
    assert (status, body["error"]["message"]) == (404, "No Record found")


async def test_overlapping_windows_of_one_item_collide(there: SimulatedServiceNow) -> None:
    def planned(item: str, hours: int) -> dict[str, str]:
        start = START + timedelta(hours=hours)
        return {
            "cmdb_ci": item,
            "start_date": f"{start:%Y-%m-%d %H:%M:%S}",
            "end_date": f"{start + timedelta(hours=2):%Y-%m-%d %H:%M:%S}",
        }

    made = [
        there.instance.create("normal", planned(item, hours), there.instance.account)[0]
        for item, hours in (("a", 0), ("a", 1), ("a", 2), ("b", 0))
    ]
    there.instance.create("normal", {"cmdb_ci": "a"}, there.instance.account)
    clashes = [[clash.label for clash in there.instance.clashes(each)] for each in made]
    assert clashes == [[made[1].number], [made[0].number, made[2].number], [made[1].number], []]


def test_a_body_that_is_no_json_is_nothing() -> None:
    assert Asked("POST", "/", {}, {}, b"{").json == {}


# Jira.


@pytest.fixture
async def site(clock: Ticking) -> Any:
    async with SimulatedJira.start(clock=clock) as simulation:
        yield simulation


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/rest/servicedeskapi/request", {"serviceDeskId": "9"}, 404, "The Service Desk you are trying"),
        ("POST", "/rest/servicedeskapi/request", [1], 404, "The Service Desk you are trying"),
        (
            "POST",
            "/rest/servicedeskapi/request",
            {"serviceDeskId": "3", "requestTypeId": "9"},
            404,
            "The request type 9",
        ),
        (
            "POST",
            "/rest/servicedeskapi/request",
            {"serviceDeskId": "3", "requestTypeId": "17", "raiseOnBehalfOf": "nobody"},
            400,
            "The customer that the request is raised for does not exist.",
        ),
        (
            "POST",
            "/rest/servicedeskapi/request",
            {"serviceDeskId": "3", "requestTypeId": "17"},
            400,
            "Your request could not be created. summary: is required.",
        ),
        ("POST", "/rest/servicedeskapi/request/CHG-1/comment", {"body": ""}, 400, "Comment body can not be empty!"),
        ("GET", "/rest/api/2/search/jql?jql=assignee=me", None, 400, "Error in the JQL Query."),
        ("GET", "/rest/api/3/issue/1", None, 404, "null for uri"),
        ("POST", "/rest/api/2/issue/CHG-1/transitions", {"transition": {"id": "99"}}, 400, "an illegal workflow"),
        ("POST", "/rest/api/2/issue/CHG-1/transitions", {"fields": {"resolution": {}}}, 400, "appropriate screen"),
        ("DELETE", "/rest/api/2/issue/CHG-1", None, 404, "null for uri"),
        (
            "PUT",
            "/rest/api/2/issue/CHG-1",
            {"fields": {"labels": []}, "update": {"labels": [{"add": "x"}]}},
            400,
            "Field cannot be both set and updated.",
        ),
        ("PUT", "/rest/api/2/issue/CHG-1", {"update": {"labels": [{"add": "x y"}]}}, 400, "The label contains spaces"),
        ("PUT", "/rest/api/2/issue/CHG-1", {"update": {"labels": [{"edit": "x"}]}}, 400, "Operation value is not one"),
        ("PUT", "/rest/api/2/issue/CHG-1", {"update": {"summary": [{"add": "x"}]}}, 400, "Operation value is not one"),
        ("GET", "/rest/servicedeskapi/request/CHG-2", None, 404, "Issue does not exist"),
    ],
)
async def test_jira_refuses(site: SimulatedJira, method: str, path: str, body: Any, status: int, message: str) -> None:
    site.desk.create("17", {"summary": "one"}, site.desk.account)
    answered, told = await ask(site, method, path, body)
    assert answered == status
    assert message in str(told)
    assert ("errorMessage" in told) == path.startswith("/rest/servicedeskapi")


async def test_nobody_answers_for_others_in_jira(site: SimulatedJira) -> None:
    carol, alice = site.desk.user("Carol Cab"), site.desk.user("Alice Dev")
    site.desk.cab.append(carol)
    request = site.desk.create("17", {"summary": "one"}, alice)
    with pytest.raises(Refused, match="permission"):
        site.desk.approve(request.key, carol)
    site.desk.move(request.key, CAB)
    with pytest.raises(Refused, match="permission"):
        site.desk.approve(request.key, alice)
    _, body = await ask(site, "GET", f"/rest/servicedeskapi/request/{request.key}/approval")
    assert body["values"][0]["canAnswerApproval"] is False
    assert body["isLastPage"] is True
    _, issue = await ask(site, "GET", f"/rest/api/2/issue/{request.key}")
    assert issue["fields"]["status"]["statusCategory"]["key"] == "indeterminate"


async def test_labels_are_added_and_taken_one_by_one_in_jira(site: SimulatedJira, clock: Ticking) -> None:
    request = site.desk.create("17", {"summary": "one", "labels": ["a"]}, site.desk.user("Alice Dev"))
    path = f"/rest/api/2/issue/{request.key.lower()}"
    operations = [{"add": "b"}, {"add": "a"}, {"add": "c"}, {"remove": "b"}]
    assert (await ask(site, "PUT", path, {"fields": {"summary": "two"}, "update": {"labels": operations}}))[0] == 204
    assert (request.fields["labels"], request.fields["summary"]) == (["a", "c"], "two")

    async def found(label: str, **more: str) -> int:
        more_query = "".join(f"&{name}={value}" for name, value in more.items())
        _, body = await ask(site, "GET", f'/rest/api/2/search/jql?jql=labels = "{label}"{more_query}')
        return len(body["issues"])

    # A search knows of other labels after a while, unless it is told where to look.
    clock.go_on(minutes=5)
    site.desk.lag = timedelta(minutes=1)
    await ask(site, "PUT", path, {"update": {"labels": [{"add": "d"}]}})
    await ask(site, "PUT", path, {"update": {"labels": [{"add": "e"}, {"remove": "a"}]}})
    assert [await found(each) for each in "acde"] == [1, 1, 0, 0]
    assert [await found(each, reconcileIssues=str(request.id)) for each in "acde"] == [0, 1, 1, 1]
    clock.go_on(minutes=1)
    assert [await found(each) for each in "acde"] == [0, 1, 1, 1]


async def test_a_request_in_jira_says_of_which_desk_and_type_it_is(site: SimulatedJira) -> None:
    request = site.desk.create("17", {"summary": "one"}, site.desk.user("Alice Dev"))
    _, body = await ask(site, "GET", f"/rest/servicedeskapi/request/{request.key}")
    told = {name: body[name] for name in ("issueId", "issueKey", "requestTypeId", "serviceDeskId")}
    assert told == {
        "issueId": str(request.id),
        "issueKey": "CHG-1",
        "requestTypeId": "17",
        "serviceDeskId": "3",
    }
    request.desk = None
    assert (await ask(site, "GET", f"/rest/servicedeskapi/request/{request.key}"))[0] == 404
    assert (await ask(site, "GET", f"/rest/api/2/issue/{request.key}"))[0] == 200
