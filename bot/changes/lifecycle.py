"""The life of a change: which event, by whom, on which condition, leads where. Everything else is refused, with reason.

One table holds all of it. Nothing reaches ``implement`` but through ``authorize``, whose guards ask for what the policy
demands of this tier and type; ``start`` asks for the same again. Time alone never authorises: it rejects, extends,
escalates, or takes an authorisation back. Pure: the same change, event and context give the same answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.changes import cab, emergency
from bot.changes.cab import Count, Outcome
from bot.changes.fill import is_in_force
from bot.changes.model import (
    Act,
    Applied,
    Authorisation,
    Change,
    Choice,
    Closure,
    Contents,
    Declaration,
    Event,
    Refused,
    Request,
    Retrospective,
    State,
    Transition,
    Vote,
)
from bot.changes.needs import summed_up
from bot.changes.plans import says_something
from bot.decide.verdict import Demand, Finding, Verdict
from bot.deployments.windows import hours
from bot.facts.model import Account, Standing
from bot.facts.people import is_human, people_among
from bot.policy.model import ChangeType, OnTimeout, Policy
from bot.words import listed, visible

MOST_STEPS = 8
"""How many transitions of its own Countersign makes in a row; the longest way there is has fewer."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the record.

    ``standings`` are those of now: of whoever acts, of the board, of everybody who voted. ``demands`` are the approvals
    of reviewers that the decision counted; ``blocking`` the names of findings that block for other reasons. ``overdue``
    are emergencies of the same application that were not reviewed in time. ``lasting`` is how long it takes.
    """

    policy: Policy
    now: datetime
    standings: tuple[Standing, ...] = ()
    demands: tuple[Demand, ...] = ()
    blocking: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    verified: bool = False
    lasting: timedelta = timedelta()
    policy_digest: str = ""


Guard = Callable[[Change, Event, Context], Refused | None]
Effect = Callable[[Change, Event, Context], Change]


@dataclass(frozen=True, slots=True)
class Rule:
    """Where an event leads, what must hold, what it does to the record besides, and why when nobody says why."""

    after: State
    guards: tuple[Guard, ...]
    because: str
    effect: Effect = lambda change, _event, _context: change


def apply(change: Change, event: Event, context: Context) -> Applied | Refused:
    """The change after the event, or why it cannot happen."""
    rule = TABLE.get((change.state, event.act))
    if rule is None:
        return Refused(
            f"{change.number} is in state {change.state.value}: `{event.act.value}` is not possible there.",
            _possible(change),
        )
    for guard in rule.guards:
        refused = guard(change, event, context)
        if refused is not None:
            return refused
    after = replace(rule.effect(change, event, context), state=rule.after, version=change.version + 1)
    why = event.why if visible(event.why) else rule.because
    told = Transition(change.number, after.version, event.act, change.state, after.state, event.who, why, context.now)
    return Applied(after, told)


def noticed(change: Change, contents: Contents, context: Context) -> Event | None:
    """The event that the record should say something else now; None when it says so already, or is past that."""
    if contents == change.contents or (change.state, Act.REVISE) not in TABLE:
        return None
    told = _material(change, contents, context)
    if told or (change.state, Act.REFRESH) not in TABLE:
        return Event(Act.REVISE, why=told, contents=contents)
    return Event(Act.REFRESH, contents=contents)


def advance(change: Change, context: Context) -> tuple[Applied, ...]:
    """What Countersign does by itself, step by step: what the board decided, what time did, what needs nobody."""
    steps: list[Applied] = []
    for _ in range(MOST_STEPS):
        step = next((found for act in _OWN if isinstance(found := apply(change, Event(act), context), Applied)), None)
        if step is None:
            break
        steps.append(step)
        change = step.change
    return tuple(steps)


def wakes_at(change: Change, context: Context) -> datetime | None:
    """The next moment at which time alone could change something about the record."""
    moments = [change.deadline if change.state is State.AUTHORIZE else None]
    if change.state is State.SCHEDULED:
        window = change.contents.window
        moments += [window.start, window.end] if window else []
        moments.append(emergency.lane_ends(change, context.policy))
    if change.retrospective is None:
        moments.append(change.review_due)
    return min((each for each in moments if each is not None and each > context.now), default=None)


def lacking(change: Change, context: Context) -> tuple[str, ...]:
    """What the policy demands and nobody has given yet, in words; empty when the change may be authorised."""
    found = _lacking_besides(change, context)
    if change.contents.routing.has_board:
        counted = cab.count(change, context.standings, context.policy)
        found += [] if counted.outcome is Outcome.APPROVED else [_of_board(counted, change.contents)]
    return tuple(found)


def _lacking_besides(change: Change, context: Context) -> list[str]:
    """What is demanded besides the decision of a board."""
    contents, policy = change.contents, context.policy
    found = []
    if contents.kind is not ChangeType.EMERGENCY:
        short = [each for each in context.demands if each.given < each.needed]
        found += [f"{each.needed - each.given} more from {each.label}" for each in short]
        found += [] if context.demands else ["an approval: the policy demands none, and an empty rule is no pass"]
    if contents.kind is ChangeType.STANDARD and not is_in_force(contents.template, policy, context.now):
        found.append("the template of the standard change, which is not in force")
    if cab.routing(policy, contents.tier, contents.kind) != contents.routing:
        found.append("another look, since the policy demands something else now")
    return found


_CONTROLS = ("SOX-404", "PCI-DSS-6.5.1", "NIST-800-53-CM-3", "ISO-27001-A.8.32")
_STILL = {State.DRAFT: "still a draft", State.ASSESS: "being assessed", State.AUTHORIZE: "to be authorised"}


def finding(change: Change, context: Context) -> Finding:
    """Where the record stands, for the check run: it passes from ``scheduled`` on."""
    named = f"{change.number} is in state {change.state.value}"
    if change.state in {State.SCHEDULED, State.IMPLEMENT, State.REVIEW, State.CLOSED}:
        what = f"{named}{_terms(change)}."
        return Finding("change", Verdict.PASS, f"{change.number} is authorised", what, controls=_CONTROLS)
    if change.state is State.CANCELLED:
        return Finding(
            "change",
            Verdict.FAIL,
            f"{change.number} is cancelled",
            f"{named}.",
            remedy="Open a new record with `/request-cab`.",
            controls=_CONTROLS,
        )
    wanted = lacking(change, context) if change.state is State.AUTHORIZE else ()
    what = f"{named}. Missing: {'; '.join(wanted)}." if wanted else f"{named}."
    if change.state is State.ASSESS:
        stopped = apply(change, Event(Act.ASSESS), context)
        if isinstance(stopped, Refused):
            return _waiting(change, f"{named}. {stopped.what}", stopped.remedy, context)
    remedies = {
        State.DRAFT: "Add what is missing to the description of the pull request, then ask with `/request-cab`.",
        State.ASSESS: "It goes on by itself.",
        State.AUTHORIZE: "Who is named votes or approves.",
    }
    return _waiting(change, what, remedies[change.state], context)


def _terms(change: Change) -> str:
    """By whom it was authorised, and for when."""
    by = change.authorisation.by if change.authorisation else ()
    people = f", authorised by {listed([f'@{each.login}' for each in by])}" if by else ""
    window = f", planned for {change.contents.window.spoken}" if change.contents.window else ""
    return f"{people}{window}"


def _waiting(change: Change, what: str, remedy: str, context: Context) -> Finding:
    return Finding(
        "change",
        Verdict.WAIT,
        f"{change.number}, {_STILL[change.state]}",
        what,
        remedy=remedy,
        controls=_CONTROLS,
        until=wakes_at(change, context),
    )


def _of_board(counted: Count, contents: Contents) -> str:
    needed = max(0, contents.routing.quorum - counted.approvals)
    parts = [f"{needed} more to approve"] if needed else []
    parts += [f"a signature for {role}" for role in counted.unsigned]
    parts += [f"that @{each.login} changes a vote to reject" for each in counted.against]
    return f"the decision of the board ({', '.join(parts) or 'which it has given: it rejects'})"


def _possible(change: Change) -> str:
    acts = [f"`{act.value}`" for state, act in TABLE if state is change.state]
    return f"Possible is {listed(acts)}." if acts else "Nothing more happens to it; open a new record."


def _material(change: Change, contents: Contents, context: Context) -> str:
    """What differs so that an authorisation does not hold for it, as a reason; empty when nothing does."""
    before = change.contents
    differing = {
        "the diff": before.diff != contents.diff,
        "the type": before.kind is not contents.kind,
        "the risk tier": before.tier is not contents.tier,
        "what the policy demands": before.routing != contents.routing,
        "the template": before.template != contents.template,
        "the plans": (before.plans, before.justification) != (contents.plans, contents.justification),
        "what is affected": (before.application, before.configuration_item, before.pulls)
        != (contents.application, contents.configuration_item, contents.pulls),
        "the window that was authorised": contents.routing.has_board and before.window != contents.window,
        "who contributed, and voted": _voters_contribute(change, contents, context),
    }
    found = [name for name, differs in differing.items() if differs]
    return f"Different now: {listed(found)}." if found else ""


def _voters_contribute(change: Change, contents: Contents, context: Context) -> bool:
    """Whether somebody on whose vote the authorisation rests is a contributor now."""
    voters = change.authorisation.by if change.authorisation else ()
    people = people_among(
        [*voters, *contents.contributors, *(each.account for each in context.standings)], context.policy.people
    )
    contributing = {people.person(each) for each in contents.contributors}
    return any(people.person(each) in contributing for each in voters)


def _by_countersign(_change: Change, event: Event, _context: Context) -> Refused | None:
    if event.who is None:
        return None
    return Refused(f"`{event.act.value}` follows from what is on record; nobody does it by hand.")


def _says_why(_change: Change, event: Event, _context: Context) -> Refused | None:
    return None if visible(event.why) else Refused("A reason is needed.", "Say why, in a sentence.")


def _altered(change: Change, event: Event, _context: Context) -> Refused | None:
    if event.contents is None or event.contents == change.contents:
        return Refused("The record says this already.")
    if (event.contents.kind is ChangeType.EMERGENCY) != (change.emergency is not None):
        return Refused("A change becomes an emergency by being declared one, and stays one.")
    return None


def _materially(change: Change, event: Event, context: Context) -> Refused | None:
    assert event.contents is not None
    return None if _material(change, event.contents, context) else Refused("Nothing differs that was authorised.")


def _immaterially(change: Change, event: Event, context: Context) -> Refused | None:
    assert event.contents is not None
    told = _material(change, event.contents, context)
    return Refused(told, "The record goes back to be assessed again.") if told else None


def _declares(change: Change, event: Event, context: Context) -> Refused | None:
    if change.emergency is not None:
        return Refused(f"{change.number} is an emergency already.")
    return emergency.may_declare(event.who, event.why, event.incident, context.standings, context.policy)


def _asks(change: Change, event: Event, _context: Context) -> Refused | None:
    """A board is asked by a person; where none decides, Countersign goes on by itself."""
    if event.who is None:
        by_itself = not change.contents.routing.has_board and change.state is State.DRAFT
        return None if by_itself else Refused("A person asks the board.", "Ask with `/request-cab`.")
    return None if is_human(event.who) else Refused("A program cannot ask for a change to be authorised.")


def _complete(change: Change, _event: Event, context: Context) -> Refused | None:
    found = summed_up(change.contents, context.policy)
    if found is None:
        return None
    what, remedy = found
    return Refused(f"{change.number} is not complete. {what}", remedy)


def _board_can_decide(change: Change, event: Event, context: Context) -> Refused | None:
    """Whether the board would approve if everybody on it did: else nobody need be asked."""
    asked = _submit(change, event, context)
    if not asked.contents.routing.has_board:
        return None
    assert asked.request is not None
    votes = tuple(
        Vote(each, Choice.APPROVE, "", context.now, asked.contents.diff, asked.round) for each in asked.request.members
    )
    counted = cab.count(replace(asked, votes=votes), context.standings, context.policy)
    if counted.outcome is Outcome.APPROVED:
        return None
    roles = listed(list(asked.contents.routing.roles))
    lack = f" Nobody could sign for {listed(list(counted.unsigned))}." if counted.unsigned else ""
    return Refused(
        f"The board cannot decide: of {roles}, {counted.approvals} could vote, "
        f"and {asked.contents.routing.quorum} must approve.{lack}",
        "The owners of the policy put more people into these roles; whoever contributed or asked has no vote.",
    )


def _asked(change: Change, _event: Event, _context: Context) -> Refused | None:
    routed = change.contents.routing
    if not routed.has_board:
        return None
    if change.request is None or change.request.by is None or change.request.roles != routed.roles:
        return Refused("The board that decides now has not been asked.", "Ask it with `/request-cab`.")
    return None


def _clear(change: Change, _event: Event, context: Context) -> Refused | None:
    if context.blocking:
        return Refused(
            f"{change.number} waits for: {listed(list(context.blocking))}.", "The check says what each of them needs."
        )
    if context.overdue:
        told = emergency.finding(context.overdue)
        assert told is not None
        return Refused(f"{told.what} {told.why}", told.remedy)
    return None


def _has_a_vote(change: Change, event: Event, context: Context) -> Refused | None:
    if event.who is None or event.choice is None:
        return Refused("A vote is a person's, and says approve, reject or defer.")
    if change.deadline is not None and context.now >= change.deadline:
        return Refused(f"The time to vote was over at {change.deadline:%Y-%m-%d %H:%M} UTC.", "It is decided now.")
    people = cab.people_of_change(change, context.standings, context.policy, (event.who,))
    reason = cab.objection(event.who, change, context.standings, context.policy, people)
    if reason:
        return Refused(f"The vote of @{event.who.login} does not count, since @{event.who.login} {reason}.")
    if event.choice is not Choice.APPROVE and not visible(event.why):
        return Refused(f"To {event.choice.value} needs a reason.", "Say in a sentence what is in the way.")
    return None


def _authorised(change: Change, _event: Event, context: Context) -> Refused | None:
    found = lacking(change, context)
    return Refused(f"{change.number} is not authorised. Missing: {'; '.join(found)}.") if found else None


def _in_time(change: Change, _event: Event, context: Context) -> Refused | None:
    """Whether the window that was planned can still be used, and the emergency's time is not up."""
    ends = emergency.lane_ends(change, context.policy)
    if ends is not None and context.now >= ends:
        return Refused(f"The time of the emergency was over at {ends:%Y-%m-%d %H:%M} UTC.", "Ask its board again.")
    window = change.contents.window
    if change.contents.routing.has_board and window is not None and context.now >= window.end:
        return Refused(f"The window was over at {window.end:%Y-%m-%d %H:%M} UTC.", "Another one is planned.")
    return None


