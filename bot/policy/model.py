"""The policy in force, as values: what a decision needs to know of the rules, and nothing of files.

Built from YAML by ``policy.load`` and merged by ``policy.layers``; pure and frozen. Durations are exact, but for those
of the calendar, which are read on the clock on the wall; its moments and dates are those of its time zone.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

from bot.facts.model import Named


class Mode(StrEnum):
    """Whether the verdict blocks. ``OBSERVE`` reports what it would say and never blocks."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class Tier(IntEnum):
    """The risk of a change; a higher one demands more."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    @property
    def label(self) -> str:
        """The word used in policy files and sentences."""
        return self.name.lower()


class Role(StrEnum):
    """A part that a person can have in one change."""

    AUTHOR = "author"
    CONTRIBUTOR = "contributor"
    APPROVER = "approver"
    REQUESTER = "requester"
    CAB = "cab"
    MERGER = "merger"
    DEPLOYER = "deployer"
    VERIFIER = "verifier"
    POLICY_OWNER = "policy-owner"


class ChangeType(StrEnum):
    """ITIL's types of change. A standard one is authorised beforehand, by its template."""

    STANDARD = "standard"
    NORMAL = "normal"
    EMERGENCY = "emergency"


class Plan(StrEnum):
    """The plans that a change record can need."""

    IMPLEMENTATION = "implementation"
    TEST = "test"
    BACKOUT = "backout"
    IMPACT = "impact"


class CarryOver(StrEnum):
    """Whether an approval of another commit counts: never, or when its diff against the base is the same."""

    NEVER = "never"
    SAME_DIFF = "same-diff"


class OnTimeout(StrEnum):
    """What becomes of a request that the board did not decide in time, the strictest first."""

    REJECT = "reject"
    ESCALATE = "escalate"
    EXTEND = "extend"


class System(StrEnum):
    """Where change records are kept."""

    REGISTER = "register"
    SERVICENOW = "servicenow"
    JIRA = "jira"

    @property
    def spoken(self) -> str:
        """What people call it."""
        return {"servicenow": "ServiceNow", "jira": "Jira"}.get(self.value, "Countersign's own register")


BOARD = "cab"
"""The role of a policy whose holders are the Change Advisory Board."""

EMERGENCY_BOARD = "ecab"
"""The role whose holders are the board in an emergency; the board itself where the policy has no such role."""

_ABOVE_WRITE = frozenset({"maintain", "admin"})


