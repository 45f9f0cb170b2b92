"""How `/change` shows the plans: each with its text, and where that comes from."""

import re

from bot.changes.model import Contents, Said
from bot.changes.plans import PLANS
from bot.policy.model import Plan
from bot.words import dated, listed, shortened

LONGEST = 2_000
"""Characters of a plan that are shown; the record has all of it."""

_TICKS = re.compile(r"`{3,}")


def row(contents: Contents) -> str:
    """Which plans there are, and where each comes from."""
    said = {each.plan for each in contents.said}
    described = [plan.value for plan, _ in contents.plans if plan not in said]
    found = [f"{listed(described)} from the description"] if described else []
    found += [_spoken(each, several=len(contents.pulls) > 1) for each in contents.said]
    return "; ".join(found) or "none"


def shown(contents: Contents) -> list[str]:
    """The text of each plan, as it is on record, to be opened."""
    return [line for plan, text in contents.plans for line in _plan(plan, text)]


def _spoken(said: Said, *, several: bool) -> str:
    where = f" on #{said.pull}" if several else ""
    beside = ", where the description says something else" if said.beside else ""
    return f"{said.plan.value} said by @{said.by.login} on {dated(said.at)} in a comment{where}{beside}"


def _plan(plan: Plan, text: str) -> list[str]:
    """As a block of code: nothing in it is a mention, a link or markup."""
    fence = "`" * (max((len(each) for each in _TICKS.findall(text)), default=2) + 1)
    return [
        "",
        f"<details><summary>{PLANS[plan].heading}</summary>",
        "",
        f"{fence}text",
        *shortened(text, LONGEST).splitlines(),
        fence,
        "",
        "</details>",
    ]
