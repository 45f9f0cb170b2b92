"""The table of subjects: the promise that each will be looked at, and the statements that keep it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from bot.queue.model import Look, Next, Subject, Urgency, Wish

_WANT = """
    SELECT countersign_want(
        %s::text[], %s::text[], %s::bigint[], %s::jsonb[], %s::smallint[], %s::text[], %s::smallint[]
    )
"""
_YOUNG = """
    SELECT greatest(0, extract(epoch FROM wanted_at + %s - clock_timestamp()))::float8 FROM subject
    WHERE key = %s AND wanted > looked
"""
_BEGIN = """
    UPDATE subject SET look = look + 1, begun_at = clock_timestamp()
    WHERE key = %s AND wanted > looked
    RETURNING kind, installation_id, about, look, attempts, urgency, wanted
"""
_STILL_MINE = "SELECT look = %s FROM subject WHERE key = %s FOR UPDATE"
_FINISH = """
    UPDATE subject SET
        looked = %(wanted)s,
        looked_from = begun_at,
        due = %(due)s,
        attempts = 0,
        concerns = %(concerns)s,
        waiting_for = NULL,
        finished = %(over)s AND wanted = %(wanted)s,
        looked_at = now()
    WHERE key = %(key)s AND look = %(look)s
    RETURNING wanted > looked
"""
# What a look could not do is still wanted: only a due moment lies between now and the next attempt.
_POSTPONE = """
    UPDATE subject SET looked = %(wanted)s, due = now() + %(wait)s, attempts = attempts + 1, waiting_for = %(reason)s
    WHERE key = %(key)s AND look = %(look)s
    RETURNING wanted > looked
"""
_RING = """
    WITH rung AS (
        SELECT key FROM subject WHERE due <= now() ORDER BY key LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), wanted AS (
        UPDATE subject
        SET wanted = wanted + 1,
            due = NULL,
            wanted_at = CASE WHEN wanted > looked THEN wanted_at ELSE clock_timestamp() END,
            -- Whoever asked before is still waiting while nothing came to an end.
            urgency = CASE WHEN wanted > looked OR attempts > 0 THEN greatest(urgency, 1) ELSE 1 END
        FROM rung WHERE subject.key = rung.key
        RETURNING subject.key
    )
    SELECT array_agg(key) FROM wanted
"""
_WAKE = "SELECT countersign_wake(%s)"
_FORGOTTEN = """
    SELECT array_agg(key) FROM (
        SELECT key FROM subject
        WHERE wanted > looked
          AND wanted_at < now() - %(age)s
          AND NOT EXISTS (
              SELECT FROM procrastinate_jobs WHERE lock = subject.key AND status IN ('todo', 'doing')
          )
        ORDER BY key LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) AS forgotten
"""
# Concerns are known at the end of a look: what changed in one of them while it ran made nothing wanted then.
_OVERTAKEN = """
    WITH overtaken AS (
        SELECT subject.key FROM subject
        WHERE NOT subject.finished AND subject.wanted = subject.looked AND subject.looked_at > now() - %(age)s
          AND EXISTS (
              SELECT FROM staleness
              WHERE staleness.concern = ANY(subject.concerns) AND staleness.at >= subject.looked_from
          )
        ORDER BY subject.key LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), wanted AS (
        UPDATE subject
        SET wanted = wanted + 1,
            wanted_at = clock_timestamp(),
            urgency = CASE WHEN attempts > 0 THEN greatest(urgency, 1) ELSE 1 END
        FROM overtaken WHERE subject.key = overtaken.key
        RETURNING subject.key
    )
    SELECT array_agg(key) FROM wanted
"""
_UNLOOKED = """
    SELECT key, kind, installation_id, about FROM subject
    WHERE installation_id = %(installation)s AND kind = ANY(%(kinds)s)
      AND NOT finished AND wanted = looked AND looked_at < now() - %(age)s
    ORDER BY looked_at LIMIT %(most)s
"""
_SEEN = "SELECT key, finished, wanted > looked, looked_at FROM subject WHERE key = ANY(%s)"
_CLOSE = """
    UPDATE subject SET finished = true, looked = wanted, look = look + 1, due = NULL, waiting_for = NULL
    WHERE key IN (
        SELECT key FROM subject WHERE installation_id = %s AND key <> %s AND NOT finished ORDER BY key FOR UPDATE
    )
