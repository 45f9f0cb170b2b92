"""What trying another policy says: which decisions would be others, and who would gain from that. Pure."""

from dataclasses import dataclass

from bot.decide.verdict import Verdict
from bot.facts.model import Account, Gain

DAYS = 90
"""How far back a preview looks."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that would be another one. ``contributors`` are those of the change.

    ``loosens``: the change was stopped, and would not be.
    """

    subject: str
    repository: str
    number: int
    was: Verdict
    would: Verdict
    how: tuple[str, ...]
    contributors: tuple[Account, ...] = ()
    loosens: bool = False


@dataclass(frozen=True, slots=True)
class Untried:
    """That a decision cannot be compared: a repository's file names what no policy above it knew then."""

    subject: str


Result = Difference | Untried | None
"""What came of trying a candidate on a decision; None where it would be the same."""


@dataclass(frozen=True, slots=True)
class Preview:
    """``tried`` recorded changes: ``differing`` would be decided differently, of which ``passing`` would newly pass.

    ``untried`` more cannot be compared. ``shown`` has some of those that differ, those that would newly pass first;
    ``gains`` the people whose own open changes would.
    """

    tried: int
    differing: int
    passing: int
    shown: tuple[Difference, ...]
    gains: tuple[Gain, ...]
    untried: int = 0
