"""Votes that are heard later than they were written: which count, which do not, and what is said of them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.changes import guards
from bot.changes.findings import finding
from bot.changes.lifecycle import wakes_at
from bot.changes.model import Act, Change, Choice, Event, Refused, State
from tests.unit.changes.builders import MONDAY, ask, asked, authorised, context, done, refused, vote

MINUTE = timedelta(minutes=1)
DAY = timedelta(hours=24)
LATER = context(MONDAY + DAY)


def written(at: datetime, who: str = "ida", choice: Choice = Choice.APPROVE) -> Event:
    return replace(vote(who, choice), said_at=at)


def test_what_was_written_before_the_board_was_called_is_no_vote() -> None:
    change = asked()
    assert change.called_at == MONDAY
    told = refused(change, written(MONDAY - MINUTE), context(MONDAY + MINUTE))
    assert told.what == (
        "The vote of @ida does not count: it was written before the board was called on 2027-01-04 12:00 UTC, and heard "
        "after that."
    )
    assert told.remedy == "Whoever still thinks so of the change as it is now votes again."


def test_in_the_second_of_the_call_nobody_can_tell_which_came_first() -> None:
    change = replace(asked(), called_at=MONDAY + timedelta(microseconds=900))
    assert done(change, written(MONDAY), context(MONDAY + MINUTE)).votes[0].at == MONDAY
    refused(change, written(MONDAY - timedelta(seconds=1)), context(MONDAY + MINUTE))


def test_a_record_of_before_does_not_know_when_its_board_was_called() -> None:
    assert len(done(replace(asked(), called_at=None), written(MONDAY - MINUTE)).votes) == 1


def test_each_round_is_called_anew() -> None:
    change = done(replace(asked(), deadline=MONDAY), Event(Act.REJECT), context(MONDAY + MINUTE))
    again = done(done(change, ask(), context(MONDAY + DAY)), Event(Act.ASSESS), context(MONDAY + DAY))
    assert (again.round, again.called_at) == (2, MONDAY + DAY)
    assert "before the board was called on 2027-01-05" in refused(again, written(MONDAY + MINUTE), LATER).what


def test_a_vote_that_was_given_in_time_is_told_so_when_time_has_decided() -> None:
    change = done(asked(), Event(Act.REJECT), LATER)
    told = refused(change, written(MONDAY + MINUTE), LATER)
    assert told.what == (
        "The vote of @ida was given in time, on 2027-01-04 12:01 UTC, and is heard only now: on 2027-01-05 12:00 UTC, "
        "CHG-2027-0001 was rejected, since its time to decide was over."
    )
    assert told.remedy == "`/request-cab` asks its board again; whoever has voted votes again then."


def test_a_rejection_that_was_given_in_time_is_told_how_to_stop_what_was_authorised() -> None:
    change = authorised()
    late = replace(change, decided=(replace(change.decided[0], at=MONDAY + 2 * MINUTE, deadline=None),))
    told = refused(late, written(MONDAY + MINUTE, "ida", Choice.REJECT), LATER)
    assert "is heard only now: on 2027-01-04 12:02 UTC, CHG-2027-0001 was approved." in told.what
    assert "`/hold reason`" in told.remedy


def _in_draft() -> Change:
    return done(asked(), Event(Act.REJECT), LATER)


@pytest.mark.parametrize(
    ("change", "event"),
    [
        (_in_draft(), vote("ida")),
        (_in_draft(), written(MONDAY - MINUTE)),
        (_in_draft(), written(MONDAY + DAY)),
        (replace(_in_draft(), round=2), written(MONDAY + MINUTE)),
        (replace(_in_draft(), decided=()), written(MONDAY + MINUTE)),
        (replace(_in_draft(), called_at=None), written(MONDAY + MINUTE)),
        (replace(_in_draft(), state=State.REVIEW), written(MONDAY + MINUTE)),
        (replace(_in_draft(), state=State.REVIEW), replace(written(MONDAY + MINUTE), act=Act.SUBMIT)),
    ],
)
def test_of_any_other_vote_it_is_told_what_is_in_the_way(change: Change, event: Event) -> None:
    assert "is in state" in refused(change, event, LATER).what


def test_time_decides_when_what_was_said_before_has_been_heard() -> None:
    change, late = asked(), MONDAY + DAY + MINUTE
    waiting = context(late, unheard_since=MONDAY + MINUTE)
    assert refused(change, Event(Act.REJECT), waiting) == Refused(
        "Its time was over at 2027-01-05 12:00 UTC, and a comment that was written before is still to be heard.",
        "It is decided when that has been heard.",
    )
    assert "is still to be heard" in finding(change, waiting).what
    assert wakes_at(change, waiting) == late + MINUTE
    assert done(change, written(MONDAY + MINUTE), waiting).votes[0].at == MONDAY + MINUTE
    assert done(change, Event(Act.REJECT), context(late, unheard_since=MONDAY + DAY)).state is State.DRAFT
    assert guards.unheard(authorised(), waiting) is None
