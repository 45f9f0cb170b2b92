"""Countersign connected to the simulated GitHub: when it is at rest, and what it tells of itself."""

import pytest

from bot.sandbox import Fault, SimulatedGitHub
from bot.sandbox.rehearsal import rehearsal


async def test_it_is_at_rest_when_everything_that_was_asked_for_is_done(database_url: str) -> None:
    async with (
        SimulatedGitHub.start(webhook_secret="s") as github,
        rehearsal(github, database_url, "s") as running,
    ):
        house = github.organisation("house")
        ann = house.person("ann")
        pull = house.repository("shop").open_pull_request(by=ann, title="One", files={"one.txt": "1\n"})
        await running.settle()
        assert pull.check("change-control") is not None
        assert running.store is running.parts.store
        assert ("countersign:decision:made", f"pull:{pull.repository.id}:1") in await running.ledger()
        assert await running.rows("SELECT %s::int + 1", 1) == [(2,)]
        await running.stop_worker()
        await running.stop_worker()
        pull.comment(by=ann, body="/recheck")
        with pytest.raises(TimeoutError):
            await running.settle(within=0.5)
        await running.start_worker()
        await running.settle()


async def test_without_a_worker_webhooks_are_received_all_the_same(database_url: str) -> None:
    async with (
        SimulatedGitHub.start(webhook_secret="s") as github,
        rehearsal(github, database_url, "s", with_worker=False) as running,
    ):
        github.faults.add(Fault(".", "5xx"))
        github.organisation("house")
        await github.settle()
        assert github.deliveries[-1].status_code == 202
        assert await running.ledger()
        assert github.faults.met == []
    assert github.webhooks.target is None
