"""What is to be announced is kept with what it tells of, and said once in the conversation of its pull request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from bot.changes import outbox, register
from bot.changes.announce import announce
from bot.changes.context import Context
from bot.changes.lifecycle import advance, apply
from bot.changes.model import Act, Applied, Change, Choice, Event
from bot.errors import Transient
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.ledger import append
from bot.policy.model import OnTimeout
from bot.publish.conversation import Conversation
from bot.sandbox import Fault, SimulatedGitHub
from bot.store import Store
from tests.unit.builders import account
from tests.unit.changes.builders import MONDAY, SATURDAY, ask, contents, context, on_timeout, vote

POSTS = r"POST .*/comments"


@dataclass
class Desk:
    """A pull request and its change record."""

    store: Store
    client: InstallationClient
    gh: SimulatedGitHub
    pull: Any
    ana: Any

    @property
    def subject(self) -> str:
        return f"pull:{self.pull.repository.id}:{self.pull.number}"

    async def opened(self) -> Change:
        async with self.store.transaction() as connection:
            change, _ = await register.open_record(connection, self.subject, contents(), MONDAY)
        return change

    async def keep(self, steps: Sequence[Applied]) -> Change:
        async with self.store.transaction() as connection:
            for step in steps:
                await append(connection, [await register.keep(connection, step)], at=MONDAY)
        return steps[-1].change

    async def do(self, change: Change, event: Event, where: Context | None = None) -> Change:
        """What somebody does to the record, and what follows."""
        found = apply(change, event, where or context())
        assert isinstance(found, Applied), found
        return await self.keep([found, *advance(found.change, where or context())])

    async def on_the_agenda(self) -> Change:
        return await self.do(await self.opened(), ask())

    async def announce(self, at: datetime = MONDAY, client: InstallationClient | None = None) -> None:
        repository = self.pull.repository
        conversation = Conversation(
            self.store, client or self.client, repository.owner.login, repository.name, self.pull.number, Lane.PERSON
        )
        await announce(self.store, conversation, self.subject, lambda: at)

    @property
    def said(self) -> list[str]:
        return [each.body.replace("\\", "") for each in self.pull.comments]

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        async with self.store.transaction() as connection:
            return await (await connection.execute(statement)).fetchall()


@pytest.fixture
async def desk(store: Store, gh: SimulatedGitHub, client: InstallationClient) -> Desk:
    gh.world.clock = lambda: MONDAY
    org = gh.organisation("acme")
    ana = org.person("ana")
    ledger: Any = org.repository("ledger", files={"a": "1\n"}, access={ana: "admin"})
    pull = ledger.open_pull_request(by=ana, title="Balance", files={"a": "2\n"})
    return Desk(store, client, gh, pull, ana)


async def test_the_board_is_called_once_and_that_is_on_record(desk: Desk) -> None:
    change = await desk.on_the_agenda()
    assert desk.said == []
    for _ in range(2):
        await desk.announce()
    [said] = desk.said
    assert said.startswith("@acme/cab @acme/it @acme/risk @acme/compliance: CHG-2027-0001, ")
    assert said.endswith("\n\n<!-- countersign:announcement:CHG-2027-0001:3 -->")
    [(comment,)] = await desk.rows("SELECT comment_id FROM announcement")
    assert comment == desk.pull.comments[0].id
    [(subject, body)] = await desk.rows(
        "SELECT subject, convert_from(body, 'UTF8')::jsonb -> 'body' FROM ledger_entry "
        "WHERE kind = 'countersign:change:announced'"
    )
    assert subject == change.number
    assert body == {
        "change": change.number,
        "version": 3,
        "called": ["acme/cab", "acme/it", "acme/risk", "acme/compliance"],
        "comment": comment,
    }


async def test_what_is_rolled_back_is_not_announced(desk: Desk) -> None:
    change = await desk.opened()
    submitted = apply(change, ask(), context())
    assert isinstance(submitted, Applied)

    async def keep_and_fail() -> None:
        async with desk.store.transaction() as connection:
            for step in (submitted, *advance(submitted.change, context())):
                await register.keep(connection, step)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await keep_and_fail()
    await desk.announce()
    assert desk.said == []


async def test_an_answer_that_did_not_arrive_is_looked_for_before_it_is_said_again(desk: Desk) -> None:
    await desk.on_the_agenda()
    desk.gh.faults.add(Fault(POSTS, "cut-after"))
    with pytest.raises(Transient):
        await desk.announce()
    assert len(desk.said) == 1
    await desk.announce()
    assert len(desk.said) == 1
    assert await desk.rows("SELECT comment_id FROM announcement") == [(desk.pull.comments[0].id,)]


async def test_what_github_did_not_take_is_said_later(desk: Desk) -> None:
    await desk.on_the_agenda()
    desk.gh.faults.add(Fault(POSTS, "cut-before"))
    with pytest.raises(Transient):
        await desk.announce()
    assert desk.said == []
    await desk.announce()
    assert len(desk.said) == 1


async def test_a_marker_that_somebody_else_wrote_keeps_nothing_from_being_said(desk: Desk) -> None:
    await desk.on_the_agenda()
    desk.pull.comment(by=desk.ana, body="Nothing to see.\n\n<!-- countersign:announcement:CHG-2027-0001:3 -->")
    desk.gh.faults.add(Fault(POSTS, "cut-before"))
    with pytest.raises(Transient):
        await desk.announce()
    await desk.announce()
    assert [each.startswith("@acme/cab") for each in desk.said] == [False, True]


async def test_what_was_overtaken_before_it_could_be_said_is_dropped(desk: Desk) -> None:
    change = await desk.on_the_agenda()
    for login in ("ida", "rick", "cora"):
        change = await desk.do(change, vote(login))
    await desk.announce()
    assert desk.said == []
    assert await desk.rows("SELECT comment_id, dropped_at FROM announcement") == [(None, MONDAY)]


async def test_who_can_verify_a_release_is_called_and_reminded_once(desk: Desk) -> None:
    change = await desk.do(await desk.opened(), ask())
    for login in ("ida", "rick", "cora"):
        change = await desk.do(change, vote(login))
    start = Event(Act.START, account("rosa"), "It was merged.")
    change = await desk.do(change, start, context(SATURDAY))
    change = await desk.do(change, Event(Act.FINISH, account("rosa")), context(SATURDAY))
    await desk.announce()
    [called] = desk.said
    assert called.startswith("@acme/verification: CHG-2027-0001, ")
    await desk.keep(advance(change, context(SATURDAY + timedelta(hours=4))))
    for _ in range(2):
        await desk.announce()
    assert ["nobody had confirmed" in each for each in desk.said] == [False, True]


async def test_of_several_that_wait_the_newest_is_said(desk: Desk) -> None:
    policy = on_timeout(OnTimeout.EXTEND)
    routed = replace(contents().routing, on_timeout=OnTimeout.EXTEND)
    async with desk.store.transaction() as connection:
        change, _ = await register.open_record(connection, desk.subject, contents(routing=routed), MONDAY)
    change = await desk.do(change, ask(), context(policy=policy))
    later = MONDAY + timedelta(hours=25)
    await desk.keep(advance(change, context(later, policy=policy)))
    await desk.announce(later)
    [said] = desk.said
    assert "was not decided by 2027-01-05 12:00 UTC. The board has until 2027-01-06 13:00 UTC now." in said
    assert await desk.rows("SELECT version, dropped_at FROM announcement ORDER BY version") == [(3, later), (4, None)]


async def test_a_record_that_was_given_up_and_its_successor_speak_each_for_itself(desk: Desk) -> None:
    change = await desk.on_the_agenda()
    for login in ("ida", "rick", "cora"):
        change = await desk.do(change, vote(login, Choice.REJECT, "Not before the audit."))
    assert change.state == "draft"
    await desk.announce()
    assert desk.said[0].startswith("@ana: CHG-2027-0001, Settle twice a day, was rejected by the board.")


async def test_there_is_one_announcement_of_a_transition(desk: Desk) -> None:
    await desk.on_the_agenda()
    async with desk.store.transaction() as connection:
        [waiting] = await outbox.waiting(connection, desk.subject)
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with desk.store.transaction() as connection:
            await outbox.keep(connection, waiting)
    async with desk.store.transaction() as connection:
        assert await outbox.waiting(connection, "pull:1:1") == []


async def test_whoever_comes_second_puts_nothing_on_record(desk: Desk) -> None:
    await desk.on_the_agenda()
    async with desk.store.transaction() as connection:
        [waiting] = await outbox.waiting(connection, desk.subject)
    announcing = outbox.Announcing(waiting, lambda: MONDAY)
    async with desk.store.transaction() as connection:
        assert [await announcing.intend(connection) for _ in range(2)] == [True, False]
        for comment in (5, 6):
            await announcing.receive(connection, comment)
        await outbox.drop(connection, waiting, MONDAY)
    assert await desk.rows("SELECT comment_id, dropped_at FROM announcement") == [(5, None)]
    kinds = await desk.rows("SELECT kind FROM ledger_entry WHERE kind = 'countersign:change:announced'")
    assert len(kinds) == 1
