import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import structlog

from bot.clock import utc_now
from bot.errors import Refusal, Transient
from bot.queue import Look, Next, Subject, Urgency, Wish, still_mine, want
from bot.queue.bell import Patience
from bot.queue.worker import FIRST_WAIT, LONGEST_WAIT, LOOKS_IN_A_ROW, Worker
from bot.store import Store
from tests import database
from tests.unit.queue.conftest import (
    QUICK,
    Gate,
    Start,
    Watch,
    at_rest,
    nothing,
    row,
    value,
    wish,
    working,
)
from tests.waiting import until


async def test_a_wanted_subject_is_looked_at(store: Store, make: Start) -> None:
    watch = Watch(nothing)
    async with working(make(watch)):
        async with store.transaction() as connection:
            await want(connection, [Wish(Subject("pull:1:1", "pull", 7, {"number": 1}), Urgency.PERSON)])
        await until(lambda: at_rest(store))
    assert watch.began == [Look(Subject("pull:1:1", "pull", 7, {"number": 1}), 1, 0, Urgency.PERSON)]
    assert await row(store, "wanted, looked, due, finished") == (1, 1, None, False)


async def test_many_wishes_become_one_look(store: Store, make: Start) -> None:
    watch = Watch(nothing)
    for _ in range(20):
        await wish(store, "pull:1:1")
    async with working(make(watch)):
        await until(lambda: at_rest(store))
    assert len(watch.began) == 1
    assert await row(store, "wanted, looked") == (20, 20)


async def test_what_arrives_within_a_breath_is_one_look(store: Store) -> None:
    watch = Watch(nothing)
    breathing = Worker(store, {"pull": watch}, utc_now, patience=replace(QUICK, breath=0.4))
    async with working(breathing):
        began = asyncio.get_running_loop().time()
        for _ in range(3):
            await wish(store, "pull:1:1")
            await asyncio.sleep(0.08)
        await until(lambda: at_rest(store))
        assert asyncio.get_running_loop().time() - began >= 0.4
    assert len(watch.began) == 1
    assert await row(store, "wanted, looked") == (3, 3)


async def test_who_has_waited_in_the_queue_waits_no_breath_more(store: Store) -> None:
    watch = Watch(nothing)
    await wish(store, "pull:1:1")
    async with store.transaction() as connection:
        await connection.execute("UPDATE subject SET wanted_at = now() - interval '1 hour'")
    async with working(Worker(store, {"pull": watch}, utc_now, patience=replace(QUICK, breath=3600.0))):
        await until(lambda: at_rest(store))
    assert len(watch.began) == 1


async def test_an_event_during_a_look_is_looked_at_right_after(store: Store, make: Start) -> None:
    gate = Gate()
    watch = Watch(gate)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await gate.entered.wait()
        for _ in range(3):
            await wish(store, "pull:1:1")
        assert len(watch.began) == 1
        gate.leave.set()
        await until(lambda: at_rest(store))
    assert [look.number for look in watch.began] == [1, 2]
    assert watch.most == 1


async def test_an_event_during_a_timers_wait_is_not_delayed_and_the_timer_is_set_anew(
    store: Store, make: Start
) -> None:
    saturday = utc_now() + timedelta(days=3)

    async def waits(_look: Look) -> Next:
        return Next(at=saturday)

    watch = Watch(waits)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await until(lambda: at_rest(store))
        assert await row(store, "due") == (saturday,)
        await wish(store, "pull:1:1")
        await until(lambda: at_rest(store))
    assert len(watch.began) == 2
    assert await row(store, "due") == (saturday,)


async def test_an_event_during_a_retrys_wait_is_not_delayed(store: Store, make: Start) -> None:
    async def fails_first(look: Look) -> Next:
        if look.number == 1:
            raise Transient("GitHub", until=utc_now() + timedelta(hours=1))
        return Next()

    watch = Watch(fails_first)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await until(lambda: at_rest(store))
        assert await row(store, "waiting_for, attempts") == ("GitHub", 1)
        await wish(store, "pull:1:1", urgency=Urgency.SWEEP)
        await until(lambda: at_rest(store))
    assert [(look.number, look.attempt) for look in watch.began] == [(1, 0), (2, 1)]
    # The person of the first wish is still waiting.
    assert watch.began[1].urgency is Urgency.PERSON
    assert await row(store, "waiting_for, attempts, due") == (None, 0, None)


async def test_a_timer_rings(store: Store, make: Start) -> None:
    async def waits_once(look: Look) -> Next:
        return Next(at=utc_now() + timedelta(seconds=0.2)) if look.number == 1 else Next()

    watch = Watch(waits_once)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await until(lambda: len(watch.began) == 2)
        await until(lambda: at_rest(store))
    assert watch.began[1].urgency is Urgency.TIMER


