"""What is wrong in a policy file though each value by itself is well-formed: each sentence, at its place."""

import pytest

from bot.decide.catalogue import CATALOGUE, NEVER_OBSERVED
from bot.policy.check import check, explain
from bot.policy.shelf import available


def told(text: str, roles: tuple[str, ...] = (), windows: tuple[str, ...] = ()) -> str:
    checked = check("version: 1\n" + text, "o", known_roles=roles, known_windows=windows)
    return explain(checked.problems)


RULE = "rules: [{{id: a, when: '{}', require: '{}', message: m}}]"
RULES = "{{id: {}, require: 'true', message: m}}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # Roles.
        ("roles: {admin: [a]}", "o:2:9: `admin` is a permission of GitHub and cannot be a role."),
        ("roles: {risk: [a]}\ntiers: {low: {approvals: [{count: 1, from: [rsik, write]}]}}", "o:3:45: There is no role `rsik`. Did you mean `risk`?"),
        ("roles: {risk: [a]}\ntiers: {low: {sign_off: [write]}}", "o:3:26: There is no role `write`. Known are `risk`."),
        ("tiers: {low: {sign_off: [risk]}}", "o:2:26: There is no role `risk`. There are none."),
        ("tiers: {high: {verification: {from: [nobody], within: 1 hour}}}", "o:2:38: There is no role `nobody`. Known are `admin`, `maintain` and `write`."),
        ("emergency: {from: [write], approvals: [{count: 1, from: [write, nobody]}]}", "o:2:65: There is no role `nobody`. Known are `admin`, `maintain` and `write`."),
        ("emergency: {from: [nobody]}", "o:2:20: There is no role `nobody`. Known are `admin`, `maintain` and `write`."),
        ("waivers: {from: [write]}", "o:2:18: There is no role `write`. There are none."),
        ("acknowledge: [risk]", "o:2:15: There is no role `risk`. There are none."),
        ("roles: {cab: [a], risk: [b]}\ntiers: {low: {cab: {quorum: 1, on_timeout: escalate, escalate_to: [rsik]}}}", "o:3:68: There is no role `rsik`. Did you mean `risk`?"),
        ("roles: {cab: [a]}\ntiers: {low: {cab: {quorum: 1, on_timeout: escalate, escalate_to: [write]}}}", "o:3:68: There is no role `write`. Known are `cab`."),
        ("roles: {cab: [a]}\ntiers: {low: {cab: {quorum: 1, escalate_to: [cab]}}}", "o:3:32: Nobody is escalated to without `on_timeout: escalate`."),
        ("roles: {cab: [a]}\ntiers: {low: {cab: {quorum: 1, on_timeout: extend, escalate_to: [cab]}}}", "o:3:52: Nobody is escalated to without `on_timeout: escalate`."),
        ("tiers: {medium: {cab: {quorum: 1}}}", "o:2:18: A board needs members: name them in `roles` as `cab`."),
        ("separation: [{roles: [merger, merger]}]", "o:2:15: A role cannot be separated from itself."),
        # Packs and findings.
        ("packs: [soxx]", "o:2:9: There is no pack `soxx`. Did you mean `sox`?"),
        ("observe: [aprovals]", "o:2:11: There is no finding `aprovals`. Did you mean `approvals`?"),
        *((f"observe: [{name}]", f"o:2:11: `{name}` is never only observed: {why}.") for name, why in NEVER_OBSERVED.items()),
        ("observe: ['facts:a']", f"o:2:11: `facts:a` is never only observed: {NEVER_OBSERVED['facts']}."),
        ("rules: [{id: a, controls: [SOX-302, SOX-NOPE], require: 'true', message: m}]", "o:2:37: There is no control `SOX-NOPE`. Known are `SOX-302`, `SOX-404`, `SOX-802`, `SOX-ITGC-CM-1`, `SOX-ITGC-CM-2`, `SOX-ITGC-CM-3`, `SOX-ITGC-CM-4`, `SOX-ITGC-CM-5`, `SOX-ITGC-CM-6`, `SOX-ITGC-CM-7` and `SOX-ITGC-AC`."),
        ("rules: [{id: a, controls: [PCI-DSS-6.4.22], require: 'true', message: m}]", "o:2:28: There is no control `PCI-DSS-6.4.22`. Did you mean `PCI-DSS-6.4.2`?"),
        ("rules: [{id: a, controls: [OURS-1], require: 'true', message: m}]", "o:2:28: There is no control `OURS-1`."),
        # The inventory.
        ("exclusive: [[nope, nada]]", "o:2:14: There is no application or configuration item `nope`. There are none.\no:2:20: There is no application or configuration item `nada`. There are none."),
        ("applications: [{name: ledger, repositories: [a], tier: low}]\nexclusive: [[ledger, ledger]]", "o:3:22: `ledger` is there twice."),
        ("applications: [{name: ledger, repositories: [a], tier: low}, {name: b, repositories: [a], tier: low, configuration_item: CI0012345}]\nexclusive: [[legder, CI0012346]]", "o:3:14: There is no application or configuration item `legder`. Did you mean `ledger`?\no:3:22: There is no application or configuration item `CI0012346`. Did you mean `CI0012345`?"),
        ("applications: [{name: a, tier: low}]", "o:2:16: It says which repositories belong to it: `repositories` or `properties`."),
        ("applications: [{name: a, repositories: [b], tier: low}, {name: a, repositories: [c], tier: low}]", "o:2:17: There are 2 applications `a`.\no:2:58: There are 2 applications `a`."),
        ("people: [[a, b], [b, c]]", "o:2:10: `b` belongs to 2 people.\no:2:18: `b` belongs to 2 people."),
        # Ids.
        ("risk: {raise: [{id: a, to: low, when: 'true'}, {id: a, to: high, when: 'true'}]}", "o:2:17: The id `a` is there 2 times.\no:2:49: The id `a` is there 2 times."),
        (f"rules: [{RULES.format('a')}, {RULES.format('b')}, {RULES.format('a')}]", "o:2:10: The id `a` is there 2 times.\no:2:86: The id `a` is there 2 times."),
        ("standard: [{id: a, title: t, paths: [a], lines: 1, expires: 2027-01-01}, {id: a, title: t, paths: [a], lines: 1, expires: 2027-01-01}]", "o:2:13: The id `a` is there 2 times.\no:2:75: The id `a` is there 2 times."),
        ("standard: [{id: a, title: t, paths: ['^a', '('], lines: 1, expires: 2027-01-01}]", "o:2:44: It is not a pattern of RE2: missing ): (."),
        # Expressions.
        (RULE.format("tru", "true"), "o:2:24: `tru` is not known. Known are `change`, `application`, `people`, `paths`, `files`, `lines`, `lines_changed`, `labels`, `evidence`, `deployment` and `time`."),
        (RULE.format("true", "1"), "o:2:31: It must say true or false, and is a number."),
        ("risk: {raise: [{id: a, to: high, when: 'change.titel == \"\"'}]}", "o:2:47: `change` has no `titel`. Did you mean `title`?"),
        # The calendar.
        ("calendar: {timezone: Europe/Londn}", "o:2:12: There is no time zone `Europe/Londn`. Did you mean `Europe/London`?"),
        ("calendar: {timezone: '%'}", "o:2:12: There is no time zone `%`."),
        ("calendar: {holidays: ZZ}", "o:2:12: The holidays of `ZZ` are not known."),
        ("calendar: {holidays: GB-ZZZ}", "o:2:12: The holidays of `GB-ZZZ` are not known."),
        ("calendar: {holidays: XECB-A}", "o:2:12: The holidays of `XECB-A` are not known."),
        ("calendar: {windows: {a: {rrule: SATURDAYS, duration: 1 hour}}}", "o:2:26: It is not a recurrence rule of RFC 5545, like `FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0`."),
        ("calendar: {windows: {a: {rrule: 'FREQ=DAILY;INTERVAL=0', duration: 1 hour}}}", "o:2:26: `INTERVAL` must be a number from 1 to 999, not `0`."),
        ("calendar: {windows: {a: {rrule: 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', duration: 1 hour}}}", "o:2:26: It never occurs, at least not before 2056."),
        ("tiers: {low: {windows: [weekend]}}", "o:2:25: There is no window `weekend`. There are none."),
        ("calendar: {windows: {weekend: {rrule: 'FREQ=DAILY', duration: 1 hour}}}\ntiers: {low: {windows: [weekends]}}", "o:3:25: There is no window `weekends`. Did you mean `weekend`?"),
        # Freezes.
        ("calendar: {freezes: [{name: f}]}", "o:2:22: A freeze has either `rrule` and `duration`, or `from` and `to`."),
        ("calendar: {freezes: [{name: f, rrule: 'FREQ=YEARLY', to: 2027-01-01}]}", "o:2:22: A freeze has either `rrule` and `duration`, or `from` and `to`."),
        ("calendar: {freezes: [{name: f, rrule: 'FREQ=YEARLY'}]}", "o:2:22: A freeze that recurs has `rrule` and `duration`."),
        ("calendar: {freezes: [{name: f, duration: 1 day}]}", "o:2:22: A freeze that recurs has `rrule` and `duration`."),
        ("calendar: {freezes: [{name: f, from: 2027-01-01}]}", "o:2:22: A freeze that does not recur has `from` and `to`."),
        ("calendar: {freezes: [{name: f, from: 2027-01-02, to: 2027-01-01}]}", "o:2:50: It ends before it begins."),
        ("calendar: {freezes: [{name: f, from: '2027-01-02T18:00', to: '2027-01-02T09:00'}]}", "o:2:58: It ends before it begins."),
        ("calendar: {freezes: [{name: f, rrule: 'FREQ=OFTEN', duration: 1 day}]}", "o:2:32: `FREQ` must be DAILY, WEEKLY, MONTHLY or YEARLY, not `OFTEN`."),
    ],
)  # fmt: skip
def test_a_contradiction_is_told_at_its_place(text: str, sentence: str) -> None:
    assert told(text) == sentence


