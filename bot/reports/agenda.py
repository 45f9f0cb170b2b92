"""The agenda of the Change Advisory Board: what it is to decide, the most urgent first.

Votes are told as they were given. Which of them count is decided when they are counted, and stands on the check run.
"""

from collections.abc import Sequence
from typing import assert_never

from bot.changes import register
from bot.changes.model import Change, Choice, Vote
from bot.reports.form import Format, Row, as_json, objects, sheet, table
from bot.store import Store
from bot.words import counted, dated, listed, visible

COLUMNS = ("number", "decide by", "change", "application", "tier", "planned", "asked by", "needs", "votes", "where")


async def gather(store: Store) -> tuple[Change, ...]:
    """The records that a board decides about now.

    Raises:
        Transient: the database is away.

    """
    async with store.transaction() as connection:
        return await register.agenda(connection)


def written(agenda: Sequence[Change], form: Format) -> str:
    """The agenda as text; an empty one says so in a table, and has no rows otherwise."""
    rows = [_row(each) for each in agenda]
    match form:
        case Format.JSON:
            return as_json(objects(COLUMNS, rows))
        case Format.CSV:
            return sheet(COLUMNS, rows)
        case Format.TABLE:
            return table(COLUMNS, rows) if rows else "There is nothing to decide."
        case _:
            assert_never(form)


def _row(change: Change) -> Row:
    contents = change.contents
    return (
        change.number,
        dated(change.deadline) if change.deadline is not None else "",
        visible(contents.title),
        visible(contents.application),
        "emergency" if change.emergency is not None else contents.tier.label,
        contents.window.spoken if contents.window is not None and change.emergency is None else "",
        f"@{change.request.by.login}" if change.request is not None and change.request.by is not None else "",
        _needs(change),
        ", ".join(f"@{each.by.login} {each.choice.value}" for each in _latest(change)),
        ", ".join(f"{contents.repository}#{number}" for number in contents.pulls),
    )


def _needs(change: Change) -> str:
    routing = change.contents.routing
    signed = f", among them {listed(list(routing.sign_off))}" if routing.sign_off else ""
    return f"{counted(routing.quorum, 'vote')}{signed}"


def _latest(change: Change) -> list[Vote]:
    """What each account said last in this round, unless that was taken back."""
    found = {vote.by: vote for vote in sorted(change.votes, key=lambda each: each.at) if vote.round == change.round}
    return [vote for vote in found.values() if vote.choice is not Choice.WITHDRAW]
