"""What is stored of deliveries, and the statements that read it again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from bot.facts import tenure
from bot.facts.model import Account, AccountKind, Push
from bot.ingest.events import GateBypassed, InstallationChanged
from bot.ingest.subjects import PushSeen, Request
from bot.ledger import Entry
from bot.unauthorised import record as unauthorised
from bot.unauthorised.model import Found

if TYPE_CHECKING:
    from bot.ingest.inbox import Delivery

_STORE_NEW = """
    INSERT INTO delivery (guid, event, action, installation_id, repository_id, ignored, digest, body, received_at)
    SELECT * FROM unnest(
        %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::bytea[], %s::bytea[],
        %s::timestamptz[]
    )
    ON CONFLICT DO NOTHING
    RETURNING guid
"""
_PUSHES = """
    INSERT INTO push (repository_id, ref, after, actor_id, actor_login, actor_kind, via)
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[])
    ON CONFLICT DO NOTHING
"""
_REQUESTS = """
    INSERT INTO request (subject, origin, comment_id, actor_id, actor_login, actor_kind, text, asked_at, written_at)
    SELECT * FROM unnest(
        %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
        %s::timestamptz[]
    )
    ON CONFLICT DO NOTHING
"""
_WATCH = """
    INSERT INTO branch_seen (subject, tip, at) SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[])
    ON CONFLICT DO NOTHING
    RETURNING subject
"""
_INSTALLATION = """
    INSERT INTO installation (id, account_id, account, state) VALUES (%s, %s, %s, %s)
    ON CONFLICT (id) DO UPDATE SET account = excluded.account, state = excluded.state, changed_at = now()
    WHERE (installation.account, installation.state) IS DISTINCT FROM (excluded.account, excluded.state)
    RETURNING id
"""
_GONE = """
    UPDATE installation SET state = 'deleted', changed_at = now()
    WHERE state <> 'deleted' AND id <> ALL (%s) RETURNING id, account_id, account, state
"""
_PENDING = """
    SELECT
        id, subject, comment_id, actor_id, actor_login, actor_kind, text, asked_at, done, replies, refused, written_at
    FROM request WHERE subject = %s AND outcome IS NULL ORDER BY comment_id NULLS LAST, id
"""
_SETTLE = "UPDATE request SET outcome = %s, settled_at = now() WHERE id = %s AND outcome IS NULL RETURNING id"
_PROGRESS = """
    UPDATE request SET done = done + 1, replies = replies || %s, refused = refused OR %s
    WHERE id = %s AND done = %s AND outcome IS NULL RETURNING id
"""
_PUSHED = """
    SELECT DISTINCT after, actor_id, actor_login, actor_kind FROM push WHERE repository_id = %s AND after = ANY(%s)
"""
_FIRST_SEEN = "SELECT min(seen_at) FROM push WHERE repository_id = %s AND after = %s"
_FORGET = """
    UPDATE delivery SET body = NULL
    WHERE guid IN (
        SELECT guid FROM delivery WHERE body IS NOT NULL AND received_at < now() - %s ORDER BY received_at LIMIT 1000
    )
"""
_STATES = "SELECT id, state FROM installation WHERE state <> 'active'"


async def store_new(connection: AsyncConnection[Any], rows: Sequence[tuple["Delivery", bytes]]) -> set[str]:
    """Store deliveries with their compressed bodies; answers the GUIDs that were not there."""
    cursor = await connection.execute(
        _STORE_NEW,
        [
            [each.guid for each, _ in rows],
            [each.event for each, _ in rows],
            [each.action for each, _ in rows],
            [each.installation_id for each, _ in rows],
            [each.repository_id for each, _ in rows],
            [each.intake.ignored for each, _ in rows],
            [each.digest for each, _ in rows],
            [body for _, body in rows],
            [each.received_at for each, _ in rows],
        ],
    )
    return {guid for (guid,) in await cursor.fetchall()}


async def store_intakes(connection: AsyncConnection[Any], deliveries: Sequence["Delivery"]) -> list[Entry]:
    """Store what the deliveries tell that nobody can read again later; answers what it means for the ledger."""
    await record_pushes(connection, [push for each in deliveries for push in each.intake.pushes])
    asked = [(request, each) for each in deliveries for request in each.intake.requests]
    if asked:
        await connection.execute(
            _REQUESTS,
            [
                [request.subject for request, _ in asked],
                [request.origin or f"delivery:{each.guid}" for request, each in asked],
                [request.comment_id for request, _ in asked],
                [request.actor.id for request, _ in asked],
                [request.actor.login for request, _ in asked],
                [request.actor.kind.value for request, _ in asked],
                [request.text.replace("\x00", "\ufffd") for request, _ in asked],
                [each.received_at for _, each in asked],
                [_written_at(request, each) for request, each in asked],
            ],
        )
    watched = {key: (tip, each.received_at) for each in reversed(deliveries) for key, tip in each.intake.watched}
    await watch(connection, watched)
    for each in deliveries:
        await tenure.moved(connection, each.intake.joined, each.intake.left)
        if (change := each.intake.installation) is not None:
            await note_installation(connection, change)
    return await unauthorised.record(
        connection, [_found(event, each) for each in deliveries for event in each.intake.found]
    )


def _written_at(request: Request, delivery: "Delivery") -> datetime | None:
    """When the comment was written; nobody has written one that is still to come, whatever GitHub's clock says."""
    return min(request.written_at, delivery.received_at) if request.written_at is not None else None


def _found(event: GateBypassed, delivery: "Delivery") -> Found:
    return Found(
        event.installation_id,
        event.repository_id,
        event.kind,
        event.reference,
        event.what,
        event.sender,
        event.at or delivery.received_at,
    )


