"""The web application: the webhook, and what operators watch."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.errors import Refusal, Transient
from bot.ingest.webhook import Webhook
from bot.store import Store
from bot.telemetry import Metrics

log = structlog.get_logger(__name__)

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Server": "Countersign",
}
_WAITING = """
    SELECT count(*), coalesce(extract(epoch FROM now() - min(wanted_at)), 0)::float8 FROM subject WHERE wanted > looked
"""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(store: Store, metrics: Metrics, webhook: Webhook | None) -> web.Application:
    """The application; without ``webhook`` (setup mode) deliveries are refused and the first page says what to do."""
    app = web.Application(middlewares=[_secure, _answer_errors])
    operators = _Operators(store, metrics)
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", operators.readiness)
    app.router.add_get("/metrics", operators.figures)
    app.router.add_get("/", _running if webhook else _setup)
    app.router.add_post("/webhook", webhook.receive if webhook else _not_set_up)
    return app


@web.middleware
async def _secure(request: web.Request, handler: _Handler) -> web.StreamResponse:
    answer = await handler(request)
    answer.headers.update(SECURITY_HEADERS)
    return answer


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Turn what a handler raises into an answer that tells the incident and nothing else."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason}, status=error.status, headers=_allow(error))
    except Transient as error:
        return web.json_response({"error": f"Countersign waits for {error.waits_for}."}, status=503)
    except Exception as error:
        incident = uuid4().hex[:12]
        log.error("request_failed", incident=incident, path=request.path, exc_info=error)  # noqa: TRY400 - structlog
        return web.json_response({"error": "Countersign failed.", "incident": incident}, status=500)


def _allow(error: web.HTTPException) -> dict[str, str]:
    return {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _not_set_up(_request: web.Request) -> web.Response:
    return web.json_response({"error": "No GitHub App is set up."}, status=503, headers={"Retry-After": "60"})


async def _running(_request: web.Request) -> web.Response:
    return web.Response(
        text="Countersign is running. Deliveries go to /webhook; /readyz says whether they can be stored.\n"
    )


async def _setup(_request: web.Request) -> web.Response:
    return web.Response(
        text="Countersign is in setup mode: no GitHub App is named, and no delivery is accepted.\n"
        "Register one with config/app-manifest.json, then set GITHUB_APP_ID, GITHUB_PRIVATE_KEY_FILE and\n"
        "GITHUB_WEBHOOK_SECRET, and start again. README.md has the steps.\n"
    )


@dataclass(frozen=True, slots=True)
class _Operators:
    """What operators and their machines ask."""

    store: Store
    metrics: Metrics

    async def readiness(self, _request: web.Request) -> web.Response:
        """Ready when the database answers and has the right tables."""
        try:
            await self.store.check_schema()
        except Transient as error:
            return _not_ready(f"Countersign waits for {error.waits_for}.")
        except Refusal as error:
            return _not_ready(str(error))
        return web.json_response({"ready": True})

    async def figures(self, _request: web.Request) -> web.Response:
        """The figures for Prometheus. What is waiting is read when asked, and no number while the database is away."""
        count, age = math.nan, math.nan
        try:
            async with self.store.transaction() as connection:
                ((count, age),) = await (await connection.execute(_WAITING)).fetchall()
        except Transient as error:
            log.warning("figures_incomplete", waits_for=error.waits_for)
        self.metrics.waiting.set(count)
        self.metrics.waiting_seconds.set(age)
        return web.Response(body=generate_latest(self.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _not_ready(because: str) -> web.Response:
    return web.json_response({"ready": False, "because": because}, status=503)
