"""How long the event loop stands still while a policy file is read that is as large as one may be."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import uvloop

from bench.ground import Ground
from bench.table import Table, spread
from bot.policy.assemble import Assembled, Source, assemble
from bot.policy.default import default
from bot.policy.reading import beside
from bot.policy.yaml import MOST_BYTES

GOAL = 0.05
"""Seconds: the loop is to be late by less, but for one time in a hundred."""

_TICK = 0.001
_PERCENTILE = 0.99
_APPLICATION = """\
  - name: service-{number:05}
    repositories: [service-{number:05}, service-{number:05}-*]
    tier: high
    data: [personal]
    configuration_item: CI{number:07}
    environments: {{production: [production, prod-*]}}
"""

Read = Callable[[Callable[[], Assembled], Source], Awaitable[Assembled]]


@dataclass(frozen=True, slots=True)
class Round:
    """A file was read: how long that took, and how late the loop was each time meanwhile, in seconds, least first."""

    took: float
    late: tuple[float, ...]

    @property
    def p99(self) -> float:
        """Nearly always it was less late."""
        return self.late[int(len(self.late) * _PERCENTILE)]


def measure(ground: Ground) -> Table:
    """The same file, on the loop and beside it."""
    text = inventory()
    on = [uvloop.run(_round(_on_the_loop, text)) for _ in range(ground.runs)]
    beside_it = [uvloop.run(_round(_beside_the_loop, text)) for _ in range(ground.runs)]
    reached = sorted(each.p99 for each in beside_it)[ground.runs // 2] < GOAL
    return Table(
        "A policy file is read",
        ("where", "seconds until it is read", "longest stall of the loop, ms", "p99, ms"),
        (_row("on the event loop", on), _row("beside it, as the worker does", beside_it)),
        (
            f"""{len(text) / 1024:,.0f} KiB, an inventory of {text.count("- name:"):,} applications, which is read \
for the first time. A task sleeps for {_TICK * 1000:.0f} ms again and again: how much later it goes on is how \
long the loop stood still.""",
            f"The goal, beside it a p99 below {GOAL * 1000:.0f} ms, is {'reached' if reached else 'not reached'}.",
        ),
    )


def inventory() -> str:
    """A policy file of an organisation with so many applications that it is just not too large."""
    text, number = "version: 1\nmode: enforce\napplications:\n", 0
    while len(text) + len(_APPLICATION) + 10 < MOST_BYTES:
        text, number = text + _APPLICATION.format(number=number), number + 1
    return text


def _row(name: str, rounds: Sequence[Round]) -> tuple[str, ...]:
    milli = 1000
    return (
        name,
        spread([each.took for each in rounds], 1),
        spread([each.late[-1] * milli for each in rounds]),
        spread([each.p99 * milli for each in rounds]),
    )


async def _round(read: Read, text: str) -> Round:
    # A blob of its own: what was read before is remembered.
    source = Source("acme/.github:countersign.yml", str(time.monotonic_ns()), text)
    make = partial(assemble, default(), organisation=source, repository=None, last_good={}, repository_name="core")
    late: list[float] = []
    gc.collect()
    ticking = asyncio.create_task(_tick(late))
    await asyncio.sleep(0)
    began = time.perf_counter()
    made = await read(make, source)
    took = time.perf_counter() - began
    assert not made.broken, made.policy.problems
    await asyncio.sleep(2 * _TICK)
    ticking.cancel()
    return Round(took, tuple(sorted(late)))


async def _tick(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK)
        late.append(time.perf_counter() - began - _TICK)


async def _on_the_loop(make: Callable[[], Assembled], _: Source) -> Assembled:
    return make()


async def _beside_the_loop(make: Callable[[], Assembled], source: Source) -> Assembled:
    return await beside(make, [source])