async def test_what_is_over_is_at_rest_until_somebody_wants_it(store: Store, make: Start) -> None:
    async def over(look: Look) -> Next:
        return Next(over=look.number == 1, concerns=frozenset({"team:a/b"}))

    watch = Watch(over)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await until(lambda: at_rest(store))
        assert await row(store, "finished") == (True,)
        assert await wish(store, concerns={"team:a/b": Urgency.TIMER}) == 0
        await wish(store, "pull:1:1")
        await until(lambda: at_rest(store))
    assert await row(store, "finished") == (False,)


async def test_an_event_during_the_look_that_ends_it_all_reopens_the_subject(store: Store, make: Start) -> None:
    gate = Gate(Next(over=True))
    watch = Watch(gate)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await gate.entered.wait()
        await wish(store, "pull:1:1")
        gate.leave.set()
        await until(lambda: at_rest(store))
    assert len(watch.began) == 2
    assert await row(store, "finished") == (True,)


async def test_one_look_at_a_time_for_a_subject_whatever_the_number_of_workers(store: Store, make: Start) -> None:
    async def short(_look: Look) -> Next:
        await asyncio.sleep(0.005)
        return Next()

    watch = Watch(short)
    keys = [f"pull:1:{number}" for number in range(5)]
    async with working(*(make(watch) for _ in range(3))):
        for _ in range(20):
            await wish(store, *keys)
        await until(lambda: at_rest(store))
    assert watch.most == 1
    assert set(watch.keys()) == set(keys)
    assert await value(store, "SELECT count(*) FROM subject WHERE looked = wanted AND wanted = 20") == 5


async def test_different_subjects_are_looked_at_together(store: Store, make: Start) -> None:
    gate = Gate()
    watch = Watch(gate)
    async with working(make(watch, concurrency=3)):
        await wish(store, "pull:1:1", "pull:1:2", "pull:1:3")
        await until(lambda: len(watch.began) == 3)
        gate.leave.set()
        await until(lambda: at_rest(store))


async def test_the_most_urgent_comes_first(store: Store, make: Start) -> None:
    watch = Watch(nothing)
    for name, urgency in (("sweep", 0), ("timer", 1), ("deployment", 2), ("person", 3)):
        await wish(store, name, urgency=Urgency(urgency))
    # A wish makes the job that waits already as urgent as itself, and never less.
    await wish(store, "sweep", urgency=Urgency.PERSON)
    await wish(store, "person", urgency=Urgency.SWEEP)
    async with working(make(watch, concurrency=1)):
        await until(lambda: at_rest(store))
    assert watch.keys() == ["sweep", "person", "deployment", "timer"]
    assert [look.urgency for look in watch.began] == [3, 3, 2, 1]


async def test_a_subject_that_never_rests_lets_others_have_their_turn(store: Store, make: Start) -> None:
    async def wants_itself(look: Look) -> Next:
        if look.subject.key == "busy" and look.number < 3 * LOOKS_IN_A_ROW:
            await wish(store, "busy")
        return Next()

    watch = Watch(wants_itself)
    await wish(store, "busy")
    await wish(store, "quiet")
    async with working(make(watch, concurrency=1)):
        await until(lambda: at_rest(store))
    assert watch.keys().index("quiet") <= LOOKS_IN_A_ROW
    assert watch.keys().count("busy") == 3 * LOOKS_IN_A_ROW


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_retries_back_off_and_spread(store: Store, chance: float) -> None:
    worker = Worker(store, {}, utc_now, chance=lambda: chance)
    waits = [worker._after(Transient("GitHub"), attempt)[0] for attempt in range(40)]
    least = timedelta(milliseconds=200)
    assert waits[:3] == [least + FIRST_WAIT * factor * chance for factor in (1, 2, 4)]
    assert max(waits) == waits[-1] == least + LONGEST_WAIT * chance


def test_what_is_known_to_come_back_is_waited_for_until_then(store: Store) -> None:
    now = utc_now()
    worker = Worker(store, {}, lambda: now)
    assert worker._after(Transient("x", until=now + timedelta(minutes=5)), 9) == (timedelta(minutes=5), "x")
    assert worker._after(Transient("x", until=now - timedelta(minutes=5)), 9)[0] == timedelta(milliseconds=200)


async def test_a_transient_error_is_tried_again(store: Store, make: Start) -> None:
    async def third_time(look: Look) -> Next:
        if look.attempt < 2:
            raise Transient("GitHub")
        return Next()

    watch = Watch(third_time)
    async with working(make(watch)):
        await wish(store, "pull:1:1")
        await until(lambda: len(watch.began) == 3)
        await until(lambda: at_rest(store))
    assert [look.attempt for look in watch.began] == [0, 1, 2]
    # Somebody waits since the first attempt.
    assert {look.urgency for look in watch.began} == {Urgency.PERSON}
    assert await row(store, "attempts, waiting_for, due") == (0, None, None)


