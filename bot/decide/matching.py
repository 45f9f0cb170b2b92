"""Assigns people to demands so that each is used once and as many places as possible are filled."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

P = TypeVar("P", bound=Hashable)


def assign(places: Sequence[int], able: Mapping[P, Sequence[int]]) -> dict[P, int]:
    """The demand that each person fills: a maximum matching (augmenting paths), the same for the same input.

    ``places`` has the number of people that each demand takes; ``able`` the demands that each person could fill.
    """
    taken: list[list[P]] = [[] for _ in places]

    def place(person: P, tried: set[int]) -> bool:
        for demand in able[person]:
            if demand in tried:
                continue
            tried.add(demand)
            if len(taken[demand]) < places[demand]:
                taken[demand].append(person)
                return True
            for index, other in enumerate(taken[demand]):
                if place(other, tried):
                    taken[demand][index] = person
                    return True
        return False

    for person in able:
        place(person, set())
    return {person: demand for demand, people in enumerate(taken) for person in people}
