"""A policy file is read beside the event loop, and what was read before at once."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from bot.policy.assemble import Source
from bot.policy.reading import LARGE, beside
from bot.policy.remembered import remembered

SMALL, BIG = Source("acme/.github:countersign.yml", "1", "a"), Source("acme/.github:countersign.yml", "2", "b" * LARGE)


@remembered
def thread_for(text: str, _case: str) -> str:
    """The thread that reads the text."""
    return threading.current_thread().name


def reading(source: Source, case: str) -> Callable[[], tuple[str, str]]:
    """Who reads the text, and who is handed what was read."""
    return lambda: (thread_for(source.text, case), threading.current_thread().name)


@pytest.mark.parametrize("source", [SMALL, BIG], ids=["small", "large"])
async def test_a_text_is_read_in_another_thread_and_once(source: Source) -> None:
    here = threading.current_thread().name
    reader, user = await beside(reading(source, "once"), [source, None])
    assert reader == user != here
    assert await beside(reading(source, "once"), [source]) == (reader, here)


async def test_what_reads_nothing_is_done_at_once() -> None:
    assert await beside(threading.current_thread, [BIG]) is threading.current_thread()


async def test_a_small_file_does_not_wait_for_a_large_one() -> None:
    begun, go_on = threading.Event(), threading.Event()

    @remembered
    def slow(_: str) -> bool:
        begun.set()
        return go_on.wait(30)

    large = asyncio.create_task(beside(lambda: slow(BIG.text), [BIG]))
    await asyncio.to_thread(begun.wait, 30)
    await beside(reading(SMALL, "meanwhile"), [SMALL])
    assert not large.done()
    go_on.set()
    assert await large


async def test_what_fails_there_fails_here() -> None:
    @remembered
    def failing(_: str) -> None:
        raise ValueError("that was a defect")

    with pytest.raises(ValueError, match="a defect"):
        await beside(lambda: failing("a"), [SMALL])


async def test_who_does_not_want_it_any_more_does_not_wait_for_it() -> None:
    begun, go_on = threading.Event(), threading.Event()

    @remembered
    def slow(_: str) -> bool:
        begun.set()
        return go_on.wait(30)

    asked = asyncio.create_task(beside(lambda: slow(BIG.text), [BIG]))
    await asyncio.to_thread(begun.wait, 30)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    go_on.set()
