"""The web application: the webhook, and what operators watch."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.errors import Refusal, Transient
from bot.ingest.webhook import LARGEST, Webhook
from bot.store import Store
from bot.telemetry import Metrics

log = structlog.get_logger(__name__)

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_WAITING = """
    SELECT count(*), coalesce(extract(epoch FROM now() - min(wanted_at)), 0)::float8 FROM subject WHERE wanted > looked
"""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(store: Store, metrics: Metrics, webhook: Webhook | None) -> web.Application:
    """The application; without ``webhook`` (setup mode) deliveries are refused and the first page says what to do."""
    app = web.Application(middlewares=[_answer_errors, _secure])
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", _Readiness(store))
    app.router.add_get("/metrics", _Figures(store, metrics))
    app.router.add_get("/", _Home(ready=webhook is not None))
    # Only this route reads large bodies.
    deliveries = web.Application(client_max_size=LARGEST)
    deliveries.router.add_post("", webhook or _not_set_up)
    app.add_subapp("/webhook", deliveries)
    return app


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer that tells the incident and nothing else."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return web.json_response({"error": error.reason}, status=error.status, headers=_allow(error))
    except Transient as error:
        return web.json_response({"error": f"Countersign waits for {error.waits_for}."}, status=503)
    except Exception as error:
        incident = uuid4().hex[:12]
        log.error("request_failed", incident=incident, path=request.path, exc_info=error)  # noqa: TRY400 - structlog
        return web.json_response({"error": "Countersign failed.", "incident": incident}, status=500)


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


@web.middleware
async def _secure(request: web.Request, handler: _Handler) -> web.StreamResponse:
    answer = await handler(request)
    answer.headers.update(SECURITY_HEADERS)
    return answer


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _not_set_up(_request: web.Request) -> web.Response:
    return web.json_response({"error": "No GitHub App is set up."}, status=503, headers={"Retry-After": "60"})


class _Readiness:
    """Ready when the database answers and has the right tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, _request: web.Request) -> web.Response:
        try:
            await self._store.check_schema()
        except (Transient, Refusal) as error:
            return web.json_response({"ready": False, "because": str(error)}, status=503)
        return web.json_response({"ready": True})


class _Figures:
    """The figures for Prometheus; what is waiting is read when asked."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    async def __call__(self, _request: web.Request) -> web.Response:
        async with self._store.transaction() as connection:
            cursor = await connection.execute(_WAITING)
            row = await cursor.fetchone()
        if row:
            self._metrics.waiting.set(row[0])
            self._metrics.waiting_seconds.set(row[1])
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Home:
    """The first page, until there are others: what this is and whether it works."""

    def __init__(self, *, ready: bool) -> None:
        self._text = (
            "Countersign is running. Deliveries go to /webhook; /readyz says whether they can be stored.\n"
            if ready
            else "Countersign is in setup mode: no GitHub App is named, and no delivery is accepted.\n"
            "Register one with config/app-manifest.json, then set GITHUB_APP_ID, GITHUB_PRIVATE_KEY_FILE and\n"
            "GITHUB_WEBHOOK_SECRET, and start again. README.md has the steps.\n"
        )

    async def __call__(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._text)
