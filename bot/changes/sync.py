"""Keeps a change record and its twin in another system the same, in both directions.

What is sent is noted before it is sent and found again by its correlation id, so that a crash between the two makes no
second record. What people did there is written down once, and done here by the next look at the pull request: with the
same rules, and by whom the policy says that they are. Nothing there authorises anything here by itself.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from psycopg import AsyncConnection

from bot.changes import register
from bot.changes.instructions import told
from bot.changes.model import Change, State
from bot.changes.systems import port
from bot.changes.systems.port import ApprovalState, Content, Identity, Planned, RecordSystem, Snapshot
from bot.clock import Clock
from bot.errors import Refusal
from bot.facts.model import Account
from bot.ledger import Entry, Kind, append
from bot.ledger.decisions import last_of
from bot.policy.model import ChangeType, Plan, Policy, Records, System
from bot.queue import Look, Next, Subject, Urgency, Wish, still_mine, want
from bot.store import Store
from bot.words import quoted

RECORD = "record"
"""The kind of subject that a record in another system is looked at under: ``record:<number>``."""

AGAIN = timedelta(minutes=2)
"""How often an open record is read there: nobody tells us what people do."""

_LINK = "SELECT system, id, sent, problem, adopt FROM change_link WHERE change = %s"
_INTEND = "INSERT INTO change_link (change, system, intended) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_ASK_TO_ADOPT = """
    INSERT INTO change_link (change, system, intended, adopt) VALUES (%s, %s, %s, %s)
    ON CONFLICT (change) DO UPDATE SET adopt = excluded.adopt, refused = ''
"""
_ADOPTED = """
    UPDATE change_link SET id = %s, number = %s, url = %s, sent = '', problem = '', adopt = NULL
    WHERE change = %s AND adopt = %s RETURNING change
"""
_NOT_ADOPTED = "UPDATE change_link SET adopt = NULL, refused = %s WHERE change = %s AND adopt = %s RETURNING change"
_LINKED = "UPDATE change_link SET id = %s, number = %s, url = %s WHERE change = %s AND id IS NULL RETURNING change"
_SENT = """
    UPDATE change_link SET sent = %s, state = %s, version = %s, problem = %s, read_at = %s WHERE change = %s
"""
_PROBLEM = "UPDATE change_link SET problem = %s WHERE change = %s AND problem <> %s RETURNING change"
_HEARD = """
    INSERT INTO change_heard (change, mark, deed, who, login, value, at) VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (change, mark) DO NOTHING RETURNING id
"""
_BEHIND = "SELECT version FROM change_link WHERE change = %s"


Systems = Mapping[System, Callable[[Records], RecordSystem]]


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that somebody did in the other system; ``mark`` is the same for the same deed, however often seen.

    ``who`` is what that system calls them, ``login`` who they are here by the policy, None for nobody.
    """

    mark: str
    deed: str
    who: str
    login: str | None
    at: datetime
    value: str = ""


def subject_of(number: str, installation_id: int) -> Subject:
    """The subject under which the record's twin is looked at."""
    return Subject(f"{RECORD}:{number}", RECORD, installation_id, {"number": number})


async def wish(connection: AsyncConnection[Any], change: Change, policy: Policy, installation_id: int) -> None:
    """Have the twin looked at, if there is to be one and the record has changed since it was sent."""
    if policy.records.system is System.REGISTER:
        return
    row = await (await connection.execute(_BEHIND, [change.number])).fetchone()
    if row is None or row[0] < change.version:
        await want(connection, [Wish(subject_of(change.number, installation_id), Urgency.DEPLOYMENT)])


def content_of(change: Change, records: Records) -> Content:
    """What the twin is to hold."""
    contents = change.contents
    plans = {plan: contents.plan(plan) or None for plan in Plan}
    kind = port.ChangeType(contents.kind.value)
    standard = contents.kind is ChangeType.STANDARD
    return Content(
        correlation_id=f"countersign:{change.number}",
        correlation_display=f"{contents.repository}#{', #'.join(map(str, contents.pulls))}",
        type=kind,
        short_description=contents.title,
        description=_description(change),
        template=contents.template if standard else "",
        justification=contents.justification or None,
        implementation_plan=plans[Plan.IMPLEMENTATION],
        test_plan=plans[Plan.TEST],
        backout_plan=plans[Plan.BACKOUT],
        risk_impact_analysis=plans[Plan.IMPACT],
        planned=Planned(contents.window.start, contents.window.end) if contents.window else None,
        configuration_item=contents.configuration_item or None,
        cab_required=contents.routing.has_board,
        extra=dict(records.extra),
    )


