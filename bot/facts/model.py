"""The facts of a pull request: one frozen snapshot, and nothing that was not read from somewhere.

Everything here is serialisable (``facts.codec``) and hashable by value, so that a decision can be made again from what
was recorded. Accounts are known by GitHub's numeric id: a login is a label that can be renamed or taken over.
Nothing that changes without the world changing (the time of reading, an answer's order) belongs in here.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class AccountKind(StrEnum):
    """What an account is; only a user can be a person."""

    USER = "user"
    BOT = "bot"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """A GitHub account. Two accounts are the same when their ids are."""

    id: int
    login: str = field(compare=False)
    kind: AccountKind = field(default=AccountKind.USER, compare=False)


class Permission(IntEnum):
    """What an account may do in a repository, in GitHub's order."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account may do at the time of reading: its permission, and the policy's teams that it is in.

    The permission is what it has at least: where the policy does not tell apart who may all push, nobody asks further.

    Teams are written ``organisation/slug``, in lower case and sorted. ``joined`` says since when the account has been
    in a team (or has had its permission, under ``PERMISSION``); what is older than the records is not in it.
    """

    account: Account
    permission: Permission
    teams: tuple[str, ...] = ()
    joined: tuple[tuple[str, datetime], ...] = ()

    def since(self, place: str) -> datetime | None:
        """Since when the account has been in the team ``place``; None when that is older than the records."""
        return dict(self.joined).get(place)


PERMISSION = "permission"
"""Stands among the teams in `Standing.joined` for the account's own permission in the repository."""


@dataclass(frozen=True, slots=True)
class GitIdentity:
    """A name and an e-mail address as git has them; ``account`` is None when GitHub links the address to nobody."""

    name: str
    email: str
    account: Account | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A commit's signature. ``by_github`` says that GitHub made the commit (web editor, merge button)."""

    valid: bool
    state: str
    signer: Account | None
    by_github: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the change. ``authors`` has the author first, then every co-author.

    ``repeats`` has the commits that its message says it reverts or was picked from.
    """

    oid: str
    headline: str
    authors: tuple[GitIdentity, ...]
    committer: GitIdentity | None
    parents: tuple[str, ...]
    signature: Signature | None = None
    repeats: tuple[str, ...] = ()

    @property
    def is_merge(self) -> bool:
        """Whether the commit joins two lines of history."""
        return len(self.parents) > 1

    @property
    def made_by_github(self) -> bool:
        """Whether GitHub made and signed the commit for somebody."""
        return self.signature is not None and self.signature.valid and self.signature.by_github


@dataclass(frozen=True, slots=True)
class Origin:
    """A commit that a commit of the change reverts or repeats, with who wrote it; nobody where GitHub has none."""

    oid: str
    authors: tuple[GitIdentity, ...]


class TurnKind(StrEnum):
    """What makes an approval given before it one of something else."""

    RETARGETED = "retargeted"
    READY = "ready"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn in the life of the pull request; ``was`` and ``now`` are the base branches of a retargeted one."""

    kind: TurnKind
    at: datetime
    was: str = ""
    now: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """When a pull request was merged, or closed without that, and by whom; None for an account that is gone."""

    at: datetime
    by: Account | None


@dataclass(frozen=True, slots=True)
class Disowned:
    """A person says that they are no co-author of a commit whose message names them as one."""

    commit: str
    account: Account


@dataclass(frozen=True, slots=True)
class Named:
    """The account that a login of the policy stood for when it was first looked up; logins can change hands."""

    login: str
    id: int


@dataclass(frozen=True, slots=True)
class Unauthorised:
    """Something that went around the gate and that nobody has acknowledged yet; ``what`` is a sentence."""

    id: int
    kind: str
    what: str
    actor: Account | None
    at: datetime


@dataclass(frozen=True, slots=True, order=True)
class Reported:
    """What another tool says of the head commit, in a check run or a commit status; never Countersign itself.

    ``by`` is the App, or who set the status. ``word`` is GitHub's word for how it ended, empty while it has not.
    """

    name: str
    by: str
    word: str
    url: str = ""
    at: datetime | None = None


