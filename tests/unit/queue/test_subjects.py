import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from bot.clock import utc_now
from bot.queue import Next, Subject, Urgency, Wish, want
from bot.queue import subjects as table
from bot.queue.subjects import Begun
from bot.store import Store
from tests.unit.queue.conftest import row, subject, value, wish


async def begin(store: Store, key: str = "pull:1:1") -> Begun:
    async with store.transaction() as connection:
        begun = await table.begin(connection, key)
        assert begun is not None
        return begun


async def finish(store: Store, begun: Begun, after: Next | None = None) -> bool:
    async with store.transaction() as connection:
        return await table.finish(connection, begun, after or Next())


async def look(store: Store, key: str = "pull:1:1", after: Next | None = None) -> bool:
    return await finish(store, await begin(store, key), after)


async def jobs(store: Store) -> list[tuple[Any, ...]]:
    async with store.transaction() as connection:
        cursor = await connection.execute("SELECT lock, priority, status::text FROM procrastinate_jobs ORDER BY id")
        return await cursor.fetchall()


async def take(store: Store) -> None:
    """Begin the job that waits, as Procrastinate's worker does."""
    async with store.transaction() as connection:
        await connection.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE status = 'todo'")


async def test_a_wish_is_a_row_and_a_job(store: Store) -> None:
    assert await wish(store, "pull:1:1", "pull:1:2") == 2
    assert await row(store, "kind, installation_id, wanted, looked") == ("pull", 7, 1, 0)
    assert await jobs(store) == [("pull:1:1", 3, "todo"), ("pull:1:2", 3, "todo")]


async def test_a_subject_is_young_until_its_first_wish_has_an_age(store: Store) -> None:
    async def left(seconds: float) -> float:
        async with store.transaction() as connection:
            return await table.too_young(connection, "pull:1:1", timedelta(seconds=seconds))

    assert await left(100) == 0, "nobody knows it"
    await wish(store, "pull:1:1")
    first = await left(100)
    assert 90 < first <= 100
    await wish(store, "pull:1:1")
    assert await left(100) <= first, "a further wish does not make it younger"
    assert await left(0) == 0
    await look(store)
    assert await left(100) == 0, "nothing is wanted of it"


async def test_no_wish_costs_nothing(store: Store) -> None:
    assert await wish(store) == 0


async def test_a_wish_and_what_it_belongs_to_are_one_transaction(store: Store) -> None:
    async def wish_and_fail() -> None:
        async with store.transaction() as connection:
            await want(connection, [Wish(subject(), Urgency.PERSON)])
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        await wish_and_fail()
    assert await value(store, "SELECT count(*) FROM subject") == 0
    assert await jobs(store) == []


async def test_a_job_that_waits_already_aborts_no_transaction(store: Store) -> None:
    await wish(store, "pull:1:1")
    async with store.transaction() as connection:
        await connection.execute("INSERT INTO staleness VALUES ('kept', now())")
        assert await want(connection, [Wish(subject(), Urgency.PERSON)] * 3) == 1
        assert await want(connection, [Wish(subject(), Urgency.PERSON)]) == 1
    assert await value(store, "SELECT count(*) FROM staleness") == 1
    assert await jobs(store) == [("pull:1:1", 3, "todo")]


async def test_the_queueing_lock_is_what_would_have_aborted_it(store: Store) -> None:
    await wish(store, "pull:1:1")
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with store.transaction() as connection:
            await connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock)"
                " VALUES ('looks', 'look', 'pull:1:1', 'pull:1:1')"
            )


async def test_a_wish_during_a_look_makes_its_own_job(store: Store) -> None:
    await wish(store, "pull:1:1")
    await take(store)
    await wish(store, "pull:1:1")
    assert [status for _, _, status in await jobs(store)] == ["doing", "todo"]


async def test_neither_a_timer_nor_a_retry_leaves_a_job_that_blocks_the_lock(store: Store) -> None:
    await wish(store, "timer", "retry")
    async with store.transaction() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    await look(store, "timer", Next(at=utc_now() + timedelta(days=3)))
    begun = await begin(store, "retry")
    async with store.transaction() as connection:
        assert not await table.postpone(connection, begun, timedelta(hours=1), "GitHub")
    assert await jobs(store) == []
    await wish(store, "timer", "retry")
    assert [lock for lock, _, _ in await jobs(store)] == ["retry", "timer"]


async def test_a_job_is_as_urgent_as_the_most_urgent_wish(store: Store) -> None:
    for urgency in (Urgency.TIMER, Urgency.PERSON, Urgency.SWEEP):
        await wish(store, "pull:1:1", urgency=urgency)
    assert await jobs(store) == [("pull:1:1", 3, "todo")]
    assert (await begin(store)).look.urgency is Urgency.PERSON


