"""One request to a system of change records, and what its answer means.

What stands in the way here: no credentials to another host or into a sentence, no answer without end, no page of HTML
taken for an answer, and no write that is sent again while nobody knows whether it was done.
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import structlog
from yarl import URL

from bot.changes.systems.authorization import Authorization
from bot.changes.systems.errors import (
    UNREADABLE,
    Away,
    Forbidden,
    Invalid,
    MayHaveHappened,
    NotDone,
    NotFound,
    Unanswered,
    Unauthorized,
    limit,
)
from bot.clock import Clock
from bot.errors import CountersignError, Refusal
from bot.words import shortened, visible

log = structlog.get_logger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5, sock_read=20)
"""These systems run their business rules before they answer, and take seconds for it."""

LARGEST = 16 * 1024 * 1024
LONGEST_WORDS = 500
MOST_REDIRECTS = 3
_READ_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WRITE_REDIRECTS = frozenset({307, 308})

ATTEMPTS = 3
SHORT = timedelta(seconds=2)
"""What is waited for in place; a longer wait goes back to the queue."""


def session() -> aiohttp.ClientSession:
    """A session for these systems: with limits of time, and without cookies, which would be a second identity."""
    return aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())


def route(template: str, **names: str) -> str:
    """A path with each name percent-encoded, so that none can leave its place.

    Raises:
        Refusal: a name is empty, or one of the two that mean another place.

    """
    encoded = {key: quote(value, safe="") for key, value in names.items()}
    for key, value in encoded.items():
        if value in {"", ".", ".."}:
            raise Refusal(f"There is no change record whose {key} is '{value}'.")
    return template.format_map(encoded)


@dataclass(frozen=True, slots=True)
class Speech:
    """What is particular to one system: its name, where its errors say why, and what to do about each status.

    ``refusal`` makes a sentence of its words where they have a form of their own.
    """

    name: str
    words: Callable[[Any], str]
    remedies: Mapping[int, str]
    refusal: Callable[[str], Refusal | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    url: str
    query: Mapping[str, str]
    body: bytes | None
    kind: str

    @property
    def title(self) -> str:
        """For sentences and logs: without the query, which may hold what is nobody's business there."""
        return f"{self.method} {URL(self.url).path}"


