"""The merge queue: each pull request waits on a commit of its own, on top of those before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bot.sandbox import branches
from bot.sandbox.accounts import Account
from bot.sandbox.checks import GOOD, CheckRun
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import commits as shapes

if TYPE_CHECKING:
    from bot.sandbox.pulls import PullRequest
    from bot.sandbox.repositories import Repository


@dataclass(slots=True, eq=False)
class MergeGroup:
    """A pull request in the queue (GitHub: entry), with the commit that would become the base's tip.

    ``base_sha`` is the head of the group before it, or the base's tip. ``state`` is AWAITING_CHECKS, MERGEABLE,
    UNMERGEABLE or QUEUED.
    """

    id: int
    queue: MergeQueue
    pull: PullRequest
    enqueuer: Account
    enqueued_at: datetime
    base_sha: str
    head_sha: str
    head_ref: str
    state: str = "AWAITING_CHECKS"

    @property
    def base_ref(self) -> str:
        """The branch that it is to be merged into, as a full ref."""
        return f"refs/heads/{self.queue.branch}"

    @property
    def position(self) -> int:
        """Its place in the queue, from 1."""
        return self.queue.entries.index(self) + 1

    def check(self, name: str) -> CheckRun | None:
        """The newest check run of that name on the group's head."""
        return self.queue.repository.newest_run(name, self.head_sha)

    def destroy(self, reason: str = "dequeued", *, by: Account | None = None) -> None:
        """Take it out of the queue. ``reason`` is merged, invalidated or dequeued."""
        self.queue.remove(self, reason, by=by or self.enqueuer)

    def merge(self) -> None:
        """Let it become the base's tip, with everything before it."""
        while self in self.queue.entries:
            self.queue.merge_first()


@dataclass(slots=True, eq=False)
class MergeQueue:
    """The queue of one branch. ``entries`` are in their order."""

    id: int
    repository: Repository
    branch: str
    entries: list[MergeGroup] = field(default_factory=list)

    def enqueue(self, pull: PullRequest, *, by: Account, smuggled: branches.Files | None = None) -> MergeGroup:
        """Add a pull request at the end; ``smuggled`` is what the group has besides, by whatever means."""
        if pull.base_ref != self.branch or any(entry.pull is pull for entry in self.entries):
            raise Refused("Pull request is already in the queue, or meant for another branch")
        base = self.entries[-1].head_sha if self.entries else self.repository.branches[self.branch]
        group = self._build(pull, base, by, smuggled)
        self.entries.append(group)
        pull.tell("enqueued", by)
        self._request(group)
        return group

    def _build(self, pull: PullRequest, base: str, by: Account, smuggled: branches.Files | None = None) -> MergeGroup:
        commit = branches.merge_commit(pull, base, by=by)
        if smuggled:
            tree = dict(commit.files) | {path: text for path, text in smuggled.items() if text is not None}
            who = branches.identity(by)
            commit = branches.commit(
                self.repository, tree, commit.parents, author=who, committer=who, message=commit.message
            )
        name = f"gh-readonly-queue/{self.branch}/pr-{pull.number}-{base}"
        self.repository.branches[name] = commit.oid
        world = self.repository.world
        number = world.numbers.next("MergeQueueEntry")
        return MergeGroup(number, self, pull, by, world.now(), base, commit.oid, f"refs/heads/{name}")

    def _request(self, group: MergeGroup) -> None:
        self.repository.request_checks(group.head_sha, group.head_ref.removeprefix("refs/heads/"), by=group.enqueuer)
        self.repository.tell("merge_group", "checks_requested", group.enqueuer, merge_group=shapes.merge_group(group))

    def remove(self, group: MergeGroup, reason: str, *, by: Account) -> None:
        """Take a group out; those behind it are built anew."""
        place = self.entries.index(group)
        behind = self.entries[place + 1 :]
        del self.entries[place:]
        self._drop(group, reason, by)
        if reason != "merged":
            group.pull.tell("dequeued", by, reason="MANUAL" if reason == "dequeued" else "CI_FAILURE")
        if reason == "merged":
            self.entries += behind
            return
        for each in behind:
            self._drop(each, "invalidated", by)
            base = self.entries[-1].head_sha if self.entries else self.repository.branches[self.branch]
            rebuilt = self._build(each.pull, base, each.enqueuer)
            self.entries.append(rebuilt)
            self._request(rebuilt)

    def _drop(self, group: MergeGroup, reason: str, by: Account) -> None:
        self.repository.branches.pop(group.head_ref.removeprefix("refs/heads/"), None)
        self.repository.tell("merge_group", "destroyed", by, merge_group=shapes.merge_group(group), reason=reason)

    def merge_first(self) -> None:
        """Merge the first of the queue."""
        first = self.entries[0]
        commit = self.repository.history.commits[first.head_sha]
        self.remove(first, "merged", by=first.enqueuer)
        branches.advance(
            self.repository, self.branch, commit, by=first.enqueuer, kind="merge_queue_merge", merging=first.pull
        )
        first.pull.conclude(commit.oid, by=first.enqueuer)

    def checked(self, run: CheckRun) -> None:
        """A required check run of a group has completed."""
        group = next((each for each in self.entries if each.head_sha == run.head_sha), None)
        required = self.repository.required
        if group is None or run.name not in required:
            return
        if run.conclusion not in GOOD:
            group.state = "UNMERGEABLE"
            self.remove(group, "invalidated", by=group.enqueuer)
        elif all(self.repository.passed(name, group.head_sha) for name in required):
            group.state = "MERGEABLE"
            while self.entries and self.entries[0].state == "MERGEABLE":
                self.merge_first()
