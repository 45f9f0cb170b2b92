"""The name of what a change does: kept by a clean rebase, and by nothing else."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.changes import naming
from bot.changes.naming import Given
from bot.facts.model import Repository
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.sandbox import SimulatedGitHub
from bot.sandbox.git import EXECUTABLE, LINK, PLAIN
from bot.store import Store
from tests.unit.builders import oid, pull_request

LINES = [f"line {number}" for number in range(60)]
RULE = ["[rule]", "from = any", "to = bank", "[log]", "to = audit", ""]
RULES = [*LINES[:20], *RULE, *LINES[20:40], *RULE, *LINES[40:]]


def text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def put(lines: list[str], at: int, *more: str) -> list[str]:
    return [*lines[:at], *more, *lines[at:]]


@dataclass
class Ground:
    """A repository with commits in it, and how they are named."""

    store: Store
    client: InstallationClient
    ledger: Any
    ana: Any
    asked: list[str] = field(default_factory=list)

    def base(self, modes: dict[str, int] | None = None, **files: str) -> str:
        """The base goes on."""
        named = {name.replace("_", "."): content for name, content in files.items()}
        return str(self.ledger.push("main", by=self.ana, files=named, modes=modes or {}).oid)

    def commit(self, branch: str, modes: dict[str, int] | None = None, **files: str) -> str:
        """A commit on a branch, which begins at the base when it is new."""
        named = {name.replace("_", "."): content for name, content in files.items()}
        return str(self.ledger.push(branch, by=self.ana, start="main", files=named, modes=modes or {}).oid)

    async def name(self, head: str, *given: Given) -> str:
        repository = Repository(self.ledger.id, "acme", "ledger")
        facts = pull_request()
        facts = replace(facts, repository=repository, head=replace(facts.head, oid=head))
        self.asked.clear()
        return await naming.name(self.store, self.client, facts, self.ledger.branches["main"], given, Lane.PERSON)

    async def keeps(self, first: str, second: str) -> bool:
        """Whether the second commit gets the name of the first one."""
        name = await self.name(first)
        return await self.name(second, Given(name, first)) == name


@pytest.fixture
async def ground(store: Store, gh: SimulatedGitHub, client: InstallationClient) -> Ground:
    org = gh.organisation("acme")
    ana = org.person("ana")
    files = {"a": "1\n", "big": text(LINES), "run.sh": "run\n", "rules": text(RULES)}
    ledger: Any = org.repository("ledger", files=files, access={ana: "admin"})
    found = Ground(store, client, ledger, ana)
    gh.watchers.append(lambda exchange: found.asked.append(exchange.template))
    return found


async def test_a_commit_is_named_by_what_it_does_and_that_costs_one_comparison(ground: Ground) -> None:
    first, second = ground.commit("one", a="2\n"), ground.commit("two", a="3\n")
    name = await ground.name(first)
    assert name.partition("@")[2] == first
    assert len(ground.asked) <= 2, "a token, and the comparison"
    assert await ground.name(first, Given(name, first)) == name
    assert ground.asked == [], "what was compared once is known"
    other = await ground.name(second, Given(name, first))
    assert other.partition("@")[0] != name.partition("@")[0]
    assert len(ground.asked) == 1, "what does something else is not looked into"


async def test_the_same_commit_keeps_its_name_when_the_base_goes_on(ground: Ground) -> None:
    first = ground.commit("one", a="2\n")
    name = await ground.name(first)
    ground.base(other="1\n")
    assert await ground.name(first, Given(name, oid("earlier")), Given(name, first)) == name
    assert len(ground.asked) == 1


async def test_the_same_again_keeps_the_name_of_the_first(ground: Ground) -> None:
    first = ground.commit("one", a="2\n")
    name = await ground.name(first)
    ground.base(other="1\n")
    second, third = ground.commit("two", a="2\n"), ground.commit("three", a="2\n")
    assert await ground.name(second, Given(name, first)) == name
    assert await ground.name(third, Given(name, second)) == name
    assert await ground.name(third) != name, "nothing was shown to be the same"
    assert await ground.name(third, Given(name, "")) != name
    assert await ground.name(third, Given(name, oid("gone"))) != name


@pytest.mark.parametrize("mode", [EXECUTABLE, LINK])
async def test_another_mode_is_another_change(ground: Ground, mode: int) -> None:
    first = ground.commit("one", a="2\n", new="n\n")
    assert not await ground.keeps(first, ground.commit("one", modes={"a": mode}))
    assert await ground.keeps(first, ground.commit("one", modes={"a": PLAIN})), "it is as it was"
    assert not await ground.keeps(first, ground.commit("one", modes={"new": mode}))


async def test_of_files_in_very_many_folders_those_are_asked_for_that_differ(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.facts.modes.MOST_FOLDERS", 1)
    wide = {"x/a": "1\n", "y/b": "1\n"}
    first = ground.commit("one", None, **wide)
    assert await ground.keeps(first, ground.commit("one"))
    assert not await ground.keeps(first, ground.commit("one", modes={"x/a": EXECUTABLE}))
    assert not await ground.keeps(first, ground.commit("two", None, **wide)), "it does not come after the first"


async def test_a_mode_that_the_base_has_got_since_is_not_taken_back(ground: Ground) -> None:
    first = ground.commit("one", run_sh="run faster\n")
    ground.base(modes={"run.sh": EXECUTABLE})
    second = ground.commit("two", modes={"run.sh": PLAIN}, run_sh="run faster\n")
    assert not await ground.keeps(first, second)


async def test_files_without_lines_are_known_by_their_content(ground: Ground) -> None:
    def moved(branch: str, empty: str = "empty") -> str:
        return str(
            ground.ledger.push(branch, by=ground.ana, start="main", files={empty: "", "a": None, "b": "1\n"}).oid
        )

    first = moved("one")
    ground.base(other="1\n")
    assert await ground.keeps(first, moved("two"))
    assert not await ground.keeps(first, moved("three", "other empty one"))


async def test_lines_keep_their_name_where_the_base_has_moved_them_to(ground: Ground) -> None:
    first = ground.commit("one", big=text(put(LINES, 50, "ana's")))
    ground.base(big=text(["first of all", *LINES]))
    assert await ground.keeps(first, ground.commit("two", big=text(put(["first of all", *LINES], 51, "ana's"))))


async def test_the_same_lines_in_another_block_are_another_change(ground: Ground) -> None:
    first, second = (ground.commit(f"at-{at}", rules=text(put(RULES, at, "allow = all"))) for at in (23, 49))
    name = await ground.name(first)
    assert name.partition("@")[0] == (await ground.name(second)).partition("@")[0], "they look alike"
    assert await ground.name(second, Given(name, first)) != name


async def test_the_same_lines_in_the_same_place_are_another_change_where_the_base_has_moved(ground: Ground) -> None:
    first = ground.commit("one", rules=text(put(RULES, 49, "allow = all")))
    # What was the second block is further down now, and the first one where that was.
    grown = [*[f"more {number}" for number in range(26)], *RULES]
    ground.base(rules=text(grown))
    assert await ground.keeps(first, ground.commit("two", rules=text(put(grown, 75, "allow = all"))))
    assert not await ground.keeps(first, ground.commit("three", rules=text(put(grown, 49, "allow = all"))))


async def test_a_base_that_was_written_anew_shows_nothing(ground: Ground) -> None:
    first = ground.commit("one", big=text(put(LINES, 50, "ana's")))
    ground.ledger.push("main", by=ground.ana, files={"big": text(["x", *LINES])}, force=True)
    second = ground.commit("two", big=text(put(["x", *LINES], 51, "ana's")))
    assert not await ground.keeps(first, second)


async def test_what_is_not_shown_whole_is_named_by_its_commit(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ground.name(oid("gone")) == oid("gone")
    monkeypatch.setattr("bot.facts.diffs.MOST_FILES", 1)
    first = ground.commit("one", a="2\n")
    assert await ground.name(first) == first
    assert await ground.name(first, Given(first, first)) == first


async def test_a_commit_that_was_not_shown_whole_keeps_its_name_when_it_is(ground: Ground) -> None:
    first = ground.commit("one", a="2\n")
    assert await ground.name(first, Given(first, first)) == first
    assert await ground.name(ground.commit("two", a="2\n"), Given(first, first)) != first


async def test_no_name_is_none(ground: Ground) -> None:
    first = ground.commit("one", a="2\n", empty="")
    assert await ground.name(first, Given("", first)) != ""


async def test_names_of_before_still_hold(ground: Ground) -> None:
    first = ground.commit("one", a="2\n")
    patch = hashlib.sha256(b"@@ -1 +1 @@\n-1\n+2").hexdigest()
    before = hashlib.sha256(repr([("a", "", "modified", patch)]).encode()).hexdigest()
    assert await ground.name(first, Given(before, first)) == before
    ground.base(other="1\n")
    second = ground.commit("two", a="2\n")
    assert await ground.name(second, Given(before, first)) == before
    third = ground.commit("two", modes={"a": EXECUTABLE})
    assert await ground.name(third, Given(before, second)) not in {before, second}
