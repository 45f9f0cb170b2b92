"""What the commands of one request come to, each on what there was before."""

from dataclasses import dataclass

from bot.commands.act import answer, commands_of, reply_of
from bot.commands.model import Change, Deed
from bot.decide.verdict import Decision
from bot.facts.model import Standing
from bot.ingest.statements import Pending


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether anything was refused, what is said, and what is done."""

    refused: bool
    reply: str
    commands: tuple[str, ...]
    deeds: tuple[Deed, ...] = ()


def outcome_of(
    request: Pending, giver: Standing, decision: Decision, change: Change | None = None, *, on_the_page: bool = True
) -> Outcome | None:
    """What all commands of the request come to; None when there is none in it."""
    given = commands_of(request)
    said_at = request.written_at
    said = [answer(each, giver, decision, change, on_the_page=on_the_page, said_at=said_at) for each in given]
    if not said:
        return None
    return Outcome(
        refused=any(not each.done for each in said),
        reply=reply_of(each.reply for each in said if each.reply),
        commands=tuple(each.name for each in given),
        deeds=tuple(each.deed for each in said if each.deed is not None),
    )