@pytest.mark.parametrize(
    "text",
    [
        f"packs: [{', '.join(available())}]",
        f"observe: [{', '.join(set(CATALOGUE) - set(NEVER_OBSERVED))}, 'rule:large-change']",
        "applications: [{name: a, repositories: [a], tier: low, configuration_item: CI1}]\nexclusive: [[a, CI1]]",
        "rules: [{id: a, controls: [SOX-302, MIFID-II-RTS6-5], require: 'true', message: m}]",
        "applications: [{name: a, properties: {unit: retail}, tier: low}]",
        "roles: {cab: [a]}\ntiers: {low: {cab: {quorum: 1}, verification: {from: [admin], within: 1 hour}}}",
        "roles: {cab: [a], risk: [b]}\ntiers: {low: {cab: {quorum: 1, on_timeout: escalate, escalate_to: [risk]}}}",
        "roles: {cab: [a]}\ntiers: {low: {cab: {quorum: 1, escalate_to: []}}}",
        "people: [[a, b, a]]",
        "calendar: {timezone: Europe/Berlin, holidays: DE, windows: {w: {rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', duration: 1 hour}}}",
        "calendar: {holidays: XECB, freezes: [{name: f, from: 2027-01-02, to: 2027-01-02}, {name: g, from: 2027-01-02, to: '2027-01-02T12:00+01:00'}]}",
        "calendar: {holidays: US-CA}",
    ],
)  # fmt: skip
def test_what_does_not_contradict_is_let_through(text: str) -> None:
    assert told(text) == ""


