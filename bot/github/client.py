"""The client that the rest of Countersign uses: an App on GitHub, and its installations."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp

from bot.clock import Clock
from bot.errors import Refusal, Transient
from bot.github import etags
from bot.github.answers import Answer
from bot.github.app import AppClient
from bot.github.attempts import attempts
from bot.github.budget import Budget
from bot.github.errors import NotFound, NotSent, Unanswered, Unauthorized
from bot.github.jwt import AppTokens
from bot.github.lanes import Lane
from bot.github.paging import Page, items
from bot.github.permissions import READ, WRITE
from bot.github.tokens import InstallationTokens, Scope, Token
from bot.github.transport import TIMEOUT, Call, Observer, Transport

AT_ONCE = 20
"""Reads of one installation at the same time; GitHub allows 100 requests for all of an App's processes."""

Answered = TypeVar("Answered")


def route(template: str, **names: str | int) -> str:
    """A path with each name percent-encoded, so that none can leave its place.

    Raises:
        Refusal: a name is empty, or one of the two that mean another place, however they are encoded.

    """
    encoded = {key: quote(str(value), safe="") for key, value in names.items()}
    for key, value in encoded.items():
        if value in {"", ".", ".."}:
            raise Refusal(f"GitHub has nothing whose {key} is '{value}'.")
    return template.format_map(encoded)


def graphql_url(api_url: str) -> str:
    """Where GraphQL is: beside the REST root on github.com, beside ``/api/v3`` on a server of one's own."""
    return f"{api_url.removesuffix('/v3')}/graphql" if api_url.endswith("/api/v3") else f"{api_url}/graphql"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The App and where its GitHub is."""

    app_id: int
    private_key_pem: str = field(repr=False)
    api_url: str = "https://api.github.com"


@dataclass(slots=True)
class GitHub:
    """GitHub for one App and one process."""

    credentials: Credentials
    clock: Clock
    session: aiohttp.ClientSession
    observe: Observer = field(default=lambda _resource, _method, _status: None)
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    _app_tokens: AppTokens = field(init=False)
    _tokens: InstallationTokens = field(init=False)
    _app_budget: Budget = field(init=False)
    _etags: Any = field(init=False, default_factory=etags.cache)
    _installations: dict[int, "InstallationClient"] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Parse the key; raises `Refusal` when it is none."""
        self._app_tokens = AppTokens(self.credentials.app_id, self.credentials.private_key_pem, self.clock)
        self._tokens = InstallationTokens(self._ask_token, self._ask_installation, self.clock)
        self._app_budget = Budget(self.clock, self.monotonic)

    def app(self) -> "AppClient":
        """GitHub as the App itself."""
        return AppClient(self.ask_as_app)

    def installation(self, installation_id: int) -> "InstallationClient":
        """GitHub as one of the App's installations."""
        client = self._installations.get(installation_id)
        if client is None:
            client = InstallationClient(self, installation_id, Budget(self.clock, self.monotonic))
            self._installations[installation_id] = client
        return client

    async def ask_as_app(self, method: str, path: str, data: Any = None) -> tuple[Any, str | None]:
        """A request of the App itself.

        Raises:
            Transient, Refusal: GitHub did not do it.

        """

        async def once() -> tuple[Any, str | None]:
            call = self.call(partition=0, budget=self._app_budget, lane=Lane.PERSON)
            return await Transport(call).ask(method, path, data, self._app_tokens.token(), app=True)

        # All of them are reads, or ask for a token: one too many does no harm.
        return await self.attempts(once, repeatable=True)

    def call(
        self, *, partition: int, budget: Budget, lane: Lane, creates: bool = False, resource: str = "core"
    ) -> Call:
        """What the requests of a call have in common."""
        return Call(
            session=self.session,
            api_url=self.credentials.api_url,
            budget=budget,
            etags=self._etags,
            clock=self.clock,
            observe=self.observe,
            partition=partition,
            lane=lane,
            creates=creates,
            resource=resource,
        )

    async def attempts(self, once: Callable[[], Awaitable[Answered]], *, repeatable: bool) -> Answered:
        """Do ``once``, and again as `bot.github.attempts` says."""
        return await attempts(once, repeatable=repeatable, clock=self.clock, chance=self.chance)

    async def token(self, scope: Scope) -> Token:
        """A token of that scope.

        Raises:
            Transient, Refusal: there is none; what it is for was not asked. Asking was repeated already.

        """
        try:
            return await self._tokens.token(scope)
        except (NotSent, Unanswered) as error:
            raise Transient(error.waits_for) from error

    def drop(self, scope: Scope, token: Token) -> None:
        """Forget a token that was not accepted."""
        self._tokens.drop(scope, token)

    async def _ask_token(self, installation_id: int, body: Mapping[str, Any]) -> Any:
        path = route("/app/installations/{id}/access_tokens", id=installation_id)
        answer, _ = await self.ask_as_app("POST", path, dict(body))
        return answer

    async def _ask_installation(self, installation_id: int) -> Any:
        answer, _ = await self.ask_as_app("GET", route("/app/installations/{id}", id=installation_id))
        return answer


