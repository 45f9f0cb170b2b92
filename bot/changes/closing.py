"""How a change ends: who may release it and who may say what came of it, and what must hold before. Pure.

Whoever contributed or released it never verifies it, whatever a policy says; the policy can keep other parts apart from
that, too. Parts are of persons, not of accounts.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.changes import cab, verification
from bot.changes.context import Context
from bot.changes.model import Act, Change, Closure, Event, Refused, State
from bot.changes.plans import gives_reason
from bot.decide.approvals import holds, label
from bot.decide.duties import Parts, barred, conflicts
from bot.facts.model import Account
from bot.facts.people import GHOST, People, Person, is_human
from bot.policy.model import Approvals, ChangeType, Role, Separation, Verification
from bot.words import listed

QUIET = timedelta(hours=24)
"""After how long a change of which nobody has reported a problem is closed by itself: a working day of every time zone,
a night's batch and a day's reconciliation have gone over it by then."""

NOBODY_REPORTED = f"Nobody has reported a problem within {QUIET // timedelta(hours=1)} hours of its release."

NOBODY_REPORTED_MORE = (
    f"Nobody has reported another problem within {QUIET // timedelta(hours=1)} hours of when the hold on it was lifted."
)

_ALWAYS_APART = (
    Separation(frozenset({Role.CONTRIBUTOR, Role.VERIFIER})),
    Separation(frozenset({Role.DEPLOYER, Role.VERIFIER})),
)
_DID = {
    Role.AUTHOR: "contributed to it",
    Role.CONTRIBUTOR: "contributed to it",
    Role.REQUESTER: "asked for it",
    Role.APPROVER: "approved it",
    Role.CAB: "voted for it",
    Role.MERGER: "merged it",
    Role.DEPLOYER: "released it",
}


def happened(_change: Change, event: Event, _context: Context) -> Refused | None:
    """It is something that happened, and is only noted."""
    return None if event.at is not None else Refused(f"`{event.act.value}` is noted when it happened; nobody does it.")


def not_noted(change: Change, _event: Event, _context: Context) -> Refused | None:
    """It is not on record yet that it was released."""
    return None if change.started_at is None else Refused(f"It is on record that {change.number} was released.")


def apart(change: Change, event: Event, context: Context) -> Refused | None:
    """Whoever releases it has no part in it that the policy keeps apart from that."""
    tier, separation = change.contents.tier, change.contents.under(context.policy).separation
    parted = {role for pair in separation if tier in pair.tiers for role in pair.roles}
    if not parted & _RELEASING:
        return None
    if event.who is None or event.who == GHOST:
        return Refused("Nobody knows who released it, and whether they had another part in it.")
    people = _people(change, context, event.who)
    person = people.person(event.who)
    parts = parts_of(change, context, people)
    then = {**parts, **{role: parts[role] | {person} for role in _RELEASING}}
    found = [set(each.roles) for each in conflicts(then, separation, tier) if each.person == person]
    held = {role for roles in found if roles & _RELEASING for role in roles - _RELEASING or {Role.MERGER}}
    if not held:
        return None
    return Refused(f"@{event.who.login} {_did(held)}, which the policy keeps apart from releasing it.")


def of_two_parts(change: Change, context: Context) -> list[str]:
    """The approvals that are still to be given, since who gave one has a part that the policy keeps apart from that.

    No decision counts an approval of who asked: here it is somebody who voted, or has asked since it was made.
    """
    people = _people(change, context)
    by = cab.count(change, context.standings, context.policy).approvers
    parts = {**parts_of(change, context, people), Role.CAB: frozenset(people.person(each) for each in by)}
    held: dict[Person, set[Role]] = {}
    separation = change.contents.under(context.policy).separation
    for each in conflicts(parts, separation, change.contents.tier):
        others = {*each.roles} - {Role.APPROVER, *_RELEASING}
        if Role.APPROVER in each.roles and others:
            held.setdefault(each.person, set()).update(others)
    return [_approved_besides(people.name(person), roles) for person, roles in held.items()]


def _approved_besides(name: str, roles: Iterable[Role]) -> str:
    kept = "the policy keeps the two apart; the review is dismissed"
    return f"an approval by somebody else than {name}, who {_did(roles)} ({kept})"


_RELEASING = frozenset({Role.MERGER, Role.DEPLOYER})
"""Where the merge is the release, whoever merges deploys."""


def parts_of(change: Change, context: Context, people: People) -> Parts:
    """Who had which part in the change. Who opened it is one of those who contributed."""

    def persons(accounts: tuple[Account, ...]) -> frozenset[Person]:
        return frozenset(people.person(each) for each in accounts)

    contributing, releasing = persons(change.contents.contributors), persons(change.released_by)
    return {
        Role.AUTHOR: contributing,
        Role.CONTRIBUTOR: contributing,
        Role.REQUESTER: persons((*change.requesters, *change.waiving)),
        Role.APPROVER: persons(context.approvers),
        Role.CAB: persons(change.authorisation.by if change.authorisation else ()),
        Role.MERGER: releasing,
        Role.DEPLOYER: releasing,
    }


def _people(change: Change, context: Context, *who: Account) -> People:
    also = (*who, *context.approvers, *change.released_by)
    return cab.people_of_change(change, context.standings, context.policy, also)


def not_backed_out(change: Change, _event: Event, _context: Context) -> Refused | None:
    """It is backed out once."""
    return Refused(f"{change.number} is backed out already.") if change.backed_out else None


def fits(change: Change, event: Event, _context: Context) -> Refused | None:
    """What came of it fits what happened, says why unless it went well, and an emergency was reviewed before."""
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
            f"{change.number} was an emergency and has not been reviewed.",
            "Somebody of the board who had no part in it says `/change review what-was-found`.",
        )
    if closure is not Closure.SUCCESSFUL and not gives_reason(event.why):
        return Refused(f"To close a change as {closure.value} needs a reason.", "Say in a sentence what happened.")
    return None


def may_close(change: Change, event: Event, context: Context) -> Refused | None:
    """Who verifies it where the policy demands that, else whoever had to do with it; Countersign when nobody did."""
    if event.who is None:
        return _by_itself(change, event, context)
    if not is_human(event.who):
        return Refused("A program cannot say what came of a change.", "A person closes it.")
    demanded = verification.demanded(change, context)
    if demanded is not None and event.closure in verification.CONFIRMING:
        return _may_verify(change, event.who, demanded, context)
    return _has_to_do_with_it(change, event.who, context)


def may_back_out(change: Change, event: Event, context: Context) -> Refused | None:
    """Whoever had to do with it can say that it was taken back."""
    return _has_to_do_with_it(change, event.who, context) if event.who is not None else None


def closes_by_itself_at(change: Change, context: Context) -> datetime | None:
    """When Countersign closes it as successful if nobody reports a problem; None when a person has to say it.

    That is so where somebody verifies or holds it, of an emergency, and of what was backed out, or released though it
    should wait.
    """
    if change.state is not State.REVIEW or change.ended_at is None or change.backed_out or change.overtaken:
        return None
    demanded = verification.demanded(change, context)
    if demanded is not None or change.emergency is not None or change.contents.kind is ChangeType.EMERGENCY:
        return None
    if context.held:
        return None
    return (_lifted_at(change, context) or change.ended_at) + QUIET


def _lifted_at(change: Change, context: Context) -> datetime | None:
    """When the last hold since its release was lifted; None where nobody has held it since."""
    lifted = [each.at for each in context.holds if not each.value]
    return max((at for at in lifted if change.ended_at is not None and at > change.ended_at), default=None)


def by_itself(change: Change, context: Context) -> Event:
    """That Countersign closes a change of which it has heard nothing more."""
    why = NOBODY_REPORTED if _lifted_at(change, context) is None else NOBODY_REPORTED_MORE
    return Event(Act.CLOSE, why=why, closure=Closure.SUCCESSFUL)


def closing(change: Change, who: Account, closure: Closure, why: str) -> tuple[Event, ...]:
    """What it takes to close the change so: one that is closed as backed out is backed out before."""
    close = Event(Act.CLOSE, who, why, closure=closure)
    if closure is Closure.BACKED_OUT and not change.backed_out:
        return (Event(Act.BACK_OUT, who, why), close)
    return (close,)


def _by_itself(change: Change, event: Event, context: Context) -> Refused | None:
    at = closes_by_itself_at(change, context)
    if at is None or context.now < at or event.closure is not Closure.SUCCESSFUL:
        return Refused(f"A person says what came of {change.number}.", "`/change close` says it.")
    return None


def _may_verify(change: Change, who: Account, demanded: Verification, context: Context) -> Refused | None:
    groups = label(Approvals(1, demanded.groups), context.policy)
    remedy = f"Somebody with {groups} who neither contributed nor released it says `/change close`."
    mine = [each for each in context.standings if each.account == who]
    if not any(holds(each, group, context.policy) for each in mine for group in demanded.groups):
        return Refused(
            f"Whoever closes {change.number} as a success verifies it in production, and @{who.login} does not have "
            f"{groups}.",
            remedy,
        )
    if is_released_by_nobody_known(change):
        return Refused(
            f"Nobody knows who released {change.number}, and so whether @{who.login} is somebody else.",
            "It cannot be called a success; close it as unsuccessful, and say that.",
        )
    held = kept_from_verifying(change, who, context)
    if held:
        return Refused(
            f"@{who.login} cannot verify {change.number}: @{who.login} {_did(held)}, which is kept apart from that.",
            remedy,
        )
    return None


def is_released_by_nobody_known(change: Change) -> bool:
    """Whether it is not known of everybody who released it who that was."""
    return not change.released_by or GHOST in change.released_by


def kept_from_verifying(change: Change, who: Account, context: Context) -> tuple[Role, ...]:
    """The parts that somebody had in the change which are kept apart from verifying it."""
    people = _people(change, context, who)
    separation = (*_ALWAYS_APART, *change.contents.under(context.policy).separation)
    parts = parts_of(change, context, people)
    return barred(people.person(who), Role.VERIFIER, parts, separation, change.contents.tier)


def _did(roles: Iterable[Role]) -> str:
    return listed(list(dict.fromkeys(_DID[role] for role in sorted(roles))))


def _has_to_do_with_it(change: Change, who: Account, context: Context) -> Refused | None:
    people = _people(change, context, who)
    parts = parts_of(change, context, people)
    board = cab.deciding(change, context.standings, context.policy)
    involved = frozenset[Person]().union(*parts.values(), (people.person(each) for each in board))
    if people.person(who) in involved or _could_verify(change, who, context):
        return None
    return Refused(
        f"@{who.login} cannot say what came of {change.number}.",
        "Who contributed, asked, approved, merged, decides, or verifies can.",
    )


def _could_verify(change: Change, who: Account, context: Context) -> bool:
    demanded = verification.demanded(change, context)
    mine = [each for each in context.standings if each.account == who]
    groups = demanded.groups if demanded is not None else ()
    return any(holds(each, group, context.policy) for each in mine for group in groups)