def test_what_the_layers_above_have_is_known() -> None:
    text = "tiers: {low: {windows: [weekend], sign_off: [risk], cab: {quorum: 1}}}"
    assert told(text, ("risk", "cab"), ("weekend",)) == ""
    assert told(text).count("\n") == 2
    exclusive = "version: 1\nexclusive: [[payments, ledger]]"
    assert check(exclusive, "o", known_things=("ledger", "payments")).content is not None
    assert check(exclusive, "o", known_things=("ledger",)).content is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("audit: {retention_days: 0}", "o:2:9: `retention_days` must be 1 or more."),
        ("tiers: {low: {cool_down: 0 hours}}", "o:2:15: `0 hours` is not a duration like `30 minutes`, `24 hours`, `3 days` or `2 weeks`."),
        ("tiers: {low: {cool_down: [3 hours]}}", "o:2:15: `cool_down` is a list: that is not a duration like `30 minutes`, `24 hours`, `3 days` or `2 weeks`."),
        ("tiers: {low: {cool_down: true}}", "o:2:15: `true` is not a duration like `30 minutes`, `24 hours`, `3 days` or `2 weeks`."),
        ("checks: {signatures: {required: [[low]]}}", "o:2:34: An entry of `required` must be `low`, `medium` or `high`, not a list."),
        ("checks: {signatures: {required: low}}", "o:2:23: `required` must be a list, not `low`."),
        ("tiers: {low: {cool_down: 3}}", "o:2:15: `3` is not a duration like `30 minutes`, `24 hours`, `3 days` or `2 weeks`."),
        ("calendar: {freezes: [{name: f, from: yesterday, to: 2027-01-01}]}", "o:2:32: `yesterday` is not a day like `2027-01-24`, or a moment like `2027-01-24T18:00`."),
        ("calendar: {freezes: [{name: f, from: 2027-01-01, to: 9999-12-31}]}", "o:2:50: `9999-12-31` is not in the years 1970 to 2200."),
        ("calendar: {freezes: [{name: f, from: '0001-01-01T00:00+14:00', to: 2027-01-01}]}", "o:2:32: `0001-01-01T00:00+14:00` is not in the years 1970 to 2200."),
        ("standard: [{id: a, title: t, paths: [a], lines: 1, expires: 2201-01-01}]", "o:2:52: `2201-01-01` is not in the years 1970 to 2200."),
        ("calendar: {freezes: [{name: f, from: 3, to: 2027-01-01}]}", "o:2:32: `3` is not a day like `2027-01-24`, or a moment like `2027-01-24T18:00`."),
        ("standard: [{id: a, title: t, paths: [a], lines: 1, expires: '2027-01-01T10:00'}]", "o:2:52: `2027-01-01T10:00` is not a day like `2027-01-24`."),
        ("roles: {a: ['b c']}", "o:2:13: `b c` is neither a team (organisation/team) nor an account."),
        ("roles: {A: [b]}", "o:2:9: `A` is not a role's name: lower-case letters, digits and hyphens."),
        ("people: [[a, 'b c']]", "o:2:14: `b c` is not an account's name."),
        ("applications: [{name: a, repositories: ['b c'], tier: low}]", "o:2:41: `b c` is not a repository's name, or a pattern of one with * and ?."),
        ("packs: [Sox]", "o:2:9: `Sox` is not an id: lower-case letters, digits and hyphens, beginning with a letter."),
        ("calendar: {holidays: Germany}", "o:2:12: `Germany` is neither a country (`DE`, `GB-ENG`) nor a financial market (`XECB`)."),
        ("evidence: [{kind: junit, at_most: {failures: none}}]", "o:2:36: `failures` must be a number without quotation marks, not `none`."),
        ("tiers: {low: {pairing: 1}}", "o:2:15: `pairing` must be true or false, not `1`."),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_form_is_told_at_its_place(text: str, sentence: str) -> None:
    assert told(text) == sentence


