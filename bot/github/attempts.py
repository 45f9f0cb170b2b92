"""Doing something at GitHub again, where that cannot do it twice."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from bot.clock import Clock
from bot.github.errors import MayHaveHappened, NotSent, RateLimited, Unanswered

ATTEMPTS = 3
SHORT = timedelta(seconds=2)
"""What is waited for in place; a longer wait goes back to the queue, since the token may not outlive it."""

Answer = TypeVar("Answer")


async def attempts(
    once: Callable[[], Awaitable[Answer]], *, repeatable: bool, clock: Clock, chance: Callable[[], float]
) -> Answer:
    """Do ``once``, and again after a short wait.

    ``repeatable``: doing it twice is doing it once. ``chance`` (0 to 1) keeps those who failed together from coming
    back together.

    Raises:
        MayHaveHappened: the outcome is unknown, and it is not ``repeatable``.
        Transient, Refusal: as ``once`` raised it in the end.

    """
    attempt = 1
    while True:
        try:
            return await once()
        except (RateLimited, NotSent, Unanswered) as error:
            if isinstance(error, Unanswered) and not repeatable:
                raise MayHaveHappened(error.waits_for) from error
            wait = error.until - clock() if error.until else timedelta(seconds=0.1 * 2**attempt) * chance()
            if attempt == ATTEMPTS or wait > SHORT:
                raise
        attempt += 1
        await asyncio.sleep(max(wait.total_seconds(), 0))
