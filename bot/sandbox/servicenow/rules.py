"""Which state follows which, and the rules that an instance may have besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.servicenow.records import Change

NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED, CANCELED = "-5", "-4", "-3", "-2", "-1", "0", "3", "4"
LABELS: Mapping[str, str] = {
    NEW: "New",
    ASSESS: "Assess",
    AUTHORIZE: "Authorize",
    SCHEDULED: "Scheduled",
    IMPLEMENT: "Implement",
    REVIEW: "Review",
    CLOSED: "Closed",
    CANCELED: "Canceled",
}

_END = {
    SCHEDULED: (IMPLEMENT, NEW, CANCELED),
    IMPLEMENT: (REVIEW, CANCELED),
    REVIEW: (CLOSED,),
    CLOSED: (),
    CANCELED: (),
}
TRANSITIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "normal": {
        NEW: (ASSESS, CANCELED),
        ASSESS: (AUTHORIZE, NEW, CANCELED),
        AUTHORIZE: (SCHEDULED, NEW, CANCELED),
        **_END,
    },
    "emergency": {NEW: (AUTHORIZE, CANCELED), AUTHORIZE: (SCHEDULED, NEW, CANCELED), **_END},
    "standard": {NEW: (SCHEDULED, CANCELED), **_END},
}
"""The classic state model; a change in Review can no longer be cancelled."""

_RULE_ID = "6fd3a2b1c0a8016400aa1b2c3d4e5f60"
STATE_MODEL = "State model - Can change state?"


class Denied(Exception):
    """The instance does not do it: the status, and its two sentences."""

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        super().__init__(detail or message)
        self.status = status
        self.body: dict[str, Any] = {"error": {"message": message, "detail": detail}, "status": "failure"}


def aborted(rule: str, table: str = "change_request") -> Denied:
    """What a business rule that aborts an operation looks like from outside."""
    return Denied(
        403,
        "Operation Failed",
        f"Operation against file '{table}' was aborted by Business Rule '{rule}^{_RULE_ID}'. "
        f"Business Rule Stack:{rule}",
    )


@dataclass(frozen=True, slots=True)
class BusinessRule:
    """A rule of one instance: ``refuses`` is asked with the change, what it would become, and aborts when true."""

    name: str
    refuses: Callable[[Change, Mapping[str, str]], bool]


CLOSE_CODE = BusinessRule(
    "Close code is mandatory",
    lambda change, changes: (
        changes.get("state") == CLOSED and not changes.get("close_code", change.values["close_code"])
    ),
)
PLANS = BusinessRule(
    "Plans are mandatory before Assess",
    lambda change, changes: (
        changes.get("state") in {ASSESS, AUTHORIZE}
        and not all({**change.values, **changes}[name] for name in ("implementation_plan", "backout_plan", "test_plan"))
    ),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A state that a change could go to, and the conditions of that with whether each holds."""

    to: str
    conditions: tuple[tuple[str, bool], ...]

    @property
    def possible(self) -> bool:
        """Whether it may go there now."""
        return all(passed for _, passed in self.conditions)


def steps(change: Change) -> tuple[Step, ...]:
    """Everywhere that the state model lets a change go from where it is."""
    following = TRANSITIONS[change.values["type"]].get(change.state, ())
    return tuple(Step(to, _conditions(change, to)) for to in following)


def _conditions(change: Change, to: str) -> tuple[tuple[str, bool], ...]:
    held = () if to == CANCELED else (("Not On hold", not change.on_hold),)
    if change.state == AUTHORIZE and to == SCHEDULED:
        return (*held, ("Change is approved", change.values["approval"] == "approved"))
    return held


def check_transition(change: Change, to: str) -> None:
    """Refuse a state that does not follow.

    Raises:
        Denied: it does not, or not now.

    """
    if not any(step.to == to and step.possible for step in steps(change)):
        raise aborted(STATE_MODEL)
