"""Reads what a look at a change record needs beside the facts of the pull request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.changes import cab, desk, emergency, fill, instructions, parts, register
from bot.changes.desk import Desk
from bot.changes.instructions import Asked
from bot.changes.model import Change as Record
from bot.commands.link import OURS
from bot.commands.model import Change
from bot.decide.verdict import Decision
from bot.facts import board, lineage
from bot.facts.model import PullRequestFacts
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.policy import digest
from bot.policy.model import ChangeType, Policy
from bot.store import Store

MOST_NAMED = 10
"""How many records one comment can name."""

_LINK = "SELECT system, number, url, problem FROM change_link WHERE change = %s"


@dataclass(frozen=True, slots=True)
class Laid:
    """The facts with what people laid down, and the waivers that wait for an answer.

    ``diff`` names what the change does, and to which branch, where a waiver could depend on it.
    """

    facts: PullRequestFacts
    asked: tuple[Asked, ...]
    diff: str = ""


async def laid_down(
    store: Store,
    github: InstallationClient,
    subject: str,
    facts: PullRequestFacts,
    now: datetime,
    *,
    base_tip: str,
    commands: bool,
    lane: Lane,
) -> Laid:
    """What people laid down for the change, and what was waived.

    What the change does is looked at where a waiver depends on it, or could: where there are ``commands``.
    """
    async with store.transaction() as connection:
        given = await instructions.read(connection, subject)
        waivers = await instructions.waivers(connection, subject, now)
        asked = await instructions.asked(connection, subject, now)
    diff = ""
    if waivers or asked or commands:
        shown = await lineage.compare(store, github, facts.repository, base_tip, facts.head.oid, lane)
        diff = f"{facts.base.name}:{desk.diff_of(facts, shown)}"
    # The facts of a change that nothing was waived of do not depend on who says what about it.
    known = replace(facts, instructions=given, waivers=waivers, diff=diff if waivers else "")
    return Laid(known, tuple(asked), diff)


async def record(
    store: Store,
    github: InstallationClient,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    *,
    base_tip: str,
    asked: bool,
    lane: Lane,
    now: datetime,
) -> tuple[PullRequestFacts, Desk | None]:
    """The facts with what the change record says, and the record; None where there is none.

    ``asked``: somebody who may wants to do something with it, so that one is opened where there is none.

    Raises:
        Transient: GitHub could not answer, or the record was altered meanwhile.

    """
    if not asked and not desk.is_wanted(policy, decision.tier):
        async with store.transaction() as connection:
            if await register.latest_of(connection, subject) is None:
                return await desk.without_record(connection, facts, policy, now)
    async with store.transaction() as connection:
        held = await register.open_of(connection, subject)
    # What ships with it can be riskier, and be signed by others.
    tier = max(decision.tier, held.contents.tier) if held is not None else decision.tier
    roles = cab.roles_to_ask(policy, tier)
    standings = await board.read(store, github, policy, roles, facts.names, lane)
    shown = await lineage.compare(store, github, facts.repository, base_tip, facts.head.oid, lane)
    return await desk.look(
        store,
        subject,
        facts,
        policy,
        decision,
        board=standings,
        diff=desk.diff_of(facts, shown),
        policy_digest=digest.digest(policy),
        asked=asked,
        now=now,
    )


def concerns(facts: PullRequestFacts, policy: Policy, found: Desk | None) -> frozenset[str]:
    """What a look depends on besides GitHub: its record, and reviews that the application still owes."""
    reviews = emergency.concern(*fill.affected(policy, facts))
    record_of = found.change if found is not None else None
    return frozenset({reviews, parts.concern(record_of.number)} if record_of is not None else {reviews})


async def at_rest(
    store: Store,
    github: InstallationClient,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    *,
    lane: Lane,
    now: datetime,
) -> Desk:
    """The record of a pull request that is not open any more."""
    roles = cab.roles_to_ask(policy, decision.tier)
    standings = await board.read(store, github, policy, roles, facts.names, lane)
    return await desk.at_rest(store, subject, facts, policy, decision, board=standings, now=now)


async def merged(
    store: Store,
    github: InstallationClient,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    *,
    lane: Lane,
    now: datetime,
) -> datetime | None:
    """Note that the pull request was merged; answers when time alone makes another look at its record necessary."""
    async with store.transaction() as connection:
        change = await register.latest_of(connection, subject)
    if change is None or change.contents.kind is not ChangeType.EMERGENCY or change.state.over:
        return None
    standings = await board.read(store, github, policy, cab.roles_to_ask(policy, decision.tier), facts.names, lane)
    return await desk.merged(store, subject, facts, policy, decision, board=standings, now=now)


async def situation(
    store: Store,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    found: Desk | None,
    laid: Laid,
    now: datetime,
    texts: Iterable[str] = (),
) -> Change:
    """What commands on the change can know; ``texts`` are those of the requests, which may name other records."""
    link = ""
    numbers = sorted({number for each in texts for number in OURS.findall(each.upper())})[:MOST_NAMED]
    named = await _named(store, numbers) if numbers else ()
    if found is not None and found.change is not None:
        async with store.transaction() as connection:
            row = await (await connection.execute(_LINK, [found.change.number])).fetchone()
        if row:
            system, number, url, problem = row
            link = " ".join(part for part in (system, number or "(not there yet)", url, problem) if part)
    return Change(facts, policy, subject, found, laid.asked, link, now, named, laid.diff)


async def _named(store: Store, numbers: Sequence[str]) -> tuple[Record, ...]:
    """The records of these numbers, as far as there are any."""
    async with store.transaction() as connection:
        found = [await register.by_number(connection, number) for number in numbers]
    return tuple(each for each in found if each is not None)
