import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.errors import Refusal, Transient
from bot.github.client import AT_ONCE, GitHub, InstallationClient, graphql_url, route
from bot.github.errors import (
    Forbidden,
    Invalid,
    MayHaveHappened,
    NotFound,
    NotSent,
    RateLimited,
    Unanswered,
    Unauthorized,
)
from bot.github.lanes import Lane
from bot.github.permissions import READ, WRITE
from tests.unit.github.conftest import INSTALLATION, Api, Received, Reply, Ticking, Way, in_an_hour, limits

PERSON = Lane.PERSON
RUNS = "/repos/acme/ledger/check-runs"
BUSY = Reply(502, {"message": "Server Error"})


# Addresses.


@pytest.mark.parametrize(
    ("api_url", "expected"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghes.example/api/v3", "https://ghes.example/api/graphql"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
    ],
)
def test_where_graphql_is(api_url: str, expected: str) -> None:
    assert graphql_url(api_url) == expected


async def test_a_server_of_ones_own_is_asked_below_its_path(api: Api, github: GitHub) -> None:
    home = api.url
    github.credentials = type(github.credentials)(4711, "", f"{home}/api/v3")
    api.answer(Reply(body={}), Reply(body={"data": {}}))
    client = github.installation(INSTALLATION)
    await client.get("/repos/acme/ledger", lane=PERSON)
    await client.query("q", {}, lane=PERSON)
    assert api.targets == ["GET /api/v3/repos/acme/ledger", "POST /api/graphql"]
    assert api.asked_for_tokens[0].target == "/api/v3/app/installations/7/access_tokens"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ledger", "/repos/acme/ledger/x"),
        ("../../app", "/repos/acme/..%2F..%2Fapp/x"),
        ("a?b=c", "/repos/acme/a%3Fb%3Dc/x"),
        ("a#b", "/repos/acme/a%23b/x"),
        ("%2e%2e", "/repos/acme/%252e%252e/x"),
        ("a b", "/repos/acme/a%20b/x"),
        ("{x}", "/repos/acme/%7Bx%7D/x"),
        ("ä", "/repos/acme/%C3%A4/x"),
        ("...", "/repos/acme/.../x"),
        ("dependabot[bot]", "/repos/acme/dependabot%5Bbot%5D/x"),
    ],
)
async def test_a_name_stays_in_its_place(api: Api, client: InstallationClient, name: str, expected: str) -> None:
    path = route("/repos/{owner}/{repo}/x", owner="acme", repo=name)
    assert path == expected
    api.answer(Reply(body={}))
    await client.get(path, lane=PERSON)
    (target,) = api.targets
    # What aiohttp sends may spell it otherwise; it means the same place.
    assert URL(api.url + target.removeprefix("GET "), encoded=True).parts == ("/", "repos", "acme", name, "x")


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_means_another_place_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match=f"GitHub has nothing whose repo is '{name}'."):
        route("/repos/{owner}/{repo}/x", owner="acme", repo=name)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(min_value=1))
def test_no_name_leaves_its_place(name: str, number: int) -> None:
    try:
        path = route("/repos/{owner}/pulls/{number}", owner=name, number=number)
    except Refusal:
        assert name in {".", ".."}
        return
    address = URL("https://api.github.com" + path)
    assert address.parts == ("/", "repos", name, "pulls", str(number))
    assert (address.host, address.query_string, address.fragment) == ("api.github.com", "", "")


# Tokens.


async def test_reads_and_writes_have_tokens_of_their_own(api: Api, client: InstallationClient) -> None:
    api.answer(Reply(body={}), Reply(body={"data": {}}), Reply(201, {}), Reply(body={}))
    await client.get("/x", lane=PERSON)
    await client.query("q", {}, lane=PERSON)
    await client.post(RUNS, {}, lane=PERSON)
    await client.patch(f"{RUNS}/1", {}, lane=PERSON)
    assert [each.body for each in api.asked_for_tokens] == [{"permissions": READ}, {"permissions": WRITE}]
    assert "write" not in READ.values()
    assert [each.authorization[:16] for each in api.received] == ["token ghs_4711_1"] * 2 + ["token ghs_4711_2"] * 2
    assert {each.authorization.split(" ")[0] for each in api.asked_for_tokens} == {"bearer"}


