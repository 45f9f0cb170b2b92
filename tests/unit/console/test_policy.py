"""``python -m bot policy …``: what it says, and its exit status."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from ruamel.yaml import YAML
from typer.testing import CliRunner

from bot.__main__ import cli
from bot.console import policy as console
from bot.decide.merge_group import decide_group
from bot.errors import Refusal
from bot.facts.model import MergeGroupFacts, PullRequestFacts
from bot.ledger.decisions import Made, record
from bot.queue import Subject, Urgency, Wish, want
from bot.store import Store
from tests.unit.builders import NOON, approved, oid, pull_request
from tests.unit.trial.test_candidate import FILE, LOOSER, then
from tests.unit.trial.test_history import decided_at, waiting

WORDS = """\
  high: {approvals: [{count: 2, from: [write]}], cool_down: 24 hours, verification: {from: [verifier], within: 4 hours}}
roles: {verifier: [acme/verification]}
separation: [{roles: [deployer, verifier], tiers: [high]}]
calendar: {freezes: [{name: tax season, from: 2027-01-24, to: 2027-02-01}]}
"""
BROKEN = "version: 1\nmoed: enforce\n"


@pytest.fixture(autouse=True)
def _log_lines_as_before() -> Iterator[None]:
    """The command line says where log lines go, for the whole process."""
    handlers, level, known = logging.root.handlers[:], logging.root.level, structlog.get_config()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**known)


def run(*arguments: str, url: str | None = None) -> tuple[int, str]:
    """The exit status of a command, and what it says."""
    answer = CliRunner().invoke(cli, ["policy", *arguments], env={"DATABASE_URL": url})
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, answer.stdout


async def ask(url: str, *arguments: str) -> tuple[int, str]:
    """The same, on a database, beside the test's own loop."""
    return await asyncio.to_thread(run, *arguments, url=url)


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(text: str | bytes, name: str = "countersign.yml") -> str:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    return write


async def on_record(store: Store, *changes: PullRequestFacts, at: datetime = NOON) -> None:
    """Pull requests of ``acme/ledger`` that were looked at and decided about."""
    for facts in changes:
        about = {"owner": "Acme", "name": "Ledger", "number": facts.number}
        async with store.transaction() as connection:
            await want(connection, [Wish(Subject(f"pull:77:{facts.number}", "pull", 7, about), Urgency.SWEEP)])
        await decided_at(store, facts, at)


# check


def test_a_good_file_passes_the_check(file: Any) -> None:
    path = file(FILE)
    assert run("check", path) == (0, f"{path}: nothing is wrong.\n")


def test_a_bad_file_is_told_at_its_line(file: Any) -> None:
    path = file(BROKEN)
    assert run("check", path) == (1, f"{path}:2:1: `moed` is not known here. Did you mean `mode`?\n")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(file: Any, tmp_path: Path, content: bytes | None) -> None:
    path = str(tmp_path / "none.yml") if content is None else file(content)
    with pytest.raises(Refusal, match="cannot be read"):
        run("check", path)


OWN = "version: 1\nmode: observe\ntiers:\n  medium: {approvals: [{count: 7, from: [security]}]}\n"
WITH_ROLES = FILE + "roles: {security: [acme/appsec]}\n"


def test_a_repositorys_file_is_checked_over_the_organisations(file: Any) -> None:
    above, own = file(WITH_ROLES), file(OWN.replace("mode: observe\n", ""), "own.yml")
    assert run("check", own, "--over", above, "--repository", "acme/ledger") == (0, f"{own}: nothing is wrong.\n")
    assert run("check", own)[0] == 1, "by itself it names a role that nobody has"


def test_what_would_loosen_is_wrong_and_told_at_its_line(file: Any) -> None:
    above, own = file(WITH_ROLES), file(OWN, "own.yml")
    sentence = "The organisation enforces its policy; a repository cannot only observe."
    assert run("check", own, "--over", above, "--repository", "acme/ledger") == (
        1,
        f"{own}:2:1: {sentence} The organisation's rule stays in force.\n",
    )


