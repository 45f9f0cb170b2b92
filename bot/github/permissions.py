"""What Countersign asks of an organisation, and why: the one list behind the manifest, the documentation and `doctor`.

Permission keys are those of GitHub's REST API (`app-permissions`), which differ from the words of the web pages.
Nothing is asked before a part of the product uses it.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission at a level (``read`` or ``write``), and the sentence that justifies it."""

    key: str
    level: str
    why: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """A webhook event, and what is lost without it."""

    event: str
    why: str


GRANTS = (
    Grant(
        "administration",
        "read",
        "Hears when rulesets and branch protection are changed: a required check that is switched off, and on again, "
        "does not go unnoticed. Nothing is ever read with it.",
    ),
    Grant(
        "checks",
        "write",
        "Posts the check run `change-control`, and hears its buttons and Re-run; reads what other Apps report about a "
        "commit, for the change record.",
    ),
    Grant("contents", "read", "Reads commits, their authors and signatures, and the policy files; hears pushes."),
    Grant("issues", "write", "Hears commands in comments, acknowledges them with reactions, answers with a comment."),
    Grant("members", "read", "Knows who is in the teams that the policy names, and hears when that changes."),
    Grant(
        "merge_queues",
        "read",
        "Hears when the merge queue asks for a check of a group. Not on GitHub Enterprise Server.",
    ),
    Grant("metadata", "read", "Reads repositories and people's permissions in them; GitHub demands it of every App."),
    Grant(
        "organization_custom_properties",
        "read",
        "Hears when a repository's custom properties change, by which the policy's inventory may know it. Nothing is "
        "ever read with it.",
    ),
    Grant("pull_requests", "write", "Reads pull requests and reviews; comments and reacts on pull requests."),
    Grant(
        "statuses",
        "write",
        "Lets rulesets of the organisation name Countersign as the expected source of the required check, reads the "
        "statuses of a commit for the change record, and hears those that go by the check's name; none is ever posted.",
    ),
)

EVENTS = (
    Subscription("branch_protection_configuration", "Branch protection was switched off."),
    Subscription("branch_protection_rule", "A rule of branch protection was taken away or changed."),
    Subscription("check_run", "Buttons and Re-run on the check."),
    Subscription("custom_property_values", "A repository's custom properties changed, and so perhaps its application."),
    Subscription("issue_comment", "Commands."),
    Subscription("member", "A collaborator's permission changed."),
    Subscription("membership", "Somebody joined or left a team."),
    Subscription("merge_group", "The merge queue asks for a check of a group. Not on GitHub Enterprise Server."),
    Subscription("organization", "Somebody joined or left the organisation."),
    Subscription("pull_request", "A pull request was opened, pushed to, retargeted, closed."),
    Subscription("pull_request_review", "An approval was given, edited or dismissed."),
    Subscription("push", "Who pushed which commit; a policy file changed; what landed on a branch; a tag was moved."),
    Subscription("repository", "A repository was renamed, transferred or archived."),
    Subscription("repository_ruleset", "A ruleset was taken away or changed."),
    Subscription("status", "Somebody set a status that goes by the name of the check."),
    Subscription("team", "A team was changed, or given a repository."),
    Subscription("team_add", "A repository was given to a team."),
)

_ONLY_HEARD = {"administration", "organization_custom_properties"}
"""What is asked for the sake of webhooks, and of no token."""

READ = {grant.key: "read" for grant in GRANTS if grant.key not in _ONLY_HEARD}
"""What the token may do that facts are read with."""

WRITE = {"checks": "write", "issues": "write", "pull_requests": "write", "metadata": "read"}
"""What the token may do that results are published with."""


def manifest() -> dict[str, Any]:
    """The App's manifest for GitHub's registration page; addresses are to be replaced by the installation's own."""
    return {
        "name": "countersign",
        "url": "https://countersign.example.com",
        "hook_attributes": {"url": "https://countersign.example.com/webhook", "active": True},
        "redirect_url": "https://countersign.example.com/setup",
        "public": False,
        "default_permissions": {grant.key: grant.level for grant in GRANTS},
        "default_events": [each.event for each in EVENTS],
    }


def documentation() -> str:
    """The page that explains every permission and event."""
    lines = [
        "# What Countersign may do on GitHub",
        "",
        "Generated from `bot/github/permissions.py` by `python -m bot.github.permissions`.",
        "`config/app-manifest.json` asks for exactly this. Nothing here administers the organisation or its",
        "repositories, and nothing can change code.",
        "",
        "| permission | level | why |",
        "|---|---|---|",
        *[f"| `{grant.key}` | {grant.level} | {grant.why} |" for grant in GRANTS],
        "",
        "Facts are read with a token that is narrowed to reading; only the token that publishes results can write, and",
        "only checks and comments.",
        "",
        "| event | why |",
        "|---|---|",
        *[f"| `{each.event}` | {each.why} |" for each in EVENTS],
        "",
        "`installation` and `installation_repositories` are always sent by GitHub.",
        "",
    ]
    return "\n".join(lines)


def write(root: Path) -> None:
    """Write the manifest and the documentation below ``root``."""
    text = json.dumps(manifest(), indent=2) + "\n"
    (root / "config" / "app-manifest.json").write_text(text, encoding="utf-8")
    (root / "docs" / "permissions.md").write_text(documentation(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
