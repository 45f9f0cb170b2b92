"""Lists that GitHub gives in pages of at most 100."""

from dataclasses import dataclass
from typing import Any

from bot.github.errors import Unanswered


@dataclass(frozen=True, slots=True)
class Page:
    """The items of a list; ``truncated`` says that there are more."""

    items: tuple[Any, ...]
    truncated: bool


def items(answer: Any, key: str | None) -> list[Any]:
    """The items of one page; ``key`` is where an answer that is no list holds them.

    Raises:
        Unanswered: there is no list where it should be.

    """
    found = answer if key is None else answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise Unanswered("a list of GitHub that can be read")
    return found
