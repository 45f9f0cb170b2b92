"""What is in the way of a change in the system that keeps its twin, in sentences. Pure."""

from bot.changes import twin
from bot.changes.model import Change, State
from bot.changes.systems import port
from bot.changes.systems.errors import Gone
from bot.changes.systems.port import ApprovalState, Snapshot
from bot.policy.model import System
from bot.words import quoted

RELEASED = {State.IMPLEMENT, State.REVIEW, State.CLOSED}
"""Where the record says how it went."""

_MADE = {port.State.REVIEW, port.State.CLOSED}
"""Where a twin says that the change was made."""

_GOES_ON = {port.State.SCHEDULED, port.State.IMPLEMENT}
"""Where a twin says that the change may be made."""

_GIVEN = {ApprovalState.APPROVED, ApprovalState.NOT_REQUIRED}


def in_the_way(change: Change, snapshot: Snapshot, name: System) -> str:
    """What keeps the change from being made, as the other system sees it."""
    if snapshot.state is None:
        return f"Its state there is {quoted(snapshot.state_there)}, which is none that is known here."
    if snapshot.on_hold:
        return f"It is on hold in {name.spoken}."
    if snapshot.state is port.State.CANCELLED and not change.state.over:
        return f"It is cancelled in {name.spoken}."
    if change.state in RELEASED or change.state.over:
        return ""
    return _not_released(snapshot, name)


def _not_released(snapshot: Snapshot, name: System) -> str:
    """What does not fit a change that has not been released: that it was made there, or goes on without an approval."""
    there, where = quoted(snapshot.state_there), name.spoken
    if snapshot.state in _MADE:
        how = f"closed as {quoted(snapshot.closed.code_there)}" if snapshot.closed is not None else f"in {there}"
        return (
            f"It is {how} in {where}, and has not been released. {_ANEW} "
            "Or the change manager there brings it back to where a change waits to be made."
        )
    if snapshot.state in _GOES_ON and snapshot.approval not in _GIVEN:
        said = f"says {quoted(snapshot.approval.value)}" if snapshot.approval is not None else "is none that is known"
        return (
            f"It is in {there} in {where}, and is not approved there: its approval {said}. Those who were asked in "
            f"{where} answer there, or the change manager there brings it back. {_ANEW}"
        )
    return ""


_ANEW = "`/cancel reason` gives this record up; `/request-cab` then opens another one, which is made there anew."


def ended_otherwise(change: Change, snapshot: Snapshot, name: System) -> str:
    """What is to be said when the twin has another end than the record."""
    if snapshot.state is port.State.CANCELLED:
        return f"It is cancelled in {name.spoken}, and has been released."
    if change.closure is None or snapshot.closed is None or not twin.differs(change, snapshot.closed):
        return ""
    there = quoted(snapshot.closed.code_there)
    return f"It is closed as {there} in {name.spoken}, and as {change.closure.value} here."


def gone(change: Change, number: str | None, name: str) -> Gone:
    """That the twin is not there any more, and what there is to do about it."""
    anew = _ANEW
    if change.state in RELEASED:
        anew = f"Without that, how it ended is not told in {name}."
    return Gone(
        f"The record {number} is not in {name} any more, or Countersign's account may not see it.",
        remedy=f"An administrator of {name} can restore it. {anew}",
    )
