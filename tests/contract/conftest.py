"""The story as it was told, and a client that asks what githubkit would not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.sandbox import SimulatedGitHub
from tests.contract.asking import Client, Watch
from tests.contract.published import IS_THERE
from tests.contract.story import HEARD, NEXT, PERMISSIONS, SECRET, House, Record, told

collect_ignore = [] if IS_THERE else ["test_published.py"]
"""What GitHub has published is compared where a copy lies beside the project."""


@pytest.fixture(scope="session")
def cloud() -> Record:
    """The story on github.com."""
    return asyncio.run(told())


@pytest.fixture(scope="session")
def cloud_next() -> Record:
    """The story on github.com, asked in the next version of the API."""
    return asyncio.run(told(version=NEXT))


@pytest.fixture(scope="session")
def server() -> Record:
    """The story on a server of one's own."""
    return asyncio.run(told(ghes=True))


@pytest.fixture
def watch() -> Watch:
    """The clock of the simulated GitHub."""
    return Watch()


@pytest.fixture
async def github(watch: Watch) -> AsyncIterator[SimulatedGitHub]:
    """A simulated GitHub whose App has every permission and hears everything."""
    async with SimulatedGitHub.start(
        webhook_secret=SECRET, clock=watch, permissions=PERMISSIONS, events=HEARD
    ) as github:
        yield github


@pytest.fixture
async def house(github: SimulatedGitHub) -> House:
    """The organisation of the story, before anything else happened."""
    return House.found(github)


@pytest.fixture
async def client(github: SimulatedGitHub, house: House) -> AsyncIterator[Client]:
    """Asks as the installation, with every permission."""
    async with Client.of(github, house.organisation) as client:
        yield client
