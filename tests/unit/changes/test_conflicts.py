"""Changes at the same time, of the same thing or of things that the policy keeps apart."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.changes.conflicts import (
    Conflict,
    Others,
    Place,
    conflicts,
    findings,
    holds,
    others_of,
    place_of,
    rank,
)
from bot.changes.model import Change, Declaration, Request, Routing, State
from bot.decide.verdict import Verdict
from bot.deployments.windows import Interval
from bot.policy.model import ChangeType
from tests.unit.builders import account
from tests.unit.changes.builders import MONDAY, SATURDAY, WEEKEND, authorised, contents, draft

EXCLUSIVE = (("payments", "cards"), ("CI7", "CI8"))


def planned(number: int, **changes: Any) -> Change:
    inside = contents(**{"head": f"{number:040}", **changes})
    return replace(draft(), number=f"CHG-2027-{number:04}", contents=inside)


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


def test_the_same_commit_for_two_branches_is_in_nobodys_way() -> None:
    same = planned(2, head=ONE.contents.head)
    assert conflicts(ONE, [same], ()) == conflicts(same, [ONE], ()) == ()
    assert others_of(ONE, [replace(same, request=Request(account("ana"), MONDAY))], ()) == Others()
    elsewhere = replace(same, subject="pull:78:7")
    assert len(conflicts(ONE, [elsewhere], ())) == 1, "in another repository it is another change"


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


# Who comes first.


ASKED = replace(planned(2), request=Request(account("ana"), MONDAY + timedelta(hours=1)))
AUTHORISED = replace(authorised(), number="CHG-2027-0003")


def urgent(number: int, **changes: Any) -> Change:
    said = Declaration(account("rosa"), MONDAY + timedelta(hours=9), "Payments are down.", "INC1")
    return replace(planned(number, kind=ChangeType.EMERGENCY), emergency=said, **changes)


EMERGENCY = urgent(4, request=Request(account("rosa"), MONDAY + timedelta(hours=9)))


def test_an_emergency_comes_first_then_what_is_authorised_then_what_was_asked_for_then_drafts() -> None:
    order = [EMERGENCY, AUTHORISED, ASKED, ONE]
    assert sorted([ONE, AUTHORISED, EMERGENCY, ASKED], key=rank) == order
    assert rank(urgent(1)) > rank(ASKED), "one that nobody asked the board for is a draft"


def test_of_two_alike_the_earlier_comes_first() -> None:
    late = replace(planned(1), request=Request(account("ana"), MONDAY + timedelta(hours=2)))
    assert rank(ASKED) < rank(late)
    assert rank(ONE) < rank(planned(2)) < rank(replace(planned(1), opened_at=MONDAY + timedelta(hours=1)))


def test_a_window_is_held_by_who_asked_for_it() -> None:
    assert [holds(each) for each in (EMERGENCY, AUTHORISED, ASKED, ONE)] == [True, True, True, False]
    alone = replace(ASKED, contents=contents(routing=Routing()))
    assert not holds(alone), "nobody decides about it, and nobody chose a time"
    assert holds(replace(alone, contents=replace(alone.contents, scheduled=True)))
    assert not holds(replace(ASKED, state=State.CANCELLED))


def waits(change: Change, *others: Change) -> list[str]:
    return [each.number for each in conflicts(change, others, ()) if each.first]


def test_only_who_comes_later_waits() -> None:
    every = (EMERGENCY, AUTHORISED, ASKED, ONE, planned(5))
    assert waits(EMERGENCY, *every) == []
    assert waits(AUTHORISED, *every) == [EMERGENCY.number]
    assert waits(ASKED, *every) == [AUTHORISED.number, EMERGENCY.number]
    assert waits(ONE, *every) == [ASKED.number, AUTHORISED.number, EMERGENCY.number]
    assert waits(planned(5), ONE) == [], "a draft that nobody asked for blocks nobody"


def test_others_are_planned_around_by_what_they_hold() -> None:
    early = replace(ASKED, number="CHG-2027-0006", contents=contents(window=hours(8, 12)))
    elsewhere = replace(ASKED, number="CHG-2027-0007", contents=contents(application="x", configuration_item="CI9"))
    late = replace(early, contents=contents(window=hours(20, 24)), request=Request(None, MONDAY + timedelta(days=9)))
    ended = replace(ASKED, ended_at=SATURDAY - timedelta(hours=1))
    found = others_of(ASKED, [ASKED, ONE, AUTHORISED, elsewhere, late], ())
    assert found == Others((WEEKEND, hours(20, 24)), (WEEKEND,))
    assert others_of(ONE, [early, ASKED, ended, replace(ASKED, contents=contents(window=None))], ()) == Others(
        (WEEKEND, hours(8, 12)), (WEEKEND, hours(8, 12))
    )


def test_what_others_see_of_a_change_is_its_place() -> None:
    place = place_of(replace(ONE, contents=contents(apart=("CI0012345",))))
    assert place == Place(("CI0012345",), WEEKEND, held=False, rank=3)
    assert place_of(ASKED) == Place((), WEEKEND, held=True, rank=2)
    assert place_of(AUTHORISED) == Place((), WEEKEND, held=True, rank=1)
    assert place_of(replace(ONE, state=State.CANCELLED)) is None
    assert place_of(planned(1, window=None)) is None


# What is said.


def test_what_is_said_names_the_other_change_and_when_and_whether_this_one_waits() -> None:
    assert findings(()) == ()
    [found] = findings(conflicts(ONE, [ASKED], ()))
    assert (found.id, found.verdict) == ("change:conflict", Verdict.WAIT)
    assert found.headline == "CHG-2027-0002 is planned at the same time"
    assert found.what == (
        "Planned at the same time: CHG-2027-0002 (CI0012345, 2027-01-09 02:00 to 2027-01-09 06:00 UTC)."
    )
    assert found.why.endswith("It comes first: authorised, or asked for, before this one.")
    assert "`/schedule`" in found.remedy
    [told] = findings(conflicts(ASKED, [ONE], ()))
    assert (told.id, told.verdict) == ("change:conflict", Verdict.PASS)
    assert told.what.startswith("Planned at the same time: CHG-2027-0001 (CI0012345, ")
    assert told.remedy == ""


def test_whom_it_waits_for_and_who_waits_for_it_are_told_apart() -> None:
    before, beside = findings(conflicts(ASKED, [AUTHORISED, EMERGENCY, ONE], ()))
    assert (before.id, beside.id) == ("change:conflict", "change:conflict:beside")
    assert "CHG-2027-0003" in before.what
    assert "They come first" in before.why
    assert "CHG-2027-0001" not in before.what
    assert "CHG-2027-0001" in beside.what


def test_many_others_are_counted() -> None:
    [found] = findings(conflicts(ONE, [planned(number) for number in range(2, 10)], ()))
    assert "CHG-2027-0006 (" in found.what
    assert found.what.endswith(" and 3 more.")


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
    waiting = [found for pair in (mine, theirs) for found in pair if found.first]
    assert len(waiting) <= 1, "of two, one waits at the most"


asking = st.none() | st.integers(0, 3).map(lambda hour: Request(None, MONDAY + timedelta(hours=hour)))


@given(one=changes, other=changes, requests=st.tuples(asking, asking))
def test_of_two_in_each_others_way_that_somebody_asked_for_exactly_one_waits(
    one: Change, other: Change, requests: tuple[Request | None, Request | None]
) -> None:
    mine, theirs = replace(one, request=requests[0]), replace(other, request=requests[1], number="CHG-2027-0009")
    found = [*conflicts(mine, [theirs], EXCLUSIVE), *conflicts(theirs, [mine], EXCLUSIVE)]
    asked = any(requests)
    assert len([each for each in found if each.first]) == (1 if found and asked else 0)
