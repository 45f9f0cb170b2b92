"""How a report is written: as a table for people, as CSV, or as JSON."""

import csv
import io
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

Row = tuple[str, ...]


class Format(StrEnum):
    """How the report is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def table(columns: Row, rows: Sequence[Row]) -> str:
    """Columns under their names, each as wide as its widest cell."""
    widths = [max(len(row[place]) for row in [columns, *rows]) for place in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [columns, *rows]
    ]
    return "\n".join(lines)


def sheet(columns: Row, rows: Sequence[Row]) -> str:
    """CSV that a spreadsheet reads as text."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([columns, *[tuple(map(_inert, row)) for row in rows]])
    return written.getvalue().rstrip("\n")


def objects(columns: Row, rows: Sequence[Row]) -> list[dict[str, str]]:
    """An object for each row."""
    return [dict(zip(columns, row, strict=True)) for row in rows]


def as_json(body: Any) -> str:
    """JSON for people and programs."""
    return json.dumps(body, indent=2, ensure_ascii=False)


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell[:1] in set("=+-@\t\r") else cell
