"""The door to the database: a pool of connections that work as a role which can append to the ledger, not change it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from bot.errors import Refusal, Transient
from bot.store import embedded
from bot.store.migrate import NEWEST

log = structlog.get_logger(__name__)

ROLE = "countersign_app"
"""What the application works as, whoever it logs in as: the owner's login takes this role on every connection."""

STATEMENT_TIMEOUT = "30s"
LOCK_TIMEOUT = "10s"
IDLE_TIMEOUT = "30s"
"""After which a process that stands still gives back what it has locked, the ledger's head among it."""
WAIT = 5.0
"""Seconds to wait for a free connection before the database counts as away."""

# A server that went away without a word, as in a failover, is noticed within half a minute.
_NETWORK: dict[str, str | int | None] = {
    "application_name": "countersign",
    "connect_timeout": int(WAIT),
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

# The pool's own errors are operational; a standby that has not been promoted yet only reads.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)


def working_conninfo(database_url: str) -> str:
    """The address with which the application connects: as the least-privileged role, and with bounded waits."""
    given = conninfo_to_dict(database_url)
    settings = {
        "role": ROLE,
        "statement_timeout": STATEMENT_TIMEOUT,
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT,
        "synchronous_commit": "on",
    }
    options = [str(given.get("options") or ""), *(f"-c {name}={value}" for name, value in settings.items())]
    return make_conninfo("", **{**_NETWORK, **given, "options": " ".join(options).strip()})


def address(database_url: str | None, data_dir: Path) -> str:
    """The database to use: the one that is named, or the embedded server, which is started."""
    return database_url if database_url is not None else embedded.start(data_dir)


class Store:
    """Connections to the database, a transaction at a time.

    ``conninfo`` is the address that the connections use, for parts that need their own.
    """

    def __init__(self, conninfo: str, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self.conninfo = conninfo
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, database_url: str, *, most_connections: int = 20) -> AsyncIterator["Store"]:
        """A store on the database at ``database_url``, which need not answer yet."""
        conninfo = working_conninfo(database_url)
        pool = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=most_connections,
            timeout=WAIT,
            # Given up, a connection is tried again by the next one who asks, and not after an ever longer pause.
            reconnect_timeout=WAIT,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )
        await pool.open()
        try:
            yield cls(conninfo, pool)
        finally:
            await pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection[Any]]:
        """A connection inside a transaction that is committed when the block ends, and rolled back when it raises.

        Raises:
            Transient: the database is away, or could not finish in time.

        """
        try:
            async with self._pool.connection() as connection:
                yield connection
        except _AWAY as error:
            log.warning("database_away", error=str(error).strip())
            raise Transient("the database") from error

    async def check_schema(self) -> None:
        """Raise unless the database has the tables that this version works with.

        Raises:
            Refusal: it has an older or a newer schema.
            Transient: the database is away.

        """
        found = await self._schema()
        if found == NEWEST:
            return
        newer = found is not None and found > NEWEST
        raise Refusal(
            f"The database has schema {found or 'none'}, and this version of Countersign works with {NEWEST}.",
            remedy="Start the newer version of Countersign, which its owner has prepared it for."
            if newer
            else "Run `python -m bot migrate` as the database's owner.",
        )

    async def _schema(self) -> str | None:
        """The database's schema. Asked on a connection of its own: the pool does not tell why it has none."""
        try:
            async with await AsyncConnection.connect(self.conninfo) as connection:
                cursor = await connection.execute("SELECT version_num FROM alembic_version")
                row = await cursor.fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
            return None
        except psycopg.OperationalError as error:
            if ROLE in str(error):
                # The role is made by the first migration, and the migrations' owner is put into it.
                return None
            raise Transient("the database") from error
        return row[0] if row else None
