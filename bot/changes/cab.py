"""The Change Advisory Board: who is on it, whose vote counts and why another does not, and what it has decided.

``quorum`` people approve, and among them one for each role that signs; one person counts once and signs for one role.
The board are the holders of its role and of the roles that the organisation has sign: what a repository's file adds are
signatures besides. Whoever contributed to the change, or asked for it or for a waiver of what blocks it, has no vote,
nor has anybody who came to the board after it was asked; whom a change is escalated to was asked at that moment. A role
counts that somebody held when they were asked and holds still. A vote holds for the diff and the round that it was
given in, and can be changed until the board has decided. A rejection by somebody who could sign for a role stands in
the way until they change it; as many rejections as make a quorum reject.

Who may say no, and who takes it back, is judged by the organisation's policy alone; who may say yes, by both files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.changes.model import Change, Choice, Request, Routing, Vote
from bot.decide.approvals import holds
from bot.decide.matching import assign
from bot.facts.model import Account, Standing
from bot.facts.people import People, Person, is_human, people_among
from bot.policy.model import BOARD, EMERGENCY_BOARD, Cab, ChangeType, OnTimeout, Policy, Tier
from bot.words import dated, listed


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
        return tuple(vote.by for vote in self.standing if vote.choice is Choice.APPROVE)

    @property
    def standing(self) -> tuple[Vote, ...]:
        """The votes that count, in the order of their time."""
        return tuple(each.vote for each in self.votes if not each.reason)


def routing(policy: Policy, tier: Tier, kind: ChangeType) -> Routing:
    """Who authorises a change of that tier and type."""
    rules = policy.tiers[tier]
    if kind is ChangeType.EMERGENCY:
        role = EMERGENCY_BOARD if EMERGENCY_BOARD in policy.roles else BOARD
        emergency = policy.emergency
        return Routing((role,), max(1, emergency.quorum), (), emergency.lasts, against=emergency.against)
    board = rules.board
    if kind is ChangeType.STANDARD or (board is None and not rules.sign_off):
        return Routing()
    if board is None:
        # Nobody above the repository's own file asks for a board: those who sign by it are one.
        alone = Cab(len(rules.sign_off))
        return Routing(rules.sign_off, alone.quorum, rules.sign_off, alone.timeout)
    return Routing(
        roles=tuple(dict.fromkeys((*((BOARD,) if rules.cab is not None else ()), *rules.sign_off))),
        quorum=max(1, board.quorum),
        sign_off=rules.sign_off,
        timeout=board.timeout,
        on_timeout=board.on_timeout,
        escalate_to=board.escalate_to if board.on_timeout is OnTimeout.ESCALATE else (),
        besides=tuple(role for role in rules.besides if role != BOARD),
        against=board.against,
    )


def roles_to_ask(policy: Policy, tier: Tier) -> tuple[str, ...]:
    """Every role whose holders could have a say in a change of that tier, whatever its type."""
    ordinary = routing(policy, tier, ChangeType.NORMAL)
    return tuple(dict.fromkeys((BOARD, EMERGENCY_BOARD, *ordinary.roles, *ordinary.escalate_to)))


def reviewing(policy: Policy, tier: Tier) -> tuple[str, ...]:
    """The roles whose holders look back at an emergency of that tier."""
    return tuple(dict.fromkeys((BOARD, *policy.tiers[tier].voting)))


def members(roles: Sequence[str], standings: Sequence[Standing], policy: Policy) -> tuple[Account, ...]:
    """Who of ``standings`` has a say by these roles: also whom a repository's file took out of them, to say no."""
    return tuple(sorted({each.account for each in standings if _roles(each, roles, policy.objecting)}))


def asking(
    by: Account | None, at: datetime, roles: Sequence[str], standings: Sequence[Standing], policy: Policy
) -> Request:
    """The request to whoever has a say by these roles at that moment, with the roles that each of them holds then."""
    asked = members(roles, standings, policy)
    held = tuple(_held(each, roles, standings, policy.objecting) for each in asked)
    return Request(by, at, tuple(roles), asked, held)


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
    accounts += [*change.contents.contributors, *change.requesters, *change.waiving]
    return people_among(accounts, policy.people, policy.names)


