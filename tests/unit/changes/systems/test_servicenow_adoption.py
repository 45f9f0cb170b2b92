"""Change records of ServiceNow that somebody prepared, and that a change takes for its own."""

from contextlib import suppress
from typing import Any, cast

import aiohttp
import pytest

from bot.changes.systems.errors import Disagrees, NotFound
from bot.changes.systems.port import ChangeType, State
from bot.changes.systems.servicenow import FieldMap, ServiceNow
from bot.errors import Refusal, Transient
from bot.sandbox.servicenow import Change, SimulatedServiceNow
from bot.sandbox.servicenow.rules import ASSESS, AUTHORIZE, CANCELED, CLOSED, IMPLEMENT, NEW
from bot.sandbox.vendor import AFTER, BEFORE, Outage
from tests.unit.changes.systems.conftest import CORRELATION, NIGHT, Killed, Mortal, Ticking, client, content

TAKEN = "Countersign has taken this record for acme/payments-ledger#42@6f1d2c3, and keeps its texts from now on."


def prepared(there: SimulatedServiceNow, kind: str = "normal", template: str = "", **values: str) -> Change:
    """A record that somebody made by hand."""
    alice = next((each for each in there.instance.people.values() if each.user_name == "alice.dev"), None)
    sent = {"short_description": "Raise a limit", "justification": "By hand", **values}
    change, _ = there.instance.create(kind, sent, alice or there.instance.person("alice.dev"), template)
    return change


def written(there: SimulatedServiceNow) -> list[str]:
    """What was not merely read."""
    return [title for title in there.site.titles if not title.startswith("GET") and "oauth" not in title]


def notes(change: Change) -> list[str]:
    return [text for _, _, text in change.notes]


