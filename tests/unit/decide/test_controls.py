"""What else is looked at: drafts, conflicts, gaps, the inventory, the policy itself; and how findings add up."""

from dataclasses import replace

import pytest

from bot.decide.controls.mergeable import AGAIN
from bot.decide.controls.shared_head import passes_alone
from bot.decide.evaluate import decide
from bot.decide.matching import assign
from bot.decide.verdict import Verdict, worst
from bot.facts.model import FactsIncomplete, Mergeability, PolicyChange, PullRequestState, Repository, Sibling
from bot.policy.model import Application, Mode, Problem, Tier
from tests.unit.builders import (
    NOON,
    account,
    approved,
    asked_for_changes,
    commit,
    decided,
    demand,
    finding,
    found,
    policy,
    pull_request,
    pushed,
    stranger,
)
from tests.unit.decide.test_catalogue import timed

READY = [approved("ben")]


def test_a_draft_waits_for_its_author() -> None:
    decision = decided(pull_request(draft=True, reviews=READY))
    assert decision.verdict is Verdict.WAIT
    assert found(decision, "draft").remedy == "Its author marks it as ready for review."


def test_conflicts_block() -> None:
    decision = decided(pull_request(mergeability=Mergeability.CONFLICTING, reviews=READY, base="release/9"))
    assert decision.verdict is Verdict.FAIL
    assert found(decision, "mergeable").what == "The change conflicts with `release/9`."


def test_while_github_compares_the_branches_the_change_waits_a_minute() -> None:
    decision = decided(pull_request(mergeability=Mergeability.UNKNOWN, reviews=READY))
    waiting = found(decision, "mergeable")
    assert waiting.verdict is Verdict.WAIT
    assert waiting.minutes
    assert decision.next_at == NOON + AGAIN


@pytest.mark.parametrize("state", [PullRequestState.CLOSED, PullRequestState.MERGED])
def test_of_a_closed_pull_request_conflicts_do_not_matter(state: PullRequestState) -> None:
    facts = pull_request(state=state, mergeability=Mergeability.CONFLICTING, reviews=READY)
    assert finding(decided(facts), "mergeable") is None


def test_what_could_not_be_read_blocks_and_is_named() -> None:
    gaps = [FactsIncomplete("the list of commits", "GitHub lists 250 of 312"), FactsIncomplete("acme/appsec", "hidden")]
    decision = decided(pull_request(incomplete=gaps, reviews=READY))
    assert decision.verdict is Verdict.FAIL
    assert found(decision, "facts").what == (
        "Not everything that this decision needs could be read: "
        "the list of commits (GitHub lists 250 of 312); acme/appsec (hidden)."
    )


def test_a_repository_in_no_inventory_is_high_and_a_finding() -> None:
    decision = decided(pull_request(reviews=READY), policy(in_inventory=False))
    assert decision.tier is Tier.HIGH
    assert decision.tier_because == ("acme/ledger is in no application of the inventory.",)
    assert found(decision, "inventory").verdict is Verdict.PASS
    assert found(decision, "inventory").why == "Its changes are treated as tier high."


def test_the_tier_is_that_of_the_application() -> None:
    decision = decided(pull_request(), policy(tier="medium"))
    assert (decision.tier, decision.tier_because) == (Tier.MEDIUM, ("`payments` is of tier medium.",))


def test_a_repository_is_found_in_the_inventory_whatever_its_case() -> None:
    shouting = pull_request(repository=Repository(77, "acme", "LEDGER"))
    assert decided(shouting, policy(tier="low")).tier is Tier.LOW


def test_a_policy_that_never_worked_blocks() -> None:
    problem = Problem("acme/.github:countersign.yml", 3, 1, "`mod` is not known here.")
    decision = decided(pull_request(reviews=READY), policy(problems=[problem], undecidable=True))
    assert decision.verdict is Verdict.FAIL
    assert found(decision, "policy").what == (
        "The organisation's policy cannot be used. acme/.github:countersign.yml, line 3: `mod` is not known here."
    )


