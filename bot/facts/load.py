"""Gathers the facts and the policy of a subject: everything that a decision rests on, and what it depends on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.clock import Clock
from bot.facts import (
    claims,
    habits,
    lineage,
    names,
    policy_changes,
    properties,
    pull_request,
    pushes,
    renames,
    siblings,
    standing,
)
from bot.facts.group import Group, group
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
from bot.ingest.statements import first_seen
from bot.ingest.subjects import pull_key
from bot.policy.default import default
from bot.policy.load import load as load_policy
from bot.policy.model import CarryOver, Mode, Policy
from bot.store import Store
from bot.trial import gains
from bot.unauthorised import model as unauthorised
from bot.unauthorised.record import still_open

_OPINIONS = {ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED}


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts, the policy for them, and the concerns whose change makes both worth reading again.

    ``views`` has, for each sibling, what its own latest decision knew of this pull request; ``base_tip`` is the commit
    at the tip of its base. ``drafts`` are the policy files that the pull request touches.
    """

    facts: PullRequestFacts
    policy: Policy
    concerns: frozenset[str]
    views: Mapping[int, Sibling | None]
    base_tip: str
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class GatheredGroup:
    """The facts of a merge group, the policy of the branch it goes to, and what both depend on.

    ``base_tip`` is the commit at the tip of that branch; empty for a group without members.
    """

    facts: MergeGroupFacts
    policy: Policy
    concerns: frozenset[str]
    base_tip: str


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
        facts, base_tip = await renames.read(self.store, github, read.facts, lane), read.base_tip
        loaded = await load_policy(
            self.store,
            github,
            place,
            read.blobs,
            self.policy_repository,
            base=read.facts.base.name,
            lane=lane,
            at=self.clock(),
        )
        policy, facts = loaded.policy, replace(facts, properties=loaded.properties)
        opinions = {each.author for each in facts.reviews if each.author and each.state in _OPINIONS}
        asked = [account for account in opinions if is_human(account)]
        dated = policy.reviews.member_for > timedelta()
        shown = _enough(read.permissions, policy)
        standings, gaps = await standing.read(
            self.store, github, facts.repository, asked, policy.teams, lane, shown, dated=dated
        )
        pushed = await pushes.read(self.store, github, facts, lane)
        facts = await self._history(github, facts, policy, base_tip, lane)
        named = await names.read(self.store, github, names.logins(policy), lane)
        subject = pull_key(facts.repository.id, facts.number)
        async with self.store.transaction() as connection:
            others, views = await siblings.read(
                connection, facts.repository.id, facts.head.oid, facts.number, facts.siblings
            )
            disowned = await claims.disowned(connection, facts.repository.id, [each.oid for each in facts.commits])
            open_ones = await still_open(connection, github.installation_id, facts.repository.id)
            only = await habits.only_approver(connection, subject, facts.author, policy, named)
            seen = await first_seen(connection, facts.repository.id, facts.head.oid)
        gaps = (*facts.incomplete, *loaded.gaps, *gaps)
        drafts = await policy_changes.read(
            self.store, github, facts, loaded.above, self.policy_repository, lane=lane, at=self.clock()
        )
        whole = replace(
            policy_changes.of(drafts, facts),
            standings=standings,
            pushes=pushed,
            siblings=others,
            incomplete=gaps,
            names=named,
            disowned=disowned,
            unauthorised=open_ones,
            only_approver=only,
            head_seen_at=seen if facts.lines_changed > policy.reviews.large else None,
        )
        return Gathered(whole, policy, self._concerns(whole, policy, github.installation_id), views, base_tip, drafts)

    async def _history(
        self, github: InstallationClient, facts: PullRequestFacts, policy: Policy, base_tip: str, lane: Lane
    ) -> PullRequestFacts:
        """The facts with what the commits' history shows; most changes ask for nothing of it."""
        merges = await lineage.clean_merges(self.store, github, facts, lane)
        wanted = policy.reviews.carry_over is CarryOver.SAME_DIFF
        same = await lineage.same_diff(self.store, github, facts, base_tip, lane) if wanted else ()
        origins = await lineage.origins(self.store, github, facts, lane)
        return replace(facts, clean_merges=merges, same_diff=same, origins=origins)

    def _concerns(self, facts: PullRequestFacts, policy: Policy, installation_id: int) -> frozenset[str]:
        repository = facts.repository
        return frozenset(
            {
                f"repository:{repository.id}",
                properties.concern(repository.id),
                claims.concern(repository.id),
                f"base:{repository.id}:{facts.base.name}",
                f"policy:{repository.owner}/{self.policy_repository}".lower(),
                unauthorised.concern(installation_id, repository.id),
                unauthorised.concern(installation_id, unauthorised.EVERYWHERE),
                *(f"team:{team}" for team in policy.teams),
                *(f"account:{each.account.id}" for each in facts.standings),
                *_gaining(facts),
                *(pull_key(repository.id, sibling.number) for sibling in facts.siblings),
            }
        )

    async def standing_of(
        self, github: InstallationClient, repository: Repository, account: Account, teams: Collection[str], lane: Lane
    ) -> Standing:
        """What an account may do in the repository now, and which of the ``teams`` it is in."""
        found, _ = await standing.read(self.store, github, repository, [account], teams, lane, {})
        return found[0]

    async def merge_group(
        self, github: InstallationClient, place: Place, base: str, head: str, lane: Lane
    ) -> GatheredGroup:
        """The group of the merge queue whose head commit is ``head``; ``place.number`` is not used."""
        repository = Repository(place.repository_id, place.owner, place.name)
        found = await self._group(github, place, base, head, lane)
        members: list[Gathered] = []
        gaps: list[FactsIncomplete] = []
        for number, merged in found.members if found else ():
            gathered = await self.pull_request(github, replace(place, number=number), lane)
            if gathered is None:
                gaps.append(FactsIncomplete(f"#{number}", "GitHub shows no such pull request"))
                continue
            members.append(gathered)
            if gathered.facts.head.oid != merged:
                gaps.append(
                    FactsIncomplete(f"#{number}", f"its head is not {merged[:7]} any more, which is in the group")
                )
        if not found or not found.members:
            gaps.append(FactsIncomplete("the group", f"the merge queue of {base} has no entry that ends in {head[:7]}"))
        gaps += found.foreign if found else ()
        facts = MergeGroupFacts(repository, base, head, tuple(each.facts for each in members), tuple(gaps))
        concerns = {concern for each in members for concern in each.concerns}
        concerns |= {pull_key(repository.id, number) for number, _ in (found.members if found else ())}
        policy = members[0].policy if members else replace(default(), mode=Mode.ENFORCE)
        return GatheredGroup(facts, policy, frozenset(concerns), members[0].base_tip if members else "")

    async def _group(self, github: InstallationClient, place: Place, base: str, head: str, lane: Lane) -> Group | None:
        """What the group of that head is made of."""
        entries: list[Any] = []
        after = None
        while True:
            variables = {"owner": place.owner, "name": place.name, "branch": base, "after": after}
            answer = await github.query(document("merge_group"), variables, lane=lane)
            queue = (answer.data.get("repository") or {}).get("mergeQueue")
            if queue is None:
                return None
            entries += queue["entries"]["nodes"]
            page = queue["entries"]["pageInfo"]
            if not page["hasNextPage"]:
                return group(entries, head)
            after = page["endCursor"]


def _gaining(facts: PullRequestFacts) -> set[str]:
    """Whoever approves a change of the policy must not gain from it: what each of their accounts opens matters."""
    if not facts.policy_changes:
        return set()
    accounts = {each.account.id for each in facts.standings} | {each.id for each in facts.names}
    return {gains.concern(each) for each in accounts}


def _enough(shown: Mapping[Account, Permission], policy: Policy) -> Mapping[Account, Permission]:
    """Those permissions of which the policy need not know more than was shown beside the reviews."""
    if not policy.tells_writers_apart:
        return shown
    return {who: permission for who, permission in shown.items() if permission < Permission.WRITE}
