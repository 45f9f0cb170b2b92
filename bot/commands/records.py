"""The commands about the change record, the board, and what people lay down for a change."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.changes import cab, desk, needs, plans, waivers
from bot.changes.instructions import Asked
from bot.changes.model import Act, Choice, Event, Refused, State
from bot.changes.model import Change as Record
from bot.commands.model import (
    Answer,
    Change,
    Command,
    Deed,
    LaidDown,
    Moved,
    Situation,
    WaiverAnswered,
    WaiverAsked,
)
from bot.decide.approvals import bound
from bot.decide.verdict import Verdict
from bot.deployments.windows import HORIZON, Interval, allowed, next_slot
from bot.facts.model import Instructed, Instruction, Permission
from bot.policy.model import Plan, Policy, Tier
from bot.publish.markdown import literal, sentence, table
from bot.words import listed, quoted

_PLANS = {
    "implementation": Instructed.PLAN_IMPLEMENTATION,
    "test": Instructed.PLAN_TEST,
    "backout": Instructed.PLAN_BACKOUT,
    "impact": Instructed.PLAN_IMPACT,
}
_WAIVE = re.compile(r"(?P<finding>\S+)\s+until\s+(?P<until>\S+)\s+because\s+(?P<reason>.+)", re.DOTALL)


def _refused(what: str, remedy: str = "") -> Answer:
    return Answer(done=False, reply=f"{what} {remedy}".strip())


def _usage(command: str) -> Answer:
    return _refused(f"Write it as `{command}`.")


def _change(situation: Situation) -> Change:
    assert situation.change is not None, "commands about a change are given on one"
    return situation.change


def _act(situation: Situation, event: Event, say: Callable[[Record, Change], str | None]) -> Answer:
    """Do something to the record; ``say`` answers when a reaction does not say enough."""
    change = _change(situation)
    if change.desk is None or change.desk.change is None:
        return _refused("There is no change record here.")
    standings = [each for each in change.desk.context.standings if each.account != situation.standing.account]
    context = replace(change.desk.context, standings=(*standings, situation.standing))
    moved = desk.act(replace(change.desk, context=context), event)
    if isinstance(moved, Refused):
        return Answer(done=False, reply=_with_sections(moved, change.desk.change, change.policy))
    after, steps = moved
    assert after.change is not None, "a record does not vanish"
    return Answer(done=True, reply=say(after.change, change), deed=Moved(steps))


def _with_sections(refused: Refused, record: Record, policy: Policy) -> str:
    """A refusal, with the sections to copy where the record lacks some."""
    told = f"{refused.what} {refused.remedy}".strip()
    lacking = needs.text_to_add(record.contents, policy) if record.state is State.DRAFT else ""
    return f"{told}\n\nTo be added to the description:\n\n```markdown\n{lacking}```" if lacking else told


# /change


def _show_or_do(situation: Situation) -> Answer:
    match situation.arguments:
        case ():
            return _show(_change(situation))
        case ("template",):
            return Answer(done=True, reply=f"```markdown\n{plans.template()}```")
        case ("type", "emergency", incident, *words) if words:
            return _declare(situation, incident, " ".join(words))
        case ("review", *words) if words:
            return _act(situation, Event(Act.REVIEW, situation.standing.account, " ".join(words)), _silent)
        case ("link", *_):
            return _refused(
                "Records are linked by themselves: Countersign opens one in the system that the policy names.",
                "`/change` shows it.",
            )
        case _:
            return _usage(CHANGE.usage)


def _show(change: Change) -> Answer:
    if change.desk is None or change.desk.change is None:
        return _refused("There is no change record here: the policy needs none for a change of this tier.")
    record = change.desk.change
    contents = record.contents
    rows = [
        ("state", record.state.value),
        ("type", contents.kind.value),
        ("risk", f"{contents.tier.label}: {' '.join(contents.tier_because)}"),
        ("application", contents.application or "none"),
        ("configuration item", contents.configuration_item or "none"),
        ("window", _said(contents.window)),
        ("plans", listed([plan.value for plan, _ in contents.plans]) if contents.plans else "none"),
        ("board", _board(record)),
        ("regulations", listed(list(contents.regulations)) if contents.regulations else "none named"),
    ]
    if change.link:
        rows.append(("elsewhere", change.link))
    lines = [f"**{record.number}** {sentence(contents.title, quiet=True)}", ""]
    lines += table(("", ""), [(name, sentence(text, quiet=True)) for name, text in rows])
    counted = cab.count(record, change.desk.context.standings, change.policy)
    if counted.votes:
        votes = [_vote(each) for each in counted.votes]
        lines += ["", *table(("", "who", "vote", "why"), votes)]
    return Answer(done=True, reply="\n".join(lines))


def _vote(each: cab.CountedVote) -> tuple[str, ...]:
    said = each.vote.reason if not each.reason else each.reason
    return (
        "not counted" if each.reason else "counted",
        f"`@{each.vote.by.login}`",
        each.vote.choice.value,
        sentence(said, quiet=True),
    )


def _board(record: Record) -> str:
    routed = record.contents.routing
    if not routed.has_board:
        return "none decides"
    signs = f", and a signature for each of {listed(list(routed.sign_off))}" if routed.sign_off else ""
    return f"{routed.quorum} of {listed(list(routed.roles))}{signs}"


def _said(window: Interval | None) -> str:
    return "none" if window is None else window.spoken


def _silent(_record: Record, _change: Change) -> None:
    return None


CHANGE = Command(
    name="change",
    usage="/change [template | type emergency incident reason | review what-was-found]",
    summary="Shows the change record, or the template of its plans; makes it an emergency; reviews one afterwards.",
    examples=("/change", "/change template", "/change type emergency INC0012345 Payments are down"),
    permission=Permission.READ,
    run=_show_or_do,
    weighty=True,
)


# /request-cab and /cab


def _request(situation: Situation) -> Answer:
    why = " ".join(situation.arguments)
    return _act(situation, Event(Act.SUBMIT, situation.standing.account, why), _asked)


def _asked(record: Record, change: Change) -> str:
    """The one comment that calls the board."""
    routed = record.contents.routing
    if not routed.has_board:
        return f"{record.number} needs no board; it is in state {record.state.value}."
    holders = dict.fromkeys(holder for role in routed.roles for holder in change.policy.roles.get(role, ()))
    called = " ".join(f"@{literal(holder)}" for holder in holders)
    if record.state is not State.AUTHORIZE:
        return (
            f"{called}: {record.number}, {sentence(record.contents.title, quiet=True)}, is complete and comes on the "
            "agenda when nothing else blocks; the check says what does. Votes count from then on."
        )
    until = f" until {record.deadline.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if record.deadline else ""
    return (
        f"{called}: {record.number}, {sentence(record.contents.title, quiet=True)}, is on the agenda{until}. "
        f"Planned for {_said(record.contents.window)}. Vote with `/cab approve`, `/cab reject reason` or "
        "`/cab defer reason`; `/change` shows the record."
    )


REQUEST_CAB = Command(
    name="request-cab",
    usage="/request-cab [reason]",
    summary="Asks the board: completes the record, says what it lacks, and calls the board once.",
    examples=("/request-cab", "/request-cab The regulator wants it this quarter"),
    permission=Permission.WRITE,
    run=_request,
    weighty=True,
)


def _vote_on(situation: Situation) -> Answer:
    choices = {choice.value: choice for choice in Choice}
    if not situation.arguments or situation.arguments[0] not in choices:
        return _usage(CAB.usage)
    choice, *words = situation.arguments
    event = Event(Act.VOTE, situation.standing.account, " ".join(words), choice=choices[choice])
    return _act(situation, event, _voted)


def _voted(record: Record, _change: Change) -> str | None:
    if record.state is State.AUTHORIZE:
        return None
    words = {
        State.SCHEDULED: f"{record.number} is authorised. Planned for {_said(record.contents.window)}.",
        State.DRAFT: f"{record.number} is back in draft: the board did not authorise it.",
    }
    return words.get(record.state)


CAB = Command(
    name="cab",
    usage="/cab approve | reject reason | defer reason",
    summary="Votes on the change, as a member of its board. A vote can be changed until the board has decided.",
    examples=("/cab approve", "/cab reject The back-out plan was never tried"),
    permission=Permission.READ,
    run=_vote_on,
    whom="members of the board who did not contribute to the change, nor ask for it",
    weighty=True,
)


# /emergency and /cancel


def _declare(situation: Situation, incident: str, why: str) -> Answer:
    event = Event(Act.DECLARE, situation.standing.account, why, incident=incident)
    return _act(situation, event, lambda record, _: f"{record.number} is an emergency now; its board decides.")


def _emergency(situation: Situation) -> Answer:
    if len(situation.arguments) < 2:
        return _usage(EMERGENCY.usage)
    incident, *words = situation.arguments
    return _declare(situation, incident, " ".join(words))


EMERGENCY = Command(
    name="emergency",
    usage="/emergency incident reason",
    summary="Declares the change an emergency: its own board, less time, and a review afterwards.",
    examples=("/emergency INC0012345 Payments are down",),
    permission=Permission.READ,
    run=_emergency,
    whom="whoever the policy names in `emergency.from`",
    weighty=True,
)


def _cancel(situation: Situation) -> Answer:
    if not situation.arguments:
        return _usage(CANCEL.usage)
    return _act(situation, Event(Act.CANCEL, situation.standing.account, " ".join(situation.arguments)), _silent)


CANCEL = Command(
    name="cancel",
    usage="/cancel reason",
    summary="Cancels the change record.",
    examples=("/cancel Superseded by #12",),
    permission=Permission.WRITE,
    run=_cancel,
    weighty=True,
)


# What is laid down.


def _lay_down(situation: Situation, kind: Instructed, value: str, reason: str, reply: str | None = None) -> Answer:
    at = _now(situation)
    instruction = Instruction(kind, value, situation.standing.account, reason, at)
    return Answer(done=True, reply=reply, deed=LaidDown(instruction))


def _now(situation: Situation) -> datetime:
    change = _change(situation)
    assert change.now is not None, "a look has a moment"
    return change.now


def _hold(situation: Situation) -> Answer:
    if not situation.arguments:
        return _usage(HOLD.usage)
    return _lay_down(situation, Instructed.HOLD, "held", " ".join(situation.arguments))


HOLD = Command(
    name="hold",
    usage="/hold reason",
    summary="Holds the change until somebody lifts that.",
    examples=("/hold Wait for the auditors",),
    permission=Permission.WRITE,
    run=_hold,
    weighty=True,
)


def _unhold(situation: Situation) -> Answer:
    if _change(situation).facts.instructed(Instructed.HOLD) is None:
        return _refused("Nobody holds this change.")
    return _lay_down(situation, Instructed.HOLD, "", " ".join(situation.arguments) or "lifted")


UNHOLD = Command(
    name="unhold",
    usage="/unhold",
    summary="Lifts a hold.",
    examples=("/unhold",),
    permission=Permission.WRITE,
    run=_unhold,
    weighty=True,
)


def _raise(situation: Situation) -> Answer:
    match situation.arguments:
        case ("raise", tier, *words) if tier in {each.label for each in Tier} and words:
            pass
        case _:
            return _usage(RISK.usage)
    wanted = Tier[tier.upper()]
    if wanted <= situation.decision.tier:
        return _refused(
            f"The change is of tier {situation.decision.tier.label} already; risk is raised, never lowered."
        )
    return _lay_down(situation, Instructed.RAISE, tier, " ".join(words))


RISK = Command(
    name="risk",
    usage="/risk raise tier reason",
    summary="Raises the risk of the change; nobody can lower it.",
    examples=("/risk raise high It touches the interest calculation",),
    permission=Permission.WRITE,
    run=_raise,
    weighty=True,
)


def _plan(situation: Situation) -> Answer:
    match situation.arguments:
        case (kind, *words) if kind in _PLANS and words:
            text = " ".join(words)
        case _:
            return _usage(PLAN.usage)
    if not plans.says_something(text):
        return _refused(f"That says nothing as a plan. It should say: {plans.PLANS[Plan(kind)].prompt}")
    return _lay_down(situation, _PLANS[kind], text, "written in a comment")


PLAN = Command(
    name="plan",
    usage="/plan backout | test | implementation | impact text",
    summary="Writes a plan of the change record, in place of the section of the description.",
    examples=("/plan backout Deploy the image before this one; the schema is compatible. Ten minutes.",),
    permission=Permission.WRITE,
    run=_plan,
    weighty=True,
)


def _schedule(situation: Situation) -> Answer:
    if not situation.arguments:
        return _usage(SCHEDULE.usage)
    change, now = _change(situation), _now(situation)
    record = change.desk.change if change.desk is not None else None
    if record is None:
        return _refused("There is no change record here.")
    calendar, sets = change.policy.calendar, change.policy.tiers[record.contents.tier].windows
    wish = " ".join(situation.arguments)
    names = {name for name, _ in calendar.windows}
    if wish in names:
        slot = next_slot(calendar, ((wish,), *sets), record.contents.kind, now)
    else:
        start = _moment(wish, calendar.timezone)
        if start is None or not now < start <= now + HORIZON:
            known = f" Windows are {listed(sorted(names))}." if names else ""
            return _refused(
                f"{quoted(wish)} is neither a window nor a time in the next {HORIZON.days} days, like "
                f"`2027-01-24T02:00`.{known}"
            )
        start = start.astimezone(UTC)
        spans = allowed(calendar, sets, record.contents.kind, Interval(start, start + timedelta(hours=1)))
        slot = next((each for each in spans if start in each), None)
    if slot is None:
        later = next_slot(calendar, sets, record.contents.kind, now)
        return _refused(
            "The calendar does not allow that.", f"The next time that it allows is {_said(later)}." if later else ""
        )
    return _lay_down(situation, Instructed.SCHEDULE, desk.as_value(slot), wish, f"Planned for {_said(slot)}.")


def _moment(text: str, timezone: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=ZoneInfo(timezone))


SCHEDULE = Command(
    name="schedule",
    usage="/schedule window | time",
    summary="Plans the change for the next opening of a window, or for a time that the calendar allows.",
    examples=("/schedule weekend", "/schedule 2027-01-23T02:00"),
    permission=Permission.WRITE,
    run=_schedule,
    weighty=True,
)


# Waivers.


def _waive(situation: Situation) -> Answer:
    found = _WAIVE.fullmatch(" ".join(situation.arguments))
    until = _end_of(found["until"], _change(situation).policy.calendar.timezone) if found else None
    if found is None or until is None:
        return _usage(WAIVE.usage)
    finding = found["finding"]
    open_ones = [each.id for each in situation.decision.findings if each.verdict in {Verdict.FAIL, Verdict.WAIT}]
    if finding not in open_ones:
        known = listed([f"`{each}`" for each in open_ones]) if open_ones else "nothing"
        return _refused(f"There is no finding {quoted(finding)} that blocks. Open is {known}.")
    policy, now = _change(situation).policy, _now(situation)
    account = situation.standing.account
    wanted = waivers.Wanted("", finding, found["reason"], until, account)
    if (wrong := waivers.objection(wanted, policy, now)) is not None:
        return _refused(wrong.what, wrong.remedy)
    groups = listed(list(policy.waivers.groups))
    reply = f"Somebody with {groups} can answer with `/waiver grant {finding}` or `/waiver deny {finding}`."
    return Answer(done=True, reply=reply, deed=WaiverAsked(finding, found["reason"], until))


def _end_of(text: str, timezone: str) -> datetime | None:
    try:
        if len(text) == len("2027-01-24"):
            day = date.fromisoformat(text) + timedelta(days=1)
            return datetime.combine(day, time(), ZoneInfo(timezone))
    except (ValueError, OverflowError):
        return None
    return _moment(text, timezone)


WAIVE = Command(
    name="waive",
    usage="/waive finding until date because reason",
    summary="Asks that a finding does not block until a day; somebody else grants that.",
    examples=("/waive rule:no-friday until 2027-01-24 because the regulator's deadline is Monday",),
    permission=Permission.WRITE,
    run=_waive,
    weighty=True,
)


def _answer(situation: Situation) -> Answer:
    change = _change(situation)
    match situation.arguments:
        case ("grant" | "deny" as word, which):
            meant = [each for each in change.asked if which.lstrip("#") == str(each.id) or which == each.finding]
        case _:
            return _usage(WAIVER.usage)
    if not meant:
        return _refused(f"No waiver {quoted(which)} waits for an answer here. Open is {_wishes(change.asked)}.")
    if len(meant) > 1:
        return _refused(f"Several wait for an answer, so that it takes a number: {_wishes(meant)}.")
    asked = meant[0]
    granted = _granted(situation, asked)
    if isinstance(granted, Refused):
        return _refused(granted.what, granted.remedy)
    if word == "deny":
        return Answer(done=True, deed=WaiverAnswered(asked, None))
    return Answer(done=True, deed=WaiverAnswered(asked, granted))


def _wishes(asked: Sequence[Asked]) -> str:
    return listed([f"{each.id} (`{each.finding}`, of @{each.by.login})" for each in asked]) if asked else "nothing"


def _granted(situation: Situation, asked: Asked) -> waivers.Waiver | Refused:
    change = _change(situation)
    wanted = waivers.Wanted(change.subject, asked.finding, asked.reason, asked.until, asked.by)
    contributors = tuple(
        account for each in situation.decision.people if each.role == "contributor" for account in each.accounts
    )
    by = situation.standing.account
    policy = bound(change.policy, change.facts.names, (situation.standing,))
    return waivers.grant(wanted, by, contributors, (situation.standing,), policy, _now(situation))


WAIVER = Command(
    name="waiver",
    usage="/waiver grant | deny finding | number",
    summary="Answers somebody's wish for a waiver.",
    examples=("/waiver grant rule:no-friday", "/waiver deny 3"),
    permission=Permission.READ,
    run=_answer,
    whom="whoever the policy names in `waivers.from`, and who neither asked for it nor contributed",
    weighty=True,
)

COMMANDS = (
    CHANGE,
    REQUEST_CAB,
    CAB,
    SCHEDULE,
    PLAN,
    RISK,
    WAIVE,
    WAIVER,
    EMERGENCY,
    HOLD,
    UNHOLD,
    CANCEL,
)
ABOUT_RECORDS = frozenset({"request-cab", "emergency", "change"})
"""Commands for which a record is opened where the policy would not need one."""


def follow(change: Change, deed: Deed | None) -> Change:
    """The change as the next command of the same comment finds it."""
    match deed:
        case Moved(steps) if change.desk is not None:
            return replace(change, desk=replace(change.desk, change=steps[-1].change))
        case WaiverAnswered(asked, _):
            return replace(change, asked=tuple(each for each in change.asked if each != asked))
        case _:
            return change
