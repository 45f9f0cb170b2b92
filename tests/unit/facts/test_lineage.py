"""What the history of a change shows: read only where it is asked for, and once."""

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.facts import lineage
from bot.facts.model import Origin, PullRequestFacts
from bot.github.answers import Answer
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.store import Store
from tests.unit.builders import approved, asked_for_changes, bot, commit, identity, oid, pull_request

LANE = Lane.SWEEP
PLAIN = 0o100644
FILE = {"filename": "a.py", "status": "modified", "sha": "b", "patch": "@@ -1 +1 @@\n-a\n+b"}


@dataclass
class Comparing:
    """The part of GitHub that compares commits and knows their authors; what it does not know is not there."""

    files: dict[str, list[Any]] = field(default_factory=dict)
    authors: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    modes: tuple[int, int] = (PLAIN, PLAIN)

    async def get_or_none(self, path: str, *, lane: Lane, params: Any = None) -> Any:
        assert lane is LANE
        assert params == {"per_page": "1"}
        between = path.rpartition("/")[2]
        self.asked.append(between)
        return {"status": "ahead", "files": self.files[between]} if between in self.files else None

    async def query(self, _document: str, variables: Any, *, lane: Lane) -> Answer:
        assert lane is LANE
        if "first" in variables:
            entries = [{"entries": [{"name": "a.py", "mode": mode}]} for mode in self.modes]
            return Answer({"repository": {"first": entries[0], "second": entries[1]}}, ())
        self.asked.append(variables["oid"])
        return Answer({"repository": {"object": self.authors.get(variables["oid"])}}, ())


def between(base: str, head: str) -> str:
    return f"{oid(base)}...{oid(head)}"


def asking(github: Comparing) -> InstallationClient:
    return cast("InstallationClient", github)


MERGE = commit("head", merges="main")
FIRST, SECOND = "before head", "main"


def merged(**files: list[Any]) -> Comparing:
    sides = {"merge": between(FIRST, "head"), "brought": between(FIRST, SECOND), "kept": between(SECOND, FIRST)}
    return Comparing({sides[name]: found for name, found in files.items()})


async def clean(store: Store, github: Comparing, *commits: Any) -> tuple[str, ...]:
    return await lineage.clean_merges(store, asking(github), pull_request(commits=commits), LANE)


async def test_a_clean_merge_is_shown_once_and_not_compared_again(store: Store) -> None:
    github = merged(merge=[FILE], brought=[FILE], kept=[])
    assert await clean(store, github, commit("first"), MERGE) == (oid("head"),)
    assert await clean(store, github, commit("first"), MERGE) == (oid("head"),)
    assert len(github.asked) == 3


@pytest.mark.parametrize(
    "github",
    [
        merged(brought=[FILE], kept=[]),
        merged(merge=[FILE], kept=[]),
        merged(merge=[FILE], brought=[FILE]),
        merged(merge=[FILE, {**FILE, "filename": "b.py"}], brought=[FILE], kept=[]),
    ],
)
async def test_what_github_does_not_show_is_not_clean(store: Store, github: Comparing) -> None:
    assert await clean(store, github, MERGE) == ()


async def test_a_change_without_merges_asks_for_nothing(store: Store) -> None:
    github = Comparing()
    assert await clean(store, github, commit("head")) == ()
    octopus = replace(MERGE, parents=(*MERGE.parents, oid("third")))
    assert await clean(store, github, octopus) == ()
    assert github.asked == []


def reviewed(*reviews: Any) -> PullRequestFacts:
    return pull_request(reviews=reviews)


async def test_the_same_diff_is_looked_for_among_what_people_approved(store: Store) -> None:
    other = {**FILE, "patch": "@@ -1 +1 @@\n-a\n+c"}
    github = Comparing(
        {
            between("tip", "head"): [FILE],
            between("tip", "same"): [FILE],
            between("tip", "different"): [other],
        }
    )
    facts = reviewed(
        approved("ben", on="same"),
        approved("carl", on="different"),
        approved("dora", on="gone"),
        approved("emil"),
        approved("finn", on=None),
        asked_for_changes("gina", on="asked"),
        approved(bot("tool"), on="robot"),
    )
    assert await lineage.same_diff(store, asking(github), facts, oid("tip"), LANE) == (oid("same"),)
    assert between("tip", "asked") not in github.asked
    assert between("tip", "robot") not in github.asked


async def test_what_has_the_same_lines_in_another_mode_is_not_the_same(store: Store) -> None:
    github = Comparing({between("tip", "head"): [FILE], between("tip", "same"): [FILE]}, modes=(PLAIN, 0o120000))
    assert await lineage.same_diff(store, asking(github), reviewed(approved("ben", on="same")), oid("tip"), LANE) == ()


async def test_without_an_older_approval_nothing_is_compared(store: Store) -> None:
    github = Comparing()
    assert await lineage.same_diff(store, asking(github), reviewed(approved("ben")), oid("tip"), LANE) == ()
    assert github.asked == []


async def test_a_head_that_cannot_be_compared_is_the_same_as_nothing(store: Store) -> None:
    github = Comparing({between("tip", "same"): [FILE]})
    facts = reviewed(approved("ben", on="same"))
    assert await lineage.same_diff(store, asking(github), facts, oid("tip"), LANE) == ()


def authors(*logins: str, total: int | None = None) -> dict[str, Any]:
    nodes = [
        {"name": each.name, "email": each.email, "user": {"login": each.name, "databaseId": each.account.id}}
        for each in map(identity, logins)
        if each.account is not None
    ]
    return {"oid": "x", "authors": {"totalCount": total or len(nodes), "nodes": nodes}}


async def test_who_wrote_what_is_reverted_is_read_once(store: Store) -> None:
    github = Comparing(authors={oid("old"): authors("ben")})
    facts = pull_request(commits=[replace(commit("head"), repeats=(oid("old"),))])
    for _ in range(2):
        found = await lineage.origins(store, asking(github), facts, LANE)
        assert found == (Origin(oid("old"), (identity("ben"),)),)
    assert github.asked == [oid("old")]


@pytest.mark.parametrize("answer", [None, {}, authors("ben", total=30)])
async def test_what_github_does_not_list_whole_was_written_by_nobody_known(store: Store, answer: Any) -> None:
    github = Comparing(authors={oid("old"): answer})
    facts = pull_request(commits=[replace(commit("head"), repeats=(oid("old"),))])
    assert await lineage.origins(store, asking(github), facts, LANE) == (Origin(oid("old"), ()),)
