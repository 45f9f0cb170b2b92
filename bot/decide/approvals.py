"""Which reviews count as approvals, for which demand, and why the others do not.

An approval is the state of a review, never its words. It counts when it is the person's latest opinion, is on the head
commit (or on one with the same difference to the base, where the policy lets it carry over), was given since the pull
request last took a turn (another base branch, ready, open again), comes from a person with the demanded role at the
time of deciding who did not contribute, nor ask for it where the policy keeps that apart, and fills no other demand:
one person, one signature.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.decide.contributors import Contributors
from bot.decide.matching import assign
from bot.decide.requesters import Asking
from bot.decide.verdict import CountedReview, Demand
from bot.facts.model import (
    PERMISSION,
    Account,
    Named,
    Permission,
    PullRequestFacts,
    Review,
    ReviewState,
    Standing,
    Turn,
    TurnKind,
)
from bot.facts.people import People, Person, is_human
from bot.policy.model import Approvals, CarryOver, Policy
from bot.words import listed, quoted, spoken

PERMISSIONS = {"write": Permission.WRITE, "maintain": Permission.MAINTAIN, "admin": Permission.ADMIN}
ENOUGH = "enough others approved already"
"""Why an approval with which nothing is wrong fills no demand."""
_DECISIVE = {ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED}


@dataclass(frozen=True, slots=True)
class Tally:
    """Every review with what became of it, every demand with how far it is met, and who asks for changes."""

    reviews: tuple[CountedReview, ...]
    demands: tuple[Demand, ...]
    against: tuple[Account, ...]
    approvers: tuple[Person, ...]

    @property
    def met(self) -> bool:
        """Whether every demand is met; without a demand, none is."""
        return bool(self.demands) and all(demand.given >= demand.needed for demand in self.demands)


def tally(
    facts: PullRequestFacts,
    policy: Policy,
    demands: tuple[Approvals, ...],
    people: People,
    involved: Contributors,
    asking: Asking,
    *,
    heard: tuple[str, ...] = (),
) -> Tally:
    """Count the reviews of ``facts`` for ``demands``; whoever is in a group ``heard`` has a say as well.

    ``asking`` are who asked for the change, and for what, where the policy keeps them from approving it.
    """
    standings = {standing.account.id: standing for standing in facts.standings}
    roles, latest, unfit = Roles(facts.names, policy), _latest(facts, people), _unfit(involved, asking)
    reasons = {review.id: _reason(review, facts, policy, people, unfit, latest) for review in facts.reviews}
    able: dict[Person, list[int]] = {}
    for review in _in_time(facts):
        if not reasons[review.id] and review.author is not None:
            standing = standings.get(review.author.id)
            fitting = [place for place, demand in enumerate(demands) if roles.fits(standing, demand)]
            seasoned = [place for place in fitting if roles.fits(standing, demands[place], at=review.submitted_at)]
            if seasoned:
                able[people.person(review.author)] = seasoned
            elif fitting:
                reasons[review.id] = _too_new(policy)
            else:
                reasons[review.id] = _lacking(demands, policy) + roles.lost(standing)
    filled = assign([demand.count for demand in demands], able)
    labels = [label(demand, policy) for demand in demands]
    counted = tuple(_counted(review, reasons[review.id], facts, people, filled, labels) for review in _in_time(facts))
    given = [sum(1 for place in filled.values() if place == index) for index in range(len(demands))]
    told = tuple(
        Demand(labels[index], demand.count, given[index], _from_whom(demand, policy, asking))
        for index, demand in enumerate(demands)
    )
    voices = (*demands, Approvals(0, heard))
    return Tally(counted, told, _against(facts, roles, voices, standings), tuple(sorted(filled, key=sorted)))


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person last said of the change in a review, and why it says nothing of the change as it is now."""

    review: Review
    author: Account
    reason: str


def opinions(facts: PullRequestFacts, policy: Policy, people: People, involved: Contributors) -> tuple[Opinion, ...]:
    """The latest opinion of each person, whatever is demanded of reviewers; the first to be said first."""
    latest, unfit = _latest(facts, people), _unfit(involved, {})
    found = [
        Opinion(review, review.author, _reason_of_opinion(review, person, facts, policy, unfit, latest))
        for person, review in latest.items()
        if review.author is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.review.submitted_at, each.review.id)))


def _reason_of_opinion(
    review: Review,
    person: Person,
    facts: PullRequestFacts,
    policy: Policy,
    unfit: Mapping[Person, str],
    latest: Mapping[Person, Review],
) -> str:
    match review.state:
        case ReviewState.APPROVED:
            return _reason_of_approval(review, person, facts, policy, unfit, latest)
        case ReviewState.CHANGES_REQUESTED:
            return _outdated(review, facts, policy)
        case _:
            return "it was dismissed"


