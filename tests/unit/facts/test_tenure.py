"""Since when somebody has been in a team, as far as the records go."""

from bot.facts import tenure
from bot.store import Store

TEAM = "team:acme/appsec"


async def known(store: Store, *accounts: int) -> dict[int, bool]:
    """By account: whether it is on record since when they are in the team."""
    async with store.transaction() as connection:
        found = await tenure.since(connection, accounts, [TEAM])
    return {account: account in found for account in accounts}


async def test_who_is_there_when_a_team_is_first_read_was_there_before(store: Store) -> None:
    async with store.transaction() as connection:
        await tenure.found(connection, TEAM, [1, 2])
    assert await known(store, 1, 2) == {1: False, 2: False}


async def test_who_is_new_in_a_later_reading_joined_then(store: Store) -> None:
    async with store.transaction() as connection:
        await tenure.found(connection, TEAM, [1])
        await tenure.found(connection, TEAM, [1, 2])
    assert await known(store, 1, 2) == {1: False, 2: True}


async def test_who_left_and_comes_back_begins_anew(store: Store) -> None:
    async with store.transaction() as connection:
        await tenure.found(connection, TEAM, [1])
        await tenure.found(connection, TEAM, [])
        await tenure.found(connection, TEAM, [1])
    assert await known(store, 1) == {1: True}


async def test_who_joins_before_the_team_was_ever_read_has_joined_just_now(store: Store) -> None:
    async with store.transaction() as connection:
        await tenure.moved(connection, [(TEAM, 2)], [])
        await tenure.found(connection, TEAM, [1, 2])
    assert await known(store, 1, 2) == {1: False, 2: True}


async def test_who_leaves_and_joins_between_two_readings_begins_anew(store: Store) -> None:
    async with store.transaction() as connection:
        await tenure.found(connection, TEAM, [1])
        await tenure.moved(connection, [], [(TEAM, 1)])
        await tenure.moved(connection, [(TEAM, 1)], [])
        await tenure.found(connection, TEAM, [1])
    assert await known(store, 1) == {1: True}
    assert tenure.permission_place(77) == "permission:77"
