"""Reads what a look at a change record needs beside the facts of the pull request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.changes import cab, desk, instructions, register
from bot.changes.desk import Desk
from bot.changes.instructions import Asked
from bot.commands.model import Change
from bot.commands.records import ABOUT_RECORDS
from bot.decide.verdict import Decision
from bot.facts import board, lineage, names
from bot.facts.model import PullRequestFacts
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.policy import digest
from bot.policy.model import ChangeType, Policy, System
from bot.store import Store

_LINK = "SELECT system, number, url, problem FROM change_link WHERE change = %s"


@dataclass(frozen=True, slots=True)
class Laid:
    """The facts with what people laid down, and the waivers that wait for an answer."""

    facts: PullRequestFacts
    asked: tuple[Asked, ...]


async def laid_down(store: Store, subject: str, facts: PullRequestFacts, now: datetime) -> Laid:
    """What people laid down for the change, and what was waived."""
    async with store.transaction() as connection:
        given = await instructions.read(connection, subject)
        waivers = await instructions.waivers(connection, subject, now)
        asked = await instructions.asked(connection, subject, now)
    return Laid(replace(facts, instructions=given, waivers=waivers), tuple(asked))


async def record(
    store: Store,
    github: InstallationClient,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    *,
    base_tip: str,
    commands: Sequence[str],
    lane: Lane,
    now: datetime,
) -> tuple[PullRequestFacts, Desk | None]:
    """The facts with what the change record says, and the record; None where there is none.

    Raises:
        Transient: GitHub could not answer, or the record was altered meanwhile.

    """
    asked = bool(ABOUT_RECORDS & set(commands))
    if not asked and not desk.is_wanted(policy, decision.tier):
        async with store.transaction() as connection:
            if await register.latest_of(connection, subject) is None:
                return facts, None
    roles = cab.roles_to_ask(policy, decision.tier)
    standings = await board.read(store, github, policy, roles, facts.names, lane)
    if policy.records.system is not System.REGISTER:
        await names.elsewhere(store, github, policy, [each.account for each in standings], lane)
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
    asked: tuple[Asked, ...],
    now: datetime,
) -> Change:
    """What commands on the change can know."""
    link = ""
    if found is not None and found.change is not None:
        async with store.transaction() as connection:
            row = await (await connection.execute(_LINK, [found.change.number])).fetchone()
        if row:
            system, number, url, problem = row
            link = " ".join(part for part in (system, number or "(not there yet)", url, problem) if part)
    return Change(facts, policy, subject, found, asked, link, now)
