"""Sends webhooks as GitHub does, and keeps GitHub's log of them; they can be lost, doubled, late and out of order."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import aiohttp

from bot.sandbox.accounts import node_id
from bot.sandbox.shapes.accounts import organisation as organisation_shape
from bot.sandbox.shapes.accounts import user
from bot.sandbox.shapes.repositories import repository as repository_shape
from bot.sandbox.world import Announcement, World

AT_ONCE = 16
PATIENCE = aiohttp.ClientTimeout(total=10)
"""GitHub waits ten seconds for an answer."""

Which = Callable[["Delivery"], bool]

_TABLE = """
    branch_protection_configuration: disabled enabled
    branch_protection_rule:      created deleted edited
    check_run:                   completed created requested_action rerequested
    check_suite:                 requested
    custom_property_values:      updated
    deployment_protection_rule:  requested
    installation:                created deleted suspend unsuspend
    installation_repositories:   added
    issue_comment:               created deleted edited
    member:                      added edited removed
    membership:                  added removed
    merge_group:                 checks_requested destroyed
    organization:                member_added member_removed
    pull_request:                assigned closed converted_to_draft dequeued edited enqueued labeled opened
                                 ready_for_review reopened review_requested synchronize unlabeled
    pull_request_review:         dismissed edited submitted
    push:                        -
    repository:                  archived created renamed
    repository_ruleset:          created deleted edited
    status:                      -
    team:                        added_to_repository created deleted removed_from_repository
    team_add:                    -
