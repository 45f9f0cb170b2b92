"""A record fills itself from the pull request, the decision and the policy; and says what it lacks."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.changes.fill import contents_of, is_in_force, template_of
from bot.changes.model import CommitLine, Contents, Routing
from bot.changes.needs import missing, text_to_add
from bot.changes.plans import PLANS, template
from bot.decide.evaluate import decide
from bot.facts.model import ChangedFile, FactsIncomplete, FileChange, PullRequestFacts, Reported
from bot.policy.model import Application, ChangeType, Plan, Policy, Template, Tier
from tests.unit.builders import REPOSITORY, account, commit, file, oid, policy, pull_request, pushed, stranger
from tests.unit.changes.builders import MONDAY, WEEKEND, contents, rules

BODY = "Settles twice a day instead of once.\n\n" + "\n".join(
    f"## {each.heading}\nAll there is to say about {each.heading}.\n" for each in PLANS.values()
)
LOW = rules(applications=(Application("docs", (REPOSITORY.name,), Tier.LOW),))
DOCS = [file("docs/a.md"), file("docs/deep/b.md")]


def facts(body: str = BODY, **changes: Any) -> PullRequestFacts:
    return replace(pull_request(**changes), body=body)


def filled(facts_: PullRequestFacts, rules_: Policy | None = None, **more: Any) -> Contents:
    chosen = rules_ or rules()
    return contents_of(facts_, decide(facts_, chosen, MONDAY), chosen, MONDAY, diff="d", **more)


def test_everything_is_worked_out() -> None:
    change = facts(
        commits=[commit(co_authors=["bo"]), commit("second", stranger("x@y.example"))], pushes=[pushed("pia")]
    )
    change = replace(change, reported=(Reported("unit", "github-actions", "success"),))
    found = filled(change)
    assert found == Contents(
        title="Settle twice a day",
        kind=ChangeType.NORMAL,
        tier=Tier.HIGH,
        repository="acme/ledger",
        pulls=(7,),
        head=oid("head"),
        base="main",
        diff="d",
        description="Settles twice a day instead of once.",
        justification="",
        tier_because=("`payments` is of tier high.",),
        application="payments",
        configuration_item="CI0012345",
        commits=(
            CommitLine(oid("head"), "Commit head", ("ana", "bo")),
            CommitLine(oid("second"), "Commit second", ("x@y.example",)),
        ),
        contributors=tuple(sorted(account(each) for each in ("ana", "bo", "pia"))),
        plans=tuple((plan, f"All there is to say about {PLANS[plan].heading}.") for plan in Plan),
        evidence=(f"1 check of {oid('head')[:7]}: 1 passed.", "- unit (github-actions): passed"),
        apart=("CI0012345", "payments"),
        routing=contents().routing,
        regulations=("sox", "dora"),
        retention_days=2555,
    )
    assert found.plan(Plan.BACKOUT) == "All there is to say about Backout plan."


def test_what_is_not_changed_at_the_same_time_is_named() -> None:
    sets = (("payments", "cards"), ("CI0012345", "CI7"), ("loans", "CI8"))
    assert filled(facts(), rules(exclusive=sets)).apart == ("CI0012345", "CI7", "cards", "payments")
    assert filled(facts(), rules(exclusive=sets, applications=())).apart == ()


def test_a_repository_in_no_application_is_high_and_names_none() -> None:
    found = replace(filled(facts(), rules(applications=())), window=WEEKEND)
    assert (found.tier, found.application, found.configuration_item) == (Tier.HIGH, "", "")
    assert [each.id for each in missing(found, rules(applications=()))] == [
        "change:justification",
        "change:application",
    ]


def test_a_standard_change_fits_a_template() -> None:
    found = filled(facts(files=DOCS), LOW)
    assert (found.kind, found.template, found.routing) == (ChangeType.STANDARD, "docs", Routing())


def test_the_documented_template_fits_what_it_says_and_nothing_else() -> None:
    texts = replace(LOW, templates=(Template("texts", "", (r"^texts/.*\.json$",), 100, date(2027, 1, 31)),))
    assert filled(facts(files=[file("texts/a.json"), file("texts/deep/b.json")]), texts).template == "texts"
    for other in ("texts/x/deploy.sh", "texts/a.json.sh", "src/texts/a.json"):
        assert filled(facts(files=[file("texts/a.json"), file(other)]), texts).template == "", other


RENAMED = ChangedFile("docs/c.md", FileChange.RENAMED, 0, 0)


@pytest.mark.parametrize(
    ("changes", "templates"),
    [
        ({"files": [*DOCS, file("src/a.py")]}, None),
        ({"files": [*DOCS, RENAMED]}, None),
        ({"files": []}, None),
        ({"files": DOCS, "incomplete": [FactsIncomplete("the list of files", "cut")]}, None),
        ({"files": DOCS}, ()),
        ({"files": DOCS}, (Template("docs", "", ("^docs/",), 3, date(2027, 1, 31)),)),
        ({"files": DOCS}, (Template("docs", "", ("^docs/",), 100, date(2027, 1, 3)),)),
    ],
)
def test_what_fits_no_template_is_a_normal_change(
    changes: dict[str, Any], templates: tuple[Template, ...] | None
) -> None:
    rules_ = LOW if templates is None else replace(LOW, templates=templates)
    found = filled(facts(**changes), rules_)
    assert (found.kind, found.template) == (ChangeType.NORMAL, "")


def test_a_template_is_for_tiers_whose_changes_are_standard() -> None:
    assert template_of(facts(files=DOCS), Tier.HIGH, rules(), MONDAY) is None
    assert filled(facts(files=DOCS)).kind is ChangeType.NORMAL


def test_a_template_ends_with_its_last_day_in_the_calendars_zone() -> None:
    apia = replace(LOW, calendar=replace(LOW.calendar, timezone="Pacific/Apia"))
    last = MONDAY.replace(month=1, day=31, hour=9)
    assert is_in_force("docs", apia, last)
    assert not is_in_force("docs", apia, last + timedelta(hours=3))
    assert is_in_force("docs", LOW, last + timedelta(hours=3))
    assert not is_in_force("other", LOW, last)
    assert not is_in_force("docs", replace(LOW, calendar=replace(LOW.calendar, timezone="Mars")), last)


def test_no_tier_makes_an_emergency_that_nobody_declared() -> None:
    """A policy on record can still say so."""
    tiers = {tier: replace(rules, change=ChangeType.EMERGENCY) for tier, rules in LOW.tiers.items()}
    assert filled(facts(files=DOCS), replace(LOW, tiers=tiers)).kind is ChangeType.NORMAL


def test_an_emergency_is_one_whatever_the_tier_says() -> None:
    found = filled(facts(files=DOCS), LOW, emergency=True)
    assert (found.kind, found.template, found.routing.roles) == (ChangeType.EMERGENCY, "", ("cab",))


def test_what_is_missing_is_listed_with_the_text_to_add() -> None:
    bare = replace(filled(facts(template())), window=WEEKEND)
    found = missing(bare, rules())
    assert [each.id for each in found] == [
        "change:justification", "change:implementation", "change:test", "change:backout", "change:impact",
    ]  # fmt: skip
    assert found[3].headline == "missing: the section Backout plan"
    assert found[3].remedy == (
        f"Add `## Backout plan` to the description of the pull request, with: {PLANS[Plan.BACKOUT].prompt}"
    )
    text = text_to_add(bare, rules())
    assert text.startswith("## Justification\n\nWhy this change is made")
    assert text.count("## ") == 5
    assert missing(contents(), rules()) == ()
    assert text_to_add(contents(), rules()) == ""


def test_a_change_without_a_time_is_not_complete_unless_it_is_an_emergency() -> None:
    [found] = missing(contents(window=None), rules())
    assert found.id == "change:window"
    assert found.remedy == "The owners of the policy correct `calendar`, or `tiers.high.windows`."
    assert missing(contents(window=None, kind=ChangeType.EMERGENCY), rules()) == ()


def test_a_low_change_needs_no_plans() -> None:
    found = replace(filled(facts(template(), files=DOCS), LOW), window=WEEKEND)
    assert missing(found, LOW) == ()
    assert text_to_add(filled(facts(template(), files=DOCS), LOW), LOW) == ""


def test_a_policy_that_names_no_type_gives_a_normal_change() -> None:
    assert filled(facts(), policy(tier="low")).kind is ChangeType.NORMAL
