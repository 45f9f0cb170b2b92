"""Repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.sandbox.accounts import node_id
from bot.sandbox.shapes.accounts import user
from bot.sandbox.shapes.common import JSON, when

if TYPE_CHECKING:
    from bot.sandbox.repositories import Repository

_PLAIN = (
    "contributors", "deployments", "downloads", "events", "forks", "hooks", "languages", "merges", "stargazers",
    "subscribers", "subscription", "tags", "teams",
)  # fmt: skip
_TEMPLATED = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "statuses": "statuses/{sha}",
    "trees": "git/trees{/sha}",
}
_FEATURES = {
    "has_issues": True, "has_projects": True, "has_wiki": False, "has_pages": False, "has_downloads": False,
    "has_discussions": False, "is_template": False, "allow_forking": True, "web_commit_signoff_required": False,
}  # fmt: skip
_MERGING = {
    "allow_squash_merge": True, "allow_merge_commit": True, "allow_rebase_merge": True, "allow_auto_merge": False,
    "delete_branch_on_merge": False, "allow_update_branch": True, "use_squash_pr_title_as_default": False,
    "squash_merge_commit_message": "COMMIT_MESSAGES", "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "merge_commit_message": "PR_TITLE", "merge_commit_title": "MERGE_MESSAGE",
}  # fmt: skip
_COUNTS = {"forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 1}


def repository(one: Repository) -> JSON:
    """``repository-webhooks``, which is also what lists have."""
    world = one.world
    api = f"{world.api_url}/repos/{one.full_name}"
    html = one.url
    pushed = when(one.pushed_at or one.created_at)
    issues = sum(pull.state == "open" for pull in one.pulls.values())
    whole = {
        **minimal(one),
        "owner": user(world, one.owner),
        "html_url": html,
        "description": None,
        "fork": one.parent is not None,
        "url": api,
        **{f"{name}_url": f"{api}/{name}" for name in _PLAIN},
        **{f"{name}_url": f"{api}/{rest}" for name, rest in _TEMPLATED.items()},
        "created_at": when(one.created_at),
        "updated_at": pushed,
        "pushed_at": pushed,
        "git_url": f"git:{html.partition(':')[2]}.git",
        "ssh_url": f"git@{html.partition('//')[2].replace('/', ':', 1)}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "homepage": None,
        "language": None,
        "license": None,
        "mirror_url": None,
        "archived": one.archived,
        "disabled": False,
        "topics": [],
        "visibility": "private" if one.private else "public",
        "default_branch": one.default_branch,
        "open_issues": issues,
        "open_issues_count": issues,
        **_FEATURES,
        **_COUNTS,
    }
    if one.organisation is not None:
        whole["permissions"] = {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True}
    return whole


def pushed_repository(one: Repository) -> JSON:
    """The repository of a ``push``, which has its times as numbers and its owner with an address."""
    whole = repository(one)
    owner = {**whole["owner"], "name": one.owner.login, "email": None}
    extra: JSON = {"organization": one.owner.login} if one.organisation is not None else {}
    return {
        **whole,
        **extra,
        "owner": owner,
        "created_at": int(one.created_at.timestamp()),
        "pushed_at": int((one.pushed_at or one.created_at).timestamp()),
        "stargazers": 0,
        "master_branch": one.default_branch,
    }


def minimal(one: Repository) -> JSON:
    """The five fields of a repository in an installation's list."""
    return {
        "id": one.id,
        "node_id": node_id("Repository", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
    }


def full(one: Repository) -> JSON:
    """``full-repository``: how it merges, what it belongs to, and what only a repository by itself tells."""
    belongs: JSON = {"organization": user(one.world, one.owner)} if one.organisation is not None else {}
    return {
        **repository(one),
        **_MERGING,
        **belongs,
        "custom_properties": {name: one.properties[name] for name in sorted(one.properties)},
        "network_count": 0,
        "subscribers_count": 0,
    }


def property_values(values: Mapping[str, str | list[str] | None]) -> list[JSON]:
    """``custom-property-value``, for each property."""
    return [{"property_name": name, "value": values[name]} for name in sorted(values)]
