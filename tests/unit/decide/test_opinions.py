"""What each person last said in a review, and why it says nothing of the change as it is now."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.decide.approvals import opinions
from bot.decide.contributors import contributors
from bot.facts.model import Gain, Permission, PolicyChange, PullRequestFacts, Review, Turn, TurnKind
from bot.facts.people import people_of
from bot.policy.model import CarryOver, Policy
from tests.unit.builders import (
    NOON,
    account,
    approved,
    asked_for_changes,
    commented,
    dismissed,
    oid,
    policy,
    pull_request,
)


def said(
    *reviews: Review, facts: PullRequestFacts | None = None, rules: Policy | None = None
) -> list[tuple[str, str, str]]:
    """By whom, what, and why it does not hold."""
    known = replace(facts or pull_request(), reviews=tuple(reviews))
    demanded = rules or policy()
    people = people_of(known, demanded.people)
    found = opinions(known, demanded, people, contributors(known, people))
    return [(each.author.login, each.review.state.value, each.reason) for each in found]


def test_the_latest_opinion_of_each_person_is_theirs() -> None:
    assert said(
        approved("ben"), asked_for_changes("cem", at=1), commented("cem", at=2), asked_for_changes("ben", at=3)
    ) == [
        ("cem", "CHANGES_REQUESTED", ""),
        ("ben", "CHANGES_REQUESTED", ""),
    ]


def test_what_is_demanded_of_reviewers_makes_no_difference() -> None:
    nobody = pull_request(can={"ben": Permission.NONE})
    assert said(approved("ben"), facts=nobody) == [("ben", "APPROVED", "")]


def test_a_dismissal_is_the_last_word_and_revives_no_older_one() -> None:
    assert said(approved("ben"), dismissed("ben", at=1)) == [("ben", "DISMISSED", "it was dismissed")]


def test_accounts_of_one_person_have_one_opinion() -> None:
    both = policy(people=[("ben", "ben-admin")])
    assert said(approved("ben"), asked_for_changes("ben-admin", at=1), rules=both) == [
        ("ben-admin", "CHANGES_REQUESTED", "")
    ]


def test_an_account_that_is_gone_has_none() -> None:
    assert said(approved(None)) == []


@pytest.mark.parametrize("given", [approved, asked_for_changes])
def test_a_review_of_another_commit_says_nothing_of_this_one(given: Callable[..., Review]) -> None:
    old = given("ben", on="before")
    [(_, _, reason)] = said(old)
    assert reason == f"it was given for {oid('before')[:7]}; the head is {oid('head')[:7]} now"
    same = replace(pull_request(), same_diff=(oid("before"),))
    carried = replace(policy(), reviews=replace(policy().reviews, carry_over=CarryOver.SAME_DIFF))
    assert said(old, facts=same)[0][2] == reason
    assert said(old, facts=same, rules=carried)[0][2] == ""
    assert said(replace(old, commit=None))[0][2] == "the commit that it was given for is gone"


@pytest.mark.parametrize("given", [approved, asked_for_changes])
def test_a_review_before_a_turn_says_nothing_of_what_came_after(given: Callable[..., Review]) -> None:
    turned = replace(pull_request(), turns=(Turn(TurnKind.READY, NOON + timedelta(minutes=1)),))
    early, late = given("ben"), given("ben", at=2)
    assert said(early, facts=turned)[0][2] == "it was given while the pull request was a draft"
    assert said(late, facts=turned)[0][2] == ""


def test_who_contributed_or_gains_approves_nothing_and_may_object() -> None:
    gaining = PolicyChange("countersign.yml", usable=True, gains=(Gain(account("ben"), "acme/ledger", 9),))
    facts = replace(pull_request(), policy_changes=(gaining,))
    head = oid("head")[:7]
    reviews: Sequence[Review] = (approved("ana"), approved("ben", at=1))
    assert [reason for _, _, reason in said(*reviews, facts=facts)] == [
        f"contributed to the change: opened the pull request, author of {head}, pushed {head}",
        "gains from this change of the policy: acme/ledger#9 would pass with it",
    ]
    assert [reason for _, _, reason in said(asked_for_changes("ben"), facts=facts)] == [""]
