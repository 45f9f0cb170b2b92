"""What is told while the system that keeps a record's twin cannot be asked."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.changes.faults import Fault, Faults

AT = datetime(2026, 11, 29, 13, 5, tzinfo=UTC)
DOWN, PAGE, CUT = "ServiceNow has answered 503", "ServiceNow has answered with a page", "ServiceNow has broken off"


def after(*met: str, before: Faults = Faults()) -> Faults:  # noqa: B008 - it cannot be changed
    """Attempts in a row, a minute apart."""
    for minute, what in enumerate(met):
        before = before.after(what, AT + timedelta(minutes=minute))
    return before


def test_the_second_attempt_that_fails_in_one_way_is_told_with_when_the_first_did() -> None:
    assert after(DOWN).told is None
    assert after(DOWN, DOWN).told == Fault(DOWN, AT)


def test_however_often_it_is_tried_again_nothing_new_is_told() -> None:
    assert after(*[DOWN] * 9) == after(DOWN, DOWN)


def test_another_way_of_failing_is_told_when_it_lasts() -> None:
    assert after(DOWN, DOWN, PAGE).told == Fault(DOWN, AT)
    assert after(DOWN, DOWN, PAGE, PAGE).told == Fault(PAGE, AT + timedelta(minutes=2))


def test_what_is_told_already_is_as_old_as_it_was() -> None:
    assert after(DOWN, DOWN, PAGE, DOWN, DOWN).told == Fault(DOWN, AT)


def test_a_system_that_fails_in_another_way_each_time_keeps_the_words_of_the_first() -> None:
    assert after(DOWN, DOWN, PAGE, CUT, PAGE, CUT, DOWN, PAGE).told == Fault(DOWN, AT)
    assert after(DOWN, PAGE, CUT).told is None


@given(st.lists(st.sampled_from([DOWN, PAGE, CUT]), max_size=20))
def test_what_is_told_was_met_twice_in_a_row_and_changes_only_then(met: list[str]) -> None:
    faults = Faults()
    for place, what in enumerate(met):
        told, faults = faults.told, faults.after(what, AT + timedelta(minutes=place))
        if faults.told != told:
            assert faults.told is not None
            assert met[place - 1 : place + 1] == [what, what] == [faults.told.what] * 2


def test_people_read_what_since_when_and_that_nothing_is_lost() -> None:
    assert Fault(DOWN, AT).spoken(timedelta(minutes=15)) == (
        "ServiceNow has answered 503 since 2026-11-29 13:05 UTC; Countersign tries again by itself, at least every "
        "15 minutes unless it is asked to wait longer. Nothing is lost."
    )
