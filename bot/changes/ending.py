"""What the end of a pull request is for its change record: the merge that releases it, or that it is given up.

Where nothing else releases a change, its merge does: the record is begun by the first pull request that is merged and
has ended with the last. It is judged by the moment of the merge, and by what Countersign had seen and demanded until
then, however late it is heard of. What was authorised once and should have waited goes on, with the reason on record;
what was not authorised is cancelled as released without authorisation, so that it can be found and passes for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from bot.changes import desk, instructions, lifecycle, listening, parts, register, release
from bot.changes.context import Context
from bot.changes.desk import Desk
from bot.changes.model import Act, Applied, Change, Event, Merge, Part, Refused, State
from bot.decide.verdict import Decision, Verdict
from bot.facts.model import Account, Instructed, Instruction, PullRequestFacts, PullRequestState, Standing
from bot.facts.people import GHOST
from bot.ledger import Entry, append
from bot.ledger.decisions import last_of
from bot.policy.inventory import application_of, is_released_by_merge
from bot.policy.model import Mode, Policy
from bot.queue import Urgency, want
from bot.store import Store

_UNAUTHORISED = {State.DRAFT, State.ASSESS, State.AUTHORIZE}
_NOT_RELEASED = {*_UNAUTHORISED, State.SCHEDULED}


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a pull request: what it was, what was seen of it, and the policy that it was decided by until then.

    ``board`` are those who are told of it. ``diff`` names what was merged, where that is another head than the one that
    was looked at last. ``elsewhere`` names the system whose record had not come as far.
    """

    subject: str
    facts: PullRequestFacts
    policy: Policy
    decision: Decision
    diff: str
    now: datetime
    board: tuple[Standing, ...] = ()
    elsewhere: str = ""

    @property
    def merge(self) -> Merge:
        """Who merged it, and when."""
        ended = self.facts.ended
        return Merge(ended.by or GHOST, ended.at) if ended is not None else Merge(GHOST, self.now)

    @property
    def by(self) -> str:
        """Who did it, for a sentence."""
        ended = self.facts.ended
        return f"@{ended.by.login}" if ended is not None and ended.by is not None else "nobody whom GitHub names"

    def is_release(self, change: Change) -> bool:
        """Whether the merge releases the change: nothing else does, or it is an emergency."""
        application = application_of(self.policy, self.facts)
        return is_released_by_merge(application, emergency=change.emergency is not None)


def merged(change: Change, context: Context, ending: Ending) -> list[Applied]:
    """What the merge of a pull request does to a record; ``context.parts`` says which others are merged. Pure."""
    steps: list[Applied] = []
    merge = ending.merge
    # What GitHub writes in whole seconds can seem to lie before the moment that made it possible.
    at = max(merge.at, change.authorisation.at) if change.authorisation is not None else merge.at
    what = "The pull request" if len(context.parts) < 2 else f"#{ending.facts.number}"
    if not ending.is_release(change):
        return steps
    if change.state in {*_UNAUTHORISED, State.CANCELLED}:
        observed = " The policy is only observed here." if ending.decision.mode is Mode.OBSERVE else ""
        why = f"{what} was merged without authorisation: {change.number} was in state {change.state.value}.{observed}"
        _take(steps, change, Event(Act.BYPASS, merge.by, why, at=at), context)
        if observed and change.emergency is None:
            # What is only observed keeps nobody from merging, and nobody has to act on it.
            steps = [replace(step, announcement=None) for step in steps]
        return steps
    start = Event(Act.START, merge.by, f"{what} was merged.", at=at)
    # Of what was begun before, the same is asked again: it is not over with the first merge.
    asked = lifecycle.apply(_as_it_ships(change, context), start, context)
    if isinstance(asked, Refused):
        # It has happened; the record does not escape it, and says that it should have waited.
        why = f"{what} was merged all the same: {asked.what}"
        change = _take(steps, change, Event(Act.OVERTAKE, merge.by, why, at=at), context)
    elif change.state is State.SCHEDULED:
        change = _take(steps, change, start, context)
    return [*steps, *finished(change, context, Event(Act.FINISH, merge.by, f"{what} was merged.", at=at))]


