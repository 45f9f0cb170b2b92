"""Comments on pull requests and the reactions to them.

https://docs.github.com/rest/issues/comments
"""

from datetime import datetime

from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import Refused, not_found
from bot.sandbox.shapes import talk as shapes
from bot.sandbox.talk import Comment, check_body

_READ = ("issues:read", "pull_requests:read")
_WRITE = ("issues:write", "pull_requests:write")


@route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", *_READ)
def listed(call: Call) -> Answer:
    """The comments of a pull request, the oldest first."""
    comments = call.pull("issue_number").comments
    if since := call.query.get("since"):
        try:
            moment = datetime.fromisoformat(since)
        except ValueError as error:
            raise Refused("Validation Failed") from error
        comments = [each for each in comments if each.updated_at.replace(microsecond=0) >= moment]
    return call.paged(comments, shapes.comment)


@route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", *_WRITE)
def create(call: Call) -> Answer:
    """Write a comment as the App."""
    body = check_body(call.body.get("body"))
    comment = call.pull("issue_number").comment(by=call.world.app.account, body=body, by_app=True)
    return Answer(201, shapes.comment(comment), {"Location": shapes.comment(comment)["url"]})


@route("GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *_READ)
def show(call: Call) -> Answer:
    """A comment."""
    return Answer(200, shapes.comment(_comment(call)))


@route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *_WRITE)
def edit(call: Call) -> Answer:
    """Change a comment."""
    comment = _comment(call)
    comment.edit(by=call.world.app.account, body=check_body(call.body.get("body")))
    return Answer(200, shapes.comment(comment))


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *_WRITE)
def delete(call: Call) -> Answer:
    """Take a comment away."""
    _comment(call).delete(by=call.world.app.account)
    return Answer(204)


@route("GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", *_READ)
def reactions(call: Call) -> Answer:
    """The reactions to a comment."""
    comment = _comment(call)
    return call.paged(comment.reactions, lambda each: shapes.reaction(comment.pull.repository, each))


@route("POST", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", *_WRITE)
def react(call: Call) -> Answer:
    """React to a comment; 200 when the App has reacted so before."""
    comment = _comment(call)
    reaction, new = comment.react(by=call.world.app.account, content=str(call.body.get("content")))
    return Answer(201 if new else 200, shapes.reaction(comment.pull.repository, reaction))


def _comment(call: Call) -> Comment:
    comment = call.repository.comments.get(call.number("comment_id"))
    if comment is None:
        raise not_found()
    return comment
