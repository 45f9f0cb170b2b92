"""The pull request is ready for review."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict


def look(context: Context) -> Finding | None:
    """Wait while the pull request is a draft."""
    if not context.facts.draft:
        return None
    return Finding(
        id="draft",
        verdict=Verdict.WAIT,
        headline="the pull request is a draft",
        what="The pull request is a draft.",
        remedy="Its author marks it as ready for review.",
    )
