"""Where the policy of a repository comes from, what is remembered of it, and what goes on record."""

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.errors import Transient
from bot.facts import pull_request
from bot.facts.model import FactsIncomplete
from bot.facts.pull_request import Place, PolicyBlobs
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.policy import check
from bot.policy.default import default
from bot.policy.load import Loaded, load
from bot.policy.model import Mode, Tier
from bot.policy.yaml import Document, read
from bot.sandbox import SimulatedGitHub
from bot.store import Store
from tests.unit.builders import NOON, demand

FILE, OWN = "countersign.yml", ".github/countersign.yml"
ORGANISATIONS, REPOSITORYS = "acme/.github:countersign.yml", "acme/ledger:.github/countersign.yml"
ENFORCED = "version: 1\nmode: enforce\nroles: {security: [acme/appsec]}\n"
BROKEN = "version: 1\nmoed: enforce\n"


@dataclass
class Files:
    """The two repositories that hold policy files, and how they are read."""

    store: Store
    client: InstallationClient
    home: Any
    ledger: Any
    ana: Any
    pulls: dict[str, int]

    async def have(self, organisation: str | None = None, own: str | None = None) -> None:
        """Put the files on the default branches, or take them away."""
        self.home.push("main", by=self.ana, files={FILE: organisation, "README.md": str(organisation)})
        self.ledger.push("main", by=self.ana, files={OWN: own, "README.md": str(own)})

    def have_on(self, branch: str, own: str | None) -> None:
        """Put the repository's own file on a branch, or take it away."""
        self.ledger.push(branch, by=self.ana, files={OWN: own, "README.md": str(own)})

    def place(self, base: str = "main") -> Place:
        """A pull request that goes to the branch."""
        return Place("acme", "ledger", self.pulls[base], self.ledger.id)

    async def blobs(self, base: str = "main") -> PolicyBlobs:
        read = await pull_request.read(self.client, self.place(base), ".github", Lane.PERSON)
        assert read is not None
        return read.blobs

    async def load(self, blobs: PolicyBlobs | None = None, base: str = "main") -> Loaded:
        """What a look would find now."""
        known = blobs or await self.blobs(base)
        place = self.place(base)
        return await load(self.store, self.client, place, known, ".github", base=base, lane=Lane.PERSON, at=NOON)

    async def kinds(self) -> list[tuple[str, str | None]]:
        """What is on record of the repository's own file: kind and branch."""
        return [(kind, body.get("branch")) for kind, subject, body in await self.entries() if subject == REPOSITORYS]

    async def entries(self) -> list[tuple[str, str, Mapping[str, Any]]]:
        """What is on record: kind, subject, and what was told."""
        async with self.store.transaction() as connection:
            cursor = await connection.execute("SELECT kind, subject, body FROM ledger_entry ORDER BY seq")
            return [(kind, subject, json.loads(bytes(body))["body"]) async for kind, subject, body in cursor]

    async def switched(self) -> list[tuple[str, Any, Any]]:
        return [
            (subject, body["was"], body["now"])
            for kind, subject, body in await self.entries()
            if kind == "policy:mode:switched"
        ]


