"""`/request-cab` and `/cab`: the board is asked, and answers."""

from bot.changes import emergency
from bot.changes.model import Act, Choice, Event, State
from bot.changes.model import Change as Record
from bot.commands import frame
from bot.commands.model import UNTIL_CLOSED, Answer, Change, Command, Situation
from bot.facts.model import Permission
from bot.words import dated


def _request(situation: Situation) -> Answer:
    desk, why = frame.change_of(situation).desk, situation.words()
    record = desk.change if desk is not None else None
    if record is not None and record.state is State.SCHEDULED and not record.contents.routing.has_board:
        # It may have been opened by this very command, and have gone on by itself.
        return Answer(done=True, reply=_needs_none(record))
    return frame.act(situation, Event(Act.SUBMIT, situation.standing.account, why), _asked)


def _needs_none(record: Record) -> str:
    where = "it is authorised" if record.state is State.SCHEDULED else f"it is in state {record.state.value}"
    return f"{record.number} needs no board; {where}."


def _asked(record: Record, _change: Change) -> str | None:
    """What becomes of the request; the board itself is called by an announcement, when it can vote."""
    if not record.contents.routing.has_board:
        return _needs_none(record)
    if record.state is State.ASSESS:
        return (
            f"{record.number} is complete and comes on the agenda when nothing else blocks; the check says what does. "
            "The board is called then, and votes count from then on."
        )
    return None


REQUEST_CAB = Command(
    name="request-cab",
    usage="/request-cab [reason]",
    summary="Asks the board: completes the record, says what it lacks, and calls the board once.",
    examples=("/request-cab", "/request-cab The regulator wants it this quarter"),
    permission=Permission.WRITE,
    run=_request,
    weighty=True,
    states=UNTIL_CLOSED,
)


_MEANT = {"approved": "approve", "rejected": "reject", "deferred": "defer"}
"""What people write as well."""


def _vote_on(situation: Situation) -> Answer:
    choices = {choice.value: choice for choice in (Choice.APPROVE, Choice.REJECT, Choice.DEFER)}
    said = frame.keyword(situation)
    choice = choices.get(said) or choices.get(_MEANT.get(said, ""))
    if choice is None:
        return frame.usage(CAB.usage)
    number, comment = frame.change_of(situation).facts.number, situation.comment
    place = f"pull/{number}#issuecomment-{comment}" if comment is not None else ""
    who, why = situation.standing.account, situation.words(1)
    event = Event(Act.VOTE, who, why, choice=choice, place=place, said_at=situation.said_at)
    return frame.act(situation, event, _voted)


def _voted(record: Record, change: Change) -> str | None:
    if record.state is not State.SCHEDULED:
        # While others are missing, a reaction says enough; who asked is told when the board sends it back.
        return None
    ends = emergency.may_begin_until(record, change.policy, frame.now_of(change))
    if ends is not None:
        return f"{record.number} is authorised. It can be released now, until {dated(ends)}."
    return f"{record.number} is authorised. Planned for {frame.spoken(record.contents.window)}."


CAB = Command(
    name="cab",
    usage="/cab approve | reject reason | defer reason",
    summary="Votes on the change, as a member of its board. A vote can be changed until the board has decided.",
    examples=("/cab approve", "/cab reject The back-out plan was never tried"),
    permission=Permission.READ,
    run=_vote_on,
    whom="members of the board who did not contribute to the change, nor ask for it",
    weighty=True,
)
