"""Reads the whole ledger again and says whether every entry is there and unchanged."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from bot.ledger.entries import leaf_hash, moment

_WALK = "SELECT seq, at, kind, subject, body, leaf FROM ledger_entry ORDER BY seq"


@dataclass(frozen=True, slots=True)
class Verified:
    """How many entries were read, and a sentence for each that is missing or not what was recorded."""

    entries: int
    problems: tuple[str, ...]


async def verify(connection: AsyncConnection[Any]) -> Verified:
    """Walk the ledger from its first entry to its head."""
    problems: list[str] = []
    count = 0
    async with connection.cursor(name="ledger_walk") as cursor:
        await cursor.execute(_WALK)
        async for seq, at, kind, subject, body, leaf in cursor:
            count += 1
            if seq != count:
                problems.append(f"Entries {count} to {seq - 1} are missing.")
                count = seq
            if leaf_hash(body) != leaf:
                problems.append(f"Entry {seq} does not have the hash that was recorded with it.")
            columns = {"seq": seq, "at": moment(at), "kind": kind, "subject": subject}
            if not _says(body, columns):
                problems.append(f"Entry {seq} says something else than its columns.")
    head_cursor = await connection.execute("SELECT seq FROM ledger_head")
    head = await head_cursor.fetchone()
    if head is None or head[0] != count:
        problems.append(f"The ledger ends at entry {count}, but its head says {head[0] if head else 'nothing'}.")
    return Verified(count, tuple(problems))


def _says(body: bytes, columns: Mapping[str, Any]) -> bool:
    try:
        told = json.loads(body)
    except ValueError:
        return False
    return isinstance(told, dict) and {name: told.get(name) for name in columns} == columns
