"""`/emergency`: a change that cannot wait."""

from bot.changes.model import Act, Event, State
from bot.changes.model import Change as Record
from bot.commands import frame
from bot.commands.model import WHILE_OPEN, Answer, Change, Command, Situation
from bot.facts.model import Permission


def declare(situation: Situation, incident: str, why: str) -> Answer:
    """Make the change an emergency, or say why it is none."""
    event = Event(Act.DECLARE, situation.standing.account, why, incident=incident)
    return frame.act(situation, event, _declared)


def _declared(record: Record, _change: Change) -> str:
    asked = "its board is called" if record.state is State.AUTHORIZE else "ask its board with `/request-cab`"
    return f"{record.number} is an emergency now; {asked}."


def _emergency(situation: Situation) -> Answer:
    if len(situation.arguments) < 2:
        return frame.usage(EMERGENCY.usage)
    return declare(situation, situation.arguments[0], situation.words(1))


EMERGENCY = Command(
    name="emergency",
    usage="/emergency incident reason",
    summary="Declares the change an emergency: its own board, less time, and a review afterwards.",
    examples=("/emergency INC0012345 Payments are down",),
    permission=Permission.READ,
    run=_emergency,
    whom="whoever the policy names in `emergency.from`",
    weighty=True,
    states=WHILE_OPEN,
)
