"""What is in force of each policy file on each branch, and what goes on record when that changes.

A repository's file is read from the branch that a change goes to, so that each branch has a version of its own in
force, and its own last version that worked. The organisation's is read from one branch alone, written ``""`` here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from bot.ledger import Entry, Kind, append
from bot.policy.assemble import Assembled, Source
from bot.policy.check import content_of
from bot.policy.model import Mode
from bot.policy.reading import beside
from bot.store import Store

_IN_FORCE = """
    SELECT origin, branch, blob, content, refused
    FROM policy_in_force LEFT JOIN policy_file USING (origin, blob)
    WHERE (origin, branch) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_KEEP = "INSERT INTO policy_file (blob, origin, content) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_ACCEPT = """
    INSERT INTO policy_in_force (origin, branch, blob, since) VALUES (%s, %s, %s, %s)
    ON CONFLICT (origin, branch) DO UPDATE SET blob = excluded.blob, since = excluded.since, refused = NULL
    WHERE policy_in_force.blob IS DISTINCT FROM excluded.blob OR policy_in_force.refused IS NOT NULL
    RETURNING origin
"""
_REFUSE = """
    INSERT INTO policy_in_force (origin, branch, refused, since) VALUES (%s, %s, %s, %s)
    ON CONFLICT (origin, branch) DO UPDATE SET refused = excluded.refused
    WHERE policy_in_force.refused IS DISTINCT FROM excluded.refused
    RETURNING origin
"""
_REMOVE = """
    DELETE FROM policy_in_force
    WHERE origin = %s AND branch = %s AND blob IS NOT DISTINCT FROM %s AND refused IS NOT DISTINCT FROM %s
    RETURNING origin
"""


@dataclass(frozen=True, slots=True)
class InForce:
    """A policy file on a branch: the last version that worked since it is there, and the blob that is refused now."""

    origin: str
    branch: str
    good: Source | None = None
    refused: str | None = None


async def recall(connection: AsyncConnection[Any], branches: Mapping[str, str]) -> dict[str, InForce]:
    """What is in force of the file of each origin, on the branch that is given with it."""
    known = {origin: InForce(origin, branch) for origin, branch in branches.items()}
    cursor = await connection.execute(_IN_FORCE, [list(branches), list(branches.values())])
    async for origin, branch, blob, content, refused in cursor:
        good = Source(origin, blob, content) if blob is not None else None
        known[origin] = InForce(origin, branch, good, refused)
    return known


async def remember(
    store: Store, assembled: Assembled, known: Mapping[str, InForce], found: Mapping[str, Source | None], at: datetime
) -> None:
    """Put what works in force, forget what is not there any more, and put on record what is new.

    ``found`` has the file of each origin that could be looked for, None where there is none: a file that comes again
    after it was taken away has no version that worked before.
    """
    changed = [origin for origin in sorted(found) if not _is_known(known[origin], found[origin], assembled)]
    if not changed:
        return
    usable = {origin: found[origin] for origin in changed if found[origin] in (None, *assembled.good)}
    texts = [*usable.values(), *(known[origin].good for origin in usable)]
    # Worked out before the transaction, which is not to wait for it.
    switched = await beside(lambda: {each: _switched(known[each], source) for each, source in usable.items()}, texts)
    async with store.transaction() as connection:
        entries: list[Entry] = []
        for origin in changed:
            was, source = known[origin], found[origin]
            if source is None:
                entries += await _remove(connection, was, switched[origin])
            elif origin in usable:
                entries += await _accept(connection, was, source, switched[origin], at)
            else:
                entries += await _refuse(connection, was, source, at)
        await append(connection, entries, at=at)


def _is_known(was: InForce, source: Source | None, assembled: Assembled) -> bool:
    if source is not None and source not in assembled.good:
        return was.refused == source.blob
    return was.good == source and was.refused is None


async def _accept(
    connection: AsyncConnection[Any], was: InForce, source: Source, switched: list[Entry], at: datetime
) -> list[Entry]:
    await _keep(connection, source)
    if not await _done(connection, _ACCEPT, [was.origin, was.branch, source.blob, at]):
        return []
    return [Entry(Kind.POLICY_ACCEPTED, was.origin, _told(was, source.blob)), *switched]


async def _refuse(connection: AsyncConnection[Any], was: InForce, source: Source, at: datetime) -> list[Entry]:
    await _keep(connection, source)
    if not await _done(connection, _REFUSE, [was.origin, was.branch, source.blob, at]):
        return []
    return [Entry(Kind.POLICY_REFUSED, was.origin, _told(was, source.blob))]


async def _remove(connection: AsyncConnection[Any], was: InForce, switched: list[Entry]) -> list[Entry]:
    blob = was.good.blob if was.good else None
    if not await _done(connection, _REMOVE, [was.origin, was.branch, blob, was.refused]):
        return []
    return [Entry(Kind.POLICY_REMOVED, was.origin, _told(was, blob or was.refused)), *switched]


async def _keep(connection: AsyncConnection[Any], source: Source) -> None:
    await connection.execute(_KEEP, [source.blob, source.origin, source.text.replace("\x00", "")])


async def _done(connection: AsyncConnection[Any], statement: str, values: list[Any]) -> bool:
    """Whether the statement found something to do: another look may have been faster."""
    return await (await connection.execute(statement, values)).fetchone() is not None


def _told(was: InForce, blob: str | None) -> dict[str, Any]:
    branch = {"branch": was.branch} if was.branch else {}
    return {"origin": was.origin, "blob": blob, **branch}


def _switched(before: InForce, after: Source | None) -> list[Entry]:
    """The entry for what is enforced from now on, or not any more; none where that stays as it was."""
    was, now = _enforced(before.good), _enforced(after)
    if was == now:
        return []
    told = _told(before, after.blob if after else None)
    return [Entry(Kind.POLICY_SWITCHED, before.origin, {**told, "was": was, "now": now})]


def _enforced(source: Source | None) -> dict[str, Any]:
    """What a file says of observing and enforcing: all in all, for findings, and for applications."""
    content = content_of(source.text, source.origin) if source else None
    if content is None:
        return {"mode": Mode.OBSERVE.value, "observe": [], "applications": {}}
    return {
        "mode": content.mode or Mode.OBSERVE.value,
        "observe": sorted(content.observe),
        "applications": {each.name: each.mode for each in content.applications if each.mode},
    }
