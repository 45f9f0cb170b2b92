"""The policy of an organisation that has none yet, from ``config/default-policy.yml``."""

from functools import cache

from bot.policy.assemble import from_defaults
from bot.policy.check import check, explain
from bot.policy.model import Policy
from bot.policy.shelf import folder


@cache
def default() -> Policy:
    """The built-in policy. It is a file of ours: anything wrong in it is a defect."""
    checked = check((folder() / "default-policy.yml").read_text(encoding="utf-8"), "default-policy.yml")
    assert checked.content is not None, explain(checked.problems)
    return from_defaults(checked.content)
