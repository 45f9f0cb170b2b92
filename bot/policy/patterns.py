"""Patterns that a policy writes for paths: RE2, which takes time in proportion to the text and no more."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import re2

MOST_INSTRUCTIONS = 500_000
"""Of all patterns of a policy file together: they take a second to compile. A pattern for a path has some dozens."""

_OF_ANY = 200
_OF_NONE = 20_000
"""What is no pattern can have been far too large for one before that was found out."""

_OF_WHOLE_TEXTS = re.compile(r"\\[AzC]|\(\?")


def matches(path: str, pattern: str) -> bool:
    """Whether the pattern is found in the path: anywhere, as with `matches` in expressions, unless it is anchored."""
    return compiled(pattern).search(path) is not None


def together(paths: Sequence[str]) -> str:
    """All paths in one text, each behind a character that is in none of them: a line feed where that can be."""
    whole = "".join(paths)
    separator = next(each for each in map(chr, count(ord("\n"))) if each not in whole)
    return separator + separator.join(paths) if paths else ""


def any_matches(whole: str, pattern: str) -> bool:
    """Whether the pattern is found in one of the paths that are `together` in a text.

    What is found in none of its lines is not in the text: most patterns are looked for once, not once for each path.
    """
    by_lines = whole.startswith("\n") and not _OF_WHOLE_TEXTS.search(pattern)
    if by_lines and compiled(f"(?m){pattern}").search(whole) is None:
        return False
    # A match may reach from one line into the next.
    return any(matches(path, pattern) for path in whole.split(whole[:1])[1:]) if whole else False


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> Any:
    """The pattern, ready to be looked for.

    Raises:
        re2.error: it is none; a policy file with such a pattern cannot be used.

    """
    return re2.compile(pattern, options=_QUIET)


def instructions(pattern: str) -> int:
    """What a pattern counts among `MOST_INSTRUCTIONS`: those of its program, and some for being one."""
    try:
        return _OF_ANY + int(compiled(pattern).programsize)
    except re2.error:
        return _OF_NONE


_QUIET = re2.Options()
_QUIET.log_errors = False