@asynccontextmanager
async def connect(credentials: Credentials, *, clock: Clock, observe: Observer | None = None) -> AsyncIterator[GitHub]:
    """GitHub, with a session of its own that is closed at the end of the block."""
    connector = aiohttp.TCPConnector(limit=2 * AT_ONCE)
    # One installation's cookie is nothing to another's request.
    cookies = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=cookies, timeout=TIMEOUT) as session:
        github = GitHub(credentials, clock, session)
        if observe is not None:
            github.observe = observe
        yield github


@dataclass(slots=True)
class InstallationClient:
    """GitHub as one installation sees it. Reads use a token that cannot write; writes go one after another.

    https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    """

    github: GitHub
    installation_id: int
    budget: Budget
    _reads: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _writes: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(1))

    @property
    def app_id(self) -> int:
        """The number of our own App."""
        return self.github.credentials.app_id

    async def query(self, document: str, variables: Mapping[str, Any], *, lane: Lane) -> Answer:
        """A GraphQL query; what it found is kept beside what it could not find.

        Raises:
            Transient: GitHub could not answer now.
            Refusal: the query is not accepted.

        """
        url = graphql_url(self.github.credentials.api_url)
        body = {"query": document, "variables": dict(variables)}
        call = self._call(lane, resource="graphql")
        return await self._ask(lambda transport, token: transport.query(url, body, token), call, repeatable=True)

    async def get(self, path: str, *, lane: Lane, params: Mapping[str, str] | None = None) -> Any:
        """Read ``path``, which `route` has built."""
        answer, _ = await self._read(_with(path, params), lane)
        return answer

    async def get_or_none(self, path: str, *, lane: Lane, params: Mapping[str, str] | None = None) -> Any:
        """Read ``path``; None when there is nothing."""
        try:
            return await self.get(path, lane=lane, params=params)
        except NotFound:
            return None

    async def get_pages(
        self,
        path: str,
        *,
        key: str | None,
        lane: Lane,
        params: Mapping[str, str] | None = None,
        most_pages: int = 30,
    ) -> Page:
        """All items of a list, at most ``most_pages`` of 100; ``key`` is where an answer that is no list holds them."""
        found: list[Any] = []
        url: str | None = _with(path, {**(params or {}), "per_page": "100"})
        for _ in range(most_pages):
            if url is None:
                break
            answer, url = await self._read(url, lane)
            found += items(answer, key)
        return Page(tuple(found), truncated=url is not None)

    async def post(
        self, path: str, body: Mapping[str, Any], *, lane: Lane, idempotent: bool = False, creates: bool = False
    ) -> Any:
        """Send ``body``; ``idempotent``: doing it twice is doing it once; ``creates``: people see something appear.

        Raises:
            MayHaveHappened: GitHub did not answer, and it is not idempotent.

        """
        return await self._write("POST", path, body, self._call(lane, creates=creates), idempotent=idempotent)

    async def patch(self, path: str, body: Mapping[str, Any], *, lane: Lane, idempotent: bool = True) -> Any:
        """Change what is at ``path`` to ``body``.

        Raises:
            MayHaveHappened: GitHub did not answer, and it is not idempotent.

        """
        return await self._write("PATCH", path, body, self._call(lane), idempotent=idempotent)

    async def _read(self, url: str, lane: Lane) -> tuple[Any, str | None]:
        call = self._call(lane)
        return await self._ask(lambda transport, token: transport.ask("GET", url, None, token), call, repeatable=True)

    async def _write(self, method: str, path: str, body: Mapping[str, Any], call: Call, *, idempotent: bool) -> Any:
        answer, _ = await self._ask(
            lambda transport, token: transport.ask(method, path, dict(body), token),
            call,
            repeatable=idempotent,
            write=True,
        )
        return answer

    def _call(self, lane: Lane, *, creates: bool = False, resource: str = "core") -> Call:
        return self.github.call(
            partition=self.installation_id, budget=self.budget, lane=lane, creates=creates, resource=resource
        )

    async def _ask(
        self,
        send: Callable[[Transport, str], Awaitable[Answered]],
        call: Call,
        *,
        repeatable: bool,
        write: bool = False,
    ) -> Answered:
        scope = Scope(self.installation_id, tuple(sorted((WRITE if write else READ).items())))

        async def once() -> Answered:
            token = await self.github.token(scope)
            try:
                return await send(Transport(call), token.text)
            except Unauthorized:
                # It may have been revoked; a second one is not tried for the same request.
                self.github.drop(scope, token)
                fresh = await self.github.token(scope)
                return await send(Transport(call), fresh.text)

        async with self._writes if write else self._reads:
            return await self.github.attempts(once, repeatable=repeatable)


def _with(path: str, params: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(params)}" if params else path
