"""The report for the access review, from what GitHub says now."""

import asyncio
import json
import os
import sys

import pytest

from bot.__main__ import main
from bot.reports.form import Format
from bot.reports.separation import gather, written
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests import database
from tests.scenarios.bank import Bank


async def test_who_can_write_could_contribute_and_approve_and_a_team_that_is_gone_is_told(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.change()
    await countersign.settle()
    assert countersign.parts.github is not None
    report = await gather(countersign.store, countersign.parts.github)
    assert {each.person for each in report.conflicts} >= {"@alice", "@bob", "@carol", "@dana", "@erin"}
    assert {each.roles for each in report.conflicts} == {("approver", "contributor")}
    assert report.gaps == ()
    bank.ledger.revoke(bank.carol)
    bank.appsec.delete()
    report = await gather(countersign.store, countersign.parts.github)
    assert "@carol" not in {each.person for each in report.conflicts}
    assert "the team northbank/appsec" in written(report, Format.TABLE)


def _command_line(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["countersign", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


async def test_the_command_line_writes_it(
    countersign: Rehearsal,
    gh: SimulatedGitHub,
    bank: Bank,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bank.change()
    await countersign.settle()
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", database.as_url(database_url))
    assert await asyncio.to_thread(_command_line, monkeypatch, "report", "separation") == 1
    assert "The report asks GitHub. Set GITHUB_APP_ID" in capsys.readouterr().err
    monkeypatch.setenv("GITHUB_APP_ID", str(gh.app_id))
    monkeypatch.setenv("GITHUB_PRIVATE_KEY", gh.private_key_pem)
    monkeypatch.setenv("GITHUB_API_URL", gh.api_url)
    assert await asyncio.to_thread(_command_line, monkeypatch, "report", "separation", "--format", "json") == 0
    written_out = json.loads(capsys.readouterr().out)
    assert written_out["not_known"] == []
    assert {each["repository"] for each in written_out["conflicts"]} == {"northbank/ledger"}
