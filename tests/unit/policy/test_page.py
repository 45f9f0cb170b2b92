"""docs/policy.md: the reference is that of the language, and every example is true."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.decide.catalogue import NEVER_OBSERVED
from bot.decide.evaluate import decide
from bot.facts.model import Branch, Permission, PullRequestFacts, Repository
from bot.policy import reference_file
from bot.policy.assemble import Source, assemble
from bot.policy.check import check, explain
from bot.policy.default import default
from bot.policy.demands import demanded
from bot.policy.expressions import checked
from bot.policy.model import Approvals, Cab, Mode, OnTimeout, Policy, Tier
from bot.policy.recurrence import problem
from bot.policy.reference import TIGHTENS, within
from bot.policy.schema import PolicyFile
from bot.policy.schema_file import schema
from bot.policy.yaml import read
from tests.unit.builders import NOON, approved, file, policy, pull_request

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / reference_file.PAGE).read_text(encoding="utf-8")
FENCE = re.compile(r"^```(yaml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEPS = FENCE.findall(PAGE.partition("## An example of each tier")[0])
PARTS = re.split(r"^### (?=Low|Medium|High)", PAGE.partition("## Expressions")[0], flags=re.MULTILINE)[1:]


def in_force(text: str, repository: str) -> Policy:
    assert explain(check(text, "the page").problems) == ""
    made = assemble(
        default(),
        organisation=Source("acme/.github:countersign.yml", "b", text),
        repository=None,
        last_good={},
        repository_name=repository,
    )
    return made.policy


def change(text: str) -> PullRequestFacts:
    """The pull request that an example describes."""
    told: dict[str, Any] = read(text, "the page").values
    assert told.keys() <= {"repository", "author", "files", "approvals", "teams", "fork"}
    facts = pull_request(
        author=told["author"],
        repository=Repository(77, "acme", told["repository"]),
        files=[file(path, lines, 0) for path, lines in told["files"].items()],
        reviews=[approved(login, at=minute) for minute, login in enumerate(told["approvals"])],
        can={login: Permission[can.upper()] for login, can in told["approvals"].items()},
        teams=told.get("teams"),
    )
    return replace(facts, additions=sum(told["files"].values()), deletions=0)


def said(facts: PullRequestFacts, rules: Policy) -> str:
    decision = decide(facts, rules, NOON)
    found = [f"{each.verdict}: {each.what}" for each in decision.findings]
    return "\n".join([f"{decision.verdict}, tier {decision.tier.label}", *decision.tier_because, *found]) + "\n"


def test_the_reference_is_that_of_the_language() -> None:
    assert within(PAGE, schema()) == PAGE, "python -m bot.policy.reference_file writes it"


def test_every_key_says_how_it_tightens_and_is_in_the_reference() -> None:
    assert TIGHTENS.keys() == PolicyFile.model_fields.keys()
    assert all(f"\n### `{key}`\n" in PAGE for key in TIGHTENS)


def test_the_reference_is_written_into_the_page(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    written = tmp_path / reference_file.PAGE
    written.write_text(
        re.sub(r"(begin -->).*(<!-- reference: end)", r"\1\nold\n\2", PAGE, flags=re.DOTALL), encoding="utf-8"
    )
    reference_file.write(tmp_path)
    assert written.read_text(encoding="utf-8") == PAGE


def test_the_four_steps_lead_from_observing_to_enforcing() -> None:
    assert len(STEPS) == 4
    modes = []
    for _, text in STEPS:
        locator = change("{repository: branch-locator, author: ana, files: {a: 1}, approvals: {}}")
        ledger = change("{repository: payments-ledger-eu, author: ana, files: {a: 1}, approvals: {}}")
        modes.append(
            tuple(decide(facts, in_force(text, facts.repository.name), NOON).mode for facts in (locator, ledger))
        )
    observe, enforce = Mode.OBSERVE, Mode.ENFORCE
    assert modes == [(observe, observe), (observe, observe), (enforce, observe), (enforce, enforce)]


@pytest.mark.parametrize(("tier", "part"), list(zip(Tier, PARTS, strict=True)))
def test_an_example_demands_and_decides_what_it_says(tier: Tier, part: str) -> None:
    assert part.startswith(tier.name.title())
    (_, rules), (_, demands), (_, situation), (_, decision) = FENCE.findall(part)
    facts = change(situation)
    policy_of_it = in_force(rules, facts.repository.name)
    assert demands == "\n".join(demanded(policy_of_it, tier)) + "\n"
    assert decision == said(facts, policy_of_it)
    assert decision.splitlines()[0].endswith(f"tier {tier.label}")


def test_the_expressions_that_it_shows_can_be_used() -> None:
    shown = re.findall(r"^- `(.+?)`: ", PAGE.partition("## Expressions")[2].partition("\n## ")[0], re.MULTILINE)
    assert len(shown) == 6
    for text in shown:
        checked(text)


def test_what_the_limits_are_is_what_it_says() -> None:
    assert "2,000 characters" in PAGE
    assert "lists ten times, two deep" in PAGE


def test_a_fork_is_refused_by_the_rule_of_the_high_example() -> None:
    (_, rules), _, (_, situation), _ = FENCE.findall(PARTS[2])
    facts = change(situation)
    forked = replace(facts, head=Branch("settle", facts.head.oid, 1))
    assert "A change of tier high comes from a branch of the repository itself." in said(
        forked, in_force(rules, facts.repository.name)
    )


def test_the_boards_page_shows_a_policy_that_can_be_used() -> None:
    page = (ROOT / "docs" / "board.md").read_text(encoding="utf-8")
    [(_, shown)] = FENCE.findall(page)
    found = check("version: 1\n" + shown, "o")
    assert explain(found.problems) == ""
    board = in_force("version: 1\n" + shown, "ledger").tiers[Tier.HIGH].cab
    assert board is not None
    assert (board.on_timeout, board.escalate_to, board.reviews) == (OnTimeout.ESCALATE, ("director",), True)


@pytest.mark.parametrize(
    ("board", "sentence"),
    [
        (Cab(1), "1 member of the board votes for it within 1 day, or it is rejected."),
        (
            Cab(2, on_timeout=OnTimeout.EXTEND),
            "2 members of the board vote for it within 1 day, or the board is called again, and the time begins anew.",
        ),
        (
            Cab(2, on_timeout=OnTimeout.ESCALATE),
            "2 members of the board vote for it within 1 day, or the board is called once more, with as much time again.",
        ),
        (
            Cab(2, on_timeout=OnTimeout.ESCALATE, escalate_to=("director",)),
            (
                "2 members of the board vote for it within 1 day, or director (acme/directors) decides with them in as much "
                "time again."
            ),
        ),
        (
            Cab(2, on_timeout=OnTimeout.ESCALATE, escalate_to=("director", "head")),
            (
                "2 members of the board vote for it within 1 day, or director (acme/directors) and head (held by nobody) "
                "decide with them in as much time again."
            ),
        ),
    ],
)
def test_what_becomes_of_a_change_that_a_board_does_not_decide_is_said(board: Cab, sentence: str) -> None:
    known = policy(roles={"director": ("acme/directors",)})
    tier = replace(known.tiers[Tier.LOW], cab=board)
    assert sentence in demanded(replace(known, tiers={**known.tiers, Tier.LOW: tier}), Tier.LOW)


def test_a_tier_that_asks_for_nothing_says_so_little() -> None:
    bare = replace(policy(), separation=())
    assert demanded(bare, Tier.LOW) == ("It is a change of type normal.", "1 person with write access approves.")


def test_what_an_emergency_needs_instead_is_said() -> None:
    known = policy(roles={"on-call": ("acme/on-call",)})
    emergency = replace(known.emergency, approvals=(Approvals(1, ("on-call",)), Approvals(2, ("write",))))
    assert demanded(replace(known, emergency=emergency), Tier.LOW)[2] == (
        "In an emergency, instead of that, 1 person with the role on-call (acme/on-call) approves and 2 people with write access "
        "approve."
    )


def test_the_rules_of_the_calendar_that_it_shows_are_rules() -> None:
    shown = re.findall(r"^- `(FREQ=[^`]*)`: ", PAGE, re.MULTILINE)
    assert len(shown) == 3
    assert [problem(rule) for rule in shown] == [""] * 3


def test_it_names_what_is_never_only_observed() -> None:
    told = PAGE.partition("never only observed: ")[2].partition(" block in every policy")[0]
    assert re.findall(r"`([a-z-]+)`", told) == list(NEVER_OBSERVED)
