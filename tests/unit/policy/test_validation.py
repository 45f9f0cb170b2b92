"""What does not fit in a file hides nothing else that is wrong, and makes nothing else look wrong."""

from typing import Any

import pytest

from bot.policy.check import check
from bot.policy.schema import PolicyFile
from bot.policy.validation import fitting

EVERYTHING = """\
version: 1
modee: enforce
packs: [sox, soxx]
roles:
  security: [acme/appsec]
risk:
  raise:
    - id: big
      to: hihg
      when: lines_changed > 500
    - id: odd
      to: high
      when: |
        lines_changed > 500 &&
          labells.exists(l, l == "a") &&
          change.titel == ""
tiers:
  high:
    approvals:
      - {count: 0, from: [security]}
      - {count: 1, from: [write, secrity]}
"""


def told(text: str) -> list[str]:
    return [f"{each.line}:{each.column}: {each.message}" for each in check(text, "o").problems]


def test_everything_that_is_wrong_is_told_at_once_at_its_place() -> None:
    assert told(EVERYTHING) == [
        "2:1: `modee` is not known here. Did you mean `mode`?",
        "3:14: There is no pack `soxx`. Did you mean `sox`?",
        "9:7: `to` must be `low`, `medium` or `high`, not `hihg`.",
        "15:11: `labells` is not known. Did you mean `labels`?",
        "16:17: `change` has no `titel`. Did you mean `title`?",
        "20:10: `count` must be 1 or more.",
        "21:34: There is no role `secrity`. Did you mean `security`?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "roles: {security: [a/b/c]}\ntiers: {low: {sign_off: [security], cab: {quorum: 1}}}\nwaivers: {from: [cab]}",
        "roles: {security: x, cab: x}\ntiers: {low: {sign_off: [security], cab: {quorum: 1}}}",
        "roles: [security, cab: [a]]\ntiers: {low: {sign_off: [security], cab: {quorum: 1}}}",
        "calendar: {windows: {night: {rrule: 3, duration: 1 hour}}}\ntiers: {low: {windows: [night]}}",
        "calendar: {windows: {night: {rrule: FREQ=DAILY}}}\ntiers: {low: {windows: [night]}}",
        "calendar: {freezes: [{name: f, from: yesterday, to: 2027-01-01}]}",
        "calendar: {freezes: [{name: f, rrule: FREQ=DAILY, duration: long}]}",
        "applications: [{name: a, repositories: [b c], tier: low}]",
        "separation: [{roles: [approver, approver, boss]}]",
        "calendar: 3\ntiers: 4",
        "applications: [3, {name: a}]",
    ],
)
def test_nothing_looks_wrong_because_something_else_is(text: str) -> None:
    wrong = told(f"version: 1\n{text}")
    wrong = [each for each in wrong if "A board needs members" not in each and "`cab`. " not in each]
    assert wrong
    assert not [each for each in wrong if "There is no" in each or "freeze" in each or "It says which" in each]


def test_without_a_version_and_with_a_name_twice_the_rest_is_looked_at() -> None:
    assert told("packs: [soxx]\nmode: observe\nmode: enforce\nobserve: [zzz]")[:3] == [
        "1:1: `version` is missing.",
        "1:9: There is no pack `soxx`. Did you mean `sox`?",
        "3:1: `mode` is there twice.",
    ]
    assert told("version: 2\npacks: [soxx]") == [
        "1:1: `version` must be 1, not `2`.",
        "2:9: There is no pack `soxx`. Did you mean `sox`?",
    ]


def test_what_fits_is_without_what_does_not_and_without_what_needs_it() -> None:
    values: dict[str, Any] = {
        "version": 1,
        "rules": [
            {"id": "A", "require": "true", "message": "m"},
            {"id": "b", "require": "true", "message": "m"},
            {"id": "c", "require": "true"},
            {"id": "d", "require": "true", "message": "m"},
        ],
        "tiers": {"low": {"approvals": [{"count": 0, "from": ["write"]}]}},
    }
    fit = fitting(values, PolicyFile)
    assert fit.content is not None
    assert [each.id for each in fit.content.rules] == ["b", "d"]
    assert fit.content.tiers.low is not None
    assert fit.content.tiers.low.approvals is None
    assert fit.place(("rules", 0, "id")) == ("rules", 1, "id")
    assert fit.place(("rules", 1, "when")) == ("rules", 3, "when")
    assert fit.place(("tiers", "low", "cab", "quorum")) == ("tiers", "low", "cab", "quorum")
    assert not fit.has_all_of(("rules", 2))
    assert not fit.has_all_of(("tiers", "low"))
    assert fit.has_all_of(("rules", 3))


def test_where_very_much_does_not_fit_the_rest_is_not_looked_at() -> None:
    values = {"version": 1, **{f"unknown-{index}": 1 for index in range(101)}}
    assert fitting(values, PolicyFile).content is None
    assert fitting({"version": 2}, PolicyFile).content is None
