"""The policy of an organisation that has none yet, from ``config/default-policy.yml``."""

from functools import cache
from pathlib import Path

from bot.policy.assemble import from_defaults
from bot.policy.check import check, explain
from bot.policy.model import Policy


def folder() -> Path:
    """The folder ``config``: beside the package in a checkout, inside of it when installed."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_config"
    return installed if installed.is_dir() else package.parent / "config"


@cache
def default() -> Policy:
    """The built-in policy. It is a file of ours: anything wrong in it is a defect."""
    checked = check((folder() / "default-policy.yml").read_text(encoding="utf-8"), "default-policy.yml")
    assert checked.content is not None, explain(checked.problems)
    return from_defaults(checked.content)
