"""Reviews as votes: what of them is put on record, what is taken back, and why another is none."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from bot.changes import cab, reviews
from bot.changes.cab import Outcome
from bot.changes.context import Context
from bot.changes.findings import said_of
from bot.changes.lifecycle import apply
from bot.changes.model import Act, Applied, Change, Choice, Event, Part, Refused, Request, State, Vote
from bot.decide.approvals import Opinion
from bot.facts.model import Account, Review, ReviewState
from bot.policy.model import Above, ChangeType, Policy, Tier
from tests.unit.builders import account, bot, oid
from tests.unit.changes.builders import (
    BOARD,
    MONDAY,
    approved,
    ask,
    asked,
    context,
    done,
    draft,
    refused,
    rules,
    standings,
    vote,
)

BASE = rules()
HIGH = BASE.tiers[Tier.HIGH]
assert HIGH.cab is not None
TAKEN: Policy = replace(BASE, tiers={**BASE.tiers, Tier.HIGH: replace(HIGH, cab=replace(HIGH.cab, reviews=True))})
APPROVED, AGAINST, DISMISSED = ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED
_NUMBERS = count(1)


def said(
    who: str | Account,
    state: ReviewState = APPROVED,
    minute: float = 1,
    *,
    text: str = "",
    reason: str = "",
    id_: int = 0,
) -> Opinion:
    """What somebody last said in a review, so many minutes after the board was asked."""
    author = account(who) if isinstance(who, str) else who
    at = MONDAY + timedelta(minutes=minute)
    review = Review(id_ or next(_NUMBERS), author, state, oid("head"), at, text=text)
    return Opinion(review, author, reason)


def hearing(*opinions: Opinion, minute: int = 60, **more: Any) -> Context:
    """What is known an hour after the board was asked, with what people last said in reviews."""
    return context(MONDAY + timedelta(minutes=minute), **{"policy": TAKEN, "opinions": opinions, **more})


def looked(change: Change, where: Context) -> Change:
    """The change after a look at its reviews."""
    for find in (reviews.votes, reviews.withdrawals):
        for event in find(change, where):
            applied = apply(change, event, where)
            change = applied.change if isinstance(applied, Applied) else change
    return change


def standing(change: Change, where: Context | None = None) -> dict[str, str]:
    """Whose vote counts for what."""
    counted = cab.count(change, (where or hearing()).standings, TAKEN)
    return {each.vote.by.login: each.vote.choice.value for each in counted.votes if not each.reason}


def test_who_approves_votes_for_it_and_who_requests_changes_votes_against_it() -> None:
    change = looked(
        asked(),
        hearing(
            said("ida", minute=5, id_=7),
            said("rick", AGAINST, 6, text="Nobody has tried it."),
            said("cora", AGAINST, text="."),
        ),
    )
    assert [(each.by.login, each.choice, each.reason, each.review) for each in change.votes[:2]] == [
        ("ida", Choice.APPROVE, "approved the pull request", 7),
        ("rick", Choice.REJECT, "Nobody has tried it.", change.votes[1].review),
    ]
    assert change.votes[2].reason == "requested changes"
    assert [each.at for each in change.votes] == [MONDAY + timedelta(minutes=minute) for minute in (5, 6, 1)]
    assert {each.diff for each in change.votes} == {"first"}


def test_a_review_gives_its_vote_once() -> None:
    where = hearing(said("ida"))
    once = looked(asked(), where)
    assert reviews.votes(once, where) == reviews.withdrawals(once, where) == ()
    assert looked(once, replace(where, now=where.now + timedelta(hours=1))) == once


def test_where_the_policy_does_not_say_so_and_before_the_board_is_asked_no_review_is_a_vote() -> None:
    where = hearing(said("ida"))
    assert reviews.votes(asked(), replace(where, policy=BASE)) == ()
    assert reviews.votes(draft(), where) == ()
    nobody = replace(BASE, tiers={**BASE.tiers, Tier.HIGH: replace(HIGH, cab=None)})
    assert reviews.votes(asked(), replace(where, policy=nobody)) == ()


def test_what_was_said_of_another_state_of_the_change_is_no_vote() -> None:
    old = said("ida", reason="it was given for 1111111; the head is 2222222 now")
    assert looked(asked(), hearing(old)).votes == ()
    assert reviews.no_votes(asked(), hearing(old)) == (
        "The review of @ida is no vote: it was given for 1111111; the head is 2222222 now.",
    )


@pytest.mark.parametrize("later", [Choice.REJECT, Choice.APPROVE, Choice.DEFER])
def test_what_somebody_said_after_their_review_stands(later: Choice) -> None:
    spoken = done(asked(), replace(vote("ida", later), said_at=MONDAY + timedelta(minutes=9)), hearing())
    where = hearing(said("ida", AGAINST if later is Choice.APPROVE else APPROVED, 5))
    assert looked(spoken, where) == spoken
    assert reviews.no_votes(spoken, where) == (
        "The review of @ida is no vote: a later vote of the same person stands.",
    )
    newer = looked(spoken, hearing(said("ida", AGAINST if later is Choice.APPROVE else APPROVED, 10)))
    assert standing(newer) == {"ida": "reject" if later is Choice.APPROVE else "approve"}


def test_what_was_written_before_a_review_and_heard_after_it_does_not_stand() -> None:
    heard = looked(asked(), hearing(said("ida", AGAINST, 5)))
    late = done(heard, replace(vote("ida"), said_at=MONDAY + timedelta(minutes=3)), hearing())
    assert standing(late) == {"ida": "reject"}
    assert len(late.votes) == 2


def test_what_was_said_after_the_moment_of_a_look_is_heard_after_it() -> None:
    # A comment is acted on as of when it was written: whoever changed their mind since did that after it.
    later = said("ida", AGAINST, 65)
    written = done(asked(), vote("ida"), hearing(later, minute=60))
    assert reviews.votes(asked(), hearing(later, minute=60)) == ()
    assert standing(looked(written, hearing(later, minute=66))) == {"ida": "reject"}
    # GitHub's clock may be a little ahead.
    assert standing(looked(asked(), hearing(later, minute=64))) == {"ida": "reject"}


def test_what_somebody_said_in_an_earlier_round_is_not_overridden_by_an_older_review() -> None:
    first = looked(asked(), hearing(said("ida", minute=1, id_=5)))
    spoken = done(first, replace(vote("ida", Choice.DEFER), said_at=MONDAY + timedelta(minutes=9)), hearing())
    again = replace(spoken, round=2)
    assert reviews.votes(again, hearing(said("ida", minute=1, id_=5))) == ()
    # Who said nothing since votes by the same review in the next round.
    heard = looked(replace(first, round=2), hearing(said("ida", minute=1, id_=5)))
    assert [each.round for each in heard.votes] == [1, 2]
    assert standing(heard) == {"ida": "approve"}


@pytest.mark.parametrize(
    ("later", "because"),
    [
        (
            [said("ida", DISMISSED, 5, reason="it was dismissed", id_=70)],
            "The review that it was given by was dismissed.",
        ),
        ([], "The review that it was given by is gone."),
        (
            [said("ida", AGAINST, 6, reason="the commit that it was given for is gone")],
            "Whoever gave it requests changes now.",
        ),
    ],
)
def test_an_approval_that_does_not_stand_any_more_takes_its_vote_back(later: list[Opinion], because: str) -> None:
    others = [said("rick", minute=1), said("cora", minute=2)]
    given = looked(asked(), hearing(said("ida", minute=5, id_=70), *others))
    assert cab.count(given, hearing().standings, TAKEN).outcome is Outcome.APPROVED
    where = hearing(*later, *others)
    [event] = reviews.withdrawals(given, where)
    assert event == Event(Act.WITHDRAW, None, because, review=70)
    taken = apply(given, event, where)
    assert isinstance(taken, Applied)
    assert (taken.transition.act, taken.transition.who, taken.transition.why) == (Act.WITHDRAW, None, because)
    change = taken.change
    assert change.votes[:-1] == given.votes, "every vote stays on record"
    assert change.votes[-1] == replace(given.votes[0], choice=Choice.WITHDRAW, reason=because)
    counted = cab.count(change, where.standings, TAKEN)
    assert (counted.outcome, counted.approvals, counted.unsigned) == (Outcome.OPEN, 2, ("it-manager",))
    assert looked(change, where) == change, "it is taken back once"
    # Whoever it was votes again, with words that came before the look.
    again = done(change, replace(vote("ida"), said_at=MONDAY + timedelta(minutes=8)), where)
    assert cab.count(again, where.standings, TAKEN).outcome is Outcome.APPROVED


def test_who_requests_changes_after_approving_votes_against_it() -> None:
    given = looked(asked(), hearing(said("ida", minute=1)))
    where = hearing(said("ida", AGAINST, 2, text="The schema does not fit."))
    changed = looked(given, where)
    assert [each.choice for each in changed.votes] == [Choice.APPROVE, Choice.REJECT]
    assert standing(changed) == {"ida": "reject"}


def test_that_somebody_requests_changes_takes_their_approval_back_though_it_is_no_vote() -> None:
    given = looked(asked(), hearing(said("ida", minute=1)))
    where = hearing(said("ida", AGAINST, 2, reason="it was given before the pull request was opened again"))
    assert standing(looked(given, where)) == {"ida": "withdraw"}


def test_a_rejection_is_not_dismissed_by_others() -> None:
    given = looked(asked(), hearing(said("rick", AGAINST, 1, id_=3)))
    gone = hearing(said("rick", DISMISSED, 1, reason="it was dismissed", id_=3))
    assert looked(given, gone) == given
    lifted = looked(given, hearing(said("rick", APPROVED, 2)))
    assert standing(lifted) == {"rick": "approve"}


def test_a_vote_with_cab_is_not_taken_back_by_a_dismissal() -> None:
    given = looked(asked(), hearing(said("ida", minute=1, id_=3)))
    spoken = done(given, replace(vote("ida"), said_at=MONDAY + timedelta(minutes=2)), hearing())
    assert looked(spoken, hearing(said("ida", DISMISSED, 1, reason="it was dismissed", id_=3))) == spoken


def test_an_approval_that_was_taken_back_revives_no_earlier_vote() -> None:
    before = done(asked(), replace(vote("ida"), said_at=MONDAY), hearing())
    given = looked(before, hearing(said("ida", minute=1, id_=3)))
    taken = looked(given, hearing(said("ida", DISMISSED, 1, reason="it was dismissed", id_=3)))
    assert standing(taken) == {"ida": "withdraw"}


def test_an_approval_is_taken_back_when_the_time_to_vote_is_over() -> None:
    given = looked(asked(), hearing(said("ida", minute=1, id_=3)))
    late = hearing(said("ida", DISMISSED, 1, reason="it was dismissed", id_=3), minute=60 * 30)
    assert standing(looked(given, late)) == {"ida": "withdraw"}


def test_of_two_accounts_of_one_person_the_later_review_stands() -> None:
    people = standings({**BOARD, "cleo-admin": ("acme/cab",)})
    where = hearing(said("cleo", minute=1, id_=1), standings=people)
    given = looked(asked(where=hearing(minute=0, standings=people)), where)
    both = looked(given, hearing(said("cleo-admin", AGAINST, 2, id_=2), standings=people))
    assert standing(both, where) == {"cleo-admin": "reject"}


@pytest.mark.parametrize("minute", [-1, 0])
def test_a_review_from_before_the_board_was_asked_is_no_vote_and_that_is_said(minute: int) -> None:
    """GitHub tells whole seconds: within one, nobody can tell which came first."""
    where = hearing(said("cleo", minute=minute))
    assert standing(looked(asked(), where)) == {}
    [told] = reviews.no_votes(asked(), where)
    assert told == "The review of @cleo is no vote: it was given before the board was asked."


def test_whoever_reviewed_one_pull_request_of_a_release_has_not_voted_for_it() -> None:
    both = (Part("pull:77:7"), Part("pull:77:8"))
    assert standing(looked(asked(), hearing(said("cleo"), parts=both))) == {}


def test_nobody_withdraws_by_hand_nor_what_does_not_stand() -> None:
    given = looked(asked(), hearing(said("ida", minute=1, id_=3)))
    by_hand = Event(Act.WITHDRAW, account("ida"), "Never mind.", review=3)
    assert "nobody does it by hand" in refused(given, by_hand, hearing()).what
    nothing = Refused("No vote stands that this review gave.")
    for review in (None, 4):
        assert refused(given, Event(Act.WITHDRAW, None, "Gone.", review=review), hearing()) == nothing
    assert refused(given, Event(Act.WITHDRAW, None, review=3), hearing()).what == "A reason is needed."
    cast = Event(Act.VOTE, account("ida"), "Never mind.", choice=Choice.WITHDRAW)
    assert refused(given, cast, hearing()).what == "A vote is a person's, and says approve, reject or defer."
    assert refused(asked(), Event(Act.WITHDRAW, None, "Gone.", review=3), hearing()) == nothing


@pytest.mark.parametrize(
    ("who", "because"),
    [
        ("ana", "@ana contributed to the change"),
        ("cleo-admin", "@cleo-admin contributed to the change"),
        ("rosa", "@rosa asked for the change"),
        ("newt", "@newt came to the board after it was asked on 2027-01-04 12:00 UTC"),
        (bot("robot"), "@robot is a program"),
    ],
)
def test_who_has_no_vote_has_none_by_a_review_and_that_is_said(who: str | Account, because: str) -> None:
    member = who if isinstance(who, Account) else account(who)
    change = asked(done(draft(contributors=(account("ana"), account("cleo"))), ask("rosa")))
    people = (*standings(), replace(standings()[0], account=member, teams=("acme/cab",)))
    kept = tuple({each.account: each for each in people}.values())
    where = hearing(said(who), standings=kept)
    assert looked(change, where).votes == ()
    sentence = f"The review of @{member.login} is no vote: {because}."
    assert reviews.no_votes(change, where) == (sentence,)
    told = {each.id: each for each in said_of(change, where, (), ())}
    assert (told["change-record:reviews"].verdict, told["change-record:reviews"].what) == ("pass", sentence)


def test_of_whom_a_review_is_no_vote_nothing_is_said_who_is_on_no_board() -> None:
    where = hearing(said("vera"), said("ida", DISMISSED, reason="it was dismissed"), said("cleo"))
    change = looked(asked(), where)
    assert [each.by.login for each in change.votes] == ["cleo"]
    assert reviews.no_votes(change, where) == ()
    assert "change-record:reviews" not in {each.id for each in said_of(change, where, (), ())}
    assert reviews.no_votes(change, replace(where, policy=BASE)) == ()


def test_a_review_that_comes_too_late_is_no_vote() -> None:
    late = hearing(said("cleo", minute=60 * 24), minute=60 * 25)
    change = looked(approved(), late)
    assert len(change.votes) == 3
    assert reviews.no_votes(change, late) == ("The review of @cleo is no vote: the time to vote is over.",)


def test_a_review_that_was_given_in_time_is_a_vote_however_late_it_is_heard() -> None:
    change = looked(asked(), hearing(said("cleo", minute=60 * 24 - 1), minute=60 * 25))
    assert standing(change) == {"cleo": "approve"}


def test_who_was_asked_in_an_escalation_votes_by_a_review_too() -> None:
    people = standings({**BOARD, "dina": ("acme/directors",)})
    change = replace(asked(), escalation=Request(None, MONDAY, ("director",), (account("dina"),)))
    assert standing(looked(change, hearing(said("dina"), standings=people)), hearing(standings=people)) == {
        "dina": "approve"
    }


def test_an_emergencys_board_votes_by_reviews_where_the_policy_of_its_tier_says_so() -> None:
    declared = Event(Act.DECLARE, account("rosa"), "Payments are down since nine.", incident="INC0012345")
    where, before = hearing(said("cleo")), hearing(minute=0)
    change = done(done(done(draft(), declared, before), ask("rosa"), before), Event(Act.ASSESS), before)
    assert (change.state, change.contents.kind) == (State.AUTHORIZE, ChangeType.EMERGENCY)
    assert standing(looked(change, where)) == {"cleo": "approve"}


def test_a_board_that_votes_by_reviews_is_told_so() -> None:
    change = done(draft(), ask())
    found = apply(change, Event(Act.ASSESS), hearing())
    assert isinstance(found, Applied)
    assert found.announcement is not None
    assert found.announcement.text.endswith(
        "Vote with `/cab approve`, `/cab reject reason` or `/cab defer reason`, or review the pull request; "
        "`/change` shows the record."
    )


def test_the_last_word_is_that_of_now() -> None:
    people = cab.people_of_change(asked(), standings(), TAKEN)
    ida = people.person(account("ida"))
    at: datetime = MONDAY
    votes = tuple(
        Vote(account("ida"), choice, "So.", at + timedelta(minutes=minute), diff, round_)
        for choice, minute, diff, round_ in (
            (Choice.APPROVE, 3, "first", 1),
            (Choice.REJECT, 2, "first", 1),
            (Choice.DEFER, 3, "first", 1),
            (Choice.REJECT, 9, "second", 1),
            (Choice.REJECT, 9, "first", 2),
        )
    )
    assert cab.last_word(replace(asked(), votes=votes), ida, people) == votes[2]
    assert cab.last_word(asked(), ida, people) is None


# A repository's own file takes no rejection away, whoever it says is one person or has a role no more.


def test_what_one_account_rejects_in_a_review_is_not_taken_back_by_one_that_a_repository_joins_to_it() -> None:
    above = Above(TAKEN.roles, TAKEN.people)
    joined = replace(TAKEN, people=(*TAKEN.people, ("rick", "cleo")), above=above)
    where = hearing(said("rick", AGAINST, 5), policy=joined)
    spoken = done(
        asked(where=replace(where, now=MONDAY)), replace(vote("cleo"), said_at=MONDAY + timedelta(minutes=9)), where
    )
    change = looked(spoken, where)
    counted = cab.count(change, where.standings, joined)
    assert [each.login for each in counted.against] == ["rick"]
    assert reviews.no_votes(change, where) == ()
    approving = hearing(said("rick", minute=5), policy=joined)
    assert looked(spoken, approving) == spoken
    assert reviews.no_votes(spoken, approving) == (
        "The review of @rick is no vote: a later vote of the same person stands.",
    )


def test_whom_a_repository_takes_out_of_a_role_rejects_in_a_review_and_does_not_approve() -> None:
    roles = {**TAKEN.roles, "risk-officer": ("omar",)}
    narrowed = replace(TAKEN, roles=roles, above=Above(TAKEN.roles, TAKEN.people))
    where = hearing(said("rick", AGAINST, 5), policy=narrowed)
    change = looked(asked(where=replace(where, now=MONDAY)), where)
    assert [each.login for each in cab.count(change, where.standings, narrowed).against] == ["rick"]
    approving = hearing(said("rick", minute=5), policy=narrowed)
    assert looked(asked(where=replace(approving, now=MONDAY)), approving).votes == ()
