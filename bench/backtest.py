"""A backtest: a policy that is not yet in force is tried on all that was decided, by all processors and by one."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from multiprocessing import get_context
from uuid import UUID

import uvloop

from bench.ground import Ground
from bench.table import Table, middle, spread
from bot.decide.evaluate import decide
from bot.facts.model import (
    Account,
    Branch,
    ChangedFile,
    Commit,
    FileChange,
    GitIdentity,
    Mergeability,
    Permission,
    PullRequestFacts,
    PullRequestState,
    Push,
    Repository,
    Review,
    ReviewState,
    Standing,
)
from bot.ledger.decisions import Made, record
from bot.policy.assemble import Source, assemble
from bot.policy.default import default
from bot.policy.model import Policy
from bot.policy.shelf import folder
from bot.store import Store
from bot.trial.candidate import Candidate
from bot.trial.history import Outcome, backtest

REPOSITORIES, CHANGES, STEPS = 40, 400, 25
"""Each change is decided again after every step of its life."""

COMMITS, REVIEWS, FILES = 5, 4, 12
WITH_OWN_FILE = 5
"""Every so many repositories, one has a policy file of its own."""

GOAL = 30.0
"""Seconds for all of the decisions, on two processors."""

AT_ONCE = 250
"""Decisions that are recorded in one transaction; otherwise it is the preparation that one waits for."""

NAMES = ("payments-ledger-{}", "branch-locator", "statements-{}", "cards-{}")
OWN = "version: 1\ntiers: {high: {approvals: [{count: 3, from: [write]}]}}\n"
CHANGED = (
    ("approvals: [{count: 2, from: [write]}]\n    windows", "approvals: [{count: 1, from: [write]}]\n    windows"),
    ("to: medium, when: 'lines_changed > 500'", "to: high, when: 'lines_changed > 200'"),
    ("cool_down: 24 hours", "cool_down: 48 hours"),
)
"""What the candidate says otherwise than the example."""

_BEGUN = datetime(2026, 3, 2, 9, tzinfo=UTC)
_PEOPLE = tuple(Account(number, f"person-{number}") for number in range(1, 41))
_PLACES = ("src/accounts", "src/interest", "db/migrations", "docs", "deploy/production")
_KEEP_TEXT = "INSERT INTO policy_file (blob, origin, content) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


def measure(ground: Ground) -> Table:
    """The same record, tried with as many processes as there are processors, and with one."""
    with ground.database() as url:
        began = time.perf_counter()
        _prepare(url)
        prepared = time.perf_counter() - began
        everywhere, alone = [], []
        for _ in range(ground.runs):
            everywhere.append(_apart(url, None))
            alone.append(_apart(url, 1))
    outcomes = [outcome for _, outcome in (*everywhere, *alone)]
    assert all(outcome == outcomes[0] for outcome in outcomes), "the same record was tried with different results"
    assert outcomes[0].tried == CHANGES * STEPS, f"{outcomes[0].tried} decisions were tried"
    reached = middle(seconds for seconds, _ in everywhere) < GOAL
    return Table(
        f"A backtest of {CHANGES * STEPS:,} decisions",
        ("processes", "seconds", "decisions a second"),
        (
            _row("one for each processor", [seconds for seconds, _ in everywhere]),
            _row("one", [seconds for seconds, _ in alone]),
        ),
        (
            f"""{CHANGES} changes of {COMMITS} commits, {REVIEWS} reviews and {FILES} files in {REPOSITORIES} \
repositories, decided {STEPS} times each under `config/example-policy.yml`; one repository in {WITH_OWN_FILE} has a \
policy file of its own. The candidate demands fewer approvals in one tier and raises more changes to tier high: \
{len(outcomes[0].differences):,} decisions would be different.""",
            """From asking the database to the last difference, the start of the processes included; the database and \
the process that reads from it are on the same machine.""",
            f"""Recording the decisions took {prepared:.0f} s and is not in the figures.""",
            f"The goal, less than {GOAL:.0f} s on two processors, is {'reached' if reached else 'missed'}.",
        ),
    )


def _row(name: str, seconds: list[float]) -> tuple[str, ...]:
    return (name, spread(seconds, 1), spread([CHANGES * STEPS / each for each in seconds]))


def _apart(url: str, processes: int | None) -> tuple[float, Outcome]:
    """One run, begun by a new process as by the command line: no process is left from the run before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run, url, processes).result()


def _run(url: str, processes: int | None) -> tuple[float, Outcome]:
    return uvloop.run(_tried(url, processes))


async def _tried(url: str, processes: int | None) -> tuple[float, Outcome]:
    async with Store.open(url) as store:
        began = time.perf_counter()
        outcome = await backtest(store, candidate(), since=_BEGUN, every=True, processes=processes)
        return time.perf_counter() - began, outcome


def candidate() -> Candidate:
    """The example policy, changed in three places."""
    text = _example().text
    for was, becomes in CHANGED:
        assert was in text, f"the example does not say {was}"
        text = text.replace(was, becomes)
    return Candidate(text, "candidate.yml")


