"""Brings the database's tables to what this version works with."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from bot.errors import Refusal

NEWEST = "0024"
_ROLE = "countersign_app"
_LOCK = 7261_2026
"""The advisory lock that lets one machine migrate at a time."""


def migrate(database_url: str) -> None:
    """Bring the database at ``database_url`` up to date, as its owner; many machines may ask at once.

    Raises:
        Refusal: the database does not answer, or the login may not do what is needed; the remedy says what to run.

    """
    # One plain connection string serves psycopg and SQLAlchemy, whatever form the address has.
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=pool.NullPool
    )
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise Refusal(
            f"The database has a schema that this version of Countersign does not know: {error}.",
            remedy="Start the newer version of Countersign, which its owner has prepared it for.",
        ) from error
    except (DBAPIError, psycopg.Error) as error:
        raise _refusal(error.orig if isinstance(error, DBAPIError) else error) from error


def _refusal(error: BaseException | None) -> BaseException:
    """What to tell of an error of the driver; a defect of the migrations stays what it is."""
    said = next(iter(str(error).splitlines()), "")
    match error:
        case psycopg.OperationalError():
            return Refusal(f"The database does not answer: {said}.", remedy="Check DATABASE_URL.")
        case psycopg.errors.InsufficientPrivilege():
            return Refusal(
                f"This login may not prepare the database: {said}.",
                remedy=f"Run `CREATE ROLE {_ROLE} NOLOGIN; GRANT {_ROLE} TO <the login>;` as an administrator of the "
                "server, and migrate as the owner of the database.",
            )
        case _:
            assert error is not None, "an error of the driver has a cause"
            return error
