"""Pull requests, and what people do with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from bot.sandbox import branches, talk
from bot.sandbox.accounts import WEB_FLOW, Account
from bot.sandbox.branches import Pushing
from bot.sandbox.git import Change, Commit
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import accounts as account_shapes
from bot.sandbox.shapes import pulls as shapes
from bot.sandbox.shapes import talk as talk_shapes

if TYPE_CHECKING:
    from bot.sandbox.checks import CheckRun
    from bot.sandbox.merge_queue import MergeGroup
    from bot.sandbox.repositories import Repository


@dataclass(frozen=True, slots=True)
class Turn:
    """Something in the timeline of a pull request; ``event`` is GraphQL's name of it."""

    event: str
    at: datetime
    assignee: Account | None = None
    actor: Account | None = None
    previous_ref_name: str = ""
    current_ref_name: str = ""

    @property
    def item_type(self) -> str:
        """GraphQL's name of it among the kinds that can be asked for."""
        return "".join(f"_{char}" if char.isupper() else char.upper() for char in self.event).lstrip("_")


@dataclass(slots=True, eq=False)
class PullRequest:
    """A pull request. ``commits`` (oldest first) and ``files`` are what it shows; they stay when it is merged.

    ``base_sha`` is the base's tip when the head was last pushed; ``state`` is ``open`` or ``closed``.
    """

    id: int
    number: int
    repository: Repository
    author: Account
    title: str
    body: str
    base_ref: str
    base_sha: str
    head_repository: Repository
    head_ref: str
    head_sha: str
    draft: bool
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit_sha: str | None = None
    assignees: list[Account] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    requested: list[Account] = field(default_factory=list)
    reviews: list[talk.Review] = field(default_factory=list)
    comments: list[talk.Comment] = field(default_factory=list)
    dismissals: dict[int, str] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    files: list[Change] = field(default_factory=list)

    @property
    def merged(self) -> bool:
        """Whether it is merged."""
        return self.merged_at is not None

    @property
    def url(self) -> str:
        """The address for people."""
        return f"{self.repository.url}/pull/{self.number}"

    @property
    def additions(self) -> int:
        """Lines added."""
        return sum(change.additions for change in self.files)

    @property
    def deletions(self) -> int:
        """Lines deleted."""
        return sum(change.deletions for change in self.files)

    @property
    def mergeable(self) -> bool:
        """Whether it merges without a conflict."""
        return self.merged_files() is not None

    def merged_files(self) -> dict[str, str] | None:
        """The files of base and head together; None when they conflict."""
        base = self.repository.branches.get(self.base_ref)
        return self.repository.history.merged(base, self.head_sha) if base else None

    def check(self, name: str) -> CheckRun | None:
        """The newest check run of that name on the head."""
        return self.repository.newest_run(name, self.head_sha)

    def refresh(self) -> None:
        """Work out commits and files anew, after head or base moved."""
        history = self.repository.history
        apart = history.divergence(self.base_sha, self.head_sha)
        self.commits = [history.commits[oid] for oid in reversed(apart.only_head)]
        self.files = history.changes(apart.merge_base, self.head_sha)

    def tell(self, action: str, by: Account, event: str = "pull_request", **more: Any) -> None:
        """Send a webhook about it as it is now."""
        self.updated_at = self.repository.world.now()
        self.repository.tell(event, action, by, number=self.number, pull_request=shapes.pull_request(self), **more)

    def push(self, **how: Unpack[Pushing]) -> Commit:
        """Push a commit to the head branch."""
        return branches.push(self.head_repository, self.head_ref, how)

    def synchronize(self, before: str, after: str, by: Account) -> None:
        """The head branch has moved."""
        self.head_sha, self.base_sha = after, self.repository.branches[self.base_ref]
        self.refresh()
        self.tell("synchronize", by, before=before, after=after)

    def update_branch(self, *, by: Account, own: branches.Files | None = None) -> Commit:
        """Press *Update branch*: merge the base into the head; with ``own`` content it is done by hand and pushed."""
        files = self.merged_files()
        if files is None:
            raise Refused("merge conflict between base and head")
        files |= {path: text for path, text in (own or {}).items() if text is not None}
        base = self.repository.branches[self.base_ref]
        message = f"Merge branch '{self.base_ref}' into {self.head_ref}"
        author, committer = branches.identity(by), branches.identity(WEB_FLOW if own is None else by)
        parents = (self.head_sha, base)
        commit = branches.commit(
            self.head_repository, files, parents, author=author, committer=committer, message=message
        )
        branches.advance(self.head_repository, self.head_ref, commit, by=by)
        return commit

    def apply_suggestion(self, *, by: Account, of: Account, files: branches.Files) -> Commit:
        """Apply what a reviewer suggested: GitHub commits it, with the reviewer as co-author."""
        tree = dict(self.repository.history.commits[self.head_sha].files)
        tree |= {path: text for path, text in files.items() if text is not None}
        commit = branches.commit(
            self.head_repository,
            tree,
            (self.head_sha,),
            author=branches.identity(by),
            committer=branches.identity(WEB_FLOW),
            message="Apply suggestion from code review",
            co_authors=[of],
        )
        branches.advance(self.head_repository, self.head_ref, commit, by=by)
        return commit

    def request_review(self, who: Account, *, by: Account) -> None:
        """Ask somebody for a review."""
        if who not in self.requested:
            self.requested.append(who)
            self.tell("review_requested", by, requested_reviewer=account_shapes.user(self.repository.world, who))

    def assign(self, who: Account, *, by: Account) -> None:
        """Assign it to somebody."""
        if who not in self.assignees:
            self.assignees.append(who)
        self.turns.append(Turn("AssignedEvent", self.repository.world.now(), assignee=who))
        self.tell("assigned", by, assignee=account_shapes.user(self.repository.world, who))

    def retarget(self, *, by: Account, base: str) -> None:
        """Choose another base branch."""
        was_ref, was_sha = self.base_ref, self.base_sha
        self.base_ref, self.base_sha = base, self.repository.branches[base]
        self.refresh()
        now = self.repository.world.now()
        self.turns.append(Turn("BaseRefChangedEvent", now, previous_ref_name=was_ref, current_ref_name=base))
        self.tell("edited", by, changes={"base": {"ref": {"from": was_ref}, "sha": {"from": was_sha}}})

    def review(self, *, by: Account, state: str, body: str = "") -> talk.Review:
        """Give a review of the head commit."""
        talk.check_review(self, by, state)
        world = self.repository.world
        review = talk.Review(world.numbers.next("PullRequestReview"), self, by, state, body, self.head_sha, world.now())
        self.reviews.append(review)
        self.requested = [each for each in self.requested if each is not by]
        self.repository.tell("pull_request_review", "submitted", by, **talk_shapes.review_event(review))
        return review

    def comment(self, *, by: Account, body: str, by_app: bool = False, by_email: bool = False) -> talk.Comment:
        """Say something; ``by_email``: as the answer to a message that GitHub sent."""
        world, now = self.repository.world, self.repository.world.now()
        number = world.numbers.next("IssueComment")
        comment = talk.Comment(number, self, by, talk.check_body(body), now, now, by_app, by_email)
        self.comments.append(comment)
        self.repository.comments[number] = comment
        self.repository.tell("issue_comment", "created", by, **talk_shapes.comment_event(comment))
        return comment

    def label(self, by: Account, name: str) -> None:
        """Put a label on it."""
        if name not in self.labels:
            self.labels.append(name)
            self.tell("labeled", by, label=shapes.label(self.repository, name))

    def unlabel(self, by: Account, name: str) -> None:
        """Take a label off it."""
        self.labels.remove(name)
        self.tell("unlabeled", by, label=shapes.label(self.repository, name))

    def mark_draft(self, *, by: Account) -> None:
        """Say that it is not ready."""
        self.draft = True
        self.tell("converted_to_draft", by)

    def ready(self, *, by: Account) -> None:
        """Say that it is ready for review."""
        self.draft = False
        self.turns.append(Turn("ReadyForReviewEvent", self.repository.world.now()))
        self.tell("ready_for_review", by)

    def edit(self, *, by: Account, title: str | None = None, body: str | None = None) -> None:
        """Change title or text."""
        changes: dict[str, Any] = {}
        if title is not None:
            changes["title"], self.title = {"from": self.title}, title
        if body is not None:
            changes["body"], self.body = {"from": self.body}, body
        self.tell("edited", by, changes=changes)

    def close(self, *, by: Account) -> None:
        """Close it without merging."""
        self._end(by)
        self.tell("closed", by)

    def _end(self, by: Account) -> None:
        self.state, self.closed_at = "closed", self.repository.world.now()
        self.turns.append(Turn("ClosedEvent", self.closed_at, actor=by))

    def reopen(self, *, by: Account) -> None:
        """Open it again, with what its branch has now."""
        if self.merged:
            raise Refused("Validation Failed", errors=["a merged pull request cannot be opened again"])
        self.state, self.closed_at = "open", None
        self.turns.append(Turn("ReopenedEvent", self.repository.world.now()))
        self.head_sha = self.head_repository.branches[self.head_ref]
        self.base_sha = self.repository.branches[self.base_ref]
        self.refresh()
        self.tell("reopened", by)

    def merge(self, *, by: Account, method: str = "merge", bypass: bool = False) -> Commit:
        """Merge it; ``bypass``: as an administrator who does not wait for what is required."""
        if not bypass or self.repository.role(by) != "admin":
            self.check_mergeable()
        if self.repository.merge_queue is not None:
            raise Refused("Changes must be made through the merge queue", status=405)
        commit = branches.merge_commit(self, self.repository.branches[self.base_ref], by=by, method=method)
        branches.advance(self.repository, self.base_ref, commit, by=by, kind="pr_merge", merging=self)
        self.conclude(commit.oid, by=by)
        return commit

    def check_mergeable(self) -> None:
        """Refuse to merge what GitHub would not merge."""
        if self.state != "open" or self.draft or not self.mergeable:
            raise Refused("Pull Request is not mergeable", status=405)
        for name in self.repository.required:
            if not self.repository.passed(name, self.head_sha):
                raise Refused(f'Required status check "{name}" is expected.', status=405)

    def conclude(self, merge_commit: str, *, by: Account) -> None:
        """It was merged as ``merge_commit``."""
        self._end(by)
        self.merged_at, self.merged_by = self.closed_at, by
        self.merge_commit_sha = merge_commit
        self.tell("closed", by)

    def enqueue(self, *, by: Account, smuggled: branches.Files | None = None) -> MergeGroup:
        """Put it into the merge queue; ``smuggled`` is what its group has besides, by whatever means."""
        queue = self.repository.merge_queue
        if queue is None or self.state != "open" or self.draft:
            raise Refused("Pull request is not in the correct state to be enqueued")
        self.turns.append(Turn("AddedToMergeQueueEvent", self.repository.world.now(), actor=by))
        return queue.enqueue(self, by=by, smuggled=smuggled)
