"""Claims of co-authorship that the person named has denied: anybody can write anybody's name into a commit."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from bot.facts.model import Account, Disowned
from bot.ledger import Entry, Kind

_DISOWN = """
    INSERT INTO disowned (repository_id, commit, account_id, account_login, request, at) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING
    RETURNING commit
"""
_DISOWNED = """
    SELECT commit, account_id, account_login FROM disowned
    WHERE repository_id = %s AND commit = ANY(%s) ORDER BY commit, account_id
"""


async def disown(
    connection: AsyncConnection[Any], repository_id: int, claim: Disowned, subject: str, *, request: int, at: datetime
) -> list[Entry]:
    """Put on record that the account denies the claim; nothing when it has already."""
    account = claim.account
    values = [repository_id, claim.commit, account.id, account.login, request, at]
    if await (await connection.execute(_DISOWN, values)).fetchone() is None:
        return []
    told = {"commit": claim.commit, "actor": {"id": account.id, "login": account.login}, "request": request}
    return [Entry(Kind.CO_AUTHORSHIP_DISOWNED, subject, told)]


async def disowned(
    connection: AsyncConnection[Any], repository_id: int, commits: Collection[str]
) -> tuple[Disowned, ...]:
    """What was denied of the commits."""
    cursor = await connection.execute(_DISOWNED, [repository_id, list(commits)])
    return tuple([Disowned(commit, Account(number, login)) async for commit, number, login in cursor])


def concern(repository_id: int) -> str:
    """What depends on the claims that were denied in a repository."""
    return f"disowned:{repository_id}"
