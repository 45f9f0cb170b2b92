from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.errors import Refusal
from bot.github.client import Credentials, GitHub, InstallationClient, connect
from bot.github.errors import MayHaveHappened, NotFound, NotSent, RateLimited, Unanswered, Unauthorized
from bot.github.lanes import Lane
from bot.github.transport import ACCEPT, API_VERSION, TIMEOUT
from tests.unit.github.conftest import APP_ID, INSTALLATION, Api, Reply, Ticking, Way, free_port, limits

PERSON = Lane.PERSON
RUNS = "/repos/acme/ledger/check-runs"


async def test_every_request_is_pinned(api: Api, client: InstallationClient, github: GitHub) -> None:
    api.answer(Reply(body={}), Reply(201, {"id": 1}), Reply(body={}), Reply(body={"data": {}}), Reply(body={}))
    await client.get("/repos/acme/ledger", lane=PERSON)
    await client.post(RUNS, {"name": "change-control"}, lane=PERSON)
    await client.patch(f"{RUNS}/1", {"name": "change-control"}, lane=PERSON)
    await client.query("query { viewer { login } }", {}, lane=PERSON)
    await github.app().me()
    assert len(api.received) == 5
    for each in [*api.received, *api.asked_for_tokens]:
        assert each.headers["Accept"] == ACCEPT == "application/vnd.github+json"
        assert each.headers["X-GitHub-Api-Version"] == API_VERSION == "2022-11-28"
        assert each.headers["User-Agent"] == "countersign"
        assert "Cookie" not in each.headers


async def test_a_body_is_json_and_a_read_has_none(api: Api, client: InstallationClient) -> None:
    api.answer(Reply(201, {"id": 1}), Reply(body={}))
    assert await client.post(RUNS, {"name": "prüfung"}, lane=PERSON) == {"id": 1}
    assert api.last.headers["Content-Type"] == "application/json; charset=utf-8"
    assert api.last.body == {"name": "prüfung"}
    await client.get("/repos/acme/ledger", lane=PERSON)
    assert api.last.content == b""


async def test_a_session_has_limits_of_time_and_keeps_no_cookies(private_key: str, clock: Ticking) -> None:
    assert (TIMEOUT.total, TIMEOUT.connect, TIMEOUT.sock_read) == (15, 5, 10)
    async with connect(Credentials(APP_ID, private_key), clock=clock) as github:
        assert github.session.timeout == TIMEOUT
        assert isinstance(github.session.cookie_jar, aiohttp.DummyCookieJar)
        session = github.session
        github.observe("core", "GET", 200)
    assert session.closed


async def test_what_was_counted_is_told(api: Api, private_key: str, clock: Ticking) -> None:
    counted: list[tuple[str, str, int]] = []
    api.answer(Reply(body={}), Reply(404), Reply(body={"data": {}}))
    credentials = Credentials(APP_ID, private_key, api.url)

    def observe(resource: str, method: str, status: int) -> None:
        counted.append((resource, method, status))

    async with connect(credentials, clock=clock, observe=observe) as github:
        client = github.installation(INSTALLATION)
        await client.get("/a", lane=PERSON)
        assert await client.get_or_none("/b", lane=PERSON) is None
        await client.query("query { viewer { login } }", {}, lane=PERSON)
    assert counted == [("core", "POST", 201), ("core", "GET", 200), ("core", "GET", 404), ("graphql", "POST", 200)]


async def test_what_did_not_answer_is_counted_too(
    client: InstallationClient, api: Api, github: GitHub, logged: list[Any]
) -> None:
    counted: list[tuple[str, str, int]] = []
    github.observe = lambda *what: counted.append(what)
    api.answer(Reply(way=Way.CUT))
    with pytest.raises(MayHaveHappened):
        await client.post(RUNS, {}, lane=PERSON)
    assert counted[-1] == ("core", "POST", 0)
    assert [line for line in logged if line["event"] == "github_unanswered"] == [
        {
            "event": "github_unanswered",
            "log_level": "warning",
            "method": "POST",
            "path": RUNS,
            "error": "ServerDisconnectedError",
        }
    ]


# Other hosts.


