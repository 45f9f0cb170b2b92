"""Each way in which GitHub can fail: what arrives, and whether it was done."""

from collections import Counter

import aiohttp
import pytest

from bot.sandbox import Fault
from bot.sandbox.faults import AFTER, BEFORE, KINDS
from tests.contract.asking import Client
from tests.contract.story import House

SHOP = "/repos/house/shop"
RUN = f"{SHOP}/check-runs"


async def write(client: Client, house: House) -> object:
    """Create a check run; the error, when nothing was answered."""
    try:
        return await client.ask("POST", RUN, {"name": "control", "head_sha": house.pull.head_sha})
    except (aiohttp.ClientError, ValueError) as error:
        return error


@pytest.mark.parametrize(
    ("kind", "status", "header"),
    [
        ("5xx", 503, None),
        ("403-secondary", 403, ("Retry-After", "7")),
        ("429", 429, ("Retry-After", "7")),
        ("403-primary", 403, ("X-RateLimit-Remaining", "0")),
        ("401", 401, None),
        ("html-502", 502, ("Content-Type", "text/html; charset=utf-8")),
    ],
)
async def test_what_is_refused_is_not_done(
    client: Client, house: House, kind: str, status: int, header: tuple[str, str] | None
) -> None:
    client.github.faults.add(Fault("POST .*/check-runs", kind, seconds=7))
    assert (await client.ask("GET", SHOP)).status == 200
    refused = await client.ask("POST", RUN, {"name": "control", "head_sha": house.pull.head_sha})
    assert refused.status == status
    if header is not None:
        assert refused.headers[header[0]] == header[1]
    assert house.repository.check_runs == []
    assert client.github.faults.met == [(kind, f"POST {RUN}")]
    assert (await client.ask("POST", RUN, {"name": "control", "head_sha": house.pull.head_sha})).status == 201


@pytest.mark.parametrize(("kind", "done"), [("cut-before", 0), ("cut-after", 1), ("truncated-json", 1)])
async def test_an_answer_that_never_came_says_nothing_of_what_was_done(
    client: Client, house: House, kind: str, done: int
) -> None:
    client.github.faults.add(Fault("check-runs", kind))
    assert isinstance(await write(client, house), Exception)
    assert len(house.repository.check_runs) == done


async def test_a_slow_answer_is_an_answer(client: Client, house: House) -> None:
    client.github.faults.add(Fault("check-runs", "slow", seconds=0.05))
    answer = await client.ask("POST", RUN, {"name": "control", "head_sha": house.pull.head_sha})
    assert answer.status == 201


async def test_an_answer_without_a_body_is_cut_where_it_would_be_truncated(client: Client, house: House) -> None:
    client.github.faults.add(Fault("deployment_protection_rule", "truncated-json"))
    with pytest.raises(aiohttp.ClientError):
        await client.ask("POST", house.waiting.callback_url, {"environment_name": "production", "state": "approved"})
    assert house.waiting.state == "approved"


async def test_a_query_can_fail_too(client: Client) -> None:
    client.github.faults.add(Fault("graphql", "5xx", times=2))
    query = 'query { organization(login: "house") { login } }'
    assert [(await client.query(query)).status for _ in range(3)] == [503, 503, 200]
    assert client.github.faults.met == [("5xx", "POST /graphql")] * 2


async def test_faults_come_at_random_in_the_share_and_order_of_their_seed(client: Client, house: House) -> None:
    async def shares(seed: int) -> list[int]:
        client.github.faults.at_random(0.5, seed, ("5xx", "429"))
        statuses = [(await client.ask("GET", SHOP)).status for _ in range(60)]
        client.github.faults.clear()
        return statuses

    first, again, other = await shares(1), await shares(1), await shares(2)
    assert first == again != other
    counted = Counter(first)
    assert counted.keys() == {200, 429, 503}
    assert 15 <= counted[200] <= 45
    assert (await client.ask("GET", SHOP)).status == 200


def test_there_are_ten_faults_and_no_others() -> None:
    assert BEFORE.isdisjoint(AFTER)
    assert len(KINDS) == 10
    with pytest.raises(ValueError, match="earthquake is no fault"):
        Fault(".", "earthquake")
