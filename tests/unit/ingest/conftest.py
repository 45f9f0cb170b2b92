import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.clock import utc_now
from bot.ingest.inbox import Inbox
from bot.ingest.refusals import Refusals
from bot.ingest.webhook import Webhook
from bot.store import Store
from bot.telemetry import Metrics
from bot.web.server import build

SECRET = b"a secret that is being retired"
NEWER = b"a newer secret"
NONE: Mapping[str, str | None] = {}


def signature(body: bytes, secret: bytes = NEWER) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The real endpoint on loopback, and what is behind it."""

    url: str
    session: aiohttp.ClientSession
    store: Store
    inbox: Inbox
    refusals: Refusals
    metrics: Metrics

    async def post(self, body: Any, headers: dict[str, str | None]) -> tuple[int, dict[str, Any]]:
        """Send a body; a header that is None is left away."""
        sent = {name: value for name, value in headers.items() if value is not None}
        # A large body as bytes is warned of by the client.
        data = io.BytesIO(body) if isinstance(body, bytes) else body
        async with self.session.post(f"{self.url}/webhook", data=data, headers=sent) as answer:
            return answer.status, await answer.json()

    async def deliver(
        self, payload: object, *, event: str = "pull_request", guid: str = "1", headers: Mapping[str, str | None] = NONE
    ) -> tuple[int, dict[str, Any]]:
        """Send a delivery as GitHub does, but with these headers; None leaves one away."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        usual: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": guid,
            "X-Hub-Signature-256": signature(body),
        }
        return await self.post(body, {**usual, **headers})

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the database answers."""
        async with self.store.transaction() as connection:
            return await (await connection.execute(statement)).fetchall()

    async def one(self, statement: str) -> Any:
        """The one value that the database answers."""
        ((value,),) = await self.rows(statement)
        return value

    def counted(self, name: str, **labels: str) -> float:
        """A figure."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def endpoint(store: Store) -> AsyncIterator[Endpoint]:
    metrics = Metrics()
    refusals = Refusals(store, utc_now)
    async with Inbox(store).open() as inbox:
        webhook = Webhook((SECRET, NEWER), inbox, refusals, metrics, utc_now)
        async with TestServer(build(store, metrics, webhook)) as server, aiohttp.ClientSession() as session:
            yield Endpoint(str(server.make_url("")).rstrip("/"), session, store, inbox, refusals, metrics)
