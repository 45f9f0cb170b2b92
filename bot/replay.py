"""Decides again from what is on record: the same facts and the same policy must give the same answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bot.decide.codec import dump
from bot.decide.evaluate import decide
from bot.decide.merge_group import decide_group
from bot.decide.verdict import Decision
from bot.errors import Refusal
from bot.facts.codec import Facts
from bot.facts.model import PullRequestFacts
from bot.ledger.decisions import recorded
from bot.policy.model import Policy
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Replayed:
    """Whether the answer is the same, and a sentence about it."""

    same: bool
    sentence: str


async def replay(store: Store, decision_id: UUID) -> Replayed:
    """Decide again about what was decided under that id, at the moment of then.

    Raises:
        Refusal: there is no such decision.
        Transient: the database is away.

    """
    async with store.transaction() as connection:
        found = await recorded(connection, decision_id)
    if found is None:
        raise Refusal(f"There is no decision {decision_id}.", remedy="Its id stands at the end of every check run.")
    made = found.made
    return compare(made.subject, made.decision, again(made.facts, made.policy, made.at))


def again(facts: Facts, policy: Policy, at: datetime) -> Decision:
    """The decision that this version makes of these facts."""
    if isinstance(facts, PullRequestFacts):
        return decide(facts, policy, at)
    return decide_group(facts, policy, at)


def compare(subject: str, then: Decision, now: Decision) -> Replayed:
    """Whether two decisions say the same; a sentence that is worded differently is told, and no difference."""
    answer = f"{then.verdict.value} for {subject} at {then.head[:7]}"
    if dump(then) == dump(now):
        return Replayed(same=True, sentence=f"The same answer: {answer}.")
    if _substance(then) == _substance(now):
        return Replayed(
            same=True, sentence=f"The same answer: {answer}. This version words some of its sentences differently."
        )
    differing = sorted(name for name, value in _substance(then).items() if _substance(now)[name] != value)
    return Replayed(
        same=False,
        sentence=f"Another answer: {answer} is on record, and this version says {now.verdict.value}. "
        f"They differ in {', '.join(differing)}.",
    )


def _substance(decision: Decision) -> dict[str, Any]:
    return {
        "the commit": decision.head,
        "the mode": decision.mode,
        "the tier": decision.tier,
        "the verdict": decision.verdict,
        "the findings": [(finding.id, finding.verdict) for finding in decision.findings],
        "the approvals that count": [(each.review, each.counts_for is not None) for each in decision.reviews],
        "the demands": [(each.needed, each.given) for each in decision.demands],
        "the next moment": decision.next_at,
    }
