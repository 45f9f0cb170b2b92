"""The policy in force, as values: what a decision needs to know of the rules, and nothing of files.

Built by ``policy.load`` from YAML and merged by ``policy.layers``; pure and frozen.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


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


_ABOVE_WRITE = frozenset({"maintain", "admin"})


@dataclass(frozen=True, slots=True)
class Approvals:
    """A demand: ``count`` approvals, each by another person, from any of ``groups``.

    A group is ``write``, ``maintain`` or ``admin`` (a permission in the repository, or more), or a role of the policy.
    """

    count: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TierRules:
    """What a change of one tier needs."""

    approvals: tuple[Approvals, ...]


@dataclass(frozen=True, slots=True)
class Separation:
    """Two roles that one person must not hold in one change of one of the tiers."""

    roles: frozenset[Role]
    tiers: frozenset[Tier] = frozenset(Tier)


@dataclass(frozen=True, slots=True)
class Application:
    """An entry of the inventory: which repositories (names or shell patterns), and how risky a change to them is."""

    name: str
    repositories: tuple[str, ...]
    tier: Tier


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
    ``people`` has, per person with several accounts, those logins. ``problems`` are of files that could not be used,
    or not wholly: the last good version stands in for them. ``undecidable`` says that the organisation's file has never
    worked, so that nobody knows what is demanded. ``dropped`` has the holders that a repository's file took out of a
    role: they approve no more, and what they object to still stands.
    """

    mode: Mode
    tiers: dict[Tier, TierRules]
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    people: tuple[tuple[str, ...], ...] = ()
    applications: tuple[Application, ...] = ()
    separation: tuple[Separation, ...] = ()
    layers: tuple[Layer, ...] = ()
    problems: tuple[Problem, ...] = ()
    undecidable: bool = False
    dropped: tuple[str, ...] = ()

    @property
    def tells_writers_apart(self) -> bool:
        """Whether it demands more than write access anywhere."""
        return any(
            group in _ABOVE_WRITE for rules in self.tiers.values() for each in rules.approvals for group in each.groups
        )

    @property
    def teams(self) -> frozenset[str]:
        """Every team that the policy names, as ``organisation/slug``."""
        groups = (*self.roles.values(), self.dropped)
        return frozenset(holder for holders in groups for holder in holders if "/" in holder)
