"""The bank with a board on the simulated GitHub: its policy, its people, and words for the steps of its stories."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.accounts import Account
from bot.sandbox.organisations import Team
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown, subject

POLICY = """\
version: 1
mode: enforce
roles:
  cab: [northbank/cab]
  it-manager: [northbank/it-managers]
  risk-officer: [northbank/risk]
  release: [northbank/release]
applications:
  - {name: vault, repositories: [vault], tier: high, configuration_item: CI0012345}
  - {name: site, repositories: [site], tier: low}
tiers:
  low:
    approvals: [{count: 1, from: [write]}]
  high:
    approvals: [{count: 1, from: [write]}]
    sign_off: [it-manager, risk-officer]
    cab: {quorum: 3, timeout: 24 hours, on_timeout: reject}
    plans: [implementation, test, backout, impact]
    windows: [weekend]
separation:
  - {roles: [contributor, cab]}
calendar:
  timezone: Europe/London
  holidays: GB-ENG
  windows:
    weekend: {rrule: "FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0", duration: 4 hours}
emergency: {from: [release], ecab: {quorum: 1}, review_within: 3 days}
waivers: {from: [risk-officer], at_most: 30 days}
rules:
  - {id: ticket, require: 'change.title.contains("PAY-")', message: Name the ticket in the title.}
"""
VERIFIED = POLICY.replace("roles:\n", "roles:\n  verifier: [northbank/verification]\n").replace(
    "    windows: [weekend]\n",
    "    windows: [weekend]\n    verification: {from: [verifier], within: 4 hours}\n",
)
BODY = """\
Interest is paid out once a day from now on.

## Justification

The regulator asks for daily interest from January on.

## Implementation plan

Deploy the ledger, then the scheduler; Carol does it in twenty minutes.

## Test plan

The suite ran on the staging ledger with last year's accounts; Dana accepted it.

## Backout plan

If totals differ by a cent, Carol deploys the image before; the schema fits both.

## Impact

