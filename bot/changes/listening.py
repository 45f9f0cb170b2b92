"""Does here what people did to a record's twin in another system, as far as that counts: by the rules for everybody.

Who they are here says the policy, by the account that a login stood for when it was first seen. What was said of
another state of the change, or by nobody known, is noted with the reason, which the check tells.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from bot.changes import closing, lifecycle, links, register
from bot.changes.context import Context
from bot.changes.hearing import UNKNOWN, Heard
from bot.changes.model import Act, Applied, Change, Choice, Closure, Event, Refused, State
from bot.deployments.windows import Interval, allowed
from bot.facts import names
from bot.facts.model import Account
from bot.ledger import Entry
from bot.policy.model import Policy, System
from bot.words import quoted, visible

NOTHING = datetime.min.replace(tzinfo=UTC)
"""Until when it is known what people said while something that was heard is not done here yet, or nothing was heard."""


async def heard_until(connection: AsyncConnection[Any], change: Change, policy: Policy) -> datetime | None:
    """Until when it is known what people said in the other system; None while nobody is asked there."""
    link = await links.read(connection, change.number)
    if change.state is not State.AUTHORIZE or link is None or link.round != change.round:
        return None
    if link.system is System.REGISTER or link.system is not policy.records.system:
        return None
    return link.read_at or NOTHING


async def weighing(connection: AsyncConnection[Any], change: Change, context: Context) -> Context:
    """What the record depends on until everything that was heard is done here: before that, time decides nothing."""
    return replace(context, heard_until=NOTHING) if await links.unanswered(connection, change.number) else context


async def listen(
    connection: AsyncConnection[Any], change: Change, context: Context, policy: Policy
) -> tuple[Change, list[Entry]]:
    """Do here what people did in the other system since the last look, as far as that counts."""
    entries: list[Entry] = []
    deeds = await links.unanswered(connection, change.number)
    link = await links.read(connection, change.number) if deeds else None
    where = link.system if link is not None else policy.records.system
    logins = {deed.login for _, deed in deeds if deed.login is not None}
    meant = await names.bind(connection, logins, [each.account for each in context.standings])
    for key, deed in deeds:
        steps, outcome = _hear(change, deed, context, where, meant)
        change, kept = await register.keep_all(connection, change, steps)
        entries += kept
        await links.answered(connection, key, outcome)
    return change, entries


_ANSWERS = frozenset({"approve", "reject", "rejected"})
"""What people say there of the change as it is asked about."""

_DID = {
    "approve": "approved it",
    "reject": "rejected it",
    "rejected": "rejected it as a whole",
    "cancel": "cancelled it",
    "close": "closed it",
}


def said(deed: Heard, where: System) -> str:
    """What somebody did there, to begin a sentence."""
    return f"{deed.who} {_DID.get(deed.deed, 'planned another time')} in {where.spoken}"


def _nobody(login: str | None, context: Context) -> str:
    """Why whom the policy names for somebody there has no say here."""
    if login is None:
        return "nobody here by the policy"
    if login in {each.account.login.lower() for each in context.standings}:
        return f"@{login} here by the policy, which was another account when it was first seen"
    return f"@{login}, who is on no board here"


def _hear(
    change: Change, deed: Heard, context: Context, where: System, meant: Mapping[str, int]
) -> tuple[list[Applied], str]:
    """Do here what somebody did in the other system; answers the steps, and a sentence about what came of it.

    ``where`` is that system; ``meant`` has the accounts that the policy's logins stood for when first seen.
    """
    number = meant.get(deed.login or "")
    account = next((each.account for each in context.standings if each.account.id == number), None)
    told = f"not counted: {said(deed, where)}"
    if deed.deed in {"approve", "reject", "close"} and account is None:
        return [], f"{told}, and is {_nobody(deed.login, context)}: that does not count."
    if deed.deed == "close" and deed.value.startswith(UNKNOWN):
        code = quoted(deed.value.removeprefix(UNKNOWN).partition("\n")[0])
        return [], f"{told} as {code}, which is no end that is known here."
    if deed.deed == "schedule" and change.emergency is not None:
        return [], f"{told}, and an emergency is released at once."
    if deed.deed in _ANSWERS and deed.round != change.round:
        return [], f"{told}, which was about an earlier state of the change."
    if _is_said_already(change, deed, account):
        return [], "said here already"
    if deed.deed in {"cancel", "schedule"} and account is None and number is not None and deed.login is not None:
        account = Account(number, deed.login)
    events = _events(change, deed, account, context, where)
    if not events:
        return [], f"{told}, which the calendar does not allow."
    # What was said counts as of when it was said, however late it is heard.
    then = replace(context, now=min(context.now, deed.at))
    steps: list[Applied] = []
    for event in events:
        applied = lifecycle.apply(change, event, then)
        if isinstance(applied, Refused):
            return [], f"{told}, which does not count. {applied.what}"
        steps.append(applied)
        change = applied.change
    return [*steps, *lifecycle.advance(change, context)], "done"


_CHOICES = {"approve": Choice.APPROVE, "reject": Choice.REJECT}


def _is_said_already(change: Change, deed: Heard, account: Account | None) -> bool:
    """Whether it only repeats what the board has decided, or a vote by which it did."""
    if not change.decided or change.decided[-1].number != change.round or change.state is State.AUTHORIZE:
        return False
    if deed.deed == "rejected":
        return change.decided[-1].outcome.rejects
    mine = [vote for vote in change.votes if vote.by == account and vote.round == change.round]
    last = max(reversed(mine), key=lambda each: each.at, default=None)
    return last is not None and last.choice is _CHOICES.get(deed.deed)


def _by(deed: Heard, account: Account | None) -> str:
    """Who did it there, and who that is here."""
    if account is not None:
        return f"{deed.who}, who is @{account.login} here"
    if deed.login is not None:
        return f"{deed.who}, who is @{deed.login} here by `records.people`"
    return f"{deed.who}, whom `records.people` does not know"


def _events(change: Change, deed: Heard, account: Account | None, context: Context, where: System) -> tuple[Event, ...]:
    """What is to be done here for a deed there; nothing when it cannot be done at all."""
    why = f"In {where.spoken}, by {deed.who}."
    match deed.deed:
        case "approve" | "reject":
            return (Event(Act.VOTE, account, why, choice=Choice(deed.deed)),)
        case "rejected":
            return (Event(Act.REJECT, why=f"rejected in {where.spoken}, by {deed.who}", final=True),)
        case "cancel":
            # It cannot be released any more, whoever that was: here, it is on record who.
            return (Event(Act.CANCEL, account, f"In {where.spoken}, by {_by(deed, account)}.", final=True),)
        case "close":
            assert account is not None, "only somebody who is known here closes"
            code, _, notes = deed.value.partition("\n")
            closure = Closure(code)
            if change.backed_out and closure is Closure.UNSUCCESSFUL:
                # Many an instance has one word for both.
                closure = Closure.BACKED_OUT
            return closing.closing(
                change, account, closure, f"{notes} (in {where.spoken}, by {deed.who})" if visible(notes) else ""
            )
        case _:
            window, policy = Interval.of(deed.value), context.policy
            sets, kind = change.contents.rules(policy).windows, change.contents.kind
            if allowed(policy.calendar, sets, kind, window) != (window,):
                return ()
            event = lifecycle.noticed(change, replace(change.contents, window=window, scheduled=True), context)
            if event is None:
                return ()
            by = f"In {where.spoken}, by {_by(deed, account)}. {event.why}".strip()
            return (replace(event, who=account, why=by, rescheduled=True),)
