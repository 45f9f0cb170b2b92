"""Who must not be whom in one change: the parts that people had in it, held against what the policy keeps apart.

Parts are of persons, not of accounts. It is the same rule for a pull request and for a deployment, whose contributors
are those of every commit that it ships.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.facts.people import Person
from bot.policy.model import Role, Separation, Tier

Parts = Mapping[Role, frozenset[Person]]
"""The persons that had each part in a change."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A person who had two parts that are kept apart."""

    person: Person
    roles: tuple[Role, Role]


def conflicts(parts: Parts, separation: Iterable[Separation], tier: Tier) -> tuple[Conflict, ...]:
    """Everybody who holds two roles that ``separation`` keeps apart for a change of ``tier``, in a stable order."""
    found = {
        Conflict(person, (first, second))
        for pair in separation
        if tier in pair.tiers
        for first, second in [_ordered(pair)]
        for person in parts.get(first, frozenset()) & parts.get(second, frozenset())
    }
    return tuple(sorted(found, key=lambda each: (each.roles, sorted(each.person))))


def barred(person: Person, role: Role, parts: Parts, separation: Iterable[Separation], tier: Tier) -> tuple[Role, ...]:
    """The parts that ``person`` has already and that keep them from ``role``; none when they may take it."""
    kept = {each for pair in separation if tier in pair.tiers and role in pair.roles for each in pair.roles - {role}}
    return tuple(sorted(each for each in kept if person in parts.get(each, frozenset())))


def kept_apart(first: Role, second: Role, separation: Iterable[Separation], tier: Tier) -> bool:
    """Whether nobody may have both parts in a change of ``tier``."""
    return any(pair.roles == {first, second} and tier in pair.tiers for pair in separation)


def may_answer_for(person: Person, involved: Iterable[Person]) -> bool:
    """Whether ``person`` may grant or acknowledge what the ``involved`` did or asked for.

    It holds whatever a policy says: who asks for a waiver never grants it, and who went around the gate never
    acknowledges that.
    """
    return all(not person & each for each in involved)


def _ordered(pair: Separation) -> tuple[Role, Role]:
    first, second = sorted(pair.roles)
    return first, second
