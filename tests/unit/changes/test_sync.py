"""What is sent to another system, and what is heard of what people did there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.changes.hearing import heard
from bot.changes.model import Change, Closure
from bot.changes.model import State as Ours
from bot.changes.systems import port
from bot.changes.systems.maps import jira_fields, servicenow_fields
from bot.changes.systems.port import (
    Approval,
    ApprovalState,
    CloseCode,
    Closed,
    Identity,
    Planned,
    Receipt,
    Snapshot,
    State,
)
from bot.changes.twin import closure_of, content_of, differs, digest
from bot.deployments.windows import Interval
from bot.errors import Refusal
from bot.policy.model import ChangeType, Records, System
from tests.unit.builders import account
from tests.unit.changes import builders

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NIGHT = Interval(AT + timedelta(hours=12), AT + timedelta(hours=14))
CHRIS = Identity("u1", user_name="chris.cab", email="chris.cab@bank.example")
RECORDS = Records(System.SERVICENOW, people=(("chris.cab@bank.example", "chris"), ("mia", "mia")))


def planned(**changes: object) -> Change:
    change = builders.draft()
    return replace(change, contents=replace(change.contents, window=NIGHT, **changes))  # type: ignore[arg-type]


def snapshot(*approvals: Approval, **changes: object) -> Snapshot:
    shown = Snapshot(
        receipt=Receipt("CHG0030001", "sys1", "https://bank.example/CHG0030001"),
        correlation_id="countersign:CHG-2026-0001",
        state=State.AUTHORIZE,
        state_there="-3",
        approval=ApprovalState.REQUESTED,
        approvals=approvals,
        planned=Planned(NIGHT.start, NIGHT.end),
        on_hold=False,
        description="",
        changed_at=AT + timedelta(hours=1),
        changed_by="mia",
        revision=7,
    )
    return replace(shown, **changes)  # type: ignore[arg-type]


def answer(state: ApprovalState = ApprovalState.APPROVED, set_by: str = "chris.cab", **more: object) -> Approval:
    return replace(Approval(CHRIS, state, AT, set_by), **more)  # type: ignore[arg-type]


def test_an_answer_that_its_approver_wrote_is_theirs_by_any_of_their_names() -> None:
    for name in ("chris.cab", "CHRIS.CAB", "chris.cab@bank.example", "u1"):
        [said] = heard(planned(), snapshot(answer(set_by=name)), RECORDS)
        assert (said.deed, said.who, said.login, said.at) == ("approve", "chris.cab", "chris", AT)
    [said] = heard(planned(), snapshot(answer(ApprovalState.REJECTED)), RECORDS)
    assert (said.deed, said.login) == ("reject", "chris")


@pytest.mark.parametrize("set_by", ["admin", ""])
def test_an_answer_that_somebody_else_wrote_or_nobody_knows_who_is_nobodys(set_by: str) -> None:
    [said] = heard(planned(), snapshot(answer(set_by=set_by)), RECORDS)
    assert said.login is None
    assert "written by" in said.who


def test_who_is_not_in_the_policy_is_nobody_here() -> None:
    [said] = heard(planned(), snapshot(answer()), replace(RECORDS, people=()))
    assert said.login is None


def test_what_was_only_asked_is_no_answer() -> None:
    asked = [answer(each) for each in ApprovalState if each not in {ApprovalState.APPROVED, ApprovalState.REJECTED}]
    assert heard(planned(), snapshot(*asked), RECORDS) == ()


def test_an_answer_is_the_same_however_late_its_moment_is_told_and_another_in_another_round() -> None:
    early, late = answer(at=None, asked="5"), answer(at=AT, asked="5")
    [one], [other] = heard(planned(), snapshot(early), RECORDS), heard(planned(), snapshot(late), RECORDS)
    assert one.mark == other.mark
    [again] = heard(planned(), snapshot(answer(asked="6")), RECORDS)
    assert again.mark != one.mark
    moved = {heard(planned(), snapshot(answer(at=AT + timedelta(hours=hour))), RECORDS)[0].mark for hour in (0, 1)}
    assert len(moved) == 2


def test_what_is_cancelled_there_is_heard_unless_it_is_over_here() -> None:
    gone = snapshot(state=State.CANCELLED)
    [said] = heard(planned(), gone, RECORDS)
    assert (said.deed, said.who, said.login) == ("cancel", "mia", "mia")
    [unsigned] = heard(planned(), replace(gone, changed_by=""), RECORDS)
    assert (unsigned.who, unsigned.login) == ("somebody", None)
    assert heard(replace(planned(), state=Ours.CLOSED), gone, RECORDS) == ()


def test_another_window_is_heard_and_the_same_one_or_none_is_not() -> None:
    later = Planned(NIGHT.start + timedelta(days=1), NIGHT.end + timedelta(days=1))
    [said] = heard(planned(), snapshot(planned=later), RECORDS)
    assert (said.deed, said.value) == ("schedule", f"{later.start.isoformat()}/{later.end.isoformat()}")
    assert heard(planned(), snapshot(), RECORDS) == ()
    assert heard(planned(), snapshot(planned=None), RECORDS) == ()
    change = planned()
    unplanned = replace(change, contents=replace(change.contents, window=None))
    assert heard(unplanned, snapshot(planned=later), RECORDS) == ()


def test_deeds_are_heard_in_the_order_of_their_time() -> None:
    told = heard(planned(), snapshot(answer(at=AT + timedelta(hours=3)), state=State.CANCELLED), RECORDS)
    assert [each.deed for each in told] == ["cancel", "approve"]


def test_the_twin_says_what_the_record_says() -> None:
    content = content_of(planned(), replace(RECORDS, extra=(("u_region", "EMEA"),)))
    change = planned()
    assert content.correlation_id == f"countersign:{change.number}"
    assert content.short_description == change.contents.title
    assert content.planned == Planned(NIGHT.start, NIGHT.end)
    assert content.cab_required is True
    assert content.extra == {"u_region": "EMEA"}
    assert change.contents.head in content.description
    assert "Test evidence" not in content.description
    tested = content_of(planned(evidence=("1 check of 1a2b3c4: 1 passed.", "- unit (ci): passed")), RECORDS)
    assert tested.description.endswith("\nTest evidence\n1 check of 1a2b3c4: 1 passed.\n- unit (ci): passed")
    standard = content_of(planned(kind=ChangeType.STANDARD, template="config"), RECORDS)
    assert (standard.template, content.template) == ("config", "")


def test_the_group_there_is_that_of_the_application() -> None:
    groups = (("payments", "Payments Operations"), ("*", "Change Desk"))
    mapped = replace(RECORDS, values=(("assignment_group", groups),))
    assert content_of(planned(application="payments"), mapped).assignment_group == "Payments Operations"
    assert content_of(planned(application="risk"), mapped).assignment_group == "Change Desk"
    assert content_of(planned(application=""), mapped).assignment_group == "Change Desk"
    named = replace(RECORDS, values=(("assignment_group", groups[:1]),))
    assert content_of(planned(application="risk"), named).assignment_group is None
    assert content_of(planned(application="payments"), RECORDS).assignment_group is None
    standard = planned(kind=ChangeType.STANDARD, template="config", application="payments")
    assert content_of(standard, mapped).assignment_group is None
    assert servicenow_fields(mapped).states["-3"] is State.AUTHORIZE
    assert jira_fields(mapped).state("Completed") is State.CLOSED


def test_nothing_is_sent_twice_and_every_difference_is_sent() -> None:
    content = content_of(planned(), RECORDS)
    assert digest(content) == digest(content_of(planned(), RECORDS))
    others = [
        replace(content, short_description="Another"),
        replace(content, planned=None),
        replace(content, extra={"u_region": "EMEA"}),
        replace(content, cab_required=False),
    ]
    assert len({digest(each) for each in [content, *others]}) == 5


def test_values_of_an_instance_come_from_the_policy() -> None:
    values = (
        ("state", (("assess", "-14"),)),
        ("type", (("normal", "Regular"),)),
        ("close_code", (("successful", "ok"),)),
    )
    fields = servicenow_fields(Records(System.SERVICENOW, fields=(("justification", "u_why"),), values=values))
    assert fields.names == {"justification": "u_why"}
    assert [there for there, ours in fields.states.items() if ours is State.ASSESS] == ["-14"]
    assert fields.states["-3"] is State.AUTHORIZE
    assert fields.types[port.ChangeType.NORMAL] == "Regular"
    assert fields.close_codes[CloseCode.SUCCESSFUL] == "ok"


def test_ends_have_the_words_of_the_policy() -> None:
    values = (("close_code", (("backed out", "rolled_back"), ("with issues", "partly"))),)
    fields = servicenow_fields(Records(System.SERVICENOW, values=values))
    assert fields.close_code("rolled_back") is CloseCode.BACKED_OUT
    assert fields.close_code("partly") is CloseCode.WITH_ISSUES
    assert fields.close_code("successful") is CloseCode.SUCCESSFUL
    assert fields.close_code("unsuccessful") is CloseCode.UNSUCCESSFUL
    assert fields.close_code("u_other") is fields.close_code("") is None
    usual = servicenow_fields(Records(System.SERVICENOW))
    assert usual.close_codes[CloseCode.BACKED_OUT] == "unsuccessful"
    assert usual.close_code("unsuccessful") is CloseCode.UNSUCCESSFUL
    site = jira_fields(Records(System.JIRA, values=(("close_code", (("backed out", "Rolled back"),)),)))
    assert (site.state("rolled BACK"), site.close_code("rolled BACK")) == (State.CLOSED, CloseCode.BACKED_OUT)
    assert site.close_code("Completed") is CloseCode.SUCCESSFUL
    assert site.close_code("Failed") is CloseCode.UNSUCCESSFUL
    assert site.close_code("Implementing") is None


VERA = Identity("u9", user_name="vera.v", email="vera@bank.example")
ENDED = Closed(CloseCode.WITH_ISSUES, "successful_issues", "It was slow.", VERA, AT)


def test_who_closed_it_there_and_how_is_heard_once() -> None:
    people = replace(RECORDS, people=(("vera@bank.example", "vera"),))
    released = replace(planned(), state=Ours.REVIEW, started_at=AT, ended_at=AT)
    [said] = heard(released, snapshot(state=State.CLOSED, closed=ENDED), people)
    assert (said.deed, said.who, said.login, said.at) == ("close", "vera.v", "vera", AT)
    assert said.value == "successful with issues\nIt was slow."
    later = replace(ENDED, notes="Somebody wrote more into it.")
    [again] = heard(released, snapshot(state=State.CLOSED, closed=later, revision=9, changed_by="mia"), people)
    assert again.mark == said.mark
    assert heard(replace(released, state=Ours.CLOSED), snapshot(closed=ENDED), people) == ()
    nobody = replace(ENDED, by=Identity(""), code=None, code_there="u_partial")
    [unknown] = heard(released, snapshot(state=State.CLOSED, closed=nobody), people)
    assert (unknown.who, unknown.login, unknown.value) == ("somebody", None, "?u_partial\nIt was slow.")


def test_what_has_been_released_is_planned_no_more() -> None:
    later = Planned(NIGHT.start + timedelta(days=1), NIGHT.end + timedelta(days=1))
    assert heard(replace(planned(), started_at=AT), snapshot(planned=later), RECORDS) == ()


def closed(closure: Closure, **more: object) -> Change:
    change = replace(planned(), state=Ours.CLOSED, closure=closure, released_by=(account("rosa"),))
    return replace(change, **more)  # type: ignore[arg-type]


def test_the_twin_is_told_when_it_was_made_and_how_it_ended() -> None:
    change = replace(planned(), started_at=AT, ended_at=AT + timedelta(hours=1))
    content = content_of(change, RECORDS)
    assert (content.actual_start, content.actual_end) == (AT, AT + timedelta(hours=1))
    assert digest(content) != digest(content_of(planned(), RECORDS))
    fine = closure_of(closed(Closure.SUCCESSFUL))
    assert fine == port.Closure(
        CloseCode.SUCCESSFUL,
        "It did what it was to do.\nReleased by @rosa; closed as successful by Countersign, by itself.",
    )
    back = closed(Closure.BACKED_OUT, notes="Totals differ.", closed_by=account("ana"), overtaken="It was a Monday.")
    assert closure_of(back) == port.Closure(
        CloseCode.BACKED_OUT,
        "Backed out.\nTotals differ.\nIt should have waited: It was a Monday.\n"
        "Released by @rosa; closed as backed out by @ana.",
    )


@pytest.mark.parametrize(
    ("closure", "code", "other"),
    [
        (Closure.SUCCESSFUL, CloseCode.SUCCESSFUL, False),
        (Closure.SUCCESSFUL, CloseCode.WITH_ISSUES, True),
        (Closure.WITH_ISSUES, CloseCode.SUCCESSFUL, False),
        (Closure.BACKED_OUT, CloseCode.UNSUCCESSFUL, False),
        (Closure.UNSUCCESSFUL, CloseCode.SUCCESSFUL, True),
        (Closure.SUCCESSFUL, None, True),
    ],
)
def test_two_ends_are_one_where_a_system_has_one_word(closure: Closure, code: CloseCode | None, other: bool) -> None:
    assert differs(closed(closure), replace(ENDED, code=code)) is other


def test_values_of_a_site_come_from_the_policy() -> None:
    values = (
        ("state", (("assess", "Triage"),)),
        ("type", (("normal", "Regular"),)),
        ("request_type", (("emergency", "Urgent change"),)),
    )
    fields = jira_fields(Records(System.JIRA, fields=(("test_plan", "customfield_1"),), values=values))
    assert fields.names == {"test_plan": "customfield_1"}
    assert fields.state("Triage") is State.ASSESS
    assert fields.options[port.ChangeType.NORMAL] == "Regular"
    assert fields.request_types[port.ChangeType.EMERGENCY] == "Urgent change"
    assert fields.request_types[port.ChangeType.NORMAL] == "Request a change"


@pytest.mark.parametrize("made", [servicenow_fields, jira_fields])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((("colour", (("red", "1"),)),), "maps values of colour"),
        ((("state", (("asess", "1"),)),), "'asess'"),
    ],
)
def test_a_mapping_of_what_is_none_of_ours_is_refused(made: Any, values: Any, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        made(Records(System.JIRA, values=values))
