from datetime import timedelta
from functools import partial

import aiohttp
import pytest

from bot.changes.systems.errors import Disagrees, Forbidden, Invalid, NoRequester, NotFound, Unanswered
from bot.changes.systems.port import (
    ApprovalState,
    ChangeType,
    CheckState,
    CloseCode,
    Closure,
    Conflict,
    Conflicts,
    Identity,
    Planned,
    Receipt,
    State,
)
from bot.changes.systems.requester import if_need_be_without
from bot.changes.systems.servicenow import FieldMap, ServiceNow, connect
from bot.changes.systems.servicenow_fields import APPROVALS, STATES, Reference
from bot.errors import Refusal
from bot.sandbox.servicenow import Change, SimulatedServiceNow, rules
from bot.sandbox.servicenow.instance import Instance
from bot.sandbox.servicenow.records import Clash, Person
from bot.sandbox.servicenow.rules import CLOSE_CODE, PLANS
from bot.sandbox.servicenow.simulation import PASSWORD
from bot.settings import ServiceNowAccess
from tests.unit.changes.systems.conftest import CORRELATION, NIGHT, START, Ticking, client, content

DONE = Closure(CloseCode.SUCCESSFUL, "Deployed and verified.")


# Opening.


async def test_a_change_is_made_with_everything(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content(extra={"category": "Software"}))
    (change,) = there.instance.changes.values()
    assert (receipt.number, receipt.id) == (change.number, change.sys_id)
    assert receipt.url == f"{there.url}/change_request.do?sys_id={change.sys_id}"
    assert {name: change.values[name] for name in ("type", "state", "start_date", "end_date", "cab_required")} == {
        "type": "normal",
        "state": "-5",
        "start_date": "2026-11-28 22:00:00",
        "end_date": "2026-11-29 02:00:00",
        "cab_required": "true",
    }
    assert change.values["correlation_id"] == CORRELATION
    assert change.values["correlation_display"] == "acme/payments-ledger#42@6f1d2c3"
    assert change.values["implementation_plan"] == "1. Deploy\n2. Watch"
    assert change.values["risk_impact_analysis"] == "Payments could be refused"
    assert change.values["category"] == "Software"
    assert change.values["sys_created_by"] == "svc_countersign"


