"""Votes that were given here, carried into the approvals of the record's twin: one answer there for each, once.

The other system asks people of its own, and would wait for ever for those who have voted here. Where the policy says so
(``records.carry_votes``), what a board decided is written there in the name of each who voted, with where they said it.

It is carried with the decision: until then a vote can be changed here, and an answer there cannot be taken back; one
rejection there would end the round for everybody. What was said there itself is no vote of here, and is never carried.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from bot.changes import codec, rounds
from bot.changes.hearing import is_echo, names_of
from bot.changes.model import Change, Choice, State, Vote
from bot.changes.systems import port
from bot.changes.systems.port import ApprovalState, Snapshot
from bot.facts.model import Account
from bot.ledger import Entry, Kind
from bot.policy.model import Records
from bot.words import dated, listed, shortened, visible

LONGEST_REASON = 500

_NOTE = """
    INSERT INTO change_carried (change, approval, round, voter, state, words, noted_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_NOTED = "SELECT approval, state FROM change_carried WHERE change = %s"
_DONE = """
    UPDATE change_carried SET done_at = %s, problem = '' WHERE change = %s AND approval = %s AND done_at IS NULL
    RETURNING voter, words
"""
_PROBLEM = """
    UPDATE change_carried SET problem = %s
    WHERE change = %s AND approval = %s AND done_at IS NULL AND problem <> %s RETURNING change
"""
_REFUSED = """
    SELECT voter ->> 'login', problem FROM change_carried
    WHERE change = %s AND round = %s AND done_at IS NULL AND problem <> '' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Carried:
    """A vote on its way into an approval there. ``words`` say who gave it, where, when and why."""

    approval: str
    voter: Account
    state: ApprovalState
    words: str


def to_carry(
    change: Change, snapshot: Snapshot, records: Records, bound: Mapping[str, int], web_url: str
) -> tuple[Carried, ...]:
    """The votes behind what the board decided, for the approvals there that wait for those who gave them. Pure.

    ``bound`` has the accounts that the policy's logins stand for.
    """
    if not records.carry_votes or snapshot.state is not port.State.AUTHORIZE:
        return ()
    deciders, choice = _decided(change)
    found: list[Carried] = []
    for account in deciders:
        vote = _last(change, account, choice)
        names = {there for there, login in records.people if bound.get(login.lower()) == account.id}
        if vote is None or not vote.place:
            continue
        words = _words(vote, change, web_url)
        found += [
            Carried(each.asked, account, _STATES[choice], words)
            for each in snapshot.approvals
            if each.state is ApprovalState.REQUESTED and names & set(names_of(each.approver))
        ]
    return tuple(found)


_STATES = {Choice.APPROVE: ApprovalState.APPROVED, Choice.REJECT: ApprovalState.REJECTED}


def _decided(change: Change) -> tuple[tuple[Account, ...], Choice]:
    """Whose votes made the decision, and what they said."""
    if change.state not in {State.DRAFT, State.CANCELLED} and change.authorisation is not None:
        return change.authorisation.by, Choice.APPROVE
    decided = rounds.sent_back(change)
    if decided is None or not decided.outcome.rejects:
        return (), Choice.REJECT
    return tuple(vote.by for vote in rounds.against(change, decided) if vote.choice is Choice.REJECT), Choice.REJECT


def _last(change: Change, account: Account, choice: Choice) -> Vote | None:
    said = [vote for vote in change.votes if vote.by == account and vote.round == change.round]
    last = max(reversed(said), key=lambda each: each.at, default=None)
    return last if last is not None and last.choice is choice else None


def _words(vote: Vote, change: Change, web_url: str) -> str:
    where = f"{web_url}/{change.contents.repository}/{vote.place}"
    why = f" {shortened(visible(vote.reason), LONGEST_REASON)}" if visible(vote.reason) else ""
    said = f"@{vote.by.login} voted to {vote.choice.value} {change.number} on {dated(vote.at)}"
    return f"{said}: {where}.{why}"


# In the database.


async def note(connection: AsyncConnection[Any], change: Change, carried: Carried, at: datetime) -> None:
    """Note that it is about to be sent."""
    voter = Jsonb(codec.told(carried.voter))
    values = [change.number, carried.approval, change.round, voter, carried.state.value, carried.words, at]
    await connection.execute(_NOTE, values)


async def noted(connection: AsyncConnection[Any], change: str) -> dict[str, ApprovalState]:
    """Every approval there that a vote was, or was to be, written into."""
    rows = await (await connection.execute(_NOTED, [change])).fetchall()
    return {approval: ApprovalState(state) for approval, state in rows}


async def refused(connection: AsyncConnection[Any], change: str, approval: str, why: str) -> bool:
    """Note why that system did not take it; whether that is news."""
    row = await (await connection.execute(_PROBLEM, [why, change, approval, why])).fetchone()
    return row is not None


async def received(connection: AsyncConnection[Any], change: Change, snapshot: Snapshot, at: datetime) -> list[Entry]:
    """Note which votes have arrived there; answers what goes into the ledger, once for each."""
    carried = await noted(connection, change.number)
    entries = []
    for each in snapshot.approvals:
        if not is_echo(each, carried):
            continue
        row = await (await connection.execute(_DONE, [at, change.number, each.asked])).fetchone()
        if row is not None:
            body = {"change": change.number, "number": snapshot.receipt.number, "approval": each.asked}
            body |= {"state": each.state.value, "voter": row[0], "words": row[1]}
            entries.append(Entry(Kind.VOTE_CARRIED, change.subject, body))
    return entries


async def refusals(connection: AsyncConnection[Any], change: Change) -> str:
    """A sentence for each reason why votes of this round are not there; empty where there is none."""
    rows = await (await connection.execute(_REFUSED, [change.number, change.round])).fetchall()
    voters: dict[str, list[str]] = {}
    for login, problem in rows:
        voters.setdefault(problem, []).append(f"@{login}")
    return " ".join(f"Not carried there: the vote of {listed(who)}. {problem}" for problem, who in voters.items())
