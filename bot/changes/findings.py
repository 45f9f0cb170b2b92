"""What a record says of its change on the check run: where it stands, what it lacks, what is in the way. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from bot.changes import (
    cab,
    clashes,
    conflicts,
    emergency,
    guards,
    lifecycle,
    needs,
    planning,
    release,
    reviews,
    rounds,
    wording,
)
from bot.changes.context import Context
from bot.changes.model import Act, Change, Choice, Decided, Elsewhere, Event, Refused, State, Vote
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import RecordFacts, RecordFinding
from bot.policy.model import Plan
from bot.words import dated, listed, quoted, visible

MOST_TOLD = 3
"""How many who voted against it are told with their reasons."""

_CONTROLS = ("SOX-404", "PCI-DSS-6.5.1", "NIST-800-53-CM-3", "ISO-27001-A.8.32")
_STILL = {
    State.DRAFT: "still a draft",
    State.ASSESS: "being assessed",
    State.AUTHORIZE: "to be authorised",
    State.SCHEDULED: "held up",
    State.IMPLEMENT: "held up",
}
_NAMES = {
    "change": "change-record",
    "change:conflict": "conflict",
    "change:conflict:beside": "conflict:beside",
    "change:conflict:elsewhere": "conflict:elsewhere",
    "change:emergency-review": "emergency",
}
"""Names of findings as the catalogue has them; what a record lacks is ``plans:…``."""


def said_of(
    change: Change, context: Context, together: tuple[conflicts.Conflict, ...], overdue: tuple[str, ...]
) -> tuple[RecordFinding, ...]:
    """What a record says of the change, in the words and under the ids of the catalogue of findings."""
    found: list[Finding | None] = [finding(change, context)]
    if change.state is State.DRAFT:
        found += needs.missing(change.contents, context.policy, context.parts)
    found += [
        *_board(change),
        _said(change),
        _edited(change, context),
        _no_votes(change, context),
        *conflicts.findings(together),
    ]
    found += [clashes.finding(change.contents) if not change.state.over else None, emergency.finding(overdue)]
    return as_facts(found)


def known(change: Change, said: tuple[RecordFinding, ...], context: Context) -> RecordFacts:
    """The record as a decision knows it: what it says, and when its board has the change released."""
    within = planning.released_within(change, context)
    window = (within.start, within.end) if within is not None else None
    return RecordFacts(change.number, change.state.value, said, change.contents.kind.value, window)


def as_facts(found: Iterable[Finding | None]) -> tuple[RecordFinding, ...]:
    """Findings of a record, as facts for the decision."""
    return tuple(
        RecordFinding(
            id=_NAMES.get(each.id, each.id.replace("change:", "plans:")),
            verdict=each.verdict.value,
            headline=each.headline,
            what=each.what,
            why=each.why,
            remedy=each.remedy,
            until=each.until,
        )
        for each in found
        if each is not None
    )


def finding(change: Change, context: Context) -> Finding:
    """Where the record stands, for the check run: it passes from ``scheduled`` on."""
    named = f"{change.number}{_shipping(change)} is in state {change.state.value}"
    match change.state:
        case State.DRAFT:
            return _draft(change, named, context)
        case State.ASSESS:
            return _assessed(change, named, context)
        case State.AUTHORIZE:
            return _decided_about(change, named, context)
        case State.CANCELLED:
            return _cancelled(change, named)
        case State.SCHEDULED | State.IMPLEMENT | State.REVIEW | State.CLOSED:
            return _authorised(change, named, context)
        case _:
            assert_never(change.state)


def _draft(change: Change, named: str, context: Context) -> Finding:
    """Nobody has asked yet, or the board has sent it back."""
    is_lacking, still = bool(needs.missing(change.contents, context.policy, context.parts)), _STILL[State.DRAFT]
    when = " when nothing below is missing any more" if is_lacking else ""
    if not change.contents.routing.has_board:
        return _waiting(change, still, f"{named}.", f"It goes on by itself{when}.", context)
    decided = rounds.sent_back(change)
    if decided is None:
        remedy = f"Ask the board with `/request-cab`{when or ': the record is complete'}."
        return _waiting(change, still, f"{named}: nobody has asked its board yet.", remedy, context)
    remedy = f"Ask the board again with `/request-cab`{when or _AGAIN[decided.outcome]}."
    what = f"{named}: {_OUTCOMES[decided.outcome]} on {dated(decided.at)}."
    said = f"It was {decided.why}." if decided.why else ""
    why = " ".join(each for each in (said, _reasons(rounds.against(change, decided))) if each)
    return _waiting(change, _SENT_BACK[decided.outcome], what, remedy, context, why=why)


_SENT_BACK = {
    Decided.REJECTED: "rejected by its board",
    Decided.DEFERRED: "deferred by its board",
    Decided.TOO_LATE: "not decided in time",
}
_OUTCOMES = {
    Decided.REJECTED: "its board rejected it",
    Decided.DEFERRED: "its board deferred it",
    Decided.TOO_LATE: "its board did not decide in time, which rejected it",
}
_AGAIN = {
    Decided.REJECTED: " when that is settled",
    Decided.DEFERRED: " when it can decide",
    Decided.TOO_LATE: "",
}


def _assessed(change: Change, named: str, context: Context) -> Finding:
    """Its board is called when nothing is in the way; it may have been asked about something else before."""
    what, remedy, why = "", "It goes on by itself.", ""
    stopped = lifecycle.apply(change, Event(Act.ASSESS), replace(context, blocking=()))
    if isinstance(stopped, Refused):
        what, remedy = f" {stopped.what.replace(f'{change.number} ', 'It ', 1)}", stopped.remedy
    elif context.blocking:
        # What blocks says itself what is to be done.
        what, remedy = _waits_for(context), ""
        why = "Its board is called when nothing blocks the change." if change.contents.routing.has_board else ""
    over = f" Nothing was released in {change.lapsed.spoken}, the time it was authorised for." if change.lapsed else ""
    return _waiting(change, _STILL[State.ASSESS], f"{named}.{over}{what}", remedy, context, why=why)


def _decided_about(change: Change, named: str, context: Context) -> Finding:
    """Who is asked, what they said so far, and what is missing."""
    counted, wanted = cab.count(change, context.standings, context.policy), guards.lacking(change, context)
    missing = f" Missing: {'; '.join(wanted)}." if wanted else ""
    remedy = "It goes on by itself when that is given."
    what = f"{named}{_when(change)}.{missing}{_waits_for(context)}"
    if change.contents.routing.has_board and counted.outcome is not cab.Outcome.APPROVED:
        remedy = _how_to_vote(change, context)
        if change.deadline is not None and context.now >= change.deadline and (late := guards.unheard(change, context)):
            what, remedy = f"{what} {late.what}", late.remedy
    return _waiting(change, _STILL[State.AUTHORIZE], what, remedy, context, why=_so_far(counted))


def _authorised(change: Change, named: str, context: Context) -> Finding:
    """That it may be released, by whom and when; or why what was authorised is held up."""
    if _is_another(change, context):
        what = f"{named}, and this is not what was authorised."
        unlink = " `/change unlink` gives what is not merged a record of its own." if len(context.parts) > 1 else ""
        return _failed(change, "is not about this any more", what, f"Open a pull request for what is new.{unlink}")
    if change.state in {State.SCHEDULED, State.IMPLEMENT} and (refused := guards.held_up(change, context)):
        way_out = "`/change unlink` it" if change.state is State.IMPLEMENT else "`/cancel` it, and ask anew"
        remedy = refused.remedy or f"It goes on when that is there; or {way_out}."
        return _waiting(change, _STILL[change.state], refused.what, remedy, context)
    what = f"{named}{_terms(change)}."
    return Finding("change", Verdict.PASS, f"{change.number} is authorised", what, controls=_CONTROLS)


def _cancelled(change: Change, named: str) -> Finding:
    """By whom, and why."""
    what = f"{named}."
    if change.is_unauthorised and change.started_at is not None:
        what = f"{named}: it was released without authorisation on {dated(change.started_at)}."
    elif change.closed_at is not None:
        by = f"@{change.closed_by.login} cancelled it" if change.closed_by is not None else "it was cancelled"
        what = f"{named}: {by} on {dated(change.closed_at)}."
    why = f"The reason: {quoted(change.notes)}." if visible(change.notes) else ""
    return _failed(change, "is cancelled", what, "If it is still wanted, open a new record with `/request-cab`.", why)


def _waits_for(context: Context) -> str:
    return f" It waits for: {listed(list(context.blocking))}." if context.blocking else ""


def _how_to_vote(change: Change, context: Context) -> str:
    """Who is asked to vote, how, and until when."""
    beside = change.escalation.roles if change.escalation is not None else ()
    roles = listed([quoted(role) for role in dict.fromkeys((*change.contents.routing.roles, *beside))], "or")
    until = f" by {dated(change.deadline)}" if change.deadline is not None else ""
    board = change.contents.rules(context.policy).cab
    review = ", or a review of the pull request" if board is not None and board.reviews else ""
    how = f"`/cab approve`, `/cab reject reason` or `/cab defer reason`{review}"
    return f"Whoever has {roles}, and no part in the change, votes{until}: {how}."


def _so_far(counted: cab.Count) -> str:
    """What the board has said until now."""
    approving = [f"@{each.login}" for each in counted.approvers]
    told = f"{listed(approving)} approve{'s' if len(approving) == 1 else ''}." if approving else ""
    against = _reasons([vote for vote in counted.standing if vote.choice is not Choice.APPROVE])
    said = " ".join(each for each in (told, against) if each)
    return f"So far: {said}" if said else ""


def _reasons(votes: Sequence[Vote]) -> str:
    """Who said what against it: the latest of them; `/change` shows all."""
    more = f" {len(votes) - MOST_TOLD} more, which `/change` shows." if len(votes) > MOST_TOLD else ""
    told = [f"@{vote.by.login} {vote.choice.value}s: {quoted(vote.reason)}." for vote in votes[-MOST_TOLD:]]
    return f"{' '.join(told)}{more}"


def _shipping(change: Change) -> str:
    """What a release ships."""
    pulls = change.contents.pulls
    return f", which ships {listed([f'#{number}' for number in pulls])}," if len(pulls) > 1 else ""


def _is_another(change: Change, context: Context) -> bool:
    """Whether what would ship is another diff than what was authorised: it changed after the release had begun."""
    now = release.contents_of(context.parts, context.policy)
    given = change.authorisation
    return now is not None and given is not None and now.diff != given.diff


def _failed(change: Change, headline: str, what: str, remedy: str, why: str = "") -> Finding:
    named = f"{change.number} {headline}"
    return Finding("change", Verdict.FAIL, named, what, why, remedy=remedy, controls=_CONTROLS)


def _terms(change: Change) -> str:
    """By whom it was authorised, and for when."""
    by = change.authorisation.by if change.authorisation else ()
    people = f", authorised by {listed([f'@{each.login}' for each in by])}" if by else ""
    return f"{people}{_when(change)}"


def _when(change: Change) -> str:
    window = change.contents.window if change.emergency is None else None
    return f", planned for {window.spoken}" if window is not None else ""


def _waiting(change: Change, headline: str, what: str, remedy: str, context: Context, *, why: str = "") -> Finding:
    return Finding(
        "change",
        Verdict.WAIT,
        f"{change.number}, {headline}",
        what,
        why,
        remedy=remedy,
        controls=_CONTROLS,
        until=lifecycle.wakes_at(change, context),
    )


def _board(change: Change) -> tuple[Finding, ...]:
    """What a board decided, once the record is authorised; until then the record itself says who is missing."""
    authorised = change.authorisation
    if authorised is None or not authorised.routing.has_board or change.state is State.CANCELLED:
        return ()
    people = listed([f"@{each.login}" for each in authorised.by])
    beside = change.escalation.roles if change.escalation is not None else ()
    roles = listed([quoted(each) for each in dict.fromkeys((*authorised.routing.roles, *beside))])
    what = f"{people} authorised {change.number} as {roles} on {authorised.at:%Y-%m-%d at %H:%M} UTC."
    found = Finding("cab", Verdict.PASS, "the board approves", what)
    if not authorised.routing.sign_off:
        return (found,)
    signed = f"Signed off for {listed([quoted(each) for each in authorised.routing.sign_off])}, each by another person."
    return (found, Finding("sign-off", Verdict.PASS, "signed off", signed))


def _said(change: Change) -> Finding | None:
    """Which plans were written in comments while the description has others."""
    beside = [each for each in change.contents.said if each.beside]
    if not beside:
        return None
    told = [f"{_PLAN[each.plan]} is what @{each.by.login} wrote in a comment on {dated(each.at)}" for each in beside]
    what = f"On record, {listed(told)}; the description says something else."
    kinds = listed([f"`/plan {each.plan.value}`" for each in beside])
    remedy = f"`/change` shows it. {kinds}, without a text, takes it back; so does an edit of the section."
    return Finding("change-record:plans", Verdict.PASS, "plans that the description does not show", what, remedy=remedy)


_PLAN = {plan: "the impact" if plan is Plan.IMPACT else f"the {plan.value} plan" for plan in Plan}


def _edited(change: Change, context: Context) -> Finding | None:
    """Which words of the pull request are not those that the board has read."""
    found = wording.edited(change, context)
    if not found:
        return None
    edited = f"The {listed(list(found))} of the pull request {'was' if len(found) == 1 else 'were'} edited after"
    kept = f"{change.number} keeps the words of then; `/change` shows them."
    if not change.contents.routing.has_board:
        return Finding("change-record:words", Verdict.PASS, "words of later", f"{edited} it was authorised. {kept}")
    remedy = (
        "What the board should know besides is told to it; `/cancel` and `/request-cab` have it read all of it anew."
    )
    what = f"{edited} the board had begun to vote. {kept}"
    return Finding("change-record:words", Verdict.PASS, "words that the board has not read", what, remedy=remedy)


def _no_votes(change: Change, context: Context) -> Finding | None:
    """Which reviews of the board's members are no votes, where the policy takes them so."""
    told = reviews.no_votes(change, context)
    if not told:
        return None
    return Finding("change-record:reviews", Verdict.PASS, "reviews that are no votes", " ".join(told))


def elsewhere(told: Elsewhere | None) -> tuple[RecordFinding, ...]:
    """What is to be said of the record in another system, which the change may have to wait for."""
    if told is None:
        return ()
    verdict = Verdict.WAIT if told.waits else Verdict.PASS
    why = "A change is released when the system that keeps its record says so, too." if told.waits else ""
    return (RecordFinding("change-record:elsewhere", verdict.value, "the record elsewhere", told.said, why),)
