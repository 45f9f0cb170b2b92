"""What a change of a policy file would have meant for the changes of the last months, and who gains from it now."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from bot.facts import memory
from bot.facts.codec import plain
from bot.facts.memory import Known
from bot.store import Store
from bot.trial import gains
from bot.trial.candidate import Candidate
from bot.trial.history import backtest
from bot.trial.model import DAYS, Preview

MOST = 10_000
"""Changes that a preview is made of at most, the newest first."""

MOST_SHOWN = 50
BELIEVED = timedelta(minutes=15)
"""How long the table of differences stands: meanwhile other changes go on. Who gains is asked anew each time."""

_ADAPTER: TypeAdapter[Preview] = TypeAdapter(Preview)


async def preview(store: Store, candidate: Candidate, blob: str, at: datetime) -> Preview:
    """The preview of a candidate whose text is the git blob ``blob``.

    Raises:
        Refusal: the candidate cannot be used.
        Transient: the database is away.

    """
    table = await _table(store, candidate, blob, at)
    return replace(table, gains=await gains.read(store, candidate, blob))


async def _table(store: Store, candidate: Candidate, blob: str, at: datetime) -> Preview:
    """What would have been different; nobody gains in it."""
    key = f"preview:{candidate.name}:{blob}"
    async with store.transaction() as connection:
        began = await memory.now(connection)
        known = await memory.recall(connection, [key], not_older_than=BELIEVED, at=began)
    if key in known:
        return _ADAPTER.validate_python(known[key])
    outcome = await backtest(store, candidate, since=at - timedelta(days=DAYS), every=False, most=MOST)
    passing = [each for each in outcome.differences if each.loosens]
    others = [each for each in outcome.differences if not each.loosens]
    made = Preview(
        tried=outcome.tried,
        differing=len(outcome.differences),
        passing=len(passing),
        shown=tuple([*passing, *others][:MOST_SHOWN]),
        gains=(),
        untried=outcome.untried,
    )
    value: Any = plain(made)
    async with store.transaction() as connection:
        await memory.remember(connection, [Known(key, (), value, began)])
    return made
