"""Which reviews count as approvals, and the sentence for each that does not."""

from dataclasses import replace

import pytest

from bot.decide.verdict import Verdict
from bot.facts.model import Permission
from tests.unit.builders import (
    account,
    approved,
    asked_for_changes,
    bot,
    commented,
    commit,
    counts,
    decided,
    demand,
    demands_nothing,
    dismissed,
    finding,
    found,
    oid,
    policy,
    pull_request,
    pushed,
    review_of,
    why,
)

TWO = policy(demand(2, "write"))
WITH_SECURITY = policy(demand(1, "write"), demand(1, "security"))


def test_an_approval_of_the_head_by_a_writer_who_did_not_contribute_counts() -> None:
    decision = decided(pull_request(reviews=[approved("ben")]))
    assert decision.verdict is Verdict.PASS
    assert review_of(decision, "ben").counts_for == "write access"
    assert found(decision, "approvals").headline == "1 of 1 approval"


def test_without_an_approval_the_change_waits_and_says_who_can_give_it() -> None:
    approvals = found(decided(pull_request()), "approvals")
    assert approvals.verdict is Verdict.WAIT
    assert approvals.headline == "1 approval from someone with write access"
    assert approvals.what == "The policy demands 1 approval; none is given so far. Missing: 1 person with write access."
    assert approvals.remedy == (
        "Ask 1 person with write access to review the latest commit. Whoever contributed to the change does not count."
    )


def test_several_missing_approvals_are_told_together() -> None:
    rules = policy(demand(2, "write"), demand(1, "security", "maintain"))
    approvals = found(decided(pull_request(), rules), "approvals")
    assert approvals.headline == "3 approvals (write access, security or maintain access)"
    assert approvals.what == (
        "The policy demands 3 approvals; none is given so far. Missing: 2 people with write access and "
        "1 person with the role security (acme/appsec) or maintain access."
    )


def test_a_title_names_a_role_by_its_name() -> None:
    rules = policy(demand(1, "security", "admin"))
    approvals = found(decided(pull_request(), rules), "approvals")
    assert approvals.headline == "1 approval from security or someone with admin access"


def test_a_stale_approval_names_both_commits() -> None:
    decision = decided(pull_request(reviews=[approved("ben", on="first")]))
    assert why(decision, "ben") == f"it was given for {oid('first')[:7]}; the head is {oid('head')[:7]} now"


def test_an_approval_of_a_commit_that_git_has_forgotten_does_not_count() -> None:
    decision = decided(pull_request(reviews=[approved("ben", on=None)]))
    assert why(decision, "ben") == "the commit that it was given for is gone"
    assert review_of(decision, "ben").commit is None


def test_a_dismissed_approval_does_not_count() -> None:
    assert why(decided(pull_request(reviews=[dismissed("ben")])), "ben") == "it was dismissed"


def test_a_dismissed_approval_revives_no_older_one() -> None:
    decision = decided(pull_request(reviews=[approved("ben", at=1), dismissed("ben", at=2)]))
    assert decision.verdict is Verdict.WAIT
    assert [each.reason for each in decision.reviews] == [
        "a later review of the same person takes its place",
        "it was dismissed",
    ]


def test_a_comment_does_not_count_and_withdraws_no_approval() -> None:
    decision = decided(pull_request(reviews=[approved("ben", at=1), commented("ben", at=2)]))
    assert decision.verdict is Verdict.PASS
    assert [each.reason for each in decision.reviews] == ["", "it is a comment, not an approval"]


def test_the_latest_opinion_counts() -> None:
    decision = decided(pull_request(reviews=[asked_for_changes("ben", at=1), approved("ben", at=2)]))
    assert decision.verdict is Verdict.PASS
    assert [each.reason for each in decision.reviews] == ["it asks for changes", ""]


def test_of_two_approvals_of_one_person_the_later_counts_once() -> None:
    decision = decided(pull_request(reviews=[approved("ben", at=1), approved("ben", at=2)]), TWO)
    assert found(decision, "approvals").headline == "1 approval from someone with write access"
    assert [each.counts_for for each in decision.reviews] == [None, "write access"]


def test_reviews_are_told_in_the_order_of_their_time_then_their_number() -> None:
    early, late = approved("ben", at=1), approved("cem", at=2)
    decision = decided(pull_request(reviews=[late, early]), TWO)
    assert [each.review for each in decision.reviews] == [early.id, late.id]


