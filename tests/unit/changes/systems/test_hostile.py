"""Answers that no system should give: none may pass for a record, an approval or a state."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from bot.changes.systems import jira, servicenow
from bot.changes.systems.errors import Unanswered
from bot.changes.systems.port import CheckState, CloseCode, Closure, RecordSystem, State
from bot.errors import CountersignError
from bot.settings import JiraAccess, ServiceNowAccess
from tests.unit.changes.systems.conftest import CORRELATION, Ticking, content

SYS_ID = "b0dbda5347c12200e0ef563dbb9a718f"
OTHER = "c" * 32
# Each of these is an answer to everything that is asked.
JUNK: list[Any] = [
    None,
    [],
    {},
    "text",
    5,
    [None],
    {"result": None},
    {"result": []},
    {"result": [[]]},
    {"result": {}},
    {"result": {"sys_id": {"value": OTHER}}},
    {"result": {"sys_id": SYS_ID}},
    {"result": {"sys_id": [SYS_ID], "number": {"value": ["CHG1"]}}},
    {"result": [{"sys_id": SYS_ID, "number": "CHG1"}] * 2},
    {"result": {"sys_id": SYS_ID, "number": "CHG1", "state": {"value": {}}, "correlation_id": {"value": None}}},
    {"result": {"available_states": None, "sys_id": SYS_ID, "number": "CHG1"}},
    {"result": {"available_states": [None], "state_transitions": [[{}]], "sys_id": SYS_ID}},
    {"id": "10001"},
    {"id": "10001", "key": "CHG-1", "fields": None},
    {"id": "10001", "key": "CHG-1", "fields": {"status": None, "labels": "countersign:"}},
    {"id": "10002", "key": "CHG-2", "fields": {"status": {"name": "Planning"}}},
    {"issues": [None], "values": [None], "transitions": [None], "isLastPage": True},
    {"issues": [{}], "values": [{}], "transitions": [{}], "isLastPage": True},
    {"issues": {}, "values": {}, "transitions": {}},
    {"values": [{"id": "1", "name": "Request a change"}], "isLastPage": "no", "issues": []},
    {"id": "10001", "key": "../../admin", "fields": {"status": {"name": "Planning"}, "updated": "now"}},
]


@dataclass(slots=True)
class Liar:
    """Answers everything with the same."""

    answer: Any = None
    url: str = ""
    received: list[str] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append(f"{request.method} {request.path}")
        if request.path == "/oauth_token.do":
            return web.json_response({"access_token": "t", "expires_in": 1800})
        return web.Response(body=json.dumps(self.answer).encode(), content_type="application/json")


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    made = Liar()
    async with RawTestServer(made.serve) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


def _servicenow(liar: Liar, session: aiohttp.ClientSession) -> tuple[RecordSystem, str]:
    access = ServiceNowAccess(liar.url, client_id="id", client_secret="secret")
    return servicenow.connect(access, session, Ticking()), SYS_ID


def _jira(liar: Liar, session: aiohttp.ClientSession) -> tuple[RecordSystem, str]:
    return jira.connect(JiraAccess(liar.url, "svc@bank.example", "token", "3"), session, Ticking()), "10001"


@pytest.mark.parametrize("make", [_servicenow, _jira])
@pytest.mark.parametrize("answer", JUNK)
async def test_junk_is_an_error_of_ours_and_never_a_record(
    liar: Liar,
    session: aiohttp.ClientSession,
    make: Callable[[Liar, aiohttp.ClientSession], tuple[RecordSystem, str]],
    answer: Any,
) -> None:
    system, ref = make(liar, session)
    liar.answer = answer
    asks: list[Callable[[], Awaitable[Any]]] = [
        lambda: system.open(content()),
        lambda: system.adopt("CHG1" if ref == SYS_ID else "CHG-1", content()),
        lambda: system.update(ref, content()),
        lambda: system.move(ref, State.IMPLEMENT),
        lambda: system.move(ref, State.CLOSED, closure=Closure(CloseCode.SUCCESSFUL, "")),
        lambda: system.read(ref),
    ]
    for ask in asks:
        with pytest.raises(CountersignError):
            await ask()
    # Nothing runs without end, whatever is answered.
    assert len(liar.received) < 100


async def test_a_check_for_conflicts_that_lists_nothing_is_none(liar: Liar, session: aiohttp.ClientSession) -> None:
    system, ref = _servicenow(liar, session)
    answers: list[Any] = [{}, {"conflicts": {}}, {"conflicts": [5]}]
    for answer in answers:
        liar.answer = {"result": {"last_run": "2026-11-24 12:00:00", "job_status": "2", **answer}}
        with pytest.raises(Unanswered, match="list of conflicts"):
            await system.conflicts(ref)
    # Of a job in a state that is not known, nothing is concluded.
    unknown: list[Any] = [{}, {"job_status": "9"}, {"job_status": {}}, {"job_status": ["2"]}]
    for answer in unknown:
        liar.answer = {"result": {"last_run": "2026-11-24 12:00:00", "conflicts": [], **answer}}
        found = await system.conflicts(ref)
        assert found is not None
        assert found.state is CheckState.RUNNING


async def test_a_record_without_a_number_is_none(liar: Liar, session: aiohttp.ClientSession) -> None:
    system, _ = _servicenow(liar, session)
    liar.answer = {"result": [{"sys_id": SYS_ID, "correlation_id": CORRELATION, "state": "-4", "number": ""}]}
    with pytest.raises(Unanswered, match="a number and a sys_id"):
        await system.open(content())
