"""Repositories, people's permissions in them, and what happened to their branches.

https://docs.github.com/rest/repos
"""

from bot.sandbox.access import given_role
from bot.sandbox.git import Commit
from bot.sandbox.repositories import Repository
from bot.sandbox.rest.checks import commit
from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import Refused, not_found
from bot.sandbox.shapes import accounts as account_shapes
from bot.sandbox.shapes import commits as commit_shapes
from bot.sandbox.shapes import pulls as pull_shapes
from bot.sandbox.shapes.repositories import full, property_values


@route("GET", "/repos/{owner}/{repo}", "metadata:read")
def show(call: Call) -> Answer:
    """A repository."""
    return Answer(200, full(call.repository))


@route("GET", "/repos/{owner}/{repo}/collaborators", "metadata:read")
def collaborators(call: Call) -> Answer:
    """Everybody to whom a role was given, by whatever way; that a repository is open to all makes nobody one."""
    repository = call.repository
    people = [each for each in call.world.accounts.values() if each.kind == "User"]
    able = sorted((each for each in people if given_role(repository, each) != "none"), key=lambda each: each.id)
    return call.paged(able, lambda each: account_shapes.collaborator(repository, each)["user"])


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", "metadata:read")
def permission(call: Call) -> Answer:
    """What a user may do there: ``role_name`` tells all roles apart, ``permission`` four."""
    repository = call.repository
    account = call.world.accounts.get(call.params["username"].lower())
    if account is None:
        raise Refused(f"{call.params['username']} is not a user", status=404)
    return Answer(200, account_shapes.collaborator(repository, account))


@route("GET", "/repos/{owner}/{repo}/properties/values", "metadata:read")
def properties(call: Call) -> Answer:
    """The repository's custom properties."""
    return Answer(200, property_values(call.repository.properties))


@route("GET", "/repos/{owner}/{repo}/activity", "contents:read")
def activity(call: Call) -> Answer:
    """What happened to branches, the newest first."""
    repository = call.repository
    found = list(reversed(repository.activities))
    if ref := call.query.get("ref"):
        whole = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
        found = [each for each in found if each.ref == whole]
    if actor := call.query.get("actor"):
        found = [each for each in found if each.actor is not None and each.actor.login == actor]
    if kind := call.query.get("activity_type"):
        found = [each for each in found if each.kind == kind]
    return call.paged(found, lambda each: commit_shapes.activity(repository, each))


@route("GET", "/repos/{owner}/{repo}/compare/{basehead}", "contents:read")
def compare(call: Call) -> Answer:
    """What a commit has that another one has not, from where they parted: commits in pages, files on the first one.

    https://docs.github.com/rest/commits/commits#compare-two-commits
    """
    repository = call.repository
    base, _, head = call.params["basehead"].partition("...")
    before, after = _compared(repository, base), _compared(repository, head)
    apart = repository.history.divergence(before.oid, after.oid)
    if apart.merge_base is None:
        raise Refused(f"No common ancestor between {base} and {head}.", status=404)
    added = [repository.history.commits[oid] for oid in reversed(apart.only_head)]
    body = commit_shapes.comparison(repository, before, after, apart)
    if not {"page", "per_page"} & call.query.keys():
        # Whoever asks for no page is shown the newest ones.
        return Answer(200, body | {"commits": [commit_shapes.whole(repository, each) for each in added[-250:]]})
    paged = call.paged(added, lambda each: commit_shapes.whole(repository, each))
    if call.query.get("page", "1") != "1":
        del body["files"]
    return Answer(200, {**body, "commits": paged.body}, paged.headers)


def _compared(repository: Repository, ref: str) -> Commit:
    """The commit on one side; here GitHub finds nothing where it elsewhere cannot process."""
    try:
        return commit(repository, ref)
    except Refused:
        raise not_found() from None


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", "contents:read")
def show_commit(call: Call) -> Answer:
    """A commit."""
    repository = call.repository
    return Answer(200, commit_shapes.whole(repository, commit(repository, call.params["ref"])))


@route("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", "pull_requests:read")
def pulls_of_commit(call: Call) -> Answer:
    """The pull requests that a commit belongs to."""
    repository = call.repository
    oid = commit(repository, call.params["commit_sha"]).oid
    found = [
        pull
        for pull in repository.pulls.values()
        if pull.merge_commit_sha == oid or any(each.oid == oid for each in pull.commits)
    ]
    return call.paged(found, pull_shapes.simple)


@route("GET", "/users/{username}")
def show_user(call: Call) -> Answer:
    """An account."""
    account = call.world.accounts.get(call.params["username"].lower())
    if account is None:
        raise not_found()
    return Answer(200, account_shapes.public_user(call.world, account))