"""


def _sent() -> Iterator[tuple[str, str | None]]:
    event = ""
    for word in _TABLE.split():
        if word.endswith(":"):
            event = word.removesuffix(":")
        else:
            yield event, None if word == "-" else word


SENT = frozenset(_sent())
"""Every webhook that there is, by event and action; nothing else can be announced."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One attempt to hand over a webhook. ``status_code`` 0 is no answer; ``status`` None: not attempted yet."""

    id: int
    guid: str
    event: str
    action: str | None
    installation_id: int
    repository_id: int | None
    payload: bytes
    delivered_at: datetime
    redelivery: bool = False
    status: str | None = None
    status_code: int = 0
    duration: float = 0.0
    answer: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it was attempted, and not accepted."""
        return self.status is not None and not 200 <= self.status_code < 400


@dataclass(slots=True)
class Mishap:
    """Something that befalls the next ``left`` deliveries, or all for which ``which`` is true."""

    which: Which
    left: int | None
    seconds: float = 0.0

    def befalls(self, delivery: Delivery) -> bool:
        """Whether it happens to this one; counts it."""
        if self.left == 0 or not self.which(delivery):
            return False
        if self.left is not None:
            self.left -= 1
        return True


def _mishap(which: int | Which, seconds: float = 0.0) -> Mishap:
    if isinstance(which, int):
        return Mishap(lambda _: True, which, seconds)
    return Mishap(which, None, seconds)


@dataclass(slots=True)
class Webhooks:
    """The sender. Whatever is announced is written down at once and sent by tasks of the running loop."""

    world: World
    secret: str
    session: aiohttp.ClientSession | None = None
    target: str | None = None
    log: list[Delivery] = field(default_factory=list)
    observers: list[Callable[[str, Any], None]] = field(default_factory=list)
    _waiting: list[Delivery] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _paused: bool = False
    _shuffled: random.Random | None = None
    _lost: list[Mishap] = field(default_factory=list)
    _unsaid: list[Mishap] = field(default_factory=list)
    _doubled: list[Mishap] = field(default_factory=list)
    _late: list[Mishap] = field(default_factory=list)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _scheduled: bool = False
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Nothing is on its way yet."""
        self._idle.set()

    # What can befall them.

    def lose(self, which: int | Which) -> None:
        """Let the next so many, or those chosen, fail: GitHub's log has them as failed."""
        self._lost.append(_mishap(which))

    def swallow(self, which: int | Which) -> None:
        """Never send the next so many, or those chosen; no log knows them, as of payloads over 25 MB."""
        self._unsaid.append(_mishap(which))

    def double(self, which: int | Which) -> None:
        """Send them twice."""
        self._doubled.append(_mishap(which))

    def delay(self, seconds: float, which: int | Which = lambda _: True) -> None:
        """Send them ``seconds`` later."""
        self._late.append(_mishap(which, seconds))

    def shuffle(self, seed: int) -> None:
        """Send what waits at the same time in a random order."""
        self._shuffled = random.Random(seed)

    def pause(self) -> None:
        """Let everything wait."""
        self._paused = True

    def resume(self) -> None:
        """Send what waited."""
        self._paused = False
        self._schedule()

    # Sending.

    @property
    def quiet(self) -> bool:
        """Whether nothing is queued or on its way, beside what is paused."""
        return self._idle.is_set()

    async def settle(self) -> None:
        """Wait until everything that is to be sent was sent and answered."""
        await self._idle.wait()

    def announce(self, announcement: Announcement) -> None:
        """Write a webhook down, and have it sent.

        Raises:
            LookupError: it is not in the table, so no contract test has seen its payload.

        """
        if (announcement.event, announcement.action) not in SENT:
            raise LookupError(f"{announcement.event} {announcement.action} is not a webhook of the simulation")
        payload = _payload(self.world, announcement)
        for observer in self.observers:
            observer(announcement.event, payload)
        number = self.world.numbers.next("Delivery")
        repository = announcement.repository
        delivery = Delivery(
            id=number,
            guid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"countersign:{number}")),
            event=announcement.event,
            action=announcement.action,
            installation_id=announcement.installation.id,
            repository_id=repository.id if repository is not None else None,
            payload=json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode(),
            delivered_at=self.world.now(),
        )
        if any(mishap.befalls(delivery) for mishap in self._unsaid):
            return
        self._add(delivery)
        if any(mishap.befalls(delivery) for mishap in self._doubled):
            self._add(replace(delivery, id=self.world.numbers.next("Delivery"), redelivery=True))

    def redeliver(self, known: Delivery) -> None:
        """Send a delivery of the log again, under its GUID."""
        again = replace(
            known,
            id=self.world.numbers.next("Delivery"),
            redelivery=True,
            delivered_at=self.world.now(),
            status=None,
            status_code=0,
            answer="",
        )
        self._add(again)

    def _add(self, delivery: Delivery) -> None:
        self.log.append(delivery)
        self._waiting.append(delivery)
        self._schedule()

    def _schedule(self) -> None:
        if self._waiting and not self._paused and not self._scheduled:
            self._scheduled = True
            self._idle.clear()
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        if self._paused:
            self._look_idle()
            return
        batch, self._waiting = self._waiting, []
        if self._shuffled is not None:
            self._shuffled.shuffle(batch)
        for delivery in batch:
            task = asyncio.create_task(self._attempt(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        self._look_idle()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._look_idle()
        if not task.cancelled():
            task.result()

    def _look_idle(self) -> None:
        if not self._tasks and not self._scheduled:
            self._idle.set()

    async def _attempt(self, delivery: Delivery) -> None:
        wait = sum(mishap.seconds for mishap in self._late if mishap.befalls(delivery))
        if wait:
            await asyncio.sleep(wait)
        if self.target is None or any(mishap.befalls(delivery) for mishap in self._lost):
            delivery.status = "failed to connect to host"
            return
        async with self._slots:
            began = time.perf_counter()
            delivery.url, delivery.headers = self.target, self._headers(delivery)
            await self._send(delivery, self.target)
            delivery.duration = round(time.perf_counter() - began, 3)

    async def _send(self, delivery: Delivery, target: str) -> None:
        if self.session is None:
            delivery.status = "failed to connect to host"
            return
        try:
            async with self.session.post(
                target, data=delivery.payload, headers=delivery.headers, timeout=PATIENCE, allow_redirects=False
            ) as answer:
                delivery.answer = (await answer.read())[:2048].decode(errors="replace")
                delivery.status_code = answer.status
                delivery.status = (
                    "OK" if not delivery.answer or answer.ok else f"Invalid HTTP Response: {answer.status}"
                )
        except TimeoutError:
            delivery.status = "timed out"
        except aiohttp.ClientError:
            delivery.status = "failed to connect to host"

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        secret = self.secret.encode()
        headers = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "GitHub-Hookshot/0000000",
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-GitHub-Hook-ID": str(self.world.app.id + 1),
            "X-GitHub-Hook-Installation-Target-ID": str(self.world.app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature": f"sha1={hmac.new(secret, delivery.payload, hashlib.sha1).hexdigest()}",
            "X-Hub-Signature-256": f"sha256={hmac.new(secret, delivery.payload, hashlib.sha256).hexdigest()}",
        }
        if self.world.ghes:
            headers |= {"X-GitHub-Enterprise-Version": "3.19.0", "X-GitHub-Enterprise-Host": "127.0.0.1"}
        return headers

    async def close(self) -> None:
        """Stop; what is on its way is dropped."""
        self._paused = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _payload(world: World, announcement: Announcement) -> dict[str, Any]:
    installation, repository = announcement.installation, announcement.repository
    payload: dict[str, Any] = {}
    if announcement.action is not None:
        payload["action"] = announcement.action
    payload |= announcement.body
    if repository is not None:
        payload.setdefault("repository", repository_shape(repository))
    if announcement.event not in {"installation", "installation_repositories"}:
        payload["organization"] = organisation_shape(installation.organisation)
    payload.setdefault("installation", {"id": installation.id, "node_id": node_id("Installation", installation.id)})
    payload["sender"] = user(world, announcement.sender)
    return payload
