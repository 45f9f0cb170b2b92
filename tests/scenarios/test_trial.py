"""Another policy is tried on what was decided, before it is in force."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import cli
from bot.clock import utc_now
from bot.decide.verdict import Verdict
from bot.errors import Refusal
from bot.sandbox.rehearsal import Rehearsal
from bot.trial import history
from bot.trial.candidate import Candidate
from tests.scenarios.bank import POLICY, Bank

LOOSER = POLICY.replace("medium:\n    approvals: [{count: 2", "medium:\n    approvals: [{count: 1")
STRICTER = POLICY.replace("medium:\n    approvals: [{count: 2", "medium:\n    approvals: [{count: 3")


async def run(url: str, *arguments: str) -> tuple[int, str]:
    """The command line, on the database of the story."""
    answer = await asyncio.to_thread(CliRunner().invoke, cli, list(arguments), env={"DATABASE_URL": url})
    if isinstance(answer.exception, Refusal):
        raise answer.exception
    return answer.exit_code, answer.stdout


def written(folder: Path, text: str) -> str:
    file = folder / "countersign.yml"
    file.write_text(text, encoding="utf-8")
    return str(file)


async def test_a_looser_policy_says_which_change_would_pass_that_did_not(
    countersign: Rehearsal, bank: Bank, database_url: str, tmp_path: Path
) -> None:
    waiting = bank.change()
    waiting.review(by=bank.bob, state="APPROVED")
    other = bank.ledger.open_pull_request(by=bank.alice, title="Other", files={"b": "1"})
    await countersign.settle()
    status, said = await run(database_url, "policy", "backtest", written(tmp_path, LOOSER))
    assert status == 0
    assert f"northbank/ledger#{waiting.number}: wait would be pass" in said
    assert "approvals: wait would be pass (1 of 1 approval)" in said
    assert f"#{other.number}" not in said
    assert said.endswith("2 decisions of 90 days tried: 1 would differ, of which 1 would pass that did not.\n")


async def test_a_stricter_policy_takes_a_pass_away(
    countersign: Rehearsal, bank: Bank, database_url: str, tmp_path: Path
) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    status, said = await run(
        database_url, "policy", "simulate", f"northbank/ledger#{pull.number}", written(tmp_path, STRICTER)
    )
    assert status == 0
    assert "pass would be wait" in said
    assert "The policy demands 3 approvals" in said
    status, said = await run(
        database_url, "policy", "simulate", f"northbank/ledger#{pull.number}", written(tmp_path, POLICY)
    )
    assert said.startswith("It would be decided in the same way.")


async def test_a_repositorys_file_is_tried_over_the_organisations(
    countersign: Rehearsal, bank: Bank, database_url: str, tmp_path: Path
) -> None:
    bank.approved_change()
    await countersign.settle()
    own = "version: 1\ntiers: {medium: {approvals: [{count: 3, from: [write]}]}}\n"
    file = written(tmp_path, own)
    _, there = await run(database_url, "policy", "backtest", file, "--repository", "northbank/ledger")
    assert "1 decision of 90 days tried: 1 would differ" in there
    with pytest.raises(Refusal, match="No decision about a change of northbank/vault is on record"):
        await run(database_url, "policy", "backtest", file, "--repository", "northbank/vault")


async def test_every_decision_can_be_tried_in_this_process_too(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    await countersign.settle()
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    store, since = countersign.store, utc_now() - timedelta(days=1)
    outcome = await history.backtest(store, Candidate(LOOSER, "new"), since=since, every=True)
    assert outcome.tried == 2
    assert [(each.was, each.would, each.loosens) for each in outcome.differences] == [
        (Verdict.WAIT, Verdict.PASS, True)
    ]


async def test_no_more_is_read_than_can_soon_be_tried(
    countersign: Rehearsal, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls = [
        bank.ledger.open_pull_request(by=bank.alice, title=f"Other {number}", files={f"{number}": "1"})
        for number in range(4)
    ]
    await countersign.settle()
    monkeypatch.setattr(history, "BATCH", 1)
    monkeypatch.setattr(history, "AHEAD", 2)
    tried, since = list[int](), utc_now() - timedelta(days=1)
    outcome = await history.backtest(
        countersign.store, Candidate(STRICTER, "new"), since=since, every=False, processes=1, progress=tried.append
    )
    assert outcome.tried == len(pulls)
    assert tried == [1, 1, 1, 1]


async def test_a_policy_that_cannot_be_used_is_refused_with_its_lines(
    countersign: Rehearsal, bank: Bank, database_url: str, tmp_path: Path
) -> None:
    bank.change()
    await countersign.settle()
    file = written(tmp_path, "version: 1\nmoed: enforce\n")
    status, said = await run(database_url, "policy", "backtest", file)
    assert status == 1
    assert "Did you mean `mode`?" in said
    with pytest.raises(Refusal, match="cannot be used"):
        await run(database_url, "policy", "simulate", "northbank/ledger#1", file, "--repository", "northbank/ledger")


async def test_what_was_decided_is_explained_and_the_policy_shown(
    countersign: Rehearsal, bank: Bank, database_url: str, tmp_path: Path
) -> None:
    pull = bank.change(co_authors=[bank.bob])
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    status, said = await run(database_url, "policy", "explain", f"northbank/ledger#{pull.number}")
    assert status == 0
    assert "contributed to the change: co-author" in said
    status, said = await run(database_url, "policy", "show", "northbank/ledger")
    assert status == 0
    assert "name: ledger" in said
    status, said = await run(database_url, "policy", "show", "a/b", "--file", written(tmp_path, LOOSER))
    assert status == 0
    assert "count: 1" in said
    with pytest.raises(Refusal):
        await run(database_url, "policy", "explain", "northbank/ledger#99")
    for asked in ("northbank/nothing", "rubbish"):
        assert (await run(database_url, "policy", "explain", asked))[0] == 2
    with pytest.raises(Refusal, match="Nothing was decided"):
        await run(database_url, "policy", "show", "northbank/nothing")
