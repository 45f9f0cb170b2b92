"""Looks at branches and tags: what GitHub may answer, and what is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.clock import utc_now
from bot.errors import Transient
from bot.github.answers import Answer
from bot.github.client import GitHub
from bot.ingest.events import Pushed, Tagged, Where
from bot.ingest.subjects import branch_subject, intake, tag_subject
from bot.queue import Look, Urgency, Wish, want
from bot.queue.subjects import begin
from bot.store import Store
from bot.unauthorised.branches import Branches
from bot.unauthorised.tags import Tags
from tests.unit.builders import oid

WHERE = Where(1, 77, "acme", "ledger")
SUBJECT = branch_subject(WHERE, "main")


@dataclass
class Scripted:
    """A GitHub that gives prepared answers, in their order, and compares as told."""

    answers: list[Any]
    status: str | None = "ahead"
    asked: list[Any] = field(default_factory=list)

    def installation(self, _number: int) -> Any:
        return self

    async def query(self, _document: str, variables: Any, **_: Any) -> Answer:
        self.asked.append(variables)
        return Answer({"repository": self.answers.pop(0)}, ())

    async def get_or_none(self, _path: str, **_: Any) -> Any:
        return None if self.status is None else {"status": self.status, "files": []}


def node(mark: str, *parents: str, pulls: Sequence[Any] = ()) -> dict[str, Any]:
    return {
        "oid": oid(mark),
        "parents": {"totalCount": len(parents), "nodes": [{"oid": oid(each)} for each in parents]},
        "signature": None,
        "associatedPullRequests": {"totalCount": len(pulls), "nodes": list(pulls)},
    }


def page(*nodes: Any, tip: str = "tip", more: bool = False, number: int = 77) -> dict[str, Any]:
    listed = {"pageInfo": {"hasNextPage": more, "endCursor": "next"}, "nodes": list(nodes)}
    return {"databaseId": number, "ref": {"target": {"oid": oid(tip), "history": listed}}}


async def looking(store: Store, *, seen: str | None = "seen", attempt: int = 9) -> Look:
    async with store.transaction() as connection:
        await want(connection, [Wish(SUBJECT, Urgency.TIMER)])
        if seen is not None:
            await connection.execute("INSERT INTO branch_seen VALUES (%s, %s, now())", [SUBJECT.key, oid(seen)])
        begun = await begin(connection, SUBJECT.key)
    assert begun is not None
    return Look(SUBJECT, begun.look.number, attempt, Urgency.TIMER)


def branches(store: Store, github: Scripted) -> Branches:
    return Branches(store, cast("GitHub", github), utc_now)


async def found(store: Store) -> list[tuple[str, str]]:
    async with store.transaction() as connection:
        cursor = await connection.execute("SELECT kind, what FROM unauthorised_change ORDER BY id")
        return [(kind, what) async for kind, what in cursor]


async def tip_seen(store: Store) -> str | None:
    async with store.transaction() as connection:
        row = await (await connection.execute("SELECT tip FROM branch_seen")).fetchone()
    return row[0] if row else None


async def test_a_history_of_several_pages_is_read_up_to_what_was_seen(store: Store) -> None:
    github = Scripted([page(node("tip", "middle"), more=True), page(node("middle", "seen"), node("seen"))])
    look = await looking(store)
    after = await branches(store, github).look(look)
    assert after.concerns == {"base:77:main"}
    [(kind, what)] = await found(store)
    assert kind == "landing"
    assert what.startswith("2 commits")
    assert github.asked[1]["after"] == "next"
    assert await tip_seen(store) == oid("tip")


async def test_a_branch_that_moves_while_it_is_read_is_read_again(store: Store) -> None:
    github = Scripted([page(node("tip", "middle"), more=True), page(node("newer", "tip"), tip="newer")])
    look = await looking(store)
    with pytest.raises(Transient):
        await branches(store, github).look(look)


@pytest.mark.parametrize("answer", [None, {"databaseId": 77, "ref": None}, page(node("tip"), number=78)])
async def test_a_branch_that_is_gone_is_at_its_end(store: Store, answer: Any) -> None:
    look = await looking(store)
    assert (await branches(store, Scripted([answer])).look(look)).over
    assert await found(store) == []


@pytest.mark.parametrize("seen", [None, "tip"])
async def test_where_nothing_is_new_nothing_is_judged(store: Store, seen: str | None) -> None:
    look = await looking(store, seen=seen)
    after = await branches(store, Scripted([page(node("tip", "before"))])).look(look)
    assert not after.over
    assert await found(store) == []


async def test_github_is_given_time_to_say_what_brought_a_commit(store: Store) -> None:
    look = await looking(store, attempt=0)
    github = Scripted([page(node("tip", "seen"), node("seen"))])
    with pytest.raises(Transient, match="which pull request brought"):
        await branches(store, github).look(look)
    assert await tip_seen(store) == oid("seen")


@pytest.mark.parametrize(
    ("status", "rewritten"), [("ahead", False), ("diverged", True), ("behind", True), (None, True)]
)
async def test_what_was_seen_and_is_not_in_the_history_any_more(
    store: Store, status: str | None, rewritten: bool
) -> None:
    look = await looking(store)
    await branches(store, Scripted([page(node("tip", "other"))], status)).look(look)
    assert ("history" in [kind for kind, _ in await found(store)]) is rewritten


async def test_a_look_that_was_overtaken_records_nothing(store: Store) -> None:
    old = await looking(store)
    async with store.transaction() as connection:
        await want(connection, [Wish(SUBJECT, Urgency.TIMER)])
        await begin(connection, SUBJECT.key)
    with pytest.raises(Transient, match="newer look"):
        await branches(store, Scripted([page(node("tip", "seen"), node("seen"))])).look(old)
    assert await found(store) == []


@pytest.mark.parametrize("head", ["squashed", "unseen"])
async def test_a_squash_by_hand_must_show_the_same_lines(store: Store, head: str) -> None:
    pull = {
        "number": 7,
        "state": "MERGED",
        "baseRefName": "main",
        "headRefOid": oid(head),
        "mergeCommit": {"oid": oid("tip")},
        "mergedBy": None,
    }
    github = Scripted([page(node("tip", "seen", pulls=[pull]), node("seen"))], None if head == "unseen" else "ahead")
    await branches(store, github).look(await looking(store))
    said = [what for _, what in await found(store)]
    assert any("had never decided about its head" in what for what in said)
    assert any("cannot be shown" in what for what in said) is (head == "unseen")


def tag(answer: Any, *, moved: bool = True) -> tuple[Tagged, Scripted, dict[str, Any]]:
    event = Tagged(WHERE, "v1", oid("new"), None, moved)
    default = {"name": "main", "target": {"oid": oid("main")}}
    return event, Scripted([], "diverged"), {"databaseId": 77, "defaultBranchRef": default, "ref": answer}


COMMIT = {"__typename": "Commit", "oid": oid("new")}


async def look_at_tag(store: Store, answer: Any, *, status: str | None = "diverged", **more: Any) -> None:
    event, github, repository = tag(answer)
    github.answers, github.status = [{**repository, **more}], status
    subject = tag_subject(event)
    async with store.transaction() as connection:
        await want(connection, list(intake(event).wishes))
        begun = await begin(connection, subject.key)
    assert begun is not None
    after = await Tags(store, cast("GitHub", github), utc_now).look(begun.look)
    assert after.over


@pytest.mark.parametrize(
    "target", [COMMIT, {"__typename": "Tag", "oid": oid("annotated"), "target": COMMIT}], ids=["light", "annotated"]
)
async def test_a_tag_stands_on_the_commit_that_it_leads_to(store: Store, target: Any) -> None:
    await look_at_tag(store, {"target": target})
    [(kind, what)] = await found(store)
    assert kind == "tag"
    assert oid("new")[:7] in what


async def test_a_commit_that_github_does_not_compare_is_not_on_the_branch(store: Store) -> None:
    await look_at_tag(store, {"target": COMMIT}, status=None)
    assert len(await found(store)) == 1


@pytest.mark.parametrize("status", ["behind", "identical"])
async def test_a_tag_on_the_default_branch_is_no_news(store: Store, status: str) -> None:
    await look_at_tag(store, {"target": COMMIT}, status=status)
    assert await found(store) == []


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        (None, {}),
        ({"target": {"__typename": "Blob", "oid": oid("file")}}, {}),
        ({"target": COMMIT}, {"databaseId": 78}),
        ({"target": COMMIT}, {"defaultBranchRef": None}),
    ],
)
async def test_a_tag_that_is_gone_or_on_no_commit_is_no_news(store: Store, answer: Any, more: dict[str, Any]) -> None:
    await look_at_tag(store, answer, **more)
    assert await found(store) == []


def test_a_new_branch_is_watched_from_its_first_tip() -> None:
    event = Pushed(WHERE, "main", oid("new"), None, to_default=True)
    assert intake(event).watched == ((SUBJECT.key, oid("new")),)
