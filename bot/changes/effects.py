"""What happens to a record besides its state, for each event that is let through. Pure."""

from collections.abc import Callable
from dataclasses import replace

from bot.changes import cab, emergency, planning, release, verification
from bot.changes.context import Context
from bot.changes.model import (
    Authorisation,
    Change,
    Choice,
    Contents,
    Decided,
    Declaration,
    Event,
    Request,
    Retrospective,
    Round,
    State,
    Vote,
)
from bot.deployments.windows import Interval
from bot.facts.model import Account
from bot.facts.people import GHOST
from bot.policy.model import ChangeType

Effect = Callable[[Change, Event, Context], Change]


def take_contents(change: Change, event: Event, context: Context) -> Change:
    """The record says what the change is now."""
    assert event.contents is not None
    moved_at = context.now if event.rescheduled else change.rescheduled_at
    return replace(change, contents=event.contents, rescheduled_at=moved_at)


def back(change: Change, _event: Event, _context: Context) -> Change:
    """Nothing is authorised any more, and no board has a time to decide in."""
    return replace(change, authorisation=None, deadline=None, escalation=None)


def lapse(change: Change, event: Event, context: Context) -> Change:
    """The time that it was authorised for is over, and its board is to be asked anew."""
    given, window = change.authorisation, change.contents.window
    ends = emergency.lane_ends(change, context.policy)
    if given is not None and ends is not None and context.now >= ends:
        window = Interval(given.at, ends)
    return replace(back(change, event, context), lapsed=window)


def give_up(change: Change, event: Event, context: Context) -> Change:
    """Nothing is authorised any more; what it was about may have gone into another record."""
    given_up = replace(back(change, event, context), closed_by=event.who, closed_at=context.now)
    return replace(given_up, successor=event.successor, notes=event.why)


def abandon(change: Change, event: Event, context: Context) -> Change:
    """There is nothing any more that it would be about."""
    return replace(give_up(change, event, context), abandoned=True)


def revise(change: Change, event: Event, context: Context) -> Change:
    """What was asked of a board is not asked of it any more: whoever wants the change as it is now asks again."""
    asked = change.state in {State.AUTHORIZE, State.SCHEDULED} and change.contents.routing.has_board
    revised = back(take_contents(change, event, context), event, context)
    return replace(revised, request=None) if asked else revised


def declare(change: Change, event: Event, context: Context) -> Change:
    """The change is an emergency, which its own board decides about."""
    assert event.who is not None
    routed = cab.routing(context.policy, change.contents.tier, ChangeType.EMERGENCY)
    urgent = replace(change.contents, kind=ChangeType.EMERGENCY, routing=routed, template="", scheduled=False)
    contents = replace(urgent, window=planning.next_free(urgent, context.policy, context.now, ()))
    declared = Declaration(event.who, context.now, event.why, event.incident)
    asked = replace(change, contents=contents, emergency=declared, requesters=_with(change.requesters, event.who))
    return back(asked, event, context)


def submit(change: Change, event: Event, context: Context) -> Change:
    """The board as it is now is asked; whoever asks has no vote on it."""
    roles = change.contents.routing.roles
    asked = cab.asking(event.who, context.now, roles, context.standings, context.policy)
    requesters = change.requesters if event.who is None else _with(change.requesters, event.who)
    return replace(change, request=asked, requesters=requesters)


def _with(accounts: tuple[Account, ...], another: Account) -> tuple[Account, ...]:
    return tuple(sorted({*accounts, another}))


def ask_board(change: Change, event: Event, context: Context) -> Change:
    """A new round of asking begins, with its time to decide in, and a window after that."""
    asked = replace(change, request=_asked_anew(change, context), lapsed=None)
    again = replace(asked, round=change.round + 1, called_at=context.now, deadline=None, escalation=None)
    return longer(again, event, context) if change.contents.routing.has_board else again


def _asked_anew(change: Change, context: Context) -> Request | None:
    """The request; where nobody has asked since an authorisation lapsed, it is put to the board as it is now."""
    request, over = change.request, change.lapsed
    if request is None or over is None or request.at >= over.end:
        return request
    return cab.asking(request.by, context.now, request.roles, context.standings, context.policy)


def vote(change: Change, event: Event, context: Context) -> Change:
    """A vote more is on record, for the diff and the round of now."""
    assert event.who is not None
    assert event.choice is not None
    at = event.said_at or context.now
    diff = change.contents.diff
    vote = Vote(event.who, event.choice, event.why, at, diff, change.round, event.review, event.place)
    return replace(change, votes=(*change.votes, vote))


def withdraw(change: Change, event: Event, context: Context) -> Change:
    """A vote that was given by a review is on record as withdrawn, and stays there."""
    standing = cab.given_by(change, event.review, cab.people_of_change(change, context.standings, context.policy))
    assert standing is not None
    withdrawn = replace(standing, choice=Choice.WITHDRAW, reason=event.why)
    return replace(change, votes=(*change.votes, withdrawn))


def authorise(change: Change, _event: Event, context: Context) -> Change:
    """What was authorised, on which terms and by whom, is written down."""
    contents = change.contents
    by = cab.count(change, context.standings, context.policy).approvers if contents.routing.has_board else ()
    given = Authorisation(
        context.now,
        contents.diff,
        contents.routing,
        contents.template,
        by,
        context.policy_digest,
        context.approvers,
    )
    decided = _decided(change, Decided.APPROVED, context) if contents.routing.has_board else change
    return replace(decided, authorisation=given, deadline=None)


