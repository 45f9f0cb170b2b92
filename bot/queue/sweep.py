"""The sweep: finds what no event announced. Its rounds are subjects themselves, so one process makes each at a time.

* ``app:deliveries``: deliveries that GitHub could not hand over are fetched from its log and accepted like any other.
* ``app:installations``: installations that no event told of.
* ``installation:<id>``: its open pull requests, and everything that nobody looked at for a long time.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.clock import Clock
from bot.errors import CountersignError, Transient
from bot.facts import memory
from bot.github.client import GitHub, InstallationClient
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.ingest.events import InstallationChanged, Where
from bot.ingest.inbox import Inbox
from bot.ingest.statements import forget_bodies, installation_state, note_gone, note_installation, stored
from bot.ingest.subjects import BRANCH, MERGE_GROUP, PULL, installation_subject, pull_subject
from bot.ingest.webhook import refetched
from bot.ledger import Entry, Kind, append
from bot.queue import subjects
from bot.queue.model import Look, Next, Subject, Urgency, Wish
from bot.queue.subjects import Seen, want
from bot.store import Store

log = structlog.get_logger(__name__)

APP = "app"
DELIVERIES = Subject("app:deliveries", APP, 0, {})
INSTALLATIONS = Subject("app:installations", APP, 0, {})

EVERY_DELIVERIES = timedelta(minutes=5)
EVERY_INSTALLATION = timedelta(hours=1)
KEPT_BY_GITHUB = timedelta(days=7)
"""The longest that any GitHub keeps a delivery in its log: https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks"""

LATE = timedelta(minutes=30)
"""How much later than its date a delivery may show up in the log: GitHub holds some back."""

UNLOOKED = timedelta(hours=24)
MOST_UNLOOKED = 2_000
CHANGES_KEPT = timedelta(days=2)
_MARK = "sweep:deliveries"


@dataclass(frozen=True, slots=True)
class Sweep:
    """Handlers for the rounds of the sweep. ``keep_bodies`` is how long raw bodies of deliveries are kept."""

    store: Store
    github: GitHub
    inbox: Inbox
    clock: Clock
    keep_bodies: timedelta

    async def begin(self) -> None:
        """Promise the first rounds; harmless when they are promised already."""
        async with self.store.transaction() as connection:
            await want(connection, [Wish(each, Urgency.SWEEP) for each in (DELIVERIES, INSTALLATIONS)])

    async def app(self, look: Look) -> Next:
        """A round for the whole App."""
        if look.subject.key == DELIVERIES.key:
            await self._fetch_deliveries()
            return Next(at=self.clock() + EVERY_DELIVERIES)
        await self._find_installations()
        await self._forget()
        return Next(at=self.clock() + EVERY_INSTALLATION)

    async def _fetch_deliveries(self) -> None:
        """Accept what GitHub could not deliver, back to where the last complete round began."""
        async with self.store.transaction() as connection:
            began = await memory.now(connection)
            marks = await memory.recall(connection, [_MARK], not_older_than=KEPT_BY_GITHUB, at=began)
        since = datetime.fromisoformat(marks[_MARK]) - LATE if _MARK in marks else None
        newest: datetime | None = None
        async for page in self.github.app().failed_deliveries():
            moments = [datetime.fromisoformat(each["delivered_at"]) for each in page]
            newest = max([*moments, *([newest] if newest else [])], default=None)
            await self._fetch_page(page)
            if since and moments and min(moments) < since:
                break
        if newest is not None:
            async with self.store.transaction() as connection:
                await memory.remember(connection, [memory.Known(_MARK, (), newest.isoformat(), began)])

    async def _fetch_page(self, page: list[Mapping[str, Any]]) -> None:
        async with self.store.transaction() as connection:
            there = await stored(connection, [str(each["guid"]) for each in page])
        for each in reversed(page):
            if str(each["guid"]) not in there:
                await self._fetch(each)

    async def _fetch(self, listed: Mapping[str, Any]) -> None:
        """One delivery; what is wrong with it must not keep back the others."""
        whole = await self.github.app().delivery(int(listed["id"]))
        try:
            await self.inbox.accept(refetched(whole, self.clock, app_id=self.github.credentials.app_id))
        except Transient:
            raise
        except (CountersignError, LookupError, TypeError, ValueError) as error:
            log.error("delivery_not_fetched", guid=listed["guid"], exc_info=error)  # noqa: TRY400 - structlog
            return
        log.info("delivery_fetched", guid=listed["guid"], gh_event=listed["event"])

    async def _find_installations(self) -> None:
        """Note which installations there are, and want those looked at that nobody told of."""
        listed = [_installation(each) for each in await self.github.app().installations()]
        wishes = [Wish(installation_subject(each.installation_id, each.account), Urgency.SWEEP) for each in listed]
        async with self.store.transaction() as connection:
            changed = [each for each in listed if await note_installation(connection, each)]
            changed += await note_gone(connection, [each.installation_id for each in listed])
            gone = [Wish(installation_subject(each.installation_id, each.account), Urgency.SWEEP) for each in changed]
            known = await subjects.seen(connection, [wish.subject.key for wish in wishes])
            await want(connection, [*gone, *(wish for wish in wishes if wish.subject.key not in known)])
            entries = [
                Entry(Kind.INSTALLATION_CHANGED, f"installation:{each.installation_id}", {"state": each.state})
                for each in changed
            ]
            await append(connection, entries, at=self.clock())

    async def _forget(self) -> None:
        async with self.store.transaction() as connection:
            await subjects.forget_changes(connection, CHANGES_KEPT)
        while True:
            async with self.store.transaction() as connection:
                if not await forget_bodies(connection, self.keep_bodies):
                    return

    async def installation(self, look: Look) -> Next:
        """A round for one installation; its end when it may not be served any more."""
        installation_id = look.subject.installation_id
        async with self.store.transaction() as connection:
            state = await installation_state(connection, installation_id)
            if state != "active":
                await subjects.close_all(connection, installation_id, but=look.subject.key)
                return Next(over=True)
        github, lane = self.github.installation(installation_id), Lane(Urgency.SWEEP)
        after: str | None = None
        while True:
            variables = {"owner": look.subject.about["account"], "after": after}
            answer = await github.query(document("open_pull_requests"), variables, lane=lane)
            owner = answer.data.get("repositoryOwner")
            if owner is None:
                break
            repositories = owner["repositories"]
            await self._want_changed([each async for each in _open(github, installation_id, repositories["nodes"])])
            if not repositories["pageInfo"]["hasNextPage"]:
                break
            after = repositories["pageInfo"]["endCursor"]
        async with self.store.transaction() as connection:
            old = await subjects.unlooked(
                connection, installation_id, [PULL, MERGE_GROUP, BRANCH], UNLOOKED, MOST_UNLOOKED
            )
            await want(connection, [Wish(subject, Urgency.SWEEP) for subject in old])
        return Next(at=self.clock() + EVERY_INSTALLATION)

    async def _want_changed(self, found: list[tuple[Subject, datetime]]) -> None:
        """Want the pull requests that were never looked at, or that changed since."""
        async with self.store.transaction() as connection:
            known = await subjects.seen(connection, [subject.key for subject, _ in found])
            missed = [subject for subject, changed in found if _missed(known.get(subject.key), changed)]
            await want(connection, [Wish(subject, Urgency.SWEEP) for subject in missed])
        if missed:
            log.info("pull_requests_found", count=len(missed))


def _installation(listed: Mapping[str, Any]) -> InstallationChanged:
    account, state = listed["account"], "suspended" if listed["suspended_at"] else "active"
    return InstallationChanged(int(listed["id"]), int(account["id"]), str(account["login"]), state)


def _missed(known: Seen | None, changed: datetime) -> bool:
    if known is None:
        return True
    if known.promised:
        return False
    return known.finished or known.looked_at is None or known.looked_at < changed


async def _open(
    github: InstallationClient, installation_id: int, repositories: list[Any]
) -> AsyncIterator[tuple[Subject, datetime]]:
    """Each open pull request of the repositories with the moment of its last change."""
    for repository in repositories:
        where = Where(installation_id, int(repository["databaseId"]), repository["owner"]["login"], repository["name"])
        listed = repository["pullRequests"]
        while True:
            for node in listed["nodes"]:
                yield pull_subject(where, int(node["number"])), datetime.fromisoformat(node["updatedAt"])
            if not listed["pageInfo"]["hasNextPage"]:
                break
            variables = {"owner": where.owner, "name": where.name, "after": listed["pageInfo"]["endCursor"]}
            answer = await github.query(document("more_pull_requests"), variables, lane=Lane(Urgency.SWEEP))
            holder = answer.data.get("repository")
            if holder is None:
                break
            listed = holder["pullRequests"]
