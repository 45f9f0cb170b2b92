import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.entries import Entry, Kind, append, canonical, leaf_hash
from bot.ledger.verify import verify
from bot.store import Store

AT = datetime(2026, 3, 1, 12, 30, 0, 1, tzinfo=UTC)


def entry(number: int = 1, **body: Any) -> Entry:
    return Entry(Kind.DELIVERY_ACCEPTED, f"pull:1:{number}", body)


async def read(store: Store, columns: str) -> list[tuple[Any, ...]]:
    async with store.transaction() as connection:
        return await (await connection.execute(f"SELECT {columns} FROM ledger_entry ORDER BY seq")).fetchall()


async def put(store: Store, *entries: Entry) -> range:
    async with store.transaction() as connection:
        return await append(connection, entries, at=AT)


async def put_and_fail(store: Store, *entries: Entry) -> None:
    async with store.transaction() as connection:
        await append(connection, entries, at=AT)
        await connection.execute("SELECT 1 / 0")


def test_an_entry_is_canonical_json_of_all_that_it_says() -> None:
    said = canonical(entry(z=1, a="é\n"), seq=7, at=AT.astimezone(timezone(timedelta(hours=5))))
    assert (
        said
        == (
            '{"at":"2026-03-01T12:30:00.000001Z","body":{"a":"é\\n","z":1},"kind":"github:delivery:accepted","seq":7,'
            '"subject":"pull:1:1"}'
        ).encode()
    )


def test_a_leaf_is_what_rfc_6962_says() -> None:
    # RFC 6962 test vector of the empty leaf, as certificate-transparency logs publish it.
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def by_hand(value: Any) -> str:
    """Canonical JSON (RFC 8785) of what entries hold, written a second time: keys by UTF-16 units, least escapes."""
    match value:
        case dict():
            keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
            return "{" + ",".join(f"{by_hand(key)}:{by_hand(value[key])}" for key in keys) + "}"
        case list():
            return "[" + ",".join(map(by_hand, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4), TEXT)
def test_an_independent_computation_gives_the_same_leaf(body: dict[str, Any], subject: str) -> None:
    row = {
        "seq": 1,
        "at": "2026-03-01T12:30:00.000001Z",
        "kind": "github:delivery:accepted",
        "subject": subject,
        "body": body,
    }
    expected = hashlib.sha256(b"\x00" + by_hand(row).encode()).digest()
    assert leaf_hash(canonical(Entry(Kind.DELIVERY_ACCEPTED, subject, body), seq=1, at=AT)) == expected


async def test_entries_are_numbered_and_hashed(store: Store) -> None:
    assert await put(store, entry(1), entry(2)) == range(1, 3)
    assert await put(store) == range(0)
    assert await put(store, entry(3)) == range(3, 4)
    for seq, at, kind, subject, body, leaf in await read(store, "seq, at, kind, subject, body, leaf"):
        assert json.loads(body) == {
            "seq": seq,
            "at": "2026-03-01T12:30:00.000001Z",
            "kind": kind,
            "subject": subject,
            "body": {},
        }
        assert (at, subject) == (AT, f"pull:1:{seq}")
        assert leaf == hashlib.sha256(b"\x00" + body).digest()


async def test_what_is_rolled_back_leaves_no_gap(store: Store) -> None:
    await put(store, entry(1))
    with pytest.raises(psycopg.errors.DivisionByZero):
        await put_and_fail(store, entry(2))
    assert await put(store, entry(3)) == range(2, 3)


async def test_many_at_once_leave_no_gap(store: Store) -> None:
    async def one(number: int) -> None:
        entries = [entry(number)] * (number % 3 + 1)
        if number % 4:
            await put(store, *entries)
        else:
            with pytest.raises(psycopg.errors.DivisionByZero):
                await put_and_fail(store, *entries)

    await asyncio.gather(*map(one, range(60)))
    numbers = [seq for (seq,) in await read(store, "seq")]
    assert numbers == list(range(1, sum(n % 3 + 1 for n in range(60) if n % 4) + 1))
    async with store.transaction() as connection:
        assert (await verify(connection)).problems == ()


REWRITES = ["UPDATE ledger_entry SET kind = 'x'", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry"]


@pytest.mark.parametrize(
    "statement",
    [
        *REWRITES,
        "UPDATE ledger_head SET seq = 9",
        "DELETE FROM ledger_head",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
    ],
)
async def test_the_application_cannot_rewrite_the_ledger(store: Store, statement: str) -> None:
    await put(store, entry())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with store.transaction() as connection:
            await connection.execute(statement)


@pytest.mark.parametrize("statement", REWRITES)
async def test_nor_can_its_owner_without_taking_the_guard_away(store: Store, database_url: str, statement: str) -> None:
    await put(store, entry())
    with (
        psycopg.connect(database_url) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="the ledger can only be appended to"),
    ):
        owner.execute(statement)


