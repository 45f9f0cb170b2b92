"""What the twin of a change record is to hold in another system. Pure."""

import hashlib
from datetime import UTC

import rfc8785

from bot.changes import verification
from bot.changes.model import Change, Closure
from bot.changes.systems import port
from bot.changes.systems.port import Content, Planned
from bot.policy.model import ChangeType, Plan, Records
from bot.words import dated

ANY_APPLICATION = "*"
"""The key of what holds for every application that is not named."""


def content_of(change: Change, records: Records, generation: int = 1) -> Content:
    """What the twin is to hold; ``generation`` counts the twins that the record has had."""
    contents = change.contents
    plans = {plan: contents.plan(plan) or None for plan in Plan}
    kind = port.ChangeType(contents.kind.value)
    standard = contents.kind is ChangeType.STANDARD
    return Content(
        correlation_id=correlation_id(change, generation),
        correlation_display=f"{contents.repository}#{', #'.join(map(str, contents.pulls))}",
        type=kind,
        short_description=contents.title,
        description=_description(change),
        template=_template(contents.template, records) if standard else "",
        justification=contents.justification or None,
        implementation_plan=plans[Plan.IMPLEMENTATION],
        test_plan=plans[Plan.TEST],
        backout_plan=plans[Plan.BACKOUT],
        risk_impact_analysis=plans[Plan.IMPACT],
        planned=Planned(contents.window.start, contents.window.end) if contents.window else None,
        # A standard change has the group of its template.
        assignment_group=_group(contents.application, records) if not standard else None,
        configuration_item=contents.configuration_item or None,
        requested_by=_requested_by(change, records),
        cab_required=contents.routing.has_board,
        actual_start=change.started_at,
        actual_end=change.ended_at,
        extra=dict(records.extra),
    )


def correlation_id(change: Change, generation: int) -> str:
    """What the twin is found by; ``generation`` as in ``content_of``."""
    return f"countersign:{change.number}{f'.{generation}' if generation > 1 else ''}"


def closure_of(change: Change) -> port.Closure:
    """How the twin is to be closed: with what came of the change, and who said so."""
    assert change.closure is not None, "a change is closed with what came of it"
    by = f"@{change.closed_by.login}" if change.closed_by is not None else "Countersign, by itself"
    late = verification.confirmed_late(change)
    releasing = ", ".join(f"@{each.login}" for each in change.released_by)
    lines = [
        "Backed out." if change.closure is Closure.BACKED_OUT else "",
        change.notes or "It did what it was to do.",
        f"It should have waited: {change.overtaken}" if change.overtaken else "",
        f"It was verified late: it was to be by {dated(late)}." if late is not None else "",
        f"Released by {releasing}; closed as {change.closure.value} by {by}.",
    ]
    return port.Closure(port.CloseCode[change.closure.name], "\n".join(line for line in lines if line))


def differs(change: Change, closed: port.Closed) -> bool:
    """Whether the twin was closed with another end than the change; many a system has one word for two of ours."""
    assert change.closure is not None, "a change is closed with what came of it"
    same = {port.CloseCode[change.closure.name]}
    if change.closure is Closure.BACKED_OUT:
        same.add(port.CloseCode.UNSUCCESSFUL)
    if change.closure is Closure.WITH_ISSUES:
        same.add(port.CloseCode.SUCCESSFUL)
    return closed.code not in same


def _description(change: Change) -> str:
    contents, asked = change.contents, change.request.by if change.request is not None else None
    lines = [
        contents.description,
        f"Countersign {change.number}: {contents.repository}, commit {contents.head}.",
        f"Risk {contents.tier.label}: {' '.join(contents.tier_because)}",
        f"Contributors: {', '.join(account.login for account in contents.contributors)}",
        f"Requested by: {asked.login}" if asked is not None else "",
        *(["Test evidence", *contents.evidence] if contents.evidence else []),
    ]
    return "\n".join(line for line in lines if line)


def _template(ours: str, records: Records) -> str:
    """What the other system calls the template of a standard change: by ``records.values.template``, or the same."""
    return dict(dict(records.values).get("template", ())).get(ours, ours)


def _group(application: str, records: Records) -> str | None:
    """Which group there has the changes of an application: by ``records.values.assignment_group``, where it says so."""
    groups = dict(dict(records.values).get("assignment_group", ()))
    return groups.get(application, groups.get(ANY_APPLICATION))


def _requested_by(change: Change, records: Records) -> str | None:
    """Who asked for the change, by what the other system calls them; None where nobody did who is known there."""
    asked = change.request.by if change.request is not None else None
    names = {login.lower(): there for there, login in records.people}
    return names.get(asked.login.lower()) if asked is not None else None


def digest(content: Content) -> str:
    """What was last sent, in short: nothing is sent twice."""
    planned = content.planned
    shown = {
        name: str(getattr(content, name)) for name in content.__dataclass_fields__ if name not in {"planned", "extra"}
    }
    span = f"{planned.start.astimezone(UTC)}/{planned.end.astimezone(UTC)}" if planned else ""
    return hashlib.sha256(rfc8785.dumps({**shown, "planned": span, "extra": dict(content.extra)})).hexdigest()
