"""Installation tokens: cached, narrowed, renewed before they expire, and asked for once however many need one.

GitHub lets a token live for an hour and says nothing about its form or length.
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cachetools import LRUCache

from bot.clock import Clock

EARLY = timedelta(minutes=5)
MOST_TOKENS = 10_000

Ask = Callable[[int, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Asks GitHub for a token of an installation, with the body of the request."""


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


@dataclass(frozen=True, slots=True)
class Token:
    """A token; its text is never part of ``repr``."""

    text: str = field(repr=False)
    expires: datetime


class InstallationTokens:
    """The tokens of one process. They are kept in memory only."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
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
            flight.add_done_callback(lambda _: self._flights.pop(scope, None))
        # One of several waiting callers may give up; the others still need the token.
        return await asyncio.shield(flight)

    def drop(self, scope: Scope, token: Token) -> None:
        """Forget a token that GitHub did not accept, unless another has taken its place."""
        if self._tokens.get(scope) is token:
            del self._tokens[scope]

    async def _fetch(self, scope: Scope) -> Token:
        answer = await self._ask(scope.installation_id, scope.request)
        token = Token(str(answer["token"]), datetime.fromisoformat(str(answer["expires_at"])))
        self._tokens[scope] = token
        return token