def _in_time(facts: PullRequestFacts) -> list[Review]:
    return sorted(facts.reviews, key=lambda each: (each.submitted_at, each.id))


def _latest(facts: PullRequestFacts, people: People) -> dict[Person, Review]:
    """Each person's latest opinion. A comment is no opinion; a dismissal withdraws the one before."""
    latest: dict[Person, Review] = {}
    for review in _in_time(facts):
        if review.author is not None and review.state in _DECISIVE:
            latest[people.person(review.author)] = review
    return latest


def _reason(
    review: Review,
    facts: PullRequestFacts,
    policy: Policy,
    people: People,
    unfit: Mapping[Person, str],
    latest: Mapping[Person, Review],
) -> str:
    """Why the review cannot count, whatever is demanded; empty when it could."""
    if review.author is None:
        return "its author's account is gone"
    if not is_human(review.author):
        return "a program cannot approve"
    match review.state:
        case ReviewState.COMMENTED:
            return "it is a comment, not an approval"
        case ReviewState.DISMISSED:
            return "it was dismissed"
        case ReviewState.CHANGES_REQUESTED:
            return "it asks for changes"
        case ReviewState.APPROVED:
            return _reason_of_approval(review, people.person(review.author), facts, policy, unfit, latest)
        case _:
            assert_never(review.state)


def _reason_of_approval(
    review: Review,
    person: Person,
    facts: PullRequestFacts,
    policy: Policy,
    unfit: Mapping[Person, str],
    latest: Mapping[Person, Review],
) -> str:
    if latest[person].id != review.id:
        return "a later review of the same person takes its place"
    if person in unfit:
        return unfit[person]
    for gain in (gain for change in facts.policy_changes for gain in change.gains):
        if gain.account.id in person:
            return f"gains from this change of the policy: {gain.repository}#{gain.number} would pass with it"
    return _outdated(review, facts, policy)


def _unfit(involved: Contributors, asking: Asking) -> dict[Person, str]:
    """Who cannot approve, whatever they hold, for the part that they have in the change."""
    asked = {
        person: f"asked for {listed(list(wishes))}, which the policy keeps apart from approving"
        for person, wishes in asking.items()
    }
    wrote = {person: f"contributed to the change: {_listed(why)}" for person, why in involved.because.items()}
    return {**asked, **wrote}


def _outdated(review: Review, facts: PullRequestFacts, policy: Policy) -> str:
    """Why the review is about something else than the change as it is now; empty when it is not."""
    if review.commit is None:
        return "the commit that it was given for is gone"
    if review.commit != facts.head.oid and not _carries_over(review.commit, facts, policy):
        return f"it was given for {review.commit[:7]}; the head is {facts.head.oid[:7]} now"
    # GitHub's moments are whole seconds: what happened in the same one may have come first.
    turns = [turn for turn in facts.turns if review.submitted_at <= turn.at]
    return _turned(turns[-1]) if turns else ""


def _carries_over(commit: str, facts: PullRequestFacts, policy: Policy) -> bool:
    return policy.reviews.carry_over is CarryOver.SAME_DIFF and commit in facts.same_diff


def _turned(turn: Turn) -> str:
    match turn.kind:
        case TurnKind.RETARGETED:
            return f"it was given before the base branch was changed from {quoted(turn.was)} to {quoted(turn.now)}"
        case TurnKind.READY:
            return "it was given while the pull request was a draft"
        case TurnKind.REOPENED:
            return "it was given before the pull request was opened again"
        case _:
            assert_never(turn.kind)


def _listed(reasons: tuple[str, ...]) -> str:
    shown = reasons[:3]
    return ", ".join(shown) + (f" and {len(reasons) - len(shown)} more" if len(reasons) > len(shown) else "")


