"""Whose turn it is at GitHub's limits."""

from enum import IntEnum


class Lane(IntEnum):
    """Who needs the answer; a higher lane may use more of what is left of the budget."""

    SWEEP = 0
    TIMER = 1
    DEPLOYMENT = 2
    PERSON = 3

    @property
    def reserve(self) -> float:
        """The share of a limit that this lane leaves for more urgent ones."""
        return {Lane.SWEEP: 0.5, Lane.TIMER: 0.25, Lane.DEPLOYMENT: 0.1, Lane.PERSON: 0.02}[self]
