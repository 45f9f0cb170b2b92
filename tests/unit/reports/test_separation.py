"""Standing conflicts: who could hold two separated roles at all, and how that is written."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.facts.model import Named, Permission, Standing
from bot.policy.model import Emergency, Policy, Role, Separation, Tier, Verification
from bot.reports.form import Format
from bot.reports.separation import Gap, Report, StandingConflict, conflicts, groups_of, written
from tests.unit.builders import account, demand, policy, pull_request


def rules(*pairs: Separation) -> Policy:
    base = policy(demand(1, "write"), demand(1, "security"), people=[("ana", "ana-admin")])
    verification = Verification(("verifier",), timedelta(hours=4))
    tiers = {tier: replace(found, verification=verification) for tier, found in base.tiers.items()}
    roles = {**base.roles, "cab": ("acme/cab",), "verifier": ("acme/verification",)}
    return replace(base, tiers=tiers, roles=roles, separation=pairs, emergency=Emergency())


def apart(*roles: Role, tiers: frozenset[Tier] = frozenset(Tier)) -> Separation:
    return Separation(frozenset(roles), tiers)


def able(login: str, permission: Permission = Permission.WRITE, *teams: str) -> Standing:
    return Standing(account(login), permission, teams)


def test_who_can_write_and_sits_on_the_board_could_be_both() -> None:
    found = conflicts(
        pull_request(),
        rules(apart(Role.CONTRIBUTOR, Role.CAB, tiers=frozenset({Tier.HIGH}))),
        [able("ben", Permission.WRITE, "acme/cab"), able("carl"), able("dora", Permission.READ, "acme/cab")],
    )
    assert found == (
        StandingConflict(
            "acme/ledger",
            "@ben",
            ("cab", "contributor"),
            ("the role cab of @ben", "write access of @ben"),
            ("high",),
        ),
    )


def test_two_accounts_of_one_person_are_looked_at_together() -> None:
    facts = replace(
        pull_request(), names=(Named("ana", account("ana").id), Named("ana-admin", account("ana-admin").id))
    )
    [found] = conflicts(
        facts,
        rules(apart(Role.DEPLOYER, Role.VERIFIER)),
        [able("ana"), able("ana-admin", Permission.READ, "acme/verification")],
    )
    assert "@ana" in found.person
    assert "@ana-admin" in found.person
    assert found.through == ("write access of @ana", "the role verifier of @ana-admin")


@pytest.mark.parametrize(
    ("role", "groups"),
    [
        (Role.CONTRIBUTOR, ("write",)),
        (Role.APPROVER, ("write", "security")),
        (Role.CAB, ("cab",)),
        (Role.VERIFIER, ("verifier",)),
        (Role.POLICY_OWNER, ("admin",)),
    ],
)
def test_what_a_role_can_be_held_through(role: Role, groups: tuple[str, ...]) -> None:
    assert groups_of(role, rules()) == groups


def test_a_role_that_the_policy_gives_to_nobody_is_held_by_nobody() -> None:
    assert groups_of(Role.CAB, policy()) == ()
    assert groups_of(Role.VERIFIER, policy()) == ()


def test_an_administrator_owns_the_policy() -> None:
    [found] = conflicts(pull_request(), rules(apart(Role.POLICY_OWNER, Role.AUTHOR)), [able("erin", Permission.ADMIN)])
    assert found.through == ("write access of @erin", "admin of @erin")


REPORT = Report(
    (StandingConflict("acme/ledger", "=cmd", ("cab", "contributor"), ("a", "b"), ("low", "high")),),
    (Gap("acme/vault", "the team acme/cab"),),
)


def test_a_table_has_what_is_not_known_as_well() -> None:
    lines = written(REPORT, Format.TABLE).splitlines()
    assert lines[0].split() == ["repository", "person", "role", "through", "other", "role", "other", "through", "tiers"]
    assert "low high" in lines[1]
    assert "not known" in lines[2]
    assert "the team acme/cab" in lines[2]


def test_a_sheet_has_no_formulas() -> None:
    rows = list(csv.reader(io.StringIO(written(REPORT, Format.CSV))))
    assert rows[1][1] == "'=cmd"
    assert rows[2][3] == "the team acme/cab"


def test_json_has_the_conflicts_and_the_gaps() -> None:
    body = json.loads(written(REPORT, Format.JSON))
    assert body["conflicts"][0]["other role"] == "contributor"
    assert body["not_known"] == [{"repository": "acme/vault", "what": "the team acme/cab"}]
