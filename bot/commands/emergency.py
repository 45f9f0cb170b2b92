"""`/emergency`: a change that cannot wait."""

from bot.changes.model import Act, Event
from bot.commands import frame
from bot.commands.model import Answer, Command, Situation
from bot.facts.model import Permission


def declare(situation: Situation, incident: str, why: str) -> Answer:
    """Make the change an emergency, or say why it is none."""
    event = Event(Act.DECLARE, situation.standing.account, why, incident=incident)
    return frame.act(situation, event, lambda record, _: f"{record.number} is an emergency now; its board decides.")


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
)