INSERT = "INSERT INTO ledger_entry (seq, at, kind, subject, body, leaf) VALUES (%s, now(), 'k', 's', %s, %s)"


@pytest.mark.parametrize("seq", [0, 1, 3, 99])
async def test_only_the_next_number_is_taken(store: Store, seq: int) -> None:
    await put(store, entry())
    with pytest.raises(psycopg.errors.CheckViolation, match=f"entry {seq} is not the next one"):
        async with store.transaction() as connection:
            await connection.execute(INSERT, [seq, b"x", leaf_hash(b"x")])


async def test_only_the_right_hash_is_taken(store: Store) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="not the hash of its body"):
        async with store.transaction() as connection:
            await connection.execute(INSERT, [1, b"x", hashlib.sha256(b"x").digest()])


async def test_a_table_of_ones_own_does_not_stand_in_for_the_head(store: Store) -> None:
    async with store.transaction() as connection:
        await connection.execute("CREATE TEMPORARY TABLE ledger_head AS SELECT true AS single, 98::bigint AS seq")
        await connection.execute("GRANT ALL ON ledger_head TO PUBLIC")
        with pytest.raises(psycopg.errors.CheckViolation, match="entry 99 is not the next one"):
            await connection.execute(INSERT, [99, b"x", leaf_hash(b"x")])


async def problems(store: Store, database_url: str, *tampering: str) -> tuple[str, ...]:
    """What is found after somebody with every right has changed the ledger behind its guards."""
    await put(store, *(entry(number, what=f"said {number}") for number in range(1, 6)))
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ALL")
        for statement in tampering:
            owner.execute(statement)
    async with store.transaction() as connection:
        return (await verify(connection)).problems


async def test_an_honest_ledger_has_no_problems(store: Store, database_url: str) -> None:
    assert await problems(store, database_url) == ()
    async with store.transaction() as connection:
        assert (await verify(connection)).entries == 5


HASH = "Entry 3 does not have the hash that was recorded with it."
COLUMNS = "Entry 3 says something else than its columns."
REBODY = "body = convert_to(replace(convert_from(body, 'UTF8'), 'said 3', 'said 4'), 'UTF8')"


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        (f"UPDATE ledger_entry SET {REBODY} WHERE seq = 3", (HASH,)),
        ("UPDATE ledger_entry SET leaf = sha256('forged') WHERE seq = 3", (HASH,)),
        ("UPDATE ledger_entry SET kind = 'person:command:done' WHERE seq = 3", (COLUMNS,)),
        ("UPDATE ledger_entry SET subject = 'pull:1:4' WHERE seq = 3", (COLUMNS,)),
        ("UPDATE ledger_entry SET at = at + interval '1 microsecond' WHERE seq = 3", (COLUMNS,)),
        (
            "UPDATE ledger_entry SET body = 'no JSON', leaf = sha256('\\x00'::bytea || 'no JSON') WHERE seq = 3",
            (COLUMNS,),
        ),
        ("UPDATE ledger_entry SET body = '[]', leaf = sha256('\\x00'::bytea || '[]') WHERE seq = 3", (COLUMNS,)),
        ("DELETE FROM ledger_entry WHERE seq IN (2, 3)", ("Entries 2 to 3 are missing.",)),
        ("DELETE FROM ledger_entry WHERE seq = 5", ("The ledger ends at entry 4, but its head says 5.",)),
        ("UPDATE ledger_head SET seq = 7", ("The ledger ends at entry 5, but its head says 7.",)),
        ("DELETE FROM ledger_head", ("The ledger ends at entry 5, but its head says nothing.",)),
        ("TRUNCATE ledger_entry", ("The ledger ends at entry 0, but its head says 5.",)),
    ],
)
async def test_tampering_is_found(store: Store, database_url: str, tampering: str, found: tuple[str, ...]) -> None:
    assert await problems(store, database_url, tampering) == found


async def test_two_entries_that_changed_places_are_found(store: Store, database_url: str) -> None:
    aside = "UPDATE ledger_entry SET seq = seq + 100 WHERE seq IN (2, 3)"
    swapped = "UPDATE ledger_entry SET seq = 105 - (seq - 100) - 100 WHERE seq > 100"
    found = await problems(store, database_url, aside, swapped)
    assert found == tuple(f"Entry {seq} says something else than its columns." for seq in (2, 3))
