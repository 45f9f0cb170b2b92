"""The controls, in the order in which they are shown: one file each, each a pure function of the context."""

from collections.abc import Callable, Sequence

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
    policy_change,
    record,
    risk,
    rules,
    separation,
    unauthorised,
)
from bot.decide.verdict import Finding

Control = Callable[[Context], Finding | Sequence[Finding] | None]
"""Looks at a change; None, or no finding, when it has nothing to say about it."""

CONTROLS: tuple[Control, ...] = (
    completeness.look,
    policy.look,
    policy_change.look,
    unauthorised.look,
    draft.look,
    separation.look,
    approvals.look,
    record.look,
    objections.look,
    identity.look,
    mergeable.look,
    inventory.look,
    risk.look,
    rules.look,
    guards.look,
    noteworthy.look,
)


def findings(context: Context) -> list[Finding]:
    """What every control has to say."""
    found: list[Finding] = []
    for control in CONTROLS:
        said = control(context)
        if isinstance(said, Finding):
            found.append(said)
        elif said:
            found += said
    return found
