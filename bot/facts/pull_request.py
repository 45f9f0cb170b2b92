"""Reads a pull request: one query in the usual case, and every further page where a list is longer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.errors import Transient
from bot.facts.model import Account, Permission, PullRequestFacts
from bot.facts.parse import Node, blob_id, permissions, pull_request
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document

MOST_PAGES = 35
"""GitHub lists at most 3,000 files of a pull request; no list needs more pages than that."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pull request stands. ``repository_id`` guards against another repository that has taken the name."""

    owner: str
    name: str
    number: int
    repository_id: int


@dataclass(frozen=True, slots=True)
class PolicyBlobs:
    """The git blobs of the policy files that apply; None where there is no file.

    ``organisation_readable`` is False when the repository that holds the organisation's file could not be seen.
    """

    organisation: str | None
    repository: str | None
    organisation_readable: bool


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: facts without pushes and standings, and what the reviewers may do in the repository at least.

    ``base_tip`` is the commit at the tip of the base now.
    """

    facts: PullRequestFacts
    blobs: PolicyBlobs
    permissions: Mapping[Account, Permission]
    base_tip: str


@dataclass(slots=True)
class _Lists:
    """The nodes of the three long lists, and where each goes on."""

    nodes: dict[str, list[Node]] = field(default_factory=dict)
    cursors: dict[str, str | None] = field(default_factory=dict)

    def take(self, node: Node) -> None:
        for name in ("commits", "reviews", "files"):
            page = node.get(name)
            if page is None:
                continue
            self.nodes.setdefault(name, []).extend(page["nodes"])
            self.cursors[name] = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None

    @property
    def more(self) -> dict[str, str]:
        return {name: cursor for name, cursor in self.cursors.items() if cursor is not None}


async def read(github: InstallationClient, place: Place, policy_repository: str, lane: Lane) -> Read | None:
    """What GitHub tells of the pull request, and which policy files apply; None when it is not there (any more).

    Raises:
        Transient: GitHub could not answer, or the head moved while pages were read.

    """
    where = {"owner": place.owner, "name": place.name, "number": place.number}
    policy = {"policyOwner": place.owner, "policyName": policy_repository}
    answer = await github.query(document("pull_request"), {**where, **policy}, lane=lane)
    repository = answer.data.get("repository")
    if not repository or not repository["pullRequest"] or repository["databaseId"] != place.repository_id:
        return None
    node = repository["pullRequest"]
    lists = _Lists()
    lists.take(node)
    for _ in range(MOST_PAGES):
        if not lists.more:
            break
        lists.take(await _page(github, where, lists.more, node["headRefOid"], lane))
    facts = pull_request(
        repository,
        commits=lists.nodes.get("commits", ()),
        reviews=lists.nodes.get("reviews", ()),
        files=lists.nodes.get("files", ()),
        app_id=github.app_id,
    )
    holder = answer.data.get("policy")
    blobs = PolicyBlobs(
        organisation=blob_id(holder["defaultBranchRef"]) if holder else None,
        repository=blob_id(node["baseRef"]),
        organisation_readable=holder is not None,
    )
    tip = ((node["baseRef"] or {}).get("target") or {}).get("oid") or facts.base.oid
    return Read(facts, blobs, permissions(lists.nodes.get("reviews", ())), tip)


async def _page(github: InstallationClient, where: dict[str, Any], more: dict[str, str], head: str, lane: Lane) -> Node:
    """The next page of every list that goes on."""
    wants = {f"with{name.title()}": name in more for name in ("commits", "reviews", "files")}
    answer = await github.query(document("pull_request_page"), {**where, **wants, **more}, lane=lane)
    node: Node | None = (answer.data.get("repository") or {}).get("pullRequest")
    if node is None or node["headRefOid"] != head:
        raise Transient("a moment in which nobody pushes while the pull request is read")
    return node
