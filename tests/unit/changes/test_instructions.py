"""What people lay down for a change: kept as they said it, and what of it holds."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from bot.changes import codec, instructions, register
from bot.changes.instructions import Asked
from bot.changes.waivers import Waiver
from bot.facts.model import Instructed, Instruction, Waived
from bot.ledger import Kind
from bot.ledger.entries import Entry
from bot.store import Store
from tests.unit.builders import NOON, account, bot, pull_request

PULL, OTHER = "pull:77:7", "pull:77:8"
LATER = NOON + timedelta(days=3)
ID = UUID(int=1)


async def request(store: Store, subject: str = PULL, comment: int | None = None) -> int:
    """The number of what somebody wrote, in a comment of that id."""
    async with store.transaction() as connection:
        cursor = await connection.execute(
            "INSERT INTO request (subject, origin, actor_id, actor_login, actor_kind, text, asked_at, comment_id) "
            "VALUES (%s, gen_random_uuid()::text, 6, 'dana', 'user', '/x', now(), %s) RETURNING id",
            [subject, comment],
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def lay_down(
    store: Store,
    kind: Instructed,
    value: str,
    who: str = "ana",
    subject: str = PULL,
    holder: str | None = None,
    at: datetime = NOON,
    comment: int | None = None,
) -> list[Entry]:
    number = await request(store, subject, comment)
    said = Instruction(kind, value, account(who), "Because.", at)
    held_by = account(holder) if holder else None
    async with store.transaction() as connection:
        return await instructions.lay_down(connection, subject, said, request=number, holder=held_by)


async def holders(store: Store) -> list[str]:
    async with store.transaction() as connection:
        found = await instructions.read(connection, PULL)
    return [each.by.login for each in replace(pull_request(), instructions=found).holds]


async def holding(store: Store, subject: str = PULL) -> dict[Instructed, str]:
    async with store.transaction() as connection:
        found = await instructions.read(connection, subject)
    return {each.kind: each.value for each in found}


async def ask(store: Store, finding: str = "rule:ticket", subject: str = PULL) -> Asked:
    number = await request(store, subject)
    async with store.transaction() as connection:
        [entry] = await instructions.ask(
            connection, subject, finding, "It is a typo.", LATER, account("ana"),
            request=number, at=NOON, head="b" * 40, diff="main:first",
        )  # fmt: skip
    assert (entry.kind, entry.subject) == (Kind.WAIVER_ASKED, subject)
    assert entry.body["until"].startswith("2026-03-05T12:00:00")
    assert (entry.body["head"], entry.body["diff"]) == ("b" * 40, "main:first")
    return Asked(entry.body["asked"], finding, "It is a typo.", LATER, account("ana"), "b" * 40, "main:first")


async def waiting(store: Store, subject: str = PULL, **later: int) -> list[Asked]:
    async with store.transaction() as connection:
        return list(await instructions.asked(connection, subject, NOON + timedelta(**later)))


async def answer(store: Store, number: int, *, granted: bool) -> list[Entry] | None:
    async with store.transaction() as connection:
        return await instructions.answer(connection, number, account("rick"), "Not now.", granted=granted)


async def test_what_was_said_is_kept_with_who_said_it_and_told(store: Store) -> None:
    [entry] = await lay_down(store, Instructed.HOLD, "held")
    assert (entry.kind, entry.subject) == (Kind.INSTRUCTION_GIVEN, PULL)
    assert entry.body == {
        "kind": "hold",
        "value": "held",
        "reason": "Because.",
        "actor": {"id": account("ana").id, "login": "ana", "kind": "user"},
        "said_at": "2026-03-02T12:00:00.000000Z",
    }
    async with store.transaction() as connection:
        [found] = await instructions.read(connection, PULL)
    assert found == Instruction(Instructed.HOLD, "held", account("ana"), "Because.", NOON)
    assert found.by.login == "ana"
    assert await holding(store, OTHER) == {}


async def test_the_latest_word_of_a_kind_holds(store: Store) -> None:
    await lay_down(store, Instructed.HOLD, "held")
    await lay_down(store, Instructed.PLAN_TEST, "The first plan.")
    await lay_down(store, Instructed.HOLD, "")
    await lay_down(store, Instructed.PLAN_TEST, "Another plan.")
    assert await holding(store) == {Instructed.HOLD: "", Instructed.PLAN_TEST: "Another plan."}


async def test_what_was_written_last_holds_whenever_it_was_heard(store: Store) -> None:
    second = timedelta(seconds=1)
    await lay_down(store, Instructed.PLAN_TEST, "Of one second.", at=NOON, comment=12)
    await lay_down(store, Instructed.PLAN_TEST, "The first of it.", at=NOON, comment=11)
    await lay_down(store, Instructed.PLAN_TEST, "Before.", at=NOON - second, comment=13)
    await lay_down(store, Instructed.HOLD, "", "ana", at=NOON + second)
    await lay_down(store, Instructed.HOLD, "held", "ana", at=NOON)
    assert await holding(store) == {Instructed.PLAN_TEST: "Of one second.", Instructed.HOLD: ""}


async def test_everybodys_hold_stands_until_that_very_one_is_lifted(store: Store) -> None:
    await lay_down(store, Instructed.HOLD, "held", "ana")
    await lay_down(store, Instructed.HOLD, "held", "bo")
    await lay_down(store, Instructed.HOLD, "", "bo")
    assert await holders(store) == ["ana"]
    [entry] = await lay_down(store, Instructed.HOLD, "", "rick", holder="ana")
    assert entry.body["actor"]["login"] == "rick"
    assert entry.body["holder"]["login"] == "ana"
    assert await holders(store) == []
    await lay_down(store, Instructed.HOLD, "held", "ana")
    assert await holders(store) == ["ana"], "it can be held again"


@pytest.mark.parametrize("words", [("medium", "high"), ("high", "medium"), ("high", "low"), ("high", "high")])
async def test_of_what_raises_the_risk_the_highest_holds(store: Store, words: tuple[str, str]) -> None:
    for word in words:
        await lay_down(store, Instructed.RAISE, word)
    assert await holding(store) == {Instructed.RAISE: "high"}


async def test_what_an_older_version_laid_down_and_this_one_does_not_know_is_left_out(store: Store) -> None:
    await lay_down(store, Instructed.HOLD, "held")
    async with store.transaction() as connection:
        await connection.execute(
            "INSERT INTO instruction (subject, kind, value, by, reason, request, at) "
            "SELECT subject, 'of-old', value, by, reason, request, at FROM instruction"
        )
    assert await holding(store) == {Instructed.HOLD: "held"}


async def test_a_wish_waits_until_it_is_answered_or_over(store: Store) -> None:
    first, second = await ask(store), await ask(store, "hold")
    await ask(store, subject=OTHER)
    assert await waiting(store) == [first, second]
    assert await waiting(store, days=2) == [first, second]
    assert await waiting(store, days=3) == []
    assert await answer(store, first.id, granted=True) == [], "the waiver itself is told"
    assert await waiting(store) == [second]
    denied = await answer(store, second.id, granted=False)
    assert denied is not None
    [entry] = denied
    assert (entry.kind, entry.subject) == (Kind.WAIVER_DENIED, PULL)
    said = {"asked": second.id, "finding": "hold", "reason": "Not now."}
    assert entry.body == {**said, "actor": codec.told(account("rick"))}
    assert await waiting(store) == []


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
async def test_the_first_answer_stands(store: Store, first: bool, second: bool) -> None:
    wish = await ask(store)
    assert await answer(store, wish.id, granted=first) is not None
    assert await answer(store, wish.id, granted=second) is None


async def test_waivers_are_told_as_facts_while_they_hold(store: Store) -> None:
    waiver = Waiver(
        PULL, "rule:ticket", "It is a typo.", account("ana"), account("rick"), NOON, LATER,
        number=3, head="b" * 40, diff="main:first",
    )  # fmt: skip
    async with store.transaction() as connection:
        await register.keep_waiver(connection, waiver, new_id=ID)
        await register.keep_waiver(connection, replace(waiver, subject=OTHER), new_id=UUID(int=2))
    async with store.transaction() as connection:
        found = await instructions.waivers(connection, PULL, NOON)
        assert await instructions.waivers(connection, PULL, LATER) == ()
    known = ("rule:ticket", "It is a typo.", account("ana"), account("rick"), NOON, LATER)
    assert found == (Waived(*known, 3, "b" * 40, "main:first"),)


@pytest.mark.parametrize("who", [account("ana"), bot("evil[bot]")])
def test_an_account_is_the_same_after_it_was_written_down(who: object) -> None:
    assert repr(codec.account(codec.told(who))) == repr(who)  # type: ignore[arg-type]
