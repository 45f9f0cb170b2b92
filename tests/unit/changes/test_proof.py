"""What the ledger says of a transition, so that somebody can show years later who authorised what on which terms."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.changes import cab, codec, proof
from bot.changes.context import Context
from bot.changes.lifecycle import apply
from bot.changes.model import Act, Applied, Change, Choice, Event, State
from bot.policy.model import ChangeType, OnTimeout, Tier
from tests.unit.builders import account
from tests.unit.changes.builders import (
    BOARD,
    MONDAY,
    PLANS,
    WEEKEND,
    approved,
    ask,
    asked,
    context,
    done,
    draft,
    on_timeout,
    standings,
    vote,
)

DAY = timedelta(hours=24)


def said_of(change: Change, event: Event, where: Context | None = None) -> dict[str, Any]:
    """What the ledger says of that event."""
    applied = apply(change, event, where or context())
    assert isinstance(applied, Applied), applied
    return dict(proof.entry(applied.change, applied.transition).body)


def who(login: str) -> dict[str, Any]:
    return codec.told(account(login))


def test_an_authorisation_names_who_gave_it_for_what_and_on_which_terms() -> None:
    where = context(policy_digest="d" * 64, approvers=(account("carl"),))
    change = done(approved(where=where), vote("cleo", Choice.REJECT, "Too soon."), where)
    change = done(change, vote("cleo", Choice.APPROVE, "Settled."), where)
    body = said_of(change, Event(Act.AUTHORIZE), where)
    given = body["authorisation"]
    assert given["by"] == [who("ida"), who("rick"), who("cora"), who("cleo")]
    assert given["reviewers"] == [who("carl")]
    assert given["policy"] == "d" * 64
    assert (given["type"], given["tier"], given["template"]) == ("normal", "high", "")
    assert given["routing"]["quorum"] == 3
    assert given["routing"]["sign_off"] == ["it-manager", "risk-officer", "compliance"]
    assert given["plans"] == {plan.value: hashlib.sha256(text.encode()).hexdigest() for plan, text in PLANS}
    assert (body["window"], body["contents"]) == (WEEKEND.iso, proof.digest(change.contents))
    votes = [(each["voter"]["login"], each["choice"], each["signs"]) for each in body["decision"]["votes"]]
    assert votes == [
        ("ida", "approve", "it-manager"),
        ("rick", "approve", "risk-officer"),
        ("cora", "approve", "compliance"),
        ("cleo", "reject", ""),
        ("cleo", "approve", ""),
    ]
    assert body["decision"]["votes"][3]["not_counted"] == "a later vote of the same person takes its place"
    assert (body["decision"]["outcome"], body["decision"]["deadline"]) == ("approved", "2027-01-05T12:00:00.000000Z")


def test_where_no_board_decides_the_reviewers_and_the_template_are_what_authorises() -> None:
    where = context(approvers=(account("carl"),))
    change = replace(draft(Tier.LOW), state=State.AUTHORIZE, round=1)
    body = said_of(change, Event(Act.AUTHORIZE), where)
    assert (body["authorisation"]["by"], body["authorisation"]["reviewers"]) == ([], [who("carl")])
    assert body["authorisation"]["template"] == "docs"
    assert "decision" not in body


def test_an_emergency_is_declared_for_an_incident() -> None:
    event = Event(Act.DECLARE, account("rosa"), "Payments are sent twice.", incident="INC0012345")
    told = said_of(draft(), event)["emergency"]
    assert told == {"incident": "INC0012345", "reason": "Payments are sent twice.", "by": who("rosa")}


def test_whom_the_board_was_made_up_of_is_told_with_their_roles() -> None:
    submitted = said_of(draft(), ask())
    assert submitted["asked"]["by"] == who("ana")
    assert "deadline" not in submitted
    called = said_of(done(draft(), ask()), Event(Act.ASSESS))
    roles = {each["login"]: each["roles"] for each in called["asked"]["members"]}
    assert roles["omar"] == ["cab", "it-manager", "risk-officer"]
    assert roles.keys() == BOARD.keys()
    assert called["deadline"] == "2027-01-05T12:00:00.000000Z"


def test_who_was_asked_beside_it_and_until_when_is_told() -> None:
    bank = on_timeout(OnTimeout.ESCALATE, "director")
    late = context(MONDAY + DAY, policy=bank, standings=standings(dina=("acme/directors",)))
    routed = cab.routing(bank, Tier.HIGH, ChangeType.NORMAL)
    change = asked(draft(routing=routed), context(policy=bank))
    told = said_of(change, Event(Act.ESCALATE), late)
    assert told["asked"]["members"] == [{**who("dina"), "roles": ["director"]}]
    assert (told["asked"]["by"], told["deadline"]) == (None, "2027-01-06T12:00:00.000000Z")
    extending = on_timeout(OnTimeout.EXTEND)
    routed = cab.routing(extending, Tier.HIGH, ChangeType.NORMAL)
    change = asked(draft(routing=routed), context(policy=extending))
    assert said_of(change, Event(Act.EXTEND), replace(late, policy=extending))["deadline"] == told["deadline"]


def test_what_a_board_came_to_is_told_with_its_votes() -> None:
    change = done(asked(), vote("ida", Choice.REJECT, "Too soon."))
    told = said_of(change, Event(Act.REJECT), context(MONDAY + DAY))["decision"]
    assert told["outcome"] == "too_late"
    [only] = told["votes"]
    assert only == {
        "voter": who("ida"),
        "choice": "reject",
        "said_at": "2027-01-04T12:00:00.000000Z",
        "not_counted": "",
        "signs": "",
    }


def test_contents_have_one_digest_whoever_reads_them() -> None:
    change = draft()
    assert proof.digest(codec.load(codec.dump(change), ()).contents) == proof.digest(change.contents)
    assert proof.digest(replace(change.contents, description="Other words.")) != proof.digest(change.contents)
