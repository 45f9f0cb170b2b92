"""Rules of a calendar: what is refused, in words, and that whatever is asked comes to an end."""

from datetime import datetime
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.policy.recurrence import EXAMPLE, FIRST, MOST_A_DAY, Unusable, problem, starts

NOT_A_RULE = f"It is not a recurrence rule of RFC 5545, like `{EXAMPLE}`."
ENDLESS = f"It is one rule without beginning and end: `{EXAMPLE}`."
NEVER = "It never occurs, at least not before 2056."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", NOT_A_RULE),
        ("SATURDAYS", NOT_A_RULE),
        ("FREQ=DAILY;", NOT_A_RULE),
        ("RRULE:FREQ=DAILY\nEXDATE:20260101", "`FREQ` must be DAILY, WEEKLY, MONTHLY or YEARLY, not `DAILY EXDATE:20260101`."),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY", ENDLESS),
        ("FREQ=DAILY;COUNT=2", ENDLESS),
        ("FREQ=DAILY;UNTIL=20270101", ENDLESS),
        ("BYDAY=MO", "`FREQ` is missing: DAILY, WEEKLY, MONTHLY or YEARLY."),
        ("FREQ=OFTEN", "`FREQ` must be DAILY, WEEKLY, MONTHLY or YEARLY, not `OFTEN`."),
        ("FREQ=HOURLY", "`FREQ` must be DAILY, WEEKLY, MONTHLY or YEARLY, not `HOURLY`."),
        ("FREQ=DAILY;FREQ=DAILY", "`FREQ` is there twice."),
        ("FREQ=DAILY;BYHUOR=2", "`BYHUOR` is not known in a recurrence rule. Did you mean `BYHOUR`?"),
        ("FREQ=DAILY;INTERVAL=0", "`INTERVAL` must be a number from 1 to 999, not `0`."),
        ("FREQ=DAILY;INTERVAL=-1", "`INTERVAL` must be a number from 1 to 999, not `-1`."),
        ("FREQ=DAILY;INTERVAL=1000", "`INTERVAL` must be a number from 1 to 999, not `1000`."),
        ("FREQ=DAILY;INTERVAL=1,2", "`INTERVAL` must be a number from 1 to 999, not `1,2`."),
        ("FREQ=DAILY;INTERVAL=", "`INTERVAL` must be a number from 1 to 999, not (empty)."),
        ("FREQ=DAILY;WKST=1", "`WKST` must be MO, TU, WE, TH, FR, SA or SU, not `1`."),
        ("FREQ=DAILY;BYDAY=MO,XX", "`BYDAY` must be days like MO, or like 1MO and -1FR for the first and the last, not `MO,XX`."),
        ("FREQ=YEARLY;BYDAY=54MO", "`BYDAY` must be days like MO, or like 1MO and -1FR for the first and the last, not `54MO`."),
        ("FREQ=DAILY;BYDAY=1MO", "`BYDAY` has days without numbers with `FREQ=DAILY`."),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "`BYDAY` has days without numbers with `BYWEEKNO`."),
        ("FREQ=YEARLY;BYMONTH=13", "`BYMONTH` must be months from 1 to 12, not `13`."),
        ("FREQ=YEARLY;BYMONTH=-1", "`BYMONTH` must be months from 1 to 12, not `-1`."),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "`BYMONTHDAY` must be days from 1 to 31, or from -1 to -31 for those from the end, not `0`."),
        ("FREQ=YEARLY;BYYEARDAY=-367", "`BYYEARDAY` must be days from 1 to 366, or from -1 to -366 for those from the end, not `-367`."),
        ("FREQ=YEARLY;BYWEEKNO=54", "`BYWEEKNO` must be weeks from 1 to 53, or from -1 to -53 for those from the end, not `54`."),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "`BYSETPOS` must be places from 1 to 366, or from -1 to -366 for those from the end, not `0`."),
        ("FREQ=DAILY;BYHOUR=24", "`BYHOUR` must be hours from 0 to 23, not `24`."),
        ("FREQ=DAILY;BYMINUTE=60", "`BYMINUTE` must be minutes from 0 to 59, not `60`."),
        ("FREQ=DAILY;BYSECOND=60", "`BYSECOND` must be seconds from 0 to 59, not `60`."),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "`BYMONTHDAY` does not go with `FREQ=WEEKLY`."),
        ("FREQ=MONTHLY;BYYEARDAY=1", "`BYYEARDAY` does not go with `FREQ=MONTHLY`."),
        ("FREQ=DAILY;BYWEEKNO=1", "`BYWEEKNO` does not go with `FREQ=DAILY`."),
        ("FREQ=MONTHLY;BYSETPOS=1", "`BYSETPOS` picks some of what another key says: there is none."),
        ("FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6;BYMINUTE=0,30", "It occurs 14 times a day by `BYHOUR` and `BYMINUTE`: at most 12."),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", NEVER),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", NEVER),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", NEVER),
        ("FREQ=DAILY;BYHOUR=2,3;BYSETPOS=9", NEVER),
    ],
)  # fmt: skip
def test_what_no_calendar_can_have_is_refused(text: str, sentence: str) -> None:
    assert problem(text) == sentence
    with pytest.raises(Unusable):
        starts(text, 2027)


