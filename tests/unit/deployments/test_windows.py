"""Windows, holidays and freezes, in the nights in which clocks jump and on the days that banks know."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deployments.windows import (
    HORIZON,
    Interval,
    allowed,
    common,
    frozen,
    holiday,
    hours,
    is_open,
    merged,
    next_slot,
    occurrences,
    problem,
    without,
)
from bot.policy.model import Calendar, ChangeType, Freeze, Window

NORMAL, EMERGENCY = ChangeType.NORMAL, ChangeType.EMERGENCY
WEEKEND = Window("FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0", timedelta(hours=4))
NIGHT = Window("FREQ=WEEKLY;BYDAY=SA;BYHOUR=22;BYMINUTE=0", timedelta(hours=8))
OFFICE = Window("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH;BYHOUR=9;BYMINUTE=0", timedelta(hours=8))
LONDON = Calendar(
    timezone="Europe/London",
    holidays="GB-ENG",
    windows=(("weekend", (WEEKEND,)), ("office", (OFFICE,)), ("night", (NIGHT,))),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Interval:
    return Interval(utc(start), utc(end))


def once(at: str, length: timedelta) -> Window:
    """A window that opens once, at that time on the wall."""
    day = datetime.fromisoformat(at)
    return Window(
        f"FREQ=YEARLY;BYMONTH={day.month};BYMONTHDAY={day.day};BYHOUR={day.hour};BYMINUTE={day.minute}", length
    )


@pytest.mark.parametrize(
    ("zone", "around", "expected", "lasts"),
    [
        ("Europe/London", ("2027-03-27", "2027-03-29"), ("2027-03-27T22:00", "2027-03-28T05:00"), 7),
        ("Europe/London", ("2026-10-24", "2026-10-26"), ("2026-10-24T21:00", "2026-10-25T06:00"), 9),
        ("America/New_York", ("2027-03-13T12", "2027-03-15"), ("2027-03-14T03:00", "2027-03-14T10:00"), 7),
        ("America/New_York", ("2026-10-31T12", "2026-11-02"), ("2026-11-01T02:00", "2026-11-01T11:00"), 9),
        ("America/New_York", ("2027-07-10T12", "2027-07-12"), ("2027-07-11T02:00", "2027-07-11T10:00"), 8),
    ],
)
def test_a_night_ends_by_the_clock_on_the_wall(
    zone: str, around: tuple[str, str], expected: tuple[str, str], lasts: int
) -> None:
    [found] = occurrences(NIGHT, zone, span(*around))
    assert found == span(*expected)
    assert found.length == timedelta(hours=lasts)


@pytest.mark.parametrize(
    ("zone", "starts", "opens"),
    [
        ("Europe/London", "2027-03-28T01:30", "2027-03-28T01:00"),
        ("America/New_York", "2027-03-14T02:30", "2027-03-14T07:00"),
    ],
)
def test_a_window_that_begins_in_a_skipped_hour_opens_at_the_jump(zone: str, starts: str, opens: str) -> None:
    window = once(starts, timedelta(days=2))
    [found] = occurrences(window, zone, Interval(utc(starts) - timedelta(days=1), utc(starts) + timedelta(days=5)))
    assert found.start == utc(opens)


def test_a_freeze_that_begins_on_a_skipped_day_begins_at_the_jump() -> None:
    freeze = Freeze("samoa", first=datetime(2011, 12, 30, 12), last=date(2012, 1, 5))  # noqa: DTZ001 - on the wall
    calendar = Calendar(timezone="Pacific/Apia", freezes=(freeze,))
    assert allowed(calendar, (), NORMAL, span("2011-12-29", "2012-01-02")) == (span("2011-12-29", "2011-12-30T10:00"),)


@pytest.mark.parametrize(
    ("zone", "ends", "closes", "thaws"),
    [
        ("Europe/London", "2026-10-25T01:30", "2026-10-25T00:30", "2026-10-25T01:30"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30", "2026-11-01T06:30"),
        ("Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-03T14:45", "2027-04-03T15:15"),
    ],
)
def test_of_a_time_that_is_shown_twice_a_window_ends_at_the_first_and_a_freeze_at_the_last(
    zone: str, ends: str, closes: str, thaws: str
) -> None:
    start = datetime.fromisoformat(ends) - timedelta(hours=5)
    window = once(start.isoformat(), timedelta(hours=5))
    around = Interval(utc(ends) - timedelta(days=2), utc(ends) + timedelta(days=2))
    [open_] = occurrences(window, zone, around)
    assert open_.end == utc(closes)
    calendar = Calendar(timezone=zone, freezes=(Freeze("night", window.rrule, window.duration),))
    [_, thawed] = allowed(calendar, (), NORMAL, around)
    assert thawed.start == utc(thaws)


def test_of_a_time_that_is_shown_twice_a_window_begins_at_the_last_and_a_freeze_at_the_first() -> None:
    start = once("2026-10-25T01:30", timedelta(hours=2))
    around = span("2026-10-24", "2026-10-27")
    assert occurrences(start, "Europe/London", around) == (span("2026-10-25T01:30", "2026-10-25T03:30"),)
    calendar = Calendar(timezone="Europe/London", freezes=(Freeze("night", start.rrule, start.duration),))
    assert allowed(calendar, (), NORMAL, around)[0].end == utc("2026-10-25T00:30")


def test_a_window_inside_of_a_jump_does_not_open() -> None:
    inside = once("2027-03-28T01:15", timedelta(minutes=30))
    assert occurrences(inside, "Europe/London", span("2027-03-27", "2027-03-30")) == ()
    twice = once("2026-10-25T01:15", timedelta(minutes=30))
    assert occurrences(twice, "Europe/London", span("2026-10-24", "2026-10-27")) == ()


def test_a_window_is_open_from_its_first_moment_to_just_before_its_last() -> None:
    assert not is_open(LONDON, "weekend", utc("2027-01-09T01:59:59"))
    assert is_open(LONDON, "weekend", utc("2027-01-09T02:00"))
    assert is_open(LONDON, "weekend", utc("2027-01-09T05:59:59"))
    assert not is_open(LONDON, "weekend", utc("2027-01-09T06:00"))
    assert not is_open(LONDON, "another", utc("2027-01-09T02:00"))


def test_the_next_slot_on_its_own_day_is_not_in_the_past() -> None:
    slot = next_slot(LONDON, (("weekend",),), NORMAL, utc("2027-01-09T07:00"))
    assert slot == span("2027-01-16T02:00", "2027-01-16T06:00")


def test_what_takes_longer_than_is_left_waits_for_the_next_slot() -> None:
    now = utc("2027-01-09T04:00")
    sets = (("weekend",),)
    assert hours(LONDON, sets, NORMAL, now, timedelta(hours=2)).open
    late = hours(LONDON, sets, NORMAL, now + timedelta(seconds=1), timedelta(hours=2))
    assert not late.open
    assert late.because == ("It takes 2 h 00 min, and must be done by 2027-01-09 06:00 GMT.",)
    assert late.until == utc("2027-01-16T02:00")
    assert hours(LONDON, sets, NORMAL, now, timedelta(hours=2)).until == now
    assert (
        hours(LONDON, sets, NORMAL, utc("2027-01-09T05:50"), timedelta(minutes=15))
        .because[0]
        .startswith("It takes 15 min")
    )
    assert next_slot(LONDON, sets, NORMAL, now, timedelta(hours=5)) is None
    assert hours(LONDON, sets, NORMAL, now, timedelta(hours=5)).until is None


def test_of_every_set_one_window_must_be_open() -> None:
    both = (("weekend", "office"), ("office",))
    now = utc("2027-01-09T03:00")
    assert hours(LONDON, (("weekend", "office"),), NORMAL, now).open
    closed = hours(LONDON, both, NORMAL, now)
    assert closed.because == ("None of the windows `office` is open.",)
    assert closed.until == utc("2027-01-11T09:00")


def test_all_definitions_of_a_window_must_be_open() -> None:
    tightened = replace(LONDON, windows=(("office", (OFFICE, replace(OFFICE, duration=timedelta(hours=3)))),))
    slot = next_slot(tightened, (("office",),), NORMAL, utc("2027-01-11T00:00"))
    assert slot == span("2027-01-11T09:00", "2027-01-11T12:00")


def test_a_window_that_is_not_defined_never_opens_and_says_so() -> None:
    closed = hours(LONDON, (("sunday",),), NORMAL, utc("2027-01-09T03:00"))
    assert closed == type(closed)(
        open=False,
        because=("None of the windows `sunday` is open.", "The calendar has no window `sunday`."),
        until=None,
        slot=None,
    )


def test_without_a_window_any_time_will_do_that_is_not_frozen() -> None:
    now = utc("2027-01-01T12:00")
    found = hours(LONDON, (), NORMAL, now)
    assert found.open
    assert found.until is None
    assert found.slot == Interval(now, now + HORIZON)


def test_no_window_is_open_on_a_holiday() -> None:
    now = utc("2027-03-29T10:00")
    closed = hours(LONDON, (("office",),), NORMAL, now)
    assert closed.because == ("It is a holiday: Easter Monday (GB-ENG).",)
    assert closed.until == utc("2027-03-30T08:00")
    assert holiday(LONDON, now) == "Easter Monday"
    assert holiday(LONDON, utc("2027-03-30T10:00")) == ""
    assert holiday(replace(LONDON, holidays=""), now) == ""
    assert not is_open(LONDON, "office", now)
    # In summer time, midnight of London is an hour before that of UTC.
    assert holiday(LONDON, utc("2027-03-28T22:59")) == ""
    assert holiday(LONDON, utc("2027-03-28T23:00")) == "Easter Monday"


def test_a_window_over_midnight_ends_where_a_holiday_begins() -> None:
    calendar = replace(LONDON, windows=(("night", (Window("FREQ=DAILY;BYHOUR=22", timedelta(hours=8)),)),))
    found = allowed(calendar, (("night",),), NORMAL, span("2027-12-24T12:00", "2027-12-25T12:00"))
    assert found == (span("2027-12-24T22:00", "2027-12-25T00:00"),)


def quarter_end(region: str) -> list[date]:
    """The last three business days of a quarter: what a freeze counted from the end of the month must not miss."""
    calendar = Calendar(timezone="Europe/London", holidays=region, windows=(("day", (_DAY,)),))
    found = allowed(calendar, (("day",),), NORMAL, span("2027-03-20T12:00", "2027-04-01T00:00"))
    return [each.start.date() for each in found][-3:]


_DAY = Window("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=10;BYMINUTE=0", timedelta(hours=1))


@pytest.mark.parametrize(("region", "days"), [("XECB", (25, 30, 31)), ("GB-ENG", (25, 30, 31)), ("US", (29, 30, 31))])
def test_business_days_are_those_of_the_region(region: str, days: tuple[int, ...]) -> None:
    assert quarter_end(region) == [date(2027, 3, day) for day in days]


@pytest.mark.parametrize(
    ("month", "days"), [(3, (27, 30, 31)), (6, (26, 29, 30)), (9, (28, 29, 30)), (12, (29, 30, 31))]
)
def test_the_last_business_days_of_a_quarter_are_a_rule(month: int, days: tuple[int, ...]) -> None:
    rule = "FREQ=MONTHLY;BYMONTH=3,6,9,12;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-3,-2,-1"
    year = span(f"2026-{month:02}-01", f"2026-{month:02}-28")
    around = Interval(year.start, year.end + timedelta(days=4))
    found = occurrences(Window(rule, timedelta(hours=1)), "UTC", around)
    assert [each.start.date().day for each in found] == list(days)


QUARTER = Freeze("quarter end", "FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=-3", timedelta(days=5), excepted=(EMERGENCY,))
TAX = Freeze("tax season", first=date(2027, 1, 24), last=date(2027, 2, 1))


def test_a_freeze_closes_every_window_but_for_what_it_excepts() -> None:
    calendar = replace(LONDON, holidays="", freezes=(QUARTER,))
    now = utc("2027-07-02T12:00")
    closed = hours(calendar, (), NORMAL, now)
    assert closed.because == ("The freeze `quarter end` lasts until 2027-07-03 00:00 BST.",)
    assert closed.until == utc("2027-07-02T23:00")
    assert hours(calendar, (("weekend",),), EMERGENCY, now).open
    assert [freeze.name for freeze, _ in frozen(calendar, NORMAL, now)] == ["quarter end"]
    assert frozen(calendar, EMERGENCY, now) == ()
    # The freeze began in the month before and began in UTC an hour before midnight.
    assert frozen(calendar, NORMAL, utc("2027-06-27T22:59")) == ()
    assert frozen(calendar, NORMAL, utc("2027-06-27T23:00"))


def test_a_freeze_from_one_day_to_another_contains_both() -> None:
    calendar = Calendar(freezes=(TAX,))
    around = span("2027-01-20", "2027-02-10")
    assert allowed(calendar, (), NORMAL, around) == (
        span("2027-01-20", "2027-01-24"),
        span("2027-02-02", "2027-02-10"),
    )
    emergency = hours(calendar, (("weekend",),), EMERGENCY, utc("2027-02-01T23:59:59"))
    assert emergency.because == ("The freeze `tax season` lasts until 2027-02-02 00:00 UTC.",)


def test_a_freeze_can_be_given_by_moments_and_be_open_at_an_end() -> None:
    start = datetime(2027, 1, 5, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
    calendar = Calendar(timezone="Europe/London", freezes=(Freeze("since", first=start),))
    around = span("2027-01-01", "2027-02-01")
    assert allowed(calendar, (), NORMAL, around) == (span("2027-01-01", "2027-01-05T03:00"),)
    before = Freeze("until", last=datetime(2027, 1, 5, 12))  # noqa: DTZ001 - on the wall
    assert allowed(replace(calendar, freezes=(before,)), (), NORMAL, around) == (
        span("2027-01-05T12:00", "2027-02-01"),
    )
    assert allowed(replace(calendar, freezes=(Freeze("always"),)), (), NORMAL, around) == ()
    backwards = Freeze("backwards", first=date(2027, 1, 9), last=date(2027, 1, 5))
    assert allowed(replace(calendar, freezes=(backwards,)), (), NORMAL, around) == (around,)


def test_a_freeze_until_further_notice_lasts_and_one_from_of_old_has_begun() -> None:
    always = Calendar(timezone="Pacific/Kiritimati", freezes=(Freeze("f", first=date.min, last=date.max),))
    assert hours(always, (), NORMAL, utc("2027-01-05T12:00")).until is None
    assert frozen(always, NORMAL, utc("2027-01-05T12:00"))
    moments = Freeze("f", first=datetime.min.replace(tzinfo=ZoneInfo("Asia/Tokyo")), last=datetime(9999, 12, 31))  # noqa: DTZ001 - on the wall
    assert not hours(Calendar(freezes=(moments,)), (), NORMAL, utc("2027-01-05T12:00")).open
    over = Freeze("f", first=date.min, last=date(1, 1, 2))
    assert hours(Calendar(freezes=(over,)), (), NORMAL, utc("2027-01-05T12:00")).open


def test_windows_that_open_as_often_as_they_may_are_compared_in_passing() -> None:
    often = Window("FREQ=DAILY;BYHOUR=0,2,4,6,8,10,12,14,16,18,20,22;BYMINUTE=0", timedelta(minutes=30))
    later = replace(often, rrule=often.rrule.replace("BYMINUTE=0", "BYMINUTE=15"))
    calendar = Calendar(windows=(("w", (often, later)),), freezes=(Freeze("f", later.rrule, timedelta(minutes=1)),))
    now = utc("2027-01-05T12:00")
    began = process_time()
    found = hours(calendar, (("w",), ("w",)), NORMAL, now)
    assert process_time() - began < 3, "each with each, it is minutes"
    assert found.slot == span("2027-01-05T12:16", "2027-01-05T12:30")


def test_a_freeze_that_begins_a_second_after_the_approval_still_closes() -> None:
    calendar = Calendar(freezes=(Freeze("event", first=datetime(2027, 1, 5, 12, 0, 1, tzinfo=UTC)),))
    assert hours(calendar, (), NORMAL, utc("2027-01-05T12:00:00")).open
    assert not hours(calendar, (), NORMAL, utc("2027-01-05T12:00:02")).open


@pytest.mark.parametrize(
    ("calendar", "sentence"),
    [
        (Calendar(timezone="Europe/Londn"), "There is no time zone `Europe/Londn`."),
        (Calendar(timezone="../passwd"), "There is no time zone `../passwd`."),
        (Calendar(holidays="GB-QQQ"), "There is no calendar of holidays `GB-QQQ`."),
        (Calendar(holidays="QQQQ"), "There is no calendar of holidays `QQQQ`."),
        (
            Calendar(windows=(("w", (Window("FREQ=DAILY;INTERVAL=0", timedelta(1)),)),)),
            "The rule of the window `w` cannot be used. `INTERVAL` must be a number from 1 to 999, not `0`.",
        ),
        (
            Calendar(freezes=(Freeze("f", "FREQ=MINUTELY", timedelta(1)),)),
            "The rule of the freeze `f` cannot be used. `FREQ` must be DAILY, WEEKLY, MONTHLY or YEARLY, not `MINUTELY`.",
        ),
        (
            Calendar(freezes=(Freeze("f", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", timedelta(1)),)),
            "The rule of the freeze `f` cannot be used. It never occurs, at least not before 2056.",
        ),
    ],
)  # fmt: skip
def test_a_calendar_that_cannot_be_used_is_never_open_and_says_why(calendar: Calendar, sentence: str) -> None:
    now = utc("2027-01-05T12:00")
    assert problem(calendar) == sentence
    assert hours(calendar, (), EMERGENCY, now).because == (sentence,)
    assert next_slot(calendar, (), NORMAL, now) is None
    assert holiday(calendar, now) == ""
    assert frozen(calendar, NORMAL, now) == ()
    assert not is_open(calendar, "w", now)


def test_occurrences_of_what_cannot_be_used_are_an_error() -> None:
    with pytest.raises(ValueError, match="Mars"):
        occurrences(WEEKEND, "Mars/Olympus", span("2027-01-01", "2027-01-02"))
    with pytest.raises(ValueError, match="OFTEN"):
        occurrences(Window("FREQ=OFTEN", timedelta(1)), "UTC", span("2027-01-01", "2027-01-02"))


def test_every_second_week_is_always_the_same_one() -> None:
    rule = Window("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA", timedelta(hours=4))
    found = occurrences(rule, "UTC", span("2026-12-01", "2027-02-01"))
    later = occurrences(rule, "UTC", span("2027-01-02", "2027-02-01"))
    assert [each.start.date() for each in found] == [date(2026, 12, 12), date(2026, 12, 26), *_dates(later)]
    assert {(after.start - before.start).days for before, after in pairwise(found)} == {14}


def _dates(intervals: tuple[Interval, ...]) -> list[date]:
    return [each.start.date() for each in intervals]


ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"]
moments = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
pieces = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 40)).map(
        lambda pair: Interval(
            utc("2027-01-01") + timedelta(hours=pair[0]), utc("2027-01-01") + timedelta(hours=sum(pair))
        )
    ),
    max_size=8,
)


@given(first=pieces, second=pieces, hour=st.integers(-2, 250))
def test_sets_of_moments_are_what_their_names_say(first: list[Interval], second: list[Interval], hour: int) -> None:
    moment = utc("2027-01-01") + timedelta(hours=hour)

    def inside(intervals: object) -> bool:
        assert isinstance(intervals, list | tuple)
        return any(moment in each for each in intervals)

    one, other = merged(first), merged(second)
    assert inside(one) == inside(first)
    assert inside(common(one, other)) == (inside(first) and inside(second))
    assert inside(without(one, second)) == (inside(first) and not inside(second))
    assert all(before.end < after.start for before, after in pairwise(one))


@given(zone=st.sampled_from(ZONES), now=moments, kind=st.sampled_from(list(ChangeType)), long=st.integers(0, 300))
def test_whatever_is_open_is_in_a_window_and_never_in_a_freeze(
    zone: str, now: datetime, kind: ChangeType, long: int
) -> None:
    calendar = replace(LONDON, timezone=zone, freezes=(QUARTER, TAX))
    sets = (("weekend", "office"),)
    lasting = timedelta(minutes=long)
    found = hours(calendar, sets, kind, now, lasting)
    assert found.open == (not found.because)
    if found.open:
        assert not frozen(calendar, kind, now)
        assert kind is EMERGENCY or any(is_open(calendar, name, now) for name in sets[0])
        assert kind is EMERGENCY or not holiday(calendar, now)
    if found.slot is not None and not found.open:
        # Nothing opens before the moment that is told, and then it does.
        assert found.until == found.slot.start > now
        assert hours(calendar, sets, kind, found.slot.start, lasting).open
        halfway = now + (found.slot.start - now) / 2
        assert not hours(calendar, sets, kind, halfway, lasting).open


RARE = Window("FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=2;BYMINUTE=0", timedelta(days=3))
YEARLY = Window("FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1;BYHOUR=2;BYMINUTE=0", timedelta(hours=9))
SOMETIMES = replace(LONDON, windows=(*LONDON.windows, ("rare", (RARE,)), ("yearly", (YEARLY,))), freezes=(QUARTER, TAX))


@given(
    names=st.lists(st.sampled_from([name for name, _ in SOMETIMES.windows]), max_size=2),
    now=moments,
    kind=st.sampled_from(list(ChangeType)),
    long=st.integers(0, 80),
)
def test_the_next_time_is_the_first_of_the_whole_horizon(
    names: list[str], now: datetime, kind: ChangeType, long: int
) -> None:
    sets, lasting = tuple((name,) for name in names), timedelta(hours=long)
    slots = allowed(SOMETIMES, sets, kind, Interval(now, now + HORIZON))
    first = next((each for each in slots if each.length >= lasting), None)
    assert hours(SOMETIMES, sets, kind, now, lasting).slot == next_slot(SOMETIMES, sets, kind, now, lasting) == first


@given(zone=st.sampled_from(ZONES), now=moments)
def test_time_is_the_same_from_wherever_it_is_told(zone: str, now: datetime) -> None:
    told = now.astimezone(ZoneInfo(zone))
    assert hours(LONDON, (("office",),), NORMAL, told) == hours(LONDON, (("office",),), NORMAL, now)