def _is_emergency(change: Change, _event: Event, _context: Context) -> Refused | None:
    return None if change.contents.kind is ChangeType.EMERGENCY else Refused("Only an emergency goes on in a merge.")


def _late(change: Change, event: Event, context: Context) -> Refused | None:
    return Refused("It is still in time.") if _in_time(change, event, context) is None else None


def _still_authorised(change: Change, _event: Event, context: Context) -> Refused | None:
    """What was authorised is what would be done, and the policy demands no more than was given."""
    given, contents = change.authorisation, change.contents
    assert given is not None, "a scheduled change was authorised"
    if given.diff != contents.diff or given.routing != contents.routing or given.template != contents.template:
        return Refused("What was authorised is not what would be done now.", "It is assessed again.")
    # The board's decision stands, also when somebody has left it since; what reviewers gave can be taken back.
    found = _lacking_besides(change, context)
    return Refused(f"{change.number} is not authorised any more. Missing: {'; '.join(found)}.") if found else None


def _window_open(change: Change, _event: Event, context: Context) -> Refused | None:
    contents, policy = change.contents, context.policy
    found = hours(policy.calendar, policy.tiers[contents.tier].windows, contents.kind, context.now, context.lasting)
    if not found.open:
        next_ = f"The next time is {found.until:%Y-%m-%d %H:%M} UTC." if found.until else ""
        return Refused(" ".join(found.because), next_)
    window = contents.window
    planned = contents.routing.has_board and contents.kind is not ChangeType.EMERGENCY
    if planned and (window is None or context.now not in window):
        return Refused("The board authorised the change for another time.", "Wait for its window.")
    return None


