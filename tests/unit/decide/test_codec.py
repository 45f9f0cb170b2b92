"""Decisions survive being written down."""

from bot.decide.codec import dump, load
from bot.decide.merge_group import decide_group
from bot.facts.model import Mergeability, MergeGroupFacts
from tests.unit.builders import NOON, REPOSITORY, approved, decided, oid, policy, pull_request


def test_a_decision_is_read_back_as_it_was_written() -> None:
    decision = decided(pull_request(mergeability=Mergeability.UNKNOWN, reviews=[approved("ben"), approved("ana")]))
    assert load(dump(decision)) == decision
    assert dump(load(dump(decision))) == dump(decision)


def test_the_findings_of_a_groups_members_survive() -> None:
    facts = MergeGroupFacts(REPOSITORY, "main", oid("group"), (pull_request(), pull_request(number=8)))
    decision = decide_group(facts, policy(), NOON)
    assert load(dump(decision)) == decision
