"""Since when somebody has been in a team, or has had a permission of their own: GitHub tells only that they have it.

Webhooks say when somebody joins. Whoever is found in a team when it is first read was there before the records began;
whoever is new in a later reading joined at that moment at the latest.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

_FIRST = "INSERT INTO membership_place (place) VALUES (%s) ON CONFLICT DO NOTHING RETURNING place"
_FOUND = """
    INSERT INTO membership (place, account_id, since)
    SELECT %(place)s, account, CASE WHEN %(first)s THEN NULL ELSE now() END
    FROM unnest(%(accounts)s::bigint[]) AS account
    ON CONFLICT DO NOTHING
"""
_LEFT_OUT = "DELETE FROM membership WHERE place = %(place)s AND account_id <> ALL (%(accounts)s::bigint[])"
_JOINED = """
    INSERT INTO membership (place, account_id, since) VALUES (%s, %s, now())
    ON CONFLICT (place, account_id) DO UPDATE SET since = excluded.since
"""
_LEFT = "DELETE FROM membership WHERE place = %s AND account_id = %s"
_SINCE = """
    SELECT account_id, place, since FROM membership
    WHERE account_id = ANY(%s) AND place = ANY(%s) AND since IS NOT NULL ORDER BY place
"""


async def found(connection: AsyncConnection[Any], place: str, accounts: Collection[int]) -> None:
    """Note who is in a place, as GitHub lists it."""
    first = await (await connection.execute(_FIRST, [place])).fetchone() is not None
    values = {"place": place, "accounts": sorted(accounts), "first": first}
    await connection.execute(_FOUND, values)
    await connection.execute(_LEFT_OUT, values)


async def moved(
    connection: AsyncConnection[Any], joined: Sequence[tuple[str, int]], left: Sequence[tuple[str, int]]
) -> None:
    """Note who joined and who left which place just now, as webhooks tell."""
    for place, account in sorted(left):
        await connection.execute(_LEFT, [place, account])
    for place, account in sorted(joined):
        await connection.execute(_JOINED, [place, account])


async def since(
    connection: AsyncConnection[Any], accounts: Collection[int], places: Collection[str]
) -> dict[int, list[tuple[str, datetime]]]:
    """By account: since when they have been in which of the places, where the records go back so far."""
    known: dict[int, list[tuple[str, datetime]]] = {}
    cursor = await connection.execute(_SINCE, [sorted(accounts), sorted(places)])
    async for account, place, at in cursor:
        known.setdefault(account, []).append((place, at))
    return known


def permission_place(repository_id: int) -> str:
    """The place of a permission of one's own in a repository."""
    return f"permission:{repository_id}"
