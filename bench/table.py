"""What a benchmark answers: a table of figures, each the median of several runs, and what has to be said about them."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as Drawn


@dataclass(frozen=True, slots=True)
class Table:
    """Figures with their headings. ``remarks`` are sentences without which the figures would mislead."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()

    def show(self, console: Console) -> None:
        """Print it: the first column is words, the others are figures."""
        drawn = Drawn(title=self.title, title_justify="left", title_style="bold")
        for index, column in enumerate(self.columns):
            drawn.add_column(column, justify="right" if index else "left")
        for row in self.rows:
            drawn.add_row(*row)
        console.print(drawn)
        for remark in self.remarks:
            console.print(f"- {remark}", style="dim", markup=False)
        console.print()


def middle(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, and between what the runs lay."""
    low, high = min(values), max(values)
    return f"{middle(values):,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"
