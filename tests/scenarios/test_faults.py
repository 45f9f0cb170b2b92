"""What a fault does: the same final state, later; never red because of us or GitHub, never green without facts."""

import asyncio
import io

import aiohttp
import psycopg
import pytest

from bot.publish.effects import CHECK
from bot.queue import Urgency, Wish, want
from bot.queue.sweep import DELIVERIES, INSTALLATIONS
from bot.sandbox import Fault, SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import POLICY, Bank, come_due, shown, told

GREEN = ("success", "Passed: 2 of 2 approvals, none by a contributor")


async def sweep(
    countersign: Rehearsal, bank: Bank, *, rounds: tuple[str, ...] = ("deliveries", "installation")
) -> None:
    """Have the rounds of the sweep now that would come within the hour."""
    async with countersign.store.transaction() as connection:
        if "deliveries" in rounds:
            await want(connection, [Wish(DELIVERIES, Urgency.SWEEP), Wish(INSTALLATIONS, Urgency.SWEEP)])
        if "installation" in rounds:
            await connection.execute(
                "UPDATE subject SET due = now() WHERE key = %s", [f"installation:{bank.org.installation_id}"]
            )
    await asyncio.sleep(0.2)
    await countersign.settle()


async def fetch_failed(countersign: Rehearsal) -> None:
    """Have the round of the sweep now that fetches from GitHub's log what was not delivered."""
    async with countersign.store.transaction() as connection:
        await want(connection, [Wish(DELIVERIES, Urgency.SWEEP)])
    await asyncio.sleep(0.2)
    await countersign.settle()


async def test_deliveries_that_failed_are_fetched_from_the_log(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    pull = bank.change()
    await countersign.settle()
    gh.deliver_to("http://127.0.0.1:9/webhook")
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    comment = pull.comment(by=bank.alice, body="/recheck")
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    gh.deliver_to(f"{countersign.address}/webhook")
    await sweep(countersign, bank, rounds=("deliveries",))
    assert shown(pull) == GREEN
    assert [reaction.content for reaction in comment.reactions] == ["eyes", "+1"]


async def test_what_no_event_announced_is_found(countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank) -> None:
    await countersign.settle()
    gh.webhooks.lose(lambda _event: True)
    pull = bank.approved_change()
    await countersign.settle()
    assert pull.check(CHECK) is None
    await sweep(countersign, bank)
    assert shown(pull) == GREEN


async def test_doubled_deliveries_change_nothing(countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank) -> None:
    gh.webhooks.double(lambda _event: True)
    pull = bank.approved_change()
    pull.comment(by=bank.alice, body="/help")
    await countersign.settle()
    assert shown(pull) == GREEN
    assert len([each for each in pull.comments if "/recheck" in each.body]) == 1


async def test_late_and_reordered_deliveries_end_the_same(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    await countersign.settle()
    gh.webhooks.pause()
    pull = bank.change()
    pull.review(by=bank.bob, state="APPROVED")
    pull.push(by=bank.alice, files={"ledger.py": "balance = 9\n"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    gh.webhooks.shuffle(seed=7)
    gh.webhooks.resume()
    await countersign.settle()
    assert shown(pull) == GREEN


async def test_an_oversized_delivery_is_refused_and_the_sweep_closes_the_gap(
    countersign: Rehearsal, bank: Bank
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{countersign.address}/webhook", data=io.BytesIO(b"x" * (26 * 1024 * 1024))) as answer,
    ):
        assert answer.status == 413
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == GREEN


async def test_while_the_database_is_away_nothing_is_accepted_and_nothing_lost(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank, database_url: str, database_server: str
) -> None:
    pull = bank.change()
    await countersign.settle()
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    async with await psycopg.AsyncConnection.connect(database_server, autocommit=True) as server:
        await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        pull.review(by=bank.bob, state="APPROVED")
        pull.review(by=bank.carol, state="APPROVED")
        await gh.settle()
        failed = [each for each in gh.deliveries if each.event == "pull_request_review"]
        assert {each.status_code for each in failed} == {503}
        await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await asyncio.sleep(1.0)
    await sweep(countersign, bank, rounds=("deliveries",))
    assert shown(pull) == GREEN


@pytest.mark.parametrize(
    "kind", ["5xx", "403-secondary", "429", "401", "cut-before", "cut-after", "truncated-json", "html-502"]
)
@pytest.mark.parametrize("match", ["graphql", "check-runs"])
async def test_a_failing_github_is_asked_again(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank, kind: str, match: str
) -> None:
    await countersign.settle()
    gh.faults.add(Fault(match=match, kind=kind, times=2))
    pull = bank.approved_change()
    await countersign.settle(within=60)
    assert shown(pull) == GREEN
    runs = [check for check in bank.ledger.check_runs if check.name == CHECK and check.head_sha == pull.head_sha]
    assert len(runs) == 1, "an effect was doubled"


async def test_the_check_stays_as_it_was_while_github_does_not_answer(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    gh.faults.add(Fault(match="graphql", kind="5xx", times=1_000_000))
    pull.comment(by=bank.alice, body="Anything new?")
    pull.push(by=bank.alice, files={"ledger.py": "balance = 10\n"})
    await gh.settle()
    await asyncio.sleep(1.0)
    checks = [check for check in bank.ledger.check_runs if check.name == CHECK]
    assert [check.conclusion for check in checks] == ["success"], "on the old commit only, and nothing red"
    assert checks[0].head_sha != pull.head_sha
    ((waiting,),) = await countersign.rows("SELECT waiting_for FROM subject WHERE kind = 'pull'")
    assert "GitHub" in waiting
    gh.faults.clear()
    await come_due(countersign, "kind = 'pull'")
    assert shown(pull)[0] == "action_required"


async def test_a_team_that_cannot_be_read_blocks_and_is_named(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    bank = Bank.found(gh, policy=POLICY.replace("northbank/appsec", "northbank/nobody"))
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "northbank/nobody" in told(pull)


async def test_a_forged_delivery_is_refused_and_counted(countersign: Rehearsal) -> None:
    headers = {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": "sha256=" + "0" * 64}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{countersign.address}/webhook", data=b"{}", headers=headers) as answer,
    ):
        assert answer.status == 401
    await countersign.parts.refusals.flush()
    assert ("github:delivery:refused", "webhook") in await countersign.ledger()


@pytest.mark.parametrize("act", ["uninstall", "suspend"])
async def test_an_installation_that_is_closed_is_not_served(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank, act: str
) -> None:
    bank.change()
    await countersign.settle()
    getattr(bank.org, act)()
    await countersign.settle()
    assert await countersign.rows("SELECT DISTINCT finished FROM subject WHERE kind = 'pull'") == [(True,)]
    before = gh.counts.rest
    bank.change("balance = 12\n", branch="late")
    await countersign.settle()
    assert gh.counts.rest == before
