"""Check runs and commit statuses.

https://docs.github.com/rest/checks/runs
"""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.checks import CheckRun
from bot.sandbox.git import Commit
from bot.sandbox.repositories import Repository
from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import Refused, not_found
from bot.sandbox.shapes import checks as shapes
from bot.sandbox.shapes.repositories import repository as repository_shape

_FIELDS = frozenset(
    {"name", "details_url", "external_id", "status", "started_at", "conclusion", "completed_at", "output", "actions"}
)


@route("POST", "/repos/{owner}/{repo}/check-runs", "checks:write")
def create(call: Call) -> Answer:
    """Create a check run; only Apps can."""
    name, head = call.body.get("name"), call.body.get("head_sha")
    if not isinstance(name, str) or not name or not isinstance(head, str):
        raise Refused('Invalid request.\n\n"name", "head_sha" weren\'t supplied.')
    run = call.repository.create_check_run(name, head, _fields(call.body), by=call.world.app.account)
    return Answer(201, shapes.check_run(run, in_event=False))


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:write")
def update(call: Call) -> Answer:
    """Change a check run."""
    run = _own_run(call)
    run.update(_fields(call.body), by=call.world.app.account)
    return Answer(200, shapes.check_run(run, in_event=False))


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", "checks:read")
def show(call: Call) -> Answer:
    """A check run."""
    return Answer(200, shapes.check_run(_run(call), in_event=False))


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", "checks:read")
def annotations(call: Call) -> Answer:
    """The annotations of a check run."""
    run = _run(call)
    return call.paged(run.annotations, lambda each: shapes.annotation(run.repository, run.head_sha, each))


@route("POST", "/repos/{owner}/{repo}/check-runs/{check_run_id}/rerequest", "checks:write")
def rerequest(call: Call) -> Answer:
    """Have it run again."""
    _own_run(call).rerequest(by=call.world.app.account)
    return Answer(201, {})


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", "checks:read")
def listed(call: Call) -> Answer:
    """The check runs on a commit, of every App: the latest of each name, or all; the newest first."""
    repository = call.repository
    oid = commit(repository, call.params["ref"]).oid
    here = [run for run in (*repository.check_runs, *repository.foreign_runs) if run.head_sha == oid]
    runs = sorted(here, key=lambda run: run.id, reverse=True)
    if name := call.query.get("check_name"):
        runs = [run for run in runs if run.name == name]
    if status := call.query.get("status"):
        runs = [run for run in runs if run.status == status]
    if app_id := call.query.get("app_id"):
        runs = [run for run in runs if str(run.suite.app.id) == app_id]
    if call.query.get("filter", "latest") == "latest":
        newest: dict[tuple[str, int], CheckRun] = {}
        for run in runs:
            newest.setdefault((run.name, run.suite.app.id), run)
        runs = list(newest.values())
    return call.paged(runs, lambda run: shapes.check_run(run, in_event=False), key="check_runs")


@route("POST", "/repos/{owner}/{repo}/statuses/{sha}", "statuses:write")
def set_status(call: Call) -> Answer:
    """Put a commit status."""
    repository = call.repository
    status = repository.set_status(call.params["sha"], call.body, by=call.world.app.account)
    return Answer(201, shapes.status(repository, status))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/statuses", "statuses:read")
def statuses(call: Call) -> Answer:
    """Every status of a commit, the newest first."""
    repository = call.repository
    found = repository.statuses.get(commit(repository, call.params["ref"]).oid, [])
    return call.paged(found[::-1], lambda each: shapes.status(repository, each))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/status", "statuses:read")
def combined(call: Call) -> Answer:
    """The latest status of each context, and what they come to."""
    repository = call.repository
    oid = commit(repository, call.params["ref"]).oid
    latest = {each.context.lower(): each for each in repository.statuses.get(oid, [])}
    states = {each.state for each in latest.values()}
    worst = next((state for state in ("error", "failure", "pending") if state in states), None)
    url = f"{call.world.api_url}/repos/{repository.full_name}/commits/{oid}"
    body = {
        "state": {"error": "failure", None: "success" if states else "pending"}.get(worst, worst),
        "statuses": [shapes.simple_status(repository, each) for each in latest.values()],
        "sha": oid,
        "total_count": len(latest),
        "repository": repository_shape(repository),
        "commit_url": url,
        "url": f"{url}/status",
    }
    return Answer(200, body)


def commit(repository: Repository, ref: str) -> Commit:
    """The commit that a branch, a tag, a full ref or an id names.

    Raises:
        Refused: it names none.

    """
    name = ref.removeprefix("refs/")
    branch, tag = name.removeprefix("heads/"), name.removeprefix("tags/")
    oid = repository.branches.get(branch) or repository.tags.get(tag, ref)
    found = repository.history.commits.get(repository.tag_objects.get(oid, oid))
    if found is None:
        raise Refused(f"No commit found for SHA: {ref}")
    return found


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(body) - _FIELDS - {"head_sha"}
    if unknown:
        # GitHub ignores them; whoever sends them believes that they do something.
        raise Refused(f"Invalid request.\n\n{', '.join(sorted(unknown))} are not permitted keys.")
    return {key: value for key, value in body.items() if key in _FIELDS}


def _run(call: Call) -> CheckRun:
    run = call.world.check_runs.get(call.number("check_run_id"))
    if run is None or run.repository is not call.repository:
        raise not_found()
    return run


def _own_run(call: Call) -> CheckRun:
    """The same where only the App that made it may do something to it."""
    run, app = _run(call), call.world.app
    if run.suite.app is not app:
        message = f"Invalid app_id `{app.id}` - check run can only be modified by the GitHub App that created it."
        raise Refused(message, status=403)
    return run
