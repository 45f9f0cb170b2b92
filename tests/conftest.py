"""What every test stands on: a real PostgreSQL, and no network but this machine."""

import logging
from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest
import structlog
from pytest_socket import socket_allow_hosts

from bot.store import Store
from tests import database

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_runtest_setup() -> None:
    """Only this machine can be reached."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


def pytest_unconfigure() -> None:
    """Every process leaves the database server: the last one stops it, so that nothing stays behind."""
    database.stop()


@pytest.fixture(autouse=True)
def _log_lines_as_before() -> Iterator[None]:
    """The command line says where log lines go, for the whole process."""
    handlers, level, known = logging.root.handlers[:], logging.root.level, structlog.get_config()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**known)


@pytest.fixture(scope="session")
def database_server() -> str:
    """The address of the server as its administrator; use it for databases of your own."""
    return database.start()


@pytest.fixture(scope="session")
def database_template(database_server: str) -> str:
    """The name of a migrated, empty database."""
    return database.template(database_server)


@pytest.fixture
def database_url(database_server: str, database_template: str) -> Iterator[str]:
    """The address of a migrated database that is this test's alone, as its owner."""
    with database.copy(database_server, database_template) as address:
        yield address


@pytest.fixture
def empty_database_url(database_server: str) -> Iterator[str]:
    """The address of a database without tables that is this test's alone, as its owner."""
    with database.copy(database_server, None) as address:
        yield address


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store on a database that is this test's alone."""
    async with Store.open(database_url) as store:
        yield store