async def test_a_record_that_somebody_prepared_becomes_the_change_s(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    change = prepared(there, category="Software")
    receipt = await servicenow.adopt(change.number, content(justification=None))
    assert (receipt.number, receipt.id) == (change.number, change.sys_id)
    assert receipt.url == f"{there.url}/change_request.do?sys_id={change.sys_id}"
    assert (change.values["correlation_id"], change.state) == (CORRELATION, NEW)
    assert change.values["short_description"] == "Raise the limit of instant payments"
    # What the change does not speak of is left as it was written there.
    assert (change.values["justification"], change.values["category"]) == ("By hand", "Software")
    assert (await servicenow.read(receipt.id)).planned == NIGHT
    assert notes(change) == [TAKEN]
    assert len(there.instance.changes) == 1
    assert await servicenow.open(content()) == receipt


async def test_taking_it_again_writes_nothing(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    change = prepared(there)
    first = await servicenow.adopt(change.number, content())
    there.site.asked.clear()
    assert await servicenow.adopt(change.number, content()) == first
    assert written(there) == []


@pytest.mark.parametrize("state", [NEW, ASSESS])
@pytest.mark.parametrize("is_younger", [False, True])
async def test_what_countersign_had_made_is_cancelled(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking, state: str, *, is_younger: bool
) -> None:
    change = None if is_younger else prepared(there)
    clock.go_on(minutes=1)
    made = there.instance.change((await servicenow.open(content())).number)
    there.instance.create("normal", {"correlation_id": CORRELATION}, there.instance.account)
    clock.go_on(minutes=1)
    change = change or prepared(there)
    for each in (made, change):
        each.values["state"] = state
    receipt = await servicenow.adopt(change.number, content())
    assert change.state == state
    others = [each for each in there.instance.changes.values() if each is not change]
    assert [each.state for each in others] == [CANCELED, CANCELED]
    for each in others:
        assert notes(each) == [
            f"{change.number} has taken the place of this record, which Countersign had made for the same change."
        ]
    there.site.asked.clear()
    assert await servicenow.adopt(change.number, content()) == await servicenow.open(content()) == receipt
    assert written(there) == []


async def test_the_record_that_countersign_made_can_be_named_as_well(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    receipt = await servicenow.open(content())
    assert await servicenow.adopt(receipt.number, content()) == receipt
    assert there.instance.change(receipt.number).state == NEW


@pytest.mark.parametrize("state", [AUTHORIZE, IMPLEMENT, "17"])
async def test_one_that_is_the_change_s_already_is_so_wherever_it_is(
    there: SimulatedServiceNow, servicenow: ServiceNow, state: str
) -> None:
    change = prepared(there)
    receipt = await servicenow.adopt(change.number, content())
    change.values |= {"state": state, "approval": "approved"}
    assert await servicenow.adopt(change.number, content(description="Head 77aa.")) == receipt
    assert (change.values["description"], change.state) == ("Head 77aa.", state)


@pytest.mark.parametrize("state", [CLOSED, CANCELED])
async def test_one_that_is_over_is_left_as_it_is(
    there: SimulatedServiceNow, servicenow: ServiceNow, state: str
) -> None:
    change = prepared(there)
    receipt = await servicenow.adopt(change.number, content())
    change.values["state"] = state
    there.site.asked.clear()
    assert await servicenow.adopt(change.number, content(description="Head 77aa.")) == receipt
    assert written(there) == []


# What is not taken.


@pytest.mark.parametrize(
    "number", ["", "CHG", "30001", "chg0030001", "CHG0030001 ", "CHG0030001\n", "CHG1^ORnumberISNOTEMPTY", "CHG\uff11"]
)
async def test_nothing_but_a_number_is_asked_for(
    there: SimulatedServiceNow, servicenow: ServiceNow, number: str
) -> None:
    with pytest.raises(Refusal, match=r"is no number of a change record in ServiceNow.*like CHG0030001"):
        await servicenow.adopt(number, content())
    assert there.site.asked == []


async def test_a_record_that_is_not_there(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    with pytest.raises(NotFound, match="has no change record CHG0039999 that Countersign's account can see") as no:
        await servicenow.adopt("CHG0039999", content())
    assert "checks the number" in no.value.remedy
    assert written(there) == []


async def test_two_records_of_one_number_are_a_refusal(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    one, other = prepared(there), prepared(there)
    other.number = other.values["number"] = one.number
    with pytest.raises(Refusal, match=f"two change records of the number {one.number}") as no:
        await servicenow.adopt(one.number, content())
    assert "change manager" in no.value.remedy


async def test_what_the_query_did_not_ask_for_is_never_taken(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    change = prepared(there)
    there.instance.hidden.add("number")
    with pytest.raises(Disagrees, match="rows of change_request whose number is 'CHG0039999'"):
        await servicenow.adopt("CHG0039999", content())
    assert (change.values["correlation_id"], notes(change)) == ("", [])


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"correlation_id": "countersign:CHG-7"}, "in ServiceNow belongs to another change already"),
        ({"correlation_id": "jenkins/1807"}, "in ServiceNow belongs to another change already"),
        ({"type": "emergency"}, "in ServiceNow has another type than this change"),
        ({"cmdb_ci": "0" * 32}, "in ServiceNow has another configuration item than this change"),
        ({"assignment_group": "0" * 32}, "in ServiceNow has another assignment group than this change"),
        ({"state": AUTHORIZE}, "in ServiceNow is in `Authorize`: a change takes a record that is a draft"),
        ({"state": IMPLEMENT}, "in ServiceNow is in `Implement`"),
        ({"state": CLOSED}, "in ServiceNow is in `Closed`"),
        ({"state": CANCELED}, "in ServiceNow is in `Canceled`"),
        ({"state": "17"}, "in ServiceNow is in `17`"),
        ({"approval": "approved"}, "Somebody has answered an approval of CHG0030001 in ServiceNow already"),
        ({"approval": "rejected"}, "Somebody has answered an approval of CHG0030001"),
    ],
)
async def test_a_record_that_is_not_this_change_s_to_take(
    there: SimulatedServiceNow, servicenow: ServiceNow, values: dict[str, str], why: str
) -> None:
    item, group = there.instance.item("ledger"), there.instance.group("Payments Engineering")
    change = prepared(there)
    change.values |= values
    before = dict(change.values)
    made = await servicenow.open(content(correlation_id="cs:7:mine"))
    there.site.asked.clear()
    wanted = content(correlation_id="cs:7:mine", configuration_item=item.name, assignment_group=group.name)
    with pytest.raises(Refusal, match=why) as no:
        await servicenow.adopt(change.number, wanted)
    assert no.value.remedy
    # Nothing was written anywhere, and what the refusal says of the record is no more than that.
    assert (written(there), change.values, notes(change)) == ([], before, [])
    assert there.instance.change(made.number).state == NEW
    assert not any(value in str(no.value) for value in ("CHG-7", "1807", "0" * 32))


async def test_the_same_item_and_group_are_no_obstacle(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    item, group = there.instance.item("ledger"), there.instance.group("Payments Engineering")
    change = prepared(there, cmdb_ci=item.sys_id)
    await servicenow.adopt(change.number, content(configuration_item="ledger", assignment_group=group.name))
    assert (change.values["cmdb_ci"], change.values["assignment_group"]) == (item.sys_id, group.sys_id)


async def test_an_answer_to_what_the_record_said_before_does_not_come_with_it(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    carol, dan = there.instance.person("carol.cab"), there.instance.person("dan.cab")
    there.instance.cab += [carol, dan]
    change = prepared(there)
    for state in (ASSESS, AUTHORIZE):
        there.instance.move(change.number, state, carol)
    there.instance.approve(change.number, carol)
    there.instance.move(change.number, NEW, dan)
    assert change.values["approval"] == "not requested"
    with pytest.raises(Refusal, match="without having seen this change") as no:
        await servicenow.adopt(change.number, content())
    assert "nobody has decided yet" in no.value.remedy
    # Who was asked and has not answered stands in nobody's way.
    change.approvals[0].state = "cancelled"
    await servicenow.adopt(change.number, content())


@pytest.mark.parametrize("column", ["correlation_id", "cmdb_ci"])
async def test_what_cannot_be_seen_may_be_another_s(
    there: SimulatedServiceNow, servicenow: ServiceNow, column: str
) -> None:
    item = there.instance.item("ledger")
    change = prepared(there, correlation_id="", cmdb_ci="")
    there.instance.hidden.add(column)
    there.site.asked.clear()
    with pytest.raises(Disagrees, match=f"does not show {column} of {change.number}") as no:
        await servicenow.adopt(change.number, content(configuration_item=item.name))
    assert "can read it" in no.value.remedy
    assert written(there) == []


async def test_a_field_that_is_not_kept_there_is_not_compared(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    item, change = there.instance.item("ledger"), prepared(there, cmdb_ci="0" * 32)
    servicenow = client(there, session, clock, FieldMap(names={"configuration_item": ""}))
    await servicenow.adopt(change.number, content(configuration_item=item.name))
    assert change.values["cmdb_ci"] == "0" * 32


async def test_a_standard_change_takes_one_of_its_own_template(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    template, other = there.instance.template(backout_plan="Put the old one back"), there.instance.template()
    wanted = content(type=ChangeType.STANDARD, template=template, backout_plan=None)
    of_another = prepared(there, "standard", other)
    of_none = prepared(there, "standard", other)
    of_none.values["std_change_producer_version"] = ""
    for each in (of_another, of_none):
        with pytest.raises(Refusal, match=f"{each.number} in ServiceNow has another template") as no:
            await servicenow.adopt(each.number, wanted)
        assert "template right" in no.value.remedy
    change = prepared(there, "standard", template)
    await servicenow.adopt(change.number, wanted)
    assert (change.values["correlation_id"], change.values["backout_plan"]) == (CORRELATION, "Put the old one back")
    # A version of which the account sees nothing is of no template that is known.
    unseen = prepared(there, "standard", template)
    there.instance.versions.clear()
    with pytest.raises(Refusal, match="another template"):
        await servicenow.adopt(unseen.number, content(**{**_named(wanted), "correlation_id": "cs:7:next"}))


def _named(wanted: Any) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}


# What is in the way of the other one.


async def test_one_that_somebody_works_on_already_is_left_to_people_and_nothing_is_taken(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    made = await servicenow.open(content())
    await servicenow.move(made.id, State.AUTHORIZE)
    change = prepared(there)
    with pytest.raises(Disagrees, match=f"two records of one change, {change.number} and {made.number}") as no:
        await servicenow.adopt(change.number, content())
    assert "cancels the one that is not to be used" in no.value.remedy
    assert (change.values["correlation_id"], notes(change)) == ("", [])
    there.instance.cancel(made.number, there.instance.person("mia.manager"))
    assert (await servicenow.adopt(change.number, content())).number == change.number


async def test_a_record_that_countersign_did_not_make_is_not_cancelled(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    """The wrong one was named at first: it is somebody's."""
    wrong, right = prepared(there), prepared(there)
    await servicenow.adopt(wrong.number, content())
    with pytest.raises(Disagrees, match=f"{right.number} and {wrong.number}, which Countersign did not make") as no:
        await servicenow.adopt(right.number, content())
    assert "takes its correlation_id from it" in no.value.remedy
    assert (wrong.state, right.values["correlation_id"]) == (NEW, "")
    wrong.values["correlation_id"] = ""
    await servicenow.adopt(right.number, content())
    assert (wrong.state, right.values["correlation_id"]) == (NEW, CORRELATION)


async def test_opening_cancels_no_record_that_somebody_made(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking
) -> None:
    first = await servicenow.open(content())
    clock.go_on(minutes=1)
    change = prepared(there, correlation_id=CORRELATION)
    with pytest.raises(Disagrees, match=f"{first.number} and {change.number}, which Countersign did not make"):
        await servicenow.open(content())
    assert change.state == NEW


async def test_an_account_that_is_not_told_who_it_is_cancels_nothing(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    made = await servicenow.open(content())
    change = prepared(there)
    there.instance.hidden.add("user_name")
    with pytest.raises(Refusal, match="does not tell which user Countersign's account is") as no:
        await servicenow.adopt(change.number, content())
    assert "sys_user" in no.value.remedy
    there.instance.hidden.clear()
    del there.instance.people[there.instance.account.sys_id]
    with pytest.raises(Refusal, match="does not tell which user"):
        await servicenow.adopt(change.number, content())
    assert (there.instance.change(made.number).state, change.values["correlation_id"]) == (NEW, "")


async def test_a_cancelled_record_does_not_take_the_place_of_a_living_one(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    made = await servicenow.open(content())
    change = prepared(there)
    await servicenow.adopt(change.number, content())
    with pytest.raises(Refusal, match=f"{made.number} in ServiceNow is cancelled, and {change.number} is the record"):
        await servicenow.adopt(made.number, content())
    assert change.state == NEW


async def test_a_correlation_id_that_is_not_kept_is_told(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    made = await servicenow.open(content())
    change = prepared(there)
    there.instance.locked.add("correlation_id")
    for _ in range(2):
        with pytest.raises(Disagrees, match=rf"does not keep correlation_id of {change.number} .*write and read it"):
            await servicenow.adopt(change.number, content())
    assert (notes(change), there.instance.change(made.number).state) == ([], NEW)


async def test_a_field_that_is_not_kept_is_told_before_anything_is_cancelled(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    made = await servicenow.open(content())
    change = prepared(there)
    there.instance.locked.add("backout_plan")
    with pytest.raises(Disagrees, match=f"does not keep backout_plan of {change.number}"):
        await servicenow.adopt(change.number, content())
    assert there.instance.change(made.number).state == NEW
    there.instance.locked.clear()
    await servicenow.adopt(change.number, content())
    assert there.instance.change(made.number).state == CANCELED


async def test_one_that_is_not_cancelled_after_all_is_told(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    made = await servicenow.open(content())
    change = prepared(there)
    there.instance.locked.add("state")
    with pytest.raises(Disagrees, match=f"accepted that {made.number} is cancelled, and did not cancel it") as no:
        await servicenow.adopt(change.number, content())
    assert change.number in no.value.remedy
    there.instance.locked.clear()
    await servicenow.adopt(change.number, content())
    assert there.instance.change(made.number).state == CANCELED


# What goes wrong on the way.


@pytest.mark.parametrize("state", [NEW, ASSESS])
@pytest.mark.parametrize("is_younger", [False, True])
async def test_whenever_the_process_is_killed_the_next_one_arrives_at_the_same(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking, state: str, *, is_younger: bool
) -> None:
    there.instance.item("ledger")
    exchanges = 0
    while True:
        wanted = content(correlation_id=f"cs:7:{exchanges}", configuration_item="ledger")
        older = None if is_younger else prepared(there)
        clock.go_on(minutes=1)
        made = there.instance.change((await client(there, session, clock).open(wanted)).number)
        clock.go_on(minutes=1)
        change = older or prepared(there)
        change.values["state"] = made.values["state"] = state
        dying = client(there, session, clock)
        dying.door.session = cast("aiohttp.ClientSession", Mortal(session, exchanges))
        died = False
        try:
            await dying.adopt(change.number, wanted)
        except Killed:
            died = True
        # Somebody who does not know what was begun there makes it no worse.
        with suppress(Disagrees):
            await client(there, session, clock).open(wanted)
        assert change.state == state
        receipt = await client(there, session, clock).adopt(change.number, wanted)
        assert (receipt.id, change.state, made.state) == (change.sys_id, state, CANCELED)
        assert change.values["correlation_id"] == wanted.correlation_id
        assert change.values["short_description"] == wanted.short_description
        assert notes(change) == [TAKEN]
        # Whoever opened it meanwhile may have said for itself why the other one is cancelled.
        assert len(notes(made)) in ({1} if is_younger else {1, 2})
        assert await client(there, session, clock).open(wanted) == receipt
        if not died:
            break
        exchanges += 1
    # Each write, and what is read before and after it.
    assert exchanges == 17


@pytest.mark.parametrize("kind", sorted(BEFORE | AFTER))
@pytest.mark.parametrize("match", ["GET /api/sn_chg_rest", "GET /api/now", "PATCH /api/sn_chg_rest"])
@pytest.mark.parametrize("times", [1, 4])
async def test_whatever_happens_there_is_one_record(
    there: SimulatedServiceNow,
    servicenow: ServiceNow,
    clock: Ticking,
    monkeypatch: pytest.MonkeyPatch,
    match: str,
    kind: str,
    times: int,
) -> None:
    monkeypatch.setattr("bot.changes.systems.http.ATTEMPTS", 1)
    change = prepared(there)
    made = there.instance.change((await servicenow.open(content())).number)
    there.faults.add(Outage(match, kind, times=times, seconds=0.5 if kind == "slow" else 30))
    for _ in range(times):
        try:
            await servicenow.adopt(change.number, content())
        except (Transient, Refusal):
            assert (change.state, made.state) in {(NEW, NEW), (NEW, CANCELED)}
            clock.go_on(minutes=1)
    there.faults.clear()
    receipt = await servicenow.adopt(change.number, content())
    assert (receipt.id, change.state, made.state) == (change.sys_id, NEW, CANCELED)
    assert {*notes(change)} == {TAKEN}
    assert {met for met, _ in there.faults.met} == {kind}
    assert await servicenow.open(content()) == receipt
