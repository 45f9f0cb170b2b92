"""A repository's custom properties: the organisation's own words for what it is.

https://docs.github.com/rest/repos/custom-properties
"""

from datetime import timedelta
from typing import Any

from bot.facts import memory
from bot.facts.memory import Known
from bot.github.client import InstallationClient, route
from bot.github.lanes import Lane
from bot.store import Store

NONE: tuple[tuple[str, str], ...] = ()

BELIEVED = timedelta(minutes=15)
"""How long an answer is believed when no webhook says that a value changed: one may be lost, or not be granted."""


def concern(repository_id: int) -> str:
    """What goes stale when a value of the repository changes."""
    return f"properties:{repository_id}"


async def read(
    store: Store, github: InstallationClient, repository_id: int, owner: str, name: str, lane: Lane
) -> tuple[tuple[str, str], ...] | None:
    """The properties and their values, sorted; of several values each is one. None when they cannot be seen.

    Raises:
        Transient: GitHub could not answer.

    """
    key, concerns = f"properties:{repository_id}", (concern(repository_id), f"repository:{repository_id}")
    async with store.transaction() as connection:
        began = await memory.now(connection)
        known = await memory.recall(connection, [key], not_older_than=BELIEVED, at=began)
    if key not in known:
        path = route("/repos/{owner}/{repo}/properties/values", owner=owner, repo=name)
        answer = await github.get_or_none(path, lane=lane)
        value = None if answer is None else [pair for each in answer for pair in _pairs(each)]
        known = {key: value}
        async with store.transaction() as connection:
            await memory.remember(connection, [Known(key, concerns, value, began)])
    found = known[key]
    return None if found is None else tuple(sorted((str(name), str(value)) for name, value in found))


def _pairs(each: Any) -> list[tuple[str, str]]:
    value = each["value"]
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [(each["property_name"], one) for one in values]
