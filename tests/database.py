"""One PostgreSQL for all test processes, and a fresh copy of the migrated database for each test that asks."""

import fcntl
import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import bot.store
from bot.store import embedded
from bot.store.migrate import migrate

# Kept between runs, which then need neither initdb nor migrations. Users cannot share a server's files.
FOLDER = Path(__file__).parent.parent / "var" / f"test-{os.geteuid()}"

_numbers = itertools.count(1)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep the other test processes of this machine out while the block runs."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def start() -> str:
    """The address of the test server as its administrator; started if no other test process did."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    with locked("server"):
        address = embedded.start(FOLDER)
        with psycopg.connect(address, autocommit=True) as connection:
            # What these databases hold is worth nothing after the test: waiting for the disk would only cost time. The
            # code under test asks for a durable commit all the same (synchronous_commit), and a test looks at that.
            for setting in ("fsync", "full_page_writes"):
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            connection.execute("ALTER SYSTEM SET max_connections = 400")
            connection.execute("SELECT pg_reload_conf()")
    return address


def stop() -> None:
    """Leave the server; the last test process stops it."""
    if FOLDER.is_dir() and "TEST_DATABASE_URL" not in os.environ:
        with locked("server"):
            embedded.stop(FOLDER)


def as_url(conninfo: str) -> str:
    """A connection string in the form of an address."""
    parts = conninfo_to_dict(conninfo)
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={quote(str(parts['host']), safe='')}"


def at(server: str, name: str) -> str:
    """The URL of the database ``name`` on ``server``."""
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def _fingerprint() -> str:
    """Changes when a migration does."""
    folder = Path(bot.store.__file__).parent / "migrations"
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".sql"})
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]


def template(server: str) -> str:
    """The name of a migrated database to copy from; made if the migrations changed since it was made last."""
    name = f"template_{_fingerprint()}"
    with locked("template"), psycopg.connect(server, autocommit=True) as connection:
        found = {each for (each,) in connection.execute("SELECT datname FROM pg_database")}
        if name in found:
            return name
        for old in found:
            if old.startswith("template_") or _is_left_over(old):
                with suppress(psycopg.errors.ObjectInUse):
                    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(old)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"making_{os.getpid()}")))
        migrate(at(server, f"making_{os.getpid()}"))
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        connection.execute(rename.format(sql.Identifier(f"making_{os.getpid()}"), sql.Identifier(name)))
    return name


def _is_left_over(name: str) -> bool:
    """Whether a killed test process made this database."""
    word, _, rest = name.partition("_")
    pid = rest.partition("_")[0]
    return word in {"test", "making"} and pid.isdecimal() and not Path(f"/proc/{pid}").exists()


@contextmanager
def copy(server: str, source: str | None) -> Iterator[str]:
    """A new database, a copy of ``source`` or empty, for as long as the block runs."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    clause = sql.SQL(" TEMPLATE {}").format(sql.Identifier(source)) if source else sql.SQL("")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + clause)
    try:
        yield at(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def away(address: str) -> Iterator[None]:
    """End every connection to the database and let nobody in while the block runs, as when its server is restarted."""
    name = str(conninfo_to_dict(address)["dbname"])
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(at(address, "postgres"), autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        interrupt(address)
        try:
            yield
        finally:
            connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def interrupt(address: str) -> int:
    """End every connection to the database, as when a failover happens; answers how many there were."""
    name = conninfo_to_dict(address)["dbname"]
    with psycopg.connect(at(address, "postgres"), autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        return len(ended.fetchall())
