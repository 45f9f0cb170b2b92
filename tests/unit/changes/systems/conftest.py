from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from bot.changes.systems.port import ChangeType, Content, Planned
from bot.changes.systems.servicenow import FieldMap, ServiceNow, connect
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.servicenow.simulation import CLIENT_ID, CLIENT_SECRET
from bot.settings import ServiceNowAccess

SAMPLES = Path(__file__).parents[4].parent / "shared/reference/servicenow-samples"
"""ServiceNow's own description of its API, where somebody has put it beside the project."""

collect_ignore = [] if SAMPLES.is_dir() else ["test_servicenow_openapi.py"]

START = datetime(2026, 11, 28, 22, tzinfo=UTC)
NIGHT = Planned(START, START + timedelta(hours=4))
CORRELATION = "cs:7:8f14e45fceea167a5a36dedd4bea2543"


@dataclass(slots=True)
class Ticking:
    """The time, which a test may put forward."""

    time: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def go_on(self, **by: float) -> None:
        self.time += timedelta(**by)


class Killed(Exception):
    """The process is no more."""


@dataclass(slots=True)
class Mortal:
    """A session of a process that is killed after ``left`` more requests."""

    session: aiohttp.ClientSession
    left: int

    def request(self, *args: Any, **more: Any) -> Any:
        if self.left == 0:
            raise Killed
        self.left -= 1
        return self.session.request(*args, **more)


def content(**other: Any) -> Content:
    """A change with everything that belongs to it."""
    whole: dict[str, Any] = {
        "correlation_id": CORRELATION,
        "correlation_display": "acme/payments-ledger#42@6f1d2c3",
        "type": ChangeType.NORMAL,
        "short_description": "Raise the limit of instant payments",
        "description": "Head 6f1d2c3.\nTier: high.",
        "justification": "A new rule of the scheme",
        "implementation_plan": "1. Deploy\n2. Watch",
        "risk_impact_analysis": "Payments could be refused",
        "backout_plan": "Deploy 5c1d again",
        "test_plan": "The suite of the ledger",
        "planned": NIGHT,
        "cab_required": True,
    }
    return Content(**{**whole, **other})


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=5, connect=5, sock_read=0.3)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def there(clock: Ticking) -> AsyncIterator[SimulatedServiceNow]:
    """The simulated ServiceNow."""
    async with SimulatedServiceNow.start(clock=clock) as simulation:
        yield simulation


@pytest.fixture
def servicenow(there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking) -> ServiceNow:
    """A client that does not wait between attempts."""
    return client(there, session, clock)


def client(
    there: SimulatedServiceNow, session: aiohttp.ClientSession, clock: Ticking, fields: FieldMap | None = None
) -> ServiceNow:
    access = ServiceNowAccess(there.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    made = connect(access, session, clock, fields)
    made.door.chance = lambda: 0.0
    return made


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What is logged, at every level."""
    with structlog.testing.capture_logs() as lines:
        yield lines
