"""`/hold` and `/unhold`: the change waits until who holds it, or somebody above it all, lifts that."""

from collections.abc import Iterable

from bot.changes.model import State
from bot.commands import frame
from bot.commands.model import UNTIL_CLOSED, Answer, Change, Command, Lifted, Situation
from bot.decide.approvals import Roles
from bot.decide.duties import may_answer_for
from bot.facts.model import Instructed, Instruction, Permission, PullRequestState
from bot.facts.people import is_human, people_among
from bot.words import listed


def _hold(situation: Situation) -> Answer:
    if situation.standing.permission < Permission.WRITE and not _holds_one(situation, _change(situation).policy.roles):
        return frame.refused(f"`/hold` is for {HOLD.who}; @{situation.standing.account.login} does not have that.")
    why = frame.reason(situation)
    if not why:
        return frame.usage(HOLD.usage)
    change = _change(situation)
    record = change.desk.change if change.desk is not None else None
    if change.facts.state is PullRequestState.OPEN:
        return frame.lay_down(situation, Instructed.HOLD, "held", why)
    if record is None:
        return frame.refused("The pull request is merged, and there is no change record that could be held.")
    if record.state.over:
        return frame.refused(
            f"{record.number} is {record.state.value}: nothing of it can be held any more.",
            "`/change` shows how it ended.",
        )
    reply = _REPORTED.format(number=record.number) if record.state in _RELEASED else None
    return frame.lay_down(situation, Instructed.HOLD, "held", why, reply)


_RELEASED = {State.IMPLEMENT, State.REVIEW}
_REPORTED = (
    "That counts as a report of a problem: {number} is not closed by itself while the hold stands. `/change close` "
    "says what came of it."
)


HOLD = Command(
    name="hold",
    usage="/hold reason",
    summary=(
        "Holds the change until that is lifted. After the merge, that counts as a report of a problem: the change is "
        "not closed by itself."
    ),
    examples=("/hold Wait for the auditors",),
    permission=Permission.READ,
    run=_hold,
    whom="anyone with write access to the repository, and whoever holds a role of the policy",
    weighty=True,
    states=UNTIL_CLOSED,
)


def _unhold(situation: Situation) -> Answer:
    at, known = frame.said_at(situation), _change(situation).facts.holds
    holds = [each for each in known if each.at <= at]
    if not holds:
        return frame.refused("Nobody held this change when that was said." if known else "Nobody holds this change.")
    lifted = [each for each in holds if _may_lift(situation, each)]
    standing = [each for each in holds if each not in lifted]
    left = _stands(situation, standing) if standing else ""
    if not lifted:
        return frame.refused(f"@{situation.standing.account.login} cannot lift it.", left)
    reason = frame.reason(situation) or "lifted"
    instruction = Instruction(Instructed.HOLD, "", situation.standing.account, reason, at)
    return Answer(done=True, reply=left or None, deed=Lifted(tuple(each.by for each in lifted), instruction))


def _may_lift(situation: Situation, hold: Instruction) -> bool:
    """Whether it is their own, or they hold a role of the organisation's and have no part in the change."""
    change, account = _change(situation), situation.standing.account
    contributors = [
        each for found in situation.decision.people if found.role == "contributor" for each in found.accounts
    ]
    people = people_among([account, hold.by, *contributors], change.policy.people, change.facts.names)
    person = people.person(account)
    if person == people.person(hold.by):
        return True
    apart = may_answer_for(person, [people.person(each) for each in contributors])
    return apart and is_human(account) and _holds_one(situation, change.policy.organisation_roles)


def _stands(situation: Situation, holds: list[Instruction]) -> str:
    holders = listed([f"@{each.by.login}" for each in holds], "or")
    roles = [f"`{role}`" for role in _change(situation).policy.organisation_roles]
    others = f", or somebody with {listed(roles, 'or')} who did not contribute" if roles else ""
    named = listed([f"@{each.by.login}" for each in holds])
    return f"{named} {'holds' if len(holds) == 1 else 'hold'} the change: {holders} can lift that{others}."


def _holds_one(situation: Situation, roles: Iterable[str]) -> bool:
    change = _change(situation)
    known = Roles(change.facts.names, change.policy)
    return any(known.holds(situation.standing, role) for role in roles)


def _change(situation: Situation) -> Change:
    return frame.change_of(situation)


UNHOLD = Command(
    name="unhold",
    usage="/unhold [reason]",
    summary="Lifts a hold.",
    examples=("/unhold", "/unhold The auditors have been here"),
    permission=Permission.READ,
    run=_unhold,
    whom="who holds it, and whoever holds a role of the policy and did not contribute",
    weighty=True,
    states=UNTIL_CLOSED,
)
