"""A group of the merge queue passes when every member does, and is known whole."""

from dataclasses import replace

from bot.decide.merge_group import decide_group
from bot.decide.verdict import Decision, Verdict
from bot.facts.model import FactsIncomplete, Mergeability, MergeGroupFacts, PullRequestFacts
from bot.policy.model import Mode, Policy, Tier
from tests.unit.builders import NOON, REPOSITORY, approved, found, oid, policy, pull_request

PASSING = pull_request(number=7, reviews=[approved("ben")])
WAITING = pull_request(number=8)


def group(*members: PullRequestFacts, rules: Policy | None = None, incomplete: tuple[str, ...] = ()) -> Decision:
    gaps = tuple(FactsIncomplete(what, "GitHub shows no such pull request") for what in incomplete)
    facts = MergeGroupFacts(REPOSITORY, "main", oid("group"), members, gaps)
    return decide_group(facts, rules or policy(), NOON)


def test_a_group_passes_when_every_member_does() -> None:
    decision = group(PASSING, replace(PASSING, number=9))
    assert decision.verdict is Verdict.PASS
    assert decision.head == oid("group")
    assert [each.what for each in decision.findings] == [
        "#7 has everything that the policy demands of it.",
        "#9 has everything that the policy demands of it.",
    ]
    assert decision.findings[0].parts


def test_one_member_that_waits_holds_up_the_group_and_stands_first() -> None:
    decision = group(PASSING, WAITING)
    assert decision.verdict is Verdict.WAIT
    first = decision.findings[0]
    assert first.id == "pull-request:8"
    assert first.headline == "#8: 1 approval from someone with write access"
    assert first.remedy.startswith("Ask 1 person")


def test_a_group_waits_minutes_while_github_compares_branches() -> None:
    decision = group(replace(PASSING, mergeability=Mergeability.UNKNOWN))
    assert decision.next_at is not None
    assert decision.findings[0].minutes
    assert decision.findings[0].until == decision.next_at


def test_the_tier_is_the_highest_of_the_members_with_each_reason() -> None:
    decision = group(PASSING, rules=policy(tier="medium"))
    assert decision.tier is Tier.MEDIUM
    assert decision.tier_because == ("#7: `payments` is of tier medium.",)


def test_a_group_with_a_member_that_cannot_be_read_fails() -> None:
    decision = group(PASSING, incomplete=("#9",))
    assert decision.verdict is Verdict.FAIL
    assert found(decision, "facts").what == (
        "The group of the merge queue could not be read whole: #9 (GitHub shows no such pull request)."
    )


def test_a_group_without_members_fails_whatever_the_mode() -> None:
    decision = group(rules=policy(mode=Mode.OBSERVE))
    assert (decision.verdict, decision.mode, decision.tier) == (Verdict.FAIL, Mode.ENFORCE, Tier.HIGH)
    assert found(decision, "facts").what.endswith("it has no pull request.")


def test_a_member_that_is_only_observed_does_not_hold_up_the_others() -> None:
    decision = group(WAITING, rules=policy(mode=Mode.OBSERVE))
    assert (decision.verdict, decision.mode) == (Verdict.PASS, Mode.OBSERVE)
    assert decision.findings[0].what.startswith("#8 is observed only: ")
    assert decision.findings[0].headline == "#8 is observed only"
