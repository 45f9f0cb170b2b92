import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from bot.changes.systems import http
from bot.changes.systems.authorization import Basic
from bot.changes.systems.errors import Forbidden, Invalid, MayHaveHappened, NotDone, NotFound, Unanswered, Unauthorized
from bot.changes.systems.http import TIMEOUT, Door, Speech, route
from bot.errors import Refusal
from tests.unit.changes.systems.conftest import Ticking

SPEECH = Speech("The register", lambda answer: answer["error"], {403: "Ask for the right."})
SECRET = "hunter2hunter2"


@dataclass(slots=True)
class Register:
    """A server that answers from a script and remembers what it was sent."""

    url: str = ""
    script: deque[web.Response] = field(default_factory=deque)
    received: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        return self.script.popleft()

    def answers(self, *answers: web.Response) -> None:
        self.script.extend(answers)


def answer(body: Any = None, status: int = 200, **headers: str) -> web.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(
        status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json", **named}
    )


async def _serving() -> AsyncIterator[Register]:
    register = Register()
    async with RawTestServer(register.serve) as server:
        register.url = str(server.make_url("")).rstrip("/")
        yield register


@pytest.fixture
async def register() -> AsyncIterator[Register]:
    async for each in _serving():
        yield each


@pytest.fixture
async def elsewhere() -> AsyncIterator[Register]:
    async for each in _serving():
        yield each


@pytest.fixture
def door(register: Register, session: aiohttp.ClientSession, clock: Ticking) -> Door:
    return Door(SPEECH, register.url, session, clock, Basic("svc", SECRET), chance=lambda: 0.0)


async def test_a_session_has_limits_of_time_and_no_cookies() -> None:
    assert (TIMEOUT.total, TIMEOUT.connect, TIMEOUT.sock_read) == (30, 5, 20)
    async with http.session() as session:
        assert session.timeout == TIMEOUT
        assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)


async def test_what_is_sent(register: Register, door: Door) -> None:
    register.answers(answer({"a": 1}), answer({}, 201), web.Response(status=204))
    assert await door.get("/a", {"q": "x=ü^ORDERBYy&z"}) == {"a": 1}
    assert await door.send("POST", "/b", {"text": "ü"}) == {}
    assert await door.send("PUT", "/c", {}) is None
    (got, target, headers, body), posted, _ = register.received
    assert (got, target, body) == ("GET", "/a?q=x%3D%C3%BC%5EORDERBYy%26z", b"")
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"] == "countersign"
    assert headers["Authorization"] == "Basic c3ZjOmh1bnRlcjJodW50ZXIy"
    assert "Content-Type" not in headers
    assert posted[2]["Content-Type"] == "application/json"
    assert json.loads(posted[3]) == {"text": "ü"}


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (400, Invalid, "The register does not accept GET /x (400): no such field."),
        (401, Unauthorized, "The register does not accept Countersign's credentials (GET /x): no such field."),
        (403, Forbidden, "The register refuses GET /x: no such field. Ask for the right."),
        (404, NotFound, "The register knows no GET /x: no such field."),
        (410, NotFound, "The register knows no GET /x: no such field."),
        (422, Invalid, "The register does not accept GET /x (422): no such field."),
        (304, Refusal, "The register sends GET /x elsewhere (304), where Countersign does not follow."),
    ],
)
async def test_a_refusal_is_told_in_their_words(
    register: Register, door: Door, status: int, kind: type[Refusal], sentence: str
) -> None:
    register.answers(answer({"error": "no such\nfield."}, status))
    with pytest.raises(kind) as refused:
        await door.get("/x", {"secret": "query"})
    assert str(refused.value) == sentence
    assert len(register.received) == 1


@pytest.mark.parametrize("body", [{"error": None}, [], "text", None, {"other": 1}, {"error": ""}, {"error": " ."}])
async def test_a_refusal_without_words(register: Register, door: Door, body: Any) -> None:
    register.answers(answer(body, 400))
    with pytest.raises(Invalid, match="it gives no reason"):
        await door.get("/x")


