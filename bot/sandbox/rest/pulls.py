"""Pull requests, their reviews, commits and files.

https://docs.github.com/rest/pulls
"""

from typing import Any

from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import Refused, not_found
from bot.sandbox.shapes import commits as commit_shapes
from bot.sandbox.shapes import pulls as shapes
from bot.sandbox.shapes import talk as talk_shapes
from bot.sandbox.talk import VERDICTS


@route("GET", "/repos/{owner}/{repo}/pulls", "pull_requests:read")
def listed(call: Call) -> Answer:
    """Pull requests, the newest first."""
    state = call.query.get("state", "open")
    pulls = [each for each in reversed(call.repository.pulls.values()) if state in {each.state, "all"}]
    if base := call.query.get("base"):
        pulls = [each for each in pulls if each.base_ref == base]
    if head := call.query.get("head"):
        pulls = [each for each in pulls if f"{each.head_repository.owner.login}:{each.head_ref}" == head]
    return call.paged(pulls, shapes.simple)


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", "pull_requests:read")
def show(call: Call) -> Answer:
    """A pull request."""
    return Answer(200, shapes.pull_request(call.pull()))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", "pull_requests:read")
def reviews(call: Call) -> Answer:
    """The reviews, the oldest first."""
    return call.paged(call.pull().reviews, talk_shapes.review)


@route("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", "pull_requests:write")
def review(call: Call) -> Answer:
    """Review as the App."""
    words = {word: state for state, word in VERDICTS.items()} | {"COMMENT": "COMMENTED"}
    state = words.get(str(call.body.get("event")))
    if state is None:
        raise Refused("Validation Failed", errors=["event is APPROVE, REQUEST_CHANGES or COMMENT"])
    made = call.pull().review(by=call.world.app.account, state=state, body=str(call.body.get("body") or ""))
    return Answer(200, talk_shapes.review(made))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits", "pull_requests:read")
def commits(call: Call) -> Answer:
    """The commits, the oldest first; GitHub lists at most 250."""
    repository = call.repository
    return call.paged(call.pull().commits[:250], lambda each: commit_shapes.whole(repository, each))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", "pull_requests:read")
def files(call: Call) -> Answer:
    """The changed files; GitHub lists at most 3,000."""
    pull = call.pull()
    return call.paged(pull.files[:3000], lambda each: shapes.changed_file(pull, each))


@route("PUT", "/repos/{owner}/{repo}/pulls/{pull_number}/merge", "contents:write")
def merge(call: Call) -> Answer:
    """Merge as the App."""
    pull = call.pull()
    asked = call.body.get("sha")
    if asked is not None and asked != pull.head_sha:
        raise Refused("Head branch was modified. Review and try the merge again.", status=409)
    commit = pull.merge(by=call.world.app.account, method=str(call.body.get("merge_method", "merge")))
    return Answer(200, {"sha": commit.oid, "merged": True, "message": "Pull Request successfully merged"})


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/merge", "pull_requests:read")
def is_merged(call: Call) -> Answer:
    """Whether it is merged: 204 or 404."""
    if not call.pull().merged:
        raise not_found()
    return Answer(204)


@route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels", "issues:write", "pull_requests:write")
def add_labels(call: Call) -> Answer:
    """Put labels on it."""
    pull = call.pull("issue_number")
    given: Any = call.body.get("labels", [])
    for name in given:
        pull.label(call.world.app.account, str(name))
    return Answer(200, [shapes.label(pull.repository, name) for name in pull.labels])
