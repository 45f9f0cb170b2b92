"""Why something that a person wants cannot happen in the state that a record is in, in their words. Pure."""

from bot.changes.model import Act, Change, Event, Refused, State
from bot.words import dated

_NOBODY_ASKED = ("nobody has asked its board yet", "`/request-cab` asks it; votes count from when it is called.")
_WAITS = ("its board is called when nothing else blocks", "The check says what does; votes count from then on.")
_DECIDED = (
    "its board has decided, and it is authorised",
    "Whoever has doubts says `/hold reason`; `/cancel reason` gives it up.",
)
_RELEASED = ("it has been released", "What comes of it is told when it is closed.")
_BEGUN = (
    "it is being released",
    "What is not merged can leave it: `/change unlink`. `/change close backed-out reason` backs it out.",
)
_CLOSED = ("it is closed already", "`/change` shows how it ended.")
_GONE = ("nothing happens to it any more", "`/request-cab` opens a new record.")

_BEFORE = (State.DRAFT, State.ASSESS, State.AUTHORIZE, State.SCHEDULED)
_NOT_RELEASED = ("it is closed when it has been released", "`/cancel reason` gives it up.")

_TOLD: dict[Act, dict[State, tuple[str, str]]] = {
    Act.VOTE: {
        State.DRAFT: _NOBODY_ASKED,
        State.ASSESS: _WAITS,
        State.SCHEDULED: _DECIDED,
    },
    Act.SUBMIT: {
        State.AUTHORIZE: ("its board has been called and decides", "`/change` shows who has voted, and until when."),
        State.SCHEDULED: ("it is authorised already", "`/change` shows by whom, and for when."),
    },
    Act.CANCEL: {
        State.IMPLEMENT: ("what has been released is not cancelled", "`/change close backed-out reason` backs it out."),
        State.REVIEW: ("what has been released is not cancelled", "`/change close` says what came of it."),
    },
    Act.DECLARE: {},
    Act.REVIEW: dict.fromkeys(
        (State.DRAFT, State.ASSESS, State.AUTHORIZE, State.SCHEDULED, State.IMPLEMENT),
        ("it is reviewed when it has been released", ""),
    ),
    Act.CLOSE: {**dict.fromkeys(_BEFORE, _NOT_RELEASED), State.IMPLEMENT: _BEGUN, State.CLOSED: _CLOSED},
    Act.BACK_OUT: {**dict.fromkeys(_BEFORE, _NOT_RELEASED), State.CLOSED: _CLOSED},
}


_NO_BOARD: dict[Act, dict[State, tuple[str, str]]] = {
    Act.VOTE: dict.fromkeys(_BEFORE, ("no board decides about it", "Whoever approves it reviews the pull request.")),
    Act.SUBMIT: {
        State.AUTHORIZE: ("no board decides about it, and nobody need be asked", "The check says what lacks.")
    },
}
"""What is told instead where reviewers are all that the policy demands."""


def heard_late(change: Change, event: Event) -> Refused | None:
    """Why a vote that was given in time cannot count any more, since it is heard only now; None for any other event."""
    last = change.decided[-1] if change.decided else None
    remedy = _HEARD_LATE.get(change.state)
    if event.act is not Act.VOTE or event.who is None or event.said_at is None or last is None or remedy is None:
        return None
    called, until = change.called_at, min(last.at, last.deadline or last.at)
    in_time = called is not None and called.replace(microsecond=0) <= event.said_at < until
    if last.number != change.round or not in_time:
        return None
    return Refused(
        f"The vote of @{event.who.login} was given in time, on {dated(event.said_at)}, and is heard only now: "
        f"on {dated(last.at)}, {change.number} was {last.outcome}.",
        remedy,
    )


_ASK_AGAIN = "`/request-cab` asks its board again; whoever has voted votes again then."
_HEARD_LATE = {State.DRAFT: _ASK_AGAIN, State.ASSESS: _ASK_AGAIN, State.SCHEDULED: _DECIDED[1]}


def impossible(change: Change, act: Act) -> Refused:
    """Why that cannot happen now, and what could."""
    told = _TOLD.get(act, {}).get(change.state)
    if not change.contents.routing.has_board:
        told = _NO_BOARD.get(act, {}).get(change.state, told)
    if told is None and change.state.over:
        told = _GONE
    if told is None:
        told = {State.IMPLEMENT: _BEGUN, State.REVIEW: _RELEASED}.get(change.state)
    if told is None:
        return Refused(f"{change.number} is in state {change.state.value}, where that is not possible.")
    why, remedy = told
    return Refused(f"{change.number} is in state {change.state.value}: {why}.", remedy)
