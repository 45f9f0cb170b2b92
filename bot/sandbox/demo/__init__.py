"""A release day of a small bank: Countersign on a simulated GitHub, told line by line with what GitHub would show."""

import asyncio
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.sandbox import SimulatedGitHub
from bot.sandbox.demo import around, audit, board, day, rules
from bot.sandbox.demo.bank import Bank
from bot.sandbox.demo.stage import Stage
from bot.sandbox.rehearsal import rehearsal
from bot.store import embedded
from bot.store.migrate import migrate

SECRET = "a release day"


async def play(*, keep: bool) -> int:
    """Play the day and tell it; 0 when everything ended as it must. With ``keep``, stay until told to stop."""
    console = Console(highlight=False)
    console.print(Text("Countersign: a release day of Northbank, a small bank", style="bold underline"))
    with tempfile.TemporaryDirectory(prefix="countersign-demo-") as folder:
        async with AsyncExitStack() as stack:
            stack.callback(embedded.stop, Path(folder))
            url = await asyncio.to_thread(_database, Path(folder))
            gh = await stack.enter_async_context(SimulatedGitHub.start(webhook_secret=SECRET))
            running = await stack.enter_async_context(rehearsal(gh, url, SECRET))
            stage = Stage(console, gh, running)
            stage.line("A simulated GitHub, PostgreSQL and Countersign run on this machine.")
            await _acts(stage, Bank.found(gh))
            await _linger(stage, keep=keep)
    return 1 if stage.unmet else 0


async def _acts(stage: Stage, bank: Bank) -> None:
    """The day, from the first pull request to the last question of an auditor."""
    await day.play(stage, bank)
    waiting = await around.play(stage, bank)
    await board.play(stage, bank)
    await rules.play(stage, bank, waiting)
    await audit.play(stage)


def _database(folder: Path) -> str:
    url = embedded.start(folder)
    migrate(url)
    return url


async def _linger(stage: Stage, *, keep: bool) -> None:
    stage.chapter("Look further")
    for unmet in stage.unmet:
        stage.line(f"Not as it must be: {unmet}", "red")
    if not keep:
        stage.line("Everything is stopped again.")
        stage.line("With `make demo KEEP=1` it stays, with a page of each pull request.")
        return
    for pull in stage.shown:
        stage.line(f"{pull.url}  {pull.title}")
    stage.line(f"{stage.gh.web_url}  every pull request")
    stage.line(f"{stage.running.address}/metrics  Countersign's own figures")
    stage.line("Everything stays up until Ctrl-C.")
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await stop.wait()
