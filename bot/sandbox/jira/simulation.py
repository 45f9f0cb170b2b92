"""The simulated Jira as a whole: a site at an address, with an account, its token, and faults."""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock, utc_now
from bot.sandbox.faults import Faults
from bot.sandbox.jira import rest
from bot.sandbox.jira.desk import Desk, Refused
from bot.sandbox.vendor import Answer, Asked, Site

TOKEN = "token-of-the-simulation"

_MESSAGES: Mapping[int, str] = {
    401: "Client must be authenticated to access this resource.",
    403: "You do not have permission to access this resource.",
    429: "Rate limit exceeded.",
    500: "Internal server error",
    503: "Service unavailable",
}


@dataclass(slots=True)
class SimulatedJira:
    """A site that can be reached. Make one with `start`."""

    desk: Desk
    site: Site = field(init=False)

    @classmethod
    @asynccontextmanager
    async def start(cls, *, clock: Clock = utc_now) -> AsyncIterator[SimulatedJira]:
        """Serve it on a free port of the loopback interface while the block runs."""
        simulation = cls(Desk(clock))
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
        try:
            self._admit(asked)
            handler, names = rest.find(asked.method, asked.path)
            return handler(rest.Call(self.desk, asked, names, self.url))
        except Refused as refused:
            return Answer(refused.status, _body(asked, refused))

    def refuse(self, status: int, seconds: int) -> Answer:
        """A site's own words for a status."""
        headers = {"Retry-After": str(seconds), "RateLimit-Reason": "jira-burst-based"} if status == 429 else {}
        return Answer(status, {"errorMessages": [_MESSAGES[status]], "errors": {}}, headers)

    def _admit(self, asked: Asked) -> None:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        expected = base64.b64encode(f"{self.desk.account.email}:{TOKEN}".encode()).decode()
        if not hmac.compare_digest(headers.get("authorization", ""), f"Basic {expected}"):
            raise Refused(401, _MESSAGES[401])


def _body(asked: Asked, refused: Refused) -> dict[str, Any]:
    """The service desk and the platform have each its own form of an error."""
    if asked.path.startswith("/rest/servicedeskapi"):
        fields = [f"{name}: {why}" for name, why in refused.fields.items()]
        return {"errorMessage": " ".join([*refused.messages, *fields]), "i18nErrorMessage": {"parameters": []}}
    return {"errorMessages": list(refused.messages), "errors": refused.fields}
