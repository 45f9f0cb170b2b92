"""What the change record says, and what people laid down: a hold, above all."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Instruction, RecordFinding
from bot.policy.model import Policy
from bot.words import listed


def look(context: Context) -> list[Finding]:
    """The findings of the record, and one for a hold."""
    record = context.facts.record
    found = [_finding(each) for each in record.findings] if record is not None else []
    if context.facts.holds:
        found.append(_held(context.facts.holds, context.policy))
    return found


def _held(holds: tuple[Instruction, ...], policy: Policy) -> Finding:
    names = listed([f"@{each.by.login}" for each in holds])
    either = listed([f"@{each.by.login}" for each in holds], "or")
    roles = [f"`{role}`" for role in policy.organisation_roles]
    others = f" Somebody with {listed(roles, 'or')} who did not contribute can do it as well." if roles else ""
    return Finding(
        id="hold",
        verdict=Verdict.WAIT,
        headline=f"{names}, who {'holds' if len(holds) == 1 else 'hold'} it",
        what=" ".join(f"@{each.by.login} holds the change: {each.reason}" for each in holds),
        why="A hold stands until it is lifted.",
        remedy=f"When it may go on, {either} comments `/unhold`.{others}",
        who=tuple(each.by for each in holds),
    )


def _finding(each: RecordFinding) -> Finding:
    return Finding(
        id=each.id,
        verdict=Verdict(each.verdict),
        headline=each.headline,
        what=each.what,
        why=each.why,
        remedy=each.remedy,
        until=each.until,
    )
