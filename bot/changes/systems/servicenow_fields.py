"""What a change record is called, field by field, in one ServiceNow instance, and how its values are read.

https://www.servicenow.com/docs/r/api-reference/rest-apis/change-management-api.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.changes.systems.errors import Disagrees, Unanswered
from bot.changes.systems.port import ApprovalState, ChangeType, CloseCode, Content, State
from bot.changes.systems.texts import fitted, same
from bot.errors import Refusal
from bot.words import shortened

CHANGES = "/api/sn_chg_rest/v1/change"
SYS_ID = re.compile(r"[0-9a-f]{32}")
DATE = "%Y-%m-%d %H:%M:%S"
"""Always UTC; ``display_value`` is in the zone of the account that asks, and is never read."""

NAMES: Mapping[str, str] = {
    "correlation_id": "correlation_id",
    "correlation_display": "correlation_display",
    "short_description": "short_description",
    "description": "description",
    "justification": "justification",
    "implementation_plan": "implementation_plan",
    "risk_impact_analysis": "risk_impact_analysis",
    "backout_plan": "backout_plan",
    "test_plan": "test_plan",
    "planned_start": "start_date",
    "planned_end": "end_date",
    "assignment_group": "assignment_group",
    "configuration_item": "cmdb_ci",
    "requested_by": "requested_by",
    "cab_required": "cab_required",
    "actual_start": "work_start",
    "actual_end": "work_end",
    "close_code": "close_code",
    "close_notes": "close_notes",
    "closed_by": "closed_by",
    "closed_at": "closed_at",
}
"""Our name for each field, and theirs as they deliver it. Who closed a record, and when, is only read."""

STATES: Mapping[str, State] = {
    "-5": State.DRAFT,
    "-4": State.ASSESS,
    "-3": State.AUTHORIZE,
    "-2": State.SCHEDULED,
    "-1": State.IMPLEMENT,
    "0": State.REVIEW,
    "3": State.CLOSED,
    "4": State.CANCELLED,
}
TYPES: Mapping[ChangeType, str] = {each: each.value for each in ChangeType}
CLOSE_CODES: Mapping[CloseCode, str] = {
    CloseCode.SUCCESSFUL: "successful",
    CloseCode.WITH_ISSUES: "successful_issues",
    CloseCode.UNSUCCESSFUL: "unsuccessful",
    # An instance has no word of its own for it as it is delivered; `records.values` can name one.
    CloseCode.BACKED_OUT: "unsuccessful",
}
APPROVALS: Mapping[str, ApprovalState] = {
    "not requested": ApprovalState.NOT_REQUESTED,
    "requested": ApprovalState.REQUESTED,
    "approved": ApprovalState.APPROVED,
    "rejected": ApprovalState.REJECTED,
    "not_required": ApprovalState.NOT_REQUIRED,
    "cancelled": ApprovalState.CANCELLED,
    "duplicate": ApprovalState.NOT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a record that another one refers to is found, and by which column when its sys_id is not known."""

    table: str
    column: str


REFERENCES: Mapping[str, Reference] = {
    "assignment_group": Reference("sys_user_group", "name"),
    "configuration_item": Reference("cmdb_ci", "name"),
    "requested_by": Reference("sys_user", "email"),
}


