"""A bank's policy, its people, and change records at every stage, so that a test reads as one sentence of the process."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.changes.context import Context
from bot.changes.lifecycle import apply
from bot.changes.model import Act, Applied, Change, Choice, Contents, Event, Refused, Routing, State
from bot.decide.verdict import Demand
from bot.deployments.windows import Interval
from bot.facts.model import Account, Permission, Standing
from bot.policy.model import (
    Application,
    Approvals,
    Cab,
    Calendar,
    ChangeType,
    Emergency,
    Freeze,
    OnTimeout,
    Plan,
    Policy,
    Template,
    Tier,
    TierRules,
    Verification,
    Waivers,
    Window,
)
from tests.unit.builders import REPOSITORY, account, policy

MONDAY = datetime(2027, 1, 4, 12, tzinfo=UTC)
SATURDAY = datetime(2027, 1, 9, 2, tzinfo=UTC)
WEEKEND = Interval(SATURDAY, SATURDAY + timedelta(hours=4))
SIGN_OFF = ("it-manager", "risk-officer", "compliance")
ROLES: dict[str, tuple[str, ...]] = {
    "cab": ("acme/cab",),
    "it-manager": ("acme/it",),
    "risk-officer": ("acme/risk",),
    "compliance": ("acme/compliance",),
    "release": ("acme/release",),
    "verifier": ("acme/verification",),
    "director": ("acme/directors",),
}
BOARD: dict[str, tuple[str, ...]] = {
    "ida": ("acme/it",),
    "rick": ("acme/risk",),
    "cora": ("acme/compliance", "acme/cab"),
    "cleo": ("acme/cab",),
    "omar": ("acme/cab", "acme/it", "acme/risk"),
}
PLANS = tuple((plan, f"The {plan.value} plan says what is to be done.") for plan in Plan)
GIVEN = (Demand("write access", 2, 2, "someone"),)


def standing(login: str, *teams: str) -> Standing:
    return Standing(account(login), Permission.WRITE, teams)


def standings(board: Mapping[str, Sequence[str]] | None = None, **more: Sequence[str]) -> tuple[Standing, ...]:
    """The board's people, and those who act besides."""
    people = {**(BOARD if board is None else board), "rosa": ("acme/release",), "vera": ("acme/verification",), **more}
    return tuple(standing(login, *teams) for login, teams in people.items())


def rules(**changes: Any) -> Policy:
    """What the bank demands: nothing but reviews for low, a board with three signatures for high."""
    two = (Approvals(2, ("write",)),)
    high = TierRules(
        approvals=two,
        sign_off=SIGN_OFF,
        cab=Cab(quorum=3, timeout=timedelta(hours=24)),
        plans=tuple(Plan),
        windows=(("weekend",),),
        verification=Verification(("verifier",), timedelta(hours=4)),
    )
    tiers = {
        Tier.LOW: TierRules((Approvals(1, ("write",)),), change=ChangeType.STANDARD),
        Tier.MEDIUM: TierRules(two, sign_off=("it-manager",)),
        Tier.HIGH: high,
    }
    known: dict[str, Any] = {
        "tiers": tiers,
        "packs": ("sox", "dora"),
        "roles": ROLES,
        "people": (("cleo", "cleo-admin"),),
        "applications": (Application("payments", (REPOSITORY.name,), Tier.HIGH, configuration_item="CI0012345"),),
        "calendar": Calendar(
            timezone="Europe/London",
            holidays="GB-ENG",
            windows=(
                ("weekend", (Window("FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0", timedelta(hours=4)),)),
            ),
            freezes=(Freeze("tax", first=date(2027, 1, 24), last=date(2027, 2, 1), excepted=(ChangeType.EMERGENCY,)),),
        ),
        "emergency": Emergency(("release",), 2, timedelta(days=3), timedelta(hours=4)),
        "waivers": Waivers(("risk-officer",), timedelta(days=30)),
        "templates": (Template("docs", "Documentation", ("^docs/",), 100, date(2027, 1, 31)),),
    }  # fmt: skip
    return replace(policy(), **{**known, **changes})


