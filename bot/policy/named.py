"""Which roles, windows and applications a policy file speaks of, that it or a layer above it has to define. Pure."""

from collections.abc import Iterator

from bot.policy import values
from bot.policy.model import BOARD
from bot.policy.schema import PolicyFile, TierPart


def roles(content: PolicyFile) -> frozenset[str]:
    """Every role that it names, and every permission of GitHub in the place of one."""
    named = {role for _, part in values.tiers(content) for role in _of_tier(part)}
    named |= {*content.acknowledge}
    if content.emergency is not None:
        named |= {*content.emergency.groups}
        named |= {group for demand in content.emergency.approvals or () for group in demand.groups}
    named |= {*content.waivers.groups} if content.waivers is not None else set()
    return frozenset(named)


def windows(content: PolicyFile) -> frozenset[str]:
    """Every window that a tier of it names."""
    return frozenset(window for _, part in values.tiers(content) for window in part.windows)


def things(content: PolicyFile) -> frozenset[str]:
    """Every application and configuration item that is not to be changed together with another."""
    return frozenset(name for names in content.exclusive for name in names)


def _of_tier(part: TierPart) -> Iterator[str]:
    for demand in part.approvals or ():
        yield from demand.groups
    yield from part.sign_off
    if part.cab is not None:
        yield BOARD
        yield from part.cab.escalate_to
    if part.verification is not None:
        yield from part.verification.groups
