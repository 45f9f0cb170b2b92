"""The load generator: 64 connections that send signed deliveries one after the other, and time each answer.

It writes prepared bytes and reads no more of an answer than its status and length, so that the process under test, and
not this one, is what the figures tell about.
"""

import asyncio
import hashlib
import hmac
import secrets
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

CONNECTIONS = 64
WARM_UP = 2.0
HEAD = b"f" * 40
"""Stands for the commit in a body: every delivery tells of another one."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where deliveries go, and the secret that they are signed with."""

    port: int
    path: str
    secret: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: ``accepted`` counts all deliveries that were answered 2xx, the warm-up's too.

    ``rate`` and the latencies (seconds) are of the time after the warm-up. ``busy`` is the share of the time for which
    the generator itself needed a processor: near 1, it is the generator that was measured.
    """

    accepted: int
    rate: float
    p50: float
    p99: float
    busy: float


@dataclass(slots=True)
class _Run:
    """One run: when measuring begins and ends, and what was seen."""

    target: Target
    begin: float
    end: float
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


async def run(target: Target, bodies: Sequence[bytes], seconds: float) -> Outcome:
    """Send for ``seconds`` after the warm-up, as fast as the answers come.

    Raises:
        RuntimeError: an answer was not 2xx.

    """
    began, used = time.perf_counter(), time.process_time()
    each = _Run(target, began + WARM_UP, began + WARM_UP + seconds)
    await asyncio.gather(*(_converse(each, bodies[index::CONNECTIONS]) for index in range(CONNECTIONS)))
    busy = (time.process_time() - used) / (time.perf_counter() - began)
    refused = {status: count for status, count in each.statuses.items() if not 200 <= status < 300}
    if refused:
        raise RuntimeError(f"not every delivery was accepted: {refused}")
    percentiles = statistics.quantiles(each.latencies, n=100)
    return Outcome(
        accepted=each.statuses.total(),
        rate=len(each.latencies) / seconds,
        p50=percentiles[49],
        p99=percentiles[98],
        busy=busy,
    )


async def _converse(each: _Run, bodies: Sequence[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", each.target.port)
    try:
        for body in cycle(bodies):
            request = _request(each.target, body.replace(HEAD, secrets.token_hex(20).encode()))
            began = time.perf_counter()
            if began >= each.end:
                return
            writer.write(request)
            each.statuses[await _status(reader)] += 1
            ended = time.perf_counter()
            if each.begin <= began and ended <= each.end:
                each.latencies.append(ended - began)
    finally:
        writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    """The status of the next answer, read to its end."""
    status, *headers = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    sizes = [line.partition(b":")[2] for line in headers if line.lower().startswith(b"content-length:")]
    await reader.readexactly(int(sizes[0]))
    return int(status.split()[1])


def _request(target: Target, body: bytes) -> bytes:
    signature = hmac.new(target.secret, body, hashlib.sha256).hexdigest()
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nUser-Agent: GitHub-Hookshot/0000000\r\n"
        f"Accept: */*\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {uuid.uuid4()}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\n\r\n"
    )
    return head.encode() + body
