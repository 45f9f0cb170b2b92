"""What Countersign asks of a system that keeps change records, in its own words, whichever system it is."""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

CORRELATION = re.compile(r"[A-Za-z0-9:._-]{1,100}")
"""What a correlation id may be: it stands inside other systems' queries, and none of these means anything there."""


class ChangeType(StrEnum):
    """The three kinds of change of ITIL."""

    STANDARD = "standard"
    NORMAL = "normal"
    EMERGENCY = "emergency"


class State(StrEnum):
    """Where a change is on its way."""

    DRAFT = "draft"
    ASSESS = "assess"
    AUTHORIZE = "authorize"
    SCHEDULED = "scheduled"
    IMPLEMENT = "implement"
    REVIEW = "review"
    CLOSED = "closed"
    CANCELLED = "cancelled"


WAY = (
    State.DRAFT,
    State.ASSESS,
    State.AUTHORIZE,
    State.SCHEDULED,
    State.IMPLEMENT,
    State.REVIEW,
    State.CLOSED,
)
"""The states of a change that nobody cancels, in order; a standard or emergency change leaves some out."""


def is_past(here: State | None, target: State) -> bool:
    """Whether a change is further than where it is to be; going back to a draft is asked for as such."""
    return here in WAY and target in WAY[1:] and WAY.index(here) > WAY.index(target)


def ahead(here: State | None, target: State) -> tuple[State, ...]:
    """The states that a change may go to next on its way to ``target``, the nearest first."""
    if here in WAY and target in WAY and WAY.index(here) < WAY.index(target):
        return WAY[WAY.index(here) + 1 : WAY.index(target) + 1]
    return (target,)


class CloseCode(StrEnum):
    """How a change ended."""

    SUCCESSFUL = "successful"
    WITH_ISSUES = "with issues"
    UNSUCCESSFUL = "unsuccessful"
    BACKED_OUT = "backed out"


class ApprovalState(StrEnum):
    """What somebody, or the record as a whole, was asked and has answered."""

    NOT_REQUESTED = "not_requested"
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    NOT_REQUIRED = "not_required"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Planned:
    """From when to when the change is to be made; the end is not a part of it."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse a moment without a zone, which means another one on every machine, and an end before the start."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a planned start and end have a time zone")
        if self.end <= self.start:
            raise ValueError("a planned end is after its start")


@dataclass(frozen=True, slots=True)
class Content:
    """What a record is to hold. None is not ours to say; an empty text clears what is there.

    ``template`` names the pre-approved template of a standard change. ``requested_by``, ``assignment_group`` and
    ``configuration_item`` are the other system's own ids, or what it finds them by (an e-mail address, a name).
    ``extra`` are fields of the other system, by its own names.
    """

    correlation_id: str
    type: ChangeType
    short_description: str
    description: str
    correlation_display: str = ""
    template: str = ""
    justification: str | None = None
    implementation_plan: str | None = None
    risk_impact_analysis: str | None = None
    backout_plan: str | None = None
    test_plan: str | None = None
    planned: Planned | None = None
    assignment_group: str | None = None
    configuration_item: str | None = None
    requested_by: str | None = None
    cab_required: bool | None = None
    actual_start: datetime | None = None
    actual_end: datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could not be found again, and a standard change that says not which."""
        if not CORRELATION.fullmatch(self.correlation_id):
            raise ValueError("a correlation id is made of letters, digits and : . _ -, 100 at most")
        if (self.type is ChangeType.STANDARD) != bool(self.template):
            raise ValueError("a standard change has a template, and no other has")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record: its ``number`` for people, its ``id`` for every later call, and where people look at it."""

    number: str
    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody there, by what that system calls them; a part that it does not tell is empty."""

    id: str
    user_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's answer, as the system tells it: a fact to judge, not yet an approval that counts.

    ``set_by`` is who wrote the answer; it is somebody else when a delegate, an administrator or a program did.
    ``at`` is None where the system does not tell. ``asked`` is the number of the question that it answers, where the
    system gives each round one of its own.
    """

    approver: Identity
    state: ApprovalState
    at: datetime | None
    set_by: str
    group: str = ""
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that the planned window collides with, in the system's words: another change, or a schedule."""

    kind: str
    other: str = ""


