"""Carries out effects on GitHub: each is noted before it is sent, and its receipt is put on record after.

A crash between the two leaves a note: the next look asks GitHub what became of it before doing anything again.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, assert_never

import structlog
from psycopg import AsyncConnection

from bot.clock import Clock
from bot.decide.verdict import Annotation
from bot.errors import Transient
from bot.github.client import InstallationClient, route
from bot.github.lanes import Lane
from bot.ledger import Entry, Kind, append
from bot.publish.effects import CHECK, CheckRunContent, CreateCheckRun, Effect, Published, UpdateCheckRun
from bot.publish.plan import NEW_RUN, plan
from bot.queue import Look, still_mine
from bot.store import Store
from bot.telemetry import Metrics

log = structlog.get_logger(__name__)

_KNOWN = "SELECT check_run_id, digest, annotations_sent, pending FROM published WHERE subject = %s AND head = %s"
_INTEND = """
    INSERT INTO published (subject, head, pending) VALUES (%s, %s, %s)
    ON CONFLICT (subject, head) DO UPDATE SET pending = excluded.pending
    RETURNING check_run_id
"""
_RECEIVE = """
    UPDATE published
    SET check_run_id = %s, digest = %s, annotations_sent = %s, status = %s, pending = NULL, published_at = now()
    WHERE subject = %s AND head = %s AND pending = %s
"""
# An effect that is under way meanwhile finds its note gone, and leaves no receipt that would make the run known again.
_FORGET = """
    UPDATE published SET digest = '', check_run_id = NULL, annotations_sent = 0, pending = NULL
    WHERE subject = %s AND head = %s
"""
_GIVE_UP = f"{_FORGET} AND check_run_id IS NOT NULL RETURNING true"


class Overtaken(Transient):
    """A newer look at the subject has begun: what this one found may be old."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the check run: what is published, and whether an effect's outcome is open."""

    published: Published | None
    in_doubt: bool


async def known(connection: AsyncConnection[Any], subject: str, head: str) -> Standing:
    """What is known of the subject's check run on the commit ``head``."""
    cursor = await connection.execute(_KNOWN, [subject, head])
    row = await cursor.fetchone()
    if row is None:
        return Standing(None, in_doubt=False)
    check_run_id, digest, sent, pending = row
    published = Published(check_run_id, digest, sent) if check_run_id is not None else None
    return Standing(published, in_doubt=pending is not None)


async def forget(connection: AsyncConnection[Any], subject: str, head: str) -> None:
    """Publish anew at the next look, whatever stands there: somebody asked GitHub to run the check again."""
    await connection.execute(_FORGET, [subject, head])


async def give_way(connection: AsyncConnection[Any], subject: str, head: str, others: Collection[str]) -> bool:
    """Let ``others``, which have the same head, publish anew; whether the subject's own run stood before theirs.

    Of two check runs with one name on one commit GitHub looks at the newer one, also when nobody renews it any more.
    """
    cursor = await connection.execute(_GIVE_UP, [subject, head])
    if await cursor.fetchone() is None:
        return False
    for other in sorted(others):
        await forget(connection, other, head)
    return True