@dataclass(frozen=True, slots=True)
class FieldMap:
    """How one instance differs from what ServiceNow delivers.

    ``names``: our names that have another field there; an empty one is not kept there at all. ``constants``: fields
    that every record is made with. ``states``: each of their values and what it is of ours; where several are the
    same, a record is moved to the first. ``longest_text`` and ``longest_title`` are in characters.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=lambda: STATES)
    types: Mapping[ChangeType, str] = field(default_factory=lambda: TYPES)
    close_codes: Mapping[CloseCode, str] = field(default_factory=lambda: CLOSE_CODES)
    approvals: Mapping[str, ApprovalState] = field(default_factory=lambda: APPROVALS)
    references: Mapping[str, Reference] = field(default_factory=lambda: REFERENCES)
    longest_text: int = 4000
    longest_title: int = 100

    def __post_init__(self) -> None:
        """Refuse a name that is none of ours, and a record that could not be found again."""
        if unknown := sorted(set(self.names) - set(NAMES)):
            raise Refusal(
                f"ServiceNow's field map names {', '.join(unknown)}.", remedy=f"There are {', '.join(NAMES)}."
            )
        if not self.name("correlation_id"):
            raise Refusal("ServiceNow's field map leaves out correlation_id, by which a record is found again.")

    def name(self, ours: str) -> str:
        """Their name of a field; empty when it is not kept there."""
        return self.names.get(ours, NAMES[ours])

    def state(self, theirs: str) -> State | None:
        """What a state of theirs is; None when it is none that is known."""
        return self.states.get(whole(theirs))

    def value_of(self, state: State) -> str:
        """Their value for a state.

        Raises:
            Refusal: there is none.

        """
        for value, ours in self.states.items():
            if ours is state:
                return value
        raise Refusal(f"ServiceNow's field map has no state for {state}.")

    def close_code(self, theirs: str) -> CloseCode | None:
        """What a close code of theirs says; None when it is none that is known."""
        return next((ours for ours, there in self.close_codes.items() if there == theirs), None)

    def fields(self, content: Content, references: Mapping[str, str]) -> dict[str, str]:
        """What a record with this content holds, by their names; ``references``: sys_ids of what it refers to."""
        title = shortened(content.short_description, self.longest_title)
        # What the title has no room for is not lost.
        whole_title = "" if title == content.short_description else f"{content.short_description}\n\n"
        ours = {
            "correlation_id": content.correlation_id,
            "correlation_display": shortened(content.correlation_display, self.longest_title),
            "short_description": title,
            "description": self.text(whole_title + content.description),
            "cab_required": None if content.cab_required is None else str(content.cab_required).lower(),
            "planned_start": None if content.planned is None else written(content.planned.start),
            "planned_end": None if content.planned is None else written(content.planned.end),
            "actual_start": None if content.actual_start is None else written(content.actual_start),
            "actual_end": None if content.actual_end is None else written(content.actual_end),
            **references,
        }
        for each in ("justification", "implementation_plan", "risk_impact_analysis", "backout_plan", "test_plan"):
            said: str | None = getattr(content, each)
            ours[each] = None if said is None else self.text(said)
        theirs = {self.name(each): value for each, value in ours.items() if value is not None}
        theirs.pop("", None)
        return {**self.constants, **theirs, **content.extra}

    def text(self, text: str) -> str:
        """``text`` as a column can hold it."""
        return fitted(text, self.longest_text)


def written(moment: datetime) -> str:
    """A moment as they store it."""
    return moment.astimezone(UTC).strftime(DATE)


def moment(text: str) -> datetime | None:
    """A moment as they store it; None when it is none."""
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=UTC)
    except ValueError:
        return None


def plain(cell: Any) -> str:
    """The stored value of a field, in whichever of the shapes it comes: bare, or beside the text that people see."""
    value = cell.get("value") if isinstance(cell, dict) else cell
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def shown(cell: Any) -> str:
    """The text that people see, where there is one."""
    return str(cell.get("display_value") or "") if isinstance(cell, dict) else plain(cell)


def checked(ref: str) -> str:
    """A sys_id, before it becomes a part of an address or a query.

    Raises:
        Refusal: it is none.

    """
    if not SYS_ID.fullmatch(ref):
        raise Refusal(f"'{ref}' is no sys_id of ServiceNow.")
    return ref


def whole(value: str) -> str:
    """A number as an integer field holds it: ``3.0`` is 3."""
    try:
        return str(int(float(value)))
    except (ValueError, OverflowError):
        return value


Row = Mapping[str, Any]


def row(answer: Any) -> Row:
    """The one record of an answer, which comes as an object or as a list of one."""
    found = rows(answer)
    if len(found) != 1:
        raise Unanswered("an answer of ServiceNow that is one record")
    return found[0]


def rows(answer: Any) -> list[Row]:
    """The records of an answer."""
    result = answer.get("result") if isinstance(answer, dict) else None
    found = [result] if isinstance(result, dict) else result
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Unanswered("an answer of ServiceNow that can be read")
    return found


def only(found: list[Row], column: str, value: str, *, table: str) -> list[Row]:
    """The rows, which all are what was asked for.

    ServiceNow leaves out the part of a query that it does not understand, and answers with what the rest finds: after a
    column was renamed or hidden, that is somebody else's record.

    Raises:
        Disagrees: one of them is not.

    """
    for each in found:
        if not same(value, plain(each.get(column))):
            raise Disagrees(
                f"ServiceNow was asked for rows of {table} whose {column} is '{value}', and answered with others.",
                remedy=f"An administrator there checks that {table}.{column} exists and that Countersign's account can "
                "read it, and sets glide.invalid_query.returns_no_rows.",
            )
    return found
