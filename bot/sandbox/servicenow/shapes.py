"""How an instance writes what it keeps: every field as its value and as what people see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.servicenow import rules
from bot.sandbox.servicenow.instance import Instance
from bot.sandbox.servicenow.records import BOOLEANS, DATE, DATES, INTEGERS, JOURNALS, Approval, Change

ZONE = ZoneInfo("America/Los_Angeles")
"""The zone of Countersign's account: whoever reads what people see is hours wrong."""

APPROVAL_FIELDS = (
    "sys_id",
    "sysapproval",
    "approver",
    "approver.user_name",
    "approver.email",
    "state",
    "sys_updated_by",
    "sys_updated_on",
    "comments",
    "group.assignment_group.name",
)
_MOMENTS = DATES | {"sys_created_on", "sys_updated_on", "opened_at", "conflict_last_run"}


def change(instance: Instance, found: Change, *, typed: bool) -> dict[str, Any]:
    """All fields of a change; ``typed``: numbers and booleans are such, as in the answers to a GET."""
    cells = {
        name: _cell(instance, found, name, typed=typed)
        for name in sorted(instance.columns | {"sys_id", "number"})
        if name not in instance.hidden
    }
    return {**cells, "number": _both(found.number, found.number), "sys_id": _both(found.sys_id, found.sys_id)}


def _cell(instance: Instance, found: Change, name: str, *, typed: bool) -> dict[str, Any]:
    value = found.values.get(name, "")
    if name in JOURNALS:
        entries = [f"{_local(at)} - {who} (Work notes)\n{text}\n\n" for at, who, text in reversed(found.notes)]
        return _both("", "".join(entries))
    if name in _MOMENTS:
        local = _local(datetime.strptime(value, DATE).replace(tzinfo=UTC)) if value else ""
        return {"display_value": local, "value": value, "display_value_internal": local}
    if name == "state":
        return _both(float(value) if typed else value, rules.LABELS.get(value, value))
    if name in INTEGERS and value:
        return _both(float(value) if typed else value, value)
    if name in BOOLEANS:
        return _both(value == "true" if typed else value, value)
    named = instance.people.get(value) or instance.groups.get(value) or instance.items.get(value)
    return _both(value, named.name if named else value.capitalize() if name in {"type", "approval"} else value)


def conflicts(instance: Instance, found: Change) -> dict[str, Any]:
    """The answer about conflicts; ``status`` says "Conflict" where there is none, too, once the check has run.

    A row names the change that was checked, and what is in its way: another change, or a schedule.
    """
    check = found.check
    is_done = check.started is not None and check.looks <= 0
    clashes = instance.clashes(found) if is_done and not instance.checks_fail else []
    ended = "3" if instance.checks_fail else "2"
    return {
        "status": "Conflict" if check.started else "Not run",
        "last_run": check.started.strftime(DATE) if check.started else "",
        "record_count": "1" if check.started else "0",
        "job_status": "" if check.started is None else ended if is_done else "1",
        "conflicts": [
            {
                "change": _both(found.sys_id, found.number),
                "conflicting_change": _both(each.change, each.label if each.change else ""),
                "schedule": _both("", "") if each.change else _both(instance.next_id("schedule"), each.label),
                "type": _both(each.type, each.type.replace("_", " ").title().replace("Ci ", "CI ")),
            }
            for each in clashes
        ],
    }


def next_states(instance: Instance, found: Change) -> dict[str, Any]:
    """Where a change may go, with the conditions of each step."""
    possible = rules.steps(found)
    available = [step.to for step in possible if step.possible]
    return {
        "available_states": [*available, found.state],
        "state_transitions": [[_transition(instance, found, step)] for step in possible],
        "state_label": {value: rules.LABELS[value] for value in [*available, found.state]},
    }


def _transition(instance: Instance, found: Change, step: rules.Step) -> dict[str, Any]:
    return {
        "sys_id": instance.next_id("state_transition"),
        "display_value": f"{rules.LABELS[found.state]} to {rules.LABELS[step.to]}",
        "from_state": found.state,
        "to_state": step.to,
        "transition_available": step.possible,
        "automatic_transition": False,
        "conditions": [
            {
                "passed": passed,
                "condition": {"name": name, "description": None, "sys_id": instance.next_id("condition")},
            }
            for name, passed in step.conditions
        ],
    }


def approval_field(found: Change, approval: Approval, name: str) -> Any:
    """A field of an approval, through references where it has dots."""
    person = approval.approver
    return {
        "sys_id": approval.sys_id,
        "sysapproval": {"value": found.sys_id},
        "approver": {"value": person.sys_id},
        "approver.user_name": person.user_name,
        "approver.email": person.email,
        "state": approval.state,
        "sys_updated_by": approval.updated_by,
        "sys_updated_on": approval.updated_on.strftime(DATE),
        "comments": "",
        "group.assignment_group.name": approval.group,
    }[name]


def _both(value: Any, display: str) -> dict[str, Any]:
    return {"display_value": display, "value": value}


def _local(moment: datetime) -> str:
    return moment.astimezone(ZONE).strftime(DATE)
