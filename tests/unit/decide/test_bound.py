"""A login of the policy is the account that it stood for when it was written."""

from dataclasses import replace

from bot.decide.approvals import bound
from bot.facts.model import Named, Permission, Standing
from bot.policy.model import Above
from tests.unit.builders import account, policy

POLICY = replace(policy(), roles={"risk": ("rick", "bank/risk", "ann"), "cab": ("bank/cab",)})


def standing(login: str, of: str) -> Standing:
    return Standing(replace(account(of), login=login), Permission.WRITE)


def test_a_login_that_somebody_else_took_over_stands_for_nobody() -> None:
    names = (Named("rick", account("rick").id),)
    assert bound(POLICY, names, (standing("rick", "mallory"),)).roles["risk"] == ("bank/risk", "ann")


def test_an_account_keeps_its_role_under_a_new_login() -> None:
    names = (Named("rick", account("rick").id),)
    assert bound(POLICY, names, (standing("Ricarda", "rick"),)).roles["risk"] == ("ricarda", "bank/risk", "ann")


def test_who_may_object_is_known_under_a_new_login_and_who_is_one_person_by_numbers() -> None:
    names = (Named("rick", account("rick").id), Named("sue", account("sue").id))
    narrowed = replace(POLICY, roles={**POLICY.roles, "risk": ("ann",)}, above=Above({"risk": ("rick", "ann")}, ()))
    found = bound(narrowed, names, (standing("Ricarda", "rick"), standing("sue", "mallory")))
    assert found.objecting.roles["risk"] == ("ricarda", "ann")
    assert (found.roles["risk"], found.names, found.objecting.names) == (("ann",), names, names)


def test_a_login_that_nobody_has_looked_up_is_taken_as_it_is() -> None:
    assert bound(POLICY, (), (standing("rick", "rick"),)) == POLICY
