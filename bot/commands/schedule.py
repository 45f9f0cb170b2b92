"""`/schedule`: when the change is to be made."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.changes.model import Change as Record
from bot.changes.model import State
from bot.changes.planning import LONGEST_SLOT
from bot.commands import frame
from bot.commands.model import WHILE_OPEN, Answer, Command, Situation
from bot.deployments.windows import HORIZON, Interval, allowed, next_slot
from bot.facts.model import Instructed, Permission
from bot.words import listed, quoted

MOST_WORDS = 4
"""A day and a time from when, and a day and a time until when."""


def _schedule(situation: Situation) -> Answer:
    if not situation.arguments:
        return frame.usage(SCHEDULE.usage)
    change, now = frame.change_of(situation), frame.now(situation)
    record = change.desk.change if change.desk is not None else None
    if record is None:
        return frame.refused("There is no change record here.", "`/request-cab` opens one.")
    refused = _at_no_other_time(record)
    if refused is not None:
        return refused
    calendar, sets = change.policy.calendar, record.contents.rules(change.policy).windows
    wish = " ".join(situation.arguments)
    names = {name for name, _ in calendar.windows}
    named = wish if wish in names else next((name for name in names if name.lower() == wish.lower()), None)
    if named is not None:
        slot = next_slot(calendar, ((named,), *sets), record.contents.kind, now)
    else:
        start, end = moments(wish.split(), calendar.timezone)
        if start is None or not now < start <= now + HORIZON or (end is not None and end > now + HORIZON):
            known = f" Windows are {listed(sorted(names))}." if names else ""
            return frame.refused(
                f"{quoted(wish)} is neither a window nor a time in the next {HORIZON.days} days, like "
                f"`2027-01-24T02:00`.{known}"
            )
        if end is not None and end <= start:
            return frame.refused(f"{quoted(wish)} ends before it begins.")
        whole = Interval(start.astimezone(UTC), (end or start + LONGEST_SLOT).astimezone(UTC))
        spans = allowed(calendar, sets, record.contents.kind, whole)
        slot = next((each for each in spans if whole.start in each), None)
        if slot is not None and end is not None and slot != whole:
            return frame.refused(
                "The calendar does not allow all of that.", f"It allows {frame.local(slot, calendar.timezone)}."
            )
    if slot is None:
        later = next_slot(calendar, sets, record.contents.kind, now)
        return frame.refused(
            "The calendar does not allow that.",
            f"The next time that it allows is {frame.local(later, calendar.timezone)}." if later else "",
        )
    reply = f"Planned for {frame.local(slot, calendar.timezone)}."
    return frame.lay_down(situation, Instructed.SCHEDULE, slot.iso, wish, reply)


def _at_no_other_time(record: Record) -> Answer | None:
    """Why nobody chooses another time for it; None where somebody can."""
    if record.state is State.IMPLEMENT:
        return frame.refused(
            f"{record.number} is being released, and is not planned any more.",
            "What is not merged can leave it: `/change unlink`.",
        )
    if record.started_at is not None:
        return frame.refused(f"{record.number} has been released, and is not planned any more.")
    if record.emergency is not None:
        return frame.refused(
            f"{record.number} is an emergency, which is released at once, and not planned for another time.",
            "From when its board has authorised it, it can be released for a few hours; `/change` says until when.",
        )
    return None


def moments(words: Sequence[str], timezone: str) -> tuple[datetime | None, datetime | None]:
    """From when somebody means, and until when if they say so; None when they mean no time."""
    start = moment(" ".join(words), timezone)
    # Day and time of each can be two words.
    for place in range(1, min(len(words), MOST_WORDS)) if start is None else ():
        first, last = (moment(" ".join(each), timezone) for each in (words[:place], words[place:]))
        if first is not None and last is not None:
            return first, last
    return start, None


def moment(text: str, timezone: str) -> datetime | None:
    """The moment that somebody means, in the calendar's time zone unless they name another; None when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(timezone))


SCHEDULE = Command(
    name="schedule",
    usage="/schedule window | time [end]",
    summary=(
        "Plans the change for the next opening of a window, or for a time that the calendar allows: until the end that "
        "is given, else for as long as the calendar allows it from then on, at most a day. A time is one of the "
        "calendar's time zone unless it names another."
    ),
    examples=("/schedule weekend", "/schedule 2027-01-23T02:00", "/schedule 2027-01-23T02:00 2027-01-23T04:00"),
    permission=Permission.WRITE,
    run=_schedule,
    weighty=True,
    states=WHILE_OPEN,
)