async def test_a_refusal_is_told_and_not_asked_again_often(store: Store, make: Start) -> None:
    async def refused(_look: Look) -> Next:
        raise Refusal("Countersign may not read checks.", remedy="Grant it.")

    watch = Watch(refused)
    with structlog.testing.capture_logs() as lines:
        async with working(make(watch)):
            await wish(store, "pull:1:1")
            await until(lambda: at_rest(store))
    wait, reason = await row(store, "due - now(), waiting_for")
    assert timedelta() < wait < timedelta(seconds=3)
    assert reason == "Countersign may not read checks."
    assert [line["remedy"] for line in lines if line["event"] == "look_refused"] == ["Grant it."]


async def test_an_unexpected_error_is_an_incident_and_tried_again(store: Store, make: Start) -> None:
    looked: dict[str, datetime] = {}

    async def breaks_first(look: Look) -> Next:
        return Next() if look.attempt else Next(at=looked["never"])

    watch = Watch(breaks_first)
    with structlog.testing.capture_logs() as lines:
        async with working(make(watch)):
            await wish(store, "pull:1:1")
            await until(lambda: len(watch.began) == 2)
            await until(lambda: at_rest(store))
    (line,) = [line for line in lines if line["event"] == "look_failed"]
    assert isinstance(line["exc_info"], KeyError)
    assert len(line["incident"]) == 12


async def test_a_kind_that_nobody_handles_stays_promised(store: Store, make: Start) -> None:
    async with store.transaction() as connection:
        await want(connection, [Wish(Subject("odd:1", "odd", 7, {}), Urgency.PERSON)])
    with structlog.testing.capture_logs() as lines:
        async with working(make(Watch(nothing), chance=1.0)):
            await until(lambda: at_rest(store))
    assert "look_failed" in [line["event"] for line in lines]
    (reason, due) = await row(store, "waiting_for, due > now()", "odd:1")
    assert reason.startswith("a repair of Countersign (incident ")
    assert due


async def test_stopping_lets_a_look_finish(store: Store, make: Start) -> None:
    gate = Gate()
    watch = Watch(gate)
    async with working(make(watch)) as stop:
        await wish(store, "pull:1:1", "pull:1:2")
        await gate.entered.wait()
        stop.set()
        await asyncio.sleep(0.1)
        gate.leave.set()
    assert await row(store, "looked") == (1,)
    # What nobody has begun stays wanted, with its job.
    await wish(store, "pull:1:3")
    assert await value(store, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") >= 1


async def test_a_look_that_outlasts_the_drain_is_begun_again_by_the_next_worker(store: Store, make: Start) -> None:
    gate = Gate()
    impatient = Patience(**{name: getattr(QUICK, name) for name in QUICK.__slots__} | {"drain": 0.1})
    async with working(make(Watch(gate), patience=impatient)):
        await wish(store, "pull:1:1")
        await gate.entered.wait()
    assert await row(store, "wanted, looked") == (1, 0)
    watch = Watch(nothing)
    async with working(make(watch)):
        await until(lambda: at_rest(store))
    assert [look.number for look in watch.began] == [2]


async def test_a_failover_of_the_database_is_survived(store: Store, make: Start, database_url: str) -> None:
    watch = Watch(nothing)
    async with working(make(watch)):
        for round_ in range(3):
            await wish(store, f"pull:1:{round_}")
            await until(lambda: at_rest(store))
            assert database.interrupt(database_url) > 0
        await wish(store, "pull:1:9")
        await until(lambda: at_rest(store))
    assert watch.keys() == ["pull:1:0", "pull:1:1", "pull:1:2", "pull:1:9"]


async def test_a_database_that_is_away_is_waited_for(
    store: Store, make: Start, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._pool, "timeout", 0.3)
    gate = Gate()
    watch = Watch(gate)
    await wish(store, "pull:1:1", "pull:1:2")
    async with working(make(watch)):
        await gate.entered.wait()
        with database.away(database_url):
            gate.leave.set()
            await asyncio.sleep(1.0)
        async with asyncio.timeout(60):
            while True:
                try:
                    if await at_rest(store):
                        break
                except Transient:
                    pass
                await asyncio.sleep(0.05)
    assert await value(store, "SELECT count(*) FROM subject WHERE looked = wanted") == 2


async def test_a_look_that_was_overtaken_can_tell(store: Store, make: Start) -> None:
    worker = make(Watch(nothing))
    mine: list[bool] = []

    async def overtaken(look: Look) -> Next:
        if look.number == 1:
            await wish(store, "pull:1:1")
            await worker.look("pull:1:1")
            async with store.transaction() as connection:
                mine.append(await still_mine(connection, look))
        else:
            async with store.transaction() as connection:
                mine.append(await still_mine(connection, look))
        return Next(at=utc_now() + timedelta(days=look.number))

    worker = make(Watch(overtaken))
    await wish(store, "pull:1:1")
    await worker.look("pull:1:1")
    assert mine == [True, False]
    looked, due_of_second = await row(store, "looked, due > now() + interval '36 hours'")
    # The overtaken look's end changes nothing.
    assert (looked, due_of_second) == (2, True)


async def test_nothing_is_begun_of_what_nobody_wants(store: Store, make: Start) -> None:
    watch = Watch(nothing)
    await make(watch).look("pull:1:404")
    assert watch.began == []
