"""Runs a file of SQL statements on a migration's connection."""

from sqlalchemy import Connection


def run(connection: Connection, script: str) -> None:
    """Run all statements of ``script`` at once, as PostgreSQL's simple protocol does."""
    driver = connection.connection.driver_connection
    assert driver is not None, "a migration runs on an open connection"
    driver.execute(script)
