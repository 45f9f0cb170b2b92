"""What the life of a pull request costs at GitHub: requests, points and writes, from its first push to its merge."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import uvloop

from bench.ground import Ground
from bench.table import Table, middle
from bot.publish.effects import CHECK
from bot.queue.bell import Patience
from bot.sandbox import SimulatedGitHub
from bot.sandbox.accounts import Account
from bot.sandbox.faults import Fault
from bot.sandbox.http import Exchange
from bot.sandbox.organisations import Team
from bot.sandbox.pulls import PullRequest
from bot.sandbox.rehearsal import QUICK, Rehearsal, rehearsal
from bot.sandbox.repositories import Repository

SECRET = "a secret of the benchmark"
MOST_REST, MOST_POINTS = 8, 10
"""The goal for one life of 45 deliveries."""

ARRIVAL = (0.15, 0.3, 0.45)
"""Seconds: every delivery is late by some of these, so that those of one act arrive over a second, in any order."""

ANSWER = 0.25
"""Seconds that GitHub takes to answer."""

NEIGHBOURS = 4
POLICY = """\
version: 1
mode: enforce
roles:
  security: [bank/appsec]
applications:
  - {name: core, repositories: [core], tier: high}
tiers:
  high:
    approvals: [{count: 1, from: [write]}, {count: 1, from: [security]}]
"""
# An hour passes: what was read is older by that, and so is what made it stale.
_PASS_AN_HOUR = (
    "UPDATE known SET read_at = read_at - interval '1 hour' WHERE key NOT LIKE 'sweep:%'",
    "UPDATE staleness SET at = at - interval '1 hour'",
)
_LOOKS = "SELECT coalesce(sum(look), 0)::int FROM subject WHERE kind = 'pull'"


@dataclass(frozen=True, slots=True)
class Cost:
    """What was asked of GitHub. ``reads`` and ``writes`` are REST requests without those for tokens."""

    deliveries: int
    looks: int
    reads: int
    writes: int
    queries: int
    points: int
    tokens: int

    @property
    def rest(self) -> int:
        """REST requests for the pull request itself."""
        return self.reads + self.writes

    def row(self, name: str) -> tuple[str, ...]:
        """A line of the table."""
        rest = f"{self.rest} ({self.reads} reads, {self.writes} writes)"
        return (name, str(self.deliveries), str(self.looks), rest, str(self.queries), str(self.points))


def measure(ground: Ground) -> Table:
    """A life as it usually is; with a command; and beside other open pull requests."""
    alone = _median([uvloop.run(_life(ground, seed)) for seed in range(ground.runs)])
    asked = _median([uvloop.run(_life(ground, seed, command=True)) for seed in range(ground.runs)])
    beside = _median([uvloop.run(_life(ground, seed, neighbours=NEIGHBOURS)) for seed in range(ground.runs)])
    reached = alone.rest <= MOST_REST and alone.points <= MOST_POINTS
    goal = f"at most {MOST_REST} REST requests and {MOST_POINTS} points for 45 deliveries"
    return Table(
        "What the life of a pull request costs",
        ("life", "deliveries", "looks", "REST requests", "queries", "points"),
        (
            alone.row("from the first push to the merge"),
            asked.row("the same, and somebody writes a command"),
            beside.row(f"the same beside {NEIGHBOURS} other open pull requests"),
        ),
        (
            f"The goal ({goal}) is {'reached' if reached else 'missed'}.",
            f"""Two pushes after the first, a request for changes, three approvals, comments, labels and checks of \
others; an hour between one act and the next; the deliveries of an act arrive over a second, in any order, and GitHub \
takes {ANSWER} s to answer.""",
            """Each further act that changes what is read costs a point, and a REST request if it changes what the \
check shows. Members of a team are read twice a day for all pull requests together; that is in the figures.""",
            f"""Requests for tokens are not in the figures ({beside.tokens} here): one for reading and one for writing \
