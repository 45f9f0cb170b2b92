"""How webhooks arrive: signed, once or twice, late, in another order, or not at all; and what the log knows of it."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.app import listening
from bot.sandbox import SimulatedGitHub
from bot.sandbox.webhooks import PATIENCE, Delivery
from tests.contract.asking import Client
from tests.contract.story import SECRET, House

LOG = "/app/hook/deliveries"


@dataclass(slots=True)
class Receiver:
    """What arrived, and what is answered to it."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 202
    answer: str = ""

    @property
    def events(self) -> list[str]:
        """The events in the order of their arrival."""
        return [headers["X-GitHub-Event"] for headers, _ in self.got]

    @property
    def said(self) -> list[str]:
        """The comments in the order of their arrival."""
        return [json.loads(body)["comment"]["body"] for _, body in self.got]

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        if self.status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=self.status or 500, text=self.answer)


@pytest.fixture
async def receiver(github: SimulatedGitHub, house: House) -> AsyncIterator[Receiver]:
    """Hears everything that happens after the house was founded."""
    found = Receiver()
    app = web.Application()
    app.router.add_post("/webhook", found.take)
    async with listening(app, "127.0.0.1", 0) as port:
        await github.settle()
        github.deliver_to(f"http://127.0.0.1:{port}/webhook")
        yield found


def speak(house: House, *texts: str) -> None:
    for text in texts:
        house.pull.comment(by=house.ann, body=text)


async def test_a_delivery_is_signed_and_says_what_it_is(
    client: Client, house: House, receiver: Receiver, github: SimulatedGitHub
) -> None:
    speak(house, "Grüezi")
    await github.settle()
    ((headers, body),) = receiver.got
    assert headers["X-GitHub-Event"] == "issue_comment"
    assert headers["X-GitHub-Delivery"] == github.deliveries[-1].guid
    assert headers["X-Hub-Signature-256"] == f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"
    assert headers["X-GitHub-Hook-Installation-Target-Type"] == "integration"
    assert headers["X-GitHub-Hook-Installation-Target-ID"] == str(github.app_id)
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert "X-GitHub-Enterprise-Host" not in headers
    told = json.loads(body)
    assert (told["action"], told["sender"]["login"], told["organization"]["login"]) == ("created", "ann", "house")
    assert told["installation"]["id"] == house.organisation.installation_id
    assert "Grüezi".encode() in body


async def test_a_server_names_itself_in_its_deliveries(receiver: Receiver, github: SimulatedGitHub) -> None:
    async with SimulatedGitHub.start(webhook_secret=SECRET, ghes=True) as server:
        server.deliver_to(github.webhooks.target)
        server.organisation("house")
        await server.settle()
    assert receiver.got[-1][0]["X-GitHub-Enterprise-Version"] == "3.19.0"


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (202, "", "OK"),
        (200, "fine", "OK"),
        (302, "", "OK"),
        (401, "no", "Invalid HTTP Response: 401"),
        (503, "later", "Invalid HTTP Response: 503"),
        (0, "", "failed to connect to host"),
    ],
)
async def test_the_log_knows_what_was_answered(
    client: Client, house: House, receiver: Receiver, github: SimulatedGitHub, status: int, answer: str, told: str
) -> None:
    receiver.status, receiver.answer = status, answer
    speak(house, "Hello")
    await github.settle()
    newest = (await client.as_app().ask("GET", LOG)).body[0]
    assert (newest["event"], newest["action"], newest["status_code"]) == ("issue_comment", "created", status)
    assert newest["status"] == told
    assert newest["installation_id"] == house.organisation.installation_id
    assert newest["repository_id"] == house.repository.id
    whole = (await client.as_app().ask("GET", f"{LOG}/{newest['id']}")).body
    assert whole["request"]["payload"]["comment"]["body"] == "Hello"
    assert whole["request"]["headers"]["X-GitHub-Delivery"] == newest["guid"]
    assert whole["response"]["payload"] == (answer or None)
    failures = [each["id"] for each in (await client.as_app().ask("GET", f"{LOG}?status=failure&per_page=100")).body]
    assert (newest["id"] in failures) == (status == 0 or status >= 400)
    successes = [each["id"] for each in (await client.as_app().ask("GET", f"{LOG}?status=success")).body]
    assert (newest["id"] in successes) == (newest["id"] not in failures)


async def test_nobody_waits_for_an_answer_for_ever(house: House, receiver: Receiver, github: SimulatedGitHub) -> None:
    class Slow:
        """A session in which nothing is ever answered."""

        def post(self, *_args: Any, **_more: Any) -> Any:
            raise TimeoutError

    session, github.webhooks.session = github.webhooks.session, Slow()  # type: ignore[assignment]
    speak(house, "Hello")
    await github.settle()
    github.webhooks.session = None
    speak(house, "Anybody?")
    await github.settle()
    github.webhooks.session = session
    assert [each.status for each in github.deliveries[-2:]] == ["timed out", "failed to connect to host"]
    assert PATIENCE.total == 10


