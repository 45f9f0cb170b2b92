"""Patterns that a policy writes for paths: RE2, which takes time in proportion to the text and no more."""

from functools import lru_cache
from typing import Any

import re2


def matches(path: str, pattern: str) -> bool:
    """Whether the pattern is found in the path: anywhere, as with `matches` in expressions, unless it is anchored."""
    return compiled(pattern).search(path) is not None


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """The pattern, ready to be looked for.

    Raises:
        re2.error: it is none; a policy file with such a pattern cannot be used.

    """
    return re2.compile(pattern, options=_QUIET)


_QUIET = re2.Options()
_QUIET.log_errors = False