def _description(change: Change) -> str:
    contents = change.contents
    lines = [
        contents.description,
        f"Countersign {change.number}: {contents.repository}, commit {contents.head}.",
        f"Risk {contents.tier.label}: {' '.join(contents.tier_because)}",
        f"Contributors: {', '.join(account.login for account in contents.contributors)}",
    ]
    return "\n".join(line for line in lines if line)


def digest(content: Content, state: State) -> str:
    """What was last sent, in short: nothing is sent twice."""
    planned = content.planned
    shown = {
        name: str(getattr(content, name)) for name in content.__dataclass_fields__ if name not in {"planned", "extra"}
    }
    span = f"{planned.start.astimezone(UTC)}/{planned.end.astimezone(UTC)}" if planned else ""
    whole = {**shown, "planned": span, "extra": dict(content.extra), "state": state.value}
    return hashlib.sha256(rfc8785.dumps(whole)).hexdigest()


def heard(change: Change, snapshot: Snapshot, records: Records) -> tuple[Heard, ...]:
    """What people did there, in the order of its time. Pure."""
    people = dict(records.people)
    found = [_answer(each, snapshot, people) for each in snapshot.approvals if each.state in _ANSWERS]
    if snapshot.state is port.State.CANCELLED and not change.state.over:
        who = snapshot.changed_by
        mark = f"cancel:{snapshot.revision}"
        found.append(Heard(mark, "cancel", who or "somebody", people.get(who.lower()), snapshot.changed_at))
    window = change.contents.window
    planned = snapshot.planned
    if planned is not None and window is not None and (planned.start, planned.end) != (window.start, window.end):
        value = f"{planned.start.isoformat()}/{planned.end.isoformat()}"
        login = people.get(snapshot.changed_by.lower())
        who = snapshot.changed_by or "somebody"
        found.append(Heard(f"schedule:{value}", "schedule", who, login, snapshot.changed_at, value))
    return tuple(sorted(found, key=lambda each: (each.at, each.mark)))


_ANSWERS = {ApprovalState.APPROVED: "approve", ApprovalState.REJECTED: "reject"}


def _answer(each: port.Approval, snapshot: Snapshot, people: Mapping[str, str]) -> Heard:
    """An answer is its approver's only when that person is known to have written it: an administrator can set any."""
    approver = each.approver
    by_itself = each.set_by.lower() in _names(approver)
    login = next((people[name] for name in _names(approver) if name in people), None) if by_itself else None
    who = approver.user_name or approver.email or approver.id
    told = who if by_itself else f"{who} (written by {each.set_by or 'nobody knows whom'})"
    at = each.at or snapshot.changed_at
    # Its moment can be told later than the answer itself: where the question has a number, that tells rounds apart.
    mark = f"{_ANSWERS[each.state]}:{approver.id}:{each.asked or at.isoformat()}"
    return Heard(mark, _ANSWERS[each.state], told, login, at)


def _names(who: Identity) -> list[str]:
    return [name.lower() for name in (who.user_name, who.email, who.id) if name]


