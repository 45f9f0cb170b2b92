import hashlib
from datetime import timedelta, timezone
from typing import Any

import pytest

from bot.changes.systems import jira_fields, servicenow_fields
from bot.changes.systems.errors import Disagrees, Unanswered
from bot.changes.systems.jira_approvals import judged
from bot.changes.systems.jira_fields import JiraMap, holds, items, text
from bot.changes.systems.port import ApprovalState, ChangeType, CloseCode, Planned, State
from bot.changes.systems.servicenow_fields import FieldMap, only, plain, row, rows, shown, whole
from bot.changes.systems.texts import fitted, same
from bot.errors import Refusal
from tests.unit.changes.systems.conftest import START, content

# Texts.


def test_a_long_text_is_cut_and_can_still_be_shown_to_be_the_same() -> None:
    long = "ü" * 5000
    cut = fitted(long, 4000)
    assert len(cut) == 4000
    assert cut.endswith(f"[shortened; SHA-256 of the whole text: {hashlib.sha256(long.encode()).hexdigest()}]")
    assert fitted("ü" * 4000, 4000) == "ü" * 4000


def test_line_ends_and_space_around_a_text_are_no_difference() -> None:
    assert same(" a\nb\n", "a\r\nb")
    assert same("a\rb", "a\nb")
    assert not same("a b", "a\nb")


# ServiceNow.


def test_a_long_title_goes_on_in_the_description() -> None:
    title = "word " * 30
    fields = FieldMap().fields(content(short_description=title), {})
    assert len(fields["short_description"]) <= 100
    assert fields["short_description"].endswith("…")
    assert fields["description"] == f"{title}\n\nHead 6f1d2c3.\nTier: high."


def test_moments_are_sent_in_utc() -> None:
    east = timezone(timedelta(hours=9))
    planned = Planned(START.astimezone(east), (START + timedelta(hours=4)).astimezone(east))
    fields = FieldMap().fields(content(planned=planned), {})
    assert (fields["start_date"], fields["end_date"]) == ("2026-11-28 22:00:00", "2026-11-29 02:00:00")


def test_what_is_not_ours_to_say_is_not_sent() -> None:
    fields = FieldMap().fields(content(planned=None, cab_required=None, backout_plan=None, test_plan=""), {})
    assert not {"start_date", "end_date", "cab_required", "backout_plan", "cmdb_ci"} & set(fields)
    assert fields["test_plan"] == ""
    assert FieldMap().fields(content(cab_required=False), {})["cab_required"] == "false"


def test_a_record_s_own_words_go_before_what_every_record_has() -> None:
    fields = FieldMap(constants={"category": "Other", "justification": "none"}).fields(
        content(extra={"category": "Software"}), {}
    )
    assert (fields["category"], fields["justification"]) == ("Software", "A new rule of the scheme")


def test_a_map_that_cannot_be_right_is_refused() -> None:
    with pytest.raises(Refusal, match="names backout, plan") as no:
        FieldMap(names={"backout": "u_backout", "plan": "u_plan"})
    assert "backout_plan" in no.value.remedy
    with pytest.raises(Refusal, match="leaves out correlation_id"):
        FieldMap(names={"correlation_id": ""})
    with pytest.raises(Refusal, match="has no state for scheduled"):
        FieldMap(states={"1": State.DRAFT}).value_of(State.SCHEDULED)
    with pytest.raises(Refusal, match="names backout"):
        JiraMap(names={"backout": "customfield_1"})


def test_what_stands_for_nothing_of_ours_is_nothing() -> None:
    assert FieldMap().state("-5.0") is State.DRAFT
    assert FieldMap().state("17") is None
    assert FieldMap().value_of(State.CANCELLED) == "4"
    assert set(servicenow_fields.STATES.values()) == set(State)
    assert set(servicenow_fields.APPROVALS.values()) == set(ApprovalState)
    assert set(servicenow_fields.TYPES) == set(ChangeType)
    assert set(servicenow_fields.CLOSE_CODES) == set(jira_fields.ENDINGS) == set(CloseCode)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ({"value": 3.0, "display_value": "Closed"}, "3"),
        ({"value": False, "display_value": "No"}, "false"),
        ({"value": True}, "true"),
        ({"value": "", "display_value": ""}, ""),
        ({"value": None}, ""),
        ({}, ""),
        ("bare", "bare"),
        (None, ""),
        (2.5, "2.5"),
        (float("inf"), "inf"),
        (-5, "-5"),
    ],
)
def test_a_cell_in_each_of_its_shapes(cell: Any, value: str) -> None:
    assert plain(cell) == value


def test_what_people_see() -> None:
    assert shown({"value": "-4", "display_value": "Assess"}) == "Assess"
    assert shown({"value": "-4", "display_value": None}) == ""
    assert shown("bare") == "bare"


