"""The ledger, and a decision made again from what is on record."""

from collections import Counter

from bot import replay
from bot.sandbox.demo.stage import Stage

LAST = "SELECT id FROM decision ORDER BY decided_at DESC LIMIT 1"


async def play(stage: Stage) -> None:
    """What an auditor asks for."""
    entries = await stage.running.ledger()
    stage.chapter("5. An auditor asks")
    stage.scene(f"What is on record? {len(entries)} entries, each with the hash that was recorded with it.")
    for kind, count in Counter(kind for kind, _ in entries).items():
        stage.line(f"{count:>4}  {kind}", "dim")
    ((decision,),) = await stage.running.rows(LAST)
    outcome = await replay.replay(stage.running.store, decision)
    stage.scene("Would the last decision be the same again, from the facts and the policy on record?")
    stage.line(outcome.sentence, "green" if outcome.same else "red")
    stage.must(outcome.same, f"decision {decision} must be the same when it is made again.")
