"""What people say on a pull request: comments, their reactions, and reviews."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bot.sandbox.accounts import Account
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import talk as shapes

if TYPE_CHECKING:
    from bot.sandbox.pulls import PullRequest

REACTIONS = frozenset({"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"})
VERDICTS = {"APPROVED": "APPROVE", "CHANGES_REQUESTED": "REQUEST_CHANGES"}
LONGEST_BODY = 65_536


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changed a text, when, and what stood there before."""

    editor: Account
    at: datetime
    before: str


@dataclass(slots=True, eq=False)
class Reaction:
    """An account's reaction to a comment; ``content`` is GitHub's word for it."""

    id: int
    account: Account
    content: str
    created_at: datetime


@dataclass(slots=True, eq=False)
class Comment:
    """A comment in the conversation of a pull request. ``by_app``: written through the App's own token.

    ``by_email``: it is the answer to a message that GitHub sent.
    """

    id: int
    pull: PullRequest
    author: Account
    body: str
    created_at: datetime
    updated_at: datetime
    by_app: bool = False
    by_email: bool = False
    reactions: list[Reaction] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address for people."""
        return f"{self.pull.url}#issuecomment-{self.id}"

    def edit(self, *, by: Account, body: str) -> None:
        """Change what the comment says; also others than the author can do that."""
        world = self.pull.repository.world
        before, self.body, self.updated_at = self.body, body, world.now()
        self.edits.append(Edit(by, self.updated_at, before))
        self.pull.repository.tell(
            "issue_comment", "edited", by, **shapes.comment_event(self), changes={"body": {"from": before}}
        )

    def delete(self, *, by: Account) -> None:
        """Take the comment away."""
        self.pull.comments.remove(self)
        del self.pull.repository.comments[self.id]
        self.pull.repository.tell("issue_comment", "deleted", by, **shapes.comment_event(self))

    def react(self, *, by: Account, content: str) -> tuple[Reaction, bool]:
        """React; an account has one reaction of a kind. The second value says whether it is new."""
        if content not in REACTIONS:
            raise Refused("Validation Failed", errors=[_invalid("Reaction", "content")])
        for known in self.reactions:
            if known.account == by and known.content == content:
                return known, False
        world = self.pull.repository.world
        reaction = Reaction(world.numbers.next("Reaction"), by, content, world.now())
        self.reactions.append(reaction)
        return reaction, True


@dataclass(slots=True, eq=False)
class Review:
    """A review. ``state`` is APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED; ``commit_oid`` what was reviewed."""

    id: int
    pull: PullRequest
    author: Account
    state: str
    body: str
    commit_oid: str
    submitted_at: datetime
    edits: list[Edit] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address for people."""
        return f"{self.pull.url}#pullrequestreview-{self.id}"

    def edit(self, *, by: Account, body: str) -> None:
        """Change what the review says; its state stays."""
        before, self.body = self.body, body
        self.edits.append(Edit(by, self.pull.repository.world.now(), before))
        self.pull.repository.tell(
            "pull_request_review", "edited", by, **shapes.review_event(self), changes={"body": {"from": before}}
        )

    def dismiss(self, *, by: Account, message: str) -> None:
        """Take the review's effect away."""
        if self.state not in VERDICTS:
            raise Refused("Can not dismiss a commented pull request review")
        self.state = "DISMISSED"
        self.pull.dismissals[self.id] = message
        self.pull.repository.tell("pull_request_review", "dismissed", by, **shapes.review_event(self))


def check_review(pull: PullRequest, by: Account, state: str) -> None:
    """Refuse what GitHub refuses: nobody gives a verdict on their own pull request."""
    if state not in {*VERDICTS, "COMMENTED"}:
        raise Refused("Validation Failed", errors=[_invalid("PullRequestReview", "event")])
    if by == pull.author and state in VERDICTS:
        deed = "approve" if state == "APPROVED" else "request changes on"
        raise Refused("Unprocessable Entity", errors=[f"Can not {deed} your own pull request"])


def check_body(body: object) -> str:
    """A text that may stand in a comment."""
    if not isinstance(body, str) or not body.strip():
        raise Refused("Validation Failed", errors=[{**_invalid("IssueComment", "body"), "code": "missing_field"}])
    if len(body) > LONGEST_BODY:
        raise Refused("Validation Failed", errors=["Body is too long (maximum is 65536 characters)"])
    return body


def _invalid(resource: str, name: str) -> dict[str, str]:
    return {"resource": resource, "field": name, "code": "invalid"}
