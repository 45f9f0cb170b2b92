"""The life of a change: which event, by whom, on which condition, leads where. Everything else is refused, with reason.

One table holds all of it. Nothing reaches ``implement`` but through ``authorize``, whose guards ask for what the policy
demands of this tier and type; ``start`` asks for the same again. What was authorised once and released although it
should have waited has overtaken that, and says so; what was never authorised and released all the same is cancelled and
says that, and is reviewed if it is an emergency. Time alone never authorises: it rejects, extends, escalates, or takes
an authorisation back. Pure: the same change, event and context give the same answer.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.changes import announcements, closing, effects, emergency, guards, verification, wording
from bot.changes.cab import Outcome
from bot.changes.context import Context
from bot.changes.effects import Effect
from bot.changes.guards import Guard
from bot.changes.model import Act, Applied, Change, Contents, Event, Refused, State, Transition
from bot.changes.refusals import heard_late, impossible
from bot.policy.model import ChangeType, OnTimeout
from bot.words import visible

MOST_STEPS = 8
"""How many transitions of its own Countersign makes in a row; the longest way there is has fewer."""

UNTIL_HEARD = timedelta(minutes=1)
"""When it is looked again whether what was said in time has been heard, where nothing else says so before."""


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
        return heard_late(change, event) or impossible(change, event.act)
    # What happened is judged by its own moment, and on record from now on.
    then = context if event.at is None else replace(context, now=min(event.at, context.now))
    for guard in rule.guards:
        refused = guard(change, event, then)
        if refused is not None:
            return refused
    after = replace(rule.effect(change, event, then), state=rule.after, version=change.version + 1)
    why = event.why if visible(event.why) else rule.because
    told = Transition(change.number, after.version, event.act, change.state, after.state, event.who, why, context.now)
    return Applied(after, told, announcements.of(change, after, told, context))


def noticed(change: Change, contents: Contents, context: Context) -> Event | None:
    """The event that the record should say something else now; None when it says so already, or is past that."""
    if (change.state, Act.REVISE) not in TABLE:
        return None
    told = guards.material(change, contents, context)
    if not told:
        contents = wording.kept(change, contents)
    if contents == change.contents:
        return None
    if told or (change.state, Act.REFRESH) not in TABLE:
        return Event(Act.REVISE, why=told, contents=contents)
    return Event(Act.REFRESH, contents=contents)


def advance(change: Change, context: Context) -> tuple[Applied, ...]:
    """What Countersign does by itself, step by step: what the board decided, what time did, what needs nobody."""
    steps: list[Applied] = []
    for _ in range(MOST_STEPS):
        own = (*_OWN, closing.by_itself(change, context))
        step = next((found for event in own if isinstance(found := apply(change, event, context), Applied)), None)
        if step is None:
            break
        steps.append(step)
        change = step.change
    return tuple(steps)


def wakes_at(change: Change, context: Context) -> datetime | None:
    """The next moment at which time alone could change something about the record."""
    moments = [change.deadline if change.state is State.AUTHORIZE else None]
    if change.state is State.AUTHORIZE and context.unheard_since is not None:
        moments.append(context.now + UNTIL_HEARD)
    if change.state is State.SCHEDULED:
        window = change.contents.window
        moments += [window.start, window.end] if window else []
        moments.append(emergency.lane_ends(change, context.policy))
    if change.contents.kind is ChangeType.EMERGENCY and change.state in {State.ASSESS, State.AUTHORIZE}:
        moments += [end for _, end in emergency.holding(context.policy, context.now)]
    if change.retrospective is None:
        moments.append(change.review_due)
    moments += [verification.reminds_at(change, context), closing.closes_by_itself_at(change, context)]
    return min((each for each in moments if each is not None and each > context.now), default=None)


_SUBMIT = (guards.asks, guards.not_frozen, guards.complete, guards.board_can_decide)
_CANCELLED = Rule(State.CANCELLED, (guards.says_why, guards.may_cancel), "", effects.give_up)
_DECLARED = (guards.declares, guards.not_frozen)
_ABANDONED = Rule(State.CANCELLED, (closing.happened, guards.says_why), "", effects.abandon)
_BYPASSED = Rule(State.CANCELLED, (closing.happened, guards.says_why, closing.not_noted), "", effects.bypass)
_BACKED_OUT = Rule(State.REVIEW, (guards.says_why, closing.not_backed_out, closing.may_back_out), "", effects.back_out)
_OVERTAKEN = Rule(State.IMPLEMENT, (closing.happened, guards.says_why), "", effects.overtake)

TABLE: dict[tuple[State, Act], Rule] = {
    (State.DRAFT, Act.REVISE): Rule(State.DRAFT, (guards.altered,), "The change is described anew.", effects.revise),
    (State.DRAFT, Act.DECLARE): Rule(State.DRAFT, _DECLARED, "", effects.declare),
    (State.DRAFT, Act.SUBMIT): Rule(State.ASSESS, _SUBMIT, "Nothing is missing.", effects.submit),
    (State.DRAFT, Act.CANCEL): _CANCELLED,
    (State.DRAFT, Act.ABANDON): _ABANDONED,
    (State.DRAFT, Act.BYPASS): _BYPASSED,
    (State.ASSESS, Act.REVISE): Rule(State.ASSESS, (guards.altered,), "The change is described anew.", effects.revise),
    (State.ASSESS, Act.DECLARE): Rule(State.ASSESS, _DECLARED, "", effects.declare),
    (State.ASSESS, Act.SUBMIT): Rule(State.ASSESS, _SUBMIT, "The board is asked anew.", effects.submit),
    (State.ASSESS, Act.ASSESS): Rule(
        State.AUTHORIZE,
        (guards.by_countersign, guards.complete, guards.asked, guards.clear, guards.not_frozen),
        "Everything that is checked passes, and nothing is missing.",
        effects.ask_board,
    ),
    (State.ASSESS, Act.CANCEL): _CANCELLED,
    (State.ASSESS, Act.ABANDON): _ABANDONED,
    (State.ASSESS, Act.BYPASS): _BYPASSED,
    (State.AUTHORIZE, Act.REVISE): Rule(
        State.ASSESS,
        (guards.altered, guards.materially),
        "Something differs that the authorisation is about.",
        effects.revise,
    ),
    (State.AUTHORIZE, Act.REFRESH): Rule(
        State.AUTHORIZE,
        (guards.altered, guards.immaterially),
        "Nothing differs that is authorised.",
        effects.take_contents,
    ),
    (State.AUTHORIZE, Act.DECLARE): Rule(State.ASSESS, _DECLARED, "", effects.declare),
    (State.AUTHORIZE, Act.VOTE): Rule(State.AUTHORIZE, (guards.has_a_vote,), "Approves.", effects.vote),
    (State.AUTHORIZE, Act.WITHDRAW): Rule(
        State.AUTHORIZE, (guards.by_countersign, guards.stands_by_review), "", effects.withdraw
    ),
    (State.AUTHORIZE, Act.AUTHORIZE): Rule(
        State.SCHEDULED,
        (guards.by_countersign, guards.clear, guards.authorised, guards.in_time),
        "Everything demanded is given.",
        effects.authorise,
    ),
    (State.AUTHORIZE, Act.REJECT): Rule(
        State.DRAFT,
        (guards.by_countersign, guards.outcome_is(Outcome.REJECTED, OnTimeout.REJECT)),
        "The board rejected it, or did not decide in time.",
        effects.reject,
    ),
    (State.AUTHORIZE, Act.DEFER): Rule(
        State.DRAFT,
        (guards.by_countersign, guards.outcome_is(Outcome.DEFERRED, None)),
        "The board deferred it.",
        effects.defer,
    ),
    (State.AUTHORIZE, Act.EXTEND): Rule(
        State.AUTHORIZE,
        (guards.by_countersign, guards.outcome_is(Outcome.OPEN, OnTimeout.EXTEND)),
        "The board did not decide in time and is given more.",
        effects.longer,
    ),
    (State.AUTHORIZE, Act.ESCALATE): Rule(
        State.AUTHORIZE,
        (guards.by_countersign, guards.outcome_is(Outcome.OPEN, OnTimeout.ESCALATE)),
        "The board did not decide in time.",
        effects.escalate,
    ),
    (State.AUTHORIZE, Act.CANCEL): _CANCELLED,
    (State.AUTHORIZE, Act.ABANDON): _ABANDONED,
    (State.AUTHORIZE, Act.BYPASS): _BYPASSED,
    (State.SCHEDULED, Act.REVISE): Rule(
        State.ASSESS,
        (guards.altered, guards.materially),
        "Something differs that the authorisation is about.",
        effects.revise,
    ),
    (State.SCHEDULED, Act.REFRESH): Rule(
        State.SCHEDULED,
        (guards.altered, guards.immaterially),
        "Nothing differs that was authorised.",
        effects.take_contents,
    ),
    (State.SCHEDULED, Act.DECLARE): Rule(State.ASSESS, _DECLARED, "", effects.declare),
    (State.SCHEDULED, Act.LAPSE): Rule(
        State.ASSESS,
        (guards.by_countersign, guards.late),
        "The time that it was authorised for is over.",
        effects.lapse,
    ),
    (State.SCHEDULED, Act.START): Rule(
        State.IMPLEMENT,
        (guards.still_authorised, guards.clear, guards.in_time, guards.window_open, closing.apart),
        "It is being released.",
        effects.start,
    ),
    (State.SCHEDULED, Act.OVERTAKE): _OVERTAKEN,
    (State.SCHEDULED, Act.CANCEL): _CANCELLED,
    (State.SCHEDULED, Act.ABANDON): _ABANDONED,
    (State.IMPLEMENT, Act.OVERTAKE): _OVERTAKEN,
    (State.IMPLEMENT, Act.FINISH): Rule(State.REVIEW, (), "It was released.", effects.end),
    (State.IMPLEMENT, Act.BACK_OUT): _BACKED_OUT,
    (State.REVIEW, Act.BACK_OUT): _BACKED_OUT,
    (State.REVIEW, Act.REVIEW): Rule(State.REVIEW, (guards.may_review, guards.said_enough), "", effects.review),
    (State.REVIEW, Act.REMIND): Rule(
        State.REVIEW, (guards.by_countersign, guards.review_overdue), "Its review is overdue.", effects.remind
    ),
    (State.REVIEW, Act.REMIND_VERIFIERS): Rule(
        State.REVIEW,
        (guards.by_countersign, guards.verification_overdue),
        "Nobody has verified it in time.",
        effects.remind_verifiers,
    ),
    (State.REVIEW, Act.CLOSE): Rule(
        State.CLOSED, (closing.fits, closing.may_close), "It did what it was to do.", effects.close
    ),
    (State.CANCELLED, Act.BYPASS): _BYPASSED,
    (State.CANCELLED, Act.REVIEW): Rule(
        State.CANCELLED, (guards.to_be_reviewed, guards.may_review, guards.said_enough), "", effects.review
    ),
    (State.CANCELLED, Act.REMIND): Rule(
        State.CANCELLED, (guards.by_countersign, guards.review_overdue), "Its review is overdue.", effects.remind
    ),
}
"""The state machine: what may happen in which state, where it leads, and what must hold."""

_STEPS = (
    Act.SUBMIT,
    Act.ASSESS,
    Act.AUTHORIZE,
    Act.REJECT,
    Act.DEFER,
    Act.EXTEND,
    Act.ESCALATE,
    Act.LAPSE,
    Act.REMIND,
    Act.REMIND_VERIFIERS,
)
_OWN = tuple(map(Event, _STEPS))
"""What Countersign does by itself, when its conditions hold; besides, it closes what nobody has reported to be bad."""
