"""The record of unauthorised changes, and of who answered for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from bot.facts.model import Account, AccountKind, Unauthorised
from bot.ledger import Entry
from bot.ledger import Kind as LedgerKind
from bot.unauthorised.model import EVERYWHERE, Found

_RECORD = """
    INSERT INTO unauthorised_change (
        installation_id, repository_id, kind, reference, what, actor_id, actor_login, actor_kind, happened_at
    )
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
_OPEN = """
    SELECT id, kind, what, actor_id, actor_login, actor_kind, happened_at
    FROM unauthorised_change
    WHERE repository_id = ANY(%s) AND installation_id = %s
      AND NOT EXISTS (SELECT FROM unauthorised_acknowledgement WHERE change = unauthorised_change.id)
    ORDER BY id LIMIT 100
"""
_ACKNOWLEDGE = """
    INSERT INTO unauthorised_acknowledgement (change, actor_id, actor_login, reason, request, at)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
    RETURNING change
"""


async def record(connection: AsyncConnection[Any], found: Sequence[Found]) -> list[Entry]:
    """Put on record what is not there yet; answers the entries for the ledger, which the caller appends."""
    entries = []
    for each in sorted(found, key=lambda one: (one.repository_id, one.kind, one.reference)):
        actor = each.actor
        values: list[Any] = [each.installation_id, each.repository_id, each.kind.value, each.reference, each.what]
        values += [actor.id, actor.login, actor.kind.value] if actor else [None, None, None]
        row = await (await connection.execute(_RECORD, [*values, each.at])).fetchone()
        if row is not None:
            entries.append(Entry(LedgerKind.UNAUTHORISED_FOUND, f"unauthorised:{row[0]}", _told(each)))
    return entries


def _told(found: Found) -> dict[str, Any]:
    return {
        "installation": found.installation_id,
        "repository": found.repository_id,
        "kind": found.kind.value,
        "reference": found.reference,
        "what": found.what,
        "actor": {"id": found.actor.id, "login": found.actor.login} if found.actor else None,
        "happened_at": found.at.astimezone(UTC).isoformat(),
    }


async def still_open(
    connection: AsyncConnection[Any], installation_id: int, repository_id: int
) -> tuple[Unauthorised, ...]:
    """What nobody has answered for yet, in the repository and in the organisation as a whole, the oldest first."""
    cursor = await connection.execute(_OPEN, [[repository_id, EVERYWHERE], installation_id])
    return tuple(
        [
            Unauthorised(
                id_, kind, what, Account(actor_id, login, AccountKind(actor_kind)) if actor_id is not None else None, at
            )
            async for id_, kind, what, actor_id, login, actor_kind, at in cursor
        ]
    )


async def acknowledge(
    connection: AsyncConnection[Any], change: int, actor: Account, reason: str, *, request: int, at: datetime
) -> list[Entry]:
    """Put on record that ``actor`` answers for it; nothing when somebody has already."""
    values = [change, actor.id, actor.login, reason, request, at]
    if await (await connection.execute(_ACKNOWLEDGE, values)).fetchone() is None:
        return []
    told = {"actor": {"id": actor.id, "login": actor.login}, "reason": reason, "request": request}
    return [Entry(LedgerKind.UNAUTHORISED_ACKNOWLEDGED, f"unauthorised:{change}", told)]
