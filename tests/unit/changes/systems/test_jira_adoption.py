"""Requests of Jira that somebody prepared, and that a change takes for its own."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import aiohttp
import pytest

from bot.changes.systems.errors import Disagrees, Invalid, NotFound, Unanswered
from bot.changes.systems.jira import Jira, JiraMap, connect
from bot.changes.systems.port import ChangeType, State
from bot.errors import Refusal, Transient
from bot.sandbox.jira import SimulatedJira
from bot.sandbox.jira.desk import CAB, CANCELED, DOING, DONE, DRAFT, PLANNED, REVIEWED, Request
from bot.sandbox.jira.simulation import TOKEN
from bot.sandbox.vendor import AFTER, BEFORE, Outage
from bot.settings import JiraAccess
from tests.unit.changes.systems.conftest import CORRELATION, Killed, Mortal, Ticking, content

LABEL = f"countersign:{CORRELATION}"
TAKEN = "Countersign has taken this record for acme/payments-ledger#42@6f1d2c3, and keeps its texts from now on."
OWN = JiraMap(
    names={
        "type": "customfield_10005",
        "configuration_item": "customfield_10060",
        "assignment_group": "customfield_10061",
        "implementation_plan": "customfield_10050",
    },
)


@pytest.fixture
async def site(clock: Ticking) -> AsyncIterator[SimulatedJira]:
    async with SimulatedJira.start(clock=clock) as simulation:
        simulation.desk.custom |= {*OWN.names.values()}
        yield simulation


def client(site: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking, fields: JiraMap | None = None) -> Jira:
    made = connect(JiraAccess(site.url, site.desk.account.email, TOKEN, "3"), session, clock, fields)
    made.door.chance = lambda: 0.0
    return made


@pytest.fixture
def jira(site: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking) -> Jira:
    """A client of a site that has no fields for changes."""
    return client(site, session, clock)


@pytest.fixture
def own(site: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking) -> Jira:
    """A client of a site that has some."""
    return client(site, session, clock, OWN)


def prepared(site: SimulatedJira, type_id: str = "17", **fields: Any) -> Request:
    """A request that somebody made by hand."""
    alice = next((each for each in site.desk.users.values() if each.name == "Alice Dev"), None)
    return site.desk.create(type_id, {"summary": "Raise a limit", **fields}, alice or site.desk.user("Alice Dev"))


def written(site: SimulatedJira) -> list[str]:
    """What was not merely read."""
    return [title for title in site.site.titles if not title.startswith("GET")]


def notes(request: Request) -> list[str]:
    assert not [each for each in request.comments if each.public]
    return [each.body for each in request.comments]


async def test_a_request_that_somebody_prepared_becomes_the_change_s(site: SimulatedJira, own: Jira) -> None:
    request = prepared(site, labels=["payments", "q4"], customfield_10050="By hand")
    receipt = await own.adopt(request.key, content(implementation_plan=None))
    assert (receipt.number, receipt.id, receipt.url) == (request.key, str(request.id), f"{site.url}/browse/CHG-1")
    # The labels of others stay, and what the change does not speak of.
    assert (request.fields["labels"], request.status) == (["payments", "q4", LABEL], DRAFT)
    assert request.fields["summary"] == "Raise the limit of instant payments"
    assert request.fields["customfield_10050"] == "By hand"
    assert request.fields["customfield_10005"] == {"value": "Normal"}
    assert notes(request) == [TAKEN]
    assert len(site.desk.requests) == 1
    assert (await own.read(receipt.id)).correlation_id == CORRELATION
    assert await own.open(content(implementation_plan=None)) == receipt


async def test_the_label_is_added_and_no_other_is_sent(site: SimulatedJira, jira: Jira) -> None:
    """Somebody who adds another one at the same moment does not lose it."""
    request = prepared(site, labels=["payments"])
    await jira.adopt(request.key, content())
    first, *others = [each.json for each in site.site.asked if each.method == "PUT"]
    assert first == {"update": {"labels": [{"add": LABEL}]}}
    assert all("labels" not in str(each) for each in others)


async def test_taking_it_again_writes_nothing(site: SimulatedJira, jira: Jira) -> None:
    request = prepared(site)
    first = await jira.adopt(request.key, content())
    site.site.asked.clear()
    assert await jira.adopt(request.key, content()) == first
    assert written(site) == []


@pytest.mark.parametrize("status", [DRAFT, REVIEWED])
@pytest.mark.parametrize("is_younger", [False, True])
async def test_what_countersign_had_made_is_cancelled(
    site: SimulatedJira, jira: Jira, status: str, *, is_younger: bool
) -> None:
    request = None if is_younger else prepared(site)
    made = site.desk.request((await jira.open(content())).number)
    site.desk.create("17", {"summary": "twice", "labels": [LABEL]}, site.desk.account)
    request = request or prepared(site)
    made.status = request.status = status
    receipt = await jira.adopt(request.key, content())
    assert request.status == status
    others = [each for each in site.desk.requests.values() if each is not request]
    assert [each.status for each in others] == [CANCELED, CANCELED]
    for each in others:
        assert notes(each) == [
            f"{request.key} has taken the place of this record, which Countersign had made for the same change."
        ]
    site.site.asked.clear()
    assert await jira.adopt(request.key, content()) == await jira.open(content()) == receipt
    assert written(site) == []


async def test_one_that_was_raised_for_somebody_is_countersign_s_all_the_same(site: SimulatedJira, jira: Jira) -> None:
    alice = site.desk.user("Alice Dev")
    made = site.desk.request((await jira.open(content(requested_by=alice.account_id))).number)
    assert made.reporter is alice
    await jira.adopt(prepared(site).key, content())
    assert made.status == CANCELED


async def test_the_request_that_countersign_made_can_be_named_as_well(site: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    assert await jira.adopt(receipt.number, content()) == receipt
    assert site.desk.request(receipt.number).status == DRAFT


@pytest.mark.parametrize("status", [CAB, PLANNED, DOING, "On hold"])
async def test_one_that_is_the_change_s_already_is_so_wherever_it_is(
    site: SimulatedJira, jira: Jira, status: str
) -> None:
    request = prepared(site)
    receipt = await jira.adopt(request.key, content())
    request.status = status
    assert await jira.adopt(request.key, content(short_description="Raise it less")) == receipt
    assert (request.fields["summary"], request.status) == ("Raise it less", status)


@pytest.mark.parametrize("status", [DONE, CANCELED])
async def test_one_that_is_over_is_left_as_it_is(site: SimulatedJira, jira: Jira, status: str) -> None:
    request = prepared(site)
    receipt = await jira.adopt(request.key, content())
    request.status = status
    site.site.asked.clear()
    assert await jira.adopt(request.key, content(short_description="Raise it less")) == receipt
    assert written(site) == []


# What is not taken.


@pytest.mark.parametrize(
    "key", ["", "CM", "12", "10001", "cm-12", "CM-0", "CM-12 ", "CM-12\n", "../CM-12", "CM-12/transitions", "CM-\uff11"]
)
async def test_nothing_but_a_key_is_asked_for(site: SimulatedJira, jira: Jira, key: str) -> None:
    with pytest.raises(Refusal, match=r"is no number of a change record in Jira.*like CM-12"):
        await jira.adopt(key, content())
    assert site.site.asked == []


async def test_a_request_that_is_not_there(site: SimulatedJira, jira: Jira) -> None:
    with pytest.raises(NotFound, match="Jira has no change record CM-12 that Countersign's account can see") as no:
        await jira.adopt("CM-12", content())
    assert "checks the number" in no.value.remedy
    assert written(site) == []


async def test_a_request_that_was_moved_is_named_by_its_key(site: SimulatedJira, jira: Jira) -> None:
    """Jira finds it by the old key as well; a project may be given that key again."""
    request = prepared(site)
    request.key, request.former = "OPS-9", {"CHG-1"}
    with pytest.raises(Refusal, match="CHG-1 was moved in Jira, and is OPS-9 now"):
        await jira.adopt("CHG-1", content())
    assert (request.fields.get("labels", []), notes(request)) == ([], [])
    assert (await jira.adopt("OPS-9", content())).number == "OPS-9"


@pytest.mark.parametrize("desk", [None, "4"])
async def test_a_request_of_another_desk_or_of_none(site: SimulatedJira, jira: Jira, desk: str | None) -> None:
    request = prepared(site)
    request.desk = desk
    with pytest.raises(Refusal, match=f"{request.key} in Jira is no request of the service desk 3") as no:
        await jira.adopt(request.key, content())
    assert "JIRA_SERVICE_DESK" in no.value.remedy
    assert written(site) == []


async def test_a_request_of_another_type(site: SimulatedJira, jira: Jira) -> None:
    request = prepared(site, "18")
    with pytest.raises(Refusal, match=f"{request.key} in Jira has another request type than this change"):
        await jira.adopt(request.key, content())
    assert written(site) == []


@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ({"labels": ["x", "countersign:cs:7:another"]}, DRAFT, "in Jira belongs to another change already"),
        ({"labels": [LABEL, "countersign:cs:7:another"]}, DRAFT, "in Jira belongs to another change already"),
        ({"customfield_10005": {"value": "Emergency"}}, DRAFT, "in Jira has another type than this change"),
        ({"customfield_10060": "cards"}, DRAFT, "in Jira has another configuration item than this change"),
        ({"customfield_10061": "Cards"}, DRAFT, "in Jira has another assignment group than this change"),
        ({}, CAB, "in Jira is in `Awaiting CAB approval`: a change takes a record that is a draft"),
        ({}, DOING, "in Jira is in `Implementing`"),
        ({}, DONE, "in Jira is in `Completed`"),
        ({}, CANCELED, "in Jira is in `Canceled`"),
        ({}, "On hold", "in Jira is in `On hold`"),
    ],
)
async def test_a_request_that_is_not_this_change_s_to_take(
    site: SimulatedJira, own: Jira, fields: dict[str, Any], status: str, why: str
) -> None:
    request = prepared(site, **fields)
    request.status = status
    made = await own.open(content(correlation_id="cs:7:mine"))
    before = dict(request.fields)
    site.site.asked.clear()
    wanted = content(configuration_item="ledger", assignment_group="Payments Engineering")
    with pytest.raises(Refusal, match=why) as no:
        await own.adopt(request.key, wanted)
    assert no.value.remedy
    assert (written(site), request.fields, notes(request)) == ([], before, [])
    assert site.desk.request(made.number).status == DRAFT
    # What the refusal says of the request is no more than that.
    assert not any(said in str(no.value) for said in ("cs:7:another", "cards", "Cards", "Emergency"))


async def test_the_same_kind_item_and_group_are_no_obstacle(site: SimulatedJira, own: Jira) -> None:
    request = prepared(site, customfield_10005={"value": "Emergency"}, customfield_10060="ledger")
    wanted = content(type=ChangeType.EMERGENCY, configuration_item="ledger", assignment_group="Payments Engineering")
    await own.adopt(request.key, wanted)
    assert request.fields["customfield_10061"] == "Payments Engineering"


async def test_an_answer_to_what_the_request_said_before_does_not_come_with_it(site: SimulatedJira, jira: Jira) -> None:
    carol, dan = site.desk.user("Carol Cab"), site.desk.user("Dan Late")
    site.desk.cab += [carol, dan]
    request = prepared(site)
    site.desk.move(request.key, CAB)
    site.desk.approve(request.key, carol)
    site.desk.move(request.key, DRAFT)
    with pytest.raises(Refusal, match=f"Somebody has answered an approval of {request.key} in Jira already") as no:
        await jira.adopt(request.key, content())
    assert "nobody has decided yet" in no.value.remedy
    assert written(site) == []
    # Who was asked and has not answered stands in nobody's way.
    request.approvals[0].answers.clear()
    await jira.adopt(request.key, content())


@pytest.mark.parametrize(
    ("shape", "shown", "why"),
    [
        ("_issue", {"id": "10003", "key": "CHG-1", "fields": {"status": {"name": DRAFT}}}, "lists its labels"),
        ("_shape", {"issueId": "1", "serviceDeskId": "3", "requestTypeId": "17"}, "about the request CHG-1"),
    ],
)
async def test_what_cannot_be_seen_may_be_another_s(
    site: SimulatedJira, jira: Jira, monkeypatch: pytest.MonkeyPatch, shape: str, shown: dict[str, Any], why: str
) -> None:
    request = prepared(site)
    assert request.id == 10003
    monkeypatch.setattr(f"bot.sandbox.jira.rest.{shape}", lambda *_: shown)
    with pytest.raises(Unanswered, match=why):
        await jira.adopt(request.key, content())
    assert written(site) == []


# What is in the way of the other one.


async def test_one_that_somebody_works_on_already_is_left_to_people_and_nothing_is_taken(
    site: SimulatedJira, jira: Jira
) -> None:
    made = await jira.open(content())
    await jira.move(made.id, State.AUTHORIZE)
    request = prepared(site)
    with pytest.raises(Disagrees, match=f"two requests of one change, {request.key} and {made.number}") as no:
        await jira.adopt(request.key, content())
    assert "cancels the one that is not to be used" in no.value.remedy
    assert (request.fields.get("labels", []), notes(request)) == ([], [])
    site.desk.move(made.number, CANCELED)
    assert (await jira.adopt(request.key, content())).number == request.key


async def test_a_request_that_countersign_did_not_make_is_not_cancelled(site: SimulatedJira, jira: Jira) -> None:
    """The wrong one was named at first: it is somebody's."""
    wrong, right = prepared(site), prepared(site)
    await jira.adopt(wrong.key, content())
    with pytest.raises(Disagrees, match=f"{right.key} and {wrong.key}, which Countersign did not make") as no:
        await jira.adopt(right.key, content())
    assert "takes its label 'countersign:…' from it" in no.value.remedy
    assert (wrong.status, right.fields.get("labels", [])) == (DRAFT, [])
    wrong.fields["labels"] = []
    await jira.adopt(right.key, content())
    assert (wrong.status, right.fields["labels"]) == (DRAFT, [LABEL])


