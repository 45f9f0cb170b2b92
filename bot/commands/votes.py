"""How `/change` shows what a board has said: each round that it decided, and each vote as it was counted then."""

from collections.abc import Iterator

from bot.changes import cab
from bot.changes import rounds as rounds_of
from bot.changes.cab import CountedVote
from bot.changes.context import Context
from bot.changes.model import Change as Record
from bot.changes.model import Choice
from bot.publish.markdown import sentence, table
from bot.words import dated


def rounds(record: Record) -> list[tuple[str, str]]:
    """What the board decided in each round, as rows of a table."""
    return [(f"round {each.number}", f"{each.outcome} on {dated(each.at)}") for each in record.decided]


def shown(record: Record, context: Context) -> list[str]:
    """Every vote on record, the earliest first: who, what, and why; nothing where there is none."""
    rows = [_row(*each) for each in _counted(record, context)]
    return ["", *table(("", "who", "vote", "why"), rows)] if rows else []


def _counted(record: Record, context: Context) -> Iterator[tuple[str, CountedVote]]:
    """Each vote as it counts, or counted in the round that was decided by it, with that round."""
    decided = {
        each.number: (f" in round {each.number}", iter(rounds_of.counted(record, each)))
        for each in record.decided
        if each.uncounted
    }
    for each in cab.count(record, context.standings, context.policy).votes:
        where, then = decided.get(each.vote.round, ("", iter(())))
        yield where, next(then, each)


def _row(where: str, counted: CountedVote) -> tuple[str, ...]:
    vote, not_counted = counted.vote, counted.reason
    counts = not not_counted and vote.choice is not Choice.WITHDRAW
    why = f"{vote.reason} ({not_counted})" if vote.reason and not_counted else vote.reason or not_counted
    signs = f", signs for {counted.signs}" if counted.signs else ""
    return (
        f"{'counted' if counts else 'not counted'}{where}{signs}",
        f"`@{vote.by.login}`",
        vote.choice.value,
        sentence(why, quiet=True),
    )
