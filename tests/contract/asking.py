"""A client without any opinion: it sends what it is told and hands over what came back."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt

from bot.sandbox import SimulatedGitHub
from bot.sandbox.organisations import Organisation


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The moment."""
        return self.now

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: its status, its headers and its body, read when it is JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def message(self) -> str:
        """Why it was refused."""
        return str(self.body["message"])

    @property
    def left(self) -> int:
        """How much may still be asked."""
        return int(self.headers["X-RateLimit-Remaining"])

    def problems(self) -> list[str]:
        """GitHub's words for what went wrong in a query."""
        return [each["type"] for each in self.body.get("errors", ())]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks with a token, or with whatever ``authorization`` says."""

    github: SimulatedGitHub
    session: aiohttp.ClientSession
    authorization: str = field(repr=False)

    @classmethod
    @asynccontextmanager
    async def of(cls, github: SimulatedGitHub, organisation: Organisation) -> AsyncIterator["Client"]:
        """A client with a token of the organisation's installation."""
        assert organisation.installation is not None
        token = github.tokens.grant(organisation.installation, {})
        async with aiohttp.ClientSession() as session:
            yield cls(github, session, f"Bearer {token.text}")

    def using(self, token: str) -> "Client":
        """The same with another token."""
        return replace(self, authorization=f"Bearer {token}")

    def as_app(self, **claims: Any) -> "Client":
        """The same as the App itself, by a JWT in which some claims are others."""
        now = self.github.world.now()
        usual = {
            "iat": int((now - timedelta(minutes=1)).timestamp()),
            "exp": int((now + timedelta(minutes=9)).timestamp()),
            "iss": str(self.github.app_id),
        }
        return self.using(jwt.encode({**usual, **claims}, self.github.private_key_pem, algorithm="RS256"))

    def narrowed(self, organisation: Organisation, **asked: Any) -> "Client":
        """The same with a token for less."""
        assert organisation.installation is not None
        return self.using(self.github.tokens.grant(organisation.installation, asked).text)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answered:
        """Send a request to ``path`` below the API's root, and do not follow redirects."""
        url = path if path.startswith("http") else f"{self.github.api_url}{path}"
        sent = {"Authorization": self.authorization, "User-Agent": "contract", **(headers or {})}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        async with self.session.request(
            method,
            url,
            data=data,
            headers={name: value for name, value in sent.items() if value},
            skip_auto_headers=[name for name, value in sent.items() if not value],
            allow_redirects=False,
        ) as response:
            text = await response.read()
            is_json = response.content_type == "application/json" and bool(text)
            return Answered(response.status, response.headers, json.loads(text) if is_json else text)

    async def query(self, query: str, **variables: Any) -> Answered:
        """Ask a GraphQL query."""
        return await self.ask("POST", "/graphql", {"query": query, "variables": variables})
