"""The API of the simulated GitHub over HTTP: who asks, what is left, what goes wrong, and the answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox import graphql
from bot.sandbox.auth import Token
from bot.sandbox.faults import AFTER, BEFORE, Fault
from bot.sandbox.rest import ROUTES, Answer, Call, Moved, Route
from bot.sandbox.rules import Refused

if TYPE_CHECKING:
    from bot.sandbox.simulation import SimulatedGitHub

VERSIONS = frozenset({"2022-11-28", "2026-03-10"})
LIMITED = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
MANUAL = "https://docs.github.com/rest"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as whoever watches the API is told."""

    method: str
    template: str
    path: str
    query: Mapping[str, str]
    sent: Any
    status: int
    answered: Any


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was read. ``caller`` is whom GitHub counts it for; ``resource`` is what it is counted of."""

    request: web.Request
    route: Route | None
    body: bytes
    resource: str
    template: str


@dataclass(frozen=True, slots=True)
class Api:
    """The API of one simulated GitHub."""

    github: SimulatedGitHub

    def application(self) -> web.Application:
        """Everything that it serves."""
        prefix = "/api/v3" if self.github.world.ghes else ""
        app = web.Application(client_max_size=32 * 1024 * 1024)
        for route in sorted(ROUTES, key=lambda each: each.is_open_ended):
            for path in route.paths:
                app.router.add_route(route.method, prefix + path, self._rest(route))
        app.router.add_post("/api/graphql" if prefix else "/graphql", self._graphql)
        app.router.add_route("*", "/{rest:.*}", self._unknown)
        return app

    def _rest(self, route: Route) -> Any:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(_Asked(request, route, await request.read(), "core", route.template))

        return serve

    async def _graphql(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(_Asked(request, None, await request.read(), "graphql", "/graphql"))

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        self.github.unknown_routes.append(f"{request.method} {request.path}")
        return _written(Answer(404, {"message": "Not Found", "documentation_url": MANUAL, "status": "404"}), {})

    async def _serve(self, asked: _Asked) -> web.StreamResponse:
        """Answer, or let go wrong what is to go wrong."""
        request = asked.request
        fault = self.github.faults.meet(f"{request.method} {asked.template if not asked.route else request.path}")
        if fault is not None and fault.kind in BEFORE:
            return self._refused_by(fault, request)
        answer, limits = self._answer(asked)
        if fault is not None and fault.kind in AFTER:
            return await self._spoilt(fault, request, answer, limits)
        return self._conditional(asked, answer, limits)

    def _answer(self, asked: _Asked) -> tuple[Answer, dict[str, str]]:
        """The answer, and the headers that say what is left to the caller."""
        request, github = asked.request, self.github
        try:
            _check_headers(request)
            token = self._token(asked)
            caller = "app" if token is None else str(token.installation.id)
        except Refused as refused:
            return _refusal(refused), {}
        now = github.world.now()
        if github.limits.exhausted(caller, asked.resource, now):
            return self._exhausted(asked.resource), github.limits.headers(caller, asked.resource, now)
        if asked.route is None:
            assert token is not None
            answer, points = self._query(token, asked.body)
            github.counts.graphql += 1
            github.counts.points += points
        else:
            answer, points = self._operation(asked, token), 0 if asked.template == "/rate_limit" else 1
            github.counts.rest += points
            github.counts.writes += asked.route.method != "GET"
        if not self._unchanged(asked, answer):
            # What has not changed costs nothing.
            github.limits.spend(caller, asked.resource, now, points)
        return answer, github.limits.headers(caller, asked.resource, now)

    def _token(self, asked: _Asked) -> Token | None:
        """The installation's token; None when the App itself asks."""
        scheme, _, text = asked.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"} or not text:
            raise Refused("Requires authentication", status=401)
        if text.startswith("ghs_"):
            token = self.github.tokens.find(text)
        else:
            self.github.tokens.check_app(text)
            token = None
        if asked.route is not None:
            asked.route.admit(token)
        elif token is None:
            raise Refused("A JSON web token cannot be used here", status=401)
        return token

    def _operation(self, asked: _Asked, token: Token | None) -> Answer:
        request, route, github = asked.request, asked.route, self.github
        assert route is not None
        path = request.path.removeprefix("/api/v3") if github.world.ghes else request.path
        try:
            sent = _object(asked.body)
        except Refused as refused:
            return _refusal(refused)
        call = Call(github, dict(request.match_info), dict(request.query), sent, token, path)
        try:
            answer = route.handler(call)
        except Refused as refused:
            answer = _refusal(refused)
        except Moved as moved:
            url = f"{github.api_url}{moved.path}"
            body = {"message": "Moved Permanently", "url": url, "documentation_url": MANUAL}
            answer = Answer(301 if request.method == "GET" else 307, body, {"Location": url})
        for watch in github.watchers:
            watch(Exchange(request.method, route.template, path, call.query, sent, answer.status, answer.body))
        return answer

    def _query(self, token: Token, body: bytes) -> tuple[Answer, int]:
        try:
            asked = json.loads(body)
            query, variables = asked["query"], asked.get("variables") or {}
        except (ValueError, KeyError, TypeError):
            return _refusal(Refused("Problems parsing JSON", status=400)), 1
        github = self.github
        status, answered, points = graphql.execute(github.world, token, query, variables)
        for watch in github.watchers:
            watch(Exchange("POST", "/graphql", "/graphql", {}, asked, status, answered))
        return Answer(status, answered), points

    def _exhausted(self, resource: str) -> Answer:
        if resource == "graphql":
            message = "API rate limit already exceeded for installation."
            return Answer(200, {"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": message}]})
        return _refusal(Refused("API rate limit exceeded for installation.", status=403))

    # Conditional requests.

    def _unchanged(self, asked: _Asked, answer: Answer) -> bool:
        etag = _etag(asked.request, answer)
        return etag is not None and asked.request.headers.get("If-None-Match") == etag

    def _conditional(self, asked: _Asked, answer: Answer, limits: Mapping[str, str]) -> web.StreamResponse:
        etag = _etag(asked.request, answer)
        headers = dict(limits) if etag is None else {**limits, "ETag": etag}
        if self._unchanged(asked, answer):
            return _written(Answer(304, None, answer.headers), headers, self.github.next_request_id())
        return _written(answer, headers, self.github.next_request_id())

    # What goes wrong.

    def _refused_by(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        wait = str(max(1, round(fault.seconds)))
        match fault.kind:
            case "5xx":
                return _written(Answer(503, {"message": "Server Error"}), {})
            case "403-secondary":
                return _written(Answer(403, {"message": LIMITED, "documentation_url": MANUAL}), {"Retry-After": wait})
            case "429":
                return _written(Answer(429, {"message": LIMITED, "documentation_url": MANUAL}), {"Retry-After": wait})
            case "403-primary":
                reset = int(self.github.world.now().timestamp()) + int(wait)
                resource = "graphql" if request.path.endswith("graphql") else "core"
                figures = {"Limit": "15000", "Remaining": "0", "Reset": str(reset), "Resource": resource}
                headers = {f"X-RateLimit-{name}": value for name, value in figures.items()}
                return _written(
                    Answer(403, {"message": "API rate limit exceeded", "documentation_url": MANUAL}), headers
                )
            case "401":
                return _written(_refusal(Refused("Bad credentials", status=401)), {})
            case "html-502":
                text = "<html><body><h1>502 Bad Gateway</h1></body></html>"
                return web.Response(status=502, text=text, content_type="text/html")
            case _:
                return _cut(request)

    async def _spoilt(
        self, fault: Fault, request: web.Request, answer: Answer, limits: Mapping[str, str]
    ) -> web.StreamResponse:
        """The answer to something that was done, as it arrives on a bad day."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return _written(answer, limits)
        if fault.kind == "cut-after" or answer.body is None:
            return _cut(request)
        text = json.dumps(answer.body)
        return web.Response(
            status=answer.status, text=text[: len(text) // 2], content_type="application/json", headers=dict(limits)
        )


def _check_headers(request: web.Request) -> None:
    """Refuse what GitHub does not even look at."""
    if not request.headers.get("User-Agent"):
        raise Refused("Request forbidden by administrative rules. Please make sure it has a User-Agent.", status=403)
    version = request.headers.get("X-GitHub-Api-Version")
    if version is not None and version not in VERSIONS:
        raise Refused(f"{version} is not a supported version of the API", status=400)


def _object(body: bytes) -> dict[str, Any]:
    try:
        sent = json.loads(body) if body else {}
    except ValueError as error:
        raise Refused("Problems parsing JSON", status=400) from error
    if not isinstance(sent, dict):
        raise Refused("Body should be a JSON object", status=400)
    return sent


def _refusal(refused: Refused) -> Answer:
    body: dict[str, Any] = {
        "message": refused.message,
        "documentation_url": MANUAL,
        "status": str(refused.status),
    }
    if refused.errors is not None:
        body["errors"] = refused.errors
    return Answer(refused.status, body)


def _etag(request: web.Request, answer: Answer) -> str | None:
    """GitHub's tags differ from token to token: what one was answered is nothing to another."""
    if request.method != "GET" or answer.status != 200:
        return None
    asked = f"{request.headers.get('Accept')}:{request.headers.get('Authorization')}:"
    return f'W/"{hashlib.sha256((asked + json.dumps(answer.body)).encode()).hexdigest()}"'


def _written(answer: Answer, headers: Mapping[str, str], request_id: str = "0000:000000") -> web.Response:
    every = {"X-GitHub-Media-Type": "github.v3; format=json", "X-GitHub-Request-Id": request_id}
    every |= {**headers, **answer.headers}
    if answer.body is None:
        return web.Response(status=answer.status, headers=every)
    return web.json_response(answer.body, status=answer.status, headers=every)


def _cut(request: web.Request) -> web.StreamResponse:
    """End the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
