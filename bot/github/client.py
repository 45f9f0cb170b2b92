"""The client that the rest of Countersign uses: an App on GitHub, and its installations."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp

from bot.clock import Clock
from bot.errors import Transient
from bot.github import etags
from bot.github.answers import Answer, read_answer
from bot.github.budget import Budget
from bot.github.errors import MayHaveHappened, NotFound, NotSent, RateLimited, Unanswered, Unauthorized
from bot.github.jwt import AppTokens
from bot.github.lanes import Lane
from bot.github.permissions import READ, WRITE
from bot.github.tokens import InstallationTokens, Scope
from bot.github.transport import ACCEPT, API_VERSION, TIMEOUT, Call, Observer, Transport

ATTEMPTS = 3
SHORT = timedelta(seconds=2)
"""What is waited for in place; a longer wait goes back to the queue, since the token may not outlive it."""

AT_ONCE = 20
"""Requests of one installation at the same time; GitHub allows 100 for all of an App's processes."""


def route(template: str, **names: str | int) -> str:
    """A path with each name percent-encoded, so that none can leave its place."""
    return template.format_map({key: quote(str(value), safe="") for key, value in names.items()})


def graphql_url(api_url: str) -> str:
    """Where GraphQL is: beside the REST root on github.com, beside ``/api/v3`` on a server of one's own."""
    return f"{api_url.removesuffix('/v3')}/graphql" if api_url.endswith("/api/v3") else f"{api_url}/graphql"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The App and where its GitHub is."""

    app_id: int
    private_key_pem: str = field(repr=False)
    api_url: str = "https://api.github.com"


@dataclass(frozen=True, slots=True)
class Page:
    """The items of a list; ``truncated`` says that there are more."""

    items: tuple[Any, ...]
    truncated: bool


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
    _etags: Any = field(init=False, default_factory=etags.cache)
    _installations: dict[int, "InstallationClient"] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Parse the key; raises `Refusal` when it is none."""
        self._app_tokens = AppTokens(self.credentials.app_id, self.credentials.private_key_pem, self.clock)
        self._tokens = InstallationTokens(self._ask_token, self.clock)

    def app(self) -> "AppClient":
        """GitHub as the App itself."""
        return AppClient(self)

    def installation(self, installation_id: int) -> "InstallationClient":
        """GitHub as one of the App's installations."""
        client = self._installations.get(installation_id)
        if client is None:
            client = InstallationClient(self, installation_id, Budget(self.clock, self.monotonic))
            self._installations[installation_id] = client
        return client

    async def ask_as_app(self, method: str, path: str, data: Any = None) -> tuple[Any, str | None]:
        """A request of the App itself; its reads are repeated when GitHub does not answer."""

        async def once() -> tuple[Any, str | None]:
            call = self.call(partition=0, budget=None, lane=Lane.PERSON)
            return await Transport(call).ask(method, path, data, self._app_tokens.token(), app=True)

        # A token too many does no harm, a redelivery of a known delivery neither.
        answered: tuple[Any, str | None] = await self.attempts(once, repeatable=True)
        return answered

    def call(self, *, partition: int, budget: Budget | None, lane: Lane, creates: bool = False) -> Call:
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
        )

    async def attempts(self, once: Callable[[], Awaitable[Any]], *, repeatable: bool) -> Any:
        """Do ``once``, and again after a short wait where that cannot do it twice.

        Raises:
            MayHaveHappened: the outcome is unknown, and it is not ``repeatable``.
            Transient, Refusal: as ``once`` raised it in the end.

        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await once()
            except RateLimited as error:
                wait = (error.until or self.clock()) - self.clock()
                if attempt == ATTEMPTS or wait > SHORT:
                    raise
            except NotSent:
                wait = self._backoff(attempt)
                if attempt == ATTEMPTS:
                    raise
            except Unanswered as error:
                if not repeatable:
                    raise MayHaveHappened(error.waits_for) from error
                wait = self._backoff(attempt)
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(max(wait.total_seconds(), 0))
        raise Transient("GitHub")

    def _backoff(self, attempt: int) -> timedelta:
        return timedelta(seconds=0.1 * 2**attempt) * self.chance()

    async def token(self, scope: Scope) -> Any:
        """A token of that scope."""
        return await self._tokens.token(scope)

    def drop(self, scope: Scope, token: Any) -> None:
        """Forget a token that was not accepted."""
        self._tokens.drop(scope, token)

    async def _ask_token(self, installation_id: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
        path = route("/app/installations/{id}/access_tokens", id=installation_id)
        answer, _ = await self.ask_as_app("POST", path, dict(body))
        granted: Mapping[str, Any] = answer
        return granted


@asynccontextmanager
async def connect(credentials: Credentials, *, clock: Clock, observe: Observer | None = None) -> AsyncIterator[GitHub]:
    """GitHub, with a session of its own that is closed at the end of the block."""
    headers = {"X-GitHub-Api-Version": API_VERSION, "Accept": ACCEPT, "User-Agent": "countersign"}
    connector = aiohttp.TCPConnector(limit=50, limit_per_host=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=TIMEOUT) as session:
        github = GitHub(credentials, clock, session)
        if observe is not None:
            github.observe = observe
        yield github


@dataclass(slots=True)
class InstallationClient:
    """GitHub as one installation sees it. Reads use a token that cannot write."""

    github: GitHub
    installation_id: int
    budget: Budget
    _slots: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def query(self, document: str, variables: Mapping[str, Any], *, lane: Lane) -> Answer:
        """A GraphQL query; what it found is kept beside what it could not find.

        Raises:
            Transient: GitHub could not answer now.
            Refusal: the query is not accepted.

        """
        url = graphql_url(self.github.credentials.api_url)
        body = {"query": document, "variables": dict(variables)}
        call = self._call(lane, resource="graphql")
        answer, _ = await self._ask("POST", url, body, call, write=False, repeatable=True)
        return read_answer(answer, now=self.github.clock())

    async def get(self, path: str, *, lane: Lane, params: Mapping[str, str] | None = None) -> Any:
        """Read ``path``, which `route` has built."""
        answer, _ = await self._ask("GET", _with(path, params), None, self._call(lane), write=False, repeatable=True)
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
        items: list[Any] = []
        url: str | None = _with(path, {"per_page": "100", **(params or {})})
        for _ in range(most_pages):
            if url is None:
                break
            answer, url = await self._ask("GET", url, None, self._call(lane), write=False, repeatable=True)
            items += answer if key is None else answer[key]
        return Page(tuple(items), truncated=url is not None)

    async def post(
        self, path: str, body: Mapping[str, Any], *, lane: Lane, idempotent: bool = False, creates: bool = False
    ) -> Any:
        """Send ``body``; ``idempotent``: doing it twice is doing it once; ``creates``: people see something appear.

        Raises:
            MayHaveHappened: GitHub did not answer, and it is not idempotent.

        """
        call = self._call(lane, creates=creates)
        answer, _ = await self._ask("POST", path, dict(body), call, write=True, repeatable=idempotent)
        return answer

    async def patch(self, path: str, body: Mapping[str, Any], *, lane: Lane, idempotent: bool = True) -> Any:
        """Change what is at ``path`` to ``body``."""
        answer, _ = await self._ask("PATCH", path, dict(body), self._call(lane), write=True, repeatable=idempotent)
        return answer

    def _call(self, lane: Lane, *, creates: bool = False, resource: str = "core") -> Call:
        call = self.github.call(partition=self.installation_id, budget=self.budget, lane=lane, creates=creates)
        return replace(call, resource=resource)

    async def _ask(self, method: str, url: str, data: Any, call: Call, *, write: bool, repeatable: bool) -> Any:
        permissions = WRITE if write else READ
        scope = Scope(self.installation_id, tuple(sorted(permissions.items())))

        async def once() -> Any:
            token = await self.github.token(scope)
            try:
                return await Transport(call).ask(method, url, data, token.text)
            except Unauthorized:
                # It may have been revoked; a second one is not tried for the same request.
                self.github.drop(scope, token)
                fresh = await self.github.token(scope)
                return await Transport(call).ask(method, url, data, fresh.text)

        async with self._slots:
            return await self.github.attempts(once, repeatable=repeatable)


@dataclass(frozen=True, slots=True)
class AppClient:
    """GitHub as the App itself sees it."""

    github: GitHub

    async def me(self) -> Mapping[str, Any]:
        """The App."""
        answer, _ = await self.github.ask_as_app("GET", "/app")
        found: Mapping[str, Any] = answer
        return found

    async def installations(self) -> list[Any]:
        """Every installation."""
        items: list[Any] = []
        url: str | None = "/app/installations?per_page=100"
        while url is not None:
            page, url = await self.github.ask_as_app("GET", url)
            items += page
        return items

    async def failed_deliveries(self) -> AsyncIterator[list[Any]]:
        """Deliveries that GitHub could not hand over, a page at a time, the latest first."""
        url: str | None = "/app/hook/deliveries?status=failure&per_page=100"
        while url is not None:
            page, url = await self.github.ask_as_app("GET", url)
            yield page

    async def delivery(self, delivery_id: int) -> Mapping[str, Any]:
        """A delivery with its payload."""
        answer, _ = await self.github.ask_as_app("GET", route("/app/hook/deliveries/{id}", id=delivery_id))
        found: Mapping[str, Any] = answer
        return found


def _with(path: str, params: Mapping[str, str] | None) -> str:
    if not params:
        return path
    return f"{path}?{urlencode(params)}"
