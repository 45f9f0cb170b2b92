"""The twin of a change record in the database: where it is, what was last sent to it, and what was heard of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from bot.changes import carrying
from bot.changes.codec import told
from bot.changes.faults import Fault, Faults
from bot.changes.hearing import Heard
from bot.changes.model import Change, Elsewhere, State
from bot.changes.systems.port import Receipt
from bot.facts.model import Account
from bot.ledger import Entry, Kind
from bot.policy.model import System
from bot.queue.worker import LONGEST_WAIT

_COLUMNS = """
    system, id, number, sent, version, problem, adopt, refused, round, generation, kind, planned, parting, read_at,
    unsettled
"""
_FAULTS = "failing, failing_since, fault, fault_since"
_READ = f"SELECT {_FAULTS}, {_COLUMNS} FROM change_link WHERE change = %s"  # noqa: S608 - names of columns
_INTEND = "INSERT INTO change_link (change, system, intended) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_ASK_TO_ADOPT = """
    INSERT INTO change_link (change, system, intended, adopt) VALUES (%s, %s, %s, %s)
    ON CONFLICT (change) DO UPDATE SET adopt = excluded.adopt, refused = ''
"""
_ADOPTED = """
    UPDATE change_link
    SET id = %s, number = %s, url = %s, kind = %s,
        sent = '', version = 0, problem = '', adopt = NULL, round = 0, planned = ''
    WHERE change = %s AND adopt = %s RETURNING change
"""
_NOT_ADOPTED = "UPDATE change_link SET adopt = NULL, refused = %s WHERE change = %s AND adopt = %s RETURNING change"
_LINKED = """
    UPDATE change_link SET id = %s, number = %s, url = %s, kind = %s WHERE change = %s AND id IS NULL RETURNING change
"""
# The twin that comes next has another correlation id, so that it is never taken for the one before.
_REPLACED = """
    UPDATE change_link
    SET system = %s, id = NULL, number = NULL, url = NULL, kind = '', sent = '', version = 0, problem = '', round = 0,
        planned = '', unsettled = NULL, generation = generation + 1
    WHERE change = %s AND id IS NOT DISTINCT FROM %s AND generation = %s RETURNING change
"""
_LEFT = """
    UPDATE change_link
    SET system = 'register', id = NULL, number = NULL, url = NULL, kind = '', sent = '', version = 0, problem = '',
        adopt = NULL, refused = '', round = 0, planned = '', failing = '', failing_since = NULL, fault = '',
        fault_since = NULL, unsettled = NULL, parting = %s
    WHERE change = %s AND system = %s AND id IS NOT DISTINCT FROM %s RETURNING change
"""
_SETTLES = "UPDATE change_link SET unsettled = %s WHERE change = %s"
_ASKED = "UPDATE change_link SET round = %s WHERE change = %s"
_SENT = """
    UPDATE change_link SET sent = %s, state = %s, version = %s, problem = %s, planned = %s, read_at = %s
    WHERE change = %s
"""
_PROBLEM = "UPDATE change_link SET problem = %s WHERE change = %s AND problem <> %s RETURNING change"
_FAILED = """
    UPDATE change_link SET failing = %s, failing_since = %s, fault = %s, fault_since = %s WHERE change = %s
"""
_HEARD = """
    INSERT INTO change_heard (change, mark, deed, who, login, value, at, round, outcome)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (change, mark) DO NOTHING RETURNING id
"""
_UNANSWERED = """
    SELECT id, deed, who, login, value, at, round FROM change_heard
    WHERE change = %s AND outcome IS NULL ORDER BY at, id
"""
_NOT_COUNTED = """
    SELECT outcome FROM change_heard WHERE change = %s AND outcome LIKE 'not counted%%' ORDER BY id DESC LIMIT 5
