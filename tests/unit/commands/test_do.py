"""What commands do goes on record with the command, and has looked at again what depends on it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.changes import instructions, parts, register
from bot.changes.instructions import Asked
from bot.changes.lifecycle import apply
from bot.changes.model import Act, Applied, Change, Event, Merge, Part
from bot.changes.waivers import Waiver
from bot.commands import deeds
from bot.commands.model import (
    Acknowledgement,
    Deed,
    Joined,
    LaidDown,
    Left,
    Lifted,
    Linked,
    Moved,
    WaiverAnswered,
    WaiverAsked,
    WaiverRevoked,
)
from bot.errors import Transient
from bot.facts import claims
from bot.facts.model import Disowned, Instructed, Instruction
from bot.ingest.statements import Pending
from bot.ingest.subjects import PULL
from bot.ledger import Entry, Kind
from bot.policy.model import System
from bot.queue import Subject, Urgency, Wish, want
from bot.store import Store
from bot.unauthorised.model import EVERYWHERE, Found, concern
from bot.unauthorised.model import Kind as Around
from bot.unauthorised.record import record
from tests.unit.builders import NOON, account, oid
from tests.unit.changes.builders import asked, contents, context, done, vote
from tests.unit.changes.test_instructions import request

SUBJECT, NEIGHBOUR = "pull:77:7", "pull:77:8"
LATER = NOON + timedelta(days=3)
INSTALLATION, REPOSITORY = 7, 77


async def do(store: Store, *what: Deed, who: str = "dana") -> list[Entry]:
    """Do it for a comment of somebody."""
    number = await request(store)
    asks = Pending(number, SUBJECT, 5, account(who), "/x", NOON)
    entries: list[Entry] = []
    async with store.transaction() as connection:
        for each in what:
            entries += await deeds.do(
                connection, each, asks, installation_id=INSTALLATION, repository_id=REPOSITORY, at=NOON
            )
    return entries


async def at_rest(store: Store, **concerns: str) -> None:
    """Subjects that were looked at, and depended on these concerns."""
    subjects = [Subject(key, PULL, INSTALLATION, {}) for key in (SUBJECT, NEIGHBOUR)]
    async with store.transaction() as connection:
        await want(connection, [Wish(each, Urgency.SWEEP) for each in subjects])
        await connection.execute("UPDATE subject SET looked = wanted, urgency = 0")
        for key, concern_ in concerns.items():
            values = [[concern_], SUBJECT if key == "itself" else NEIGHBOUR]
            await connection.execute("UPDATE subject SET concerns = %s WHERE key = %s", values)


async def wanted(store: Store) -> dict[str, int]:
    """What is to be looked at again, and how urgent it is."""
    async with store.transaction() as connection:
        cursor = await connection.execute("SELECT key, urgency FROM subject WHERE wanted > looked")
        return {key: urgency async for key, urgency in cursor}


async def rows(store: Store, statement: str) -> list[tuple[Any, ...]]:
    async with store.transaction() as connection:
        return await (await connection.execute(statement)).fetchall()


async def wish(store: Store) -> Asked:
    [entry] = await do(store, WaiverAsked("rule:ticket", "It is a typo.", LATER, "b" * 40, "first"), who="ana")
    assert (entry.kind, entry.subject) == (Kind.WAIVER_ASKED, SUBJECT)
    assert entry.body["actor"]["login"] == "ana"
    return Asked(entry.body["asked"], "rule:ticket", "It is a typo.", LATER, account("ana"), "b" * 40, "first")


def granted(asks: Asked) -> WaiverAnswered:
    waiver = Waiver(
        SUBJECT, asks.finding, asks.reason, asks.by, account("rick"), NOON, asks.until, None, asks.id, "b" * 40, "first"
    )
    return WaiverAnswered(asks, waiver)


async def test_who_disowns_a_commit_has_its_other_pull_requests_looked_at(store: Store) -> None:
    await at_rest(store, neighbour=claims.concern(REPOSITORY))
    [entry] = await do(store, Disowned(oid("head"), account("ben")))
    assert entry.subject == SUBJECT
    assert await wanted(store) == {SUBJECT: Urgency.PERSON, NEIGHBOUR: Urgency.PERSON}
    async with store.transaction() as connection:
        assert await claims.disowned(connection, REPOSITORY, [oid("head")]) == (Disowned(oid("head"), account("ben")),)


@pytest.mark.parametrize("where", [REPOSITORY, EVERYWHERE])
async def test_who_answers_for_an_unauthorised_change_frees_what_waited_for_it(store: Store, where: int) -> None:
    async with store.transaction() as connection:
        await record(connection, [Found(INSTALLATION, where, Around.LANDING, "main@abc", "It landed.", None, NOON)])
        ((number,),) = await (await connection.execute("SELECT id FROM unauthorised_change")).fetchall()
    await at_rest(store, neighbour=concern(INSTALLATION, where))
    [entry] = await do(store, Acknowledgement(number, "Hotfix of an incident."))
    assert entry.body["reason"] == "Hotfix of an incident."
    assert await wanted(store) == {SUBJECT: Urgency.PERSON, NEIGHBOUR: Urgency.PERSON}


async def test_the_record_goes_every_step_and_each_is_told(store: Store) -> None:
    await at_rest(store)
    async with store.transaction() as connection:
        change, _ = await register.open_record(connection, SUBJECT, contents(), NOON)
    ask_ = apply(change, Event(Act.SUBMIT, account("ana"), "Please."), context())
    assert isinstance(ask_, Applied)
    assess = apply(ask_.change, Event(Act.ASSESS), context())
    assert isinstance(assess, Applied)
    entries = await do(store, Moved((ask_, assess)))
    assert [(each.kind, each.body["act"]) for each in entries] == [
        (Kind.CHANGE_MOVED, "submit"),
        (Kind.CHANGE_MOVED, "assess"),
    ]
    async with store.transaction() as connection:
        assert await register.open_of(connection, SUBJECT) == assess.change
    assert await wanted(store) == {SUBJECT: Urgency.PERSON}
    with pytest.raises(Transient):
        await do(store, Moved((ask_,)))


async def test_what_was_laid_down_holds_for_the_pull_request_that_it_was_said_on(store: Store) -> None:
    await at_rest(store)
    held = Instruction(Instructed.HOLD, "held", account("ana"), "Wait.", NOON)
    [entry] = await do(store, LaidDown(held))
    assert entry.kind is Kind.INSTRUCTION_GIVEN
    async with store.transaction() as connection:
        assert await instructions.read(connection, SUBJECT) == (held,)
    assert await wanted(store) == {SUBJECT: Urgency.PERSON}


async def test_each_hold_that_is_lifted_is_on_record(store: Store) -> None:
    await at_rest(store)
    held = Instruction(Instructed.HOLD, "held", account("ana"), "Wait.", NOON)
    await do(store, LaidDown(held))
    await do(store, LaidDown(replace(held, by=account("bo"))))
    entries = await do(store, Lifted((account("ana"), account("bo")), replace(held, value="", by=account("rick"))))
    assert [entry.body["holder"]["login"] for entry in entries] == ["ana", "bo"]
    async with store.transaction() as connection:
        assert [each.value for each in await instructions.read(connection, SUBJECT)] == ["", ""]


async def test_a_wish_and_its_answer_are_on_record(store: Store) -> None:
    await at_rest(store)
    asks = await wish(store)
    async with store.transaction() as connection:
        assert list(await instructions.asked(connection, SUBJECT, NOON)) == [asks]
    [entry] = await do(store, granted(asks), who="rick")
    assert entry.kind is Kind.WAIVER_GRANTED
    assert await rows(store, "SELECT answer, answered ->> 'login' FROM waiver_request") == [("granted", "rick")]
    async with store.transaction() as connection:
        [waived] = await instructions.waivers(connection, SUBJECT, NOON)
    assert (waived.finding, waived.granted_by) == ("rule:ticket", account("rick"))
    assert await wanted(store) == {SUBJECT: Urgency.PERSON}


async def test_a_waiver_that_is_revoked_holds_no_more_and_that_is_on_record(store: Store) -> None:
    asks = await wish(store)
    await do(store, granted(asks), who="rick")
    await at_rest(store)
    [entry] = await do(store, WaiverRevoked(asks.id, "It is needed after all."), who="rick")
    assert (entry.kind, entry.subject) == (Kind.WAIVER_REVOKED, SUBJECT)
    assert (entry.body["actor"]["login"], entry.body["asked"]) == ("rick", asks.id)
    async with store.transaction() as connection:
        assert await instructions.waivers(connection, SUBJECT, NOON) == ()
    assert await wanted(store) == {SUBJECT: Urgency.PERSON}
    assert await do(store, WaiverRevoked(asks.id, "Twice."), who="rick") == []


async def test_a_denied_wish_leaves_no_waiver(store: Store) -> None:
    asks = await wish(store)
    [entry] = await do(store, WaiverAnswered(asks, None), who="rick")
    assert entry.kind is Kind.WAIVER_DENIED
    assert await rows(store, "SELECT id FROM waiver") == []


async def test_what_was_denied_meanwhile_is_not_granted(store: Store) -> None:
    asks = await wish(store)
    await do(store, WaiverAnswered(asks, None), who="rick")
    assert await do(store, granted(asks), who="cora") == []
    assert await rows(store, "SELECT id FROM waiver") == []


async def test_what_was_granted_meanwhile_is_not_granted_twice(store: Store) -> None:
    asks = await wish(store)
    await do(store, granted(asks), granted(asks), who="rick")
    assert len(await rows(store, "SELECT id FROM waiver")) == 1


async def test_a_vote_is_told_as_a_vote(store: Store) -> None:
    await at_rest(store)
    async with store.transaction() as connection:
        change, _ = await register.open_record(connection, SUBJECT, contents(), NOON)
    here = asked(change)
    steps = (
        apply(change, Event(Act.SUBMIT, account("ana"), "Please."), context()),
        apply(done(change, Event(Act.SUBMIT, account("ana"), "Please.")), Event(Act.ASSESS), context()),
        apply(here, vote("ida"), context()),
    )
    entries = await do(store, Moved(tuple(each for each in steps if isinstance(each, Applied))), who="ida")
    assert [each.kind for each in entries] == [Kind.CHANGE_MOVED, Kind.CHANGE_MOVED, Kind.VOTE_CAST]
    assert len(await rows(store, "SELECT voter FROM vote")) == 1


async def opened(store: Store, subject: str) -> Change:
    async with store.transaction() as connection:
        change, _ = await register.open_record(connection, subject, contents(), NOON)
    return change


async def parts_of(store: Store, number: str) -> list[str]:
    async with store.transaction() as connection:
        return [each.subject for each in await parts.of(connection, number)]


def given_up(change: Change) -> tuple[Applied, ...]:
    step = apply(change, Event(Act.CANCEL, account("ana"), "It ships with another."), context())
    assert isinstance(step, Applied)
    return (step,)


async def test_joining_a_record_gives_up_ones_own_and_has_the_others_look(store: Store) -> None:
    mine, other = await opened(store, SUBJECT), await opened(store, NEIGHBOUR)
    await at_rest(store, neighbour=parts.concern(other.number))
    entries = await do(store, Joined(other, given_up(mine)), who="ana")
    assert [each.kind for each in entries] == [Kind.CHANGE_MOVED, Kind.CHANGE_JOINED]
    assert entries[1].subject == other.number
    assert entries[1].body["subject"] == SUBJECT
    assert set(await parts_of(store, other.number)) == {NEIGHBOUR, SUBJECT}
    assert await parts_of(store, mine.number) == []
    assert set(await wanted(store)) == {SUBJECT, NEIGHBOUR}


async def test_what_was_altered_meanwhile_is_not_joined(store: Store) -> None:
    mine, other = await opened(store, SUBJECT), await opened(store, NEIGHBOUR)
    [step] = given_up(other)
    async with store.transaction() as connection:
        await register.keep(connection, step)
    with pytest.raises(Transient, match=other.number):
        await do(store, Joined(other, given_up(mine)), who="ana")
    assert await parts_of(store, mine.number) == [SUBJECT]


async def test_leaving_a_release_is_done_once(store: Store) -> None:
    mine, other = await opened(store, SUBJECT), await opened(store, NEIGHBOUR)
    await do(store, Joined(other, given_up(mine)), who="ana")
    [entry] = await do(store, Left(other.number, context()), who="ana")
    assert (entry.kind, entry.subject, entry.body["actor"]["login"]) == (Kind.CHANGE_LEFT, other.number, "ana")
    assert await parts_of(store, other.number) == [NEIGHBOUR]
    assert await do(store, Left(other.number, context()), who="ana") == []
    [step] = given_up(other)
    async with store.transaction() as connection:
        await register.keep(connection, step)
    with pytest.raises(Transient, match=other.number):
        await do(store, Left(other.number, context()), who="ana")


async def test_what_is_merged_meanwhile_does_not_leave(store: Store) -> None:
    mine, other = await opened(store, SUBJECT), await opened(store, NEIGHBOUR)
    await do(store, Joined(other, given_up(mine)), who="ana")
    async with store.transaction() as connection:
        await parts.keep(connection, other.number, Part(SUBJECT, merge=Merge(account("rosa"), NOON)))
    with pytest.raises(Transient, match=other.number):
        await do(store, Left(other.number, context()), who="ana")
    assert set(await parts_of(store, other.number)) == {NEIGHBOUR, SUBJECT}


async def test_a_wish_for_a_record_that_is_there_already_is_on_record(store: Store) -> None:
    mine = await opened(store, SUBJECT)
    [entry] = await do(store, Linked(mine.number, "CHG0030001", System.SERVICENOW))
    assert (entry.kind, entry.body["number"]) == (Kind.RECORD_LINK_ASKED, "CHG0030001")
    assert f"record:{mine.number}" in await wanted(store)