@pytest.mark.parametrize(
    "address",
    [
        "{elsewhere}/repos/acme/ledger",
        "http://user@{host}/x",
        "https://{host}/x",
        "{url}@evil.example/x",
        "http://{host}.evil.example/x",
        "file:///etc/passwd",
    ],
)
async def test_another_address_is_sent_nothing(
    api: Api, elsewhere: Api, client: InstallationClient, address: str
) -> None:
    names = {"elsewhere": elsewhere.url, "host": api.url[7:], "url": api.url}
    api.respond = elsewhere.respond = lambda _: Reply(body={})
    path = address.format_map(names)
    with pytest.raises(Refusal, match="sends nothing to"):
        await client.get(path, lane=PERSON)
    assert api.received == elsewhere.received == []


async def test_what_begins_like_a_host_is_a_path(api: Api, elsewhere: Api, client: InstallationClient) -> None:
    api.answer(Reply(body={}))
    await client.get(f"//{elsewhere.url[7:]}/repos", lane=PERSON)
    assert api.targets == [f"GET /{elsewhere.url[7:]}/repos"]


async def test_an_absolute_address_at_home_is_asked(api: Api, client: InstallationClient) -> None:
    api.answer(Reply(body={"id": 21}))
    assert await client.get(f"{api.url}/repositories/21", lane=PERSON) == {"id": 21}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_to_another_host_is_not_followed(
    api: Api, elsewhere: Api, client: InstallationClient, status: int
) -> None:
    api.answer(*[Reply(status, headers={"Location": f"{elsewhere.url}/x"})] * 2)
    with pytest.raises(Refusal, match=f"sends nothing to {elsewhere.url}/x"):
        await client.get("/repos/acme/ledger", lane=PERSON)
    with pytest.raises(Refusal):
        await client.post(RUNS, {}, lane=PERSON)
    assert elsewhere.received == []


async def test_the_next_page_on_another_host_is_not_read(api: Api, elsewhere: Api, client: InstallationClient) -> None:
    api.answer(Reply(body=[1], headers={"Link": f'<{elsewhere.url}/x?page=2>; rel="next"'}))
    with pytest.raises(Refusal, match="sends nothing to"):
        await client.get_pages("/x", key=None, lane=PERSON)
    assert elsewhere.received == []


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_read_follows_a_repository_that_moved(api: Api, client: InstallationClient, status: int) -> None:
    api.answer(Reply(status, headers={"Location": "/repositories/21"}), Reply(body={"id": 21}))
    assert await client.get("/repos/acme/old", lane=PERSON) == {"id": 21}
    assert api.targets == ["GET /repos/acme/old", "GET /repositories/21"]
    assert api.last.authorization.startswith("token ghs_4711_1")


@pytest.mark.parametrize("status", [307, 308])
async def test_a_write_follows_what_keeps_it_a_write(api: Api, client: InstallationClient, status: int) -> None:
    location = f"{api.url}/repositories/21/check-runs"
    api.answer(Reply(status, headers={"Location": location}), Reply(201, {"id": 1}))
    assert await client.post(RUNS, {"name": "change-control"}, lane=PERSON) == {"id": 1}
    assert api.targets == [f"POST {RUNS}", "POST /repositories/21/check-runs"]
    assert api.last.body == {"name": "change-control"}


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_write_is_never_turned_into_a_read(api: Api, client: InstallationClient, status: int) -> None:
    api.answer(*[Reply(status, headers={"Location": "/elsewhere"})] * 2)
    with pytest.raises(Refusal, match=f"elsewhere \\({status}\\), where Countersign does not follow"):
        await client.post(RUNS, {}, lane=PERSON)
    with pytest.raises(Refusal):
        await client.patch(f"{RUNS}/1", {}, lane=PERSON)
    assert api.targets == [f"POST {RUNS}", f"PATCH {RUNS}/1"]


async def test_a_redirect_without_an_end_or_a_target_is_refused(api: Api, client: InstallationClient) -> None:
    api.respond = lambda _: Reply(302, headers={"Location": "/around"})
    with pytest.raises(Refusal, match="does not follow"):
        await client.get("/around", lane=PERSON)
    assert len(api.received) == 4
    api.respond = lambda _: Reply(302)
    with pytest.raises(Refusal, match="does not follow"):
        await client.get("/around", lane=PERSON)
    assert len(api.received) == 5


# Answers that cannot be read.

