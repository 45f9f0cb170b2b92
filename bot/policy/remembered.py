"""What was read of policy files stays at hand: reading one takes longer than everything else in a decision. Pure."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import Lock
from typing import Concatenate, ParamSpec, TypeVar

from cachetools import LRUCache

MOST = 4 * 1024 * 1024
"""Characters of all the files that are kept, together with `_BESIDES` for each: what is made of them is larger."""

_BESIDES = 1024

P = ParamSpec("P")
R = TypeVar("R")

_only_at_hand: ContextVar[bool] = ContextVar("only_at_hand", default=False)


class NotAtHand(Exception):
    """A file that was not read yet, or so long ago that it would have to be read again."""


@contextmanager
def only_at_hand() -> Iterator[None]:
    """In the block, nothing is read: what is not at hand raises `NotAtHand`."""
    before = _only_at_hand.set(True)
    try:
        yield
    finally:
        _only_at_hand.reset(before)


def remembered(read: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """The same reader of a text, which keeps what it made of those that were asked for last. For any thread.

    What it makes must not be changed by anybody.
    """
    kept: LRUCache[object, tuple[int, R]] = LRUCache(MOST, getsizeof=lambda entry: entry[0])
    lock = Lock()

    @wraps(read)
    def reader(text: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (text, args, tuple(sorted(kwargs.items())))
        with lock:
            found = kept.get(key)
        if found is not None:
            return found[1]
        if _only_at_hand.get():
            raise NotAtHand
        made = read(text, *args, **kwargs)
        with lock:
            kept[key] = min(len(text) + _BESIDES, MOST), made
        return made

    return reader
