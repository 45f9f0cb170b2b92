import ast
import json
import re
import runpy
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from graphql import FieldNode, Visitor, parse, visit

import bot
from bot.github import permissions
from bot.github.permissions import EVENTS, GRANTS, READ, WRITE
from bot.github.queries import document
from bot.ingest import translate
from bot.sandbox.rest import ROUTES as ROUTES_SIMULATED

ROOT = Path(bot.__file__).parent.parent
GRANTED = {grant.key: grant.level for grant in GRANTS}
READING, WRITING = "read", "write"

# https://docs.github.com/rest/authentication/permissions-required-for-github-apps
ROUTES: dict[str, dict[str, dict[str, str]]] = {
    "/repos/{}/{}/activity": {"GET": {"contents": READING}},
    "/repos/{}/{}/properties/values": {"GET": {"metadata": READING}},
    "/repos/{}/{}/check-runs": {"POST": {"checks": WRITING}},
    "/repos/{}/{}/check-runs/{}": {"PATCH": {"checks": WRITING}},
    "/repos/{}/{}/collaborators": {"GET": {"metadata": READING}},
    "/repos/{}/{}/collaborators/{}/permission": {"GET": {"metadata": READING}},
    "/repos/{}/{}/compare/{}": {"GET": {"contents": READING}},
    "/repos/{}/{}/issues/comments/{}": {"GET": {"issues": READING}},
    "/repos/{}/{}/pulls/{}/files": {"GET": {"pull_requests": READING}},
    "/users/{}": {"GET": {}},
    "/repos/{}/{}/commits/{}/check-runs": {"GET": {"checks": READING}},
    "/repos/{}/{}/issues/comments/{}/reactions": {"POST": {"issues": WRITING}},
    "/repos/{}/{}/issues/{}/comments": {
        "GET": {"issues": READING},
        # The manual says that either is enough; on a pull request GitHub was seen to demand the second.
        "POST": {"issues": WRITING, "pull_requests": WRITING},
    },
}
"""Everything that is asked as an installation, and the permission that it takes."""

# https://docs.github.com/webhooks/webhook-events-and-payloads
HEARD = {
    "branch_protection_configuration": {"administration": READING},
    "branch_protection_rule": {"administration": READING},
    # Buttons and Re-run are told only to those who can write.
    "check_run": {"checks": WRITING},
    "custom_property_values": {"organization_custom_properties": READING},
    "issue_comment": {"issues": READING},
    "member": {"members": READING},
    "membership": {"members": READING},
    "merge_group": {"merge_queues": READING},
    "organization": {"members": READING},
    "pull_request": {"pull_requests": READING},
    "pull_request_review": {"pull_requests": READING},
    "push": {"contents": READING},
    "repository": {"metadata": READING},
    "repository_ruleset": {"administration": READING},
    "status": {"statuses": READING},
    "team": {"members": READING},
    "team_add": {"members": READING},
}
"""Every event, and the permission that it takes to subscribe to it."""

AS_THE_APP = {
    "/app",
    "/app/hook/deliveries",
    "/app/hook/deliveries/{}",
    "/app/installations",
    "/app/installations/{}",
    "/app/installations/{}/access_tokens",
}
"""What is asked with the App's own token takes no permission."""

FIELDS = {
    "checks": ["app", "checkSuite", "contexts", "statusCheckRollup"],
    "contents": [
        "associatedPullRequests",
        "baseCommit",
        "commit",
        "file",
        "headCommit",
        "history",
        "mergeCommit",
        "object",
        "parents",
        "ref",
        "signature",
        "target",
    ],
    "members": ["childTeams", "members", "organization", "team"],
    "merge_queues": ["entries", "mergeQueue"],
    "metadata": [
        "author",
        "authors",
        "baseRef",
        "committer",
        "defaultBranchRef",
        "editor",
        "headRepository",
        "nodes",
        "owner",
        "pageInfo",
        "repositories",
        "repository",
        "repositoryOwner",
        "actor",
        "assignee",
        "enqueuer",
        "mergedBy",
        "signer",
        "user",
    ],
    "issues": ["node"],
    "pull_requests": ["commits", "files", "labels", "pullRequest", "pullRequests", "reviews", "timelineItems"],
    "statuses": ["creator"],
}
"""The fields of GraphQL that are objects, and the permission that it takes to see them."""


def sources() -> Iterator[ast.AST]:
    for path in (ROOT / "bot").rglob("*.py"):
        if "sandbox" not in path.parts:
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def texts() -> Iterator[str]:
    """Every text in the product; a part that is computed is {}."""
    for node in sources():
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def routes() -> set[str]:
    api = re.compile(r"/(repos|app|orgs|users|teams|repositories|installation)\b(.*[^/])?")
    found = {text for text in texts() if api.fullmatch(text)}
    return {re.sub(r"\{\w*\}", "{}", text.partition("?")[0]) for text in found}


