"""The ledger, and a decision made again from what is on record."""

from collections import Counter

from bot import replay
from bot.sandbox.demo.stage import Stage

DECISIONS = "SELECT id FROM decision ORDER BY decided_at"


async def play(stage: Stage) -> None:
    """What an auditor asks for."""
    entries = await stage.running.ledger()
    stage.chapter("5. An auditor asks")
    stage.scene(f"What is on record? {len(entries)} entries, each with the hash that was recorded with it.")
    for kind, count in Counter(kind for kind, _ in entries).items():
        stage.line(f"{count:>4}  {kind}", "dim")
    decisions = [decision for (decision,) in await stage.running.rows(DECISIONS)]
    outcomes = [await replay.replay(stage.running.store, decision) for decision in decisions]
    stage.scene("Would each decision be the same again, from the facts and the policy on record?")
    same = sum(outcome.same for outcome in outcomes)
    stage.line(f"{same} of {len(outcomes)} decisions are the same when they are made again. The last one:")
    stage.line(f"python -m bot replay {decisions[-1]}")
    stage.line(outcomes[-1].sentence, "green" if outcomes[-1].same else "red")
    stage.must(same == len(outcomes), "every decision must be the same when it is made again.")
