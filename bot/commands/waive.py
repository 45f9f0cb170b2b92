"""`/waive` and `/waiver`: somebody asks that a finding does not block for a while, and somebody else answers."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.changes import cab, waivers
from bot.changes.context import Context
from bot.changes.instructions import Asked
from bot.changes.model import Change as Record
from bot.changes.model import Refused
from bot.commands import frame, schedule
from bot.commands.model import WHILE_OPEN, Answer, Command, Situation, WaiverAnswered, WaiverAsked, WaiverRevoked
from bot.decide.approvals import bound
from bot.decide.verdict import Verdict
from bot.facts.model import Account, Permission
from bot.policy.model import Policy
from bot.words import listed, quoted


def _waive(situation: Situation) -> Answer:
    wish = _wish(situation)
    if wish is None:
        return frame.usage(WAIVE.usage)
    finding, until, reason = wish
    open_ones = [each.id for each in situation.decision.findings if each.verdict in {Verdict.FAIL, Verdict.WAIT}]
    if finding not in open_ones:
        known = listed([f"`{each}`" for each in open_ones]) if open_ones else "nothing"
        return frame.refused(f"There is no finding {quoted(finding)} that blocks. Open is {known}.")
    policy, now = frame.change_of(situation).policy, frame.now(situation)
    account = situation.standing.account
    wanted = waivers.Wanted("", finding, reason, until, account)
    if (wrong := waivers.objection(wanted, policy, now)) is not None:
        return frame.refused(wrong.what, wrong.remedy)
    change = frame.change_of(situation)
    record = change.desk.change if change.desk is not None else None
    if change.desk is not None and record is not None and _authorised(record, account, change.desk.context):
        return frame.refused(
            f"@{account.login} has authorised {record.number}, and whoever asks for a waiver has no vote on it.",
            "Somebody else asks for it.",
        )
    groups = listed(list(policy.waivers.groups))
    reply = f"Somebody with {groups} can answer with `/waiver grant {finding}` or `/waiver deny {finding}`."
    asked = WaiverAsked(finding, reason, until, change.facts.head.oid, change.diff)
    return Answer(done=True, reply=reply, deed=asked)


def _wish(situation: Situation) -> tuple[str, datetime, str] | None:
    """Which finding, until when, and why; None where it is not written so."""
    match situation.arguments:
        case (finding, until, day, because, _, *_) if (until.lower(), because.lower()) == ("until", "because"):
            end = _end_of(day, frame.change_of(situation).policy.calendar.timezone)
            return None if end is None else (finding, end, situation.words(4))
        case _:
            return None


def _authorised(record: Record, account: Account, context: Context) -> bool:
    """Whether a vote of the person is one that the authorisation rests on."""
    by = record.authorisation.by if record.authorisation is not None else ()
    people = cab.people_of_change(record, context.standings, context.policy, (account, *by))
    return people.person(account) in {people.person(each) for each in by}


def _end_of(text: str, timezone: str) -> datetime | None:
    try:
        if len(text) == len("2027-01-24"):
            day = date.fromisoformat(text) + timedelta(days=1)
            return datetime.combine(day, time(), ZoneInfo(timezone))
    except (ValueError, OverflowError):
        return None
    return schedule.moment(text, timezone)


WAIVE = Command(
    name="waive",
    usage="/waive finding until date because reason",
    summary="Asks that a finding does not block until a day; somebody else grants that.",
    examples=("/waive rule:no-friday until 2027-01-24 because the regulator's deadline is Monday",),
    permission=Permission.WRITE,
    run=_waive,
    weighty=True,
    states=WHILE_OPEN,
)


def _answer(situation: Situation) -> Answer:
    change = frame.change_of(situation)
    # Its own words may be written in any case, as those of every command.
    match tuple(each.lower() if place == 0 else each for place, each in enumerate(situation.arguments)):
        case ("revoke", which, *_):
            return _revoke(situation, which)
        case ("grant", which, _, *_):
            return frame.refused(
                "A waiver is granted as it was asked for: nothing that is said besides would hold.",
                f"Write `/waiver grant {which}` alone, or `/waiver deny {which} reason`.",
            )
        case ("grant", which) | ("deny", which, *_):
            meant = [each for each in change.asked if which.lstrip("#") == str(each.id) or which == each.finding]
        case _:
            return frame.usage(WAIVER.usage)
    if not meant:
        return frame.refused(f"No waiver {quoted(which)} waits for an answer here. Open is {_wishes(change.asked)}.")
    if len(meant) > 1:
        return frame.refused(f"Several wait for an answer, so that it takes a number: {_wishes(meant)}.")
    denies = frame.keyword(situation) == "deny"
    answered = _denied(situation, meant[0]) if denies else _granted(situation, meant[0])
    if isinstance(answered, Refused):
        return frame.refused(answered.what, answered.remedy)
    return Answer(done=True, deed=WaiverAnswered(meant[0], answered, situation.words(2)))


def _revoke(situation: Situation, which: str) -> Answer:
    change = frame.change_of(situation)
    known = change.facts.waivers
    meant = [each for each in known if which.lstrip("#") == str(each.number) or which == each.finding]
    if not meant:
        held = listed([f"{each.number} (`{each.finding}`)" for each in known]) if known else "nothing"
        return frame.refused(f"No waiver {quoted(which)} holds here. Waived is {held}.")
    waiver = max(meant, key=lambda each: each.until)
    by = situation.standing.account
    wrong = waivers.may_revoke(waiver.granted_by, by, (situation.standing,), _policy_of(situation))
    if wrong is not None:
        return frame.refused(wrong.what, wrong.remedy)
    return Answer(done=True, deed=WaiverRevoked(waiver.number, situation.words(2)))


def _wishes(asked: Sequence[Asked]) -> str:
    return listed([f"{each.id} (`{each.finding}`, of @{each.by.login})" for each in asked]) if asked else "nothing"


def _granted(situation: Situation, asked: Asked) -> waivers.Waiver | Refused:
    by, involved, here = situation.standing.account, _contributors(situation), (situation.standing,)
    change, wanted, policy = frame.change_of(situation), _wanted(situation, asked), _policy_of(situation)
    asking, now = change.facts.requesters, frame.now(situation)
    return waivers.grant(wanted, by, involved, here, policy, now, requesters=asking, diff=change.diff)


def _denied(situation: Situation, asked: Asked) -> Refused | None:
    by, involved, here = situation.standing.account, _contributors(situation), (situation.standing,)
    asking = frame.change_of(situation).facts.requesters
    return waivers.may_answer(_wanted(situation, asked), by, involved, here, _policy_of(situation), requesters=asking)


def _wanted(situation: Situation, asked: Asked) -> waivers.Wanted:
    subject = frame.change_of(situation).subject
    return waivers.Wanted(subject, asked.finding, asked.reason, asked.until, asked.by, asked.id, asked.head, asked.diff)


def _contributors(situation: Situation) -> tuple[Account, ...]:
    people = situation.decision.people
    return tuple(account for each in people if each.role == "contributor" for account in each.accounts)


def _policy_of(situation: Situation) -> Policy:
    change = frame.change_of(situation)
    return bound(change.policy, change.facts.names, (situation.standing,))


WAIVER = Command(
    name="waiver",
    usage="/waiver grant | deny | revoke finding | number [reason]",
    summary="Answers somebody's wish for a waiver, as it was asked for, or takes one back.",
    examples=(
        "/waiver grant rule:no-friday",
        "/waiver deny 3 Monday is early enough",
        "/waiver revoke 3 The scanner works again",
    ),
    permission=Permission.READ,
    run=_answer,
    whom="whoever the policy names in `waivers.from`, did not contribute, and asked for neither it nor the change",
    weighty=True,
    states=WHILE_OPEN,
)
