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
from bot.ledger import Entry, Kind, append
from bot.policy.assemble import Assembled, Source, assemble
from bot.policy.check import content_of
from bot.policy.default import default
from bot.policy.model import Mode, Policy
from bot.store import Store

ORGANISATION_FILE = "countersign.yml"
REPOSITORY_FILE = ".github/countersign.yml"
UNREADABLE = "\x00"
"""Stands for a file that is not text, or too large for GitHub to show: no policy begins like this."""

_FILES = "SELECT origin, blob, content FROM policy_file WHERE origin = ANY(%s) AND blob = ANY(%s)"
_IN_FORCE = """
    SELECT policy_file.origin, policy_file.blob, policy_file.content
    FROM policy_in_force JOIN policy_file USING (origin, blob)
    WHERE policy_in_force.origin = ANY(%s)
"""
_KEEP = "INSERT INTO policy_file (blob, origin, content) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING blob"
_PUT_IN_FORCE = """
    INSERT INTO policy_in_force (origin, blob, since) VALUES (%s, %s, %s)
    ON CONFLICT (origin) DO UPDATE SET blob = excluded.blob, since = excluded.since
    WHERE policy_in_force.blob <> excluded.blob
    RETURNING blob
"""


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
    lane: Lane,
    at: datetime,
) -> Loaded:
    """The policy for the repository at ``place``, and what of it could not be read.

    Raises:
        Transient: GitHub could not answer.

    """
    organisation = f"{place.owner}/{policy_repository}:{ORGANISATION_FILE}".lower()
    repository = f"{place.owner}/{place.name}:{REPOSITORY_FILE}".lower()
    wanted = {organisation: blobs.organisation, repository: blobs.repository}
    async with store.transaction() as connection:
        known = await _sources(connection, _FILES, [list(wanted), [blob for blob in wanted.values() if blob]])
        in_force = await _sources(connection, _IN_FORCE, [list(wanted)])
    found = {origin: source for origin, source in known.items() if source.blob == wanted[origin]}
    missing = {origin for origin, blob in wanted.items() if blob and origin not in found}
    if missing:
        found |= await _read(github, place, policy_repository, wanted, missing, organisation, lane)
    gone = organisation in in_force and blobs.organisation is None
    gaps = _gaps(organisation, blobs) if gone else ()
    make = partial(
        assemble,
        default(),
        organisation=found.get(organisation) or (in_force[organisation] if gone else None),
        repository=found.get(repository),
        last_good=in_force,
        repository_name=place.name,
    )
    assembled, values = make(), properties.NONE
    if any(application.properties for application in assembled.policy.applications):
        read = await properties.read(store, github, place.repository_id, place.owner, place.name, lane)
        if read is None:
            gaps = (*gaps, FactsIncomplete("the custom properties", "Countersign may not see them"))
        values = read or values
        assembled = make(properties=values)
    await _remember(store, assembled, in_force, at)
    return Loaded(assembled.policy, assembled.above, gaps, values)


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


def _switched(before: Source | None, after: Source) -> list[Entry]:
    """The entry for what is enforced from now on, or not any more; none where that stays as it was."""
    was, now = _enforced(before), _enforced(after)
    return (
        [] if was == now else [Entry(Kind.POLICY_SWITCHED, after.origin, {"was": was, "now": now, "blob": after.blob})]
    )


def _enforced(source: Source | None) -> dict[str, Any]:
    """What a file says of observing and enforcing: all in all, for findings, and for applications."""
    content = content_of(source.text, source.origin) if source else None
    if content is None:
        return {"mode": Mode.OBSERVE.value, "observe": [], "applications": {}}
    return {
        "mode": content.mode or Mode.OBSERVE.value,
        "observe": sorted(content.observe),
        "applications": {each.name: each.mode for each in content.applications if each.mode},
    }


async def _remember(store: Store, assembled: Assembled, in_force: Mapping[str, Source], at: datetime) -> None:
    """Put what works in force, and on record what is new."""
    changed = [each for each in assembled.good if in_force.get(each.origin) != each]
    if not changed and not assembled.broken:
        return
    entries = []
    async with store.transaction() as connection:
        for source in sorted((*changed, *assembled.broken), key=lambda each: each.origin):
            kept = source.text.replace("\x00", "")
            first_seen = await (await connection.execute(_KEEP, [source.blob, source.origin, kept])).fetchone()
            told = {"origin": source.origin, "blob": source.blob}
            if source in assembled.broken and first_seen:
                entries.append(Entry(Kind.POLICY_REFUSED, source.origin, told))
        for source in sorted(changed, key=lambda each: each.origin):
            replaced = await (await connection.execute(_PUT_IN_FORCE, [source.origin, source.blob, at])).fetchone()
            if replaced:
                told = {"origin": source.origin, "blob": source.blob}
                entries.append(Entry(Kind.POLICY_ACCEPTED, source.origin, told))
                entries += _switched(in_force.get(source.origin), source)
        await append(connection, entries, at=at)
