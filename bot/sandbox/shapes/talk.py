"""Comments, reactions and reviews."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bot.sandbox.accounts import node_id
from bot.sandbox.shapes.accounts import association, user
from bot.sandbox.shapes.apps import app
from bot.sandbox.shapes.common import JSON, maybe, when
from bot.sandbox.shapes.pulls import label, simple

if TYPE_CHECKING:
    from bot.sandbox.pulls import PullRequest
    from bot.sandbox.repositories import Repository
    from bot.sandbox.talk import Comment, Reaction, Review

_REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def comment(one: Comment) -> JSON:
    """``issue-comment``."""
    repository = one.pull.repository
    world = repository.world
    api = f"{world.api_url}/repos/{repository.full_name}"
    url = f"{api}/issues/comments/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("IssueComment", one.id),
        "url": url,
        "html_url": one.url,
        "issue_url": f"{api}/issues/{one.pull.number}",
        "body": one.body,
        "user": user(world, one.author),
        "created_at": when(one.created_at),
        "updated_at": when(one.updated_at),
        "author_association": association(repository, one.author),
        "performed_via_github_app": app(world) if one.by_app else None,
        "reactions": _counts(f"{url}/reactions", Counter(each.content for each in one.reactions)),
    }


def _counts(url: str, counted: Counter[str]) -> JSON:
    return {"url": url, "total_count": counted.total(), **{name: counted[name] for name in _REACTIONS}}


def reaction(repository: Repository, one: Reaction) -> JSON:
    """``reaction``."""
    return {
        "id": one.id,
        "node_id": node_id("Reaction", one.id),
        "user": user(repository.world, one.account),
        "content": one.content,
        "created_at": when(one.created_at),
    }


def comment_event(one: Comment) -> JSON:
    """What ``issue_comment`` tells."""
    return {"issue": issue(one.pull), "comment": comment(one)}


def issue(pull: PullRequest) -> JSON:
    """``issue``: what a pull request is as well."""
    repository = pull.repository
    world = repository.world
    api = f"{world.api_url}/repos/{repository.full_name}"
    url, pulls = f"{api}/issues/{pull.number}", f"{api}/pulls/{pull.number}"
    return {
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "url": url,
        "repository_url": api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": pull.url,
        "number": pull.number,
        "title": pull.title,
        "user": user(world, pull.author),
        "labels": [label(repository, name) for name in pull.labels],
        "state": pull.state,
        "state_reason": None,
        "locked": False,
        "active_lock_reason": None,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(pull.comments),
        "created_at": when(pull.created_at),
        "updated_at": when(pull.updated_at),
        "closed_at": maybe(pull.closed_at),
        "author_association": association(repository, pull.author),
        "draft": pull.draft,
        "body": pull.body or None,
        "reactions": _counts(f"{url}/reactions", Counter()),
        "performed_via_github_app": None,
        "pull_request": {
            "url": pulls,
            "html_url": pull.url,
            "diff_url": f"{pull.url}.diff",
            "patch_url": f"{pull.url}.patch",
            "merged_at": maybe(pull.merged_at),
        },
    }


def review(one: Review, *, in_event: bool = False) -> JSON:
    """``pull-request-review``; events write the state in small letters."""
    pull = one.pull
    repository = pull.repository
    url = f"{repository.world.api_url}/repos/{repository.full_name}/pulls/{pull.number}"
    return {
        "id": one.id,
        "node_id": node_id("PullRequestReview", one.id),
        "user": user(repository.world, one.author),
        "body": one.body or (None if in_event else ""),
        "commit_id": one.commit_oid,
        "state": one.state.lower() if in_event else one.state,
        "submitted_at": when(one.submitted_at),
        "author_association": association(repository, one.author),
        "html_url": one.url,
        "pull_request_url": url,
        "_links": {"html": {"href": one.url}, "pull_request": {"href": url}},
    }


def review_event(one: Review) -> JSON:
    """What ``pull_request_review`` tells."""
    return {"review": review(one, in_event=True), "pull_request": simple(one.pull)}
