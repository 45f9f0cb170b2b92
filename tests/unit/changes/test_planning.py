"""When a change is planned: kept while it may be used, clear of what others hold, and after the board's time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.changes.conflicts import Others
from bot.changes.context import Context
from bot.changes.model import Change, Contents, Routing, State
from bot.changes.planning import for_board, next_free, planned, released_within
from bot.deployments.windows import Interval
from bot.policy.model import ChangeType, Policy, Tier, TierRules, Window
from tests.unit.changes.builders import (
    MONDAY,
    SATURDAY,
    WEEKEND,
    approved,
    asked,
    authorised,
    contents,
    context,
    draft,
    rules,
)

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def weekend(number: int) -> Interval:
    """That Saturday's window, counted from the first that leaves a board its time; number 3 is frozen."""
    return Interval(WEEKEND.start + number * WEEK, WEEKEND.end + number * WEEK)


def where(
    at: datetime = MONDAY, taken: Sequence[Interval] = (), first: Sequence[Interval] | None = None, **more: Any
) -> Context:
    held = tuple(taken)
    return context(at, others=Others(held, held if first is None else tuple(first)), **more)


def window(
    change: Change | None = None, wish: Interval | None = None, inside: Contents | None = None, **known: Any
) -> tuple[Interval | None, bool]:
    told = inside or (replace(change.contents, window=None, scheduled=False) if change else contents(window=None))
    found = planned(told, change, where(**known), wish)
    assert replace(found, window=None, scheduled=False) == replace(told, window=None, scheduled=False)
    return found.window, found.scheduled


# The first plan.


def test_a_change_is_planned_for_the_first_window_that_leaves_the_board_its_time() -> None:
    assert window() == (WEEKEND, False)
    assert window(at=SATURDAY - 25 * HOUR) == (WEEKEND, False)
    assert window(at=SATURDAY - 24 * HOUR) == (WEEKEND, False)
    # The rest of a window that has begun by then is not what a board authorises.
    assert window(at=SATURDAY - 23 * HOUR) == (weekend(1), False)


def test_what_others_hold_is_passed_over() -> None:
    assert window(taken=[WEEKEND]) == (weekend(1), False)
    assert window(taken=[Interval(WEEKEND.end - HOUR, WEEKEND.end + DAY)]) == (weekend(1), False)
    assert window(taken=[Interval(WEEKEND.end, WEEKEND.end + DAY)]) == (WEEKEND, False)


def test_where_nothing_is_free_the_first_of_all_is_told() -> None:
    for_ever = Interval(MONDAY, MONDAY + 1000 * DAY)
    assert window(taken=[for_ever]) == (WEEKEND, False)
    assert window(taken=[for_ever], policy=replace(rules(), calendar=replace(rules().calendar, windows=()))) == (
        None,
        False,
    )


def test_of_a_time_without_an_end_a_free_day_is_planned() -> None:
    low = contents(window=None, routing=Routing(), kind=ChangeType.NORMAL)
    anytime = replace(rules(), tiers={**rules().tiers, low.tier: TierRules(rules().tiers[low.tier].approvals)})
    day = Interval(MONDAY, MONDAY + DAY)
    assert next_free(low, anytime, MONDAY, ()) == day
    assert next_free(low, anytime, MONDAY, [Interval(MONDAY + HOUR, MONDAY + 2 * HOUR)]) == Interval(
        MONDAY + 2 * HOUR, MONDAY + 26 * HOUR
    )
    # What a board authorises is a whole window; of one that is longer than a day, it may be a day.
    board = replace(low, routing=contents().routing)
    assert next_free(board, anytime, MONDAY, ()) == day


def test_without_a_board_the_rest_of_a_window_is_enough() -> None:
    alone = contents(window=None, routing=Routing())
    assert next_free(alone, rules(), SATURDAY + HOUR, ()) == Interval(SATURDAY + HOUR, WEEKEND.end)
    assert next_free(contents(window=None), rules(), SATURDAY + HOUR, ()) == weekend(1)


def test_an_emergency_begins_at_once_and_gives_way_to_nobody() -> None:
    urgent = contents(window=None, kind=ChangeType.EMERGENCY)
    now = Interval(MONDAY, MONDAY + DAY)
    assert window(inside=urgent, taken=[now]) == (now, False)
    declared = replace(draft(kind=ChangeType.EMERGENCY, window=now), state=State.DRAFT)
    assert window(declared, taken=[now]) == (now, False)
    deciding = replace(asked(), contents=replace(urgent, window=now))
    assert window(deciding, at=MONDAY + DAY) == (Interval(MONDAY + DAY, MONDAY + 2 * DAY), False)


