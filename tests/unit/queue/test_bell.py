import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

import bot
from bot.clock import utc_now
from bot.errors import Transient
from bot.queue import Look, Next, Urgency, still_mine
from bot.queue import subjects as table
from bot.queue.bell import Bell, Patience
from bot.store import Store
from tests import database
from tests.unit.queue.conftest import QUICK, Start, Watch, at_rest, nothing, row, value, wish, working
from tests.waiting import until

ROOT = Path(bot.__file__).parent.parent
WORKER = """
import asyncio, os, sys
from bot.clock import utc_now
from bot.queue import Next
from bot.queue.bell import Patience
from bot.queue.worker import Worker
from bot.store import Store

async def look(look):
    print(look.subject.key, look.number, flush=True)
    await asyncio.sleep(float(sys.argv[2]))
    return Next()

async def main():
    async with Store.open(sys.argv[1]) as store:
        patience = Patience(tick=0.05, poll=0.2, heartbeat=0.1, silence=0.6, forgotten=0.3)
        await Worker(store, {"pull": look}, utc_now, patience=patience).run(asyncio.Event())

asyncio.run(main())
"""


def start(address: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, address, str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@asynccontextmanager
async def process(address: str, seconds: float) -> AsyncIterator[subprocess.Popen[str]]:
    """A worker process whose looks take that long, killed at the end of the block."""
    started = start(address, seconds)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


async def line(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    return (await asyncio.to_thread(started.stdout.readline)).strip()


async def test_a_worker_killed_in_a_look_is_taken_over(store: Store, make: Start, database_url: str) -> None:
    await wish(store, "pull:1:1")
    async with process(database_url, 600) as doomed:
        assert await line(doomed) == "pull:1:1 1"
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        watch = Watch(nothing)
        began = time.monotonic()
        async with working(make(watch)):
            await until(lambda: at_rest(store))
        assert time.monotonic() - began < 10
    assert [look.number for look in watch.began] == [2]
    assert await row(store, "wanted, looked") == (1, 1)


async def test_with_the_usual_patience_that_is_within_a_minute() -> None:
    usual = Patience()
    # The worker falls silent, then a thorough round (every eighth) finds it, then the job is fetched.
    assert usual.silence + 8 * usual.tick * 1.2 + usual.poll < 60
    assert usual.heartbeat * 3 < usual.silence


async def test_a_worker_that_lives_is_not_taken_over_however_long_it_looks(
    store: Store, make: Start, database_url: str
) -> None:
    await wish(store, "pull:1:1")
    watch = Watch(nothing)
    async with process(database_url, 2.0) as busy:
        assert await line(busy) == "pull:1:1 1"
        async with working(make(watch)):
            await until(lambda: at_rest(store))
    assert watch.began == []


async def test_two_processes_never_look_at_one_subject_at_once(store: Store, make: Start, database_url: str) -> None:
    watch = Watch(nothing)
    async with process(database_url, 0.0) as other, working(make(watch)):
        for _ in range(15):
            await wish(store, *(f"pull:1:{number}" for number in range(8)))
            await asyncio.sleep(0.02)
        await until(lambda: at_rest(store))
        other.kill()
        assert other.stdout is not None
        theirs = [tuple(each.split()) for each in other.stdout.read().splitlines()]
    ours = [(look.subject.key, str(look.number)) for look in watch.began]
    # Every look has its own number: none was made twice.
    assert len(set(ours + theirs)) == len(ours + theirs)
    assert await value(store, "SELECT sum(look) FROM subject") == len(ours + theirs)


async def test_a_silent_worker_that_comes_back_finds_that_it_was_overtaken(store: Store, make: Start) -> None:
    """The event loop of the first worker hangs: nobody hears its heartbeat, a second one takes over."""
    mine: list[bool] = []
    release = asyncio.Event()

    async def hangs(look: Look) -> Next:
        if look.number == 1:
            await release.wait()
        async with store.transaction() as connection:
            mine.append(await still_mine(connection, look))
        return Next()

    watch = Watch(hangs)
    # It never says that it lives.
    mute = replace(QUICK, heartbeat=600.0, silence=600.0)
    await wish(store, "pull:1:1")
    async with working(make(watch, patience=mute)):
        await until(lambda: len(watch.began) == 1)
        async with working(make(watch)):
            await until(lambda: len(mine) == 1)
            release.set()
            await until(lambda: len(mine) == 2)
            await until(lambda: at_rest(store))
    assert mine == [True, False]


async def test_a_lost_job_is_made_again(store: Store, make: Start) -> None:
    await wish(store, "pull:1:1")
    async with store.transaction() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    watch = Watch(nothing)
    with structlog.testing.capture_logs() as lines:
        async with working(make(watch)):
            await until(lambda: at_rest(store))
    assert len(watch.began) == 1
    assert "forgotten_subjects_woken" in {each["event"] for each in lines}


async def test_the_bell_waits_for_a_database_that_is_away(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._pool, "timeout", 0.2)
    stop = asyncio.Event()
    await wish(store, "pull:1:1")
    async with store.transaction() as connection:
        begun = await table.begin(connection, "pull:1:1")
        assert begun is not None
        await table.finish(connection, begun, Next(at=utc_now()))
    with structlog.testing.capture_logs() as lines:
        with database.away(database_url):
            ringing = asyncio.create_task(Bell(store, QUICK).run(stop))
            await until(lambda: any(each["event"] == "bell_waits" for each in lines))

        async def rung() -> bool:
            try:
                return bool((await row(store, "due")) == (None,))
            except Transient:
                return False

        await until(rung)
        stop.set()
        await ringing


async def test_a_quick_round_only_looks_at_the_clock(store: Store) -> None:
    await wish(store, "pull:1:1")
    async with store.transaction() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
        await connection.execute("UPDATE subject SET wanted_at = now() - interval '1 hour'")
    bell = Bell(store, QUICK)
    await bell.ring(thoroughly=False)
    assert await value(store, "SELECT count(*) FROM procrastinate_jobs") == 0
    await bell.ring()
    assert await value(store, "SELECT count(*) FROM procrastinate_jobs") == 1


async def test_what_changed_during_a_look_is_rung_for(store: Store, make: Start) -> None:
    async def depends(look: Look) -> Next:
        if look.number == 1:
            await wish(store, concerns={"team:a/b": Urgency.TIMER})
        return Next(concerns=frozenset({"team:a/b"}))

    watch = Watch(depends)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await until(lambda: len(watch.began) == 2)
        await until(lambda: at_rest(store))


async def test_jobs_of_a_dead_worker_are_ended_and_not_given_back(store: Store) -> None:
    await wish(store, "pull:1:1")
    async with store.transaction() as connection:
        await connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    # A newer job waits already: to give the old one back would be a unique violation.
    await wish(store, "pull:1:1")
    with structlog.testing.capture_logs() as lines:
        await Bell(store, QUICK).ring()
    assert await value(store, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == 1
    assert await value(store, "SELECT count(*) FROM procrastinate_jobs") == 1
    assert [each["subjects"] for each in lines if each["event"] == "dead_worker_taken_over"] == [["pull:1:1"]]