def _prepare(url: str) -> None:
    """Record the decisions, by two processes: making them is work for a processor, too."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_record, url, range(first, CHANGES, 2)) for first in range(2)]:
            done.result()


def _record(url: str, changes: range) -> None:
    uvloop.run(_recorded(url, changes))


async def _recorded(url: str, changes: range) -> None:
    decisions = (made for number in changes for made in _life(number))
    ids = random.Random(changes.start)
    async with Store.open(url) as store:
        async with store.transaction() as connection:
            for source in (_example(), *(own for own in map(_own, range(REPOSITORIES)) if own)):
                await connection.execute(_KEEP_TEXT, [source.blob, source.origin, source.text])
        for _ in range(0, len(changes) * STEPS, AT_ONCE):
            async with store.transaction() as connection:
                for made in islice(decisions, AT_ONCE):
                    await record(connection, made, new_id=UUID(int=ids.getrandbits(128), version=4))


@cache
def _example() -> Source:
    text = (folder() / "example-policy.yml").read_text(encoding="utf-8")
    return Source("acme/.github:countersign.yml", "example", text)


def _repository(number: int) -> Repository:
    return Repository(1000 + number, "acme", NAMES[number % len(NAMES)].format(number))


def _own(number: int) -> Source | None:
    """The policy file of a repository; None when it has none."""
    if number % WITH_OWN_FILE:
        return None
    return Source(f"{_repository(number).full_name}:.github/countersign.yml", "own", OWN)


@cache
def _policy(number: int) -> Policy:
    made = assemble(
        default(),
        organisation=_example(),
        repository=_own(number),
        last_good={},
        repository_name=_repository(number).name,
        properties=_properties(number),
    )
    assert not made.broken, made.policy.problems
    return made.policy


def _properties(number: int) -> tuple[tuple[str, str], ...]:
    return (("business-unit", "retail"),) if _repository(number).name.startswith("statements") else ()


def _life(number: int) -> Iterator[Made]:
    """The decisions about a change: it is labelled, described, reviewed, and in the end approved by most."""
    chance = random.Random(number)
    where = number % REPOSITORIES
    facts, policy, subject = _opened(number, chance), _policy(where), f"pull:{1000 + where}:{number}"
    at = _BEGUN + timedelta(minutes=number)
    for step in range(STEPS):
        at += timedelta(minutes=chance.randrange(20, 400))
        facts = _stepped(facts, step, chance, at)
        yield Made(subject, facts, policy, decide(facts, policy, at), at)


def _opened(number: int, chance: random.Random) -> PullRequestFacts:
    author, *others = chance.sample(_PEOPLE, 2 + REVIEWS)
    writers = [GitIdentity(each.login, f"{each.login}@acme.example", each) for each in (author, others.pop())]
    oids = [f"{chance.getrandbits(160):040x}" for _ in range(COMMITS + 1)]
    commits = tuple(
        Commit(oid, f"Step {step}", (writers[step % 2],), writers[step % 2], (before,))
        for step, (before, oid) in enumerate(pairwise(oids))
    )
    repository = _repository(number % REPOSITORIES)
    places = chance.sample(_PLACES, 2)
    files = tuple(
        ChangedFile(
            f"{chance.choice(places)}/part_{each}.py", FileChange.MODIFIED, chance.randrange(40), chance.randrange(20)
        )
        for each in range(FILES)
    )
    return PullRequestFacts(
        repository=repository,
        number=number,
        title=f"Change {number}",
        body="Why, and how.\n" * chance.randrange(4, 40),
        state=PullRequestState.OPEN,
        draft=False,
        author=author,
        created_at=_BEGUN,
        base=Branch("main", oids[0], repository.id),
        head=Branch(f"change-{number}", oids[-1], repository.id),
        mergeability=Mergeability.MERGEABLE,
        additions=sum(each.additions for each in files),
        deletions=sum(each.deletions for each in files),
        commits=commits,
        files=files,
        pushes=tuple(Push(each.oid, each.authors[0].account) for each in commits),
        standings=tuple(
            Standing(each, Permission.WRITE, ("acme/appsec",) if chance.random() < 0.3 else ()) for each in others
        ),
        properties=_properties(number % REPOSITORIES),
    )


def _stepped(facts: PullRequestFacts, step: int, chance: random.Random, at: datetime) -> PullRequestFacts:
    """The facts after one thing more has happened: every so many steps, one of the reviewers has a word."""
    if step % (STEPS // REVIEWS) or len(facts.reviews) == REVIEWS:
        return replace(facts, labels=(*facts.labels[-2:], f"step-{step}"))
    state = chance.choice((ReviewState.APPROVED, ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED))
    given = Review(facts.number * STEPS + step, facts.standings[len(facts.reviews)].account, state, facts.head.oid, at)
    return replace(facts, reviews=(*facts.reviews, given))
