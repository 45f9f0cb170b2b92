"""Refused deliveries reach the ledger as counts, so that a flood of forgeries cannot fill it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.clock import Clock
from bot.errors import Transient
from bot.ledger import Entry, Kind, append
from bot.store import Store

log = structlog.get_logger(__name__)

EVERY = 5.0
"""Seconds between two entries about refusals."""

MOST_ADDRESSES = 10


class Refusals:
    """Counts refusals by reason and writes one entry for all that came since the last one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._addresses: set[str] = set()

    def count(self, reason: str, address: str | None) -> None:
        """One more refusal for ``reason``, from a network address that may be a proxy's."""
        self._counts[reason] += 1
        if address and len(self._addresses) < MOST_ADDRESSES:
            self._addresses.add(address)

    async def flush(self) -> None:
        """Put what was counted on record; keep it when the database is away."""
        if not self._counts:
            return
        counts, addresses = dict(self._counts), sorted(self._addresses)
        entry = Entry(Kind.DELIVERY_REFUSED, "webhook", {"reasons": counts, "addresses": addresses})
        try:
            async with self._store.transaction() as connection:
                await append(connection, [entry], at=self._clock())
        except Transient as error:
            log.warning("refusals_wait", waits_for=error.waits_for)
            return
        self._counts.subtract(counts)
        self._counts += Counter()
        self._addresses.difference_update(addresses)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Refusals"]:
        """Flush every few seconds while the block runs, and once more at its end."""
        flushing = asyncio.create_task(self._flush_for_ever())
        try:
            yield self
        finally:
            flushing.cancel()
            await asyncio.gather(flushing, return_exceptions=True)
            await self.flush()

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.flush()
