"""The repository belongs to an application of the inventory."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict


def look(context: Context) -> Finding | None:
    """Note that a repository is in no inventory entry: its changes are treated as high."""
    if context.application is not None:
        return None
    return Finding(
        id="inventory",
        verdict=Verdict.PASS,
        headline="the repository is in no inventory",
        what=f"{context.facts.repository.full_name} is in no application of the inventory.",
        why="Its changes are treated as tier high.",
        remedy="The owners of the policy add it under `applications`.",
        controls=("NIST-800-53-CM-8",),
    )
