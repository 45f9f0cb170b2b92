"""Entries of the ledger: a fixed vocabulary, canonical JSON, and the RFC 6962 hash of each.

An entry's body is the canonical JSON (RFC 8785) of the whole row: number, moment, kind, subject, and what there is to
say. Its leaf is ``SHA-256(0x00 ‖ body)`` (RFC 6962, section 2.1), so that nothing of it can change without the leaf.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import rfc8785
from psycopg import AsyncConnection


class Kind(StrEnum):
    """What can be on record, as ``source:subject:action``."""

    DELIVERY_ACCEPTED = "github:delivery:accepted"
    DELIVERY_REFUSED = "github:delivery:refused"
    INSTALLATION_CHANGED = "github:installation:changed"
    DECISION_MADE = "countersign:decision:made"
    EFFECT_PUBLISHED = "countersign:effect:published"
    COMMAND_DONE = "person:command:done"
    COMMAND_REFUSED = "person:command:refused"
    CHANGE_OPENED = "countersign:change:opened"
    CHANGE_MOVED = "countersign:change:moved"
    CHANGE_JOINED = "person:change:joined"
    CHANGE_LEFT = "person:change:left"
    CHANGE_ANNOUNCED = "countersign:change:announced"
    VOTE_CAST = "person:vote:cast"
    VOTE_WITHDRAWN = "countersign:vote:withdrawn"
    VOTE_CARRIED = "countersign:vote:carried"
    INSTRUCTION_GIVEN = "person:instruction:given"
    RECORD_LINK_ASKED = "person:record:link-asked"
    RECORD_LINKED = "countersign:record:linked"
    RECORD_SENT = "countersign:record:sent"
    RECORD_LEFT = "countersign:record:left"
    RECORD_HEARD = "system:record:heard"
    WAIVER_ASKED = "person:waiver:asked"
    WAIVER_DENIED = "person:waiver:denied"
    WAIVER_GRANTED = "person:waiver:granted"
    WAIVER_REVOKED = "person:waiver:revoked"
    POLICY_ACCEPTED = "policy:file:accepted"
    POLICY_REFUSED = "policy:file:refused"
    POLICY_REMOVED = "policy:file:removed"
    POLICY_SWITCHED = "policy:mode:switched"
    UNAUTHORISED_FOUND = "countersign:unauthorised-change:found"
    UNAUTHORISED_ACKNOWLEDGED = "person:unauthorised-change:acknowledged"
    CO_AUTHORSHIP_DISOWNED = "person:co-authorship:disowned"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to put on record. ``body`` holds JSON values; integers above 2^53 go in as text (RFC 8785)."""

    kind: Kind
    subject: str
    body: Mapping[str, Any]


def moment(at: datetime) -> str:
    """A moment as the ledger writes it: in UTC, with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical(entry: Entry, *, seq: int, at: datetime) -> bytes:
    """The entry as the bytes that are kept and hashed."""
    row: dict[str, Any] = {
        "seq": seq,
        "at": moment(at),
        "kind": entry.kind.value,
        "subject": entry.subject,
        "body": dict(entry.body),
    }
    return rfc8785.dumps(row)


def leaf_hash(body: bytes) -> bytes:
    """The hash of a leaf of the Merkle tree (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


_NEXT = "SELECT ledger_next()"
_APPEND = """
    INSERT INTO ledger_entry (seq, at, kind, subject, body, leaf)
    SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::bytea[], %s::bytea[])
"""


async def append(connection: AsyncConnection[Any], entries: Sequence[Entry], *, at: datetime) -> range:
    """Put entries on record in the caller's transaction, and answer their numbers.

    Call it last: the number of the next entry stays locked until the transaction ends.
    """
    if not entries:
        return range(0)
    cursor = await connection.execute(_NEXT)
    row = await cursor.fetchone()
    first = int(row[0]) if row else 1
    numbers = range(first, first + len(entries))
    bodies = [canonical(entry, seq=seq, at=at) for seq, entry in zip(numbers, entries, strict=True)]
    await connection.execute(
        _APPEND,
        [
            list(numbers),
            [at] * len(entries),
            [entry.kind.value for entry in entries],
            [entry.subject for entry in entries],
            bodies,
            [leaf_hash(body) for body in bodies],
        ],
    )
    return numbers
