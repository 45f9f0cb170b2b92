"""Commits, pushes, and the groups of a merge queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox import git
from bot.sandbox.accounts import Account, node_id
from bot.sandbox.git import Commit, Identity
from bot.sandbox.shapes.accounts import user
from bot.sandbox.shapes.common import JSON, when
from bot.sandbox.shapes.repositories import pushed_repository

if TYPE_CHECKING:
    from bot.sandbox.branches import Activity
    from bot.sandbox.merge_queue import MergeGroup
    from bot.sandbox.repositories import Repository

MOST_COMMITS = 2048
"""In one ``push``."""

MOST_FILES = 300
"""In one comparison."""

_CHANGED = {"ADDED": "added", "DELETED": "removed", "MODIFIED": "modified", "RENAMED": "renamed"}


def push(
    repository: Repository, branch: str, before: str, tip: Commit | None, by: Account | None, *, forced: bool
) -> JSON:
    """What ``push`` tells. ``tip`` is None for a branch that was deleted, ``by`` for a deploy key."""
    after = tip.oid if tip is not None else git.NOTHING
    created = before == git.NOTHING
    commits: list[JSON]
    if tip is None:
        commits = []
    elif created:
        base = repository.branches.get(repository.default_branch, after)
        commits = _between(repository, base, after) if base != after else [pushed(repository, tip)]
    else:
        commits = _between(repository, before, after)
    return {
        "ref": f"refs/heads/{branch}",
        **_moved(repository, before, after, by, forced=forced),
        "base_ref": None,
        "commits": commits,
        "head_commit": pushed(repository, tip) if tip is not None else None,
    }


def tag_push(repository: Repository, name: str, before: str, after: str, by: Account) -> JSON:
    """What ``push`` tells of a tag: nothing of what is new, and which branch has the same tip."""
    oid = repository.tag_objects.get(after, after)
    return {
        "ref": f"refs/tags/{name}",
        **_moved(repository, before, after, by, forced=before != git.NOTHING),
        "base_ref": next((f"refs/heads/{branch}" for branch, tip in repository.branches.items() if tip == oid), None),
        "commits": [],
        "head_commit": pushed(repository, repository.history.commits[oid]),
    }


def _moved(repository: Repository, before: str, after: str, by: Account | None, *, forced: bool) -> JSON:
    created = before == git.NOTHING
    compared = after[:12] if created else f"{before[:12]}...{after[:12]}"
    return {
        "before": before,
        "after": after,
        # A push names its repository in a form of its own.
        "repository": pushed_repository(repository),
        "pusher": {"name": by.login, "email": by.email} if by is not None else {"name": "deploy_key"},
        "created": created,
        "deleted": after == git.NOTHING,
        "forced": forced,
        "compare": f"{repository.url}/compare/{compared}",
    }


def _between(repository: Repository, before: str, after: str) -> list[JSON]:
    new = repository.history.divergence(before, after).only_head[:MOST_COMMITS]
    return [pushed(repository, repository.history.commits[oid]) for oid in reversed(new)]


def pushed(repository: Repository, commit: Commit) -> JSON:
    """A commit of a ``push``."""
    lists: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    for change in repository.history.changes(commit.parents[0] if commit.parents else None, commit.oid):
        if change.previous:
            lists["removed"].append(change.previous)
        lists["added" if change.previous else _CHANGED[change.kind]].append(change.path)
    return {
        **simple(commit),
        "distinct": True,
        "url": f"{repository.url}/commit/{commit.oid}",
        "author": _pusher(commit.author),
        "committer": _pusher(commit.committer),
        **lists,
    }


def simple(commit: Commit) -> JSON:
    """``simple-commit``."""
    return {
        "id": commit.oid,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": when(commit.at),
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
    }


def _pusher(who: Identity) -> JSON:
    known = {"username": who.account.login} if who.account is not None else {}
    return {"name": who.name, "email": who.email, **known}


def merge_group(group: MergeGroup) -> JSON:
    """``merge-group``."""
    return {
        "head_sha": group.head_sha,
        "head_ref": group.head_ref,
        "base_sha": group.base_sha,
        "base_ref": group.base_ref,
        "head_commit": simple(group.queue.repository.history.commits[group.head_sha]),
    }


def whole(repository: Repository, commit: Commit) -> JSON:
    """``commit``."""
    api = f"{repository.world.api_url}/repos/{repository.full_name}"
    url = f"{api}/commits/{commit.oid}"
    return {
        "sha": commit.oid,
        "node_id": node_id("Commit", int(commit.oid[:15], 16)),
        "url": url,
        "html_url": f"{repository.url}/commit/{commit.oid}",
        "comments_url": f"{url}/comments",
        "commit": {
            "url": f"{api}/git/commits/{commit.oid}",
            "author": _dated(commit.author, commit),
            "committer": _dated(commit.committer, commit),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{api}/git/trees/{commit.tree}"},
            "comment_count": 0,
            "verification": _verification(commit),
        },
        "author": _linked(repository, commit.author),
        "committer": _linked(repository, commit.committer),
        "parents": [
            {"sha": oid, "url": f"{api}/commits/{oid}", "html_url": f"{repository.url}/commit/{oid}"}
            for oid in commit.parents
        ],
    }


def comparison(repository: Repository, base: Commit, head: Commit, apart: git.Divergence) -> JSON:
    """``commit-comparison``, without the commits of ``head``; they have a common ancestor."""
    history = repository.history
    assert apart.merge_base is not None
    parted = history.commits[apart.merge_base]
    sides = (bool(apart.only_base), bool(apart.only_head))
    status = {(False, False): "identical", (False, True): "ahead", (True, False): "behind"}.get(sides, "diverged")
    changed = history.changes(parted.oid, head.oid)[:MOST_FILES]
    between = f"{base.oid}...{head.oid}"
    url = f"{repository.world.api_url}/repos/{repository.full_name}/compare/{between}"
    html = f"{repository.url}/compare/{between}"
    return {
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": whole(repository, base),
        "merge_base_commit": whole(repository, parted),
        "status": status,
        "ahead_by": len(apart.only_head),
        "behind_by": len(apart.only_base),
        "total_commits": len(apart.only_head),
        "files": [changed_file(repository, parted, head, change) for change in changed],
    }


def changed_file(repository: Repository, before: Commit | None, after: Commit, change: git.Change) -> JSON:
    """``diff-entry``: a file that differs between two commits; what was only renamed has no lines to be shown.

    One of which only the mode differs has no id either: https://github.com/github/rest-api-description/issues/4652
    """
    was = before.files.get(change.previous or change.path) if before is not None else None
    now = after.files.get(change.path)
    api = f"{repository.world.api_url}/repos/{repository.full_name}"
    return {
        "sha": git.blob_id(now if now is not None else was or "") if was != now or change.previous else None,
        "filename": change.path,
        "status": _CHANGED[change.kind],
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": f"{repository.url}/blob/{after.oid}/{change.path}",
        "raw_url": f"{repository.url}/raw/{after.oid}/{change.path}",
        "contents_url": f"{api}/contents/{change.path}?ref={after.oid}",
        **({"patch": git.patch(change.path, was, now)} if was != now else {}),
        **({"previous_filename": change.previous} if change.previous else {}),
    }


def _dated(who: Identity, commit: Commit) -> JSON:
    return {"name": who.name, "email": who.email, "date": when(commit.at)}


def _linked(repository: Repository, who: Identity) -> JSON | None:
    return user(repository.world, who.account) if who.account is not None else None


def _verification(commit: Commit) -> JSON:
    return {
        "verified": commit.by_github,
        "reason": "valid" if commit.by_github else "unsigned",
        "signature": "-----BEGIN PGP SIGNATURE-----" if commit.by_github else None,
        "payload": f"tree {commit.tree}" if commit.by_github else None,
        "verified_at": when(commit.at) if commit.by_github else None,
    }


def activity(repository: Repository, one: Activity) -> JSON:
    """``activity``."""
    return {
        "id": one.id,
        "node_id": node_id("Push", one.id),
        "before": one.before,
        "after": one.after,
        "ref": one.ref,
        "timestamp": when(one.at),
        "activity_type": one.kind,
        "actor": user(repository.world, one.actor) if one.actor is not None else None,
    }
