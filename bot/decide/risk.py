"""How risky a change is, with every reason."""

from bot.facts.model import PullRequestFacts
from bot.policy.inventory import application_of
from bot.policy.model import Policy, Tier
from bot.words import quoted


def tier_of(facts: PullRequestFacts, policy: Policy) -> tuple[Tier, tuple[str, ...]]:
    """The tier of the change, and a sentence for each reason. What is in no inventory is high."""
    application = application_of(policy, facts.repository.name)
    if application is None:
        return Tier.HIGH, (f"{facts.repository.full_name} is in no application of the inventory.",)
    return application.tier, (f"{quoted(application.name)} is of tier {application.tier.label}.",)
