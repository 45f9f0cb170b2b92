"""What a delivery of GitHub says happened, as Countersign understands it."""

from dataclasses import dataclass
from datetime import datetime

from bot.facts.model import Account
from bot.unauthorised.model import Kind


@dataclass(frozen=True, slots=True)
class Where:
    """The repository of an event."""

    installation_id: int
    repository_id: int
    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class PullRequestTouched:
    """Something about a pull request changed. ``pushed`` is the head that ``sender`` just pushed, if that happened.

    ``onto`` is the branch that it was aimed at instead of another one, with the tip that the branch had, if that
    happened.
    """

    where: Where
    number: int
    pushed: str | None = None
    sender: Account | None = None
    onto: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CommandWritten:
    """A person created a comment on a pull request that has a line beginning with a slash.

    ``written_at`` is when, by GitHub's clock, in whole seconds.
    """

    where: Where
    number: int
    comment_id: int
    sender: Account
    text: str
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """Somebody pressed a button of our check run, or asked GitHub to run it again (``rerun``).

    ``external_id`` is what we wrote into the run: GitHub names no pull request there for forks and merge groups.
    """

    where: Where
    head: str
    external_id: str
    sender: Account
    button: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A branch got a new tip. ``sender`` is None for a deploy key or an account that GitHub does not name.

    ``before`` is the tip that it had; None for a new branch.
    """

    where: Where
    branch: str
    after: str
    sender: Account | None
    to_default: bool
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag was put somewhere, or moved to another commit (``moved``)."""

    where: Where
    tag: str
    after: str
    sender: Account | None
    moved: bool


@dataclass(frozen=True, slots=True)
class GateBypassed:
    """Something that weakens the gate itself was done: a protection taken away, or a check that goes by our name.

    ``repository_id`` is 0 where it concerns the whole organisation; ``reference`` makes it one thing; ``app_id`` is
    the App that reported a check.
    """

    installation_id: int
    repository_id: int
    kind: Kind
    reference: str
    what: str
    sender: Account | None
    at: datetime | None = None
    app_id: int | None = None


@dataclass(frozen=True, slots=True)
class MergeGroupRequested:
    """The merge queue asks for a check of a group."""

    where: Where
    base: str
    head: str
    head_ref: str


@dataclass(frozen=True, slots=True)
class MergeGroupDropped:
    """The merge queue has no use for a group any more: it was merged, or has to be made anew."""

    where: Where
    base: str
    head: str
    head_ref: str


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """What people may do changed, or what a repository is: ``concerns`` are the facts that it makes stale.

    ``joined`` and ``left``: in which place (``team:acme/appsec``, ``permission:77``) an account is from now on, or not.
    """

    installation_id: int
    concerns: tuple[str, ...]
    joined: tuple[tuple[str, int], ...] = ()
    left: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class InstallationChanged:
    """The App was installed, removed, suspended or given other repositories."""

    installation_id: int
    account_id: int
    account: str
    state: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing that Countersign looks at; ``reason`` is a word for the statistics."""

    reason: str


Event = (
    PullRequestTouched
    | CommandWritten
    | ButtonPressed
    | Pushed
    | Tagged
    | GateBypassed
    | MergeGroupRequested
    | MergeGroupDropped
    | StandingChanged
    | InstallationChanged
    | Ignored
)
NOT_WATCHED = Ignored("not-watched")
INCOMPLETE = Ignored("incomplete")
