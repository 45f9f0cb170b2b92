"""What the commands about a change record share: how they act on it, refuse, and lay something down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.changes import desk, needs
from bot.changes.model import Change as Record
from bot.changes.model import Event, Refused, State
from bot.commands.model import Answer, Change, LaidDown, Moved, Situation
from bot.deployments.windows import Interval
from bot.facts.model import Instructed, Instruction
from bot.policy.model import Policy


def refused(what: str, remedy: str = "") -> Answer:
    """A refusal, and what would help."""
    return Answer(done=False, reply=f"{what} {remedy}".strip())


def usage(command: str) -> Answer:
    """A refusal of a command that is not written as it should be."""
    return refused(f"Write it as `{command}`.")


def change_of(situation: Situation) -> Change:
    """The change that the command is about."""
    assert situation.change is not None, "commands about a change are given on one"
    return situation.change


def act(situation: Situation, event: Event, say: Callable[[Record, Change], str | None]) -> Answer:
    """Do something to the record; ``say`` answers when a reaction does not say enough."""
    change = change_of(situation)
    if change.desk is None or change.desk.change is None:
        return refused("There is no change record here.")
    standings = [each for each in change.desk.context.standings if each.account != situation.standing.account]
    context = replace(change.desk.context, standings=(*standings, situation.standing))
    moved = desk.act(replace(change.desk, context=context), event)
    if isinstance(moved, Refused):
        return Answer(done=False, reply=_with_sections(moved, change.desk.change, change.policy))
    after, steps = moved
    assert after.change is not None, "a record does not vanish"
    return Answer(done=True, reply=say(after.change, change), deed=Moved(steps))


def _with_sections(refused: Refused, record: Record, policy: Policy) -> str:
    """A refusal, with the sections to copy where the record lacks some."""
    told = f"{refused.what} {refused.remedy}".strip()
    lacking = needs.text_to_add(record.contents, policy) if record.state is State.DRAFT else ""
    return f"{told}\n\nTo be added to the description:\n\n```markdown\n{lacking}```" if lacking else told


def silent(_record: Record, _change: Change) -> None:
    """Say nothing: a reaction to the comment is enough."""
    return


def lay_down(situation: Situation, kind: Instructed, value: str, reason: str, reply: str | None = None) -> Answer:
    """Lay something down for the change, in the name of who gives the command."""
    at = now(situation)
    instruction = Instruction(kind, value, situation.standing.account, reason, at)
    return Answer(done=True, reply=reply, deed=LaidDown(instruction))


def now(situation: Situation) -> datetime:
    """The moment of the look."""
    change = change_of(situation)
    assert change.now is not None, "a look has a moment"
    return change.now


def spoken(window: Interval | None) -> str:
    """When that is, for people."""
    return "none" if window is None else window.spoken
