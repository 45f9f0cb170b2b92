"""Waiting for what must come, and failing when it does not: no test sleeps and hopes."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool | Awaitable[bool]], *, within: float = 20.0) -> None:
    """Wait for a condition, ``within`` seconds at most."""
    async with asyncio.timeout(within):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)
