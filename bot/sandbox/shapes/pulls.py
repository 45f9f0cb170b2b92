"""Pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.accounts import node_id
from bot.sandbox.git import Change
from bot.sandbox.shapes import commits
from bot.sandbox.shapes.accounts import association, user
from bot.sandbox.shapes.common import JSON, maybe, when
from bot.sandbox.shapes.repositories import repository as repository_shape

if TYPE_CHECKING:
    from bot.sandbox.pulls import PullRequest
    from bot.sandbox.repositories import Repository


def pull_request(pull: PullRequest) -> JSON:
    """``pull-request`` and ``pull-request-webhook``."""
    mergeable = pull.mergeable if pull.state == "open" else None
    return {
        **simple(pull),
        "merged": pull.merged,
        "mergeable": mergeable,
        "rebaseable": mergeable,
        "mergeable_state": _state(pull, mergeable),
        "merged_by": user(pull.repository.world, pull.merged_by) if pull.merged_by is not None else None,
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(pull.commits),
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changed_files": len(pull.files),
    }


def simple(pull: PullRequest) -> JSON:
    """``pull-request-simple``, as lists and reviews have it: without anything that would have to be counted."""
    repository = pull.repository
    world = repository.world
    api = f"{world.api_url}/repos/{repository.full_name}"
    url, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
    links = {
        "self": url,
        "html": pull.url,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }
    here = repository_shape(repository)
    home = here if pull.head_repository is repository else repository_shape(pull.head_repository)
    return {
        "url": url,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": pull.url,
        "diff_url": f"{pull.url}.diff",
        "patch_url": f"{pull.url}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "title": pull.title,
        "user": user(world, pull.author),
        "body": pull.body or None,
        "labels": [label(repository, name) for name in pull.labels],
        "milestone": None,
        "created_at": when(pull.created_at),
        "updated_at": when(pull.updated_at),
        "closed_at": maybe(pull.closed_at),
        "merged_at": maybe(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "assignee": user(world, pull.assignees[0]) if pull.assignees else None,
        "assignees": [user(world, each) for each in pull.assignees],
        "requested_reviewers": [user(world, each) for each in pull.requested],
        "requested_teams": [],
        "head": _end(pull.head_repository, pull.head_ref, pull.head_sha, home),
        "base": _end(repository, pull.base_ref, pull.base_sha, here),
        "_links": {name: {"href": target} for name, target in links.items()},
        "author_association": association(repository, pull.author),
        "auto_merge": None,
        "draft": pull.draft,
    }


def _state(pull: PullRequest, mergeable: bool | None) -> str:
    if mergeable is None:
        return "unknown"
    if not mergeable:
        return "dirty"
    waits = any(not pull.repository.passed(name, pull.head_sha) for name in pull.repository.required)
    return "draft" if pull.draft else "blocked" if waits else "clean"


def _end(repository: Repository, ref: str, sha: str, written: JSON) -> JSON:
    return {
        "label": f"{repository.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(repository.world, repository.owner),
        "repo": written,
    }


def label(repository: Repository, name: str) -> JSON:
    """``label``."""
    known = repository.label_ids
    if name not in known:
        known[name] = repository.world.numbers.next("Label")
    return {
        "id": known[name],
        "node_id": node_id("Label", known[name]),
        "url": f"{repository.world.api_url}/repos/{repository.full_name}/labels/{name}",
        "name": name,
        "color": "ededed",
        "default": False,
        "description": "",
        "archived_at": None,
        "archived_by": None,
    }


def minimal(pull: PullRequest) -> JSON:
    """``pull-request-minimal``, as a check run names its pull requests."""
    return {
        "url": f"{pull.repository.world.api_url}/repos/{pull.repository.full_name}/pulls/{pull.number}",
        "id": pull.id,
        "number": pull.number,
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": _repository(pull.head_repository)},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": _repository(pull.repository)},
    }


def _repository(one: Repository) -> JSON:
    return {"id": one.id, "url": f"{one.world.api_url}/repos/{one.full_name}", "name": one.name}


def changed_file(pull: PullRequest, change: Change) -> JSON:
    """``diff-entry``."""
    repository = pull.repository
    history = repository.history
    apart = history.divergence(pull.base_sha, pull.head_sha).merge_base
    before = history.commits[apart] if apart is not None else None
    return commits.changed_file(repository, before, history.commits[pull.head_sha], change)