async def test_a_hundred_readers_need_one_token(api: Api, client: InstallationClient) -> None:
    api.respond = lambda _: Reply(body={})
    api.hold = 0.001
    await asyncio.gather(*(client.get(f"/{each}", lane=PERSON) for each in range(100)))
    assert len(api.asked_for_tokens) == 1
    assert len(api.received) == 100


async def test_not_too_much_is_asked_at_once(api: Api, client: InstallationClient) -> None:
    api.respond = lambda _: Reply(201, {})
    await client.get("/0", lane=PERSON)
    api.hold = 0.02
    await asyncio.gather(*(client.get(f"/{each}", lane=PERSON) for each in range(3 * AT_ONCE)))
    assert api.busiest == AT_ONCE
    api.busiest = 0
    await asyncio.gather(*(client.post(RUNS, {}, lane=PERSON) for _ in range(5)))
    assert api.busiest == 1


async def test_a_token_that_was_revoked_is_replaced_once(api: Api, client: InstallationClient) -> None:
    api.answer(Reply(body={}), Reply(401, {"message": "Bad credentials"}), Reply(201, {"id": 1}), Reply(201, {"id": 2}))
    await client.get("/x", lane=PERSON)
    assert await client.post(RUNS, {}, lane=PERSON) == {"id": 1}
    assert await client.post(RUNS, {}, lane=PERSON) == {"id": 2}
    assert [each.authorization[:16] for each in api.received[1:]] == [
        "token ghs_4711_2",
        "token ghs_4711_3",
        "token ghs_4711_3",
    ]


async def test_a_second_refusal_is_an_error(api: Api, client: InstallationClient) -> None:
    api.respond = lambda _: Reply(401, {"message": "Bad credentials"})
    with pytest.raises(Unauthorized, match="Bad credentials"):
        await client.get("/x", lane=PERSON)
    assert len(api.received) == 2
    assert len(api.asked_for_tokens) == 2


async def test_revoked_under_many_it_is_replaced_once_for_all(api: Api, client: InstallationClient) -> None:
    def respond(received: Received) -> Reply:
        return Reply(401, {}) if "ghs_4711_1." in received.authorization else Reply(body={})

    api.respond = respond
    api.hold = 0.01
    await asyncio.gather(*(client.get(f"/{each}", lane=PERSON) for each in range(50)))
    assert len(api.asked_for_tokens) == 2


async def test_without_a_token_nothing_was_sent(api: Api, client: InstallationClient) -> None:
    api.tokens.extend([BUSY] * 3)
    with pytest.raises(Transient) as waiting:
        await client.post(RUNS, {}, lane=PERSON)
    assert not isinstance(waiting.value, Unanswered | NotSent)
    assert (len(api.asked_for_tokens), api.received) == (3, [])
    api.answer(Reply(201, {}))
    await client.post(RUNS, {}, lane=PERSON)


async def test_an_installation_that_is_gone_is_told(api: Api, client: InstallationClient) -> None:
    api.tokens.append(Reply(404, {"message": "Not Found"}))
    with pytest.raises(NotFound, match="knows no POST /app/installations/7/access_tokens"):
        await client.get("/x", lane=PERSON)


