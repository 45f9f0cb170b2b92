"""The composition root: the one place where concrete parts meet."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from aiohttp import web

from bot.changes.sync import RECORD, Sync, Systems
from bot.changes.systems import http, jira, servicenow
from bot.changes.systems.maps import jira_fields, servicenow_fields
from bot.changes.systems.port import RecordSystem
from bot.clock import Clock, utc_now
from bot.errors import Refusal
from bot.facts.load import Gathering
from bot.github.client import Credentials, GitHub, connect
from bot.ingest.inbox import Inbox
from bot.ingest.refusals import Refusals
from bot.ingest.subjects import BRANCH, INSTALLATION, MERGE_GROUP, PULL, TAG
from bot.ingest.webhook import Webhook
from bot.pipeline import Pipeline
from bot.policy.model import Records, System
from bot.queue.bell import Patience
from bot.queue.sweep import APP, Sweep
from bot.queue.worker import Worker
from bot.settings import Settings
from bot.store import Store
from bot.store.migrate import migrate
from bot.store.pool import address
from bot.telemetry import Metrics
from bot.unauthorised.branches import Branches
from bot.unauthorised.tags import Tags
from bot.web import server

log = structlog.get_logger(__name__)

LAST_ANSWERS = 15.0
"""Seconds that requests have to end when the process is asked to stop; platforms kill after 30."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process takes from the world besides its settings: time, ids, and how patient it is."""

    clock: Clock = utc_now
    new_id: Callable[[], UUID] = uuid4
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Parts:
    """What web and worker are made of. ``github`` is None in setup mode: no App is named."""

    settings: Settings
    surroundings: Surroundings
    store: Store
    metrics: Metrics
    inbox: Inbox
    refusals: Refusals
    github: GitHub | None
    systems: Systems


def database_url(settings: Settings) -> str:
    """The address of the database; an embedded one is started and brought up to date.

    Raises:
        Refusal: the embedded server does not start.

    """
    url = address(settings.database_url, settings.data_dir)
    if settings.database_url is None:
        migrate(url)
    return url


@asynccontextmanager
async def assembled(settings: Settings, url: str, surroundings: Surroundings) -> AsyncIterator[Parts]:
    """The parts of a process on the database at ``url``, closed at the end of the block."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(url, most_connections=settings.worker_concurrency + 12))
        await store.check_schema()
        metrics = Metrics()
        inbox = await stack.enter_async_context(Inbox(store).open())
        refusals = await stack.enter_async_context(Refusals(store, surroundings.clock).open())
        github = None
        if settings.app is not None:
            credentials = Credentials(settings.app.app_id, settings.app.private_key_pem, settings.api_url)
            github = await stack.enter_async_context(
                connect(credentials, clock=surroundings.clock, observe=metrics.request_answered)
            )
        systems = await stack.enter_async_context(_systems(settings, surroundings.clock))
        yield Parts(settings, surroundings, store, metrics, inbox, refusals, github, systems)


@asynccontextmanager
async def _systems(settings: Settings, clock: Clock) -> AsyncIterator[Systems]:
    """The systems of change records that are set up."""
    found: dict[System, Callable[[Records], RecordSystem]] = {}
    async with http.session() as session:
        if settings.servicenow is not None:
            instance = servicenow.connect(settings.servicenow, session, clock)
            found[System.SERVICENOW] = lambda records: replace(instance, fields=servicenow_fields(records))
        if settings.jira is not None:
            site = jira.connect(settings.jira, session, clock)
            found[System.JIRA] = lambda records: replace(site, fields=jira_fields(records))
        yield found


def application(parts: Parts) -> web.Application:
    """The web application; it refuses deliveries until there is an App and a secret."""
    webhook = None
    if parts.github is not None and parts.settings.webhook_secrets:
        webhook = Webhook(
            parts.settings.webhook_secrets,
            parts.inbox,
            parts.refusals,
            parts.metrics,
            parts.surroundings.clock,
            parts.github.credentials.app_id,
        )
    return server.build(parts.store, parts.metrics, webhook)


async def worker(parts: Parts) -> Worker:
    """A worker with a handler for every kind of subject; the first rounds of the sweep are promised."""
    assert parts.github is not None, "a worker needs an App"
    settings, clock = parts.settings, parts.surroundings.clock
    pipeline = Pipeline(
        store=parts.store,
        github=parts.github,
        gathering=Gathering(parts.store, settings.policy_repository, clock),
        metrics=parts.metrics,
        clock=clock,
        new_id=parts.surroundings.new_id,
        web_url=settings.web_url,
    )
    sweep = Sweep(parts.store, parts.github, parts.inbox, clock, timedelta(days=settings.keep_deliveries))
    await sweep.begin()
    handlers = {
        PULL: pipeline.pull_request,
        MERGE_GROUP: pipeline.merge_group,
        BRANCH: Branches(parts.store, parts.github, clock).look,
        TAG: Tags(parts.store, parts.github, clock).look,
        INSTALLATION: sweep.installation,
        APP: sweep.app,
        RECORD: Sync(parts.store, parts.systems, clock, settings.web_url).look,
    }
    return Worker(
        parts.store,
        handlers,
        clock,
        concurrency=settings.worker_concurrency,
        patience=parts.surroundings.patience,
    )


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve ``app`` while the block runs; gives the port, which the system chooses when ``port`` is 0.

    Raises:
        Refusal: the address cannot be listened on.

    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise Refusal(
                f"Countersign cannot listen on {host}:{port}: {error.strerror or error}.",
                remedy="Set HOST and PORT to an address that is free.",
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def run(settings: Settings, url: str, *, web_too: bool, worker_too: bool, stop: asyncio.Event) -> None:
    """Run the web part, the worker or both until ``stop`` is set; then end what was begun.

    Raises:
        Refusal: the database is not prepared, the address is taken, or no App is named for a worker.
        Transient: the database does not answer.

    """
    if worker_too and not web_too and settings.app is None:
        raise Refusal("A worker needs a GitHub App.", remedy="Set GITHUB_APP_ID and GITHUB_PRIVATE_KEY_FILE.")
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(assembled(settings, url, Surroundings()))
        if web_too:
            port = await stack.enter_async_context(listening(application(parts), settings.host, settings.port))
            log.info("listening", address=f"http://{settings.host}:{port}", setup_mode=parts.github is None)
        if worker_too and parts.github is not None:
            log.info("working", concurrency=settings.worker_concurrency)
            await (await worker(parts)).run(stop)
        else:
            await stop.wait()
        log.info("stopping")


async def until_told(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Do ``work`` with an event that is set when the process is asked to stop (SIGTERM, SIGINT)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    await work(stop)
