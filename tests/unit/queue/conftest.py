import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.clock import utc_now
from bot.errors import Transient
from bot.queue import Look, Next, Subject, Urgency, Wish, want
from bot.queue.bell import Patience
from bot.queue.worker import Worker
from bot.store import Store

QUICK = Patience(breath=0.0, tick=0.02, poll=0.2, heartbeat=0.1, silence=0.6, drain=2.0, interrupted=0.1, forgotten=0.3)


def subject(key: str = "pull:1:1", kind: str = "pull", **about: Any) -> Subject:
    return Subject(key, kind, 7, about)


async def wish(
    store: Store, *keys: str, urgency: Urgency = Urgency.PERSON, concerns: dict[str, Urgency] | None = None
) -> int:
    async with store.transaction() as connection:
        return await want(connection, [Wish(subject(key), urgency) for key in keys], concerns=concerns)


async def row(store: Store, columns: str, key: str = "pull:1:1") -> tuple[Any, ...]:
    async with store.transaction() as connection:
        cursor = await connection.execute(f"SELECT {columns} FROM subject WHERE key = %s", [key])
        (found,) = await cursor.fetchall()
        return tuple(found)


async def value(store: Store, statement: str) -> Any:
    async with store.transaction() as connection:
        ((found,),) = await (await connection.execute(statement)).fetchall()
        return found


async def at_rest(store: Store) -> bool:
    """Whether nothing is wanted and no job is left."""
    wanted = await value(store, "SELECT count(*) FROM subject WHERE wanted > looked")
    return not wanted and not await value(store, "SELECT count(*) FROM procrastinate_jobs")


@dataclass(slots=True)
class Watch:
    """A handler that notes each look, and does what the test says."""

    acts: Callable[[Look], Awaitable[Next]]
    began: list[Look] = field(default_factory=list)
    running: dict[str, int] = field(default_factory=dict)
    most: int = 0

    async def __call__(self, look: Look) -> Next:
        key = look.subject.key
        self.began.append(look)
        self.running[key] = self.running.get(key, 0) + 1
        self.most = max(self.most, self.running[key])
        try:
            return await self.acts(look)
        finally:
            self.running[key] -= 1

    def keys(self) -> list[str]:
        return [look.subject.key for look in self.began]


async def nothing(_look: Look) -> Next:
    return Next()


Start = Callable[..., Worker]


@asynccontextmanager
async def working(*workers: Worker) -> AsyncIterator[asyncio.Event]:
    """Run the workers while the block runs, then drain them."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(stop)) for worker in workers]
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)


@pytest.fixture
def make(store: Store) -> Start:
    """Makes workers whose looks the test decides about."""

    def worker(watch: Watch, *, concurrency: int = 4, patience: Patience = QUICK, chance: float = 0.0) -> Worker:
        return Worker(
            store, {"pull": watch}, utc_now, concurrency=concurrency, chance=lambda: chance, patience=patience
        )

    return worker


class Gate:
    """A look that waits until the test lets it go."""

    def __init__(self, after: Next | None = None) -> None:
        self.entered = asyncio.Event()
        self.leave = asyncio.Event()
        self._after = after or Next()

    async def __call__(self, _look: Look) -> Next:
        self.entered.set()
        await self.leave.wait()
        return self._after


async def unlucky(_look: Look) -> Next:
    raise Transient("GitHub")