UNREADABLE = {
    "html with 200": Reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html"}),
    "html told to be JSON": Reply(200, b"<html>502</html>"),
    "nothing": Reply(200),
    "text": Reply(200, b"fine", {"Content-Type": "text/plain"}),
    "no type": Reply(200, b"{}", {"Content-Type": ""}),
    "truncated": Reply(200, b'{"id": 1'),
    "no UTF-8": Reply(200, b'{"id": "\xff"}'),
    "unknown characters": Reply(200, b"{}", {"Content-Type": "application/json; charset=klingon"}),
    "deep": Reply(200, b"[" * 100_000),
    "a limit that is no number": Reply(200, {}, {**limits(1, reset=Ticking()()), "X-RateLimit-Limit": "many"}),
    "a moment that cannot be": Reply(200, {}, {**limits(1, reset=Ticking()()), "X-RateLimit-Reset": "9" * 400}),
    "cut": Reply(way=Way.CUT),
    "half": Reply(200, {"id": 1}, way=Way.HALF),
    "not HTTP": Reply(way=Way.NOT_HTTP),
    "never": Reply(way=Way.NEVER),
    "html with 502": Reply(502, b"<html>Unicorn</html>", {"Content-Type": "text/html"}),
    "html with 502 told to be JSON": Reply(502, b"<html>Unicorn</html>"),
    "server error": Reply(500, {"message": "Server Error"}),
    "not modified": Reply(304),
    "a place that cannot be": Reply(307, headers={"Location": "http://[/x"}),
}


@pytest.mark.parametrize("reply", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_nobody_knows_what_github_did(api: Api, client: InstallationClient, reply: Reply) -> None:
    api.respond = lambda _: reply
    with pytest.raises(Unanswered) as unanswered:
        await client.get("/repos/acme/ledger", lane=PERSON)
    assert type(unanswered.value) is Unanswered
    # A connection that ends without an answer is tried once more by aiohttp itself, for reads.
    assert len(api.received) in {3, 4, 5, 6}
    before = len(api.received)
    with pytest.raises(MayHaveHappened):
        await client.post(RUNS, {}, lane=PERSON)
    assert len(api.received) == before + 1


async def test_an_answer_without_a_body_is_no_trouble_where_there_is_nothing_to_say(
    api: Api, client: InstallationClient
) -> None:
    api.answer(Reply(204))
    assert await client.patch(f"{RUNS}/1", {}, lane=PERSON) is None


async def test_a_server_that_is_not_there_was_sent_nothing(
    session: aiohttp.ClientSession, private_key: str, clock: Ticking
) -> None:
    credentials = Credentials(APP_ID, private_key, f"http://127.0.0.1:{free_port()}")
    github = GitHub(credentials, clock, session, chance=lambda: 0.0)
    with pytest.raises(NotSent, match="cannot be reached"):
        await github.app().me()


# What is logged.


async def test_githubs_request_id_is_logged(api: Api, client: InstallationClient, logged: list[Any]) -> None:
    api.answer(Reply(body={}, headers={"X-GitHub-Request-Id": "A:1"}), Reply(404, {}, {"X-GitHub-Request-Id": "A:2"}))
    await client.get("/a", lane=PERSON)
    with pytest.raises(NotFound):
        await client.get("/b", lane=PERSON)
    told = [(line["event"], line["request_id"]) for line in logged if line.get("request_id")]
    assert told == [("github_answered", "A:1"), ("github_answered", "A:2"), ("github_refused", "A:2")]
    refused = logged[-1]
    assert (refused["asked"], refused["kind"]) == ("GET /b", "NotFound")


async def test_no_secret_is_logged_shown_or_raised(
    api: Api, client: InstallationClient, github: GitHub, private_key: str, logged: list[Any]
) -> None:
    shown = []
    replies = [Reply(401), Reply(403, {"message": "no"}), *UNREADABLE.values()]
    for reply in replies:
        api.respond = lambda _, reply=reply: reply
        try:
            await client.post(RUNS, {}, lane=PERSON)
        except (Refusal, MayHaveHappened) as error:
            shown += [repr(error), str(error)]
    assert len(shown) == 2 * len(replies)
    everything = "\n".join([*shown, repr(logged), repr(github), repr(client), repr(github.credentials)])
    assert github._app_tokens.token() not in everything
    assert "ghs_" not in everything
    assert "BEGIN RSA" not in everything
    assert private_key.splitlines()[1] not in everything


# ETags.


async def test_what_did_not_change_is_read_from_memory(api: Api, client: InstallationClient, clock: Ticking) -> None:
    reset = clock() + timedelta(hours=1)
    link = f'<{api.url}/x?page=2>; rel="next"'
    api.answer(Reply(body=[1], headers={"ETag": '"a"', "Link": link, **limits(4000, reset=reset)}))
    api.answer(Reply(304, headers={"ETag": '"a"', **limits(4000, reset=reset)}))
    first = await client.get("/x", lane=PERSON)
    first.append("mine")
    assert await client.get("/x", lane=PERSON) == [1]
    assert "If-None-Match" not in api.received[0].headers
    assert api.received[1].headers["If-None-Match"] == '"a"'
    assert client.budget.remaining()["core"].remaining == 4000


async def test_the_next_page_is_remembered_too(api: Api, client: InstallationClient) -> None:
    link = f'<{api.url}/x?page=2>; rel="next"'
    first = Reply(body=[1], headers={"ETag": '"a"', "Link": link})
    second = Reply(body=[2], headers={"ETag": '"b"'})
    api.answer(first, second, Reply(304), Reply(304))
    for _ in range(2):
        assert (await client.get_pages("/x", key=None, lane=PERSON)).items == (1, 2)


async def test_a_new_answer_replaces_the_old(api: Api, client: InstallationClient) -> None:
    api.answer(*(Reply(body=[tag], headers={"ETag": tag}) for tag in "ab"), Reply(304))
    assert [await client.get("/x", lane=PERSON) for _ in range(3)] == [["a"], ["b"], ["b"]]
    assert [each.headers.get("If-None-Match") for each in api.received] == [None, "a", "b"]


async def test_another_installation_gets_nothing_of_it(api: Api, client: InstallationClient, github: GitHub) -> None:
    api.answer(Reply(body=[1], headers={"ETag": '"a"'}), Reply(body=[2]))
    await client.get("/x", lane=PERSON)
    assert await github.installation(8).get("/x", lane=PERSON) == [2]
    assert "If-None-Match" not in api.last.headers


async def test_writes_and_errors_are_not_remembered(api: Api, client: InstallationClient) -> None:
    api.answer(Reply(201, {}, {"ETag": '"a"'}), Reply(404, {}, {"ETag": '"b"'}), Reply(body={}))
    await client.post("/x", {}, lane=PERSON)
    assert await client.get_or_none("/x", lane=PERSON) is None
    await client.get("/x", lane=PERSON)
    assert "If-None-Match" not in api.last.headers


# Limits.


async def test_a_secondary_limit_stops_the_installation(api: Api, client: InstallationClient, github: GitHub) -> None:
    api.answer(Reply(403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "30"}))
    with pytest.raises(RateLimited) as limited:
        await client.get("/x", lane=PERSON)
    for attempt in (client.get("/y", lane=PERSON), client.query("q", {}, lane=PERSON)):
        with pytest.raises(RateLimited) as again:
            await attempt
        assert again.value.until == limited.value.until
    assert len(api.received) == 1
    api.answer(Reply(body={}))
    await github.installation(8).get("/x", lane=PERSON)


