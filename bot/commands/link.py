"""`/change link` and `/change unlink`: which record a pull request belongs to, here and in another system."""

import re

from bot.changes.model import Act, Event, Refused, State
from bot.changes.model import Change as Record
from bot.commands import frame
from bot.commands.model import Answer, Change, Joined, Left, Linked, Situation
from bot.facts.model import Permission, PullRequestState
from bot.policy.model import System
from bot.words import listed, quoted

OURS = re.compile(r"CHG-[0-9]{4}-[0-9]{4,9}", re.ASCII)
"""The number of a record of Countersign."""

_THEIRS = {
    System.SERVICENOW: (re.compile(r"[A-Z]{2,10}[0-9]{4,20}", re.ASCII), "CHG0030001"),
    System.JIRA: (re.compile(r"[A-Z][A-Z0-9_]{1,20}-[0-9]{1,10}", re.ASCII), "CM-12"),
}
_OPEN_TO_OTHERS = {State.DRAFT, State.ASSESS}
"""Nobody has been asked yet what to think of it."""


def link(situation: Situation, number: str) -> Answer:
    """Ship this pull request with the record of that number, or keep its own record as that one in another system."""
    change = frame.change_of(situation)
    record = change.desk.change if change.desk is not None else None
    if record is None or record.state.over:
        return frame.refused("There is no open change record here.", "`/request-cab` opens one.")
    if situation.standing.permission < Permission.WRITE:
        return _not_theirs(situation)
    return _join(situation, record, number) if OURS.fullmatch(number.upper()) else _adopt(change, record, number)


def unlink(situation: Situation) -> Answer:
    """Take this pull request out of the release that it is a part of."""
    change = frame.change_of(situation)
    record = change.desk.change if change.desk is not None else None
    if change.desk is None or record is None or record.state.over or len(record.contents.pulls) == 1:
        return frame.refused("This pull request ships with no other one.")
    if situation.standing.permission < Permission.WRITE:
        return _not_theirs(situation)
    # What is not merged yet can leave a release that has begun: nothing else becomes of it when its window is over.
    begun = record.state is State.IMPLEMENT
    if record.state is State.REVIEW or (begun and change.facts.state is not PullRequestState.OPEN):
        return frame.refused(f"{record.number} has been released; what it shipped stays what it was.")
    left = Answer(done=True, reply=None, deed=Left(record.number, change.desk.context))
    return frame.only_open(situation, "change unlink") or left


def _join(situation: Situation, own: Record, number: str) -> Answer:
    change = frame.change_of(situation)
    number = number.upper()
    other = next((each for each in change.named if each.number == number), None)
    if other is None or _repository(other.subject) != _repository(change.subject):
        return frame.refused(
            f"There is no change {number} in this repository.", "What ships together is in one repository."
        )
    if own.number == other.number:
        return frame.refused(f"This pull request is a part of {number} already.")
    if len(own.contents.pulls) > 1:
        others = [f"#{each}" for each in own.contents.pulls if each != change.facts.number]
        return frame.refused(f"{own.number} ships {listed(others)}, too.", "`/change unlink` leaves it.")
    reason = _closed_to_others(other) or _different(other, own)
    if reason:
        return frame.refused(reason)
    why = f"It ships with {number}."
    cancelled = frame.steps_of(situation, Event(Act.CANCEL, situation.standing.account, why, successor=number))
    if isinstance(cancelled, Refused):
        return frame.refused(cancelled.what, cancelled.remedy)
    return Answer(done=True, reply=None, deed=Joined(other, cancelled))


def _not_theirs(situation: Situation) -> Answer:
    return frame.refused(
        f"@{situation.standing.account.login} cannot say what this pull request ships with.",
        "Anyone with write access to the repository can.",
    )


def _closed_to_others(other: Record) -> str:
    if other.state not in _OPEN_TO_OTHERS:
        return (
            f"{other.number} is in state {other.state.value}: what it ships is fixed once its board has been called. "
            "Another one can join a record that is a draft or being assessed."
        )
    return f"{other.number} is an emergency, which ships alone." if other.emergency is not None else ""


def _different(other: Record, own: Record) -> str:
    if own.emergency is not None:
        return f"{own.number} is an emergency, which ships alone."
    if own.contents.base != other.contents.base:
        return (
            f"{other.number} goes to `{other.contents.base}`, this pull request to `{own.contents.base}`: "
            "what ships together goes to one branch."
        )
    return ""


def _adopt(change: Change, record: Record, number: str) -> Answer:
    system = change.policy.records.system
    if system is System.REGISTER:
        return frame.refused(
            f"{quoted(number)} is no number of a change record here; they look like `{record.number}`.",
            "The policy keeps the records in Countersign's own register.",
        )
    pattern, example = _THEIRS[system]
    if not pattern.fullmatch(number.upper()):
        return frame.refused(
            f"{quoted(number)} is no number of a record in {system.spoken}; they look like `{example}`.",
            f"To ship with another pull request, name its record, as in `{record.number}`.",
        )
    if record.state not in _OPEN_TO_OTHERS:
        return frame.refused(
            f"{record.number} is in state {record.state.value}: its board has been called about the record that "
            f"{system.spoken} has now."
        )
    return Answer(done=True, reply=None, deed=Linked(record.number, number.upper(), system))


def _repository(subject: str) -> str:
    """The repository of a pull request's subject."""
    return subject.rpartition(":")[0]
