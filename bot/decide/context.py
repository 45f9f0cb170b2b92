"""What every control looks at: the facts, the policy, and what was worked out of them once."""

from dataclasses import dataclass
from datetime import datetime

from bot.decide.approvals import Tally
from bot.decide.contributors import Contributors
from bot.decide.requesters import Asking
from bot.decide.risk import Risk
from bot.facts.model import PullRequestFacts
from bot.facts.people import People
from bot.policy.expressions import Subject
from bot.policy.model import Application, Policy, Tier


@dataclass(frozen=True, slots=True)
class Context:
    """One change, ready to be looked at by the controls.

    ``subjects`` are what the policy's own rules look at, if there are any: the change with its tier, and with the one
    that it has by the organisation alone, so that no rule is escaped by raising the tier. ``asking`` are who asked for
    it, and for what, where the policy keeps them from approving it.
    """

    facts: PullRequestFacts
    policy: Policy
    now: datetime
    tier: Tier
    risk: Risk
    people: People
    contributors: Contributors
    asking: Asking
    tally: Tally
    application: Application | None
    subjects: tuple[Subject, ...]
