"""What keeps an approval from counting beside who gave it, and who contributed without writing a line."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.decide.verdict import Verdict
from bot.facts.model import (
    PERMISSION,
    ChangedFile,
    Disowned,
    FileChange,
    Instructed,
    Instruction,
    Named,
    Origin,
    Permission,
    PullRequestFacts,
    Review,
    Standing,
    Turn,
    TurnKind,
    Unauthorised,
    Waived,
)
from bot.facts.people import people_of
from bot.policy.model import CarryOver, Policy, Reviews, Role, Separation, Tier
from tests.unit.builders import (
    BY_GITHUB,
    NOON,
    account,
    approved,
    bot,
    commented,
    commit,
    counts,
    decided,
    demand,
    file,
    finding,
    found,
    identity,
    oid,
    policy,
    pull_request,
    pushed,
    stranger,
    web_flow,
    why,
)

SHORT = oid("head")[:7]


def with_reviews(rules: Policy, **reviews: object) -> Policy:
    return replace(rules, reviews=Reviews(**reviews))  # type: ignore[arg-type]


def turned(kind: TurnKind, at: int, was: str = "", now: str = "") -> Turn:
    return Turn(kind, NOON + timedelta(minutes=at), was, now)


# Turns.


@pytest.mark.parametrize(
    ("turn", "sentence"),
    [
        (
            turned(TurnKind.RETARGETED, 5, "release", "main"),
            "it was given before the base branch was changed from `release` to `main`",
        ),
        (turned(TurnKind.READY, 5), "it was given while the pull request was a draft"),
        (turned(TurnKind.REOPENED, 5), "it was given before the pull request was opened again"),
    ],
)
def test_an_approval_does_not_outlive_a_turn(turn: Turn, sentence: str) -> None:
    facts = replace(pull_request(reviews=[approved("ben", at=4)]), turns=(turn,))
    assert why(decided(facts), "ben") == sentence
    assert why(decided(replace(facts, turns=(replace(turn, at=NOON + timedelta(minutes=4)),))), "ben") == sentence
    assert counts(decided(replace(facts, turns=(replace(turn, at=NOON),))), "ben")


# Carrying over.


def test_an_approval_of_the_same_diff_carries_over_where_the_policy_says_so() -> None:
    facts = replace(pull_request(reviews=[approved("ben", on="before")]), same_diff=(oid("before"),))
    assert why(decided(facts), "ben").startswith("it was given for ")
    lenient = with_reviews(policy(), carry_over=CarryOver.SAME_DIFF)
    decision = decided(facts, lenient)
    assert counts(decision, "ben")
    assert "carried over: the diff is the same" in str(decision.reviews[0].counts_for)
    assert not counts(decided(replace(facts, same_diff=()), lenient), "ben")


# Tenure.


@pytest.mark.parametrize(("joined", "good"), [(None, True), (-8, True), (-7, True), (-6, False), (1, False)])
def test_who_joined_the_team_just_now_does_not_approve_for_it(joined: int | None, good: bool) -> None:
    rules = with_reviews(policy(demand(1, "security")), member_for=timedelta(days=7))
    since = () if joined is None else (("acme/appsec", NOON + timedelta(days=joined)),)
    facts = pull_request(reviews=[approved("ben")], teams={"ben": ("acme/appsec",)})
    facts = replace(facts, standings=(replace(facts.standings[0], joined=since),))
    decision = decided(facts, rules)
    assert counts(decision, "ben") is good
    if not good:
        assert why(decision, "ben") == "had what is demanded for less than 7 days when it was given"
    assert counts(decided(facts, policy(demand(1, "security"))), "ben")


def test_a_permission_that_was_given_just_now_does_not_approve_either() -> None:
    rules = with_reviews(policy(), member_for=timedelta(hours=1))
    facts = pull_request(reviews=[approved("ben")])
    standing = replace(facts.standings[0], joined=((PERMISSION, NOON - timedelta(minutes=5)),))
    assert why(decided(replace(facts, standings=(standing,)), rules), "ben").startswith("had what is demanded for")


# Names.


def named_policy() -> Policy:
    return policy(demand(1, "officer"), roles={"officer": ("grace",)})


def test_a_login_stands_for_the_account_that_had_it_first() -> None:
    grace = account("grace")
    facts = pull_request(reviews=[approved("grace")])
    assert counts(decided(facts, named_policy()), "grace")
    taken = replace(facts, names=(Named("grace", 5),))
    assert why(decided(taken, named_policy()), "grace").endswith(
        "; the login @grace in the policy belonged to another account when it was first seen"
    )
    renamed = pull_request(reviews=[approved("grace-hopper")])
    bound = replace(renamed, names=(Named("grace", account("grace-hopper").id),))
    assert counts(decided(bound, named_policy()), "grace-hopper")
    assert not counts(decided(renamed, named_policy()), "grace-hopper")
    assert grace.id != account("grace-hopper").id


def test_a_second_account_stays_of_its_person_under_another_login() -> None:
    rules = policy(people=[("ana", "ana-admin")])
    facts = pull_request(author="ana", reviews=[approved("renamed")])
    assert counts(decided(facts, rules), "renamed")
    bound = replace(facts, names=(Named("ana-admin", account("renamed").id),))
    assert why(decided(bound, rules), "renamed").startswith("contributed to the change")


def test_the_person_of_somebody_who_is_nowhere_in_the_change() -> None:
    people = people_of(pull_request(), ())
    names = (Named("ana", 1), Named("ana-admin", 2))
    known = (("ana", "ana-admin"), ("ben",))
    assert people.named(replace(account("x"), id=2), known, names) == {1, 2}
    assert people.named(account("ben"), known, names) == {account("ben").id}


# Merges, origins, and what a program opened.


def test_a_clean_merge_makes_nobody_a_contributor() -> None:
    merge = commit("head", author="ben", committer=web_flow(), merges="base", signature=BY_GITHUB)
    facts = pull_request(commits=[commit("first"), merge], pushes=[pushed("ana", "first"), pushed("ben")])
    facts = replace(facts, reviews=(approved("ben"),), standings=(Standing(account("ben"), Permission.WRITE),))
    assert why(decided(facts), "ben").startswith("contributed to the change")
    assert counts(decided(replace(facts, clean_merges=(oid("head"),))), "ben")


def test_who_pushes_a_clean_merge_by_hand_still_pushed() -> None:
    merge = commit("head", author="ben", merges="base")
    facts = replace(
        pull_request(commits=[merge], pushes=[pushed("ben")], reviews=[approved("ben")]), clean_merges=(oid("head"),)
    )
    assert why(decided(facts), "ben") == f"contributed to the change: pushed {SHORT}"


def repeating(*origins: Origin) -> PullRequestFacts:
    again = replace(commit("head"), repeats=(oid("first"),))
    return replace(pull_request(commits=[again], reviews=[approved("ben")]), origins=origins)


def test_who_wrote_what_is_reverted_or_repeated_contributed() -> None:
    decision = decided(repeating(Origin(oid("first"), (identity("ben"),))))
    sentence = f"author of {oid('first')[:7]}, which {SHORT} reverts or repeats"
    assert why(decision, "ben") == f"contributed to the change: {sentence}"


@pytest.mark.parametrize(
    ("origins", "sentence"),
    [
        ((), f"{SHORT} says that it reverts or repeats {oid('first')[:7]}, which GitHub does not show."),
        ((Origin(oid("first"), ()),), f"{SHORT} says that it reverts or repeats"),
        ((Origin(oid("first"), (stranger("x@y.example"),)),), "`x@y.example`, is linked to no GitHub account"),
        ((Origin(oid("first"), (web_flow(),)),), "is linked to no GitHub account of a person."),
    ],
)
def test_an_origin_that_leads_to_nobody_is_unknown(origins: tuple[Origin, ...], sentence: str) -> None:
    decision = decided(repeating(*origins), policy(tier="medium"))
    assert found(decision, "identity").verdict is Verdict.FAIL
    assert sentence in found(decision, "identity").what


def test_whom_a_programs_pull_request_is_assigned_to_contributed() -> None:
    facts = replace(pull_request(author=bot("agent"), reviews=[approved("ben")]), assigned=(account("ben"),))
    assert why(decided(facts), "ben") == "contributed to the change: was assigned to what a program opened"
    assert counts(decided(replace(facts, author=account("olga"))), "ben")


# Co-authors who are none.


def claimed(**changes: object) -> PullRequestFacts:
    facts = pull_request(commits=[commit("head", co_authors=["ben"])], reviews=[approved("ben")])
    return replace(facts, **changes)  # type: ignore[arg-type]


def test_a_claim_of_co_authorship_blocks_until_it_is_disowned() -> None:
    decision = decided(claimed())
    assert not counts(decision, "ben")
    assert "`/disown COMMIT`" in found(decision, "separation").remedy
    denied = decided(claimed(disowned=(Disowned(oid("head"), account("ben")),)))
    assert counts(denied, "ben")
    assert f"disowned by the person named: @ben ({SHORT})" in found(denied, "separation").what


@pytest.mark.parametrize(
    "commits",
    [
        (commit("head", author="ben", co_authors=["ben"]),),
        (commit("head", author="ana", committer=web_flow(), co_authors=["ben"], signature=BY_GITHUB),),
    ],
)
def test_what_is_more_than_a_line_of_a_message_cannot_be_disowned(commits: tuple[object, ...]) -> None:
    facts = claimed(commits=commits, disowned=(Disowned(oid("head"), account("ben")),))
    assert not counts(decided(facts), "ben")


def test_a_trace_that_is_no_claim_gets_no_advice_to_disown_it() -> None:
    facts = pull_request(author="olga", pushes=[pushed("ben")], reviews=[approved("ben")])
    assert found(decided(facts), "separation").remedy == ""


# Who asked.


def keeping_apart(*tiers: Tier, **more: Any) -> Policy:
    """A policy that keeps whoever asked from approving, in these tiers or in all."""
    rules = policy(**more)
    pair = Separation(frozenset({Role.REQUESTER, Role.APPROVER}), frozenset(tiers or Tier))
    return replace(rules, separation=(*rules.separation, pair))


def waiver(asked_by: str, *, hours: int = 3, finding: str = "rule:ticket") -> Waived:
    end = NOON + timedelta(hours=hours)
    return Waived(finding, "It is a typo.", account(asked_by), account("rick"), NOON - timedelta(days=1), end)


APPROVED = pull_request(reviews=[approved("ben")])


@pytest.mark.parametrize(
    ("changes", "wishes"),
    [
        ({"requesters": (account("ben"),)}, "the change to be authorised"),
        ({"waivers": (waiver("ben"),)}, "a waiver of `rule:ticket`"),
        ({"waiving": (account("ben"),)}, "a waiver of what blocks the change"),
        ({"waivers": (waiver("ben"),), "waiving": (account("ben"),)}, "a waiver of `rule:ticket`"),
        (
            {"requesters": (account("ben"),), "waivers": (waiver("ben"), waiver("ben", finding="rule:x"))},
            "the change to be authorised, a waiver of `rule:ticket` and a waiver of `rule:x`",
        ),
    ],
)
def test_57_who_asked_does_not_approve_where_the_policy_keeps_the_two_apart(
    changes: dict[str, object], wishes: str
) -> None:
    facts = replace(APPROVED, **changes)  # type: ignore[arg-type]
    decision = decided(facts, keeping_apart())
    assert why(decision, "ben") == f"asked for {wishes}, which the policy keeps apart from approving"
    assert decision.verdict is Verdict.WAIT
    assert found(decision, "approvals").remedy.endswith(
        "Whoever contributed to the change, or asked for it, does not count."
    )
    assert decision.demands[0].from_whom == "someone with write access who did not contribute or ask for it"
    said = found(decision, "separation")
    assert said.headline == "no contributor or requester counts as approver"
    assert said.what == "1 person contributed, 1 person asked for it, and nobody else approved."
    assert (said.why, said.who) == ("The approval of @ben is not counted, since they asked for it.", (account("ben"),))
    assert decided(facts) == decided(APPROVED), "nothing else keeps them apart"


def test_who_asked_keeps_nobody_else_from_approving() -> None:
    facts = replace(APPROVED, requesters=(account("carl"),))
    assert counts(decided(facts, keeping_apart()), "ben")
    assert found(decided(facts, keeping_apart()), "separation").why == ""
    assert decided(APPROVED, keeping_apart()).findings == decided(APPROVED).findings, "nobody asked"


def test_who_asked_is_a_person_and_not_an_account() -> None:
    facts = replace(APPROVED, requesters=(account("ben-admin"),))
    assert not counts(decided(facts, keeping_apart(people=[("ben", "ben-admin")])), "ben")
    assert counts(decided(facts, keeping_apart()), "ben")
    bound = replace(facts, requesters=(account("renamed"),), names=(Named("ben-admin", account("renamed").id),))
    assert not counts(decided(bound, keeping_apart(people=[("ben", "ben-admin")])), "ben")


def test_who_contributed_and_asked_is_told_to_have_contributed() -> None:
    facts = replace(pull_request(author="ben", reviews=[approved("ben")]), requesters=(account("ben"),))
    decision = decided(facts, keeping_apart())
    assert why(decision, "ben").startswith("contributed to the change")
    assert found(decision, "separation").why == "The approval of @ben is not counted, since they contributed."


def test_who_asked_is_kept_apart_in_the_tiers_of_the_pair_and_in_those_to_which_they_are_raised() -> None:
    facts = replace(APPROVED, requesters=(account("ben"),))
    assert counts(decided(facts, keeping_apart(Tier.HIGH)), "ben")
    assert not counts(decided(facts, keeping_apart(Tier.LOW)), "ben")
    assert counts(decided(facts, keeping_apart(Tier.LOW, tier="high")), "ben")
    raised = Instruction(Instructed.RAISE, "high", account("dana"), "It pays interest.", NOON)
    assert not counts(decided(replace(facts, instructions=(raised,)), keeping_apart(Tier.LOW)), "ben")


def test_who_asked_for_a_waiver_may_approve_when_it_is_over() -> None:
    facts = replace(APPROVED, waivers=(waiver("ben"),))
    assert decided(facts, keeping_apart()).next_at == NOON + timedelta(hours=3)
    over = decided(replace(facts, waivers=(waiver("ben", hours=0),)), keeping_apart())
    assert counts(over, "ben")
    assert (over.next_at, decided(facts).next_at) == (None, None)


# What is told and does not block.


def test_what_guards_changes_is_named() -> None:
    paths = [".github/CODEOWNERS", "CODEOWNERS", ".github/workflows/ci.yml", ".github/countersign.yml", "x.py"]
    decision = decided(pull_request(files=[*map(file, paths), file("docs/CODEOWNERS"), file(".gitattributes")]))
    told = found(decision, "guards")
    assert told.verdict is Verdict.PASS
    assert "and 1 more" in told.what
    assert "x.py" not in told.what
    assert finding(decided(pull_request(files=[file("codeowners.py")])), "guards") is None


def test_what_guarded_changes_before_it_was_moved_is_named() -> None:
    moved = ChangedFile("attic/owners", FileChange.RENAMED, 0, 0, "CODEOWNERS")
    assert "`CODEOWNERS`" in found(decided(pull_request(files=[moved])), "guards").what


def large(*reviews: Review, **changes: object) -> PullRequestFacts:
    facts = replace(pull_request(reviews=list(reviews)), additions=900, created_at=NOON)
    return replace(facts, **changes)  # type: ignore[arg-type]


def test_a_quick_approval_of_a_large_change_is_told() -> None:
    decision = decided(large(approved("ben", at=1)))
    assert (
        "@ben approved 901 changed lines 1 minute after there was something to review."
        in found(decision, "noteworthy-reviews").what
    )
    assert decision.verdict is Verdict.PASS
    assert finding(decided(large(approved("ben", at=2))), "noteworthy-reviews") is None
    assert finding(decided(replace(large(approved("ben", at=1)), additions=9)), "noteworthy-reviews") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"head_seen_at": NOON + timedelta(minutes=29, seconds=30)},
        {"turns": (turned(TurnKind.READY, 29),)},
    ],
)
def test_the_time_to_review_begins_when_there_is_something_to_review(changes: dict[str, object]) -> None:
    assert finding(decided(large(approved("ben", at=30))), "noteworthy-reviews") is None
    assert finding(decided(large(approved("ben", at=30), **changes)), "noteworthy-reviews") is not None


def test_a_pair_who_only_approve_each_other_is_told() -> None:
    facts = replace(pull_request(reviews=[approved("ben")]), only_approver=account("ben"))
    assert (
        "nobody but @ben has approved what @ana proposed (10 times or more)"
        in found(decided(facts), "noteworthy-reviews").what
    )
    for other in (
        replace(facts, only_approver=account("carl")),
        replace(facts, only_approver=account("ana")),
        replace(facts, author=None),
    ):
        assert finding(decided(other), "noteworthy-reviews") is None


def test_words_that_were_changed_afterwards_are_told() -> None:
    edited = replace(approved("ben"), edited_at=NOON, edited_by=account("ana"))
    gone = replace(commented("carl", at=1), edited_at=NOON, edited_by=None)
    nobody = replace(approved(None, at=2), edited_at=NOON)
    told = found(decided(pull_request(reviews=[edited, gone, nobody])), "noteworthy-reviews").what
    assert told == (
        "The words of the review of @ben were changed afterwards by @ana. "
        "The words of the review of @carl were changed afterwards by an account that is gone."
    )


# What went around the gate.


def around(number: int, who: str | None = "erin") -> Unauthorised:
    return Unauthorised(number, "landing", f"Sentence {number}.", account(who) if who else None, NOON)


def test_an_unauthorised_change_blocks_where_somebody_may_acknowledge_it() -> None:
    facts = replace(pull_request(reviews=[approved("ben")]), unauthorised=tuple(map(around, range(1, 6))))
    quiet = found(decided(facts), "unauthorised-change")
    assert quiet.verdict is Verdict.PASS
    assert "No. 1: Sentence 1. No. 2: Sentence 2. No. 3: Sentence 3. And 2 more." in quiet.what
    loud = found(decided(facts, replace(policy(), acknowledging=("security",))), "unauthorised-change")
    assert loud.verdict is Verdict.FAIL
    assert "Somebody with the role security, who is not the one who did it, comments `/acknowledge 1" in loud.remedy
    assert loud.who == (account("erin"),)
    assert len(loud.headline) <= 50
    nobody = replace(pull_request(), unauthorised=(around(1, None),))
    assert found(decided(nobody), "unauthorised-change").who == ()
    assert finding(decided(pull_request()), "unauthorised-change") is None
