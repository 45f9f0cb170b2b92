"""What the history of a change shows beyond its list of commits; read only where there is something to be shown.

A merge commit may be the clean merge of its parents; a commit that was approved before may differ from the base in just
what the head does; and what a commit reverts or repeats was written by somebody. Commits never change, so that what was
read once is read no more.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from bot.facts import memory, modes
from bot.facts.diffs import Comparison, comparison, content, is_clean_merge, is_same_change
from bot.facts.memory import Known
from bot.facts.model import Commit, GitIdentity, Origin, PullRequestFacts, Repository, ReviewState
from bot.facts.parse import identity
from bot.facts.people import is_human
from bot.github.client import InstallationClient, route
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.store import Store

FOR_EVER = timedelta(days=36_500)
A_DAY = timedelta(days=1)
"""How long it is believed to whom GitHub links the addresses of a commit."""

MOST_MERGES = 10
MOST_COMMITS = 10
"""How many are looked into for one change; what is beyond is not shown."""

_COMPARISON: TypeAdapter[Comparison] = TypeAdapter(Comparison)
_AUTHORS: TypeAdapter[tuple[GitIdentity, ...]] = TypeAdapter(tuple[GitIdentity, ...])


async def compare(
    store: Store, github: InstallationClient, repository: Repository, base: str, head: str, lane: Lane
) -> Comparison | None:
    """What the commit ``head`` adds to ``base``; None when GitHub does not show one of them.

    Raises:
        Transient: GitHub could not answer.

    """
    key = f"comparison:{repository.id}:{base}...{head}"
    async with store.transaction() as connection:
        began = await memory.now(connection)
        known = await memory.recall(connection, [key], not_older_than=FOR_EVER, at=began)
    if key in known:
        return _COMPARISON.validate_python(known[key])
    path = route(
        "/repos/{owner}/{repo}/compare/{between}",
        owner=repository.owner,
        repo=repository.name,
        between=f"{base}...{head}",
    )
    # Files stand on the first page, whatever its size; commits are not what is asked for.
    answer = await github.get_or_none(path, lane=lane, params={"per_page": "1"})
    if answer is None:
        return None
    found = comparison(answer)
    async with store.transaction() as connection:
        await memory.remember(connection, [Known(key, (), asdict(found), began)])
    return found


async def clean_merges(
    store: Store, github: InstallationClient, facts: PullRequestFacts, lane: Lane
) -> tuple[str, ...]:
    """The merge commits of the change that were shown to have nothing of their own."""
    merges = [commit for commit in facts.commits if commit.is_merge][:MOST_MERGES]
    return tuple([each.oid for each in merges if await _is_clean(store, github, facts.repository, each, lane)])


async def _is_clean(
    store: Store, github: InstallationClient, repository: Repository, commit: Commit, lane: Lane
) -> bool:
    if len(commit.parents) != 2:
        return False
    first, second = commit.parents
    compared = [
        await compare(store, github, repository, base, head, lane)
        for base, head in ((first, commit.oid), (first, second), (second, first))
    ]
    merge, brought, kept = compared
    return merge is not None and brought is not None and kept is not None and is_clean_merge(merge, brought, kept)


async def same_diff(
    store: Store, github: InstallationClient, facts: PullRequestFacts, base: str, lane: Lane
) -> tuple[str, ...]:
    """The commits that were approved before, and differ from the commit ``base`` in just what the head does."""
    approved = [
        review.commit
        for review in facts.reviews
        if review.state is ReviewState.APPROVED and review.author is not None and is_human(review.author)
    ]
    others = sorted({commit for commit in approved if commit is not None and commit != facts.head.oid})
    pairs = [(commit, facts.head.oid) for commit in others[:MOST_COMMITS]]
    return tuple([pair[0] for pair in pairs if await is_same(store, github, facts.repository, base, pair, lane)])


async def is_same(
    store: Store, github: InstallationClient, repository: Repository, base: str, commits: tuple[str, str], lane: Lane
) -> bool:
    """Whether two commits make the same change, each of where it parted from ``base``, with the same modes of files.

    Raises:
        Transient: GitHub could not answer.

    """
    then, now = [await compare(store, github, repository, base, commit, lane) for commit in commits]
    if then is None or now is None or not content(now) or content(then) != content(now):
        return False
    parted = then.parted, now.parted
    if not is_same_change(then, now, None):
        grown = await compare(store, github, repository, *parted, lane) if all(parted) else None
        if grown is None or not is_same_change(then, now, grown):
            return False
    if not await _same_modes(store, github, repository, commits, now.kept, lane):
        return False
    # A mode that the base has changed since would be taken back by a commit that has the one of before.
    before = [file.previous or file.path for file in now.files if file.status != "added"]
    return parted[0] == parted[1] or await _same_modes(store, github, repository, parted, before, lane)


async def _same_modes(
    store: Store,
    github: InstallationClient,
    repository: Repository,
    commits: tuple[str, str],
    paths: Collection[str],
    lane: Lane,
) -> bool:
    """Whether files have the same modes on both commits; of too many, only of those that differ between them at all.

    A comparison names a file of which only the mode differs: https://github.com/github/rest-api-description/issues/4652
    """
    if modes.too_many(paths):
        between = await compare(store, github, repository, *commits, lane)
        if between is not None and between.whole and between.status == "ahead":
            differing = {path for file in between.files for path in file.paths}
            paths = [path for path in paths if path in differing]
    return await modes.same(store, github, repository, *commits, paths, lane)


async def origins(store: Store, github: InstallationClient, facts: PullRequestFacts, lane: Lane) -> tuple[Origin, ...]:
    """Who wrote what the change's commits revert or repeat."""
    named = sorted({oid for commit in facts.commits for oid in commit.repeats})
    return tuple([Origin(oid, await _authors(store, github, facts.repository, oid, lane)) for oid in named])


async def _authors(
    store: Store, github: InstallationClient, repository: Repository, oid: str, lane: Lane
) -> tuple[GitIdentity, ...]:
    key = f"authors:{repository.id}:{oid}"
    async with store.transaction() as connection:
        began = await memory.now(connection)
        known = await memory.recall(connection, [key], not_older_than=A_DAY, at=began)
    if key in known:
        return _AUTHORS.validate_python(known[key])
    variables = {"owner": repository.owner, "name": repository.name, "oid": oid}
    answer = await github.query(document("commit"), variables, lane=lane)
    found = (answer.data.get("repository") or {}).get("object") or {}
    authors = tuple(identity(each) for each in _nodes(found))
    async with store.transaction() as connection:
        await memory.remember(connection, [Known(key, (), [asdict(each) for each in authors], began)])
    return authors


def _nodes(found: dict[str, Any]) -> Sequence[Any]:
    """The authors of a commit; none when GitHub does not list them all, or when it is none."""
    authors = found.get("authors") or {"totalCount": 0, "nodes": []}
    return authors["nodes"] if len(authors["nodes"]) == authors["totalCount"] else []
