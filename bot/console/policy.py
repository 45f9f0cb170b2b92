"""``python -m bot policy …``: read a policy, explain what it decided, and try out another one before it is in force."""

import asyncio
import os
import re
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

from bot import app, settings, telemetry
from bot.decide.evaluate import decide
from bot.decide.verdict import Decision
from bot.errors import Refusal
from bot.facts.model import PullRequestFacts
from bot.ledger.decisions import Recorded, last_of
from bot.policy.assemble import Source, assemble
from bot.policy.check import check as read
from bot.policy.check import explain as explained
from bot.policy.default import default
from bot.policy.model import Policy
from bot.policy.written import unsaid, written
from bot.publish.render import explanation
from bot.store import Store
from bot.trial.candidate import Candidate, Trial, difference
from bot.trial.history import backtest as try_on_history
from bot.trial.history import texts
from bot.trial.model import Difference
from bot.words import visible

cli = typer.Typer(help="Read and try out policies.", no_args_is_help=True)

_CHANGE = re.compile(r"(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)#(?P<number>\d+)", re.ASCII)
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
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
def check(
    file: File,
    over: Annotated[
        Path | None, typer.Option("--over", help="The organisation's file, when FILE is that of a repository.")
    ] = None,
    repository: Annotated[
        str | None, typer.Option("--repository", help="The repository that FILE is of, as owner/name.")
    ] = None,
) -> None:
    """Say what is wrong in a policy file, with line and column; exit 1 when there is anything.

    With --over, FILE is laid over the organisation's: what would loosen it is wrong, too.
    """
    if over is None and repository is None:
        problems = read(_text(file), str(file)).problems
    elif over is None:
        raise typer.BadParameter("--repository says whose file it is: name the organisation's file with --over.")
    elif repository is None:
        raise typer.BadParameter("--over lays a repository's file over it: name the repository with --repository.")
    else:
        problems = _laid(over, file, repository).problems
    if problems:
        typer.echo(explained(problems))
        raise typer.Exit(1)
    typer.echo(f"{file}: nothing is wrong.")


def _laid(organisation: Path, own: Path | None, repository: str) -> Policy:
    """The policy of the files, for the repository; its problems have what the repository's file would loosen."""
    name = _name(repository)
    return assemble(
        default(),
        organisation=Source(str(organisation), "", _text(organisation)),
        repository=Source(str(own), "", _text(own)) if own is not None else None,
        last_good={},
        repository_name=name,
    ).policy


def _name(repository: str) -> str:
    """The name in ``owner/name``."""
    if not _REPOSITORY.fullmatch(repository):
        raise typer.BadParameter(f"{repository} is no repository. Name it as owner/name.")
    return repository.partition("/")[2]