Customers see interest once a day; nothing else changes for them.
"""
ON_THE_BOARD = "@northbank/cab @northbank/it-managers @northbank/risk"
DIRECTORS = "@northbank/directors"


def ending(how: str) -> str:
    """The bank's policy with another end of a board's time."""
    named = POLICY.replace("  release:", "  director: [northbank/directors]\n  release:")
    return named.replace("on_timeout: reject", f"on_timeout: {how}")


@dataclass(slots=True)
class Board:
    """The bank with a board: ida and rick sign off, chris and cleo are members. Rita declares emergencies."""

    countersign: Rehearsal
    vault: Any
    site: Any
    people: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    @classmethod
    def found(cls, countersign: Rehearsal, policy: str = POLICY) -> "Board":
        org = countersign.gh.organisation("northbank")
        names = ("alice", "bob", "carol", "ida", "rick", "chris", "cleo", "rita")
        people = {name: org.person(name) for name in names}
        org.team("cab", members=[people[name] for name in ("chris", "cleo", "bob")])
        org.team("it-managers", members=[people["ida"]])
        org.team("risk", members=[people["rick"]])
        org.team("release", members=[people["rita"]])
        org.repository(".github", files={"countersign.yml": policy})
        access: dict[Account | Team, str] = dict.fromkeys(people.values(), "write")
        vault = org.repository("vault", files={"a": "1"}, access=access)
        site = org.repository("site", files={"a": "1"}, access=access)
        return cls(countersign, vault, site, people)

    @classmethod
    def with_directors(cls, countersign: Rehearsal, policy: str) -> "Board":
        """The bank, with directors: dina, and alice who contributes."""
        board = cls.found(countersign, policy)
        dina = board.people["dina"] = board.org.person("dina")
        board.org.team("directors", members=[dina, board.alice])
        board.vault.access[dina] = "read"
        return board

    @classmethod
    def with_verifiers(cls, countersign: Rehearsal, policy: str = VERIFIED) -> "Board":
        """The bank, with Vera, who verifies, and Zoe, who has nothing to do with it."""
        board = cls.found(countersign, policy)
        for name in ("vera", "zoe"):
            board.people[name] = board.org.person(name)
            board.vault.access[board.people[name]] = board.vault.access[board.alice]
        board.org.team("verification", members=[board.vera, board.carol])
        return board

    @property
    def org(self) -> Any:
        return self.countersign.gh.organisation("northbank")

    # What people do, before anybody has looked.

    def change(self, *, body: str = BODY, title: str = "PAY-1 Daily interest", **more: Any) -> Any:
        """A change of the vault by alice, approved by carol."""
        pull = self.vault.open_pull_request(by=self.alice, title=title, files={"a": "2"}, body=body, **more)
        pull.review(by=self.carol, state="APPROVED")
        return pull

    def second(self, *, body: str = BODY, title: str = "PAY-2 Statements") -> Any:
        """Another change of the vault, by bob, approved by carol."""
        pull = self.vault.open_pull_request(by=self.bob, title=title, files={"b": "1"}, body=body)
        pull.review(by=self.carol, state="APPROVED")
        return pull

    def low_change(self, title: str = "PAY-3 Text") -> Any:
        """A change of the site by alice, approved by bob: of tier low, it needs no record."""
        pull = self.site.open_pull_request(by=self.alice, title=title, files={"a": "2"})
        pull.review(by=self.bob, state="APPROVED")
        return pull

    def vote(self, pull: Any, *names: str, word: str = "approve") -> None:
        for name in names:
            pull.comment(by=self.people[name], body=f"/cab {word}")

    # What people do, and what comes of it.

    async def say(self, pull: Any, who: str, *words: str) -> str:
        """What is answered to comments; empty when a reaction says enough."""
        before = len(said(pull))
        for each in words:
            pull.comment(by=self.people[who], body=each)
        await self.countersign.settle()
        answered = said(pull)[before:]
        return answered[-1] if answered else ""

    async def ask(self, pull: Any) -> None:
        """Alice asks the board."""
        await self.say(pull, "alice", "/request-cab")

    async def ballot(self, pull: Any, *names: str, word: str = "approve") -> None:
        """Members vote, and are heard."""
        self.vote(pull, *names, word=word)
        await self.countersign.settle()

    async def authorise(self, pull: Any) -> None:
        """Alice asks the board, and as many approve as are needed."""
        await self.ask(pull)
        await self.ballot(pull, "chris", "ida", "rick")

    async def merge(self, pull: Any, who: str = "rita") -> None:
        pull.merge(by=self.people[who])
        await self.countersign.settle()

    async def opened(self, **more: Any) -> Any:
        """A change with its record."""
        pull = self.change(**more)
        await self.countersign.settle()
        return pull

    async def requested(self, **more: Any) -> Any:
        """A change that the board has been asked about."""
        pull = self.change(**more)
        await self.ask(pull)
        return pull

    async def authorised(self, **more: Any) -> Any:
        """A change that its board has authorised for the weekend."""
        pull = await self.opened(**more)
        await self.authorise(pull)
        assert await state(self.countersign, pull) == "scheduled"
        return pull

    async def together(self, **more: Any) -> tuple[Any, Any]:
        """Two changes that ship together: one of alice, and one of bob that joined it."""
        first = await self.opened()
        other = self.second(**more)
        await self.countersign.settle()
        await self.say(other, "bob", "/change link CHG-2026-0001")
        return first, other

    async def to_its_window(self) -> datetime:
        """Let time pass until the planned window has been open for an hour."""
        [(start,)] = await self.countersign.rows("SELECT lower(planned) FROM change ORDER BY sequence LIMIT 1")
        assert isinstance(start, datetime)
        self.countersign.later(seconds=(start + timedelta(hours=1) - self.countersign.now()).total_seconds())
        return start


# What there is to see.


def said(pull: Any) -> list[str]:
    """What Countersign has written on the pull request."""
    return [each.body.replace("\\", "") for each in pull.comments if each.author.login == "countersign[bot]"]


def cleared(pull: Any) -> bool:
    """Whether nothing is in its way: it may be merged, or waits for its window and for nothing else."""
    state, title = shown(pull)
    return state == "success" or title.startswith("Waiting: its window, ")


def calls(pull: Any, whom: str) -> list[str]:
    """What was said to them, without the hidden marker."""
    return [each.partition("\n\n<!--")[0] for each in said(pull) if each.startswith(f"{whom}: ")]


async def state(countersign: Rehearsal, pull: Any) -> str:
    """That of its record."""
    return str(await _last(countersign, pull, "state"))


async def number(countersign: Rehearsal, pull: Any) -> str:
    """That of its record."""
    return str(await _last(countersign, pull, "number"))


async def planned(countersign: Rehearsal, pull: Any) -> datetime:
    """When the window begins that its record is planned for."""
    moment: datetime = await _last(countersign, pull, "lower(planned)")
    return moment


async def _last(countersign: Rehearsal, pull: Any, what: str) -> Any:
    rows = await countersign.rows(f"SELECT {what} FROM change WHERE subject = %s ORDER BY sequence DESC", subject(pull))
    return rows[0][0]


async def records(countersign: Rehearsal) -> list[tuple[str, str]]:
    """Number and state of every record."""
    return [(number, state) for number, state in await countersign.rows("SELECT number, state FROM change ORDER BY 1")]


async def history(countersign: Rehearsal) -> list[tuple[str, str | None, str]]:
    """What has happened to records: the act, whose, and why."""
    return [
        (act, login, why)
        for act, login, why in await countersign.rows(
            "SELECT act, actor ->> 'login', why FROM transition ORDER BY number, version"
        )
    ]
