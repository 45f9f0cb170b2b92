"""Gathers the facts and the policy of a subject: everything that a decision rests on, and what it depends on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.clock import Clock
from bot.facts import policy_changes, pull_request, pushes, siblings, standing
from bot.facts.model import (
    Account,
    FactsIncomplete,
    MergeGroupFacts,
    Permission,
    PullRequestFacts,
    Repository,
    ReviewState,
    Sibling,
    Standing,
)
from bot.facts.people import is_human
from bot.facts.policy_changes import Draft
from bot.facts.pull_request import Place
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.ingest.subjects import pull_key
from bot.policy.default import default
from bot.policy.load import load as load_policy
from bot.policy.model import Mode, Policy
from bot.store import Store

_OPINIONS = {ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED}


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts, the policy for them, and the concerns whose change makes both worth reading again.

    ``views`` has, for each sibling, what its own latest decision knew of this pull request. ``drafts`` are the policy
    files that the pull request touches.
    """

    facts: PullRequestFacts
    policy: Policy
    concerns: frozenset[str]
    views: Mapping[int, Sibling | None]
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class GatheredGroup:
    """The facts of a merge group, the policy of the branch it goes to, and what both depend on."""

    facts: MergeGroupFacts
    policy: Policy
    concerns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Gathering:
    """Reads facts for one GitHub App."""

    store: Store
    policy_repository: str
    clock: Clock

    async def pull_request(self, github: InstallationClient, place: Place, lane: Lane) -> Gathered | None:
        """The pull request at ``place``; None when there is none (any more).

        Raises:
            Transient: GitHub could not answer.

        """
        read = await pull_request.read(github, place, self.policy_repository, lane)
        if read is None:
            return None
        facts = read.facts
        loaded = await load_policy(
            self.store, github, place, read.blobs, self.policy_repository, lane=lane, at=self.clock()
        )
        policy = loaded.policy
        opinions = {each.author for each in facts.reviews if each.author and each.state in _OPINIONS}
        asked = [account for account in opinions if is_human(account)]
        shown = _enough(read.permissions, policy)
        standings, gaps = await standing.read(self.store, github, facts.repository, asked, policy.teams, lane, shown)
        pushed = await pushes.read(self.store, github, facts, lane)
        async with self.store.transaction() as connection:
            others, views = await siblings.read(
                connection, facts.repository.id, facts.head.oid, facts.number, facts.siblings
            )
        gaps = (*facts.incomplete, *loaded.gaps, *gaps)
        drafts = await policy_changes.read(
            self.store, github, facts, policy, self.policy_repository, lane=lane, at=self.clock()
        )
        whole = replace(
            policy_changes.of(drafts, facts),
            standings=standings,
            pushes=pushed,
            siblings=others,
            incomplete=gaps,
            properties=loaded.properties,
        )
        return Gathered(whole, policy, self._concerns(whole, policy), views, drafts)

    def _concerns(self, facts: PullRequestFacts, policy: Policy) -> frozenset[str]:
        repository = facts.repository
        return frozenset(
            {
                f"repository:{repository.id}",
                f"base:{repository.id}:{facts.base.name}",
                f"policy:{repository.owner}/{self.policy_repository}".lower(),
                *(f"team:{team}" for team in policy.teams),
                *(f"account:{each.account.id}" for each in facts.standings),
                *(pull_key(repository.id, sibling.number) for sibling in facts.siblings),
            }
        )

    async def standing_of(
        self, github: InstallationClient, repository: Repository, account: Account, lane: Lane
    ) -> Standing:
        """What an account may do in the repository now."""
        found, _ = await standing.read(self.store, github, repository, [account], (), lane, {})
        return found[0]

    async def merge_group(
        self, github: InstallationClient, place: Place, base: str, head: str, lane: Lane
    ) -> GatheredGroup:
        """The group of the merge queue whose head commit is ``head``; ``place.number`` is not used."""
        repository = Repository(place.repository_id, place.owner, place.name)
        numbers = await self._members(github, place, base, head, lane)
        members: list[Gathered] = []
        gaps: list[FactsIncomplete] = []
        for number in numbers:
            gathered = await self.pull_request(github, replace(place, number=number), lane)
            if gathered is None:
                gaps.append(FactsIncomplete(f"#{number}", "GitHub shows no such pull request"))
            else:
                members.append(gathered)
        if not numbers:
            gaps.append(FactsIncomplete("the group", f"the merge queue of {base} has no entry that ends in {head[:7]}"))
        facts = MergeGroupFacts(repository, base, head, tuple(each.facts for each in members), tuple(gaps))
        concerns = {concern for each in members for concern in each.concerns}
        concerns |= {pull_key(repository.id, number) for number in numbers}
        policy = members[0].policy if members else replace(default(), mode=Mode.ENFORCE)
        return GatheredGroup(facts, policy, frozenset(concerns))

    async def _members(self, github: InstallationClient, place: Place, base: str, head: str, lane: Lane) -> list[int]:
        """The pull requests that the group's head contains: its entry, and those before it in the queue."""
        entries = []
        after = None
        while True:
            variables = {"owner": place.owner, "name": place.name, "branch": base, "after": after}
            answer = await github.query(document("merge_group"), variables, lane=lane)
            queue = (answer.data.get("repository") or {}).get("mergeQueue")
            if queue is None:
                return []
            entries += queue["entries"]["nodes"]
            page = queue["entries"]["pageInfo"]
            if not page["hasNextPage"]:
                break
            after = page["endCursor"]
        ending = next((each["position"] for each in entries if (each["headCommit"] or {}).get("oid") == head), None)
        if ending is None:
            return []
        ahead = [each for each in entries if each["position"] <= ending and each["pullRequest"]]
        return [each["pullRequest"]["number"] for each in sorted(ahead, key=lambda each: each["position"])]


def _enough(shown: Mapping[Account, Permission], policy: Policy) -> Mapping[Account, Permission]:
    """Those permissions of which the policy need not know more than was shown beside the reviews."""
    if not policy.tells_writers_apart:
        return shown
    return {who: permission for who, permission in shown.items() if permission < Permission.WRITE}