def test_an_emergency_is_at_once_whatever_somebody_wished_for_before() -> None:
    urgent = contents(window=None, kind=ChangeType.EMERGENCY)
    assert window(inside=urgent, wish=WEEKEND) == (Interval(MONDAY, MONDAY + DAY), False)
    now = Interval(MONDAY, MONDAY + DAY)
    declared = replace(draft(kind=ChangeType.EMERGENCY, window=now), state=State.DRAFT)
    assert window(declared, wish=WEEKEND) == (now, False)


# What is kept.


def test_a_window_is_kept_while_it_may_be_used() -> None:
    assert window(draft(), at=SATURDAY - HOUR) == (WEEKEND, False)
    assert window(draft(), at=WEEKEND.end - HOUR) == (WEEKEND, False)
    assert window(draft(), at=WEEKEND.end) == (weekend(1), False)
    # A window that the calendar has no more is given up.
    assert window(draft(window=Interval(MONDAY, MONDAY + HOUR))) == (WEEKEND, False)
    assert window(draft(window=weekend(3))) == (WEEKEND, False), "it is frozen"
    assert window(draft(window=None)) == (WEEKEND, False)


def test_only_whoever_comes_first_moves_a_change() -> None:
    for change in (draft(), asked()):
        assert window(change, taken=[WEEKEND]) == (weekend(1), False)
        assert window(change, taken=[WEEKEND], first=[]) == (WEEKEND, False)


def test_what_a_board_has_begun_to_vote_about_stays_where_it_is() -> None:
    assert window(approved(by=("ida",)), taken=[WEEKEND]) == (WEEKEND, False)
    earlier = replace(approved(by=("ida",)), round=2)
    assert window(earlier, taken=[WEEKEND]) == (weekend(1), False), "nobody has voted in this round"
    assert window(authorised(), taken=[WEEKEND]) == (WEEKEND, False)


def test_what_was_authorised_for_a_time_is_not_authorised_for_another_by_that_time_passing() -> None:
    assert window(authorised(), at=WEEKEND.end + DAY) == (WEEKEND, False)
    closed = replace(rules(), calendar=replace(rules().calendar, windows=()))
    assert window(authorised(), policy=closed) == (None, False)


def test_what_no_board_authorised_moves_by_itself() -> None:
    alone = replace(authorised(), contents=contents(routing=Routing()))
    assert window(alone, taken=[WEEKEND]) == (weekend(1), False)
    assert window(alone, at=WEEKEND.end) == (weekend(1), False)


def test_a_window_is_planned_after_the_time_that_the_board_has_now() -> None:
    change = replace(asked(), deadline=SATURDAY + HOUR)
    assert window(change, taken=[WEEKEND]) == (weekend(1), False)
    gone = replace(change, contents=replace(change.contents, window=None), deadline=MONDAY + 2 * DAY)
    assert window(gone) == (WEEKEND, False)


# What somebody chose.


def test_what_somebody_chose_holds_while_it_may_be_used() -> None:
    assert window(wish=weekend(1)) == (weekend(1), True)
    assert window(draft(), wish=weekend(1), taken=[weekend(1)]) == (weekend(1), True)
    assert window(draft(), wish=WEEKEND) == (WEEKEND, True)
    assert window(draft(), wish=Interval(MONDAY, MONDAY + HOUR)) == (WEEKEND, False), "the calendar has no such window"
    assert window(draft(), wish=WEEKEND, at=WEEKEND.end) == (weekend(1), False)
    # One that was chosen elsewhere is no wish here, and stays all the same.
    chosen = draft(window=weekend(1), scheduled=True)
    assert window(chosen, taken=[weekend(1)]) == (weekend(1), True)


# The board's time.


def times(at: datetime, taken: Sequence[Interval] = (), **inside: Any) -> tuple[Interval | None, bool, datetime]:
    found, until = for_board(contents(**inside), where(at, taken))
    return found.window, found.scheduled, until


def test_a_board_has_all_of_its_time_before_the_window() -> None:
    assert times(MONDAY) == (WEEKEND, False, MONDAY + DAY)
    late = SATURDAY - 10 * HOUR
    assert times(late) == (weekend(1), False, late + DAY)
    assert times(late, [weekend(1)]) == (weekend(2), False, late + DAY)
    assert times(late, [weekend(1), weekend(2)]) == (weekend(4), False, late + DAY)
    assert times(MONDAY, [WEEKEND]) == (weekend(1), False, MONDAY + DAY)
    assert times(MONDAY, window=None) == (WEEKEND, False, MONDAY + DAY)


def test_where_somebody_chose_the_window_the_board_decides_before_it() -> None:
    late = SATURDAY - 10 * HOUR
    assert times(late, scheduled=True) == (WEEKEND, True, SATURDAY)
    assert times(MONDAY, scheduled=True) == (WEEKEND, True, MONDAY + DAY)
    assert times(MONDAY, [WEEKEND], scheduled=True) == (WEEKEND, True, MONDAY + DAY)
    # One that has begun can still be used until it ends.
    assert times(SATURDAY + HOUR, scheduled=True) == (WEEKEND, True, WEEKEND.end)
    assert times(WEEKEND.end, scheduled=True) == (weekend(1), False, WEEKEND.end + DAY)


