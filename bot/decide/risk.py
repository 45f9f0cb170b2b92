"""How risky a change is, with every reason: the tier of its application, raised by what it touches, never lowered."""

from dataclasses import dataclass

from bot.facts.model import Instructed, PullRequestFacts
from bot.policy.expressions import Failed, Subject, checked
from bot.policy.model import Application, Policy, Tier
from bot.words import quoted


@dataclass(frozen=True, slots=True)
class Risk:
    """The tier, a sentence for each reason, and the rules that had no answer: what they would say is not known.

    ``by_policy`` is the tier without what a person raises, ``above`` also without what the repository's own file does.
    """

    tier: Tier
    by_policy: Tier
    above: Tier
    because: tuple[str, ...]
    unanswered: tuple[tuple[str, str], ...] = ()


def risk_of(facts: PullRequestFacts, policy: Policy, application: Application | None, subject: Subject | None) -> Risk:
    """The risk of the change; what is in no inventory is high, and so is what a rule has no answer for.

    ``subject`` is what rules look at, and may be missing where there are none.
    """
    because = [_from_inventory(facts, application)]
    tier = Tier.HIGH if application is None else application.tier
    for change in facts.policy_changes:
        because.append(f"It changes the policy, {quoted(change.path)}.")
        tier = Tier.HIGH
    above = tier
    unanswered: list[tuple[str, str]] = []
    for rule in policy.risk:
        assert subject is not None, "rules look at something"
        to, said = rule.to, f"The rule {quoted(rule.id)} raises it to {rule.to.label}."
        try:
            if not checked(rule.when).holds(subject):
                continue
        except Failed as failed:
            unanswered.append((rule.id, str(failed)))
            to, said = Tier.HIGH, f"The rule {quoted(rule.id)} has no answer for this change: {failed}."
        because.append(said)
        tier = max(tier, to)
        above = above if rule.own else max(above, to)
    if policy.raised > Tier.LOW:
        because.append(f"The repository's own policy raises it to {policy.raised.label}.")
    by_policy = tier = max(tier, policy.raised)
    raised_by = facts.instructed(Instructed.RAISE)
    if raised_by is not None:
        because.append(f"@{raised_by.by.login} raised it to {raised_by.value}: {raised_by.reason}")
        tier = max(tier, Tier[raised_by.value.upper()])
    return Risk(tier, by_policy, above, tuple(because), tuple(unanswered))


def _from_inventory(facts: PullRequestFacts, application: Application | None) -> str:
    if application is None:
        return f"{facts.repository.full_name} is in no application of the inventory."
    return f"{quoted(application.name)} is of tier {application.tier.label}."
