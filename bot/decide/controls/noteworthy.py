"""Approvals that count and that somebody should know of."""

from bot.decide.context import Context
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Review, TurnKind
from bot.words import listed, spoken


def look(context: Context) -> Finding | None:
    """Report quick approvals of large changes, a pair who only approve each other, and words changed afterwards.

    It never blocks: how people work together is for people to judge.
    """
    counted = {each.review for each in context.tally.reviews if each.counts_for is not None}
    reviews = [review for review in context.facts.reviews if review.id in counted]
    told = [*_quick(context, reviews), *_pair(context), *_edited(context)]
    if not told:
        return None
    return Finding(
        id="noteworthy-reviews",
        verdict=Verdict.PASS,
        headline="reviews worth a look",
        what=" ".join(told),
        why="This is reported and does not block.",
    )


def _quick(context: Context, reviews: list[Review]) -> list[str]:
    rules, facts = context.policy.reviews, context.facts
    if facts.lines_changed <= rules.large:
        return []
    ready = [turn.at for turn in facts.turns if turn.kind is TurnKind.READY]
    begun = [facts.created_at, *ready, *([facts.head_seen_at] if facts.head_seen_at else [])]
    sentences = []
    for review in reviews:
        waited = review.submitted_at - max((at for at in begun if at <= review.submitted_at), default=facts.created_at)
        if review.author is not None and waited <= rules.quick:
            sentences.append(
                f"@{review.author.login} approved {facts.lines_changed:,} changed lines {spoken(waited)} after there "
                "was something to review."
            )
    return sentences


def _pair(context: Context) -> list[str]:
    only, author = context.facts.only_approver, context.facts.author
    if only is None or author is None or author.id == only.id:
        return []
    people = context.people
    if people.person(only) not in context.tally.approvers:
        return []
    approver, proposer = people.name(people.person(only)), people.name(people.person(author))
    times = f"{context.policy.reviews.pair} times or more"
    return [f"For 90 days nobody but {approver} has approved what {proposer} proposed ({times})."]


def _edited(context: Context) -> list[str]:
    """The state of a review counts and not its words, but who changed them afterwards is on record."""
    changed = [each for each in context.facts.reviews if each.edited_at is not None and each.author is not None]
    return [
        f"The words of the review of @{review.author.login} were changed afterwards by {_editor(review)}."
        for review in changed
        if review.author is not None
    ]


def _editor(review: Review) -> str:
    return listed([f"@{review.edited_by.login}"]) if review.edited_by else "an account that is gone"
