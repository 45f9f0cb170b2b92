"""Reads what a look at a change record needs beside the facts of the pull request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.changes import cab, desk, emergency, ending, fill, instructions, links, naming, parts, register
from bot.changes.desk import Desk
from bot.changes.hearing import Heard
from bot.changes.instructions import Asked
from bot.changes.model import Change as Record
from bot.changes.model import Part, State
from bot.changes.naming import Given
from bot.commands.link import OURS
from bot.commands.model import Change
from bot.decide.verdict import Decision
from bot.facts import board, names, standing
from bot.facts.model import Account, PullRequestFacts, PullRequestState, RecordFacts, Standing, Waived
from bot.facts.parse import enqueuer
from bot.facts.people import is_human
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.ledger.decisions import last_of
from bot.policy import digest
from bot.policy.model import Policy, System, Tier
from bot.store import Store

MOST_NAMED = 10
"""How many records one comment can name."""

_RELEASED = frozenset({State.SCHEDULED, State.IMPLEMENT, State.REVIEW})
_NOT_AUTHORISED = frozenset({State.DRAFT, State.ASSESS, State.AUTHORIZE, State.CANCELLED})
"""Where a record stands that a merge releases, or that has been released and is still open."""

_NOT_ASKED = frozenset({State.DRAFT, State.ASSESS, State.CANCELLED})
"""Where a record stands of which nobody is asked anything yet."""

_LINK = "SELECT url FROM change_link WHERE change = %s"


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
    """What people laid down for the change, what was waived, who asked for it, and whether it is an emergency.

    What the change does is looked at where a waiver depends on it, or could: where there are ``commands``.
    """
    async with store.transaction() as connection:
        held = await register.open_of(connection, subject)
        given = await instructions.read(connection, subject)
        waivers = await instructions.waivers(connection, subject, now)
        asked = await instructions.asked(connection, subject, now)
        requesters, waiving = await desk.who_asked(connection, subject, held)
    diff = ""
    if waivers or asked or commands:
        named = _for_waivers(facts, [*waivers, *asked])
        diff = f"{facts.base.name}:{await naming.name(store, github, facts, base_tip, named, lane)}"
    declared = held is not None and held.emergency is not None
    record = RecordFacts(held.number, held.state.value, (), held.contents.kind.value) if held and declared else None
    known = replace(facts, instructions=given, waivers=waivers, requesters=requesters, waiving=waiving, record=record)
    # The facts of a change that nothing was waived of do not depend on who says what about it.
    known = replace(known, diff=diff if waivers else "")
    return Laid(known, tuple(asked), diff)


def _for_waivers(facts: PullRequestFacts, given: Iterable[Waived | Asked]) -> list[Given]:
    """The names that waivers were asked for, of changes to the branch that it goes to."""
    split = [(each.diff.rpartition(":"), each.head) for each in given]
    return [Given(name, head) for (branch, _, name), head in split if branch == facts.base.name]


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
    if not asked and not desk.is_wanted(decision.under(policy), decision.tier):
        async with store.transaction() as connection:
            if await register.latest_of(connection, subject) is None:
                return await desk.without_record(connection, facts, policy, now)
    async with store.transaction() as connection:
        held = await register.open_of(connection, subject)
        known = await parts.of(connection, held.number) if held is not None else ()
    # What ships with it can be riskier, and be signed by others.
    roles = {role for each in _demanded(policy, decision, held) for role in cab.roles_to_ask(*each)}
    standings = await board.read(store, github, policy, roles, facts.names, lane)
    if policy.records.system is not System.REGISTER:
        await names.elsewhere(store, github, policy, [each.account for each in standings], lane)
    mine = next((each for each in known if each.subject == subject), None)
    given = _for_record(held, mine, facts.head.oid)
    return await desk.look(
        store,
        subject,
        facts,
        policy,
        decision,
        board=standings,
        diff=await naming.name(store, github, facts, base_tip, given, lane),
        policy_digest=digest.digest(policy),
        asked=asked,
        now=now,
    )


def _for_record(held: Record | None, mine: Part | None, head: str) -> list[Given]:
    """The name that the last look gave, which its board was asked about; of another commit none before it is asked."""
    if held is None or mine is None or mine.contents is None:
        return []
    seen = mine.contents
    return [Given(seen.diff, seen.head)] if seen.head == head or held.state not in _NOT_ASKED else []


async def recorded(store: Store, subject: str, facts: PullRequestFacts) -> PullRequestFacts | None:
    """The facts with what the record said at the last look at their head; None when there was no such look yet.

    Time alone makes nothing of that: whatever it does to the record is another decision about the pull request.
    """
    async with store.transaction() as connection:
        found = await last_of(connection, subject)
    if found is None or found.made.decision.head != facts.head.oid:
        return None
    said = found.made.facts.record if isinstance(found.made.facts, PullRequestFacts) else None
    lasting = tuple(replace(each, until=None) for each in said.findings) if said is not None else ()
    return replace(facts, record=replace(said, findings=lasting) if said is not None else None)


def concerns(facts: PullRequestFacts, policy: Policy, found: Desk | None) -> frozenset[str]:
    """What a look depends on besides GitHub: its record, and reviews that are still owed."""
    reviews = emergency.concerns(*fill.affected(policy, facts))
    record_of = found.change if found is not None else None
    return frozenset((*reviews, parts.concern(record_of.number)) if record_of is not None else reviews)


async def ended(
    store: Store,
    github: InstallationClient,
    subject: str,
    facts: PullRequestFacts,
    policy: Policy,
    decision: Decision,
    *,
    asked: bool,
    waiting: bool,
    lane: Lane,
    now: datetime,
) -> Desk | None:
    """The record of a pull request that is not open any more, as far as its end brings it; None where there is none.

    ``waiting``: time does nothing yet, since somebody has said something before that is still to be heard.

    Raises:
        Transient: GitHub could not answer, or the record was altered meanwhile.

    """
    async with store.transaction() as connection:
        known = await register.latest_of(connection, subject)
        if known is None:
            return None
        told = [deed for _, deed in await links.unanswered(connection, known.number)]
        mine = next((each for each in await parts.of(connection, known.number) if each.subject == subject), None)
    facts = await _by_whom(github, facts, mine, lane)
    standings: tuple[Standing, ...] = ()
    heard = asked or bool(told) or _is_bypass(known, mine, facts)
    roles = _to_be_known(known, _demanded(policy, decision, known), heard=heard)
    if roles:
        standings = await board.read(store, github, policy, roles, facts.names, lane)
        if told:
            await names.elsewhere(store, github, policy, [each.account for each in standings], lane)
            standings += await _of_those_told(store, github, facts, policy, told, standings, lane)
    return await ending.look(
        store,
        subject,
        facts,
        policy,
        decision,
        board=standings,
        diff=await _merged_diff(store, github, facts, known, mine, lane),
        waiting=waiting,
        now=now,
    )


def _demanded(policy: Policy, decision: Decision, held: Record | None) -> list[tuple[Policy, Tier]]:
    """The policy as it holds for the pull request, and for the record that it belongs to, each with the tier there."""
    found = [(decision.under(policy), decision.tier)]
    return [*found, (held.contents.under(policy), held.contents.tier)] if held is not None else found


def _to_be_known(known: Record, demanded: Sequence[tuple[Policy, Tier]], *, heard: bool) -> set[str]:
    """The roles whose holders matter after the end: who can review an emergency, or verify a release, is told of it.

    ``heard``: somebody has said something, which is judged by all that they may do, or the board is told of the end.
    """
    verifying = {role for each in demanded for role in _verifying(*each)}
    if heard or (known.emergency is not None and known.state is not State.CLOSED):
        return verifying.union(*(cab.roles_to_ask(*each) for each in demanded))
    return verifying if known.state in _RELEASED else set()


def _is_bypass(known: Record, mine: Part | None, facts: PullRequestFacts) -> bool:
    """Whether it was merged, which is not on record yet, and was not authorised: so is what nobody has looked at."""
    if facts.state is not PullRequestState.MERGED or known.started_at is not None:
        return False
    unseen = mine is None or mine.contents is None or mine.contents.head != facts.head.oid
    return known.state in _NOT_AUTHORISED or unseen


def _verifying(policy: Policy, tier: Tier) -> tuple[str, ...]:
    """The groups of those who verify a change of a tier."""
    demanded = policy.tiers[tier].verification
    return demanded.groups if demanded is not None else ()


async def _by_whom(
    github: InstallationClient, facts: PullRequestFacts, mine: Part | None, lane: Lane
) -> PullRequestFacts:
    """The facts with the person who merged: the merge queue does it for whoever put the pull request there."""
    merge = facts.ended
    if mine is None or mine.merge is not None or facts.state is not PullRequestState.MERGED or merge is None:
        return facts
    if merge.by is None or is_human(merge.by):
        return facts
    where = {"owner": facts.repository.owner, "name": facts.repository.name, "number": facts.number}
    answer = await github.query(document("enqueued"), where, lane=lane)
    who = enqueuer(answer.data.get("repository"))
    return replace(facts, ended=replace(merge, by=who)) if who is not None else facts


async def _merged_diff(
    store: Store, github: InstallationClient, facts: PullRequestFacts, known: Record, mine: Part | None, lane: Lane
) -> str:
    """A name for what was merged, where nobody had looked at it before; empty where that is known."""
    if mine is None or mine.merge is not None or facts.state is not PullRequestState.MERGED:
        return ""
    if mine.contents is not None and mine.contents.head == facts.head.oid:
        return ""
    # The tip of the base has it by now: what it was compared with when it was pushed has not.
    given = _for_record(known, mine, facts.head.oid)
    return await naming.name(store, github, facts, facts.base.oid, given, lane)


async def _of_those_told(
    store: Store,
    github: InstallationClient,
    facts: PullRequestFacts,
    policy: Policy,
    told: Sequence[Heard],
    known: Sequence[Standing],
    lane: Lane,
) -> tuple[Standing, ...]:
    """What those may do here who closed the record in another system, and are on no board."""
    logins = {each.login for each in told if each.deed == "close" and each.login is not None}
    logins -= {each.account.login.lower() for each in known}
    named = await names.read(store, github, logins, lane)
    accounts = [Account(each.id, each.login) for each in named]
    found, _ = await standing.read(store, github, facts.repository, accounts, policy.teams, lane, {})
    return found


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
            there = await links.elsewhere(connection, found.change, policy.records.system)
        if there is not None:
            # The check of a pull request that is not open says nothing new any more: here, all of it is told.
            link = f"{there.said} {(row and row[0]) or ''}".strip()
    return Change(facts, policy, subject, found, laid.asked, link, now, named, laid.diff)


async def _named(store: Store, numbers: Sequence[str]) -> tuple[Record, ...]:
    """The records of these numbers, as far as there are any."""
    async with store.transaction() as connection:
        found = [await register.by_number(connection, number) for number in numbers]
    return tuple(each for each in found if each is not None)
