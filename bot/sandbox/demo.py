"""A release day of a small bank: Countersign on a simulated GitHub, told line by line with what GitHub would show."""

import asyncio
import re
import signal
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot import replay
from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.accounts import Account
from bot.sandbox.checks import CheckRun
from bot.sandbox.organisations import Team
from bot.sandbox.pulls import PullRequest
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from bot.store import embedded
from bot.store.migrate import migrate

SECRET = "a release day"
POLICY = """\
version: 1
mode: enforce
roles:
  security: [northbank/appsec]
applications:
  - name: interest
    repositories: [interest]
    tier: high
tiers:
  high:
    approvals:
      - {count: 1, from: [write]}
      - {count: 1, from: [security]}
"""
_STYLES = {"success": "green", "failure": "red", "action_required": "yellow", "neutral": "dim", None: "blue"}
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+!|<>~&$@:-])")
_MARKUP = re.compile(r"</?sub>|`")


@dataclass(frozen=True, slots=True)
class Terminal:
    """Tells the story."""

    console: Console

    def scene(self, text: str) -> None:
        """What people do next."""
        self.console.print()
        self.console.print(Text(text, style="bold"))

    def line(self, text: str, style: str = "") -> None:
        """What can be seen then, on one line or more."""
        width = max(self.console.width, 60)
        for row in textwrap.wrap(
            text, width, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False
        ):
            self.console.print(Text(row, style=style), soft_wrap=True)

    def check(self, check: CheckRun) -> None:
        """The check run as the pull request lists it."""
        state = check.conclusion or check.status
        self.line(f"{CHECK} [{state}] {check.title}", _STYLES.get(check.conclusion, ""))

    def reviews(self, check: CheckRun) -> None:
        """The reviews as the check run's page lists them."""
        for outcome, who, commit, why in _reviews(check.summary or ""):
            self.line(f"{outcome}: {who} on {commit}: {why}", "green" if outcome == "counted" else "yellow")


