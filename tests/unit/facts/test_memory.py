import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.clock import utc_now
from bot.facts import memory
from bot.facts.memory import Known
from bot.queue import Urgency, want
from bot.store import Store

HOUR = timedelta(hours=1)


async def now(store: Store) -> datetime:
    async with store.transaction() as connection:
        return await memory.now(connection)


async def remember(store: Store, value: Any, *concerns: str, key: str = "k", read_at: datetime | None = None) -> None:
    known = Known(key, concerns, value, read_at or await now(store))
    async with store.transaction() as connection:
        await memory.remember(connection, [known])


async def recall(store: Store, *keys: str, not_older_than: timedelta = HOUR) -> dict[str, Any]:
    async with store.transaction() as connection:
        at = await memory.now(connection)
        return dict(await memory.recall(connection, keys, not_older_than=not_older_than, at=at))


async def changes(store: Store, *concerns: str) -> None:
    async with store.transaction() as connection:
        await want(connection, [], concerns=dict.fromkeys(concerns, Urgency.TIMER))


async def test_the_databases_clock_is_the_measure(store: Store) -> None:
    first, second = await now(store), await now(store)
    assert first < second
    assert abs(first - utc_now()) < timedelta(minutes=1)


@pytest.mark.parametrize("value", [[1, 2], {"a": None}, "text", 7, None, True])
async def test_what_was_read_is_believed(store: Store, value: Any) -> None:
    await remember(store, value, "team:a/b")
    assert await recall(store, "k", "unknown") == {"k": value}


async def test_nothing_asked_is_nothing_read(store: Store) -> None:
    assert await recall(store) == {}
    async with store.transaction() as connection:
        await memory.remember(connection, [])
    assert await recall(store, "k") == {}


async def test_what_is_too_old_is_not_believed(store: Store) -> None:
    await remember(store, 1, read_at=await now(store) - timedelta(minutes=10))
    assert await recall(store, "k", not_older_than=timedelta(minutes=15)) == {"k": 1}
    assert await recall(store, "k", not_older_than=timedelta(minutes=5)) == {}


async def test_a_change_of_a_concern_ends_the_belief(store: Store) -> None:
    await remember(store, 1, "team:a/b", "repository:1", key="hit")
    await remember(store, 2, "team:a/c", key="missed")
    await remember(store, 3, key="of-nothing")
    await changes(store, "team:a/b")
    assert await recall(store, "hit", "missed", "of-nothing") == {"missed": 2, "of-nothing": 3}


async def test_what_was_read_after_the_change_is_believed(store: Store) -> None:
    await changes(store, "team:a/b")
    await remember(store, 1, "team:a/b")
    assert await recall(store, "k") == {"k": 1}


async def test_what_was_being_read_while_the_change_happened_is_not(store: Store) -> None:
    began = await now(store)
    await changes(store, "team:a/b")
    await remember(store, "before", "team:a/b", read_at=began)
    assert await recall(store, "k") == {}


async def test_something_older_does_not_replace_something_younger(store: Store) -> None:
    older = await now(store)
    await remember(store, "young")
    await remember(store, "old", read_at=older)
    assert await recall(store, "k") == {"k": "young"}
    await remember(store, "youngest", "team:a/b")
    assert await recall(store, "k") == {"k": "youngest"}


async def test_many_processes_remember_the_same_things_at_once(store: Store) -> None:
    at = await now(store)

    async def one(turn: int) -> None:
        keys = [f"k{number}" for number in range(10)]
        rotated = keys[turn % 10 :] + keys[: turn % 10]
        known = [Known(key, (), turn, at + timedelta(microseconds=turn)) for key in rotated]
        async with store.transaction() as connection:
            await memory.remember(connection, known)

    await asyncio.gather(*map(one, range(30)))
    assert await recall(store, *(f"k{number}" for number in range(10))) == {f"k{number}": 29 for number in range(10)}
