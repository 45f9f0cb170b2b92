"""A group of the merge queue is what its pull requests are, and nothing else."""

from typing import Any

import pytest

from bot.facts.group import group
from tests.unit.builders import oid

SIGNED = {"isValid": True, "state": "VALID", "wasSignedByGitHub": True, "signer": None}


def entry(position: int, mark: str, base: str, **commit: Any) -> dict[str, Any]:
    parents = {"totalCount": 2, "nodes": [{"oid": oid(base)}, {"oid": oid(f"head {position}")}]}
    made = {"oid": oid(mark), "parents": parents, "signature": SIGNED} | commit
    return {
        "position": position,
        "headCommit": made,
        "baseCommit": {"oid": oid(base)},
        "pullRequest": {"number": position, "headRefOid": oid(f"head {position}")},
    }


def test_the_group_is_its_entry_and_everything_before_it() -> None:
    entries = [entry(2, "b", "a"), entry(1, "a", "main"), entry(3, "c", "b")]
    found = group(entries, oid("b"))
    assert found is not None
    assert found.members == ((1, oid("head 1")), (2, oid("head 2")))
    assert found.foreign == ()
    assert group(entries, oid("elsewhere")) is None
    assert group([{**entries[0], "headCommit": None}], oid("b")) is None


def test_a_squash_has_one_parent() -> None:
    squashed = entry(1, "a", "main", parents={"totalCount": 1, "nodes": [{"oid": oid("main")}]})
    found = group([squashed], oid("a"))
    assert found is not None
    assert found.foreign == ()


@pytest.mark.parametrize(
    ("commit", "why"),
    [
        ({"signature": None}, "was not made and signed by GitHub"),
        ({"signature": {**SIGNED, "isValid": False}}, "was not made and signed by GitHub"),
        ({"signature": {**SIGNED, "wasSignedByGitHub": False}}, "was not made and signed by GitHub"),
        ({"parents": {"totalCount": 1, "nodes": [{"oid": oid("elsewhere")}]}}, "is not the merge of its head"),
        (
            {"parents": {"totalCount": 2, "nodes": [{"oid": oid("main")}, {"oid": oid("other head")}]}},
            "is not the merge of its head",
        ),
    ],
)
def test_what_github_did_not_make_of_the_heads_is_foreign(commit: dict[str, Any], why: str) -> None:
    found = group([entry(1, "a", "main", **commit)], oid("a"))
    assert found is not None
    [gap] = found.foreign
    assert gap.what == "the commit of #1 in the merge queue"
    assert why in gap.why


def test_an_entry_without_pull_request_or_commit_is_foreign() -> None:
    nameless = {**entry(1, "a", "main"), "pullRequest": None}
    unmade = {**entry(2, "b", "a"), "headCommit": None}
    found = group([nameless, unmade, entry(3, "c", "b")], oid("c"))
    assert found is not None
    assert [gap.why for gap in found.foreign][:2] == [
        "GitHub shows no pull request for it",
        "GitHub has not made it yet",
    ]
    assert len(found.foreign) == 3, "and what is on top of it is on top of nothing that is known"
