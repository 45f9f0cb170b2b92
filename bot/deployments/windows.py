"""When something may be released: windows, holidays and freezes, as half-open intervals of UTC.

The policy's calendar is read on the clock on the wall of its time zone: a window from 22:00 for eight hours ends at
06:00, also in the two nights of the year in which that is seven hours or nine. Where the clock is unclear, the rules
are conservative: of a time that is shown twice, a window begins at the last and ends at the first, a freeze begins at
the first and ends at the last; a time that is skipped is the instant of the jump. Everything is compared in UTC,
because two moments of one zone are subtracted in Python as if there were no jumps.

Rules are those that ``policy.recurrence`` reads. Nothing here looks further than ``HORIZON`` ahead. Pure, given the
time zone database and the calendars of the library ``holidays``.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from bot.policy import recurrence
from bot.policy.model import Calendar, ChangeType, Freeze, Window
from bot.words import listed, quoted

HORIZON = timedelta(days=400)
"""How far ahead is looked: a rule that happens once a year is found."""

FURTHER_NOTICE = "further notice"
"""Until when a freeze lasts whose end is beyond the horizon."""

_NEARER = (timedelta(days=8), timedelta(days=50))
"""Within the first a week's window opens, within the second a month's."""

Sets = tuple[tuple[str, ...], ...]
"""Sets of names of windows: of each set, one must be open."""

_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_BEFORE_ALL, _AFTER_ALL = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(_LAST_YEAR + 1, 1, 1, tzinfo=UTC)
"""The years that are counted in; "until further notice" has been written as the year 9999, to which no day is added."""

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_NONE = timedelta()


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From ``start`` to just before ``end``, in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def length(self) -> timedelta:
        """How long it really lasts."""
        return self.end - self.start

    @property
    def spoken(self) -> str:
        """Both ends as people read them."""
        return f"{self.start.astimezone(UTC):%Y-%m-%d %H:%M} to {self.end.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    @property
    def iso(self) -> str:
        """Both ends as they are kept (ISO 8601); ``of`` reads it again."""
        return f"{self.start.isoformat()}/{self.end.isoformat()}"

    @classmethod
    def of(cls, iso: str) -> "Interval":
        """The interval that was kept."""
        start, _, end = iso.partition("/")
        return cls(datetime.fromisoformat(start), datetime.fromisoformat(end))

    def overlaps(self, other: "Interval") -> bool:
        """Whether there is a moment in both; one that begins where the other ends does not overlap it."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Hours:
    """Whether something may be released at a moment.

    ``because`` has a sentence for each reason why not. ``until`` is the next moment at which that changes; None when it
    is beyond the horizon. ``slot`` is the one that is open, or the next one.
    """

    open: bool
    because: tuple[str, ...]
    until: datetime | None
    slot: Interval | None


def problem(calendar: Calendar) -> str:
    """Why the calendar cannot be used, as a sentence; empty when it can. One that cannot is never open."""
    if _zone(calendar.timezone) is None:
        return f"There is no time zone {quoted(calendar.timezone)}."
    if calendar.holidays and _holidays(calendar.holidays, recurrence.FIRST.year) is None:
        return f"There is no calendar of holidays {quoted(calendar.holidays)}."
    rules = [(f"window {quoted(name)}", each.rrule) for name, parts in calendar.windows for each in parts]
    rules += [(f"freeze {quoted(each.name)}", each.rrule) for each in calendar.freezes if each.rrule]
    for what, text in rules:
        if wrong := recurrence.problem(text):
            return f"The rule of the {what} cannot be used. {wrong}"
    return ""


def allowed(calendar: Calendar, sets: Sets, kind: ChangeType, span: Interval) -> tuple[Interval, ...]:
    """When a change of that type may be released within ``span``, in order.

    Without a set any time will do that is not frozen. No window is open on a holiday. Windows are for what is planned:
    they do not bind an emergency, freezes do unless they except it.
    """
    if problem(calendar):
        return ()
    open_: tuple[Interval, ...] = (span,)
    demanded = () if kind is ChangeType.EMERGENCY else sets
    for names in demanded:
        open_ = common(open_, merged(each for name in names for each in _named(calendar, name, span)))
    if demanded and calendar.holidays:
        open_ = without(open_, [interval for _, interval in _days_off(calendar, span)])
    return without(open_, [interval for _, interval in _freezes(calendar, kind, span)])


def next_slot(
    calendar: Calendar, sets: Sets, kind: ChangeType, after: datetime, lasting: timedelta = _NONE
) -> Interval | None:
    """The next time, from ``after`` on, in which something that takes ``lasting`` may begin and end."""
    return _ahead(calendar, sets, kind, after.astimezone(UTC), lasting)[1]


