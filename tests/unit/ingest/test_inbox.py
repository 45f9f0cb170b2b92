import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
import structlog

import bot
from bot.clock import utc_now
from bot.errors import Transient
from bot.ingest import inbox as module
from bot.ingest.inbox import Delivery, Inbox
from bot.ingest.statements import pending, pushes_of
from bot.ingest.webhook import understood
from bot.ledger.verify import verify
from bot.store import Store
from tests import database
from tests.unit.ingest.conftest import Endpoint, signature
from tests.unit.ingest.payloads import (
    INSTALLATION,
    REPOSITORY,
    commented,
    installed,
    member_added,
    pull_request,
    pushed,
)

ROOT = Path(bot.__file__).parent.parent


@pytest.fixture
async def inbox(store: Store) -> AsyncIterator[Inbox]:
    async with Inbox(store).open() as inbox:
        yield inbox


def delivery(guid: str, payload: dict[str, Any] | None = None, event: str = "pull_request") -> Delivery:
    payload = payload or pull_request()
    return understood(event, guid, payload, json.dumps(payload).encode(), utc_now)


async def rows(store: Store, statement: str) -> list[tuple[Any, ...]]:
    async with store.transaction() as connection:
        return await (await connection.execute(statement)).fetchall()


async def test_deliveries_that_arrive_together_are_committed_together(inbox: Inbox, store: Store) -> None:
    sent = [delivery(f"{number:03}", pull_request(number)) for number in range(1, 301)]
    assert all(await asyncio.gather(*map(inbox.accept, sent)))
    # 256 at most: the first alone or with all that were there, the rest in one or two more.
    assert inbox.commits <= 3
    assert await rows(store, "SELECT count(*) FROM subject WHERE wanted = 1") == [(300,)]
    assert await rows(store, "SELECT seq FROM ledger_head") == [(300,)]


async def test_one_that_cannot_be_stored_does_not_keep_back_the_others(inbox: Inbox, store: Store) -> None:
    poisonous = replace(delivery("2"), action="no\x00word")
    with structlog.testing.capture_logs() as lines:
        answers = await asyncio.gather(
            *(inbox.accept(each) for each in (delivery("1"), poisonous, delivery("3"))), return_exceptions=True
        )
    assert answers[0] is True
    assert answers[2] is True
    assert isinstance(answers[1], psycopg.DataError)
    assert await rows(store, "SELECT guid FROM delivery ORDER BY guid") == [("1",), ("3",)]
    assert [line["event"] for line in lines] == ["batch_failed"]
    assert await rows(store, "SELECT count(*) FROM ledger_entry") == [(2,)]


async def test_one_that_cannot_be_stored_alone_leaves_nothing(inbox: Inbox, store: Store) -> None:
    with pytest.raises(psycopg.DataError):
        await inbox.accept(replace(delivery("2"), action="no\x00word"))
    assert await rows(store, "SELECT count(*) FROM delivery") == [(0,)]
    assert await inbox.accept(delivery("2"))


async def test_of_two_with_one_guid_in_a_batch_the_first_is_the_one(inbox: Inbox, store: Store) -> None:
    first, second = delivery("1", pull_request(1)), delivery("1", pull_request(2))
    assert list(await asyncio.gather(inbox.accept(first), inbox.accept(second))) == [True, False]
    assert await rows(store, "SELECT key FROM subject") == [("pull:21:1",)]


async def test_more_than_can_wait_is_refused_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    inbox = Inbox(store)
    waiting = [asyncio.create_task(inbox.accept(delivery(guid))) for guid in "12"]
    await asyncio.sleep(0)
    with pytest.raises(Transient, match="deliveries that came before"):
        await inbox.accept(delivery("3"))
    async with inbox.open():
        assert await asyncio.gather(*waiting) == [True, True]
        assert await inbox.accept(delivery("3"))


async def test_what_waits_is_committed_before_the_end(store: Store) -> None:
    async with Inbox(store).open() as inbox:
        waiting = asyncio.create_task(inbox.accept(delivery("1")))
        await asyncio.sleep(0)
    assert await waiting
    assert await rows(store, "SELECT guid FROM delivery") == [("1",)]