def _as_it_ships(change: Change, context: Context) -> Change:
    """The record before it was begun, with what its pull requests are now."""
    if change.state is State.SCHEDULED:
        return change
    contents = release.contents_of(context.parts, context.policy)
    diff = contents.diff if contents is not None else ""
    return replace(change, state=State.SCHEDULED, contents=replace(change.contents, diff=diff))


def finished(change: Change, context: Context, event: Event) -> list[Applied]:
    """The end of the release, when the last of its pull requests is merged. Pure."""
    steps: list[Applied] = []
    if change.state is State.IMPLEMENT and all(part.merge is not None for part in context.parts):
        _take(steps, change, event, context)
    return steps


def _take(steps: list[Applied], change: Change, event: Event, context: Context) -> Change:
    """The change after the event, which is one of the steps when it can happen."""
    applied = lifecycle.apply(change, event, context)
    if isinstance(applied, Refused):
        return change
    steps.append(applied)
    return applied.change


async def look(
    store: Store,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    *,
    board: Sequence[Standing],
    diff: str,
    now: datetime,
    waiting: bool = False,
) -> Desk:
    """Bring the record of a pull request that is not open any more as far as it is known; answers what it is now.

    ``waiting``: time does nothing yet, since something that was said before is still to be heard.

    Raises:
        Transient: the record was altered meanwhile, or the database is away.

    """
    context = desk.context_of(facts, policy, decision, board, "", now)
    async with store.transaction() as connection:
        change = await register.open_of(connection, subject, held=True)
        if change is None:
            change = await register.latest_of(connection, subject)
        if change is None:
            return Desk(None, context)
        recorded = await last_of(connection, subject) if change.state in {*_NOT_RELEASED, State.IMPLEMENT} else None
        then = recorded.made.policy if recorded is not None else policy
        behind = recorded is not None and any(
            each.id == "change-record:elsewhere" and each.blocks is Verdict.WAIT
            for each in recorded.made.decision.findings
        )
        where = then.records.system.spoken if behind else ""
        ending = Ending(subject, facts, then, decision, diff, now, tuple(board), where)
        change, entries = await _end(connection, change, ending)
        known = await parts.of(connection, change.number)
        context = replace(release.context_of(known, context), holds=await _holds(connection, known))
        change = await desk.with_askers(connection, change, known)
        change, heard = await listening.listen(connection, change, context, policy)
        entries += heard
        # What is authorised and waits for its deployment is not taken back by a look at its pull request.
        goes_on = change.state is State.REVIEW or change.is_unauthorised
        due = lifecycle.advance(change, context) if goes_on and not waiting else ()
        change, kept = await register.keep_all(connection, change, due)
        await append(connection, [*entries, *kept], at=now)
    return Desk(change, context, lifecycle.wakes_at(change, context) if goes_on else None)


async def _holds(connection: AsyncConnection[Any], known: Sequence[Part]) -> tuple[Instruction, ...]:
    """The last words on holding each pull request of a release: whichever it is said on, it is about all of it."""
    given = [each for part in known for each in await instructions.read(connection, part.subject)]
    return tuple(each for each in given if each.kind is Instructed.HOLD)


async def _end(connection: AsyncConnection[Any], change: Change, ending: Ending) -> tuple[Change, list[Entry]]:
    """Do what the end of the pull request does; answers the record that it belongs to then."""
    if ending.facts.state is PullRequestState.CLOSED:
        return await _close(connection, change, ending) if not change.state.over else (change, [])
    if change.state is State.CANCELLED:
        if not desk.is_wanted(ending.decision.under(ending.policy), ending.decision.tier):
            # It needed no record, and went ahead without the one that was given up.
            return change, []
        return await register.keep_all(connection, change, merged(change, _context(ending, ()), ending))
    if change.state not in {*_NOT_RELEASED, State.IMPLEMENT}:
        return change, []
    return await _merge(connection, change, ending)


