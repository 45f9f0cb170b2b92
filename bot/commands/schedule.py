"""`/schedule`: when the change is to be made."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.commands import frame
from bot.commands.model import Answer, Command, Situation
from bot.deployments.windows import HORIZON, Interval, allowed, next_slot
from bot.facts.model import Instructed, Permission
from bot.words import listed, quoted


def _schedule(situation: Situation) -> Answer:
    if not situation.arguments:
        return frame.usage(SCHEDULE.usage)
    change, now = frame.change_of(situation), frame.now(situation)
    record = change.desk.change if change.desk is not None else None
    if record is None:
        return frame.refused("There is no change record here.")
    calendar, sets = change.policy.calendar, record.contents.rules(change.policy).windows
    wish = " ".join(situation.arguments)
    names = {name for name, _ in calendar.windows}
    named = wish if wish in names else next((name for name in names if name.lower() == wish.lower()), None)
    if named is not None:
        slot = next_slot(calendar, ((named,), *sets), record.contents.kind, now)
    else:
        start = moment(wish, calendar.timezone)
        if start is None or not now < start <= now + HORIZON:
            known = f" Windows are {listed(sorted(names))}." if names else ""
            return frame.refused(
                f"{quoted(wish)} is neither a window nor a time in the next {HORIZON.days} days, like "
                f"`2027-01-24T02:00`.{known}"
            )
        start = start.astimezone(UTC)
        spans = allowed(calendar, sets, record.contents.kind, Interval(start, start + timedelta(hours=1)))
        slot = next((each for each in spans if start in each), None)
    if slot is None:
        later = next_slot(calendar, sets, record.contents.kind, now)
        return frame.refused(
            "The calendar does not allow that.",
            f"The next time that it allows is {frame.spoken(later)}." if later else "",
        )
    return frame.lay_down(situation, Instructed.SCHEDULE, slot.iso, wish, f"Planned for {frame.spoken(slot)}.")


def moment(text: str, timezone: str) -> datetime | None:
    """The moment that somebody means, in the calendar's time zone unless they name another; None when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(timezone))


SCHEDULE = Command(
    name="schedule",
    usage="/schedule window | time",
    summary="Plans the change for the next opening of a window, or for a time that the calendar allows.",
    examples=("/schedule weekend", "/schedule 2027-01-23T02:00"),
    permission=Permission.WRITE,
    run=_schedule,
    weighty=True,
)