def test_every_route_is_known_with_the_permission_that_it_takes() -> None:
    patched = "/repos/{}/{}/check-runs/{}"
    assert routes() | {patched} == set(ROUTES) | AS_THE_APP


def test_the_simulation_demands_the_same_permissions() -> None:
    simulated = {(each.method, re.sub(r"\{\w*\}", "{}", each.template)): each.needs for each in ROUTES_SIMULATED}
    for path, methods in ROUTES.items():
        for method, needed in methods.items():
            either = simulated[method, path]
            assert bool(either) == bool(needed), path
            assert not needed or set(either) & set(needed.items()), path


@pytest.mark.parametrize("path", ROUTES)
def test_the_tokens_are_enough_for_every_route(path: str) -> None:
    for method, needed in ROUTES[path].items():
        token = READ if method == "GET" else WRITE
        assert needed.items() <= token.items()


def fields(name: str) -> set[str]:
    """The fields of a query that are objects."""
    found: set[str] = set()

    class Objects(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            if node.selection_set:
                found.add(node.name.value)

    visit(parse(document(name)), Objects())
    return found


def queries() -> list[str]:
    names = [each.name for each in files("bot.github.queries").iterdir()]
    return sorted(name[:-8] for name in names if name.endswith(".graphql") and name != "fragments.graphql")


@pytest.mark.parametrize("name", queries())
def test_the_reading_token_is_enough_for_every_query(name: str) -> None:
    by_field = {field: key for key, listed in FIELDS.items() for field in listed}
    needed = {by_field[field] for field in fields(name)}
    assert needed <= READ.keys()


def test_nothing_more_is_granted_than_is_needed_or_explained() -> None:
    asked = [each for methods in ROUTES.values() for each in methods.values()]
    needed: dict[str, str] = dict.fromkeys(FIELDS, READING)
    for each in (*asked, *HEARD.values()):
        needed |= {key: max(level, needed.get(key, READING)) for key, level in each.items()}
    # A ruleset of the organisation can name only an App that can write statuses as the source of a check.
    assert needed | {"statuses": WRITING} == GRANTED
    assert needed["statuses"] == READING
    assert {field for listed in FIELDS.values() for field in listed} == set().union(*map(fields, queries()))


def test_every_event_is_known_with_the_permission_that_it_takes() -> None:
    assert HEARD.keys() == {each.event for each in EVENTS}
    assert all(GRANTED[key] in {level, WRITING} for needed in HEARD.values() for key, level in needed.items())


def test_no_token_has_more_than_was_granted() -> None:
    levels = {"read": 0, "write": 1}
    for token in (READ, WRITE):
        assert all(levels[level] <= levels[GRANTED[key]] for key, level in token.items())
    assert set(READ.values()) == {"read"}
    assert "contents" not in WRITE
    assert {"administration", "organization_custom_properties"}.isdisjoint(READ | WRITE)
    assert "statuses" not in WRITE


def test_what_could_change_code_or_rules_is_never_asked() -> None:
    assert {"workflows", "actions", "secrets", "organization_administration"}.isdisjoint(GRANTED)
    assert GRANTED["contents"] == GRANTED["administration"] == "read"


def test_every_grant_and_event_is_named_once_in_order_and_explained() -> None:
    for names in ([grant.key for grant in GRANTS], [each.event for each in EVENTS]):
        assert names == sorted(set(names))
    for why in [each.why for each in (*GRANTS, *EVENTS)]:
        assert why.endswith(".")


def test_what_is_subscribed_is_understood_and_what_is_understood_is_subscribed() -> None:
    always_sent = {"installation", "installation_repositories", "ping"}
    assert translate._READERS.keys() - always_sent == {each.event for each in EVENTS}


def test_the_manifest_and_the_documentation_are_up_to_date(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "docs").mkdir()
    permissions.write(tmp_path)
    for name in ("config/app-manifest.json", "docs/permissions.md"):
        assert (ROOT / name).read_text(encoding="utf-8") == (tmp_path / name).read_text(encoding="utf-8")


def test_the_manifest_asks_for_exactly_the_grants() -> None:
    manifest = json.loads((ROOT / "config" / "app-manifest.json").read_text(encoding="utf-8"))
    assert manifest["default_permissions"] == GRANTED
    assert manifest["default_events"] == [each.event for each in EVENTS]
    assert manifest["hook_attributes"]["url"].endswith("/webhook")
    assert manifest["public"] is False


@pytest.mark.parametrize("named", [True, False])
def test_the_command_writes_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["permissions", *([str(tmp_path)] if named else [])])
    runpy.run_path(permissions.__file__, run_name="__main__")
    assert (tmp_path / "docs" / "permissions.md").read_text(encoding="utf-8") == permissions.documentation()
    assert json.loads((tmp_path / "config" / "app-manifest.json").read_text(encoding="utf-8")) == permissions.manifest()
