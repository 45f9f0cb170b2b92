"""Where the story is told: what people do, what GitHub then shows, and whether it is what it must be."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.checks import CheckRun
from bot.sandbox.pulls import PullRequest
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.talk import Comment

OURS = "countersign[bot]"
STYLES = {"success": "green", "failure": "red", "action_required": "yellow", "neutral": "dim"}
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+!|<>~&$@:-])")
_MARKUP = re.compile(r"<!--.*?-->|<sub>.*?</sub>|\*\*")
_EDGE = re.compile(r"(?<!\\)\|")
_FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)


@dataclass(slots=True)
class Stage:
    """The terminal and what is behind it. ``unmet`` is what did not end as it must, ``shown`` what was looked at."""

    console: Console
    gh: SimulatedGitHub
    running: Rehearsal
    unmet: list[str] = field(default_factory=list)
    shown: list[PullRequest] = field(default_factory=list)
    _told: set[tuple[PullRequest, str]] = field(default_factory=set)

    def chapter(self, text: str) -> None:
        """What the next scenes are about."""
        self.console.print()
        self._print(text, "bold underline", "", "")

    def scene(self, text: str) -> None:
        """What people do next."""
        self.console.print()
        self._print(text, "bold", "", "")

    def line(self, text: str, style: str = "") -> None:
        """What can be seen then, on one line or more."""
        self._print(text, style, "  ", "    ")

    def _print(self, text: str, style: str, first: str, then: str) -> None:
        width = max(self.console.width, 60)
        rows = textwrap.wrap(
            text, width, initial_indent=first, subsequent_indent=then, break_on_hyphens=False, break_long_words=False
        )
        for row in rows:
            self.console.print(Text(row, style=style), soft_wrap=True)

    def must(self, holds: bool, what: str) -> None:
        """Keep in mind what does not hold; it ends in the exit status."""
        if not holds:
            self.unmet.append(what)

    async def shows(self, pull: PullRequest, state: str, title: str = "") -> CheckRun:
        """The check run once Countersign has looked, which must have this conclusion and this in its title."""
        await self.running.settle()
        check = self.check(pull, CHECK)
        self.must(check.conclusion == state, f"{pull.url} must show {state}, and shows {check.conclusion}.")
        self.must(title in (check.title or ""), f"{pull.url} must say {title!r}, and says {check.title!r}.")
        return check

    def check(self, pull: PullRequest, name: str) -> CheckRun:
        """A check run as the pull request lists it."""
        if pull not in self.shown:
            self.shown.append(pull)
        check = pull.check(name)
        assert check is not None, "every pull request has its check after the first look"
        self.line(f"{name} [{check.conclusion or check.status}] {check.title}", STYLES.get(check.conclusion or "", ""))
        return check

    def reviews(self, pull: PullRequest, check: CheckRun) -> None:
        """The last review of each person as the check run's page lists it, where that is news."""
        last = {who: (outcome, commit, why) for outcome, who, commit, why in reviews(check.summary or "")}
        for who, (outcome, commit, why) in last.items():
            told = f"{outcome}: {who} on {commit}: {why}"
            if self._is_news(pull, told):
                self.line(told, "green" if outcome == "counted" else "yellow")

    def says(self, pull: PullRequest, check: CheckRun, *beginnings: str) -> None:
        """The sentences of the check run's page that begin like this, which must be there."""
        said = [*prose(check.summary or ""), *(cell for row in cells(check.summary or "") for cell in row)]
        for beginning in beginnings:
            found = [each for each in said if each.startswith(beginning)]
            self.must(bool(found), f"{pull.url} must say on its page: {beginning}")
            for each in found:
                self.line(each)

    async def answers(self, comment: Comment, reaction: str, *, lines: int | None = None) -> None:
        """What Countersign answers: the reactions on a comment, and the comments that are new since the last time."""
        await self.running.settle()
        seen = [each.content for each in comment.reactions]
        self.must(reaction in seen, f"{comment.pull.url} must have the reaction {reaction} on `{comment.body}`.")
        self.line(f"reactions: {', '.join(seen)}")
        for each in comment.pull.comments:
            if each.author.login == OURS and self._is_news(comment.pull, str(each.id)):
                for row in list(prose(each.body))[:lines]:
                    self.line(f"{OURS}: {row}")

    def _is_news(self, pull: PullRequest, told: str) -> bool:
        news = (pull, told) not in self._told
        self._told.add((pull, told))
        return news


def reviews(summary: str) -> Iterator[list[str]]:
    """The rows of the table of reviews in a summary: outcome, who, commit, why."""
    for row in cells(summary):
        if len(row) == 4 and row[0] in {"counted", "not counted"}:
            yield row


def cells(markdown: str) -> Iterator[list[str]]:
    """The rows of the tables in a text."""
    for line in markdown.splitlines():
        if line.startswith("|"):
            yield [plain(cell) for cell in _EDGE.split(line)[1:-1]]


def prose(markdown: str) -> Iterator[str]:
    """The sentences of a text: no tables, no comments in HTML, and of what is to be copied the headings."""
    for line in _FENCED.sub(_headings, markdown).splitlines():
        text = plain(line)
        if text and not text.startswith("|"):
            yield text


def _headings(block: re.Match[str]) -> str:
    # No heading is broken between two lines of the terminal.
    return "  ".join(line.replace(" ", "\N{NO-BREAK SPACE}") for line in block[1].splitlines() if line.startswith("#"))


def plain(markdown: str) -> str:
    """A piece of Markdown as it reads."""
    return _ESCAPED.sub(r"\1", _MARKUP.sub("", markdown)).replace("`", "").strip().removeprefix("- ")
