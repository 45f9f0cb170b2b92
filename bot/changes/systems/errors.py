"""Every way in which a system of change records can fail to do what it was asked."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bot.errors import Refusal, Transient

LONGEST = timedelta(days=1)
"""No wait is longer; a header that says so is wrong."""
USUAL = timedelta(seconds=60)
"""A limit that names no moment."""

UNREADABLE = "has given answers that cannot be read"


class Away(Transient):
    """It cannot do now what it is asked. ``how`` it fails is told: in words of ours, with its name before them."""

    def __init__(self, waits_for: str, *, until: datetime | None = None, how: str = UNREADABLE) -> None:
        super().__init__(waits_for, until=until)
        self.how = how


class NotDone(Away):
    """It could not be reached, or would not do it now: nothing happened there."""


class Unanswered(Away):
    """Its answer did not arrive, or was none: nobody knows whether it was done."""


class MayHaveHappened(Unanswered):
    """A write whose outcome is unknown. Whoever asked for it looks first, before asking again."""


class Unsettled(MayHaveHappened):
    """Nobody knows whether a record was made, nor before ``until`` whether it is still to come."""

    def __init__(self, unknown: MayHaveHappened, settled: datetime) -> None:
        until = max(settled, unknown.until) if unknown.until else settled
        super().__init__(unknown.waits_for, until=until, how=unknown.how)
        self.settled = until


class Unauthorized(Refusal):
    """It does not accept the credentials."""


class Forbidden(Refusal):
    """Its rules, or the rights of Countersign's account there, do not allow it."""


class NotFound(Refusal):
    """It is not there, or Countersign's account may not know that it is."""


class Gone(Refusal):
    """A record that was there is not there any more, or Countersign's account may not know that it is."""


class Invalid(Refusal):
    """It does not accept what it was asked."""


class NoRequester(Refusal):
    """It does not know, or does not keep, who is named as who requested a change; without that, it may do it."""


class Disagrees(Refusal):
    """It said yes, and what is there now is something else."""


def limit(headers: Mapping[str, str], now: datetime, *, system: str) -> NotDone:
    """What a 429 means: after ``Retry-After``, else at the reset that it names, else in a minute."""
    until = _after(headers.get("retry-after", ""), now) or _reset(headers.get("x-ratelimit-reset", ""), now)
    how = "has limited how often Countersign may ask (429)"
    return NotDone(f"{system}'s rate limit", until=until or now + USUAL, how=how)


def _after(value: str, now: datetime) -> datetime | None:
    """Seconds from now, or a date as HTTP writes it (RFC 9110, section 10.2.3)."""
    if value.isascii() and value.isdecimal():
        return now + min(timedelta(seconds=int(value[:9])), LONGEST)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max(until if until.tzinfo else until.replace(tzinfo=UTC), now), now + LONGEST)


def _reset(value: str, now: datetime) -> datetime | None:
    """A moment in seconds since 1970 that is still to come."""
    if not value.isascii() or not value.isdecimal() or len(value) > len("9999999999"):
        return None
    until = datetime.fromtimestamp(int(value), UTC)
    return min(until, now + LONGEST) if until > now else None
