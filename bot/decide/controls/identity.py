"""Everybody who contributed is known."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.policy.model import Tier


def look(context: Context) -> Finding:
    """Block from tier medium up where a trace leads to nobody; name it below that."""
    unknown = context.contributors.unknown
    if not unknown:
        return Finding(
            id="identity",
            verdict=Verdict.PASS,
            headline="every contributor is known",
            what="Every author, committer and pusher is a known account.",
            controls=("NIST-800-53-AU-10", "PCI-DSS-8.2.1"),
        )
    shown = " ".join(unknown[:5]) + (f" And {len(unknown) - 5} more." if len(unknown) > 5 else "")
    blocks = context.tier >= Tier.MEDIUM
    return Finding(
        id="identity",
        verdict=Verdict.FAIL if blocks else Verdict.PASS,
        headline="a contributor is unknown",
        what=shown,
        why="Nobody can say that an approver is someone else."
        if blocks
        else "For a change of tier low this is noted and does not block.",
        remedy="Link the e-mail address to the account on GitHub, or commit again under a linked one, and push from an "
        "account of a person.",
        controls=("NIST-800-53-AU-10", "PCI-DSS-8.2.1"),
    )