@pytest.fixture
async def files(store: Store, gh: SimulatedGitHub, client: InstallationClient) -> Files:
    org = gh.organisation("acme")
    ana = org.person("ana")
    home: Any = org.repository(".github", files={"README.md": ""}, access={ana: "admin"})
    ledger: Any = org.repository("ledger", files={"a": "1"}, access={ana: "admin"})
    ledger.branch("release", start="main")
    pulls = {
        base: ledger.open_pull_request(by=ana, title="Balance", base=base, files={"a": "2"}).number
        for base in ("main", "release")
    }
    return Files(store, client, home, ledger, ana, pulls)


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which files were parsed."""
    default()
    found: list[threading.Thread] = []

    def seen(text: str, origin: str) -> Document:
        found.append(threading.current_thread())
        return read(text, origin)

    monkeypatch.setattr(check, "read", seen)
    return found


def says(mode: str = "observe", observe: list[str] | None = None, **applications: str) -> dict[str, Any]:
    return {"mode": mode, "observe": observe or [], "applications": applications}


async def test_without_any_file_nothing_is_read_and_nothing_on_record(files: Files) -> None:
    loaded = await files.load()
    assert (loaded.policy.mode, loaded.gaps, loaded.properties) == (Mode.OBSERVE, (), ())
    assert await files.entries() == []


async def test_the_organisations_file_is_in_force_and_on_record_once(files: Files) -> None:
    await files.have(ENFORCED)
    assert (await files.load()).policy.mode is Mode.ENFORCE
    assert [(kind, subject) for kind, subject, _ in await files.entries()] == [
        ("policy:file:accepted", ORGANISATIONS),
        ("policy:mode:switched", ORGANISATIONS),
    ]
    assert (await files.entries())[0][2]["blob"] == (await files.blobs()).organisation
    await files.load()
    assert len(await files.entries()) == 2


async def test_what_was_read_once_is_not_asked_for_again(files: Files, gh: SimulatedGitHub) -> None:
    await files.have(ENFORCED, "version: 1\nmode: enforce\n")
    blobs = await files.blobs()
    before = await files.load(blobs)
    files.home.rename("gone")
    files.ledger.rename("elsewhere")
    del gh.world._names["acme/.github"], gh.world._names["acme/ledger"]
    assert await files.load(blobs) == before


@pytest.mark.parametrize(
    ("text", "now"),
    [
        (ENFORCED, says("enforce")),
        ("version: 1\nobserve: [separation, identity]\n", says(observe=["identity", "separation"])),
        (
            "version: 1\napplications: [{name: ledger, repositories: [l], tier: low, mode: enforce}, {name: v, repositories: [v], tier: low}]\n",
            says(ledger="enforce"),
        ),
    ],
)
async def test_what_is_switched_goes_on_record(files: Files, text: str, now: dict[str, Any]) -> None:
    await files.have(text)
    await files.load()
    assert await files.switched() == [(ORGANISATIONS, says(), now)]
    await files.have("version: 1\n")
    await files.load()
    assert (await files.switched())[1:] == [(ORGANISATIONS, now, says())]


async def test_a_change_that_switches_nothing_is_only_accepted(files: Files) -> None:
    await files.have(ENFORCED)
    await files.load()
    await files.have(ENFORCED + "observe: []\n")
    await files.load()
    kinds = [kind for kind, _, _ in await files.entries()]
    assert kinds == ["policy:file:accepted", "policy:mode:switched", "policy:file:accepted"]


async def test_a_repository_that_uses_the_organisations_roles_switches_too(files: Files) -> None:
    own = "version: 1\nmode: enforce\ntiers: {high: {approvals: [{count: 1, from: [security]}]}}\n"
    await files.have(ENFORCED.replace("enforce", "observe"), own)
    loaded = await files.load()
    assert loaded.policy.problems == ()
    assert loaded.policy.mode is Mode.ENFORCE
    assert await files.switched() == [(REPOSITORYS, says(), says("enforce"))]


async def test_a_broken_file_leaves_the_last_good_one_and_is_told_once(files: Files) -> None:
    await files.have(ENFORCED)
    await files.load()
    await files.have(BROKEN)
    for _ in range(2):
        loaded = await files.load()
        assert loaded.policy.mode is Mode.ENFORCE
        assert [problem.line for problem in loaded.policy.problems] == [2]
    told = [(kind, subject) for kind, subject, _ in await files.entries()][2:]
    assert told == [("policy:file:refused", ORGANISATIONS)]


async def test_a_file_that_is_good_again_is_in_force_again(files: Files) -> None:
    await files.have(ENFORCED)
    await files.load()
    await files.have("version: 1\nmode: observe\n")
    assert (await files.load()).policy.mode is Mode.OBSERVE
    await files.have(ENFORCED)
    assert (await files.load()).policy.mode is Mode.ENFORCE
    kinds = [kind for kind, _, _ in await files.entries()]
    assert kinds.count("policy:file:accepted") == 3
    assert [now["mode"] for _, _, now in await files.switched()] == ["enforce", "observe", "enforce"]


@pytest.mark.parametrize("text", ["version: 1\x00\n", "# " + "x" * 600_000])
async def test_a_file_that_github_does_not_show_whole_is_broken(files: Files, text: str) -> None:
    await files.have(text)
    loaded = await files.load()
    assert loaded.policy.undecidable
    assert loaded.policy.problems
    assert [kind for kind, _, _ in await files.entries()] == ["policy:file:refused"]


async def test_both_files_are_read_at_once_and_kept_apart(files: Files) -> None:
    await files.have(ENFORCED, "version: 1\ntiers: {low: {approvals: [{count: 3, from: [write]}]}}\n")
    loaded = await files.load()
    assert [layer.origin for layer in loaded.policy.layers] == ["built-in", ORGANISATIONS, REPOSITORYS]
    assert demand(3, "write") in loaded.policy.tiers[Tier.LOW].approvals
    accepted = {subject for kind, subject, _ in await files.entries() if kind == "policy:file:accepted"}
    assert accepted == {ORGANISATIONS, REPOSITORYS}


async def test_a_repositorys_own_file_alone_is_read(files: Files) -> None:
    await files.have(None, "version: 1\nmode: enforce\n")
    assert (await files.load()).policy.mode is Mode.ENFORCE


@pytest.mark.parametrize(
    ("readable", "why"),
    [(True, "it was there before, and is gone"), (False, "Countersign may not see its repository")],
)
async def test_a_policy_that_is_taken_away_stays_in_force_and_is_a_gap(files: Files, readable: bool, why: str) -> None:
    await files.have(ENFORCED)
    blobs = await files.blobs()
    await files.load(blobs)
    loaded = await files.load(replace(blobs, organisation=None, organisation_readable=readable))
    assert loaded.policy.mode is Mode.ENFORCE
    assert loaded.gaps == (FactsIncomplete(f"the policy {ORGANISATIONS}", why),)


async def test_where_there_never_was_a_policy_nothing_is_missing(files: Files) -> None:
    assert (await files.load(PolicyBlobs(None, None, organisation_readable=False))).gaps == ()


@pytest.mark.parametrize("which", ["organisation", "repository"])
async def test_a_file_that_vanishes_while_it_is_read_is_looked_for_again(files: Files, which: str) -> None:
    await files.have(ENFORCED, "version: 1\n")
    gone: dict[str, Any] = {which: "0" * 40}
    with pytest.raises(Transient):
        await files.load(replace(await files.blobs(), **gone))
    assert await files.entries() == []


BY_PROPERTY = ENFORCED + "applications: [{name: gold, properties: {tier: gold}, tier: low}]\n"


async def test_properties_are_read_where_the_inventory_asks_for_them(files: Files) -> None:
    files.ledger.properties["tier"] = "gold"
    await files.have(ENFORCED)
    assert (await files.load()).properties == ()
    await files.have(BY_PROPERTY)
    assert (await files.load()).properties == (("tier", "gold"),)


async def test_properties_that_cannot_be_seen_are_a_gap(files: Files, gh: SimulatedGitHub) -> None:
    await files.have(BY_PROPERTY)
    blobs = await files.blobs()
    await files.load(blobs)
    async with files.store.transaction() as connection:
        await connection.execute("DELETE FROM known")
    del gh.world._names["acme/ledger"]
    loaded = await files.load(blobs)
    assert loaded.gaps == (FactsIncomplete("the custom properties", "Countersign may not see them"),)
    assert loaded.properties == ()


# A repository's own file, on each branch and over its life.

TIGHT = "version: 1\ntiers: {low: {approvals: [{count: 3, from: [write]}]}}\n"
TIGHTER = TIGHT.replace("count: 3", "count: 4")


def demanded(loaded: Loaded) -> int:
    """How many approvals the repository's own file adds to tier low."""
    return sum(each.count for each in loaded.policy.tiers[Tier.LOW].approvals)