async def test_a_delivery_is_sent_again_from_the_log_under_its_guid(
    client: Client, house: House, receiver: Receiver, github: SimulatedGitHub
) -> None:
    receiver.status = 503
    speak(house, "Hello")
    await github.settle()
    receiver.status = 202
    app = client.as_app()
    failed = (await app.ask("GET", f"{LOG}?status=failure&per_page=1")).body[0]
    answer = await app.ask("POST", f"{LOG}/{failed['id']}/attempts")
    assert (answer.status, answer.body) == (202, {})
    await github.settle()
    first, second = receiver.got
    assert first[0]["X-GitHub-Delivery"] == second[0]["X-GitHub-Delivery"]
    assert first[1] == second[1]
    newest = (await app.ask("GET", LOG)).body[0]
    assert (newest["guid"], newest["redelivery"], newest["status_code"]) == (failed["guid"], True, 202)
    assert newest["id"] != failed["id"]
    assert (await app.ask("POST", f"{LOG}/1/attempts")).status == 404


async def test_the_log_is_read_page_by_page(client: Client, house: House, receiver: Receiver) -> None:
    speak(house, *map(str, range(5)))
    await house.github.settle()
    app = client.as_app()
    seen: list[int] = []
    path = f"{LOG}?per_page=10"
    while True:
        page = await app.ask("GET", path)
        seen += [each["id"] for each in page.body]
        if "Link" not in page.headers:
            break
        path = page.headers["Link"].partition(">")[0].removeprefix("<")
    assert seen == [each.id for each in reversed(house.github.deliveries)]
    assert len((await app.ask("GET", f"{LOG}?per_page=many")).body) == 30
    assert (await app.ask("GET", f"{LOG}?cursor=nonsense")).body == []


# What can befall them.


async def test_a_lost_delivery_is_in_the_log_as_failed(
    house: House, receiver: Receiver, github: SimulatedGitHub
) -> None:
    github.webhooks.lose(1)
    speak(house, "lost", "found")
    await github.settle()
    assert receiver.said == ["found"]
    assert [each.failed for each in github.deliveries[-2:]] == [True, False]


async def test_a_swallowed_delivery_is_in_no_log(house: House, receiver: Receiver, github: SimulatedGitHub) -> None:
    before = len(github.deliveries)
    github.webhooks.swallow(lambda delivery: b"never" in delivery.payload)
    speak(house, "never", "always")
    await github.settle()
    assert receiver.said == ["always"]
    assert len(github.deliveries) == before + 1


async def test_a_doubled_delivery_has_one_guid(house: House, receiver: Receiver, github: SimulatedGitHub) -> None:
    github.webhooks.double(1)
    speak(house, "twice", "once")
    await github.settle()
    assert sorted(receiver.said) == ["once", "twice", "twice"]
    assert len({headers["X-GitHub-Delivery"] for headers, _ in receiver.got}) == 2


async def test_a_delayed_delivery_comes_after_later_ones(
    house: House, receiver: Receiver, github: SimulatedGitHub
) -> None:
    github.webhooks.delay(0.2, lambda delivery: b"early" in delivery.payload)
    speak(house, "early", "late")
    assert not github.quiet
    await github.settle()
    assert receiver.said == ["late", "early"]


async def test_paused_deliveries_arrive_in_another_order(
    house: House, receiver: Receiver, github: SimulatedGitHub
) -> None:
    texts = [f"{number:02}" for number in range(12)]
    github.webhooks.pause()
    speak(house, *texts)
    await github.settle()
    assert receiver.said == []
    github.webhooks.shuffle(seed=7)
    github.webhooks.resume()
    await github.settle()
    assert sorted(receiver.said) == texts
    assert receiver.said != texts


async def test_a_pause_holds_what_was_to_be_sent_at_once(
    house: House, receiver: Receiver, github: SimulatedGitHub
) -> None:
    speak(house, "hold")
    github.webhooks.pause()
    await asyncio.wait_for(github.settle(), 1)
    assert receiver.said == []
    github.webhooks.resume()
    await github.settle()
    assert receiver.said == ["hold"]


async def test_what_is_on_its_way_is_dropped_at_the_end(
    house: House, receiver: Receiver, github: SimulatedGitHub
) -> None:
    github.webhooks.delay(60)
    speak(house, "never")
    await asyncio.sleep(0.05)
    await github.webhooks.close()
    assert receiver.said == []
    assert github.deliveries[-1].status is None


async def test_only_what_the_app_subscribed_to_is_sent(receiver: Receiver, github: SimulatedGitHub) -> None:
    async with SimulatedGitHub.start(webhook_secret=SECRET, events=["push"]) as other:
        seen: list[Delivery] = other.deliveries
        shop = other.organisation("house").repository("shop")
        shop.push("main", by=other.organisation("house").person("ann"), files={"a": "1\n"})
    assert {each.event for each in seen} == {"installation", "installation_repositories", "push", "check_suite"}


async def test_an_installation_that_is_suspended_hears_of_that_only(house: House, github: SimulatedGitHub) -> None:
    before = len(github.deliveries)
    house.organisation.suspend()
    speak(house, "unheard")
    house.organisation.unsuspend()
    told = [(each.event, each.action) for each in github.deliveries[before:]]
    assert told == [("installation", "suspend"), ("installation", "unsuspend")]
