"""A repository's custom properties, as GitHub tells them."""

from typing import Any

import pytest

from bot.facts import properties
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.queue import Urgency, want
from bot.sandbox import SimulatedGitHub
from bot.store import Store


@pytest.fixture
async def repository(gh: SimulatedGitHub) -> Any:
    return gh.organisation("acme").repository("ledger", files={"a": "1"})


async def read(
    store: Store, client: InstallationClient, repository: Any, name: str = "ledger"
) -> tuple[tuple[str, str], ...] | None:
    return await properties.read(store, client, repository.id, "acme", name, Lane.PERSON)


async def test_properties_and_their_values_are_sorted(
    store: Store, client: InstallationClient, repository: Any
) -> None:
    repository.properties |= {"tier": "gold", "data": ["personal", "cardholder"], "owner": None, "empty": []}
    assert await read(store, client, repository) == (("data", "cardholder"), ("data", "personal"), ("tier", "gold"))


async def test_a_repository_may_have_none(store: Store, client: InstallationClient, repository: Any) -> None:
    assert await read(store, client, repository) == properties.NONE


async def test_what_cannot_be_seen_is_not_taken_for_nothing(
    store: Store, client: InstallationClient, repository: Any
) -> None:
    for _ in range(2):
        assert await read(store, client, repository, "hidden") is None


@pytest.mark.parametrize("concern", ["repository", "properties"])
async def test_they_are_asked_for_once_until_the_repository_or_they_change(
    store: Store, client: InstallationClient, repository: Any, concern: str
) -> None:
    repository.properties["tier"] = "gold"
    assert await read(store, client, repository) == (("tier", "gold"),)
    repository.properties["tier"] = "silver"
    assert await read(store, client, repository) == (("tier", "gold"),)
    async with store.transaction() as connection:
        await want(connection, [], concerns={f"{concern}:{repository.id}": Urgency.TIMER})
    assert await read(store, client, repository) == (("tier", "silver"),)


async def test_each_repository_has_its_own(
    store: Store, client: InstallationClient, gh: SimulatedGitHub, repository: Any
) -> None:
    other: Any = gh.organisation("acme").repository("vault", files={"a": "1"})
    repository.properties["tier"], other.properties["tier"] = "gold", "silver"
    assert await read(store, client, repository) == (("tier", "gold"),)
    assert await read(store, client, other, "vault") == (("tier", "silver"),)
