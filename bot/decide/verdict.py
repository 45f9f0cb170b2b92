"""What a decision says: a verdict, and the tree of findings that leads to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.facts.model import Account
from bot.policy.model import Mode, Policy, Tier
from bot.policy.tiers import raised


class Verdict(StrEnum):
    """Whether the change may go on; ``WAIT`` says for whom or until when, ``WAIVED`` by whom."""

    PASS = "pass"
    WAIT = "wait"
    FAIL = "fail"
    WAIVED = "waived"


_WORST_FIRST = (Verdict.FAIL, Verdict.WAIT, Verdict.WAIVED, Verdict.PASS)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that prevails. Nothing looked at is no pass: an empty set fails."""
    found = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in found), Verdict.FAIL)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark at lines of a file; lines start at 1."""

    path: str
    start_line: int
    end_line: int
    title: str
    message: str
    failure: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    ``id`` is stable and names the rule (``approvals``, ``separation:contributor-approver``); ``headline`` is at most 50
    characters for a list; ``what`` and ``why`` are sentences; ``remedy`` says who can do what next, and is empty only
    when nothing is to be done. ``controls`` are the ids of the regulations' controls that it gives evidence for.
    ``observed``: the policy has it reported only, so that it says what it found and does not block.
    ``until`` is the moment at which time alone could change it; ``minutes`` says that it is a matter of minutes.
    """

    id: str
    verdict: Verdict
    headline: str
    what: str
    why: str = ""
    remedy: str = ""
    who: tuple[Account, ...] = ()
    controls: tuple[str, ...] = ()
    until: datetime | None = None
    minutes: bool = False
    annotations: tuple[Annotation, ...] = ()
    parts: tuple["Finding", ...] = ()
    observed: bool = False

    @property
    def blocks(self) -> Verdict:
        """The part that it has in the verdict."""
        return Verdict.PASS if self.observed else self.verdict


@dataclass(frozen=True, slots=True)
class CountedReview:
    """What became of a review: ``counts_for`` says the demand that it fills; else ``reason`` says why it fills none."""

    review: int
    account: Account | None
    commit: str | None
    counts_for: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Demand:
    """A demand for approvals and how far it is met; ``from_whom`` says who could still give one."""

    label: str
    needed: int
    given: int
    from_whom: str


@dataclass(frozen=True, slots=True)
class Involvement:
    """A person's part in the change, with the reasons ("co-author of 3f2ac91")."""

    accounts: tuple[Account, ...]
    role: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one commit, and everything that led to it.

    ``tier_because`` has a sentence per reason. ``next_at`` is the next moment at which time alone could change it.
    ``raised_from`` is the tier that a person raised it from, and None where nobody did.
    """

    head: str
    mode: Mode
    tier: Tier
    tier_because: tuple[str, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    reviews: tuple[CountedReview, ...] = ()
    demands: tuple[Demand, ...] = ()
    people: tuple[Involvement, ...] = ()
    next_at: datetime | None = None
    raised_from: Tier | None = None

    def under(self, policy: Policy) -> Policy:
        """The policy as it holds for this change, of which it demands what it did before somebody raised the risk."""
        return raised(policy, self.raised_from, self.tier)
