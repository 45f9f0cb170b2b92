"""The name that was meant."""

from collections.abc import Collection

from rapidfuzz import process

from bot.words import listed

_NEAR = 60.0
_MOST = 40


def nearest(word: str, names: Collection[str]) -> str:
    """The name that is nearest to ``word``, as a question; all of them where none is near and they are not too many."""
    found = process.extractOne(word, names, score_cutoff=_NEAR)
    if found:
        return f" Did you mean `{found[0]}`?"
    if not names:
        return " There are none."
    return f" Known are {listed([f'`{name}`' for name in names])}." if len(names) <= _MOST else ""
