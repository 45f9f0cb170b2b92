import asyncio
import json
from typing import Any

import pytest
import structlog

from bot.clock import utc_now
from bot.ingest import refusals as module
from bot.ingest.refusals import Refusals
from bot.store import Store
from tests import database
from tests.waiting import until


async def told(store: Store) -> list[tuple[str, Any]]:
    async with store.transaction() as connection:
        cursor = await connection.execute("SELECT kind, subject, body FROM ledger_entry ORDER BY seq")
        return [(f"{kind} {subject}", json.loads(body)["body"]) async for kind, subject, body in cursor]


async def test_a_flood_is_one_entry(store: Store) -> None:
    async with Refusals(store, utc_now).open() as refusals:
        for number in range(1000):
            refusals.count("not-genuine", f"203.0.113.{number % 100}")
        refusals.count("too-large", None)
    ((which, body),) = await told(store)
    assert which == "github:delivery:refused webhook"
    assert body["reasons"] == {"not-genuine": 1000, "too-large": 1}
    assert body["addresses"] == sorted(f"203.0.113.{number}" for number in range(10))


async def test_nothing_refused_is_no_entry(store: Store) -> None:
    async with Refusals(store, utc_now).open():
        pass
    assert await told(store) == []


async def test_they_are_put_on_record_every_few_seconds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.01)
    async with Refusals(store, utc_now).open() as refusals:
        for count in (1, 2):
            refusals.count("not-json", "203.0.113.1")

            async def recorded(count: int = count) -> bool:
                return len(await told(store)) == count

            await until(recorded)
    assert [body["reasons"] for _, body in await told(store)] == [{"not-json": 1}] * 2


async def test_they_are_kept_while_the_database_is_away(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._pool, "timeout", 0.3)
    refusals = Refusals(store, utc_now)
    refusals.count("not-json", "203.0.113.1")
    with database.away(database_url), structlog.testing.capture_logs() as lines:
        await refusals.flush()
    assert [line["event"] for line in lines if line["event"].startswith("refusals")] == ["refusals_wait"]
    async with asyncio.timeout(20):
        while refusals._counts:
            await refusals.flush()
    assert [body for _, body in await told(store)] == [{"reasons": {"not-json": 1}, "addresses": ["203.0.113.1"]}]


async def test_what_is_refused_while_the_entry_is_written_goes_into_the_next(store: Store) -> None:
    refusals = Refusals(store, utc_now)
    refusals.count("not-json", "203.0.113.1")
    flushing = asyncio.create_task(refusals.flush())
    await asyncio.sleep(0)
    refusals.count("not-json", "203.0.113.2")
    await flushing
    await refusals.flush()
    assert [body["addresses"] for _, body in await told(store)] == [["203.0.113.1"], ["203.0.113.2"]]
