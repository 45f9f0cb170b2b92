"""What is to be announced of changes: written in the transaction of what it tells of, so that none is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from bot.changes.model import Act, Announcement, State
from bot.clock import Clock
from bot.ledger import Entry, Kind, append

_KEEP = """
    INSERT INTO announcement (number, version, state, round, called, text, at) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_WAITING = """
    SELECT number, version, act, state, round, called, text, announcement.at
    FROM announcement JOIN transition USING (number, version)
    WHERE number IN (SELECT change FROM change_part WHERE subject = %s) AND comment_id IS NULL AND dropped_at IS NULL
    ORDER BY number, version
"""
_DROP = "UPDATE announcement SET dropped_at = %s WHERE number = %s AND version = %s AND comment_id IS NULL"
_INTEND = """
    UPDATE announcement SET intended_at = %s WHERE number = %s AND version = %s AND intended_at IS NULL RETURNING number
"""
_SAID = "SELECT comment_id IS NOT NULL FROM announcement WHERE number = %s AND version = %s"
_RECEIVE = """
    UPDATE announcement SET comment_id = %s WHERE number = %s AND version = %s AND comment_id IS NULL RETURNING number
"""


async def keep(connection: AsyncConnection[Any], announcement: Announcement) -> None:
    """Write down what is to be said; there is one announcement of a transition at the most."""
    each = announcement
    values = [each.number, each.version, each.state.value, each.round, list(each.called), each.text, each.at]
    await connection.execute(_KEEP, values)


async def waiting(connection: AsyncConnection[Any], subject: str) -> Sequence[Announcement]:
    """What was not said yet of the changes that a subject is, or was, a part of, in its order."""
    rows = await (await connection.execute(_WAITING, [subject])).fetchall()
    return [
        Announcement(number, version, Act(act), State(state), round_, tuple(called), text, at)
        for number, version, act, state, round_, called, text, at in rows
    ]


async def drop(connection: AsyncConnection[Any], announcement: Announcement, at: datetime) -> None:
    """Note that it need not be said any more."""
    await connection.execute(_DROP, [at, announcement.number, announcement.version])


@dataclass(frozen=True, slots=True)
class Announcing:
    """An announcement that is made in the conversation of its pull request."""

    announcement: Announcement
    clock: Clock

    @property
    def name(self) -> str:
        """What its comment is found by."""
        return f"announcement:{self.announcement.number}:{self.announcement.version}"

    @property
    def text(self) -> str:
        """What is said."""
        return self.announcement.text

    @property
    def since(self) -> datetime:
        """When it can have been said first."""
        return self.announcement.at

    async def intend(self, connection: AsyncConnection[Any]) -> bool:
        """Note that it is about to be said; whether nobody noted that before."""
        values = [self.clock(), self.announcement.number, self.announcement.version]
        return await (await connection.execute(_INTEND, values)).fetchone() is not None

    async def said(self, connection: AsyncConnection[Any]) -> bool:
        """Whether it is on record that it was said."""
        values = [self.announcement.number, self.announcement.version]
        row = await (await connection.execute(_SAID, values)).fetchone()
        return bool(row and row[0])

    async def receive(self, connection: AsyncConnection[Any], comment_id: int) -> None:
        """Put on record, in the ledger as well, that it was said and whom it called."""
        each = self.announcement
        if await (await connection.execute(_RECEIVE, [comment_id, each.number, each.version])).fetchone() is None:
            return
        body = {"change": each.number, "version": each.version, "called": list(each.called), "comment": comment_id}
        await append(connection, [Entry(Kind.CHANGE_ANNOUNCED, each.number, body)], at=self.clock())
