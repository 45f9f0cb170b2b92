"""Which reviews count as approvals, for which demand, and why the others do not.

An approval is the state of a review, never its words. It counts when it is the person's latest opinion, is on the head
commit, comes from a person with the demanded role at the time of deciding who did not contribute, and fills no other
demand: one person, one signature.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import assert_never

from bot.decide.contributors import Contributors
from bot.decide.matching import assign
from bot.decide.verdict import CountedReview, Demand
from bot.facts.model import Account, Permission, PullRequestFacts, Review, ReviewState, Standing
from bot.facts.people import People, Person, is_human
from bot.policy.model import Approvals, Policy

PERMISSIONS = {"write": Permission.WRITE, "maintain": Permission.MAINTAIN, "admin": Permission.ADMIN}
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
    *,
    heard: tuple[str, ...] = (),
) -> Tally:
    """Count the reviews of ``facts`` for ``demands``; whoever is in a group ``heard`` has a say as well."""
    standings = {standing.account.id: standing for standing in facts.standings}
    latest = _latest(facts, people)
    reasons = {review.id: _reason(review, facts, people, involved, latest) for review in facts.reviews}
    able: dict[Person, list[int]] = {}
    for review in _in_time(facts):
        if not reasons[review.id] and review.author is not None:
            standing = standings.get(review.author.id)
            fitting = [place for place, demand in enumerate(demands) if _fits(standing, demand, policy)]
            if fitting:
                able[people.person(review.author)] = fitting
            else:
                reasons[review.id] = _lacking(demands, policy)
    filled = assign([demand.count for demand in demands], able)
    labels = [label(demand, policy) for demand in demands]
    counted = tuple(_counted(review, reasons[review.id], people, filled, labels) for review in _in_time(facts))
    given = [sum(1 for place in filled.values() if place == index) for index in range(len(demands))]
    told = tuple(
        Demand(labels[index], demand.count, given[index], _from_whom(demand, policy))
        for index, demand in enumerate(demands)
    )
    voices = (*demands, Approvals(0, heard))
    return Tally(counted, told, _against(facts, policy, voices, standings), tuple(sorted(filled, key=sorted)))


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
    review: Review, facts: PullRequestFacts, people: People, involved: Contributors, latest: Mapping[Person, Review]
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
            return _reason_of_approval(review, people.person(review.author), facts, involved, latest)
        case _:
            assert_never(review.state)


def _reason_of_approval(
    review: Review,
    person: Person,
    facts: PullRequestFacts,
    involved: Contributors,
    latest: Mapping[Person, Review],
) -> str:
    if latest[person].id != review.id:
        return "a later review of the same person takes its place"
    if person in involved.because:
        return f"contributed to the change: {_listed(involved.because[person])}"
    if review.commit is None:
        return "the commit that it was given for is gone"
    if review.commit != facts.head.oid:
        return f"it was given for {review.commit[:7]}; the head is {facts.head.oid[:7]} now"
    return ""


def _listed(reasons: tuple[str, ...]) -> str:
    shown = reasons[:3]
    return ", ".join(shown) + (f" and {len(reasons) - len(shown)} more" if len(reasons) > len(shown) else "")


def _fits(standing: Standing | None, demand: Approvals, policy: Policy) -> bool:
    """Whether the account that reviewed is itself in one of the groups: another account of the person does not help."""
    return standing is not None and any(holds(standing, group, policy) for group in demand.groups)


def holds(standing: Standing, group: str, policy: Policy) -> bool:
    """Whether the account has the permission, or holds the role, that ``group`` names."""
    if group in PERMISSIONS:
        return standing.permission >= PERMISSIONS[group]
    holders = policy.roles.get(group, ())
    return _is_among(standing, holders)


def _is_among(standing: Standing, holders: Collection[str]) -> bool:
    return standing.account.login.lower() in holders or any(team in holders for team in standing.teams)


def label(demand: Approvals, policy: Policy) -> str:
    """A demand's groups in words: ``write access or the role security (acme/appsec)``."""
    return " or ".join(_group(group, policy) for group in demand.groups)


def _group(group: str, policy: Policy) -> str:
    if group in PERMISSIONS:
        return f"{group} access"
    return f"the role {group} ({', '.join(policy.roles.get(group, ())) or 'held by nobody'})"


def _from_whom(demand: Approvals, policy: Policy) -> str:
    return f"someone with {label(demand, policy)} who did not contribute"


def _lacking(demands: tuple[Approvals, ...], policy: Policy) -> str:
    wanted = "; ".join(dict.fromkeys(label(demand, policy) for demand in demands))
    return f"has none of what is demanded: {wanted}" if demands else "no approval is demanded"


def _counted(
    review: Review, reason: str, people: People, filled: Mapping[Person, int], labels: list[str]
) -> CountedReview:
    place = None
    if not reason and review.author is not None:
        place = filled.get(people.person(review.author))
        if place is None:
            reason = "enough others approved already"
    return CountedReview(review.id, review.author, review.commit, None if place is None else labels[place], reason)


def _against(
    facts: PullRequestFacts, policy: Policy, demands: tuple[Approvals, ...], standings: Mapping[int, Standing]
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
        and (_is_among(standing, policy.dropped) or any(_fits(standing, demand, policy) for demand in demands))
    )
