"""Who must not be whom: rules that hold for a pull request and for a deployment alike."""

import pytest

from bot.decide.duties import Conflict, barred, conflicts, kept_apart, may_answer_for
from bot.policy.model import Role, Separation, Tier

ANA, BEN = frozenset({1, 11}), frozenset({2})
CONTRIBUTOR_CAB = Separation(frozenset({Role.CONTRIBUTOR, Role.CAB}))
CONTRIBUTOR_DEPLOYER = Separation(frozenset({Role.CONTRIBUTOR, Role.DEPLOYER}), frozenset({Tier.MEDIUM, Tier.HIGH}))
DEPLOYER_VERIFIER = Separation(frozenset({Role.DEPLOYER, Role.VERIFIER}), frozenset({Tier.HIGH}))
ALL = (CONTRIBUTOR_CAB, CONTRIBUTOR_DEPLOYER, DEPLOYER_VERIFIER)


def of(**parts: frozenset[int]) -> dict[Role, frozenset[frozenset[int]]]:
    return {Role[name.upper()]: frozenset({person}) for name, person in parts.items()}


def test_41_who_asks_for_a_waiver_does_not_grant_it() -> None:
    assert not may_answer_for(ANA, [BEN, ANA])
    assert may_answer_for(ANA, [BEN])
    assert may_answer_for(ANA, [])


def test_41_the_second_account_of_who_asks_does_not_grant_it_either() -> None:
    assert not may_answer_for(frozenset({11}), [ANA])


def test_42_a_contributor_does_not_vote_on_the_board() -> None:
    assert conflicts(of(contributor=ANA, cab=ANA), ALL, Tier.LOW) == (Conflict(ANA, (Role.CAB, Role.CONTRIBUTOR)),)
    assert conflicts(of(contributor=ANA, cab=BEN), ALL, Tier.LOW) == ()


@pytest.mark.parametrize(("tier", "held"), [(Tier.LOW, False), (Tier.MEDIUM, True), (Tier.HIGH, True)])
def test_43_a_contributor_does_not_deploy_where_the_policy_says_so(tier: Tier, held: bool) -> None:
    found = conflicts(of(contributor=ANA, deployer=ANA), ALL, tier)
    assert bool(found) is held


@pytest.mark.parametrize(("tier", "held"), [(Tier.MEDIUM, False), (Tier.HIGH, True)])
def test_44_who_deploys_does_not_verify_where_the_policy_says_so(tier: Tier, held: bool) -> None:
    found = conflicts(of(deployer=ANA, verifier=ANA), ALL, tier)
    assert found == ((Conflict(ANA, (Role.DEPLOYER, Role.VERIFIER)),) if held else ())


@pytest.mark.parametrize("roles", [(Role.DEPLOYER, Role.VERIFIER), (Role.VERIFIER, Role.DEPLOYER)])
def test_two_parts_are_kept_apart_in_the_tiers_of_their_pair(roles: tuple[Role, Role]) -> None:
    assert kept_apart(*roles, ALL, Tier.HIGH)
    assert not kept_apart(*roles, ALL, Tier.MEDIUM)
    assert not kept_apart(Role.REQUESTER, Role.APPROVER, ALL, Tier.HIGH)


def test_conflicts_are_told_in_a_stable_order() -> None:
    parts = {Role.CONTRIBUTOR: frozenset({ANA, BEN}), Role.CAB: frozenset({BEN, ANA})}
    assert [each.person for each in conflicts(parts, ALL, Tier.LOW)] == [ANA, BEN]


def test_a_role_is_barred_by_what_somebody_did_already() -> None:
    parts = of(contributor=ANA, deployer=BEN)
    assert barred(ANA, Role.DEPLOYER, parts, ALL, Tier.HIGH) == (Role.CONTRIBUTOR,)
    assert barred(BEN, Role.VERIFIER, parts, ALL, Tier.HIGH) == (Role.DEPLOYER,)
    assert barred(ANA, Role.VERIFIER, parts, ALL, Tier.HIGH) == ()
    assert barred(ANA, Role.DEPLOYER, parts, ALL, Tier.LOW) == ()
