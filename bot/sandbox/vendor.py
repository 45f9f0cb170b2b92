"""What the simulated ServiceNow and Jira have in common: an address on loopback, and what goes wrong there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from aiohttp import web

from bot.sandbox.faults import Fault, Faults

LATE = "done-late"
"""A gateway gives up, and what was asked is done all the same ``seconds`` later."""

BEFORE = frozenset({"401", "403", "429", "500", "503", "html", "cut-before"})
"""Nothing is done of what was asked."""

AFTER = frozenset({"slow", "cut-after", "truncated", "html-after", "done-twice", "answered-twice"})
"""It is done (twice, where something on the way repeats the request), and the answer suffers."""

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Your instance is hibernating.</body></html>"


@dataclass(slots=True)
class Outage(Fault):
    """A fault of the next ``times`` exchanges whose ``METHOD /path`` the expression ``match`` is found in."""

    known: ClassVar[frozenset[str]] = BEFORE | AFTER | {LATE}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Mapping[str, Any]:
        """The body, when it is an object; else nothing."""
        try:
            sent = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return sent if isinstance(sent, dict) else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; a ``body`` of None is none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return b"" if self.body is None else json.dumps(self.body).encode()


class Vendor(Protocol):
    """A system that answers requests, and says in its own way that it does not."""

    def answer(self, asked: Asked) -> Answer:
        """Do what was asked."""
        ...

    def refuse(self, status: int, seconds: int) -> Answer:
        """Its own words for a status; ``seconds``: after which time it would do it."""
        ...


@dataclass(slots=True)
class Site:
    """Where a system is. ``asked`` are the requests that came, in order."""

    vendor: Vendor
    faults: Faults = field(default_factory=lambda: Faults(make=Outage))
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    _runner: web.ServerRunner | None = None
    _site: web.TCPSite | None = None
    _later: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """The requests that came, as ``METHOD /path``."""
        return [f"{each.method} {each.path}" for each in self.asked]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve on a free port of the loopback interface while the block runs."""
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            await self._listen(0)
            port = self._runner.addresses[0][1]
            self.url = f"http://127.0.0.1:{port}"
            yield
        finally:
            for each in self._later:
                each.cancel()
            await self._runner.cleanup()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Nobody listens while the block runs."""
        assert self._site is not None
        await self._site.stop()
        try:
            yield
        finally:
            await self._listen(int(self.url.rpartition(":")[2]))

    async def _listen(self, port: int) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(request.method, request.path, dict(request.query), dict(request.headers), await request.read())
        self.asked.append(asked)
        fault = self.faults.meet(f"{asked.method} {asked.path}")
        if fault is not None and fault.kind in BEFORE:
            return self._instead(fault, request)
        if fault is not None and fault.kind == LATE:
            self._later.append(asyncio.create_task(self._do_later(asked, fault.seconds)))
            return _sent(Answer(504, {"error": {"message": "Gateway Time-out"}}))
        answer = self.vendor.answer(asked)
        if fault is not None:
            return await self._spoilt(fault, request, asked, answer)
        return _sent(answer)

    async def _do_later(self, asked: Asked, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.vendor.answer(asked)

    def _instead(self, fault: Fault, request: web.BaseRequest) -> web.StreamResponse:
        match fault.kind:
            case "cut-before":
                _close(request)
                return web.Response()
            case "html":
                return _page()
            case status:
                return _sent(self.vendor.refuse(int(status), int(fault.seconds)))

    async def _spoilt(self, fault: Fault, request: web.BaseRequest, asked: Asked, answer: Answer) -> web.StreamResponse:
        raw = _raw(answer)
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "html-after":
                return _page()
            case "done-twice":
                answer = self.vendor.answer(asked)
            case "answered-twice":
                _close(request, raw * 2)
            case "truncated":
                _close(request, raw[: -len(answer.content) // 2])
            case _:
                _close(request)
        return _sent(answer)


def _raw(answer: Answer) -> bytes:
    length = len(answer.content)
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + answer.content


def _close(request: web.BaseRequest, content: bytes = b"") -> None:
    """End the connection after ``content``."""
    transport = request.transport
    assert transport is not None
    transport.write(content)
    transport.close()


def _page() -> web.Response:
    return _closing(web.Response(body=HTML, content_type="text/html"))


def _sent(answer: Answer) -> web.Response:
    kind = {"Content-Type": "application/json;charset=UTF-8"} if answer.body is not None else {}
    return _closing(web.Response(status=answer.status, body=answer.content, headers={**kind, **answer.headers}))


def _closing(response: web.Response) -> web.Response:
    # One connection for one request: a client that waits for the next answer never meets the end of the last.
    response.force_close()
    return response
