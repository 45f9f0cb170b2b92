import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql


@pytest.fixture
def login(database_server: str) -> Iterator[str]:
    """A login of the server that may do nothing special."""
    name = f"login_{os.getpid()}"
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    yield name
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