def _outcome_is(outcome: Outcome, timeout: OnTimeout | None) -> Guard:
    """A guard: the board decided so, or its time is up and the policy says so."""

    def guard(change: Change, _event: Event, context: Context) -> Refused | None:
        counted = cab.count(change, context.standings, context.policy)
        if outcome is not Outcome.OPEN and counted.outcome is outcome:
            return None
        late = cab.on_timeout(change, counted.outcome, rejected=counted.rejections > 0, now=context.now)
        return None if late is not None and late is timeout else Refused("The board has not decided so.")

    return guard


def _may_review(change: Change, event: Event, context: Context) -> Refused | None:
    if change.contents.kind is not ChangeType.EMERGENCY:
        return Refused("Only an emergency is reviewed afterwards by the board.")
    if change.retrospective is not None:
        return Refused(f"@{change.retrospective.by.login} reviewed {change.number} already.")
    if event.who is None or not is_human(event.who):
        return Refused("A person reviews an emergency.")
    rules = context.policy.tiers[change.contents.tier]
    board = replace(change.contents.routing, roles=tuple(dict.fromkeys((cab.BOARD, *rules.sign_off))))
    # Who may look at it afterwards is not bound to who was on the board when the emergency was declared.
    asked = replace(
        change,
        contents=replace(change.contents, routing=board),
        request=Request(None, context.now, board.roles, cab.members(board, context.standings, context.policy)),
    )
    people = cab.people_of_change(change, context.standings, context.policy, (event.who,))
    reason = cab.objection(event.who, asked, context.standings, context.policy, people)
    return (
        Refused(f"@{event.who.login} cannot review {change.number}: @{event.who.login} {reason}.") if reason else None
    )


