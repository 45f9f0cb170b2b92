"""The pull requests of a change in the database: which record each belongs to, and what its last look saw."""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation

from bot.changes import codec
from bot.changes.model import Change, Part
from bot.errors import Transient
from bot.facts.model import Account
from bot.ledger import Entry, Kind

_JOIN = """
    INSERT INTO change_part (change, subject, joined_at) VALUES (%s, %s, %s)
    ON CONFLICT (change, subject)
    DO UPDATE SET open = true, joined_at = excluded.joined_at, body = NULL, left_version = NULL
"""
# That it was a part stays on record: whoever had asked for all of it had asked for this.
_LEAVE = """
    UPDATE change_part SET open = false, body = NULL, left_version = %s
    WHERE change = %s AND subject = %s AND open RETURNING subject
"""
_KEEP = """
    UPDATE change_part SET body = %(body)s
    WHERE change = %(change)s AND subject = %(subject)s AND open AND body IS DISTINCT FROM %(body)s
    RETURNING subject
"""
_CLOSE = "UPDATE change_part SET open = false WHERE change = %s AND open"
_OF = "SELECT subject, body FROM change_part WHERE change = %s AND open ORDER BY joined_at, subject"
_PAGE = """
    SELECT subject FROM change_part WHERE change = %s
    ORDER BY left_version IS NOT NULL, open DESC, joined_at, subject LIMIT 1
"""


def concern(number: str) -> str:
    """What the looks at all pull requests of a change depend on."""
    return f"change:{number}"


async def join(connection: AsyncConnection[Any], number: str, subject: str, at: datetime) -> None:
    """Make the pull request a part of the record.

    Raises:
        Transient: it has just become a part of another open one.

    """
    try:
        await connection.execute(_JOIN, [number, subject, at])
    except UniqueViolation as taken:
        raise Transient(f"the record of {subject}, which somebody else has just opened") from taken


async def leave(
    connection: AsyncConnection[Any], change: Change, subject: str, by: Account | None, why: str = ""
) -> list[Entry]:
    """Take the pull request out of the record, if it is in it; answers what goes into the ledger."""
    if await (await connection.execute(_LEAVE, [change.version, change.number, subject])).fetchone() is None:
        return []
    actor = codec.told(by) if by is not None else None
    body = {"change": change.number, "subject": subject, "actor": actor, "why": why}
    return [Entry(Kind.CHANGE_LEFT, change.number, body)]


async def keep(connection: AsyncConnection[Any], number: str, part: Part) -> bool:
    """Write down what a look saw of a part; whether that is news."""
    values = {"change": number, "subject": part.subject, "body": codec.dump_part(part)}
    return await (await connection.execute(_KEEP, values)).fetchone() is not None


async def close(connection: AsyncConnection[Any], number: str) -> None:
    """The record is over: each of its pull requests can have another one."""
    await connection.execute(_CLOSE, [number])


async def of(connection: AsyncConnection[Any], number: str) -> tuple[Part, ...]:
    """The parts of an open record, the one that it was opened for first."""
    rows = await (await connection.execute(_OF, [number])).fetchall()
    return tuple(codec.load_part(bytes(body)) if body is not None else Part(subject) for subject, body in rows)


async def page(connection: AsyncConnection[Any], number: str) -> str:
    """The pull request on whose page the record is spoken of: the first of those that ship with it, or did to its end.

    It need not be the one that the record was opened for, which can have left.
    """
    row = await (await connection.execute(_PAGE, [number])).fetchone()
    assert row is not None, "a record has been opened for a pull request"
    return str(row[0])
