"""Countersign itself, whole and unchanged, connected to the simulated GitHub: for the demonstration and the tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot import app
from bot.app import Parts, Surroundings
from bot.clock import utc_now
from bot.ledger import verify
from bot.queue.bell import Patience
from bot.sandbox import SimulatedGitHub
from bot.settings import AppIdentity, JiraAccess, ServiceNowAccess, Settings
from bot.store import Store

QUICK = Patience(breath=0.0, tick=0.05, poll=0.2, heartbeat=0.5, silence=3.0, drain=2.0, interrupted=0.2, forgotten=1.0)
"""For stories in which nobody wants to wait."""

AT_REST = """
    SELECT NOT EXISTS (SELECT FROM subject WHERE wanted > looked)
       AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))
       AND NOT EXISTS (SELECT FROM subject WHERE waiting_for IS NOT NULL AND due < now() + interval '30 seconds')
       AND NOT EXISTS (SELECT FROM subject WHERE due <= now())
"""


def settings(gh: SimulatedGitHub, secret: str, *, data_dir: Path = Path("var")) -> Settings:
    """Settings with which Countersign speaks to the simulated GitHub."""
    return Settings(
        app=AppIdentity(gh.app_id, gh.private_key_pem),
        webhook_secrets=(secret.encode(),),
        api_url=gh.api_url,
        web_url=gh.web_url,
        database_url=None,
        host="127.0.0.1",
        port=0,
        public_url="http://127.0.0.1",
        data_dir=data_dir,
        policy_repository=".github",
        log_format=None,
        worker_concurrency=4,
        keep_deliveries=30,
    )


@dataclass(slots=True)
class Rehearsal:
    """A running Countersign. ``address`` is where its pages are."""

    gh: SimulatedGitHub
    parts: Parts
    address: str
    _stop: asyncio.Event
    _working: asyncio.Task[None] | None
    _ahead: list[timedelta]

    def now(self) -> datetime:
        """What Countersign takes for the moment."""
        return self.parts.surroundings.clock()

    def later(self, **passed: float) -> None:
        """Let time pass for Countersign and for GitHub, as ``timedelta`` names it; the database stays where it is."""
        self._ahead[0] += timedelta(**passed)

    async def until(self, moment: datetime) -> None:
        """Let time pass until then, and settle: what becomes due on the way is looked at by itself."""
        self._ahead[0] += moment - self.now()
        async with self.store.transaction() as connection:
            await connection.execute("UPDATE subject SET due = now() WHERE due <= %s", [moment])
        await self.settle()

    @property
    def store(self) -> Store:
        """Its database."""
        return self.parts.store

    async def settle(self, *, within: float = 30.0) -> None:
        """Wait until every webhook has arrived, and everything that it asked for is done.

        Raises:
            TimeoutError: it is not, after ``within`` seconds.

        """
        async with asyncio.timeout(within):
            while True:
                await self.gh.settle()
                if await self._at_rest() and self.gh.quiet:
                    return
                await asyncio.sleep(0.02)

    async def _at_rest(self) -> bool:
        async with self.store.transaction() as connection:
            row = await (await connection.execute(AT_REST)).fetchone()
        return bool(row and row[0])

    async def stop_worker(self) -> None:
        """Stop the worker, as SIGTERM does."""
        self._stop.set()
        if self._working is not None:
            await self._working
        self._working = None

    async def start_worker(self) -> None:
        """Start a worker."""
        self._stop = asyncio.Event()
        self._working = asyncio.create_task((await app.worker(self.parts)).run(self._stop))

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""
        async with self.store.transaction() as connection:
            return await (await connection.execute(statement, values)).fetchall()

    async def ledger(self) -> list[tuple[str, str]]:
        """Kind and subject of every entry, in their order; the whole ledger is verified on the way."""
        async with self.store.transaction() as connection:
            verified = await verify.verify(connection)
        assert not verified.problems, verified.problems
        return [
            (kind, subject) for kind, subject in await self.rows("SELECT kind, subject FROM ledger_entry ORDER BY seq")
        ]


@asynccontextmanager
async def rehearsal(
    gh: SimulatedGitHub,
    url: str,
    secret: str,
    *,
    patience: Patience = QUICK,
    with_worker: bool = True,
    servicenow: ServiceNowAccess | None = None,
    jira: JiraAccess | None = None,
) -> AsyncIterator[Rehearsal]:
    """Countersign on the prepared database at ``url``, receiving the webhooks of ``gh``."""
    chosen = replace(settings(gh, secret), database_url=url, servicenow=servicenow, jira=jira)
    ahead = [timedelta()]
    surroundings = Surroundings(clock=lambda: utc_now() + ahead[0], patience=patience)
    gh.world.clock = surroundings.clock
    async with (
        app.assembled(chosen, url, surroundings) as parts,
        app.listening(app.application(parts), "127.0.0.1", 0) as port,
    ):
        gh.deliver_to(f"http://127.0.0.1:{port}/webhook")
        running = Rehearsal(gh, parts, f"http://127.0.0.1:{port}", asyncio.Event(), None, ahead)
        if with_worker:
            await running.start_worker()
        try:
            yield running
        finally:
            gh.deliver_to(None)
            await running.stop_worker()