def test_a_repositorys_policy_that_never_worked_blocks_all_but_what_corrects_it() -> None:
    origin = "acme/ledger:.github/countersign.yml"
    entry = Application("payments", ("ledger",), Tier.LOW, mode=Mode.OBSERVE)
    broken = replace(policy(problems=[Problem(origin, 2, 1, "`mod` is not known here.")]), unusable=origin)
    broken = replace(broken, applications=(entry,))
    decision = decided(pull_request(reviews=READY), broken)
    assert (decision.mode, decision.verdict) == (Mode.ENFORCE, Verdict.FAIL)
    assert found(decision, "policy").what == (
        "The repository's own policy cannot be used. "
        "acme/ledger:.github/countersign.yml, line 2: `mod` is not known here."
    )
    for change, verdict in (
        (PolicyChange(".github/countersign.yml", usable=True), Verdict.PASS),
        (PolicyChange(".github/countersign.yml", usable=False), Verdict.FAIL),
        (PolicyChange("countersign.yml", usable=True), Verdict.FAIL),
    ):
        facts = replace(pull_request(reviews=READY), policy_changes=(change,))
        assert found(decided(facts, broken), "policy").verdict is verdict


def test_a_policy_file_with_errors_is_told_and_does_not_block() -> None:
    problems = [Problem("acme/ledger:.github/countersign.yml", line, 1, "Wrong.") for line in range(1, 8)]
    decision = decided(pull_request(reviews=READY), policy(problems=problems))
    assert decision.verdict is Verdict.PASS
    told = found(decision, "policy")
    assert told.verdict is Verdict.PASS
    assert told.what.endswith("line 5: Wrong. And 2 more.")
    assert told.why == "The last version that worked, or the organisation's rule, stays in force."


@pytest.mark.parametrize(
    ("reviews", "sentence"),
    [
        ([], "1 person contributed, and nobody else approved."),
        (["ben"], "1 person contributed, and 1 other approved."),
        (["ben", "cem"], "1 person contributed, and 2 others approved."),
    ],
)
def test_separation_says_how_many_contributed_and_approved(reviews: list[str], sentence: str) -> None:
    rules = policy(demand(2, "write"))
    decision = decided(pull_request(reviews=[approved(login) for login in reviews]), rules)
    assert found(decision, "separation").what == sentence


def test_separation_names_everybody_who_tried_to_approve_what_they_contributed_to() -> None:
    facts = pull_request(
        commits=[commit(co_authors=["ben"])], reviews=[approved("ana"), approved("ben"), asked_for_changes("cem")]
    )
    said = found(decided(facts), "separation")
    assert said.why in {
        "The approvals of @ana and @ben are not counted, since they contributed.",
        "The approvals of @ben and @ana are not counted, since they contributed.",
    }
    assert set(said.who) == {account("ana"), account("ben")}


def test_a_policy_without_the_pair_has_nothing_to_say_about_it() -> None:
    assert finding(decided(pull_request(), replace(policy(), separation=())), "separation") is None


def test_what_blocks_stands_before_what_waits_before_what_passes() -> None:
    facts = pull_request(draft=True, mergeability=Mergeability.CONFLICTING, reviews=[])
    assert [each.id for each in decided(facts).findings] == [
        "mergeable",
        "draft",
        "approvals",
        "separation",
        "identity",
    ]


def test_nothing_looked_at_is_no_pass() -> None:
    assert worst([]) is Verdict.FAIL
    assert worst([Verdict.PASS, Verdict.WAIVED]) is Verdict.WAIVED
    assert worst([Verdict.WAIT, Verdict.FAIL]) is Verdict.FAIL


def test_the_next_moment_is_that_of_the_finding_that_comes_first() -> None:
    assert decided(pull_request(reviews=READY)).next_at is None


def test_the_mode_is_the_policys() -> None:
    assert decided(pull_request(), policy(mode=Mode.OBSERVE)).mode is Mode.OBSERVE


