"""``python -m bench [NAME ...] [--runs N]``: measure all figures, or the named ones, and print them."""

import logging
import os
import platform
from collections.abc import Callable, Mapping
from typing import Annotated

import typer
from rich.console import Console

from bench import accept, backtest, cost, decisions, looks, reading
from bench.ground import Ground, prepared
from bench.table import Table
from bot import telemetry

FIGURES: Mapping[str, Callable[[Ground], Table]] = {
    "decisions": decisions.measure,
    "reading": reading.measure,
    "accept": accept.measure,
    "looks": looks.measure,
    "cost": cost.measure,
    "backtest": backtest.measure,
}
"""Every figure by its name; a new one is a module with a ``measure`` and a line here."""


def measure(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which figures: {', '.join(FIGURES)}.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="How often each is measured; medians are shown.")] = 3,
) -> None:
    """Measure, and print. Nothing is written, beside a database in var/bench that is empty again at the end."""
    unknown = set(names or ()) - set(FIGURES)
    if unknown:
        raise typer.BadParameter(f"There is no figure {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}.")
    telemetry.configure(None, level=logging.ERROR)
    console = Console(highlight=False)
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    console.print(f"{os.cpu_count()} processors, {system}; medians of {runs} runs (and their range)\n")
    with prepared(runs) as ground:
        for name in names or FIGURES:
            FIGURES[name](ground).show(console)


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    cli.command()(measure)
    cli()
