"""Check runs, check suites and statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.accounts import node_id
from bot.sandbox.shapes import commits
from bot.sandbox.shapes.accounts import user
from bot.sandbox.shapes.apps import app
from bot.sandbox.shapes.common import JSON, maybe, when
from bot.sandbox.shapes.pulls import minimal

if TYPE_CHECKING:
    from bot.sandbox.checks import CheckRun, CheckSuite, Status
    from bot.sandbox.repositories import Repository


def check_run(run: CheckRun, *, in_event: bool = True) -> JSON:
    """``check-run``, and the form that events have, which tells more of the suite."""
    repository = run.repository
    api = f"{repository.world.api_url}/repos/{repository.full_name}"
    url = f"{api}/check-runs/{run.id}"
    html = f"{repository.url}/runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CheckRun", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": html,
        "details_url": run.details_url or html,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": maybe(run.started_at),
        "completed_at": maybe(run.completed_at),
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": _suite(run.suite) if in_event else {"id": run.suite.id},
        "app": app(repository.world, run.suite.app),
        "pull_requests": [minimal(pull) for pull in run.pulls],
    }


def _suite(suite: CheckSuite) -> JSON:
    repository = suite.repository
    done = all(run.status == "completed" for run in suite.runs)
    conclusion = suite.runs[-1].conclusion if suite.runs and done else None
    return {
        "id": suite.id,
        "node_id": node_id("CheckSuite", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": "completed" if conclusion else "queued",
        "conclusion": conclusion,
        "url": f"{repository.world.api_url}/repos/{repository.full_name}/check-suites/{suite.id}",
        "before": None,
        "after": suite.head_sha,
        "pull_requests": [],
        "app": app(repository.world, suite.app),
        "created_at": when(suite.created_at),
        "updated_at": when(suite.created_at),
    }


def check_suite(suite: CheckSuite) -> JSON:
    """The suite of a ``check_suite`` event."""
    history = suite.repository.history
    whole = _suite(suite)
    return {
        **whole,
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": len(suite.runs),
        "check_runs_url": f"{whole['url']}/check-runs",
        "head_commit": commits.simple(history.commits[suite.head_sha]),
    }


def annotation(repository: Repository, sha: str, given: dict[str, Any]) -> JSON:
    """``check-annotation``."""
    return {
        "path": given["path"],
        "start_line": given["start_line"],
        "end_line": given["end_line"],
        "start_column": given.get("start_column"),
        "end_column": given.get("end_column"),
        "annotation_level": given["annotation_level"],
        "title": given.get("title"),
        "message": given["message"],
        "raw_details": given.get("raw_details"),
        "blob_href": f"{repository.url}/blob/{sha}/{given['path']}",
    }


def status(repository: Repository, one: Status) -> JSON:
    """``status``."""
    return {**simple_status(repository, one), "creator": user(repository.world, one.creator)}


def simple_status(repository: Repository, one: Status) -> JSON:
    """``simple-commit-status``."""
    world = repository.world
    return {
        "url": f"{world.api_url}/repos/{repository.full_name}/statuses/{one.sha}",
        "avatar_url": f"{world.web_url}/avatars/{one.creator.id}",
        "id": one.id,
        "node_id": node_id("StatusContext", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": when(one.created_at),
        "updated_at": when(one.created_at),
    }


def status_event(repository: Repository, one: Status) -> JSON:
    """What ``status`` tells."""
    commit = repository.history.commits[one.sha]
    api = f"{repository.world.api_url}/repos/{repository.full_name}"
    return {
        "id": one.id,
        "sha": one.sha,
        "name": repository.full_name,
        "avatar_url": f"{repository.world.web_url}/avatars/{one.creator.id}",
        "target_url": one.target_url,
        "context": one.context,
        "description": one.description,
        "state": one.state,
        "commit": commits.whole(repository, commit),
        "branches": [
            {"name": name, "commit": {"sha": tip, "url": f"{api}/commits/{tip}"}, "protected": False}
            for name, tip in repository.branches.items()
            if tip == one.sha
        ],
        "created_at": when(one.created_at),
        "updated_at": when(one.created_at),
    }