def _can_close(change: Change, event: Event, context: Context) -> Refused | None:
    closure = event.closure
    if closure is None:
        return Refused(
            "A change is closed with what came of it.", f"Say one of {listed([each.value for each in Closure])}."
        )
    if change.backed_out != (closure is Closure.BACKED_OUT):
        was = "was" if change.backed_out else "was not"
        return Refused(f"{change.number} {was} backed out, so that it is not closed as {closure.value}.")
    if change.emergency is not None and change.retrospective is None:
        return Refused(
            f"{change.number} was an emergency and has not been reviewed.", "Somebody of the board reviews it."
        )
    if closure is not Closure.SUCCESSFUL and not visible(event.why):
        return Refused(f"To close a change as {closure.value} needs a reason.", "Say in a sentence what happened.")
    demanded = context.policy.tiers[change.contents.tier].verification
    if demanded is not None and not context.verified and closure in {Closure.SUCCESSFUL, Closure.WITH_ISSUES}:
        return Refused(
            f"{change.number} has not been verified in production.",
            f"Somebody with {listed(list(demanded.groups))} does.",
        )
    return None


def _may_cancel(change: Change, event: Event, context: Context) -> Refused | None:
    if event.who is None:
        return None
    people = cab.people_of_change(change, context.standings, context.policy, (event.who,))
    person = people.person(event.who)
    board = cab.members(change.contents.routing, context.standings, context.policy)
    if any(person == people.person(each) for each in (*change.contents.contributors, *change.requesters, *board)):
        return None
    return Refused(f"@{event.who.login} cannot cancel {change.number}.", "Who contributed, asked, or decides can.")


