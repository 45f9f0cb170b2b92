"""Northbank: its policy, its people and its repositories."""

from __future__ import annotations

from dataclasses import dataclass

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.accounts import Account
from bot.sandbox.organisations import Organisation, Team
from bot.sandbox.repositories import Repository

POLICY = """\
version: 1
mode: enforce
roles:
  security: [northbank/appsec]
  cab: [northbank/cab]
  it-manager: [northbank/it-managers]
  risk-officer: [northbank/risk]
people:
  - [alice, alice-admin]
applications:
  - {name: policy, repositories: [.github], tier: high}
  - {name: interest, repositories: [interest], tier: medium}
  - {name: payments, repositories: [payments], tier: high}
tiers:
  medium:
    approvals:
      - {count: 1, from: [write]}
      - {count: 1, from: [security]}
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
  windows:
    weekend: {rrule: "FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0", duration: 4 hours}
acknowledge: [it-manager, risk-officer]
"""
ONE_IS_ENOUGH = POLICY.replace("      - {count: 1, from: [security]}\n", "")
DEVELOPERS = ("alice", "bob", "carol")


@dataclass(slots=True)
class Bank:
    """Who and what there is. Whatever is merged into ``interest`` needs the check."""

    gh: SimulatedGitHub
    people: dict[str, Account]
    policy: Repository
    interest: Repository
    payments: Repository

    def __getitem__(self, login: str) -> Account:
        return self.people[login]

    @classmethod
    def found(cls, gh: SimulatedGitHub) -> Bank:
        """Found the bank, with Countersign installed."""
        org = gh.organisation("northbank")
        people = {
            name: org.person(name) for name in (*DEVELOPERS, "alice-admin", "dana", "erin", "ida", "rick", "chris")
        }
        appsec = org.team("appsec", members=[people["dana"]])
        board = _board(org, people)
        access: dict[Account | Team, str] = {people[name]: "write" for name in (*DEVELOPERS, "alice-admin")}
        access |= {people["erin"]: "admin", appsec: "read"}
        access |= dict.fromkeys(board, "read")
        policy = org.repository(".github", files={"countersign.yml": POLICY}, access=access)
        interest = org.repository("interest", files={"interest.py": "RATE = 0.031\n"}, access=access)
        payments = org.repository("payments", files={"schedule.py": 'EVERY = "month"\n'}, access=access)
        interest.ruleset("main", by=people["erin"], checks=[CHECK])
        return cls(gh, people, policy, interest, payments)


def _board(org: Organisation, people: dict[str, Account]) -> list[Team]:
    """The board: Chris and Bob are members, Ida, Erin and Rick sign off."""
    return [
        org.team("cab", members=[people["chris"], people["bob"]]),
        org.team("it-managers", members=[people["ida"], people["erin"]]),
        org.team("risk", members=[people["rick"]]),
    ]