async def test_graphqls_limits_come_with_status_200(api: Api, client: InstallationClient, logged: list[Any]) -> None:
    errors = [{"message": "You have exceeded a secondary rate limit."}]
    api.answer(Reply(body={"errors": errors}, headers={"Retry-After": "30", "X-GitHub-Request-Id": "A:1"}))
    with pytest.raises(RateLimited) as limited:
        await client.query("q", {}, lane=PERSON)
    assert timedelta(seconds=20) < limited.value.until - client.github.clock() <= timedelta(seconds=30)
    assert (logged[-1]["event"], logged[-1]["request_id"]) == ("github_refused", "A:1")
    with pytest.raises(RateLimited):
        await client.get("/x", lane=PERSON)


async def test_a_primary_limit_stops_one_resource(api: Api, client: InstallationClient, clock: Ticking) -> None:
    reset = clock() + timedelta(minutes=20)
    api.answer(Reply(403, {"message": "API rate limit exceeded"}, limits(0, reset=reset)), Reply(body={"data": {}}))
    for _ in range(2):
        with pytest.raises(RateLimited) as limited:
            await client.get("/x", lane=PERSON)
        assert limited.value.until == reset.replace(microsecond=0)
    await client.query("q", {}, lane=PERSON)
    assert len(api.received) == 2


async def test_a_refused_app_is_told_with_the_remedy(api: Api, github: GitHub) -> None:
    api.answer(Reply(401, {"message": "A JSON web token could not be decoded"}))
    with pytest.raises(Unauthorized, match="could not be decoded") as refused:
        await github.app().me()
    assert "GITHUB_APP_ID" in refused.value.remedy
    assert len(api.received) == 1