@dataclass(frozen=True, slots=True)
class Approvals:
    """A demand: ``count`` approvals, each by another person, from any of ``groups``.

    A group is ``write``, ``maintain`` or ``admin`` (a permission in the repository, or more), or a role of the policy.
    """

    count: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cab:
    """How the Change Advisory Board decides.

    ``quorum`` votes to approve, within ``timeout`` of the request. ``reviews``: a member's review of the pull request
    that approves it, or requests changes, is a vote as well. ``escalate_to`` are roles that decide with the board when
    it is escalated; without one, the board itself has as much time again. ``against``
    votes to reject, or to defer, decide as well: as many as the quorum where it is 0. A repository's file that asks for
    a larger quorum does not make it harder to say no.
    """

    quorum: int
    timeout: timedelta = timedelta(hours=24)
    on_timeout: OnTimeout = OnTimeout.REJECT
    reviews: bool = False
    escalate_to: tuple[str, ...] = ()
    against: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``at_most`` deployments of an application within any ``per``."""

    at_most: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Verification:
    """Somebody from one of the ``groups`` confirms the change in production within ``within``."""

    groups: tuple[str, ...]
    within: timedelta


@dataclass(frozen=True, slots=True)
class TierRules:
    """What a change of one tier needs.

    ``windows`` are sets of names of windows: of each set, one must be open. ``deployments`` all hold. ``sign_off`` are
    roles, each of which signs. ``pairing``: whoever deploys has somebody beside them. ``heard`` are groups that a
    repository's file puts a higher one in the place of: nobody asks for their approval, and what they object to stands.
    ``besides`` are roles of ``sign_off`` that only a repository's file asks for: they sign, and that is no vote.
    """

    approvals: tuple[Approvals, ...]
    change: ChangeType = ChangeType.NORMAL
    sign_off: tuple[str, ...] = ()
    cab: Cab | None = None
    plans: tuple[Plan, ...] = ()
    windows: tuple[tuple[str, ...], ...] = ()
    deployments: tuple[Rate, ...] = ()
    cool_down: timedelta = timedelta()
    verification: Verification | None = None
    pairing: bool = False
    heard: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    @property
    def voting(self) -> tuple[str, ...]:
        """The roles whose signatures are votes of the board: those that the organisation asks for."""
        return tuple(role for role in self.sign_off if role not in self.besides)

    @property
    def board(self) -> Cab | None:
        """How the board decides, also where roles sign and nothing is said of a board: with a vote of each of them."""
        return self.cab or (Cab(len(self.voting)) if self.voting else None)


@dataclass(frozen=True, slots=True)
class Reviews:
    """When an approval counts, and which of them are noteworthy.

    ``member_for``: how long somebody must have been in the approving team. ``quick`` and ``large``: an approval that
    comes within ``quick`` of the moment when there was something to review of more than ``large`` lines is reported.
    ``pair``: so many approvals of one person by one other within 90 days, and none by anybody else, are reported.
    """

    carry_over: CarryOver = CarryOver.NEVER
    member_for: timedelta = timedelta()
    quick: timedelta = timedelta(minutes=1)
    large: int = 500
    pair: int = 10


@dataclass(frozen=True, slots=True)
class Separation:
    """Two roles that one person must not hold in one change of one of the tiers."""

    roles: frozenset[Role]
    tiers: frozenset[Tier] = frozenset(Tier)


@dataclass(frozen=True, slots=True)
class Application:
    """An entry of the inventory: which repositories (names or shell patterns), and how risky a change to them is.

    ``properties``: instead of names, the values of custom properties that a repository has. ``data`` are classes of
    data ("personal", "cardholder"); ``environments`` maps a kind of environment ("production") to name patterns.
    ``mode`` None is that of the policy.
    """

    name: str
    repositories: tuple[str, ...]
    tier: Tier
    properties: tuple[tuple[str, str], ...] = ()
    data: tuple[str, ...] = ()
    configuration_item: str = ""
    environments: tuple[tuple[str, tuple[str, ...]], ...] = ()
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class RiskRule:
    """Raises the tier of a change to ``to`` when the CEL expression ``when`` is true of it.

    ``own``: it stands in the repository's own file.
    """

    id: str
    to: Tier
    when: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the organisation's own: where ``when`` is true, ``require`` must be, or ``message`` is shown."""

    id: str
    when: str
    require: str
    message: str
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """When something may be released: from each occurrence of ``rrule`` (RFC 5545, local time) for ``duration``."""

    rrule: str
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Freeze:
    """When nothing may be released: recurring, or from one day to another (the end included), but for ``excepted``."""

    name: str
    rrule: str = ""
    duration: timedelta = timedelta()
    first: date | datetime | None = None
    last: date | datetime | None = None
    excepted: tuple[ChangeType, ...] = ()


@dataclass(frozen=True, slots=True)
class Calendar:
    """Windows by name, each with the definitions that must all be open; freezes; and the holidays of a region.

    ``holidays`` is a country, with a subdivision after a hyphen ("GB-ENG"), or a financial market ("XECB"): no window
    is open on one.
    """

    timezone: str = "UTC"
    holidays: str = ""
    windows: tuple[tuple[str, tuple[Window, ...]], ...] = ()
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """What infrastructure as code must have."""

    retention_days: int = 0
    encryption: bool = False
    access_logging: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checks:
    """What is looked for in changed files; ``actions_allowed`` None is any, tiers ``signed`` need signed commits."""

    secrets_config: str = ""
    infrastructure: Infrastructure = Infrastructure()
    dependencies_denied: tuple[str, ...] = ()
    licences_denied: tuple[str, ...] = ()
    actions_pinned: bool = False
    actions_allowed: tuple[str, ...] | None = None
    signed: frozenset[Tier] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence that a change needs, by kind; ``at_most`` bounds the figures of its report.

    ``stage``: ``merge`` or ``deployment``. ``require`` names what the tool itself must have concluded.
    """

    kind: str
    tool: str = ""
    name: str = ""
    require: str = ""
    at_most: tuple[tuple[str, float], ...] = ()
    suppressions: str = ""
    rules: str = ""
    stage: str = "merge"
    not_older_than: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Emergency:
    """Who may declare an emergency, the quorum of its board, and when its review is due.

    ``approvals`` are demanded of it instead of those of its tier; those of its tier where there are none.
    ``against`` is what it is of any board: so many votes to reject, or to defer, decide; the quorum where it is 0.
    """

    groups: tuple[str, ...] = ()
    quorum: int = 1
    review_within: timedelta = timedelta(days=3)
    lasts: timedelta = timedelta(hours=4)
    against: int = 0
    approvals: tuple[Approvals, ...] = ()


@dataclass(frozen=True, slots=True)
class Waivers:
    """Who may grant a waiver, and for how long at most; nobody when ``groups`` is empty."""

    groups: tuple[str, ...] = ()
    at_most: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Records:
    """Where change records are kept, how that system names things, and who is who there and here.

    ``carry_votes``: what people voted here is written into the approvals there, in their name.
    """

    system: System = System.REGISTER
    fields: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    people: tuple[tuple[str, str], ...] = ()
    carry_votes: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A standard change that is authorised beforehand: which files it may touch, and how large it may be.

    ``paths`` are patterns of RE2: one must be found in the path of each file; only ``^`` and ``$`` bind it to the ends.
    """

    id: str
    title: str
    paths: tuple[str, ...]
    lines: int
    expires: date


