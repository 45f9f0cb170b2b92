"""Every way in which GitHub can fail to do what it was asked, as one of three kinds: retry, refuse, defect."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.errors import Refusal, Transient

SECONDARY_WAIT = timedelta(seconds=60)
"""GitHub's rule for a limit that names no moment: wait at least a minute.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
"""


class RateLimited(Transient):
    """GitHub did not do it, and says from when on it would. ``secondary``: every request of this App should stop."""

    def __init__(self, until: datetime, *, secondary: bool = False, what: str = "GitHub's rate limit") -> None:
        super().__init__(what, until=until)
        self.secondary = secondary


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
        return _limit(headers, now)
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


def _limit(headers: Mapping[str, str], now: datetime) -> RateLimited:
    """The moment that GitHub names: after ``retry-after``, else at the reset of what is used up, else in a minute."""
    if (after := headers.get("retry-after", "")).isdecimal():
        return RateLimited(now + timedelta(seconds=int(after)), secondary=True)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return RateLimited(max(datetime.fromtimestamp(int(reset), UTC), now + timedelta(seconds=1)))
    return RateLimited(now + SECONDARY_WAIT, secondary=True)


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
