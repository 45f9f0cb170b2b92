"""What a pull request does to policy files, as far as GitHub shows it."""

import threading
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.clock import utc_now
from bot.errors import Refusal, Transient
from bot.facts import policy_changes, pull_request
from bot.facts.model import ChangedFile, FileChange, PolicyChange, PullRequestFacts
from bot.facts.policy_changes import Draft
from bot.facts.pull_request import Place
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.policy import check
from bot.policy.default import default
from bot.policy.model import Application, Calendar, Policy, Tier, Window
from bot.policy.yaml import Document, read
from bot.sandbox import SimulatedGitHub
from bot.store import Store
from bot.trial.model import Preview
from tests.unit.builders import policy
from tests.unit.trial.test_candidate import LOOSER, STRICTER_OWN
from tests.unit.trial.test_history import approved_twice, decided_at, waiting

FILE, OWN = "countersign.yml", ".github/countersign.yml"
GOOD = "version: 1\nmode: enforce\n"
EMPTY = Preview(0, 0, 0, (), ())
MOVED = ChangedFile("docs/new.md", FileChange.RENAMED, 0, 0)


@dataclass
class Bank:
    """The policy's repository, another one, and what a pull request there would do."""

    store: Store
    client: InstallationClient
    home: Any
    ledger: Any
    ana: Any

    async def facts(self, repository: Any, files: dict[str, str | None]) -> PullRequestFacts:
        pull = repository.open_pull_request(by=self.ana, title="Change", files=files)
        place = Place("acme", repository.name, pull.number, repository.id)
        read = await pull_request.read(self.client, place, ".github", Lane.PERSON)
        assert read is not None
        return read.facts

    async def drafts(self, facts: PullRequestFacts, rules: Policy | None = None) -> tuple[Draft, ...]:
        return await policy_changes.read(
            self.store, self.client, facts, rules or policy(), ".github", lane=Lane.PERSON, at=utc_now()
        )

    async def of(self, repository: Any, files: dict[str, str | None], rules: Policy | None = None) -> tuple[Draft, ...]:
        return await self.drafts(await self.facts(repository, files), rules)


@pytest.fixture
async def bank(store: Store, gh: SimulatedGitHub, client: InstallationClient) -> Bank:
    org = gh.organisation("acme")
    ana = org.person("ana")
    home: Any = org.repository(".github", files={FILE: GOOD, "a": "1"}, access={ana: "admin"})
    ledger: Any = org.repository("ledger", files={"a": "1"}, access={ana: "admin"})
    return Bank(store, client, home, ledger, ana)


async def test_other_files_are_no_change_of_the_policy(bank: Bank) -> None:
    assert await bank.of(bank.ledger, {"a": "2", "docs/countersign.yml": GOOD, FILE: GOOD}) == ()
    assert await bank.of(bank.home, {"a": "2"}) == ()


async def test_the_organisations_file_counts_in_its_repository_alone(bank: Bank) -> None:
    assert await bank.of(bank.home, {FILE: GOOD + "# more\n"}) == (Draft(PolicyChange(FILE, usable=True), (), EMPTY),)


async def test_a_repositorys_own_file_counts_everywhere(bank: Bank) -> None:
    expected = Draft(PolicyChange(OWN, usable=True), (), EMPTY)
    assert await bank.of(bank.ledger, {OWN: GOOD}) == (expected,)
    both = await bank.of(bank.home, {OWN: GOOD, FILE: GOOD + "# more\n"})
    assert [each.change.path for each in both] == [OWN, FILE]


async def test_a_file_that_cannot_be_used_says_where(bank: Bank) -> None:
    [draft] = await bank.of(bank.home, {FILE: "version: 1\nmoed: enforce\n"})
    assert draft.change == PolicyChange(FILE, usable=False)
    assert draft.preview is None
    [problem] = draft.problems
    assert (problem.origin, problem.line) == ("acme/.github:countersign.yml", 2)


@pytest.mark.parametrize("text", ["version: 1\x00\n", "# " + "x" * 600_000])
async def test_a_file_that_github_does_not_show_whole_cannot_be_used(bank: Bank, text: str) -> None:
    [draft] = await bank.of(bank.home, {FILE: text})
    assert not draft.change.usable
    assert draft.problems


async def test_a_repositorys_file_may_use_what_the_organisation_names(bank: Bank) -> None:
    own = "version: 1\ntiers: {high: {approvals: [{count: 1, from: [security]}], windows: [weekend]}}\n"
    windows = Calendar(windows=(("weekend", (Window("FREQ=WEEKLY;BYDAY=SA", policy().reviews.member_for),)),))
    above = replace(policy(), calendar=windows)
    [usable] = await bank.of(bank.ledger, {OWN: own}, above)
    assert usable.change.usable
    [unusable] = await bank.of(bank.ledger, {OWN: own + "# again\n"}, policy(roles={}))
    assert not unusable.change.usable
    [elsewhere] = await bank.of(bank.home, {FILE: own}, above)
    assert not elsewhere.change.usable, "what is changed is what names them"


async def test_what_would_loosen_is_told_at_its_line_beside_the_preview(bank: Bank) -> None:
    own = (
        "version: 1\nmode: observe\nroles:\n  security: [acme/appsec, acme/all]\n"
        "tiers: {low: {approvals: [{count: 5, from: [write]}]}}\n"
    )
    above = policy(roles={"security": ("acme/appsec",)})
    [draft] = await bank.of(bank.ledger, {OWN: own}, above)
    assert draft.change == PolicyChange(OWN, usable=True, refused=("mode", "roles.security"))
    assert draft.preview == EMPTY
    assert [(each.line, each.column) for each in draft.problems] == [(2, 1), (4, 3)]
    assert draft.problems[0].message == (
        "The organisation enforces its policy; a repository cannot only observe. The organisation's rule stays in force."
    )
    assert "cannot add acme/all" in draft.problems[1].message


