"""The name that was meant."""

from collections.abc import Collection

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.words import listed

_NEAR = 0.65
"""Of the characters, a third may be others, be missing, or have changed places with their neighbour."""

_START = 3
"""Characters that are enough of the beginning of a name, when it is that of one only."""

_MOST = 40


def nearest(word: str, names: Collection[str]) -> str:
    """The name that is near to ``word``, as a question; all of them where none is near and they are not too many."""
    found = process.extractOne(word, names, scorer=OSA.normalized_similarity, processor=str.lower, score_cutoff=_NEAR)
    begun = [name for name in names if len(word) >= _START and name.lower().startswith(word.lower())]
    if found or len(begun) == 1:
        return f" Did you mean `{found[0] if found else begun[0]}`?"
    if not names:
        return " There are none."
    return f" Known are {listed([f'`{name}`' for name in names])}." if len(names) <= _MOST else ""
