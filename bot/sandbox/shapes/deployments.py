"""Deployments that wait for the App's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.accounts import node_id
from bot.sandbox.shapes.accounts import user
from bot.sandbox.shapes.apps import app
from bot.sandbox.shapes.common import JSON, when

if TYPE_CHECKING:
    from bot.sandbox.deployments import WorkflowRun


def protection_rule(run: WorkflowRun) -> JSON:
    """What ``deployment_protection_rule`` tells."""
    return {
        "environment": run.environment.name,
        "event": "push",
        "sha": run.sha,
        "ref": run.ref,
        "deployment_callback_url": run.callback_url,
        "deployment": deployment(run),
        "pull_requests": [],
    }


def deployment(run: WorkflowRun) -> JSON:
    """``deployment``."""
    repository = run.repository
    api = f"{repository.world.api_url}/repos/{repository.full_name}"
    url = f"{api}/deployments/{run.deployment_id}"
    return {
        "url": url,
        "id": run.deployment_id,
        "node_id": node_id("Deployment", run.deployment_id),
        "task": "deploy",
        "original_environment": run.environment.name,
        "environment": run.environment.name,
        "description": None,
        "created_at": when(run.created_at),
        "updated_at": when(run.created_at),
        "statuses_url": f"{url}/statuses",
        "repository_url": api,
        "creator": user(repository.world, run.actor),
        "sha": run.sha,
        "ref": run.ref.removeprefix("refs/heads/"),
        "payload": {},
        "transient_environment": False,
        "production_environment": True,
        "performed_via_github_app": app(repository.world),
    }
