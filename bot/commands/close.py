"""`/change close`, and how `/change` shows the end of a record: when it was made, by whom, and what came of it."""

from dataclasses import replace
from datetime import datetime

from bot.changes import closing, verification
from bot.changes.context import Context
from bot.changes.model import Applied, Closure, Refused, State
from bot.changes.model import Change as Record
from bot.commands import frame
from bot.commands.model import Answer, Moved, Situation
from bot.decide.approvals import label
from bot.facts.model import Account
from bot.policy.model import Approvals
from bot.words import dated, listed

CLOSURES = {
    "successful": Closure.SUCCESSFUL,
    "with-issues": Closure.WITH_ISSUES,
    "unsuccessful": Closure.UNSUCCESSFUL,
    "backed-out": Closure.BACKED_OUT,
}
"""How each end is written in a command."""


def close(situation: Situation, word: str) -> Answer:
    """Say what came of the change; one that is closed as backed out is on record as that, even if it stays open."""
    change = frame.change_of(situation)
    record = change.desk.change if change.desk is not None else None
    if change.desk is None or record is None:
        return frame.refused("There is no change record here.")
    done: list[Applied] = []
    for event in closing.closing(record, situation.standing.account, CLOSURES[word], situation.words(2)):
        now = done[-1].change if done else record
        here = replace(situation, change=replace(change, desk=replace(change.desk, change=now)))
        steps = frame.steps_of(here, event)
        if isinstance(steps, Refused):
            if not done:
                return frame.refused(steps.what, steps.remedy)
            told = f"{record.number} is on record as backed out, and stays open. {steps.what} {steps.remedy}"
            return Answer(done=True, reply=told.strip(), deed=Moved(tuple(done)))
        done += steps
    return Answer(done=True, deed=Moved(tuple(done)))


def shown(record: Record, context: Context) -> list[tuple[str, str]]:
    """What there is to say of the end of the record, as rows of a table."""
    rows = []
    if record.started_at is not None:
        without = " without authorisation" if record.is_unauthorised else ""
        rows.append(("released", f"{_during(record.started_at, record.ended_at)}{without}, by {_people(record)}"))
    if record.overtaken:
        rows.append(("should have waited", record.overtaken.replace("\n", " ")))
    if record.backed_out:
        rows.append(("backed out", "yes"))
    rows += _reviewed(record, context)
    if record.closure is not None and record.closed_at is not None:
        by = f"@{record.closed_by.login}" if record.closed_by is not None else "Countersign"
        notes = f": {record.notes}" if record.notes else ""
        rows.append(("closed", f"as {record.closure.value} on {dated(record.closed_at)}, by {by}{notes}"))
    late = verification.confirmed_late(record)
    if late is not None:
        rows.append(("verified late", f"it was to be by {dated(late)}"))
    if record.state is State.CANCELLED and record.notes:
        rows.append(("cancelled", record.notes.replace("\n", " ")))
    until = verification.pending(record)
    if until is not None and verification.demanded(record, context) is not None:
        rows.append(("to be verified", f"by {dated(until)}{' (overdue)' if context.now >= until else ''}"))
    if record.state is State.REVIEW:
        rows += [("held", f"by @{each.by.login} on {dated(each.at)}: {each.reason}") for each in context.held]
        rows.append(("to be closed", _by_whom(record, context)))
    return rows


def _reviewed(record: Record, context: Context) -> list[tuple[str, str]]:
    """Who looked back at an emergency; until when somebody has to, where nothing else is left to be done."""
    looked, due = record.retrospective, record.review_due
    if looked is not None:
        return [("reviewed", f"on {dated(looked.at)}, by @{looked.by.login}: {looked.said}")]
    if due is None or not record.is_unauthorised:
        return []
    return [("to be reviewed", f"by {dated(due)}{' (overdue)' if context.now >= due else ''}: `/change review`")]


def _by_whom(record: Record, context: Context) -> str:
    at = closing.closes_by_itself_at(record, context)
    if at is not None:
        return f"by itself on {dated(at)}, unless somebody says what came of it: `/change close`"
    first = ""
    if record.emergency is not None and record.retrospective is None:
        first = "when it has been reviewed (`/change review`), "
    demanded = verification.demanded(record, context)
    if demanded is None or record.backed_out:
        return f"{first}by whoever had to do with it: `/change close`"
    groups = label(Approvals(1, demanded.groups), context.policy)
    return f"{first}by somebody with {groups} who neither contributed nor released it: `/change close`"


def _people(record: Record) -> str:
    return listed([_named(each) for each in record.released_by]) if record.released_by else "nobody known"


def _named(account: Account) -> str:
    return f"@{account.login}"


def _during(start: datetime, end: datetime | None) -> str:
    if end is None:
        return f"from {dated(start)} on"
    return dated(start) if start == end else f"{dated(start)} to {dated(end)}"
