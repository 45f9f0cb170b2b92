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

from bot.clock import Clock
from bot.errors import Refusal
from bot.github.budget import Budget
from bot.github.errors import NotSent, RateLimited, Unanswered, failure
from bot.github.etags import Kept, Key
from bot.github.lanes import Lane

log = structlog.get_logger(__name__)

ACCEPT = "application/vnd.github+json"
API_VERSION = "2022-11-28"
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
    budget: Budget | None
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
        except (GitHubException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unanswered(f"an answer of GitHub that can be read ({method} {urlsplit(url).path})") from error
        return answer, more

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send it, follow what may be followed, and raise what is no success."""
        sent = dict(headers)
        key = (self._call.partition, sent["accept"], url)
        kept = self._call.etags.get(key) if method == "GET" else None
        if kept is not None:
            sent["if-none-match"] = kept.etag
        status, answered, content = await self._send(method, url, sent, body)
        for _ in range(MOST_REDIRECTS):
            target = answered.get("location")
            follow = _READ_REDIRECTS if method == "GET" else _WRITE_REDIRECTS
            if status not in follow or not target:
                break
            url = urljoin(url, target)
            status, answered, content = await self._send(method, url, sent, body)
        asked = f"{method} {urlsplit(url).path}"
        if status == 304 and kept is not None:
            return 200, _as_headers(kept), kept.body
        problem = failure(status, answered, content, asked=asked, now=self._call.clock())
        if problem is not None:
            self._note(problem, asked, answered)
            raise problem
        if method == "GET" and (etag := answered.get("etag")):
            self._call.etags[key] = Kept(etag, answered.get("content-type", ""), answered.get("link"), content)
        return status, answered, content

    def _only_home(self, url: str) -> None:
        """Refuse any address that is not GitHub's API: it would be sent the token."""
        home, there = urlsplit(self._call.api_url), urlsplit(url)
        if (home.scheme, home.netloc) != (there.scheme, there.netloc):
            raise Refusal(f"Countersign sends nothing to {there.netloc or 'an address without a host'}.")

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        self._only_home(url)
        call = self._call
        # A query of GraphQL is sent by POST, and is a read.
        write = method != "GET" and call.resource == "core"
        if call.budget is not None:
            call.budget.admit(call.lane, resource=call.resource, write=write, creates=call.creates)
        try:
            async with call.session.request(
                method, url, headers=headers, data=body or None, allow_redirects=False
            ) as response:
                content = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            call.observe(call.resource, method, 0)
            raise NotSent("GitHub, which cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            call.observe(call.resource, method, 0)
            log.warning("github_unanswered", method=method, path=urlsplit(url).path, error=repr(error))
            raise Unanswered("GitHub, which did not answer") from error
        call.observe(call.resource, method, response.status)
        answered = {name.lower(): value for name, value in response.headers.items()}
        if call.budget is not None:
            call.budget.observe(answered)
        log.debug(
            "github_answered",
            method=method,
            path=urlsplit(url).path,
            status=response.status,
            request_id=answered.get("x-github-request-id"),
        )
        return response.status, answered, content

    def _note(self, problem: Exception, asked: str, headers: Mapping[str, str]) -> None:
        request_id = headers.get("x-github-request-id")
        log.info("github_refused", asked=asked, kind=type(problem).__name__, error=str(problem), request_id=request_id)
        if isinstance(problem, RateLimited) and problem.secondary and self._call.budget is not None and problem.until:
            self._call.budget.stop(problem.until)


def _as_headers(kept: Kept) -> dict[str, str]:
    headers = {"content-type": kept.content_type}
    return headers | ({"link": kept.link} if kept.link else {})
