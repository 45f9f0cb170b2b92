"""Commands that do something: who may, and what it takes."""

from dataclasses import replace

import pytest

from bot.commands.act import BY_EMAIL, is_weighty
from bot.commands.model import Acknowledgement, Change
from bot.facts.model import Account, AccountKind, Disowned, Named, Permission, PullRequestFacts, Standing, Unauthorised
from bot.ingest.statements import Pending
from tests.unit.builders import NOON, account, commit, decided, oid, policy, pull_request
from tests.unit.commands.asking import Outcome, outcome_of

HEAD = oid("head")
FACTS = replace(
    pull_request(commits=[commit("head", co_authors=["ben"])]),
    unauthorised=(Unauthorised(12, "landing", "It went around.", account("erin"), NOON),),
)
RULES = replace(policy(people=[("erin", "erin-admin")]), acknowledging=("security",))
WORDS = "/acknowledge 12 Hotfix of incident 4711"


def said(
    text: str,
    who: str = "dana",
    *,
    teams: tuple[str, ...] = ("acme/appsec",),
    facts: PullRequestFacts = FACTS,
    rules: object = RULES,
    on_the_page: bool = True,
    kind: AccountKind = AccountKind.USER,
) -> Outcome:
    giver = replace(account(who), kind=kind)
    request = Pending(1, "pull:77:7", 5, giver, text, NOON)
    standing = Standing(giver, Permission.WRITE, teams)
    change = Change(facts, rules)  # type: ignore[arg-type]
    outcome = outcome_of(request, standing, decided(facts), change, on_the_page=on_the_page)
    assert outcome is not None
    return outcome


def test_somebody_with_the_role_answers_for_an_unauthorised_change() -> None:
    outcome = said(WORDS)
    assert not outcome.refused
    assert outcome.deeds == (Acknowledgement(12, "Hotfix of incident 4711"),)
    assert said(WORDS.replace("12", "#12")).deeds == outcome.deeds


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (said(WORDS, teams=()), "Only somebody with the role security may acknowledge it."),
        (said(WORDS, kind=AccountKind.BOT), "Only somebody with the role security may acknowledge it."),
        (
            said(WORDS, "erin"),
            "Whoever went around the gate cannot acknowledge that. Only somebody with the role security",
        ),
        (said(WORDS.replace("12", "13")), "No unauthorised change of that number is open here."),
        (said("/acknowledge 12 because"), "Say which one and why, in a few words"),
        (said('/acknowledge 12 "" . -'), "Say which one and why, in a few words"),
        (said(WORDS, rules=policy()), "The policy names nobody who may acknowledge an unauthorised change."),
    ],
)
def test_nobody_else_does(outcome: Outcome, sentence: str) -> None:
    assert outcome.refused
    assert outcome.deeds == ()
    assert sentence in outcome.reply


def test_the_second_account_of_who_did_it_does_not_either() -> None:
    bound = replace(FACTS, names=(Named("erin", account("erin").id), Named("erin-admin", account("erin-admin").id)))
    outcome = said(WORDS, "erin-admin", facts=bound)
    assert outcome.refused
    assert "who did not do it may" in outcome.reply


def test_what_a_deploy_key_did_anybody_with_the_role_answers_for() -> None:
    nobody = replace(FACTS, unauthorised=(replace(FACTS.unauthorised[0], actor=None),))
    assert not said(WORDS, facts=nobody).refused


def test_who_is_named_as_co_author_can_disown_it() -> None:
    outcome = said(f"/disown {HEAD[:7].upper()}", "ben")
    assert outcome.deeds == (Disowned(HEAD, account("ben")),)


@pytest.mark.parametrize(
    ("text", "who", "sentence"),
    [
        ("/disown", "ben", "Say which commit"),
        (f"/disown {HEAD[:6]}", "ben", "That is no commit of this change"),
        ("/disown 0000000", "ben", "That is no commit of this change"),
        (f"/disown {HEAD[:7]}", "carl", "Only who is named as co-author"),
        (f"/disown {HEAD[:7]}", "ana", "Only who is named as co-author"),
    ],
)
def test_nobody_else_can(text: str, who: str, sentence: str) -> None:
    outcome = said(text, who)
    assert outcome.refused
    assert sentence in outcome.reply


def test_what_others_rely_on_is_not_taken_from_an_e_mail() -> None:
    outcome = said(WORDS, on_the_page=False)
    assert outcome.refused
    assert outcome.reply == BY_EMAIL.format(name="acknowledge")
    assert not said("/help", on_the_page=False).refused


@pytest.mark.parametrize(
    ("text", "comment", "weighty"),
    [(WORDS, 5, True), ("/help", 5, False), ("/disonw x", 5, False), ("recheck", None, False), ("Hello.", 5, False)],
)
def test_which_requests_are_looked_at_twice(text: str, comment: int | None, weighty: bool) -> None:
    assert is_weighty(Pending(1, "pull:77:7", comment, Account(1, "ana"), text, NOON)) is weighty
