"""When something happens again and again: the rules of RFC 5545 that a calendar can have, read strictly. Pure.

A rule has no beginning and no end of its own and comes at most twelve times a day. It is counted from Monday,
1 January 2018, in local time: that fixes what ``INTERVAL=2`` means. The library that evaluates a rule goes on until the
year 9999 where it finds nothing, and for ever where a rule does not move: whatever it is asked has passed this reader.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from functools import lru_cache
from math import prod

from dateutil.rrule import rrule, rrulestr

from bot.policy.near import nearest
from bot.words import listed, quoted

FIRST = datetime(2018, 1, 1)  # noqa: DTZ001 - a time on the wall, in whichever zone
"""From when rules are counted: a Monday, a first of January."""

MOST_A_DAY = 12
EXAMPLE = "FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0"

_LATE = FIRST.replace(year=9962)
"""The years from here to 9999, the last one, are day for day those from 2018 to 2055: a rule that does not happen in
them ends there instead of being looked for in eight thousand years. In 28 years every date has had every weekday."""

_UNTIL = FIRST.year + MAXYEAR + 1 - _LATE.year

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(rf"([+-]?[1-9][0-9]?)?({'|'.join(_DAYS)})", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,3}", re.ASCII)
_SECOND = timedelta(seconds=1)


class Unusable(ValueError):
    """A rule that a calendar cannot have; the sentence says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Range:
    """The whole numbers of a key, in sentences ``what``. Those that are ``signed`` can be counted from the end."""

    least: int
    most: int
    what: str
    signed: bool = False
    many: bool = True

    def has(self, text: str) -> bool:
        if not _NUMBER.fullmatch(text) or (text[0] == "-" and not self.signed):
            return False
        return self.least <= abs(int(text)) <= self.most


_NUMBERS: Mapping[str, _Range] = {
    "INTERVAL": _Range(1, 999, "a number from 1 to 999", many=False),
    "BYMONTH": _Range(1, 12, "months from 1 to 12"),
    "BYMONTHDAY": _Range(1, 31, "days from 1 to 31, or from -1 to -31 for those from the end", signed=True),
    "BYYEARDAY": _Range(1, 366, "days from 1 to 366, or from -1 to -366 for those from the end", signed=True),
    "BYWEEKNO": _Range(1, 53, "weeks from 1 to 53, or from -1 to -53 for those from the end", signed=True),
    "BYSETPOS": _Range(1, 366, "places from 1 to 366, or from -1 to -366 for those from the end", signed=True),
    "BYHOUR": _Range(0, 23, "hours from 0 to 23"),
    "BYMINUTE": _Range(0, 59, "minutes from 0 to 59"),
    "BYSECOND": _Range(0, 59, "seconds from 0 to 59"),
}
_KEYS = ("FREQ", "INTERVAL", "BYDAY", "WKST", *(name for name in _NUMBERS if name != "INTERVAL"))
_ENDS = ("DTSTART", "UNTIL", "COUNT")
_NOT_WITH: Mapping[str, tuple[str, ...]] = {
    "BYWEEKNO": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYYEARDAY": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYMONTHDAY": ("WEEKLY",),
}
"""The table of RFC 5545, section 3.3.10: the frequencies that a key does not go with."""


@lru_cache(maxsize=1024)
def problem(text: str) -> str:
    """What is wrong with a rule, as a sentence; empty when nothing is."""
    try:
        _rule(text)
    except Unusable as error:
        return str(error)
    return ""


def starts(text: str, year: int) -> tuple[datetime, ...]:
    """The times on the wall of a year at which a rule happens; none before `FIRST`.

    Raises:
        Unusable: a calendar cannot have it.

    """
    begin = FIRST.replace(year=year)
    return tuple(_rule(text).between(begin, begin.replace(year=year + 1) - _SECOND, inc=True))


@lru_cache(maxsize=1024)
def _rule(text: str) -> rrule:
    """The rule, which happens at least once.

    The calendar repeats itself after 400 years, so that what happens once is found again after 146,097 steps at most.
    """
    read = _read(text)
    if next(iter(_evaluated(read, _LATE)), None) is None:
        raise Unusable(f"It never occurs, at least not before {_UNTIL}.")
    return _evaluated(read, FIRST)


def _evaluated(text: str, first: datetime) -> rrule:
    rule = rrulestr(text, dtstart=first)
    assert isinstance(rule, rrule), text
    return rule


def _read(text: str) -> str:
    """The rule as it is written in RFC 5545, when a calendar can have it."""
    parts = dict[str, str]()
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if any(word in name for word in _ENDS):
            raise Unusable(f"It is one rule without beginning and end: `{EXAMPLE}`.")
        if not equals:
            raise Unusable(f"It is not a recurrence rule of RFC 5545, like `{EXAMPLE}`.")
        if name not in _KEYS:
            raise Unusable(f"{quoted(name)} is not known in a recurrence rule.{nearest(name, _KEYS)}")
        if name in parts:
            raise Unusable(f"`{name}` is there twice.")
        parts[name] = value
    _check_values(parts)
    _check_together(parts)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _check_values(parts: Mapping[str, str]) -> None:
    checks: Mapping[str, Callable[[str], str]] = {"FREQ": _frequency, "WKST": _first_of_week, "BYDAY": _days}
    for name, value in parts.items():
        wrong = checks[name](value) if name in checks else _numbers(_NUMBERS[name], value)
        if wrong:
            raise Unusable(f"`{name}` must be {wrong}, not {quoted(value)}.")


def _frequency(value: str) -> str:
    return "" if value in _FREQUENCIES else "DAILY, WEEKLY, MONTHLY or YEARLY"


def _first_of_week(value: str) -> str:
    return "" if value in _DAYS else "MO, TU, WE, TH, FR, SA or SU"


def _days(value: str) -> str:
    found = [_DAY.fullmatch(each) for each in value.split(",")]
    sound = all(each is not None and abs(int(each[1] or 1)) <= 53 for each in found)
    return "" if sound else "days like MO, or like 1MO and -1FR for the first and the last"


def _numbers(numbers: _Range, value: str) -> str:
    each = value.split(",")
    sound = all(map(numbers.has, each)) and (numbers.many or len(each) == 1)
    return "" if sound else numbers.what


def _check_together(parts: Mapping[str, str]) -> None:
    """What each key by itself does not show."""
    if "FREQ" not in parts:
        raise Unusable("`FREQ` is missing: DAILY, WEEKLY, MONTHLY or YEARLY.")
    frequency = parts["FREQ"]
    for name in parts:
        if frequency in _NOT_WITH.get(name, ()):
            raise Unusable(f"`{name}` does not go with `FREQ={frequency}`.")
    counted = any(char.isdigit() for char in parts.get("BYDAY", ""))
    if counted and frequency not in {"MONTHLY", "YEARLY"}:
        raise Unusable(f"`BYDAY` has days without numbers with `FREQ={frequency}`.")
    if counted and "BYWEEKNO" in parts:
        raise Unusable("`BYDAY` has days without numbers with `BYWEEKNO`.")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise Unusable("`BYSETPOS` picks some of what another key says: there is none.")
    clocks = [name for name in ("BYHOUR", "BYMINUTE", "BYSECOND") if name in parts]
    often = prod(len(set(parts[name].split(","))) for name in clocks)
    if often > MOST_A_DAY:
        names = listed([f"`{name}`" for name in clocks])
        raise Unusable(f"It occurs {often} times a day by {names}: at most {MOST_A_DAY}.")