def test_an_emergency_has_its_own_time() -> None:
    short = Routing(("cab",), 1, (), 4 * HOUR)
    assert times(SATURDAY, kind=ChangeType.EMERGENCY, routing=short) == (WEEKEND, False, SATURDAY + 4 * HOUR)


# What always holds.

moments = st.integers(0, 24 * 40).map(lambda hours: MONDAY + hours * HOUR)
spans = st.tuples(moments, st.integers(1, 24 * 10)).map(lambda pair: Interval(pair[0], pair[0] + pair[1] * HOUR))


@st.composite
def bank(draw: st.DrawFn) -> Policy:
    daily = Window("FREQ=DAILY;BYHOUR=9;BYMINUTE=0", draw(st.integers(1, 30)) * HOUR)
    calendar = rules().calendar
    kept = calendar.windows if draw(st.booleans()) else (("weekend", (daily,)),)
    return replace(rules(), calendar=replace(calendar, windows=kept))


@given(at=moments, taken=st.lists(spans, max_size=6), policy=bank(), board=st.booleans())
def test_a_plan_is_free_where_there_is_one_stays_where_it_is_and_leaves_the_board_its_time(
    at: datetime, taken: list[Interval], policy: Policy, board: bool
) -> None:
    inside = contents(window=None, routing=contents().routing if board else Routing())
    here = where(at, taken, policy=policy)
    found = planned(inside, None, here)
    assert found.window is not None
    assert not any(found.window.overlaps(each) for each in taken), "ten days of six others leave a window free"
    assert found.window.start >= at + inside.routing.timeout
    change = replace(draft(), contents=found)
    assert planned(inside, change, here) == found, "looking again moves nothing"
    end = found.window.end - HOUR / 2
    for later in (min(at + HOUR, end), end):
        assert planned(inside, change, replace(here, now=later)) == found
    asked_for, until = for_board(found, here)
    assert asked_for == found
    if board:
        assert until <= found.window.start


@given(at=moments, start=spans, taken=st.lists(spans, max_size=6), chosen=st.booleans())
def test_no_board_is_asked_until_after_the_window_that_it_decides_about(
    at: datetime, start: Interval, taken: list[Interval], chosen: bool
) -> None:
    found, until = for_board(contents(window=start, scheduled=chosen), where(at, taken))
    assert until > at
    assert found.window is not None
    assert until <= found.window.end
    assert found.scheduled or until <= found.window.start


# When its board has it released.


def any_time() -> Policy:
    """The bank's rules, without a window for what is high."""
    high = replace(rules().tiers[Tier.HIGH], windows=())
    return replace(rules(), tiers={**rules().tiers, Tier.HIGH: high})


def test_what_is_authorised_is_released_in_the_window_that_the_policy_demands() -> None:
    assert released_within(authorised(), where()) == WEEKEND


def test_without_a_window_that_is_demanded_it_may_be_released_from_when_it_is_authorised() -> None:
    change, free = authorised(), where(policy=any_time())
    assert released_within(change, free) == Interval(MONDAY, WEEKEND.end)
    assert released_within(asked(), free) == WEEKEND, "it is not authorised yet"


def test_a_time_that_somebody_chose_or_holds_before_is_waited_for() -> None:
    change = authorised()
    chosen = replace(change, contents=replace(change.contents, scheduled=True))
    assert released_within(chosen, where(policy=any_time())) == WEEKEND
    tuesday = Interval(MONDAY + DAY, MONDAY + DAY + HOUR)
    assert released_within(change, where(taken=[tuesday], policy=any_time())) == WEEKEND
    begun = replace(change, contents=replace(change.contents, window=Interval(MONDAY - HOUR, MONDAY + HOUR)))
    assert released_within(begun, where(policy=any_time())) == begun.contents.window


def test_nobody_has_released_at_a_time_what_none_decides_about() -> None:
    for other in (contents(Tier.LOW), contents(window=None), contents(window=None, scheduled=True)):
        assert released_within(replace(authorised(), contents=other), where()) is None


def test_a_time_that_was_chosen_binds_where_no_board_decides_until_it_is_over() -> None:
    change = draft(Tier.LOW, window=WEEKEND, scheduled=True)
    assert released_within(change, where()) == WEEKEND
    assert released_within(change, where(WEEKEND.end - HOUR)) == WEEKEND
    assert released_within(change, where(WEEKEND.end)) is None


def test_an_emergency_is_released_from_when_it_is_authorised_until_its_time_is_up() -> None:
    inside = contents(kind=ChangeType.EMERGENCY)
    assert released_within(replace(authorised(), contents=inside), where()) == Interval(MONDAY, MONDAY + 4 * HOUR)
    assert released_within(replace(asked(), contents=inside), where()) is None
