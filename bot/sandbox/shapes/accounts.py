"""Users, organisations and teams."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.sandbox.accounts import Account, node_id
from bot.sandbox.shapes.common import JSON, when

if TYPE_CHECKING:
    from bot.sandbox.organisations import Organisation, Team
    from bot.sandbox.repositories import Repository
    from bot.sandbox.world import World


def user(world: World, account: Account) -> JSON:
    """``simple-user``. Everybody who asks gets the same object: it is not to be changed."""
    return _user(world.api_url, world.web_url, account.id, account.login, account.kind)


def public_user(world: World, account: Account) -> JSON:
    """``public-user``."""
    at = when(world.app.created_at)
    empty = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    known = {"blog": "", "user_view_type": "public", "created_at": at, "updated_at": at}
    return {**user(world, account), **empty, **counts, **known}


@lru_cache(maxsize=10_000)
def _user(api: str, web: str, number: int, login: str, kind: str) -> JSON:
    url = f"{api}/users/{quote(login)}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id(kind, number),
        "avatar_url": f"{web}/avatars/{number}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{web}/{quote(login)}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": kind,
        "site_admin": False,
    }


def organisation(whole: Organisation) -> JSON:
    """``organization-simple``."""
    url = f"{whole.world.api_url}/orgs/{whole.login}"
    return {
        "login": whole.login,
        "id": whole.id,
        "node_id": whole.account.node_id,
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{whole.world.web_url}/avatars/{whole.id}",
        "description": None,
    }


def team(one: Team) -> JSON:
    """``team``, with the team above it."""
    return {**_team(one), "parent": _team(one.parent) if one.parent is not None else None}


def _team(one: Team) -> JSON:
    world, organisation = one.organisation.world, one.organisation
    url = f"{world.api_url}/organizations/{organisation.id}/team/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("Team", one.id),
        "name": one.name,
        "slug": one.slug,
        "description": "",
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "type": "organization",
        "organization_id": organisation.id,
        "url": url,
        "html_url": f"{world.web_url}/orgs/{organisation.login}/teams/{one.slug}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
    }


def membership(organisation: Organisation, account: Account) -> JSON:
    """``webhooks_membership``: somebody's place in an organisation."""
    return {
        "url": f"{organisation.world.api_url}/orgs/{organisation.login}/memberships/{account.login}",
        "state": "active",
        "role": organisation.members.get(account, "member"),
        "organization_url": f"{organisation.world.api_url}/orgs/{organisation.login}",
        "user": user(organisation.world, account),
        "direct_membership": True,
        "enterprise_teams_providing_indirect_membership": [],
    }


def association(repository: Repository, account: Account) -> str:
    """``author_association``, as GitHub computes it without a viewer: private members look like strangers."""
    if account == repository.owner:
        return "OWNER"
    return "COLLABORATOR" if account in repository.access else "NONE"


def collaborator(repository: Repository, account: Account) -> JSON:
    """``repository-collaborator-permission``. GitHub's older field knows four levels."""
    role = repository.role(account)
    old = {"triage": "read", "maintain": "write"}.get(role, role)
    order = ("pull", "triage", "push", "maintain", "admin")
    level = ("none", "read", "triage", "write", "maintain", "admin").index(role)
    permissions = {name: place < level for place, name in enumerate(order)}
    return {
        "permission": old,
        "role_name": role,
        "user": {**user(repository.world, account), "permissions": permissions, "role_name": role},
    }


def team_full(one: Team, *, repositories: int) -> JSON:
    """``team-full``."""
    whole = one.organisation
    return {
        **team(one),
        "members_count": len(one.members),
        "repos_count": repositories,
        "created_at": when(whole.created_at),
        "updated_at": when(whole.created_at),
        "organization": {
            **organisation(whole),
            "html_url": f"{whole.world.web_url}/{whole.login}",
            "type": "Organization",
            "has_organization_projects": True,
            "has_repository_projects": True,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": when(whole.created_at),
            "updated_at": when(whole.created_at),
            "archived_at": None,
        },
    }
