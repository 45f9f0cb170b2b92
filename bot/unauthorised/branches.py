"""A look at a branch: everything that landed there since the last one came by a pull request that was passed.

It rests on nothing that an administrator can switch off, but on what is on the branch: every new commit must have been
brought by a pull request whose head was decided for this branch, and merged as it was decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from bot.clock import Clock
from bot.errors import Transient
from bot.facts.diffs import is_clean_merge
from bot.facts.lineage import compare, is_same
from bot.facts.model import Account, AccountKind, Repository
from bot.facts.parse import account, signature
from bot.github.client import GitHub, InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.ingest.subjects import pull_key
from bot.ledger import append
from bot.queue import Look, Next, still_mine, want
from bot.queue.model import Urgency
from bot.store import Store
from bot.unauthorised import judge
from bot.unauthorised.judge import Decided, Landed, Merged, Proof
from bot.unauthorised.model import Found, Kind, concern
from bot.unauthorised.record import record

MOST_PAGES = 25
PATIENT_LOOKS = 2
"""How often GitHub is asked again which pull request brought a commit: a push is told before the merge that it is."""

_SEEN = "SELECT tip FROM branch_seen WHERE subject = %s"
_SEE = "UPDATE branch_seen SET tip = %s, at = %s WHERE subject = %s"
_DECIDED = """
    SELECT verdict, passes, enforced, base FROM decision
    WHERE subject = %s AND head = %s ORDER BY decided_at DESC LIMIT 1
"""
_PUSHER = """
    SELECT actor_id, actor_login, actor_kind FROM push
    WHERE repository_id = %s AND ref = %s AND after = %s AND actor_id IS NOT NULL ORDER BY id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Branch:
    """The branch that is looked at."""

    repository: Repository
    name: str
    installation_id: int
    github: InstallationClient
    lane: Lane