def hours(calendar: Calendar, sets: Sets, kind: ChangeType, now: datetime, lasting: timedelta = _NONE) -> Hours:
    """Whether something that takes ``lasting`` may begin ``now``, and when that changes.

    It must have ended before the window does: the last moment to begin is ``lasting`` before its end.
    """
    now = now.astimezone(UTC)
    wrong = problem(calendar)
    if wrong:
        return Hours(open=False, because=(wrong,), until=None, slot=None)
    slots, slot = _ahead(calendar, sets, kind, now, lasting)
    here = next((each for each in slots if now in each), None)
    if here is not None and here == slot:
        end = None if here.end == now + HORIZON else here.end - lasting
        return Hours(open=True, because=(), until=end, slot=here)
    short = () if here is None else (f"It takes {_span(lasting)}, and must be done by {_told(calendar, here.end)}.",)
    because = short or _reasons(calendar, sets, kind, now)
    return Hours(open=False, because=because, until=slot.start if slot else None, slot=slot)


def _ahead(
    calendar: Calendar, sets: Sets, kind: ChangeType, now: datetime, lasting: timedelta
) -> tuple[tuple[Interval, ...], Interval | None]:
    """When it may be released from ``now`` on, and the first time that is long enough.

    Most windows open within days: the whole horizon is worked out only where nothing nearer is seen to its end.
    """
    for far in _NEARER:
        found = _within(calendar, sets, kind, Interval(now, now + far), lasting)
        if found[1] is not None and found[1].end < now + far:
            return found
    return _within(calendar, sets, kind, Interval(now, now + HORIZON), lasting)


def _within(
    calendar: Calendar, sets: Sets, kind: ChangeType, span: Interval, lasting: timedelta
) -> tuple[tuple[Interval, ...], Interval | None]:
    slots = allowed(calendar, sets, kind, span)
    return slots, next((each for each in slots if each.length >= lasting), None)


def is_open(calendar: Calendar, name: str, moment: datetime) -> bool:
    """Whether the window of that name is open; not on a holiday, and not when there is none of that name."""
    span = _around(moment)
    return (
        not problem(calendar)
        and not holiday(calendar, moment)
        and any(span.start in each for each in _named(calendar, name, span))
    )


def holiday(calendar: Calendar, moment: datetime) -> str:
    """The name of the holiday that it is in the calendar's time zone; empty when it is none."""
    if not calendar.holidays or problem(calendar):
        return ""
    return next((name for name, each in _days_off(calendar, _around(moment)) if moment in each), "")


def frozen(calendar: Calendar, kind: ChangeType, moment: datetime) -> tuple[tuple[Freeze, datetime | None], ...]:
    """The freezes that hold for a change of that type, each with its end; None when that is beyond the horizon."""
    if problem(calendar):
        return ()
    span = Interval(moment.astimezone(UTC), moment.astimezone(UTC) + HORIZON)
    return tuple(
        (freeze, each.end if each.end < span.end else None)
        for freeze, each in _freezes(calendar, kind, span)
        if span.start in each
    )