async def test_each_branch_has_its_own_version_in_force(files: Files) -> None:
    await files.have(ENFORCED)
    nothing = demanded(await files.load())
    files.have_on("main", TIGHT)
    files.have_on("release", TIGHTER)
    for _ in range(2):
        assert demanded(await files.load()) == max(nothing, 3)
        assert demanded(await files.load(base="release")) == max(nothing, 4)
    assert await files.kinds() == [("policy:file:accepted", "main"), ("policy:file:accepted", "release")]


async def test_the_last_good_version_of_one_branch_does_not_serve_another(files: Files) -> None:
    await files.have(ENFORCED)
    nothing = await files.load()
    files.have_on("main", TIGHTER)
    await files.load()
    files.have_on("main", BROKEN)
    files.have_on("release", BROKEN)
    assert demanded(await files.load()) == 4
    assert demanded(await files.load(base="release")) == demanded(nothing)
    assert await files.kinds() == [
        ("policy:file:accepted", "main"),
        ("policy:file:refused", "main"),
        ("policy:file:refused", "release"),
    ]


async def test_the_organisations_file_is_the_same_on_every_branch(files: Files) -> None:
    await files.have(ENFORCED)
    await files.load()
    await files.load(base="release")
    accepted = [body for kind, _, body in await files.entries() if kind == "policy:file:accepted"]
    assert accepted == [{"origin": ORGANISATIONS, "blob": (await files.blobs()).organisation}]


async def test_a_repositorys_file_that_is_taken_away_is_on_record_once(files: Files) -> None:
    await files.have(ENFORCED.replace("enforce", "observe"), "version: 1\nmode: enforce\n")
    assert (await files.load()).policy.mode is Mode.ENFORCE
    blob = (await files.blobs()).repository
    files.have_on("main", None)
    for _ in range(2):
        loaded = await files.load()
        assert (loaded.policy.mode, loaded.gaps, loaded.policy.problems) == (Mode.OBSERVE, (), ())
    own = [(kind, body) for kind, subject, body in await files.entries() if subject == REPOSITORYS]
    told = {"origin": REPOSITORYS, "blob": blob, "branch": "main"}
    assert own[2:] == [
        ("policy:file:removed", told),
        ("policy:mode:switched", {**told, "blob": None, "was": says("enforce"), "now": says()}),
    ]


