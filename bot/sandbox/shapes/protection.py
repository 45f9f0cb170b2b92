"""Rulesets and branch protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.accounts import node_id
from bot.sandbox.shapes.common import JSON, when

if TYPE_CHECKING:
    from bot.sandbox.protection import Protection, Ruleset


def rule(checks: tuple[str, ...]) -> JSON:
    """``repository-rule-required-status-checks``."""
    return {
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": False,
            "required_status_checks": [{"context": check} for check in checks],
        },
    }


def ruleset(one: Ruleset) -> JSON:
    """``repository-ruleset``."""
    repository = one.repository
    return {
        "id": one.id,
        "name": one.name,
        "target": "branch",
        "source_type": "Repository",
        "source": repository.full_name,
        "enforcement": one.enforcement,
        "conditions": {"ref_name": {"exclude": [], "include": ["~DEFAULT_BRANCH"]}},
        "rules": [rule(one.checks)] if one.checks else [],
        "node_id": node_id("RepositoryRuleset", one.id),
        "created_at": when(one.created_at),
        "updated_at": when(one.updated_at),
        "_links": {
            "self": {"href": f"{repository.world.api_url}/repos/{repository.full_name}/rulesets/{one.id}"},
            "html": {"href": f"{repository.url}/rules/{one.id}"},
        },
    }


def protection(one: Protection) -> JSON:
    """``webhooks_rule``."""
    everybody, nobody = "everyone", "off"
    return {
        "id": one.id,
        "repository_id": one.repository.id,
        "name": one.branch,
        "created_at": when(one.created_at),
        "updated_at": when(one.updated_at),
        "admin_enforced": False,
        "allow_deletions_enforcement_level": nobody,
        "allow_force_pushes_enforcement_level": nobody,
        "authorized_actor_names": [],
        "authorized_actors_only": False,
        "authorized_dismissal_actors_only": False,
        "create_protected": False,
        "dismiss_stale_reviews_on_push": False,
        "ignore_approvals_from_contributors": False,
        "linear_history_requirement_enforcement_level": nobody,
        "lock_branch_enforcement_level": nobody,
        "lock_allows_fork_sync": False,
        "merge_queue_enforcement_level": nobody,
        "pull_request_reviews_enforcement_level": nobody,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_approving_review_count": 0,
        "required_conversation_resolution_level": nobody,
        "required_deployments_enforcement_level": nobody,
        "required_status_checks": list(one.checks),
        "required_status_checks_enforcement_level": everybody if one.checks else nobody,
        "signature_requirement_enforcement_level": nobody,
        "strict_required_status_checks_policy": False,
    }
