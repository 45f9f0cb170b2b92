"""What commands do: put on record in the transaction that settles the command."""

from datetime import datetime
from typing import Any, assert_never
from uuid import uuid4

from psycopg import AsyncConnection

from bot.changes import ending, instructions, links, parts, register, sync
from bot.changes.codec import told
from bot.changes.context import Context
from bot.changes.model import Applied, Change, State
from bot.commands.model import (
    Acknowledgement,
    Deed,
    Joined,
    LaidDown,
    Left,
    Lifted,
    Linked,
    Moved,
    WaiverAnswered,
    WaiverAsked,
    WaiverRevoked,
)
from bot.errors import Transient
from bot.facts import claims
from bot.facts.model import Account, Disowned
from bot.ingest.statements import Pending
from bot.ingest.subjects import PULL
from bot.ledger import Entry, Kind
from bot.queue import Subject, Urgency, Wish, want
from bot.unauthorised.model import EVERYWHERE, concern
from bot.unauthorised.record import acknowledge


async def do(
    connection: AsyncConnection[Any],
    deed: Deed,
    request: Pending,
    *,
    installation_id: int,
    repository_id: int,
    at: datetime,
) -> list[Entry]:
    """Do it, and have everything looked at again that depends on it; answers what goes into the ledger."""
    match deed:
        case Disowned():
            entries = await claims.disown(connection, repository_id, deed, request.subject, request=request.id, at=at)
            stirred = [claims.concern(repository_id)]
        case Acknowledgement(change, reason):
            entries = await acknowledge(connection, change, request.actor, reason, request=request.id, at=at)
            stirred = [concern(installation_id, each) for each in (EVERYWHERE, repository_id)]
        case Moved(steps):
            entries, stirred = await register.keep_each(connection, steps), []
        case Joined(record, steps):
            entries = await _join(connection, request.subject, record, steps, request.actor, at)
            # No pull request looks at the record that is given up any more.
            await sync.wake(connection, steps[-1].change.number, installation_id)
            stirred = [parts.concern(record.number)]
        case Left(number, context):
            entries = await _leave(connection, request.subject, number, request.actor, context)
            stirred = [parts.concern(number)]
        case Linked(number, there, system):
            entries = await links.ask_to_adopt(connection, number, there, request.subject, request.actor, at, system)
            await want(connection, [Wish(sync.subject_of(number, installation_id), Urgency.PERSON)])
            stirred = []
        case LaidDown() | Lifted():
            entries, stirred = await _lay_down(connection, deed, request), []
        case WaiverAsked() | WaiverAnswered() | WaiverRevoked():
            entries, stirred = await _waiver(connection, deed, request, at), []
        case _:
            assert_never(deed)
    # The pull request that it was said on is looked at again, whatever was done.
    itself = Subject(request.subject, PULL, installation_id, {})
    await want(connection, [Wish(itself, Urgency.PERSON)])
    await want(connection, [], concerns=dict.fromkeys(stirred, Urgency.PERSON))
    return entries


async def _lay_down(connection: AsyncConnection[Any], deed: LaidDown | Lifted, request: Pending) -> list[Entry]:
    """Put down what was said, once for each of those whose holds are lifted by it."""
    holders = deed.holders if isinstance(deed, Lifted) else (None,)
    entries: list[Entry] = []
    for holder in holders:
        entries += await instructions.lay_down(
            connection, request.subject, deed.instruction, request=request.id, holder=holder
        )
    return entries


async def _waiver(
    connection: AsyncConnection[Any],
    deed: WaiverAsked | WaiverAnswered | WaiverRevoked,
    request: Pending,
    at: datetime,
) -> list[Entry]:
    """Ask for a waiver, answer who asked, or revoke it; what somebody else has done meanwhile stands."""
    match deed:
        case WaiverAsked(finding, reason, until, head, diff):
            return await instructions.ask(
                connection,
                request.subject,
                finding,
                reason,
                until,
                request.actor,
                request=request.id,
                at=at,
                head=head,
                diff=diff,
            )
        case WaiverAnswered(asked, waiver, reason):
            granted = waiver is not None
            noted = await instructions.answer(connection, asked.id, request.actor, reason, granted=granted)
            if waiver is None or noted is None:
                return noted or []
            return [*noted, await register.keep_waiver(connection, waiver, new_id=uuid4())]
        case WaiverRevoked(number, reason):
            revoked = await register.revoke_waiver(connection, request.subject, number, request.actor, reason, at)
            return [revoked] if revoked is not None else []


async def _join(
    connection: AsyncConnection[Any],
    subject: str,
    record: Change,
    steps: tuple[Applied, ...],
    by: Account,
    at: datetime,
) -> list[Entry]:
    """Make the pull request a part of the record; its own one is given up.

    Raises:
        Transient: one of the records was altered since the command was answered; it is answered again.

    """
    held = await register.by_number(connection, record.number, held=True)
    if held is None or held.state is not record.state or held.version != record.version:
        raise Transient(f"the latest version of {record.number}, which somebody else has just altered")
    entries = [await register.keep(connection, step) for step in steps]
    await parts.join(connection, record.number, subject, at)
    body = {"change": record.number, "subject": subject, "actor": told(by)}
    return [*entries, Entry(Kind.CHANGE_JOINED, record.number, body)]


async def _leave(
    connection: AsyncConnection[Any], subject: str, number: str, by: Account, context: Context
) -> list[Entry]:
    """Take the pull request out of the record: it has one of its own again when it is looked at next.

    Raises:
        Transient: the record, or the pull request, was released meanwhile; the command is answered again.

    """
    held = await register.by_number(connection, number, held=True)
    known = await parts.of(connection, number)
    merged = any(part.subject == subject and part.merge is not None for part in known)
    if held is None or held.state is State.REVIEW or held.state.over or merged:
        raise Transient(f"the latest version of {number}, which somebody else has just altered")
    return await ending.leave(connection, held, subject, by, context)