def test_what_is_wrong_in_the_organisations_file_is_told_with_it(file: Any) -> None:
    above, own = file(BROKEN), file("version: 1\nmoed: x\n", "own.yml")
    status, said = run("check", own, "--over", above, "--repository", "acme/ledger")
    assert status == 1
    assert [line.partition(":")[0] for line in said.splitlines()] == [above, own]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["check", "x.yml", "--over", "y.yml"], "name the repository with --repository"),
        (["check", "x.yml", "--repository", "acme/ledger"], "name the organisation's file with --over"),
        (["check", "x.yml", "--over", "y.yml", "--repository", "ledger"], "Name it as owner/name"),
        (["show", "ledger"], "Name it as owner/name"),
        (["show", "acme/led/ger"], "Name it as owner/name"),
        (["show", "ledger", "--file", "x.yml"], "Name it as owner/name"),
        (["show", "acme/ledger", "--own", "x.yml"], "name that with --file"),
        (["backtest", "x.yml", "--repository", "typo"], "Name it as owner/name"),
        (["simulate", "acme/ledger#7", "x.yml", "--repository", "acme/vault"], "name acme/ledger with --repository"),
        (["simulate", "acme/ledger", "x.yml"], "Name it as owner/name#number"),
        (["explain", "rubbish"], "Name it as owner/name#number"),
    ],
)
def test_wrong_use_says_what_to_name(arguments: list[str], remedy: str) -> None:
    answer = CliRunner().invoke(cli, ["policy", *arguments], env={"DATABASE_URL": "postgresql://127.0.0.1:9/none"})
    assert answer.exit_code == 2
    assert remedy in " ".join(answer.stderr.split())
    assert answer.stdout == ""


# show


def test_all_layers_are_shown_merged_without_what_is_not_said(file: Any) -> None:
    status, said = run("show", "acme/ledger", "--file", file(FILE))
    assert status == 0
    lines = said.splitlines()
    assert "mode: enforce" in lines
    assert "undecidable" not in said
    assert not [line for line in lines if line.endswith((": null", ": []", ": ''", ": {}"))]


def test_a_repositorys_file_is_laid_over_it(file: Any) -> None:
    own = file("version: 1\ntiers: {medium: {approvals: [{count: 7, from: [write]}]}}\n", "own.yml")
    _, without = run("show", "acme/ledger", "--file", file(FILE))
    status, said = run("show", "acme/ledger", "--file", file(FILE), "--own", own)
    assert status == 0
    assert ("count: 7" in said, "count: 7" in without) == (True, False)


def test_what_is_wrong_in_a_shown_file_is_told(file: Any) -> None:
    own = file("version: 1\nmode: observe\n", "own.yml")
    status, said = run("show", "acme/ledger", "--file", file(FILE), "--own", own)
    assert status == 1
    assert f"# {own}:2:" in said
    assert "The organisation's rule stays in force." in said
    assert run("check", file(said, "shown.yml"))[0] == 0, "what is shown is a file all the same"


async def test_what_is_in_force_is_that_of_the_latest_decision(store: Store, database_url: str) -> None:
    await on_record(store, waiting(7))
    status, said = await ask(database_url, "show", "ACME/ledger")
    assert status == 0
    assert "name: gold" in said
    with pytest.raises(Refusal, match="Nothing was decided in acme/vault yet") as refused:
        await ask(database_url, "show", "acme/vault")
    assert "--file" in refused.value.remedy