def test_a_sibling_for_which_the_policy_is_enforced_enforces_it_for_the_commit() -> None:
    facts = replace(pull_request(reviews=READY), siblings=(Sibling(8, passes=True, enforced=True),))
    assert decided(facts, policy(mode=Mode.OBSERVE)).mode is Mode.ENFORCE


@pytest.mark.parametrize(("passes", "verdict"), [(True, Verdict.PASS), (False, Verdict.WAIT), (None, Verdict.WAIT)])
def test_a_commit_waits_for_the_other_pull_request_that_has_it(passes: bool | None, verdict: Verdict) -> None:
    facts = replace(pull_request(reviews=READY), siblings=(Sibling(8, passes=passes, enforced=True),))
    assert decided(facts).verdict is verdict


def test_a_commit_waits_for_the_time_of_each_pull_request_that_has_it() -> None:
    rules = timed("FREQ=DAILY;BYHOUR=0", "FREQ=DAILY;BYHOUR=1")
    facts = replace(pull_request(reviews=READY), siblings=(Sibling(8, passes=False, enforced=True),))
    assert {each.id for each in decided(facts, rules).findings if each.blocks is Verdict.WAIT} == {
        "window",
        "shared-head",
    }
    assert not passes_alone(decided(facts, rules)), "also while the other one is in the way, its time counts"


@pytest.mark.parametrize(
    ("siblings", "reviewed", "what", "remedy"),
    [
        (
            (Sibling(8, passes=False, enforced=True, author=account("mal")),),
            True,
            "The head commit is also that of #8, opened by @mal. #8 does not pass yet.",
            "Close #8, opened by @mal, or get it approved as well, for the same time (`/schedule`)",
        ),
        (
            (Sibling(8), Sibling(9, passes=True), Sibling(10, passes=False)),
            True,
            "The head commit is also that of #8, #9 and #10. #8 and #10 do not pass yet.",
            "Close #8 or #10, or get each approved as well, for the same time (`/schedule`)",
        ),
        (
            (Sibling(8, passes=True, author=account("mal")),),
            False,
            "The head commit is also that of #8, opened by @mal, which passes but for #7.",
            "Close #7, opened by @ana, or get it approved as well, for the same time (`/schedule`)",
        ),
        (
            (Sibling(8, passes=True), Sibling(9, passes=True)),
            False,
            "The head commit is also that of #8 and #9, which pass but for #7.",
            "Close #7, opened by @ana, or get it approved as well, for the same time (`/schedule`)",
        ),
        (
            (Sibling(8, passes=True),),
            True,
            "The head commit is also that of #8. Each passes by its own approvals.",
            "",
        ),
    ],
)  # fmt: skip
def test_who_holds_up_whom_by_the_same_commit_is_told(
    siblings: tuple[Sibling, ...], reviewed: bool, what: str, remedy: str
) -> None:
    facts = replace(pull_request(reviews=READY if reviewed else ()), siblings=siblings)
    [shared] = [each for each in decided(facts).findings if each.id == "shared-head"]
    assert (shared.what, shared.remedy.partition("; or push")[0]) == (what, remedy)


def test_the_same_arguments_give_the_same_decision() -> None:
    facts = pull_request(commits=[commit(author=stranger("x@y.example"))], pushes=[pushed(None)], reviews=READY)
    assert decide(facts, policy(), NOON) == decide(facts, policy(), NOON)


def test_an_assignment_uses_nobody_twice_and_fills_no_place_twice() -> None:
    assert assign([1, 1], {"sam": [0, 1], "ben": [0]}) == {"ben": 0, "sam": 1}
    assert assign([1], {"sam": [0], "ben": [0]}) == {"sam": 0}
    assert assign([], {}) == {}


def test_what_is_said_about_siblings_is_no_part_of_passing_alone() -> None:
    waiting = replace(pull_request(reviews=READY), siblings=(Sibling(8),))
    assert decided(waiting).verdict is Verdict.WAIT
    assert passes_alone(decided(waiting))
    assert not passes_alone(decided(replace(waiting, reviews=())))