async def test_opening_cancels_no_request_that_somebody_made(site: SimulatedJira, jira: Jira) -> None:
    first = await jira.open(content())
    request = prepared(site, labels=[LABEL])
    with pytest.raises(Disagrees, match=f"{first.number} and {request.key}, which Countersign did not make"):
        await jira.open(content())
    assert request.status == DRAFT


async def test_a_cancelled_request_does_not_take_the_place_of_a_living_one(site: SimulatedJira, jira: Jira) -> None:
    made = await jira.open(content())
    request = prepared(site)
    await jira.adopt(request.key, content())
    with pytest.raises(Refusal, match=f"{made.number} in Jira is cancelled, and {request.key} is the record"):
        await jira.adopt(made.number, content())
    assert request.status == DRAFT


async def test_a_label_that_is_not_kept_is_told(site: SimulatedJira, jira: Jira) -> None:
    made = await jira.open(content())
    request = prepared(site)
    site.desk.automation["labels"] = []
    with pytest.raises(Disagrees, match=f"does not keep the label of {request.key}") as no:
        await jira.adopt(request.key, content())
    assert "automation" in no.value.remedy
    assert (notes(request), site.desk.request(made.number).status) == ([], DRAFT)


async def test_a_screen_without_labels_is_a_refusal(site: SimulatedJira, jira: Jira) -> None:
    request = prepared(site)
    site.desk.fields.discard("labels")
    with pytest.raises(Invalid, match="labels: Field 'labels' cannot be set") as no:
        await jira.adopt(request.key, content())
    assert "Labels" in no.value.remedy