async def test_a_look_that_ended_leaves_its_urgency_behind(store: Store) -> None:
    await wish(store, "pull:1:1")
    await look(store)
    await wish(store, "pull:1:1", urgency=Urgency.SWEEP)
    assert (await begin(store)).look.urgency is Urgency.SWEEP


async def test_of_many_wishes_in_one_transaction_the_last_names_and_the_highest_urgency_count(store: Store) -> None:
    async with store.transaction() as connection:
        wishes = [
            Wish(subject(name="old", number=1), Urgency.PERSON),
            Wish(subject(name="new", number=1), Urgency.SWEEP),
        ]
        assert await want(connection, wishes) == 1
    assert await row(store, "about, urgency, wanted") == ({"name": "new", "number": 1}, 3, 1)


async def test_names_are_renewed_and_what_is_not_told_is_kept(store: Store) -> None:
    async with store.transaction() as connection:
        await want(connection, [Wish(subject(name="old", node_id="x"), Urgency.PERSON)])
        await want(connection, [Wish(Subject("pull:1:1", "pull", 8, {"name": "new"}), Urgency.PERSON)])
    assert await row(store, "about, installation_id") == ({"name": "new", "node_id": "x"}, 8)


async def test_a_change_of_what_a_look_depended_on_makes_the_subject_wanted(store: Store) -> None:
    await wish(store, "pull:1:1", "pull:1:2", "pull:1:3", "pull:1:4")
    await look(store, "pull:1:1", Next(concerns=frozenset({"team:a/b", "repository:1"})))
    await look(store, "pull:1:2", Next(concerns=frozenset({"team:a/c"})))
    await look(store, "pull:1:3", Next(concerns=frozenset({"team:a/b"}), over=True))
    concerns = {"team:a/b": Urgency.TIMER, "repository:1": Urgency.DEPLOYMENT}
    assert await wish(store, "pull:1:4", concerns=concerns) == 2
    assert await row(store, "wanted, looked, urgency, kind, about", "pull:1:1") == (2, 1, 2, "pull", {})
    assert await row(store, "wanted, looked", "pull:1:2") == (1, 1)
    assert await row(store, "wanted, looked, finished", "pull:1:3") == (1, 1, True)
    assert await row(store, "wanted", "pull:1:4") == (2,)


async def test_a_change_marks_its_concern_as_stale(store: Store) -> None:
    assert await wish(store, concerns={"team:a/b": Urgency.TIMER}) == 0
    first = await value(store, "SELECT at FROM staleness WHERE concern = 'team:a/b'")
    await wish(store, concerns={"team:a/b": Urgency.TIMER})
    assert await value(store, "SELECT at FROM staleness WHERE concern = 'team:a/b'") > first


async def test_a_change_while_a_look_ran_makes_the_subject_wanted_after_it(store: Store) -> None:
    await wish(store, "pull:1:1")
    begun = await begin(store)
    await wish(store, concerns={"team:a/b": Urgency.TIMER})
    await finish(store, begun, Next(concerns=frozenset({"team:a/b"})))
    assert await row(store, "wanted, looked") == (1, 1)
    async with store.transaction() as connection:
        assert await table.wake_overtaken(connection, timedelta(minutes=1)) == 1
        assert await table.wake_overtaken(connection, timedelta(minutes=1)) == 0
    assert await row(store, "wanted, looked, urgency") == (2, 1, 1)
    await look(store, after=Next(concerns=frozenset({"team:a/b"})))
    async with store.transaction() as connection:
        assert await table.wake_overtaken(connection, timedelta(minutes=1)) == 0


async def test_looks_are_numbered_and_only_the_newest_leaves_something(store: Store) -> None:
    await wish(store, "pull:1:1")
    first, second = await begin(store), await begin(store)
    assert (first.look.number, second.look.number) == (1, 2)
    assert not await finish(store, first, Next(over=True))
    async with store.transaction() as connection:
        assert not await table.postpone(connection, first, timedelta(hours=1), "GitHub")
    assert await row(store, "looked, finished, attempts") == (0, False, 0)
    assert not await finish(store, second)
    assert await row(store, "looked") == (1,)


async def test_what_is_due_rings_once(store: Store) -> None:
    await wish(store, "past", "future")
    async with store.transaction() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    await look(store, "past", Next(at=utc_now() - timedelta(seconds=1)))
    await look(store, "future", Next(at=utc_now() + timedelta(hours=1)))
    async with store.transaction() as connection:
        assert await table.ring(connection) == 1
        assert await table.ring(connection) == 0
    assert await jobs(store) == [("past", 1, "todo")]
    assert await row(store, "wanted, looked, due", "past") == (2, 1, None)


