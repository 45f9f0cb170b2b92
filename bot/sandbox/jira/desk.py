"""What a site keeps: users, a service desk with request types and a workflow, and its requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.clock import Clock

DRAFT, REVIEWED, CAB, PLANNED, DOING = (
    "Planning",
    "Peer review / change manager approval",
    "Awaiting CAB approval",
    "Awaiting implementation",
    "Implementing",
)
DONE, FAILED, DECLINED, CANCELED = "Completed", "Failed", "Declined", "Canceled"
_END = ("Cancel", CANCELED)

WORKFLOW: Mapping[str, tuple[tuple[str, str], ...]] = {
    DRAFT: (("Submit", REVIEWED), _END),
    REVIEWED: (("Send to CAB", CAB), ("Back to planning", DRAFT), _END),
    CAB: (("Back to planning", DRAFT), _END),
    PLANNED: (("Implement", DOING), _END),
    DOING: (("Complete", DONE), ("Fail", FAILED)),
    DONE: (),
    FAILED: (),
    DECLINED: (),
    CANCELED: (),
}
"""Status by status: the name of each transition, and where it leads. The CAB's answer is one of its own."""

CATEGORIES: Mapping[str, tuple[str, str]] = {
    DRAFT: ("new", "To Do"),
    DONE: ("done", "Done"),
    FAILED: ("done", "Done"),
    DECLINED: ("done", "Done"),
    CANCELED: ("done", "Done"),
}
FIELDS = frozenset({"summary", "description", "labels"})


class Refused(Exception):
    """The site does not do it: the status, its sentences, and those about single fields."""

    def __init__(self, status: int, *messages: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(*messages)
        self.status = status
        self.messages = messages
        self.fields = dict(fields or {})


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account; ``private``: the site may not show the address."""

    account_id: str
    email: str
    name: str
    private: bool = False


@dataclass(slots=True)
class Approval:
    """Something that was asked of people: each one's answer by account id, and when all was answered."""

    id: int
    name: str
    approvers: tuple[User, ...]
    created: datetime
    answers: dict[str, str] = field(default_factory=dict)
    decision: str = "pending"
    completed: datetime | None = None


@dataclass(slots=True)
class Comment:
    """A comment; ``public``: the customer sees it, too."""

    id: int
    author: User
    body: str
    public: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """A change of the status; nobody made it when a rule did."""

    id: int
    by: User | None
    at: datetime
    before: str
    after: str


@dataclass(slots=True)
class Request:
    """A customer request, which is an issue; ``desk`` None: one that is nothing but an issue.

    ``former``: the keys that it had before it was moved. ``labels_before`` are those that a search finds it by until it
    knows of the change of them, at ``labelled``.
    """

    id: int
    key: str
    desk: str | None
    type_id: str
    creator: User
    reporter: User
    fields: dict[str, Any]
    created: datetime
    updated: datetime
    labelled: datetime
    labels_before: list[str] = field(default_factory=list)
    former: set[str] = field(default_factory=set)
    status: str = DRAFT
    approvals: list[Approval] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)


