"""What was read from GitHub and is still believed, shared by every process through the database.

A value is believed while it is younger than its reader demands and nothing that it concerns has changed since: a
webhook that announces a change marks its concern as stale in the transaction that accepts the delivery. A value that
was being read while the change happened is older than the mark, and so is not believed either.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

_RECALL = """
    SELECT known.key, known.value
    FROM known
    WHERE known.key = ANY(%(keys)s)
      AND known.read_at > %(not_before)s
      AND NOT EXISTS (
          SELECT FROM staleness
          WHERE staleness.concern = ANY(known.concerns) AND staleness.at >= known.read_at
      )
"""
_REMEMBER = """
    INSERT INTO known (key, concerns, value, read_at)
    VALUES (%(key)s, %(concerns)s, %(value)s, %(read_at)s)
    ON CONFLICT (key) DO UPDATE
    SET concerns = excluded.concerns, value = excluded.value, read_at = excluded.read_at
    WHERE known.read_at < excluded.read_at
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A value that was read: under which key, what it depends on, and when reading *began*, by the database's clock."""

    key: str
    concerns: tuple[str, ...]
    value: Any
    read_at: datetime


async def now(connection: AsyncConnection[Any]) -> datetime:
    """The database's clock, which staleness is measured by: machines' clocks differ."""
    cursor = await connection.execute("SELECT clock_timestamp()")
    ((moment,),) = await cursor.fetchall()
    return cast("datetime", moment)


async def recall(
    connection: AsyncConnection[Any], keys: Collection[str], *, not_older_than: timedelta, at: datetime
) -> Mapping[str, Any]:
    """The values of ``keys`` that are still believed; the others are missing from the answer.

    ``at`` is the database's present.
    """
    if not keys:
        return {}
    cursor = await connection.execute(_RECALL, {"keys": list(keys), "not_before": at - not_older_than})
    return {key: value async for key, value in cursor}


async def remember(connection: AsyncConnection[Any], values: Collection[Known]) -> None:
    """Keep what was read, unless something younger is there."""
    rows = sorted(values, key=lambda each: each.key)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            _REMEMBER,
            [
                {"key": each.key, "concerns": list(each.concerns), "value": Jsonb(each.value), "read_at": each.read_at}
                for each in rows
            ],
        )
