"""Decisions alone: facts and a policy in memory, nothing read and nothing written."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
from bot.policy.assemble import Source, assemble
from bot.policy.default import default
from bot.policy.model import Policy
from bot.policy.shelf import folder

COMMITS, REVIEWS, FILES = 30, 20, 500
DECISIONS = 1000
GOAL = 0.002
"""Seconds: half of all decisions are to take less."""

_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_PERCENTILE = 0.99


@dataclass(frozen=True, slots=True)
class Round:
    """How long each decision of a round took, in seconds, the shortest first."""

    times: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Decisions a second."""
        return len(self.times) / sum(self.times)

    @property
    def p50(self) -> float:
        """Half of them took less."""
        return middle(self.times)

    @property
    def p99(self) -> float:
        """Nearly all of them took less."""
        return self.times[int(len(self.times) * _PERCENTILE)]


def measure(ground: Ground) -> Table:
    """A large change of tier high, under the full example policy."""
    facts, policy = large_change(), full_policy()
    rounds = [_round(facts, policy) for _ in range(ground.runs)]
    reached = middle(each.p50 for each in rounds) < GOAL
    return Table(
        "Decisions",
        ("decision", "a second", "p50, µs", "p99, µs"),
        (_row("a large change", rounds),),
        (
            f"""{COMMITS} commits, {REVIEWS} reviews and {FILES} files; `config/example-policy.yml` with all of its \
packs. {DECISIONS:,} decisions, one after the other, facts and policy in memory.""",
            f"""The goal, a p50 below {GOAL * 1e6:,.0f} µs, is {"reached" if reached else "not reached"}.""",
        ),
    )


def _row(name: str, rounds: Sequence[Round]) -> tuple[str, ...]:
    micro = 1_000_000
    return (
        name,
        spread([each.rate for each in rounds]),
        spread([each.p50 * micro for each in rounds]),
        spread([each.p99 * micro for each in rounds]),
    )


def _round(facts: PullRequestFacts, policy: Policy) -> Round:
    decide(facts, policy, _NOON)
    gc.collect()
    times = []
    for _ in range(DECISIONS):
        began = time.perf_counter()
        decide(facts, policy, _NOON)
        times.append(time.perf_counter() - began)
    return Round(tuple(sorted(times)))


def full_policy() -> Policy:
    """The example that shows every key, with the packs that it names, over the built-in default."""
    text = (folder() / "example-policy.yml").read_text(encoding="utf-8")
    source = Source("acme/.github:countersign.yml", "example", text)
    made = assemble(default(), organisation=source, repository=None, last_good={}, repository_name="payments-ledger")
    assert not made.broken, made.policy.problems
    return made.policy


def large_change() -> PullRequestFacts:
    """By six people, reviewed by twenty, of whom the policy counts three."""
    people = [Account(number, f"person-{number}") for number in range(1, 31)]
    authors, reviewers = people[:6], people[6 : 6 + REVIEWS]
    identities = [GitIdentity(each.login, f"{each.login}@acme.example", each) for each in authors]
    commits = [
        Commit(
            f"{number:040x}",
            f"Step {number}",
            (identities[number % 6],),
            identities[number % 6],
            (f"{number - 1:040x}",),
        )
        for number in range(1, COMMITS + 1)
    ]
    head = commits[-1].oid
    repository = Repository(77, "acme", "payments-ledger")
    return PullRequestFacts(
        repository=repository,
        number=7,
        title="Settle twice a day",
        body="Why, and how.\n" * 50,
        state=PullRequestState.OPEN,
        draft=False,
        author=authors[0],
        created_at=_NOON - timedelta(days=9),
        base=Branch("main", "b" * 40, repository.id),
        head=Branch("settle", head, repository.id),
        mergeability=Mergeability.MERGEABLE,
        additions=9000,
        deletions=4000,
        labels=("settlement",),
        commits=tuple(commits),
        reviews=tuple(
            Review(number, each, ReviewState.APPROVED if number % 3 else ReviewState.COMMENTED, head, _NOON)
            for number, each in enumerate(reviewers)
        ),
        files=tuple(
            ChangedFile(f"src/settlement/part_{number // 20}/module_{number}.py", FileChange.MODIFIED, 18, 8)
            for number in range(FILES)
        ),
        pushes=tuple(Push(each.oid, authors[number % 6]) for number, each in enumerate(commits, start=1)),
        standings=tuple(
            Standing(each, Permission.WRITE, ("acme/appsec",) if number % 5 == 0 else ())
            for number, each in enumerate(reviewers)
        ),
    )