async def test_the_organisations_file_has_nothing_above_it_that_it_could_loosen(bank: Bank) -> None:
    [draft] = await bank.of(bank.home, {FILE: "version: 1\nmode: observe\n"})
    assert draft == Draft(PolicyChange(FILE, usable=True), (), EMPTY)


async def test_the_repositorys_own_tier_is_known_by_its_properties(bank: Bank) -> None:
    gold = Application("gold", (), Tier.HIGH, properties=(("tier", "gold"),))
    facts = await bank.facts(
        bank.ledger, {OWN: "version: 1\napplications: [{name: gold, repositories: [ledger], tier: low}]\n"}
    )
    above = replace(policy(), applications=(gold,))
    [elsewhere] = await bank.drafts(facts, above)
    assert elsewhere.change.refused == ("applications",)
    [own] = await bank.drafts(replace(facts, properties=(("tier", "gold"),)), above)
    assert own.change.refused == ("applications.tier",)


async def test_taking_the_organisations_policy_away_cannot_be_used(bank: Bank) -> None:
    [draft] = await bank.of(bank.home, {FILE: None})
    assert draft.change == PolicyChange(FILE, usable=False)
    assert "taken away" in draft.problems[0].message


async def test_taking_a_repositorys_file_away_is_tried_as_an_empty_one(bank: Bank) -> None:
    bank.ledger.push("main", by=bank.ana, files={OWN: GOOD})
    [draft] = await bank.of(bank.ledger, {OWN: None})
    assert draft == Draft(PolicyChange(OWN, usable=True), (), EMPTY)


async def test_renaming_something_else_is_no_change_of_the_policy(bank: Bank) -> None:
    for repository in (bank.ledger, bank.home):
        facts = await bank.facts(repository, {"docs/new.md": "x"})
        assert await bank.drafts(replace(facts, files=(MOVED,))) == ()


async def test_a_policy_file_that_is_renamed_is_found_under_its_old_name(bank: Bank) -> None:
    """GitHub tells only the new name."""
    facts = await bank.facts(bank.home, {FILE: None, "docs/new.md": GOOD})
    [draft] = await bank.drafts(replace(facts, files=(MOVED,)))
    assert draft.change == PolicyChange(FILE, usable=False)
    bank.ledger.push("main", by=bank.ana, files={OWN: GOOD})
    facts = await bank.facts(bank.ledger, {OWN: None, "docs/new.md": GOOD})
    [draft] = await bank.drafts(replace(facts, files=(MOVED,)))
    assert draft.change.path == OWN


async def test_the_policys_repository_is_known_whatever_its_case(bank: Bank) -> None:
    facts = await bank.facts(bank.home, {FILE: GOOD + "# more\n"})
    shouting = replace(facts, repository=replace(facts.repository, name=".GITHUB"))
    assert [each.change.path for each in await bank.drafts(shouting)] == [FILE]


async def test_a_repository_that_cannot_be_seen_is_looked_for_again(bank: Bank) -> None:
    facts = await bank.facts(bank.ledger, {OWN: GOOD})
    hidden = replace(facts, repository=replace(facts.repository, name="hidden"))
    with pytest.raises(Transient):
        await bank.drafts(hidden)


async def test_what_only_shows_when_it_is_tried_is_told(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> Preview:
        raise Refusal("It cannot be used for northbank/vault.")

    monkeypatch.setattr(policy_changes, "preview", refuse)
    [draft] = await bank.of(bank.home, {FILE: GOOD + "# more\n"})
    assert draft.change == PolicyChange(FILE, usable=False)
    assert draft.problems[0].message == "It cannot be used for northbank/vault."


async def test_the_facts_have_what_the_drafts_tell(bank: Bank) -> None:
    facts = await bank.facts(bank.home, {FILE: GOOD + "# more\n"})
    drafts = await bank.drafts(facts)
    assert policy_changes.of(drafts, facts).policy_changes == (PolicyChange(FILE, usable=True),)
    assert policy_changes.of((), facts).policy_changes == ()


async def test_a_file_is_tried_as_that_of_who_it_belongs_to(bank: Bank) -> None:
    """The organisation's on every recorded change, a repository's on its own."""
    await decided_at(bank.store, waiting(7), utc_now())
    await decided_at(bank.store, approved_twice(8), utc_now())
    [organisations] = await bank.of(bank.home, {FILE: LOOSER})
    assert organisations.change == PolicyChange(FILE, usable=True, tried=2, differing=1)
    assert organisations.preview is not None
    assert [each.number for each in organisations.preview.shown] == [7]
    [own] = await bank.of(bank.ledger, {OWN: STRICTER_OWN})
    assert own.change == PolicyChange(OWN, usable=True, tried=2, differing=1)
    [elsewhere] = await bank.of(bank.home, {OWN: STRICTER_OWN})
    assert elsewhere.change == PolicyChange(OWN, usable=True, tried=2, differing=0)


async def test_a_draft_is_not_read_on_the_event_loop(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    default()
    readers: list[threading.Thread] = []

    def seen(text: str, origin: str) -> Document:
        readers.append(threading.current_thread())
        return read(text, origin)

    monkeypatch.setattr(check, "read", seen)
    for repository, path in ((bank.ledger, OWN), (bank.home, FILE)):
        await bank.of(repository, {path: "version: 1\nmoed: enforce\n# as a draft\n"})
    assert len(readers) == 2
    assert threading.current_thread() not in readers
