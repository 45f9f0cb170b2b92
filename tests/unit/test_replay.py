"""Deciding again: the same answer, the same answer in other words, or another one."""

from dataclasses import replace
from uuid import uuid4

import pytest

from bot.decide.verdict import Decision, Finding, Verdict
from bot.errors import Refusal
from bot.policy.model import Mode, Tier
from bot.replay import compare, replay
from bot.store import Store

THEN = Decision(
    head="a" * 40,
    mode=Mode.ENFORCE,
    tier=Tier.HIGH,
    tier_because=("it is",),
    verdict=Verdict.WAIT,
    findings=(Finding(id="approvals", verdict=Verdict.WAIT, headline="1 approval", what="One is missing."),),
)


def test_the_same_decision_is_the_same_answer() -> None:
    outcome = compare("pull:1:2", THEN, THEN)
    assert outcome.same
    assert outcome.sentence == "The same answer: wait for pull:1:2 at aaaaaaa."


def test_other_words_are_told_and_are_no_difference() -> None:
    reworded = replace(THEN, findings=(replace(THEN.findings[0], what="An approval is missing."),))
    outcome = compare("pull:1:2", THEN, reworded)
    assert outcome.same
    assert outcome.sentence.endswith("This version words some of its sentences differently.")


def test_another_verdict_is_another_answer() -> None:
    outcome = compare("pull:1:2", THEN, replace(THEN, verdict=Verdict.PASS, tier=Tier.LOW))
    assert not outcome.same
    assert outcome.sentence.endswith("this version says pass. They differ in the tier, the verdict.")


async def test_a_decision_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(Refusal, match="There is no decision"):
        await replay(store, uuid4())