def on_timeout(what: OnTimeout, *escalate_to: str) -> Policy:
    """The bank's rules with another end of a board's time, and whom it is escalated to."""
    base = rules()
    high = base.tiers[Tier.HIGH]
    assert high.cab is not None
    board = replace(high.cab, on_timeout=what, escalate_to=escalate_to)
    return replace(base, tiers={**base.tiers, Tier.HIGH: replace(high, cab=board)})


def contents(tier: Tier = Tier.HIGH, **changes: Any) -> Contents:
    """A complete description of a change by ana and bo."""
    kind = {Tier.LOW: ChangeType.STANDARD}.get(tier, ChangeType.NORMAL)
    routed = {
        Tier.HIGH: Routing(("cab", *SIGN_OFF), 3, SIGN_OFF, timedelta(hours=24)),
        Tier.MEDIUM: Routing(("it-manager",), 1, ("it-manager",), timedelta(hours=24)),
        Tier.LOW: Routing(),
    }[tier]
    known: dict[str, Any] = {
        "title": "Settle twice a day",
        "kind": kind,
        "tier": tier,
        "repository": REPOSITORY.full_name,
        "pulls": (7,),
        "head": "b" * 40,
        "base": "main",
        "diff": "first",
        "justification": "The regulator wants it by March.",
        "application": "payments",
        "configuration_item": "CI0012345",
        "contributors": (account("ana"), account("bo")),
        "plans": PLANS,
        "window": WEEKEND if tier is Tier.HIGH else Interval(MONDAY, MONDAY + timedelta(days=10)),
        "routing": routed,
        "template": "docs" if tier is Tier.LOW else "",
    }
    return Contents(**{**known, **changes})


def draft(tier: Tier = Tier.HIGH, **changes: Any) -> Change:
    return Change("CHG-2027-0001", "pull:77:7", contents(tier, **changes), opened_at=MONDAY)


def context(at: datetime = MONDAY, **changes: Any) -> Context:
    """What is known at a moment: the reviewers have approved, nothing else blocks."""
    known: dict[str, Any] = {"policy": rules(), "now": at, "standings": standings(), "demands": GIVEN}
    return Context(**{**known, **changes})


def done(change: Change, event: Event, where: Context | None = None) -> Change:
    """The change after the event, which must be possible."""
    found = apply(change, event, where or context())
    assert isinstance(found, Applied), found
    return found.change


def refused(change: Change, event: Event, where: Context | None = None) -> Refused:
    """Why the event is not possible."""
    found = apply(change, event, where or context())
    assert isinstance(found, Refused), found
    return found


def ask(who: str = "ana", why: str = "Please.") -> Event:
    return Event(Act.SUBMIT, account(who), why)


def vote(who: str | Account, choice: Choice = Choice.APPROVE, why: str = "Looks right to me.") -> Event:
    return Event(Act.VOTE, account(who) if isinstance(who, str) else who, why, choice=choice)


def asked(change: Change | None = None, where: Context | None = None) -> Change:
    """A change that the board is to decide."""
    return done(done(change or draft(), ask(), where), Event(Act.ASSESS), where)


def approved(
    change: Change | None = None, by: Sequence[str] = ("ida", "rick", "cora"), where: Context | None = None
) -> Change:
    """A change with votes to approve."""
    found = change or asked(where=where)
    for login in by:
        found = done(found, vote(login), where)
    return found


def authorised(where: Context | None = None) -> Change:
    return done(approved(where=where), Event(Act.AUTHORIZE), where)


def started(where: Context | None = None) -> Change:
    return done(authorised(where), Event(Act.START, account("rosa")), where or context(SATURDAY))


def state(change: Change) -> State:
    return change.state
