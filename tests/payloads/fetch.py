"""Fetches the package with the npm of the test dependencies, from wherever this machine's npm gets packages."""

import base64
import fcntl
import hashlib
import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path

PACKAGE = "@octokit/webhooks-examples"
VERSION = "7.6.1"
SHA512 = "De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ=="
FOLDER = Path(__file__).parent.parent.parent / "var" / "payloads"
PATIENCE = 180
"""Seconds for npm to fetch 0.4 MB."""


class NotFetched(Exception):
    """The payloads are not there, and could not be fetched."""


def fetch(folder: Path = FOLDER, npm: Path | None = None) -> Path:
    """The package's archive; fetched when it is not there, or not what it should be. Many processes may ask at once.

    Raises:
        NotFetched: npm could not get it, or got something else.

    """
    archive = folder / f"webhooks-examples-{VERSION}.tgz"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "fetch.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_genuine(archive):
            with tempfile.TemporaryDirectory(dir=folder) as there:
                _pack(npm or Path(sysconfig.get_path("scripts"), "npm"), Path(there)).rename(archive)
    return archive


def _is_genuine(archive: Path) -> bool:
    if not archive.is_file():
        return False
    return hashlib.sha512(archive.read_bytes()).digest() == base64.b64decode(SHA512)


def _pack(npm: Path, there: Path) -> Path:
    """Let npm fetch the package into the folder ``there``. Nothing of the package is run."""
    command = [str(npm), "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--fetch-retries=1", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=there, check=False, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotFetched(_sentence(str(error))) from error
    found = list(there.glob("*.tgz"))
    if done.returncode or not found:
        code = re.search(r"npm error code (\w+)", done.stderr)
        raise NotFetched(_sentence(f"it said {code[1]}" if code else f"it ended with {done.returncode}"))
    if not _is_genuine(found[0]):
        raise NotFetched(_sentence("its checksum is not the expected one"))
    return found[0]


def _sentence(reason: str) -> str:
    return (
        f"GitHub's example payloads ({PACKAGE} {VERSION}) could not be fetched with npm ({reason.rstrip('.')}); "
        "connect this machine to a package registry and run `python -m tests.payloads`."
    )
