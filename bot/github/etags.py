"""Answers of reads by their ETag: a 304 costs nothing of the budget.

GitHub binds ETags to the token, so that an entry is worth something for the hour of a token.
"""

from dataclasses import dataclass

from cachetools import LRUCache

MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it came; it is decoded again for each use, so that nobody can change it for others."""

    etag: str
    content_type: str
    link: str | None
    body: bytes


Key = tuple[int, str, str]
"""The installation, the media type, the address: answers of one must never serve another."""


def cache(most_bytes: int = MOST_BYTES) -> LRUCache[Key, Kept]:
    """A cache that is bounded in bytes."""
    return LRUCache(most_bytes, getsizeof=_size)


def keep(cache: LRUCache[Key, Kept], key: Key, kept: Kept) -> None:
    """Keep an answer, unless it alone is larger than the cache."""
    if _size(kept) <= cache.maxsize:
        cache[key] = kept


def _size(kept: Kept) -> int:
    return len(kept.body) + 1024
