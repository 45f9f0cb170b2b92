"""Reads recorded decisions, and tries a candidate on them with every processor there is."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from typing import Any

from psycopg import AsyncConnection

from bot.decide import codec as decision_codec
from bot.errors import Refusal
from bot.facts import codec as facts_codec
from bot.facts.model import PullRequestFacts
from bot.ledger.decisions import Made
from bot.policy import digest as policy_codec
from bot.policy.model import Policy
from bot.store import Store
from bot.trial.candidate import Candidate, NotKnownThen, Texts, Trial, difference
from bot.trial.fence import Fence
from bot.trial.model import Difference, Result, Untried

_DECISIONS = """
    SELECT decision.subject, decision.decided_at, decision.policy, facts.body, decision.body
    FROM decision JOIN facts ON facts.digest = decision.facts
    WHERE decision.subject LIKE 'pull:%%' AND decision.decided_at >= %(since)s
      AND (%(all)s OR NOT EXISTS (
          SELECT FROM decision AS later
          WHERE later.subject = decision.subject AND later.decided_at > decision.decided_at
      ))
    ORDER BY decision.decided_at DESC LIMIT %(most)s
"""
_POLICIES = "SELECT digest, body FROM policy WHERE digest = ANY(%s)"
_TEXTS = "SELECT origin, blob, content FROM policy_file"
BATCH = 200
AHEAD = 4
"""Batches that are read for each process before it is free: the whole record need not fit into memory."""

FENCE = Fence()

Row = tuple[str, datetime, str, bytes, bytes]
Results = Sequence[Result]
"""What came of each decision of a batch."""

Progress = Callable[[int], None]
"""Hears how many more decisions were tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many decisions were tried, and those that would be different, the newest first.

    ``untried`` more cannot be compared.
    """

    tried: int
    differences: tuple[Difference, ...]
    untried: int = 0


async def texts(connection: AsyncConnection[Any]) -> Texts:
    """The text of every policy file on record."""
    cursor = await connection.execute(_TEXTS)
    return {(origin, blob): content async for origin, blob, content in cursor}


async def backtest(
    store: Store,
    candidate: Candidate,
    *,
    since: datetime,
    every: bool,
    most: int | None = None,
    processes: int | None = None,
    progress: Progress = lambda _: None,
) -> Outcome:
    """Try the candidate on the recorded decisions since then: on the last one of each change, or on ``every`` one.

    The newest come first; of more than ``most``, the older ones are left out. There are as many ``processes`` as
    processors, unless it is said.

    Raises:
        Refusal: the candidate cannot be used, or takes more than there is for it.
        Transient: the database is away.

    """
    tried, untried, found = 0, 0, list[Difference]()

    def take(results: Results) -> None:
        nonlocal tried, untried
        apart = sum(isinstance(one, Untried) for one in results)
        tried, untried = tried + len(results) - apart, untried + apart
        found.extend(one for one in results if isinstance(one, Difference))
        progress(len(results))

    batches = _batches(store, since, every=every, most=most)
    await try_on(store, candidate, batches, processes or os.cpu_count() or 1, take)
    return Outcome(tried, tuple(found), untried)


async def try_on(
    store: Store,
    candidate: Candidate,
    batches: AsyncIterator[list[Row]],
    processes: int,
    take: Callable[[Results], None],
) -> None:
    """Try the candidate on the rows; ``take`` is handed what came of each, in their order.

    Raises:
        Refusal: the candidate cannot be used, or takes more than there is for it.
        Transient: the database is away.

    """
    async with store.transaction() as connection:
        known = await texts(connection)
    running = deque[asyncio.Future[Results]]()
    pool = _pool(processes, candidate, known)
    try:
        async for rows in batches:
            made_under = await policies(store, {row[2] for row in rows})
            # The first to be submitted starts the processes, which takes seconds where none was started before.
            running.append(asyncio.wrap_future(await asyncio.to_thread(pool.submit, _try, rows, made_under)))
            if len(running) >= AHEAD * processes:
                take(await running.popleft())
        while running:
            take(await running.popleft())
    except (BrokenProcessPool, MemoryError) as error:
        raise Refusal(
            f"{candidate.name} could not be tried on the record: a process that tried it took {FENCE.spoken} for "
            f"{BATCH} decisions, or was ended from outside.",
            remedy="Whoever wrote it makes its expressions simpler. If they are, it is tried again with the next look.",
        ) from error
    finally:
        for each in running:
            each.cancel()
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _pool(processes: int, candidate: Candidate, known: Texts) -> ProcessPoolExecutor:
    """Processes that try the candidate, each behind the fence."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(candidate, known, FENCE))


async def _batches(store: Store, since: datetime, *, every: bool, most: int | None) -> AsyncIterator[list[Row]]:
    async with store.transaction() as connection, connection.cursor(name="recorded_decisions") as cursor:
        await cursor.execute(_DECISIONS, {"since": since, "all": every, "most": most})
        while rows := await cursor.fetchmany(BATCH):
            yield [(subject, at, policy, bytes(facts), bytes(body)) for subject, at, policy, facts, body in rows]


async def policies(store: Store, digests: Collection[str]) -> dict[str, bytes]:
    """The bodies of the policies of these digests."""
    async with store.transaction() as connection:
        cursor = await connection.execute(_POLICIES, [sorted(digests)])
        return {digest: bytes(body) async for digest, body in cursor}


_trial: Trial | None = None
_fence = FENCE
_policies_here: dict[str, Policy] = {}


def _begin(candidate: Candidate, known: Texts, fence: Fence) -> None:
    """What a process keeps from batch to batch."""
    global _trial, _fence
    fence.close()
    _trial, _fence = Trial(candidate, known), fence


def _try(rows: Sequence[Row], made_under: dict[str, bytes]) -> Results:
    assert _trial is not None, "a process begins before it tries"
    _fence.begin()
    results = list[Result]()
    for subject, at, digest, facts_body, body in rows:
        if digest not in _policies_here:
            _policies_here[digest] = policy_codec.load(made_under[digest])
        facts = facts_codec.load(facts_body)
        assert isinstance(facts, PullRequestFacts), "only pull requests are read"
        then = decision_codec.load(body)
        try:
            now = _trial.decide(Made(subject, facts, _policies_here[digest], then, at))
        except NotKnownThen:
            results.append(Untried(subject))
        else:
            results.append(difference(subject, facts, then, now))
    return results
