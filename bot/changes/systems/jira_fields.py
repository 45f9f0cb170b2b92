"""What a change request is called, field by field, on one site of Jira, and how its values are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.changes.systems.errors import Unanswered
from bot.changes.systems.port import WAY, ChangeType, CloseCode, Content, State
from bot.changes.systems.texts import fitted, same
from bot.errors import Refusal
from bot.words import shortened, visible

LABEL = "countersign:"
"""What the label with the correlation id begins with."""

LONGEST_SUMMARY = 255
LONGEST_TEXT = 32767

TITLES: Mapping[str, str] = {
    "type": "Change type",
    "justification": "Justification",
    "implementation_plan": "Implementation plan",
    "risk_impact_analysis": "Risk and impact",
    "backout_plan": "Backout plan",
    "test_plan": "Test plan",
    "planned_start": "Planned start",
    "planned_end": "Planned end",
    "actual_start": "Actual start",
    "actual_end": "Actual end",
    "assignment_group": "Assignment group",
    "configuration_item": "Configuration item",
    "cab_required": "CAB required",
    "correlation_display": "Change",
}
"""What a part is called in the description, where the site has no field for it."""

STATUSES: Mapping[str, State] = {
    "Open": State.DRAFT,
    "Planning": State.DRAFT,
    "Under review": State.ASSESS,
    "Peer review / change manager approval": State.ASSESS,
    "Awaiting CAB approval": State.AUTHORIZE,
    "Awaiting approval": State.AUTHORIZE,
    "Awaiting implementation": State.SCHEDULED,
    "Implementing": State.IMPLEMENT,
    "Completed": State.CLOSED,
    "Failed": State.CLOSED,
    "Declined": State.CANCELLED,
    "Canceled": State.CANCELLED,
}
ENDINGS: Mapping[CloseCode, str] = {
    CloseCode.SUCCESSFUL: "Completed",
    CloseCode.WITH_ISSUES: "Completed",
    CloseCode.UNSUCCESSFUL: "Failed",
    CloseCode.BACKED_OUT: "Failed",
}


@dataclass(frozen=True, slots=True)
class JiraMap:
    """How one site keeps changes.

    ``request_types``: the name of the service desk's request type for each kind of change. ``names``: the ids of the
    fields (``customfield_…``) that it has for parts of a change; the other parts stand in the description. ``options``:
    what each kind of change is called in the field for it. ``constants``: fields that every request is made with.
    ``statuses``: each status of the workflow, and what it is of ours. ``held``: statuses in which nothing goes on.
    ``endings``: the status that closes a change with each close code; ``resolutions``: its resolution.
    """

    request_types: Mapping[ChangeType, str] = field(
        default_factory=lambda: dict.fromkeys(ChangeType, "Request a change")
    )
    names: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[ChangeType, str] = field(default_factory=lambda: {each: each.capitalize() for each in ChangeType})
    selects: frozenset[str] = frozenset({"type"})
    constants: Mapping[str, Any] = field(default_factory=dict)
    statuses: Mapping[str, State] = field(default_factory=lambda: STATUSES)
    held: frozenset[str] = frozenset()
    endings: Mapping[CloseCode, str] = field(default_factory=lambda: ENDINGS)
    resolutions: Mapping[CloseCode, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name that is none of ours."""
        if unknown := sorted(set(self.names) - set(TITLES)):
            raise Refusal(f"Jira's field map names {', '.join(unknown)}.", remedy=f"There are {', '.join(TITLES)}.")

    def state(self, status: str) -> State | None:
        """What a status is; None when it is none that is known."""
        known = {name.casefold(): state for name, state in self.statuses.items()}
        return known.get(status.casefold())

    def close_code(self, status: str) -> CloseCode | None:
        """How a change ended that is in that status; None when it says nothing of it."""
        ends = ((ours, there.casefold()) for ours, there in self.endings.items())
        return next((ours for ours, there in ends if there == status.casefold()), None)

    def reachable(self, state: State) -> State:
        """``state``, or the last one before it that the workflow has: not every one has a review of its own."""
        has = set(self.statuses.values())
        before = [each for each in WAY[: WAY.index(state) + 1] if each in has] if state in WAY else []
        return before[-1] if before else state

    def fields(self, content: Content) -> dict[str, Any]:
        """What the request holds, by the site's names; its label is not among them."""
        own, others = {}, []
        for ours, said in self._parts(content).items():
            if ours in self.names:
                own[self.names[ours]] = {"value": said} if ours in self.selects else said
            elif said:
                others.append(f"h3. {TITLES[ours]}\n{said}")
        return {
            **self.constants,
            "summary": shortened(visible(content.short_description), LONGEST_SUMMARY),
            "description": fitted("\n\n".join([content.description, *others]), LONGEST_TEXT),
            **own,
            **content.extra,
        }

    def _parts(self, content: Content) -> dict[str, str]:
        planned = content.planned
        parts = {
            "type": self.options[content.type],
            "planned_start": None if planned is None else written(planned.start),
            "planned_end": None if planned is None else written(planned.end),
            "actual_start": None if content.actual_start is None else written(content.actual_start),
            "actual_end": None if content.actual_end is None else written(content.actual_end),
            "cab_required": None if content.cab_required is None else "yes" if content.cab_required else "no",
        }
        whole = {each: parts[each] if each in parts else getattr(content, each) for each in TITLES}
        return {each: said for each, said in whole.items() if said is not None}


def written(moment: datetime) -> str:
    """A moment as Jira takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def moment(text: Any) -> datetime | None:
    """A moment as Jira writes it, in whichever zone; None when it is none."""
    try:
        read = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return read.astimezone(UTC) if read.tzinfo else None


def holds(sent: Any, there: Any) -> bool:
    """Whether a field holds what it was set to; Jira adds to it (ids, links) and writes moments in another zone."""
    match sent, there:
        case dict(), dict():
            return all(holds(value, there.get(name)) for name, value in sent.items())
        case list(), list():
            return all(any(holds(each, other) for other in there) for each in sent)
        case str(), str():
            return same(sent, there) or (moment(sent) is not None and moment(sent) == moment(there))
        case "", None:
            return True
        case _:
            return bool(sent == there)


def text(source: Any, *path: str) -> str:
    """A text inside an answer.

    Raises:
        Unanswered: there is none.

    """
    for name in path:
        source = source.get(name) if isinstance(source, dict) else None
    if not isinstance(source, str):
        raise Unanswered(f"an answer of Jira that says its {'.'.join(path)}")
    return source


def items(source: Any, name: str) -> list[Any]:
    """A list inside an answer.

    Raises:
        Unanswered: there is none.

    """
    found = source.get(name) if isinstance(source, dict) else None
    if not isinstance(found, list):
        raise Unanswered(f"an answer of Jira that lists its {name}")
    return found


def labels(issue: Any) -> list[str]:
    """The labels of an issue; none where it has no list of them."""
    fields = issue.get("fields") if isinstance(issue, dict) else None
    found = fields.get("labels") if isinstance(fields, dict) else None
    return [str(each) for each in found] if isinstance(found, list) else []