@dataclass(frozen=True, slots=True)
class Sync:
    """The handler of the twins. ``systems`` has what is set up, each made for what a policy says of it."""

    store: Store
    systems: Systems
    clock: Clock

    async def look(self, look: Look) -> Next:
        """Bring the twin to what the record says, and hear what people did there.

        Raises:
            Transient: the system is away, slow, or refuses for now; it is asked again.

        """
        number = look.subject.about["number"]
        async with self.store.transaction() as connection:
            change = await register.by_number(connection, number)
            decided = await last_of(connection, change.subject) if change is not None else None
        if change is None or decided is None:
            return Next(over=True)
        policy = decided.made.policy
        if policy.records.system is System.REGISTER:
            return Next(over=True)
        try:
            await self._bring(look, change, policy)
        except Refusal as refused:
            await self._note(change, str(refused), look)
            raise
        return Next(over=True) if change.state.over else Next(at=self.clock() + AGAIN)

    async def _bring(self, look: Look, change: Change, policy: Policy) -> None:
        name = policy.records.system
        async with self.store.transaction() as connection:
            await connection.execute(_INTEND, [change.number, name.value, self.clock()])
        make = self.systems.get(name)
        if make is None:
            raise Refusal(
                f"The policy keeps change records in {name.value}, and Countersign is not connected to it.",
                remedy=f"Whoever runs Countersign sets {name.value.upper()}_URL and its account.",
            )
        system = make(policy.records)
        content = content_of(change, policy.records)
        wanted = digest(content, change.state)
        ref, sent = await self._open(look, change, content, system, name)
        if sent != wanted and not change.state.over:
            await system.update(ref, content)
        problem = await self._move(system, ref, change, sent != wanted)
        snapshot = await system.read(ref)
        if snapshot.on_hold:
            problem = problem or f"It is on hold in {name.value}."
        if snapshot.state is None:
            problem = problem or f"Its state there is {quoted(snapshot.state_there)}, which is none that is known here."
        await self._receive(look, change, policy, snapshot, wanted, problem)

    async def _open(
        self, look: Look, change: Change, content: Content, system: RecordSystem, name: System
    ) -> tuple[str, str]:
        """The id of the twin, made when there is none, and what was last sent to it."""
        async with self.store.transaction() as connection:
            row = await (await connection.execute(_LINK, [change.number])).fetchone()
        assert row is not None, "the intention was noted"
        if row[4] is not None and (adopted := await self._adopt(look, change, content, system, str(row[4]))):
            return adopted, ""
        if row[1] is not None:
            return str(row[1]), str(row[2])
        receipt = await system.open(content)
        async with self.store.transaction() as connection:
            values = [receipt.id, receipt.number, receipt.url, change.number]
            if await (await connection.execute(_LINKED, values)).fetchone():
                body = {"change": change.number, "system": name.value, "id": receipt.id, "number": receipt.number}
                await append(connection, [Entry(Kind.RECORD_LINKED, change.subject, body)], at=self.clock())
        return receipt.id, ""

    async def _adopt(self, look: Look, change: Change, content: Content, system: RecordSystem, number: str) -> str:
        """The id of the record that somebody wants as the twin; empty when that cannot be, which is put on record.

        What was answered there before was no answer about this change, and is not heard.
        """
        try:
            receipt = await system.adopt(number, content)
            earlier = await system.read(receipt.id)
        except Refusal as refused:
            told = f"{number} was not linked: {refused}"
            async with self.store.transaction() as connection:
                await connection.execute(_NOT_ADOPTED, [told, change.number, number])
                await want(connection, [_pull(change, look)])
            return ""
        async with self.store.transaction() as connection:
            values = [receipt.id, receipt.number, receipt.url, change.number, number]
            if await (await connection.execute(_ADOPTED, values)).fetchone():
                for each in heard(change, earlier, Records()):
                    mark = [change.number, each.mark, each.deed, each.who, None, each.value, each.at]
                    row = await (await connection.execute(_HEARD, mark)).fetchone()
                    if row is not None:
                        await connection.execute(_DONE, [f"before: {number} was linked after that.", row[0]])
                body = {"change": change.number, "id": receipt.id, "number": receipt.number}
                await append(connection, [Entry(Kind.RECORD_LINKED, change.subject, body)], at=self.clock())
                await want(connection, [_pull(change, look)])
        return receipt.id

    async def _move(self, system: RecordSystem, ref: str, change: Change, changed: bool) -> str:
        """Bring the twin to the record's state; answers why that system does not let it, which is no error of ours."""
        if not changed or change.state in {State.IMPLEMENT, State.REVIEW, State.CLOSED}:
            # How it went is told when it is closed, with its result.
            return ""
        try:
            await system.move(ref, port.State(change.state.value))
        except Refusal as refused:
            return str(refused)
        return ""

    async def _receive(
        self, look: Look, change: Change, policy: Policy, snapshot: Snapshot, sent: str, problem: str
    ) -> None:
        """Write down what was sent and what was heard, and have the pull request looked at when that is news."""
        async with self.store.transaction() as connection:
            if not await still_mine(connection, look):
                return
            entries: list[Entry] = []
            for each in heard(change, snapshot, policy.records):
                values = [change.number, each.mark, each.deed, each.who, each.login, each.value, each.at]
                if await (await connection.execute(_HEARD, values)).fetchone():
                    body = {"change": change.number, "deed": each.deed, "who": each.who, "login": each.login}
                    entries.append(Entry(Kind.RECORD_HEARD, change.subject, {**body, "value": each.value}))
            row = await (await connection.execute(_LINK, [change.number])).fetchone()
            news = bool(entries) or (row is not None and row[3] != problem)
            if row is not None and row[2] != sent:
                body = {"change": change.number, "number": snapshot.receipt.number, "state": change.state.value}
                entries.append(Entry(Kind.RECORD_SENT, change.subject, {**body, "sha256": sent}))
            told = [sent, snapshot.state_there, change.version, problem, self.clock(), change.number]
            await connection.execute(_SENT, told)
            if news:
                await want(connection, [_pull(change, look)])
            await append(connection, entries, at=self.clock())

    async def _note(self, change: Change, problem: str, look: Look) -> None:
        async with self.store.transaction() as connection:
            if await still_mine(connection, look):
                row = await (await connection.execute(_PROBLEM, [problem, change.number, problem])).fetchone()
                await want(connection, [_pull(change, look)] if row is not None else [])