@dataclass(frozen=True, slots=True)
class Publisher:
    """Makes GitHub show a check run, for one repository and one look."""

    store: Store
    github: InstallationClient
    metrics: Metrics
    clock: Clock
    look: Look
    owner: str
    name: str
    lane: Lane
    check: str = CHECK

    @property
    def key(self) -> str:
        """What the run is on record under: the subject, and the name of any other run than the usual one."""
        subject = self.look.subject.key
        return subject if self.check == CHECK else f"{subject}#{self.check}"

    async def publish(self, wanted: CheckRunContent) -> int:
        """Make it so, and answer how many effects it took.

        Raises:
            Transient: GitHub could not answer, or a newer look has begun; another look finishes the work.

        """
        async with self.store.transaction() as connection:
            standing = await known(connection, self.key, wanted.head)
        published = await self._find(wanted, standing.published) if standing.in_doubt else standing.published
        effects = plan(wanted, published)
        on_record = standing.published.check_run_id if standing.published else None
        for effect in effects:
            published = await self._carry_out(effect, published, on_record)
            on_record = published.check_run_id
        return len(effects)

    async def _find(self, wanted: CheckRunContent, published: Published | None) -> Published | None:
        """What became of an effect whose outcome is not on record; the newest run of ours on that commit."""
        path = route(
            "/repos/{owner}/{repo}/commits/{ref}/check-runs", owner=self.owner, repo=self.name, ref=wanted.head
        )
        # Another App can report a check of our name with the id that we wrote into ours.
        params = {"check_name": self.check, "filter": "all", "app_id": str(self.github.app_id)}
        page = await self.github.get_pages(path, key="check_runs", lane=self.lane, params=params)
        ours = [run for run in page.items if run["external_id"] == wanted.external_id]
        if not ours:
            return None
        newest = max(ours, key=lambda run: int(run["id"]))
        log.info("effect_found", check_run=newest["id"], known=published is not None)
        return Published(int(newest["id"]), "", int(newest["output"]["annotations_count"]))

    async def _carry_out(self, effect: Effect, published: Published | None, on_record: int | None) -> Published:
        """Do it, unless the run ``on_record`` is not what the plan was made for any more."""
        name = type(effect).__name__
        marker = f"{name}:{self.look.number}"
        async with self.store.transaction() as connection:
            if not await still_mine(connection, self.look):
                raise Overtaken("a newer look at the same subject")
            cursor = await connection.execute(_INTEND, [self.key, effect.content.head, marker])
            if await cursor.fetchone() != (on_record,):
                raise Overtaken("a newer look at the same subject")
        sent = await self._send(effect, published)
        await self._receive(effect, sent, marker)
        self.metrics.effects.labels(name).inc()
        return sent

    async def _send(self, effect: Effect, published: Published | None) -> Published:
        runs = route("/repos/{owner}/{repo}/check-runs", owner=self.owner, repo=self.name)
        match effect:
            case CreateCheckRun(content):
                first = content.annotations[:50]
                body = {"name": self.check, "head_sha": content.head, **_body(content, first)}
                answer = await self.github.post(runs, body, lane=self.lane, creates=True)
                return Published(int(answer["id"]), content.digest, len(first))
            case UpdateCheckRun(check_run_id, content, annotations):
                target = check_run_id if check_run_id != NEW_RUN or published is None else published.check_run_id
                before = published.annotations_sent if published else 0
                body = _body(content, annotations)
                # Sent twice, annotations would be there twice.
                await self.github.patch(f"{runs}/{target}", body, lane=self.lane, idempotent=not annotations)
                return Published(target, content.digest, before + len(annotations))
            case _:
                assert_never(effect)

    async def _receive(self, effect: Effect, sent: Published, marker: str) -> None:
        """Put the receipt on record. Overtaken, this effect may have come after a newer one: who knows what shows."""
        content = effect.content
        subject = self.look.subject.key
        async with self.store.transaction() as connection:
            mine = await still_mine(connection, self.look)
            digest = sent.digest if mine else ""
            values = [sent.check_run_id, digest, sent.annotations_sent, content.status, self.key, content.head, marker]
            await connection.execute(_RECEIVE, values)
            told = {
                "effect": type(effect).__name__,
                "check_run": sent.check_run_id,
                "head": content.head,
                "status": content.status,
                "conclusion": content.conclusion,
                "title": content.title,
                "sha256": sent.digest,
            }
            await append(connection, [Entry(Kind.EFFECT_PUBLISHED, subject, told)], at=self.clock())
        if not mine:
            raise Overtaken("a newer look at the same subject")


def _body(content: CheckRunContent, annotations: tuple[Annotation, ...]) -> dict[str, Any]:
    """The fields of GitHub's request.

    https://docs.github.com/rest/checks/runs
    """
    output: dict[str, Any] = {"title": content.title, "summary": content.summary, "text": content.text + content.record}
    if annotations:
        output["annotations"] = [_annotation(each) for each in annotations]
    body: dict[str, Any] = {
        "status": content.status,
        "external_id": content.external_id,
        "details_url": content.details_url,
        "output": output,
        "actions": [asdict(button) for button in content.buttons],
    }
    # Passing a conclusion would complete a run that is in progress.
    return body | ({"conclusion": content.conclusion} if content.conclusion else {})


def _annotation(each: Annotation) -> dict[str, Any]:
    return {
        "path": each.path,
        "start_line": each.start_line,
        "end_line": each.end_line,
        "annotation_level": "failure" if each.failure else "warning",
        "title": each.title,
        "message": each.message,
    }
