"""Notes what a repository's file is not let through with. Pure."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

Loosening = tuple[tuple[str | int, ...], str]
"""Where in the file something would loosen the policy, and the sentence that says so."""


T = TypeVar("T")


@dataclass(slots=True)
class Tightening:
    """Lays a repository's file over a policy, and notes what it does not let through."""

    refused: list[Loosening] = field(default_factory=list)

    def refuse(self, path: tuple[str | int, ...], sentence: str) -> None:
        """Note that what stands at ``path`` is not let through."""
        self.refused.append((path, sentence))

    def stricter(
        self, path: tuple[str | int, ...], upper: T, wanted: T | None, order: Callable[[T], float], *, says: str
    ) -> T:
        """``wanted`` where it is at least as strict as ``upper``; ``order`` grows with strictness."""
        if wanted is None or wanted == upper:
            return upper
        if order(wanted) < order(upper):
            self.refuse(path, f"The organisation says {says}; a repository can only be stricter.")
            return upper
        return wanted

    def narrowed(
        self,
        path: tuple[str | int, ...],
        upper: Iterable[str],
        wanted: Iterable[str],
        *,
        who: str,
        within: Callable[[str, str], bool] = operator.eq,
    ) -> tuple[str, ...]:
        """Those who are ``wanted`` and ``within`` one of ``upper``; everybody else who is wanted is refused."""
        above, asked = tuple(upper), dict.fromkeys(wanted)
        added = sorted(each for each in asked if not any(within(each, known) for known in above))
        if added:
            self.refuse(path, f"The organisation says who {who}; a repository cannot add {', '.join(added)}.")
        return tuple(each for each in asked if each not in added)


def shorter(duration: timedelta) -> float:
    """An order in which the shorter duration is the stricter."""
    return -duration.total_seconds()
