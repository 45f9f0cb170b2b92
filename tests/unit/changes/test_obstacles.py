"""What of a twin keeps a change from being released."""

from dataclasses import replace

import pytest

from bot.changes.model import Change, Closure, State
from bot.changes.obstacles import ended_otherwise, gone, in_the_way
from bot.changes.systems import port
from bot.changes.systems.port import ApprovalState, CloseCode, Closed, Identity, Snapshot
from bot.policy.model import System
from tests.unit.changes.test_sync import AT, ENDED, closed, planned, snapshot

NOT_RELEASED = (State.DRAFT, State.ASSESS, State.AUTHORIZE, State.SCHEDULED)
RELEASED = (State.IMPLEMENT, State.REVIEW, State.CLOSED)
FAILED = Closed(CloseCode.UNSUCCESSFUL, "unsuccessful", "Not to be made", Identity("u1"), AT)


def told(change: Change, there: Snapshot) -> str:
    return in_the_way(change, there, System.SERVICENOW)


def at(state: port.State, approval: ApprovalState | None = ApprovalState.APPROVED) -> Snapshot:
    return snapshot(state=state, state_there=state.value.capitalize(), approval=approval)


def in_state(state: State) -> Change:
    return replace(planned(), state=state)


def test_what_is_not_known_or_on_hold_or_cancelled_there_is_in_the_way() -> None:
    assert told(planned(), snapshot(state=None)) == "Its state there is `-3`, which is none that is known here."
    assert told(planned(), snapshot(on_hold=True)) == "It is on hold in ServiceNow."
    gone_there = snapshot(state=port.State.CANCELLED)
    assert told(planned(), gone_there) == "It is cancelled in ServiceNow."
    assert told(in_state(State.CANCELLED), gone_there) == ""


@pytest.mark.parametrize("state", NOT_RELEASED)
def test_what_was_closed_there_is_not_released_any_more(state: State) -> None:
    said = told(in_state(state), snapshot(state=port.State.CLOSED, closed=FAILED))
    assert said.startswith("It is closed as `unsuccessful` in ServiceNow, and has not been released. `/cancel reason`")
    assert told(in_state(state), at(port.State.REVIEW)).startswith("It is in `Review` in ServiceNow, and has not been")


@pytest.mark.parametrize("state", [*RELEASED, State.CANCELLED])
def test_what_was_released_or_is_over_may_be_closed_there(state: State) -> None:
    assert told(in_state(state), snapshot(state=port.State.CLOSED, closed=FAILED)) == ""
    assert told(in_state(state), at(port.State.SCHEDULED, ApprovalState.REQUESTED)) == ""


@pytest.mark.parametrize("there", [port.State.SCHEDULED, port.State.IMPLEMENT])
def test_what_goes_on_there_needs_its_approval_there(there: port.State) -> None:
    change = in_state(State.SCHEDULED)
    for given in (ApprovalState.APPROVED, ApprovalState.NOT_REQUIRED):
        assert told(change, at(there, given)) == ""
    for lacking in set(ApprovalState) - {ApprovalState.APPROVED, ApprovalState.NOT_REQUIRED}:
        said = told(change, at(there, lacking))
        assert said.startswith(f"It is in `{there.value.capitalize()}` in ServiceNow, and is not approved there: ")
        assert f"its approval says `{lacking.value}`. Those who were asked in ServiceNow answer there" in said
    assert "its approval is none that is known." in told(change, at(there, None))


@pytest.mark.parametrize("there", [port.State.DRAFT, port.State.ASSESS, port.State.AUTHORIZE])
def test_what_is_still_asked_there_is_in_nobodys_way(there: port.State) -> None:
    assert told(in_state(State.AUTHORIZE), at(there, ApprovalState.REQUESTED)) == ""


def test_another_end_than_here_is_told() -> None:
    done = closed(Closure.SUCCESSFUL)
    for there, said in (
        (snapshot(state=port.State.CANCELLED), "It is cancelled in ServiceNow, and has been released."),
        (snapshot(closed=FAILED), "It is closed as `unsuccessful` in ServiceNow, and as successful here."),
        (snapshot(closed=replace(ENDED, code=CloseCode.SUCCESSFUL)), ""),
        (snapshot(), ""),
    ):
        assert ended_otherwise(done, there, System.SERVICENOW) == said
    assert ended_otherwise(in_state(State.REVIEW), snapshot(closed=FAILED), System.SERVICENOW) == ""


def test_what_is_not_there_any_more_is_made_anew_or_restored() -> None:
    before, after = (gone(in_state(each), "CHG1", "ServiceNow") for each in (State.SCHEDULED, State.REVIEW))
    assert before.what == after.what
    assert "`/request-cab` then opens another one" in str(before)
    assert "Without that, how it ended is not told in ServiceNow." in str(after)
