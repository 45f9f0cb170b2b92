"""Who is on a board: the members of the teams, and the accounts, that hold its roles now."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from bot.facts import memory
from bot.facts.memory import Known
from bot.facts.model import Account, Named, Permission, Standing
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.policy.model import Policy
from bot.store import Store

BELIEVED = timedelta(minutes=15)
MOST_PAGES = 50


async def read(
    store: Store, github: InstallationClient, policy: Policy, roles: Collection[str], names: Iterable[Named], lane: Lane
) -> tuple[Standing, ...]:
    """Everybody who holds one of the policy's ``roles``, with their teams among those that hold any of them.

    Whom a repository's file took out of a role is among them: what they object to still stands. What an account may do
    in a repository is not asked. A team that cannot be read has nobody in it.

    Raises:
        Transient: GitHub could not answer.

    """
    held = policy.objecting.roles
    holders = {holder for role in roles for holder in held.get(role, ())}
    teams = sorted(holder for holder in holders if "/" in holder)
    members = {team: await _members(store, github, team, lane) for team in teams}
    accounts = {account for found in members.values() for account in found}
    accounts |= {Account(each.id, each.login) for each in names if each.login in holders}
    return tuple(
        Standing(account, Permission.NONE, tuple(team for team in teams if account in members[team]))
        for account in sorted(accounts)
    )


async def _members(store: Store, github: InstallationClient, team: str, lane: Lane) -> tuple[Account, ...]:
    key = f"board:{team}"
    async with store.transaction() as connection:
        began = await memory.now(connection)
        known = await memory.recall(connection, [key], not_older_than=BELIEVED, at=began)
    if key not in known:
        value, concerns = await _ask(github, team, lane)
        async with store.transaction() as connection:
            await memory.remember(connection, [Known(key, concerns, value, began)])
        known = {key: value}
    return tuple(Account(number, login) for number, login in known[key])


async def _ask(github: InstallationClient, team: str, lane: Lane) -> tuple[list[Any], tuple[str, ...]]:
    organization, _, slug = team.partition("/")
    people: list[Any] = []
    concerns, after = [f"team:{team}"], None
    for _ in range(MOST_PAGES):
        variables = {"organization": organization, "slug": slug, "after": after}
        answer = await github.query(document("board"), variables, lane=lane)
        found = (answer.data.get("organization") or {}).get("team")
        if found is None:
            return [], tuple(concerns)
        people += [[node["databaseId"], node["login"]] for node in found["members"]["nodes"]]
        concerns += [f"team:{organization}/{child['slug']}" for child in found["childTeams"]["nodes"]]
        page = found["members"]["pageInfo"]
        after = page["endCursor"] if page["hasNextPage"] else None
        if after is None:
            break
    return people, (*dict.fromkeys(concerns), *(f"account:{number}" for number, _ in people))