async def test_a_server_without_merge_queues_gives_a_token_without(api: Api, client: InstallationClient) -> None:
    api.tokens.append(Reply(422, {"message": "The permissions requested are not granted to this installation."}))
    granted = {key: level for key, level in READ.items() if key != "merge_queues"}
    api.answer(Reply(body={"id": INSTALLATION, "permissions": granted}), Reply(body={"name": "ledger"}))
    assert await client.get("/repos/acme/ledger", lane=PERSON) == {"name": "ledger"}
    assert api.targets == ["GET /app/installations/7", "GET /repos/acme/ledger"]
    assert api.asked_for_tokens[1].body == {"permissions": granted}


# Doing it again.


@pytest.mark.parametrize("reply", [BUSY, Reply(way=Way.CUT), Reply(200, b"{")])
async def test_a_write_that_may_have_happened_is_not_sent_again(
    api: Api, client: InstallationClient, reply: Reply
) -> None:
    api.answer(reply, reply)
    with pytest.raises(MayHaveHappened):
        await client.post(RUNS, {}, lane=PERSON, creates=True)
    with pytest.raises(MayHaveHappened):
        await client.patch(f"{RUNS}/1", {}, lane=PERSON, idempotent=False)
    assert api.targets == [f"POST {RUNS}", f"PATCH {RUNS}/1"]


@pytest.mark.parametrize("reply", [BUSY, Reply(way=Way.CUT), Reply(200, b"{")])
async def test_what_does_no_harm_twice_is_sent_again(api: Api, client: InstallationClient, reply: Reply) -> None:
    api.answer(reply, reply, Reply(201, {"id": 1}), reply, reply, Reply(body={"id": 2}))
    assert await client.post("/reactions", {}, lane=PERSON, idempotent=True) == {"id": 1}
    assert await client.patch(f"{RUNS}/1", {}, lane=PERSON) == {"id": 2}
    api.answer(reply, reply, reply)
    with pytest.raises(Unanswered):
        await client.patch(f"{RUNS}/1", {}, lane=PERSON)
    assert len(api.received) == 9


async def test_a_read_is_repeated(api: Api, client: InstallationClient) -> None:
    api.answer(BUSY, BUSY, Reply(body={"name": "ledger"}), BUSY, Reply(body={"data": {"viewer": 1}}))
    assert await client.get("/x", lane=PERSON) == {"name": "ledger"}
    assert (await client.query("q", {}, lane=PERSON)).data == {"viewer": 1}
    api.answer(BUSY, BUSY, BUSY)
    with pytest.raises(Unanswered, match="it answered 502 to GET /x"):
        await client.get("/x", lane=PERSON)


async def test_a_query_is_repeated_when_graphql_stumbles(api: Api, client: InstallationClient) -> None:
    api.answer(Reply(body={"data": None, "errors": [{"message": "Something went wrong"}]}), Reply(body={"data": {}}))
    assert (await client.query("q", {}, lane=PERSON)).data == {}
    api.answer(Reply(body={"errors": [{"message": "no", "extensions": {"code": "undefinedField"}}]}))
    with pytest.raises(Invalid):
        await client.query("q", {}, lane=PERSON)


@pytest.mark.parametrize("status", [403, 429])
async def test_a_short_limit_is_waited_for_in_place(api: Api, client: InstallationClient, status: int) -> None:
    api.answer(Reply(status, {}, {"Retry-After": "0"}), Reply(status, {}, {"Retry-After": "1"}), Reply(201, {"id": 1}))
    assert await client.post(RUNS, {}, lane=PERSON) == {"id": 1}
    assert len(api.received) == 3


@pytest.mark.parametrize("status", [403, 429])
async def test_a_longer_one_goes_back_to_whoever_asked(api: Api, client: InstallationClient, status: int) -> None:
    api.answer(Reply(status, {}, {"Retry-After": "3"}))
    with pytest.raises(RateLimited) as limited:
        await client.post(RUNS, {}, lane=PERSON)
    assert timedelta(seconds=2) < limited.value.until - client.github.clock() <= timedelta(seconds=3)
    assert len(api.received) == 1