async def _close(connection: AsyncConnection[Any], change: Change, ending: Ending) -> tuple[Change, list[Entry]]:
    """It was closed without a merge: its record is given up, or others ship without it."""
    known = await parts.of(connection, change.number)
    why = f"The pull request was closed without a merge, by {ending.by}."
    if len(known) > 1:
        entries = await _leave(connection, change, ending, why)
        context = _context(ending, await parts.of(connection, change.number))
        last = Event(Act.FINISH, why=f"#{ending.facts.number} was closed; all others were merged.", at=ending.now)
        change, more = await register.keep_all(connection, change, finished(change, context, last))
        return change, entries + more
    if change.state not in _NOT_RELEASED:
        return change, []
    event = Event(Act.ABANDON, why=why, at=ending.now)
    steps: list[Applied] = []
    _take(steps, change, event, _context(ending, known))
    return await register.keep_all(connection, change, steps)


async def _merge(connection: AsyncConnection[Any], change: Change, ending: Ending) -> tuple[Change, list[Entry]]:
    """It was merged, which is noted once."""
    known = await parts.of(connection, change.number)
    mine = next((part for part in known if part.subject == ending.subject), None)
    assert mine is not None, "an open record has a part for each of its pull requests"
    if mine.merge is not None:
        return change, []
    entries: list[Entry] = []
    seen = mine.contents
    unseen = seen is None or seen.head != ending.facts.head.oid
    if seen is None or unseen:
        # Nobody has looked at what was merged: it is described before anything else is said of it.
        at = ending.merge.at
        seen = desk.contents_of(ending.facts, ending.decision, ending.policy, at, ending.diff, change)
        mine = replace(mine, contents=seen, blocking=("a look at what was merged",))
    mine = replace(mine, merge=ending.merge)
    await parts.keep(connection, change.number, mine)
    known = await parts.of(connection, change.number)
    context, change = _context(ending, known), await desk.with_askers(connection, change, known)
    event = desk.noticed(change, replace(context, now=ending.merge.at)) if unseen else None
    if event is not None:
        steps: list[Applied] = []
        _take(steps, change, replace(event, at=ending.merge.at), context)
        change, entries = await register.keep_all(connection, change, steps)
    if len(known) > 1 and change.state in _UNAUTHORISED and ending.is_release(change):
        # The others can still be authorised; what was merged is on record by itself.
        entries += await _leave(connection, change, ending, f"It was merged while {change.number} was not authorised.")
        own, opened = await register.open_record(connection, ending.subject, seen, ending.now)
        entries += [opened] if opened is not None else []
        # It is no less an emergency by itself.
        change, context = replace(own, emergency=change.emergency), _context(ending, (mine,))
    change, more = await register.keep_all(connection, change, merged(change, context, ending))
    return change, entries + more


async def leave(
    connection: AsyncConnection[Any], change: Change, subject: str, by: Account, context: Context
) -> list[Entry]:
    """Take a pull request that is not merged out of its release, which ends with that where all others are merged.

    Answers what goes into the ledger; nothing where it has left already.
    """
    entries = await parts.leave(connection, change, subject, by)
    if not entries:
        return []
    rest = replace(context, parts=await parts.of(connection, change.number))
    last = Event(Act.FINISH, why=f"#{subject.rpartition(':')[2]} left the release; all others were merged.")
    _, more = await register.keep_all(connection, change, finished(change, rest, last))
    return entries + more


def _context(ending: Ending, known: Sequence[Part]) -> Context:
    """What was known until the end of the pull request: what was seen of each part while it was open."""
    context = desk.context_of(ending.facts, ending.policy, ending.decision, ending.board, "", ending.now)
    if len(known) != 1:
        found = release.context_of(known, context)
    else:
        found = replace(context, parts=tuple(known), blocking=known[0].blocking, demands=known[0].demands)
    behind = (f"the record in {ending.elsewhere}",) if ending.elsewhere else ()
    return replace(found, blocking=(*found.blocking, *behind))


async def _leave(connection: AsyncConnection[Any], change: Change, ending: Ending, why: str) -> list[Entry]:
    """Take the pull request out of its release, which the others look at again."""
    await want(connection, [], concerns={parts.concern(change.number): Urgency.PERSON})
    ended = ending.facts.ended
    return await parts.leave(connection, change, ending.subject, ended.by if ended is not None else None, why)