@dataclass(frozen=True, slots=True)
class Above:
    """Who holds which role, and which accounts are one person, without what a repository's own file says of it."""

    roles: dict[str, tuple[str, ...]]
    people: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A file that the policy is made of: where it stands and its git blob id."""

    origin: str
    blob: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a policy file, in words, with the place; lines and columns start at 1."""

    origin: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that is demanded of a change.

    ``roles`` maps a role of the policy to its holders: ``organisation/team`` or an account's login, in lower case.
    ``people`` has, per person with several accounts, those logins. ``observed`` are ids of findings that are reported
    and do not block. ``controls`` maps the id of a finding to the controls that the packs say it gives evidence for.
    ``acknowledging`` are the roles that may acknowledge an unauthorised change. ``exclusive`` are sets of applications
    or configuration items of which no two are to be changed at the same time. ``problems`` are of files that could
    not be used, or not wholly: the last good version stands in for them. ``undecidable`` says that the organisation's
    file has never worked, so that nobody knows what is demanded; ``unusable`` is where the repository's own file
    stands, if that is true of it. ``dropped`` has the holders that a repository's file took out of a role: they approve
    no more, and what they object to still stands. ``own_roles`` are roles that only the repository's file has: what
    others did is not theirs to undo. ``raised`` is the tier that the repository's file says its changes have at least.
    ``above`` has who is who without the repository's file; None where that says nothing else of it. ``names`` are the
    accounts that its logins are known to stand for: a policy has them once it is bound to what is known of accounts
    (``decide.approvals.bound``).
    """

    mode: Mode
    tiers: dict[Tier, TierRules]
    packs: tuple[str, ...] = ()
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    people: tuple[tuple[str, ...], ...] = ()
    applications: tuple[Application, ...] = ()
    risk: tuple[RiskRule, ...] = ()
    reviews: Reviews = Reviews()
    separation: tuple[Separation, ...] = ()
    calendar: Calendar = Calendar()
    checks: Checks = Checks()
    evidence: tuple[Evidence, ...] = ()
    emergency: Emergency = Emergency()
    waivers: Waivers = Waivers()
    acknowledging: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    records: Records = Records()
    templates: tuple[Template, ...] = ()
    retention_days: int = 2555
    rules: tuple[Rule, ...] = ()
    observed: tuple[str, ...] = ()
    controls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    layers: tuple[Layer, ...] = ()
    problems: tuple[Problem, ...] = ()
    undecidable: bool = False
    dropped: tuple[str, ...] = ()
    own_roles: tuple[str, ...] = ()
    raised: Tier = Tier.LOW
    above: Above | None = None
    names: tuple[Named, ...] = ()
    unusable: str = ""

    @property
    def objecting(self) -> "Policy":
        """The policy by which it is judged who may say no: it is not for a repository's file to take that away.

        Roles of the organisation have all their holders in it, and only accounts of which the organisation says so are
        one person.
        """
        if self.above is None:
            return self
        return replace(self, roles={**self.roles, **self.above.roles}, people=self.above.people)

    @property
    def organisation_roles(self) -> tuple[str, ...]:
        """The roles that the organisation has given out, by name."""
        return tuple(sorted({*self.roles} - {*self.own_roles}))

    @property
    def tells_writers_apart(self) -> bool:
        """Whether it demands more than write access anywhere."""
        demands = [each for rules in self.tiers.values() for each in rules.approvals]
        return any(group in _ABOVE_WRITE for each in (*demands, *self.emergency.approvals) for group in each.groups)

    @property
    def things(self) -> frozenset[str]:
        """What can be changed, by the names of the inventory: applications, and configuration items."""
        named = (name for each in self.applications for name in (each.name, each.configuration_item))
        return frozenset(named) - {""}

    @property
    def teams(self) -> frozenset[str]:
        """Every team that the policy names, as ``organisation/slug``."""
        groups = (*self.roles.values(), self.dropped)
        return frozenset(holder for holders in groups for holder in holders if "/" in holder)
