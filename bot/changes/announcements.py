"""What is announced in a comment when something happened to a change: to those who have to act on it now. Pure.

A board is called when its time to decide begins, and when it begins anew. Who asked for a change is told when the board
sent it back. Who can look back at an emergency is asked to when it was made, and once more when that is overdue.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.changes import cab, clashes, evidence, guards
from bot.changes.cab import Outcome
from bot.changes.context import Context
from bot.changes.model import Act, Announcement, Change, Choice, State, Transition
from bot.publish.markdown import sentence
from bot.words import dated, listed, quoted, shortened

LONGEST_REASON = 300
"""Characters of a reason that are repeated; the record has all of it."""

_REVIEW = "`/change review what-was-found`"
_AGAIN = "It is back in draft: ask again with `/request-cab`."


def of(before: Change, after: Change, told: Transition, context: Context) -> Announcement | None:
    """What is to be said of what happened; None when nobody has to act on it."""
    match told.act:
        case Act.ASSESS if after.contents.routing.has_board:
            called, text = _called(after.contents.routing.roles, after, context), _on_the_agenda(after, context)
        case Act.EXTEND | Act.ESCALATE:
            roles = after.escalation.roles if after.escalation is not None else ()
            called = _called(roles or after.contents.routing.roles, after, context)
            text = _not_decided(before, after, context)
        case Act.REFRESH if after.state is State.AUTHORIZE and before.contents.window != after.contents.window:
            called, text = _called(after.contents.routing.roles, after, context), _moved(after, context)
        case Act.REFRESH if after.state is State.AUTHORIZE and clashes.is_news(before.contents, after.contents):
            called, text = _called(after.contents.routing.roles, after, context), _in_the_way(after, context)
        case Act.REJECT | Act.DEFER:
            asked = before.request.by if before.request is not None else None
            called, text = (asked.login,) if asked is not None else (), _sent_back(before, told, context)
        case Act.FINISH | Act.BACK_OUT if after.review_due is not None and after.retrospective is None:
            called, text = _reviewers(after, context), _to_be_reviewed(after, after.review_due)
        case Act.REMIND if after.review_due is not None:
            called, text = _reviewers(after, context), _not_reviewed(after, after.review_due)
        case _:
            return None
    # Teams and logins have no characters that mean anything else, and a mention is one as it is written.
    mentions = " ".join(f"@{each}" for each in called)
    whole = f"{mentions}: {text}" if mentions else text
    return Announcement(told.number, told.version, after.state, after.round, called, whole, told.at)


def due(waiting: Sequence[Announcement], change: Change) -> Announcement | None:
    """Which of a change's announcements is to be made: the newest, while nobody has acted on it yet.

    Whatever else waits has been overtaken by what happened since.
    """
    if not waiting or change.retrospective is not None:
        return None
    newest = max(waiting, key=lambda each: each.version)
    return newest if (newest.state, newest.round) == (change.state, change.round) else None


def _called(roles: Sequence[str], change: Change, context: Context) -> tuple[str, ...]:
    """The teams and accounts that hold the roles, each once. An account that has no say in the change is not called."""
    people = cab.people_of_change(change, context.standings, context.policy)
    accounts = [each.account for each in context.standings]
    able = {account.login.lower() for account in accounts if not cab.part_in(account, change, people)}
    holders = dict.fromkeys(holder for role in roles for holder in context.policy.roles.get(role, ()))
    return tuple(holder for holder in holders if "/" in holder or holder in able)


def _reviewers(change: Change, context: Context) -> tuple[str, ...]:
    return _called(cab.reviewing(change.contents.under(context.policy), change.contents.tier), change, context)


def _on_the_agenda(change: Change, context: Context) -> str:
    agenda = f"{_named(change)}, is on the agenda until {_deadline(change)}."
    tested = [f"Tested: {each}" for each in evidence.summaries(change.contents.evidence)]
    return " ".join([agenda, *_terms(change), *tested, _how(change, context)])


def _moved(change: Change, context: Context) -> str:
    """That a change that the board decides about is planned for another time, which nobody chose."""
    moved = f"{_named(change)}, is planned anew: its window cannot be used any more, or somebody else has it."
    until = f"The board has until {_deadline(change)}; votes that were given stand."
    return " ".join([moved, *_terms(change), until, _how(change, context)])


def _in_the_way(change: Change, context: Context) -> str:
    """That the system that keeps its twin knows of something at the same time, which the board weighs."""
    told = f"{_named(change)}, is planned for a time at which something else is, too."
    until = f"The board has until {_deadline(change)}; votes that were given stand, and can be changed."
    return " ".join([told, *_terms(change), until, _how(change, context)])


def _terms(change: Change) -> list[str]:
    """When it is to be made, what is in the way of that, and why at once where it is an emergency.

    Where somebody chose a time, the board has to decide before that.
    """
    declared, window = change.emergency, change.contents.window
    if declared is not None:
        reason = sentence(shortened(declared.reason, LONGEST_REASON), quiet=True)
        return [f"It is an emergency, {quoted(declared.incident)}: {reason}{'' if reason[-1] in '.!?…' else '.'}"]
    if window is None:
        return []
    early = change.contents.scheduled and change.deadline is not None and change.deadline == window.start
    why = ["Somebody chose that time: the board decides before it begins."] if early else []
    checked = clashes.known(change.contents)
    met = [sentence(clashes.spoken(checked), quiet=True)] if checked is not None and checked.found else []
    return [f"Planned for {window.spoken}.", *why, *met]


def _not_decided(before: Change, change: Change, context: Context) -> str:
    """That there is time once more, for whom, and what is missing."""
    beside, until = change.escalation, _deadline(change)
    if beside is not None and beside.roles:
        roles = listed([quoted(role) for role in beside.roles], "or")
        now = f"Whoever has the role {roles} is on the board as well now, which has until {until}."
    else:
        now = f"The board has until {until} now."
    last = " Without a decision by then, it is rejected." if beside is not None else ""
    missing = listed(guards.of_board(cab.count(change, context.standings, context.policy), change.contents))
    planned = "" if change.emergency is not None else "".join(f" {each}" for each in _terms(change))
    how = _how(change, context)
    return f"{_named(change)}, was not decided by {_deadline(before)}. {now}{last}{planned} Missing: {missing}. {how}"


def _how(change: Change, context: Context) -> str:
    """How to vote."""
    board = change.contents.rules(context.policy).cab
    review = ", or review the pull request" if board is not None and board.reviews else ""
    return f"Vote with `/cab approve`, `/cab reject reason` or `/cab defer reason`{review}; `/change` shows the record."


def _sent_back(before: Change, told: Transition, context: Context) -> str:
    """That the board did not authorise the change, and what its members said against it."""
    counted = cab.count(before, context.standings, context.policy)
    choice = Choice.DEFER if told.act is Act.DEFER else Choice.REJECT
    word = "deferred" if told.act is Act.DEFER else "rejected"
    how = f"{word} by the board"
    if counted.outcome is Outcome.OPEN:
        late = before.deadline is not None and context.now >= before.deadline
        # One who rejects is enough where another system keeps the record.
        how = f"not decided by {_deadline(before)}, which rejects it" if late else sentence(told.why, quiet=True)
    said = [each.vote for each in counted.votes if not each.reason and each.vote.choice is choice]
    reasons = [f"- `@{each.by.login}`: {sentence(shortened(each.reason, LONGEST_REASON), quiet=True)}" for each in said]
    return "\n\n".join([f"{_named(before)}, was {how}. {_AGAIN}", *(["\n".join(reasons)] if reasons else [])])


def _to_be_reviewed(change: Change, due: datetime) -> str:
    how = "an emergency, and was backed out" if change.backed_out else "released as an emergency"
    return (
        f"{_named(change)}, was {how}. One of you who neither contributed to it nor asked for it reviews it by "
        f"{dated(due)} with {_REVIEW}; else {_next(change)} waits until that is done."
    )


def _not_reviewed(change: Change, due: datetime) -> str:
    return (
        f"{_named(change)}, was an emergency, and its review was due on {dated(due)}. Now {_next(change)} waits for "
        f"it: review it with {_REVIEW}."
    )


def _next(change: Change) -> str:
    application = change.contents.application
    return f"the next change of {quoted(application) if application else 'a repository that is in no application'}"


def _named(change: Change) -> str:
    return f"{change.number}, {sentence(change.contents.title, quiet=True)}"


def _deadline(change: Change) -> str:
    assert change.deadline is not None, "a board has a time to decide in"
    return dated(change.deadline)