def test_a_policy_is_shown_in_the_words_of_its_file(file: Any) -> None:
    _, said = run("show", "acme/ledger", "--file", file(FILE + WORDS))
    assert run("check", file(said, "shown.yml"))[0] == 0
    shown = YAML(typ="safe", pure=True).load(said)
    assert shown["applications"][0] == {"name": "ledger", "repositories": ["ledger"], "tier": "medium"}
    assert shown["tiers"]["high"]["cool_down"] == "1 day"
    assert shown["tiers"]["high"]["verification"] == {"from": ["verifier"], "within": "4 hours"}
    assert shown["calendar"]["freezes"] == [{"name": "tax season", "from": "2027-01-24", "to": "2027-02-01"}]
    assert shown["separation"][-1] == {"roles": ["deployer", "verifier"], "tiers": ["high"]}
    assert said.startswith("# Made of:\n# built-in\n# ")
    assert "What cannot be said in one file" not in said


def test_what_has_no_place_in_a_file_is_told_beside_it(file: Any) -> None:
    own = file("version: 1\napplications: [{name: ledger, repositories: [ledger], tier: high}]\n", "own.yml")
    status, said = run("show", "acme/ledger", "--file", file(FILE), "--own", own)
    assert status == 0
    assert "# Changes of this repository are of tier high at least.\n" in said
    assert run("check", file(said, "shown.yml"))[0] == 0


# explain


async def test_a_decision_is_explained_without_markup(store: Store, database_url: str) -> None:
    await on_record(store, pull_request(reviews=[approved("ana"), approved("ben")]))
    status, said = await ask(database_url, "explain", "acme/ledger#7")
    assert status == 0
    assert said.startswith(f"acme/ledger#7 at {oid('head')[:7]}, decided 2026-03-02 12:00:00 UTC\ndecision ")
    assert "contributed to the change" in said
    assert not [mark for mark in ("<sub>", "**", "\\") if mark in said]


@pytest.mark.parametrize("asked", ["rubbish", "acme/ledger", "acme/ledger#seven", "acme/ledger#\u0667"])
def test_what_is_no_pull_request_is_wrong_use(asked: str) -> None:
    assert run("explain", asked)[0] == 2


async def test_a_pull_request_that_was_not_decided_about_is_refused(store: Store, database_url: str) -> None:
    async with store.transaction() as connection:
        about = {"owner": "acme", "name": "ledger", "number": 9}
        await want(connection, [Wish(Subject("pull:77:9", "pull", 7, about), Urgency.SWEEP)])
    for asked in ("acme/ledger#8", "acme/ledger#9"):
        with pytest.raises(Refusal, match="Nothing was decided about"):
            await ask(database_url, "explain", asked)


# simulate


async def test_another_policy_is_tried_on_one_pull_request(store: Store, database_url: str, file: Any) -> None:
    await on_record(store, waiting(7))
    status, said = await ask(database_url, "simulate", "acme/ledger#7", file(LOOSER))
    assert status == 0
    assert said.startswith(
        "acme/ledger#7: wait would be pass\n  approvals: wait would be pass (1 of 1 approval)\n\nThis is a change"
    )
    _, same = await ask(database_url, "simulate", "acme/ledger#7", file(FILE))
    assert same.startswith("It would be decided in the same way.\n\nThis is a change of tier medium")


async def test_a_difference_that_leaves_the_verdict_says_the_verdict_once(
    store: Store, database_url: str, file: Any
) -> None:
    await on_record(store, waiting(7))
    observing = file(FILE.replace("mode: enforce", "mode: observe"))
    _, said = await ask(database_url, "simulate", "acme/ledger#7", observing)
    assert said.startswith("acme/ledger#7: wait\n  mode enforce would be observe\n")


async def test_a_candidate_with_problems_is_told_before_anything_is_read(file: Any) -> None:
    path = file(BROKEN)
    told = (1, f"{path}:2:1: `moed` is not known here. Did you mean `mode`?\n")
    assert await asyncio.to_thread(run, "simulate", "acme/ledger#7", path, url="postgresql://127.0.0.1:9/none") == told
    assert await asyncio.to_thread(run, "backtest", path, url="postgresql://127.0.0.1:9/none") == told


