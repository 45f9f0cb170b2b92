"""The inbox: deliveries that arrive together are committed together, each with the work that it asks for."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from psycopg import AsyncConnection

from bot.errors import Transient
from bot.ingest.statements import closed_installations, store_intakes, store_new
from bot.ingest.subjects import Intake
from bot.ledger import Entry, Kind, append
from bot.queue import want
from bot.store import Store

log = structlog.get_logger(__name__)

MOST_TOGETHER = 256
MOST_WAITING = 2048


@dataclass(frozen=True, slots=True)
class Delivery:
    """A genuine delivery, translated. ``digest`` is the SHA-256 of the raw body; ``via`` says how it came."""

    guid: str
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    received_at: datetime
    body: bytes
    digest: bytes
    intake: Intake
    via: str = "webhook"


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    stored: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Inbox:
    """Accepts deliveries durably. ``commits`` counts the transactions, to show how many deliveries share one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(MOST_WAITING)
        self.commits = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Inbox"]:
        """An inbox that commits while the block runs, and commits what is waiting before it ends."""
        committing = asyncio.create_task(self._commit_for_ever())
        try:
            yield self
        finally:
            await self._waiting.join()
            committing.cancel()
            await asyncio.gather(committing, return_exceptions=True)

    async def accept(self, delivery: Delivery) -> bool:
        """Store the delivery and what it asks for; True when it is new, False when its GUID was stored before.

        What is answered is committed.

        Raises:
            Transient: the database is away, or more is waiting than can be stored; nothing of it is stored.

        """
        waiting = _Waiting(delivery)
        try:
            self._waiting.put_nowait(waiting)
        except asyncio.QueueFull:
            raise Transient("deliveries that came before to be stored") from None
        # A client that goes away does not take back what it sent.
        return await asyncio.shield(waiting.stored)

    async def _commit_for_ever(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MOST_TOGETHER and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                await self._settle(batch)
            finally:
                for _ in batch:
                    self._waiting.task_done()

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        """Commit the batch, or, when it cannot be, each alone: one delivery cannot take others down."""
        try:
            new = await self._commit([each.delivery for each in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the delivery
            if len(batch) > 1 and not isinstance(error, Transient):
                log.warning("batch_failed", size=len(batch), error=repr(error))
                for each in batch:
                    await self._settle([each])
                return
            for each in batch:
                each.stored.set_exception(error)
            return
        for each in batch:
            # Of two deliveries with one GUID in a batch, the first is the one that is stored.
            each.stored.set_result(each.delivery.guid in new)
            new.discard(each.delivery.guid)

    async def _commit(self, deliveries: Sequence[Delivery]) -> set[str]:
        """One transaction; answers the GUIDs that were new."""
        first = {each.guid: each for each in reversed(deliveries)}
        rows = [(each, await _compressed(each.body)) for each in sorted(first.values(), key=lambda each: each.guid)]
        async with self._store.transaction() as connection:
            new = await store_new(connection, rows)
            fresh = [each for each in first.values() if each.guid in new]
            await _store_work(connection, fresh)
        self.commits += 1
        return new


async def _store_work(connection: AsyncConnection[Any], deliveries: Sequence[Delivery]) -> None:
    asking = [each for each in deliveries if each.intake.ignored is None]
    if not asking:
        return
    closed = await closed_installations(connection)
    refused: list[Delivery] = []
    working: list[Delivery] = []
    for each in asking:
        shut = each.installation_id in closed and each.intake.installation is None
        (refused if shut else working).append(each)
    found = await store_intakes(connection, working)
    concerns = {concern: urgency for each in working for concern, urgency in each.intake.concerns.items()}
    await want(connection, [wish for each in working for wish in each.intake.wishes], concerns=concerns)
    entries = [_accepted(each) for each in working] + [_refused(each, closed) for each in refused] + found
    await append(connection, entries, at=max(each.received_at for each in asking))


def _refused(delivery: Delivery, closed: Mapping[int, str]) -> Entry:
    state = closed.get(delivery.installation_id or 0, "")
    return Entry(
        Kind.DELIVERY_REFUSED,
        f"installation:{delivery.installation_id}",
        {"guid": delivery.guid, "event": delivery.event, "reason": f"the installation is {state}"},
    )


def _accepted(delivery: Delivery) -> Entry:
    subjects = sorted({wish.subject.key for wish in delivery.intake.wishes})
    return Entry(
        Kind.DELIVERY_ACCEPTED,
        subjects[0] if subjects else f"installation:{delivery.installation_id}",
        {
            "guid": delivery.guid,
            "event": delivery.event,
            "action": delivery.action,
            "via": delivery.via,
            "sha256": delivery.digest.hex(),
            "subjects": subjects,
            "concerns": sorted(delivery.intake.concerns),
        },
    )


async def _compressed(body: bytes) -> bytes:
    """The body as it is kept. A large one is compressed beside the event loop."""
    if len(body) > 256 * 1024:
        return await asyncio.to_thread(zlib.compress, body, 1)
    return zlib.compress(body, 1)


def raw_body(kept: bytes) -> bytes:
    """The raw body of a delivery from what is kept of it."""
    return zlib.decompress(kept)
