"""`/hold` and `/unhold`: the change waits until somebody lifts that."""

from bot.commands import frame
from bot.commands.model import Answer, Command, Situation
from bot.facts.model import Instructed, Permission


def _hold(situation: Situation) -> Answer:
    if not situation.arguments:
        return frame.usage(HOLD.usage)
    return frame.lay_down(situation, Instructed.HOLD, "held", situation.words())


HOLD = Command(
    name="hold",
    usage="/hold reason",
    summary="Holds the change until somebody lifts that.",
    examples=("/hold Wait for the auditors",),
    permission=Permission.WRITE,
    run=_hold,
    weighty=True,
)


def _unhold(situation: Situation) -> Answer:
    if frame.change_of(situation).facts.instructed(Instructed.HOLD) is None:
        return frame.refused("Nobody holds this change.")
    return frame.lay_down(situation, Instructed.HOLD, "", situation.words() or "lifted")


UNHOLD = Command(
    name="unhold",
    usage="/unhold",
    summary="Lifts a hold.",
    examples=("/unhold",),
    permission=Permission.WRITE,
    run=_unhold,
    weighty=True,
)
