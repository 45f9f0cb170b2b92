"""The App and its installations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.sandbox.accounts import node_id
from bot.sandbox.shapes.accounts import user
from bot.sandbox.shapes.common import JSON, maybe, when
from bot.sandbox.shapes.repositories import minimal

if TYPE_CHECKING:
    from bot.sandbox.organisations import Installation
    from bot.sandbox.repositories import Repository
    from bot.sandbox.world import App, World


def app(world: World, other: App | None = None) -> JSON:
    """``integration``: the App itself, or another one."""
    one = other or world.app
    at = when(one.created_at)
    return {
        "id": one.id,
        "client_id": one.client_id,
        "slug": one.slug,
        "node_id": node_id("App", one.id),
        "owner": user(world, one.owner),
        "name": one.slug.title(),
        "description": None,
        "external_url": f"{world.web_url}/apps/{one.slug}",
        "html_url": f"{world.web_url}/apps/{one.slug}",
        "created_at": at,
        "updated_at": at,
        "permissions": dict(one.permissions),
        "events": list(one.events),
    }


def installation(one: Installation) -> JSON:
    """``installation``."""
    world = one.organisation.world
    at = when(one.created_at)
    url = f"{world.api_url}/app/installations/{one.id}"
    return {
        "id": one.id,
        "client_id": world.app.client_id,
        "account": user(world, one.organisation.account),
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{world.api_url}/installation/repositories",
        "html_url": f"{world.web_url}/organizations/{one.organisation.login}/settings/installations/{one.id}",
        "app_id": world.app.id,
        "app_slug": world.app.slug,
        "target_id": one.organisation.id,
        "target_type": "Organization",
        "permissions": dict(one.permissions),
        "events": list(one.events),
        "created_at": at,
        "updated_at": at,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_at": maybe(one.suspended_at),
        "suspended_by": user(world, one.organisation.account) if one.suspended_at is not None else None,
        "repository_selection": "all",
    }


def installation_event(one: Installation, action: str) -> JSON:
    """What ``installation`` tells beside the sender."""
    listed: JSON = {"repositories": [minimal(each) for each in one.repositories]} if action == "created" else {}
    return {"installation": installation(one), "requester": None, **listed}


def repositories_added(one: Installation, added: Iterable[Repository]) -> JSON:
    """What ``installation_repositories`` tells."""
    return {
        "installation": installation(one),
        "repository_selection": "all",
        "repositories_added": [minimal(each) for each in added],
        "repositories_removed": [],
        "requester": None,
    }
