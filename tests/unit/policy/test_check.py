"""Everything that is wrong in a policy file is said at its line, in words."""

from time import process_time

import pytest

from bot.policy.check import MOST_PROBLEMS, check, explain
from bot.policy.yaml import read

VERSION = "version: 1\n"


def told(text: str, *, known_roles: tuple[str, ...] = ()) -> str:
    checked = check(text, "o", known_roles=known_roles)
    assert (checked.content is None) is bool(checked.problems)
    return explain(checked.problems)


def test_a_sound_file_has_no_problems() -> None:
    checked = check(VERSION + "mode: enforce\nroles: {security: [Acme/AppSec, Sam]}", "o", "b10b")
    assert checked.problems == ()
    assert checked.content is not None
    assert checked.content.roles == {"security": ["acme/appsec", "sam"]}
    assert (checked.origin, checked.blob) == ("o", "b10b")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("version: 2", "o:1:1: `version` must be 1, not `2`."),
        ("version: true", "o:1:1: `version` must be 1, not `true`."),
        ("version: 1.0", "o:1:1: `version` must be 1, not `1.0`."),
        ("version: '1'", "o:1:1: `version` must be 1, not `1`."),
        ("version: [1]", "o:1:1: `version` must be 1, not a list."),
        ("mode: observe", "o:1:1: `version` is missing."),
        ("[1]", "o:1:1: A policy is a mapping of names to values, beginning with `version: 1`."),
        ("a: [", "o:1:5: This is not valid YAML: expected the node content, but found '<stream end>'."),
    ],
)
def test_what_is_wrong_with_the_file_itself(text: str, sentence: str) -> None:
    assert told(text) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mod: observe", "o:2:1: `mod` is not known here. Did you mean `mode`?"),
        ("zzzz: 1", "o:2:1: `zzzz` is not known here. Known are `version`, `mode`, `observe`, `packs`, `roles`, `people`, `applications`, `risk`, `tiers`, `reviews`, `separation`, `calendar`, `checks`, `evidence`, `emergency`, `waivers`, `acknowledge`, `exclusive`, `records`, `standard`, `audit` and `rules`."),
        ("mode: both", "o:2:1: `mode` must be `observe` or `enforce`, not `both`."),
        ("mode: [a]", "o:2:1: `mode` must be `observe` or `enforce`, not a list."),
        ("tiers: []", "o:2:1: `tiers` must be a mapping of names to values, not a list."),
        ("roles: 3", "o:2:1: `roles` must be a mapping of names to values, not `3`."),
        ("roles: {a: x}", "o:2:9: `a` must be a list, not `x`."),
        ("roles: {a: [1]}", "o:2:13: An entry of `a` must be text, not `1`."),
        ("roles: {a: [~]}", "o:2:13: An entry of `a` must be text, not nothing."),
        ("roles: {a: [{}]}", "o:2:13: An entry of `a` must be text, not a mapping."),
        ("roles: {a: [b/c/d]}", "o:2:13: `b/c/d` is neither a team (organisation/team) nor an account."),
        ("roles: {Bad Role: [a]}", "o:2:9: `Bad Role` is not a role's name: lower-case letters, digits and hyphens."),
        ("records: {system: jira, carry_votes: true}", "o:2:25: Votes are carried to ServiceNow alone. Jira takes an answer only from whoever signs in, so that nobody can give one for somebody else."),
        ("records: {system: register, carry_votes: true}", "o:2:29: Votes are carried to ServiceNow alone. Countersign's own register has no approvals besides its votes."),
        ("roles: {write: [a]}", "o:2:9: `write` is a permission of GitHub and cannot be a role."),
        ("people: [[a]]", "o:2:10: An entry of `people` has too few entries: at least 2."),
        ("people: [[a, b-]]", "o:2:14: `b-` is not an account's name."),
        ("people: [[a, b], [c, d], [a, e]]", "o:2:10: `a` belongs to 2 people.\no:2:26: `a` belongs to 2 people."),
        ("tiers: {low: {approvals: []}}", "o:2:15: `approvals` has too few entries: at least 1."),
        ("tiers: {low: {approvals: [{count: 0, from: [write]}]}}", "o:2:28: `count` must be 1 or more."),
        ("tiers: {low: {approvals: [{count: 21, from: [write]}]}}", "o:2:28: `count` must be 20 or less."),
        ("tiers: {low: {approvals: [{count: '1', from: [write]}]}}", "o:2:28: `count` must be a whole number without quotation marks, not `1`."),
        ("tiers: {low: {approvals: [{count: 1, groups: [write]}]}}", "o:2:27: `from` is missing.\no:2:38: `groups` is not known here. Known are `count` and `from`."),
        ("tiers: {low: {approvals: [{count: 1, from: [wriet]}]}}", "o:2:45: There is no role `wriet`. Did you mean `write`?"),
        ("tiers: {high: {approvals: [{count: 1, from: [zzz]}]}}", "o:2:46: There is no role `zzz`. Known are `admin`, `maintain` and `write`."),
        ("tiers: {low: {change: urgent}}", "o:2:15: `change` must be `standard` or `normal`, not `urgent`."),
        ("tiers: {low: {change: emergency}}", "o:2:15: `emergency` is what a person declares a change to be, for an incident and with a reason (`/emergency`); a tier is `standard` or `normal`."),
        ("applications: [{nam: a, name: b, repositories: [c], tier: low}]", "o:2:17: `nam` is not known here. Did you mean `name`?"),
        ("applications: [{name: '', repositories: [c], tier: lo}]", "o:2:17: `name` must not be empty.\no:2:46: `tier` must be `low`, `medium` or `high`, not `lo`."),
        ("applications: [{name: a, repositories: ['c d'], tier: low}]", "o:2:41: `c d` is not a repository's name, or a pattern of one with * and ?."),
        ("applications: [{name: a, repositories: [c], tier: low}, {name: a, repositories: [d], tier: low}]", "o:2:17: There are 2 applications `a`.\no:2:58: There are 2 applications `a`."),
        ("separation: [{roles: [auditor, contributor]}]", "o:2:23: An entry of `roles` must be `author`, `contributor`, `approver`, `requester`, `cab`, `merger`, `deployer`, `verifier` or `policy-owner`, not `auditor`."),
        ("separation: [{roles: [approver, approver]}]", "o:2:15: A role cannot be separated from itself."),
        ("separation: [{roles: [approver, contributor], tiers: []}]", "o:2:47: `tiers` has too few entries: at least 1."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(text: str, sentence: str) -> None:
    assert told(VERSION + text) == sentence


def test_a_name_that_is_too_long_says_how_long_it_may_be() -> None:
    text = f"applications: [{{name: {'x' * 101}, repositories: [a], tier: low}}]"
    assert told(VERSION + text) == "o:2:17: `name` is too long: at most 100 characters."


def test_a_list_that_is_too_long_says_how_long_it_may_be() -> None:
    people = ", ".join(f"p{index}" for index in range(21))
    assert told(VERSION + f"people: [[{people}]]") == "o:2:10: An entry of `people` has too many entries: at most 20."


def test_a_role_of_the_layers_above_is_known() -> None:
    text = VERSION + "tiers: {low: {approvals: [{count: 1, from: [security]}]}}"
    assert told(text, known_roles=("security",)) == ""
    assert told(text) != ""


def test_what_is_quoted_is_cut_short_and_cannot_break_out() -> None:
    [problem] = check(VERSION + 'mode: "`@acme/all` ' + "x" * 5000 + '"', "o").problems
    assert problem.message.startswith("`mode` must be `observe` or `enforce`, not `'@acme/all' xxx")
    assert len(problem.message) < 200


def test_problems_stand_in_the_order_of_their_lines() -> None:
    lines = [each.line for each in check("mode: both\nzzz: 1\nyyy: 2\nroles: 3", "o").problems]
    assert lines == sorted(lines)


def test_of_very_many_problems_only_so_many_are_told() -> None:
    text = VERSION + "\n".join(f"unknown{index}: 1" for index in range(MOST_PROBLEMS + 50))
    assert len(check(text, "o").problems) == MOST_PROBLEMS


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"k{index}: 1" for index in range(20_000)),
        "exclusive:\n" + "\n".join(f"  - [{', '.join(f'a{row}x{place}' for place in range(50))}]" for row in range(100))
        + "\napplications:\n" + "\n".join(f"  - {{name: b{index}, repositories: [a], tier: low}}" for index in range(3_000)),
        "tiers: {low: {sign_off: [" + ", ".join(f"r{index}" for index in range(20)) + "]}}",
    ],
)  # fmt: skip
def test_what_is_not_told_is_not_thought_about(text: str) -> None:
    document = read(VERSION + text, "o")
    assert not document.problems
    began = process_time()
    read(VERSION + text, "o")
    reading = process_time() - began
    began = process_time()
    assert check(VERSION + text, "o").problems
    assert process_time() - began < 1.5 * reading + 1


def test_the_same_text_is_read_once() -> None:
    assert check(VERSION, "o", "b", known_roles=["x"]) is check(VERSION, "o", "b", known_roles=("x",))