class ReviewState(StrEnum):
    """GitHub's states of a review; ``PENDING`` ones are never read."""

    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    COMMENTED = "COMMENTED"
    DISMISSED = "DISMISSED"


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it stands now. ``commit`` is the head that was reviewed, None when git has forgotten it.

    ``edited_by`` is who last edited the text, the author included; the state, not the words, is what counts.
    ``text`` is the beginning of what somebody wrote who asks for changes, unless somebody else edited it.
    """

    id: int
    author: Account | None
    state: ReviewState
    commit: str | None
    submitted_at: datetime
    edited_at: datetime | None = None
    edited_by: Account | None = None
    text: str = ""


class FileChange(StrEnum):
    """GitHub's kinds of change of a file."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    COPIED = "COPIED"
    DELETED = "DELETED"
    MODIFIED = "MODIFIED"
    RENAMED = "RENAMED"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that the change touches, under its new name; ``previous`` is the old one of a file that was renamed."""

    path: str
    change: FileChange
    additions: int
    deletions: int
    previous: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that it concerns: where something is taken away is touched, too."""
        return (self.path, self.previous) if self.previous else (self.path,)


@dataclass(frozen=True, slots=True)
class Push:
    """A push that put ``after`` at the tip of a branch. ``actor`` is None for a deploy key or an unknown account."""

    after: str
    actor: Account | None


class Mergeability(StrEnum):
    """GitHub's answer to "could this be merged?"; ``UNKNOWN`` while it computes."""

    MERGEABLE = "MERGEABLE"
    CONFLICTING = "CONFLICTING"
    UNKNOWN = "UNKNOWN"


class PullRequestState(StrEnum):
    """GitHub's states of a pull request."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    MERGED = "MERGED"


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and the commit at its tip; ``repository_id`` is None when a fork is gone."""

    name: str
    oid: str
    repository_id: int | None


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository that the change would alter."""

    id: int
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """``owner/name``, as people write it."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another open pull request of the repository with the same head commit: GitHub keeps one check for both.

    ``passes`` and ``enforced`` are what its own latest decision says, apart from what it says about siblings; None
    while there is none. ``author`` opened it.
    """

    number: int
    passes: bool | None = None
    enforced: bool | None = None
    author: Account | None = None


@dataclass(frozen=True, slots=True)
class FactsIncomplete:
    """Something that could not be read whole. It blocks: what is not known cannot be passed.

    ``what`` names it ("the list of commits"), ``why`` says the reason ("GitHub lists 250 of 312").
    """

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Gain:
    """Somebody whose own open change, ``repository`` (owner/name) and ``number``, would pass with another policy."""

    account: Account
    repository: str
    number: int


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy file that the change touches: whether it can be used, what it means for the record, and who gains.

    Of ``tried`` recorded changes, ``differing`` would be decided differently; ``untried`` more cannot be compared.
    ``refused`` are the keys of a repository's file that would loosen the policy above it, and would not hold.
    """

    path: str
    usable: bool
    tried: int = 0
    differing: int = 0
    gains: tuple[Gain, ...] = ()
    refused: tuple[str, ...] = ()
    untried: int = 0


@dataclass(frozen=True, slots=True)
class RecordFinding:
    """Something that the change record says of the change; ``verdict`` is pass, wait or fail."""

    id: str
    verdict: str
    headline: str
    what: str
    why: str = ""
    remedy: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waived:
    """That a finding does not block until a moment: who asked for that, who granted it, and why.

    ``number`` is that of the wish; ``diff`` names the change that it was asked for, ``head`` the commit at that time.
    """

    finding: str
    reason: str
    asked_by: Account
    granted_by: Account
    granted_at: datetime
    until: datetime
    number: int = 0
    head: str = ""
    diff: str = ""

    def in_force(self, now: datetime) -> bool:
        """Whether its time has come, and is not over."""
        return self.granted_at <= now < self.until


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """The change record: its number, where it stands, and what it says of the change.

    ``kind`` is the type of the change; empty where there is no record. ``window`` is from when to just before when its
    board has it released; None where none decides about that.
    """

    number: str
    state: str
    findings: tuple[RecordFinding, ...] = ()
    kind: str = ""
    window: tuple[datetime, datetime] | None = None