async def test_a_repositorys_candidate_may_need_what_is_above_it(store: Store, database_url: str, file: Any) -> None:
    await on_record(store, waiting(7))
    with pytest.raises(Refusal, match="cannot be used"):
        await ask(database_url, "simulate", "acme/ledger#7", file(BROKEN), "--repository", "acme/ledger")


async def test_a_group_of_the_merge_queue_is_not_simulated(store: Store, database_url: str, file: Any) -> None:
    group = MergeGroupFacts(waiting(7).repository, "main", oid("group"), (waiting(7),))
    about = {"owner": "acme", "name": "ledger", "number": 7}
    made = Made("pull:77:7", group, then(), decide_group(group, then(), NOON), NOON)
    async with store.transaction() as connection:
        await want(connection, [Wish(Subject("pull:77:7", "pull", 7, about), Urgency.SWEEP)])
        await record(connection, made, new_id=uuid4())
    with pytest.raises(Refusal, match="acme/ledger#7 is no pull request"):
        await ask(database_url, "simulate", "acme/ledger#7", file(FILE))


# backtest


async def test_another_policy_is_tried_on_the_record(
    store: Store, database_url: str, file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    for number in (7, 8, 9):
        await on_record(store, waiting(number), at=now - timedelta(days=number))
    status, said = await ask(database_url, "backtest", file(LOOSER), "--days", "8")
    assert status == 0
    assert "#9" not in said
    assert said.startswith("acme/ledger#7: wait would be pass\n  approvals")
    assert said.endswith("\n1 decision of 8 days tried: 1 would differ, of which 1 would pass that did not.\n")
    monkeypatch.setattr(console, "MOST_TOLD", 2)
    _, more = await ask(database_url, "backtest", file(LOOSER))
    assert more.endswith(
        "and 1 more\n3 decisions of 90 days tried: 3 would differ, of which 3 would pass that did not.\n"
    )
    assert more.count("wait would be pass\n") == 2


async def test_every_decision_is_tried_where_that_is_asked_for(store: Store, database_url: str, file: Any) -> None:
    now = datetime.now(UTC)
    await on_record(store, waiting(7), at=now - timedelta(hours=2))
    await on_record(store, pull_request(), at=now - timedelta(hours=1))
    _, last = await ask(database_url, "backtest", file(FILE))
    _, every = await ask(database_url, "backtest", file(FILE), "--every")
    assert last == "1 decision of 90 days tried: 0 would differ, of which 0 would pass that did not.\n"
    assert every.startswith("2 decisions of 90 days tried")


async def test_a_repository_of_which_nothing_is_on_record_is_refused(
    store: Store, database_url: str, file: Any
) -> None:
    await on_record(store, waiting(7), at=datetime.now(UTC))
    with pytest.raises(Refusal, match="No decision about a change of acme/typo is on record") as refused:
        await ask(database_url, "backtest", file(FILE), "--repository", "acme/typo")
    assert "--over" in refused.value.remedy


async def test_a_repositorys_file_is_tried_with_what_of_it_would_hold(
    store: Store, database_url: str, file: Any
) -> None:
    await on_record(store, waiting(7), at=datetime.now(UTC))
    own = file("version: 1\nmode: observe\ntiers: {medium: {approvals: [{count: 7, from: [write]}]}}\n", "own.yml")
    told = f"{own}:2:1: The organisation enforces its policy; a repository cannot only observe. The organisation's rule"
    for arguments in (["backtest", own], ["simulate", "acme/ledger#7", own]):
        status, said = await ask(database_url, *arguments, "--repository", "ACME/ledger")
        assert status == 0
        assert said.startswith(told)
        assert "acme/ledger#7: wait\n" not in said
    with pytest.raises(Refusal, match="cannot be used") as refused:
        await ask(database_url, "backtest", file(BROKEN), "--repository", "acme/ledger")
    assert "2:1: `moed` is not known here" in refused.value.remedy