async def ask_to_adopt(
    connection: AsyncConnection[Any], number: str, there: str, subject: str, by: Account, at: datetime, system: System
) -> list[Entry]:
    """Have the record of that number there become the twin; answers what goes into the ledger."""
    await connection.execute(_ASK_TO_ADOPT, [number, system.value, at, there])
    body = {"change": number, "system": system.value, "number": there, "actor": told(by)}
    return [Entry(Kind.RECORD_LINK_ASKED, subject, body)]


def _pull(change: Change, look: Look) -> Wish:
    """The pull request is looked at again: its check says what is new."""
    return Wish(Subject(change.subject, "pull", look.subject.installation_id, {}), Urgency.PERSON)


_OPEN = """
    SELECT id, deed, who, login, value, at FROM change_heard WHERE change = %s AND outcome IS NULL ORDER BY at, id
"""
_ELSEWHERE = """
    SELECT system, number, problem, refused, (
        SELECT array_agg(outcome ORDER BY id) FROM change_heard
        WHERE change_heard.change = change_link.change AND outcome LIKE 'not counted%%'
    ) FROM change_link WHERE change = %s
"""
_DONE = "UPDATE change_heard SET outcome = %s WHERE id = %s AND outcome IS NULL"


async def unanswered(connection: AsyncConnection[Any], number: str) -> tuple[tuple[int, Heard], ...]:
    """What was heard and not done here yet."""
    rows = await (await connection.execute(_OPEN, [number])).fetchall()
    return tuple((key, Heard("", deed, who, login, at, value)) for key, deed, who, login, value, at in rows)


async def elsewhere(connection: AsyncConnection[Any], number: str) -> str:
    """A sentence about the twin: what is in the way there, and what was done there and does not count; or empty."""
    row = await (await connection.execute(_ELSEWHERE, [number])).fetchone()
    if row is None:
        return ""
    system, there, problem, refused, uncounted = row
    parts = [f"In {system}, the record is {there or 'not there yet'}."]
    parts += [each for each in (problem, refused) if each]
    parts += [f"{each.removeprefix('not counted: ')}" for each in (uncounted or ())[-5:]]
    return " ".join(parts)


async def answered(connection: AsyncConnection[Any], key: int, outcome: str) -> None:
    """Note what came of it."""
    await connection.execute(_DONE, [outcome, key])
