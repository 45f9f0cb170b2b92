"""Who contributed, how that is known, and which traces lead to nobody."""

import pytest

from bot.decide.contributors import contributors, humans
from bot.decide.verdict import Verdict
from bot.facts.model import GitIdentity, PullRequestFacts, Signature
from bot.facts.people import people_of
from tests.unit.builders import (
    BY_GITHUB,
    GITHUB,
    account,
    approved,
    bot,
    commit,
    counts,
    decided,
    finding,
    found,
    identity,
    oid,
    policy,
    pull_request,
    pushed,
    stranger,
    web_flow,
    why,
)

SHORT = oid("head")[:7]


def because(facts: PullRequestFacts, login: str) -> tuple[str, ...]:
    people = people_of(facts, ())
    return contributors(facts, people).because.get(people.person(account(login)), ())


def unknown(facts: PullRequestFacts) -> tuple[str, ...]:
    return contributors(facts, people_of(facts, ())).unknown


def test_whoever_opens_the_pull_request_contributes() -> None:
    facts = pull_request(author="olga", commits=[commit(author="ana")])
    assert because(facts, "olga") == ("opened the pull request",)


def test_author_co_author_committer_and_pusher_contribute_each_with_the_commit() -> None:
    facts = pull_request(
        author="olga",
        commits=[commit(author="ana", co_authors=["carl"], committer="dora")],
        pushes=[pushed("pia")],
    )
    assert because(facts, "ana") == (f"author of {SHORT}",)
    assert because(facts, "carl") == (f"co-author of {SHORT}",)
    assert because(facts, "dora") == (f"committer of {SHORT}",)
    assert because(facts, "pia") == (f"pushed {SHORT}",)
    assert unknown(facts) == ()


def test_each_reason_is_told_once() -> None:
    facts = pull_request(author="ana", pushes=[pushed("ana"), pushed("ana")])
    assert because(facts, "ana") == (
        "opened the pull request",
        f"author of {SHORT}",
        f"pushed {SHORT}",
    )


def test_whoever_merges_the_base_into_the_branch_contributes() -> None:
    merge = commit("head", author="mira", merges="base")
    facts = pull_request(commits=[commit("first"), merge])
    assert merge.is_merge
    assert because(facts, "mira") == (f"author of {SHORT}",)


def test_github_as_committer_with_its_signature_is_nobody() -> None:
    facts = pull_request(commits=[commit(author="ana", committer=web_flow(), signature=BY_GITHUB)])
    assert unknown(facts) == ()
    assert humans(contributors(facts, people_of(facts, ())), people_of(facts, ())) == (frozenset({account("ana").id}),)


def test_github_is_known_by_its_address_where_the_account_is_not_linked() -> None:
    unlinked = GitIdentity("GitHub", "noreply@github.com", None)
    assert unknown(pull_request(commits=[commit(committer=unlinked, signature=BY_GITHUB)])) == ()


@pytest.mark.parametrize(
    "signature",
    [
        None,
        Signature(valid=False, state="INVALID", signer=GITHUB, by_github=True),
        Signature(valid=True, state="VALID", signer=account("ana"), by_github=False),
    ],
)
def test_github_as_committer_without_its_signature_is_unknown(signature: Signature | None) -> None:
    facts = pull_request(commits=[commit(committer=web_flow(), signature=signature)])
    assert unknown(facts) == (f"{SHORT} names GitHub as its committer, and no person.",)


def test_githubs_address_without_its_signature_is_unknown() -> None:
    forged = GitIdentity("GitHub", "noreply@github.com", None)
    [sentence] = unknown(pull_request(commits=[commit(committer=forged)]))
    assert sentence == f"The committer of {SHORT}, `noreply@github.com`, is linked to no GitHub account."


def test_github_as_author_names_no_person() -> None:
    facts = pull_request(commits=[commit(author=web_flow(), committer=web_flow(), signature=BY_GITHUB)])
    assert unknown(facts) == (f"{SHORT} names GitHub as its author, and no person.",)


def test_an_address_without_an_account_is_an_unknown_contributor() -> None:
    facts = pull_request(commits=[commit(author=stranger("ana@home.example"), committer="ana")])
    assert unknown(facts) == (f"The author of {SHORT}, `ana@home.example`, is linked to no GitHub account.",)


def test_a_co_author_without_an_account_is_an_unknown_contributor() -> None:
    facts = pull_request(commits=[commit(co_authors=[stranger("", "Nemo"), stranger("")])])
    assert unknown(facts) == (
        f"The co-author of {SHORT}, `Nemo`, is linked to no GitHub account.",
        f"The co-author of {SHORT}, `nameless`, is linked to no GitHub account.",
    )


def test_a_commit_without_author_or_committer_is_unknown() -> None:
    bare = commit()
    facts = pull_request(commits=[type(bare)(bare.oid, bare.headline, (), None, bare.parents)])
    assert unknown(facts) == (f"{SHORT} has no author.", f"{SHORT} has no committer.")


