"""What expressions find in a change: each name has the value that the facts have."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.decide.contributors import contributors
from bot.decide.environment import environment
from bot.facts.model import Branch, ChangedFile, FileChange, PullRequestFacts
from bot.facts.people import people_of
from bot.policy.expressions import Subject, checked
from bot.policy.model import Application, Calendar, Policy, RiskRule, Rule, Tier
from tests.unit.builders import account, approved, commit, policy, pull_request, pushed, stranger

FILES = (
    ChangedFile("db/1.sql", FileChange.ADDED, 30, 0),
    ChangedFile("docs/a.md", FileChange.DELETED, 0, 12),
)
FACTS = replace(
    pull_request(
        author="ana",
        commits=[commit(author="ben", co_authors=["cem"]), commit("other", author=stranger("who@else"))],
        reviews=[approved("dee")],
        files=FILES,
        draft=True,
        pushes=[pushed("ben")],
    ),
    title="Settle twice a day",
    body="Because.",
    labels=("urgent", "wip"),
    additions=30,
    deletions=12,
)
APPLICATION = Application("payments", ("ledger",), Tier.MEDIUM, data=("personal",), configuration_item="CI1")
MOVED = ChangedFile("attic/1.sql", FileChange.RENAMED, 2, 1, "db/1.sql")
RULES = replace(
    policy(),
    people=(("ana", "ana-admin"),),
    calendar=Calendar(timezone="America/New_York"),
    rules=(Rule("r", "true", "size(files) > 0", "m"),),
)
MONDAY_NIGHT = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)


def seen(
    facts: PullRequestFacts = FACTS,
    rules: Policy = RULES,
    application: Application | None = APPLICATION,
    tier: Tier = Tier.HIGH,
) -> Subject:
    people = people_of(facts, rules.people)
    involved = contributors(facts, people)
    approvers = [people.person(account("dee"))]
    return environment(
        facts,
        rules,
        MONDAY_NIGHT,
        application=application,
        tier=tier,
        people=people,
        involved=involved,
        approvers=approvers,
    )


@pytest.mark.parametrize(
    "text",
    [
        'change.title == "Settle twice a day" && change.body == "Because."',
        'change.number == 7 && change.base == "main" && change.head == "settle"',
        "change.draft && !change.from_fork && change.commits == 2",
        'change.tier == "high" && change.type == "normal"',
        'change.repository == "acme/ledger"',
        'change.created == timestamp("2026-03-01T12:00:00Z")',
        'application.name == "payments" && application.tier == "medium" && application.known',
        'application.data == ["personal"] && application.configuration_item == "CI1"',
        'people.author == "ana" && people.contributors == ["ana", "ben", "cem"]',
        'people.approvers == ["dee"] && people.unknown == 1',
        'paths == ["db/1.sql", "docs/a.md"]',
        'files[0].path == "db/1.sql" && files[0].change == "added" && files[0].additions == 30',
        'files[1].change == "deleted" && files[1].deletions == 12',
        "lines.added == 30 && lines.deleted == 12 && lines.changed == 42 && lines_changed == 42",
        'labels == ["urgent", "wip"]',
        "size(evidence) == 0",
        'deployment.environment == "" && deployment.kind == "" && deployment.commits == 0',
        'time.now == timestamp("2026-03-03T02:30:00Z")',
        'time.day == "MO" && time.hour == 21 && time.timezone == "America/New_York"',
    ],
)
def test_a_name_has_the_value_of_the_facts(text: str) -> None:
    assert checked(text).holds(seen())


def test_what_is_in_no_inventory_is_high_and_not_known() -> None:
    unknown = (
        'application.name == "" && application.tier == "high" && !application.known && size(application.data) == 0'
    )
    assert checked(unknown).holds(seen(application=None))


def test_the_type_of_change_is_that_of_the_tier() -> None:
    tiers = {
        **RULES.tiers,
        Tier.LOW: replace(RULES.tiers[Tier.LOW], change=type(RULES.tiers[Tier.LOW].change)("standard")),
    }
    assert checked('change.type == "standard"').holds(seen(rules=replace(RULES, tiers=tiers), tier=Tier.LOW))


def test_who_is_gone_has_no_name_and_a_fork_is_one() -> None:
    facts = replace(FACTS, author=None, head=Branch("settle", FACTS.head.oid, None))
    assert checked('people.author == "" && change.from_fork').holds(seen(facts))


def test_every_account_of_a_contributor_is_named() -> None:
    facts = replace(FACTS, reviews=(approved("ana-admin"),))
    assert checked('people.contributors == ["ana", "ana-admin", "ben", "cem"]').holds(seen(facts))


@pytest.mark.parametrize("asks", [RULES, replace(RULES, rules=(), risk=(RiskRule("r", Tier.HIGH, "size(files) > 9"),))])
def test_files_are_described_to_whoever_asks_about_them(asks: Policy) -> None:
    assert checked("size(files) == 2").holds(seen(rules=asks))


def test_what_is_moved_is_where_it_was_as_well() -> None:
    facts = replace(FACTS, files=(MOVED, ChangedFile("db/1.sql", FileChange.ADDED, 5, 0)))
    assert checked('paths == ["attic/1.sql", "db/1.sql"]').holds(seen(facts))
    assert checked(
        'size(files) == 3 && files[0].path == "attic/1.sql" && files[0].change == "renamed" && files[0].additions == 2 '
        '&& files[1].path == "db/1.sql" && files[1].change == "deleted" && files[1].deletions == 0 '
        '&& files[2].path == "db/1.sql" && files[2].change == "added"'
    ).holds(seen(facts))


def test_files_are_not_described_where_nobody_asks_and_paths_are() -> None:
    silent = replace(RULES, rules=(Rule("r", "true", "size(paths) > 0", "m"),))
    assert checked("size(files) == 0 && size(paths) == 2").holds(seen(rules=silent))
