"""``/recheck``: look again now."""

from bot.commands.model import Answer, Command, Situation
from bot.facts.model import Permission


def _run(_situation: Situation) -> Answer:
    # Whoever asked has just been looked at again: the command came with a look.
    return Answer(done=True)


COMMAND = Command(
    name="recheck",
    usage="/recheck",
    summary="Looks at this change again now, from what GitHub says at this moment.",
    examples=("/recheck",),
    permission=Permission.READ,
    run=_run,
)