async def test_words_are_short_and_hold_no_secret(register: Register, door: Door) -> None:
    echoed = f"you sent Basic c3ZjOmh1bnRlcjJodW50ZXIy and {SECRET}: " + "long " * 1000
    register.answers(answer({"error": echoed}, 400))
    with pytest.raises(Invalid) as refused:
        await door.get("/x")
    assert len(str(refused.value)) < 700
    assert "you sent Basic … and …:" in str(refused.value)


async def test_an_empty_password_hides_nothing(
    register: Register, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    register.answers(answer({"error": "no"}, 401))
    with pytest.raises(Unauthorized, match=r"\(GET /x\): no\.$"):
        await Door(SPEECH, register.url, session, clock, Basic("svc", "")).get("/x")


async def test_a_form_is_sent_without_authorization_and_its_values_are_hidden(
    register: Register, session: aiohttp.ClientSession, clock: Ticking
) -> None:
    door = Door(SPEECH, register.url, session, clock)
    register.answers(answer({"ok": True}), answer({"error": "a b&c is wrong"}, 400))
    form = {"grant_type": "client_credentials", "client_secret": "a b&c"}
    assert await door.submit("/token", form) == {"ok": True}
    _, _, headers, body = register.received[0]
    assert "Authorization" not in headers
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == b"grant_type=client_credentials&client_secret=a+b%26c"
    with pytest.raises(Invalid, match="… is wrong"):
        await door.submit("/token", form)
    assert "a b&c" not in repr(door)


READ, PAGE = "has given answers that cannot be read", "has answered with a page instead of data"


@pytest.mark.parametrize(
    ("response", "how"),
    [
        (lambda: web.Response(body=b"<html>sign in</html>", content_type="text/html"), PAGE),
        (lambda: web.Response(body=b'{"a": ', content_type="application/json"), READ),
        (lambda: web.Response(body=b"", content_type="application/json"), READ),
        (lambda: web.Response(body=b"\xff\xfe", content_type="application/json"), READ),
        (lambda: web.Response(body=b"[" * 100_000, content_type="application/json"), READ),
        (lambda: web.Response(body=b"{}", content_type="text/plain"), READ),
        (lambda: answer({"error": f"@all {SECRET}"}, 500), "has answered 500 (Internal Server Error)"),
        (lambda: answer({"error": "late"}, 408), "has answered 408 (Request Timeout)"),
        (lambda: answer({"error": "away"}, 520), "has answered 520"),
        (lambda: web.Response(status=502, body=b"<html>", content_type="text/html"), "has answered 502 (Bad Gateway)"),
    ],
)
async def test_what_is_no_answer(register: Register, door: Door, response: Any, how: str) -> None:
    register.answers(*(response() for _ in range(4)))
    with pytest.raises(Unanswered) as unanswered:
        await door.get("/x")
    assert not isinstance(unanswered.value, MayHaveHappened)
    assert unanswered.value.how.partition(" (perhaps")[0] == how
    assert len(register.received) == 3
    with pytest.raises(MayHaveHappened) as unknown:
        await door.send("POST", "/x", {})
    assert unknown.value.how == unanswered.value.how
    assert len(register.received) == 4


async def test_a_problem_in_its_own_json_is_read(register: Register, door: Door) -> None:
    register.answers(
        web.Response(status=400, body=b'{"error": "why"}', headers={"Content-Type": "application/problem+json"})
    )
    with pytest.raises(Invalid, match="why"):
        await door.get("/x")


async def test_an_answer_without_end_is_left(register: Register, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST", 1000)
    register.answers(*(answer("x" * 2000) for _ in range(3)))
    with pytest.raises(Unanswered, match="of a size that can be read") as unanswered:
        await door.get("/x")
    assert unanswered.value.how == "has given answers that are too large to be read"


async def test_a_pause_that_is_asked_for(register: Register, door: Door, clock: Ticking) -> None:
    register.answers(answer({}, 503, Retry_After="90"), answer({}, 503, Retry_After="90"))
    with pytest.raises(Unanswered) as unanswered:
        await door.get("/x")
    assert unanswered.value.until == clock() + timedelta(seconds=90)
    with pytest.raises(MayHaveHappened) as unknown:
        await door.send("POST", "/x", {})
    assert unknown.value.until == clock() + timedelta(seconds=90)


async def test_a_limit(register: Register, door: Door, clock: Ticking) -> None:
    register.answers(answer({}, 429), answer({}, 429, Retry_After="1"), answer({"done": True}))
    with pytest.raises(NotDone) as limited:
        await door.send("POST", "/x", {})
    assert limited.value.until == clock() + timedelta(seconds=60)
    assert limited.value.how == "has limited how often Countersign may ask (429)"
    # It was not done, so that a short wait may be followed by the same write.
    assert await door.send("POST", "/x", {}) == {"done": True}


async def test_nobody_listens(
    register: Register, session: aiohttp.ClientSession, clock: Ticking, unused_tcp_port: int
) -> None:
    door = Door(SPEECH, f"http://127.0.0.1:{unused_tcp_port}", session, clock, chance=lambda: 0.0)
    with pytest.raises(NotDone, match=r"^The register, which cannot be reached$") as away:
        await door.send("POST", "/x", {})
    assert away.value.how == "has not been reachable"


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (aiohttp.SocketTimeoutError(), "has not answered in time"),
        (TimeoutError(), "has not answered in time"),
        (aiohttp.ServerDisconnectedError(), "has broken off its answers"),
        (aiohttp.ClientPayloadError(), "has broken off its answers"),
        (ConnectionResetError(), "has broken off its answers"),
    ],
)
async def test_who_is_late_is_told_from_who_breaks_off(
    session: aiohttp.ClientSession, door: Door, monkeypatch: pytest.MonkeyPatch, error: Exception, how: str
) -> None:
    def request(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(session, "_request", request)
    with pytest.raises(Unanswered) as unanswered:
        await door.get("/x")
    assert unanswered.value.how == how


# Redirects.


async def test_a_redirect_at_home_is_followed_by_a_read(register: Register, door: Door) -> None:
    register.answers(web.Response(status=302, headers={"Location": "/new?a=1"}), answer({"a": 1}))
    assert await door.get("/x", {"q": "1"}) == {"a": 1}
    assert [target for _, target, _, _ in register.received] == ["/x?q=1", "/new?a=1"]


async def test_a_write_is_not_sent_where_it_would_become_a_read(register: Register, door: Door) -> None:
    register.answers(
        web.Response(status=302, headers={"Location": "/login.do"}),
        web.Response(status=307, headers={"Location": "/new"}),
        answer({"a": 1}),
        web.Response(status=302),
    )
    with pytest.raises(Refusal, match="elsewhere"):
        await door.send("POST", "/x", {"b": 1})
    assert await door.send("POST", "/x", {"b": 1}) == {"a": 1}
    assert register.received[2][:2] == ("POST", "/new")
    assert register.received[2][3] == b'{"b": 1}'
    with pytest.raises(Refusal, match="elsewhere"):
        await door.get("/x")


@pytest.mark.parametrize(
    "target",
    ["{elsewhere}/x", "//{host}/x", "https://{home}/x", "http://a:b@{home}/x", "file:///etc/passwd", "http://["],
)
async def test_no_redirect_takes_the_credentials_elsewhere(
    register: Register, elsewhere: Register, door: Door, target: str
) -> None:
    location = target.format(elsewhere=elsewhere.url, host=elsewhere.url[7:], home=register.url[7:])
    for method in ("GET", "POST"):
        register.answers(web.Response(status=307, headers={"Location": location}))
        with pytest.raises(Refusal, match="sends Countersign to another address"):
            await (door.get("/x") if method == "GET" else door.send("POST", "/x", {}))
    assert elsewhere.received == []
    assert len(register.received) == 2


async def test_a_circle_ends(register: Register, door: Door) -> None:
    register.answers(*(web.Response(status=307, headers={"Location": "/x"}) for _ in range(9)))
    with pytest.raises(Unanswered, match="from one address to the next") as lost:
        await door.get("/x")
    assert lost.value.how == "has sent Countersign from one address to the next"
    assert len(register.received) == 9


def test_a_name_stays_in_its_place() -> None:
    assert route("/change/{id}/x", id="a/../b?c") == "/change/a%2F..%2Fb%3Fc/x"
    for name in ("", ".", ".."):
        with pytest.raises(Refusal, match="There is no change record whose id"):
            route("/change/{id}", id=name)
