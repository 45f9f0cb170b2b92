"""A look at a tag: what it stands on must be on the default branch, where it was looked at when it landed."""

from dataclasses import dataclass
from typing import Any

from bot.clock import Clock
from bot.facts.lineage import compare
from bot.facts.model import Account, AccountKind, Repository
from bot.github.client import GitHub
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.queue import Look, Next, still_mine
from bot.store import Store
from bot.unauthorised.branches import announce
from bot.unauthorised.judge import stray
from bot.unauthorised.model import Found, Kind

ON_IT = frozenset({"behind", "identical"})
"""How a commit lies to a branch that has it: https://docs.github.com/rest/commits/commits#compare-two-commits"""


@dataclass(frozen=True, slots=True)
class Tags:
    """The handler for tags."""

    store: Store
    github: GitHub
    clock: Clock

    async def look(self, look: Look) -> Next:
        """Look at what the tag stands on.

        Raises:
            Transient: GitHub could not answer.

        """
        about = look.subject.about
        repository = Repository(int(about["repository_id"]), about["owner"], about["name"])
        github, lane = self.github.installation(look.subject.installation_id), Lane(look.urgency)
        variables = {"owner": repository.owner, "name": repository.name, "ref": f"refs/tags/{about['tag']}"}
        answer = await github.query(document("tag"), variables, lane=lane)
        node = answer.data.get("repository") or {}
        oid, default = _commit((node.get("ref") or {}).get("target")), node.get("defaultBranchRef")
        if node.get("databaseId") != repository.id or oid is None or default is None:
            return Next(over=True)
        between = await compare(self.store, github, repository, default["target"]["oid"], oid, lane)
        if between is None or between.status not in ON_IT:
            sender = about["sender"]
            actor = Account(sender[0], sender[1], AccountKind(sender[2])) if sender else None
            what = stray(about["tag"], oid, default["name"], actor, moved=about["moved"])
            reference = f"{about['tag']}@{oid}"
            installation = look.subject.installation_id
            found = Found(installation, repository.id, Kind.TAG, reference, what, actor, self.clock())
            async with self.store.transaction() as connection:
                if await still_mine(connection, look):
                    await announce(connection, [found], self.clock)
        return Next(over=True)


def _commit(target: Any) -> str | None:
    """The commit that a tag names, itself or through an annotated tag."""
    while target is not None and target["__typename"] == "Tag":
        target = target.get("target")
    return target["oid"] if target is not None and target["__typename"] == "Commit" else None
