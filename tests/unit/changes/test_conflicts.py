"""Changes at the same time, of the same thing or of things that the policy keeps apart."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.changes.conflicts import Conflict, conflicts, finding
from bot.changes.model import Change, State
from bot.decide.verdict import Verdict
from bot.deployments.windows import Interval
from tests.unit.changes.builders import SATURDAY, WEEKEND, contents, draft

EXCLUSIVE = (("payments", "cards"), ("CI7", "CI8"))


def planned(number: int, **changes: Any) -> Change:
    return replace(draft(), number=f"CHG-2027-{number:04}", contents=contents(**changes))


ONE = planned(1)


def hours(first: float, last: float) -> Interval:
    return Interval(SATURDAY + timedelta(hours=first), SATURDAY + timedelta(hours=last))


def test_two_changes_of_one_configuration_item_at_the_same_time_find_each_other() -> None:
    other = planned(2, application="another", window=hours(3, 8))
    expected = hours(3, 4)
    assert conflicts(ONE, [ONE, other], ()) == (Conflict("CHG-2027-0002", "CI0012345", expected),)
    assert conflicts(other, [ONE, other], ()) == (Conflict("CHG-2027-0001", "CI0012345", expected),)


def test_one_that_begins_where_the_other_ends_is_no_conflict() -> None:
    assert conflicts(ONE, [planned(2, window=hours(4, 8))], ()) == ()
    assert conflicts(ONE, [planned(2, window=None)], ()) == ()


def test_one_that_is_over_or_has_ended_is_no_conflict() -> None:
    for state in (State.CLOSED, State.CANCELLED):
        assert conflicts(ONE, [replace(planned(2), state=state)], ()) == ()
    early = replace(planned(2), state=State.REVIEW, ended_at=SATURDAY + timedelta(hours=1))
    assert conflicts(ONE, [early], ())[0].during == hours(0, 1)
    before = replace(early, ended_at=SATURDAY - timedelta(hours=1))
    assert conflicts(ONE, [before], ()) == ()


def test_without_a_configuration_item_it_is_the_application() -> None:
    bare = planned(1, configuration_item="")
    assert conflicts(bare, [planned(2, configuration_item="")], ())[0].over == "payments"
    assert conflicts(bare, [planned(2, configuration_item="", application="cards")], ()) == ()
    nothing = planned(1, configuration_item="", application="")
    assert conflicts(nothing, [replace(nothing, number="CHG-2027-0002")], ()) == ()


def test_of_a_declared_set_one_is_changed_at_a_time() -> None:
    cards = planned(2, application="cards", configuration_item="CI7")
    assert conflicts(ONE, [cards], EXCLUSIVE)[0].over == "one of payments and cards at a time"
    eight = planned(3, application="else", configuration_item="CI8")
    assert [each.number for each in conflicts(cards, [ONE, eight], EXCLUSIVE)] == ["CHG-2027-0001", "CHG-2027-0003"]
    assert conflicts(ONE, [eight], EXCLUSIVE) == ()


def test_what_is_said_names_the_other_change_and_when() -> None:
    assert finding(()) is None
    found = finding(conflicts(ONE, [planned(2)], ()))
    assert found is not None
    assert (found.verdict, found.headline) == (Verdict.WAIT, "CHG-2027-0002 is planned at the same time")
    assert found.what == (
        "Planned at the same time: CHG-2027-0002 (CI0012345, 2027-01-09 02:00 to 2027-01-09 06:00 UTC)."
    )
    assert ONE.contents.window == WEEKEND


windows = st.tuples(st.integers(0, 20), st.integers(1, 10)).map(lambda pair: hours(pair[0], pair[0] + pair[1]))
names = st.sampled_from(["", "payments", "cards", "loans"])
items = st.sampled_from(["", "CI7", "CI8", "CI9"])
changes = st.builds(
    lambda number, window, name, item: planned(number, window=window, application=name, configuration_item=item),
    st.integers(1, 3),
    windows,
    names,
    items,
)


@given(one=changes, other=changes)
def test_a_conflict_is_the_same_from_either_side(one: Change, other: Change) -> None:
    mine, theirs = conflicts(one, [other], EXCLUSIVE), conflicts(other, [one], EXCLUSIVE)
    assert [each.during for each in mine] == [each.during for each in theirs]
    assert [each.over for each in mine] == [each.over for each in theirs]
