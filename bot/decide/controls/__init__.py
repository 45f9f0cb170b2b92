"""The controls, in the order in which they are shown: one file each, each a pure function of the context."""

from collections.abc import Callable

from bot.decide.context import Context
from bot.decide.controls import (
    approvals,
    completeness,
    draft,
    guards,
    identity,
    inventory,
    mergeable,
    noteworthy,
    objections,
    policy,
    separation,
    shared_head,
    unauthorised,
)
from bot.decide.verdict import Finding

Control = Callable[[Context], Finding | None]
"""Looks at a change; None when it has nothing to say about it."""

CONTROLS: tuple[Control, ...] = (
    completeness.look,
    policy.look,
    unauthorised.look,
    draft.look,
    separation.look,
    approvals.look,
    objections.look,
    identity.look,
    shared_head.look,
    mergeable.look,
    inventory.look,
    guards.look,
    noteworthy.look,
)
