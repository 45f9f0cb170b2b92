"""What was decided about other open pull requests with the same head commit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from psycopg import AsyncConnection

from bot.facts.model import Sibling
from bot.ingest.subjects import pull_key

_LATEST = """
    SELECT DISTINCT ON (subject) subject, passes, enforced, siblings FROM decision
    WHERE subject = ANY(%s) AND head = %s
    ORDER BY subject, decided_at DESC
"""


async def read(
    connection: AsyncConnection[Any], repository_id: int, head: str, number: int, siblings: Sequence[Sibling]
) -> tuple[tuple[Sibling, ...], Mapping[int, Sibling | None]]:
    """The siblings with what was decided about them, and how each of them last saw the pull request ``number``."""
    keys = {pull_key(repository_id, sibling.number): sibling.number for sibling in siblings}
    known = {sibling.number: sibling for sibling in siblings}
    views: dict[int, Sibling | None] = dict.fromkeys(known)
    if not keys:
        return (), {}
    cursor = await connection.execute(_LATEST, [list(keys), head])
    async for key, passes, enforced, seen in cursor:
        there = keys[key]
        known[there] = replace(known[there], passes=passes, enforced=enforced)
        if (view := seen.get(str(number))) is not None:
            views[there] = Sibling(number, *view)
    return tuple(known[number] for number in sorted(known)), views
