"""The change record, as values: what is to be done, where it stands, who asked, voted, authorised, and when.

ITIL's words: a change is standard (authorised beforehand by a template), normal, or an emergency. Everything is frozen
and serialisable (``changes.codec``); a record is altered by ``changes.lifecycle`` alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.decide.verdict import Demand
from bot.deployments.windows import Interval
from bot.facts.model import Account, Instruction
from bot.policy.model import ChangeType, OnTimeout, Plan, Policy, Tier, TierRules
from bot.policy.tiers import raised


class State(StrEnum):
    """Where a change stands."""

    DRAFT = "draft"
    ASSESS = "assess"
    AUTHORIZE = "authorize"
    SCHEDULED = "scheduled"
    IMPLEMENT = "implement"
    REVIEW = "review"
    CLOSED = "closed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing can happen to the record any more."""
        return self in {State.CLOSED, State.CANCELLED}


class Closure(StrEnum):
    """What a change that was implemented came to."""

    SUCCESSFUL = "successful"
    WITH_ISSUES = "successful with issues"
    UNSUCCESSFUL = "unsuccessful"
    BACKED_OUT = "backed out"


class Act(StrEnum):
    """What can happen to a change."""

    REVISE = "revise"
    REFRESH = "refresh"
    DECLARE = "declare"
    SUBMIT = "submit"
    ASSESS = "assess"
    VOTE = "vote"
    WITHDRAW = "withdraw"
    AUTHORIZE = "authorize"
    REJECT = "reject"
    DEFER = "defer"
    EXTEND = "extend"
    ESCALATE = "escalate"
    LAPSE = "lapse"
    START = "start"
    OVERTAKE = "overtake"
    BYPASS = "bypass"
    FINISH = "finish"
    BACK_OUT = "back-out"
    REVIEW = "review"
    REMIND = "remind"
    REMIND_VERIFIERS = "remind-verifiers"
    CLOSE = "close"
    CANCEL = "cancel"
    ABANDON = "abandon"


class Choice(StrEnum):
    """What a member of the board can say.

    ``WITHDRAW`` takes the place of a vote whose review does not stand any more; nobody says it.
    """

    APPROVE = "approve"
    REJECT = "reject"
    DEFER = "defer"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Routing:
    """Who authorises a change, by the policy: nobody beyond the reviewers when ``quorum`` is 0.

    ``roles`` make up the board; ``quorum`` of its people approve, and among them one for each role of ``sign_off``.
    ``escalate_to`` are roles whose holders come to the board when it has not decided in time. Who has no other role
    than those ``besides`` signs, and that is no vote. ``against`` votes to reject, or to defer, decide; as many as the
    quorum where it is 0.
    """

    roles: tuple[str, ...] = ()
    quorum: int = 0
    sign_off: tuple[str, ...] = ()
    timeout: timedelta = timedelta()
    on_timeout: OnTimeout = OnTimeout.REJECT
    escalate_to: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    against: int = 0

    @property
    def voting(self) -> tuple[str, ...]:
        """The roles whose holders' votes count toward the quorum."""
        return tuple(role for role in self.roles if role not in self.besides)

    @property
    def has_board(self) -> bool:
        """Whether a board decides."""
        return self.quorum > 0


