"""What every control looks at: the facts, the policy, and what was worked out of them once."""

from dataclasses import dataclass
from datetime import datetime

from bot.decide.approvals import Tally
from bot.decide.contributors import Contributors
from bot.facts.model import PullRequestFacts
from bot.facts.people import People
from bot.policy.model import Policy, Tier


@dataclass(frozen=True, slots=True)
class Context:
    """One change, ready to be looked at by the controls."""

    facts: PullRequestFacts
    policy: Policy
    now: datetime
    tier: Tier
    people: People
    contributors: Contributors
    tally: Tally
