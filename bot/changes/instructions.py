"""What people laid down for a change in comments, and the waivers that they ask for: as they said it, for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from bot.changes import register
from bot.changes.codec import account, told
from bot.facts.model import Account, Instructed, Instruction, Waived
from bot.ledger.entries import Entry, Kind, moment
from bot.policy.model import Tier

# Of several words about the risk the highest holds, whoever spoke last: nobody lowers it. Each hold is its holder's.
# What was said last is what was written last, whenever it reached us; of one second, GitHub's numbers tell.
_HOLDS = """
    SELECT DISTINCT ON (kind, about) kind, value, by, reason, at, instead
    FROM instruction JOIN request ON request.id = instruction.request
    WHERE instruction.subject = %(subject)s
    ORDER BY
        kind, about,
        CASE WHEN kind = %(raise)s THEN array_position(%(tiers)s::text[], value) END DESC NULLS LAST,
        at DESC, comment_id DESC NULLS LAST, instruction.id DESC
"""
_LAY_DOWN = """
    INSERT INTO instruction (subject, kind, value, by, reason, request, at, about, instead)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_ASK = """
    INSERT INTO waiver_request (subject, finding, reason, until, by, request, at, head, diff)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_ASKED = """
    SELECT id, finding, reason, until, by, head, diff FROM waiver_request
    WHERE subject = %s AND answer IS NULL AND until > %s ORDER BY id
"""
_ANSWER = (
    "UPDATE waiver_request SET answer = %s, answered = %s WHERE id = %s AND answer IS NULL RETURNING subject, finding"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A waiver that somebody asked for, and that nobody has granted or denied yet.

    ``diff`` names the change that it was asked for, ``head`` was its commit.
    """

    id: int
    finding: str
    reason: str
    until: datetime
    by: Account
    head: str = ""
    diff: str = ""


async def read(connection: AsyncConnection[Any], subject: str) -> tuple[Instruction, ...]:
    """What holds: the word of each kind that was written last; of those that raise the risk, the highest."""
    values = {"subject": subject, "raise": Instructed.RAISE.value, "tiers": [tier.label for tier in Tier]}
    rows = await (await connection.execute(_HOLDS, values)).fetchall()
    return tuple(
        Instruction(Instructed(kind), value, account(by), reason, at, instead)
        for kind, value, by, reason, at, instead in rows
        if kind in set(Instructed)
    )


async def lay_down(
    connection: AsyncConnection[Any],
    subject: str,
    instruction: Instruction,
    *,
    request: int,
    holder: Account | None = None,
) -> list[Entry]:
    """Put it on record; answers what goes into the ledger. ``holder`` is whose hold it lifts."""
    by = told(instruction.by)
    about = (holder or instruction.by).id if instruction.kind is Instructed.HOLD else None
    values = [
        subject,
        instruction.kind.value,
        instruction.value,
        Jsonb(by),
        instruction.reason,
        request,
        instruction.at,
        about,
        instruction.instead,
    ]
    await connection.execute(_LAY_DOWN, values)
    body = {
        "kind": instruction.kind.value,
        "value": instruction.value,
        "reason": instruction.reason,
        "actor": by,
        "said_at": moment(instruction.at),
    }
    of = {"holder": told(holder)} if holder is not None else {}
    return [Entry(Kind.INSTRUCTION_GIVEN, subject, {**body, **of})]


async def waivers(connection: AsyncConnection[Any], subject: str, at: datetime) -> tuple[Waived, ...]:
    """The waivers that hold now."""
    found = await register.waivers_in_force(connection, subject, at)
    return tuple(
        Waived(
            each.finding,
            each.reason,
            each.asked_by,
            each.granted_by,
            each.granted_at,
            each.until,
            each.number,
            each.head,
            each.diff,
        )
        for each in found
    )


async def asked(connection: AsyncConnection[Any], subject: str, at: datetime) -> Sequence[Asked]:
    """The waivers that wait for an answer, and would not be over by now."""
    rows = await (await connection.execute(_ASKED, [subject, at])).fetchall()
    return [
        Asked(number, finding, reason, until, account(by), head, diff)
        for number, finding, reason, until, by, head, diff in rows
    ]


async def ask(
    connection: AsyncConnection[Any],
    subject: str,
    finding: str,
    reason: str,
    until: datetime,
    by: Account,
    *,
    request: int,
    at: datetime,
    head: str = "",
    diff: str = "",
) -> list[Entry]:
    """Put the wish for a waiver on record; it is for the change that ``diff`` names, at the commit ``head``."""
    values = [subject, finding, reason, until, Jsonb(told(by)), request, at, head, diff]
    row = await (await connection.execute(_ASK, values)).fetchone()
    assert row is not None, "an insert answers with its number"
    asked = {"asked": int(row[0]), "finding": finding, "reason": reason, "until": moment(until), "actor": told(by)}
    body = {**asked, "head": head, "diff": diff}
    return [Entry(Kind.WAIVER_ASKED, subject, body)]


async def answer(
    connection: AsyncConnection[Any], number: int, by: Account, reason: str = "", *, granted: bool
) -> list[Entry] | None:
    """Note what became of a wish, and why; None when it was answered meanwhile, and that answer stands."""
    values = ["granted" if granted else "denied", Jsonb(told(by)), number]
    row = await (await connection.execute(_ANSWER, values)).fetchone()
    if row is None:
        return None
    if granted:
        # What is granted is on record as the waiver.
        return []
    return [
        Entry(Kind.WAIVER_DENIED, row[0], {"asked": number, "finding": row[1], "reason": reason, "actor": told(by)})
    ]