async def test_a_limit_is_not_waited_for_without_end(api: Api, client: InstallationClient) -> None:
    api.respond = lambda _: Reply(429, {}, {"Retry-After": "0"})
    with pytest.raises(RateLimited):
        await client.get("/x", lane=PERSON)
    assert len(api.received) == 3


async def test_what_was_not_sent_is_sent_again(client: InstallationClient) -> None:
    attempts = 0

    async def once() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise NotSent("GitHub")
        return "sent"

    assert await client.github.attempts(once, repeatable=False) == "sent"
    attempts = -1
    with pytest.raises(NotSent):
        await client.github.attempts(once, repeatable=False)
    assert attempts == 2


@pytest.mark.parametrize(
    ("reply", "kind"), [(Reply(403, {}), Forbidden), (Reply(404, {}), NotFound), (Reply(410, {}), NotFound)]
)
async def test_a_refusal_is_not_repeated(
    api: Api, client: InstallationClient, reply: Reply, kind: type[Exception]
) -> None:
    api.answer(reply)
    with pytest.raises(kind):
        await client.get("/x", lane=PERSON)
    assert len(api.received) == 1


async def test_a_lane_waits_before_anything_is_sent(api: Api, client: InstallationClient, clock: Ticking) -> None:
    reset = clock() + timedelta(minutes=30)
    api.respond = lambda _: Reply(body={}, headers=limits(400, limit=5000, reset=reset))
    await client.get("/x", lane=Lane.SWEEP)
    for lane in (Lane.SWEEP, Lane.TIMER, Lane.DEPLOYMENT):
        with pytest.raises(RateLimited) as limited:
            await client.get("/x", lane=lane)
        assert limited.value.until == reset.replace(microsecond=0)
    assert len(api.received) == 1
    await client.get("/x", lane=PERSON)


# Reading.


async def test_what_is_not_there_is_none(api: Api, client: InstallationClient) -> None:
    api.answer(Reply(404, {"message": "Not Found"}), Reply(body={"id": 1}), Reply(403, {}))
    assert await client.get_or_none("/x", lane=PERSON) is None
    assert await client.get_or_none("/x", lane=PERSON, params={"ref": "refs/heads/a&b"}) == {"id": 1}
    assert api.targets[1] == "GET /x?ref=refs/heads/a%26b"
    with pytest.raises(Forbidden):
        await client.get_or_none("/x", lane=PERSON)


async def test_a_query_is_sent_with_its_variables(api: Api, client: InstallationClient) -> None:
    errors = [{"type": "NOT_FOUND", "path": ["organization"], "message": "no"}]
    api.answer(Reply(body={"data": {"organization": None, "viewer": 1}, "errors": errors}))
    found = await client.query("query Q($a: String!) { x }", {"a": "b"}, lane=PERSON)
    assert api.last.body == {"query": "query Q($a: String!) { x }", "variables": {"a": "b"}}
    assert (found.data["viewer"], found.problems[0].type) == (1, "NOT_FOUND")


def paged(api: Api, pages: int, key: str | None = None) -> None:
    """Answer with that many pages of two items."""

    def respond(received: Received) -> Reply:
        query = URL(received.target).query
        number = int(query.get("page", "1"))
        following = URL(api.url + received.target).update_query(page=number + 1)
        items = [f"{number}a", f"{number}b"]
        link = {"Link": f'<{following}>; rel="next", <{api.url}>; rel="last"'} if number < pages else {}
        return Reply(body=items if key is None else {"total_count": 2 * pages, key: items}, headers=link)

    api.respond = respond


@pytest.mark.parametrize("key", [None, "check_runs"])
async def test_pages_are_followed_to_the_end(api: Api, client: InstallationClient, key: str | None) -> None:
    paged(api, 3, key)
    page = await client.get_pages("/x", key=key, lane=PERSON, params={"filter": "all", "per_page": "1"})
    assert (page.items, page.truncated) == (("1a", "1b", "2a", "2b", "3a", "3b"), False)
    assert api.targets == [
        "GET /x?filter=all&per_page=100",
        "GET /x?filter=all&per_page=100&page=2",
        "GET /x?filter=all&per_page=100&page=3",
    ]


