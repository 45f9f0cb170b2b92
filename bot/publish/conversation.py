"""The conversation of a pull request, in which everything is said once: also when a worker dies while saying it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from psycopg import AsyncConnection

from bot.github.client import InstallationClient, route
from bot.github.lanes import Lane
from bot.store import Store

APART = timedelta(minutes=10)
"""How far the clocks of machines may differ."""


class Saying(Protocol):
    """Something that is to be said once, and where it is noted that it was."""

    @property
    def name(self) -> str:
        """What it is called in the hidden marker by which its comment is found again: ``reply:12``."""

    @property
    def text(self) -> str:
        """What is said."""

    @property
    def since(self) -> datetime:
        """When it can have been said first."""

    async def intend(self, connection: AsyncConnection[Any]) -> bool:
        """Note that it is about to be said; whether nobody noted that before."""

    async def said(self, connection: AsyncConnection[Any]) -> bool:
        """Whether it is on record that it was said."""

    async def receive(self, connection: AsyncConnection[Any], comment_id: int) -> None:
        """Put on record that it was said, in this comment."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The conversation of one pull request."""

    store: Store
    github: InstallationClient
    owner: str
    name: str
    number: int
    lane: Lane

    async def say(self, saying: Saying) -> None:
        """Say it in a comment, unless it was said: after a crash it is looked for before it is said again.

        Raises:
            Transient: GitHub could not answer; nobody knows whether it was said.

        """
        marker = f"<!-- countersign:{saying.name} -->"
        async with self.store.transaction() as connection:
            first = await saying.intend(connection)
            if await saying.said(connection):
                return
        found = None if first else await self._find(marker, saying.since)
        if found is None:
            body = {"body": f"{saying.text}\n\n{marker}"}
            found = await self.github.post(self._comments, body, lane=self.lane, creates=True)
        async with self.store.transaction() as connection:
            await saying.receive(connection, int(found["id"]))

    async def _find(self, marker: str, since: datetime) -> Any:
        earliest = (since - APART).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        page = await self.github.get_pages(self._comments, key=None, lane=self.lane, params={"since": earliest})
        return next((each for each in page.items if marker in (each["body"] or "") and self._is_ours(each)), None)

    def _is_ours(self, comment: Any) -> bool:
        """Whether the App wrote it: anybody can write a marker, so that something is not said."""
        app = comment.get("performed_via_github_app")
        return app is not None and app["id"] == self.github.github.credentials.app_id

    @property
    def _comments(self) -> str:
        return route("/repos/{o}/{r}/issues/{n}/comments", o=self.owner, r=self.name, n=self.number)
