"""The change touches what guards changes."""

import re

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.words import listed, quoted

_GUARDS = re.compile(
    r"(\.github/|docs/)?CODEOWNERS|\.github/(workflows|actions|rulesets)/.+|\.github/countersign\.ya?ml|\.gitattributes",
    re.IGNORECASE,
)
SHOWN = 5


def look(context: Context) -> Finding | None:
    """Say that the policy, the owners of code or the workflows change; this decision takes nothing from the change."""
    touched = [path for path in context.facts.paths if _GUARDS.fullmatch(path)]
    if not touched:
        return None
    shown = listed([quoted(path) for path in touched[:SHOWN]])
    more = f" and {len(touched) - SHOWN} more" if len(touched) > SHOWN else ""
    return Finding(
        id="guards",
        verdict=Verdict.PASS,
        headline="changes what guards changes",
        what=f"The change touches what guards changes: {shown}{more}.",
        why="None of it has a say in this decision: the policy is read from the base branch, and this check comes from "
        "Countersign and from no workflow.",
    )
