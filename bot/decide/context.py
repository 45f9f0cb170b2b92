"""What every control looks at: the facts, the policy, and what was worked out of them once."""

from dataclasses import dataclass
from datetime import datetime

from bot.decide.approvals import Tally
from bot.decide.contributors import Contributors
from bot.decide.risk import Risk
from bot.facts.model import PullRequestFacts
from bot.facts.people import People
from bot.policy.expressions import Subject
from bot.policy.model import Application, Policy, Tier


@dataclass(frozen=True, slots=True)
class Context:
    """One change, ready to be looked at by the controls. ``subject`` is what the policy's own rules look at, if any."""

    facts: PullRequestFacts
    policy: Policy
    now: datetime
    tier: Tier
    risk: Risk
    people: People
    contributors: Contributors
    tally: Tally
    application: Application | None
    subject: Subject | None
