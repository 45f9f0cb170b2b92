"""Who pushed the commits of a pull request: the push log, filled up from GitHub's activity list where it has a gap.

https://docs.github.com/rest/repos/repos#list-repository-activities
"""

from typing import Any

from bot.facts.model import Account, AccountKind, PullRequestFacts, Push
from bot.github.client import InstallationClient, route
from bot.github.errors import Forbidden
from bot.github.lanes import Lane
from bot.ingest.statements import pushes_of, record_pushes
from bot.ingest.subjects import PushSeen
from bot.store import Store

_KINDS = {"User": AccountKind.USER, "Bot": AccountKind.BOT}
_PUSHED = frozenset({"push", "force_push", "branch_creation", "merge_queue_merge", "pr_merge"})


async def read(store: Store, github: InstallationClient, facts: PullRequestFacts, lane: Lane) -> tuple[Push, ...]:
    """Everybody who put a commit of the pull request at the tip of a branch.

    Raises:
        Transient: GitHub could not answer.

    """
    commits = [commit.oid for commit in facts.commits]
    async with store.transaction() as connection:
        known = await pushes_of(connection, facts.repository.id, commits)
    # A push to a fork happens elsewhere: GitHub's list of this repository does not have it.
    if facts.from_fork or any(push.after == facts.head.oid for push in known):
        return known
    found = await _activity(github, facts, lane)
    if not found:
        return known
    async with store.transaction() as connection:
        await record_pushes(connection, found)
        return await pushes_of(connection, facts.repository.id, commits)


async def _activity(github: InstallationClient, facts: PullRequestFacts, lane: Lane) -> list[PushSeen]:
    """What GitHub's list of activities says about the head branch."""
    path = route("/repos/{owner}/{repo}/activity", owner=facts.repository.owner, repo=facts.repository.name)
    ref = f"refs/heads/{facts.head.name}"
    try:
        page = await github.get_pages(path, key=None, lane=lane, params={"ref": ref}, most_pages=1)
    except Forbidden:
        return []
    return [
        PushSeen(facts.repository.id, ref, str(each["after"]), _actor(each.get("actor")), "activity")
        for each in page.items
        if each.get("activity_type") in _PUSHED
    ]


def _actor(node: Any) -> Account | None:
    if not node:
        return None
    return Account(int(node["id"]), str(node["login"]), _KINDS.get(str(node.get("type")), AccountKind.OTHER))
