"""Encoded queries (``field=value^other=value^ORDERBYfield``), and what becomes of a field that is not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

Look = Callable[[T, str], str | None]
"""The value of a row's field; None when there is no such field."""


def select(found: Sequence[T], query: str, look: Look[T], known: Callable[[str], bool], *, strict: bool) -> list[T]:
    """The rows that a query finds.

    ``strict`` is ``glide.invalid_query.returns_no_rows``: without it, a part with a field that does not exist is left
    out, and the query finds what the rest of it finds.
    """
    rows, order = list(found), ""
    for part in filter(None, query.split("^")):
        if part.startswith("ORDERBY"):
            order = part.removeprefix("ORDERBYDESC").removeprefix("ORDERBY")
            continue
        name, is_equal, value = part.partition("=")
        if not is_equal or not known(name):
            rows = [] if strict else rows
            continue
        rows = [row for row in rows if (look(row, name) or "").lower() == value.lower()]
    return sorted(rows, key=lambda row: look(row, order) or "") if order else rows


def page(found: Sequence[T], limit: str | None, offset: str | None, *, usual: int) -> list[T]:
    """A part of what was found."""
    start = _number(offset, 0)
    return list(found[start : start + _number(limit, usual)])


def _number(text: str | None, usual: int) -> int:
    return int(text) if text is not None and text.isdecimal() else usual