async def test_a_retry_rings_as_urgently_as_whoever_waits_for_it(store: Store) -> None:
    await wish(store, "pull:1:1")
    begun = await begin(store)
    async with store.transaction() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
        await table.postpone(connection, begun, timedelta(), "GitHub")
    async with store.transaction() as connection:
        assert await table.ring(connection) == 1
    assert await jobs(store) == [("pull:1:1", 3, "todo")]


async def test_what_lost_its_job_is_found(store: Store) -> None:
    await wish(store, "lost", "kept", "rests")
    await look(store, "rests")
    async with store.transaction() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs WHERE lock <> 'kept'")
        await connection.execute("UPDATE subject SET wanted_at = now() - interval '1 hour'")
    async with store.transaction() as connection:
        assert await table.wake_forgotten(connection, timedelta(minutes=1)) == 1
        assert await table.wake_forgotten(connection, timedelta(minutes=1)) == 0
    assert sorted(lock for lock, _, _ in await jobs(store)) == ["kept", "lost"]


async def test_what_nobody_looked_at_for_long_is_listed_the_oldest_first(store: Store) -> None:
    await wish(store, "older", "old", "new", "over", "wanted")
    for key in ("older", "old", "new", "wanted"):
        await look(store, key)
    await look(store, "over", Next(over=True))
    await wish(store, "wanted")
    async with store.transaction() as connection:
        await connection.execute("UPDATE subject SET looked_at = now() - interval '2 days' WHERE key <> 'new'")
        await connection.execute("UPDATE subject SET looked_at = now() - interval '3 days' WHERE key = 'older'")
        found = await table.unlooked(connection, 7, ["pull"], timedelta(days=1), 10)
        assert [each.key for each in found] == ["older", "old"]
        assert found[0] == subject("older")
        assert await table.unlooked(connection, 8, ["pull"], timedelta(days=1), 10) == []
        assert await table.unlooked(connection, 7, ["merge_group"], timedelta(days=1), 10) == []


async def test_what_is_known_of_subjects_is_told(store: Store) -> None:
    await wish(store, "rests", "over", "wanted")
    await look(store, "rests")
    await look(store, "over", Next(over=True))
    async with store.transaction() as connection:
        seen = await table.seen(connection, ["rests", "over", "wanted", "unknown"])
    assert set(seen) == {"rests", "over", "wanted"}
    assert [seen[key].finished for key in ("rests", "over", "wanted")] == [False, True, False]
    assert [seen[key].promised for key in ("rests", "over", "wanted")] == [False, False, True]
    assert seen["wanted"].looked_at is None


async def test_the_subjects_of_an_installation_that_is_gone_are_closed(store: Store) -> None:
    await wish(store, "pull:1:1", "installation:7")
    async with store.transaction() as connection:
        await want(connection, [Wish(Subject("pull:2:1", "pull", 8, {}), Urgency.PERSON)])
    begun = await begin(store)
    async with store.transaction() as connection:
        await table.close_all(connection, 7, but="installation:7")
    assert await row(store, "finished, wanted = looked, due", "pull:1:1") == (True, True, None)
    assert await row(store, "finished", "installation:7") == (False,)
    assert await row(store, "finished", "pull:2:1") == (False,)
    assert not await finish(store, begun, Next(at=utc_now()))
    assert await row(store, "due", "pull:1:1") == (None,)


async def test_old_changes_are_forgotten(store: Store) -> None:
    await wish(store, concerns={"team:a/b": Urgency.TIMER, "team:a/c": Urgency.TIMER})
    async with store.transaction() as connection:
        await connection.execute("UPDATE staleness SET at = now() - interval '3 days' WHERE concern = 'team:a/b'")
        await table.forget_changes(connection, timedelta(days=2))
    assert await value(store, "SELECT array_agg(concern) FROM staleness") == ["team:a/c"]


async def test_wishes_for_the_same_subjects_in_every_order_never_wait_for_each_other(store: Store) -> None:
    keys = [f"pull:1:{number}" for number in range(12)]

    async def one(turn: int) -> int:
        rotated = keys[turn % 12 :] + keys[: turn % 12]
        return await wish(store, *rotated, concerns={f"team:a/{n}": Urgency.TIMER for n in (rotated[::-1][:3])})

    assert await asyncio.gather(*map(one, range(48))) == [12] * 48
    assert await value(store, "SELECT min(wanted) || '-' || max(wanted) FROM subject") == "48-48"
    assert len(await jobs(store)) == 12