async def test_opening_again_makes_nothing_and_writes_nothing(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    assert await servicenow.find(CORRELATION) is None
    first = await servicenow.open(content())
    assert await servicenow.find(CORRELATION) == first
    there.site.asked.clear()
    assert await servicenow.open(content()) == first
    assert [each.method for each in there.site.asked] == ["GET"]
    assert len(there.instance.changes) == 1


async def test_a_draft_is_brought_up_to_date_and_a_later_one_is_left(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    receipt = await servicenow.open(content())
    await servicenow.open(content(description="Head 77aa."))
    assert there.instance.change(receipt.number).values["description"] == "Head 77aa."
    await servicenow.move(receipt.id, State.ASSESS)
    await servicenow.open(content(description="Head 88bb."))
    assert there.instance.change(receipt.number).values["description"] == "Head 77aa."


@pytest.mark.parametrize("as_list", [False, True])
async def test_an_emergency_is_made_as_one(
    there: SimulatedServiceNow, servicenow: ServiceNow, *, as_list: bool
) -> None:
    there.as_list = as_list
    receipt = await servicenow.open(content(type=ChangeType.EMERGENCY))
    assert there.instance.change(receipt.number).values["type"] == "emergency"
    assert (await servicenow.read(receipt.id)).state is State.DRAFT


async def test_a_standard_change_comes_from_its_template(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    template = there.instance.template(short_description="Renew certificates", backout_plan="Put the old one back")
    wanted = content(type=ChangeType.STANDARD, template=template, backout_plan=None)
    receipt = await servicenow.open(wanted)
    change = there.instance.change(receipt.number)
    assert (change.values["type"], change.values["backout_plan"]) == ("standard", "Put the old one back")
    snapshot = await servicenow.move(receipt.id, State.SCHEDULED)
    assert (snapshot.state, snapshot.approval, snapshot.approvals) == (State.SCHEDULED, ApprovalState.APPROVED, ())


async def test_a_template_s_approval_is_enough(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    template = there.instance.template()
    receipt = await servicenow.open(content(type=ChangeType.STANDARD, template=template))
    there.instance.change(receipt.number).values["approval"] = "not requested"
    assert (await servicenow.move(receipt.id, State.IMPLEMENT)).state is State.IMPLEMENT


async def test_a_retired_template_is_a_refusal(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    with pytest.raises(NotFound, match=r"No Record found: Record doesn't exist or ACL restricts"):
        await servicenow.open(content(type=ChangeType.STANDARD, template="0" * 32))
    with pytest.raises(Refusal, match="is no sys_id"):
        await servicenow.open(content(type=ChangeType.STANDARD, template="../normal"))
    assert there.instance.changes == {}


async def test_two_records_of_one_change_become_one(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    first = await servicenow.open(content())
    sent = {"correlation_id": CORRELATION, "short_description": "twice"}
    twin, _ = there.instance.create("normal", sent, there.instance.account)
    assert await servicenow.open(content()) == first
    assert twin.state == "4"
    assert [text for _, _, text in twin.notes] == [
        f"This record was made twice; {first.number} is the one that is used."
    ]
    # Nothing is left to do the next time.
    assert await servicenow.open(content()) == first
    assert len(twin.notes) == 1


async def test_a_twin_that_somebody_works_on_is_left_to_people(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking
) -> None:
    first = await servicenow.open(content())
    clock.go_on(minutes=1)
    twin, _ = there.instance.create("normal", {"correlation_id": CORRELATION}, there.instance.account)
    there.instance.move(twin.number, "-4", there.instance.person("mia.manager"))
    with pytest.raises(Disagrees, match=f"two records of one change, {first.number} and {twin.number}"):
        await servicenow.open(content())


async def test_a_cancelled_record_is_found_and_not_replaced(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    there.instance.cancel(receipt.number, there.instance.person("mia.manager"))
    assert await servicenow.open(content()) == receipt
    assert (await servicenow.read(receipt.id)).state is State.CANCELLED


async def test_what_the_query_did_not_ask_for_is_never_taken(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    """The column was renamed: the instance leaves that part of the query out, and answers with somebody else's."""
    foreign, _ = there.instance.create("normal", {"short_description": "another"}, there.instance.person("bob"))
    there.instance.columns.discard("correlation_id")
    with pytest.raises(
        Disagrees, match=r"rows of change_request whose correlation_id is .* answered with others"
    ) as no:
        await servicenow.open(content())
    assert "returns_no_rows" in no.value.remedy
    assert (foreign.notes, foreign.values["short_description"]) == ([], "another")
    assert len(there.instance.changes) == 1


async def test_a_record_that_cannot_be_found_again_is_told(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.instance.locked.add("correlation_id")
    with pytest.raises(Disagrees, match="made CHG0030001 without its correlation_id"):
        await servicenow.open(content())
    there.instance.changes.clear()
    there.instance.hidden.add("correlation_id")
    there.strict = True
    with pytest.raises(Disagrees, match="made CHG0030001 without its correlation_id"):
        await servicenow.open(content())


# What a change refers to.


async def test_people_groups_and_items_are_named_by_their_sys_ids(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    alice = there.instance.person("alice.dev", "Alice@bank.example")
    group, item = there.instance.group("Payments Engineering"), there.instance.item("CI0012345")
    wanted = content(
        requested_by="alice@bank.example", assignment_group="Payments Engineering", configuration_item=item.sys_id
    )
    receipt = await servicenow.open(wanted)
    values = there.instance.change(receipt.number).values
    assert (values["requested_by"], values["assignment_group"], values["cmdb_ci"]) == (
        alice.sys_id,
        group.sys_id,
        item.sys_id,
    )
    there.site.asked.clear()
    await servicenow.open(wanted)
    assert [title for title in there.site.titles if "/table/" in title] == []
    await servicenow.update(receipt.id, content(configuration_item=""))
    assert there.instance.change(receipt.number).values["cmdb_ci"] == ""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("nobody@bank.example", "has none in sys_user whose email is 'nobody@bank.example'"),
        ("twin@bank.example", "has more than one in sys_user whose email is"),
        ("x^ORsys_idISNOTEMPTY", "is no email that ServiceNow can be asked for"),
        ("x\ny", "is no email"),
    ],
)
async def test_a_person_who_is_not_there_once_is_a_refusal(
    there: SimulatedServiceNow, servicenow: ServiceNow, said: str, why: str
) -> None:
    for name in ("twin.one", "twin.two"):
        there.instance.person(name, "twin@bank.example")
    with pytest.raises(NoRequester, match=why):
        await servicenow.open(content(requested_by=said))
    assert there.instance.changes == {}


@pytest.mark.parametrize("how", ["unknown", "locked", "refused"])
async def test_a_record_is_made_without_who_is_not_taken_for_its_requester_and_says_so(
    there: SimulatedServiceNow, servicenow: ServiceNow, how: str
) -> None:
    alice = there.instance.person("alice.dev", "nobody@bank.example" if how == "unknown" else "alice@bank.example")
    there.instance.locked |= {"requested_by"} if how == "locked" else set()
    if how == "refused":
        rule = rules.BusinessRule("Requesters are managers", lambda _, sent: sent.get("requested_by") == alice.sys_id)
        there.instance.rules.append(rule)
    whole = content(requested_by="alice@bank.example")
    receipt = await if_need_be_without(servicenow, whole, servicenow.open)
    again = await if_need_be_without(servicenow, whole, partial(servicenow.update, receipt.id))
    assert again == receipt
    change = there.instance.change(receipt.number)
    assert change.values["requested_by"] == there.instance.account.sys_id
    assert change.values["short_description"] == whole.short_description
    [(_, _, note)] = change.notes
    assert note.startswith("Countersign could not name alice@bank.example here as who requested this change")
    words = {"unknown": "none in sys_user", "locked": "requested_by", "refused": "Requesters are managers"}
    assert words[how] in note


async def test_what_is_refused_for_another_reason_is_refused_without_a_requester_too(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    there.instance.person("alice.dev", "alice@bank.example")
    there.instance.rules.append(rules.BusinessRule("Nobody asks for anything", lambda _change, _sent: True))
    for requester in ("alice@bank.example", None):
        with pytest.raises(Forbidden, match="Nobody asks for anything"):
            await if_need_be_without(servicenow, content(requested_by=requester), servicenow.open)
    assert there.instance.changes == {}


async def test_a_look_up_by_a_column_that_is_not_there_finds_nobody(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    fields = FieldMap(references={"requested_by": Reference("sys_user", "u_staff_number")})
    with pytest.raises(NoRequester, match="rows of sys_user whose u_staff_number is 'e1007'"):
        await client(there, session, clock, fields).open(content(requested_by="E1007"))


# Fields.


async def test_a_field_that_is_ignored_is_named(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    with pytest.raises(Disagrees, match="does not keep approval_routing and regulatory_compliance of CHG0030001") as no:
        await servicenow.open(content(extra={"regulatory_compliance": "sox", "approval_routing": "cab"}))
    assert "field map" in no.value.remedy
    # It is named every time, not only at first.
    with pytest.raises(Disagrees, match="regulatory_compliance"):
        await servicenow.open(content(extra={"regulatory_compliance": "sox"}))
    assert len(there.instance.changes) == 1


@pytest.mark.parametrize("how", ["locked", "hidden"])
async def test_a_field_that_the_account_may_not_write_or_see_is_named(
    there: SimulatedServiceNow, servicenow: ServiceNow, how: str
) -> None:
    getattr(there.instance, how).add("backout_plan")
    with pytest.raises(Disagrees, match="does not keep backout_plan"):
        await servicenow.open(content())


async def test_a_computed_field_cannot_be_claimed(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    with pytest.raises(Disagrees, match="does not keep risk of"):
        await servicenow.open(content(extra={"risk": "4"}))


async def test_only_what_differs_is_written(there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking) -> None:
    receipt = await servicenow.open(content())
    before = await servicenow.read(receipt.id)
    clock.go_on(minutes=5)
    there.site.asked.clear()
    moved = Planned(START + timedelta(days=7), START + timedelta(days=7, hours=4))
    assert await servicenow.update(receipt.id, content(planned=moved, test_plan="")) == receipt
    (patch,) = [each for each in there.site.asked if each.method == "PATCH"]
    assert patch.json == {
        "start_date": "2026-12-05 22:00:00",
        "end_date": "2026-12-06 02:00:00",
        "test_plan": "",
    }
    after = await servicenow.read(receipt.id)
    assert after.planned == moved
    assert after.revision > before.revision
    assert after.changed_at == before.changed_at + timedelta(minutes=5)
    there.site.asked.clear()
    await servicenow.update(receipt.id, content(planned=moved, test_plan=""))
    assert {each.method for each in there.site.asked} == {"GET"}


async def test_another_change_s_record_is_not_written_to(servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    with pytest.raises(Disagrees, match="correlation_id is 'cs:another'"):
        await servicenow.update(receipt.id, content(correlation_id="cs:another"))


async def test_a_type_is_not_changed_in_passing(servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    with pytest.raises(Disagrees, match="does not keep type of"):
        await servicenow.update(receipt.id, content(type=ChangeType.EMERGENCY))


async def test_an_instance_of_its_own_kind(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    there.instance.columns |= {"u_git_change", "u_rollback", "u_source"}
    fields = FieldMap(
        names={"correlation_id": "u_git_change", "backout_plan": "u_rollback", "test_plan": ""},
        constants={"u_source": "countersign"},
        states={**STATES, "-5": State.DRAFT, "-4": State.AUTHORIZE},
        close_codes={CloseCode.SUCCESSFUL: "ok", CloseCode.WITH_ISSUES: "partly", CloseCode.UNSUCCESSFUL: "failed"},
        approvals={**APPROVALS, "approved_by_policy": ApprovalState.NOT_REQUIRED},
    )
    servicenow = client(there, session, clock, fields)
    receipt = await servicenow.open(content())
    values = there.instance.change(receipt.number).values
    assert values["u_git_change"] == CORRELATION
    assert (values["u_rollback"], values["u_source"], values["test_plan"]) == ("Deploy 5c1d again", "countersign", "")
    assert values["correlation_id"] == values["backout_plan"] == ""
    assert await servicenow.open(content()) == receipt
    moved = await servicenow.move(receipt.id, State.AUTHORIZE)
    assert (moved.state, moved.state_there, moved.correlation_id) == (State.AUTHORIZE, "Assess", CORRELATION)


# States.


async def test_a_change_goes_all_the_way(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.instance.rules += [CLOSE_CODE, PLANS]
    carol = there.instance.person("carol.cab")
    there.instance.cab.append(carol)
    receipt = await servicenow.open(content())
    assert (await servicenow.move(receipt.id, State.AUTHORIZE)).state is State.AUTHORIZE
    there.instance.approve(receipt.number, carol)
    assert (await servicenow.read(receipt.id)).state is State.SCHEDULED
    # What is further already is left there.
    assert (await servicenow.move(receipt.id, State.AUTHORIZE)).state is State.SCHEDULED
    assert (await servicenow.move(receipt.id, State.REVIEW)).state is State.REVIEW
    closed = await servicenow.move(receipt.id, State.CLOSED, closure=Closure(CloseCode.WITH_ISSUES, "Late."))
    values = there.instance.change(receipt.number).values
    assert (closed.state, values["close_code"], values["close_notes"]) == (State.CLOSED, "successful_issues", "Late.")
    assert [each.short_description for each in there.instance.change(receipt.number).tasks] == [
        "Implement",
        "Post implementation testing",
    ]
    there.site.asked.clear()
    await servicenow.move(receipt.id, State.CLOSED, closure=DONE)
    assert {each.method for each in there.site.asked} == {"GET"}


async def closed_there(there: SimulatedServiceNow, servicenow: ServiceNow) -> Receipt:
    receipt = await servicenow.open(content(type=ChangeType.STANDARD, template=there.instance.template()))
    await servicenow.move(receipt.id, State.REVIEW)
    assert (await servicenow.read(receipt.id)).closed is None
    vera = there.instance.person("vera.v", "vera@bank.example")
    there.instance.close(receipt.number, vera, "successful_issues", "Totals are right.")
    return receipt


async def test_who_closed_a_record_is_who_it_says_whoever_wrote_into_it_since(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking
) -> None:
    receipt, at = await closed_there(there, servicenow), clock()
    clock.go_on(hours=1)
    mia = there.instance.person("mia.m")
    there.instance.write(there.instance.change(receipt.number), {"review_comments": "Seen."}, mia)
    snapshot = await servicenow.read(receipt.id)
    assert snapshot.changed_by == "mia.m"
    assert snapshot.closed is not None
    assert (snapshot.closed.code, snapshot.closed.code_there, snapshot.closed.notes) == (
        CloseCode.WITH_ISSUES,
        "successful_issues",
        "Totals are right.",
    )
    assert (snapshot.closed.by.user_name, snapshot.closed.by.email) == ("vera.v", "vera@bank.example")
    assert snapshot.closed.at == at


@pytest.mark.parametrize("by", ["", "0" * 32, "Vera V"])
async def test_nobody_is_guessed_to_have_closed_it(there: SimulatedServiceNow, servicenow: ServiceNow, by: str) -> None:
    receipt = await closed_there(there, servicenow)
    there.instance.change(receipt.number).values |= {"closed_by": by, "closed_at": "", "close_code": "u_partial"}
    closed = (await servicenow.read(receipt.id)).closed
    assert closed is not None
    assert (closed.by.user_name, closed.by.email) == ("", "")
    assert (closed.code, closed.code_there) == (None, "u_partial")
    assert closed.at == (await servicenow.read(receipt.id)).changed_at


async def test_when_it_was_really_made_is_written_after_the_instance_has_written_its_own(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    made = {"type": ChangeType.STANDARD, "template": there.instance.template()}
    receipt = await servicenow.open(content(**made))
    await servicenow.move(receipt.id, State.REVIEW)
    values = there.instance.change(receipt.number).values
    assert values["work_start"] != ""
    await servicenow.update(receipt.id, content(**made, actual_start=NIGHT.start, actual_end=NIGHT.end))
    assert (values["work_start"], values["work_end"]) == ("2026-11-28 22:00:00", "2026-11-29 02:00:00")


async def test_the_state_is_the_last_field_of_a_closing(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    template = there.instance.template()
    receipt = await servicenow.open(content(type=ChangeType.STANDARD, template=template))
    await servicenow.move(receipt.id, State.CLOSED, closure=DONE)
    steps = [list(each.json) for each in there.site.asked if each.method == "PATCH" and "state" in each.json]
    assert steps == [["state"], ["state"], ["state"], ["close_code", "close_notes", "state"]]


async def test_an_emergency_leaves_out_the_assessment(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content(type=ChangeType.EMERGENCY))
    await servicenow.move(receipt.id, State.AUTHORIZE)
    assert [each.json for each in there.site.asked if each.method == "PATCH"] == [{"state": "-3"}]


async def test_closing_needs_its_code(servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    with pytest.raises(ValueError, match="close code"):
        await servicenow.move(receipt.id, State.CLOSED)


async def test_nobody_goes_past_an_approval_that_is_missing(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.instance.cab.append(there.instance.person("carol.cab"))
    receipt = await servicenow.open(content())
    with pytest.raises(
        Refusal,
        match=f"does not let {receipt.number} go from authorize to implement "
        "before it is approved there, because this does not hold: `Change is approved`",
    ):
        await servicenow.move(receipt.id, State.IMPLEMENT)
    assert (await servicenow.read(receipt.id)).state is State.AUTHORIZE


@pytest.mark.parametrize("made_standard", [False, True])
@pytest.mark.parametrize("kind", [ChangeType.NORMAL, ChangeType.EMERGENCY])
async def test_nobody_goes_past_an_approval_even_where_the_instance_would_let_them(
    there: SimulatedServiceNow,
    servicenow: ServiceNow,
    monkeypatch: pytest.MonkeyPatch,
    kind: ChangeType,
    made_standard: bool,
) -> None:
    everywhere = dict.fromkeys(STATES, ("-4", "-3", "-2", "-1", "0", "3", "4"))
    monkeypatch.setattr(rules, "TRANSITIONS", {each.value: everywhere for each in ChangeType})
    monkeypatch.setattr(rules, "_conditions", lambda *_: ())
    there.instance.cab.append(there.instance.person("carol.cab"))
    receipt = await servicenow.open(content(type=kind))
    with pytest.raises(
        Refusal, match=r"from authorize to implement before it is approved there\. Those who were asked"
    ):
        await servicenow.move(receipt.id, State.IMPLEMENT)
    assert (await servicenow.read(receipt.id)).state is State.AUTHORIZE


async def test_a_rule_s_own_words_reach_the_reader(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    there.instance.rules.append(PLANS)
    receipt = await servicenow.open(content(backout_plan=None))
    with pytest.raises(Forbidden) as no:
        await servicenow.move(receipt.id, State.ASSESS)
    assert no.value.what == (
        f"ServiceNow's business rule `Plans are mandatory before Assess` does not let {receipt.number} go from draft to "
        "assess."
    )
    assert "change manager" in no.value.remedy
    assert there.instance.change(receipt.number).state == "-5"


async def test_a_state_that_is_put_back_is_noticed(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    there.instance.locked.add("state")
    with pytest.raises(Disagrees, match="goes from draft to assess, and it is in New"):
        await servicenow.move(receipt.id, State.ASSESS)


async def test_cancelling_and_going_back(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    carol = there.instance.person("carol.cab")
    there.instance.cab.append(carol)
    receipt = await servicenow.open(content())
    await servicenow.move(receipt.id, State.AUTHORIZE)
    back = await servicenow.move(receipt.id, State.DRAFT)
    assert (back.state, back.approval) == (State.DRAFT, ApprovalState.NOT_REQUESTED)
    assert [each.state for each in back.approvals] == [ApprovalState.CANCELLED]
    assert (await servicenow.move(receipt.id, State.CANCELLED)).state is State.CANCELLED
    with pytest.raises(Refusal, match="go from cancelled to assess"):
        await servicenow.move(receipt.id, State.ASSESS)


async def test_a_change_in_review_is_not_cancelled(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content(type=ChangeType.STANDARD, template=there.instance.template()))
    await servicenow.move(receipt.id, State.REVIEW)
    with pytest.raises(Refusal, match=r"go from review to cancelled\. The change manager there looks"):
        await servicenow.move(receipt.id, State.CANCELLED)


async def test_a_state_of_their_own_is_nothing(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    there.instance.change(receipt.number).values["state"] = "17"
    snapshot = await servicenow.read(receipt.id)
    assert (snapshot.state, snapshot.state_there) == (None, "17")


async def test_a_rule_that_sends_a_change_back_ends_the_way(
    there: SimulatedServiceNow, servicenow: ServiceNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = there.instance.template()
    receipt = await servicenow.open(content(type=ChangeType.STANDARD, template=template))
    change = there.instance.change(receipt.number)
    entered = type(there.instance)._entered

    def back(instance: Instance, moved: Change, by: Person) -> None:
        entered(instance, moved, by)
        if moved.state == "-1":
            change.values["state"] = "-2"

    monkeypatch.setattr(type(there.instance), "_entered", back)
    with pytest.raises(Disagrees, match="goes from scheduled to implement, and it is in Scheduled"):
        await servicenow.move(receipt.id, State.CLOSED, closure=DONE)
    assert len([each for each in there.site.asked if each.method == "PATCH"]) == 2


# Reading.


async def test_who_approved_is_told_with_who_wrote_it(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking
) -> None:
    carol, alice, dan = (there.instance.person(name) for name in ("carol.cab", "alice.dev", "dan.late"))
    there.instance.cab += [carol, alice, dan]
    receipt = await servicenow.open(content())
    await servicenow.move(receipt.id, State.AUTHORIZE)
    clock.go_on(hours=3)
    there.instance.approve(receipt.number, carol)
    there.instance.approve(receipt.number, alice, by=there.instance.account)
    snapshot = await servicenow.read(receipt.id)
    by_name = {each.approver.user_name: each for each in snapshot.approvals}
    assert by_name["carol.cab"].approver == Identity(carol.sys_id, "carol.cab", "carol.cab@bank.example")
    assert (by_name["carol.cab"].state, by_name["carol.cab"].set_by) == (ApprovalState.APPROVED, "carol.cab")
    assert by_name["carol.cab"].at == clock()
    assert by_name["carol.cab"].group == "CAB Approval"
    assert by_name["alice.dev"].set_by == "svc_countersign"
    assert by_name["dan.late"].state is ApprovalState.REQUESTED
    assert (snapshot.approval, snapshot.state) == (ApprovalState.REQUESTED, State.AUTHORIZE)


async def test_a_rejection_sends_the_change_back(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    carol, dan = there.instance.person("carol.cab"), there.instance.person("dan.late")
    there.instance.cab += [carol, dan]
    receipt = await servicenow.open(content())
    await servicenow.move(receipt.id, State.AUTHORIZE)
    there.instance.reject(receipt.number, carol)
    snapshot = await servicenow.read(receipt.id)
    assert (snapshot.state, snapshot.approval) == (State.DRAFT, ApprovalState.REJECTED)
    assert {each.state for each in snapshot.approvals} == {ApprovalState.REJECTED, ApprovalState.CANCELLED}
    assert snapshot.changed_by == "carol.cab"


async def test_what_people_do_there_is_seen(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    carol, mia = there.instance.person("carol.cab"), there.instance.person("mia.manager")
    there.instance.cab.append(carol)
    receipt = await servicenow.open(content())
    await servicenow.move(receipt.id, State.AUTHORIZE)
    before = await servicenow.read(receipt.id)
    assert (before.on_hold, before.planned, before.description) == (False, NIGHT, "Head 6f1d2c3.\nTier: high.")
    there.instance.reschedule(receipt.number, START + timedelta(days=1), START + timedelta(days=1, hours=1), mia)
    there.instance.hold(receipt.number, mia, "Change lockdown")
    held = await servicenow.read(receipt.id)
    assert held.on_hold
    assert held.planned == Planned(START + timedelta(days=1), START + timedelta(days=1, hours=1))
    assert [each.state for each in held.approvals] == [ApprovalState.NOT_REQUIRED]
    assert (held.revision, held.changed_by) == (before.revision + 2, "mia.manager")
    with pytest.raises(Refusal, match="Not On hold"):
        await servicenow.move(receipt.id, State.SCHEDULED)
    there.instance.release(receipt.number, mia)
    there.instance.approve(receipt.number, carol)
    assert (await servicenow.read(receipt.id)).state is State.SCHEDULED


@pytest.mark.parametrize("hidden", ["on_hold"])
async def test_what_cannot_be_read_is_held(there: SimulatedServiceNow, servicenow: ServiceNow, hidden: str) -> None:
    receipt = await servicenow.open(content())
    there.instance.hidden.add(hidden)
    assert (await servicenow.read(receipt.id)).on_hold


@pytest.mark.parametrize(
    ("values", "planned"),
    [
        ({"start_date": ""}, None),
        ({"end_date": "soon"}, None),
        ({"end_date": "2026-11-28 21:00:00"}, None),
        ({}, NIGHT),
    ],
)
async def test_a_window_that_is_none_is_none(
    there: SimulatedServiceNow, servicenow: ServiceNow, values: dict[str, str], planned: Planned | None
) -> None:
    receipt = await servicenow.open(content())
    change = there.instance.change(receipt.number)
    change.values |= values
    if values.get("end_date") == "soon":
        there.instance.hidden.add("end_date")
    assert (await servicenow.read(receipt.id)).planned == planned


async def test_an_approval_in_a_state_that_nobody_knows_is_a_refusal(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    there.instance.cab.append(there.instance.person("carol.cab"))
    receipt = await servicenow.open(content())
    await servicenow.move(receipt.id, State.AUTHORIZE)
    there.instance.change(receipt.number).approvals[0].state = "nodded"
    with pytest.raises(Refusal, match="an approval in the state 'nodded'"):
        await servicenow.read(receipt.id)


async def test_every_page_of_approvals_is_read(
    there: SimulatedServiceNow, servicenow: ServiceNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.changes.systems.servicenow_tables.PAGE", 2)
    there.instance.cab += [there.instance.person(f"member.{number}") for number in range(5)]
    receipt = await servicenow.open(content())
    await servicenow.move(receipt.id, State.AUTHORIZE)
    assert len((await servicenow.read(receipt.id)).approvals) == 5
    monkeypatch.setattr("bot.changes.systems.servicenow_tables.MOST_PAGES", 2)
    with pytest.raises(Refusal, match="more than 4 approvals"):
        await servicenow.read(receipt.id)


async def test_approvals_of_others_are_never_taken(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    """``sysapproval`` cannot be seen: the query would find the approvals of every change."""
    there.instance.cab.append(there.instance.person("carol.cab"))
    receipts = [await servicenow.open(content(correlation_id=each)) for each in (CORRELATION, "cs:7:another")]
    for each in receipts:
        await servicenow.move(each.id, State.AUTHORIZE)
    there.instance.hidden.add("sysapproval")
    with pytest.raises(Disagrees, match="rows of sysapproval_approver whose sysapproval is"):
        await servicenow.read(receipts[0].id)


@pytest.mark.parametrize("ref", ["", "..", "CHG0030001", "A" * 32, "a" * 31, "a" * 32 + "/approvals"])
async def test_nothing_but_a_sys_id_is_asked_for(there: SimulatedServiceNow, servicenow: ServiceNow, ref: str) -> None:
    for ask in (servicenow.read(ref), servicenow.conflicts(ref), servicenow.add_note(ref, "x")):
        with pytest.raises(Refusal, match="is no sys_id"):
            await ask
    assert there.site.asked == []


async def test_a_record_that_is_not_there(servicenow: ServiceNow) -> None:
    with pytest.raises(NotFound, match="Record doesn't exist or ACL restricts the record retrieval"):
        await servicenow.read("0" * 32)


# Conflicts and notes.


async def test_a_check_for_conflicts_is_started_and_then_read(
    there: SimulatedServiceNow, servicenow: ServiceNow, clock: Ticking
) -> None:
    item = there.instance.item("ledger")
    receipt = await servicenow.open(content(configuration_item="ledger"))
    assert await servicenow.conflicts(receipt.id) == Conflicts(CheckState.NOT_RUN)
    await servicenow.check_conflicts(receipt.id)
    assert await servicenow.conflicts(receipt.id) == Conflicts(CheckState.RUNNING, clock())
    assert await servicenow.conflicts(receipt.id) == Conflicts(CheckState.DONE, clock())
    other, _ = there.instance.create(
        "normal",
        {"cmdb_ci": item.sys_id, "start_date": "2026-11-29 01:00:00", "end_date": "2026-11-29 05:00:00"},
        there.instance.account,
    )
    there.instance.change(receipt.number).clashes.append(Clash("blackout", "Quarter end"))
    clock.go_on(hours=1)
    await servicenow.check_conflicts(receipt.id)
    assert (await servicenow.conflicts(receipt.id)).found == ()
    found = await servicenow.conflicts(receipt.id)
    assert (found.ran, (await servicenow.read(receipt.id)).checked_at) == (clock(), clock())
    assert found.found == (Conflict("Blackout", "Quarter end"), Conflict("CI Already Scheduled", other.number))


async def test_a_check_for_conflicts_that_fails_or_that_nobody_may_start_is_no_finding(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    there.instance.item("ledger")
    receipt = await servicenow.open(content(configuration_item="ledger"))
    there.instance.patience, there.instance.checks_fail = 0, True
    await servicenow.check_conflicts(receipt.id)
    assert (await servicenow.conflicts(receipt.id)).state is CheckState.FAILED
    there.instance.detects_conflicts = False
    with pytest.raises(Forbidden, match=r"change\.conflict\.role"):
        await servicenow.check_conflicts(receipt.id)
    there.instance.detects_conflicts = True
    bare = await servicenow.open(content(correlation_id="cs:8", planned=None))
    with pytest.raises(Invalid, match="start_date"):
        await servicenow.check_conflicts(bare.id)


async def test_an_approval_that_somebody_has_answered_is_left_as_it_is(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    there.instance.answers_for_others = True
    carol = there.instance.person("carol.cab")
    there.instance.cab.append(carol)
    receipt = await servicenow.open(content())
    [approval] = (await servicenow.move(receipt.id, State.AUTHORIZE)).approvals
    there.instance.reject(receipt.number, carol)
    for ref in (approval.asked, "0" * 32):
        await servicenow.answer(receipt.id, ref, ApprovalState.APPROVED, "@carol approved.")
    [kept] = there.instance.change(receipt.number).approvals
    assert (kept.state, kept.updated_by, kept.comments) == ("rejected", "carol.cab", [])


async def test_a_note_is_added_once(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    receipt = await servicenow.open(content())
    for text in ("A new head: 77aa.", "A new head: 77aa.", "A new head", "two\nlines", "two\nlines"):
        await servicenow.add_note(receipt.id, text)
    notes = [text for _, _, text in there.instance.change(receipt.number).notes]
    assert notes == ["A new head: 77aa.", "A new head", "two\nlines"]


async def test_a_journal_that_cannot_be_read_takes_notes_all_the_same(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    receipt = await servicenow.open(content())
    there.instance.hidden.add("work_notes")
    await servicenow.add_note(receipt.id, "x" * 5000)
    (note,) = [text for _, _, text in there.instance.change(receipt.number).notes]
    assert len(note) == 4000


# Who asks.


async def test_an_account_with_a_password(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    access = ServiceNowAccess(there.url, username="svc_countersign", password=PASSWORD)
    receipt = await connect(access, session, clock).open(content())
    assert there.instance.change(receipt.number).values["correlation_id"] == CORRELATION
    assert there.tokens == {}


async def test_a_record_that_does_not_say_when_it_was_changed_is_no_answer(
    servicenow: ServiceNow, there: SimulatedServiceNow
) -> None:
    receipt = await servicenow.open(content())
    there.instance.change(receipt.number).values["sys_updated_on"] = ""
    with pytest.raises(Unanswered, match="says when it was changed"):
        await servicenow.read(receipt.id)
