"""The catalogue of findings says what the controls really find: no id is missing, and none is promised that is not built."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.changes.conflicts import Conflict
from bot.changes.findings import said_of
from bot.changes.model import Change
from bot.decide.catalogue import CATALOGUE, kind
from bot.decide.merge_group import decide_group
from bot.decide.verdict import Decision, Finding
from bot.deployments.windows import Interval
from bot.facts.model import (
    FactsIncomplete,
    Instructed,
    Instruction,
    Mergeability,
    MergeGroupFacts,
    PolicyChange,
    PullRequestFacts,
    RecordFacts,
    Sibling,
    Unauthorised,
)
from bot.policy.model import Calendar, Freeze, Policy, Problem, RiskRule, Rule, Tier, Window
from tests.unit.builders import (
    NOON,
    REPOSITORY,
    account,
    approved,
    asked_for_changes,
    commit,
    decided,
    demands_nothing,
    file,
    oid,
    policy,
    pull_request,
    stranger,
)
from tests.unit.changes import builders as changes

FINE = pull_request(reviews=[approved("ben")])
GAP = FactsIncomplete("the list of commits", "GitHub lists 250 of 312")
PROBLEM = Problem("acme/.github:countersign.yml", 1, 1, "This is not valid YAML.")

AROUND = Unauthorised(1, "landing", "Pushed directly.", account("erin"), NOON)
HOLD = Instruction(Instructed.HOLD, "yes", account("ben"), "The market is open.", NOON)
EDITED = replace(approved("ben"), edited_at=NOON, edited_by=account("ben"))


def recorded(change: Change, *, together: tuple[Conflict, ...] = (), overdue: tuple[str, ...] = ()) -> PullRequestFacts:
    """A change with this record, which says what it says at the look."""
    said = said_of(change, changes.context(), together, overdue)
    return replace(FINE, record=RecordFacts(change.number, change.state.value, said))


def timed(window: str, freeze: str) -> Policy:
    """A policy with a window of an hour and a freeze of an hour, by their rules."""
    calendar = Calendar(
        windows=(("w", (Window(window, timedelta(hours=1)),)),), freezes=(Freeze("f", freeze, timedelta(hours=1)),)
    )
    rules = policy()
    tiers = {tier: replace(each, windows=(("w",),)) for tier, each in rules.tiers.items()}
    return replace(rules, calendar=calendar, tiers=tiers)


SITUATIONS: list[tuple[PullRequestFacts, Policy]] = [
    (FINE, policy()),
    (pull_request(), policy()),
    (pull_request(), demands_nothing()),
    (pull_request(draft=True), policy()),
    (pull_request(incomplete=[GAP]), policy()),
    (pull_request(reviews=[asked_for_changes("ben")]), policy()),
    (pull_request(commits=[commit(author=stranger("x@y.example"))]), policy(tier="high")),
    (pull_request(mergeability=Mergeability.CONFLICTING), policy()),
    (pull_request(mergeability=Mergeability.UNKNOWN), policy()),
    (replace(FINE, siblings=(Sibling(8, passes=False, enforced=True),)), policy()),
    (replace(FINE, siblings=(Sibling(8, passes=True, enforced=True),)), policy()),
    (FINE, policy(in_inventory=False)),
    (FINE, timed("FREQ=DAILY;BYHOUR=12", "FREQ=DAILY;BYHOUR=0")),
    (FINE, timed("FREQ=DAILY;BYHOUR=0", "FREQ=DAILY;BYHOUR=1")),
    (FINE, timed("FREQ=DAILY;BYHOUR=0", "FREQ=DAILY;BYHOUR=12")),
    (FINE, policy(problems=[PROBLEM])),
    (FINE, policy(problems=[PROBLEM], undecidable=True)),
    (replace(FINE, policy_changes=(PolicyChange("countersign.yml", usable=False),)), policy()),
    (replace(FINE, policy_changes=(PolicyChange("countersign.yml", usable=True),)), policy()),
    (FINE, replace(policy(), risk=(RiskRule("odd", Tier.LOW, "1 / 0 == 1"),))),
    (FINE, replace(policy(), rules=(Rule("own", "true", "lines_changed < 100", "Too large."),))),
    (FINE, replace(policy(), rules=(Rule("own", "true", "lines_changed > 100", "Too small."),))),
    (FINE, replace(policy(), rules=(Rule("own", "lines_changed > 100", "false", "Never."),))),
    (FINE, replace(policy(), rules=(Rule("own", "true", "1 / 0 == 1", "Odd."),))),
    (replace(FINE, unauthorised=(AROUND,)), policy()),
    (replace(FINE, unauthorised=(AROUND,)), replace(policy(), acknowledging=("security",))),
    (replace(FINE, instructions=(HOLD,)), policy()),
    (pull_request(reviews=[EDITED], files=[file(".github/CODEOWNERS")]), policy()),
    (recorded(replace(changes.draft(), contents=replace(changes.contents(), plans=()))), policy()),
    (recorded(changes.asked()), policy()),
    (recorded(changes.authorised()), policy()),
    (
        recorded(
            changes.draft(),
            together=(Conflict("CHG1", "payments", Interval(NOON, NOON + timedelta(hours=1))),),
            overdue=("CHG2",),
        ),
        policy(),
    ),
]
"""One for every branch of the controls."""


def every_finding() -> Iterator[Finding]:
    """Every finding of every situation, alone and as a member of a merge queue's group."""
    for facts, rules in SITUATIONS:
        group = MergeGroupFacts(REPOSITORY, "main", oid("group"), (facts,), (GAP,))
        for decision in (decided(facts, rules), decide_group(group, rules, NOON)):
            yield from _all(decision)


def _all(decision: Decision) -> Iterator[Finding]:
    for finding in decision.findings:
        yield finding
        yield from finding.parts


def test_what_is_found_is_in_the_catalogue_as_built_and_what_is_built_is_found() -> None:
    assert {kind(finding.id) for finding in every_finding()} == {each.id for each in CATALOGUE.values() if each.built}


def test_a_change_with_nothing_wrong_shows_the_findings_that_are_not_quiet() -> None:
    loud = {each.id for each in CATALOGUE.values() if each.built and not each.quiet}
    assert {finding.id for finding in decided(FINE).findings} == loud - {"pull-request", "window", "freeze"}


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda each: each.id)
def test_an_entry_is_told_in_one_sentence_and_found_by_its_id(entry: object) -> None:
    [(name, found)] = [(name, each) for name, each in CATALOGUE.items() if each is entry]
    assert found.id == name == kind(name)
    assert found.meaning[0].isupper()
    assert found.meaning.endswith(".")
    assert ". " not in found.meaning


def test_what_is_not_built_is_not_quiet_either() -> None:
    assert not [each.id for each in CATALOGUE.values() if each.quiet and not each.built]


@pytest.mark.parametrize(
    ("finding", "name"),
    [("approvals", "approvals"), ("rule:large-change", "rule"), ("pull-request:7", "pull-request"), ("a:b:c", "a")],
)
def test_the_kind_of_a_finding_stands_before_the_colon(finding: str, name: str) -> None:
    assert kind(finding) == name