@dataclass(frozen=True, slots=True)
class Branches:
    """The handler for branches."""

    store: Store
    github: GitHub
    clock: Clock

    async def look(self, look: Look) -> Next:
        """Look at what landed since the last look.

        Raises:
            Transient: GitHub could not answer, or does not say yet which pull request brought something.

        """
        about = look.subject.about
        repository = Repository(int(about["repository_id"]), about["owner"], about["name"])
        github = self.github.installation(look.subject.installation_id)
        branch = _Branch(repository, about["branch"], look.subject.installation_id, github, Lane(look.urgency))
        concerns = frozenset({f"base:{repository.id}:{branch.name}"})
        async with self.store.transaction() as connection:
            row = await (await connection.execute(_SEEN, [look.subject.key])).fetchone()
        tip, history = await self._history(branch, row[0] if row else None)
        if row is None or tip is None or tip == row[0]:
            return Next(concerns=concerns, over=tip is None)
        found = await self._judged(branch, row[0], tip, history, look)
        await self._record(look, tip, found)
        return Next(concerns=concerns)

    async def _history(self, branch: _Branch, until: str | None) -> tuple[str | None, dict[str, Landed]]:
        """The tip, and the commits from there back to ``until``, as far as GitHub lists them."""
        found: dict[str, Landed] = {}
        tip = after = None
        for _ in range(MOST_PAGES):
            variables = {
                "owner": branch.repository.owner,
                "name": branch.repository.name,
                "ref": f"refs/heads/{branch.name}",
                "after": after,
            }
            answer = await branch.github.query(document("branch"), variables, lane=branch.lane)
            node = answer.data.get("repository") or {}
            target = (node.get("ref") or {}).get("target")
            if node.get("databaseId") != branch.repository.id or target is None:
                return None, {}
            if tip not in {None, target["oid"]}:
                raise Transient("a moment in which nobody pushes while the branch is read")
            tip, page = target["oid"], target["history"]
            found |= {each["oid"]: _landed(each, branch.name) for each in page["nodes"]}
            if tip == until or until in found or not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        return tip, found

    async def _judged(
        self, branch: _Branch, seen: str, tip: str, history: Mapping[str, Landed], look: Look
    ) -> list[Found]:
        """Everything on the way from ``seen`` to ``tip`` that went around the gate."""
        landed = judge.new(history, seen, tip)
        strays = judge.unexplained(landed)
        if strays and look.attempt < PATIENT_LOOKS:
            raise Transient(f"GitHub to say which pull request brought {strays[0].oid[:7]}")
        ref = f"refs/heads/{branch.name}"
        pusher = await self._pusher(branch, ref, tip)
        found = []
        if seen not in history:
            between = await compare(self.store, branch.github, branch.repository, seen, tip, branch.lane)
            if between is None or between.status != "ahead":
                what = judge.rewritten(branch.name, seen, pusher)
                found.append(self._found(branch, Kind.HISTORY, f"{branch.name}:{seen}:{tip}", what, pusher))
        if strays:
            what = judge.direct(branch.name, strays, pusher)
            found.append(self._found(branch, Kind.LANDING, f"{branch.name}@{tip}", what, pusher))
        for pull in judge.merges(landed):
            over = judge.over_red(branch.name, pull, await self._decided(branch, pull))
            if over is not None:
                found.append(self._found(branch, Kind.LANDING, f"#{pull.number}", over, pull.by))
        for proof in judge.proofs(landed):
            if not await self._shown(branch, proof, history):
                what = judge.not_the_same(branch.name, proof)
                found.append(
                    self._found(branch, Kind.LANDING, f"#{proof.pull.number}@{proof.after}", what, proof.pull.by)
                )
        return found

    def _found(self, branch: _Branch, kind: Kind, reference: str, what: str, actor: Account | None) -> Found:
        return Found(branch.installation_id, branch.repository.id, kind, reference, what, actor, self.clock())

    async def _shown(self, branch: _Branch, proof: Proof, history: Mapping[str, Landed]) -> bool:
        """Whether what the merge brought is what was approved."""
        made = history[proof.after]
        if len(made.parents) < 2:
            commits = proof.pull.head, proof.after
            return await is_same(self.store, branch.github, branch.repository, proof.before, commits, branch.lane)

        async def between(base: str, head: str) -> Any:
            return await compare(self.store, branch.github, branch.repository, base, head, branch.lane)

        brought = await between(proof.before, proof.after)
        approved = await between(proof.before, proof.pull.head)
        kept = await between(proof.pull.head, proof.before)
        if brought is None or approved is None or kept is None:
            return False
        return made.parents[1] == proof.pull.head and is_clean_merge(brought, approved, kept)

    async def _decided(self, branch: _Branch, pull: Merged) -> Decided | None:
        key = pull_key(branch.repository.id, pull.number)
        async with self.store.transaction() as connection:
            row = await (await connection.execute(_DECIDED, [key, pull.head])).fetchone()
        if row is None:
            return None
        verdict, passes, enforced, base = row
        # What is only observed blocks nothing, and nothing of it can be gone around.
        return Decided(not enforced or (passes and verdict in {"pass", "waived"}), verdict, base)

    async def _pusher(self, branch: _Branch, ref: str, tip: str) -> Account | None:
        async with self.store.transaction() as connection:
            row = await (await connection.execute(_PUSHER, [branch.repository.id, ref, tip])).fetchone()
        return Account(row[0], row[1], AccountKind(row[2])) if row else None

    async def _record(self, look: Look, tip: str, found: list[Found]) -> None:
        """Put it on record with the tip up to which everything was looked at."""
        async with self.store.transaction() as connection:
            if not await still_mine(connection, look):
                raise Transient("a newer look at the same branch")
            await connection.execute(_SEE, [tip, self.clock(), look.subject.key])
            await announce(connection, found, self.clock)


async def announce(connection: AsyncConnection[Any], found: list[Found], clock: Clock) -> None:
    """Put on record what was found, and have everything looked at again that depends on it."""
    entries = await record(connection, found)
    if entries:
        concerns = {concern(each.installation_id, each.repository_id): Urgency.TIMER for each in found}
        await want(connection, [], concerns=concerns)
        await append(connection, entries, at=clock())


def _landed(node: Mapping[str, Any], branch: str) -> Landed:
    pulls = [
        Merged(each["number"], each["headRefOid"], (each["mergeCommit"] or {}).get("oid"), account(each["mergedBy"]))
        for each in node["associatedPullRequests"]["nodes"]
        if each["state"] == "MERGED" and each["baseRefName"] == branch
    ]
    parents = tuple(each["oid"] for each in node["parents"]["nodes"])
    return Landed(node["oid"], parents, signature(node["signature"]), tuple(pulls))
