from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.changes.systems.errors import (
    Disagrees,
    Forbidden,
    Invalid,
    MayHaveHappened,
    NoRequester,
    NotFound,
    Unanswered,
    Unauthorized,
)
from bot.changes.systems.jira import Jira, JiraMap, connect
from bot.changes.systems.port import (
    ApprovalState,
    ChangeType,
    CloseCode,
    Closure,
    Identity,
    Planned,
    RecordSystem,
    State,
)
from bot.errors import Refusal, Transient
from bot.sandbox.jira import SimulatedJira
from bot.sandbox.jira.desk import CAB, CANCELED, DRAFT, PLANNED, Approval
from bot.sandbox.jira.simulation import TOKEN
from bot.sandbox.vendor import AFTER, BEFORE, Outage
from bot.settings import JiraAccess
from tests.unit.changes.systems.conftest import CORRELATION, NIGHT, START, Ticking, content

LABEL = f"countersign:{CORRELATION}"
CREATE = "POST /rest/servicedeskapi/request$"
DONE = Closure(CloseCode.SUCCESSFUL, "Deployed and verified.")
OWN = JiraMap(
    names={
        "type": "customfield_10005",
        "planned_start": "customfield_10040",
        "planned_end": "customfield_10041",
        "implementation_plan": "customfield_10050",
    },
    constants={"customfield_10090": {"value": "Countersign"}},
    held=frozenset({"On hold"}),
    resolutions={CloseCode.SUCCESSFUL: "Done"},
)


@pytest.fixture
async def there(clock: Ticking) -> AsyncIterator[SimulatedJira]:
    async with SimulatedJira.start(clock=clock) as simulation:
        simulation.desk.custom |= {*OWN.names.values(), *OWN.constants}
        yield simulation


def client(there: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking, fields: JiraMap | None = None) -> Jira:
    access = JiraAccess(there.url, there.desk.account.email, TOKEN, "3")
    made = connect(access, session, clock, fields)
    made.door.chance = lambda: 0.0
    return made


@pytest.fixture
def jira(there: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking) -> Jira:
    """A client of a site that has no fields for changes."""
    return client(there, session, clock)


@pytest.fixture
def own(there: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking) -> Jira:
    """A client of a site that has some."""
    return client(there, session, clock, OWN)


# Opening.


async def test_a_change_is_a_request_with_everything(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content(requested_by=None, configuration_item="CI0012345"))
    (request,) = there.desk.requests.values()
    assert (receipt.number, receipt.id, receipt.url) == ("CHG-1", str(request.id), f"{there.url}/browse/CHG-1")
    assert (request.type_id, request.fields["labels"]) == ("17", [LABEL])
    assert request.fields["summary"] == "Raise the limit of instant payments"
    assert request.fields["description"] == (
        "Head 6f1d2c3.\nTier: high.\n\n"
        "h3. Change type\nNormal\n\n"
        "h3. Justification\nA new rule of the scheme\n\n"
        "h3. Implementation plan\n1. Deploy\n2. Watch\n\n"
        "h3. Risk and impact\nPayments could be refused\n\n"
        "h3. Backout plan\nDeploy 5c1d again\n\n"
        "h3. Test plan\nThe suite of the ledger\n\n"
        "h3. Planned start\n2026-11-28T22:00:00.000+0000\n\n"
        "h3. Planned end\n2026-11-29T02:00:00.000+0000\n\n"
        "h3. Configuration item\nCI0012345\n\n"
        "h3. CAB required\nyes\n\n"
        "h3. Change\nacme/payments-ledger#42@6f1d2c3"
    )


async def test_what_has_a_field_of_its_own_stands_there(there: SimulatedJira, own: Jira) -> None:
    receipt = await own.open(content(type=ChangeType.EMERGENCY))
    fields = there.desk.request(receipt.number).fields
    assert fields["customfield_10005"] == {"value": "Emergency"}
    assert fields["customfield_10040"] == "2026-11-28T22:00:00.000+0000"
    assert fields["customfield_10050"] == "1. Deploy\n2. Watch"
    assert fields["customfield_10090"] == {"value": "Countersign"}
    assert "Implementation plan" not in fields["description"]
    assert (await own.read(receipt.id)).planned == NIGHT