async def test_one_that_is_not_cancelled_after_all_is_told(site: SimulatedJira, jira: Jira) -> None:
    made = await jira.open(content())
    request = prepared(site)
    site.desk.stuck.add("Cancel")
    with pytest.raises(Disagrees, match=f"accepted that {made.number} is cancelled, and did not cancel it") as no:
        await jira.adopt(request.key, content())
    assert request.key in no.value.remedy
    site.desk.stuck.clear()
    site.desk.blocked["Cancel"] = "Only a change manager cancels."
    with pytest.raises(Invalid, match="Only a change manager cancels"):
        await jira.adopt(request.key, content())
    site.desk.blocked.clear()
    await jira.adopt(request.key, content())
    assert site.desk.request(made.number).status == CANCELED


# What goes wrong on the way.


async def test_what_was_taken_a_moment_ago_is_found_although_the_search_does_not_know(
    site: SimulatedJira, jira: Jira, clock: Ticking
) -> None:
    made = await jira.open(content())
    request = prepared(site)
    clock.go_on(minutes=5)
    site.desk.lag = timedelta(minutes=1)
    receipt = await jira.adopt(request.key, content())
    assert site.desk.request(made.number).status == CANCELED
    assert await jira.open(content()) == receipt


@pytest.mark.parametrize("status", [DRAFT, REVIEWED])
@pytest.mark.parametrize("is_younger", [False, True])
async def test_whenever_the_process_is_killed_the_next_one_arrives_at_the_same(
    site: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking, status: str, *, is_younger: bool
) -> None:
    exchanges = 0
    while True:
        wanted = content(correlation_id=f"cs:7:{exchanges}")
        older = None if is_younger else prepared(site, labels=["payments"])
        made = site.desk.request((await client(site, session, clock).open(wanted)).number)
        request = older or prepared(site, labels=["payments"])
        request.status = made.status = status
        dying = client(site, session, clock)
        dying.door.session = cast("aiohttp.ClientSession", Mortal(session, exchanges))
        died = False
        try:
            await dying.adopt(request.key, wanted)
        except Killed:
            died = True
        # Somebody who does not know what was begun there makes it no worse.
        with suppress(Disagrees):
            await client(site, session, clock).open(wanted)
        assert request.status == status
        receipt = await client(site, session, clock).adopt(request.key, wanted)
        assert (receipt.number, request.status, made.status) == (request.key, status, CANCELED)
        assert request.fields["labels"] == ["payments", f"countersign:{wanted.correlation_id}"]
        assert request.fields["summary"] == wanted.short_description
        assert notes(request) == [TAKEN]
        # Whoever opened it meanwhile may have said for itself why the other one is cancelled.
        assert len(notes(made)) in ({1} if is_younger else {1, 2})
        assert await client(site, session, clock).open(wanted) == receipt
        if not died:
            break
        exchanges += 1
    # Each write, and what is read before and after it.
    assert exchanges == 19


