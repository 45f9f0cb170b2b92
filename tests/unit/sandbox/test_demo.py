"""The demonstration, played in this process: what it tells, and what it does when something is not as it must be."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from bot.__main__ import main
from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox import demo as story
from bot.sandbox.demo.bank import Bank
from bot.sandbox.demo.stage import Stage, plain, prose, reviews
from bot.sandbox.pulls import PullRequest
from bot.sandbox.rehearsal import rehearsal


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """The story is told on the test's database: a server of its own takes longer than the story."""

    def ready(_folder: Path) -> str:
        return database_url

    monkeypatch.setattr(story, "_database", ready)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with (
        SimulatedGitHub.start(webhook_secret=story.SECRET) as gh,
        rehearsal(gh, database_url, story.SECRET) as running,
    ):
        yield Stage(Console(highlight=False, width=400), gh, running)


@pytest.fixture
async def pull(stage: Stage) -> PullRequest:
    """A change of Alice's that waits for two approvals."""
    bank = Bank.found(stage.gh)
    return bank.interest.open_pull_request(by=bank["alice"], title="One", files={"one.py": "1\n"})


def play(monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["countersign", "demo"])
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_demonstration_tells_a_release_day(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(monkeypatch) == 0
    output = capsys.readouterr().out
    assert max(map(len, output.splitlines())) <= 80
    assert "\x1b" not in output, "what is piped has no colours"
    told = re.sub(r"\s+", " ", output)
    # In this order: what each act is about.
    lines = (
        "Countersign: a release day of Northbank, a small bank",
        "not counted: @bob",
        "counted: @carol",
        "counted: @dana",
        "it was given for",
        "The policy demands 2 approvals; none is given so far.",
        "interest#1 is merged.",
        "The approval of @alice (also @alice-admin) is not counted, since they contributed.",
        "not counted: @bob",
        'GitHub: Required status check "change-control" is expected.',
        "#2 was merged into main by @erin, though Countersign said wait",
        "Whoever went around the gate cannot acknowledge that.",
        "is acknowledged, with this reason on record.",
        "is not complete. The description of the pull request lacks the sections Justification,",
        "## Backout plan",
        "is on the agenda until",
        "The vote of @bob does not count, since @bob contributed to the change.",
        "is authorised. Planned for",
        "recorded changes would differ",
        "not counted: @alice",
        "gains from this change of the policy: northbank/interest#3 would pass with it",
        "each with the hash that was recorded with it.",
        "1 countersign:unauthorised-change:found",
        "3 person:vote:cast",
        "decisions are the same when they are made again.",
        "Everything is stopped again.",
    )
    position = 0
    for line in lines:
        assert line in told[position:], line
        position = told.index(line, position)
    states = re.findall(r"change-control \[(\w+)\]", told)
    waits, passes = "action_required", "success"
    assert states == [
        *(waits, passes, waits, passes),
        *(waits, waits, "failure", waits),
        *(waits, waits, passes),
        *(waits, waits),
    ]
    assert "Not as it must be" not in told


@pytest.mark.usefixtures("migrated")
def test_a_day_that_does_not_end_as_it_must_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def went_wrong(stage: Stage, _bank: Bank) -> None:
        stage.must(holds=False, what="the moon must be full.")

    monkeypatch.setattr(story, "_acts", went_wrong)
    assert play(monkeypatch) == 1
    assert "Not as it must be: the moon must be full." in capsys.readouterr().out


@pytest.mark.usefixtures("migrated")
async def test_it_stays_until_it_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def short(stage: Stage, bank: Bank) -> None:
        pull = bank.interest.open_pull_request(by=bank["alice"], title="Short", files={"one.py": "1\n"})
        await stage.shows(pull, "action_required")

    monkeypatch.setattr(story, "_acts", short)
    playing = asyncio.create_task(story.play(keep=True))
    told = ""
    while "until Ctrl-C" not in told:
        await asyncio.sleep(0.05)
        told += capsys.readouterr().out
    pages = re.findall(r"http://\S+", told)
    assert len(pages) == 3, "the change, the list of all, and the figures"
    assert pages[0].endswith("/northbank/interest/pull/1")
    async with aiohttp.ClientSession() as session:
        for address in pages:
            async with session.get(address) as page:
                assert page.status == 200
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(playing, 10) == 0
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(each)


async def test_what_a_check_must_show_and_does_not_is_kept_in_mind(stage: Stage, pull: PullRequest) -> None:
    check = await stage.shows(pull, "action_required", "Waiting")
    stage.says(pull, check, "This is a change of tier medium.", "The policy demands 2 approvals")
    assert stage.unmet == []
    await stage.shows(pull, "success", "Passed")
    stage.says(pull, check, "Everything is fine.")
    assert stage.unmet == [
        f"{pull.url} must show success, and shows action_required.",
        f"{pull.url} must say 'Passed', and says {check.title!r}.",
        f"{pull.url} must say on its page: Everything is fine.",
    ]


async def test_what_a_command_must_answer_and_does_not_is_kept_in_mind(
    stage: Stage, pull: PullRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = pull.author
    await stage.answers(pull.comment(by=alice, body="/explain approvals"), "+1")
    first = capsys.readouterr().out
    assert "reactions: eyes, +1" in first
    assert "countersign[bot]: ⏳ wait The policy demands 2 approvals" in first
    await stage.answers(pull.comment(by=alice, body="/recheck"), "confused")
    assert "The policy demands" not in capsys.readouterr().out, "what was told is not told again"
    assert stage.unmet == [f"{pull.url} must have the reaction confused on `/recheck`."]


async def test_a_review_is_told_once_and_the_last_of_each_person(
    stage: Stage, pull: PullRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    bob = stage.gh.organisation("northbank").person("bob")
    pull.review(by=bob, state="APPROVED")
    pull.push(by=pull.author, files={"two.py": "2\n"})
    pull.review(by=bob, state="APPROVED")
    check = await stage.shows(pull, "action_required")
    capsys.readouterr()
    stage.reviews(pull, check)
    assert capsys.readouterr().out == f"  counted: @bob on {pull.head_sha[:7]}: for write access\n"
    stage.reviews(pull, check)
    assert capsys.readouterr().out == ""


async def test_every_pull_request_has_its_check_by_then(stage: Stage, pull: PullRequest) -> None:
    with pytest.raises(AssertionError, match="has its check"):
        stage.check(pull, "another")
    await stage.running.settle()
    assert stage.check(pull, CHECK) is pull.check(CHECK)
    assert stage.shown == [pull]


def test_only_rows_of_reviews_are_read_from_a_summary() -> None:
    summary = "| | a \\| b | c | d |\n| counted | @carol\\_x | `abc` | approved \\| twice |\n| counted | too | few |\n"
    assert list(reviews(summary)) == [["counted", "@carol_x", "abc", "approved | twice"]]


def test_prose_is_what_a_reader_reads_and_of_a_block_its_headings() -> None:
    text = "<!-- ours -->\n**wait** for `bob` <sub>`approvals`</sub>\n\n| a | b |\n- \\@carol\n```markdown\n## One\n\nx\n## Two\n```"
    assert list(prose(text)) == ["wait for bob", "@carol", "##\xa0One  ##\xa0Two"]
    assert plain("- 1 \\| 2") == "1 | 2"
