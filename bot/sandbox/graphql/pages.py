"""Connections: pages of at most a hundred nodes, with cursors that mean nothing to whoever gets them."""

import base64
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLResolveInfo


class Problem(Exception):
    """A part of the data that GitHub does not answer; ``type`` is GitHub's word for why."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_


MOST = 100


def page(items: Sequence[Any], info: GraphQLResolveInfo[Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The part of ``items`` that was asked for.

    Raises:
        Problem: no size is given, or one that GitHub does not accept.

    """
    first, last = arguments.get("first"), arguments.get("last")
    size = first if first is not None else last
    name = info.field_name
    if size is None:
        raise Problem(
            "MISSING_PAGINATION_BOUNDARIES",
            f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
        )
    if not 1 <= size <= MOST:
        raise Problem(
            "EXCESSIVE_PAGINATION",
            f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of {MOST} records.",
        )
    start = _place(arguments["after"]) if arguments.get("after") else 0
    rest = items[start:]
    shown = rest[:size] if first is not None else rest[-size:]
    end = start + len(shown) if first is not None else len(items)
    more = first is not None and end < len(items)
    earlier = start > 0 if first is not None else len(shown) < len(items)
    return {
        "nodes": list(shown),
        "total_count": len(items),
        "page_info": {
            "has_next_page": more,
            "has_previous_page": earlier,
            "end_cursor": _cursor(end) if shown else None,
        },
    }


def _cursor(place: int) -> str:
    return base64.b64encode(f"cursor:v2:{place}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().rpartition(":")[2])
    except ValueError:
        raise Problem("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None
