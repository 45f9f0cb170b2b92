"""Nobody who could approve asks for changes."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict


def look(context: Context) -> Finding | None:
    """Fail while somebody with a say asks for changes, until the same person lifts it."""
    against = context.tally.against
    if not against:
        return None
    named = ", ".join(context.people.name(person) for person in against)
    return Finding(
        id="objections",
        verdict=Verdict.FAIL,
        headline="changes are requested",
        what=f"{named} requested changes.",
        why="A request for changes stands until the same person approves or dismisses it.",
        remedy=f"Address it, then ask {named} for another review.",
        who=tuple(account for person in against for account in context.people.accounts_of(person)),
        controls=("PCI-DSS-6.2.3.1",),
    )