@dataclass(slots=True)
class Desk:
    """A service desk.

    ``custom``: the ids of the fields that its screens have beside the usual ones. ``lag``: after what time a search
    knows of a new request, and of other labels. ``required``: fields without which none is made. ``blocked``:
    transitions that a validator refuses, with its words. ``automation``: values that a rule puts back after every
    change.
    """

    clock: Clock
    account: User = field(init=False)
    users: dict[str, User] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=lambda: {"17": "Request a change", "18": "Ask a question"})
    custom: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=lambda: set(FIELDS))
    required: set[str] = field(default_factory=lambda: {"summary"})
    cab: list[User] = field(default_factory=list)
    lag: timedelta = timedelta()
    workflow: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=lambda: dict(WORKFLOW))
    resolution_asked: bool = False
    blocked: dict[str, str] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    automation: dict[str, Any] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)
    id: str = "3"
    _made: int = 0

    def __post_init__(self) -> None:
        """Countersign has an account of its own."""
        self.account = self.user("Countersign", "svc.countersign@bank.example")

    def next_id(self) -> int:
        """A number."""
        self._made += 1
        return self._made

    def now(self) -> datetime:
        """The time, in milliseconds."""
        moment = self.clock().astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def user(self, name: str, email: str = "", *, private: bool = False) -> User:
        """Somebody with an account."""
        account_id = f"712020:{self.next_id():04d}-9a3b"
        address = email or f"{name.lower().replace(' ', '.')}@bank.example"
        self.users[account_id] = User(account_id, address, name, private)
        return self.users[account_id]

    def request(self, id_or_key: str) -> Request:
        """The request with this id or key, in whichever letters, or with a key that it had before.

        Raises:
            Refused: there is none.

        """
        for each in self.requests.values():
            if id_or_key.upper() in {str(each.id), each.key, *each.former}:
                return each
        raise Refused(404, "Issue does not exist or you do not have permission to see it.")

    # What is done.

    def create(
        self, type_id: str, fields: Mapping[str, Any], reporter: User, *, creator: User | None = None
    ) -> Request:
        """A new request; ``creator``: somebody who raises it for the reporter.

        Raises:
            Refused: there is no such type, or a field is not there or missing.

        """
        if type_id not in self.types:
            raise Refused(404, f"The request type {type_id} does not exist.")
        self._check(fields)
        if missing := sorted(name for name in self.required if not fields.get(name)):
            raise Refused(400, "Your request could not be created.", fields=dict.fromkeys(missing, "is required."))
        number = len(self.requests) + 1
        now = self.now()
        request = Request(
            id=10_000 + self.next_id(),
            key=f"CHG-{number}",
            desk=self.id,
            type_id=type_id,
            creator=creator or reporter,
            reporter=reporter,
            fields={**fields},
            created=now,
            updated=now,
            labelled=now,
        )
        request.fields |= self.automation
        self.requests[request.id] = request
        return request

    def edit(self, request: Request, fields: Mapping[str, Any]) -> None:
        """Change fields.

        Raises:
            Refused: one is not on the screen.

        """
        self._check(fields)
        found_by = self.labels_found(request)
        request.fields |= {**fields, **self.automation}
        request.updated = self.now()
        if "labels" in fields:
            request.labels_before, request.labelled = found_by, request.updated

    def labels_found(self, request: Request) -> list[str]:
        """The labels that a search finds a request by now."""
        known = request.labelled + self.lag <= self.now()
        return list(request.fields.get("labels", [])) if known else request.labels_before

    def _check(self, fields: Mapping[str, Any]) -> None:
        if any(" " in each for each in fields.get("labels", [])):
            raise Refused(400, fields={"labels": "The label contains spaces which is invalid."})
        unknown = sorted(set(fields) - self.fields - self.custom)
        if unknown:
            why = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
            raise Refused(400, fields={name: why.format(name) for name in unknown})

    def transitions(self, request: Request) -> list[tuple[str, str, str]]:
        """Where a request may go: id, name, and status. An id is that of one transition in the whole workflow."""
        steps = [(status, *step) for status, steps in self.workflow.items() for step in steps]
        return [
            (str(11 + 10 * number), name, to)
            for number, (status, name, to) in enumerate(steps)
            if status == request.status
        ]

    def transit(self, request: Request, transition_id: str) -> None:
        """Take a transition.

        Raises:
            Refused: it is not there, or a validator refuses it.

        """
        step = next((each for each in self.transitions(request) if each[0] == transition_id), None)
        if step is None:
            raise Refused(400, "It seems that you have tried to perform an illegal workflow operation.")
        _, name, to = step
        if name in self.blocked:
            raise Refused(400, self.blocked[name])
        if name not in self.stuck:
            self.enter(request, to, self.account)

    def enter(self, request: Request, status: str, by: User | None = None) -> None:
        """Bring a request to a status, and ask whom that asks."""
        request.moves.append(Move(self.next_id(), by, self.now(), request.status, status))
        request.status, request.updated = status, self.now()
        if status == CAB:
            asked = Approval(self.next_id(), "CAB approval", tuple(self.cab), self.now())
            request.approvals.append(asked)

    def comment(self, request: Request, body: str, author: User, *, public: bool) -> Comment:
        """Say something."""
        comment = Comment(self.next_id(), author, body, public, self.now())
        request.comments.append(comment)
        request.updated = self.now()
        return comment

    # What people do.

    def approve(self, key: str, user: User) -> None:
        """Somebody approves; when all have, the change waits for its time."""
        self._answer(self.request(key), user, "approved")

    def decline(self, key: str, user: User) -> None:
        """Somebody declines, which ends it."""
        self._answer(self.request(key), user, "declined")

    def _answer(self, request: Request, user: User, decision: str) -> None:
        pending = [each for each in request.approvals if each.decision == "pending" and user in each.approvers]
        if not pending:
            raise Refused(403, "You do not have permission to answer this approval.")
        approval = pending[-1]
        approval.answers[user.account_id] = decision
        if decision == "declined" or len(approval.answers) == len(approval.approvers):
            approval.decision, approval.completed = decision, self.now()
            self.enter(request, PLANNED if decision == "approved" else DECLINED, user)

    def move(self, key: str, status: str, by: User | None = None) -> None:
        """Somebody moves it by hand, wherever they want."""
        self.enter(self.request(key), status, by)
