"""The record of unauthorised changes: each once, never changed, open until somebody answers for it."""

from dataclasses import replace

import psycopg
import pytest

from bot.facts.model import Account, AccountKind
from bot.ledger import append
from bot.store import Store
from bot.unauthorised.model import EVERYWHERE, Found, Kind, concern
from bot.unauthorised.record import acknowledge, record, still_open
from tests.unit.builders import NOON

ERIN = Account(5, "erin", AccountKind.USER)
DIRECT = Found(1, 77, Kind.LANDING, "main@abc", "A commit came to main.", ERIN, NOON)


async def noted(store: Store, *found: Found) -> list[str]:
    async with store.transaction() as connection:
        entries = await record(connection, found)
        await append(connection, entries, at=NOON)
    return [entry.kind.value for entry in entries]


async def asked(store: Store) -> int:
    async with store.transaction() as connection:
        cursor = await connection.execute(
            "INSERT INTO request (subject, origin, actor_id, actor_login, actor_kind, text, asked_at) "
            "VALUES ('pull:77:7', 'comment:1', 6, 'dana', 'user', '/acknowledge', now()) RETURNING id"
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_the_same_thing_is_on_record_once_however_often_it_is_told(store: Store) -> None:
    assert await noted(store, DIRECT) == ["countersign:unauthorised-change:found"]
    assert await noted(store, DIRECT, replace(DIRECT, what="In other words.")) == []
    assert len(await noted(store, replace(DIRECT, reference="main@def", actor=None))) == 1


async def test_a_repository_sees_its_own_and_those_of_the_whole_organisation(store: Store) -> None:
    await noted(
        store,
        DIRECT,
        replace(DIRECT, repository_id=78),
        replace(DIRECT, repository_id=EVERYWHERE, actor=None),
        replace(DIRECT, repository_id=EVERYWHERE, installation_id=2),
    )
    async with store.transaction() as connection:
        found = await still_open(connection, 1, 77)
    assert {(each.what, each.actor) for each in found} == {(DIRECT.what, ERIN), (DIRECT.what, None)}
    assert len(found) == 2
    assert concern(1, 77) == "unauthorised:77"
    assert concern(1, EVERYWHERE) == "unauthorised:installation:1"


async def test_it_is_open_until_somebody_answers_for_it_once(store: Store) -> None:
    await noted(store, DIRECT)
    request = await asked(store)
    async with store.transaction() as connection:
        [open_one] = await still_open(connection, 1, 77)
        dana = Account(6, "dana")
        [entry] = await acknowledge(connection, open_one.id, dana, "Hotfix 4711", request=request, at=NOON)
        assert await acknowledge(connection, open_one.id, dana, "Again", request=request, at=NOON) == []
        assert await still_open(connection, 1, 77) == ()
    assert entry.body["reason"] == "Hotfix 4711"
    assert entry.subject == f"unauthorised:{open_one.id}"


@pytest.mark.parametrize("statement", ["DELETE FROM unauthorised_change", "UPDATE unauthorised_change SET what = ''"])
async def test_nobody_changes_the_record(store: Store, statement: str) -> None:
    await noted(store, DIRECT)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with store.transaction() as connection:
            await connection.execute(statement)