@pytest.mark.parametrize("kind", sorted(BEFORE | AFTER))
@pytest.mark.parametrize("match", ["GET /rest/api/2", "GET /rest/servicedeskapi", "POST|PUT"])
@pytest.mark.parametrize("times", [1, 4])
async def test_whatever_happens_there_is_one_request(
    site: SimulatedJira,
    jira: Jira,
    clock: Ticking,
    monkeypatch: pytest.MonkeyPatch,
    match: str,
    kind: str,
    times: int,
) -> None:
    monkeypatch.setattr("bot.changes.systems.http.ATTEMPTS", 1)
    request = prepared(site)
    made = site.desk.request((await jira.open(content())).number)
    site.faults.add(Outage(match, kind, times=times, seconds=0.5 if kind == "slow" else 30))
    for _ in range(times):
        try:
            await jira.adopt(request.key, content())
        except (Transient, Refusal):
            assert (request.status, made.status) in {(DRAFT, DRAFT), (DRAFT, CANCELED)}
            clock.go_on(minutes=1)
    site.faults.clear()
    receipt = await jira.adopt(request.key, content())
    assert (receipt.number, request.status, made.status) == (request.key, DRAFT, CANCELED)
    assert request.fields["labels"] == [LABEL]
    assert {*notes(request)} == {TAKEN}
    assert {met for met, _ in site.faults.met} == {kind}
    assert await jira.open(content()) == receipt
