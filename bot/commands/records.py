"""The commands about the change record, the board, and what people lay down for a change."""

from bot.commands import board, cancel, change, emergency, hold, plan, risk, schedule, waive
from bot.commands.parse import Given

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

_ABOUT_RECORDS = frozenset({"request-cab", "emergency"})
_PARTS_ABOUT_RECORDS = frozenset({"type", "link"})


def is_about_record(given: Given) -> bool:
    """Whether the command does something with a record, so that one is opened where the policy would not need it."""
    words = given.arguments[:1]
    return given.name in _ABOUT_RECORDS or (
        given.name == change.CHANGE.name and bool(words) and words[0].lower() in _PARTS_ABOUT_RECORDS
    )