def test_a_key_that_is_not_known_is_refused_whatever_the_library_would_make_of_it() -> None:
    assert problem("FREQ=DAILY;BYEASTER=1000").startswith("`BYEASTER` is not known in a recurrence rule.")


@pytest.mark.parametrize(
    ("text", "year", "days"),
    [
        ("FREQ=YEARLY;BYMONTH=3,6,9,12;BYMONTHDAY=-3", 2027, ["03-29", "06-28", "09-28", "12-29"]),
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 2028, ["02-29"]),
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", 2027, []),
        ("freq=yearly;byday=-1fr;bymonth=1", 2027, ["01-29"]),
        ("FREQ=YEARLY;BYYEARDAY=-1", 2027, ["12-31"]),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;WKST=MO", 2027, ["01-04"]),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=5;BYMONTHDAY=+1", 2028, ["05-01"]),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=5;BYMONTHDAY=+1", 2027, []),
        ("FREQ=YEARLY;BYMONTH=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", 2027, ["01-29"]),
        ("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1", 2017, []),
    ],
)
def test_what_a_rule_says_is_what_happens(text: str, year: int, days: list[str]) -> None:
    assert problem(text) == ""
    assert [f"{each:%m-%d}" for each in starts(text, year)] == days


def test_rules_are_counted_from_a_monday_that_begins_a_year() -> None:
    assert starts("FREQ=WEEKLY;INTERVAL=2;BYHOUR=2", FIRST.year)[:2] == (
        datetime(2018, 1, 1, 2),  # noqa: DTZ001 - on the wall
        datetime(2018, 1, 15, 2),  # noqa: DTZ001 - on the wall
    )


KEYS = ["FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND", "WKST", "BYEASTER", "COUNT", "UNTIL", "DTSTART"]  # fmt: skip
NUMBERS = st.one_of(st.integers(-3, 40), st.sampled_from([-1000, -366, -53, -31, 53, 366, 999, 1000, 10**9]))
DAYS = st.sampled_from(["MO", "SU", "1MO", "-1FR", "53TU", "+2WE", "XX", "0MO"])
VALUES = st.one_of(
    st.lists(NUMBERS, min_size=1, max_size=4).map(lambda each: ",".join(map(str, each))),
    st.lists(DAYS, min_size=1, max_size=3).map(",".join),
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "SECONDLY", "", "20270101"]),
)
PARTS = st.tuples(st.sampled_from(KEYS), VALUES).map("=".join)
SOUND = st.tuples(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]).map("FREQ={}".format),
    st.lists(PARTS, max_size=4),
).map(lambda parts: ";".join([parts[0], *parts[1]]))
TEXTS = st.one_of(st.text(max_size=30), st.lists(PARTS, max_size=6).map(";".join), SOUND)


@settings(max_examples=600, deadline=None)
@given(TEXTS, st.integers(2018, 2200))
def test_whatever_is_written_is_refused_or_happens_and_soon(text: str, year: int) -> None:
    began = process_time()
    if problem(text):
        with pytest.raises(Unusable):
            starts(text, year)
    else:
        found = starts(text, year)
        assert len(found) <= 366 * MOST_A_DAY
        assert list(found) == sorted(set(found))
        assert all(each.year == year for each in found)
    assert process_time() - began < 5