def _take_contents(change: Change, event: Event, _context: Context) -> Change:
    assert event.contents is not None
    return replace(change, contents=event.contents)


def _back(change: Change, _event: Event, _context: Context) -> Change:
    return replace(change, authorisation=None, deadline=None, escalated=False)


def _revise(change: Change, event: Event, context: Context) -> Change:
    """What was asked of a board is not asked of it any more: whoever wants the change as it is now asks again."""
    asked = change.state in {State.AUTHORIZE, State.SCHEDULED} and change.contents.routing.has_board
    revised = _back(_take_contents(change, event, context), event, context)
    return replace(revised, request=None) if asked else revised


def _declare(change: Change, event: Event, context: Context) -> Change:
    assert event.who is not None
    routed = cab.routing(context.policy, change.contents.tier, ChangeType.EMERGENCY)
    contents = replace(change.contents, kind=ChangeType.EMERGENCY, routing=routed, template="")
    declared = Declaration(event.who, context.now, event.why, event.incident)
    asked = replace(change, contents=contents, emergency=declared, requesters=_with(change.requesters, event.who))
    return _back(asked, event, context)


def _submit(change: Change, event: Event, context: Context) -> Change:
    routed = change.contents.routing
    board = cab.members(routed, context.standings, context.policy)
    requesters = change.requesters if event.who is None else _with(change.requesters, event.who)
    return replace(change, request=Request(event.who, context.now, routed.roles, board), requesters=requesters)


