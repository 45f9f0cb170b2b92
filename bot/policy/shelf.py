"""Where the files are that come with Countersign: the default policy and the packs of controls."""

from functools import cache
from pathlib import Path


def folder() -> Path:
    """The folder ``config``: beside the package in a checkout, inside of it when installed."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_config"
    return installed if installed.is_dir() else package.parent / "config"


@cache
def available() -> tuple[str, ...]:
    """The names of the packs that there are, in their order."""
    return tuple(sorted(each.stem for each in (folder() / "packs").glob("*.yml")))
