"""`/waive` and `/waiver`: somebody asks that a finding does not block for a while, and somebody else answers."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.changes import waivers
from bot.changes.instructions import Asked
from bot.changes.model import Refused
from bot.commands import frame, schedule
from bot.commands.model import Answer, Command, Situation, WaiverAnswered, WaiverAsked
from bot.decide.approvals import bound
from bot.decide.verdict import Verdict
from bot.facts.model import Permission
from bot.words import listed, quoted

_WAIVE = re.compile(r"(?P<finding>\S+)\s+until\s+(?P<until>\S+)\s+because\s+(?P<reason>.+)", re.DOTALL)


def _waive(situation: Situation) -> Answer:
    found = _WAIVE.fullmatch(situation.words())
    until = _end_of(found["until"], frame.change_of(situation).policy.calendar.timezone) if found else None
    if found is None or until is None:
        return frame.usage(WAIVE.usage)
    finding = found["finding"]
    open_ones = [each.id for each in situation.decision.findings if each.verdict in {Verdict.FAIL, Verdict.WAIT}]
    if finding not in open_ones:
        known = listed([f"`{each}`" for each in open_ones]) if open_ones else "nothing"
        return frame.refused(f"There is no finding {quoted(finding)} that blocks. Open is {known}.")
    policy, now = frame.change_of(situation).policy, frame.now(situation)
    account = situation.standing.account
    wanted = waivers.Wanted("", finding, found["reason"], until, account)
    if (wrong := waivers.objection(wanted, policy, now)) is not None:
        return frame.refused(wrong.what, wrong.remedy)
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
    return schedule.moment(text, timezone)


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
    change = frame.change_of(situation)
    match situation.arguments:
        case ("grant" | "deny" as word, which):
            meant = [each for each in change.asked if which.lstrip("#") == str(each.id) or which == each.finding]
        case _:
            return frame.usage(WAIVER.usage)
    if not meant:
        return frame.refused(f"No waiver {quoted(which)} waits for an answer here. Open is {_wishes(change.asked)}.")
    if len(meant) > 1:
        return frame.refused(f"Several wait for an answer, so that it takes a number: {_wishes(meant)}.")
    asked = meant[0]
    granted = _granted(situation, asked)
    if isinstance(granted, Refused):
        return frame.refused(granted.what, granted.remedy)
    if word == "deny":
        return Answer(done=True, deed=WaiverAnswered(asked, None))
    return Answer(done=True, deed=WaiverAnswered(asked, granted))


def _wishes(asked: Sequence[Asked]) -> str:
    return listed([f"{each.id} (`{each.finding}`, of @{each.by.login})" for each in asked]) if asked else "nothing"


def _granted(situation: Situation, asked: Asked) -> waivers.Waiver | Refused:
    change = frame.change_of(situation)
    wanted = waivers.Wanted(change.subject, asked.finding, asked.reason, asked.until, asked.by)
    contributors = tuple(
        account for each in situation.decision.people if each.role == "contributor" for account in each.accounts
    )
    by = situation.standing.account
    policy = bound(change.policy, change.facts.names, (situation.standing,))
    return waivers.grant(wanted, by, contributors, (situation.standing,), policy, frame.now(situation))


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
