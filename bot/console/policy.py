"""``python -m bot policy …``: read a policy, explain what it decided, and try out another one before it is in force."""

import asyncio
import os
import re
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from ruamel.yaml import YAML

from bot import app, settings, telemetry
from bot.decide.evaluate import decide
from bot.decide.verdict import Decision
from bot.errors import Refusal
from bot.facts.codec import plain
from bot.facts.model import PullRequestFacts
from bot.ledger.decisions import Recorded, last_of
from bot.policy.assemble import Source, assemble
from bot.policy.check import check as read
from bot.policy.check import explain as explained
from bot.policy.default import default
from bot.policy.model import Policy
from bot.publish.render import explanation
from bot.store import Store
from bot.trial.candidate import Candidate, Difference, Trial, difference
from bot.trial.history import backtest as try_on_history
from bot.trial.history import texts

cli = typer.Typer(help="Read and try out policies.", no_args_is_help=True)

_CHANGE = re.compile(r"(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)#(?P<number>\d+)", re.ASCII)
_SUBJECT = """
    SELECT key FROM subject
    WHERE kind = 'pull' AND lower(about ->> 'owner') = %s AND lower(about ->> 'name') = %s AND about ->> 'number' = %s
"""
MOST_TOLD = 100

File = Annotated[Path, typer.Argument(help="A policy file.")]
Change = Annotated[str, typer.Argument(help="A pull request, as owner/name#number.")]
For = Annotated[
    str | None,
    typer.Option("--repository", help="The file is that of this repository (owner/name), not the organisation's."),
]


