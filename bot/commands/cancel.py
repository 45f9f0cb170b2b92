"""`/cancel`: the record is given up."""

from bot.changes.model import Act, Event
from bot.commands import frame
from bot.commands.model import Answer, Command, Situation
from bot.facts.model import Permission


def _cancel(situation: Situation) -> Answer:
    reason = frame.reason(situation)
    if not reason:
        return frame.usage(CANCEL.usage)
    return frame.act(situation, Event(Act.CANCEL, situation.standing.account, reason), frame.silent)


CANCEL = Command(
    name="cancel",
    usage="/cancel reason",
    summary="Cancels the change record.",
    examples=("/cancel Superseded by #12",),
    permission=Permission.READ,
    run=_cancel,
    whom="who contributed, who asked for it, and the members of its board",
    weighty=True,
)
