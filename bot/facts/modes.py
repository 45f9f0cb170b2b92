"""Whether two commits have a file in the same mode: executable, a link, or plain. GitHub's comparisons do not say.

https://git-scm.com/docs/git-fast-import#_filemodify
"""

from collections.abc import Collection
from datetime import timedelta
from posixpath import split
from typing import Any

from bot.errors import Transient
from bot.facts import memory
from bot.facts.memory import Known
from bot.facts.model import Repository
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.store import Store

FOR_EVER = timedelta(days=36_500)
MOST_FOLDERS = 20
"""How many folders are looked into for two commits; files in more of them are not shown to be the same."""


def too_many(paths: Collection[str]) -> bool:
    """Whether they stand in more folders than are looked into."""
    return len({split(path)[0] for path in paths}) > MOST_FOLDERS


async def same(
    store: Store,
    github: InstallationClient,
    repository: Repository,
    first: str,
    second: str,
    paths: Collection[str],
    lane: Lane,
) -> bool:
    """Whether each file has one mode on both commits. One that GitHub does not show is not the same.

    Raises:
        Transient: GitHub could not answer.

    """
    if too_many(paths):
        return False
    key = f"modes:{repository.id}:{first}...{second}"
    async with store.transaction() as connection:
        began = await memory.now(connection)
        known = dict((await memory.recall(connection, [key], not_older_than=FOR_EVER, at=began)).get(key, {}))
    missing = sorted({split(path)[0] for path in paths if path not in known})
    for folder in missing:
        known |= await _ask(
            github, repository, first, second, [each for each in paths if split(each)[0] == folder], lane
        )
    if missing:
        async with store.transaction() as connection:
            await memory.remember(connection, [Known(key, (), known, began)])
    return all(known[path] for path in paths)


async def _ask(
    github: InstallationClient, repository: Repository, first: str, second: str, paths: Collection[str], lane: Lane
) -> dict[str, bool]:
    """Of each of these files of one folder, whether its mode is the same."""
    folder = split(next(iter(paths)))[0]
    variables = {
        "owner": repository.owner,
        "name": repository.name,
        "first": f"{first}:{folder}",
        "second": f"{second}:{folder}",
    }
    found = (await github.query(document("modes"), variables, lane=lane)).data.get("repository")
    if found is None:
        raise Transient("the repository to be seen again")
    ours, theirs = _modes(found["first"]), _modes(found["second"])
    names = {path: split(path)[1] for path in paths}
    return {path: name in ours and ours[name] == theirs.get(name) for path, name in names.items()}


def _modes(tree: Any) -> dict[str, int]:
    return {each["name"]: each["mode"] for each in (tree or {}).get("entries") or ()}