"""
_FORGET_STALENESS = "DELETE FROM staleness WHERE at < now() - %s"
BATCH = 500


async def want(
    connection: AsyncConnection[Any], wishes: Sequence[Wish], *, concerns: Mapping[str, Urgency] | None = None
) -> int:
    """Promise, in the caller's transaction, that the subjects will be looked at; answers how many there are.

    Every subject whose last look depended on one of ``concerns`` is wanted too. Costs one round trip, takes the
    subjects' rows in the order of their keys, and cannot fail for what the subjects are doing.
    """
    stirred = dict(concerns or {})
    if not wishes and not stirred:
        return 0
    subjects = [wish.subject for wish in wishes]
    cursor = await connection.execute(
        _WANT,
        [
            [subject.key for subject in subjects],
            [subject.kind for subject in subjects],
            [subject.installation_id for subject in subjects],
            [Jsonb(dict(subject.about)) for subject in subjects],
            [int(wish.urgency) for wish in wishes],
            list(stirred),
            [int(urgency) for urgency in stirred.values()],
        ],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Begun:
    """A look that has begun, and the generation that it will have looked at."""

    look: Look
    wanted: int


async def too_young(connection: AsyncConnection[Any], key: str, age: timedelta) -> float:
    """Seconds until what is wanted of the subject has been wanted for ``age``; 0 when nothing is wanted."""
    cursor = await connection.execute(_YOUNG, [age, key])
    row = await cursor.fetchone()
    return float(row[0]) if row else 0.0


async def begin(connection: AsyncConnection[Any], key: str) -> Begun | None:
    """Begin a look at the subject; None when nothing is wanted of it."""
    cursor = await connection.execute(_BEGIN, [key])
    row = await cursor.fetchone()
    if row is None:
        return None
    kind, installation_id, about, number, attempts, urgency, wanted = row
    look = Look(Subject(key, kind, installation_id, about), number, attempts, Urgency(urgency))
    return Begun(look, wanted)


async def still_mine(connection: AsyncConnection[Any], look: Look) -> bool:
    """Whether no newer look at the subject has begun; holds its row until the transaction ends."""
    cursor = await connection.execute(_STILL_MINE, [look.number, look.subject.key])
    row = await cursor.fetchone()
    return bool(row and row[0])


async def finish(connection: AsyncConnection[Any], begun: Begun, after: Next) -> bool:
    """End a look; True when the subject became wanted again meanwhile, and this look is the newest."""
    cursor = await connection.execute(
        _FINISH,
        {
            "key": begun.look.subject.key,
            "look": begun.look.number,
            "wanted": begun.wanted,
            "due": after.at,
            "concerns": sorted(after.concerns),
            "over": after.over,
        },
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def postpone(connection: AsyncConnection[Any], begun: Begun, wait: timedelta, reason: str) -> bool:
    """End a look that could not do its work: again after ``wait``, or at once when True is answered.

    An event that arrives during the wait makes the subject wanted at once.
    """
    cursor = await connection.execute(
        _POSTPONE,
        {
            "key": begun.look.subject.key,
            "look": begun.look.number,
            "wanted": begun.wanted,
            "wait": wait,
            "reason": reason,
        },
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def ring(connection: AsyncConnection[Any]) -> int:
    """Make wanted what is due, and wake it."""
    return await _wake_found(connection, _RING, {"most": BATCH})


async def wake_forgotten(connection: AsyncConnection[Any], age: timedelta) -> int:
    """Wake what has been wanted for longer than ``age`` and has no job, for whatever reason it lost it."""
    return await _wake_found(connection, _FORGOTTEN, {"most": BATCH, "age": age})


async def wake_overtaken(connection: AsyncConnection[Any], age: timedelta) -> int:
    """Wake what depends on something that changed during its last look, if that ended less than ``age`` ago."""
    return await _wake_found(connection, _OVERTAKEN, {"most": BATCH, "age": age})


async def _wake_found(connection: AsyncConnection[Any], statement: str, values: dict[str, object]) -> int:
    cursor = await connection.execute(statement, values)
    row = await cursor.fetchone()
    keys = row[0] if row else None
    if not keys:
        return 0
    await connection.execute(_WAKE, [keys])
    return len(keys)


async def unlooked(
    connection: AsyncConnection[Any], installation_id: int, kinds: Sequence[str], age: timedelta, most: int = BATCH
) -> list[Subject]:
    """The installation's subjects that nobody looked at for longer than ``age``, the oldest look first."""
    values = {"installation": installation_id, "kinds": list(kinds), "age": age, "most": most}
    cursor = await connection.execute(_UNLOOKED, values)
    return [Subject(*row) async for row in cursor]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a subject: whether it is at an end, whether a look is promised, and when the last one ended."""

    finished: bool
    promised: bool
    looked_at: datetime | None


async def seen(connection: AsyncConnection[Any], keys: Sequence[str]) -> dict[str, Seen]:
    """What is known of the subjects of these keys; one that was never wanted is missing."""
    cursor = await connection.execute(_SEEN, [list(keys)])
    return {key: Seen(finished, promised, looked_at) async for key, finished, promised, looked_at in cursor}


async def close_all(connection: AsyncConnection[Any], installation_id: int, *, but: str) -> int:
    """Give up every subject of an installation except the one of the key ``but``; answers how many there were."""
    cursor = await connection.execute(_CLOSE, [installation_id, but])
    return cursor.rowcount


async def forget_changes(connection: AsyncConnection[Any], age: timedelta) -> int:
    """Drop the moments of changes older than ``age``: everything read before them has been read again."""
    cursor = await connection.execute(_FORGET_STALENESS, [age])
    return cursor.rowcount