def _run(work: Coroutine[Any, Any, int]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(work)
    if status:
        raise typer.Exit(status)


def _address() -> str:
    found = settings.load(os.environ)
    telemetry.configure(found.log_format)
    return app.database_url(found)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{file} cannot be read: {error}.") from error


def _candidate(file: Path, repository: str | None) -> Candidate:
    candidate = Candidate(_text(file), str(file), repository)
    if repository is None and (problems := candidate.problems()):
        typer.echo(problems)
        raise typer.Exit(1)
    return candidate


@cli.command("check")
def check(file: File) -> None:
    """Say what is wrong in a policy file, with line and column; exit 1 when there is anything."""
    checked = read(_text(file), str(file))
    if checked.problems:
        typer.echo(explained(checked.problems))
        raise typer.Exit(1)
    typer.echo(f"{file}: nothing is wrong.")


@cli.command("show")
def show(
    repository: Annotated[str, typer.Argument(help="A repository, as owner/name.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="An organisation's file, instead of what is in force.")
    ] = None,
    own: Annotated[Path | None, typer.Option("--own", help="The repository's own file.")] = None,
) -> None:
    """Show the whole policy for a repository, all layers merged; exit 1 when a file has problems."""
    name = repository.partition("/")[2]
    if file is None:
        merged = _in_force(repository)
    else:
        merged = assemble(
            default(),
            organisation=Source(str(file), "file", _text(file)),
            repository=Source(str(own), "file", _text(own)) if own else None,
            last_good={},
            repository_name=name,
        ).policy
    typer.echo(_as_yaml(merged))
    if merged.problems:
        typer.echo(explained(merged.problems))
        raise typer.Exit(1)


def _in_force(repository: str) -> Policy:
    """The policy that the latest decision in the repository was made under."""
    address = _address()

    async def work() -> Policy:
        async with Store.open(address) as store, store.transaction() as connection:
            cursor = await connection.execute(_LATEST_IN, [repository.lower()])
            row = await cursor.fetchone()
            found = await last_of(connection, row[0]) if row else None
        if found is None:
            raise Refusal(
                f"Nothing was decided in {repository} yet.", remedy="Name the files with --file and --own instead."
            )
        return found.made.policy

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


_LATEST_IN = """
    SELECT decision.subject FROM decision JOIN subject ON subject.key = decision.subject
    WHERE subject.kind = 'pull' AND lower((about ->> 'owner') || '/' || (about ->> 'name')) = %s
    ORDER BY decided_at DESC LIMIT 1
"""


def _as_yaml(policy: Policy) -> str:
    """Everything that the policy says, without what it does not say."""
    written = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.dump(_said(plain(policy)), written)
    return written.getvalue().rstrip()


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _said(each) for key, each in value.items() if each not in (None, "", [], {}, False)}
    return [_said(each) for each in value] if isinstance(value, list) else value


@cli.command("explain")
def explain(change: Change) -> None:
    """Say what was decided last about a pull request, and why, from the record."""
    address = _address()

    async def work() -> int:
        async with Store.open(address) as store:
            found = await _last(store, change)
        typer.echo(f"{change} at {found.made.decision.head[:7]}, decided {found.made.at:%Y-%m-%d %H:%M:%S} UTC")
        typer.echo(f"decision {found.id}\n")
        typer.echo(_plain(found.made.decision))
        return 0

    _run(work())


def _plain(decision: Decision) -> str:
    """The explanation without what Markdown needs."""
    text = re.sub(r"</?sub>|\*\*", "", explanation(decision))
    return re.sub(r"\\([^\w\s])", r"\1", text)


async def _last(store: Store, change: str) -> Recorded:
    asked = _CHANGE.fullmatch(change)
    if asked is None:
        raise Refusal(f"{change} is no pull request.", remedy="Name it as owner/name#number.")
    async with store.transaction() as connection:
        cursor = await connection.execute(_SUBJECT, [asked["owner"].lower(), asked["name"].lower(), asked["number"]])
        row = await cursor.fetchone()
        found = await last_of(connection, row[0]) if row else None
    if found is None:
        raise Refusal(f"Nothing was decided about {change} yet.")
    return found


@cli.command("simulate")
def simulate(change: Change, file: File, repository: For = None) -> None:
    """Say what a policy file would have decided about a pull request, from the facts on record."""
    candidate, address = _candidate(file, repository), _address()

    async def work() -> int:
        async with Store.open(address) as store:
            found = await _last(store, change)
            async with store.transaction() as connection:
                known = await texts(connection)
        made = found.made
        if not isinstance(made.facts, PullRequestFacts):
            raise Refusal(f"{change} is no pull request.")
        policy = Trial(candidate, known).policy_for(made.facts, made.policy.layers)
        would = decide(made.facts, policy, made.at)
        typer.echo(_compared(difference(change, made.facts, made.decision, would)))
        typer.echo("\n" + _plain(would))
        return 0

    _run(work())


def _compared(found: Difference | None) -> str:
    if found is None:
        return "It would be decided in the same way."
    verdict = f"{found.was.value} would be {found.would.value}" if found.was is not found.would else found.was.value
    return "\n".join([f"{found.repository}#{found.number}: {verdict}", *(f"  {each}" for each in found.how)])


@cli.command("backtest")
def backtest(
    file: File,
    repository: For = None,
    days: Annotated[int, typer.Option("--days", min=1, help="How far back the record is read.")] = 90,
    every: Annotated[
        bool, typer.Option("--every", help="Every decision, not only the last one of each change.")
    ] = False,
) -> None:
    """Try a policy file on the record, and say which decisions would differ, and how; nothing is changed."""
    candidate, address = _candidate(file, repository), _address()

    async def work() -> int:
        errors = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} decisions tried"), TimeElapsedColumn())
        async with Store.open(address) as store:
            with Progress(*columns, console=errors, transient=True) as bar:
                task = bar.add_task("", total=None)
                outcome = await try_on_history(
                    store,
                    candidate,
                    since=datetime.now(UTC) - timedelta(days=days),
                    every=every,
                    progress=lambda more: bar.advance(task, more),
                )
        for each in outcome.differences[:MOST_TOLD]:
            typer.echo(_compared(each))
        if len(outcome.differences) > MOST_TOLD:
            typer.echo(f"and {len(outcome.differences) - MOST_TOLD:,} more")
        loosened = sum(each.loosens for each in outcome.differences)
        typer.echo(
            f"{outcome.tried:,} decisions of {days} days tried: {len(outcome.differences):,} would differ, "
            f"of which {loosened:,} would pass that did not."
        )
        return 0

    _run(work())
