"""The simulated GitHub as a whole: its state, its two addresses, its webhooks, and what is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from bot.clock import Clock, utc_now
from bot.github.permissions import EVENTS, GRANTS
from bot.sandbox.accounts import Account
from bot.sandbox.auth import Tokens, private_key_pem
from bot.sandbox.faults import Faults
from bot.sandbox.http import Api, Exchange
from bot.sandbox.limits import Limits
from bot.sandbox.organisations import Organisation
from bot.sandbox.pages import Pages
from bot.sandbox.rest import Call
from bot.sandbox.webhooks import Delivery, Webhooks
from bot.sandbox.world import World


@dataclass(slots=True)
class Counts:
    """What was asked so far: REST requests (``writes`` are a part of them), GraphQL queries and their points."""

    rest: int = 0
    writes: int = 0
    graphql: int = 0
    points: int = 0


@dataclass(slots=True)
class SimulatedGitHub:
    """A GitHub with the App registered. Make one with `start`.

    ``watchers`` hear of every exchange of the API; ``unknown_routes`` are requests to operations that it does not have.
    """

    world: World
    tokens: Tokens
    webhooks: Webhooks
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    counts: Counts = field(default_factory=Counts)
    unknown_routes: list[str] = field(default_factory=list)
    watchers: list[Callable[[Exchange], None]] = field(default_factory=list)
    _requests: int = 0

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        webhook_secret: str,
        ghes: bool = False,
        clock: Clock = utc_now,
        permissions: Mapping[str, str] | None = None,
        events: Iterable[str] | None = None,
    ) -> AsyncIterator[SimulatedGitHub]:
        """Serve it on free ports of the loopback interface while the block runs.

        ``ghes``: as GitHub Enterprise Server, with its addresses, without rate limits and merge queues.
        ``permissions`` and ``events``: what the App asks for, when that is not what Countersign needs.
        """
        granted = dict(permissions or {grant.key: grant.level for grant in GRANTS})
        heard = tuple(events or (each.event for each in EVENTS))
        if ghes:
            granted.pop("merge_queues", None)
            heard = tuple(event for event in heard if event != "merge_group")
        world = World(clock, granted, heard, ghes=ghes)
        github = cls(world, Tokens(world), Webhooks(world, webhook_secret))
        if ghes:
            github.limits = Limits(core=None, graphql=None)
        world.tell = github.webhooks.announce
        async with AsyncExitStack() as stack:
            github.webhooks.session = await stack.enter_async_context(aiohttp.ClientSession())
            stack.push_async_callback(github.webhooks.close)
            api = await stack.enter_async_context(_served(Api(github).application()))
            pages = await stack.enter_async_context(_served(Pages(world).application()))
            world.api_url = f"{api}/api/v3" if ghes else api
            world.web_url = pages
            yield github

    # Where it is.

    @property
    def api_url(self) -> str:
        """The root of the REST API."""
        return self.world.api_url

    @property
    def web_url(self) -> str:
        """Where people look at it."""
        return self.world.web_url

    @property
    def app_id(self) -> int:
        """The App's number."""
        return self.world.app.id

    @property
    def private_key_pem(self) -> str:
        """The App's private key."""
        return private_key_pem()

    # Who is there.

    def organisation(self, login: str) -> Organisation:
        """The organisation of that name, made with the App installed when there is none."""
        return self.world.organisation(login)

    def stranger(self, login: str, *, email: str | None = None) -> Account:
        """A user who is in no organisation."""
        return self.world.person(login, email=email)

    def bot(self, login: str) -> Account:
        """The bot of that name."""
        return self.world.bot(login)

    # Webhooks.

    def deliver_to(self, url: str | None) -> None:
        """Send webhooks there from now on; with None they fail, and stay in the log."""
        self.webhooks.target = url

    @property
    def deliveries(self) -> list[Delivery]:
        """The log of webhooks, the oldest first."""
        return self.webhooks.log

    @property
    def quiet(self) -> bool:
        """Whether no webhook is on its way."""
        return self.webhooks.quiet

    async def settle(self) -> None:
        """Wait until every webhook was sent and answered."""
        await self.webhooks.settle()

    # Limits.

    def next_request_id(self) -> str:
        """An id for the next answer."""
        self._requests += 1
        return f"C0DE:{self._requests:06X}"

    def allowances(self, call: Call) -> dict[str, Any] | None:
        """What ``GET /rate_limit`` answers; None where there are no limits."""
        if self.limits.core is None:
            return None
        caller, now = str(call.installation_token.installation.id), self.world.now()
        resources = {}
        for resource in ("core", "graphql", "search"):
            headers = self.limits.headers(caller, resource, now)
            names = ("Limit", "Remaining", "Reset", "Used")
            resources[resource] = {name.lower(): int(headers[f"X-RateLimit-{name}"]) for name in names}
        return {"resources": resources, "rate": resources["core"]}


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
