"""What the commands about a change record share: how they act on it, refuse, and lay something down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.changes import desk, needs
from bot.changes.model import Applied, Event, Refused, State
from bot.changes.model import Change as Record
from bot.changes.plans import gives_reason
from bot.commands.model import Answer, Change, LaidDown, Moved, Situation, too_late
from bot.deployments.windows import Interval
from bot.facts.model import Instructed, Instruction, PullRequestState
from bot.policy.model import Policy
from bot.words import dated


def refused(what: str, remedy: str = "") -> Answer:
    """A refusal, and what would help."""
    return Answer(done=False, reply=f"{what} {remedy}".strip())


def usage(command: str) -> Answer:
    """A refusal of a command that is not written as it should be."""
    return refused(f"Write it as `{command}`.")


def keyword(situation: Situation, place: int = 0) -> str:
    """An argument that is one of a few words, in whatever case it is written; empty when there is none."""
    return situation.arguments[place].lower() if len(situation.arguments) > place else ""


def reason(situation: Situation, after: int = 0) -> str:
    """What was written after that many arguments, where it is a reason; empty where it says nothing."""
    said = situation.words(after)
    return said if gives_reason(said) else ""


def change_of(situation: Situation) -> Change:
    """The change that the command is about."""
    assert situation.change is not None, "commands about a change are given on one"
    return situation.change


def act(situation: Situation, event: Event, say: Callable[[Record, Change], str | None]) -> Answer:
    """Do something to the record; ``say`` answers when a reaction does not say enough."""
    change = change_of(situation)
    if change.desk is None or change.desk.change is None:
        return refused("There is no change record here.")
    steps = steps_of(situation, event)
    if isinstance(steps, Refused):
        if change.desk.change.state.over and change.facts.state is not PullRequestState.OPEN:
            # No new record is opened for it any more.
            return refused(steps.what)
        return Answer(done=False, reply=_with_sections(steps, change.desk.change, change.policy))
    return Answer(done=True, reply=say(steps[-1].change, change), deed=Moved(steps))


def steps_of(situation: Situation, event: Event) -> tuple[Applied, ...] | Refused:
    """What becomes of the record, which is there, when who gives the command does that to it."""
    found = change_of(situation).desk
    assert found is not None, "commands that act on a record look for it first"
    standings = [each for each in found.context.standings if each.account != situation.standing.account]
    context = replace(found.context, standings=(*standings, situation.standing))
    moved = desk.act(replace(found, context=context), event)
    return moved if isinstance(moved, Refused) else moved[1]


def _with_sections(refused: Refused, record: Record, policy: Policy) -> str:
    """A refusal, with the sections to copy where the record lacks some."""
    told = f"{refused.what} {refused.remedy}".strip()
    lacking = needs.text_to_add(record.contents, policy) if record.state is State.DRAFT else ""
    return f"{told}\n\nTo be added to the description:\n\n```markdown\n{lacking}```" if lacking else told


def only_open(situation: Situation, command: str) -> Answer | None:
    """The refusal of a part of `/change` that makes sense on an open pull request only; None where this one is."""
    change = change_of(situation)
    return None if change.facts.state is PullRequestState.OPEN else refused(too_late(command, change))


def silent(_record: Record, _change: Change) -> None:
    """Say nothing: a reaction to the comment is enough."""
    return


def lay_down(
    situation: Situation,
    kind: Instructed,
    value: str,
    reason: str,
    reply: str | None = None,
    *,
    instead: str | None = None,
) -> Answer:
    """Lay something down for the change, in the name of who gives the command; ``instead`` as in `Instruction`.

    What somebody has written later counts, also where that was heard before: who gives the command is told.
    """
    instruction = Instruction(kind, value, situation.standing.account, reason, said_at(situation), instead)
    later = _later(situation, instruction)
    if later is not None:
        reply = f"It is on record. What @{later.by.login} said on {dated(later.at)} is later, and counts."
    return Answer(done=True, reply=reply, deed=LaidDown(instruction))


_LATEST_COUNTS = frozenset(Instructed) - {Instructed.RAISE, Instructed.HOLD}
"""Of which one word takes the place of all before it, whoever spoke."""


def _later(situation: Situation, instruction: Instruction) -> Instruction | None:
    """What was said after it, and takes its place; None when it counts."""
    if instruction.kind not in _LATEST_COUNTS:
        return None
    said = (each for each in change_of(situation).facts.instructions if each.kind is instruction.kind)
    return next((each for each in said if each.at > instruction.at), None)


def said_at(situation: Situation) -> datetime:
    """When the command was given, however late it is heard."""
    return situation.said_at or now(situation)


def now(situation: Situation) -> datetime:
    """The moment of the look."""
    return now_of(change_of(situation))


def now_of(change: Change) -> datetime:
    """The moment of the look at the change."""
    assert change.now is not None, "a look has a moment"
    return change.now


def local(window: Interval, timezone: str) -> str:
    """When that is, on the clock of the time zone and in UTC; once where both show the same."""
    zone = ZoneInfo(timezone)
    ends = [each.astimezone(where) for where in (zone, UTC) for each in (window.start, window.end)]
    start, end, *utc = ends
    if [start.utcoffset(), end.utcoffset()] == [timedelta(), timedelta()]:
        return window.spoken
    here = f"{start:%Y-%m-%d %H:%M} to {end:%H:%M}" if start.date() == end.date() else _days(start, end)
    same_day = len({each.date() for each in ends}) == 1
    there = f"{utc[0]:%H:%M} to {utc[1]:%H:%M}" if same_day else _days(*utc)
    return f"{here} ({timezone}), {there} UTC"


def _days(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


def spoken(window: Interval | None) -> str:
    """When that is, for people."""
    return "none" if window is None else window.spoken
