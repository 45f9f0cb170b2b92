"""One request to GitHub. This is the only module that knows gidgethub.

gidgethub builds the request and reads the answer; what stands in its way here: no token to another host, no redirect
that changes what is asked, a time limit, the budget, and errors that say what to do about them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import structlog
from cachetools import LRUCache
from gidgethub import GitHubException
from gidgethub.aiohttp import GitHubAPI
from yarl import URL

from bot.clock import Clock
from bot.errors import CountersignError, Refusal
from bot.github.answers import Answer, read_answer
from bot.github.budget import Budget
from bot.github.errors import NotSent, RateLimited, Unanswered, failure
from bot.github.etags import Kept, Key, keep
from bot.github.lanes import Lane

log = structlog.get_logger(__name__)

ACCEPT = "application/vnd.github+json"
API_VERSION = "2022-11-28"
"""The one version that github.com and every supported GitHub Enterprise Server have."""

TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5, sock_read=10)
MOST_REDIRECTS = 3
_READ_REDIRECTS = frozenset({301, 302, 307, 308})
_WRITE_REDIRECTS = frozenset({307, 308})

Observer = Callable[[str, str, int], None]
"""Hears of each request: resource (``core``, ``graphql``), method, and the answer's status (0 for none)."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the requests of one call have in common. ``partition`` keeps the answers of installations apart."""

    session: aiohttp.ClientSession
    api_url: str
    budget: Budget
    etags: LRUCache[Key, Kept]
    clock: Clock
    observe: Observer
    partition: int
    lane: Lane
    creates: bool = False
    resource: str = "core"


class Transport(GitHubAPI):
    """A client for one call."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.session, "countersign", base_url=call.api_url)
        self._call = call
        self._answered: Mapping[str, str] = {}

    async def ask(self, method: str, url: str, data: Any, token: str, *, app: bool = False) -> tuple[Any, str | None]:
        """The decoded answer, and the address of the next page.

        ``token`` is the App's own JWT when ``app`` is true. ``data`` is None for a request without a body.

        Raises:
            Transient, Refusal: GitHub did not do it; `bot.github.errors` has the kinds.

        """
        jwt, oauth = (token, None) if app else (None, token)
        body = b"" if data is None else data
        try:
            answer, more, _ = await self._make_request(method, url, None, body, ACCEPT, jwt=jwt, oauth_token=oauth)
        except (GitHubException, ValueError, LookupError, ArithmeticError, RecursionError) as error:
            raise _unreadable(f"{method} {url.partition('?')[0]}") from error
        return answer, more

    async def query(self, url: str, body: Mapping[str, Any], token: str) -> Answer:
        """The answer to a query of GraphQL.

        Raises:
            Transient, Refusal: as `ask` and `read_answer` do.

        """
        answer, _ = await self.ask("POST", url, body, token)
        try:
            return read_answer(answer, self._answered, now=self._call.clock())
        except CountersignError as problem:
            self._note(problem, f"POST {urlsplit(url).path}", self._answered)
            raise

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send it, follow what may be followed, and raise what is no success."""
        sent = {**headers, "x-github-api-version": API_VERSION}
        key = (self._call.partition, sent["accept"], url)
        kept = self._call.etags.get(key) if method == "GET" else None
        if kept is not None:
            sent["if-none-match"] = kept.etag
        url, status, answered, content = await self._follow(method, url, sent, body)
        if status == 304 and kept is not None:
            return 200, _as_headers(kept), kept.body
        asked = f"{method} {urlsplit(url).path}"
        problem = failure(status, answered, content, asked=asked, now=self._call.clock())
        if problem is None and status != 204 and not _is_json(answered, content):
            # A proxy's page, or an answer that lost its body: neither says what GitHub did.
            problem = _unreadable(asked)
        if problem is not None:
            self._note(problem, asked, answered)
            raise problem
        if method == "GET" and (etag := answered.get("etag")):
            keep(self._call.etags, key, Kept(etag, answered.get("content-type", ""), answered.get("link"), content))
        self._answered = answered
        return status, answered, content

    async def _follow(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, int, dict[str, str], bytes]:
        """The answer at the end of the redirects that ask for the same thing elsewhere on this GitHub."""
        follow = _READ_REDIRECTS if method == "GET" else _WRITE_REDIRECTS
        status, answered, content = await self._send(method, url, headers, body)
        for _ in range(MOST_REDIRECTS):
            target = answered.get("location")
            if status not in follow or not target:
                break
            url = urljoin(url, target)
            status, answered, content = await self._send(method, url, headers, body)
        return url, status, answered, content

    def _only_home(self, url: str) -> None:
        """Refuse any address that is not GitHub's API: it would be sent the token."""
        if not _same_server(url, self._call.api_url):
            raise Refusal(f"Countersign sends nothing to {url}, which is not {self._call.api_url}.")

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        self._only_home(url)
        call, path = self._call, urlsplit(url).path
        # A query of GraphQL is sent by POST, and is a read.
        write = method != "GET" and call.resource == "core"
        with call.budget.spending(call.lane, resource=call.resource, write=write, creates=call.creates):
            try:
                async with call.session.request(
                    method, url, headers=headers, data=body or None, allow_redirects=False
                ) as response:
                    content = await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                call.observe(call.resource, method, 0)
                # The error's own words may hold the headers that were sent, and with them the token.
                log.warning("github_unanswered", method=method, path=path, error=type(error).__name__)
                if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
                    raise NotSent("GitHub, which cannot be reached") from error
                raise Unanswered("GitHub, which did not answer") from error
            answered = {name.lower(): value for name, value in response.headers.items()}
            call.budget.observe(answered, asked=call.resource)
        call.observe(call.resource, method, response.status)
        request_id = answered.get("x-github-request-id")
        log.debug("github_answered", method=method, path=path, status=response.status, request_id=request_id)
        return response.status, answered, content

    def _note(self, problem: Exception, asked: str, headers: Mapping[str, str]) -> None:
        request_id = headers.get("x-github-request-id")
        log.info("github_refused", asked=asked, kind=type(problem).__name__, error=str(problem), request_id=request_id)
        if isinstance(problem, RateLimited) and problem.secondary:
            self._call.budget.stop(problem)


def _same_server(url: str, home: str) -> bool:
    """Whether both name the same server, read as aiohttp reads them; a name and password in an address is neither."""
    try:
        there = URL(url)
        return there.absolute and there.user is there.password is None and there.origin() == URL(home).origin()
    except ValueError:
        return False


def _unreadable(asked: str) -> Unanswered:
    return Unanswered(f"an answer of GitHub that can be read ({asked})")


def _is_json(headers: Mapping[str, str], content: bytes) -> bool:
    return bool(content) and headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _as_headers(kept: Kept) -> dict[str, str]:
    headers = {"content-type": kept.content_type}
    return headers | ({"link": kept.link} if kept.link else {})
