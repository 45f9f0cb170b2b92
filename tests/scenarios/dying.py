"""A worker process that is killed at a chosen step of its looks at pull requests.

Its steps are where something outside of it changes or may have: before and after each commit, before and after each
request to GitHub. Nothing of Countersign knows about this.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import aiohttp
from psycopg import AsyncConnection

from bot import app
from bot.app import Surroundings
from bot.queue.bell import Patience
from bot.queue.worker import Worker
from bot.sandbox.rehearsal import AT_REST, Rehearsal
from bot.settings import Settings
from bot.store import Store

FATAL = Patience(breath=0.0, tick=0.05, poll=0.1, heartbeat=0.1, silence=0.5, drain=1.0, interrupted=0.1, forgotten=0.5)
_looking: ContextVar[bool] = ContextVar("looking", default=False)


class _Steps:
    """Counts the steps, and ends the process at the fatal one."""

    def __init__(self, fatal: int, where: str) -> None:
        self._left, self._where = fatal, where

    def step(self, at: str = "") -> None:
        if _looking.get() and self._where in at:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _instrument(steps: _Steps, kind: str) -> None:
    look, transaction, request = Worker.look, Store.transaction, aiohttp.ClientSession._request

    async def watched_look(self: Worker, key: str) -> None:
        token = _looking.set(key.startswith(kind))
        try:
            await look(self, key)
        finally:
            _looking.reset(token)

    @asynccontextmanager
    async def watched_transaction(self: Store) -> AsyncIterator[AsyncConnection[Any]]:
        async with transaction(self) as connection:
            yield connection
            steps.step()
        steps.step()

    async def watched_request(self: aiohttp.ClientSession, *args: Any, **kwargs: Any) -> aiohttp.ClientResponse:
        at = str(args[1])
        steps.step(at)
        # It is done by then; its body is for whoever asked, who may read it only once.
        answer = await request(self, *args, **kwargs)
        steps.step(at)
        return answer

    Worker.look = watched_look  # type: ignore[method-assign]
    Store.transaction = watched_transaction  # type: ignore[method-assign]
    aiohttp.ClientSession._request = watched_request  # type: ignore[method-assign]


def work(settings: Settings, url: str, fatal: int, kind: str, where: str) -> None:
    """Work until everything is done, or until the fatal step."""
    _instrument(_Steps(fatal, where), kind)
    asyncio.run(_work(settings, url))


async def _work(settings: Settings, url: str) -> None:
    stop = asyncio.Event()
    async with app.assembled(settings, url, Surroundings(patience=FATAL)) as parts:
        working = asyncio.create_task((await app.worker(parts)).run(stop))
        while True:
            await asyncio.sleep(0.05)
            async with parts.store.transaction() as connection:
                row = await (await connection.execute(AT_REST)).fetchone()
            if row and row[0]:
                break
        stop.set()
        await working


async def die_at(countersign: Rehearsal, fatal: int, *, kind: str = "pull:", where: str = "") -> bool:
    """Start another worker that dies at that step of looks at subjects of a kind; whether it was killed.

    With ``where``, only requests to addresses that have it in them are steps: 1 is before the first of them, 2 after it.
    """
    settings = countersign.parts.settings
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=work, args=(settings, settings.database_url, fatal, kind, where), daemon=True)
    process.start()
    await asyncio.to_thread(process.join, 60)
    assert process.exitcode in {0, -signal.SIGKILL}, process.exitcode
    return process.exitcode != 0
