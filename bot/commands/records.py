"""The commands about the change record, the board, and what people lay down for a change."""

from dataclasses import replace

from bot.commands import board, cancel, change, emergency, hold, plan, risk, schedule, waive
from bot.commands.model import Change, Deed, Joined, Moved, WaiverAnswered

COMMANDS = (
    change.CHANGE,
    board.REQUEST_CAB,
    board.CAB,
    schedule.SCHEDULE,
    plan.PLAN,
    risk.RISK,
    waive.WAIVE,
    waive.WAIVER,
    emergency.EMERGENCY,
    hold.HOLD,
    hold.UNHOLD,
    cancel.CANCEL,
)

ABOUT_RECORDS = frozenset({"request-cab", "emergency", "change"})
"""Commands for which a record is opened where the policy would not need one."""


def follow(change: Change, deed: Deed | None) -> Change:
    """The change as the next command of the same comment finds it."""
    match deed:
        case Moved(steps) | Joined(_, steps) if change.desk is not None:
            return replace(change, desk=replace(change.desk, change=steps[-1].change))
        case WaiverAnswered(asked, _):
            return replace(change, asked=tuple(each for each in change.asked if each != asked))
        case _:
            return change
