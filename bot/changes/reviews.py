"""Reviews of the pull request as votes of its board, where the policy takes them so (``cab.reviews``). Pure.

Who approves votes for the change, who requests changes votes against it, and the latest word of a person stands,
whether they said it in a review or with ``/cab``. An approval that does not stand any more takes its vote back. A
rejection stays until who gave it says otherwise: whoever may push can dismiss a review. No repository's file takes one
away either, as it takes none of ``/cab``.
"""

from datetime import timedelta

from bot.changes import cab
from bot.changes.context import Context
from bot.changes.model import Act, Change, Choice, Event, State
from bot.changes.plans import gives_reason
from bot.decide.approvals import Opinion
from bot.facts.model import ReviewState
from bot.facts.people import People
from bot.policy.model import Policy

_CHOICES = {ReviewState.APPROVED: Choice.APPROVE, ReviewState.CHANGES_REQUESTED: Choice.REJECT}
_WITHOUT_TEXT = {Choice.APPROVE: "approved the pull request", Choice.REJECT: "requested changes"}
_TAKEN_BACK = {
    ReviewState.DISMISSED: "The review that it was given by was dismissed.",
    ReviewState.CHANGES_REQUESTED: "Whoever gave it requests changes now.",
    None: "The review that it was given by is gone.",
}

CLOCKS_APART = timedelta(minutes=1)
"""How far GitHub's clock may be ahead of ours."""


def votes(change: Change, context: Context) -> tuple[Event, ...]:
    """The votes that reviews give and that are not on record yet; whether their givers have one, their guard says."""
    if not _are_votes(change, context):
        return ()
    on_record = _on_record(change)
    return tuple(
        _vote(each, change)
        for each in context.opinions
        if each.review.id not in on_record
        and not _is_to_come(each, context)
        and not _why_not(each, change, _people(change, context, each))
    )


def withdrawals(change: Change, context: Context) -> tuple[Event, ...]:
    """That votes to approve are taken back whose review does not stand any more."""
    authors = [each.author for each in context.opinions]
    people = cab.people_of_change(change, context.standings, context.policy, authors)
    states = {people.person(each.author): each.review.state for each in context.opinions}
    found: list[Event] = []
    for person in dict.fromkeys(people.person(vote.by) for vote in change.votes):
        last, state = cab.last_word(change, person, people), states.get(person)
        given = last is not None and last.review is not None and last.choice is Choice.APPROVE
        if last is not None and given and state is not ReviewState.APPROVED:
            found.append(Event(Act.WITHDRAW, why=_TAKEN_BACK[state], review=last.review))
    return tuple(found)


def no_votes(change: Change, context: Context) -> tuple[str, ...]:
    """A sentence for each review of somebody with a role of the board that is no vote, with the reason."""
    if not _are_votes(change, context):
        return ()
    on_record = _on_record(change)
    told: list[str] = []
    for each in context.opinions:
        who, state, judged = each.author, each.review.state, _judged(each, context)
        if state in _CHOICES and each.review.id not in on_record and cab.sits(who, change, context.standings, judged):
            people = _people(change, context, each)
            objection = cab.objection(who, change, context.standings, judged, people)
            reason = f"@{who.login} {objection}" if objection else _why_not(each, change, people)
            told.append(f"The review of @{who.login} is no vote: {reason or 'the time to vote is over'}.")
    return tuple(told)


def _are_votes(change: Change, context: Context) -> bool:
    """Whether the policy takes reviews so; who reviewed one pull request of a release has not approved the others."""
    board = change.contents.rules(context.policy).cab
    return board is not None and board.reviews and change.state is State.AUTHORIZE and len(context.parts) <= 1


def _is_to_come(opinion: Opinion, context: Context) -> bool:
    """Whether it was said after the moment of this look, which is that of a comment: the review is heard after it."""
    return opinion.review.submitted_at > context.now + CLOCKS_APART


def _vote(opinion: Opinion, change: Change) -> Event:
    review, choice = opinion.review, _CHOICES[opinion.review.state]
    return Event(
        Act.VOTE,
        opinion.author,
        review.text if gives_reason(review.text) else _WITHOUT_TEXT[choice],
        choice=choice,
        said_at=review.submitted_at,
        review=review.id,
        # A release of many pull requests takes no review for a vote.
        place=f"pull/{change.contents.pulls[0]}#pullrequestreview-{review.id}",
    )


def _on_record(change: Change) -> frozenset[int]:
    """The reviews that have given their vote in this round."""
    return frozenset(vote.review for vote in change.votes if vote.review is not None and vote.round == change.round)


def _why_not(opinion: Opinion, change: Change, people: People) -> str:
    """Why the review says nothing to this round, whoever gave it; empty when it does."""
    if opinion.reason:
        return opinion.reason
    review, person = opinion.review, people.person(opinion.author)
    # GitHub tells moments in whole seconds: in the second of the request, nobody can tell which came first.
    if change.request is not None and review.submitted_at <= change.request.at.replace(microsecond=0):
        # Whoever reviewed the code before has seen neither the plans nor the window that the board is asked about.
        return "it was given before the board was asked"
    later = [vote for vote in change.votes if people.person(vote.by) == person and vote.at > review.submitted_at]
    return "a later vote of the same person stands" if any(vote.review != review.id for vote in later) else ""


def _judged(opinion: Opinion, context: Context) -> Policy:
    """The policy by which it is told who says this: to say no, a repository's file takes from nobody."""
    return context.policy if opinion.review.state is ReviewState.APPROVED else context.policy.objecting


def _people(change: Change, context: Context, opinion: Opinion) -> People:
    return cab.people_of_change(change, context.standings, _judged(opinion, context), [opinion.author])
