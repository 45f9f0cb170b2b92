"""Who asked for a change, with what they asked for: that it is authorised, or that something about it is waived."""

from collections.abc import Mapping
from datetime import datetime

from bot.decide.duties import kept_apart
from bot.facts.model import Account, PullRequestFacts
from bot.facts.people import People, Person
from bot.policy.model import Policy, Role, Tier
from bot.words import quoted

Asking = Mapping[Person, tuple[str, ...]]
"""The persons who asked; what each of them asked for completes "asked for …"."""


def kept_from_approving(facts: PullRequestFacts, people: People, policy: Policy, tier: Tier, now: datetime) -> Asking:
    """Who asked for the change and must not approve it for that, by the policy as it holds for it; else nobody."""
    if not kept_apart(Role.REQUESTER, Role.APPROVER, policy.separation, tier):
        return {}
    wishes: list[tuple[Account, str]] = [(each, "the change to be authorised") for each in facts.requesters]
    in_force = [each for each in facts.waivers if each.in_force(now)]
    wishes += [(each.asked_by, f"a waiver of {quoted(each.finding)}") for each in in_force]
    named = {each.asked_by for each in in_force}
    wishes += [(each, "a waiver of what blocks the change") for each in facts.waiving if each not in named]
    found: dict[Person, list[str]] = {}
    for account, wish in wishes:
        found.setdefault(people.person(account), []).append(wish)
    return {person: tuple(dict.fromkeys(said)) for person, said in found.items()}
