"""What every kind of thing has in its JSON."""

from datetime import datetime
from typing import Any

JSON = dict[str, Any]


def when(moment: datetime) -> str:
    """A moment as GitHub writes it, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def maybe(moment: datetime | None) -> str | None:
    """A moment that may not have come."""
    return None if moment is None else when(moment)
