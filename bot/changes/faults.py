"""What is told while the system that keeps a record's twin cannot be asked: how it fails, and since when. Pure.

That is what two attempts in a row have met, until one comes to its end. So a blip is no news, and neither is a system
that fails in another way each time: whatever is told is written to the check run of each open change.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.words import dated, spoken


@dataclass(frozen=True, slots=True)
class Fault:
    """``what`` fails, with the system's name: ``ServiceNow has not been reachable``; and since when it does so."""

    what: str
    since: datetime

    def spoken(self, longest: timedelta) -> str:
        """What people read of it; ``longest`` is the longest pause between two attempts."""
        return (
            f"{self.what} since {dated(self.since)}; Countersign tries again by itself, at least every "
            f"{spoken(longest)} unless it is asked to wait longer. Nothing is lost."
        )


@dataclass(frozen=True, slots=True)
class Faults:
    """What the ``last`` attempt met, None where it came to its end; and what is ``told``."""

    last: Fault | None = None
    told: Fault | None = None

    def after(self, what: str, at: datetime) -> "Faults":
        """After an attempt that met ``what``."""
        if self.last is None or self.last.what != what:
            return Faults(Fault(what, at), self.told)
        if self.told is not None and self.told.what == what:
            return self
        return Faults(self.last, self.last)
