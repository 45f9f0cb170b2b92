"""Repositories: what they hold, and what people do in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

from bot.sandbox import access, branches, protection
from bot.sandbox.accounts import Account
from bot.sandbox.branches import Activity, Files, Pushing
from bot.sandbox.checks import GOOD, CheckRun, CheckSuite, Status, check_fields
from bot.sandbox.git import Commit, History
from bot.sandbox.merge_queue import MergeQueue
from bot.sandbox.protection import Protection, Ruleset
from bot.sandbox.pulls import PullRequest
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import checks as shapes
from bot.sandbox.shapes.repositories import property_values

if TYPE_CHECKING:
    from bot.sandbox.deployments import Environment, WorkflowRun
    from bot.sandbox.organisations import Organisation, Team
    from bot.sandbox.talk import Comment
    from bot.sandbox.world import App, World


@dataclass(slots=True, eq=False)
class Repository:
    """A repository. ``branches`` maps a name to the id of its tip; ``access`` accounts and teams to a role.

    ``tags`` maps a name to a commit, or to an annotated tag that ``tag_objects`` maps to its commit.
    ``organisation`` is None for a fork that a person owns. ``check_runs`` are all, in the order of their creation.
    A pull request is merged only when the check runs named by ``require_check`` have passed on its head, and those that
    an active ruleset names. ``foreign_runs`` are the check runs of other Apps; ``is_protecting``: no administrator has
    switched off the older protection of branches.
    """

    world: World
    id: int
    name: str
    owner: Account
    organisation: Organisation | None
    private: bool
    created_at: datetime
    history: History
    access: dict[Account | Team, str] = field(default_factory=dict)
    default_branch: str = "main"
    branches: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tag_objects: dict[str, str] = field(default_factory=dict)
    rulesets: dict[int, Ruleset] = field(default_factory=dict)
    protections: dict[str, Protection] = field(default_factory=dict)
    is_protecting: bool = True
    check_runs: list[CheckRun] = field(default_factory=list)
    foreign_runs: list[CheckRun] = field(default_factory=list)
    suites: dict[str, CheckSuite] = field(default_factory=dict)
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    environments: dict[str, Environment] = field(default_factory=dict)
    workflow_runs: dict[int, WorkflowRun] = field(default_factory=dict)
    label_ids: dict[str, int] = field(default_factory=dict)
    require_check: tuple[str, ...] = ()
    merge_queue: MergeQueue | None = None
    parent: Repository | None = None
    archived: bool = False
    properties: dict[str, str | list[str] | None] = field(default_factory=dict)
    pushed_at: datetime | None = None

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner.login}/{self.name}"

    @property
    def url(self) -> str:
        """The address for people."""
        return f"{self.world.web_url}/{self.full_name}"

    def tell(self, event: str, action: str | None, by: Account, /, **body: Any) -> None:
        """Send a webhook about something in this repository."""
        if self.organisation is not None:
            self.organisation.tell(event, action, by, where=self, **body)

    def role(self, account: Account) -> str:
        """The highest role that ``account`` has: none, read, triage, write, maintain or admin."""
        return access.role(self, account)

    def grant(self, who: Account | Team, role: str, *, by: Account | None = None) -> None:
        """Give a role to an account or a team."""
        access.grant(self, who, role, by or self.owner)

    def revoke(self, who: Account | Team, *, by: Account | None = None) -> None:
        """Take the role away."""
        access.revoke(self, who, by or self.owner)

    @property
    def required(self) -> tuple[str, ...]:
        """The checks that must have passed, by the App that is named as their source."""
        protections = self.protections.values() if self.is_protecting else ()
        return tuple(dict.fromkeys([*self.require_check, *protection.demanded(self.rulesets.values(), protections)]))

    def ruleset(self, name: str, *, by: Account, checks: Sequence[str]) -> Ruleset:
        """Make a ruleset for the default branch that demands checks."""
        return protection.ruleset(self, name, tuple(checks), by)

    def protect(self, branch: str, *, by: Account, checks: Sequence[str]) -> Protection:
        """Protect a branch in the older way."""
        return protection.protect(self, branch, tuple(checks), by)

    def switch_protection(self, *, on: bool, by: Account) -> None:
        """Switch the older protection of all branches off, or on again."""
        protection.switch(self, on=on, by=by)

    def tag(self, name: str, oid: str, *, by: Account, annotated: bool = False) -> None:
        """Put a tag on a commit, or move it there; ``annotated``: as an object of its own."""
        branches.tag(self, name, oid, by=by, annotated=annotated)

    def land(self, branch: str, head: str, *, by: Account, own: Files | None = None) -> Commit:
        """Merge a commit by hand, with ``own`` content besides, and push it past every rule."""
        return branches.land(self, branch, head, by=by, own=own)

    def push(self, branch: str, **how: Unpack[Pushing]) -> Commit:
        """Push one commit to a branch."""
        return branches.push(self, branch, how)

    def branch(self, name: str, *, start: str, by: Account | None = None) -> None:
        """Make a branch at the tip of another one, without a commit of its own."""
        commit = self.history.commits[self.branches[start]]
        branches.advance(self, name, commit, by=by or self.owner)

    def delete_branch(self, branch: str, *, by: Account) -> None:
        """Delete a branch."""
        branches.delete(self, branch, by=by)

    def rename(self, name: str, *, by: Account | None = None) -> None:
        """Give it another name; the old one leads here from now on."""
        before, self.name = self.name, name
        self.world.renamed(self, f"{self.owner.login}/{before}")
        changes = {"repository": {"name": {"from": before}}}
        self.tell("repository", "renamed", by or self.owner, changes=changes)

    def describe(self, *, by: Account | None = None, **values: str | list[str] | None) -> None:
        """Set custom properties; a value of None takes one away."""
        before = {name: self.properties.get(name) for name in values}
        self.properties |= values
        for name in [name for name, value in values.items() if value is None]:
            del self.properties[name]
        told = {"new_property_values": property_values(values), "old_property_values": property_values(before)}
        self.tell("custom_property_values", "updated", by or self.owner, **told)

    def archive(self, *, by: Account | None = None) -> None:
        """Close it for all changes."""
        self.archived = True
        self.tell("repository", "archived", by or self.owner)

    def fork(self, owner: Account) -> Repository:
        """The fork of that account, made when there is none. The App is not installed there."""
        known = self.world.repository(owner.login, self.name)
        if known is not None:
            return known
        fork = Repository(
            self.world,
            self.world.numbers.next("Repository"),
            self.name,
            owner,
            None,
            self.private,
            self.world.now(),
            self.history,
            branches=dict(self.branches),
            default_branch=self.default_branch,
            parent=self,
        )
        self.world.add(fork)
        return fork

    def open_pull_request(
        self,
        *,
        by: Account,
        title: str,
        files: Files | None = None,
        body: str = "",
        branch: str | None = None,
        base: str | None = None,
        co_authors: Sequence[Account] = (),
        draft: bool = False,
        from_fork: Account | None = None,
        email: str | None = None,
    ) -> PullRequest:
        """Push a branch with ``files``, and open a pull request of it; without files the branch is there already."""
        world, now = self.world, self.world.now()
        base = base or self.default_branch
        home = self if from_fork is None else self.fork(from_fork)
        number = world.next_number(self)
        head = branch or f"{by.login.removesuffix('[bot]')}-{number}"
        if files:
            start = base if head not in home.branches and base in home.branches else None
            home.push(head, by=by, files=files, message=title, co_authors=co_authors, email=email, start=start)
        if head not in home.branches or home.branches[head] == self.branches[base]:
            raise Refused("Validation Failed", errors=[f"No commits between {base} and {head}"])
        pull = PullRequest(
            id=world.numbers.next("PullRequest"),
            number=number,
            repository=self,
            author=by,
            title=title,
            body=body,
            base_ref=base,
            base_sha=self.branches[base],
            head_repository=home,
            head_ref=head,
            head_sha=home.branches[head],
            draft=draft,
            created_at=now,
            updated_at=now,
        )
        pull.refresh()
        self.pulls[number] = pull
        world.watch(pull)
        pull.tell("opened", by)
        return pull

    def newest_run(self, name: str, head: str) -> CheckRun | None:
        """The newest check run of that name on a commit."""
        suite = self.suites.get(head)
        runs = suite.runs if suite is not None else []
        return next((run for run in reversed(runs) if run.name == name), None)

    def passed(self, name: str, head: str) -> bool:
        """Whether the check of that name satisfies a rule that requires it."""
        run = self.newest_run(name, head)
        return run is not None and run.status == "completed" and run.conclusion in GOOD

    def create_check_run(self, name: str, head: str, fields: Mapping[str, Any], *, by: Account) -> CheckRun:
        """Create the App's check run on a commit."""
        if head not in self.history.commits:
            raise Refused(f"No commit found for SHA: {head}")
        check_fields(fields)
        suite = self.suite(head)
        run = CheckRun(self.world.numbers.next("CheckRun"), suite, name)
        suite.runs.append(run)
        self.check_runs.append(run)
        self.world.check_runs[run.id] = run
        run.update(fields, by=by, created=True)
        return run

    def report_as(self, app: App, name: str, head: str, **fields: Any) -> CheckRun:
        """Another App reports a check on a commit; ``fields`` are those of the request."""
        check_fields(fields)
        number = self.world.numbers.next("CheckSuite")
        suite = CheckSuite(number, self, app, head, None, self.world.now())
        run = CheckRun(self.world.numbers.next("CheckRun"), suite, name)
        suite.runs.append(run)
        self.foreign_runs.append(run)
        self.world.check_runs[run.id] = run
        run.update(fields, by=app.account, created=True)
        return run

    def suite(self, head: str, branch: str | None = None) -> CheckSuite:
        """The App's check suite on a commit."""
        suite = self.suites.get(head)
        if suite is None:
            branch = branch or next((name for name, tip in self.branches.items() if tip == head), None)
            number = self.world.numbers.next("CheckSuite")
            suite = CheckSuite(number, self, self.world.app, head, branch, self.world.now())
            self.suites[head] = suite
        return suite

    def request_checks(self, head: str, branch: str, *, by: Account) -> None:
        """Tell the App that there is a commit to check."""
        if self.organisation is not None:
            suite = self.suite(head, branch)
            self.tell("check_suite", "requested", by, check_suite=shapes.check_suite(suite))

    def checked(self, run: CheckRun) -> None:
        """A check run has completed: what waits for it may go on."""
        if self.merge_queue is not None:
            self.merge_queue.checked(run)

    def set_status(self, sha: str, fields: Mapping[str, Any], *, by: Account) -> Status:
        """Put a commit status."""
        state = fields.get("state")
        if state not in {"error", "failure", "pending", "success"}:
            raise Refused("Validation Failed", errors=[{"resource": "Status", "field": "state", "code": "invalid"}])
        if sha not in self.history.commits:
            raise Refused(f"No commit found for SHA: {sha}")
        status = Status(
            self.world.numbers.next("StatusContext"),
            sha,
            str(fields.get("context") or "default"),
            state,
            fields.get("description"),
            fields.get("target_url"),
            by,
            self.world.now(),
        )
        self.statuses.setdefault(sha, []).append(status)
        self.tell("status", None, by, **shapes.status_event(self, status))
        return status

    def open_pulls(self) -> Iterable[PullRequest]:
        """The open pull requests, the newest first."""
        return (pull for pull in reversed(self.pulls.values()) if pull.state == "open")