def test_a_program_cannot_approve() -> None:
    decision = decided(pull_request(reviews=[approved(bot("approve-bot[bot]"))]))
    assert why(decision, "approve-bot[bot]") == "a program cannot approve"


def test_an_approval_of_a_deleted_account_does_not_count() -> None:
    [review] = decided(pull_request(reviews=[approved(None)])).reviews
    assert (review.counts_for, review.reason) == (None, "its author's account is gone")


@pytest.mark.parametrize("permission", [Permission.NONE, Permission.READ, Permission.TRIAGE])
def test_who_cannot_write_approves_for_no_writer(permission: Permission) -> None:
    decision = decided(pull_request(reviews=[approved("ben")], can={"ben": permission}))
    assert why(decision, "ben") == "has none of what is demanded: write access"


@pytest.mark.parametrize("permission", [Permission.MAINTAIN, Permission.ADMIN])
def test_who_may_more_may_what_is_demanded(permission: Permission) -> None:
    assert counts(decided(pull_request(reviews=[approved("ben")], can={"ben": permission})), "ben")


def test_who_has_no_standing_at_all_does_not_count() -> None:
    facts = pull_request(reviews=[approved("ben")])
    without = type(facts)(**{**{name: getattr(facts, name) for name in facts.__slots__}, "standings": ()})
    assert why(decided(without), "ben") == "has none of what is demanded: write access"


def test_a_role_is_held_by_teams_and_by_accounts() -> None:
    rules = policy(demand(2, "security"), roles={"security": ["acme/appsec", "sam"]})
    facts = pull_request(reviews=[approved("sam"), approved("tia")], teams={"tia": ["acme/appsec"]})
    decision = decided(facts, rules)
    assert decision.verdict is Verdict.PASS
    assert review_of(decision, "tia").counts_for == "the role security (acme/appsec, sam)"


def test_a_login_is_compared_without_case() -> None:
    rules = policy(demand(1, "security"), roles={"security": ["sam"]})
    assert decided(pull_request(reviews=[approved("Sam")]), rules).verdict is Verdict.PASS


def test_a_role_that_nobody_holds_says_so() -> None:
    rules = policy(demand(1, "security"), roles={"security": []})
    decision = decided(pull_request(reviews=[approved("ben")]), rules)
    assert why(decision, "ben") == "has none of what is demanded: the role security (held by nobody)"


def test_one_person_signs_once_though_they_could_for_both_demands() -> None:
    facts = pull_request(reviews=[approved("sam")], teams={"sam": ["acme/appsec"]})
    decision = decided(facts, WITH_SECURITY)
    assert decision.verdict is Verdict.WAIT
    assert sum(each.given for each in decision.demands) == 1


def test_people_are_assigned_so_that_as_many_demands_as_possible_are_met() -> None:
    # Sam comes first and could fill the place of any writer; then nobody is left for security.
    facts = pull_request(reviews=[approved("sam", at=1), approved("ben", at=2)], teams={"sam": ["acme/appsec"]})
    decision = decided(facts, WITH_SECURITY)
    assert decision.verdict is Verdict.PASS
    assert review_of(decision, "sam").counts_for == "the role security (acme/appsec)"
    assert review_of(decision, "ben").counts_for == "write access"


def test_an_assignment_moves_through_several_people() -> None:
    rules = policy(
        demand(1, "write"),
        demand(1, "security"),
        demand(1, "risk"),
        roles={"security": ["sam"], "risk": ["sam", "rob"]},
    )
    facts = pull_request(reviews=[approved("rob", at=1), approved("sam", at=2), approved("ben", at=3)])
    decision = decided(facts, rules)
    assert decision.verdict is Verdict.PASS
    assert review_of(decision, "rob").counts_for == "the role risk (sam, rob)"


def test_one_approval_too_many_says_so() -> None:
    decision = decided(pull_request(reviews=[approved("ben", at=1), approved("cem", at=2)]))
    assert why(decision, "cem") == "enough others approved already"


def test_two_accounts_of_one_person_are_one_approval() -> None:
    rules = policy(demand(2, "write"), people=[["ben", "ben-admin"]])
    decision = decided(pull_request(reviews=[approved("ben", at=1), approved("ben-admin", at=2)]), rules)
    assert decision.verdict is Verdict.WAIT
    assert why(decision, "ben") == "a later review of the same person takes its place"


