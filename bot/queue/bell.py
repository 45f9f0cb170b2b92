"""The bell: one loop in every worker process that finds what time, a crash or a lost job has left to do."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.errors import Transient
from bot.queue import subjects
from bot.store import Store

log = structlog.get_logger(__name__)

# A job whose worker is silent is ended, and its subject woken: giving the job back could collide with a newer one.
_TAKE_OVER = """
    WITH silent AS (
        SELECT jobs.id, jobs.lock FROM procrastinate_jobs AS jobs
        LEFT JOIN procrastinate_workers AS workers ON workers.id = jobs.worker_id
        WHERE jobs.status = 'doing' AND jobs.queue_name = 'looks'
          AND (workers.id IS NULL OR workers.last_heartbeat < now() - %(silence)s)
        ORDER BY jobs.lock FOR UPDATE OF jobs SKIP LOCKED
    ), ended AS (
        DELETE FROM procrastinate_jobs USING silent WHERE procrastinate_jobs.id = silent.id RETURNING silent.lock
    )
    SELECT array_agg(lock ORDER BY lock) FROM ended
"""


_ENDED_LATELY = timedelta(minutes=1)
"""Longer than between two thorough rounds, and than any transaction may take."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds.

    ``breath``: between the first wish and the look, so that what GitHub sends together is one look.
    ``tick``: between two looks at the clock. ``poll``: between two looks for jobs when no notification came.
    ``heartbeat`` and ``silence``: how often a worker says that it lives, and after how long it counts as dead.
    ``drain``: what a stopping worker has for what it is doing. ``interrupted``: before work starts again after the
    database was away. ``forgotten``: how long a wanted subject may have no job.
    """

    breath: float = 1.0
    tick: float = 0.5
    poll: float = 2.0
    heartbeat: float = 5.0
    silence: float = 20.0
    drain: float = 5.0
    interrupted: float = 1.0
    forgotten: float = 5.0


@dataclass(frozen=True, slots=True)
class Bell:
    """Wakes what is due, what lost its job, and what a dead worker was looking at."""

    store: Store
    patience: Patience

    async def run(self, stop: asyncio.Event) -> None:
        """Ring until ``stop`` is set; a database that is away is waited for."""
        rounds = 0
        while not stop.is_set():
            try:
                await self.ring(thoroughly=rounds % 8 == 0)
            except Transient as error:
                log.warning("bell_waits", waits_for=error.waits_for)
            rounds += 1
            try:
                # Workers on many machines should not all ring at the same moment.
                await asyncio.wait_for(stop.wait(), self.patience.tick * random.uniform(0.8, 1.2))  # noqa: S311 - spread
            except TimeoutError:
                continue

    async def ring(self, *, thoroughly: bool = True) -> None:
        """One round; a thorough one also looks for lost jobs and dead workers."""
        async with self.store.transaction() as connection:
            due = await subjects.ring(connection)
        if due:
            log.debug("subjects_due", count=due)
        if not thoroughly:
            return
        async with self.store.transaction() as connection:
            cursor = await connection.execute(_TAKE_OVER, {"silence": timedelta(seconds=self.patience.silence)})
            row = await cursor.fetchone()
            if row and row[0]:
                log.warning("dead_worker_taken_over", subjects=row[0])
                await connection.execute("SELECT countersign_wake(%s)", [row[0]])
        async with self.store.transaction() as connection:
            forgotten = await subjects.wake_forgotten(connection, timedelta(seconds=self.patience.forgotten))
        if forgotten:
            log.warning("forgotten_subjects_woken", count=forgotten)
        async with self.store.transaction() as connection:
            await subjects.wake_overtaken(connection, _ENDED_LATELY)