def _decided(change: Change, outcome: Decided, context: Context, why: str = "") -> Change:
    """What the board has decided, and how each vote was counted for that, is written down."""
    counted = cab.count(change, context.standings, context.policy)
    votes = [each for each in counted.votes if each.vote.round == change.round]
    uncounted, signs = tuple(each.reason for each in votes), tuple(each.signs for each in votes)
    decided = Round(change.round, outcome, context.now, uncounted, why, change.deadline, signs)
    return replace(change, decided=(*change.decided, decided))


def defer(change: Change, event: Event, context: Context) -> Change:
    """The record is the requester's again, who asks anew."""
    return _to_draft(_decided(change, Decided.DEFERRED, context), event, context)


def reject(change: Change, event: Event, context: Context) -> Change:
    """The record is the requester's again, who asks anew; what sent it back is written down."""
    by_votes = cab.count(change, context.standings, context.policy).outcome is cab.Outcome.REJECTED
    outcome = Decided.REJECTED if by_votes or event.final else Decided.TOO_LATE
    why = event.why if event.final and not by_votes else ""
    return _to_draft(_decided(change, outcome, context, why), event, context)


def _to_draft(change: Change, event: Event, context: Context) -> Change:
    return replace(back(change, event, context), request=None)


def longer(change: Change, _event: Event, context: Context) -> Change:
    """The board has as much time again; its votes stand, and the window moves past that time if it has to."""
    contents, deadline = planning.for_board(change.contents, context)
    return replace(change, contents=contents, deadline=deadline)


def escalate(change: Change, event: Event, context: Context) -> Change:
    """Whoever holds the roles that are escalated to now is asked beside the board, which has as much time again."""
    roles = change.contents.routing.escalate_to
    called = cab.asking(None, context.now, roles, context.standings, context.policy)
    return replace(longer(change, event, context), escalation=called)


def start(change: Change, event: Event, context: Context) -> Change:
    """It is being done; an emergency has to be reviewed from now on."""
    due = context.now + context.policy.emergency.review_within if change.emergency is not None else None
    return replace(change, started_at=context.now, review_due=due, released_by=_releasing(change, event))


def overtake(change: Change, event: Event, context: Context) -> Change:
    """It is being done, and what it should have waited for is written down."""
    begun = change if change.started_at is not None else start(change, event, context)
    said = "\n".join(each for each in (change.overtaken, event.why) if each)
    return replace(begun, overtaken=said, released_by=_releasing(change, event))


def bypass(change: Change, event: Event, context: Context) -> Change:
    """It was done without having been authorised: when and by whom is written down, and nothing of it is authorised.

    That nobody waited for its board spares an emergency no review.
    """
    done = replace(start(change, event, context), ended_at=context.now)
    return replace(back(done, event, context), notes="\n".join(each for each in (change.notes, event.why) if each))


def _releasing(change: Change, event: Event) -> tuple[Account, ...]:
    """Who released it, with whoever does now; that is nobody known where nobody is named."""
    return tuple(dict.fromkeys((*change.released_by, event.who or GHOST)))


def end(change: Change, event: Event, context: Context) -> Change:
    """It was done, by whoever merged any part of it; somebody confirms it from now on, where that is demanded."""
    merging = [part.merge.by for part in context.parts if part.merge is not None]
    by = dict.fromkeys((*change.released_by, *merging, *([event.who] if event.who is not None else ())))
    due = verification.due(change, context)
    shipped = _shipped(change, context)
    return replace(change, contents=shipped, ended_at=context.now, released_by=tuple(by), verification_due=due)


def back_out(change: Change, _event: Event, context: Context) -> Change:
    """It was taken back; what had ended before that has ended when it did."""
    shipped = _shipped(change, context)
    return replace(change, contents=shipped, ended_at=change.ended_at or context.now, backed_out=True)


def _shipped(change: Change, context: Context) -> Contents:
    """What the record says when it ends: of a release that others have left, what was merged.

    The terms stay those of all that was authorised, and so do those who contributed: they have no other part in it.
    """
    said = change.contents
    found = release.contents_of([part for part in context.parts if part.merge is not None], context.policy)
    if found is None or {*found.pulls} == {*said.pulls}:
        return said
    return replace(
        said,
        title=found.title,
        pulls=found.pulls,
        head=found.head,
        description=found.description,
        justification=found.justification,
        commits=found.commits,
        plans=found.plans,
        evidence=found.evidence,
    )


def review(change: Change, event: Event, context: Context) -> Change:
    """Somebody looked at the emergency afterwards."""
    assert event.who is not None
    return replace(change, retrospective=Retrospective(event.who, context.now, event.why))


def remind(change: Change, _event: Event, _context: Context) -> Change:
    """It was said that the emergency was not reviewed in time."""
    return replace(change, reminded=True)


def remind_verifiers(change: Change, _event: Event, _context: Context) -> Change:
    """It was said that nobody has confirmed the release in time."""
    return replace(change, verifiers_reminded=True)


def close(change: Change, event: Event, context: Context) -> Change:
    """What came of it is written down."""
    return replace(change, closure=event.closure, notes=event.why, closed_by=event.who, closed_at=context.now)