@dataclass(frozen=True, slots=True)
class Roles:
    """Who holds which role of a policy, by what is known of accounts and of the logins that the policy names."""

    names: tuple[Named, ...]
    policy: Policy

    def fits(self, standing: Standing | None, demand: Approvals, *, at: datetime | None = None) -> bool:
        """Whether the account that reviewed is in one of the groups: another account of the person does not help."""
        return standing is not None and any(self.holds(standing, group, at=at) for group in demand.groups)

    def holds(self, standing: Standing, group: str, *, at: datetime | None = None) -> bool:
        """Whether the account has the permission, or holds the role, that ``group`` names.

        With ``at``: whether it had it then for as long as the policy demands, as far as the records go.
        """
        if group in PERMISSIONS:
            enough = standing.permission >= PERMISSIONS[group]
            return enough and (at is None or self._seasoned(standing, PERMISSION, at))
        return self.among(standing, self.policy.roles.get(group, ()), at=at)

    def among(self, standing: Standing, holders: Collection[str], *, at: datetime | None = None) -> bool:
        """Whether the account is one of ``holders``, by name or through a team."""
        if any(self._is_named(standing.account, holder) for holder in holders):
            return True
        teams = [team for team in standing.teams if team in holders]
        return any(at is None or self._seasoned(standing, team, at) for team in teams)

    def lost(self, standing: Standing | None) -> str:
        """A sentence's end for an account that has a login of the policy, and is not the one that was meant."""
        if standing is None:
            return ""
        login = standing.account.login.lower()
        named = any(login in holders for holders in self.policy.roles.values())
        if not named or self._is_named(standing.account, login):
            return ""
        return f"; the login @{login} in the policy belonged to another account when it was first seen"

    def _is_named(self, account: Account, holder: str) -> bool:
        bound = {each.login: each.id for each in self.names}
        return bound[holder] == account.id if holder in bound else account.login.lower() == holder

    def _seasoned(self, standing: Standing, place: str, at: datetime) -> bool:
        since, least = standing.since(place), self.policy.reviews.member_for
        return since is None or not least or at - since >= least


def bound(policy: Policy, names: Iterable[Named], standings: Iterable[Standing]) -> Policy:
    """The policy with each login as that of the account which it was written for, where that account has another now.

    A login that somebody else has taken over stands for nobody. Who is one person is told by the numbers of accounts,
    which go with the policy from here on: whoever asks who is who by it need not know of logins.
    """
    known = tuple(names)
    meant = {each.login: each.id for each in known}
    now = {each.account.id: each.account.login.lower() for each in standings}

    def of_now(roles: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {
            role: tuple(
                now[meant[holder]] if holder in meant else holder
                for holder in holders
                if holder not in meant or meant[holder] in now
            )
            for role, holders in roles.items()
        }

    above = replace(policy.above, roles=of_now(policy.above.roles)) if policy.above is not None else None
    return replace(policy, roles=of_now(policy.roles), above=above, names=known)


def holds(standing: Standing, group: str, policy: Policy, names: Iterable[Named] = ()) -> bool:
    """Whether the account has the permission, or holds the role, that ``group`` names."""
    return Roles(tuple(names), policy).holds(standing, group)


def label(demand: Approvals, policy: Policy) -> str:
    """A demand's groups in words: ``write access or the role security (acme/appsec)``."""
    return " or ".join(_group(group, policy) for group in demand.groups)


def _group(group: str, policy: Policy) -> str:
    if group in PERMISSIONS:
        return f"{group} access"
    return f"the role {group} ({', '.join(policy.roles.get(group, ())) or 'held by nobody'})"


def _from_whom(demand: Approvals, policy: Policy, asking: Asking) -> str:
    return f"someone with {label(demand, policy)} who did not contribute{' or ask for it' if asking else ''}"


def _lacking(demands: tuple[Approvals, ...], policy: Policy) -> str:
    wanted = "; ".join(dict.fromkeys(label(demand, policy) for demand in demands))
    return f"has none of what is demanded: {wanted}" if demands else "no approval is demanded"


def _too_new(policy: Policy) -> str:
    return f"had what is demanded for less than {spoken(policy.reviews.member_for)} when it was given"


def _counted(
    review: Review,
    reason: str,
    facts: PullRequestFacts,
    people: People,
    filled: Mapping[Person, int],
    labels: list[str],
) -> CountedReview:
    place = None
    if not reason and review.author is not None:
        place = filled.get(people.person(review.author))
        if place is None:
            reason = ENOUGH
    if place is None:
        return CountedReview(review.id, review.author, review.commit, None, reason)
    carried = "" if review.commit == facts.head.oid else ", carried over: the diff is the same"
    return CountedReview(review.id, review.author, review.commit, labels[place] + carried, reason)


def _against(
    facts: PullRequestFacts, roles: Roles, demands: tuple[Approvals, ...], standings: Mapping[int, Standing]
) -> tuple[Account, ...]:
    """Who asks for changes and has a say: that stands until it is lifted from the same account, as on GitHub.

    It is not for a repository's policy to take a say away, nor to let one account lift what another asked for.
    """
    latest = {
        review.author: review.state
        for review in _in_time(facts)
        if review.author is not None and review.state in _DECISIVE
    }
    asking = [account for account, state in latest.items() if state is ReviewState.CHANGES_REQUESTED]
    return tuple(
        account
        for account in sorted(asking)
        if (standing := standings.get(account.id)) is not None
        and (roles.among(standing, roles.policy.dropped) or any(roles.fits(standing, demand) for demand in demands))
    )