def _reviews(summary: str) -> Iterator[list[str]]:
    for line in summary.splitlines():
        cells = [_plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[0] in {"counted", "not counted"}:
            yield cells


def _plain(cell: str) -> str:
    return _ESCAPED.sub(r"\1", _MARKUP.sub("", cell)).strip()


async def play(*, keep: bool) -> int:
    """Play the day and tell it; 0 when everything ended as it must. With ``keep``, stay until told to stop."""
    console = Console(highlight=False)
    terminal = Terminal(console)
    console.print(Text("Countersign: a release day of Northbank, a small bank", style="bold underline"))
    with tempfile.TemporaryDirectory(prefix="countersign-demo-") as folder:
        async with AsyncExitStack() as stack:
            stack.callback(embedded.stop, Path(folder))
            url = await asyncio.to_thread(_database, Path(folder))
            gh = await stack.enter_async_context(SimulatedGitHub.start(webhook_secret=SECRET))
            running = await stack.enter_async_context(rehearsal(gh, url, SECRET))
            terminal.line(f"PostgreSQL, a simulated GitHub ({gh.web_url}) and Countersign ({running.address}) are up.")
            passed = await Day(terminal, gh, running).play()
            await _linger(terminal, keep=keep)
    return 0 if passed else 1


def _check(pull: PullRequest) -> CheckRun:
    check = pull.check(CHECK)
    assert check is not None, "every pull request has its check after the first look"
    return check


def _database(folder: Path) -> str:
    url = embedded.start(folder)
    migrate(url)
    return url


async def _linger(terminal: Terminal, *, keep: bool) -> None:
    if not keep:
        terminal.line("Everything is stopped again, these pages too: `make demo KEEP=1` leaves them running.")
        return
    terminal.line("Everything stays up until Ctrl-C.")
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await stop.wait()


@dataclass(slots=True)
class Day:
    """The people of the bank, and what they do."""

    terminal: Terminal
    gh: SimulatedGitHub
    running: Rehearsal

    async def play(self) -> bool:
        """From the first pull request to the ledger's last entry."""
        tell = self.terminal
        bank = self.gh.organisation("northbank")
        alice, bob, carol, dana = (bank.person(name) for name in ("alice", "bob", "carol", "dana"))
        appsec = bank.team("appsec", members=[dana])
        access: dict[Account | Team, str] = {alice: "write", bob: "write", carol: "write", appsec: "read"}
        bank.repository(".github", files={"countersign.yml": POLICY})
        repo = bank.repository("interest", files={"interest.py": "RATE = 0.031\n"}, access=access)

        tell.scene("Alice opens a pull request; Bob is co-author of its commit.")
        pull = repo.open_pull_request(
            by=alice, title="Round interest to the cent", files={"interest.py": "RATE = 0.0310\n"}, co_authors=[bob]
        )
        await self._show(pull)

        tell.scene("Bob approves. He wrote a part of it.")
        pull.review(by=bob, state="APPROVED", body="Looks good to me!")
        await self._show(pull, reviews=True)
        refused = _check(pull).conclusion != "success"

        tell.scene("Carol approves for the developers, Dana for application security.")
        pull.review(by=carol, state="APPROVED")
        pull.review(by=dana, state="APPROVED")
        await self._show(pull, reviews=True)
        approved = _check(pull).conclusion == "success"

        tell.scene("Alice pushes one more commit. What they approved is not what would be merged any more.")
        pull.push(by=alice, files={"interest.py": "RATE = 0.03100\n"})
        await self._show(pull, reviews=True)
        stale = _check(pull).conclusion != "success"

        tell.scene("Bob asks in a comment what is missing.")
        comment = pull.comment(by=bob, body="/explain approvals")
        await self.running.settle()
        tell.line(f"reactions on the comment: {', '.join(reaction.content for reaction in comment.reactions)}")
        for line in pull.comments[-1].body.splitlines():
            if line and not line.startswith(("<!--", "|")):
                tell.line(f"{pull.comments[-1].author.login}: {_plain(line)}")

        tell.scene("Carol and Dana look at the new commit and approve it.")
        pull.review(by=carol, state="APPROVED")
        pull.review(by=dana, state="APPROVED")
        await self._show(pull, reviews=True)
        green = _check(pull).conclusion == "success"

        tell.scene("Alice merges.")
        pull.merge(by=alice)
        await self.running.settle()
        tell.line(f"{repo.full_name}#{pull.number} is merged.")
        replayed = await self._account()
        tell.scene("Look further")
        tell.line(f"The pull request as GitHub would show it: {pull.url}")
        tell.line(f"Countersign's own figures: {self.running.address}/metrics")
        return refused and approved and stale and green and replayed

    async def _show(self, pull: PullRequest, *, reviews: bool = False) -> None:
        await self.running.settle()
        check = _check(pull)
        self.terminal.check(check)
        if reviews:
            self.terminal.reviews(check)

    async def _account(self) -> bool:
        """The ledger, and a decision made again from what is on record."""
        tell = self.terminal
        entries = await self.running.ledger()
        tell.scene(f"The ledger has {len(entries)} entries, and every one has the hash that was recorded with it.")
        for number, (kind, subject) in enumerate(entries, start=1):
            if not subject.startswith("installation:"):
                tell.line(f"{number:>3}  {kind:<30} {subject}", "dim")
        others = sum(subject.startswith("installation:") for _, subject in entries)
        tell.line(f"and {others} deliveries about the organisation, its people and its other repositories", "dim")
        ((decision,),) = await self.running.rows("SELECT id FROM decision ORDER BY decided_at DESC LIMIT 1")
        outcome = await replay.replay(self.running.store, decision)
        tell.scene("An auditor asks for the last decision again, from the facts and the policy on record.")
        tell.line(f"{decision}: {outcome.sentence}", "green" if outcome.same else "red")
        return outcome.same