@dataclass(slots=True)
class Door:
    """The API of one system. ``authorization`` None: requests that carry their own proof."""

    speech: Speech
    base_url: str
    session: aiohttp.ClientSession
    clock: Clock
    authorization: Authorization | None = None
    chance: Callable[[], float] = random.random
    _hidden: tuple[str, ...] = field(init=False, default=(), repr=False)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Read ``path``, which `route` has built.

        Raises:
            Transient, Refusal: `bot.changes.systems.errors` has the kinds.

        """
        return await self._attempts(_Asked("GET", self.base_url + path, query or {}, None, ""), repeatable=True)

    async def send(
        self, method: str, path: str, body: Mapping[str, Any], *, query: Mapping[str, str] | None = None
    ) -> Any:
        """Send ``body`` to ``path``.

        Raises:
            MayHaveHappened: it was sent, and nobody knows what became of it.

        """
        content = json.dumps(body).encode()
        asked = _Asked(method, self.base_url + path, query or {}, content, "application/json")
        return await self._attempts(asked, repeatable=False)

    async def submit(self, path: str, form: Mapping[str, str]) -> Any:
        """Send a form whose second arrival does no harm; its values are secrets."""
        self._hidden = tuple(form.values())
        content, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
        return await self._attempts(_Asked("POST", self.base_url + path, {}, content, kind), repeatable=True)

    async def _attempts(self, asked: _Asked, *, repeatable: bool) -> Any:
        """Ask, and again after a short wait where that cannot do it twice."""
        attempt = 1
        while True:
            try:
                return await self._authorised(asked)
            except (NotDone, Unanswered) as error:
                if isinstance(error, Unanswered) and not repeatable:
                    raise MayHaveHappened(error.waits_for, until=error.until, how=error.how) from error
                wait = (
                    error.until - self.clock() if error.until else timedelta(seconds=0.1 * 2**attempt) * self.chance()
                )
                if attempt == ATTEMPTS or wait > SHORT:
                    raise
            attempt += 1
            await asyncio.sleep(max(wait.total_seconds(), 0))

    async def _authorised(self, asked: _Asked) -> Any:
        """Ask with what proves who asks; once more when that had merely expired, since nothing was done then."""
        if self.authorization is None:
            return await self._answered(asked, {})
        header = await self._header(self.authorization)
        try:
            return await self._answered(asked, {"Authorization": header})
        except Unauthorized:
            if not self.authorization.refused(header):
                raise
            return await self._answered(asked, {"Authorization": await self._header(self.authorization)})

    async def _header(self, authorization: Authorization) -> str:
        try:
            return await authorization.header()
        except (NotDone, Unanswered) as error:
            # Asking for it was repeated already, and what it is for was not asked.
            raise Away(error.waits_for, until=error.until, how=error.how) from error

    async def _answered(self, asked: _Asked, proof: Mapping[str, str]) -> Any:
        headers = {"Accept": "application/json", "User-Agent": "countersign", **proof}
        if asked.kind:
            headers["Content-Type"] = asked.kind
        status, answered, content = await self._follow(asked, headers)
        decoded, is_json = _decoded(answered, content)
        problem = self._problem(asked.title, status, answered, decoded)
        if problem is None and not is_json and status != 204:
            # A sign-in page, a proxy's page, or an answer that lost its body: none says what was done.
            is_page = answered.get("content-type", "").lower().startswith("text/html")
            how = "has answered with a page instead of data (perhaps of a sign-in, or of a proxy)"
            waits_for = f"an answer of {self.speech.name} that can be read ({asked.title})"
            problem = Unanswered(waits_for, how=how if is_page else UNREADABLE)
        if problem is not None:
            kind = type(problem).__name__
            log.info("record_system_refused", asked=asked.title, status=status, kind=kind, error=str(problem))
            raise problem
        return decoded

    async def _follow(self, asked: _Asked, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """The answer at the end of the redirects that ask for the same thing elsewhere on this host."""
        follow = _READ_REDIRECTS if asked.method == "GET" else _WRITE_REDIRECTS
        url = URL(asked.url).update_query(asked.query)
        for _ in range(MOST_REDIRECTS):
            status, answered, content = await self._send(asked, url, headers)
            target = answered.get("location", "")
            if status not in follow or not target:
                return status, answered, content
            url = self._at_home(url, target)
        raise Unanswered(
            f"{self.speech.name}, which sends {asked.title} from one address to the next",
            how="has sent Countersign from one address to the next",
        )

    def _at_home(self, url: URL, target: str) -> URL:
        """Where a redirect leads.

        Raises:
            Refusal: to another host, which would be sent the credentials.

        """
        with suppress(ValueError):
            there = url.join(URL(target))
            if there.user is there.password is None and there.origin() == URL(self.base_url).origin():
                return there
        raise Refusal(
            f"{self.speech.name} sends Countersign to another address, where it does not follow.",
            remedy="An administrator of Countersign checks the address of that system in its settings.",
        )

    async def _send(self, asked: _Asked, url: URL, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        name = self.speech.name
        try:
            async with self.session.request(
                asked.method, url, headers=headers, data=asked.body, allow_redirects=False
            ) as response:
                content = bytearray()
                async for chunk in response.content.iter_chunked(64 * 1024):
                    content += chunk
                    if len(content) > LARGEST:
                        raise Unanswered(
                            f"an answer of {name} of a size that can be read ({asked.title})",
                            how="has given answers that are too large to be read",
                        )
        except aiohttp.ClientConnectorError as error:
            # The error's own words may hold more than an address; its kind is enough.
            log.warning("record_system_away", asked=asked.title, error=type(error).__name__)
            raise NotDone(f"{name}, which cannot be reached", how="has not been reachable") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("record_system_unanswered", asked=asked.title, error=type(error).__name__)
            late = isinstance(error, TimeoutError)
            how = "has not answered in time" if late else "has broken off its answers"
            raise Unanswered(f"{name}'s answer to {asked.title}", how=how) from None
        log.debug("record_system_answered", asked=asked.title, status=response.status)
        return response.status, {key.lower(): value for key, value in response.headers.items()}, bytes(content)

    def _problem(self, title: str, status: int, headers: Mapping[str, str], decoded: Any) -> CountersignError | None:
        """What a status means that is no success; None when it is one."""
        name, words, remedy = self.speech.name, self._words(decoded), self.speech.remedies.get(status, "")
        match status:
            case 200 | 201 | 202 | 204:
                return None
            case 401:
                return Unauthorized(
                    f"{name} does not accept Countersign's credentials ({title}): {words}.", remedy=remedy
                )
            case 403:
                return self.speech.refusal(words) or Forbidden(f"{name} refuses {title}: {words}.", remedy=remedy)
            case 404 | 410:
                return NotFound(f"{name} knows no {title}: {words}.", remedy=remedy)
            case 429:
                return limit(headers, self.clock(), system=name)
            case _ if status == 408 or status >= 500:
                until = limit(headers, self.clock(), system=name).until if "retry-after" in headers else None
                how = f"has answered {_spoken(status)}"
                return Unanswered(f"{name} (it answered {status} to {title})", until=until, how=how)
            case _ if status >= 400:
                return Invalid(f"{name} does not accept {title} ({status}): {words}.", remedy=remedy)
            case _:
                return Refusal(f"{name} sends {title} elsewhere ({status}), where Countersign does not follow.")

    def _words(self, decoded: Any) -> str:
        """The system's own words, without any secret of ours that they may repeat."""
        try:
            said = str(self.speech.words(decoded) or "")
        except (LookupError, TypeError, AttributeError):
            said = ""
        for secret in (*self._hidden, *(self.authorization.secrets() if self.authorization else ())):
            if secret:
                said = said.replace(secret, "…")
        return shortened(visible(said), LONGEST_WORDS).rstrip(".") or "it gives no reason"


def _spoken(status: int) -> str:
    """A status with its name, where it has one: ``503 (Service Unavailable)``."""
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _decoded(headers: Mapping[str, str], content: bytes) -> tuple[Any, bool]:
    """The JSON of an answer, and whether it is any."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None, False
    try:
        return json.loads(content), True
    except (ValueError, RecursionError):
        return None, False
