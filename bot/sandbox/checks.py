"""Check runs and commit statuses, and the rules that GitHub's schema does not state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.sandbox.accounts import Account
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import checks as shapes

if TYPE_CHECKING:
    from bot.sandbox.pulls import PullRequest
    from bot.sandbox.repositories import Repository
    from bot.sandbox.world import App

STATUSES = ("queued", "in_progress", "completed")
CONCLUSIONS = frozenset({"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"})
GOOD = frozenset({"success", "neutral", "skipped"})
"""Conclusions that satisfy a required check."""

MOST_ANNOTATIONS, MOST_ACTIONS, LONGEST_TEXT = 50, 3, 65_535
LEVELS = frozenset({"notice", "warning", "failure"})
ACTION_LENGTHS = {"label": 20, "description": 40, "identifier": 20}


@dataclass(slots=True, eq=False)
class CheckSuite:
    """The check runs of one App on one commit."""

    id: int
    repository: Repository
    app: App
    head_sha: str
    head_branch: str | None
    created_at: datetime
    runs: list[CheckRun] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class CheckRun:
    """A check run; ``actions`` are its buttons, ``annotations`` all that were sent."""

    id: int
    suite: CheckSuite
    name: str
    status: str = "queued"
    conclusion: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)
    external_id: str = ""
    details_url: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def repository(self) -> Repository:
        """Where it is."""
        return self.suite.repository

    @property
    def head_sha(self) -> str:
        """The commit that was checked."""
        return self.suite.head_sha

    @property
    def pulls(self) -> list[PullRequest]:
        """Open pull requests of this repository, from this repository, with that head: GitHub names no others."""
        repository = self.repository
        return [
            pull
            for pull in repository.pulls.values()
            if pull.state == "open" and pull.head_sha == self.head_sha and pull.head_repository is repository
        ]

    def update(self, fields: Mapping[str, Any], *, by: Account, created: bool = False) -> None:
        """Change the run as a request says.

        Raises:
            Refused: GitHub does not accept it.

        """
        check_fields(fields)
        was_completed = self.status == "completed"
        for key in ("name", "external_id", "details_url", "actions"):
            if key in fields:
                setattr(self, key, fields[key])
        world = self.repository.world
        self._set_status(fields)
        self.started_at = _moment(fields.get("started_at")) or self.started_at or world.now()
        if self.status == "completed":
            given = _moment(fields.get("completed_at"))
            self.completed_at = given or (self.completed_at if was_completed else None) or world.now()
        output = fields.get("output")
        if output is not None:
            self.title, self.summary = output.get("title", self.title), output.get("summary", self.summary)
            self.text = output.get("text", self.text)
            self.annotations += output.get("annotations", [])
        if created:
            self.repository.tell("check_run", "created", by, check_run=shapes.check_run(self))
        if self.status == "completed" and not was_completed:
            self.repository.tell("check_run", "completed", by, check_run=shapes.check_run(self))
            self.repository.checked(self)

    def _set_status(self, fields: Mapping[str, Any]) -> None:
        conclusion = fields.get("conclusion")
        if conclusion is not None:
            # Passing a conclusion completes the run.
            self.status, self.conclusion = "completed", conclusion
        elif "status" in fields:
            self.status, self.conclusion = fields["status"], None
            self.completed_at = None

    def rerequest(self, *, by: Account) -> None:
        """Press *Re-run*."""
        self.repository.tell("check_run", "rerequested", by, check_run=shapes.check_run(self))

    def press(self, identifier: str, *, by: Account) -> None:
        """Press one of the run's buttons."""
        if all(action["identifier"] != identifier for action in self.actions):
            raise Refused(f"the check run has no button {identifier}", status=404)
        self.repository.tell(
            "check_run",
            "requested_action",
            by,
            check_run=shapes.check_run(self),
            requested_action={"identifier": identifier},
        )


def check_fields(fields: Mapping[str, Any]) -> None:
    """Refuse what GitHub refuses about the fields of a check run.

    https://docs.github.com/rest/checks/runs
    """
    status, conclusion = fields.get("status"), fields.get("conclusion")
    if status is not None and status not in STATUSES:
        raise _invalid("status", f"{status} is not a status of an App's check run")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        raise _invalid("conclusion", f"{conclusion} is not a conclusion")
    if status == "completed" and conclusion is None:
        raise _invalid("conclusion", "a completed check run needs a conclusion")
    if status in {"queued", "in_progress"} and conclusion is not None:
        raise _invalid("status", "a check run with a conclusion is completed")
    _check_output(fields.get("output"))
    actions = fields.get("actions") or []
    if len(actions) > MOST_ACTIONS:
        raise _invalid("actions", "at most three actions")
    for action in actions:
        for key, longest in ACTION_LENGTHS.items():
            if not isinstance(action.get(key), str) or not 0 < len(action[key]) <= longest:
                raise _invalid("actions", f"{key} is a text of at most {longest} characters")


def _check_output(output: Mapping[str, Any] | None) -> None:
    if output is None:
        return
    if not output.get("title") or not output.get("summary"):
        raise _invalid("output", "title and summary are required")
    for key in ("summary", "text"):
        if len(output.get(key) or "") > LONGEST_TEXT:
            raise _invalid("output", f"{key} has at most {LONGEST_TEXT} characters")
    annotations = output.get("annotations") or []
    if len(annotations) > MOST_ANNOTATIONS:
        raise _invalid("output", "at most 50 annotations in a request")
    for each in annotations:
        complete = all(each.get(key) for key in ("path", "start_line", "end_line", "message"))
        if not complete or each.get("annotation_level") not in LEVELS:
            raise _invalid("annotations", "path, lines, level and message are required")
        if len(each["message"].encode()) > 64 * 1024 or len(each.get("title") or "") > 255:
            raise _invalid("annotations", "message has at most 64 KB, title 255 characters")


def _invalid(name: str, message: str) -> Refused:
    error = {"resource": "CheckRun", "field": name, "code": "invalid", "message": message}
    return Refused("Validation Failed", errors=[error])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Status:
    """A commit status."""

    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime
