"""Does what people asked for: acknowledges it at once, and answers when the decision is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from psycopg import AsyncConnection

from bot.clock import Clock
from bot.commands import deeds
from bot.commands.model import Answer, Change, Situation
from bot.commands.parse import Given, Misspelt, parse
from bot.commands.records import is_about_record
from bot.commands.table import BUTTONS, BY_NAME, TABLE
from bot.decide.verdict import Decision
from bot.facts.model import Standing
from bot.github.client import InstallationClient, route
from bot.github.errors import NotFound
from bot.github.lanes import Lane
from bot.github.queries import document
from bot.ingest.statements import Pending, pending, progress, settle
from bot.ledger import Entry, Kind, append
from bot.publish.conversation import Conversation
from bot.publish.markdown import fitted
from bot.store import Store

LONGEST_REPLY = 60_000
"""Bytes; GitHub takes comments of 65,536 characters."""

log = structlog.get_logger(__name__)

_INTEND = "INSERT INTO reply (request, intended_at) VALUES (%s, now()) ON CONFLICT DO NOTHING RETURNING request"
_RECEIVE = "UPDATE reply SET comment_id = %s WHERE request = %s"
_SAID = "SELECT comment_id IS NOT NULL FROM reply WHERE request = %s"


BY_EMAIL = (
    "`/{name}` is not taken from an e-mail, nor from a comment that is gone: "
    "write it on the pull request, where GitHub knows who you are."
)


def commands_of(request: Pending) -> tuple[Given | Misspelt, ...]:
    """The commands that a request gives, in their order."""
    if request.comment_id is not None:
        return parse(request.text, tuple(BY_NAME))
    pressed = "recheck" if request.text == "rerun" else request.text
    return (Given(pressed, ()),) if request.text in BUTTONS else ()


def opens_record(request: Pending, standing: Standing) -> bool:
    """Whether a record is to be opened for it: whoever asks may, and wants to do something with one."""
    given = [each for each in commands_of(request) if isinstance(each, Given)]
    return any(is_about_record(each) and BY_NAME[each.name].refusal(standing) is None for each in given)


def reply_of(replies: Iterable[str]) -> str:
    """One comment that says all of it."""
    return fitted("\n\n".join(dict.fromkeys(replies)).split("\n"), LONGEST_REPLY)


def is_weighty(request: Pending) -> bool:
    """Whether the request has a command that others rely on."""
    return any(isinstance(each, Given) and BY_NAME[each.name].weighty for each in commands_of(request))


def answer(
    given: Given | Misspelt,
    standing: Standing,
    decision: Decision,
    change: Change | None = None,
    *,
    on_the_page: bool = True,
    comment: int | None = None,
    said_at: datetime | None = None,
) -> Answer:
    """What a command comes to. Pure.

    ``on_the_page``: the comment, whose id is ``comment``, is there, and was not written by e-mail. ``said_at`` is when
    it was written.
    """
    if isinstance(given, Misspelt):
        return Answer(done=False, reply=given.message)
    command = BY_NAME[given.name]
    refusal = command.refusal(standing)
    if refusal is not None:
        return Answer(done=False, reply=refusal)
    if command.weighty and not on_the_page:
        return Answer(done=False, reply=BY_EMAIL.format(name=command.name))
    misplaced = command.misplaced(change)
    if misplaced is not None:
        return Answer(done=False, reply=misplaced)
    return command.run(
        Situation(decision, given.arguments, TABLE, standing, change, given.written, given.text, comment, said_at)
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: one comment."""

    request: Pending
    text: str

    @property
    def name(self) -> str:
        """What its comment is found by."""
        return f"reply:{self.request.id}"

    @property
    def since(self) -> datetime:
        """When it can have been said first."""
        return self.request.asked_at

    async def intend(self, connection: AsyncConnection[Any]) -> bool:
        """Note that it is about to be said; whether nobody noted that before."""
        return await (await connection.execute(_INTEND, [self.request.id])).fetchone() is not None

    async def said(self, connection: AsyncConnection[Any]) -> bool:
        """Whether it is on record that it was said."""
        row = await (await connection.execute(_SAID, [self.request.id])).fetchone()
        return bool(row and row[0])

    async def receive(self, connection: AsyncConnection[Any], comment_id: int) -> None:
        """Put on record that it was said."""
        await connection.execute(_RECEIVE, [comment_id, self.request.id])


@dataclass(frozen=True, slots=True)
class Reception:
    """Answers requests on one pull request."""

    store: Store
    github: InstallationClient
    clock: Clock
    owner: str
    name: str
    number: int
    lane: Lane

    async def acknowledge(self, request: Pending) -> None:
        """Show that a comment with a command was seen. GitHub keeps one reaction of a kind."""
        if request.comment_id is not None and parse(request.text, tuple(BY_NAME)):
            await self._react(request.comment_id, "eyes")

    async def do(
        self,
        request: Pending,
        place: int,
        standing: Standing,
        decision: Decision,
        change: Change,
        *,
        on_the_page: bool,
    ) -> None:
        """Act on the command at ``place``, once, and put it on record."""
        given = commands_of(request)[place]
        comment, said_at = request.comment_id, request.said_at
        said = answer(given, standing, decision, change, on_the_page=on_the_page, comment=comment, said_at=said_at)
        async with self.store.transaction() as connection:
            if not await progress(connection, request, place, said.reply or "", refused=not said.done):
                return
            kind = Kind.COMMAND_DONE if said.done else Kind.COMMAND_REFUSED
            entries = [Entry(kind, request.subject, _told(request, given))]
            if said.deed is not None:
                entries += await deeds.do(
                    connection,
                    said.deed,
                    request,
                    installation_id=self.github.installation_id,
                    repository_id=change.facts.repository.id,
                    at=self.clock(),
                )
            await append(connection, entries, at=self.clock())

    async def settle(self, request: Pending) -> None:
        """Tell whoever asked what came of it, once, when every command was acted on.

        Raises:
            Transient: GitHub could not answer; the request stays pending.

        """
        async with self.store.transaction() as connection:
            known = next((each for each in await pending(connection, request.subject) if each.id == request.id), None)
        if known is None:
            return
        if known.replies:
            await self._conversation.say(Reply(request, reply_of(known.replies)))
        if known.done and request.comment_id is not None:
            await self._react(request.comment_id, "confused" if known.refused else "+1")
        async with self.store.transaction() as connection:
            await settle(connection, request.id, "refused" if known.refused else "done" if known.done else "none")

    async def is_on_the_page(self, request: Pending) -> bool:
        """Whether a request that others rely on was made on GitHub, and stands there still."""
        return await self._is_on_the_page(request) if is_weighty(request) else True

    async def _is_on_the_page(self, request: Pending) -> bool:
        """Whether the comment is still there, and was written on GitHub: an e-mail proves less of who wrote it."""
        if request.comment_id is None:
            # A button is pressed by somebody who is signed in.
            return True
        path = route("/repos/{o}/{r}/issues/comments/{id}", o=self.owner, r=self.name, id=request.comment_id or 0)
        comment = await self.github.get_or_none(path, lane=self.lane)
        if comment is None:
            return False
        found = await self.github.query(document("comment"), {"id": comment["node_id"]}, lane=self.lane)
        node = found.data.get("node")
        return node is not None and node.get("createdViaEmail") is False

    @property
    def _conversation(self) -> Conversation:
        return Conversation(self.store, self.github, self.owner, self.name, self.number, self.lane)

    async def _react(self, comment_id: int, content: str) -> None:
        path = route("/repos/{o}/{r}/issues/comments/{id}/reactions", o=self.owner, r=self.name, id=comment_id)
        try:
            await self.github.post(path, {"content": content}, lane=self.lane, idempotent=True, creates=True)
        except NotFound:
            log.info("comment_gone", comment=comment_id)


def _told(request: Pending, given: Given | Misspelt) -> dict[str, Any]:
    return {
        "request": request.id,
        "comment": request.comment_id,
        "actor": {"id": request.actor.id, "login": request.actor.login},
        "text": request.text,
        "command": given.name,
        "asked_at": request.asked_at.astimezone(UTC).isoformat(),
        "said_at": request.said_at.astimezone(UTC).isoformat(),
    }
