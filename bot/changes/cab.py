"""The Change Advisory Board: who is on it, whose vote counts and why another does not, and what it has decided.

``quorum`` people approve, and among them one for each role that signs; one person counts once and signs for one role.
Whoever contributed to the change, or asked for it, has no vote, nor has anybody who came to the board after it was
asked; whom a change is escalated to was asked at that moment. A vote holds for the diff and the round that it was given
in, and can be changed until the board has decided. A rejection by somebody who could sign for a role stands in the way
until they change it; as many rejections as make a quorum reject.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.changes.model import Change, Choice, Contents, Routing, Vote
from bot.decide.approvals import ENOUGH, holds
from bot.decide.matching import assign
from bot.decide.verdict import CountedReview
from bot.facts.model import Account, Standing
from bot.facts.people import People, Person, is_human, people_among
from bot.policy.model import ChangeType, OnTimeout, Policy, Tier
from bot.words import listed

BOARD = "cab"
"""The role of the policy whose holders are the board."""

EMERGENCY_BOARD = "ecab"
"""The role whose holders are the board in an emergency; the board itself where the policy has no such role."""

USUAL_TIMEOUT = timedelta(hours=24)


class Outcome(StrEnum):
    """What the board has decided so far."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class CountedVote:
    """What became of a vote: it counts, for the roles in ``signs`` too, or ``reason`` says why it does not."""

    vote: Vote
    reason: str = ""
    signs: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Every vote on record with what became of it, and what they come to.

    ``unsigned`` are the roles that nobody has signed for. ``against`` are accounts whose rejection stands in the way.
    """

    votes: tuple[CountedVote, ...]
    approvals: int
    rejections: int
    deferrals: int
    unsigned: tuple[str, ...]
    against: tuple[Account, ...]
    outcome: Outcome

    @property
    def approvers(self) -> tuple[Account, ...]:
        """Whose votes to approve count."""
        return tuple(each.vote.by for each in self.votes if not each.reason and each.vote.choice is Choice.APPROVE)


def routing(policy: Policy, tier: Tier, kind: ChangeType) -> Routing:
    """Who authorises a change of that tier and type."""
    rules = policy.tiers[tier]
    if kind is ChangeType.EMERGENCY:
        board = EMERGENCY_BOARD if EMERGENCY_BOARD in policy.roles else BOARD
        return Routing((board,), max(1, policy.emergency.quorum), (), policy.emergency.lasts)
    if kind is ChangeType.STANDARD or (rules.cab is None and not rules.sign_off):
        return Routing()
    if rules.cab is None:
        return Routing(rules.sign_off, len(rules.sign_off), rules.sign_off, USUAL_TIMEOUT)
    roles = tuple(dict.fromkeys((BOARD, *rules.sign_off)))
    quorum = max(1, rules.cab.quorum)
    escalate_to = rules.cab.escalate_to if rules.cab.on_timeout is OnTimeout.ESCALATE else ()
    return Routing(roles, quorum, rules.sign_off, rules.cab.timeout, rules.cab.on_timeout, escalate_to)


def roles_to_ask(policy: Policy, tier: Tier) -> tuple[str, ...]:
    """Every role whose holders could have a say in a change of that tier, whatever its type."""
    ordinary = routing(policy, tier, ChangeType.NORMAL)
    return tuple(dict.fromkeys((BOARD, EMERGENCY_BOARD, *ordinary.roles, *ordinary.escalate_to)))


def reviewing(policy: Policy, tier: Tier) -> tuple[str, ...]:
    """The roles whose holders look back at an emergency of that tier."""
    return tuple(dict.fromkeys((BOARD, *policy.tiers[tier].sign_off)))


def members(roles: Sequence[str], standings: Sequence[Standing], policy: Policy) -> tuple[Account, ...]:
    """Who of ``standings`` is on the board that these roles make up."""
    return tuple(sorted({each.account for each in standings if _roles(each, roles, policy)}))


def deciding(change: Change, standings: Sequence[Standing], policy: Policy) -> tuple[Account, ...]:
    """Who decides about the change now: the board of its roles, and whom it was escalated to."""
    board = {*members(change.contents.routing.roles, standings, policy)}
    if change.escalation is not None:
        board |= {*members(change.escalation.roles, standings, policy)} & {*change.escalation.members}
    return tuple(sorted(board))


def people_of_change(
    change: Change, standings: Sequence[Standing], policy: Policy, also: Sequence[Account] = ()
) -> People:
    """Who is one person, among everybody who has to do with the change."""
    accounts = [*(each.account for each in standings), *also, *(vote.by for vote in change.votes)]
    accounts += [*change.contents.contributors, *change.requesters]
    return people_among(accounts, policy.people)


def objection(account: Account, change: Change, standings: Sequence[Standing], policy: Policy, people: People) -> str:
    """Why this account has no vote on the change, to complete "does not count, since it …"; empty when it has one."""
    if took_part := part_in(account, change, people):
        return took_part
    if change.request is None:
        return "was not asked: nobody has asked the board yet"
    asked = [replace(change.request, roles=change.contents.routing.roles)]
    asked += [change.escalation] if change.escalation is not None else []
    held = [each for each in asked if _held(account, each.roles, standings, policy)]
    if not held:
        roles = list(dict.fromkeys(role for each in asked for role in each.roles))
        return f"holds none of the roles {listed(roles)}" if roles else "is on no board: none decides here"
    if not any(account in each.members for each in held):
        return f"came to the board after it was asked on {held[0].at:%Y-%m-%d %H:%M} UTC"
    return ""


def part_in(account: Account, change: Change, people: People) -> str:
    """Why this account has no say in the change, whatever role it holds; empty when nothing speaks against it."""
    person = people.person(account)
    if not is_human(account):
        return "is a program"
    if person & _ids(change.contents.contributors, people):
        return "contributed to the change"
    return "asked for the change" if person & _ids(change.requesters, people) else ""


def count(change: Change, standings: Sequence[Standing], policy: Policy) -> Count:
    """What the votes on record come to. ``standings`` are those of now, of everybody who voted."""
    people = people_of_change(change, standings, policy)
    votes = sorted(change.votes, key=lambda each: each.at)
    reasons = [_reason(vote, change, standings, policy, people) for vote in votes]
    latest: dict[Person, int] = {
        people.person(vote.by): place for place, vote in enumerate(votes) if not reasons[place]
    }
    for place, vote in enumerate(votes):
        if not reasons[place] and latest[people.person(vote.by)] != place:
            reasons[place] = "a later vote of the same person takes its place"
    standing = {place: votes[place] for place in latest.values()}
    routed = change.contents.routing
    signed = _signatures(standing, routed, standings, policy, people)
    counted = tuple(_counted(vote, reason, people, signed, routed) for vote, reason in zip(votes, reasons, strict=True))
    numbers = {choice: sum(1 for vote in standing.values() if vote.choice is choice) for choice in Choice}
    unsigned = tuple(role for place, role in enumerate(routed.sign_off) if place not in signed.values())
    against = tuple(
        vote.by
        for vote in standing.values()
        if vote.choice is Choice.REJECT and _held(vote.by, routed.sign_off, standings, policy)
    )
    return Count(
        votes=counted,
        approvals=numbers[Choice.APPROVE],
        rejections=numbers[Choice.REJECT],
        deferrals=numbers[Choice.DEFER],
        unsigned=unsigned,
        against=against,
        outcome=_outcome(routed, numbers, unsigned=bool(unsigned), vetoed=bool(against)),
    )


def votes_of_reviews(
    reviews: Sequence[CountedReview], contents: Contents, round_: int, at: datetime
) -> tuple[Vote, ...]:
    """Reviews that count as votes to approve, for a policy that takes them so (``cab.reviews``).

    One that fills no demand only since others filled it before is a vote as well.
    """
    return tuple(
        Vote(each.account, Choice.APPROVE, "approved the pull request", at, contents.diff, round_)
        for each in reviews
        if each.account is not None and (each.counts_for is not None or each.reason == ENOUGH)
    )


def on_timeout(change: Change, outcome: Outcome, *, rejected: bool, now: datetime) -> OnTimeout | None:
    """What becomes of a request that was not decided in time; None while there is time.

    A board some of whose members reject has answered; one that was escalated to and did not decide has, too.
    """
    if change.deadline is None or now < change.deadline or outcome is not Outcome.OPEN:
        return None
    if rejected or (change.escalation is not None and change.contents.routing.on_timeout is OnTimeout.ESCALATE):
        return OnTimeout.REJECT
    return change.contents.routing.on_timeout


def _reason(vote: Vote, change: Change, standings: Sequence[Standing], policy: Policy, people: People) -> str:
    if vote.round != change.round or vote.diff != change.contents.diff:
        return "it was given for an earlier state of the change"
    found = objection(vote.by, change, standings, policy, people)
    return f"whoever gave it {found}" if found else ""


def _counted(vote: Vote, reason: str, people: People, signed: Mapping[Person, int], routed: Routing) -> CountedVote:
    place = signed.get(people.person(vote.by))
    signs = not reason and vote.choice is Choice.APPROVE and place is not None
    return CountedVote(vote, reason, routed.sign_off[place] if signs and place is not None else "")


def _signatures(
    standing: Mapping[int, Vote], routed: Routing, standings: Sequence[Standing], policy: Policy, people: People
) -> dict[Person, int]:
    """Which role each person signs for, so that as many roles as possible are signed."""
    able: dict[Person, list[int]] = {}
    for _, vote in sorted(standing.items()):
        held = _held(vote.by, routed.sign_off, standings, policy)
        if vote.choice is Choice.APPROVE and held:
            able[people.person(vote.by)] = [place for place, role in enumerate(routed.sign_off) if role in held]
    return assign([1] * len(routed.sign_off), able)


def _outcome(routed: Routing, numbers: Mapping[Choice, int], *, unsigned: bool, vetoed: bool) -> Outcome:
    if not routed.has_board:
        return Outcome.OPEN
    if numbers[Choice.REJECT] >= routed.quorum:
        return Outcome.REJECTED
    if numbers[Choice.APPROVE] >= routed.quorum and not unsigned and not vetoed:
        return Outcome.APPROVED
    return Outcome.DEFERRED if numbers[Choice.DEFER] >= routed.quorum else Outcome.OPEN


def _held(account: Account, roles: Sequence[str], standings: Sequence[Standing], policy: Policy) -> tuple[str, ...]:
    return next((_roles(each, roles, policy) for each in standings if each.account == account), ())


def _roles(standing: Standing, roles: Sequence[str], policy: Policy) -> tuple[str, ...]:
    """Which of the roles the account holds."""
    return tuple(role for role in roles if holds(standing, role, policy))


def _ids(accounts: Sequence[Account], people: People) -> frozenset[int]:
    return frozenset[int]().union(*(people.person(account) for account in accounts))
