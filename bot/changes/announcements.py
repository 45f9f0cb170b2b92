"""What is announced in a comment when something happened to a change: to those who have to act on it now. Pure.

A board is called when its time to decide begins, and when it begins anew. Who asked for a change is told when the board
sent it back, and when what was authorised is not any more. Both are told of what was released without them. Who can
look back at an emergency is asked to when it was made, and once more when that is overdue; so is who can confirm a
release in production, where the policy demands that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.changes import cab, clashes, closing, evidence, guards, rounds, verification
from bot.changes.context import Context
from bot.changes.model import Act, Announcement, Change, Decided, Event, State, Transition
from bot.decide.approvals import label
from bot.policy.model import Approvals
from bot.publish.markdown import sentence
from bot.words import dated, listed, quoted, shortened

LONGEST_REASON = 300
"""Characters of a reason that are repeated; the record has all of it."""

_REVIEW = "`/change review what-was-found`"
_VERIFY = "`/change close successful`"
_BAD = "`/change close unsuccessful reason`"
_OTHERWISE = f"Where it is not well, `/change close backed-out reason` or {_BAD} says so."
_NOBODY_KNOWN = "Nobody knows by whom, and so it cannot be called a success."
_AGAIN = "It is back in draft: ask again with `/request-cab`."


@dataclass(frozen=True, slots=True)
class _Call:
    """Who is called, and what is said to them."""

    called: tuple[str, ...]
    text: str

    @property
    def spoken(self) -> str:
        """As a paragraph. Teams and logins have no characters that mean anything else: a mention is one as it is."""
        mentions = " ".join(f"@{each}" for each in self.called)
        return f"{mentions}: {self.text}" if mentions else self.text


def of(before: Change, after: Change, told: Transition, context: Context) -> Announcement | None:
    """What is to be said of what happened; None when nobody has to act on it."""
    calls = _calls(before, after, told, context)
    if not calls:
        return None
    called = tuple(dict.fromkeys(each for call in calls for each in call.called))
    whole = "\n\n".join(call.spoken for call in calls)
    return Announcement(told.number, told.version, told.act, after.state, after.round, called, whole, told.at)


def _calls(before: Change, after: Change, told: Transition, context: Context) -> list[_Call]:
    """Who has to act on what happened now: mostly those of one role, and nobody else."""
    routed = after.contents.routing
    match told.act:
        case Act.ASSESS if routed.has_board:
            return [_Call(_called(routed.roles, after, context), _on_the_agenda(before, after, context))]
        case Act.EXTEND | Act.ESCALATE:
            roles = after.escalation.roles if after.escalation is not None else ()
            return [_Call(_called(roles or routed.roles, after, context), _not_decided(before, after, context))]
        case Act.REFRESH if after.state is State.AUTHORIZE:
            return _while_it_decides(before, after, context)
        case Act.REJECT | Act.DEFER:
            return [_Call(_who_asked(before), _sent_back(before, after))]
        case Act.REVISE | Act.DECLARE | Act.LAPSE if before.state in {State.AUTHORIZE, State.SCHEDULED}:
            return _lost(before, after, told, context)
        case Act.FINISH | Act.BACK_OUT:
            return _released(after, context)
        case Act.BYPASS if after.review_due is not None or routed.has_board or after.requesters:
            return [_Call(_told_of_bypass(after, context), _bypassed(before, after, context))]
        case Act.REMIND | Act.REMIND_VERIFIERS:
            return _overdue(after, told.act, context)
        case _:
            return []


def _overdue(change: Change, act: Act, context: Context) -> list[_Call]:
    """That something which should have been done after the release was not."""
    if act is Act.REMIND:
        assert change.review_due is not None, "it is overdue"
        return [_Call(_reviewers(change, context), _not_reviewed(change, change.review_due))]
    assert change.verification_due is not None, "it is overdue"
    called, who = _verifiers(change, context)
    return [_Call(called, _not_verified(change, change.verification_due, who))]


def _lost(before: Change, after: Change, told: Transition, context: Context) -> list[_Call]:
    """That what its board has authorised is not any more, or that its board does not decide about it any more."""
    asked = _who_asked(before)
    if not asked or not before.contents.routing.has_board:
        return []
    return [_Call(asked, _taken_back(before, after, told, context))]


def _while_it_decides(before: Change, after: Change, context: Context) -> list[_Call]:
    """That something is new about what the board decides, which asks nobody to vote anew."""
    if _is_planned_anew(before, after):
        text = _moved(after, context)
    elif clashes.is_news(before.contents, after.contents):
        text = _in_the_way(after, context)
    else:
        return []
    return [_Call(_called(after.contents.routing.roles, after, context), text)]


def _released(change: Change, context: Context) -> list[_Call]:
    """Who looks at what was released: at an emergency that it was right to make, and at whether it works."""
    calls, until = [], verification.pending(change)
    if change.review_due is not None and change.retrospective is None:
        calls.append(_Call(_reviewers(change, context), _to_be_reviewed(change, change.review_due)))
    if until is not None:
        called, who = _verifiers(change, context)
        calls.append(_Call(called, _to_be_verified(change, until, who)))
    return calls


def due(waiting: Sequence[Announcement], change: Change) -> Announcement | None:
    """Which of a change's announcements is to be made: the newest, while nobody has acted on it yet.

    Whatever else waits has been overtaken by what happened since.
    """
    if not waiting:
        return None
    newest = max(waiting, key=lambda each: each.version)
    stands = (newest.state, newest.round) == (change.state, change.round)
    return newest if stands and not _is_done(newest.act, change) else None


def _is_done(act: Act, change: Change) -> bool:
    """Whether what was asked for when that happened has been done while the change stayed where it is."""
    reviewed = change.review_due is None or change.retrospective is not None
    match act:
        case Act.REMIND:
            return reviewed
        case Act.BYPASS:
            return change.retrospective is not None
        case Act.REVISE:
            return change.request is not None
        case Act.FINISH | Act.BACK_OUT | Act.REMIND_VERIFIERS:
            return reviewed and verification.pending(change) is None
        case _:
            return False


def _called(roles: Sequence[str], change: Change, context: Context) -> tuple[str, ...]:
    """The teams and accounts that hold the roles, each once. An account that has no say in the change is not called."""
    people = cab.people_of_change(change, context.standings, context.policy)
    accounts = [each.account for each in context.standings]
    able = {account.login.lower() for account in accounts if not cab.part_in(account, change, people)}
    holders = dict.fromkeys(holder for role in roles for holder in context.policy.roles.get(role, ()))
    return tuple(holder for holder in holders if "/" in holder or holder in able)


def _who_asked(change: Change) -> tuple[str, ...]:
    """Who asked the board that decides, or has decided."""
    asked = change.request.by if change.request is not None else None
    return (asked.login,) if asked is not None else ()


def _reviewers(change: Change, context: Context) -> tuple[str, ...]:
    return _called(cab.reviewing(change.contents.under(context.policy), change.contents.tier), change, context)


def _told_of_bypass(change: Change, context: Context) -> tuple[str, ...]:
    """Whom it concerns that the change was released without authorisation: its board, and who asked for it."""
    emergency = change.review_due is not None
    board = _reviewers(change, context) if emergency else _called(change.contents.routing.roles, change, context)
    return tuple(dict.fromkeys((*board, *(each.login for each in change.requesters))))


def _verifiers(change: Change, context: Context) -> tuple[tuple[str, ...], str]:
    """Those who can confirm the release, and who that is in a sentence. An account that is kept from it is left out."""
    demanded = verification.demanded(change, context)
    assert demanded is not None, "somebody is to confirm it"
    holders = _called(demanded.groups, change, context)
    named = [each.account for each in context.standings if each.account.login.lower() in holders]
    kept = {who.login.lower() for who in named if closing.kept_from_verifying(change, who, context)}
    called = tuple(holder for holder in holders if holder not in kept)
    groups = sentence(label(Approvals(1, demanded.groups), context.policy), quiet=True)
    return called, "One of you" if called else f"Somebody with {groups}"


def _on_the_agenda(before: Change, change: Change, context: Context) -> str:
    agenda = f"{_named(change)}, is on the agenda until {_deadline(change)}."
    again = [f"It {_lapsed(before)}: the board votes anew."] if before.lapsed is not None else []
    tested = [f"Tested: {each}" for each in evidence.summaries(change.contents.evidence)]
    return " ".join([agenda, *again, *_terms(change), *tested, _how(change, context)])


def _lapsed(change: Change) -> str:
    assert change.lapsed is not None, "its time is over"
    return f"was authorised for {change.lapsed.spoken}, and nothing was released in that time"


def _taken_back(before: Change, change: Change, told: Transition, context: Context) -> str:
    """That the change is assessed again, why, and whether somebody has to ask."""
    lost = "is not authorised any more" if before.state is State.SCHEDULED else "is not on the agenda any more"
    match told.act:
        case Act.DECLARE if told.who is not None:
            why = f"`@{told.who.login}` declared it an emergency, about which the board decides anew."
        case Act.LAPSE if change.lapsed is not None:
            why = f"It {_lapsed(change)}."
        case _:
            why = sentence(shortened(told.why, LONGEST_REASON), quiet=True)
    routed, unasked = change.contents.routing, guards.asked(change, Event(Act.ASSESS), context) is not None
    by_itself = "its board is called" if routed.has_board else "no board decides about it now, and it goes on"
    next_ = (
        "Ask for it again with `/request-cab`."
        if unasked
        else f"Nobody need ask again: {by_itself} when nothing blocks."
    )
    return f"{_named(before)}, {lost}. {why} {next_}"


def _moved(change: Change, context: Context) -> str:
    """That a change that the board decides about is planned for another time, which nobody chose."""
    moved = f"{_named(change)}, is planned anew: its window cannot be used any more, or somebody else has it."
    until = f"The board has until {_deadline(change)}{_standing(change, '; votes that were given stand')}."
    return " ".join([moved, *_terms(change), until, _how(change, context)])


def _in_the_way(change: Change, context: Context) -> str:
    """That the system that keeps its twin knows of something at the same time, which the board weighs."""
    told = f"{_named(change)}, is planned for a time at which something else is, too."
    stand = _standing(change, "; votes that were given stand, and can be changed")
    until = f"The board has until {_deadline(change)}{stand}."
    return " ".join([told, *_terms(change), until, _how(change, context)])


def _standing(change: Change, told: str) -> str:
    """What is told of votes, where any were given since the board was asked last."""
    return told if any(vote.round == change.round for vote in change.votes) else ""


def _is_planned_anew(before: Change, after: Change) -> bool:
    """Whether it is to be made at another time; an emergency is at once, whatever its record is planned for."""
    return after.emergency is None and before.contents.window != after.contents.window


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


def _sent_back(before: Change, after: Change) -> str:
    """That the board did not authorise the change, and what its members said against it."""
    decided = after.decided[-1]
    if decided.outcome is Decided.TOO_LATE:
        how = f"not decided by {_deadline(before)}, which rejects it"
    else:
        how = sentence(decided.why, quiet=True) or f"{decided.outcome} by the board"
    reasons = [
        f"- `@{each.by.login}` {each.choice}s: {sentence(shortened(each.reason, LONGEST_REASON), quiet=True)}"
        for each in rounds.against(after, decided)
    ]
    return "\n\n".join([f"{_named(before)}, was {how}. {_AGAIN}", *(["\n".join(reasons)] if reasons else [])])


def _bypassed(before: Change, change: Change, context: Context) -> str:
    """That a change was released without authorisation, that this stays on record, and what can be done about it."""
    emergency = "an emergency, " if change.review_due is not None else ""
    unknown = closing.is_released_by_nobody_known(change)
    by = "somebody whom GitHub does not name" if unknown else _releasing(change)
    how = f"{emergency}was released by {by} without authorisation: it was in state {before.state.value}"
    stays = "That stays on record, and nobody authorises it afterwards."
    told = [f"{_named(change)}, {how}. {stays} Whoever takes it back does so by a change of its own."]
    if change.review_due is not None:
        told.append(
            "Somebody of the board who neither contributed to it, asked for it, voted on it nor released it reviews it "
            f"by {dated(change.review_due)} with {_REVIEW}; else {_next(change)} waits until that is done."
        )
    roles = [quoted(role) for role in context.policy.acknowledging]
    if roles:
        told.append(
            f"Where it went over a red check, somebody with the role {listed(roles, 'or')} who did not do that answers "
            "for it with `/acknowledge number reason`; the next check of the repository has its number."
        )
    return " ".join(told)


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


def _to_be_verified(change: Change, due: datetime, who: str) -> str:
    """That the release is to be confirmed in production: of an emergency, when it has been reviewed."""
    until = f"by {dated(due)}"
    if closing.is_released_by_nobody_known(change):
        return f"{_named(change)}, was released. {_NOBODY_KNOWN} Say what came of it {until} with {_BAD}."
    first = ", after its review," if change.emergency is not None else ""
    return (
        f"{_named(change)}, was released by {_releasing(change)}. {who} who neither contributed to it nor released it "
        f"confirms {until}{first} with {_VERIFY} that it works in production. {_OTHERWISE}"
    )


def _not_verified(change: Change, due: datetime, who: str) -> str:
    """That nobody has confirmed the release in time."""
    late = f"and by {dated(due)} nobody had confirmed that it works in production."
    if closing.is_released_by_nobody_known(change):
        return f"{_named(change)}, was released, {late} {_NOBODY_KNOWN} Say what came of it with {_BAD}."
    return (
        f"{_named(change)}, was released by {_releasing(change)}, {late} {who} who neither contributed "
        f"to it nor released it does so now with {_VERIFY}; it stays on record that it was late. {_OTHERWISE}"
    )


def _releasing(change: Change) -> str:
    return listed([f"`@{each.login}`" for each in change.released_by])


def _next(change: Change) -> str:
    application = change.contents.application
    return f"the next change of {quoted(application) if application else 'a repository that is in no application'}"


def _named(change: Change) -> str:
    return f"{change.number}, {sentence(change.contents.title, quiet=True)}"


def _deadline(change: Change) -> str:
    assert change.deadline is not None, "a board has a time to decide in"
    return dated(change.deadline)
