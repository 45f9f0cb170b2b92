"""Whatever people do: nobody who contributed approves, more contributors never help, and names mean nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide.contributors import contributors
from bot.decide.evaluate import decide
from bot.decide.verdict import Decision, Verdict
from bot.facts.model import (
    Account,
    AccountKind,
    Branch,
    Commit,
    Disowned,
    GitIdentity,
    Mergeability,
    Named,
    Origin,
    Permission,
    PullRequestFacts,
    PullRequestState,
    Push,
    Repository,
    Review,
    ReviewState,
    Signature,
    Standing,
    Turn,
    TurnKind,
)
from bot.facts.people import Person, people_of
from bot.policy.model import (
    Application,
    Approvals,
    CarryOver,
    Mode,
    Policy,
    Reviews,
    Role,
    Separation,
    Tier,
    TierRules,
)
from tests.unit.builders import NOON, oid

ACCOUNTS = (*(Account(number, f"user-{number}") for number in range(1, 8)), Account(8, "tool", AccountKind.BOT))
COMMITS = tuple(oid(f"commit {number}") for number in range(5))
HEAD = COMMITS[-1]
SIGNATURES = (None, Signature(valid=True, state="VALID", signer=None, by_github=True))

CONTRIBUTING, ASKING = (Separation(frozenset({role, Role.APPROVER})) for role in (Role.CONTRIBUTOR, Role.REQUESTER))

people = st.sampled_from(ACCOUNTS)
# Who writes and who reviews overlap in the middle: both a pass and an attempt are common.
writers, reviewers = st.sampled_from(ACCOUNTS[:4]), st.sampled_from(ACCOUNTS[2:])


def mostly(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any], one_in: int = 8) -> st.SearchStrategy[Any]:
    """``rare`` once in so many times."""
    return st.integers(1, one_in).flatmap(lambda number: rare if number == one_in else usual)


moments = st.integers(0, 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
identities = mostly(
    writers.map(lambda who: GitIdentity(who.login, f"{who.login}@acme.example", who)),
    st.just(GitIdentity("Nobody", "nobody@elsewhere.example", None)),
    one_in=30,
)


@st.composite
def commits(draw: st.DrawFn, name: str) -> Commit:
    parents = draw(st.integers(1, 2))
    return Commit(
        name,
        "A commit",
        tuple(draw(st.lists(identities, min_size=1, max_size=2))),
        draw(identities),
        tuple(oid(f"parent {number} of {name}") for number in range(parents)),
        draw(st.sampled_from(SIGNATURES)),
        draw(mostly(st.just(()), st.just((oid("old"),)))),
    )


@st.composite
def reviews(draw: st.DrawFn, number: int) -> Review:
    return Review(
        number,
        draw(mostly(reviewers, st.one_of(people, st.none()))),
        draw(mostly(st.just(ReviewState.APPROVED), st.sampled_from(ReviewState), one_in=3)),
        draw(mostly(st.just(HEAD), st.sampled_from((*COMMITS, None)), one_in=3)),
        draw(moments),
    )


@st.composite
def changes(draw: st.DrawFn) -> PullRequestFacts:
    made = tuple(draw(commits(name)) for name in draw(st.sampled_from((COMMITS, COMMITS[-2:], COMMITS[-1:]))))
    standings = [
        Standing(
            who,
            draw(mostly(st.just(Permission.WRITE), st.sampled_from(Permission))),
            tuple(draw(st.sets(st.sampled_from(["acme/appsec", "acme/release"])).map(sorted))),
        )
        for who in ACCOUNTS
    ]
    pushes = draw(st.lists(st.builds(Push, st.sampled_from(COMMITS), writers), max_size=3))
    pushes += draw(mostly(st.builds(Push, st.just(HEAD), writers).map(lambda push: [push]), st.just([])))
    pushes += draw(mostly(st.just([]), st.builds(Push, st.sampled_from(COMMITS), st.none()).map(lambda push: [push])))
    return PullRequestFacts(
        repository=Repository(77, "acme", "ledger"),
        number=7,
        title="A change",
        body="",
        state=PullRequestState.OPEN,
        draft=False,
        author=draw(mostly(writers, st.one_of(people, st.none()))),
        created_at=NOON,
        base=Branch("main", oid("base"), 77),
        head=Branch("change", HEAD, 77),
        mergeability=Mergeability.MERGEABLE,
        additions=10,
        deletions=1,
        commits=made,
        reviews=tuple(draw(reviews(number)) for number in range(draw(st.integers(0, 7)))),
        pushes=tuple(pushes),
        standings=tuple(standings),
        turns=tuple(draw(mostly(st.just([]), st.lists(st.builds(Turn, st.sampled_from(TurnKind), moments)), one_in=4))),
        assigned=tuple(draw(st.sets(people, max_size=2).map(sorted))),
        clean_merges=tuple(each.oid for each in made if each.is_merge and draw(st.booleans())),
        same_diff=tuple(draw(st.sets(st.sampled_from(COMMITS[:-1])).map(sorted))),
        origins=tuple(Origin(name, (draw(identities),)) for name in (oid("old"), oid("older"))),
        disowned=tuple(draw(st.lists(st.builds(Disowned, st.sampled_from(COMMITS), people), max_size=2))),
        requesters=tuple(draw(mostly(st.just(()), st.sets(reviewers, max_size=2).map(sorted), one_in=3))),
        waiving=tuple(draw(mostly(st.just(()), st.sets(reviewers, max_size=2).map(sorted), one_in=4))),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    groups = st.sampled_from([("write",), ("security",), ("write", "security"), ("officer",)])
    demands = draw(st.lists(st.builds(Approvals, mostly(st.just(1), st.just(2)), groups), min_size=1, max_size=2))
    tier = draw(st.sampled_from(Tier))
    return Policy(
        mode=Mode.ENFORCE,
        tiers=dict.fromkeys(Tier, TierRules(tuple(demands))),
        roles={"security": ("acme/appsec",), "officer": ("user-1", "user-2", "acme/release")},
        people=draw(st.sampled_from([(), (("user-1", "user-2"),), (("user-1", "user-2"), ("user-3", "user-4"))])),
        applications=(Application("payments", ("ledger",), tier),),
        reviews=Reviews(carry_over=draw(st.sampled_from(CarryOver))),
        separation=draw(st.sampled_from([(CONTRIBUTING,), (CONTRIBUTING, ASKING)])),
    )


def approving(facts: PullRequestFacts, policy: Policy, decision: Decision) -> set[Person]:
    known = people_of(facts, policy.people)
    return {known.person(each.account) for each in decision.reviews if each.counts_for is not None and each.account}


def test_what_is_generated_passes_and_is_refused_often_enough_to_show_anything() -> None:
    verdicts: list[Verdict] = []
    refused: list[bool] = []

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(changes(), policies())
    def look(facts: PullRequestFacts, policy: Policy) -> None:
        decision = decide(facts, policy, NOON)
        verdicts.append(decision.verdict)
        refused.append(any("contributed to the change" in each.reason for each in decision.reviews))

    look()
    assert verdicts.count(Verdict.PASS) > len(verdicts) / 20
    assert sum(refused) > len(refused) / 20


@settings(max_examples=400, deadline=None)
@given(changes(), policies())
def test_no_counted_approval_belongs_to_a_contributor(facts: PullRequestFacts, policy: Policy) -> None:
    decision = decide(facts, policy, NOON)
    involved = contributors(facts, people_of(facts, policy.people))
    assert not approving(facts, policy, decision) & set(involved.because)


@settings(max_examples=400, deadline=None)
@given(changes(), policies())
def test_no_counted_approval_belongs_to_who_asked_where_that_is_kept_apart(
    facts: PullRequestFacts, policy: Policy
) -> None:
    apart = replace(policy, separation=(CONTRIBUTING, ASKING))
    known = people_of(facts, policy.people)
    asked = {known.person(each) for each in (*facts.requesters, *facts.waiving)}
    assert not approving(facts, apart, decide(facts, apart, NOON)) & asked


@settings(max_examples=400, deadline=None)
@given(changes(), policies())
def test_one_more_pair_kept_apart_never_makes_a_decision_pass(facts: PullRequestFacts, policy: Policy) -> None:
    before = decide(facts, replace(policy, separation=(CONTRIBUTING,)), NOON)
    after = decide(facts, replace(policy, separation=(CONTRIBUTING, ASKING)), NOON)
    if after.verdict is Verdict.PASS:
        assert before.verdict is Verdict.PASS


@settings(max_examples=400, deadline=None)
@given(changes(), policies())
def test_every_counted_approval_is_of_another_person_who_is_human(facts: PullRequestFacts, policy: Policy) -> None:
    decision = decide(facts, policy, NOON)
    counted = [each.account for each in decision.reviews if each.counts_for is not None]
    known = people_of(facts, policy.people)
    assert all(each is not None and each.kind is AccountKind.USER for each in counted)
    assert len({known.person(each) for each in counted if each is not None}) == len(counted)


def more(facts: PullRequestFacts, who: Account, how: int) -> PullRequestFacts:
    """The change with ``who`` as one more contributor, in one of the ways to become one."""
    theirs = GitIdentity(who.login, f"{who.login}@acme.example", who)
    match how:
        case 0:
            return replace(facts, pushes=(*facts.pushes, Push(HEAD, who)))
        case 1:
            extra = Commit(oid("more"), "One more", (theirs,), theirs, (oid("base"),))
            return replace(facts, commits=(extra, *facts.commits))
        case _:
            extra = replace(facts.commits[0], oid=oid("more"), authors=(*facts.commits[0].authors, theirs))
            return replace(facts, commits=(extra, *facts.commits))


@settings(max_examples=400, deadline=None)
@given(changes(), policies(), people, st.integers(0, 2))
def test_one_more_contributor_never_makes_a_decision_pass(
    facts: PullRequestFacts, policy: Policy, who: Account, how: int
) -> None:
    # Somebody must be on record as having pushed the head, or one more push would make an unknown pusher known.
    facts = replace(facts, pushes=(*facts.pushes, Push(HEAD, ACCOUNTS[0])))
    before, after = decide(facts, policy, NOON), decide(more(facts, who, how), policy, NOON)
    if after.verdict is Verdict.PASS:
        assert before.verdict is Verdict.PASS


@settings(max_examples=300, deadline=None)
@given(changes(), policies(), people)
def test_one_membership_less_never_makes_a_decision_pass(facts: PullRequestFacts, policy: Policy, who: Account) -> None:
    fewer = [
        replace(each, permission=Permission.NONE, teams=()) if each.account == who else each for each in facts.standings
    ]
    # Who asks for changes and loses their say takes it with them, as on GitHub.
    facts = replace(
        facts, reviews=tuple(each for each in facts.reviews if each.state is not ReviewState.CHANGES_REQUESTED)
    )
    before = decide(facts, policy, NOON)
    after = decide(replace(facts, standings=tuple(fewer)), policy, NOON)
    if after.verdict is Verdict.PASS:
        assert before.verdict is Verdict.PASS


def renamed(facts: PullRequestFacts, names: Mapping[int, str]) -> PullRequestFacts:
    """The same change in which accounts have other logins."""

    def account(who: Account | None) -> Account | None:
        return None if who is None else Account(who.id, names[who.id], who.kind)

    def git(who: GitIdentity | None) -> GitIdentity | None:
        return None if who is None else replace(who, account=account(who.account))

    def all_of(found: Sequence[GitIdentity]) -> tuple[GitIdentity, ...]:
        return tuple(each for each in map(git, found) if each is not None)

    return replace(
        facts,
        author=account(facts.author),
        commits=tuple(
            replace(each, authors=all_of(each.authors), committer=git(each.committer)) for each in facts.commits
        ),
        reviews=tuple(replace(each, author=account(each.author)) for each in facts.reviews),
        pushes=tuple(Push(each.after, account(each.actor)) for each in facts.pushes),
        standings=tuple(
            replace(each, account=Account(each.account.id, names[each.account.id], each.account.kind))
            for each in facts.standings
        ),
        assigned=tuple(Account(each.id, names[each.id], each.kind) for each in facts.assigned),
        origins=tuple(replace(each, authors=all_of(each.authors)) for each in facts.origins),
        disowned=tuple(
            Disowned(each.commit, Account(each.account.id, names[each.account.id])) for each in facts.disowned
        ),
        requesters=tuple(Account(each.id, names[each.id], each.kind) for each in facts.requesters),
        waiving=tuple(Account(each.id, names[each.id], each.kind) for each in facts.waiving),
    )


@settings(max_examples=300, deadline=None)
@given(changes(), policies(), st.permutations([account.id for account in ACCOUNTS]))
def test_renaming_accounts_changes_nothing(facts: PullRequestFacts, policy: Policy, order: list[int]) -> None:
    bound = tuple(Named(each.login, each.id) for each in ACCOUNTS)
    facts = replace(facts, names=bound)
    # Even logins that change hands: what the policy named is known by number.
    names = {number: f"new-name-{place}" for place, number in enumerate(order)}
    before, after = decide(facts, policy, NOON), decide(renamed(facts, names), policy, NOON)
    assert before.verdict is after.verdict
    assert [(each.review, each.counts_for) for each in before.reviews] == [
        (each.review, each.counts_for) for each in after.reviews
    ]


@settings(max_examples=200, deadline=None)
@given(changes(), policies())
def test_taking_an_approval_away_never_makes_a_decision_pass(facts: PullRequestFacts, policy: Policy) -> None:
    before = decide(facts, policy, NOON)
    for number, review in enumerate(facts.reviews):
        if review.state is ReviewState.APPROVED:
            without = tuple(each for place, each in enumerate(facts.reviews) if place != number)
            # What it took the place of would stand again: an approval is withdrawn by being dismissed.
            dismissed = replace(review, state=ReviewState.DISMISSED)
            after = decide(replace(facts, reviews=(*without, dismissed)), policy, NOON)
            assert after.verdict is not Verdict.PASS or before.verdict is Verdict.PASS