@dataclass(frozen=True, slots=True)
class Clash:
    """Something that a planned time collides with in another system, in its words: what kind of, and which."""

    kind: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of another system found in the way of a window, for one configuration item.

    ``why_not`` says, in that system's words, that it did not check: then nothing is known.
    """

    system: str
    window: Interval
    item: str
    found: tuple[Clash, ...] = ()
    why_not: str = ""

    def is_of(self, contents: "Contents") -> bool:
        """Whether it is about the change as it is planned now."""
        return (self.window, self.item) == (contents.window, contents.configuration_item)


@dataclass(frozen=True, slots=True)
class CommitLine:
    """A commit of the change and the people behind it, as the record shows them."""

    oid: str
    headline: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """That a plan is what somebody wrote in a comment; ``beside``: the description has another one."""

    plan: Plan
    by: Account
    at: datetime
    pull: int
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """What the record says of the change itself. All of it is worked out; nothing is typed into a form.

    ``diff`` names the change that is made, whatever it is based on: it stays the same in a clean rebase. A plan that
    is missing, or only a placeholder, is not in ``plans``; ``said`` names those that were written in comments.
    ``contributors`` are every account that had a hand in it.
    ``window`` is when it is planned, ``scheduled`` says that somebody chose it. ``template`` is the id of the standard
    change that it is. ``evidence`` is what shows that it was tested, a summary before the lines of each pull request
    (``changes.evidence``). ``apart`` are the applications and configuration items of which one is changed at a time.
    ``raised_from`` is the tier that a person raised it from; None where nobody did.
    ``checked`` is what another system's check found last; it can be about an earlier window.
    """

    title: str
    kind: ChangeType
    tier: Tier
    repository: str
    pulls: tuple[int, ...]
    head: str
    base: str
    diff: str
    description: str = ""
    justification: str = ""
    tier_because: tuple[str, ...] = ()
    application: str = ""
    configuration_item: str = ""
    commits: tuple[CommitLine, ...] = ()
    contributors: tuple[Account, ...] = ()
    plans: tuple[tuple[Plan, str], ...] = ()
    evidence: tuple[str, ...] = ()
    window: Interval | None = None
    scheduled: bool = False
    apart: tuple[str, ...] = ()
    routing: Routing = Routing()
    template: str = ""
    regulations: tuple[str, ...] = ()
    retention_days: int = 0
    raised_from: Tier | None = None
    checked: Checked | None = None
    said: tuple[Said, ...] = ()

    def under(self, policy: Policy) -> Policy:
        """The policy as it holds for this change, of which it demands what it did before somebody raised the risk."""
        return raised(policy, self.raised_from, self.tier)

    def rules(self, policy: Policy) -> TierRules:
        """What the policy demands of this change by its tier."""
        return self.under(policy).tiers[self.tier]

    def plan(self, which: Plan) -> str:
        """The text of a plan; empty when it is missing."""
        return dict(self.plans).get(which, "")


@dataclass(frozen=True, slots=True)
class Merge:
    """That a pull request was merged: by whom, and when."""

    by: Account
    at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """One pull request of a change, as its last look while it was open saw it; a release has many.

    ``contents`` is None from when it joins until it is looked at. ``blocking`` are the findings that block it,
    ``demands`` the approvals of reviewers that it needs and has, ``approvers`` who gave them; ``wish`` is when somebody
    wants it to be made, ``waiving`` who asked for the waivers that hold.
    """

    subject: str
    contents: Contents | None = None
    blocking: tuple[str, ...] = ()
    demands: tuple[Demand, ...] = ()
    wish: Instruction | None = None
    approvers: tuple[Account, ...] = ()
    waiving: tuple[Account, ...] = ()
    merge: Merge | None = None

    @property
    def number(self) -> int:
        """The pull request's number."""
        return int(self.subject.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Vote:
    """What a member of the board said, and for which ``diff`` in which ``round`` of asking. Votes are never altered.

    ``at`` is when it was said: the latest word of a person stands, whenever it was heard. ``review`` is the id of the
    review that it was said by. A withdrawal has the moment of the vote whose place it takes. ``place`` is where on the
    pages of the repository it stands (``pull/7#issuecomment-12``); empty for one that was heard from another system.
    """

    by: Account
    choice: Choice
    reason: str
    at: datetime
    diff: str
    round: int
    review: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """That somebody asked for the change to be authorised, and who was on the board then.

    ``by`` is None where Countersign asked by itself: no board decides, or one did not in time. ``roles`` make up the
    board that was asked. ``held`` has, for each of the ``members``, which of the roles they held then; it is empty in a
    request from before that was kept, which asked each member for every role that they hold.
    """

    by: Account | None
    at: datetime
    roles: tuple[str, ...] = ()
    members: tuple[Account, ...] = ()
    held: tuple[tuple[str, ...], ...] = ()

    def roles_of(self, account: Account) -> tuple[str, ...]:
        """For which of the roles the account was asked; none for whoever was not."""
        held = self.held or (self.roles,) * len(self.members)
        then = next((roles for who, roles in zip(self.members, held, strict=True) if who == account), ())
        return tuple(role for role in self.roles if role in then)


class Decided(StrEnum):
    """What a board came to in a round of asking, to complete "it was …"."""

    APPROVED = "approved"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    TOO_LATE = "rejected, since its time to decide was over"

    @property
    def rejects(self) -> bool:
        """Whether the change was rejected, by votes or by time."""
        return self in {Decided.REJECTED, Decided.TOO_LATE}


@dataclass(frozen=True, slots=True)
class Round:
    """What a board decided in a round of asking, and how its votes were counted then.

    ``uncounted`` has, for each vote of the round in the order of their time, why it did not count; empty for one that
    did. ``why`` says what was done in another system, where that decided it and not the votes. ``deadline`` is until
    when it should have decided. ``signs`` has, in the same order, the role that each vote signed for; it is empty in a
    round from before that was kept.
    """

    number: int
    outcome: Decided
    at: datetime
    uncounted: tuple[str, ...] = ()
    why: str = ""
    deadline: datetime | None = None
    signs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authorisation:
    """That the change may be made: this ``diff``, on these terms, by these people.

    ``by`` are those of its board, ``reviewers`` whose approvals of the code the policy counted, ``policy`` its digest.
    """

    at: datetime
    diff: str
    routing: Routing
    template: str = ""
    by: tuple[Account, ...] = ()
    policy: str = ""
    reviewers: tuple[Account, ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    """That a change is an emergency: who says so, why, and for which incident."""

    by: Account
    at: datetime
    reason: str
    incident: str


@dataclass(frozen=True, slots=True)
class Retrospective:
    """That somebody looked at an emergency afterwards, and what they found."""

    by: Account
    at: datetime
    said: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change record. ``subject`` is the pull request that it was opened for: ``pull:<repository id>:<number>``.

    Others may have joined it since: ``contents.pulls`` are all that ship together. One that was cancelled because its
    pull request joined another record names that as its ``successor``.
    ``round`` counts how often it was asked to be authorised, ``called_at`` is when that began last; ``requesters`` are
    all who ever asked for it, or for another record that what it ships was a part of, and ``waiving`` who asked for a
    waiver of what blocks it.
    ``deadline`` is when the board should have decided; ``escalation`` says who was asked beside it when it had not.
    ``lapsed`` is the time that it was last authorised for and nothing was released in, until its board is asked anew.
    ``review_due`` is when an emergency should have been looked at; ``reminded``: it was not, and that was said.
    ``verification_due`` is when a release should have been confirmed in production, where that is demanded;
    ``verifiers_reminded``: it was not, and that was said.
    ``version`` grows with every transition. ``decided`` are the rounds in which its board came to a decision.

    ``started_at`` and ``ended_at`` are when it was really made, ``released_by`` is who did that; ``overtaken`` says why
    it should have waited then. ``abandoned``: it was cancelled since its pull request was closed without a merge.
    ``notes`` are what was said when it was closed or cancelled, ``closed_by`` and ``closed_at`` who did that and when.
    """

    number: str
    subject: str
    contents: Contents
    opened_at: datetime
    state: State = State.DRAFT
    version: int = 1
    emergency: Declaration | None = None
    request: Request | None = None
    requesters: tuple[Account, ...] = ()
    waiving: tuple[Account, ...] = ()
    round: int = 0
    votes: tuple[Vote, ...] = ()
    deadline: datetime | None = None
    escalation: Request | None = None
    authorisation: Authorisation | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    backed_out: bool = False
    review_due: datetime | None = None
    reminded: bool = False
    retrospective: Retrospective | None = None
    closure: Closure | None = None
    successor: str = ""
    released_by: tuple[Account, ...] = ()
    overtaken: str = ""
    abandoned: bool = False
    notes: str = ""
    closed_by: Account | None = None
    closed_at: datetime | None = None
    rescheduled_at: datetime | None = None
    verification_due: datetime | None = None
    verifiers_reminded: bool = False
    decided: tuple[Round, ...] = ()
    lapsed: Interval | None = None
    called_at: datetime | None = None

    @property
    def repository(self) -> int:
        """The number of its repository, which stays whatever that is called."""
        return int(self.subject.split(":")[1])

    @property
    def is_unauthorised(self) -> bool:
        """Whether it was released, and nobody had authorised that."""
        return self.state is State.CANCELLED and self.started_at is not None


@dataclass(frozen=True, slots=True)
class Event:
    """That something is to happen to a change. ``who`` is None when Countersign itself acts: time passed, say.

    ``at`` is when something happened that is only noted: it is judged by that moment, however late it is heard of.
    ``final``: the system that keeps the record has rejected it as a whole, or cancelled it. ``rescheduled``: somebody
    planned it anew. ``said_at`` is when somebody said it, where that is not the moment of the look; ``review`` the
    review by which, and ``place`` where on the pages of the repository.
    """

    act: Act
    who: Account | None = None
    why: str = ""
    contents: Contents | None = None
    choice: Choice | None = None
    incident: str = ""
    closure: Closure | None = None
    successor: str = ""
    at: datetime | None = None
    final: bool = False
    rescheduled: bool = False
    said_at: datetime | None = None
    review: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """What happened to a change: who did what, when, why. ``version`` is the record's after it."""

    number: str
    version: int
    act: Act
    before: State
    after: State
    who: Account | None
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is said in a comment when something happened to a change, since somebody has to act on it.

    ``number``, ``version`` and ``act`` are those of the transition that it tells of. ``called`` are the teams and
    accounts that ``text`` mentions. It is worth saying while the change is in ``state`` and ``round``.
    """

    number: str
    version: int
    act: Act
    state: State
    round: int
    called: tuple[str, ...]
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Applied:
    """The change after what happened, the transition that says so, and what is announced of it."""

    change: Change
    transition: Transition
    announcement: Announcement | None = None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is to be said of a record in another system, and whether the change waits for it."""

    said: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Why something cannot happen to a change, and what would help."""

    what: str
    remedy: str = ""
