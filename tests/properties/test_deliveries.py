"""Any order, any loss that the delivery log makes good, any duplication: the same final state."""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.publish.effects import CHECK
from bot.queue import Urgency, Wish, want
from bot.queue.sweep import DELIVERIES
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from tests import database
from tests.scenarios.bank import SECRET, Bank

_ON_RECORD = re.compile(r"<details>.*?</details>", re.DOTALL)


@dataclass(frozen=True)
class Arrival:
    """How the deliveries of a story arrive: in which order, which of them twice, which not at all."""

    order: tuple[int, ...]
    doubled: frozenset[int]
    lost: frozenset[int]


def story(gh: SimulatedGitHub) -> Any:
    """A story with a stale approval, a co-author, a command, and somebody who leaves a team."""
    bank = Bank.found(gh)
    vault = bank.org.repository(
        "vault",
        files={"a": "1"},
        access={bank.alice: "write", bank.bob: "write", bank.dana: "read", bank.carol: "write"},
    )
    pull = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"}, co_authors=[bank.bob])
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.dana, state="APPROVED")
    pull.push(by=bank.alice, files={"a": "3"})
    pull.comment(by=bank.alice, body="/explain")
    pull.review(by=bank.dana, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    bank.appsec.remove(bank.dana)
    return pull


async def deliver(session: aiohttp.ClientSession, address: str, delivery: Any) -> None:
    body = delivery.payload
    headers = {
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Delivery": delivery.guid,
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }
    async with session.post(f"{address}/webhook", data=body, headers=headers) as answer:
        assert answer.status in {200, 202}


async def outcome(running: Rehearsal, pull: Any) -> dict[str, Any]:
    """Everything that people see in the end, and what is on record about who pushed."""
    check = pull.check(CHECK)
    found = {
        "state": [check.status, check.conclusion, check.title, check.summary],
        "text": _ON_RECORD.sub("", check.text),
        "comments": [comment.author.login for comment in pull.comments],
        "reactions": [[reaction.content for reaction in comment.reactions] for comment in pull.comments],
        "pushes": await running.rows(
            "SELECT DISTINCT ref, after, actor_id FROM push WHERE via <> 'activity' ORDER BY 1, 2"
        ),
    }
    histories = [each.history for each in pull.repository.world.repositories.values()]
    named = _named(found, [oid for history in histories for oid in history.commits])
    named["pushes"].sort(key=str)
    return named


def _named(value: dict[str, Any], commits: Iterable[str]) -> dict[str, Any]:
    """``value`` with a name for each commit: ids depend on the second in which a story is told."""
    text = json.dumps(value)
    for number, oid in enumerate(commits):
        text = text.replace(oid, f"commit-{number}").replace(oid[:7], f"commit-{number}")
    found: dict[str, Any] = json.loads(text)
    return found


async def told(url: str, arrival: Arrival | None) -> dict[str, Any]:
    """The outcome of the story when its deliveries arrive like this; as GitHub sends them when None."""
    async with SimulatedGitHub.start(webhook_secret=SECRET) as gh, rehearsal(gh, url, SECRET) as running:
        gh.deliver_to(None)
        pull = story(gh)
        await gh.settle()
        deliveries = list(gh.deliveries)
        chosen = arrival or Arrival(tuple(range(len(deliveries))), frozenset(), frozenset())
        async with aiohttp.ClientSession() as session:
            for place in chosen.order:
                delivery = deliveries[place % len(deliveries)]
                if place not in chosen.lost:
                    await deliver(session, running.address, delivery)
                if place in chosen.doubled:
                    await deliver(session, running.address, delivery)
        await running.settle()
        async with running.store.transaction() as connection:
            await want(connection, [Wish(DELIVERIES, Urgency.SWEEP)])
        await running.settle()
        await running.ledger()
        return await outcome(running, pull)


DELIVERED = 40
"""At least as many deliveries as the story has."""

arrivals = st.builds(
    Arrival,
    st.permutations(range(DELIVERED)).map(tuple),
    st.frozensets(st.integers(0, DELIVERED - 1)),
    st.frozensets(st.integers(0, DELIVERED - 1)),
)


def test_any_order_loss_and_duplication_ends_in_the_same_state(database_server: str, database_template: str) -> None:
    def outcome_of(arrival: Arrival | None) -> dict[str, Any]:
        with database.copy(database_server, database_template) as url:
            return asyncio.run(told(url, arrival))

    expected = outcome_of(None)
    assert expected["state"][1] == "action_required"

    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(arrivals)
    def same(arrival: Arrival) -> None:
        assert outcome_of(arrival) == expected

    same()
