"""The simulated ServiceNow as a whole: an instance at an address, with accounts, tokens and faults."""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from bot.clock import Clock, utc_now
from bot.sandbox.faults import Faults
from bot.sandbox.servicenow import rest
from bot.sandbox.servicenow.instance import Instance
from bot.sandbox.servicenow.rules import Denied
from bot.sandbox.vendor import Answer, Asked, Site

CLIENT_ID, CLIENT_SECRET = "3f1c6a58d0e94b0fa5c2b7d6e8f90a1b", "correct horse & battery"
PASSWORD = "Tr0ub4dor:3"
LIFE = timedelta(seconds=1800)

_MESSAGES: Mapping[int, tuple[str, str]] = {
    401: ("User Not Authenticated", "Required to provide Auth information"),
    403: ("Operation Failed", "ACL Exception Update Failed due to security constraints"),
    429: ("Rate limit exceeded", "Rate limit of 100 requests per hour for Table API exceeded"),
    500: ("Transaction cancelled: maximum execution time exceeded", ""),
    503: ("Service unavailable", ""),
}


@dataclass(slots=True)
class SimulatedServiceNow:
    """An instance that can be reached. Make one with `start`.

    ``strict``: ``glide.invalid_query.returns_no_rows``. ``as_list``: it answers one record as a list of one.
    ``tokens``: those that were given, and when each ends. ``templates``: the operations that were asked for.
    """

    instance: Instance
    site: Site = field(init=False)
    strict: bool = False
    as_list: bool = False
    token_life: timedelta = LIFE
    tokens: dict[str, datetime] = field(default_factory=dict)
    templates: list[tuple[str, str, int]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def start(cls, *, clock: Clock = utc_now) -> AsyncIterator[SimulatedServiceNow]:
        """Serve it on a free port of the loopback interface while the block runs."""
        simulation = cls(Instance(clock))
        simulation.site = Site(simulation)
        async with simulation.site.open():
            yield simulation

    @property
    def url(self) -> str:
        """Where it is."""
        return self.site.url

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self.site.faults

    def answer(self, asked: Asked) -> Answer:
        """Do what was asked."""
        if asked.path == "/oauth_token.do":
            return self._token(asked)
        try:
            self._admit(asked)
            template, names, handler = rest.find(asked.method, asked.path)
        except Denied as denied:
            return Answer(denied.status, denied.body)
        try:
            answer = handler(rest.Call(self.instance, asked, names, self.strict, self.as_list, self.url))
        except Denied as denied:
            answer = Answer(denied.status, denied.body)
        self.templates.append((asked.method, template, answer.status))
        return answer

    def refuse(self, status: int, seconds: int) -> Answer:
        """An instance's own words for a status."""
        message, detail = _MESSAGES[status]
        body = {"error": {"message": message, "detail": detail}, "status": "failure"}
        until = int((self.instance.now() + timedelta(seconds=seconds)).timestamp())
        limits = {"Retry-After": str(seconds), "X-RateLimit-Limit": "100", "X-RateLimit-Reset": str(until)}
        return Answer(status, body, limits if status == 429 else {})

    def end_tokens(self) -> None:
        """Every token ends now, whatever was said about its life."""
        self.tokens.clear()

    def _token(self, asked: Asked) -> Answer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        known = form.get("client_id") == CLIENT_ID and hmac.compare_digest(form.get("client_secret", ""), CLIENT_SECRET)
        if form.get("grant_type") != "client_credentials" or not known:
            return Answer(401, {"error": "access_denied", "error_description": "access_denied"})
        token = f"tok-{len(self.tokens)}-{self.instance.next_id('oauth')}"
        self.tokens[token] = self.instance.clock() + self.token_life
        life = int(self.token_life.total_seconds()) - 1
        return Answer(200, {"access_token": token, "scope": "useraccount", "token_type": "Bearer", "expires_in": life})

    def _admit(self, asked: Asked) -> None:
        """Refuse who does not say what he sends and takes, or who he is."""
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if "json" not in headers.get("accept", ""):
            raise Denied(400, "Invalid Accept header", "Supported: application/json")
        if asked.method != "GET" and "json" not in headers.get("content-type", ""):
            raise Denied(400, "Invalid Content-Type header", "Supported: application/json")
        scheme, _, proof = headers.get("authorization", "").partition(" ")
        expected = base64.b64encode(f"{self.instance.account.user_name}:{PASSWORD}".encode()).decode()
        by_token = scheme == "Bearer" and self.tokens.get(proof, self.instance.clock()) > self.instance.clock()
        if not by_token and not (scheme == "Basic" and hmac.compare_digest(proof, expected)):
            raise Denied(401, *_MESSAGES[401])