async def test_taking_it_away_from_one_branch_leaves_the_other(files: Files) -> None:
    await files.have(ENFORCED)
    nothing = await files.load()
    for branch in ("main", "release"):
        files.have_on(branch, TIGHTER)
        await files.load(base=branch)
    files.have_on("release", None)
    assert demanded(await files.load(base="release")) == demanded(nothing)
    files.have_on("main", BROKEN)
    assert demanded(await files.load()) == 4


async def test_a_broken_file_does_not_bring_back_what_was_taken_away(files: Files) -> None:
    """The organisation's policy is in force alone, and every check tells what is wrong, until the file works."""
    await files.have(ENFORCED)
    nothing = loaded = await files.load()
    for own in (TIGHTER, BROKEN, None, BROKEN):
        files.have_on("main", own)
        loaded = await files.load()
    assert demanded(loaded) == demanded(nothing)
    assert (loaded.policy.mode, loaded.policy.undecidable) == (Mode.ENFORCE, False)
    assert [(each.origin, each.line) for each in loaded.policy.problems] == [(REPOSITORYS, 2)]
    files.have_on("main", TIGHTER)
    assert demanded(await files.load()) == 4
    assert [kind for kind, _ in await files.kinds()] == [
        "policy:file:accepted",
        "policy:file:refused",
        "policy:file:removed",
        "policy:file:refused",
        "policy:file:accepted",
    ]


async def test_a_file_that_never_worked_and_is_taken_away_is_removed(files: Files) -> None:
    await files.have(BROKEN, BROKEN)
    blobs = await files.blobs()
    await files.load(blobs)
    await files.have()
    loaded = await files.load()
    assert (loaded.policy.mode, loaded.gaps) == (Mode.OBSERVE, ())
    removed = [(subject, body["blob"]) for kind, subject, body in await files.entries() if kind.endswith("removed")]
    assert removed == [(ORGANISATIONS, blobs.organisation), (REPOSITORYS, blobs.repository)]


async def test_an_organisations_file_that_cannot_be_seen_is_not_taken_for_gone(files: Files) -> None:
    await files.have(BROKEN)
    blobs = await files.blobs()
    await files.load(blobs)
    await files.load(replace(blobs, organisation=None, organisation_readable=False))
    assert [kind for kind, _, _ in await files.entries()] == ["policy:file:refused"]


async def test_a_version_that_worked_is_accepted_again_after_one_that_did_not(files: Files) -> None:
    for text in (ENFORCED, BROKEN, ENFORCED, BROKEN):
        await files.have(text)
        await files.load()
    kinds = [kind for kind, _, _ in await files.entries()]
    assert [kind for kind in kinds if kind != "policy:mode:switched"] == [
        "policy:file:accepted",
        "policy:file:refused",
    ] * 2
    assert len(await files.switched()) == 1


@pytest.mark.parametrize("text", [ENFORCED, BROKEN, None])
async def test_what_two_looks_find_at_once_is_on_record_once(files: Files, text: str | None) -> None:
    if text is None:
        await files.have(None, ENFORCED)
        await files.load()
    await files.have(None, text)
    blobs = await files.blobs()
    before = len(await files.entries())
    await asyncio.gather(*(files.load(blobs) for _ in range(4)))
    kinds = [kind for kind, _, _ in (await files.entries())[before:]]
    assert len(kinds) == len(set(kinds)) > 0


@pytest.mark.parametrize("own", ["version: 1\nmode: enforce\n", "version: 1\ntiers: {low: {sign_off: [nobody]}}\n"])
async def test_no_file_is_read_on_the_event_loop(files: Files, readers: list[threading.Thread], own: str) -> None:
    """Neither one that is in force from now on nor one that cannot be used, nor those that were there before."""
    for number in range(2):
        await files.have(f"{ENFORCED}# {number}\n", f"{own}# {number}\n")
        await files.load()
    assert len(readers) >= 4
    assert threading.current_thread() not in readers


async def test_what_was_read_once_is_not_read_again(files: Files, readers: list[threading.Thread]) -> None:
    await files.have(ENFORCED + "# once\n", "version: 1\ntiers: {low: {sign_off: [nobody]}}\n# once\n")
    await files.load()
    before = len(readers)
    await files.load()
    assert len(readers) == before > 0
