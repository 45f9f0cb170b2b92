"""What landed on a branch, held against what was decided."""

import pytest

from bot.facts.model import Signature
from bot.unauthorised.judge import (
    Decided,
    Landed,
    Merged,
    Proof,
    direct,
    merges,
    new,
    not_the_same,
    over_red,
    proofs,
    rewritten,
    stray,
    unexplained,
)
from tests.unit.builders import BY_GITHUB, account, oid

ERIN = account("erin")
PULL = Merged(7, oid("head"), oid("merge"), ERIN)


def landed(mark: str, *parents: str, pulls: tuple[Merged, ...] = (), signature: Signature | None = None) -> Landed:
    return Landed(oid(mark), tuple(map(oid, parents)), signature, pulls)


def test_what_no_pull_request_brought_is_unexplained() -> None:
    merge = landed("merge", "base", "head", pulls=(PULL,))
    assert unexplained([merge, landed("head", "before"), landed("before", "base"), landed("alone", "base")]) == (
        landed("alone", "base"),
    )
    assert merges([merge, landed("alone")]) == (PULL,)


def test_what_is_new_is_behind_the_tip_and_not_behind_what_was_seen() -> None:
    history = {
        each.oid: each
        for each in (
            landed("tip", "side", "seen"),
            landed("side", "old"),
            landed("seen", "old"),
            landed("old", "older"),
        )
    }
    assert [each.oid for each in new(history, oid("seen"), oid("tip"))] == [oid("tip"), oid("side")]


@pytest.mark.parametrize(
    "commits",
    [
        [landed("merge", "base", "head", pulls=(PULL,), signature=BY_GITHUB)],
        [landed("head", "base", pulls=(Merged(7, oid("head"), oid("head"), ERIN),))],
        [landed("head", "base", pulls=(PULL,))],
    ],
)
def test_what_github_merged_or_what_is_the_head_itself_needs_no_proof(commits: list[Landed]) -> None:
    assert proofs(commits) == ()


def test_a_merge_by_hand_is_compared_with_the_head_from_where_the_branch_was() -> None:
    assert proofs([landed("merge", "base", "head", pulls=(PULL,))]) == (Proof(PULL, oid("base"), oid("merge")),)


def test_a_rebased_pull_request_is_compared_as_a_whole() -> None:
    commits = [landed("merge", "first", pulls=(PULL,)), landed("first", "base", pulls=(PULL,))]
    assert proofs(commits) == (Proof(PULL, oid("base"), oid("merge")),)


def test_a_first_commit_is_compared_with_itself() -> None:
    assert proofs([landed("merge", pulls=(PULL,))]) == (Proof(PULL, oid("merge"), oid("merge")),)


def test_only_what_passed_may_be_merged() -> None:
    assert over_red("main", PULL, Decided(passes=True, verdict="pass", base="main")) is None
    short = oid("head")[:7]
    assert over_red("main", PULL, Decided(passes=False, verdict="fail", base="main")) == (
        f"#7 was merged into `main` by @erin, though Countersign said `fail` of its head {short}."
    )
    assert over_red("main", Merged(7, oid("head"), None, None), None) == (
        "#7 was merged into `main` by somebody whom GitHub does not name, though Countersign had never decided about "
        f"its head {short}."
    )


@pytest.mark.parametrize("passes", [True, False])
def test_what_was_decided_for_another_branch_was_not_decided_for_this_one(passes: bool) -> None:
    assert over_red("main", PULL, Decided(passes=passes, verdict="pass", base="old")) == (
        f"#7 was merged into `main` by @erin, though its head {oid('head')[:7]} was decided for `old`."
    )


def test_the_sentences_name_what_and_who() -> None:
    many = [landed(f"{number}") for number in range(5)]
    assert direct("main", many, None) == (
        f"5 commits ({oid('0')[:7]}, {oid('1')[:7]} and {oid('2')[:7]} and 2 more) came to `main` without a pull request; "
        "somebody whom GitHub does not name pushed it there."
    )
    assert direct("main", many[:1], ERIN).startswith(f"A commit ({oid('0')[:7]}) came to `main`")
    assert "@erin merged it" in not_the_same("main", Proof(PULL, oid("base"), oid("merge")))
    nobody = Merged(7, oid("head"), oid("merge"), None)
    assert "somebody whom GitHub does not name merged it" in not_the_same("main", Proof(nobody, oid("b"), oid("m")))
    assert rewritten("main", oid("lost"), ERIN).startswith("@erin rewrote the history of `main`")
    assert rewritten("main", oid("lost"), None).startswith("Somebody whom GitHub does not name rewrote")
    assert stray("v1", oid("x"), "main", ERIN, moved=True).startswith("@erin moved the tag `v1` to")
    assert stray("v1", oid("x"), "main", None, moved=False).startswith("Somebody whom GitHub does not name put the tag")
