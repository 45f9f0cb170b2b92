"""Who is one person, and by which name they are shown."""

from dataclasses import replace

from bot.facts.model import Account, AccountKind, Push
from bot.facts.people import is_human, people_of
from tests.unit.builders import (
    GITHUB,
    account,
    approved,
    bot,
    commit,
    oid,
    pull_request,
    pushed,
    stranger,
)


def test_an_account_that_nobody_names_is_a_person_of_its_own() -> None:
    people = people_of(pull_request(), ())
    assert people.person(account("ana")) == frozenset({account("ana").id})
    assert people.name(people.person(account("ana"))) == "@ana"


def test_named_accounts_are_one_person_and_are_shown_together() -> None:
    people = people_of(pull_request(reviews=[approved("ANA-admin")]), [["ana", "ana-admin", "ana-old"]])
    assert people.person(account("ana")) == {account("ana").id, account("ANA-admin").id}
    names = people.name(people.person(account("ana")))
    assert names in {"@ana (also @ANA-admin)", "@ANA-admin (also @ana)"}


def test_sets_that_share_an_account_are_one_person() -> None:
    facts = pull_request(reviews=[approved("ben"), approved("cem")])
    people = people_of(facts, [["ana", "ben"], ["ben", "cem"]])
    assert people.person(account("ana")) == people.person(account("cem"))
    assert len(people.person(account("ben"))) == 3


def test_everybody_in_the_facts_is_seen() -> None:
    facts = pull_request(
        author="olga",
        commits=[commit(author="ana", co_authors=["carl", stranger("x@y.example")], committer="dora")],
        pushes=[pushed("pia"), pushed(None)],
        reviews=[approved("ben"), approved(None)],
        can={},
        teams={"tia": ()},
    )
    assert {each.login for each in people_of(facts, ()).accounts.values()} == {
        "olga", "ana", "carl", "dora", "pia", "ben", "tia",
    }  # fmt: skip


def test_a_commit_without_a_committer_names_nobody_else() -> None:
    facts = pull_request(commits=[replace(commit(), committer=None)])
    assert list(people_of(facts, ()).accounts) == [account("ana").id]


def test_a_renamed_account_is_one_account_and_shown_by_its_new_name() -> None:
    before = Account(account("ana").id, "ana-before")
    facts = pull_request(pushes=[Push(oid("head"), before)])
    people = people_of(facts, ())
    assert people.name(people.person(before)) == "@ana"


def test_the_policys_old_name_of_an_account_still_counts_where_the_facts_have_it() -> None:
    before = Account(account("ana").id, "ana-before")
    facts = pull_request(pushes=[Push(oid("head"), before)], reviews=[approved("ana-admin")])
    people = people_of(facts, [["ana-before", "ana-admin"]])
    assert people.person(account("ana")) == people.person(account("ana-admin"))


def test_only_users_are_human_and_github_itself_is_not() -> None:
    assert is_human(account("ana"))
    assert not is_human(bot("renovate[bot]"))
    assert not is_human(account("acme", AccountKind.OTHER))
    assert not is_human(GITHUB)


def test_accounts_are_known_by_their_number() -> None:
    assert Account(1, "ana") == Account(1, "renamed", AccountKind.BOT)
    assert Account(1, "ana") != Account(2, "ana")