async def watch(connection: AsyncConnection[Any], branches: Mapping[str, tuple[str, datetime]]) -> set[str]:
    """Look from now on at what lands on the branches of these keys, beginning at their tips; answers the new ones."""
    keys = sorted(branches)
    if not keys:
        return set()
    values = [keys, [branches[key][0] for key in keys], [branches[key][1] for key in keys]]
    cursor = await connection.execute(_WATCH, values)
    return {key async for (key,) in cursor}


async def record_pushes(connection: AsyncConnection[Any], pushes: Sequence[PushSeen]) -> None:
    """Append to the push log what is not in it yet."""
    if not pushes:
        return
    # Two transactions that see the same pushes wait for each other in one order only.
    pushes = sorted(pushes, key=lambda push: (push.repository_id, push.after, push.ref, push.via))
    await connection.execute(
        _PUSHES,
        [
            [push.repository_id for push in pushes],
            [push.ref for push in pushes],
            [push.after for push in pushes],
            [push.actor.id if push.actor else None for push in pushes],
            [push.actor.login if push.actor else None for push in pushes],
            [push.actor.kind.value if push.actor else None for push in pushes],
            [push.via for push in pushes],
        ],
    )


async def pushes_of(connection: AsyncConnection[Any], repository_id: int, commits: Collection[str]) -> tuple[Push, ...]:
    """Who put any of ``commits`` at the tip of a branch, sorted, each once."""
    cursor = await connection.execute(_PUSHED, [repository_id, list(commits)])
    found = {
        Push(after, Account(actor_id, login, AccountKind(kind)) if actor_id is not None else None)
        async for after, actor_id, login, kind in cursor
    }
    return tuple(sorted(found, key=lambda push: (push.after, push.actor.id if push.actor else 0)))


async def first_seen(connection: AsyncConnection[Any], repository_id: int, commit: str) -> datetime | None:
    """When it was first told that somebody pushed the commit."""
    row = await (await connection.execute(_FIRST_SEEN, [repository_id, commit])).fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that is not settled yet. A button's ``text`` is its identifier, and ``comment_id`` is None.

    ``asked_at`` is when it reached us, ``written_at`` when it was written where GitHub says that, which it does in
    whole seconds. ``done`` of its commands have been acted on: ``replies`` are what there is to say of these,
    ``refused`` says whether one was.
    """

    id: int
    subject: str
    comment_id: int | None
    actor: Account
    text: str
    asked_at: datetime
    done: int = 0
    replies: tuple[str, ...] = ()
    refused: bool = False
    written_at: datetime | None = None

    @property
    def said_at(self) -> datetime:
        """The moment as of which it counts, however late it reached us."""
        return self.written_at or self.asked_at


async def pending(connection: AsyncConnection[Any], subject: str) -> list[Pending]:
    """What was asked about the subject and not settled, the oldest first."""
    cursor = await connection.execute(_PENDING, [subject])
    return [
        Pending(
            id_,
            key,
            comment_id,
            Account(actor_id, login, AccountKind(kind)),
            text,
            asked_at,
            done,
            tuple(replies),
            refused,
            written,
        )
        async for id_, key, comment_id, actor_id, login, kind, text, asked_at, done, replies, refused, written in cursor
    ]


async def progress(
    connection: AsyncConnection[Any], request: Pending, place: int, reply: str, *, refused: bool
) -> bool:
    """Note that the command at ``place`` was acted on; False when somebody else has done that already."""
    said = Jsonb([reply] if reply else [])
    cursor = await connection.execute(_PROGRESS, [said, refused, request.id, place])
    return await cursor.fetchone() is not None


async def settle(connection: AsyncConnection[Any], request_id: int, outcome: str) -> bool:
    """Settle a request; False when somebody has settled it already."""
    cursor = await connection.execute(_SETTLE, [outcome, request_id])
    return await cursor.fetchone() is not None


async def forget_bodies(connection: AsyncConnection[Any], age: timedelta) -> int:
    """Drop the raw bodies of at most 1,000 deliveries older than ``age``; answers how many."""
    cursor = await connection.execute(_FORGET, [age])
    return cursor.rowcount


async def stored(connection: AsyncConnection[Any], guids: Collection[str]) -> set[str]:
    """Which of the deliveries of these GUIDs are stored."""
    cursor = await connection.execute("SELECT guid FROM delivery WHERE guid = ANY(%s)", [list(guids)])
    return {guid async for (guid,) in cursor}


async def note_installation(connection: AsyncConnection[Any], change: InstallationChanged) -> bool:
    """Note what is known of an installation; True when that is new."""
    values = [change.installation_id, change.account_id, change.account, change.state]
    cursor = await connection.execute(_INSTALLATION, values)
    return await cursor.fetchone() is not None


async def note_gone(connection: AsyncConnection[Any], present: Collection[int]) -> list[InstallationChanged]:
    """Note that every installation but those ``present`` is gone; answers those that this is news of."""
    cursor = await connection.execute(_GONE, [list(present)])
    return [InstallationChanged(*row) async for row in cursor]


async def installation_state(connection: AsyncConnection[Any], installation_id: int) -> str:
    """``active``, ``suspended`` or ``deleted``; one that nothing is known of is active until GitHub refuses it."""
    cursor = await connection.execute("SELECT state FROM installation WHERE id = %s", [installation_id])
    row = await cursor.fetchone()
    return str(row[0]) if row else "active"


async def closed_installations(connection: AsyncConnection[Any]) -> dict[int, str]:
    """Installations that may not ask for anything any more, and why."""
    cursor = await connection.execute(_STATES)
    return {id_: state async for id_, state in cursor}
