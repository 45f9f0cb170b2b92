"""Which application a repository belongs to, and what several entries with it are together."""

from dataclasses import replace

import pytest

from bot.decide.evaluate import decide
from bot.facts.model import Repository
from bot.policy.inventory import application_of, united
from bot.policy.model import Application, Mode, Rule, Tier
from tests.unit.builders import NOON, finding, policy, pull_request

HIGH = Application("a", ("led*",), Tier.HIGH)
LOW = Application("b", ("ledger",), Tier.LOW)


def test_of_two_entries_the_riskier_gives_its_name_and_its_tier() -> None:
    rules = policy(in_inventory=False)
    upper_case = pull_request(repository=Repository(77, "acme", "Ledger"))
    assert application_of(replace(rules, applications=(LOW, HIGH)), upper_case) == HIGH
    assert application_of(rules, pull_request()) is None


def test_the_data_and_the_environments_of_all_entries_count() -> None:
    first = replace(HIGH, data=("personal",), environments=(("production", ("prod",)), ("test", ("qa",))))
    second = replace(LOW, data=("cardholder", "personal"), environments=(("production", ("live", "prod")),))
    found = united((second, first), "ledger")
    assert found is not None
    assert found.data == ("personal", "cardholder")
    assert found.environments == (("production", ("prod", "live")), ("test", ("qa",)))


def test_a_rule_about_data_fires_whichever_entry_names_them() -> None:
    rule = Rule("cards", 'application.data.exists(d, d == "cardholder")', "false", "Not like that.")
    both = (HIGH, replace(HIGH, name="b", data=("cardholder",)))
    assert finding(decide(pull_request(), replace(policy(), applications=both, rules=(rule,)), NOON), "rule:cards")


def test_the_number_in_the_cmdb_is_that_of_the_riskiest_entry_that_has_one() -> None:
    numbered = replace(LOW, configuration_item="CI2")
    found = [
        united((numbered, HIGH), "ledger"),
        united((numbered, replace(HIGH, configuration_item="CI1")), "ledger"),
        united((HIGH, LOW), "ledger"),
    ]
    assert [each.configuration_item for each in found if each] == ["CI2", "CI1", ""]


@pytest.mark.parametrize(
    ("of_high", "of_low", "whole", "decided"),
    [
        (Mode.OBSERVE, Mode.ENFORCE, Mode.OBSERVE, Mode.ENFORCE),
        (Mode.OBSERVE, None, Mode.ENFORCE, Mode.ENFORCE),
        (Mode.OBSERVE, None, Mode.OBSERVE, Mode.OBSERVE),
        (Mode.OBSERVE, Mode.OBSERVE, Mode.ENFORCE, Mode.OBSERVE),
        (None, Mode.ENFORCE, Mode.OBSERVE, Mode.ENFORCE),
    ],
)
def test_what_any_entry_has_enforced_is_enforced(
    of_high: Mode | None, of_low: Mode | None, whole: Mode, decided: Mode
) -> None:
    both = (replace(HIGH, mode=of_high), replace(LOW, mode=of_low))
    assert decide(pull_request(), replace(policy(mode=whole), applications=both), NOON).mode is decided
