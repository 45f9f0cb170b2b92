"""What the change record says, and what people laid down: a hold, above all."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Instructed, RecordFinding


def look(context: Context) -> list[Finding]:
    """The findings of the record, and one for a hold."""
    record = context.facts.record
    found = [_finding(each) for each in record.findings] if record is not None else []
    hold = context.facts.instructed(Instructed.HOLD)
    if hold is not None:
        found.append(
            Finding(
                id="hold",
                verdict=Verdict.WAIT,
                headline=f"@{hold.by.login}, who holds it",
                what=f"@{hold.by.login} holds the change: {hold.reason}",
                why="A hold stands until it is lifted.",
                remedy="Whoever may hold it comments `/unhold` when it may go on.",
                who=(hold.by,),
            )
        )
    return found


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
