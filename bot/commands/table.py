"""Every command there is."""

from bot.commands import acknowledge, disown, explain, help, recheck, records  # noqa: A004 - the command's name
from bot.commands.model import Command

TABLE: tuple[Command, ...] = (
    help.COMMAND,
    explain.COMMAND,
    recheck.COMMAND,
    disown.COMMAND,
    acknowledge.COMMAND,
    *records.COMMANDS,
)
BY_NAME = {command.name: command for command in TABLE}
BUTTONS = frozenset({"recheck", "explain", "rerun", "request-cab"})
"""What can be pressed on the check run; each does what the command of its name does, `rerun` what `recheck` does."""
