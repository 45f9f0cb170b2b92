"""What goes wrong between Countersign and ServiceNow, and what is there afterwards."""

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.changes.systems.errors import Away, Forbidden, MayHaveHappened, NotDone, Unanswered, Unauthorized, Unsettled
from bot.changes.systems.port import State
from bot.changes.systems.servicenow import SETTLED, ServiceNow, connect
from bot.errors import Refusal, Transient
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.servicenow.simulation import CLIENT_ID, CLIENT_SECRET, PASSWORD
from bot.sandbox.vendor import AFTER, BEFORE, Outage
from bot.settings import ServiceNowAccess
from tests.unit.changes.systems.conftest import CORRELATION, Ticking, content
from tests.waiting import until

CREATE = "POST /api/sn_chg_rest"
READ = "GET /api/sn_chg_rest"
WRITE = "PATCH /api/sn_chg_rest"


@pytest.mark.parametrize("kind", sorted(BEFORE | AFTER))
async def test_whatever_happens_there_is_one_record(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking, kind: str
) -> None:
    there.faults.add(Outage(CREATE, kind, seconds=0.5 if kind == "slow" else 30))
    for _ in range(2):
        try:
            await servicenow.open(content())
        except (Transient, Refusal):
            clock.go_on(minutes=1)
    assert there.faults.met == [(kind, "POST /api/sn_chg_rest/v1/change/normal")]
    receipt = await servicenow.open(content())
    living = [each for each in there.instance.changes.values() if each.state != "4"]
    assert [each.number for each in living] == [receipt.number]
    assert len(there.instance.changes) == (2 if kind == "done-twice" else 1)


@pytest.mark.parametrize("kind", ["cut-after", "503", "done-late"])
async def test_until_when_a_record_can_still_come_is_said(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking, kind: str
) -> None:
    there.faults.add(Outage(CREATE, kind, seconds=0.2))
    with pytest.raises(Unsettled) as unknown:
        await servicenow.open(content())
    assert unknown.value.until == unknown.value.settled == clock() + SETTLED


async def test_of_two_records_the_one_that_is_named_stays(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking
) -> None:
    there.faults.add(Outage(CREATE, "done-late", seconds=0.2))
    with pytest.raises(Unsettled):
        await servicenow.open(content())
    used = await servicenow.open(content())
    await until(lambda: len(there.instance.changes) == 2)
    for change in there.instance.changes.values():
        # The other one was asked for first.
        moment = "2026-01-01 00:00:00" if change.number != used.number else "2026-01-01 00:00:09"
        change.values["sys_created_on"] = moment
    assert await servicenow.find(CORRELATION, kept=used.id) == used
    assert {each.number: each.state for each in there.instance.changes.values() if each.state != "4"} == {
        used.number: "-5"
    }


@pytest.mark.parametrize("kind", ["cut-after", "truncated", "html-after", "slow", "cut-before", "500", "503", "html"])
async def test_a_write_whose_outcome_is_unknown_is_not_sent_again(
    there: SimulatedServiceNow, servicenow: ServiceNow, kind: str
) -> None:
    there.faults.add(Outage(CREATE, kind, seconds=0.6))
    with pytest.raises(MayHaveHappened):
        await servicenow.open(content())
    assert [title for title in there.site.titles if title.startswith(CREATE)] == [f"{CREATE}/v1/change/normal"]


@pytest.mark.parametrize("kind", ["cut-before", "cut-after", "truncated", "html", "500", "503"])
async def test_a_read_is_asked_again(there: SimulatedServiceNow, servicenow: ServiceNow, kind: str) -> None:
    receipt = await servicenow.open(content())
    there.faults.add(Outage(READ, kind, times=2))
    assert (await servicenow.read(receipt.id)).receipt == receipt
    there.faults.add(Outage(READ, kind, times=20))
    there.site.asked.clear()
    with pytest.raises(Unanswered):
        await servicenow.read(receipt.id)
    # aiohttp itself asks once more where a connection ended without an answer.
    assert 3 <= sum(title.startswith(READ) for title in there.site.titles) <= 6


