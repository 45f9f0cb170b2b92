"""Every way in which GitHub can fail to do what it was asked: each is waited for, or refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot.errors import Refusal, Transient

SECONDARY_WAIT = timedelta(seconds=60)
"""GitHub's rule for a limit that names no moment: wait at least a minute.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
"""


LONGEST = timedelta(days=1)
"""No wait of GitHub's is longer; a header that says so is wrong."""


class RateLimited(Transient):
    """GitHub did not do it, and says from when on it would.

    ``secondary``: every request of this installation should stop. ``named``: the moment is GitHub's, not ours.
    """

    until: datetime

    def __init__(
        self, until: datetime, *, secondary: bool = False, named: bool = True, what: str = "GitHub's rate limit"
    ) -> None:
        super().__init__(what, until=until)
        self.secondary = secondary
        self.named = named


class NotSent(Transient):
    """GitHub could not be reached: nothing happened there."""


class Unanswered(Transient):
    """GitHub's answer did not arrive, or was none: nobody knows whether it was done."""


class MayHaveHappened(Unanswered):
    """A write whose outcome is unknown. Whoever asked for it looks first, before asking again."""


class Unauthorized(Refusal):
    """GitHub does not accept the token or the key."""


class NotFound(Refusal):
    """It is not there, or this App may not know that it is."""


class Forbidden(Refusal):
    """The App may not do that."""


class Invalid(Refusal):
    """GitHub does not accept what it was asked."""


def failure(status: int, headers: Mapping[str, str], body: bytes, *, asked: str, now: datetime) -> Exception | None:
    """What an answer means that is no success; None when it is one.

    ``asked`` is the method and path, for sentences. Headers are looked up in lower case.
    """
    if status in {200, 201, 202, 204, 304}:
        return None
    message = _message(body)
    if status == 429 or (status == 403 and _is_limit(headers, message)):
        return limit(headers, now)
    match status:
        case 401:
            return Unauthorized(
                f"GitHub does not accept the App's credentials ({asked}): {message}",
                remedy="An administrator of the App checks GITHUB_APP_ID, the private key and the machine's clock.",
            )
        case 403:
            needed = headers.get("x-accepted-github-permissions", "")
            return Forbidden(
                f"GitHub refuses {asked}: {message}",
                remedy=f"An owner of the organisation grants the App {needed}." if needed else "",
            )
        case 404 | 410:
            return NotFound(f"GitHub knows no {asked}.")
        case _ if status >= 500:
            return Unanswered(f"GitHub (it answered {status} to {asked})")
        case _ if status >= 400:
            return Invalid(f"GitHub does not accept {asked} ({status}): {message}")
        case _:
            return Refusal(f"GitHub sends {asked} elsewhere ({status}), where Countersign does not follow.")


def _is_limit(headers: Mapping[str, str], message: str) -> bool:
    text = message.lower()
    return (
        headers.get("x-ratelimit-remaining") == "0"
        or "retry-after" in headers
        or "rate limit" in text
        or "abuse" in text
    )


def limit(headers: Mapping[str, str], now: datetime, *, what: str = "GitHub's rate limit") -> RateLimited:
    """The moment that GitHub names: after ``retry-after``, else at the reset of what is used up, else in a minute."""
    after = _retry_after(headers.get("retry-after", ""), now)
    if after is not None:
        return RateLimited(after, secondary=True, what=what)
    reset = moment(headers.get("x-ratelimit-reset", ""), now)
    # A reset that has passed already says that the clocks differ.
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None and reset > now:
        return RateLimited(reset, what=what)
    return RateLimited(now + SECONDARY_WAIT, secondary=True, named=False, what=what)


def moment(seconds: str, now: datetime) -> datetime | None:
    """The moment that a header tells in seconds since 1970; None when it tells none that can be."""
    if not seconds.isdecimal() or len(seconds) > len("9999999999"):
        return None
    return min(datetime.fromtimestamp(int(seconds), UTC), now + LONGEST)


def _retry_after(value: str, now: datetime) -> datetime | None:
    """Seconds from now, or a date as HTTP writes it (RFC 9110, section 10.2.3)."""
    if value.isdecimal():
        return now + min(timedelta(seconds=int(value[:9])), LONGEST)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max(until if until.tzinfo else until.replace(tzinfo=UTC), now), now + LONGEST)


def _message(body: bytes) -> str:
    """GitHub's own words, with the reasons of a 422, or a part of whatever else came."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return body[:200].decode(errors="replace").strip() or "no reason given"
    if not isinstance(answer, dict):
        return "no reason given"
    reasons = answer.get("errors")
    listed = [_reason(reason) for reason in reasons] if isinstance(reasons, list) else [str(reasons)] if reasons else []
    return ": ".join([str(answer.get("message") or "no reason given"), *listed])


def _reason(reason: object) -> str:
    if not isinstance(reason, dict):
        return str(reason)
    return str(
        reason.get("message") or " ".join(str(reason[key]) for key in ("resource", "field", "code") if key in reason)
    )
