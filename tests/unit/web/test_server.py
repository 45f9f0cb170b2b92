import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clock import utc_now
from bot.errors import Transient
from bot.ingest.inbox import Inbox
from bot.ingest.refusals import Refusals
from bot.ingest.webhook import Webhook
from bot.queue import Subject, Urgency, Wish, want
from bot.store import Store
from bot.telemetry import Metrics
from bot.web.server import build
from tests import database

SECURE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Server": "Countersign",
}


@dataclass(frozen=True, slots=True)
class Site:
    """The web application on loopback."""

    session: aiohttp.ClientSession
    url: str

    async def ask(self, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
        async with self.session.request(method, self.url + path, allow_redirects=False) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def json(self, path: str, method: str = "GET") -> tuple[int, Any]:
        async with self.session.request(method, self.url + path) as answer:
            return answer.status, await answer.json()


async def serve(app: web.Application) -> AsyncIterator[Site]:
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Site(session, str(server.make_url("")).rstrip("/"))


@pytest.fixture
async def site(store: Store) -> AsyncIterator[Site]:
    metrics = Metrics()
    async with Inbox(store).open() as inbox:
        webhook = Webhook((b"secret",), inbox, Refusals(store, utc_now), metrics, utc_now)
        async for each in serve(build(store, metrics, webhook)):
            yield each


@pytest.fixture
async def setup(store: Store) -> AsyncIterator[Site]:
    async for each in serve(build(store, Metrics(), None)):
        yield each


async def test_it_says_that_it_lives_and_is_ready(site: Site) -> None:
    assert await site.json("/healthz") == (200, {"alive": True})
    assert await site.json("/readyz") == (200, {"ready": True})


async def test_without_a_database_it_lives_and_is_not_ready(site: Site, database_url: str) -> None:
    with database.away(database_url):
        assert await site.json("/healthz") == (200, {"alive": True})
        assert await site.json("/readyz") == (
            503,
            {"ready": False, "because": "Countersign waits for the database."},
        )


async def test_a_database_that_is_not_migrated_is_told(site: Site, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    status, told = await site.json("/readyz")
    assert status == 503
    assert told["because"].endswith("Run `python -m bot migrate` as the database's owner.")


async def test_figures_tell_what_waits_and_for_how_long(site: Site, store: Store) -> None:
    async with store.transaction() as connection:
        await want(connection, [Wish(Subject(f"pull:1:{n}", "pull", 7, {}), Urgency.PERSON) for n in (1, 2)])
        await connection.execute("UPDATE subject SET wanted_at = now() - interval '90 seconds' WHERE key = 'pull:1:1'")
    status, text, headers = await site.ask("/metrics")
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert float(figures["countersign_subjects_waiting"]) == 2
    assert 90 <= float(figures["countersign_subjects_waiting_seconds"]) < 120


async def test_nothing_waiting_is_no_time(site: Site) -> None:
    _, text, _ = await site.ask("/metrics")
    assert "countersign_subjects_waiting_seconds 0.0" in text


async def test_figures_of_the_process_are_told_without_a_database(
    site: Site, store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._pool, "timeout", 0.3)
    with database.away(database_url):
        status, text, _ = await site.ask("/metrics")
    assert status == 200
    assert "countersign_subjects_waiting NaN" in text
    assert "countersign_webhook_seconds_count" in text


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics", "/nothing/here", "/webhook"])
async def test_every_answer_is_closed_to_what_a_page_could_do(site: Site, path: str) -> None:
    _, _, headers = await site.ask(path)
    assert {name: headers.get(name) for name in SECURE} == SECURE


async def test_unknown_paths_are_told_and_no_more(site: Site) -> None:
    assert await site.json("/.env") == (404, {"error": "Not Found"})
    assert await site.json("/webhook/../webhook/x", "POST") == (404, {"error": "Not Found"})


async def test_a_wrong_method_is_told_with_the_right_one(site: Site) -> None:
    status, text, headers = await site.ask("/webhook")
    assert (status, headers["Allow"]) == (405, "POST")
    assert "Method Not Allowed" in text


async def test_the_first_page_says_where_deliveries_go(site: Site) -> None:
    status, text, _ = await site.ask("/")
    assert status == 200
    assert "Deliveries go to /webhook" in text


async def test_without_an_app_the_first_page_says_what_to_do_and_deliveries_are_refused(setup: Site) -> None:
    _, text, _ = await setup.ask("/")
    assert "setup mode" in text
    assert "config/app-manifest.json" in text
    status, told, headers = await setup.ask("/webhook", "POST")
    assert (status, headers["Retry-After"]) == (503, "60")
    assert "No GitHub App is set up" in told
    assert (await setup.json("/readyz"))[0] == 200


async def test_a_defect_shows_its_incident_and_never_its_details(store: Store) -> None:
    app = build(store, Metrics(), None)

    async def breaks(_request: web.Request) -> web.Response:
        raise KeyError("password=hunter2")

    async def waits(_request: web.Request) -> web.Response:
        raise Transient("GitHub")

    app.router.add_get("/breaks", breaks)
    app.router.add_get("/waits", waits)
    async for site in serve(app):
        with structlog.testing.capture_logs() as lines:
            status, told = await site.json("/breaks")
        assert (status, told["error"]) == (500, "Countersign failed.")
        assert set(told) == {"error", "incident"}
        (line,) = [line for line in lines if line["event"] == "request_failed"]
        assert (line["incident"], line["path"]) == (told["incident"], "/breaks")
        assert isinstance(line["exc_info"], KeyError)
        assert await site.json("/waits") == (503, {"error": "Countersign waits for GitHub."})


async def test_many_clients_at_once_are_answered(site: Site) -> None:
    answers = await asyncio.gather(*(site.json("/readyz") for _ in range(30)))
    assert {status for status, _ in answers} == {200}
