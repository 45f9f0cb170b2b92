"""What shows that a change was tested, as its record says it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.changes import evidence
from bot.changes.evidence import Outcome, outcome
from bot.facts.model import Reported
from tests.unit.builders import oid, pull_request

AT = datetime(2027, 1, 4, 9, 30, tzinfo=UTC)
HEAD = oid("head")[:7]


def lines(*reported: Reported, beside: int = 0) -> tuple[str, ...]:
    return evidence.lines(replace(pull_request(), reported=reported, reported_beside=beside))


def test_a_summary_comes_first_and_then_what_failed() -> None:
    found = lines(
        Reported("deploy-preview", "github-actions", "skipped", "", AT),
        Reported("lint", "github-actions", "failure", "https://ci.example/2", AT),
        Reported("soak", "jenkins", ""),
        Reported("types", "github-actions", "timed_out", "", AT),
        Reported("unit", "", "success", "https://ci.example/1", AT),
        beside=2,
    )
    assert found == (
        f"7 checks of {HEAD}: 2 failed, 1 not finished, 1 passed, 1 shown nothing, 2 that GitHub does not list.",
        "- lint (github-actions): failed, 2027-01-04 09:30 UTC, https://ci.example/2",
        "- types (github-actions): failed (timed out), 2027-01-04 09:30 UTC",
        "- soak (jenkins): not finished",
        "- unit: passed, 2027-01-04 09:30 UTC, https://ci.example/1",
        "- deploy-preview (github-actions): shown nothing (skipped), 2027-01-04 09:30 UTC",
    )


def test_where_no_tool_reports_anything_there_is_none() -> None:
    assert lines() == ()
    assert lines(beside=1) == (f"1 check of {HEAD}: 1 that GitHub does not list.",)


@pytest.mark.parametrize(
    ("word", "came_to"),
    [
        ("success", Outcome.PASSED),
        ("", Outcome.UNFINISHED),
        ("neutral", Outcome.NOTHING),
        ("skipped", Outcome.NOTHING),
        ("stale", Outcome.FAILED),
        ("error", Outcome.FAILED),
        ("a word of next year", Outcome.FAILED),
    ],
)
def test_only_what_says_so_has_passed(word: str, came_to: Outcome) -> None:
    assert outcome(Reported("unit", "ci", word)) is came_to


def test_no_check_can_call_itself_so_that_it_is_a_summary() -> None:
    found = lines(Reported(f"9 checks of {HEAD}: 9 passed.", "ci", "failure"))
    assert evidence.summaries(found) == [f"1 check of {HEAD}: 1 failed."]
