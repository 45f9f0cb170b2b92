"""``POST /webhook``: checks who speaks, stores what was said, answers. Nothing else happens inside the request.

https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from aiohttp import web

from bot.clock import Clock
from bot.errors import Transient
from bot.ingest.inbox import Delivery, Inbox
from bot.ingest.refusals import Refusals
from bot.ingest.signature import is_genuine
from bot.ingest.subjects import intake
from bot.ingest.translate import translate
from bot.telemetry import Metrics

LARGEST = 25 * 1024 * 1024
"""Bytes of the largest payload that GitHub sends."""

RETRY_AFTER = "10"
_NAME = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_GUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""How NUL and halves of characters (surrogates) are written, whole pairs among them."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """The handler, and what it needs."""

    secrets: tuple[bytes, ...]
    inbox: Inbox
    refusals: Refusals
    metrics: Metrics
    clock: Clock
    app_id: int | None = None

    async def receive(self, request: web.Request) -> web.Response:
        """Answer as GitHub's delivery log shall show it.

        202 stored, 200 stored before (or a ping), 400 not a delivery, 401 not genuine, 413 too large, 503 not now.
        """
        if (request.content_length or 0) > LARGEST:
            return self._refuse(request, 413, "too-large", "The payload is larger than 25 MiB.")
        try:
            # Only this route reads large bodies.
            body = await request.clone(client_max_size=LARGEST).read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(request, 413, "too-large", "The payload is larger than 25 MiB.")
        began = time.perf_counter()
        if not is_genuine(body, request.headers.get("X-Hub-Signature-256"), self.secrets):
            return self._refuse(request, 401, "not-genuine", "The signature is missing or wrong (X-Hub-Signature-256).")
        answer = await self._accept(request, body)
        self.metrics.answer_seconds.observe(time.perf_counter() - began)
        return answer

    async def _accept(self, request: web.Request, body: bytes) -> web.Response:
        name, guid = request.headers.get("X-GitHub-Event", ""), request.headers.get("X-GitHub-Delivery", "")
        if not _NAME.fullmatch(name) or not _GUID.fullmatch(guid):
            return self._refuse(
                request, 400, "no-headers", "X-GitHub-Event or X-GitHub-Delivery is missing or malformed."
            )
        payload = _object(body)
        if payload is None:
            return self._refuse(
                request, 400, "not-json", "The payload is not a JSON object; set the content type to JSON."
            )
        delivery = understood(name, guid, payload, body, self.clock, app_id=self.app_id)
        try:
            new = await self.inbox.accept(delivery)
        except Transient:
            self.metrics.deliveries.labels("unavailable").inc()
            return web.json_response(
                {"error": "The delivery could not be stored; send it again."},
                status=503,
                headers={"Retry-After": RETRY_AFTER},
            )
        self.metrics.deliveries.labels("stored" if new else "known").inc()
        if new and delivery.intake.ignored:
            self.metrics.ignored.labels(delivery.intake.ignored).inc()
        return web.json_response({"stored": new}, status=202 if new and name != "ping" else 200)

    def _refuse(self, request: web.Request, status: int, reason: str, sentence: str) -> web.Response:
        self.metrics.deliveries.labels(reason).inc()
        self.refusals.count(reason, request.remote)
        return web.json_response({"error": sentence}, status=status)


def understood(
    name: str,
    guid: str,
    payload: Mapping[str, Any],
    body: bytes,
    clock: Clock,
    *,
    via: str = "webhook",
    app_id: int | None = None,
) -> Delivery:
    """A genuine delivery with what it asks for; ``app_id`` is our own App."""
    return Delivery(
        guid=guid,
        event=name,
        action=_word(payload.get("action")),
        installation_id=_id(payload.get("installation")),
        repository_id=_id(payload.get("repository")),
        received_at=clock(),
        body=body,
        digest=hashlib.sha256(body).digest(),
        intake=intake(translate(name, payload, app_id=app_id)),
        via=via,
    )


def refetched(listed: Mapping[str, Any], clock: Clock, *, app_id: int | None = None) -> Delivery:
    """A delivery from GitHub's own log, which was asked for as the App: genuine without a signature.

    Raises:
        LookupError, TypeError, ValueError: it is no delivery as GitHub documents it.

    """
    body = json.dumps(listed["request"]["payload"], separators=(",", ":")).encode()
    payload = _object(body)
    if payload is None:
        raise TypeError("the payload is no object")
    name, guid = str(listed["event"]), str(listed["guid"])
    return understood(name, guid, payload, body, clock, via="delivery log", app_id=app_id)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(body.decode(), parse_constant=_not_json)
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    return _storable(payload) if _ESCAPED.search(body) else payload


def _not_json(name: str) -> NoReturn:
    """Python reads NaN and the infinities; they are not JSON."""
    raise ValueError(name)


def _storable(value: Any) -> Any:
    """``value`` with a mark for each character that JSON can write and no database can keep as text."""
    match value:
        case str():
            return _NO_TEXT.sub("\ufffd", value)
        case list():
            return [_storable(each) for each in value]
        case dict():
            return {_storable(key): _storable(each) for key, each in value.items()}
        case _:
            return value


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def _id(value: object) -> int | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 2**63 else None