async def test_a_list_that_goes_on_is_told_to_be_truncated(api: Api, client: InstallationClient) -> None:
    paged(api, 3)
    page = await client.get_pages("/x", key=None, lane=PERSON, most_pages=2)
    assert (page.items, page.truncated) == (("1a", "1b", "2a", "2b"), True)
    assert len(api.received) == 2
    assert not (await client.get_pages("/x", key=None, lane=PERSON, most_pages=3)).truncated


@pytest.mark.parametrize(
    ("answer", "key"),
    [({"total_count": 1, "check_runs": [1]}, None), ([1], "check_runs"), ({}, "check_runs"), ({"x": None}, "x")],
)
async def test_what_is_no_list_is_no_empty_one(
    api: Api, client: InstallationClient, answer: object, key: str | None
) -> None:
    api.answer(Reply(body=answer))
    with pytest.raises(Unanswered, match="a list of GitHub that can be read"):
        await client.get_pages("/x", key=key, lane=PERSON)


# As the App.


async def test_the_app_speaks_for_itself(api: Api, github: GitHub) -> None:
    api.answer(Reply(body={"slug": "countersign"}), Reply(body={"id": 3, "guid": "a"}))
    assert (await github.app().me())["slug"] == "countersign"
    assert (await github.app().delivery(3))["guid"] == "a"
    assert api.targets == ["GET /app", "GET /app/hook/deliveries/3"]
    assert {each.authorization for each in api.received} == {f"bearer {github._app_tokens.token()}"}


async def test_its_lists_are_read_to_the_end(api: Api, github: GitHub) -> None:
    paged(api, 2)
    assert await github.app().installations() == ["1a", "1b", "2a", "2b"]
    assert [page async for page in github.app().failed_deliveries()] == [["1a", "1b"], ["2a", "2b"]]
    assert api.targets == [
        "GET /app/installations?per_page=100",
        "GET /app/installations?per_page=100&page=2",
        "GET /app/hook/deliveries?status=failure&per_page=100",
        "GET /app/hook/deliveries?status=failure&per_page=100&page=2",
    ]


async def test_a_reader_may_stop_early(api: Api, github: GitHub) -> None:
    paged(api, 2)
    async for page in github.app().failed_deliveries():
        assert page == ["1a", "1b"]
        break
    assert len(api.received) == 1


async def test_the_app_has_a_budget_of_its_own(api: Api, github: GitHub, clock: Ticking) -> None:
    reset = clock() + timedelta(minutes=30)
    api.answer(Reply(body={}, headers=limits(0, reset=reset)), Reply(body={}))
    await github.app().me()
    with pytest.raises(RateLimited):
        await github.app().me()
    # Without one the App could ask for no token either.
    api.tokens.append(Reply(201, {"token": "x", "expires_at": in_an_hour()}))
    with pytest.raises(RateLimited):
        await github.installation(INSTALLATION).get("/x", lane=PERSON)


def test_an_installation_has_one_client(github: GitHub) -> None:
    assert github.installation(7) is github.installation(7)
    assert github.installation(7).budget is not github.installation(8).budget


async def test_tokens_are_renewed_while_they_still_live(api: Api, client: InstallationClient, clock: Ticking) -> None:
    api.respond = lambda _: Reply(body={})
    seen: list[Mapping[str, Any]] = []
    for minutes in (0, 54, 56):
        clock.ahead = timedelta(minutes=minutes)
        await client.get("/x", lane=PERSON)
        seen.append(api.last.headers)
    assert [each["Authorization"][:16] for each in seen] == ["token ghs_4711_1"] * 2 + ["token ghs_4711_2"]