async def test_opening_again_makes_nothing_and_writes_nothing(there: SimulatedJira, own: Jira) -> None:
    assert await own.find(CORRELATION) is None
    first = await own.open(content())
    assert await own.find(CORRELATION) == first
    there.site.asked.clear()
    assert await own.open(content()) == first
    assert {each.method for each in there.site.asked} == {"GET"}
    assert len(there.desk.requests) == 1


async def test_a_draft_is_brought_up_to_date_and_a_later_one_is_left(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    await jira.open(content(short_description="Raise it less"))
    assert there.desk.request(receipt.number).fields["summary"] == "Raise it less"
    await jira.move(receipt.id, State.ASSESS)
    await jira.open(content(short_description="Raise it more"))
    assert there.desk.request(receipt.number).fields["summary"] == "Raise it less"


async def test_who_asks_is_named(there: SimulatedJira, jira: Jira) -> None:
    alice = there.desk.user("Alice Dev", "Alice@bank.example")
    by_email = await jira.open(content(requested_by="alice@bank.example"))
    by_id = await jira.open(content(correlation_id="cs:2", requested_by=alice.account_id))
    assert {there.desk.request(each.number).reporter for each in (by_email, by_id)} == {alice}


@pytest.mark.parametrize("said", ["nobody@bank.example", "twin@bank.example", "hidden@bank.example", "twin@bank"])
async def test_a_person_who_is_not_there_once_is_a_refusal(there: SimulatedJira, jira: Jira, said: str) -> None:
    there.desk.user("One", "twin@bank.example")
    there.desk.user("Two", "twin@bank.example")
    there.desk.user("Three", "hidden@bank.example", private=True)
    with pytest.raises(NoRequester, match=f"accounts whose e-mail address is '{said}'"):
        await jira.open(content(requested_by=said))
    assert there.desk.requests == {}


async def test_a_request_type_that_is_not_there_once_is_a_refusal(
    there: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    there.desk.types |= {str(number): f"Type {number}" for number in range(100, 180)} | {"200": "Ask a question"}
    for name, how_many in (("Change nothing", "no"), ("Ask a question", "2")):
        fields = JiraMap(request_types=dict.fromkeys(ChangeType, name))
        with pytest.raises(Refusal, match=f"has {how_many} request types named '{name}'"):
            await client(there, session, clock, fields).open(content())
    fields = JiraMap(request_types=dict.fromkeys(ChangeType, "Type 179"))
    receipt = await client(there, session, clock, fields).open(content())
    assert there.desk.request(receipt.number).type_id == "179"


async def test_a_field_that_is_not_there_is_named(there: SimulatedJira, jira: Jira) -> None:
    with pytest.raises(Invalid, match="customfield_1: Field 'customfield_1' cannot be set") as no:
        await jira.open(content(extra={"customfield_1": "x"}))
    assert "on the request type and on its screens" in no.value.remedy
    receipt = await jira.open(content())
    with pytest.raises(Invalid, match=r"does not accept PUT .*customfield_1: Field 'customfield_1' cannot be set"):
        await jira.update(receipt.id, content(extra={"customfield_1": "x"}))


async def test_a_request_type_without_labels_is_a_refusal(there: SimulatedJira, jira: Jira) -> None:
    there.desk.fields.discard("labels")
    with pytest.raises(Invalid, match="labels: Field 'labels' cannot be set") as no:
        await jira.open(content())
    assert "Labels" in no.value.remedy


async def test_a_label_that_an_automation_takes_away_is_told(there: SimulatedJira, jira: Jira) -> None:
    there.desk.automation["labels"] = ["automated"]
    with pytest.raises(Disagrees, match="made the request 10002 without its label"):
        await jira.open(content())


async def test_a_desk_that_is_not_there(there: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking) -> None:
    access = JiraAccess(there.url, there.desk.account.email, TOKEN, "4")
    with pytest.raises(NotFound, match="The Service Desk you are trying to view does not exist") as no:
        await connect(access, session, clock).open(content())
    assert "JIRA_SERVICE_DESK" in no.value.remedy


async def test_two_requests_of_one_change_become_one(there: SimulatedJira, jira: Jira) -> None:
    first = await jira.open(content())
    twin = there.desk.create("17", {"summary": "twice", "labels": [LABEL, "other"]}, there.desk.account)
    assert await jira.open(content()) == first
    assert twin.status == CANCELED
    assert [(each.body, each.public) for each in twin.comments] == [
        (f"This request was made twice; {first.number} is the one that is used.", False)
    ]
    assert await jira.open(content()) == first
    assert len(twin.comments) == 1
    there.desk.create("17", {"summary": "thrice", "labels": [LABEL]}, there.desk.account).status = CAB
    with pytest.raises(Disagrees, match="two requests of one change, CHG-1 and CHG-3"):
        await jira.open(content())


async def test_a_cancelled_request_is_found_and_not_replaced(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    there.desk.move(receipt.number, CANCELED)
    assert await jira.open(content()) == receipt


async def test_another_change_s_request_is_not_written_to(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    with pytest.raises(Disagrees, match="label 'countersign:cs:another'"):
        await jira.update(receipt.id, content(correlation_id="cs:another"))
    there.desk.request(receipt.number).fields["labels"].append("countersign:cs:another")
    assert (await jira.read(receipt.id)).correlation_id == ""


async def test_only_what_differs_is_written(there: SimulatedJira, own: Jira, clock: Ticking) -> None:
    receipt = await own.open(content())
    before = await own.read(receipt.id)
    clock.go_on(minutes=5)
    there.site.asked.clear()
    moved = Planned(START + timedelta(days=7), START + timedelta(days=7, hours=4))
    await own.update(receipt.id, content(planned=moved, implementation_plan=""))
    (put,) = [each for each in there.site.asked if each.method == "PUT"]
    assert put.json["fields"] == {
        "customfield_10040": "2026-12-05T22:00:00.000+0000",
        "customfield_10041": "2026-12-06T02:00:00.000+0000",
        "customfield_10050": "",
    }
    after = await own.read(receipt.id)
    assert (after.planned, after.changed_at) == (moved, before.changed_at + timedelta(minutes=5))
    assert after.revision == before.revision + 300_000


async def test_what_an_automation_changes_is_named(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    there.desk.automation["summary"] = "[CHG] Raise"
    with pytest.raises(Disagrees, match="does not keep summary of CHG-1") as no:
        await jira.update(receipt.id, content(short_description="Raise it less"))
    assert "automation" in no.value.remedy


# States.


async def test_a_change_goes_all_the_way(there: SimulatedJira, own: Jira) -> None:
    carol = there.desk.user("Carol Cab")
    there.desk.cab.append(carol)
    there.desk.resolution_asked = True
    receipt = await own.open(content())
    assert (await own.move(receipt.id, State.AUTHORIZE)).state is State.AUTHORIZE
    with pytest.raises(
        Refusal, match=r"from 'Awaiting CAB approval' to scheduled; it offers 'Back to planning' and 'Cancel'"
    ):
        await own.move(receipt.id, State.SCHEDULED)
    there.desk.approve(receipt.number, carol)
    assert (await own.move(receipt.id, State.AUTHORIZE)).state is State.SCHEDULED
    # This workflow has no review of its own.
    assert (await own.move(receipt.id, State.REVIEW)).state is State.IMPLEMENT
    with pytest.raises(ValueError, match="close code"):
        await own.move(receipt.id, State.CLOSED)
    assert (await own.move(receipt.id, State.CLOSED, closure=DONE)).state is State.CLOSED
    request = there.desk.request(receipt.number)
    assert (request.status, request.fields["resolution"]) == ("Completed", {"name": "Done"})
    assert [each.body for each in request.comments] == ["Closed: successful. Deployed and verified."]


async def test_a_failure_has_a_status_of_its_own(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    there.desk.move(receipt.number, "Implementing")
    await jira.move(receipt.id, State.CLOSED, closure=Closure(CloseCode.UNSUCCESSFUL, "Rolled back."))
    assert there.desk.request(receipt.number).status == "Failed"


async def test_who_closed_a_request_is_who_brought_it_there(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    request, vera, mia = there.desk.request(receipt.number), there.desk.user("Vera V"), there.desk.user("Mia M")
    there.desk.comment(request, "I look at it.", vera, public=False)
    there.desk.move(receipt.number, "Implementing", vera)
    assert (await jira.read(receipt.id)).closed is None
    for _ in range(60):
        there.desk.move(receipt.number, "Implementing", mia)
    there.desk.comment(request, "Totals differ.", vera, public=False)
    there.desk.move(receipt.number, "Failed", vera)
    there.desk.comment(request, "A pity.", mia, public=True)
    closed = (await jira.read(receipt.id)).closed
    assert closed is not None
    assert (closed.code, closed.code_there, closed.notes) == (CloseCode.UNSUCCESSFUL, "Failed", "Totals differ.")
    assert (closed.by.id, closed.by.email) == (vera.account_id, vera.email)
    assert closed.at == request.moves[-1].at


async def test_what_a_rule_closed_nobody_did(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    request = there.desk.request(receipt.number)
    there.desk.move(receipt.number, "Completed")
    closed = (await jira.read(receipt.id)).closed
    assert closed is not None
    assert (closed.code, closed.by.id, closed.notes) == (CloseCode.SUCCESSFUL, "", "")
    request.moves.clear()
    closed = (await jira.read(receipt.id)).closed
    assert closed is not None
    assert (closed.by.id, closed.at) == ("", request.updated)


async def test_when_it_was_really_made_stands_in_the_description(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    await jira.update(receipt.id, content(actual_start=NIGHT.start, actual_end=NIGHT.end))
    description = there.desk.request(receipt.number).fields["description"]
    assert "h3. Actual start\n2026-11-28T22:00:00.000+0000" in description
    assert "h3. Actual end\n2026-11-29T02:00:00.000+0000" in description


async def test_cancelling_and_going_back(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    await jira.move(receipt.id, State.AUTHORIZE)
    assert (await jira.move(receipt.id, State.DRAFT)).state is State.DRAFT
    assert (await jira.move(receipt.id, State.CANCELLED)).state is State.CANCELLED
    with pytest.raises(Refusal, match="from 'Canceled' to assess; it offers none"):
        await jira.move(receipt.id, State.ASSESS)


async def test_nobody_goes_past_an_approval_even_where_the_workflow_would_let_them(
    there: SimulatedJira, jira: Jira
) -> None:
    carol = there.desk.user("Carol Cab")
    there.desk.cab.append(carol)
    there.desk.workflow[CAB] = (("Force", PLANNED), *there.desk.workflow[CAB])
    receipt = await jira.open(content())
    with pytest.raises(Refusal, match="Jira has no approval of CHG-1 yet"):
        await jira.move(receipt.id, State.IMPLEMENT)
    assert there.desk.request(receipt.number).status == CAB
    there.desk.approve(receipt.number, carol)
    there.desk.move(receipt.number, CAB)
    with pytest.raises(Refusal, match="no approval"):
        await jira.move(receipt.id, State.SCHEDULED)
    there.desk.request(receipt.number).approvals.pop()
    assert (await jira.move(receipt.id, State.SCHEDULED)).state is State.SCHEDULED
    there.desk.move(receipt.number, CAB)
    assert (await jira.move(receipt.id, State.DRAFT)).state is State.DRAFT


async def test_a_validator_s_own_words_reach_the_reader(there: SimulatedJira, jira: Jira) -> None:
    there.desk.blocked["Submit"] = "A backout plan is required."
    receipt = await jira.open(content())
    with pytest.raises(Invalid, match=r"transitions \(400\): A backout plan is required\."):
        await jira.move(receipt.id, State.ASSESS)


async def test_a_step_that_somebody_else_has_just_made_is_made(there: SimulatedJira, jira: Jira) -> None:
    """A repeater on the way made it twice, and the answer is that to the second time."""
    receipt = await jira.open(content())
    there.faults.add(Outage("POST .*transitions", "done-twice"))
    assert (await jira.move(receipt.id, State.ASSESS)).state is State.ASSESS


async def test_a_twin_that_cannot_be_cancelled_is_told(there: SimulatedJira, jira: Jira) -> None:
    await jira.open(content())
    there.desk.blocked["Cancel"] = "Only a change manager cancels."
    twin = there.desk.create("17", {"summary": "twice", "labels": [LABEL]}, there.desk.account)
    with pytest.raises(Invalid, match="Only a change manager cancels"):
        await jira.open(content())
    there.desk.blocked.clear()
    there.faults.add(Outage("POST .*transitions", "done-twice"))
    await jira.open(content())
    assert twin.status == CANCELED


async def test_a_status_that_is_put_back_is_noticed(there: SimulatedJira, jira: Jira) -> None:
    there.desk.stuck.add("Submit")
    receipt = await jira.open(content())
    with pytest.raises(
        Disagrees, match="accepted that CHG-1 goes to 'Peer review / change manager approval', and it is in 'Planning'"
    ):
        await jira.move(receipt.id, State.ASSESS)


async def test_a_workflow_of_another_kind(there: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking) -> None:
    there.desk.workflow = {DRAFT: (("On", "Again"),), "Again": (("On", DRAFT),)}
    fields = JiraMap(statuses={DRAFT: State.DRAFT, "Again": State.CANCELLED})
    jira = client(there, session, clock, fields)
    receipt = await jira.open(content())
    assert (await jira.move(receipt.id, State.CANCELLED)).state is State.CANCELLED
    there.desk.workflow["Again"] = (("On", "Elsewhere"),)
    with pytest.raises(Refusal, match="no transition"):
        await jira.move(receipt.id, State.DRAFT)


# Reading.


async def test_who_approved_is_told(there: SimulatedJira, jira: Jira, clock: Ticking) -> None:
    carol, dan = there.desk.user("Carol Cab"), there.desk.user("Dan Late", private=True)
    there.desk.cab += [carol, dan]
    receipt = await jira.open(content())
    asked = await jira.read(receipt.id)
    assert (asked.approval, asked.approvals) == (ApprovalState.NOT_REQUESTED, ())
    await jira.move(receipt.id, State.AUTHORIZE)
    there.desk.approve(receipt.number, carol)
    half = await jira.read(receipt.id)
    assert half.approval is ApprovalState.REQUESTED
    assert [(each.approver, each.state, each.at, each.set_by) for each in half.approvals] == [
        (Identity(carol.account_id, "", "carol.cab@bank.example"), ApprovalState.APPROVED, None, carol.account_id),
        (Identity(dan.account_id), ApprovalState.REQUESTED, None, ""),
    ]
    clock.go_on(hours=2)
    there.desk.approve(receipt.number, dan)
    whole = await jira.read(receipt.id)
    assert (whole.approval, whole.state) == (ApprovalState.APPROVED, State.SCHEDULED)
    assert {each.at for each in whole.approvals} == {clock()}
    assert {each.group for each in whole.approvals} == {"CAB approval"}
    assert (whole.correlation_id, whole.state_there, whole.changed_by) == (CORRELATION, PLANNED, "")


async def test_where_the_workflow_asks_nobody_no_approval_is_required(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    assert (await jira.read(receipt.id)).approval is ApprovalState.NOT_REQUESTED
    there.desk.move(receipt.number, PLANNED)
    assert (await jira.read(receipt.id)).approval is ApprovalState.NOT_REQUIRED


async def test_a_rejection_ends_the_change_and_who_did_not_answer_need_not(there: SimulatedJira, jira: Jira) -> None:
    carol, dan = there.desk.user("Carol Cab"), there.desk.user("Dan Late")
    there.desk.cab += [carol, dan]
    receipt = await jira.open(content())
    await jira.move(receipt.id, State.AUTHORIZE)
    there.desk.decline(receipt.number, dan)
    snapshot = await jira.read(receipt.id)
    assert (snapshot.state, snapshot.approval) == (State.CANCELLED, ApprovalState.REJECTED)
    assert [each.state for each in snapshot.approvals] == [ApprovalState.NOT_REQUIRED, ApprovalState.REJECTED]


async def test_the_answer_to_what_was_asked_last_counts(there: SimulatedJira, jira: Jira) -> None:
    carol = there.desk.user("Carol Cab")
    there.desk.cab.append(carol)
    receipt = await jira.open(content())
    await jira.move(receipt.id, State.AUTHORIZE)
    there.desk.decline(receipt.number, carol)
    there.desk.move(receipt.number, CAB)
    assert (await jira.read(receipt.id)).approval is ApprovalState.REQUESTED
    there.desk.approve(receipt.number, carol)
    assert (await jira.read(receipt.id)).approval is ApprovalState.APPROVED


async def test_every_page_of_approvals_is_read(
    there: SimulatedJira, jira: Jira, clock: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = there.desk.user("Carol Cab")
    receipt = await jira.open(content())
    request = there.desk.request(receipt.number)
    request.approvals += [Approval(there.desk.next_id(), f"{number}", (carol,), clock()) for number in range(120)]
    assert len((await jira.read(receipt.id)).approvals) == 120
    monkeypatch.setattr("bot.changes.systems.jira_desk.MOST_PAGES", 2)
    with pytest.raises(Refusal, match="more than 2 pages"):
        await jira.read(receipt.id)


async def test_an_answer_that_nobody_knows_is_a_refusal(there: SimulatedJira, jira: Jira) -> None:
    there.desk.cab.append(there.desk.user("Carol Cab"))
    receipt = await jira.open(content())
    await jira.move(receipt.id, State.AUTHORIZE)
    there.desk.request(receipt.number).approvals[0].decision = "nodded"
    with pytest.raises(Refusal, match="an approval that is 'nodded'"):
        await jira.read(receipt.id)


async def test_a_status_of_their_own_is_nothing_and_one_that_holds_holds(there: SimulatedJira, own: Jira) -> None:
    receipt = await own.open(content())
    there.desk.move(receipt.number, "on HOLD")
    held = await own.read(receipt.id)
    assert (held.state, held.state_there, held.on_hold) == (None, "on HOLD", True)
    there.desk.move(receipt.number, "awaiting implementation")
    going = await own.read(receipt.id)
    assert (going.state, going.on_hold) == (State.SCHEDULED, False)


@pytest.mark.parametrize("value", [None, "soon", "2026-11-29T02:00:00", 5, "2026-11-28T22:00:00.000+0000"])
async def test_a_window_that_is_none_is_none(there: SimulatedJira, own: Jira, value: Any) -> None:
    receipt = await own.open(content())
    there.desk.request(receipt.number).fields["customfield_10041"] = value
    assert (await own.read(receipt.id)).planned is None


@pytest.mark.parametrize("ref", ["", "CHG-1", "..", "1/transitions", "\uff11", "9" * 20])
async def test_nothing_but_an_id_is_asked_for(there: SimulatedJira, jira: Jira, ref: str) -> None:
    for ask in (jira.read(ref), jira.add_note(ref, "x"), jira.move(ref, State.DRAFT)):
        with pytest.raises(Refusal, match="is no id of a request"):
            await ask
    assert there.site.asked == []


async def test_a_request_that_is_not_there(jira: Jira) -> None:
    with pytest.raises(NotFound, match="Issue does not exist or you do not have permission to see it"):
        await jira.read("99999")


# Conflicts and notes.


async def test_jira_tells_of_no_conflicts(there: SimulatedJira, jira: Jira) -> None:
    system: RecordSystem = jira
    await system.check_conflicts("10001")
    assert await system.conflicts("10001") is None
    assert there.site.asked == []


async def test_jira_takes_no_answer_for_somebody_else(there: SimulatedJira, jira: Jira) -> None:
    with pytest.raises(Refusal, match="only from whoever signs in"):
        await jira.answer("10001", "1", ApprovalState.APPROVED, "@chris approved.")
    assert there.site.asked == []


async def test_a_note_is_added_once_and_is_internal(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    request = there.desk.request(receipt.number)
    there.desk.comment(request, "A new head.", there.desk.user("Alice Dev"), public=True)
    for text in ("A new head.", "A new head.", "Another"):
        await jira.add_note(receipt.id, text)
    assert [(each.body, each.public) for each in request.comments] == [
        ("A new head.", True),
        ("A new head.", False),
        ("Another", False),
    ]


# What goes wrong.


@pytest.mark.parametrize("lag", [0, 30])
@pytest.mark.parametrize("kind", sorted(BEFORE | AFTER))
async def test_whatever_happens_there_is_one_request(
    there: SimulatedJira, jira: Jira, clock: Ticking, kind: str, lag: int
) -> None:
    there.desk.lag = timedelta(seconds=lag)
    there.faults.add(Outage(CREATE, kind, seconds=0.5 if kind == "slow" else 30))
    for _ in range(2):
        try:
            await jira.open(content())
        except Transient as waits:
            clock.time = max(clock.time, waits.until or clock.time)
        except Refusal:
            clock.go_on(minutes=1)
    clock.go_on(minutes=1)
    receipt = await jira.open(content())
    living = [each for each in there.desk.requests.values() if each.status != CANCELED]
    assert [each.key for each in living] == [receipt.number]
    assert len(there.desk.requests) == (2 if kind == "done-twice" else 1)
    assert [met for met, _ in there.faults.met] == [kind]


async def test_what_another_process_made_a_moment_ago_is_not_kept_twice(
    there: SimulatedJira, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    """The first one was killed before it could note what it had made, and Jira does not find it yet."""
    there.desk.lag = timedelta(seconds=30)
    first = await client(there, session, clock).open(content())
    await client(there, session, clock).open(content())
    clock.go_on(seconds=30)
    assert await client(there, session, clock).open(content()) == first
    assert [each.status for each in there.desk.requests.values()] == [DRAFT, CANCELED]


async def test_an_unknown_outcome_is_looked_at_once_it_would_be_found(
    there: SimulatedJira, jira: Jira, clock: Ticking
) -> None:
    there.faults.add(Outage(CREATE, "cut-after"))
    with pytest.raises(MayHaveHappened) as unknown:
        await jira.open(content())
    assert unknown.value.until == clock() + timedelta(seconds=60)


async def test_a_step_that_was_made_without_an_answer_is_not_made_again(there: SimulatedJira, jira: Jira) -> None:
    receipt = await jira.open(content())
    there.faults.add(Outage("POST .*transitions", "cut-after"))
    with pytest.raises(MayHaveHappened):
        await jira.move(receipt.id, State.ASSESS)
    assert (await jira.move(receipt.id, State.ASSESS)).state is State.ASSESS


async def test_who_may_not(there: SimulatedJira, jira: Jira, session: aiohttp.ClientSession, clock: Ticking) -> None:
    there.faults.add(Outage(CREATE, "403"))
    with pytest.raises(Forbidden, match="You do not have permission to access this resource") as no:
        await jira.open(content())
    assert "agent" in no.value.remedy
    access = JiraAccess(there.url, there.desk.account.email, "expired-token", "3")
    with pytest.raises(Unauthorized, match="Client must be authenticated") as no_one:
        await connect(access, session, clock).open(content())
    assert "JIRA_TOKEN" in no_one.value.remedy
    assert "expired-token" not in str(no_one.value) + repr(access)


async def test_a_record_that_does_not_say_when_it_was_changed_is_no_answer(
    there: SimulatedJira, jira: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = await jira.open(content())
    monkeypatch.setattr("bot.sandbox.jira.rest._written", lambda _: "lately")
    with pytest.raises(Unanswered, match="says when it was changed"):
        await jira.read(receipt.id)
