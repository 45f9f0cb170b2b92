"""Policies survive being written down, and equal policies have equal bytes."""

from dataclasses import replace

import pytest

from bot.policy.default import default
from bot.policy.digest import digest, dump, load
from bot.policy.model import Emergency, Problem, Role, Separation, Tier
from tests.unit.builders import demand, policy

FULL = policy(
    demand(2, "write"),
    demand(1, "security", "admin"),
    people=[("ana", "ana-admin")],
    problems=[Problem("o", 1, 2, "Wrong.")],
    undecidable=True,
)


def test_a_policy_is_read_back_as_it_was_written() -> None:
    for rules in (FULL, default()):
        assert load(dump(rules)) == rules
        assert dump(load(dump(rules))) == dump(rules)


def test_the_order_of_a_set_does_not_matter() -> None:
    one = Separation(frozenset([Role.CONTRIBUTOR, Role.APPROVER]), frozenset([Tier.LOW, Tier.HIGH]))
    two = Separation(frozenset([Role.APPROVER, Role.CONTRIBUTOR]), frozenset([Tier.HIGH, Tier.LOW]))
    assert digest(replace(FULL, separation=(one,))) == digest(replace(FULL, separation=(two,)))


def test_another_policy_has_another_digest() -> None:
    assert digest(FULL) != digest(replace(FULL, undecidable=False))


def test_every_team_that_is_named_is_a_team_of_the_policy() -> None:
    rules = policy(roles={"security": ["acme/appsec", "sam"], "risk": ["acme/risk"]})
    assert rules.teams == {"acme/appsec", "acme/risk"}


@pytest.mark.parametrize(
    ("group", "apart"), [("write", False), ("security", False), ("maintain", True), ("admin", True)]
)
def test_a_policy_tells_writers_apart_when_it_demands_more_than_write_access(group: str, apart: bool) -> None:
    assert policy(demand(1, "write"), demand(1, group, "owners")).tells_writers_apart is apart
    emergencies = Emergency(approvals=(demand(1, group),))
    assert replace(policy(demand(1, "write")), emergency=emergencies).tells_writers_apart is apart
