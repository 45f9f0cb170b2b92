"""A worker process: takes wake-ups from Procrastinate, looks at their subjects, and rings the bell for what is due."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition

from bot.clock import Clock
from bot.errors import CountersignError, Refusal, Transient
from bot.queue import subjects
from bot.queue.bell import Bell, Patience
from bot.queue.model import Handler, Next
from bot.queue.subjects import Begun
from bot.store import Store

log = structlog.get_logger(__name__)

LOOKS_IN_A_ROW = 5
"""How often a subject that keeps being wanted is looked at before others have their turn."""

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)
REFUSED_WAIT = timedelta(hours=1)
"""A refusal may end without a word, as when GitHub accepts no credentials for a minute; it is not asked often."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Looks at subjects with the handler of their kind, ``concurrency`` at a time.

    ``chance`` answers a number from 0 to 1, and spreads retries so that they do not all come at once.
    """

    store: Store
    handlers: Mapping[str, Handler]
    clock: Clock
    concurrency: int = 8
    chance: Callable[[], float] = random.random
    patience: Patience = Patience()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then finish what is being looked at, for a few seconds at most."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Bell(self.store, self.patience).run(stop))
            while not stop.is_set():
                try:
                    await self._take_jobs(stop)
                except (ConnectorException, OSError, CountersignError) as error:
                    log.warning("worker_interrupted", error=str(error))
                    await _pause(stop, self.patience.interrupted)

    async def _take_jobs(self, stop: asyncio.Event) -> None:
        async with self._jobs() as app:
            working = asyncio.create_task(
                app.run_worker_async(
                    queues=["looks"],
                    concurrency=self.concurrency,
                    install_signal_handlers=False,
                    listen_notify=True,
                    fetch_job_polling_interval=self.patience.poll,
                    shutdown_graceful_timeout=self.patience.drain,
                    delete_jobs=DeleteJobCondition.ALWAYS,
                    update_heartbeat_interval=self.patience.heartbeat,
                    stalled_worker_timeout=self.patience.silence,
                )
            )
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                # Cancelling is how Procrastinate is asked to drain.
                working.cancel()
                (ended,) = await asyncio.gather(working, return_exceptions=True)
            if isinstance(ended, Exception):
                raise ended

    @asynccontextmanager
    async def _jobs(self) -> AsyncIterator[procrastinate.App]:
        connector = procrastinate.PsycopgConnector(
            conninfo=self.store.conninfo, min_size=1, max_size=self.concurrency + 3
        )
        app = procrastinate.App(connector=connector)

        @app.task(name="look", queue="looks")
        async def _look(key: str) -> None:
            await self.look(key)

        async with app.open_async():
            yield app

    async def look(self, key: str) -> None:
        """Look at the subject for as long as it is wanted, and leave it due or at rest."""
        breath = self.patience.breath
        for _ in range(LOOKS_IN_A_ROW):
            begun = await self._begin(key, breath)
            if begun is None or not await self._look_once(begun):
                return
            breath = 0.0

    async def _begin(self, key: str, breath: float) -> Begun | None:
        """Begin a look when what GitHub tells together has had a ``breath`` to arrive.

        Whoever has waited in the queue for as long waits no longer.
        """
        async with self.store.transaction() as connection:
            wait = await subjects.too_young(connection, key, timedelta(seconds=breath)) if breath else 0.0
            if not wait:
                return await subjects.begin(connection, key)
        # Never longer than a breath, whatever the database's clock does.
        await asyncio.sleep(min(wait, breath))
        return await self._begin(key, 0.0)

    async def _look_once(self, begun: Begun) -> bool:
        """One look; whether the subject is wanted again already."""
        subject = begun.look.subject
        with structlog.contextvars.bound_contextvars(subject=subject.key, look=begun.look.number):
            try:
                after = await self.handlers[subject.kind](begun.look)
            except Exception as error:  # noqa: BLE001 - whatever a look raises, the subject stays promised
                return await self._postpone(begun, error)
            return await self._finish(begun, after)

    async def _finish(self, begun: Begun, after: Next) -> bool:
        async with self.store.transaction() as connection:
            return await subjects.finish(connection, begun, after)

    async def _postpone(self, begun: Begun, error: Exception) -> bool:
        wait, reason = self._after(error, begun.look.attempt)
        async with self.store.transaction() as connection:
            return await subjects.postpone(connection, begun, wait, reason)

    def _after(self, error: Exception, attempt: int) -> tuple[timedelta, str]:
        """How long to wait, and for what: exponential back-off with full jitter, or until a known moment."""
        longest = REFUSED_WAIT if isinstance(error, Refusal) else LONGEST_WAIT
        ceiling = min(FIRST_WAIT * 2 ** min(attempt, 16), longest)
        backoff = timedelta(milliseconds=200) + ceiling * self.chance()
        match error:
            case Transient():
                log.info("look_waits", waits_for=error.waits_for, until=str(error.until), attempt=attempt)
                until = error.until - self.clock() if error.until else backoff
                return max(until, timedelta(milliseconds=200)), error.waits_for
            case Refusal():
                log.warning("look_refused", what=error.what, remedy=error.remedy)
                return backoff, error.what
            case _:
                incident = uuid4().hex[:12]
                log.error("look_failed", incident=incident, attempt=attempt, exc_info=error)
                return backoff, f"a repair of Countersign (incident {incident})"


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait for ``stop``, for ``seconds`` at most."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