def objection(account: Account, change: Change, standings: Sequence[Standing], policy: Policy, people: People) -> str:
    """Why this account has no vote on the change, to complete "does not count, since it …"; empty when it has one."""
    if took_part := part_in(account, change, people):
        return took_part
    if change.request is None:
        return "was not asked: nobody has asked the board yet"
    asked = _asked(change, change.contents.routing.roles)
    if any(_seats(account, each, standings, policy) for each in asked):
        return ""
    held = [each for each in asked if _held(account, each.roles, standings, policy)]
    if not held:
        roles = list(dict.fromkeys(role for each in asked for role in each.roles))
        return f"holds none of the roles {listed(roles)}" if roles else "is on no board: none decides here"
    if any(account in each.members for each in held):
        return f"has other roles now than those it was asked for on {dated(held[0].at)}"
    return f"came to the board after it was asked on {dated(held[0].at)}"


def sits(account: Account, change: Change, standings: Sequence[Standing], policy: Policy) -> bool:
    """Whether the account holds a role of the board that was asked, whether or not it has a vote."""
    asked = _asked(change, change.contents.routing.roles)
    return any(_held(account, each.roles, standings, policy) for each in asked)


def _asked(change: Change, roles: tuple[str, ...]) -> list[Request]:
    """Who was asked about the change: the board, for these of its roles, and whom it was escalated to."""
    first = [replace(change.request, roles=roles)] if change.request is not None else []
    return first + ([change.escalation] if change.escalation is not None else [])


def _seats(account: Account, request: Request, standings: Sequence[Standing], policy: Policy) -> tuple[str, ...]:
    """The roles for which the account was asked, and that it holds still."""
    return _held(account, request.roles_of(account), standings, policy)


def _could_sign(account: Account, change: Change, standings: Sequence[Standing], policy: Policy) -> tuple[str, ...]:
    """The roles that sign for which the account was asked, with the board or beside it, and that it holds still."""
    routed = change.contents.routing
    held = {role for each in _asked(change, routed.roles) for role in _seats(account, each, standings, policy)}
    return tuple(role for role in routed.sign_off if role in held)


def part_in(account: Account, change: Change, people: People) -> str:
    """Why this account has no say in the change, whatever role it holds; empty when nothing speaks against it."""
    person = people.person(account)
    if not is_human(account):
        return "is a program"
    if person & _ids(change.contents.contributors, people):
        return "contributed to the change"
    if person & _ids(change.requesters, people):
        return "asked for the change"
    return "asked for a waiver of what blocks the change" if person & _ids(change.waiving, people) else ""


def why_refused(account: Account, choice: Choice, change: Change, standings: Sequence[Standing], policy: Policy) -> str:
    """Why a vote of this account is not taken; empty when it is.

    Whoever has a say by the organisation's policy says no, and takes that back: whether what they say then counts as a
    vote to approve is another question.
    """
    round_ = [vote for vote in change.votes if vote.round == change.round]
    said_no = any(vote.by == account and vote.choice is not Choice.APPROVE for vote in round_)
    judged = policy if choice is Choice.APPROVE and not said_no else policy.objecting
    return objection(account, change, standings, judged, people_of_change(change, standings, judged, (account,)))


def count(change: Change, standings: Sequence[Standing], policy: Policy) -> Count:
    """What the votes on record come to. ``standings`` are those of now, of everybody who voted."""
    people, votes = people_of_change(change, standings, policy), sorted(change.votes, key=lambda each: each.at)
    reasons = _reasons(votes, change, standings, policy, people)
    standing = [vote for vote, reason in zip(votes, reasons, strict=True) if not reason]
    routed = change.contents.routing
    signed = _signatures(standing, change, standings, policy, people)
    counted = tuple(_counted(vote, reason, people, signed, routed) for vote, reason in zip(votes, reasons, strict=True))
    chosen = {choice: [vote.by for vote in standing if vote.choice is choice] for choice in Choice}
    # Whom it was escalated to decides with the board.
    asked = _asked(change, routed.voting)
    voting = [who for who in chosen[Choice.APPROVE] if any(_seats(who, each, standings, policy) for each in asked)]
    numbers = {**{choice: len(by) for choice, by in chosen.items()}, Choice.APPROVE: len(voting)}
    unsigned = tuple(role for place, role in enumerate(routed.sign_off) if place not in signed.values())
    signing = policy.objecting
    against = tuple(each for each in chosen[Choice.REJECT] if _could_sign(each, change, standings, signing))
    return Count(
        votes=counted,
        approvals=numbers[Choice.APPROVE],
        rejections=numbers[Choice.REJECT],
        deferrals=numbers[Choice.DEFER],
        unsigned=unsigned,
        against=against,
        outcome=_outcome(routed, numbers, unsigned=bool(unsigned), vetoed=bool(against)),
    )


def last_word(change: Change, person: Person, people: People) -> Vote | None:
    """What a person said last of the change as it is now asked about; None when they said nothing."""
    said = [vote for vote in change.votes if people.person(vote.by) == person and not _earlier(vote, change)]
    return max(reversed(said), key=lambda each: each.at, default=None)


