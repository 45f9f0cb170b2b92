from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from bot.clock import utc_now
from bot.facts.model import Account, AccountKind, Push
from bot.ingest.events import InstallationChanged
from bot.ingest.inbox import Inbox
from bot.ingest.statements import (
    closed_installations,
    forget_bodies,
    installation_state,
    note_gone,
    note_installation,
    pending,
    pushes_of,
    record_pushes,
    settle,
    stored,
)
from bot.ingest.subjects import PushSeen
from bot.store import Store
from tests.unit.ingest.payloads import commented, pull_request
from tests.unit.ingest.test_inbox import delivery

ALICE = Account(1, "alice", AccountKind.USER)
BOB = Account(2, "bob", AccountKind.BOT)


async def test_pushes_are_kept_once_and_read_sorted(store: Store) -> None:
    seen = [
        PushSeen(21, "refs/heads/b", "b" * 40, BOB, "push"),
        PushSeen(21, "refs/heads/a", "b" * 40, ALICE, "push"),
        PushSeen(21, "refs/heads/a", "b" * 40, ALICE, "synchronize"),
        PushSeen(21, "refs/heads/a", "a" * 40, None, "activity"),
        PushSeen(22, "refs/heads/a", "a" * 40, ALICE, "push"),
    ]
    async with store.transaction() as connection:
        await record_pushes(connection, [*seen, *seen])
        await record_pushes(connection, seen[::-1])
        await record_pushes(connection, [])
        assert await pushes_of(connection, 21, ["a" * 40, "b" * 40]) == (
            Push("a" * 40, None),
            Push("b" * 40, ALICE),
            Push("b" * 40, BOB),
        )
        assert await pushes_of(connection, 21, []) == ()
        ((count,),) = await (await connection.execute("SELECT count(*) FROM push")).fetchall()
        assert count == 5


@pytest.mark.parametrize("statement", ["UPDATE push SET actor_id = 9", "DELETE FROM push", "TRUNCATE push"])
async def test_the_push_log_is_only_ever_appended_to(store: Store, database_url: str, statement: str) -> None:
    async with store.transaction() as connection:
        await record_pushes(connection, [PushSeen(21, "refs/heads/a", "a" * 40, ALICE, "push")])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for table push"):
        async with store.transaction() as connection:
            await connection.execute(statement)
    with (
        psycopg.connect(database_url) as owner,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="the push log can only be appended to"),
    ):
        owner.execute(statement)


@pytest.mark.parametrize("ahead", [timedelta(hours=-30), timedelta(0), timedelta(minutes=5)])
async def test_what_was_asked_counts_from_when_it_was_written_and_nothing_is_of_the_future(
    store: Store, ahead: timedelta
) -> None:
    written = utc_now().replace(microsecond=0) + ahead
    payload = commented("/help", comment=5)
    payload["comment"]["created_at"] = written.isoformat()
    received = delivery("1", payload, "issue_comment")
    async with Inbox(store).open() as inbox:
        await inbox.accept(received)
        await inbox.accept(delivery("2", commented("/help", comment=6), "issue_comment"))
    async with store.transaction() as connection:
        dated, undated = await pending(connection, "pull:21:1")
    assert dated.said_at == min(written, received.received_at)
    assert dated.asked_at == received.received_at
    assert undated.said_at == undated.asked_at


async def test_a_request_is_settled_once(store: Store) -> None:
    async with Inbox(store).open() as inbox:
        await inbox.accept(delivery("1", commented("/help", comment=5), "issue_comment"))
        await inbox.accept(delivery("2", commented("/explain", comment=6), "issue_comment"))
    async with store.transaction() as connection:
        first, second = await pending(connection, "pull:21:1")
        assert (first.text, second.text) == ("/help", "/explain")
        assert await settle(connection, first.id, "done")
        assert not await settle(connection, first.id, "refused")
        assert await pending(connection, "pull:21:1") == [second]
        assert await pending(connection, "pull:21:2") == []


async def test_raw_bodies_are_forgotten_after_their_time(store: Store) -> None:
    async with Inbox(store).open() as inbox:
        await inbox.accept(delivery("1"))
        await inbox.accept(delivery("2", pull_request(2)))
    async with store.transaction() as connection:
        await connection.execute("SET ROLE NONE")
        await connection.execute(
            "UPDATE delivery SET received_at = %s WHERE guid = '1'", [utc_now() - timedelta(days=31)]
        )
    async with store.transaction() as connection:
        assert await forget_bodies(connection, timedelta(days=30)) == 1
        assert await forget_bodies(connection, timedelta(days=30)) == 0
        kept = await (
            await connection.execute("SELECT guid, body IS NULL, digest FROM delivery ORDER BY guid")
        ).fetchall()
    assert [(guid, forgotten, len(digest)) for guid, forgotten, digest in kept] == [("1", True, 32), ("2", False, 32)]


async def test_a_delivery_is_known_by_its_guid(store: Store) -> None:
    async with Inbox(store).open() as inbox:
        await inbox.accept(delivery("1"))
    async with store.transaction() as connection:
        assert await stored(connection, ["1", "2"]) == {"1"}


async def test_what_is_known_of_installations_is_news_once(store: Store) -> None:
    acme = InstallationChanged(7, 3, "acme", "active")
    other = InstallationChanged(8, 4, "other", "active")
    async with store.transaction() as connection:
        assert await installation_state(connection, 7) == "active"
        assert await note_installation(connection, acme)
        assert not await note_installation(connection, acme)
        assert await note_installation(connection, other)
        assert await closed_installations(connection) == {}
        assert await note_installation(connection, InstallationChanged(7, 3, "acme", "suspended"))
        assert await installation_state(connection, 7) == "suspended"
        assert await note_gone(connection, [7]) == [InstallationChanged(8, 4, "other", "deleted")]
        assert await note_gone(connection, [7]) == []
        assert await closed_installations(connection) == {7: "suspended", 8: "deleted"}


async def test_the_application_cannot_change_what_a_delivery_was(store: Store) -> None:
    async with Inbox(store).open() as inbox:
        await inbox.accept(delivery("1"))
    for statement in ("UPDATE delivery SET digest = ''", "DELETE FROM delivery", "DELETE FROM request"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with store.transaction() as connection:
                await connection.execute(statement)


def test_moments_are_in_utc() -> None:
    assert utc_now().tzinfo is UTC
    assert abs(datetime.now(UTC) - utc_now()) < timedelta(minutes=1)
