"""What an instance keeps: people, groups, configuration items, changes, their approvals and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

DATE = "%Y-%m-%d %H:%M:%S"

TEXTS = frozenset(
    {
        "backout_plan",
        "change_plan",
        "close_notes",
        "description",
        "implementation_plan",
        "justification",
        "review_comments",
        "risk_impact_analysis",
        "test_plan",
    }
)
DATES = frozenset(
    {"cab_date", "closed_at", "end_date", "requested_by_date", "review_date", "start_date", "work_end", "work_start"}
)
BOOLEANS = frozenset({"active", "cab_required", "on_hold", "outside_maintenance_schedule", "unauthorized"})
INTEGERS = frozenset({"impact", "priority", "risk", "state", "sys_mod_count", "urgency"})
REFERENCES: Mapping[str, str] = {
    "assigned_to": "sys_user",
    "assignment_group": "sys_user_group",
    "closed_by": "sys_user",
    "cmdb_ci": "cmdb_ci",
    "opened_by": "sys_user",
    "requested_by": "sys_user",
}
JOURNALS = frozenset({"work_notes", "comments"})
READ_ONLY = frozenset(
    {
        "active",
        "approval",
        "closed_at",
        "closed_by",
        "conflict_last_run",
        "conflict_status",
        "impact",
        "number",
        "opened_at",
        "opened_by",
        "risk",
        "sys_class_name",
        "sys_created_by",
        "sys_created_on",
        "sys_id",
        "sys_mod_count",
        "sys_updated_by",
        "sys_updated_on",
        "type",
        "unauthorized",
    }
)
"""What the instance computes: setting it is ignored without a word. (``type`` can be changed in New, see `rules`.)"""

OTHERS = frozenset(
    {
        "cab_recommendation",
        "category",
        "chg_model",
        "close_code",
        "correlation_display",
        "correlation_id",
        "on_hold_reason",
        "phase",
        "priority",
        "reason",
        "review_status",
        "scope",
        "short_description",
        "state",
        "std_change_producer_version",
        "urgency",
    }
)
COLUMNS = TEXTS | DATES | BOOLEANS | INTEGERS | JOURNALS | READ_ONLY | OTHERS | frozenset(REFERENCES)
LENGTHS: Mapping[str, int] = {
    **dict.fromkeys(TEXTS, 4000),
    "short_description": 160,
    "correlation_id": 100,
    "correlation_display": 100,
}
"""What is longer is cut off there, without a word."""


@dataclass(slots=True)
class Person:
    """Somebody who can sign in there."""

    sys_id: str
    user_name: str
    email: str
    name: str


@dataclass(slots=True)
class Named:
    """A group or a configuration item."""

    sys_id: str
    name: str


@dataclass(slots=True)
class Approval:
    """A row of ``sysapproval_approver``."""

    sys_id: str
    approver: Person
    group: str
    state: str
    updated_by: str
    updated_on: datetime
    before_hold: str = ""
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Task:
    """A row of ``change_task``."""

    sys_id: str
    number: str
    short_description: str


@dataclass(slots=True)
class Check:
    """A check for conflicts: when it was started, and how often one looks until it is done."""

    started: datetime | None = None
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Clash:
    """Something that a change's window collides with: another change, where it has one's sys_id, or a schedule."""

    type: str
    label: str
    change: str = ""


@dataclass(slots=True)
class Change:
    """A row of ``change_request``. ``notes``: when, who and what."""

    sys_id: str
    number: str
    values: dict[str, str]
    created: datetime
    notes: list[tuple[datetime, str, str]] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    check: Check = field(default_factory=Check)

    @property
    def state(self) -> str:
        """Its state's value."""
        return self.values["state"]

    @property
    def on_hold(self) -> bool:
        """Whether somebody holds it."""
        return self.values["on_hold"] == "true"
