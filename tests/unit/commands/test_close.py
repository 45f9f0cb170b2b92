"""`/change close`, and what `/change` shows of how a record ended."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.changes.model import Act, Change, Closure, Event, State
from bot.facts.model import Permission
from bot.policy.model import Tier
from tests.unit.builders import account
from tests.unit.changes.builders import MONDAY, SATURDAY, authorised, context, done, draft, rules, started
from tests.unit.changes.test_closing import emergency_released, finished, low
from tests.unit.commands.test_records import after, desk_of, moved, refused, said

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "closure", "notes"),
    [
        ("/change close successful Totals are right", Closure.SUCCESSFUL, "Totals are right"),
        ("/change CLOSE Successful", Closure.SUCCESSFUL, ""),
        ("/change close with-issues It was slow", Closure.WITH_ISSUES, "It was slow"),
        ("/change close unsuccessful It did nothing", Closure.UNSUCCESSFUL, "It did nothing"),
    ],
)
def test_who_verifies_says_what_came_of_it(text: str, closure: Closure, notes: str) -> None:
    outcome = said(text, "vera", record=finished(), permission=Permission.READ)
    assert moved(outcome) == [Act.CLOSE]
    assert outcome.reply == ""
    record = after(outcome)
    assert (record.state, record.closure, record.notes, record.closed_by) == (
        State.CLOSED, closure, notes, account("vera"),
    )  # fmt: skip


def test_what_is_closed_as_backed_out_is_backed_out_first() -> None:
    outcome = said("/change close backed-out Totals differ by a cent", record=finished())
    assert moved(outcome) == [Act.BACK_OUT, Act.CLOSE]
    assert (after(outcome).closure, after(outcome).notes) == (Closure.BACKED_OUT, "Totals differ by a cent")
    under_way = said("/change close backed-out It stops", "rosa", record=started())
    assert moved(under_way) == [Act.BACK_OUT, Act.CLOSE]


def test_an_emergency_is_backed_out_and_closed_when_it_was_reviewed() -> None:
    outcome = said("/change close backed-out Payments stop", record=emergency_released())
    assert moved(outcome) == [Act.BACK_OUT]
    assert after(outcome).state is State.REVIEW
    assert outcome.reply == (
        "CHG-2027-0001 is on record as backed out, and stays open. CHG-2027-0001 was an emergency and has not been "
        "reviewed. Somebody of the board who had no part in it says `/change review what-was-found`."
    )


@pytest.mark.parametrize(
    ("text", "record", "told"),
    [
        ("/change close successful", finished(), "@ana does not have the role verifier (acme/verification)."),
        ("/change close unsuccessful", finished(), "To close a change as unsuccessful needs a reason."),
        ("/change close backed-out", finished(), "A reason is needed."),
        ("/change close successful", authorised(), "in state scheduled: it is closed when it has been released."),
        ("/change close successful", emergency_released(), "was an emergency and has not been reviewed."),
        (
            "/change close with-issues Late",
            done(low(), Event(Act.CLOSE, account("ana"), "Fine.", closure=Closure.SUCCESSFUL)),
            "it is closed already. `/change` shows how it ended.",
        ),
        ("/change close", finished(), "Write it as `/change [template"),
        ("/change close perfectly", finished(), "Write it as `/change [template"),
    ],
)
def test_what_is_refused_says_why(text: str, record: Change, told: str) -> None:
    assert told in refused(said(text, record=record))


def test_without_a_record_there_is_nothing_to_close() -> None:
    assert refused(said("/change close successful")).startswith("There is no change record here")
    assert refused(said("/change close successful", desk=desk_of(None))).startswith("There is no change record here")


def rows(record: Change, **more: object) -> list[str]:
    shown = said("/change", record=record, **more).reply  # type: ignore[arg-type]
    return [line for line in shown.splitlines() if line.startswith("| ")]


def test_the_end_of_a_record_is_shown() -> None:
    closed = done(
        finished(), Event(Act.CLOSE, account("vera"), "It was | slow.", closure=Closure.WITH_ISSUES),
        context(SATURDAY + 5 * HOUR),
    )  # fmt: skip
    shown = rows(closed)
    assert "| released | 2027-01-09 02:00 UTC to 2027-01-09 03:00 UTC, by `@rosa` |" in shown
    assert "| closed | as successful with issues on 2027-01-09 07:00 UTC, by `@vera`: It was \\| slow. |" in shown
    assert not [each for each in shown if "to be closed" in each or "should have waited" in each]


def test_what_is_still_to_come_is_shown_with_who_could() -> None:
    assert any("| released | from 2027-01-09 02:00 UTC on, by `@rosa` |" in each for each in rows(started()))
    verifier = "by somebody with the role verifier (acme/verification) who neither contributed nor released it"
    assert any(f"| to be closed | {verifier}: `/change close` |" in each for each in rows(finished()))
    assert any(
        "| to be closed | by itself on 2027-01-05 12:00 UTC, unless somebody says what came of it: `/change close` |"
        in each
        for each in rows(low())
    )
    medium = replace(emergency_released(), contents=replace(emergency_released().contents, tier=Tier.LOW))
    assert any(
        "| to be closed | when it has been reviewed (`/change review`), by whoever had to do with it: `/change close` |"
        in each
        for each in rows(medium)
    )


def test_until_when_it_is_to_be_verified_is_shown_and_that_it_was_late() -> None:
    assert "| to be verified | by 2027-01-09 07:00 UTC |" in rows(finished(), at=SATURDAY + 2 * HOUR)
    assert "| to be verified | by 2027-01-09 07:00 UTC (overdue) |" in rows(finished(), at=SATURDAY + 5 * HOUR)
    relaxed = rules(tiers={tier: replace(found, verification=None) for tier, found in rules().tiers.items()})
    for desk in (desk_of(low()), desk_of(finished(), policy=relaxed)):
        assert not [each for each in rows(finished(), desk=desk) if "verified" in each]
    verified = Event(Act.CLOSE, account("vera"), closure=Closure.SUCCESSFUL)
    late = rows(done(finished(), verified, context(SATURDAY + 5 * HOUR)))
    assert "| verified late | it was to be by 2027-01-09 07:00 UTC |" in late
    assert not [each for each in rows(done(finished(), verified, context(SATURDAY + 4 * HOUR))) if "late" in each]


def test_what_went_wrong_is_shown() -> None:
    late = done(authorised(), Event(Act.OVERTAKE, account("zoe"), "It was merged on a Monday.", at=MONDAY))
    back = done(late, Event(Act.BACK_OUT, account("ana"), "It is bad."))
    shown = rows(back)
    assert "| should have waited | It was merged on a Monday. |" in shown
    assert "| backed out | yes |" in shown
    reviewed = done(
        emergency_released(), Event(Act.REVIEW, account("omar"), "It was right to do this at once.")
    )  # fmt: skip
    assert "| reviewed | on 2027-01-04 12:00 UTC, by `@omar`: It was right to do this at once. |" in rows(reviewed)
    bypassed = done(draft(), Event(Act.BYPASS, account("zoe"), "It was merged without authorisation.", at=MONDAY))
    assert "| state | cancelled |" in rows(bypassed)
    assert "| released | 2027-01-04 12:00 UTC without authorisation, by `@zoe` |" in rows(bypassed)
    assert "| cancelled | It was merged without authorisation. |" in rows(bypassed)
    nobody = replace(bypassed, released_by=())
    assert any("by nobody known" in each for each in rows(nobody))
    by_itself = done(low(), Event(Act.CLOSE, why="Nobody said anything.", closure=Closure.SUCCESSFUL),
                     context(MONDAY + timedelta(days=2)))  # fmt: skip
    assert any("by Countersign: Nobody said anything." in each for each in rows(by_itself))