def test_a_contributor_does_not_approve_with_another_account() -> None:
    decision = decided(pull_request(reviews=[approved("ana-admin")]), policy(people=[["ana", "ana-admin"]]))
    assert decision.verdict is Verdict.WAIT
    assert why(decision, "ana-admin").startswith("contributed to the change: opened the pull request")
    separation = found(decision, "separation")
    assert "@ana" in separation.why
    assert "@ana-admin" in separation.why


def test_another_account_of_the_person_lends_no_role() -> None:
    rules = policy(demand(1, "security"), roles={"security": ["ben"]}, people=[["ben", "ben-admin"]])
    facts = pull_request(reviews=[commented("ben", at=1), approved("ben-admin", at=2)])
    assert not counts(decided(facts, rules), "ben-admin")


def test_a_reviewer_who_pushes_loses_the_approval() -> None:
    before = pull_request(reviews=[approved("ben")])
    after = pull_request(reviews=[approved("ben")], commits=[commit()], pushes=[pushed("ana"), pushed("ben", "fix")])
    assert counts(decided(before), "ben")
    assert not counts(decided(after), "ben")


def test_who_asks_for_changes_blocks_until_they_approve() -> None:
    decision = decided(pull_request(reviews=[approved("ben"), asked_for_changes("cem")]))
    assert decision.verdict is Verdict.FAIL
    objections = found(decision, "objections")
    assert objections.what == "@cem requested changes."
    assert objections.remedy == "Make the changes, then ask @cem for another review."
    assert objections.who == (account("cem"),)
    lifted = pull_request(reviews=[approved("ben"), asked_for_changes("cem", at=1), approved("cem", at=2)])
    assert decided(lifted).verdict is Verdict.PASS


def test_a_dismissed_request_for_changes_does_not_block() -> None:
    facts = pull_request(reviews=[approved("ben"), asked_for_changes("cem", at=1), dismissed("cem", at=2)])
    assert decided(facts).verdict is Verdict.PASS


def test_a_comment_lifts_no_request_for_changes() -> None:
    facts = pull_request(reviews=[approved("ben"), asked_for_changes("cem", at=1), commented("cem", at=2)])
    assert decided(facts).verdict is Verdict.FAIL


def test_another_account_of_the_person_lifts_no_request_for_changes() -> None:
    facts = pull_request(reviews=[asked_for_changes("ben", at=1), approved("ben-admin", at=2)])
    decision = decided(facts, policy(people=[["ben", "ben-admin"]]))
    assert found(decision, "objections").who == (account("ben"),)


def test_who_has_no_say_blocks_nobody() -> None:
    facts = pull_request(reviews=[approved("ben"), asked_for_changes("eve")], can={"eve": Permission.READ})
    assert decided(facts).verdict is Verdict.PASS
    assert finding(decided(facts), "objections") is None


def test_a_program_that_asks_for_changes_blocks_nobody() -> None:
    facts = pull_request(reviews=[approved("ben"), asked_for_changes(bot("lint[bot]"))])
    assert decided(facts).verdict is Verdict.PASS


def test_several_who_ask_for_changes_are_named() -> None:
    facts = pull_request(reviews=[asked_for_changes("ben"), asked_for_changes("cem"), asked_for_changes("dan")])
    what = found(decided(facts), "objections").what
    assert sorted(what.removesuffix(" requested changes.").replace(" and ", ", ").split(", ")) == [
        "@ben",
        "@cem",
        "@dan",
    ]


def test_a_policy_that_demands_no_approval_is_no_pass() -> None:
    decision = decided(pull_request(reviews=[approved("ben")]), demands_nothing())
    assert decision.verdict is Verdict.FAIL
    assert found(decision, "approvals").headline == "the policy demands no approval"
    assert why(decision, "ben") == "no approval is demanded"


def test_who_is_in_a_group_that_is_only_heard_has_a_say_and_no_approval() -> None:
    rules = policy(demand(1, "admin"))
    heard = replace(rules, tiers={tier: replace(each, heard=("write",)) for tier, each in rules.tiers.items()})
    facts = pull_request(
        reviews=[approved("ada"), asked_for_changes("ben")],
        can={"ada": Permission.ADMIN, "ben": Permission.WRITE},
    )
    assert finding(decided(facts, rules), "objections") is None
    assert found(decided(facts, heard), "objections").verdict is Verdict.FAIL