async def test_somebody_who_stops_waiting_takes_nothing_back(inbox: Inbox, store: Store) -> None:
    waiting = asyncio.create_task(inbox.accept(delivery("1")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not await inbox.accept(delivery("1"))


async def test_somebody_who_stops_waiting_for_what_fails_is_no_trouble(inbox: Inbox, store: Store) -> None:
    waiting = asyncio.create_task(inbox.accept(replace(delivery("1"), action="no\x00word")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await inbox.accept(delivery("1"))


async def test_a_database_that_is_away_fails_the_whole_batch_and_leaves_nothing(
    inbox: Inbox, store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._pool, "timeout", 0.3)
    with database.away(database_url):
        answers = await asyncio.gather(*(inbox.accept(delivery(guid)) for guid in "123"), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["the database"] * 3
    assert inbox.commits == 0


async def test_a_push_goes_on_the_push_log_once(inbox: Inbox, store: Store) -> None:
    await inbox.accept(delivery("1", pushed(), "push"))
    await inbox.accept(delivery("2", pushed(), "push"))
    async with store.transaction() as connection:
        (push,) = await pushes_of(connection, REPOSITORY, ["b" * 40, "c" * 40])
    assert (push.after, push.actor and push.actor.login) == ("b" * 40, "alice")
    assert await rows(store, "SELECT concern FROM staleness") == [("base:21:topic",)]


async def test_a_command_waits_until_somebody_acts_on_it(inbox: Inbox, store: Store) -> None:
    await inbox.accept(delivery("1", commented("/recheck"), "issue_comment"))
    await inbox.accept(delivery("2", commented("/recheck"), "issue_comment"))
    async with store.transaction() as connection:
        (request,) = await pending(connection, "pull:21:1")
    assert (request.text, request.comment_id, request.actor.login) == ("/recheck", 5, "alice")


async def test_a_change_of_standing_makes_what_rests_on_it_stale(inbox: Inbox, store: Store) -> None:
    await inbox.accept(delivery("1", member_added(), "membership"))
    found = await rows(store, "SELECT concern FROM staleness ORDER BY concern")
    assert found == [("account:2",), ("team:acme/risk",)]
    ((subject, body),) = await rows(store, "SELECT subject, body FROM ledger_entry")
    assert subject == "installation:7"
    assert json.loads(body)["body"]["concerns"] == ["account:2", "team:acme/risk"]


async def test_an_installation_that_is_closed_asks_for_nothing_any_more(inbox: Inbox, store: Store) -> None:
    await inbox.accept(delivery("1", installed("suspend"), "installation"))
    await inbox.accept(delivery("2"))
    await inbox.accept(delivery("3", pull_request(installation=8)))
    assert await rows(store, "SELECT id, state FROM installation") == [(INSTALLATION, "suspended")]
    found = await rows(store, "SELECT kind, subject FROM ledger_entry ORDER BY seq")
    assert found[1:] == [
        ("github:delivery:refused", "installation:7"),
        ("github:delivery:accepted", "pull:21:1"),
    ]
    assert await rows(store, "SELECT installation_id FROM subject WHERE kind = 'pull'") == [(8,)]
    await inbox.accept(delivery("4", installed("unsuspend"), "installation"))
    await inbox.accept(delivery("5"))
    assert await rows(store, "SELECT installation_id FROM subject WHERE kind = 'pull'") == [(7,)]


async def test_a_large_body_is_compressed_beside_the_event_loop(inbox: Inbox, store: Store) -> None:
    payload = pull_request() | {"padding": "x" * 1_000_000}
    await inbox.accept(delivery("1", payload))
    ((size,),) = await rows(store, "SELECT octet_length(body) FROM delivery")
    assert size < 10_000


SERVER = """
import asyncio, sys
from aiohttp import web
from bot.clock import utc_now
from bot.ingest.inbox import Inbox
from bot.ingest.refusals import Refusals
from bot.ingest.webhook import Webhook
from bot.store import Store
from bot.telemetry import Metrics
from bot.web.server import build

async def main():
    async with Store.open(sys.argv[1]) as store, Inbox(store).open() as inbox:
        metrics = Metrics()
        webhook = Webhook((b"a newer secret",), inbox, Refusals(store, utc_now), metrics, utc_now)
        runner = web.AppRunner(build(store, metrics, webhook))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(site._server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def serve(address: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVER, address]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_what_was_answered_survives_a_kill_at_any_instruction(database_url: str, store: Store) -> None:
    process = serve(database_url)
    accepted: list[str] = []
    killed = asyncio.Event()
    try:
        assert process.stdout is not None
        address = f"http://127.0.0.1:{(await asyncio.to_thread(process.stdout.readline)).strip()}/webhook"

        async def send(session: aiohttp.ClientSession, first: int) -> None:
            for number in range(first, 10_000, 16):
                body = json.dumps(pull_request(number)).encode()
                headers = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": str(number)}
                try:
                    signed = headers | {"X-Hub-Signature-256": signature(body)}
                    async with session.post(address, data=body, headers=signed) as answer:
                        assert answer.status == 202
                        accepted.append(str(number))
                except (aiohttp.ClientError, ConnectionError):
                    assert killed.is_set()
                    return
                if len(accepted) > 100 and not killed.is_set():
                    killed.set()
                    process.send_signal(signal.SIGKILL)

        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            await asyncio.gather(*(send(session, first) for first in range(1, 17)))
    finally:
        process.kill()
        process.communicate()
    stored = {guid for (guid,) in await rows(store, "SELECT guid FROM delivery")}
    assert len(accepted) > 100
    assert set(accepted) <= stored
    # Nothing is half stored: each delivery has its wish and its entry.
    assert {f"pull:21:{guid}" for guid in stored} == {key for (key,) in await rows(store, "SELECT key FROM subject")}
    async with store.transaction() as connection:
        checked = await verify(connection)
    assert (checked.entries, checked.problems) == (len(stored), ())


async def test_commits_are_fewer_than_deliveries_through_the_endpoint(endpoint: Endpoint) -> None:
    answers = await asyncio.gather(
        *(endpoint.deliver(pull_request(number), guid=str(number)) for number in range(1, 101))
    )
    assert {status for status, _ in answers} == {202}
    assert endpoint.inbox.commits < 100
