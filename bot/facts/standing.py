"""What people may do: repository permissions and team membership, at the time of deciding.

Whether a reviewer may push is told with the review. The rest is read from GitHub when a decision needs it and
remembered for some time; webhooks about teams, members and collaborators end the belief at once. ``author_association``
is not used: GitHub computes it without a viewer, so private members look like strangers.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.facts import memory, tenure
from bot.facts.memory import Known
from bot.facts.model import PERMISSION, Account, FactsIncomplete, Permission, Repository, Standing
from bot.github.client import InstallationClient, route
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.store import Store

BELIEVED = timedelta(minutes=15)
"""How long a permission is believed when no webhook ends the belief: some changes of it have none, as an organisation's
base permission, or a custom role."""

MEMBERSHIP_BELIEVED = timedelta(hours=12)
"""How long a team's list of members is believed. Each way in and out has its webhook, and what was lost of those the
sweep fetches from GitHub's log within minutes."""

MOST_PAGES = 50
_PERMISSIONS = {permission.name.lower(): permission for permission in Permission}


async def read(
    store: Store,
    github: InstallationClient,
    repository: Repository,
    accounts: Collection[Account],
    teams: Collection[str],
    lane: Lane,
    shown: Mapping[Account, Permission],
    *,
    dated: bool = False,
) -> tuple[tuple[Standing, ...], tuple[FactsIncomplete, ...]]:
    """The standing of each of ``accounts`` with respect to ``teams`` (``organisation/slug``), sorted by account.

    ``shown`` are permissions that GitHub has just told, and that are not asked for again. ``dated``: with since when
    they have it, as far as that is known. A team that cannot be read is told, and nobody is in it.

    Raises:
        Transient: GitHub could not answer.

    """
    people = sorted(set(accounts))
    permission_keys = {_permission_key(repository, each): each for each in people if each not in shown}
    team_keys = {f"team:{team}": team for team in sorted(teams)} if people else {}
    async with store.transaction() as connection:
        began = await memory.now(connection)
        known = {
            **await memory.recall(connection, list(permission_keys), not_older_than=BELIEVED, at=began),
            **await memory.recall(connection, list(team_keys), not_older_than=MEMBERSHIP_BELIEVED, at=began),
        }
    fresh = [
        *[
            await _permission(github, repository, who, key, began, lane)
            for key, who in permission_keys.items()
            if key not in known
        ],
        *[await _team(github, team, key, began, lane) for key, team in team_keys.items() if key not in known],
    ]
    if fresh:
        async with store.transaction() as connection:
            await memory.remember(connection, fresh)
            for each in fresh:
                if each.key in team_keys and each.value is not None:
                    await tenure.found(connection, each.key, each.value)
    values = {**known, **{each.key: each.value for each in fresh}}
    permissions = {**shown, **{who: _PERMISSIONS[values[key]] for key, who in permission_keys.items()}}
    gaps = tuple(
        FactsIncomplete(f"the team {team}", "GitHub shows no such team, or Countersign may not see it")
        for key, team in team_keys.items()
        if values[key] is None
    )
    places = {**team_keys, tenure.permission_place(repository.id): PERMISSION}
    joined = await _joined(store, people, places) if dated else {}
    standings = [
        Standing(
            who,
            permissions[who],
            tuple(sorted(team for place, team in team_keys.items() if who.id in (values[place] or ()))),
            joined.get(who.id, ()),
        )
        for who in people
    ]
    return tuple(standings), gaps


async def members(
    store: Store, github: InstallationClient, teams: Collection[str], lane: Lane
) -> dict[str, frozenset[int] | None]:
    """Who is in each of the teams (``organisation/slug``), read anew; None for a team that cannot be seen.

    Raises:
        Transient: GitHub could not answer.

    """
    async with store.transaction() as connection:
        began = await memory.now(connection)
    read = {team: await _team(github, team, f"team:{team}", began, lane) for team in sorted(teams)}
    return {team: None if known.value is None else frozenset(known.value) for team, known in read.items()}


async def _joined(
    store: Store, people: Collection[Account], places: Mapping[str, str]
) -> dict[int, tuple[tuple[str, datetime], ...]]:
    """By account: since when they have what they have."""
    async with store.transaction() as connection:
        known = await tenure.since(connection, [each.id for each in people], list(places))
    return {who: tuple((places[place], at) for place, at in found) for who, found in known.items()}


def _permission_key(repository: Repository, who: Account) -> str:
    return f"permission:{repository.id}:{who.id}"


async def _permission(
    github: InstallationClient, repository: Repository, who: Account, key: str, began: datetime, lane: Lane
) -> Known:
    """A user's permission, taken from the base role of a custom one; nobody who has the login now but another id."""
    path = route(
        "/repos/{owner}/{repo}/collaborators/{username}/permission",
        owner=repository.owner,
        repo=repository.name,
        username=who.login,
    )
    answer = await github.get_or_none(path, lane=lane)
    same = answer is not None and (answer.get("user") or {}).get("id") == who.id
    permission = _base_permission(answer) if answer is not None and same else "none"
    concerns = (f"repository:{repository.id}", f"account:{who.id}")
    return Known(key, concerns, permission, began)


def _base_permission(answer: Mapping[str, Any]) -> str:
    """``role_name`` tells triage and maintain apart where it is a role of GitHub's own; ``permission`` is its base."""
    role, base = str(answer.get("role_name") or ""), str(answer.get("permission") or "none")
    return role if role in _PERMISSIONS else base if base in _PERMISSIONS else "none"


async def _team(github: InstallationClient, team: str, key: str, began: datetime, lane: Lane) -> Known:
    """The account ids of a team's members, its child teams' included; None when the team cannot be seen."""
    organization, _, slug = team.partition("/")
    members: list[int] = []
    children: Sequence[Mapping[str, Any]] = ()
    after = None
    for _ in range(MOST_PAGES):
        variables = {"organization": organization, "slug": slug, "after": after}
        answer = await github.query(document("team"), variables, lane=lane)
        found = (answer.data.get("organization") or {}).get("team")
        if found is None:
            return Known(key, (f"team:{team}",), None, began)
        members += [node["databaseId"] for node in found["members"]["nodes"]]
        children = found["childTeams"]["nodes"]
        page = found["members"]["pageInfo"]
        after = page["endCursor"] if page["hasNextPage"] else None
        if after is None:
            break
    # Who leaves the organisation is in none of its teams any more, and no team says so.
    concerns = (
        f"team:{team}",
        *(f"team:{organization}/{child['slug']}" for child in children),
        *(f"account:{member}" for member in sorted(members)),
    )
    return Known(key, concerns, sorted(members), began)
