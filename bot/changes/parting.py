"""Takes leave of the twin of a record in a system that the policy does not name for it any more.

The record goes on without it, and does not wait for what it says. It is cancelled there, so that nobody is asked about
it any more; where that is not let through, a note in it says so. What it could not be told is told here.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from psycopg import AsyncConnection

from bot.changes import carrying, hearing, links
from bot.changes.links import Link
from bot.changes.model import Change
from bot.changes.systems import port
from bot.changes.systems.port import RecordSystem, Snapshot
from bot.errors import Refusal
from bot.ledger import Entry, Kind
from bot.policy.model import Records, System

_SINCE = "the policy did not keep records there any more"


class Outcome(StrEnum):
    """What became of a twin."""

    NONE = "none"
    OVER = "over"
    CANCELLED = "cancelled"
    NOTED = "noted"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Parting:
    """What became of the twin, called ``number`` there, when it was left, and why nothing better did.

    ``snapshot`` is how it was before; None where it could not be read.
    """

    outcome: Outcome
    number: str = ""
    why: str = ""
    snapshot: Snapshot | None = None

    def spoken(self, system: System) -> str:
        """What people read of it; empty where there is nothing to say."""
        twin, why = f"{self.number} in {system.spoken}", f" {self.why}" if self.why else ""
        match self.outcome:
            case Outcome.NONE:
                return ""
            case Outcome.OVER:
                return f"{twin} was over when {_SINCE}."
            case Outcome.CANCELLED:
                return f"{twin} has been cancelled, since {_SINCE}.{why}"
            case Outcome.NOTED:
                return f"{twin} could not be cancelled when {_SINCE}; a note in it says so.{why}"
            case Outcome.UNTOLD:
                return f"{twin} was not told that {_SINCE}.{why} Whoever changes records there cancels it."


def note(change: Change, system: System) -> str:
    """What those who work on the twin read in it; ``system`` is where the record is kept from now on."""
    where = "its own register" if system is System.REGISTER else system.spoken
    return f"Countersign keeps {change.number} in {where} from now on."


async def take_leave(system: RecordSystem, link: Link, correlation_id: str, words: str) -> Parting:
    """Cancel the twin, with ``words`` as a note; answers what came of it, which is no error of ours.

    Raises:
        Away: that system cannot be asked now.

    """
    try:
        found = link.id or await _found(system, correlation_id)
        if found is None:
            return Parting(Outcome.NONE)
        snapshot = await system.read(found)
    except Refusal as refused:
        return untold(link, str(refused))
    number = snapshot.receipt.number
    if snapshot.state in {port.State.CLOSED, port.State.CANCELLED}:
        return Parting(Outcome.OVER, number, snapshot=snapshot)
    # The note comes first: whoever is killed after the other finds it over, and says no more.
    unsaid = await _refusal(system.add_note(found, words))
    stays = await _refusal(system.move(found, port.State.CANCELLED))
    outcome = (Outcome.UNTOLD if unsaid else Outcome.NOTED) if stays else Outcome.CANCELLED
    return Parting(outcome, number, " ".join(dict.fromkeys(each for each in (stays, unsaid) if each)), snapshot)


def untold(link: Link, why: str) -> Parting:
    """That nothing could be done there; of a twin that nobody knows to be there, there is nothing to say."""
    return Parting(Outcome.UNTOLD, link.number, why) if link.number is not None else Parting(Outcome.NONE)


async def _refusal(doing: Awaitable[object]) -> str:
    """Why that system does not let it be done; empty when it is done."""
    try:
        await doing
    except Refusal as refused:
        return str(refused)
    return ""


async def _found(system: RecordSystem, correlation_id: str) -> str | None:
    """The twin of which nobody knows whether it was made: an answer can have been lost."""
    receipt = await system.find(correlation_id)
    return receipt.id if receipt is not None else None


async def keep(
    connection: AsyncConnection[Any], change: Change, link: Link, records: Records, parting: Parting
) -> list[Entry]:
    """Note that the twin was left; answers what goes into the ledger, once.

    ``records`` is how it was kept there. What people did there that nobody has heard counts for nothing any more.
    """
    entries: list[Entry] = []
    if parting.snapshot is not None:
        carried = await carrying.noted(connection, change.number)
        for each in hearing.heard(change, parting.snapshot, records, link.planned, carried=carried):
            where = f"in {link.system.spoken}, where the policy does not keep the record any more"
            outcome = f"not counted: {each.who} said {each.deed} {where}."
            entries += await links.hear(connection, change, [replace(each, round=link.round)], outcome=outcome)
    if await links.left(connection, change.number, link, parting.spoken(link.system)):
        body = {"change": change.number, "system": link.system.value, "number": parting.number or None}
        told = {"outcome": parting.outcome.value, "why": parting.why}
        entries.append(Entry(Kind.RECORD_LEFT, change.subject, {**body, **told}))
    return entries