def _with(accounts: tuple[Account, ...], another: Account) -> tuple[Account, ...]:
    return tuple(sorted({*accounts, another}))


def _ask_board(change: Change, _event: Event, context: Context) -> Change:
    routed = change.contents.routing
    deadline = context.now + routed.timeout if routed.has_board else None
    return replace(change, round=change.round + 1, deadline=deadline, escalated=False)


def _vote(change: Change, event: Event, context: Context) -> Change:
    assert event.who is not None
    assert event.choice is not None
    vote = Vote(event.who, event.choice, event.why, context.now, change.contents.diff, change.round)
    return replace(change, votes=(*change.votes, vote))


def _authorise(change: Change, _event: Event, context: Context) -> Change:
    contents = change.contents
    by = cab.count(change, context.standings, context.policy).approvers if contents.routing.has_board else ()
    given = Authorisation(context.now, contents.diff, contents.routing, contents.template, by, context.policy_digest)
    return replace(change, authorisation=given, deadline=None)


def _to_draft(change: Change, event: Event, context: Context) -> Change:
    return replace(_back(change, event, context), request=None)


def _longer(change: Change, event: Event, context: Context) -> Change:
    escalated = change.escalated or event.act is Act.ESCALATE
    return replace(change, deadline=context.now + change.contents.routing.timeout, escalated=escalated)


def _start(change: Change, _event: Event, context: Context) -> Change:
    due = context.now + context.policy.emergency.review_within if change.emergency is not None else None
    return replace(change, started_at=context.now, review_due=due)


def _end(change: Change, event: Event, context: Context) -> Change:
    return replace(change, ended_at=context.now, backed_out=event.act is Act.BACK_OUT)


def _review(change: Change, event: Event, context: Context) -> Change:
    assert event.who is not None
    return replace(change, retrospective=Retrospective(event.who, context.now, event.why))


def _close(change: Change, event: Event, _context: Context) -> Change:
    return replace(change, closure=event.closure)


def _said_enough(_change: Change, event: Event, _context: Context) -> Refused | None:
    return None if says_something(event.why) else Refused("A review says what was found.", "Say it in a sentence.")


_SUBMIT = (_asks, _complete, _board_can_decide)
_CANCELLED = Rule(State.CANCELLED, (_says_why, _may_cancel), "", _back)
_DECLARED = (_declares,)