def occurrences(window: Window, timezone: str, span: Interval) -> tuple[Interval, ...]:
    """When the window is open within ``span``; one that is empty by the conservative rules is left out.

    Raises:
        ValueError: there is no such time zone, or its rule cannot be used.

    """
    zone = _zone(timezone)
    if zone is None:
        raise ValueError(timezone)
    found = []
    for wall in _walls(window.rrule, window.duration, span):
        start, end = _instants(wall, zone)[1], _instants(wall + window.duration, zone)[0]
        if start < end:
            found.append(Interval(start, end))
    return common(merged(found), (span,))


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same moments in as few intervals as possible, in order."""
    found: list[Interval] = []
    for each in sorted(intervals):
        if found and each.start <= found[-1].end:
            found[-1] = Interval(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return tuple(found)


def common(first: Iterable[Interval], second: Iterable[Interval]) -> tuple[Interval, ...]:
    """The moments that are in both, in one pass: a window that opens daily meets one that does."""
    ones, others = deque(merged(first)), deque(merged(second))
    found = []
    while ones and others:
        one, other = ones[0], others[0]
        if one.overlaps(other):
            found.append(Interval(max(one.start, other.start), min(one.end, other.end)))
        (ones if one.end < other.end else others).popleft()
    return tuple(found)


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> tuple[Interval, ...]:
    """The moments of ``intervals`` that are in none of ``taken``, in one pass."""
    cuts = deque(merged(taken))
    left = []
    for each in merged(intervals):
        start = each.start
        while cuts and cuts[0].end <= start:
            cuts.popleft()
        while cuts and cuts[0].start < each.end:
            if start < cuts[0].start:
                left.append(Interval(start, cuts[0].start))
            start = cuts[0].end
            if start >= each.end:
                break  # It reaches into what comes next.
            cuts.popleft()
        if start < each.end:
            left.append(Interval(start, each.end))
    return tuple(left)


def _named(calendar: Calendar, name: str, span: Interval) -> tuple[Interval, ...]:
    """When the window of that name is open: when all of its definitions are. One that is not defined never is."""
    parts = dict(calendar.windows).get(name, ())
    open_: tuple[Interval, ...] = (span,) if parts else ()
    for part in parts:
        open_ = common(open_, occurrences(part, calendar.timezone, span))
    return open_


def _freezes(calendar: Calendar, kind: ChangeType, span: Interval) -> list[tuple[Freeze, Interval]]:
    zone = ZoneInfo(calendar.timezone)
    return [
        (freeze, part)
        for freeze in calendar.freezes
        if kind not in freeze.excepted
        for part in common(_frozen(freeze, zone, span), (span,))
    ]


def _frozen(freeze: Freeze, zone: ZoneInfo, span: Interval) -> tuple[Interval, ...]:
    if freeze.rrule:
        return merged(
            Interval(_instants(wall, zone)[0], _instants(wall + freeze.duration, zone)[1])
            for wall in _walls(freeze.rrule, freeze.duration, span)
        )
    start = span.start if freeze.first is None else _edge(freeze.first, zone, _NONE, 0)
    end = span.end if freeze.last is None else _edge(freeze.last, zone, _DAY, 1)
    return (Interval(start, end),) if start < end else ()


def _edge(at: date | datetime, zone: ZoneInfo, added: timedelta, which: int) -> datetime:
    """Where a freeze begins or ends: a day is meant from its beginning, or to its end."""
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        return _BEFORE_ALL if at.year < _FIRST_YEAR else _AFTER_ALL
    if not isinstance(at, datetime):
        return _instants(datetime.combine(at, time()) + added, zone)[which]
    return at.astimezone(UTC) if at.tzinfo else _instants(at, zone)[which]


def _days_off(calendar: Calendar, span: Interval) -> list[tuple[str, Interval]]:
    """The holidays around ``span``, each from midnight to midnight of the calendar's zone."""
    zone = ZoneInfo(calendar.timezone)
    found = [
        (name, Interval(_edge(day, zone, _NONE, 0), _edge(day, zone, _DAY, 1)))
        for year in range((span.start - _DAY).year, (span.end + _DAY).year + 1)
        for day, name in _holidays(calendar.holidays, year) or ()
    ]
    return [(name, each) for name, each in found if each.overlaps(span)]


def _instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first and the last instant at which the clock shows ``wall``; of a skipped time, the jump, twice."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    last = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first <= last:
        return first, last
    before, after = last, first
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + _SECOND * ((after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after, after


def _walls(rule: str, duration: timedelta, span: Interval) -> list[datetime]:
    """The times on the wall at which ``rule`` happens, from early enough to reach into ``span``."""
    # No zone is further from UTC than a day.
    first, last = span.start.replace(tzinfo=None) - duration - _DAY, span.end.replace(tzinfo=None) + _DAY
    years = range(max(first.year, recurrence.FIRST.year), last.year + 1)
    return [wall for year in years for wall in _starts(rule, year) if first <= wall <= last]


@lru_cache(maxsize=256)
def _starts(rule: str, year: int) -> tuple[datetime, ...]:
    return recurrence.starts(rule, year)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=256)
def _holidays(region: str, year: int) -> tuple[tuple[date, str], ...] | None:
    """The holidays of a country, its subdivision, or a financial market; None when there is no such calendar."""
    country, _, subdivision = region.partition("-")
    try:
        if country in holidays.list_supported_countries():
            days = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
        else:
            days = holidays.financial_holidays(region, years=year)
    except NotImplementedError:
        return None
    return tuple(sorted(days.items()))


def _around(moment: datetime) -> Interval:
    return Interval(moment.astimezone(UTC), moment.astimezone(UTC) + _SECOND)


def _reasons(calendar: Calendar, sets: Sets, kind: ChangeType, now: datetime) -> tuple[str, ...]:
    """Why nothing may begin now, a sentence each."""
    found = [
        f"The freeze {quoted(freeze.name)} lasts until {_told(calendar, end) if end else FURTHER_NOTICE}."
        for freeze, end in frozen(calendar, kind, now)
    ]
    if kind is ChangeType.EMERGENCY:
        return tuple(found)
    day = holiday(calendar, now) if sets else ""
    found += [f"It is a holiday: {day} ({calendar.holidays})."] if day else []
    for names in sets:
        if not any(now in each for name in names for each in _named(calendar, name, _around(now))):
            missing = [quoted(name) for name in names if not dict(calendar.windows).get(name)]
            found.append(f"None of the windows {listed([quoted(name) for name in names])} is open.")
            found += [f"The calendar has no window {listed(missing)}."] if missing else []
    return tuple(found)


def _told(calendar: Calendar, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(calendar.timezone)):%Y-%m-%d %H:%M %Z}"


def _span(length: timedelta) -> str:
    minutes = -(-length // timedelta(minutes=1))
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
