"""Nobody who could approve asks for changes."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.words import listed


def look(context: Context) -> Finding | None:
    """Fail while somebody with a say asks for changes, until the same person lifts it."""
    against = context.tally.against
    if not against:
        return None
    named = listed([f"@{account.login}" for account in against])
    return Finding(
        id="objections",
        verdict=Verdict.FAIL,
        headline="changes are requested",
        what=f"{named} requested changes.",
        why="A request for changes stands until it is dismissed, or the account that made it approves.",
        remedy=f"Make the changes, then ask {named} for another review.",
        who=against,
        controls=("PCI-DSS-6.2.3.1",),
    )
