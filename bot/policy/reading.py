"""Reads policy files beside the event loop: a large one takes seconds, and nobody else's look is to wait for it.

A thread has the interpreter in turns with the loop, which waits for milliseconds at a time instead of for the whole
file. There are two, and they are for nothing else: one for the large files, which wait for each other, since several at
once would only slow everybody down, and one for the small ones, which do not wait for the large. What was read before
is at hand and waits for nobody.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.policy.assemble import Source
from bot.policy.remembered import NotAtHand, only_at_hand

LARGE = 16 * 1024
"""Characters from which on a file is a large one."""

_SMALL_ONES = ThreadPoolExecutor(max_workers=1, thread_name_prefix="policy-small")
_LARGE_ONES = ThreadPoolExecutor(max_workers=1, thread_name_prefix="policy-large")

T = TypeVar("T")


async def beside(work: Callable[[], T], sources: Iterable[Source | None]) -> T:
    """What ``work`` makes of the sources. It does no I/O, and can be broken off and begun again."""
    try:
        with only_at_hand():
            return work()
    except NotAtHand:
        large = any(len(source.text) >= LARGE for source in sources if source is not None)
    return await asyncio.get_running_loop().run_in_executor(_LARGE_ONES if large else _SMALL_ONES, work)
