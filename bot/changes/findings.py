"""What a record says of its change on the check run: where it stands, what it lacks, what is in the way. Pure."""

from collections.abc import Iterable

from bot.changes import clashes, conflicts, emergency, guards, lifecycle, needs, planning, release, reviews
from bot.changes.context import Context
from bot.changes.model import Act, Change, Choice, Elsewhere, Event, Refused, State
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import RecordFacts, RecordFinding
from bot.policy.model import Plan
from bot.words import dated, listed, quoted

MOST_TOLD = 3
"""How many who voted against it are told with their reasons."""

_AGAINST = {Choice.REJECT, Choice.DEFER}
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
    found += [*_board(change), _said(change), _no_votes(change, context), *conflicts.findings(together)]
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
    if change.state in {State.SCHEDULED, State.IMPLEMENT, State.REVIEW, State.CLOSED}:
        if _is_another(change, context):
            what = f"{named}, and this is not what was authorised."
            unlink = " `/change unlink` gives what is not merged a record of its own." if len(context.parts) > 1 else ""
            return _failed(change, "is not about this any more", what, f"Open a pull request for what is new.{unlink}")
        if change.state in {State.SCHEDULED, State.IMPLEMENT} and (refused := guards.held_up(change, context)):
            way_out = "`/change unlink` it" if change.state is State.IMPLEMENT else "`/cancel` it, and ask anew"
            remedy = refused.remedy or f"It goes on when that is there; or {way_out}."
            return _waiting(change, refused.what, remedy, context)
        what = f"{named}{_terms(change)}."
        return Finding("change", Verdict.PASS, f"{change.number} is authorised", what, controls=_CONTROLS)
    if change.state is State.CANCELLED:
        return _failed(change, "is cancelled", f"{named}.", "Open a new record with `/request-cab`.")
    wanted = guards.lacking(change, context) if change.state is State.AUTHORIZE else ()
    named += _when(change) if change.state is State.AUTHORIZE else ""
    what = f"{named}. Missing: {'; '.join(wanted)}." if wanted else f"{named}."
    if change.state is State.ASSESS:
        stopped = lifecycle.apply(change, Event(Act.ASSESS), context)
        if isinstance(stopped, Refused):
            return _waiting(change, f"{named}. {stopped.what}", stopped.remedy, context)
    if change.state is State.DRAFT:
        return _waiting(change, f"{_sent_back(change)}{what}", _to_ask(change, context), context)
    next_ = "Who is named votes or approves." if change.state is State.AUTHORIZE else "It goes on by itself."
    return _waiting(change, what, next_, context)


def _sent_back(change: Change) -> str:
    """That a board has sent the change back, and why; nothing where none has, or somebody has asked since."""
    if not change.decided or change.request is not None or change.decided[-1].outcome == "approved":
        return ""
    last = change.decided[-1]
    against = [each for each in change.votes if each.round == last.number and each.choice in _AGAINST]
    said = [f" @{each.by.login}: {quoted(each.reason)}." for each in against[-MOST_TOLD:]]
    return f"It was {last.outcome} on {dated(last.at)}.{''.join(said)} "


def _to_ask(change: Change, context: Context) -> str:
    if needs.missing(change.contents, context.policy, context.parts):
        return "Add what is missing to the description of the pull request, then ask with `/request-cab`."
    return "Nothing is missing: ask with `/request-cab`."


def _shipping(change: Change) -> str:
    """What a release ships."""
    pulls = change.contents.pulls
    return f", which ships {listed([f'#{number}' for number in pulls])}," if len(pulls) > 1 else ""


def _is_another(change: Change, context: Context) -> bool:
    """Whether what would ship is another diff than what was authorised: it changed after the release had begun."""
    now = release.contents_of(context.parts, context.policy)
    given = change.authorisation
    return now is not None and given is not None and now.diff != given.diff


def _failed(change: Change, headline: str, what: str, remedy: str) -> Finding:
    return Finding("change", Verdict.FAIL, f"{change.number} {headline}", what, remedy=remedy, controls=_CONTROLS)


def _terms(change: Change) -> str:
    """By whom it was authorised, and for when."""
    by = change.authorisation.by if change.authorisation else ()
    people = f", authorised by {listed([f'@{each.login}' for each in by])}" if by else ""
    return f"{people}{_when(change)}"


def _when(change: Change) -> str:
    window = change.contents.window if change.emergency is None else None
    return f", planned for {window.spoken}" if window is not None else ""


def _waiting(change: Change, what: str, remedy: str, context: Context) -> Finding:
    return Finding(
        "change",
        Verdict.WAIT,
        f"{change.number}, {_STILL[change.state]}",
        what,
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
