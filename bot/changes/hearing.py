"""What people did to the twin of a change record in another system, as far as a reading of it shows that. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.changes.model import Change, Closure
from bot.changes.systems import port
from bot.changes.systems.port import ApprovalState, Closed, Identity, Snapshot
from bot.deployments.windows import Interval
from bot.policy.model import Records

UNKNOWN = "?"
"""What the value of a deed begins with when a record was closed with a code that is none that is known here."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that somebody did in the other system; ``mark`` is the same for the same deed, however often seen.

    ``who`` is what that system calls them, ``login`` who they are here by the policy, None for nobody. ``round`` is
    that of asking in which it was done.
    """

    mark: str
    deed: str
    who: str
    login: str | None
    at: datetime
    value: str = ""
    round: int = 0


def heard(
    change: Change,
    snapshot: Snapshot,
    records: Records,
    seen: str = "",
    *,
    sent_back: bool = False,
    carried: Mapping[str, ApprovalState] | None = None,
) -> tuple[Heard, ...]:
    """What people did there, in the order of its time.

    ``seen`` is the window that was planned there when it was read last. ``sent_back``: it is not where it was brought.
    ``carried`` are the approvals that Countersign answered for who voted here: their echo is nobody's deed.
    """
    people = dict(records.people)
    answers = [each for each in snapshot.approvals if each.state in _ANSWERS and not is_echo(each, carried or {})]
    found = [_answer(each, snapshot, people) for each in answers]
    if snapshot.state is port.State.CANCELLED and not change.state.over:
        who = snapshot.changed_by
        mark = f"cancel:{snapshot.revision}"
        found.append(Heard(mark, "cancel", who or "somebody", _login(who, snapshot, people), snapshot.changed_at))
    if snapshot.closed is not None and not change.state.over:
        found.append(_closed(snapshot.closed, people))
    if sent_back or snapshot.approval is ApprovalState.REJECTED:
        found += _rejected(found)
    value = planned_there(change, snapshot)
    if value and value != seen:
        login = _login(snapshot.changed_by, snapshot, people)
        who = snapshot.changed_by or "somebody"
        mark = f"schedule:{value}@{snapshot.revision}"
        found.append(Heard(mark, "schedule", who, login, snapshot.changed_at, value))
    return tuple(sorted(found, key=lambda each: (each.at, each.mark)))


_ANSWERS = {ApprovalState.APPROVED: "approve", ApprovalState.REJECTED: "reject"}


def is_echo(each: port.Approval, carried: Mapping[str, ApprovalState]) -> bool:
    """Whether the answer is a vote that was carried there, and not what its approver has said there."""
    return carried.get(each.asked) is each.state and each.set_by.lower() not in names_of(each.approver)


def _answer(each: port.Approval, snapshot: Snapshot, people: Mapping[str, str]) -> Heard:
    """An answer is its approver's only when that person is known to have written it: an administrator can set any."""
    approver = each.approver
    by_itself = each.set_by.lower() in names_of(approver)
    login = next((people[name] for name in names_of(approver) if name in people), None) if by_itself else None
    who = approver.user_name or approver.email or approver.id
    told = who if by_itself else f"{who} (written by {each.set_by or 'nobody knows whom'})"
    at = each.at or snapshot.changed_at
    # Its moment can be told later than the answer itself: where the question has a number, that tells rounds apart.
    mark = f"{_ANSWERS[each.state]}:{approver.id}:{each.asked or at.isoformat()}"
    return Heard(mark, _ANSWERS[each.state], told, login, at)


def _closed(closed: Closed, people: Mapping[str, str]) -> Heard:
    """That the record was closed there, and how: in our words, or by a code that is none that is known here."""
    by = closed.by
    login = next((people[name] for name in names_of(by) if name in people), None)
    who = by.user_name or by.email or by.id or "somebody"
    code = Closure[closed.code.name].value if closed.code is not None else f"{UNKNOWN}{closed.code_there}"
    # Whatever is written into it afterwards, it was closed once.
    mark = f"close:{by.id}:{closed.at.isoformat()}"
    return Heard(mark, "close", who, login, closed.at, f"{code}\n{closed.notes}")


def names_of(who: Identity) -> list[str]:
    """What somebody is called there, as the policy writes it."""
    return [name.lower() for name in (who.user_name, who.email, who.id) if name]


def _login(who: str, snapshot: Snapshot, people: Mapping[str, str]) -> str | None:
    """Who somebody is here of whom the record tells one name: those who were asked are known by all of theirs."""
    asked = (names_of(each.approver) for each in snapshot.approvals)
    names = next((each for each in asked if who.lower() in each), [who.lower()])
    return next((people[name] for name in names if name in people), None)


def planned_there(change: Change, snapshot: Snapshot) -> str:
    """The window that is planned there (ISO 8601) where it is another than here; empty otherwise."""
    window, planned = change.contents.window, snapshot.planned
    # What has been released is planned no more.
    if change.started_at is not None or planned is None or window is None:
        return ""
    there = Interval(planned.start, planned.end)
    return "" if there == window else there.iso


def _rejected(answers: list[Heard]) -> list[Heard]:
    """That the record as a whole is rejected there, by whoever said so last."""
    against = [each for each in answers if each.deed == "reject"]
    if not against:
        return []
    last = max(against, key=lambda each: (each.at, each.mark))
    return [replace(last, mark=f"rejected:{last.mark}", deed="rejected")]
