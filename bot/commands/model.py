"""What a command is: its usage, who may, and what it answers, in one value."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.changes.context import Context
from bot.changes.desk import Desk
from bot.changes.instructions import Asked
from bot.changes.model import Applied
from bot.changes.model import Change as Record
from bot.changes.waivers import Waiver
from bot.decide.verdict import Decision
from bot.facts.model import Account, Disowned, Instruction, Permission, PullRequestFacts, PullRequestState, Standing
from bot.policy.model import Policy, System
from bot.words import listed, unquoted

ALWAYS = frozenset(PullRequestState)
UNTIL_CLOSED = frozenset({PullRequestState.OPEN, PullRequestState.MERGED})
WHILE_OPEN = frozenset({PullRequestState.OPEN})
"""In which states of its pull request a command makes sense."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the decision was made from, the change record, and what people asked for about it.

    ``asked`` are the waivers that wait for an answer; ``link`` says where the record is in another system. ``named``
    are the records that the commands name by their numbers. ``diff`` names what the change does, and to which branch.
    """

    facts: PullRequestFacts
    policy: Policy
    subject: str = ""
    desk: Desk | None = None
    asked: tuple[Asked, ...] = ()
    link: str = ""
    now: datetime | None = None
    named: tuple[Record, ...] = ()
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a command can know.

    The decision that was just made and what it was made from, who gives the command, its arguments, and every command
    there is. ``written`` are the arguments as they stand in the comment, ``text`` is all of it up to the next command.
    ``comment`` is the id of the comment; None for a button. ``said_at`` is when it was said, where that is not the
    moment of the look.
    """

    decision: Decision
    arguments: tuple[str, ...]
    table: "tuple[Command, ...]"
    standing: Standing
    change: Change | None = None
    written: tuple[str, ...] = ()
    text: str = ""
    comment: int | None = None
    said_at: datetime | None = None

    def words(self, after: int = 0) -> str:
        """What was written after that many arguments, as a reason is kept.

        Quotation marks in it stay; those that all of it stands in do not.
        """
        return unquoted(" ".join(self.written[after:]))

    def lines(self) -> str:
        """What was written after the first argument, up to the next command, as ``words`` answers one line of it."""
        return unquoted("".join(self.text.split(maxsplit=1)[1:]).strip())


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody answers for the unauthorised change of that number."""

    change: int
    reason: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The change record went these steps."""

    steps: tuple[Applied, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """The pull request ships with another record from now on, and its own one went these steps."""

    record: Record
    steps: tuple[Applied, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """The pull request leaves the release of that number, by what is known at the moment."""

    number: str
    context: Context


@dataclass(frozen=True, slots=True)
class Linked:
    """The record of that number is to be kept as one that is in another system already."""

    number: str
    there: str
    system: System


@dataclass(frozen=True, slots=True)
class LaidDown:
    """Somebody laid something down for the change."""

    instruction: Instruction


@dataclass(frozen=True, slots=True)
class Lifted:
    """Somebody lifts the holds of these."""

    holders: tuple[Account, ...]
    instruction: Instruction


@dataclass(frozen=True, slots=True)
class WaiverAsked:
    """Somebody wants a finding of the change as it is now not to block until then."""

    finding: str
    reason: str
    until: datetime
    head: str = ""
    diff: str = ""


@dataclass(frozen=True, slots=True)
class WaiverAnswered:
    """Somebody granted a waiver, or denied it (None)."""

    asked: Asked
    waiver: Waiver | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WaiverRevoked:
    """Somebody takes the waiver of that number back."""

    number: int
    reason: str


Deed = (
    Disowned
    | Acknowledgement
    | Moved
    | Joined
    | Left
    | Linked
    | LaidDown
    | Lifted
    | WaiverAsked
    | WaiverAnswered
    | WaiverRevoked
)
"""What a command does beside answering; it goes on record with the command."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command. ``reply`` is a comment, and None when a reaction says enough."""

    done: bool
    reply: str | None = None
    deed: Deed | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command. ``permission`` is what its giver must have in the repository at least; ``whom`` says it more closely.

    ``weighty``: it does something that others rely on, and is not taken from an e-mail: whoever has the message that
    GitHub sent can answer it in the name of its receiver. ``states`` are those of the pull request in which it makes
    sense.
    """

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    permission: Permission
    run: Callable[[Situation], Answer]
    whom: str = ""
    weighty: bool = False
    states: frozenset[PullRequestState] = ALWAYS

    @property
    def when(self) -> str:
        """In which states of the pull request it is for, in words; empty where that makes no difference."""
        return "" if self.states == ALWAYS else f"while the pull request is {self._states}"

    @property
    def _states(self) -> str:
        return listed([each.value.lower() for each in PullRequestState if each in self.states], "or")

    def misplaced(self, change: Change | None) -> str | None:
        """Why it makes no sense on this pull request, as that is now; None when it does."""
        if change is None or change.facts.state in self.states:
            return None
        return too_late(self.name, change, self._states)

    @property
    def who(self) -> str:
        """Who may give it, in words."""
        return self.whom or f"anyone with {self.permission.name.lower()} access to the repository"

    def refusal(self, standing: Standing) -> str | None:
        """Why this account may not give the command; None when it may."""
        if standing.permission >= self.permission:
            return None
        return f"`/{self.name}` is for {self.who}; @{standing.account.login} does not have that."


def too_late(name: str, change: Change, states: str = "open") -> str:
    """That a command is for pull requests in other states than this one, and what there is to say of this one."""
    told = f"`/{name}` is for a pull request that is {states}; this one is {change.facts.state.value.lower()}."
    record = change.desk.change if change.desk is not None else None
    if record is None:
        return told
    return f"{told} {'`/change` shows how it ended' if record.state.over else '`/change close` says what came of it'}."
