"""For what speaks to GitHub: the simulated one, and an installation's way to it."""

from collections.abc import AsyncIterator

import pytest

from bot.github.client import Credentials, InstallationClient, connect
from bot.sandbox import SimulatedGitHub


@pytest.fixture
async def gh() -> AsyncIterator[SimulatedGitHub]:
    async with SimulatedGitHub.start(webhook_secret="a secret") as gh:
        yield gh
        assert not gh.unknown_routes


@pytest.fixture
async def client(gh: SimulatedGitHub) -> AsyncIterator[InstallationClient]:
    """GitHub as the App sees it in the organisation ``acme``."""
    installation = gh.organisation("acme").installation
    assert installation is not None
    credentials = Credentials(gh.app_id, gh.private_key_pem, gh.api_url)
    async with connect(credentials, clock=gh.world.now) as github:
        yield github.installation(installation.id)