@pytest.mark.parametrize(("value", "number"), [("-5", "-5"), ("3.0", "3"), ("inf", "inf"), ("nan", "nan"), ("x", "x")])
def test_a_number_of_a_state(value: str, number: str) -> None:
    assert whole(value) == number


def test_a_moment_that_is_none() -> None:
    assert servicenow_fields.moment("2026-11-28 22:00:00") == START
    for each in ("", "2026-11-28T22:00:00", "28/11/2026", "2026-02-30 00:00:00"):
        assert servicenow_fields.moment(each) is None


@pytest.mark.parametrize(
    "answer", [None, [], "x", {}, {"result": "x"}, {"result": None}, {"result": ["x"]}, {"result": [{}, 5]}]
)
def test_what_is_no_answer_of_servicenow(answer: Any) -> None:
    with pytest.raises(Unanswered):
        rows(answer)


def test_one_record_is_one() -> None:
    assert row({"result": {"a": 1}}) == row({"result": [{"a": 1}]}) == {"a": 1}
    results: list[list[Any]] = [[], [{}, {}]]
    for result in results:
        with pytest.raises(Unanswered, match="one record"):
            row({"result": result})


def test_rows_that_were_not_asked_for() -> None:
    mine = {"correlation_id": {"value": "a"}}
    assert only([mine, mine], "correlation_id", "a", table="t") == [mine, mine]
    for other in ({"correlation_id": {"value": "b"}}, {"correlation_id": {"display_value": "a"}}, {}):
        with pytest.raises(Disagrees, match="rows of t whose correlation_id is 'a'"):
            only([mine, other], "correlation_id", "a", table="t")


# Jira.


def test_moments_of_jira() -> None:
    assert jira_fields.written(START.astimezone(timezone(timedelta(hours=9)))) == "2026-11-28T22:00:00.000+0000"
    assert jira_fields.moment("2026-11-28T23:00:00.000+0100") == START
    for each in (None, 5, "", "soon", "2026-11-28", "2026-11-28T22:00:00"):
        assert jira_fields.moment(each) is None


@pytest.mark.parametrize(
    ("sent", "there", "is_held"),
    [
        ("a\nb", "a\r\nb", True),
        ("a", "b", False),
        ("2026-11-28T22:00:00.000+0000", "2026-11-28T23:00:00.000+0100", True),
        ("2026-11-28T22:00:00.000+0000", "2026-11-28T22:00:00.000+0100", False),
        ({"value": "Normal"}, {"value": "Normal", "id": "1"}, True),
        ({"value": "Normal"}, {"value": "Other", "id": "1"}, False),
        ({"value": "Normal"}, None, False),
        ([{"value": "a"}], [{"value": "b"}, {"value": "a", "id": "2"}], True),
        ([{"value": "a"}], [], False),
        ("", None, True),
        ("a", None, False),
        (5, 5, True),
        (5, 6, False),
    ],
)
def test_what_a_field_of_jira_holds(sent: Any, there: Any, is_held: bool) -> None:
    assert holds(sent, there) is is_held


def test_a_summary_is_one_line_of_its_length() -> None:
    fields = JiraMap().fields(content(short_description="a\nb " * 200))
    assert "\n" not in fields["summary"]
    assert len(fields["summary"]) <= 255
    assert len(JiraMap().fields(content(description="x" * 40_000))["description"]) == 32_767


def test_a_part_that_is_empty_has_no_heading() -> None:
    assert "Backout plan" in JiraMap().fields(content())["description"]
    assert "Backout plan" not in JiraMap().fields(content(backout_plan=""))["description"]


def test_a_workflow_may_leave_states_out() -> None:
    fields = JiraMap()
    assert fields.reachable(State.REVIEW) is State.IMPLEMENT
    assert fields.reachable(State.CANCELLED) is State.CANCELLED
    assert JiraMap(statuses={"Done": State.CLOSED}).reachable(State.DRAFT) is State.DRAFT
    assert (fields.state("PLANNING"), fields.state("Somewhere")) == (State.DRAFT, None)


@pytest.mark.parametrize("number", ["", "x", "-1", "\u00b2", 5, None])
def test_an_approval_has_a_number(number: Any) -> None:
    with pytest.raises(Unanswered):
        judged([{"id": number, "name": "CAB", "finalDecision": "pending", "approvers": []}])


def test_nothing_is_assumed_of_jira_s_answers() -> None:
    assert text({"a": {"b": "c"}}, "a", "b") == "c"
    assert items({"a": [1]}, "a") == [1]
    sources: list[Any] = [None, [], {"a": 5}, {"a": None}, {"a": {"b": 5}}]
    for source in sources:
        with pytest.raises(Unanswered, match=r"that says its a\.b"):
            text(source, "a", "b")
        with pytest.raises(Unanswered, match="that lists its a"):
            items(source, "a")
