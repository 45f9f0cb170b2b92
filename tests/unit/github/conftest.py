import asyncio
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.github.client import Credentials, GitHub, InstallationClient

APP_ID = 4711
INSTALLATION = 7


class Way(Enum):
    """What happens to an answer on its way."""

    WHOLE = auto()
    CUT = auto()
    HALF = auto()
    NOT_HTTP = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON unless the body is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    way: Way = Way.WHOLE

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def authorization(self) -> str:
        return self.headers["Authorization"]


@dataclass(slots=True)
class Api:
    """A server that records what it is asked and answers from a script; it gives tokens by itself."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    asked_for_tokens: list[Received] = field(default_factory=list)
    script: deque[Reply] = field(default_factory=deque)
    tokens: deque[Reply] = field(default_factory=deque)
    respond: Callable[[Received], Reply] | None = None
    busy: int = 0
    busiest: int = 0
    hold: float = 0.0

    def answer(self, *replies: Reply) -> None:
        """The next answers, in order."""
        self.script.extend(replies)

    @property
    def last(self) -> Received:
        return self.received[-1]

    @property
    def targets(self) -> list[str]:
        return [f"{each.method} {each.target}" for each in self.received]

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        received = Received(request.method, request.raw_path, request.headers, await request.read())
        if received.method == "POST" and received.target.endswith("/access_tokens"):
            self.asked_for_tokens.append(received)
            number = len(self.asked_for_tokens)
            given = {"token": f"ghs_4711_{number}." + "long" * 60, "expires_at": in_an_hour()}
            reply = self.tokens.popleft() if self.tokens else Reply(201, given)
        else:
            self.received.append(received)
            reply = self.respond(received) if self.respond else self.script.popleft()
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await asyncio.sleep(self.hold)
        finally:
            self.busy -= 1
        return await send(request, reply)


async def send(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    transport = request.transport
    assert transport is not None
    match reply.way:
        case Way.NEVER:
            await asyncio.sleep(60)
        case Way.CUT:
            transport.close()
        case Way.NOT_HTTP:
            transport.write(b"what is this?\r\n\r\n")
            transport.close()
        case Way.HALF:
            head = f"HTTP/1.1 {reply.status} OK\r\nContent-Type: application/json\r\nContent-Length: "
            transport.write(f"{head}{len(reply.content)}\r\n\r\n".encode() + reply.content[: len(reply.content) // 2])
            transport.close()
        case Way.WHOLE:
            pass
    kind = {"Content-Type": "application/json; charset=utf-8"} if reply.content else {}
    return web.Response(status=reply.status, body=reply.content, headers={**kind, **reply.headers})


def in_an_hour() -> str:
    """As GitHub writes it."""
    return (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Ticking:
    """The time, which a test may put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead.total_seconds()


def limits(remaining: int, *, limit: int = 5000, reset: datetime, resource: str = "core") -> dict[str, str]:
    """GitHub's headers about a limit."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(reset.timestamp())),
        "X-RateLimit-Resource": resource,
    }


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


async def serving(api: Api) -> AsyncIterator[Api]:
    async with RawTestServer(api.serve) as server:
        api.url = str(server.make_url("")).rstrip("/")
        yield api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async for each in serving(Api()):
        yield each


@pytest.fixture
async def elsewhere() -> AsyncIterator[Api]:
    """A server that is not GitHub."""
    async for each in serving(Api()):
        yield each


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=5, connect=5, sock_read=0.3)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


@pytest.fixture
def github(api: Api, clock: Ticking, session: aiohttp.ClientSession, private_key: str) -> GitHub:
    """A client that does not wait between attempts."""
    credentials = Credentials(APP_ID, private_key, api.url)
    return GitHub(credentials, clock, session, monotonic=clock.monotonic, chance=lambda: 0.0)


@pytest.fixture
def client(github: GitHub) -> InstallationClient:
    return github.installation(INSTALLATION)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged, at every level."""
    with structlog.testing.capture_logs() as lines:
        yield lines
