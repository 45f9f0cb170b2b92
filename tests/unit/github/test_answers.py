from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal, Transient
from bot.github.answers import Answer, Problem, read_answer
from bot.github.errors import Invalid, RateLimited, Unanswered

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "path", "x"]), inner),
    max_leaves=8,
)


def read(answer: Any, **headers: str) -> Answer:
    return read_answer(answer, {name.replace("_", "-"): value for name, value in headers.items()}, now=NOON)


def test_data() -> None:
    assert read({"data": {"viewer": None}}) == Answer({"viewer": None})
    assert read({"data": {"viewer": None}, "errors": []}) == Answer({"viewer": None})


@pytest.mark.parametrize("type_", ["NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPES"])
def test_what_was_found_is_kept_beside_what_was_not(type_: str) -> None:
    errors = [{"type": type_, "path": ["organization", "team", 0], "message": "No team."}]
    found = read({"data": {"repository": {"name": "ledger"}, "organization": None}, "errors": errors})
    assert found.data["repository"] == {"name": "ledger"}
    assert found.problems == (Problem(type_, ("organization", "team", 0), "No team."),)


@pytest.mark.parametrize(
    "answer",
    [
        {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 7."}]},
        {"data": {"viewer": 1}, "errors": [{"type": "RATE_LIMITED", "message": "no"}]},
        {"data": None, "errors": [{"type": "RATE_LIMIT", "message": "no"}]},
        {"errors": [{"extensions": {"code": "RATE_LIMITED"}, "message": "no"}]},
        {"errors": [{"message": "You have exceeded a secondary rate limit."}]},
        {"message": "You have exceeded a secondary rate limit.", "documentation_url": "…"},
        {"data": {"viewer": 1}, "errors": [{"message": "You have exceeded a secondary rate limit."}]},
    ],
)
def test_a_limit_comes_with_status_200(answer: Any) -> None:
    with pytest.raises(RateLimited) as limited:
        read(answer)
    assert limited.value.until == NOON + timedelta(minutes=1)
    with pytest.raises(RateLimited) as limited:
        read(answer, retry_after="300")
    assert limited.value.until == NOON + timedelta(minutes=5)
    with pytest.raises(RateLimited) as limited:
        read(answer, x_ratelimit_remaining="0", x_ratelimit_reset=str(int(NOON.timestamp()) + 1200))
    assert limited.value.until == NOON + timedelta(minutes=20)


def test_a_team_called_rate_limit_is_no_limit() -> None:
    errors = [{"type": "NOT_FOUND", "message": "Could not resolve to a Team with the slug 'rate limit'."}]
    assert read({"data": {"organization": None}, "errors": errors}).problems[0].type == "NOT_FOUND"


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        7,
        {},
        {"data": None},
        {"data": []},
        {"data": None, "errors": []},
        {"data": None, "errors": {"message": "no list"}},
        {"data": None, "errors": [{"message": "Something went wrong while executing your query."}]},
        {"errors": [{"message": "Something went wrong while executing your query."}]},
        {"data": {"viewer": 1}, "errors": [{"message": "Something went wrong"}]},
        {"data": {"viewer": 1}, "errors": [{"type": "NOT_FOUND"}, {"type": "INTERNAL", "message": "oops"}]},
        {"data": {"viewer": 1}, "errors": [{"type": "SERVICE_UNAVAILABLE"}]},
        {"data": {"viewer": 1}, "errors": [{"type": "TIMEOUT"}]},
        {"data": {"viewer": 1}, "errors": [{"type": "RESOURCE_LIMITS_EXCEEDED"}]},
        {"data": {"viewer": 1}, "errors": ["a bare string"]},
        {"data": {"viewer": 1}, "errors": [None]},
        {"message": "Server Error"},
    ],
)
def test_what_may_work_later_is_asked_again(answer: Any) -> None:
    with pytest.raises(Unanswered):
        read(answer)


@pytest.mark.parametrize(
    "answer",
    [
        {"errors": [{"message": "Field 'x' doesn't exist", "extensions": {"code": "undefinedField"}}]},
        {"errors": [{"message": "Expected NAME", "locations": [{"line": 1, "column": 2}]}]},
        {"data": {"viewer": 1}, "errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too many"}]},
        {"data": None, "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}]},
        {"data": None, "errors": [{"type": "SOMETHING_NEW", "message": "no", "extensions": 7}]},
    ],
)
def test_a_query_that_is_not_accepted_is_told_in_githubs_words(answer: Any) -> None:
    with pytest.raises(Invalid, match=answer["errors"][0]["message"]):
        read(answer)


@given(st.fixed_dictionaries({}, optional={"data": JSON, "errors": JSON, "message": JSON}) | JSON)
def test_whatever_comes_is_an_answer_or_one_of_the_kinds(answer: Any) -> None:
    try:
        found = read(answer)
    except (Transient, Refusal):
        return
    assert found.data == answer["data"]
