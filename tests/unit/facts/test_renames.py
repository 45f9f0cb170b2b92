"""Where renamed files were before."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.errors import Transient
from bot.facts import renames
from bot.facts.model import ChangedFile, FactsIncomplete, FileChange, PullRequestFacts
from bot.github.client import InstallationClient
from bot.github.errors import Forbidden, NotFound
from bot.github.lanes import Lane
from bot.github.paging import Page
from bot.store import Store
from tests.unit.builders import file, oid, pull_request

MOVED = ChangedFile("old/1.sql", FileChange.RENAMED, 1, 1)
OTHER = ChangedFile("old/2.sql", FileChange.RENAMED, 0, 0)
FACTS = pull_request(files=(file("app.py"), MOVED))


def listed(path: str, previous: str = "", head: str = "head") -> dict[str, Any]:
    url = f"https://api.github.com/repos/acme/ledger/contents/{path}?ref={oid(head)}"
    return {"filename": path, "contents_url": url, **({"previous_filename": previous} if previous else {})}


@dataclass
class Listing:
    """A GitHub that lists files, or refuses."""

    files: Sequence[dict[str, Any]] = ()
    refuses: Exception | None = None
    truncated: bool = False
    asked: list[str] = field(default_factory=list)

    async def get_pages(self, path: str, **_: Any) -> Page:
        self.asked.append(path)
        if self.refuses is not None:
            raise self.refuses
        return Page(tuple(self.files), truncated=self.truncated)


async def read(store: Store, github: Listing, facts: PullRequestFacts = FACTS) -> PullRequestFacts:
    return await renames.read(store, cast("InstallationClient", github), facts, Lane.PERSON)


async def test_where_nothing_is_renamed_nobody_is_asked(store: Store) -> None:
    facts = pull_request(files=(file("app.py"),))
    github = Listing()
    assert await read(store, github, facts) is facts
    assert github.asked == []


async def test_a_renamed_file_is_known_by_both_names_and_asked_for_once(store: Store) -> None:
    github = Listing([listed("app.py", head="base"), listed("old/1.sql", "db/migrations/1.sql")])
    for _ in range(2):
        found = await read(store, github)
        assert found.files == (file("app.py"), replace(MOVED, previous="db/migrations/1.sql"))
        assert found.paths == ("app.py", "old/1.sql", "db/migrations/1.sql")
        assert found.incomplete == ()
    assert github.asked == ["/repos/acme/ledger/pulls/7/files"]


@pytest.mark.parametrize("other", ["head", "base"])
async def test_another_head_or_base_is_asked_for_again(store: Store, other: str) -> None:
    await read(store, Listing([listed("old/1.sql", "db/migrations/1.sql")]))
    moved = replace(getattr(FACTS, other), oid=oid("another"))
    facts = replace(FACTS, **{other: moved})
    head = "another" if other == "head" else "head"
    found = await read(store, Listing([listed("old/1.sql", "db/other.sql", head)]), facts)
    assert found.files[1].previous == "db/other.sql"


@pytest.mark.parametrize(
    "github",
    [
        Listing([listed("old/1.sql", "a"), listed("app.py")]),
        Listing([listed("old/1.sql", "a"), listed("old/2.sql")], truncated=True),
    ],
)
async def test_what_is_not_told_is_a_gap(store: Store, github: Listing) -> None:
    found = await read(store, github, replace(FACTS, files=(MOVED, OTHER)))
    assert found.incomplete == (FactsIncomplete("the old name of old/2.sql", "GitHub does not tell it"),)
    assert [each.previous for each in found.files] == ["a", ""]
    later = await read(
        store, Listing([listed("old/1.sql", "a"), listed("old/2.sql", "b")]), replace(FACTS, files=(MOVED, OTHER))
    )
    assert later.incomplete == (), "and is asked for again"


@pytest.mark.parametrize("refusal", [NotFound("nothing"), Forbidden("no")])
async def test_where_the_list_cannot_be_read_every_renamed_file_is_a_gap(store: Store, refusal: Exception) -> None:
    gap = FactsIncomplete("the commits", "there are many")
    found = await read(store, Listing(refuses=refusal), replace(FACTS, files=(MOVED, OTHER), incomplete=(gap,)))
    assert found.incomplete == (
        gap,
        FactsIncomplete("the old name of old/1.sql and of 1 more", "GitHub does not tell it"),
    )


async def test_the_list_of_another_head_is_not_taken_for_this_one(store: Store) -> None:
    """Who pushes while it is read could have another file's move remembered for it."""
    with pytest.raises(Transient, match="nobody pushes"):
        await read(store, Listing([listed("old/1.sql", "harmless.txt", "newer")]))
    found = await read(store, Listing([listed("old/1.sql", "db/migrations/1.sql")]))
    assert found.files[1].previous == "db/migrations/1.sql"
