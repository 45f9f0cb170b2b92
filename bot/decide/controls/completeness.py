"""Everything that a decision needs could be read."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict


def look(context: Context) -> Finding | None:
    """Block on every list that GitHub shows only in part, and on whatever could not be read."""
    gaps = context.facts.incomplete
    if not gaps:
        return None
    listed = "; ".join(f"{gap.what} ({gap.why})" for gap in gaps)
    return Finding(
        id="facts",
        verdict=Verdict.FAIL,
        headline="not everything could be read",
        what=f"Not everything that this decision needs could be read: {listed}.",
        why="What is not known cannot be passed.",
        remedy="Make the change smaller, or ask an administrator to give Countersign access to what is named; "
        "then comment `/recheck`.",
        controls=("NIST-800-53-CM-3",),
    )