serve all pull requests of an installation for an hour.""",
            "The policy's text was known before, as it is to every pull request but the first.",
        ),
    )


def _median(costs: list[Cost]) -> Cost:
    names = ("deliveries", "looks", "reads", "writes", "queries", "points", "tokens")
    return Cost(**{name: round(middle(getattr(each, name) for each in costs)) for name in names})


async def _life(ground: Ground, seed: int, *, command: bool = False, neighbours: int = 0) -> Cost:
    with ground.database() as url:
        async with (
            SimulatedGitHub.start(webhook_secret=SECRET) as gh,
            rehearsal(gh, url, SECRET, patience=replace(QUICK, breath=Patience().breath)) as countersign,
        ):
            life = Life.prepare(gh, countersign)
            await countersign.settle()
            await life.know_policy()
            others = [life.neighbour(number) for number in range(neighbours)]
            await countersign.settle()
            life.slow_down(random.Random(seed))
            cost = await life.live(command=command)
            assert life.green, "a pull request was merged whose check is not green"
            assert all(other.check(CHECK) is not None for other in others)
    return cost


@dataclass(slots=True)
class Life:
    """The people of a bank, one pull request of theirs, and what they do with it."""

    gh: SimulatedGitHub
    countersign: Rehearsal
    core: Repository
    alice: Account
    bob: Account
    carol: Account
    ci: Account
    green: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    @classmethod
    def prepare(cls, gh: SimulatedGitHub, countersign: Rehearsal) -> "Life":
        """The organisation as it is before the pull request."""
        org = gh.organisation("bank")
        alice, bob, carol = (org.person(name) for name in ("alice", "bob", "carol"))
        org.team("appsec", members=[carol])
        org.repository(".github", files={"countersign.yml": POLICY})
        access: dict[Account | Team, str] = {alice: "write", bob: "write", carol: "write"}
        core = org.repository("core", files={"core.py": "rate = 1\n"}, access=access)
        life = cls(gh, countersign, core, alice, bob, carol, gh.bot("ci[bot]"))
        gh.watchers.append(life._note)
        return life

    def _note(self, exchange: Exchange) -> None:
        self.asked["tokens" if exchange.template.endswith("/access_tokens") else "others"] += 1

    async def know_policy(self) -> None:
        """Another pull request comes and goes: from then on the policy's text is known."""
        first = self.neighbour(99)
        await self.countersign.settle()
        first.close(by=self.alice)
        await self.countersign.settle()

    def neighbour(self, number: int) -> PullRequest:
        """Another open pull request against the same branch."""
        return self.core.open_pull_request(by=self.alice, title=f"Other {number}", files={f"other-{number}.py": "1\n"})

    def slow_down(self, chance: random.Random) -> None:
        """From now on things take the time that they take on the real GitHub."""
        for seconds in ARRIVAL:
            self.gh.webhooks.delay(seconds, lambda _: chance.random() < 0.5)
        self.gh.faults.add(Fault("", "slow", times=1_000_000, seconds=ANSWER))

    async def live(self, *, command: bool) -> Cost:
        """From the first push to the merge."""
        counts, before, looks = self.gh.counts, len(self.gh.deliveries), await self._looks()
        rest, writes, queries, points = counts.rest, counts.writes, counts.graphql, counts.points
        self.asked.clear()
        pull = await self._opened()
        for act in self._acts(pull, command=command):
            await self._pass()
            act()
        await self._pass()
        self.green = self.core.passed(CHECK, pull.head_sha)
        pull.merge(by=self.alice)
        self.core.delete_branch(pull.head_ref, by=self.alice)
        pull.comment(by=self.alice, body="In tonight's release.")
        await self.countersign.settle()
        assert not self.gh.unknown_routes, self.gh.unknown_routes
        tokens = self.asked["tokens"]
        return Cost(
            deliveries=len(self.gh.deliveries) - before,
            looks=await self._looks() - looks,
            reads=counts.rest - rest - (counts.writes - writes),
            writes=counts.writes - writes - tokens,
            queries=counts.graphql - queries,
            points=counts.points - points,
            tokens=tokens,
        )

    async def _opened(self) -> PullRequest:
        pull = self.core.open_pull_request(by=self.alice, title="Round to the cent", files={"core.py": "rate = 2\n"})
        for name in ("interest", "needs-review"):
            pull.label(by=self.ci, name=name)
        for reviewer in (self.bob, self.carol):
            pull.request_review(reviewer, by=self.alice)
        return pull

    def _acts(self, pull: PullRequest, *, command: bool) -> list[Callable[[], object]]:
        """What people and machines do between the opening and the merge."""
        question = "/explain approvals" if command else "Rounded where?"

        def rework() -> None:
            pull.label(by=self.alice, name="reworked")
            pull.edit(by=self.alice, body="Rounds half to even, as the rule book wants it.")

        def discuss() -> None:
            pull.comment(by=self.bob, body="Why not in the ledger itself?")
            pull.comment(by=self.alice, body="It has no rule for it yet.")

        return [
            lambda: self._checked(pull),
            lambda: pull.comment(by=self.bob, body=question),
            lambda: pull.review(by=self.bob, state="CHANGES_REQUESTED", body="Half to even, please."),
            lambda: pull.push(by=self.alice, files={"core.py": "rate = 3\n"}),
            lambda: self._checked(pull),
            rework,
            lambda: pull.review(by=self.bob, state="APPROVED"),
            discuss,
            lambda: pull.push(by=self.alice, files={"core_test.py": "assert True\n"}),
            lambda: self._checked(pull),
            lambda: pull.review(by=self.bob, state="APPROVED"),
            lambda: pull.review(by=self.carol, state="APPROVED"),
        ]

    def _checked(self, pull: PullRequest) -> None:
        """Two checks of others begin and end. That is told to every App that may read checks."""
        about = {"head_sha": pull.head_sha, "status": "completed", "conclusion": "success", "app": {"slug": "ci"}}
        for name in ("build", "test"):
            run = {"id": self.gh.world.numbers.next("CheckRun"), "name": name, "external_id": name, **about}
            begun = {**run, "status": "in_progress", "conclusion": None}
            self.core.tell("check_run", "created", self.ci, check_run=begun)
            self.core.tell("check_run", "completed", self.ci, check_run=run)

    async def _pass(self) -> None:
        """Everything of the last act is done, and an hour goes by."""
        await self.countersign.settle()
        async with self.countersign.store.transaction() as connection:
            for statement in _PASS_AN_HOUR:
                await connection.execute(statement)

    async def _looks(self) -> int:
        ((looks,),) = await self.countersign.rows(_LOOKS)
        return int(looks)