class CheckState(StrEnum):
    """How far the system's own check for conflicts has come."""

    NOT_RUN = "not run"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What the system's own check found, when it ran last; as long as it is not done, an empty list says nothing."""

    state: CheckState
    ran: datetime | None = None
    found: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """That a record was closed there, by whom and when, and what was said of how it ended.

    ``code`` is None when ``code_there`` stands for none of ours.
    """

    code: CloseCode | None
    code_there: str
    notes: str
    by: Identity
    at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A record as it is now. ``closed`` is None while it is open.

    ``state`` is None when ``state_there`` stands for none of ours: nothing may be concluded from it, and least of all
    that the change is approved. ``revision`` grows with each change; what is older than a known one is late news.
    ``checked_at`` is when the system's own check for conflicts ran last, where it tells that.
    """

    receipt: Receipt
    correlation_id: str
    state: State | None
    state_there: str
    approval: ApprovalState | None
    approvals: tuple[Approval, ...]
    planned: Planned | None
    on_hold: bool
    description: str
    revision: int
    changed_at: datetime
    changed_by: str
    closed: Closed | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """How it ended, and what there is to say about it."""

    code: CloseCode
    notes: str


Asking = Callable[[], AbstractAsyncContextManager[None]]
"""What is done around the one request that makes a record."""


class RecordSystem(Protocol):
    """A register of change records: our own, ServiceNow, or Jira Service Management.

    Every operation raises `bot.errors.Transient` when it may work later, and `bot.errors.Refusal`, in the system's own
    words and with a remedy, when a person has to act. Every operation may be asked again after any outcome.
    """

    @property
    def name(self) -> str:
        """What people call the system."""
        ...

    @property
    def settles(self) -> timedelta:
        """How long a record can still come that was asked for and not answered."""
        ...

    async def open(self, content: Content, *, asking: Asking = nullcontext) -> Receipt:
        """The one record with this correlation id, made when there is none: that is asked for within ``asking``.

        A record that is still a draft is brought to ``content``; a later one is left as it is, for `update` to change.

        Raises:
            Unsettled: nobody knows whether one was made; until that is settled, it is looked for with `find` only.

        """
        ...

    async def find(self, correlation_id: str, *, kept: str = "") -> Receipt | None:
        """The record with this correlation id, and no other: of several, all but one are cancelled with a note.

        ``kept`` is the id of the one that stays, else it is the oldest; None where there is none.

        Raises:
            Disagrees: another one is not Countersign's to cancel any more.

        """
        ...

    async def adopt(self, number: str, content: Content) -> Receipt:
        """Take the record of that number for this change, in place of any that was made for it.

        Somebody prepared it there; ``number`` is what they call it. It is taken while it is a draft or being assessed,
        is of the same type, names no other configuration item or group and no other change, and nobody has answered an
        approval of it. Then it carries the correlation id, says so in a note, and is brought to ``content``; one that
        Countersign had made is cancelled with a note. A record that carries the correlation id is taken already,
        wherever it is; one that is over is left as it is.

        Raises:
            Refusal: it is not there, or may not be taken; nothing was written.
            Disagrees: what was written is not kept, or another record of this change is not Countersign's to cancel.

        """
        ...

    async def update(self, ref: str, content: Content) -> Receipt:
        """Bring the record to ``content``; what is so already is not written again."""
        ...

    async def move(self, ref: str, state: State, *, closure: Closure | None = None) -> Snapshot:
        """Bring the record to ``state``, one legal step after another; ``closure`` is needed to close it."""
        ...

    async def read(self, ref: str) -> Snapshot:
        """The record as it is now, with every approval."""
        ...

    async def check_conflicts(self, ref: str) -> None:
        """Start the system's own check of the planned window; `conflicts` has what it finds."""
        ...

    async def conflicts(self, ref: str) -> Conflicts | None:
        """What that check found, or how far it has come; None where the system has none that a program can ask."""
        ...

    async def answer(self, ref: str, approval: str, state: ApprovalState, words: str) -> None:
        """Answer the approval of that number in the name of who was asked; ``words`` say who said so, and where.

        One that has an answer already is left as it is.

        Raises:
            Refusal: Countersign may not, or nobody can in the name of another.
            Disagrees: it said yes, and the approval is still open.

        """
        ...

    async def add_note(self, ref: str, text: str) -> None:
        """Add a note that only those who work on the record see; a note that is there already is not added again."""
        ...