TABLE: dict[tuple[State, Act], Rule] = {
    (State.DRAFT, Act.REVISE): Rule(State.DRAFT, (_altered,), "The change is described anew.", _revise),
    (State.DRAFT, Act.DECLARE): Rule(State.DRAFT, _DECLARED, "", _declare),
    (State.DRAFT, Act.SUBMIT): Rule(State.ASSESS, _SUBMIT, "Nothing is missing.", _submit),
    (State.DRAFT, Act.CANCEL): _CANCELLED,
    (State.ASSESS, Act.REVISE): Rule(State.ASSESS, (_altered,), "The change is described anew.", _revise),
    (State.ASSESS, Act.DECLARE): Rule(State.ASSESS, _DECLARED, "", _declare),
    (State.ASSESS, Act.SUBMIT): Rule(State.ASSESS, _SUBMIT, "The board is asked anew.", _submit),
    (State.ASSESS, Act.ASSESS): Rule(
        State.AUTHORIZE,
        (_by_countersign, _complete, _asked, _clear),
        "Everything that is checked passes, and nothing is missing.",
        _ask_board,
    ),
    (State.ASSESS, Act.CANCEL): _CANCELLED,
    (State.AUTHORIZE, Act.REVISE): Rule(
        State.ASSESS, (_altered, _materially), "Something differs that the authorisation is about.", _revise
    ),
    (State.AUTHORIZE, Act.REFRESH): Rule(
        State.AUTHORIZE, (_altered, _immaterially), "Nothing differs that is authorised.", _take_contents
    ),
    (State.AUTHORIZE, Act.DECLARE): Rule(State.ASSESS, _DECLARED, "", _declare),
    (State.AUTHORIZE, Act.VOTE): Rule(State.AUTHORIZE, (_has_a_vote,), "Approves.", _vote),
    (State.AUTHORIZE, Act.AUTHORIZE): Rule(
        State.SCHEDULED, (_by_countersign, _clear, _authorised, _in_time), "Everything demanded is given.", _authorise
    ),
    (State.AUTHORIZE, Act.REJECT): Rule(
        State.DRAFT,
        (_by_countersign, _outcome_is(Outcome.REJECTED, OnTimeout.REJECT)),
        "The board rejected it, or did not decide in time.",
        _to_draft,
    ),
    (State.AUTHORIZE, Act.DEFER): Rule(
        State.DRAFT, (_by_countersign, _outcome_is(Outcome.DEFERRED, None)), "The board deferred it.", _to_draft
    ),
    (State.AUTHORIZE, Act.EXTEND): Rule(
        State.AUTHORIZE,
        (_by_countersign, _outcome_is(Outcome.OPEN, OnTimeout.EXTEND)),
        "The board did not decide in time and is given more.",
        _longer,
    ),
    (State.AUTHORIZE, Act.ESCALATE): Rule(
        State.AUTHORIZE,
        (_by_countersign, _outcome_is(Outcome.OPEN, OnTimeout.ESCALATE)),
        "The board did not decide in time.",
        _longer,
    ),
    (State.AUTHORIZE, Act.CANCEL): _CANCELLED,
    (State.SCHEDULED, Act.REVISE): Rule(
        State.ASSESS, (_altered, _materially), "Something differs that the authorisation is about.", _revise
    ),
    (State.SCHEDULED, Act.REFRESH): Rule(
        State.SCHEDULED, (_altered, _immaterially), "Nothing differs that was authorised.", _take_contents
    ),
    (State.SCHEDULED, Act.DECLARE): Rule(State.ASSESS, _DECLARED, "", _declare),
    (State.SCHEDULED, Act.LAPSE): Rule(
        State.ASSESS, (_by_countersign, _late), "The time that it was authorised for is over.", _back
    ),
    (State.SCHEDULED, Act.START): Rule(
        State.IMPLEMENT, (_still_authorised, _clear, _in_time, _window_open), "It is being released.", _start
    ),
    (State.SCHEDULED, Act.OVERTAKE): Rule(
        State.IMPLEMENT,
        (_by_countersign, _is_emergency, _still_authorised),
        "It was released although it should have waited.",
        _start,
    ),
    (State.SCHEDULED, Act.CANCEL): _CANCELLED,
    (State.IMPLEMENT, Act.FINISH): Rule(State.REVIEW, (), "It was released.", _end),
    (State.IMPLEMENT, Act.BACK_OUT): Rule(State.REVIEW, (_says_why,), "", _end),
    (State.REVIEW, Act.REVIEW): Rule(State.REVIEW, (_may_review, _said_enough), "", _review),
    (State.REVIEW, Act.CLOSE): Rule(State.CLOSED, (_can_close,), "It did what it was to do.", _close),
}
"""The state machine: what may happen in which state, where it leads, and what must hold."""

_OWN = (Act.SUBMIT, Act.ASSESS, Act.AUTHORIZE, Act.REJECT, Act.DEFER, Act.EXTEND, Act.ESCALATE, Act.LAPSE)
"""What Countersign does by itself, when its conditions hold."""
