import asyncio

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.errors import Refusal, Transient
from bot.store import Store, pool
from bot.store.migrate import NEWEST


async def one(store: Store, statement: str) -> object:
    async with store.transaction() as connection:
        row = await (await connection.execute(statement)).fetchone()
        return row and row[0]


async def run(store: Store, *statements: str) -> None:
    async with store.transaction() as connection:
        for statement in statements:
            await connection.execute(statement)


async def nobody_is_there(_database_url: str) -> str:
    """An address of this machine at which no database answers."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


async def test_connections_work_as_the_least_privileged_role_with_bounded_waits(store: Store) -> None:
    shown = {
        name: await one(store, f"SHOW {name}")
        for name in (
            "role",
            "synchronous_commit",
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "application_name",
        )
    }
    assert shown == {
        "role": "countersign_app",
        "synchronous_commit": "on",
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "30s",
        "application_name": "countersign",
    }


async def test_commits_stay_durable_whatever_the_database_was_set_to(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    async with Store.open(database_url) as store:
        assert await one(store, "SHOW synchronous_commit") == "on"


async def test_the_addresss_own_options_are_kept(database_url: str) -> None:
    theirs = make_conninfo(database_url, options="-c work_mem=5MB", application_name="ours")
    async with Store.open(theirs) as store:
        assert await one(store, "SHOW work_mem") == "5MB"
        assert await one(store, "SHOW application_name") == "ours"
        assert await one(store, "SELECT current_user") == "countersign_app"


async def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await run(store, "INSERT INTO staleness VALUES ('team:a/b', now())", "SELECT 1 / 0")
    assert await one(store, "SELECT count(*) FROM staleness") == 0


async def test_a_block_that_ends_is_committed(store: Store) -> None:
    async with store.transaction() as connection:
        await connection.execute("INSERT INTO staleness VALUES ('team:a/b', now())")
    assert await one(store, "SELECT count(*) FROM staleness") == 1


async def test_connections_that_the_server_ended_are_replaced(store: Store, database_url: str) -> None:
    assert await one(store, "SELECT 1") == 1
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert await one(store, "SELECT 2") == 2


async def test_a_transaction_whose_connection_ends_is_waited_for(store: Store) -> None:
    with pytest.raises(Transient, match="the database"):
        await run(store, "SET ROLE NONE", "SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_lock_that_somebody_holds_is_waited_for(store: Store, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK staleness")
        with pytest.raises(Transient):
            await run(store, "SET LOCAL lock_timeout = '50ms'", "SELECT FROM staleness")


async def test_a_standby_is_waited_for(store: Store) -> None:
    with pytest.raises(Transient):
        await run(store, "SET TRANSACTION READ ONLY", "INSERT INTO staleness VALUES ('team:a/b', now())")


async def test_a_defect_in_a_statement_is_no_reason_to_wait(store: Store) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        await one(store, "SELECT 1 FROM nothing_like_that")


async def test_a_database_that_is_away_is_waited_for(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WAIT", 0.2)
    async with Store.open(await nobody_is_there(database_url)) as store:
        with pytest.raises(Transient, match="the database"):
            await one(store, "SELECT 1")
        with pytest.raises(Transient, match="the database"):
            await store.check_schema()


async def test_more_work_than_connections_waits_its_turn(database_url: str) -> None:
    async with Store.open(database_url, most_connections=2) as store:
        assert await asyncio.gather(*(one(store, "SELECT 1 FROM pg_sleep(0.02)") for _ in range(10))) == [1] * 10


async def test_the_schema_of_this_version_is_the_right_one(store: Store) -> None:
    await store.check_schema()


@pytest.mark.parametrize(("found", "remedy"), [("0001", "python -m bot migrate"), ("0999", "Start the newer version")])
async def test_another_schema_is_told_with_the_remedy(store: Store, database_url: str, found: str, remedy: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [found])
    with pytest.raises(Refusal, match=f"The database has schema {found}, and .* works with {NEWEST}") as refused:
        await store.check_schema()
    assert remedy in refused.value.remedy


async def test_a_database_without_tables_is_told(empty_database_url: str) -> None:
    async with Store.open(empty_database_url) as store:
        with pytest.raises(Refusal, match="has schema none"):
            await store.check_schema()


async def test_an_empty_record_of_migrations_is_told(store: Store, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM alembic_version")
    with pytest.raises(Refusal, match="has schema none"):
        await store.check_schema()


async def test_a_login_that_may_not_take_the_role_is_told(database_url: str, login: str) -> None:
    async with Store.open(make_conninfo(database_url, user=login)) as store:
        with pytest.raises(Refusal, match="has schema none") as refused:
            await store.check_schema()
        assert "migrate" in refused.value.remedy


def test_a_named_database_is_used_as_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    there = tmp_path_factory.mktemp("data")
    assert pool.address("postgresql://somewhere/else", there) == "postgresql://somewhere/else"
    assert list(there.iterdir()) == []
