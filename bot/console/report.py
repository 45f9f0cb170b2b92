"""``python -m bot report …``: what auditors ask for."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
import uvloop

from bot import app, settings, telemetry
from bot.clock import utc_now
from bot.errors import Refusal
from bot.github.client import Credentials, connect
from bot.reports import agenda, separation
from bot.reports.form import Format
from bot.store import Store

Form = Annotated[Format, typer.Option("--format", help="How it is written.")]

cli = typer.Typer(help="What auditors ask for.", no_args_is_help=True)


@cli.callback()
def reports() -> None:
    """What auditors ask for."""


@cli.command("separation")
def standing_conflicts(
    form: Form = Format.TABLE,
) -> None:
    """Who could hold two roles at all that the policy keeps apart, from what GitHub says now: for the access review."""
    found = settings.load(os.environ)
    telemetry.configure(found.log_format)
    if found.app is None:
        raise Refusal("The report asks GitHub.", remedy="Set GITHUB_APP_ID and GITHUB_PRIVATE_KEY_FILE.")
    url, credentials = app.database_url(found), Credentials(found.app.app_id, found.app.private_key_pem, found.api_url)

    async def work() -> None:
        async with Store.open(url) as store, connect(credentials, clock=utc_now) as github:
            await store.check_schema()
            typer.echo(separation.written(await separation.gather(store, github), form))

    _run(work())


@cli.command("agenda")
def board_agenda(form: Form = Format.TABLE) -> None:
    """What the Change Advisory Board is to decide, the most urgent first, with the votes that were given."""
    found = settings.load(os.environ)
    telemetry.configure(found.log_format)

    async def work() -> None:
        async with Store.open(app.database_url(found)) as store:
            await store.check_schema()
            typer.echo(agenda.written(await agenda.gather(store), form))

    _run(work())


def _run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)
