"""The command line: ``python -m bot COMMAND``, installed as ``countersign``.

Exit status 0: done; 1: the thing checked does not hold, or cannot be done now; 2: wrong use.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import uvloop

from bot import app, settings, telemetry
from bot import replay as replaying
from bot.console import policy, report
from bot.errors import CountersignError
from bot.ingest import deliver as delivering
from bot.store import Store
from bot.store.migrate import migrate as migrate_database

cli = typer.Typer(
    name="countersign",
    help="Change control on the pull request and on the deployment.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.add_typer(policy.cli, name="policy")
cli.add_typer(report.cli, name="report")


def _settings() -> settings.Settings:
    found = settings.load(os.environ)
    telemetry.configure(found.log_format)
    return found


def _run(work: Coroutine[Any, Any, int | None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(work)
    if status:
        raise typer.Exit(status)


def _run_parts(*, web: bool, worker: bool) -> None:
    found = _settings()
    url = app.database_url(found)
    _run(app.until_told(lambda stop: app.run(found, url, web_too=web, worker_too=worker, stop=stop)))


@cli.command()
def serve() -> None:
    """Web and worker in one process; an embedded database if none is named, setup mode if no App is."""
    _run_parts(web=True, worker=True)


@cli.command()
def web() -> None:
    """The web part only: accepts deliveries."""
    _run_parts(web=True, worker=False)


@cli.command()
def worker() -> None:
    """The worker only: decides and publishes. Start as many as you like."""
    _run_parts(web=False, worker=True)


@cli.command()
def migrate() -> None:
    """Bring the database up to date, as its owner."""
    found = _settings()
    migrate_database(app.database_url(found))
    typer.echo("The database is up to date.")


@cli.command()
def demo(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """A release day of a small bank against a simulated GitHub, told in the terminal."""
    from bot.sandbox import demo as story  # noqa: PLC0415 - the product does not load its simulation

    telemetry.configure(None, level=logging.ERROR)
    _run(story.play(keep=keep))


@cli.command()
def replay(decision_id: UUID) -> None:
    """Decide again from the facts and the policy on record; exit 1 when the answer is another one."""
    found = _settings()
    url = app.database_url(found)

    async def work() -> int:
        async with Store.open(url) as store:
            await store.check_schema()
            outcome = await replaying.replay(store, decision_id)
        typer.echo(outcome.sentence)
        return 0 if outcome.same else 1

    _run(work())


@cli.command()
def deliver(
    file: Annotated[Path, typer.Argument(help="A payload as GitHub sent it: one JSON object.")],
    event: Annotated[str, typer.Option("--event", help="GitHub's name of the event, like pull_request.")],
    to: Annotated[str, typer.Option("--to", help="The webhook's address; PUBLIC_URL by default.")] = "",
) -> None:
    """Sign a saved payload and send it, as GitHub would."""
    found = _settings()
    _run(delivering.deliver(file, event, to or f"{found.public_url}/webhook", found.webhook_secrets, typer.echo))


def main() -> None:
    """Run the command; what goes wrong is one sentence and the remedy."""
    try:
        cli()
    except CountersignError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