@cli.command("show")
def show(
    repository: Annotated[str, typer.Argument(help="A repository, as owner/name.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="An organisation's file, instead of what is in force.")
    ] = None,
    own: Annotated[Path | None, typer.Option("--own", help="The repository's own file.")] = None,
) -> None:
    """Show the whole policy for a repository, all layers merged, as a file; exit 1 when a file has problems.

    Comments say what has no place in one file.
    """
    _name(repository)
    if file is None and own is not None:
        raise typer.BadParameter("--own is laid over the organisation's file: name that with --file.")
    merged = _in_force(repository) if file is None else _laid(file, own, repository)
    typer.echo(as_file(merged))
    if merged.problems:
        raise typer.Exit(1)


async def _check_over_record(store: Store, file: Path, candidate: Candidate, repository: str) -> None:
    """Refuse a repository's file that cannot be used over what was in force there last; say what would not hold."""
    found = await _latest_in(store, repository)
    if found is None:
        raise Refusal(
            f"No decision about a change of {repository} is on record.",
            remedy="Name one with recorded changes, as owner/name; `policy check FILE --over ORGANISATION_FILE` needs "
            "none.",
        )
    assert isinstance(found.made.facts, PullRequestFacts), "what is decided in a repository is pull requests"
    async with store.transaction() as connection:
        known = await texts(connection)
    policy = Trial(candidate, known).policy_for(found.made.facts, found.made.policy.layers)
    _tell_refused(file, candidate, policy)


async def _latest_in(store: Store, repository: str) -> Recorded | None:
    """The latest decision about a change of the repository."""
    async with store.transaction() as connection:
        row = await (await connection.execute(_LATEST_IN, [repository.lower()])).fetchone()
        return await last_of(connection, row[0]) if row else None


def _in_force(repository: str) -> Policy:
    """The policy that the latest decision in the repository was made under."""
    address = _address()

    async def work() -> Policy:
        async with Store.open(address) as store:
            found = await _latest_in(store, repository)
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


def as_file(policy: Policy) -> str:
    """The policy as a file that can be read again; comments tell its layers, its problems, and what else holds."""
    layers = [f"{each.origin} ({each.blob[:7]})" if each.blob else each.origin for each in policy.layers]
    said = ["Made of:", *layers]
    if policy.problems:
        said += ["", "Problems:", *explained(policy.problems).splitlines()]
    if besides := unsaid(policy):
        said += ["", "What cannot be said in one file, and holds as well:", *besides]
    comments = "\n".join(f"# {visible(line)}".rstrip() for line in said)
    return f"{comments}\n{_yaml(written(policy))}"


def _yaml(plain: dict[str, Any]) -> str:
    text = StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style, writer.width, writer.Representer = False, 10_000, _Plainly
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # it is typed as the None that it begins with
    writer.dump(plain, text)
    return text.getvalue().rstrip()


class _Plainly(SafeRepresenter):
    """YAML as the policy language has it: no aliases, no exponents; and a list of words on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the same list may stand in two places
        """Write everything out."""
        return True

    def represent_float(self, data: float) -> Any:
        """The shortest decimal that is the number."""
        digits = format(Decimal(repr(data)), "f")
        text = digits if "." in digits else f"{digits}.0"
        return self.represent_scalar("tag:yaml.org,2002:float", text)

    def represent_list(self, data: list[Any]) -> Any:
        """A list as people write it."""
        flat = not any(isinstance(each, (list, dict)) for each in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=flat)


_Plainly.add_representer(float, _Plainly.represent_float)
_Plainly.add_representer(list, _Plainly.represent_list)


@cli.command("explain")
def explain(change: Change) -> None:
    """Say what was decided last about a pull request, and why, from the record."""
    _asked(change)
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


def _asked(change: str) -> re.Match[str]:
    """What names the change."""
    asked = _CHANGE.fullmatch(change)
    if asked is None:
        raise typer.BadParameter(f"{change} is no pull request. Name it as owner/name#number.")
    return asked


async def _last(store: Store, change: str) -> Recorded:
    asked = _asked(change)
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
    asked = _asked(change)
    of = f"{asked['owner']}/{asked['name']}"
    if repository is not None and repository.lower() != of.lower():
        raise typer.BadParameter(f"{change} is no change of {repository}: name {of} with --repository.")
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
        _tell_refused(file, candidate, policy)
        would = decide(made.facts, policy, made.at)
        typer.echo(_compared(difference(change, made.facts, made.decision, would)))
        typer.echo("\n" + _plain(would))
        return 0

    _run(work())


def _tell_refused(file: Path, candidate: Candidate, policy: Policy) -> None:
    """Say what of a repository's file would loosen the policy above it, and was not tried for that."""
    own = f"{candidate.repository}:".lower()
    refused = [replace(each, origin=str(file)) for each in policy.problems if each.origin.startswith(own)]
    if candidate.repository is not None and refused:
        typer.echo(explained(refused) + "\n")


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
    if repository is not None:
        _name(repository)
    candidate, address = _candidate(file, repository), _address()

    async def work() -> int:
        errors = Console(stderr=True)
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} decisions tried"), TimeElapsedColumn())
        async with Store.open(address) as store:
            if repository is not None:
                await _check_over_record(store, file, candidate, repository)
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
            f"{outcome.tried:,} decision{'' if outcome.tried == 1 else 's'} of {days} days tried: "
            f"{len(outcome.differences):,} would differ, "
            f"of which {loosened:,} would pass that did not."
        )
        if outcome.untried:
            typer.echo(f"{outcome.untried:,} more cannot be compared: the file names what was not known then.")
        return 0

    _run(work())