async def test_an_answer_that_comes_twice_is_taken_once(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.faults.add(Outage("", "answered-twice", times=50))
    receipt = await servicenow.open(content())
    assert (await servicenow.move(receipt.id, State.AUTHORIZE)).state is State.AUTHORIZE
    assert len(there.instance.changes) == 1


async def test_a_step_that_was_made_without_an_answer_is_not_made_again(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    receipt = await servicenow.open(content())
    there.faults.add(Outage(WRITE, "cut-after"))
    with pytest.raises(MayHaveHappened):
        await servicenow.move(receipt.id, State.ASSESS)
    assert (await servicenow.move(receipt.id, State.ASSESS)).state is State.ASSESS
    assert len([title for title in there.site.titles if title.startswith("PATCH")]) == 1


async def test_a_note_whose_answer_was_lost_is_not_doubled(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    there.faults.add(Outage(WRITE, "cut-after"))
    with pytest.raises(MayHaveHappened):
        await servicenow.add_note(receipt.id, "A new head.")
    await servicenow.add_note(receipt.id, "A new head.")
    assert len(there.instance.change(receipt.number).notes) == 1


async def test_a_limit_says_until_when(there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking) -> None:
    there.faults.add(Outage(CREATE, "429", seconds=120))
    with pytest.raises(NotDone, match="ServiceNow's rate limit") as limited:
        await servicenow.open(content())
    assert limited.value.until == clock() + timedelta(seconds=120)
    assert there.instance.changes == {}


async def test_a_short_limit_is_waited_for_even_by_a_write(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.faults.add(Outage(CREATE, "429", seconds=0))
    await servicenow.open(content())
    assert len(there.instance.changes) == 1


async def test_a_right_that_is_missing_is_told_in_their_words(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    there.faults.add(Outage(CREATE, "403"))
    with pytest.raises(Forbidden, match="Operation Failed: ACL Exception Update Failed due to security") as no:
        await servicenow.open(content())
    assert "role itil" in no.value.remedy


async def test_nobody_there(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    await servicenow.open(content())
    async with there.site.away():
        with pytest.raises(NotDone, match="ServiceNow, which cannot be reached"):
            await servicenow.open(content())
    await servicenow.open(content())
    assert len(there.instance.changes) == 1


# Tokens.


async def test_one_token_serves_many_and_is_asked_for_once(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking
) -> None:
    contents = [content(correlation_id=f"cs:7:{number}") for number in range(5)]
    await asyncio.gather(*(servicenow.open(each) for each in contents))
    assert there.site.titles.count("POST /oauth_token.do") == 1
    clock.go_on(minutes=28)
    await servicenow.open(contents[0])
    assert there.site.titles.count("POST /oauth_token.do") == 1
    # A minute before its end it is renewed, so that none expires on its way.
    clock.go_on(minutes=1, seconds=1)
    await asyncio.gather(*(servicenow.open(each) for each in contents))
    assert there.site.titles.count("POST /oauth_token.do") == 2
    assert there.faults.met == []


async def test_a_token_that_ended_early_is_replaced_and_nothing_is_doubled(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    await servicenow.open(content())
    there.end_tokens()
    there.faults.add(Outage(CREATE, "401"))
    await servicenow.open(content(correlation_id="cs:7:next"))
    assert there.site.titles.count("POST /oauth_token.do") == 3
    assert len(there.instance.changes) == 2


async def test_a_second_refusal_is_one(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.faults.add(Outage(READ, "401", times=2))
    with pytest.raises(Unauthorized, match="User Not Authenticated: Required to provide Auth information") as no:
        await servicenow.open(content())
    assert "glide.oauth.inbound.client.credential.grant_type.enabled" in no.value.remedy


async def test_a_wrong_password_is_not_tried_again(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    access = ServiceNowAccess(there.url, username="svc_countersign", password=PASSWORD + "!")
    with pytest.raises(Unauthorized):
        await connect(access, session, clock).open(content())
    assert len(there.site.asked) == 1


async def test_a_wrong_secret_is_told_and_never_shown(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking, logged: list[Any]
) -> None:
    access = ServiceNowAccess(there.url, client_id=CLIENT_ID, client_secret="wrong & secret")
    servicenow = connect(access, session, clock)
    with pytest.raises(Unauthorized, match=r"\(POST /oauth_token\.do\): access_denied: access_denied") as no:
        await servicenow.open(content())
    for shown in (str(no.value), repr(no.value), repr(servicenow), repr(access), str(logged)):
        assert "wrong" not in shown


@pytest.mark.parametrize("kind", ["500", "html", "cut-after", "truncated"])
async def test_no_token_now_means_that_nothing_was_asked(
    there: SimulatedServiceNow, servicenow: ServiceNow, kind: str
) -> None:
    there.faults.add(Outage("oauth_token", kind, times=3))
    with pytest.raises(Transient) as waits:
        await servicenow.open(content())
    assert isinstance(waits.value, Away)
    assert not isinstance(waits.value, NotDone | Unanswered)
    assert there.site.titles == ["POST /oauth_token.do"] * 3
    await servicenow.open(content())


async def test_a_waiting_caller_may_give_up(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.faults.add(Outage("oauth_token", "slow", seconds=0.2))
    one, other = (asyncio.ensure_future(servicenow.open(content(correlation_id=f"cs:{number}"))) for number in (1, 2))
    await until(lambda: bool(there.site.asked))
    one.cancel()
    await other
    assert there.site.titles.count("POST /oauth_token.do") == 1


async def test_no_secret_is_logged(there: SimulatedServiceNow, servicenow: ServiceNow, logged: list[Any]) -> None:
    there.faults.add(Outage(READ, "truncated"))
    there.faults.add(Outage(CREATE, "403"))
    with pytest.raises(Forbidden):
        await servicenow.open(content())
    (token,) = there.tokens
    assert {line["event"] for line in logged} >= {"record_system_unanswered", "record_system_refused"}
    for secret in (CLIENT_SECRET, "correct+horse", token, "Bearer"):
        assert secret not in str(logged)
        assert secret not in repr(servicenow)
