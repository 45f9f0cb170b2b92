"""What may be asked in an hour, what is said of it, and what costs nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.limits import Limits
from tests.contract.asking import Answered, Client, Watch
from tests.contract.story import House

SHOP = "/repos/house/shop"
CHEAP = 'query { repository(owner: "house", name: "shop") { name } }'
DEAR = """query { organization(login: "house") { repositories(first: 100) { nodes { pullRequests(first: 50) { nodes {
    number reviews(first: 1) { totalCount } } } } } } }"""


def told(answer: Answered) -> tuple[str, ...]:
    """What the headers say: limit, remaining, used, resource."""
    return tuple(answer.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Used", "Resource"))


async def test_every_answer_says_what_is_left(client: Client, watch: Watch) -> None:
    assert told(await client.ask("GET", SHOP)) == ("15000", "14999", "1", "core")
    missing = await client.ask("GET", f"{SHOP}/pulls/99")
    assert (missing.status, told(missing)) == (404, ("15000", "14998", "2", "core"))
    assert told(await client.query(CHEAP)) == ("10000", "9999", "1", "graphql")
    reset = datetime.fromtimestamp(int(missing.headers["X-RateLimit-Reset"]), UTC)
    assert reset == watch.now + timedelta(hours=1)


async def test_a_query_costs_a_point_for_each_hundred_requests_of_its_connections(client: Client) -> None:
    first = await client.query(CHEAP)
    # One list of repositories, 100 lists of pull requests, 5,000 lists of reviews.
    dear = await client.query(DEAR)
    assert first.left - dear.left == 51
    assert client.github.counts.points == 52
    assert client.github.counts.graphql == 2


async def test_nothing_is_answered_when_nothing_is_left(client: Client, watch: Watch) -> None:
    client.github.limits = Limits(core=2, graphql=1)
    for _ in range(2):
        assert (await client.ask("GET", SHOP)).status == 200
    refused = await client.ask("GET", SHOP)
    assert (refused.status, refused.message) == (403, "API rate limit exceeded for installation.")
    assert told(refused) == ("2", "0", "2", "core")
    assert "Retry-After" not in refused.headers
    assert (await client.query(CHEAP)).problems() == []
    exhausted = await client.query(CHEAP)
    assert (exhausted.status, exhausted.problems(), told(exhausted)) == (
        200,
        ["RATE_LIMIT"],
        ("1", "0", "1", "graphql"),
    )
    watch.forward(minutes=59)
    assert (await client.ask("GET", SHOP)).status == 403
    watch.forward(minutes=1)
    renewed = client.narrowed(client.github.organisation("house"))
    assert (await renewed.ask("GET", SHOP)).status == 200
    assert (await renewed.query(CHEAP)).problems() == []


async def test_every_installation_has_its_own_allowance(client: Client) -> None:
    client.github.limits = Limits(core=1)
    other = client.github.organisation("other")
    other.repository("theirs")
    assert (await client.ask("GET", SHOP)).status == 200
    assert (await client.ask("GET", SHOP)).status == 403
    assert (await client.narrowed(client.github.organisation("house")).ask("GET", SHOP)).status == 403
    assert (await client.narrowed(other).ask("GET", "/repos/other/theirs")).status == 200
    assert (await client.as_app().ask("GET", "/app")).status == 200


async def test_asking_for_the_limits_costs_nothing(client: Client) -> None:
    await client.ask("GET", SHOP)
    for answer in [await client.ask("GET", "/rate_limit") for _ in range(2)]:
        assert answer.body["resources"]["core"] == {
            "limit": 15_000,
            "remaining": 14_999,
            "used": 1,
            "reset": int(answer.headers["X-RateLimit-Reset"]),
        }
        assert answer.body["rate"] == answer.body["resources"]["core"]
        assert answer.body["resources"]["graphql"]["limit"] == 10_000


async def test_what_has_not_changed_is_not_sent_again_and_costs_nothing(client: Client, house: House) -> None:
    first = await client.ask("GET", SHOP)
    again = await client.ask("GET", SHOP, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.left == first.left
    house.repository.push("main", by=house.ann, files={"new.txt": "1\n"})
    house.repository.archive()
    changed = await client.ask("GET", SHOP, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status, changed.left) == (200, first.left - 1)
    assert changed.headers["ETag"] != first.headers["ETag"]


async def test_a_tag_means_nothing_to_another_token(client: Client, house: House) -> None:
    first = await client.ask("GET", SHOP)
    other = client.narrowed(house.organisation)
    answer = await other.ask("GET", SHOP, headers={"If-None-Match": first.headers["ETag"]})
    assert (answer.status, answer.body) == (200, first.body)
    assert answer.headers["ETag"] != first.headers["ETag"]
    accepting = await client.ask("GET", SHOP, headers={"Accept": "application/json"})
    assert accepting.headers["ETag"] != first.headers["ETag"]


async def test_only_what_was_read_and_found_has_a_tag(client: Client, house: House) -> None:
    assert "ETag" not in (await client.ask("GET", f"{SHOP}/pulls/99")).headers
    assert "ETag" not in (await client.query(CHEAP)).headers
    run = {"name": "control", "head_sha": house.pull.head_sha}
    assert "ETag" not in (await client.ask("POST", f"{SHOP}/check-runs", run)).headers


async def test_requests_are_counted(client: Client, house: House) -> None:
    await client.ask("GET", SHOP)
    await client.ask("POST", f"{SHOP}/check-runs", {"name": "control", "head_sha": house.pull.head_sha})
    counts = client.github.counts
    assert (counts.rest, counts.writes, counts.graphql) == (2, 1, 0)
    ids = {(await client.ask("GET", SHOP)).headers["X-GitHub-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.fixture
async def server() -> AsyncIterator[SimulatedGitHub]:
    async with SimulatedGitHub.start(webhook_secret="", ghes=True) as github:
        yield github


async def test_a_server_of_ones_own_has_no_limits(server: SimulatedGitHub) -> None:
    organisation = server.organisation("house")
    queued = organisation.repository("shop", merge_queue=True)
    assert server.api_url.endswith("/api/v3")
    async with Client.of(server, organisation) as client:
        answer = await client.ask("GET", SHOP)
        assert (answer.status, [name for name in answer.headers if name.startswith("X-RateLimit")]) == (200, [])
        assert answer.body["url"] == f"{server.api_url}{SHOP}"
        assert (await client.ask("GET", "/rate_limit")).status == 404
        root = server.api_url.removesuffix("/v3")
        asked = await client.ask("POST", f"{root}/graphql", {"query": CHEAP})
        assert asked.body == {"data": {"repository": {"name": "shop"}}}
    assert queued.merge_queue is None
    assert organisation.installation is not None
    assert "merge_queues" not in organisation.installation.permissions
    assert "merge_group" not in organisation.installation.events
