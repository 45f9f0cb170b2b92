"""What commands do: put on record in the transaction that settles the command."""

from datetime import datetime
from typing import Any, assert_never

from psycopg import AsyncConnection

from bot.commands.model import Acknowledgement, Deed
from bot.facts import claims
from bot.facts.model import Disowned
from bot.ingest.statements import Pending
from bot.ledger import Entry
from bot.queue import Urgency, Wish, want
from bot.queue.model import Subject
from bot.unauthorised.model import EVERYWHERE, concern
from bot.unauthorised.record import acknowledge


async def do(
    connection: AsyncConnection[Any],
    deed: Deed,
    request: Pending,
    pull: Subject,
    *,
    at: datetime,
) -> list[Entry]:
    """Do it, and have everything looked at again that depends on it; answers what goes into the ledger.

    The look that finds the command has decided already: ``pull`` is wanted again by name.
    """
    installation_id, repository_id = pull.installation_id, int(pull.about["repository_id"])
    match deed:
        case Disowned():
            entries = await claims.disown(connection, repository_id, deed, request.subject, request=request.id, at=at)
            stirred = [claims.concern(repository_id)]
        case Acknowledgement(change, reason):
            entries = await acknowledge(connection, change, request.actor, reason, request=request.id, at=at)
            stirred = [concern(installation_id, each) for each in (EVERYWHERE, repository_id)]
        case _:
            assert_never(deed)
    await want(connection, [Wish(pull, Urgency.PERSON)], concerns=dict.fromkeys(stirred, Urgency.PERSON))
    return entries
