"""Whether two commits have a file in the same mode."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.errors import Transient
from bot.facts import modes
from bot.github.answers import Answer
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.store import Store
from tests.unit.builders import REPOSITORY, oid

PLAIN, EXECUTABLE = 0o100644, 0o100755


@dataclass
class Folders:
    """A GitHub that lists folders, by commit and path."""

    entries: dict[str, dict[str, int]]
    asked: list[Any] = field(default_factory=list)
    hidden: bool = False

    async def query(self, _document: str, variables: Any, **_: Any) -> Answer:
        self.asked.append(variables["first"].partition(":")[2])
        found = {side: self._folder(variables[side]) for side in ("first", "second")}
        return Answer({"repository": None if self.hidden else found}, ())

    def _folder(self, expression: str) -> Any:
        commit, _, folder = expression.partition(":")
        name = f"{'first' if commit == oid('first') else 'second'}:{folder}"
        if name not in self.entries:
            return None
        return {"entries": [{"name": each, "mode": mode} for each, mode in self.entries[name].items()]}


async def same(store: Store, github: Folders, *paths: str) -> bool:
    client = cast("InstallationClient", github)
    return await modes.same(store, client, REPOSITORY, oid("first"), oid("second"), paths, Lane.SWEEP)


async def test_each_folder_is_asked_for_once(store: Store) -> None:
    github = Folders(
        {
            "first:": {"a": PLAIN},
            "second:": {"a": PLAIN, "b": PLAIN},
            "first:src/x": {"run.sh": EXECUTABLE, "a": PLAIN, "other": PLAIN},
            "second:src/x": {"run.sh": EXECUTABLE, "a": PLAIN, "other": EXECUTABLE},
        }
    )
    for _ in range(2):
        assert await same(store, github, "a", "src/x/run.sh", "src/x/a")
    assert github.asked == ["", "src/x"]
    assert not await same(store, github, "a", "src/x/other"), "what was not asked for before"
    assert await same(store, github, "a")


@pytest.mark.parametrize(
    "entries",
    [
        {"first:": {"a": PLAIN}, "second:": {"a": EXECUTABLE}},
        {"first:": {"a": PLAIN}, "second:": {}},
        {"first:": {}, "second:": {"a": PLAIN}},
        {"first:": {"b": PLAIN}},
        {},
    ],
)
async def test_what_differs_or_is_not_shown_is_not_the_same(store: Store, entries: Any) -> None:
    assert not await same(store, Folders(entries), "a")


async def test_nothing_is_the_same_as_nothing(store: Store) -> None:
    github = Folders({})
    assert await same(store, github)
    assert github.asked == []


async def test_files_in_very_many_folders_are_not_shown_to_be_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modes, "MOST_FOLDERS", 1)
    github = Folders({"first:x": {"a": PLAIN, "b": PLAIN}, "second:x": {"a": PLAIN, "b": PLAIN}})
    assert await same(store, github, "x/a", "x/b")
    assert not await same(store, github, "x/a", "y/a")


async def test_a_repository_that_cannot_be_seen_is_looked_for_again(store: Store) -> None:
    with pytest.raises(Transient):
        await same(store, Folders({}, hidden=True), "a")