LARGE = "With this pattern, those of the file are too large together. Classes like `\\pL` and repetitions like `{20}` make one large: write fewer of them, or fewer patterns."


def test_what_takes_seconds_to_compile_is_told_at_its_place() -> None:
    # Each counts some 30,000 of the 500,000 instructions.
    patterns = " || ".join(rf'"".matches(r"\pL{{25}}{number}")' for number in range(20))
    rule = f"- {{id: a, message: m, require: '{patterns}'}}"
    column = rule.index(r'r"\pL{25}16"') + 1
    assert told("rules:\n" + rule) == f"o:3:{column}: {LARGE}"


def test_very_many_patterns_are_as_much_as_large_ones() -> None:
    standard = "".join(
        f"\n- {{id: a{row}, title: t, lines: 1, expires: 2027-01-01, paths: [{', '.join(f'^{row}a{place}' for place in range(50))}]}}"
        for row in range(50)
    )
    assert told("standard:" + standard).endswith(LARGE)


def test_many_things_that_are_no_patterns_may_have_been_far_too_large() -> None:
    wrong = ", ".join(f"'({number}'" for number in range(30))
    rule = f"standard: [{{id: a, title: t, lines: 1, expires: 2027-01-01, paths: [{wrong}]}}]"
    assert told(rule).endswith(LARGE)


def test_a_pattern_that_is_no_text_is_a_fault_of_its_expression() -> None:
    assert "does not belong here" in told('rules: [{id: a, message: m, require: \'"a".matches("\\q")\'}]')
