"""Who gains from a policy: the people whose own open change is stopped now, and would not be.

That is asked anew at every look, of every open change, however long ago it was decided about: whoever opens a change
gains from then on. A recorded decision never changes, and neither does a policy file of the same blob, so that each
decision is tried once.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection
from pydantic import TypeAdapter

from bot.facts import memory
from bot.facts.codec import plain
from bot.facts.memory import Known
from bot.facts.model import Gain
from bot.store import Store
from bot.trial.candidate import Candidate
from bot.trial.history import BATCH, Row, try_on
from bot.trial.model import Difference, Result

BELIEVED = timedelta(days=1)
"""How long what came of a decision is kept: a newer version may decide differently."""

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


def concern(account_id: int) -> str:
    """What depends on the changes that somebody has open."""
    return f"gains:{account_id}"


async def read(store: Store, candidate: Candidate, blob: str) -> tuple[Gain, ...]:
    """Who gains from a candidate whose text is the git blob ``blob``, sorted.

    Raises:
        Refusal: the candidate cannot be used, or takes more than there is for it.
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
    """What each of the decisions means for who contributed, worked out behind the fence."""
    order, results = list[str](), list[Result]()
    await try_on(store, candidate, _batches(store, missing, order), 1, results.extend)
    return {id_: _gains(found) for id_, found in zip(order, results, strict=True)}


async def _batches(store: Store, ids: Sequence[str], order: list[str]) -> AsyncIterator[list[Row]]:
    """The decisions of these ids; ``order`` is told in which order they come."""
    for start in range(0, len(ids), BATCH):
        async with store.transaction() as connection:
            rows = await (await connection.execute(_DECISIONS, [list(ids[start : start + BATCH])])).fetchall()
        order += [str(row[0]) for row in rows]
        yield [(subject, at, policy, bytes(facts), bytes(body)) for _, subject, at, policy, facts, body in rows]


def _gains(found: Result) -> tuple[Gain, ...]:
    # What is open is decided again under the policy of today, and tried again then.
    if not isinstance(found, Difference) or not found.loosens:
        return ()
    return tuple(Gain(account, found.repository, found.number) for account in found.contributors)
