"""A small bank on the simulated GitHub, and words for what its stories look at."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.accounts import Account
from bot.sandbox.organisations import Team
from bot.sandbox.rehearsal import Rehearsal
from tests import waiting

SECRET = "a secret of the scenarios"
POLICY = """\
version: 1
mode: enforce
roles:
  security: [northbank/appsec]
people:
  - [bob, bob-admin]
applications:
  - {name: ledger, repositories: [ledger], tier: medium}
  - {name: vault, repositories: [vault], tier: high}
tiers:
  low:
    approvals: [{count: 1, from: [write]}]
  medium:
    approvals: [{count: 2, from: [write]}]
  high:
    approvals: [{count: 1, from: [write]}, {count: 1, from: [security]}]
"""


@dataclass(slots=True)
class Bank:
    """The bank's people and repositories. A change of ``ledger`` needs two approvals of people with write access."""

    gh: SimulatedGitHub
    org: Any
    alice: Any
    bob: Any
    carol: Any
    dana: Any
    erin: Any
    appsec: Any
    policy: Any
    ledger: Any

    @classmethod
    def found(cls, gh: SimulatedGitHub, *, policy: str | None = POLICY, merge_queue: bool = False) -> "Bank":
        org = gh.organisation("northbank")
        alice, bob, carol, dana, erin = (org.person(name) for name in ("alice", "bob", "carol", "dana", "erin"))
        appsec = org.team("appsec", members=[dana])
        files = {} if policy is None else {"countersign.yml": policy}
        home = org.repository(".github", files={"README.md": "The bank's own.", **files}, access={erin: "admin"})
        access: dict[Account | Team, str] = {alice: "write", bob: "write", carol: "write", dana: "write", erin: "admin"}
        ledger = org.repository("ledger", files={"ledger.py": "balance = 0\n"}, access=access, merge_queue=merge_queue)
        return cls(gh, org, alice, bob, carol, dana, erin, appsec, home, ledger)

    def time_passes(self, seconds: int = 2) -> None:
        """Let it be later on GitHub, whose moments are whole seconds."""
        before = self.gh.world.clock
        self.gh.world.clock = lambda: before() + timedelta(seconds=seconds)

    def change(self, text: str = "balance = 1\n", **more: Any) -> Any:
        """A pull request of Alice's."""
        return self.ledger.open_pull_request(by=self.alice, title="Balance", files={"ledger.py": text}, **more)

    def approved_change(self, **more: Any) -> Any:
        """A pull request of Alice's that Bob and Carol have approved."""
        pull = self.change(**more)
        pull.review(by=self.bob, state="APPROVED")
        pull.review(by=self.carol, state="APPROVED")
        return pull


def shown(subject: Any) -> tuple[str, str]:
    """What the list of checks shows for a pull request or a group: its state and title."""
    check = subject.check(CHECK)
    assert check is not None, "there is no check run"
    return check.conclusion or check.status, check.title


def reasons(pull: Any) -> dict[str, str]:
    """By reviewer: what the check run says of the last review."""
    found = {}
    for line in pull.check(CHECK).summary.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0] in {"counted", "not counted"}:
            found[cells[1].lstrip("@").replace("\\", "")] = f"{cells[0]}: {cells[3]}".replace("\\", "")
    return found


def told(pull: Any) -> str:
    """What the check run says, as people read it."""
    said: str = pull.check(CHECK).summary
    return said.replace("\\", "")


def subject(pull: Any) -> str:
    """What Countersign calls the pull request in its queue and its ledger."""
    return f"pull:{pull.repository.id}:{pull.number}"


async def come_due(countersign: Rehearsal, which: str, *values: Any) -> None:
    """Have subjects looked at now that a later moment is planned for: the database's clock stays where it is."""

    async def at_rest() -> bool:
        return not await countersign.rows("SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")

    # A look that is under way plans its next moment when it ends.
    await waiting.until(at_rest)
    async with countersign.store.transaction() as connection:
        await connection.execute(f"UPDATE subject SET due = now() WHERE {which}", values)
    await countersign.settle()