def given_by(change: Change, review: int | None, people: People) -> Vote | None:
    """The vote that was given by the review, while it is the last word of its voter; None when it is not."""
    given = [vote for vote in change.votes if review is not None and vote.review == review]
    last = last_word(change, people.person(given[-1].by), people) if given else None
    return last if last is not None and last.review == review and last.choice is not Choice.WITHDRAW else None


def on_timeout(change: Change, outcome: Outcome, *, rejected: bool, now: datetime) -> OnTimeout | None:
    """What becomes of a request that was not decided in time; None while there is time.

    A board some of whose members reject has answered; one that was escalated to and did not decide has, too.
    """
    if change.deadline is None or now < change.deadline or outcome is not Outcome.OPEN:
        return None
    if rejected or (change.escalation is not None and change.contents.routing.on_timeout is OnTimeout.ESCALATE):
        return OnTimeout.REJECT
    return change.contents.routing.on_timeout


def _reasons(
    votes: Sequence[Vote], change: Change, standings: Sequence[Standing], policy: Policy, people: People
) -> list[str]:
    """Why each of the votes, which are in the order of their time, does not count; empty for one that does.

    A later vote of the same person takes an earlier one's place. Who that is, a repository's file can widen for votes
    to approve and not for others: no account that only such a file joins to another takes back what that one rejected.
    """
    objecting = policy.objecting
    apart = people_of_change(change, standings, objecting)
    said = [_reason(vote, change, standings, objecting, apart) for vote in votes]
    reasons = []
    for place, vote in enumerate(votes):
        approves = vote.choice is Choice.APPROVE
        same = people if approves else apart
        found = _reason(vote, change, standings, policy, people) if approves else said[place]
        later = [
            each
            for each, why in zip(votes[place + 1 :], said[place + 1 :], strict=True)
            if not why and same.person(each.by) == same.person(vote.by)
        ]
        reasons.append(found or ("a later vote of the same person takes its place" if later else ""))
    return reasons


def _reason(vote: Vote, change: Change, standings: Sequence[Standing], policy: Policy, people: People) -> str:
    if _earlier(vote, change):
        return "it was given for an earlier state of the change"
    if change.request is None:
        return "the round that it was given in is over"
    found = objection(vote.by, change, standings, policy, people)
    return f"whoever gave it {found}" if found else ""


def _earlier(vote: Vote, change: Change) -> bool:
    return vote.round != change.round or vote.diff != change.contents.diff


def _counted(vote: Vote, reason: str, people: People, signed: Mapping[Person, int], routed: Routing) -> CountedVote:
    place = signed.get(people.person(vote.by))
    signs = not reason and vote.choice is Choice.APPROVE and place is not None
    return CountedVote(vote, reason, routed.sign_off[place] if signs and place is not None else "")


def _signatures(
    standing: Sequence[Vote], change: Change, standings: Sequence[Standing], policy: Policy, people: People
) -> dict[Person, int]:
    """Which role each person signs for, so that as many roles as possible are signed."""
    able: dict[Person, list[int]] = {}
    sign_off = change.contents.routing.sign_off
    for vote in standing:
        held = _could_sign(vote.by, change, standings, policy)
        if vote.choice is Choice.APPROVE and held:
            able[people.person(vote.by)] = [place for place, role in enumerate(sign_off) if role in held]
    return assign([1] * len(sign_off), able)


def _outcome(routed: Routing, numbers: Mapping[Choice, int], *, unsigned: bool, vetoed: bool) -> Outcome:
    if not routed.has_board:
        return Outcome.OPEN
    enough = routed.against or routed.quorum
    if numbers[Choice.REJECT] >= enough:
        return Outcome.REJECTED
    if numbers[Choice.APPROVE] >= routed.quorum and not unsigned and not vetoed:
        return Outcome.APPROVED
    return Outcome.DEFERRED if numbers[Choice.DEFER] >= enough else Outcome.OPEN


def _held(account: Account, roles: Sequence[str], standings: Sequence[Standing], policy: Policy) -> tuple[str, ...]:
    return next((_roles(each, roles, policy) for each in standings if each.account == account), ())


def _roles(standing: Standing, roles: Sequence[str], policy: Policy) -> tuple[str, ...]:
    """Which of the roles the account holds."""
    return tuple(role for role in roles if holds(standing, role, policy))


def _ids(accounts: Sequence[Account], people: People) -> frozenset[int]:
    return frozenset[int]().union(*(people.person(account) for account in accounts))
