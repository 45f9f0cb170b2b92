"""Every rule about risk has an answer."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.words import quoted


def look(context: Context) -> Finding | None:
    """Fail where a rule has no answer; nothing to say where all have."""
    unanswered = context.risk.unanswered
    if not unanswered:
        return None
    listed = " ".join(f"{quoted(rule)}: {why}." for rule, why in unanswered)
    return Finding(
        id="risk",
        verdict=Verdict.FAIL,
        headline="a rule about risk has no answer",
        what=f"A rule of the policy about risk has no answer for this change. {listed}",
        why="What is not known cannot be passed, and the change is treated as high.",
        remedy="The owners of the policy correct the rule in `risk.raise`.",
    )
