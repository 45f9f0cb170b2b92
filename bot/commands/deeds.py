"""What commands do: put on record in the transaction that settles the command."""

from datetime import datetime
from typing import Any, assert_never
from uuid import uuid4

from psycopg import AsyncConnection

from bot.changes import instructions, register
from bot.commands.model import Acknowledgement, Deed, LaidDown, Moved, WaiverAnswered, WaiverAsked
from bot.facts import claims
from bot.facts.model import Disowned
from bot.ingest.statements import Pending
from bot.ingest.subjects import PULL
from bot.ledger import Entry
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
            entries, stirred = [await register.keep(connection, step) for step in steps], []
        case LaidDown(instruction):
            entries = await instructions.lay_down(connection, request.subject, instruction, request=request.id)
            stirred = []
        case WaiverAsked(finding, reason, until):
            entries = await instructions.ask(
                connection, request.subject, finding, reason, until, request.actor, request=request.id, at=at
            )
            stirred = []
        case WaiverAnswered(asked, waiver):
            noted = await instructions.answer(connection, asked.id, request.actor, granted=waiver is not None)
            given = [waiver] if waiver is not None and noted is not None else []
            entries = [
                *(noted or ()),
                *[await register.keep_waiver(connection, each, new_id=uuid4()) for each in given],
            ]
            stirred = []
        case _:
            assert_never(deed)
    # The pull request that it was said on is looked at again, whatever was done.
    itself = Subject(request.subject, PULL, installation_id, {})
    await want(connection, [Wish(itself, Urgency.PERSON)])
    await want(connection, [], concerns=dict.fromkeys(stirred, Urgency.PERSON))
    return entries
