"""What a policy is shown as can be read again, and says the same."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import example, given, settings

from bot.console.policy import as_file
from bot.policy import layers, packs
from bot.policy.check import check, explain
from bot.policy.default import default
from bot.policy.model import Layer, Policy, Waivers
from bot.policy.schema import PolicyFile
from bot.policy.written import unsaid
from tests.properties.policies import WINDOWS, Plain, organisations, repositories

ALWAYS = {"rrule": "FREQ=DAILY;BYHOUR=0;BYMINUTE=0", "duration": "1 day"}
ABOVE, BELOW = Layer("acme/.github:countersign.yml", "a"), Layer("acme/ledger:.github/countersign.yml", "b")


def content(plain: Plain) -> PolicyFile:
    """The file, with the windows that it names; figures of evidence have as many decimals as can be written."""
    pieces: Sequence[Any] = plain.get("evidence", ())
    written = [
        {**each, "at_most": {name: round(most, 4) for name, most in each.get("at_most", {}).items()}} for each in pieces
    ]
    calendar = {"windows": dict.fromkeys(WINDOWS, ALWAYS), **plain.get("calendar", {})}
    return PolicyFile.model_validate({**plain, "evidence": written, "calendar": calendar})


def organisations_policy(read: PolicyFile) -> Policy:
    return layers.organisation(default(), read, ABOVE)


def with_packs(policy: Policy) -> Policy:
    return layers.with_packs(policy, [packs.load(name) for name in policy.packs])


def read_again(policy: Policy) -> Policy:
    text = as_file(policy)
    # What is to be kept apart need not be in the inventory that was made up here.
    checked = check(text, "shown.yml", known_things=[name for each in policy.exclusive for name in each])
    assert checked.content is not None, f"{explain(checked.problems)}\n{text}"
    return with_packs(organisations_policy(checked.content))


def meant(policy: Policy) -> Policy:
    """The policy without what makes no difference, and without whose each part is: a file cannot say that of another."""
    tiers = {
        tier: replace(rules, besides=(), cab=replace(rules.cab, against=0) if rules.cab is not None else None)
        for tier, rules in policy.tiers.items()
    }
    return replace(
        policy,
        tiers=tiers,
        above=None,
        own_roles=(),
        roles={role: tuple(sorted(holders)) for role, holders in policy.roles.items()},
        waivers=policy.waivers if policy.waivers.groups else Waivers(),
        layers=(),
    )


@settings(max_examples=40, deadline=None)
@given(organisations)
@example({"version": 1, "roles": {}, "tiers": {"low": {"approvals": [{"count": 20, "from": ["write"]}] * 2}}})
@example({"version": 1, "roles": {}, "checks": {"workflows": {"allow": []}}})
@example({"version": 1, "roles": {"yes": ["ben"]}, "acknowledge": ["yes"], "observe": []})
@example(
    {"version": 1, "roles": {}, "evidence": [{"kind": "junit", "name": "1.50", "at_most": {"!": 0.00001, "x": 7}}]}
)
def test_the_organisations_policy_is_read_again_as_it_is(above: Plain) -> None:
    policy = with_packs(organisations_policy(content(above)))
    assert unsaid(policy) == []
    assert read_again(policy) == policy


@settings(max_examples=40, deadline=None)
@given(organisations, repositories)
def test_with_a_repositorys_file_it_is_read_again_too_and_the_rest_is_told(above: Plain, below: Plain) -> None:
    upper = organisations_policy(content(above))
    policy = with_packs(layers.repository(upper, content(below), BELOW, "ledger")[0])
    again, policy = meant(read_again(policy)), meant(policy)
    if not unsaid(policy):
        assert again == policy
    for name in (
        "mode",
        "observed",
        "packs",
        "roles",
        "people",
        "separation",
        "checks",
        "evidence",
        "rules",
        "reviews",
    ):
        assert getattr(again, name) == getattr(policy, name), name
    for tier, rules in policy.tiers.items():
        once = replace(rules, windows=rules.windows[:1], deployments=rules.deployments[:1], approvals=())
        assert replace(again.tiers[tier], approvals=()) == replace(once, heard=()), tier
    lines = as_file(policy).splitlines()
    assert all(f"# {sentence}" in lines for sentence in unsaid(policy))