class Instructed(StrEnum):
    """What people can lay down for a change in a comment; the latest word of a kind holds, of a hold that on each."""

    HOLD = "hold"
    RAISE = "raise"
    PLAN_IMPLEMENTATION = "plan:implementation"
    PLAN_TEST = "plan:test"
    PLAN_BACKOUT = "plan:backout"
    PLAN_IMPACT = "plan:impact"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Instruction:
    """What somebody laid down for the change, and why; an empty ``value`` takes it back.

    ``instead`` names what the description said then, where this takes the place of a section of it; None where that is
    not known.
    """

    kind: Instructed
    value: str
    by: Account
    reason: str
    at: datetime
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class PullRequestFacts:
    """Everything that a decision about a pull request may look at.

    ``properties`` are the repository's custom properties, where the inventory asks for them.
    ``assigned`` are the people whom it was ever assigned to; ``head_seen_at`` is when the head was first pushed.
    ``clean_merges`` are merge commits that were shown to add nothing of their own; ``same_diff`` are commits, reviewed
    before, whose difference to the base is that of the head. ``only_approver`` is who alone approved so many of the
    author's latest changes that the policy wants it told. ``names`` has what the policy's logins stand for. ``ended``
    is how a pull request that is not open came to that. ``diff`` names what the change does, and to which branch, where
    something was waived that is bound to it. ``reported`` is what other tools say of the head, and ``reported_beside``
    how much of that GitHub has and did not list. ``requesters`` are who asked for a record of it to be authorised, and
    ``waiving`` who asked for waivers of what blocks that record, beside those of ``waivers``.
    """

    repository: Repository
    number: int
    title: str
    body: str
    state: PullRequestState
    draft: bool
    author: Account | None
    created_at: datetime
    base: Branch
    head: Branch
    mergeability: Mergeability
    additions: int
    deletions: int
    labels: tuple[str, ...] = ()
    commits: tuple[Commit, ...] = ()
    reviews: tuple[Review, ...] = ()
    files: tuple[ChangedFile, ...] = ()
    pushes: tuple[Push, ...] = ()
    standings: tuple[Standing, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    incomplete: tuple[FactsIncomplete, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    policy_changes: tuple[PolicyChange, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    waivers: tuple[Waived, ...] = ()
    diff: str = ""
    record: RecordFacts | None = None
    turns: tuple[Turn, ...] = ()
    assigned: tuple[Account, ...] = ()
    head_seen_at: datetime | None = None
    clean_merges: tuple[str, ...] = ()
    same_diff: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    disowned: tuple[Disowned, ...] = ()
    names: tuple[Named, ...] = ()
    only_approver: Account | None = None
    unauthorised: tuple[Unauthorised, ...] = ()
    ended: Ended | None = None
    reported: tuple[Reported, ...] = ()
    reported_beside: int = 0
    requesters: tuple[Account, ...] = ()
    waiving: tuple[Account, ...] = ()

    @property
    def holds(self) -> tuple[Instruction, ...]:
        """The holds that stand, one for each who holds; everybody's own stands until it is lifted."""
        return tuple(each for each in self.instructions if each.kind is Instructed.HOLD and each.value)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the change touches, each once."""
        return tuple(dict.fromkeys(path for file in self.files for path in file.paths))

    def instructed(self, kind: Instructed) -> Instruction | None:
        """What holds of that kind; None when nobody laid anything down, or it was taken back."""
        found = next((each for each in self.instructions if each.kind is kind), None)
        return found if found is not None and found.value else None

    @property
    def lines_changed(self) -> int:
        """Added and deleted lines together."""
        return self.additions + self.deletions

    @property
    def from_fork(self) -> bool:
        """Whether the head lies in another repository, where pushes are not announced to the App."""
        return self.head.repository_id != self.repository.id


@dataclass(frozen=True, slots=True)
class MergeGroupFacts:
    """A group of the merge queue: its head commit, and the facts of each pull request that it would merge."""

    repository: Repository
    base: str
    head: str
    members: tuple[PullRequestFacts, ...] = ()
    incomplete: tuple[FactsIncomplete, ...] = ()
