"""Which accounts the logins of a policy stand for: each is looked up once, and what was found is kept.

A login can be given up and taken by somebody else, or changed. The account that had it when the policy first named it
is the one that is meant.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection

from bot.facts import memory
from bot.facts.memory import Known
from bot.facts.model import Account, Named
from bot.github.client import InstallationClient, route
from bot.github.lanes import Lane
from bot.policy.model import Policy
from bot.store import Store

NOBODY_FOR = timedelta(hours=6)
"""How long it is believed that nobody has a login."""

FEW = 20
"""How many logins of another system's people are looked up at one look."""

_BOUND = "SELECT login, account_id FROM named_login WHERE login = ANY(%s)"
_BIND = "INSERT INTO named_login (login, account_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def logins(policy: Policy) -> frozenset[str]:
    """Every account that the policy names."""
    holders = {holder for holders in (*policy.roles.values(), policy.dropped) for holder in holders}
    return frozenset({each for each in holders if "/" not in each} | {each for one in policy.people for each in one})


async def read(
    store: Store, github: InstallationClient, wanted: Collection[str], lane: Lane, *, at_most: int | None = None
) -> tuple[Named, ...]:
    """What the logins stand for, sorted; one that nobody has is missing.

    ``at_most`` so many of them are looked up now where many are new; the others are missing until a later time.

    Raises:
        Transient: GitHub could not answer.

    """
    if not wanted:
        return ()
    nobody = {f"login:{login}": login for login in sorted(wanted)}
    async with store.transaction() as connection:
        bound = await _bound(connection, wanted)
        began = await memory.now(connection)
        known = await memory.recall(connection, list(nobody), not_older_than=NOBODY_FOR, at=began)
    missing = [(key, login) for key, login in nobody.items() if login not in bound and key not in known]
    if missing:
        found = {key: (login, await _account_id(github, login, lane)) for key, login in missing[:at_most]}
        async with store.transaction() as connection:
            for login, number in found.values():
                if number is not None:
                    await connection.execute(_BIND, [login, number])
            gone = [Known(key, (), None, began) for key, (_, number) in found.items() if number is None]
            await memory.remember(connection, gone)
            bound = await _bound(connection, wanted)
    return tuple(Named(login, bound[login]) for login in sorted(bound))


async def elsewhere(
    store: Store, github: InstallationClient, policy: Policy, seen: Iterable[Account], lane: Lane
) -> None:
    """Bind the logins of those who are known in another system of records (``records.people``).

    They can be thousands: of the accounts that were ``seen`` anyway nothing is asked, and of the others only a few at a
    time. Whoever is not bound yet is on no board.

    Raises:
        Transient: GitHub could not answer.

    """
    wanted = {login for _, login in policy.records.people}
    if not wanted:
        return
    async with store.transaction() as connection:
        await bind(connection, wanted, seen)
    await read(store, github, wanted, lane, at_most=FEW)


async def bind(connection: AsyncConnection[Any], wanted: Collection[str], seen: Iterable[Account]) -> dict[str, int]:
    """The ids of the accounts that the logins stand for: a new one, for the account that is ``seen`` to have it."""
    here = {account.login.lower(): account.id for account in seen if account.login.lower() in wanted}
    for login, number in sorted(here.items()):
        await connection.execute(_BIND, [login, number])
    return await _bound(connection, wanted) if wanted else {}


async def _bound(connection: AsyncConnection[Any], wanted: Collection[str]) -> dict[str, int]:
    cursor = await connection.execute(_BOUND, [sorted(wanted)])
    return {login: number async for login, number in cursor}


async def _account_id(github: InstallationClient, login: str, lane: Lane) -> int | None:
    answer = await github.get_or_none(route("/users/{username}", username=login), lane=lane)
    # GitHub leads from a login that was given up to whoever took it; from a changed one to nowhere.
    return int(answer["id"]) if answer is not None else None
