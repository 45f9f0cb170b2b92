"""Installation tokens: cached, narrowed, renewed before they expire, and asked for once however many need one.

GitHub lets a token live for an hour and says nothing about its form or length.
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from cachetools import LRUCache

from bot.clock import Clock
from bot.github.errors import Invalid, Unanswered

log = structlog.get_logger(__name__)

EARLY = timedelta(minutes=5)
MOST_TOKENS = 10_000

Ask = Callable[[int, Mapping[str, Any]], Awaitable[Any]]
"""Asks GitHub for a token of an installation, with the body of the request."""

AskInstallation = Callable[[int], Awaitable[Any]]
"""Asks GitHub about an installation; it tells, among other things, the ``permissions`` that it was given."""

_LEVELS = ("read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is for: an installation, permissions, and, when narrowed further, repositories."""

    installation_id: int
    permissions: tuple[tuple[str, str], ...]
    repository_ids: tuple[int, ...] = ()

    @property
    def request(self) -> dict[str, Any]:
        """The body that asks for a token of just this."""
        body: dict[str, Any] = {"permissions": dict(self.permissions)}
        return body | ({"repository_ids": list(self.repository_ids)} if self.repository_ids else {})

    def within(self, granted: Mapping[str, Any]) -> "Scope":
        """The part of this that is ``granted``."""
        part = [
            (key, min(level, granted[key], key=_LEVELS.index))
            for key, level in self.permissions
            if granted.get(key) in _LEVELS
        ]
        return Scope(self.installation_id, tuple(part), self.repository_ids)


@dataclass(frozen=True, slots=True)
class Token:
    """A token; its text is never part of ``repr``."""

    text: str = field(repr=False)
    expires: datetime


class InstallationTokens:
    """The tokens of one process. They are kept in memory only."""

    def __init__(self, ask: Ask, ask_installation: AskInstallation, clock: Clock) -> None:
        self._ask = ask
        self._ask_installation = ask_installation
        self._clock = clock
        self._tokens: LRUCache[Scope, Token] = LRUCache(MOST_TOKENS)
        self._flights: dict[Scope, asyncio.Future[Token]] = {}

    async def token(self, scope: Scope) -> Token:
        """A token for ``scope`` that lives for some minutes yet.

        Raises:
            Transient, Refusal: whatever asking for it raised, for everybody who waited for the same one.

        """
        known = self._tokens.get(scope)
        if known is not None and known.expires - self._clock() > EARLY:
            return known
        flight = self._flights.get(scope)
        if flight is None:
            flight = asyncio.ensure_future(self._fetch(scope))
            self._flights[scope] = flight
            flight.add_done_callback(lambda done: self._landed(scope, done))
        # One of several waiting callers may give up; the others still need the token.
        return await asyncio.shield(flight)

    def drop(self, scope: Scope, token: Token) -> None:
        """Forget a token that GitHub did not accept, unless another has taken its place."""
        if self._tokens.get(scope) is token:
            del self._tokens[scope]

    def _landed(self, scope: Scope, flight: asyncio.Future[Token]) -> None:
        del self._flights[scope]
        # Everybody who waited may have given up: then nobody else looks at how it ended.
        if not flight.cancelled():
            flight.exception()

    async def _fetch(self, scope: Scope) -> Token:
        try:
            answer = await self._ask(scope.installation_id, scope.request)
        except Invalid:
            # GitHub gives no token at all where one permission is not granted: the organisation has not accepted a
            # new one yet, or its server knows no merge queues. What the rest is enough for shall go on.
            installation = await self._ask_installation(scope.installation_id)
            part = scope.within(_permissions(installation))
            if not part.permissions or part == scope:
                raise
            missing = sorted(set(dict(scope.permissions)) - set(dict(part.permissions)))
            log.warning("permissions_not_granted", installation=scope.installation_id, missing=missing)
            answer = await self._ask(scope.installation_id, part.request)
        token = _token(answer)
        self._tokens[scope] = token
        return token


def _permissions(installation: Any) -> Mapping[str, Any]:
    granted = installation.get("permissions") if isinstance(installation, dict) else None
    if not isinstance(granted, dict):
        raise Unanswered("an installation that can be read")
    return granted


def _token(answer: Any) -> Token:
    try:
        text, expires = answer["token"], datetime.fromisoformat(answer["expires_at"])
    except (LookupError, TypeError, ValueError) as error:
        raise Unanswered("an installation token that can be read") from error
    if not isinstance(text, str) or expires.tzinfo is None:
        raise Unanswered("an installation token that can be read")
    return Token(text, expires)
