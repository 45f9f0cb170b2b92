"""The demonstration, played in this process: what it tells, and what it does when something is not as it must be."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.__main__ import main
from bot.sandbox import SimulatedGitHub
from bot.sandbox import demo as story
from bot.sandbox.checks import CheckRun
from bot.sandbox.demo import Day


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """The story is told on the test's database: a server of its own takes longer than the story."""

    def ready(_folder: Path) -> str:
        return database_url

    monkeypatch.setattr(story, "_database", ready)


def play(monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["countersign", "demo"])
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_demonstration_tells_a_release_day(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play(monkeypatch) == 0
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    for line in (
        "Countersign: a release day of Northbank, a small bank",
        "not counted: @bob",
        "counted: @carol",
        "counted: @dana",
        "change-control [success]",
        "interest#1 is merged.",
        "and every one has the hash that was recorded with it.",
        "An auditor asks for the last decision again",
        "Everything is stopped again",
    ):
        assert line in told
    states = re.findall(r"change-control \[(\w+)\]", told)
    assert states == ["action_required", "action_required", "success", "action_required", "success"]


@pytest.mark.usefixtures("migrated")
def test_a_day_that_does_not_end_as_it_must_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def nothing_went_right(_day: Day) -> bool:
        return False

    monkeypatch.setattr(Day, "play", nothing_went_right)
    assert play(monkeypatch) == 1


@pytest.mark.usefixtures("migrated")
async def test_it_stays_until_it_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: list[str] = []

    async def short(day: Day) -> bool:
        pages.append(day.gh.web_url)
        return True

    monkeypatch.setattr(Day, "play", short)
    playing = asyncio.create_task(story.play(keep=True))
    while "until Ctrl-C" not in capsys.readouterr().out:  # noqa: ASYNC110 - what is awaited is what people see
        await asyncio.sleep(0.05)
    async with aiohttp.ClientSession() as session, session.get(pages[0]) as page:
        assert page.status == 200
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(playing, 10) == 0
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(each)


def test_only_rows_of_reviews_are_read_from_a_summary() -> None:
    summary = "| | a \\| b | c | d |\n| counted | @carol\\_x | `abc` | approved \\| twice |\n| counted | too | few |\n"
    assert list(story._reviews(summary)) == [["counted", "@carol_x", "abc", "approved | twice"]]


async def test_every_pull_request_has_its_check_by_then() -> None:
    async with SimulatedGitHub.start(webhook_secret="") as github:
        house = github.organisation("house")
        ann = house.person("ann")
        pull = house.repository("shop").open_pull_request(by=ann, title="One", files={"one.txt": "1\n"})
        with pytest.raises(AssertionError, match="has its check"):
            story._check(pull)
        run = pull.repository.create_check_run("change-control", pull.head_sha, {"status": "queued"}, by=ann)
        assert isinstance(run, CheckRun)
        assert story._check(pull) is run
