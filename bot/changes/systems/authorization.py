"""What proves to another system that it is Countersign who asks."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

from bot.changes.systems.errors import Unanswered
from bot.clock import Clock

EARLY = timedelta(seconds=60)
SHORTEST = timedelta(seconds=5)
"""A token that says it lives for less is taken to live so long: it is asked for again when it is not accepted."""


class Authorization(Protocol):
    """How requests are authorised."""

    async def header(self) -> str:
        """The value of the header ``Authorization``.

        Raises:
            Transient, Refusal: there is none to be had.

        """
        ...

    def refused(self, header: str) -> bool:
        """Hear that ``header`` was not accepted, and say whether another one may be."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be shown, as it is and as it is sent."""
        ...


@dataclass(frozen=True, slots=True)
class Basic:
    """A name and a password (or token) in each request (RFC 7617)."""

    user: str
    password: str = field(repr=False)

    async def header(self) -> str:
        """The same one every time."""
        return f"Basic {self._encoded()}"

    def refused(self, header: str) -> bool:  # noqa: ARG002 - the port's name
        """There is no other."""
        return False

    def secrets(self) -> tuple[str, ...]:
        """The password, and the form in which it is sent."""
        return self.password, self._encoded()

    def _encoded(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


Ask = Callable[[Mapping[str, str]], Awaitable[Any]]
"""Sends a form to the system's token endpoint, and answers what it says."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    expires: datetime


class ClientCredentials:
    """OAuth 2.0 client credentials (RFC 6749, section 4.4): one token, renewed before it expires, asked for once."""

    def __init__(self, client_id: str, client_secret: str, ask: Ask, clock: Clock) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._ask = ask
        self._clock = clock
        self._token: _Token | None = None
        self._flight: asyncio.Future[_Token] | None = None

    async def header(self) -> str:
        """A token that lives for a while yet."""
        known = self._token
        if known is None or known.expires <= self._clock():
            if self._flight is None:
                self._flight = asyncio.ensure_future(self._fetch())
                self._flight.add_done_callback(self._landed)
            # One of several waiting callers may give up; the others still need the token.
            known = await asyncio.shield(self._flight)
        return f"Bearer {known.text}"

    def refused(self, header: str) -> bool:
        """Forget the token, unless another has taken its place."""
        if self._token is not None and header == f"Bearer {self._token.text}":
            self._token = None
        return True

    def secrets(self) -> tuple[str, ...]:
        """The secret and the token."""
        sent = {quote(self._client_secret, safe=""), quote_plus(self._client_secret)}
        return (self._client_secret, *sorted(sent), *([self._token.text] if self._token else []))

    def _landed(self, flight: asyncio.Future[_Token]) -> None:
        self._flight = None
        # Everybody who waited may have given up: then nobody else looks at how it ended.
        if not flight.cancelled():
            flight.exception()

    async def _fetch(self) -> _Token:
        asked = self._clock()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        self._token = _token(await self._ask(form), asked)
        return self._token


def _token(answer: Any, asked: datetime) -> _Token:
    """The token, and until when it is used: a minute less than it lives, or half of a very short life."""
    try:
        text, kind = answer["access_token"], answer.get("token_type", "Bearer")
        lives = timedelta(seconds=float(answer["expires_in"]))
        expires = asked + max(lives - EARLY, lives / 2, SHORTEST)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unanswered("an access token that can be read") from error
    if not isinstance(text, str) or not re.fullmatch(r"[!-~]+", text) or str(kind).lower() != "bearer":
        raise Unanswered("an access token that can be read")
    return _Token(text, expires)
