"""Looks of one worker process: many pull requests are wanted at one moment, and GitHub answers at once."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import uvloop

from bench.ground import Child, Ground, Questions, child
from bench.table import Table, middle, spread
from bot import app
from bot.ingest.events import Where
from bot.ingest.subjects import pull_subject
from bot.queue import Wish, want
from bot.queue.model import Urgency
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import settings
from bot.settings import Settings
from bot.store import Store

SECRET = "a secret of the benchmark"
ORGANISATIONS, EACH = 20, 20
"""Pull requests of many installations: GitHub lets one create no more than 80 check runs a minute."""

CONCURRENCY = 8
POLICY = """\
version: 1
mode: enforce
roles:
  security: [{org}/appsec]
applications:
  - {{name: core, repositories: [core], tier: high}}
tiers:
  high:
    approvals: [{{count: 1, from: [write]}}, {{count: 1, from: [security]}}]
"""
_PATIENCE = 120.0
_LEFT = "SELECT count(*) FROM subject WHERE wanted > looked OR due IS NOT NULL AND kind = 'pull'"
_SWEPT = "SELECT count(*) FILTER (WHERE looked > 0) >= 2 FROM subject WHERE kind = 'app'"
_LOOKS = "SELECT coalesce(sum(look), 0)::int FROM subject WHERE kind = 'pull'"
_SPAN = "SELECT min(begun_at), max(looked_at) FROM subject WHERE kind = 'pull'"


@dataclass(frozen=True, slots=True)
class Round:
    """All pull requests were looked at: looks a second, and per look the processor's milliseconds and the queries."""

    rate: float
    worker: float
    github: float
    queries: float
    writes: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What a process has used and asked so far: seconds of the processor, queries and writes."""

    seconds: float
    queries: int = 0
    writes: int = 0


def measure(ground: Ground) -> Table:
    """First looks, which create the check run, and looks that find nothing to do."""
    first: list[Round] = []
    second: list[Round] = []
    for _ in range(ground.runs):
        with ExitStack() as stack:
            url = stack.enter_context(ground.database())
            github = stack.enter_context(child(_github))
            worker = stack.enter_context(child(_worker, github.ready, url))
            uvloop.run(_settled_in(url))
            pulls = github.ask("open")
            first.append(uvloop.run(_round(url, github, worker, pulls)))
            second.append(uvloop.run(_round(url, github, worker, pulls)))
    return Table(
        "Looks of one worker process",
        ("look", "a second", "worker, CPU ms", "simulation, CPU ms", "queries", "writes"),
        (_row("first: the check run is created", first), _row("again: nothing has changed", second)),
        (
            f"""{ORGANISATIONS * EACH} pull requests of {ORGANISATIONS} installations are wanted in one transaction, \
and {CONCURRENCY} looked at at a time (WORKER_CONCURRENCY); from the beginning of the first look \
to the end of the last.""",
            """PostgreSQL, the worker and the simulated GitHub are processes of their own on the same machine and \
compete for it; what worker and GitHub used of a processor for each look stands beside the figure.""",
            "Requests for tokens are not among the writes.",
        ),
    )


def _row(name: str, rounds: Sequence[Round]) -> tuple[str, ...]:
    return (
        name,
        spread([each.rate for each in rounds]),
        spread([each.worker for each in rounds], 1),
        spread([each.github for each in rounds], 1),
        f"{middle(each.queries for each in rounds):.2f}",
        f"{middle(each.writes for each in rounds):.2f}",
    )


async def _round(url: str, github: Child, worker: Child, pulls: Sequence[tuple[Where, int]]) -> Round:
    async with Store.open(url) as store:
        await _at_rest(store)
        async with store.transaction() as connection:
            ((before,),) = await (await connection.execute(_LOOKS)).fetchall()
        used, asked = worker.ask("used"), github.ask("used")
        async with store.transaction() as connection:
            await want(connection, [Wish(pull_subject(*each), Urgency.PERSON) for each in pulls])
        await _at_rest(store)
        async with store.transaction() as connection:
            ((after,),) = await (await connection.execute(_LOOKS)).fetchall()
            ((begun, ended),) = await (await connection.execute(_SPAN)).fetchall()
    looks = after - before
    assert looks >= len(pulls), f"{looks} looks at {len(pulls)} pull requests"
    worked, answered = worker.ask("used"), github.ask("used")
    return Round(
        rate=looks / (ended - begun).total_seconds(),
        worker=1000 * (worked.seconds - used.seconds) / looks,
        github=1000 * (answered.seconds - asked.seconds) / looks,
        queries=(answered.queries - asked.queries) / looks,
        writes=(answered.writes - asked.writes) / looks,
    )


async def _settled_in(url: str) -> None:
    """Wait until the worker has swept an empty GitHub: what it finds by itself later is not measured."""
    async with Store.open(url) as store, asyncio.timeout(_PATIENCE):
        while True:
            async with store.transaction() as connection:
                ((swept,),) = await (await connection.execute(_SWEPT)).fetchall()
            if swept:
                return
            await asyncio.sleep(0.1)


async def _at_rest(store: Store) -> None:
    """Wait until nothing is wanted; seldom asked, because asking takes time from what is measured."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            async with store.transaction() as connection:
                ((left,),) = await (await connection.execute(_LEFT)).fetchall()
            if not left:
                return
            await asyncio.sleep(0.25)


async def _github(questions: Questions) -> None:
    """The simulated GitHub; ready with the settings with which one works against it."""
    async with SimulatedGitHub.start(webhook_secret=SECRET) as gh:
        gh.webhooks.swallow(lambda _: True)

        def open_pulls() -> list[tuple[Where, int]]:
            return [each for number in range(ORGANISATIONS) for each in _organisation(gh, f"bank-{number}")]

        def answer(question: str) -> list[tuple[Where, int]] | Standing:
            if question == "open":
                return open_pulls()
            return Standing(time.process_time(), gh.counts.graphql, gh.counts.writes - len(gh.tokens.given))

        await questions.answer(answer, ready=settings(gh, SECRET))


def _organisation(gh: SimulatedGitHub, login: str) -> list[tuple[Where, int]]:
    """An organisation with its open pull requests, each with one approval."""
    org = gh.organisation(login)
    alice, bob, carol = (org.person(f"{name}-{login}") for name in ("alice", "bob", "carol"))
    org.team("appsec", members=[carol])
    org.repository(".github", files={"countersign.yml": POLICY.format(org=login)})
    core = org.repository("core", files={"core.py": "rate = 1\n"}, access={alice: "write", bob: "write"})
    where = Where(org.installation_id, core.id, login, core.name)
    pulls = []
    for number in range(EACH):
        pull = core.open_pull_request(by=alice, title=f"Rate {number}", files={f"rate-{number}.py": "rate = 2\n"})
        pull.review(by=bob, state="APPROVED")
        pulls.append((where, pull.number))
    return pulls


async def _worker(questions: Questions, found: Settings, url: str) -> None:
    """One worker process, as `python -m bot worker` runs it."""
    chosen = replace(found, database_url=url, worker_concurrency=CONCURRENCY)
    stop = asyncio.Event()
    working = asyncio.create_task(app.run(chosen, url, web_too=False, worker_too=True, stop=stop))
    await questions.answer(lambda _: Standing(time.process_time()))
    stop.set()
    await working
