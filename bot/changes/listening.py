"""Does here what people did to a record's twin in another system, as far as that counts: by the rules for everybody.

Who they are here says the policy, by the account that a login stood for when it was first seen. What was said of
another state of the change, or by nobody known, is noted with the reason, which the check tells.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psycopg import AsyncConnection

from bot.changes import closing, lifecycle, links, register
from bot.changes.context import Context
from bot.changes.hearing import UNKNOWN, Heard
from bot.changes.model import Act, Applied, Change, Choice, Closure, Event, Refused
from bot.deployments.windows import Interval, allowed
from bot.facts import names
from bot.facts.model import Account
from bot.ledger import Entry
from bot.policy.model import Policy
from bot.words import quoted, visible


async def listen(
    connection: AsyncConnection[Any], change: Change, context: Context, policy: Policy
) -> tuple[Change, list[Entry]]:
    """Do here what people did in the other system since the last look, as far as that counts."""
    entries: list[Entry] = []
    deeds = await links.unanswered(connection, change.number)
    logins = {deed.login for _, deed in deeds if deed.login is not None}
    meant = await names.bind(connection, logins, [each.account for each in context.standings])
    for key, deed in deeds:
        steps, outcome = _hear(change, deed, context, policy, meant)
        change, kept = await register.keep_all(connection, change, steps)
        entries += kept
        await links.answered(connection, key, outcome)
    return change, entries


_ANSWERS = frozenset({"approve", "reject", "rejected"})
"""What people say there of the change as it is asked about."""


def _nobody(login: str | None, context: Context) -> str:
    """Why whom the policy names for somebody there has no say here."""
    if login is None:
        return "nobody here by the policy"
    if login in {each.account.login.lower() for each in context.standings}:
        return f"@{login} here by the policy, which was another account when it was first seen"
    return f"@{login}, who is on no board here"


def _hear(
    change: Change, deed: Heard, context: Context, policy: Policy, meant: Mapping[str, int]
) -> tuple[list[Applied], str]:
    """Do here what somebody did in the other system; answers the steps, and a sentence about what came of it.

    ``meant`` has the accounts that the policy's logins stood for when they were first seen.
    """
    number = meant.get(deed.login or "")
    account = next((each.account for each in context.standings if each.account.id == number), None)
    where = policy.records.system.value
    if deed.deed in {"approve", "reject", "close"} and account is None:
        here = _nobody(deed.login, context)
        return [], f"not counted: {deed.who} said {deed.deed} in {where}, and is {here}: that does not count."
    if deed.deed == "close" and deed.value.startswith(UNKNOWN):
        code = quoted(deed.value.removeprefix(UNKNOWN).partition("\n")[0])
        return [], f"not counted: {deed.who} said close in {where}, as {code}, which is no end that is known here."
    if deed.deed in _ANSWERS and deed.round != change.round:
        return [], f"not counted: {deed.who} said {deed.deed} in {where}, of an earlier state of the change."
    events = _events(change, deed, account, context, f"{deed.deed} in {where}, by {deed.who}")
    if not events:
        return [], f"not counted: {deed.who} planned another time in {where}, which the calendar does not allow."
    # What was said counts as of when it was said, however late it is heard.
    then = replace(context, now=min(context.now, deed.at))
    steps: list[Applied] = []
    for event in events:
        applied = lifecycle.apply(change, event, then)
        if isinstance(applied, Refused):
            return [], f"not counted: {deed.who} said {deed.deed} in {where}. {applied.what}"
        steps.append(applied)
        change = applied.change
    return [*steps, *lifecycle.advance(change, context)], "done"


def _events(change: Change, deed: Heard, account: Account | None, context: Context, why: str) -> tuple[Event, ...]:
    """What is to be done here for a deed there; nothing when it cannot be done at all."""
    match deed.deed:
        case "approve" | "reject":
            return (Event(Act.VOTE, account, why, choice=Choice(deed.deed)),)
        case "rejected":
            return (Event(Act.REJECT, why=why, final=True),)
        case "cancel":
            return (Event(Act.CANCEL, account, why),)
        case "close":
            assert account is not None, "only somebody who is known here closes"
            code, _, notes = deed.value.partition("\n")
            closure = Closure(code)
            if change.backed_out and closure is Closure.UNSUCCESSFUL:
                # Many an instance has one word for both.
                closure = Closure.BACKED_OUT
            return closing.closing(change, account, closure, f"{notes} ({why})" if visible(notes) else "")
        case _:
            window, policy = Interval.of(deed.value), context.policy
            sets, kind = change.contents.rules(policy).windows, change.contents.kind
            if allowed(policy.calendar, sets, kind, window) != (window,):
                return ()
            event = lifecycle.noticed(change, replace(change.contents, window=window, scheduled=True), context)
            return (replace(event, rescheduled=True),) if event is not None else ()
