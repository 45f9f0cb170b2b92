"""Countersign against the simulated GitHub, through HTTP in both directions."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from tests.scenarios.bank import SECRET, Bank
from tests.scenarios.board import Board


@pytest.fixture
async def gh() -> AsyncIterator[SimulatedGitHub]:
    async with SimulatedGitHub.start(webhook_secret=SECRET) as gh:
        yield gh
        assert not gh.unknown_routes


@pytest.fixture
async def countersign(gh: SimulatedGitHub, database_url: str) -> AsyncIterator[Rehearsal]:
    async with rehearsal(gh, database_url, SECRET) as running:
        yield running


@pytest.fixture
async def bank(gh: SimulatedGitHub, countersign: Rehearsal) -> Bank:
    return Bank.found(gh)


@pytest.fixture
async def board(countersign: Rehearsal) -> Board:
    return Board.found(countersign)