"""
_ANSWERED = "UPDATE change_heard SET outcome = %s WHERE id = %s AND outcome IS NULL"

_TO_BE_AUTHORISED = {State.DRAFT, State.ASSESS, State.AUTHORIZE}
"""Where people there are still to be asked, and to be heard."""

_AHEAD = {*_TO_BE_AUTHORISED, State.SCHEDULED}
"""Where a record follows the policy to another system; what has been released or is over ends where it was kept."""


@dataclass(frozen=True, slots=True)
class Link:
    """The twin of a record. ``id`` is None until the other system has answered with one.

    ``sent`` is the digest of what it holds, ``version`` that of the record when it was last brought up to date, and
    ``problem`` what was in the way then; ``faults`` what has kept attempts from coming to their end since. ``round`` is
    that of asking in which its approvals are asked for. ``adopt`` is the number of a record that somebody wants in its
    place, ``refused`` why the last such wish was not fulfilled. ``system`` is the register where the twin was left, and
    ``parting`` what became of it. ``read_at`` is when the last reading began that was heard here.
    While it is not known whether one is still to come that was asked for, ``unsettled`` says until when one can.
    """

    faults: Faults
    system: System
    id: str | None
    number: str | None
    sent: str
    version: int
    problem: str
    adopt: str | None
    refused: str
    round: int
    generation: int
    kind: str
    planned: str
    parting: str
    read_at: datetime | None = None
    unsettled: datetime | None = None

    def is_left(self, change: Change, system: System) -> bool:
        """Whether leave is to be taken of the twin, since the policy keeps the record in that system now."""
        return self.system not in {System.REGISTER, system} and change.state in _AHEAD


async def read(connection: AsyncConnection[Any], change: str) -> Link | None:
    """The twin of the record of that number; None while none is intended."""
    row = await (await connection.execute(_READ, [change])).fetchone()
    if row is None:
        return None
    failing, failing_since, fault, fault_since, system, *others = row
    return Link(Faults(_fault(failing, failing_since), _fault(fault, fault_since)), System(system), *others)


async def intend(connection: AsyncConnection[Any], change: str, system: System, at: datetime) -> None:
    """Note that there is to be a twin, before anything is sent."""
    await connection.execute(_INTEND, [change, system.value, at])


async def linked(connection: AsyncConnection[Any], change: Change, receipt: Receipt) -> list[Entry]:
    """Note where the twin is; answers what goes into the ledger, once."""
    values = [receipt.id, receipt.number, receipt.url, change.contents.kind.value, change.number]
    first = await (await connection.execute(_LINKED, values)).fetchone() is not None
    return [_linked(change, receipt)] if first else []


async def settles(connection: AsyncConnection[Any], change: str, at: datetime | None) -> None:
    """Note until when a twin can still come that was asked for; None when that is over, and there is but one."""
    await connection.execute(_SETTLES, [at, change])


async def adopted(connection: AsyncConnection[Any], change: Change, receipt: Receipt, number: str) -> list[Entry]:
    """Note that the record that somebody named is the twin now; answers what goes into the ledger, once."""
    values = [receipt.id, receipt.number, receipt.url, change.contents.kind.value, change.number, number]
    first = await (await connection.execute(_ADOPTED, values)).fetchone() is not None
    return [_linked(change, receipt)] if first else []


async def not_adopted(connection: AsyncConnection[Any], change: str, number: str, why: str) -> None:
    """Note why the record that somebody named is not the twin."""
    await connection.execute(_NOT_ADOPTED, [f"{number} was not linked: {why}", change, number])


async def replaced(connection: AsyncConnection[Any], change: str, link: Link, system: System) -> None:
    """Note that another twin is to be made in place of this one."""
    await connection.execute(_REPLACED, [system.value, change, link.id, link.generation])


async def left(connection: AsyncConnection[Any], change: str, link: Link, parting: str) -> bool:
    """Note what became of the twin that the policy does not keep any more; whether nobody noted that before."""
    row = await (await connection.execute(_LEFT, [parting, change, link.system.value, link.id])).fetchone()
    return row is not None


async def asked(connection: AsyncConnection[Any], change: str, round_: int) -> None:
    """Note the round of asking in which the twin's approvals are asked for from now on; 0 while none are."""
    await connection.execute(_ASKED, [round_, change])


async def sent(
    connection: AsyncConnection[Any],
    change: Change,
    digest: str,
    *,
    state_there: str,
    problem: str,
    planned: str,
    at: datetime,
) -> None:
    """Note what the twin holds, and what was read there since ``at``."""
    await connection.execute(_SENT, [digest, state_there, change.version, problem, planned, at, change.number])


async def note(connection: AsyncConnection[Any], change: str, problem: str) -> bool:
    """Note what is in the way; whether that is news."""
    return await (await connection.execute(_PROBLEM, [problem, change, problem])).fetchone() is not None


async def failed(connection: AsyncConnection[Any], change: str, what: str, at: datetime) -> bool:
    """Note what an attempt has met; whether another thing is to be told than before."""
    link = await read(connection, change)
    assert link is not None, "nothing is asked of that system before it is noted that there is to be a twin"
    faults = link.faults.after(what, at)
    if faults != link.faults:
        await _keep(connection, change, faults)
    return faults.told != link.faults.told


async def answers(connection: AsyncConnection[Any], change: str, link: Link) -> bool:
    """Note that an attempt has come to its end; whether something was told that is over now."""
    if link.faults != Faults():
        await _keep(connection, change, Faults())
    return link.faults.told is not None


async def _keep(connection: AsyncConnection[Any], change: str, faults: Faults) -> None:
    values = [
        value for each in (faults.last, faults.told) for value in ((each.what, each.since) if each else ("", None))
    ]
    await connection.execute(_FAILED, [*values, change])


