"""What meets the demands of two layers of a policy for a change of a tier. Pure."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from bot.policy import values
from bot.policy.model import (
    Approvals,
    Cab,
    ChangeType,
    Emergency,
    OnTimeout,
    Plan,
    Policy,
    Tier,
    TierRules,
    Verification,
)
from bot.policy.schema import (
    TierPart,
)
from bot.policy.tightening import T, Tightening, shorter
from bot.words import spoken

_TYPES = (ChangeType.EMERGENCY, ChangeType.STANDARD, ChangeType.NORMAL)
"""Types of change by how much they ask for, the least first."""


_ENDS = tuple(reversed(OnTimeout))
"""What becomes of a request that was not decided in time, the strictest last."""


_PERMISSIONS = ("write", "maintain", "admin")


def tightened(upper: TierRules, part: TierPart, made: Tightening, path: tuple[str | int, ...]) -> TierRules:
    """The tier's rules with what a repository's file adds to them."""
    change = made.stricter(
        (*path, "change"),
        upper.change,
        ChangeType(part.change) if part.change else None,
        _TYPES.index,
        says=f"that this is a change of type {upper.change}",
    )
    cool_down = made.stricter(
        (*path, "cool_down"),
        upper.cool_down,
        part.cool_down,
        timedelta.total_seconds,
        says=f"that nothing follows for {spoken(upper.cool_down)}",
    )
    added = values.rules(part, TierRules(()))
    return replace(
        _both(upper, replace(added, besides=added.sign_off)),
        change=change,
        cool_down=cool_down,
        cab=_stricter_cab(upper, part, made, (*path, "cab")),
        verification=_stricter_verification(upper.verification, part, made, (*path, "verification")),
    )


def _stricter_cab(rules: TierRules, part: TierPart, made: Tightening, path: tuple[str | int, ...]) -> Cab | None:
    """The board with what the repository's file says of it: also of the one that the organisation's signatures are."""
    wanted, said = values.cab(part), part.cab.model_fields_set if part.cab is not None else frozenset()
    upper = rules.board
    if upper is None or wanted is None:
        return rules.cab or wanted

    def keep(key: str, above: T, below: T, order: Callable[[T], float], says: str) -> T:
        return made.stricter((*path, key), above, below if key in said else None, order, says=says)

    quorum = keep("quorum", upper.quorum, wanted.quorum, float, f"that the board needs {upper.quorum} for a change")
    return Cab(
        quorum=quorum,
        timeout=keep("timeout", upper.timeout, wanted.timeout, shorter, f"that the board has {spoken(upper.timeout)}"),
        on_timeout=keep(
            "on_timeout", upper.on_timeout, wanted.on_timeout, _ENDS.index, "what happens when the time is over"
        ),
        reviews=keep("reviews", upper.reviews, wanted.reviews, operator.not_, "that a review is not a vote"),
        # Nobody is a role that decides, not everybody: whoever takes all of them away leaves the board by itself.
        escalate_to=made.narrowed(
            (*path, "escalate_to"), upper.escalate_to, wanted.escalate_to, who="decides after an escalation"
        )
        if "escalate_to" in said
        else upper.escalate_to,
        against=enough_against(upper, quorum),
    )


def enough_against(upper: Cab | Emergency, quorum: int) -> int:
    """How many votes against decide where a repository's file makes the quorum ``quorum``: as many as did before."""
    return upper.against or (upper.quorum if quorum != upper.quorum else 0)


def _stricter_verification(
    upper: Verification | None, part: TierPart, made: Tightening, path: tuple[str | int, ...]
) -> Verification | None:
    wanted = values.verification(part)
    if upper is None or wanted is None:
        return upper or wanted
    by = made.stricter(
        (*path, "within"),
        upper.within,
        wanted.within,
        shorter,
        says=f"that a change is verified within {spoken(upper.within)}",
    )
    groups = made.narrowed((*path, "from"), upper.groups, wanted.groups, who="verifies", within=within)
    return Verification(groups or upper.groups, by)


def _both(upper: TierRules, added: TierRules) -> TierRules:
    """What meets both."""
    approvals, heard = _stricter(upper.approvals, added.approvals)
    sign_off, voting = values.union(upper.sign_off, added.sign_off), {*upper.voting, *added.voting}
    return TierRules(
        approvals=approvals,
        change=max(upper.change, added.change, key=_TYPES.index),
        sign_off=sign_off,
        cab=_both_boards(upper, added),
        plans=tuple(plan for plan in Plan if plan in {*upper.plans, *added.plans}),
        windows=values.union(upper.windows, added.windows),
        deployments=values.union(upper.deployments, added.deployments),
        cool_down=max(upper.cool_down, added.cool_down),
        verification=_both_verifications(upper.verification, added.verification),
        pairing=upper.pairing or added.pairing,
        heard=values.union(upper.heard, added.heard, heard),
        besides=tuple(role for role in sign_off if role not in voting),
    )


