"""The register on the real database: numbers, one open record, versions, history, votes, waivers, and the questions."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from bot.changes import parts, proof, register
from bot.changes.conflicts import conflicts
from bot.changes.context import Context
from bot.changes.lifecycle import advance, apply
from bot.changes.model import Act, Applied, Change, Choice, Closure, Contents, Event, State, Transition
from bot.changes.waivers import Waiver
from bot.errors import Transient
from bot.ledger import Kind, append
from bot.policy.model import Tier
from bot.queue import Subject, Urgency, Wish, want
from bot.store import Store
from tests.unit.builders import account
from tests.unit.changes.builders import MONDAY, SATURDAY, WEEKEND, ask, contents, context, vote

INCIDENT = "Payments are sent twice since this morning."


async def opened(
    store: Store, subject: str = "pull:77:7", inside: Contents | None = None, at: datetime = MONDAY
) -> Change:
    async with store.transaction() as connection:
        change, entry = await register.open_record(connection, subject, inside or contents(), at)
        if entry is not None:
            await append(connection, [entry], at=at)
    return change


async def keep(store: Store, steps: tuple[Applied, ...] | list[Applied]) -> None:
    for step in steps:
        async with store.transaction() as connection:
            entry = await register.keep(connection, step)
            await append(connection, [entry], at=step.transition.at)


async def do(store: Store, change: Change, event: Event, where: Context | None = None) -> Change:
    found = apply(change, event, where or context())
    assert isinstance(found, Applied), found
    await keep(store, [found])
    return found.change


async def go_on(store: Store, change: Change, where: Context | None = None) -> Change:
    steps = advance(change, where or context())
    await keep(store, steps)
    return steps[-1].change if steps else change


async def with_board(store: Store, subject: str = "pull:77:7", inside: Contents | None = None) -> Change:
    change = await do(store, await opened(store, subject, inside), ask())
    return await go_on(store, change)


async def authorised(store: Store) -> Change:
    change = await with_board(store)
    for minute, login in enumerate(("ida", "rick", "cora")):
        change = await do(store, change, vote(login), context(MONDAY + timedelta(minutes=minute, microseconds=1)))
    return await go_on(store, change)


async def read(store: Store, number: str) -> Change | None:
    async with store.transaction() as connection:
        return await register.by_number(connection, number)


async def ask_of(store: Store, question: Any, *arguments: Any) -> Any:
    async with store.transaction() as connection:
        return await question(connection, *arguments)


async def entries(store: Store) -> list[tuple[str, str]]:
    async with store.transaction() as connection:
        found = await (await connection.execute("SELECT kind, subject FROM ledger_entry ORDER BY seq")).fetchall()
    return [(kind, subject) for kind, subject in found]


async def test_a_record_gets_the_next_number_of_the_year(store: Store) -> None:
    first = await opened(store)
    second = await opened(store, "pull:77:8")
    assert (first.number, second.number) == ("CHG-2027-0001", "CHG-2027-0002")
    # The year is that of UTC.
    eve = datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert (await opened(store, "pull:77:9", at=eve)).number == "CHG-2027-0003"
    assert (await opened(store, "pull:77:10", at=eve + timedelta(seconds=1))).number == "CHG-2028-0001"
    assert (await entries(store))[:2] == [
        (Kind.CHANGE_OPENED, "CHG-2027-0001"), (Kind.CHANGE_OPENED, "CHG-2027-0002"),
    ]  # fmt: skip


async def test_more_than_four_digits_are_no_end(store: Store, database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute("INSERT INTO change_number (year, last) VALUES (2027, 9999)")
    assert (await opened(store)).number == "CHG-2027-10000"


async def test_who_asked_for_a_record_has_asked_for_the_next_one_too(store: Store) -> None:
    first = await do(store, await opened(store), ask("ana"))
    await do(store, first, Event(Act.CANCEL, account("ana"), "Somebody else asks for it."))
    second = await opened(store)
    assert (second.number, second.requesters) == ("CHG-2027-0002", (account("ana"),))
    async with store.transaction() as connection:
        assert await register.askers(connection, ["pull:77:8"]) == ()
        assert await register.askers(connection, ["pull:77:7", "pull:77:8"]) == (account("ana"),)


async def test_who_asked_for_a_record_asked_for_what_was_in_it_until_then(store: Store) -> None:
    release = await opened(store)
    async with store.transaction() as connection:
        await parts.join(connection, release.number, "pull:77:8", MONDAY)
    asked = await go_on(store, await do(store, release, ask("rosa")))
    async with store.transaction() as connection:
        [left] = await parts.leave(connection, asked, "pull:77:8", account("ana"), "It ships alone.")
        assert left.kind is Kind.CHANGE_LEFT
        assert await parts.leave(connection, asked, "pull:77:8", account("ana")) == [], "it is in it no more"
        assert await register.latest_of(connection, "pull:77:8") is None, "the release does not speak for it any more"
    back = await do(store, asked, Event(Act.REVISE, contents=contents(diff="second")))
    await do(store, back, ask("ana"))
    own = await opened(store, "pull:77:8")
    assert own.requesters == (account("rosa"),), "ana asked for what it is no part of"
    async with store.transaction() as connection:
        assert await register.askers(connection, ["pull:77:7"]) == tuple(sorted((account("rosa"), account("ana"))))


async def test_what_comes_back_is_a_part_like_any_other(store: Store) -> None:
    release = await opened(store)
    async with store.transaction() as connection:
        await parts.join(connection, release.number, "pull:77:8", MONDAY)
        await parts.leave(connection, release, "pull:77:8", None)
        assert len(await parts.of(connection, release.number)) == 1
        await parts.join(connection, release.number, "pull:77:8", MONDAY)
        assert len(await parts.of(connection, release.number)) == 2
        assert await register.latest_of(connection, "pull:77:8") == release
    await do(store, release, ask("ida"))
    async with store.transaction() as connection:
        assert await register.askers(connection, ["pull:77:8"]) == (account("ida"),)


async def test_a_number_that_was_rolled_back_is_given_again(store: Store) -> None:
    async def open_and_fail() -> None:
        async with store.transaction() as connection:
            await register.open_record(connection, "pull:77:7", contents(), MONDAY)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await open_and_fail()
    assert (await opened(store)).number == "CHG-2027-0001"


async def test_a_subject_has_one_open_record(store: Store) -> None:
    first = await opened(store)
    assert await opened(store) == first
    assert await ask_of(store, register.open_of, "pull:77:7") == first
    closed = await do(store, first, Event(Act.CANCEL, account("ana"), "Not needed."))
    assert await ask_of(store, register.open_of, "pull:77:7") is None
    assert await ask_of(store, register.latest_of, "pull:77:7") == closed
    again = await opened(store)
    assert again.number == "CHG-2027-0002"
    assert await ask_of(store, register.latest_of, "pull:77:7") == again


async def test_two_who_open_at_once_get_one_record(store: Store) -> None:
    found = await asyncio.gather(*(opened(store) for _ in range(6)), return_exceptions=True)
    numbers = {each.number for each in found if isinstance(each, Change)}
    assert numbers == {"CHG-2027-0001"}
    assert all(isinstance(each, Change | Transient) for each in found)
    # Whoever was too late finds it when trying again, and no number was lost.
    assert (await opened(store)).number == "CHG-2027-0001"
    assert (await opened(store, "pull:77:8")).number == "CHG-2027-0002"


async def test_numbers_are_never_given_twice_at_once(store: Store) -> None:
    found = await asyncio.gather(*(opened(store, f"pull:77:{number}") for number in range(8)))
    assert sorted(each.number for each in found) == [f"CHG-2027-{number:04}" for number in range(1, 9)]


async def test_a_change_is_read_back_as_it_was_kept(store: Store) -> None:
    change = await authorised(store)
    assert change.state is State.SCHEDULED
    assert await read(store, change.number) == change
    assert [each.at.microsecond for each in change.votes] == [1, 1, 1]
    begun = await do(store, change, Event(Act.START, account("rosa")), context(SATURDAY))
    ended = await do(store, begun, Event(Act.FINISH), context(SATURDAY + timedelta(hours=1)))
    closing = Event(Act.CLOSE, account("vera"), closure=Closure.SUCCESSFUL)
    closed = await do(store, ended, closing, context(SATURDAY + timedelta(hours=2)))
    assert await read(store, change.number) == closed
    assert await read(store, "CHG-2027-9999") is None


async def test_the_history_says_who_what_when_and_why(store: Store) -> None:
    change = await authorised(store)
    found = await ask_of(store, register.history, change.number)
    assert [each.act for each in found] == [Act.SUBMIT, Act.ASSESS, Act.VOTE, Act.VOTE, Act.VOTE, Act.AUTHORIZE]
    assert [each.version for each in found] == [2, 3, 4, 5, 6, 7]
    assert found[0] == Transition(
        change.number, 2, Act.SUBMIT, State.DRAFT, State.ASSESS, account("ana"), "Please.", MONDAY
    )  # fmt: skip
    assert found[1].who is None
    assert await entries(store) == [
        (Kind.CHANGE_OPENED, change.number),
        (Kind.CHANGE_MOVED, change.number),
        (Kind.CHANGE_MOVED, change.number),
        *[(Kind.VOTE_CAST, change.number)] * 3,
        (Kind.CHANGE_MOVED, change.number),
    ]


async def test_an_entry_for_the_ledger_says_all_of_it(store: Store) -> None:
    change = await with_board(store)
    step = apply(change, vote("ida", Choice.REJECT, "Too soon."), context())
    assert isinstance(step, Applied)
    async with store.transaction() as connection:
        entry = await register.keep(connection, step)
    assert (entry.kind, entry.subject) == (Kind.VOTE_CAST, change.number)
    assert entry.body == {
        "change": "CHG-2027-0001",
        "version": 4,
        "act": "vote",
        "before": "authorize",
        "after": "authorize",
        "actor": {"id": account("ida").id, "login": "ida", "kind": "user"},
        "why": "Too soon.",
        "diff": "first",
        "head": "b" * 40,
        "round": 1,
        "choice": "reject",
        "said_at": "2027-01-04T12:00:00.000000Z",
        "review": None,
        "place": "",
        "window": "2027-01-09T02:00:00+00:00/2027-01-09T06:00:00+00:00",
        "contents": proof.digest(change.contents),
    }


async def test_a_vote_that_was_taken_back_is_told_with_whose_it_was_and_both_are_kept(store: Store) -> None:
    change = await with_board(store)
    given = replace(vote("ida"), review=7, said_at=MONDAY - timedelta(minutes=1))
    change = await do(store, change, given)
    step = apply(change, Event(Act.WITHDRAW, why="It was dismissed.", review=7), context())
    assert isinstance(step, Applied)
    async with store.transaction() as connection:
        entry = await register.keep(connection, step)
    assert (entry.kind, entry.body["actor"], entry.body["review"]) == (Kind.VOTE_WITHDRAWN, None, 7)
    assert entry.body["voter"]["login"] == "ida"
    kept = await read(store, change.number)
    assert kept == step.change
    assert kept is not None
    assert [(each.choice, each.review, each.at) for each in kept.votes] == [
        (Choice.APPROVE, 7, MONDAY - timedelta(minutes=1)),
        (Choice.WITHDRAW, 7, MONDAY - timedelta(minutes=1)),
    ]


async def test_a_review_gives_one_vote_in_a_round(store: Store) -> None:
    change = await do(store, await with_board(store), replace(vote("ida"), review=7))
    again = apply(change, replace(vote("ida"), review=7), context())
    assert isinstance(again, Applied)
    with pytest.raises(psycopg.errors.UniqueViolation, match="vote_by_review"):
        await keep(store, [again])


async def test_who_has_read_an_older_version_cannot_write(store: Store) -> None:
    change = await with_board(store)
    first, second = (apply(change, vote(login), context()) for login in ("ida", "rick"))
    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    await keep(store, [first])
    with pytest.raises(Transient, match="CHG-2027-0001, which somebody else has just altered"):
        await keep(store, [second])
    kept = await read(store, change.number)
    assert kept is not None
    assert [each.by.login for each in kept.votes] == ["ida"]


async def test_two_who_vote_at_once_are_both_counted_or_told(store: Store) -> None:
    change = await with_board(store)

    async def say(login: str) -> None:
        for _ in range(8):
            current = await read(store, change.number)
            assert current is not None
            try:
                await do(store, current, vote(login))
            except Transient:
                continue
            return

    await asyncio.gather(*(say(login) for login in ("ida", "rick", "cora", "cleo")))
    kept = await read(store, change.number)
    assert kept is not None
    assert sorted(each.by.login for each in kept.votes) == ["cleo", "cora", "ida", "rick"]
    assert kept.version == change.version + 4


@pytest.mark.parametrize("table", ["transition", "vote"])
async def test_history_and_votes_can_only_be_added_to(store: Store, database_url: str, table: str) -> None:
    await authorised(store)
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET version = 1", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with store.transaction() as connection:
                await connection.execute(statement)
        with psycopg.connect(database_url) as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(statement)


async def test_the_database_keeps_what_a_record_is_about(store: Store) -> None:
    await opened(store)
    for statement in ("UPDATE change SET subject = 'x'", "UPDATE change SET number = 'x'", "DELETE FROM change"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with store.transaction() as connection:
                await connection.execute(statement)


@pytest.mark.parametrize("state", ["scheduled", "implement", "review", "closed"])
async def test_the_database_lets_nothing_go_on_that_was_not_authorised(store: Store, state: str) -> None:
    await opened(store)
    with pytest.raises(psycopg.errors.CheckViolation, match="change_is_authorised"):
        async with store.transaction() as connection:
            await connection.execute("UPDATE change SET state = %s", [state])


async def test_changes_at_the_same_time_find_each_other(store: Store) -> None:
    one = await opened(store)
    same_item = await opened(store, "pull:78:1", contents(application="another"))
    cards = await opened(store, "pull:79:1", contents(application="cards", configuration_item="CI7"))
    later = replace(WEEKEND, start=WEEKEND.end, end=WEEKEND.end + timedelta(hours=1))
    await opened(store, "pull:80:1", contents(window=later))
    gone = await opened(store, "pull:81:1")
    await do(store, gone, Event(Act.CANCEL, why="Closed."))
    exclusive = (("payments", "cards"),)
    assert await ask_of(store, register.around, one) == (same_item,)
    assert await ask_of(store, register.around, one, exclusive) == (same_item, cards)
    assert [each.number for each in conflicts(one, (same_item, cards), exclusive)] == [same_item.number, cards.number]
    assert await ask_of(store, register.around, cards, exclusive) == (one,)
    assert await ask_of(store, register.around, replace(one, contents=contents(window=None))) == ()
    nothing = replace(one, contents=contents(application="", configuration_item=""))
    assert await ask_of(store, register.around, nothing) == ()


async def test_whoever_has_a_time_ahead_is_found_to_plan_around(store: Store) -> None:
    apart = contents(apart=("CI0012345", "cards", "payments"))
    one = await opened(store, inside=apart)
    asking = await with_board(store, "pull:78:1")
    cards = await with_board(store, "pull:79:1", contents(application="cards", configuration_item="CI7"))
    await opened(store, "pull:80:1")
    await with_board(store, "pull:81:1", contents(application="loans", configuration_item="CI8"))
    gone = await with_board(store, "pull:82:1")
    await do(store, gone, Event(Act.CANCEL, why="Closed."))
    assert await ask_of(store, register.ahead, one, MONDAY) == (asking, cards)
    assert await ask_of(store, register.ahead, asking, MONDAY) == (), "it touches nothing that is kept apart"
    assert await ask_of(store, register.ahead, one, WEEKEND.end) == ()


async def looked(store: Store, change: Change) -> None:
    """The pull request was looked at, and depends on its record; what was wanted so far was done."""
    async with store.transaction() as connection:
        await want(connection, [Wish(Subject(change.subject, "pull", 1, {}), Urgency.SWEEP)])
        values = [[parts.concern(change.number)], change.subject]
        await connection.execute("UPDATE subject SET concerns = %s, looked = wanted WHERE key = %s", values)


async def wanted(store: Store) -> list[str]:
    """Which subjects are to be looked at again; then they are."""
    async with store.transaction() as connection:
        cursor = await connection.execute("SELECT key FROM subject WHERE wanted > looked ORDER BY key")
        found = [key async for (key,) in cursor]
        await connection.execute("UPDATE subject SET looked = wanted")
    return found


async def test_whoever_stands_there_hears_of_a_change_that_comes_moves_or_leaves(store: Store) -> None:
    apart = ("CI0012345", "payments")
    here, elsewhere = contents(apart=apart), contents(apart=apart, window=LATER)
    first = await opened(store, inside=here)
    late = await opened(store, "pull:78:1", elsewhere)
    for each in (first, late):
        await looked(store, each)
    second = await opened(store, "pull:79:1", here)
    await looked(store, second)
    assert await wanted(store) == [first.subject]
    asking = await do(store, second, ask())
    assert await wanted(store) == [first.subject], "it holds its window now"
    asking = await do(store, asking, Event(Act.ASSESS))
    asking = await do(store, asking, vote("ida"))
    assert await wanted(store) == [], "where it stands is no news"
    moved = await do(store, asking, Event(Act.REVISE, contents=replace(elsewhere, scheduled=True)))
    assert await wanted(store) == [first.subject, late.subject]
    await do(store, moved, Event(Act.CANCEL, why="Closed."))
    assert await wanted(store) == [late.subject]
    for _ in range(2):
        bare = await opened(store, "pull:80:1", contents(window=None))
        assert await wanted(store) == []
        await do(store, bare, Event(Act.CANCEL, why="Closed."))
        assert await wanted(store) == []


LATER = replace(WEEKEND, start=WEEKEND.start + timedelta(days=7), end=WEEKEND.end + timedelta(days=7))


async def test_the_agenda_has_what_a_board_is_to_decide(store: Store) -> None:
    change = await with_board(store)
    await opened(store, "pull:77:8")
    low = await opened(store, "pull:77:9", contents(Tier.LOW))
    await go_on(store, low, context(demands=()))
    assert await ask_of(store, register.agenda) == (change,)


async def test_an_emergency_that_nobody_reviewed_in_time_is_found_until_somebody_does(store: Store) -> None:
    change = await opened(store)
    declared = Event(Act.DECLARE, account("rosa"), INCIDENT, incident="INC1")
    change = await go_on(store, await do(store, await do(store, change, declared), ask("rosa")))
    for login in ("cleo", "cora"):
        change = await do(store, change, vote(login))
    change = await do(store, await go_on(store, change), Event(Act.START))
    change = await do(store, change, Event(Act.FINISH))
    due = MONDAY + timedelta(days=3)
    for application, repository in (("payments", 77), ("payments", 78), ("cards", 77), ("", 77)):
        assert await ask_of(store, register.reviews_due, application, repository) == (change,)
    for application, repository in (("cards", 78), ("", 78), ("", 7)):
        assert await ask_of(store, register.reviews_due, application, repository) == ()
    await do(store, change, Event(Act.REVIEW, account("ida"), "It was right to do this."), context(due))
    assert await ask_of(store, register.reviews_due, "payments", 77) == ()


async def test_what_is_in_no_application_has_nothing_in_common_with_what_is_in_none_either(store: Store) -> None:
    change = await opened(store, inside=contents(application=""))
    async with store.transaction() as connection:
        await connection.execute("UPDATE change SET review_due = %s", [MONDAY])
    assert await ask_of(store, register.reviews_due, "", 78) == ()
    assert await ask_of(store, register.reviews_due, "", 77) == (change,)


async def test_owed_reviews_are_found_by_an_index_and_not_by_reading_every_record(store: Store) -> None:
    async with store.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await (await connection.execute(f"EXPLAIN {register._REVIEWS_DUE}", ["payments", "77"])).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "change_review_due " in text
    assert "change_review_due_here" in text


WAIVER = Waiver(
    "pull:77:7", "evidence:zap", "The scanner is down.", account("ana"), account("rick"), MONDAY, SATURDAY,
    number=3, head="b" * 40, diff="main:first",
)  # fmt: skip


async def test_a_waiver_holds_until_its_end(store: Store) -> None:
    async with store.transaction() as connection:
        entry = await register.keep_waiver(connection, WAIVER, new_id=UUID(int=1))
    assert (entry.kind, entry.subject) == (Kind.WAIVER_GRANTED, "pull:77:7")
    assert entry.body["until"] == "2027-01-09T02:00:00.000000Z"
    assert await ask_of(store, register.waivers_in_force, "pull:77:7", MONDAY) == (WAIVER,)
    assert await ask_of(store, register.waivers_in_force, "pull:77:7", SATURDAY) == ()
    assert await ask_of(store, register.waivers_in_force, "pull:77:7", MONDAY - timedelta(seconds=1)) == ()
    assert await ask_of(store, register.waivers_in_force, "pull:77:8", MONDAY) == ()


async def test_a_waiver_can_be_revoked_once(store: Store) -> None:
    at = MONDAY + timedelta(days=1)
    await ask_of(store, lambda connection: register.keep_waiver(connection, WAIVER, new_id=UUID(int=1)))
    revoke = ("pull:77:7", 3, account("cora"), "The scanner works again.", at)
    entry = await ask_of(store, register.revoke_waiver, *revoke)
    assert (entry.kind, entry.subject, entry.body["finding"]) == (Kind.WAIVER_REVOKED, "pull:77:7", "evidence:zap")
    assert (entry.body["waiver"], entry.body["reason"]) == (str(UUID(int=1)), "The scanner works again.")
    assert await ask_of(store, register.revoke_waiver, *revoke) is None
    assert await ask_of(store, register.revoke_waiver, "pull:77:8", *revoke[1:]) is None
    assert await ask_of(store, register.waivers_in_force, "pull:77:7", at) == ()
    [before] = await ask_of(store, register.waivers_in_force, "pull:77:7", MONDAY)
    assert before.revoked_at == at


async def test_the_database_takes_no_waiver_that_somebody_gives_themselves(store: Store) -> None:
    own = replace(WAIVER, granted_by=WAIVER.asked_by)
    with pytest.raises(psycopg.errors.CheckViolation, match="waiver_is_granted_by_another"):
        await ask_of(store, lambda connection: register.keep_waiver(connection, own, new_id=UUID(int=1)))
    await ask_of(store, lambda connection: register.keep_waiver(connection, WAIVER, new_id=UUID(int=1)))
    for statement in ("DELETE FROM waiver", "UPDATE waiver SET until = now() + interval '1 year'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with store.transaction() as connection:
                await connection.execute(statement)