def _fault(what: str, since: datetime | None) -> Fault | None:
    return Fault(what, since) if since is not None else None


async def hear(
    connection: AsyncConnection[Any], change: Change, deeds: Iterable[Heard], *, outcome: str | None = None
) -> list[Entry]:
    """Write down what people did there, once each; answers what goes into the ledger.

    ``outcome`` says that nothing is to be done about it here, and why.
    """
    entries = []
    for each in deeds:
        values = [change.number, each.mark, each.deed, each.who, each.login, each.value, each.at, each.round, outcome]
        if await (await connection.execute(_HEARD, values)).fetchone():
            body = {"change": change.number, "deed": each.deed, "who": each.who, "login": each.login}
            entries.append(Entry(Kind.RECORD_HEARD, change.subject, {**body, "value": each.value}))
    return entries


async def unanswered(connection: AsyncConnection[Any], change: str) -> tuple[tuple[int, Heard], ...]:
    """What was heard and not done here yet, the earliest first."""
    rows = await (await connection.execute(_UNANSWERED, [change])).fetchall()
    return tuple(
        (key, Heard("", deed, who, login, at, value, round_)) for key, deed, who, login, value, at, round_ in rows
    )


async def answered(connection: AsyncConnection[Any], key: int, outcome: str) -> None:
    """Note what came of it."""
    await connection.execute(_ANSWERED, [outcome, key])


async def ask_to_adopt(
    connection: AsyncConnection[Any], number: str, there: str, subject: str, by: Account, at: datetime, system: System
) -> list[Entry]:
    """Have the record of that number there become the twin; answers what goes into the ledger."""
    await connection.execute(_ASK_TO_ADOPT, [number, system.value, at, there])
    body = {"change": number, "system": system.value, "number": there, "actor": told(by)}
    return [Entry(Kind.RECORD_LINK_ASKED, subject, body)]


async def elsewhere(connection: AsyncConnection[Any], change: Change, system: System) -> Elsewhere | None:
    """What is in the way there, and what was done there and does not count; None where there is nothing to say.

    ``system`` is where the policy keeps the record now. Nothing waits for a twin anywhere else.
    """
    link = await read(connection, change.number)
    if link is None or link.system is System.REGISTER or link.is_left(change, system):
        # Nobody has asked that system yet: what is authorised here is not so there.
        is_to_come = system is not System.REGISTER and not change.state.over
        parts = [f"In {system.spoken}, the record is not there yet."] if is_to_come else []
        parts += [_leaving(link)] if link is not None and link.system is not System.REGISTER else []
        waits = is_to_come and change.state is State.SCHEDULED
    else:
        parts, waits = _in_the_way(change, link, await carrying.refusals(connection, change))
        waits = waits and link.system is system
    rows = await (await connection.execute(_NOT_COUNTED, [change.number])).fetchall()
    parts += [outcome.removeprefix("not counted: ") for (outcome,) in reversed(rows)]
    parts += [link.parting] if link is not None and link.parting else []
    return Elsewhere(" ".join(parts), waits) if parts else None


def _in_the_way(change: Change, link: Link, not_carried: str) -> tuple[list[str], bool]:
    """Where the twin is and what is in the way there, and whether the change waits for that.

    A change that is authorised waits until its twin says so, too: there, it may be on hold, or nobody knows of it yet.
    One whose twin says so already does not wait because that system is away.
    """
    behind = link.id is None or link.version < change.version
    parts = [f"In {link.system.spoken}, the record is {link.number or 'not there yet'}."]
    fault = link.faults.told
    parts += [fault.spoken(LONGEST_WAIT)] if fault is not None else []
    parts += [each for each in (link.problem, link.refused, not_carried) if each]
    waits = bool(link.problem) or (behind and change.state is State.SCHEDULED)
    waits = waits or (fault is not None and change.state in _TO_BE_AUTHORISED)
    is_under_way = waits and not link.problem and fault is None and link.id is not None
    parts += ["It is brought up to date there."] if is_under_way else []
    return parts, waits


def _leaving(link: Link) -> str:
    """That leave is still to be taken of the twin."""
    where = link.system.spoken
    what = f"{link.number} in {where} is to be cancelled" if link.number else f"What there is in {where} is cancelled"
    told = f"{what}, since the policy does not keep the record there any more; nothing waits for that."
    fault = link.faults.told
    return f"{told} {fault.spoken(LONGEST_WAIT)}" if fault is not None else told


def _linked(change: Change, receipt: Receipt) -> Entry:
    body = {"change": change.number, "id": receipt.id, "number": receipt.number}
    return Entry(Kind.RECORD_LINKED, change.subject, body)
