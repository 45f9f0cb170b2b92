"""Where renamed files were before: GraphQL's list of files tells only their new names, REST's tells both.

https://docs.github.com/rest/pulls/pulls#list-pull-requests-files
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.errors import Transient
from bot.facts import memory
from bot.facts.memory import Known
from bot.facts.model import FactsIncomplete, FileChange, PullRequestFacts
from bot.github.client import InstallationClient, route
from bot.github.errors import Forbidden, NotFound
from bot.github.lanes import Lane
from bot.store import Store

FOR_EVER = timedelta(days=36_500)
"""Two commits always differ in the same files."""


async def read(store: Store, github: InstallationClient, facts: PullRequestFacts, lane: Lane) -> PullRequestFacts:
    """The facts with the old name of every renamed file; one that is not told is a gap. Most changes rename nothing.

    Raises:
        Transient: GitHub could not answer, or the head moved meanwhile.

    """
    renamed = {file.path for file in facts.files if file.change is FileChange.RENAMED}
    if not renamed:
        return facts
    known = await _known(store, github, facts, renamed, lane)
    files = tuple(
        replace(file, previous=known.get(file.path, "")) if file.path in renamed else file for file in facts.files
    )
    return replace(facts, files=files, incomplete=(*facts.incomplete, *_gaps(sorted(renamed - known.keys()))))


def _gaps(missing: list[str]) -> tuple[FactsIncomplete, ...]:
    if not missing:
        return ()
    more = f" and of {len(missing) - 1} more" if len(missing) > 1 else ""
    return (FactsIncomplete(f"the old name of {missing[0]}{more}", "GitHub does not tell it"),)


async def _known(
    store: Store, github: InstallationClient, facts: PullRequestFacts, renamed: set[str], lane: Lane
) -> Mapping[str, str]:
    """The old name of each renamed file, by its new one, as far as GitHub tells it."""
    key = f"renames:{facts.repository.id}:{facts.base.oid}...{facts.head.oid}"
    async with store.transaction() as connection:
        began = await memory.now(connection)
        remembered = await memory.recall(connection, [key], not_older_than=FOR_EVER, at=began)
    if renamed <= remembered.get(key, {}).keys():
        return dict(remembered[key])
    found = await _ask(github, facts, lane)
    async with store.transaction() as connection:
        await memory.remember(connection, [Known(key, (), found, began)])
    return found


async def _ask(github: InstallationClient, facts: PullRequestFacts, lane: Lane) -> dict[str, str]:
    path = route(
        "/repos/{owner}/{repo}/pulls/{number}/files",
        owner=facts.repository.owner,
        repo=facts.repository.name,
        number=facts.number,
    )
    try:
        page = await github.get_pages(path, key=None, lane=lane)
    except (NotFound, Forbidden):
        return {}
    moved = [each for each in page.items if each.get("previous_filename")]
    if any(not _is_of(each, facts.head.oid) for each in moved):
        raise Transient("a moment in which nobody pushes while the pull request is read")
    return {each["filename"]: each["previous_filename"] for each in moved}


def _is_of(each: Mapping[str, Any], head: str) -> bool:
    """Whether the file is that of this head: the list says so only in the addresses of what is there."""
    return str(each["contents_url"]).endswith(f"?ref={head}")
