"""Who gains from a policy: the people whose own open change is stopped now, and would not be.

That is asked anew at every look, of every open change, however long ago it was decided about: whoever opens a change
gains from then on. A recorded decision never changes, and neither does a policy file of the same blob, so that each
decision is tried once.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from pydantic import TypeAdapter

from bot.decide import codec as decision_codec
from bot.facts import codec as facts_codec
from bot.facts import memory
from bot.facts.codec import plain
from bot.facts.memory import Known
from bot.facts.model import Gain, PullRequestFacts
from bot.ledger.decisions import Made
from bot.policy import digest as policy_codec
from bot.policy.model import Policy
from bot.store import Store
from bot.trial.candidate import Candidate, Trial, difference
from bot.trial.history import policies, texts

BELIEVED = timedelta(days=1)
"""How long what came of a decision is kept: a newer version may decide differently."""

BATCH = 50

# What passes cannot gain. The latest decision of each change is looked up by itself, however many others there are.
_STOPPED = """
    SELECT latest.id FROM subject CROSS JOIN LATERAL (
        SELECT id, verdict FROM decision WHERE decision.subject = subject.key ORDER BY decided_at DESC LIMIT 1
    ) AS latest
    WHERE subject.kind = 'pull' AND NOT subject.finished AND latest.verdict NOT IN ('pass', 'waived')
      AND (%(repository)s::text IS NULL OR lower((about ->> 'owner') || '/' || (about ->> 'name')) = %(repository)s)
    ORDER BY latest.id
"""
_DECISIONS = """
    SELECT decision.id, decision.subject, decision.decided_at, decision.policy, facts.body, decision.body
    FROM decision JOIN facts ON facts.digest = decision.facts WHERE decision.id = ANY(%s)
"""
_GAINS: TypeAdapter[dict[str, tuple[Gain, ...]]] = TypeAdapter(dict[str, tuple[Gain, ...]])

Row = tuple[UUID, str, datetime, str, bytes, bytes]


def concern(account_id: int) -> str:
    """What depends on the changes that somebody has open."""
    return f"gains:{account_id}"


async def read(store: Store, candidate: Candidate, blob: str) -> tuple[Gain, ...]:
    """Who gains from a candidate whose text is the git blob ``blob``, sorted.

    Raises:
        Refusal: the candidate cannot be used.
        Transient: the database is away.

    """
    key = f"gains:{candidate.name}:{blob}"
    async with store.transaction() as connection:
        began = await memory.now(connection)
        recalled = await memory.recall(connection, [key], not_older_than=BELIEVED, at=began)
        stopped = await _stopped(connection, candidate)
    known = _GAINS.validate_python(recalled.get(key, {}))
    missing = [each for each in stopped if each not in known]
    if missing:
        known |= await _tried(store, candidate, missing)
        value: Any = plain({each: known[each] for each in stopped})
        async with store.transaction() as connection:
            await memory.remember(connection, [Known(key, (), value, began)])
    found = {gain for each in stopped for gain in known[each]}
    return tuple(sorted(found, key=lambda gain: (gain.repository, gain.number, gain.account)))


async def _stopped(connection: AsyncConnection[Any], candidate: Candidate) -> list[str]:
    """The ids of the latest decisions about open changes that may be stopped."""
    repository = candidate.repository.lower() if candidate.repository else None
    cursor = await connection.execute(_STOPPED, {"repository": repository})
    return [str(id_) async for (id_,) in cursor]


async def _tried(store: Store, candidate: Candidate, missing: Sequence[str]) -> dict[str, tuple[Gain, ...]]:
    """What each of the decisions means for who contributed; other looks have their turn between two of them."""
    async with store.transaction() as connection:
        trial = Trial(candidate, await texts(connection))
    made: dict[str, Policy] = {}
    found: dict[str, tuple[Gain, ...]] = {}
    for start in range(0, len(missing), BATCH):
        for row in await _rows(store, missing[start : start + BATCH], made):
            found[str(row[0])] = _gaining(trial, row, made[row[3]])
            await asyncio.sleep(0)
    return found


async def _rows(store: Store, ids: Collection[str], made: dict[str, Policy]) -> list[Row]:
    """The decisions of these ids; the policies that are not there yet are added to ``made``."""
    async with store.transaction() as connection:
        rows: list[Row] = [row async for row in await connection.execute(_DECISIONS, [list(ids)])]
    wanted = {row[3] for row in rows} - made.keys()
    made |= {digest: policy_codec.load(body) for digest, body in (await policies(store, wanted)).items()}
    return rows


def _gaining(trial: Trial, row: Row, policy: Policy) -> tuple[Gain, ...]:
    _, subject, at, _, facts_body, body = row
    facts, then = facts_codec.load(bytes(facts_body)), decision_codec.load(bytes(body))
    assert isinstance(facts, PullRequestFacts), "only pull requests are read"
    found = difference(subject, facts, then, trial.decide(Made(subject, facts, policy, then, at)))
    if found is None or not found.loosens:
        return ()
    return tuple(Gain(account, found.repository, found.number) for account in found.contributors)
