import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refusal, Transient
from bot.github.errors import (
    LONGEST,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unanswered,
    Unauthorized,
    failure,
    limit,
    moment,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def meant(status: int, body: Any = None, **headers: str) -> Exception | None:
    """What an answer means; headers are named as Python names are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return failure(status, named, content, asked="POST /repos/acme/ledger/check-runs", now=NOON)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 304])
def test_success_means_nothing(status: int) -> None:
    assert meant(status) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Refusal),
        (302, Refusal),
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Invalid),
        (410, NotFound),
        (415, Invalid),
        (422, Invalid),
        (429, RateLimited),
        (451, Invalid),
        (500, Unanswered),
        (502, Unanswered),
        (503, Unanswered),
        (504, Unanswered),
        (599, Unanswered),
    ],
)
def test_each_status_has_its_kind(status: int, kind: type[Exception]) -> None:
    assert type(meant(status, {"message": "no"})) is kind


@given(st.integers(min_value=100, max_value=999), st.binary(max_size=50), st.dictionaries(st.text(), st.text()))
def test_whatever_comes_is_one_of_the_kinds(status: int, body: bytes, headers: dict[str, str]) -> None:
    problem = failure(status, headers, body, asked="GET /x", now=NOON)
    assert problem is None or isinstance(problem, Transient | Refusal)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"message": "Validation Failed"}, "Validation Failed"),
        ({}, "no reason given"),
        ({"message": None, "errors": None}, "no reason given"),
        ({"message": "No", "errors": "one sentence"}, "No: one sentence"),
        ({"message": "No", "errors": ["a", "b"]}, "No: a: b"),
        ({"message": "No", "errors": [{"message": "head sha is unknown"}]}, "No: head sha is unknown"),
        (
            {"message": "No", "errors": [{"resource": "CheckRun", "field": "head_sha", "code": "invalid"}]},
            "No: CheckRun head_sha invalid",
        ),
        ({"message": "No", "errors": [{"code": "missing"}, 7]}, "No: missing: 7"),
        ([], "no reason given"),
        ("a string", "no reason given"),
        (b"", "no reason given"),
        (b"<html>Unicorn!</html>", "<html>Unicorn!</html>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 1000, "x" * 200),
    ],
)
def test_githubs_own_words_are_told(body: Any, told: str) -> None:
    assert str(meant(422, body)) == f"GitHub does not accept POST /repos/acme/ledger/check-runs (422): {told}"


def test_who_can_help_with_a_missing_permission() -> None:
    message = {"message": "Resource not accessible by integration"}
    refused = meant(403, message, x_accepted_github_permissions="checks=write", x_ratelimit_remaining="4999")
    assert isinstance(refused, Forbidden)
    assert refused.remedy == "An owner of the organisation grants the App checks=write."
    other = meant(403, message)
    assert isinstance(other, Forbidden)
    assert other.remedy == ""


def test_who_can_help_with_credentials() -> None:
    refused = meant(401, {"message": "'Expiration time' claim ('exp') is too far in the future"})
    assert isinstance(refused, Unauthorized)
    assert "too far in the future" in refused.what
    assert "clock" in refused.remedy


def until(problem: Exception | None) -> tuple[timedelta, bool, bool]:
    """How long, whether everything stops, and whether GitHub said so."""
    assert type(problem) is RateLimited
    return problem.until - NOON, problem.secondary, problem.named


RESET = str(int(NOON.timestamp()) + 1200)


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": RESET}, (20 * MINUTE, False, True)),
        ({"retry_after": "90"}, (1.5 * MINUTE, True, True)),
        ({"retry_after": "0"}, (0 * MINUTE, True, True)),
        ({"retry_after": "Tue, 24 Nov 2026 12:03:00 GMT"}, (3 * MINUTE, True, True)),
        ({"retry_after": "Tue, 24 Nov 2026 12:03:00 -0000"}, (3 * MINUTE, True, True)),
        ({"retry_after": "Tue, 24 Nov 2026 11:00:00 GMT"}, (0 * MINUTE, True, True)),
        ({"retry_after": "Thu, 24 Nov 2033 11:00:00 GMT"}, (LONGEST, True, True)),
        ({"retry_after": "9" * 5000}, (LONGEST, True, True)),
        ({"retry_after": "soon"}, (MINUTE, True, False)),
        ({"retry_after": "90", "x_ratelimit_remaining": "0", "x_ratelimit_reset": RESET}, (1.5 * MINUTE, True, True)),
        # The clocks differ: no moment is named that is still to come.
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1"}, (MINUTE, True, False)),
        ({"x_ratelimit_remaining": "0"}, (MINUTE, True, False)),
    ],
)
def test_a_limit_says_until_when(status: int, headers: dict[str, str], expected: tuple[timedelta, bool, bool]) -> None:
    assert until(meant(status, {"message": "no"}, **headers)) == expected


@pytest.mark.parametrize(
    "message",
    [
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "You have triggered an abuse detection mechanism.",
        "API rate limit exceeded for installation ID 7.",
    ],
)
def test_a_limit_is_known_by_githubs_words_and_then_stops_everything_for_a_minute(message: str) -> None:
    assert until(meant(403, {"message": message})) == (MINUTE, True, False)


def test_too_many_requests_without_any_word_stop_everything_for_a_minute() -> None:
    assert until(meant(429, b"")) == (MINUTE, True, False)


def test_a_limit_can_be_named() -> None:
    assert limit({}, NOON, what="GitHub's GraphQL limit").waits_for == "GitHub's GraphQL limit"
    assert str(limit({}, NOON)) == "GitHub's rate limit until 2026-11-24 12:01:00 UTC"


@pytest.mark.parametrize("seconds", ["", "-1", "1.5", "soon", "1e9", "9" * 11, "9" * 5000])
def test_what_tells_no_moment_is_none(seconds: str) -> None:
    assert moment(seconds, NOON) is None


def test_a_moment_is_never_further_than_a_day() -> None:
    assert moment(RESET, NOON) == NOON + 20 * MINUTE
    assert moment("9999999999", NOON) == NOON + LONGEST
