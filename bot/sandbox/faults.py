"""What can go wrong with GitHub's answers."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import ClassVar

BEFORE = frozenset({"5xx", "403-secondary", "403-primary", "429", "401", "cut-before", "html-502"})
"""GitHub does nothing of what it was asked."""

AFTER = frozenset({"cut-after", "truncated-json", "slow"})
"""GitHub does it, and the answer suffers."""

KINDS = BEFORE | AFTER


@dataclass(slots=True)
class Fault:
    """A fault of the next ``times`` exchanges that ``match`` is found in.

    ``match`` is a regular expression for ``METHOD /path``, or ``graphql``. ``seconds``: how long a limit stands, or
    how late a slow answer is.
    """

    match: str
    kind: str
    times: int = 1
    seconds: float = 1.0

    known: ClassVar[frozenset[str]] = KINDS

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist: it would never happen."""
        if self.kind not in self.known:
            raise ValueError(f"{self.kind} is no fault; there are {', '.join(sorted(self.known))}")


@dataclass(slots=True)
class Faults:
    """The faults that are to come. ``met`` are those that came: kind, and what was asked; ``make``: a fault of here."""

    waiting: list[Fault] = field(default_factory=list)
    met: list[tuple[str, str]] = field(default_factory=list)
    make: type[Fault] = Fault
    _rate: float = 0.0
    _chance: random.Random = field(default_factory=random.Random)
    _kinds: tuple[str, ...] = ()

    def add(self, fault: Fault) -> None:
        """Let it happen."""
        self.waiting.append(fault)

    def at_random(self, rate: float, seed: int, kinds: tuple[str, ...] | None = None) -> None:
        """Let a share ``rate`` of all exchanges fail, each time in one of these ways (in all but slowly or late)."""
        self._rate, self._chance = rate, random.Random(seed)
        self._kinds = tuple(sorted(self.make.known - {"slow", "done-late"})) if kinds is None else kinds

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.waiting.clear()
        self._rate = 0.0

    def meet(self, asked: str) -> Fault | None:
        """The fault of this exchange, if there is one."""
        fault = next((each for each in self.waiting if re.search(each.match, asked)), None)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
        elif self._rate and self._chance.random() < self._rate:
            fault = self.make("", self._chance.choice(self._kinds), seconds=1.0)
        if fault is not None:
            self.met.append((fault.kind, asked))
        return fault