def test_a_pull_request_of_a_deleted_account_has_an_unknown_contributor() -> None:
    assert unknown(pull_request(author=None)) == ("The account that opened the pull request is gone.",)


@pytest.mark.parametrize("actor", [None, GITHUB])
def test_a_push_by_a_deploy_key_or_by_github_is_unknown(actor: None) -> None:
    facts = pull_request(pushes=[pushed(actor)])
    assert unknown(facts) == (f"{SHORT} was pushed with a deploy key, or by an account that GitHub does not name.",)


def test_a_head_that_nobody_is_on_record_to_have_pushed_is_unknown() -> None:
    facts = pull_request(pushes=[pushed("ana", "first")])
    assert unknown(facts) == (f"Nobody is on record as having pushed {SHORT}.",)


def test_bots_contribute_and_are_no_humans() -> None:
    facts = pull_request(author=bot("renovate[bot]"), pushes=[pushed(bot("renovate[bot]"))])
    people = people_of(facts, ())
    involved = contributors(facts, people)
    assert people.person(account("renovate[bot]")) in involved.because
    assert humans(involved, people) == (people.person(account("ana")),)


@pytest.mark.parametrize("tier", ["medium", "high"])
def test_from_tier_medium_an_unknown_contributor_blocks(tier: str) -> None:
    facts = pull_request(commits=[commit(author=stranger("x@y.example"))], reviews=[approved("ben")])
    decision = decided(facts, policy(tier=tier))
    assert decision.verdict is Verdict.FAIL
    assert found(decision, "identity").verdict is Verdict.FAIL
    assert found(decision, "identity").why == "Nobody can say that an approver is someone else."


def test_at_tier_low_an_unknown_contributor_is_noted() -> None:
    facts = pull_request(commits=[commit(author=stranger("x@y.example"))], reviews=[approved("ben")])
    decision = decided(facts, policy(tier="low"))
    assert decision.verdict is Verdict.PASS
    identity_ = found(decision, "identity")
    assert identity_.verdict is Verdict.PASS
    assert identity_.headline == "a contributor is unknown"
    assert "does not block" in identity_.why


def test_of_many_unknown_traces_five_are_told_and_the_rest_is_counted() -> None:
    strangers = [stranger(f"x{index}@y.example") for index in range(7)]
    facts = pull_request(commits=[commit(co_authors=strangers)])
    assert found(decided(facts), "identity").what.endswith("is linked to no GitHub account. And 2 more.")


def test_an_address_is_quoted_so_that_it_mentions_and_links_nobody() -> None:
    hostile = stranger("`@acme/everyone` <img src=x> [a](http://b)")
    [sentence] = unknown(pull_request(commits=[commit(author=hostile, committer="ana")]))
    assert "`'@acme/everyone' <img src=x> [a](http://b)`" in sentence


@pytest.mark.parametrize(
    "facts",
    [
        pull_request(author="ben", commits=[commit(author="ana")], reviews=[approved("ben")]),
        pull_request(commits=[commit(author="ben"), commit("later")], reviews=[approved("ben")]),
        pull_request(commits=[commit(co_authors=["ben"])], reviews=[approved("ben")]),
        pull_request(commits=[commit(committer="ben")], reviews=[approved("ben")]),
        pull_request(pushes=[pushed("ana"), pushed("ben", "first")], reviews=[approved("ben")]),
        pull_request(commits=[commit("first"), commit(author="ben", merges="base")], reviews=[approved("ben")]),
    ],
    ids=["opener", "author", "co-author", "committer", "pusher", "merge"],
)
def test_no_contributor_approves(facts: PullRequestFacts) -> None:
    decision = decided(facts)
    assert not counts(decision, "ben")
    assert why(decision, "ben").startswith("contributed to the change: ")
    assert decision.verdict is Verdict.WAIT
    separation = found(decision, "separation")
    assert separation.why == "The approval of @ben is not counted, since they contributed."
    assert separation.who == (account("ben"),)


def test_of_many_reasons_three_are_told_and_the_rest_is_counted() -> None:
    facts = pull_request(
        author="ben",
        commits=[commit("first", author="ben"), commit(author="ben")],
        pushes=[pushed("ben")],
        reviews=[approved("ben")],
    )
    first = oid("first")[:7]
    assert why(decided(facts), "ben") == (
        f"contributed to the change: opened the pull request, author of {first}, author of {SHORT} and 1 more"
    )


def test_the_people_of_a_change_are_listed_with_their_reasons() -> None:
    decision = decided(pull_request(reviews=[approved("ben")]))
    [first, second] = decision.people
    assert (first.accounts, first.role) == ((account("ana"),), "contributor")
    assert first.because[0] == "opened the pull request"
    assert (second.accounts, second.role) == ((account("ben"),), "approver")
    assert identity("ana").account == account("ana")
    assert finding(decision, "inventory") is None
