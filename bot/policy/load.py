"""Finds the policy that applies to a repository: reads what is new, remembers what worked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from bot.errors import Transient
from bot.facts import properties
from bot.facts.model import FactsIncomplete
from bot.facts.pull_request import Place, PolicyBlobs
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.policy.assemble import Source, assemble
from bot.policy.default import default
from bot.policy.in_force import recall, remember
from bot.policy.model import Policy
from bot.policy.reading import beside
from bot.store import Store

ORGANISATION_FILE = "countersign.yml"
REPOSITORY_FILE = ".github/countersign.yml"
UNREADABLE = "\x00"
"""Stands for a file that is not text, or too large for GitHub to show: no policy begins like this."""

_FILES = "SELECT origin, blob, content FROM policy_file WHERE origin = ANY(%s) AND blob = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The policy, what of it could not be read, and the custom properties that its inventory asks for.

    ``above`` is the policy that the repository's own file is laid over.
    """

    policy: Policy
    above: Policy
    gaps: tuple[FactsIncomplete, ...]
    properties: tuple[tuple[str, str], ...]


async def load(
    store: Store,
    github: InstallationClient,
    place: Place,
    blobs: PolicyBlobs,
    policy_repository: str,
    *,
    base: str,
    lane: Lane,
    at: datetime,
) -> Loaded:
    """The policy for changes of the branch ``base`` of the repository at ``place``, and what of it could not be read.

    Raises:
        Transient: GitHub could not answer.

    """
    organisation = f"{place.owner}/{policy_repository}:{ORGANISATION_FILE}".lower()
    repository = f"{place.owner}/{place.name}:{REPOSITORY_FILE}".lower()
    wanted = {organisation: blobs.organisation, repository: blobs.repository}
    async with store.transaction() as connection:
        known = await _sources(connection, _FILES, [list(wanted), [blob for blob in wanted.values() if blob]])
        in_force = await recall(connection, {organisation: "", repository: base})
    found = {origin: source for origin, source in known.items() if source.blob == wanted[origin]}
    missing = {origin for origin, blob in wanted.items() if blob and origin not in found}
    if missing:
        found |= await _read(github, place, policy_repository, wanted, missing, organisation, lane)
    last_good = {origin: each.good for origin, each in in_force.items() if each.good}
    gone = organisation in last_good and blobs.organisation is None
    gaps = _gaps(organisation, blobs) if gone else ()
    make = partial(
        assemble,
        default(),
        organisation=found.get(organisation) or (last_good[organisation] if gone else None),
        repository=found.get(repository),
        last_good=last_good,
        repository_name=place.name,
    )
    texts = [*found.values(), *last_good.values()]
    assembled, values = await beside(make, texts), properties.NONE
    if any(application.properties for application in assembled.policy.applications):
        read = await properties.read(store, github, place.repository_id, place.owner, place.name, lane)
        if read is None:
            gaps = (*gaps, FactsIncomplete("the custom properties", "Countersign may not see them"))
        values = read or values
        assembled = await beside(partial(make, properties=values), texts)
    looked_for = {repository, organisation} if _can_tell(blobs, gone=gone) else {repository}
    await remember(store, assembled, in_force, {origin: found.get(origin) for origin in looked_for}, at)
    return Loaded(assembled.policy, assembled.above, gaps, values)


def _can_tell(blobs: PolicyBlobs, *, gone: bool) -> bool:
    """Whether what is in force of the organisation's file is now what was found; what is gone stays in force."""
    return blobs.organisation_readable and not gone


def _gaps(organisation: str, blobs: PolicyBlobs) -> tuple[FactsIncomplete, ...]:
    """A policy that was in force and cannot be found any more blocks: taking it away must not switch it off."""
    why = (
        "it was there before, and is gone" if blobs.organisation_readable else "Countersign may not see its repository"
    )
    return (FactsIncomplete(f"the policy {organisation}", why),)


async def _sources(connection: AsyncConnection[Any], statement: str, values: list[Any]) -> dict[str, Source]:
    cursor = await connection.execute(statement, values)
    return {origin: Source(origin, blob, content) async for origin, blob, content in cursor}


async def _read(
    github: InstallationClient,
    place: Place,
    policy_repository: str,
    wanted: Mapping[str, str | None],
    missing: set[str],
    organisation: str,
    lane: Lane,
) -> dict[str, Source]:
    """The text of the files that are not known yet; a blob never changes, so this happens once for each."""
    with_organisation = organisation in missing
    repository = next((origin for origin in missing if origin != organisation), None)
    answer = await github.query(
        document("policy_files"),
        {
            "owner": place.owner,
            "name": place.name,
            "withRepository": repository is not None,
            "repositoryBlob": wanted[repository] if repository else None,
            "policyOwner": place.owner,
            "policyName": policy_repository,
            "withOrganisation": with_organisation,
            "organisationBlob": wanted[organisation] if with_organisation else None,
        },
        lane=lane,
    )
    read = {}
    for origin, holder in ((repository, "repository"), (organisation if with_organisation else None, "policy")):
        if origin is None:
            continue
        blob = (answer.data.get(holder) or {}).get("object")
        if blob is None:
            raise Transient("a policy file that was there a moment ago")
        whole = not blob["isBinary"] and not blob["isTruncated"] and blob["text"] is not None
        read[origin] = Source(origin, wanted[origin] or "", blob["text"] if whole else UNREADABLE)
    return read
