"""Who is on a board now, as GitHub tells it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.facts import board
from bot.facts.model import Named, Permission
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.policy.model import Above
from bot.queue import Urgency, want
from bot.sandbox import SimulatedGitHub
from bot.sandbox.organisations import Organisation
from bot.store import Store
from tests.unit.builders import policy

ROLES = {
    "cab": ("acme/cab",),
    "it-manager": ("acme/it", "grace"),
    "risk-officer": ("acme/cab", "acme/risk"),
    "nobody": ("acme/none", "elsewhere/cab"),
}


@pytest.fixture
async def org(gh: SimulatedGitHub) -> Organisation:
    org = gh.organisation("acme")
    cleo, ida, rick = (org.person(name) for name in ("cleo", "ida", "rick"))
    org.team("cab", members=[cleo, ida])
    org.team("it", members=[ida])
    org.team("risk", members=[rick])
    return org


async def read(
    store: Store, client: InstallationClient, *roles: str, names: Sequence[Named] = ()
) -> dict[str, tuple[str, ...]]:
    """The board's people, and in which of its teams they are."""
    found = await board.read(store, client, policy(roles=ROLES), roles, names, Lane.PERSON)
    assert all(each.permission is Permission.NONE for each in found)
    assert list(found) == sorted(found, key=lambda each: each.account.id)
    return {each.account.login: each.teams for each in found}


async def test_who_holds_a_role_is_on_the_board(store: Store, client: InstallationClient, org: Organisation) -> None:
    assert await read(store, client, "cab") == {"cleo": ("acme/cab",), "ida": ("acme/cab",)}
    assert await read(store, client) == {}
    assert await read(store, client, "of-no-policy") == {}


async def test_of_several_roles_everybodys_teams_are_told(
    store: Store, client: InstallationClient, org: Organisation
) -> None:
    assert await read(store, client, "cab", "it-manager", "risk-officer") == {
        "cleo": ("acme/cab",),
        "ida": ("acme/cab", "acme/it"),
        "rick": ("acme/risk",),
    }


async def test_who_is_named_by_login_is_known_by_the_account_that_it_was_bound_to(
    store: Store, client: InstallationClient, org: Organisation
) -> None:
    grace = Named("grace", 4711)
    found = await read(store, client, "it-manager", names=[grace, Named("eve", 666)])
    assert found == {"ida": ("acme/it",), "grace": ()}
    assert "grace" not in await read(store, client, "cab", names=[grace])
    accounts = await board.read(store, client, policy(roles=ROLES), ["it-manager"], [grace], Lane.PERSON)
    assert [each.account.id for each in accounts if each.account.login == "grace"] == [4711]


async def test_whom_a_repository_takes_out_of_a_role_is_asked_as_well_since_they_may_object(
    store: Store, client: InstallationClient, org: Organisation
) -> None:
    narrowed = replace(policy(roles={**ROLES, "cab": ()}), above=Above(ROLES, ()))
    found = await board.read(store, client, narrowed, ["cab"], (), Lane.PERSON)
    assert {each.account.login: each.teams for each in found} == {"cleo": ("acme/cab",), "ida": ("acme/cab",)}


async def test_a_team_that_cannot_be_read_has_nobody_in_it(
    store: Store, client: InstallationClient, org: Organisation
) -> None:
    assert await read(store, client, "nobody") == {}


async def test_who_is_in_a_team_below_is_in_the_team(
    store: Store, client: InstallationClient, org: Organisation
) -> None:
    org.team("cab-emea", members=[org.person("emil")]).parent = org.teams["cab"]
    assert "emil" in await read(store, client, "cab")


async def test_a_large_board_is_read_whole(store: Store, client: InstallationClient, org: Organisation) -> None:
    many = [org.person(f"member-{number}") for number in range(230)]
    org.team("large", members=many)
    everybody = policy(roles={"large": ("acme/large",)})
    found = await board.read(store, client, everybody, ["large"], (), Lane.PERSON)
    assert {each.account.login for each in found} == {each.login for each in many}


async def test_it_is_asked_once_until_somebody_comes_or_goes(
    store: Store, client: InstallationClient, gh: SimulatedGitHub, org: Organisation
) -> None:
    before = await read(store, client, "cab")
    org.teams["cab"].add(org.person("rick"))
    assert await read(store, client, "cab") == before, "nobody has told that it changed"
    async with store.transaction() as connection:
        await want(connection, [], concerns={"team:acme/cab": Urgency.TIMER})
    assert set(await read(store, client, "cab")) == {"cleo", "ida", "rick"}


async def test_who_leaves_a_team_below_changes_the_board_too(
    store: Store, client: InstallationClient, org: Organisation
) -> None:
    below = org.team("cab-emea", members=[org.person("emil")])
    below.parent = org.teams["cab"]
    assert "emil" in await read(store, client, "cab")
    below.remove(org.person("emil"))
    async with store.transaction() as connection:
        await want(connection, [], concerns={"team:acme/cab-emea": Urgency.TIMER})
    assert "emil" not in await read(store, client, "cab")


async def test_a_team_that_could_not_be_read_is_asked_for_again_when_it_is_there(
    store: Store, client: InstallationClient, org: Organisation
) -> None:
    assert await read(store, client, "nobody") == {}
    org.team("none", members=[org.person("nora")])
    async with store.transaction() as connection:
        await want(connection, [], concerns={"team:acme/none": Urgency.TIMER})
    assert set(await read(store, client, "nobody")) == {"nora"}