def _both_boards(one: TierRules, other: TierRules) -> Cab | None:
    """A board that is as strict as both, one of which may be made of signatures alone; None where both are."""
    upper, added = one.board, other.board
    if (one.cab is None and other.cab is None) or upper is None or added is None:
        return one.cab or other.cab
    quorum = max(upper.quorum, added.quorum)
    against = min(upper.against or upper.quorum, added.against or added.quorum)
    return Cab(
        quorum=quorum,
        timeout=min(upper.timeout, added.timeout),
        on_timeout=max(upper.on_timeout, added.on_timeout, key=_ENDS.index),
        reviews=upper.reviews and added.reviews,
        escalate_to=tuple(role for role in upper.escalate_to if role in added.escalate_to),
        against=against if against < quorum else 0,
    )


def _both_verifications(upper: Verification | None, added: Verification | None) -> Verification | None:
    """By somebody who is in a group of both: of the upper ones where they share none."""
    if upper is None or added is None:
        return upper or added
    shared = values.union(_inside(added.groups, upper.groups), _inside(upper.groups, added.groups))
    return Verification(shared or upper.groups, min(upper.within, added.within))


def _inside(groups: Iterable[str], others: Iterable[str]) -> list[str]:
    return [each for each in groups if any(within(each, other) for other in others)]


def _stricter(
    upper: tuple[Approvals, ...], added: tuple[Approvals, ...]
) -> tuple[tuple[Approvals, ...], tuple[str, ...]]:
    """What meets the demands of both: for each set of groups, as many approvals as the one that wants more of them.

    Whoever meets one of the added demands for a higher permission meets one of the upper ones for a lower. The groups
    that nobody asks for an approval any more because of that are the second value.
    """
    above, below = _by_groups(upper), _by_groups(added)
    spare = {groups: each.count for groups, each in below.items()}
    merged: list[Approvals] = []
    heard: list[str] = []
    left = {groups: demand.count for groups, demand in above.items()}
    # The same groups first: whoever repeats a demand adds none.
    pairs = [(groups, groups) for groups in above if groups in below]
    pairs += [(groups, others) for groups in above for others in sorted(below, key=sorted) if _implies(others, groups)]
    for groups, others in pairs:
        used = min(left[groups], spare[others])
        spare[others] -= used
        left[groups] -= used
    for groups, demand in above.items():
        if left[groups]:
            merged.append(replace(demand, count=left[groups]))
        elif groups not in below:
            heard += demand.groups
    named = [replace(each, groups=above[groups].groups) if groups in above else each for groups, each in below.items()]
    return tuple(_by_groups((*merged, *named)).values()), tuple(heard)


def _implies(groups: frozenset[str], others: frozenset[str]) -> bool:
    """Whether whoever is in one of ``groups`` is also in one of ``others``."""
    return all(any(within(each, other) for other in others) for each in groups)


def within(group: str, other: str) -> bool:
    """Whether whoever is in ``group`` is also in ``other``."""
    both = group in _PERMISSIONS and other in _PERMISSIONS
    return group == other or (both and _PERMISSIONS.index(group) >= _PERMISSIONS.index(other))


def _by_groups(demands: tuple[Approvals, ...]) -> dict[frozenset[str], Approvals]:
    """One demand for each set of groups: every approval is another person's, so that counts add up."""
    found: dict[frozenset[str], Approvals] = {}
    for demand in demands:
        groups = frozenset(demand.groups)
        before = found[groups].count if groups in found else 0
        found[groups] = replace(demand, count=before + demand.count)
    return found


def raised(policy: Policy, floor: Tier | None, highest: Tier) -> Policy:
    """The policy for changes that can be raised from ``floor`` up to ``highest``; None is from nowhere.

    Nothing says that what the organisation demands of a higher tier contains what it demands of a lower one; a change
    that somebody raises needs both.
    """
    if floor is None or floor == highest:
        return policy
    reach = Reach(floor, highest)
    return replace(
        policy,
        tiers=reach.tiers(policy.tiers),
        checks=replace(policy.checks, signed=reach.over(policy.checks.signed)),
        separation=tuple(replace(each, tiers=reach.over(each.tiers)) for each in policy.separation),
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """The tiers to which a change can be raised, from the one that it has by the organisation."""

    floor: Tier
    highest: Tier

    def over(self, tiers: frozenset[Tier]) -> frozenset[Tier]:
        """What holds for ``tiers`` also holds for those to which a change of them can be raised."""
        return tiers | {
            tier for tier in Tier if tier <= self.highest and any(self.floor <= each < tier for each in tiers)
        }

    def tiers(self, rules: Mapping[Tier, TierRules]) -> dict[Tier, TierRules]:
        """Each demands what those below it demand, from which a change can be raised to it."""
        found = dict(rules)
        for below, tier in pairwise(Tier):
            if self.floor <= below and tier <= self.highest:
                found[tier] = _both(found[tier], found[below])
        return found
