"""Keeps a change record and its twin in another system the same, in both directions.

What is sent is noted before it is sent and found again by its correlation id, so that a crash between the two makes no
second record. What people did there is written down once, and done here by the next look at the pull request: with the
same rules, and by whom the policy says that they are. Nothing there authorises anything here by itself.

Approvals are asked for there in the same round as here: before a board is asked anew, the twin goes back to its
beginning, and what was answered until then was about another state of the change.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from bot.changes import carrying, checking, hearing, links, listening, obstacles, parting, parts, register, twin
from bot.changes.clashes import Stage
from bot.changes.links import Link
from bot.changes.model import Change, State
from bot.changes.parting import Parting
from bot.changes.systems import port
from bot.changes.systems.errors import Away, Gone, NotDone, NotFound, Unsettled
from bot.changes.systems.port import Content, Receipt, RecordSystem, Snapshot
from bot.changes.systems.requester import if_need_be_without
from bot.clock import Clock
from bot.errors import Refusal
from bot.facts import names
from bot.ledger import Entry, Kind, append
from bot.ledger.decisions import last_of, last_policy
from bot.policy.model import Policy, Records, System
from bot.queue import Look, Next, Subject, Urgency, Wish, still_mine, want
from bot.store import Store

RECORD = "record"
"""The kind of subject that a record in another system is looked at under: ``record:<number>``."""

AGAIN = timedelta(minutes=2)
"""How often an open record is read there: nobody tells us what people do."""

_ASKING = {port.State.AUTHORIZE, port.State.SCHEDULED}
"""Where people there are asked, or have approved."""

BETWEEN_LOOKS = timedelta(minutes=1)
"""How often a twin is looked for that may still come."""

LATEST = timedelta(minutes=10)
"""After which time it is looked for a second twin, where it was not known whether one would come."""

STUCK = timedelta(minutes=15)
"""How often it is tried again to bring a twin to its end that its system does not let end."""

_OVER = {port.State.CLOSED, port.State.CANCELLED}
"""Where nothing more can be done to a twin."""

Systems = Mapping[System, Callable[[Records], RecordSystem]]


def subject_of(number: str, installation_id: int) -> Subject:
    """The subject under which the record's twin is looked at."""
    return Subject(f"{RECORD}:{number}", RECORD, installation_id, {"number": number})


async def wish(connection: AsyncConnection[Any], change: Change, policy: Policy, installation_id: int) -> None:
    """Have the twin looked at, if there is to be one, when the record has changed since, or is kept elsewhere now."""
    system = policy.records.system
    link = await links.read(connection, change.number)
    if link is None or link.system is System.REGISTER:
        # What was over before there was to be one has none.
        wanted = system is not System.REGISTER and not change.state.over
    else:
        wanted = link.version < change.version or link.is_left(change, system)
    if wanted:
        await want(connection, [Wish(subject_of(change.number, installation_id), Urgency.DEPLOYMENT)])


async def wake(connection: AsyncConnection[Any], number: str, installation_id: int) -> None:
    """Have the twin of a record looked at now, if there is one, or is to be one."""
    if await links.read(connection, number) is not None:
        await want(connection, [Wish(subject_of(number, installation_id), Urgency.PERSON)])


def is_stale(change: Change, link: Link, snapshot: Snapshot) -> bool:
    """Whether people there are asked about, or have approved, another state of the change than is asked about here."""
    # Who begins there before it is released here goes by what was approved there, too.
    asking = {*_ASKING, port.State.IMPLEMENT} if change.state not in obstacles.RELEASED else _ASKING
    if change.state.over or snapshot.state not in asking:
        return False
    return change.state in {State.DRAFT, State.ASSESS} or link.round != change.round


def is_sent_back(change: Change, link: Link, snapshot: Snapshot) -> bool:
    """Whether somebody there took the record out of the round of asking that goes on here."""
    asking = change.state is State.AUTHORIZE and link.round == change.round
    return asking and snapshot.state in {port.State.DRAFT, port.State.ASSESS}


def ends_the_wait(change: Change, link: Link, began: datetime) -> bool:
    """Whether a reading that began then is the first from which it is known what was said there in time."""
    deadline = change.deadline
    return deadline is not None and (link.read_at is None or link.read_at < deadline) and deadline <= began


@dataclass(frozen=True, slots=True)
class Sync:
    """The handler of the twins. ``systems`` has what is set up, each made for what a policy says of it."""

    store: Store
    systems: Systems
    clock: Clock
    web_url: str

    async def look(self, look: Look) -> Next:
        """Bring the twin to what the record says, and hear what people did there.

        Raises:
            Transient: the system is away, slow, or refuses for now; it is asked again.

        """
        number, began = look.subject.about["number"], self.clock()
        async with self.store.transaction() as connection:
            change = await register.by_number(connection, number)
            # The pull request that it was opened for can have left, and says nothing of it any more.
            decided = await last_of(connection, await parts.page(connection, number)) if change is not None else None
            link = await links.read(connection, number)
        if change is None or decided is None:
            return Next(over=True)
        policy = decided.made.policy
        if link is not None and link.is_left(change, policy.records.system):
            await self._leave(look, change, link, policy)
        elif link is not None and link.system not in {System.REGISTER, policy.records.system}:
            # What has been released, or is over, comes to its end where it was kept.
            policy = await self._policy_in(change, link.system, policy)
        if policy.records.system is System.REGISTER:
            return Next(over=True)
        try:
            over = await self._bring(look, change, policy, began)
        except Gone as gone:
            await self._note(change, str(gone), look)
            if change.state is State.CANCELLED:
                # There is nothing left to be cancelled.
                return Next(over=True)
            raise
        except Refusal as refused:
            await self._note(change, str(refused), look)
            raise
        except Away as away:
            await self._failed(change, f"{self._system(policy.records).name} {away.how}", look)
            raise
        if over:
            return Next(over=True)
        return Next(at=_again(change, began, self.clock()))

    async def _bring(self, look: Look, change: Change, policy: Policy, began: datetime) -> bool:
        """Do all of it; whether both are over. What is in the way there is noted, and no error of ours."""
        name = policy.records.system
        link = await self._link(change, name)
        system = self._system(policy.records)
        link, snapshot = await self._current(look, change, policy, system, link)
        if is_sent_back(change, link, snapshot) and await self._hear_why(look, change, policy, link, snapshot):
            # Whether that counts is for the next look at the pull request to say; until then nobody is asked again.
            return False
        content = twin.content_of(change, policy.records, link.generation)
        was_released = change.state in obstacles.RELEASED
        tell = self._tell_how_it_went if was_released else self._tell_what_it_is
        snapshot, held, problem = await tell(system, link, change, snapshot, content, name)
        if await self._carry(look, change, policy, system, snapshot):
            snapshot = await system.read(_id(link))
            snapshot, held, problem = await tell(system, replace(link, sent=held), change, snapshot, content, name)
        await self._receive(look, change, policy, link, snapshot, held, problem, began)
        await self._check(look, change, system, _id(link), snapshot)
        return change.state.over and (snapshot.state in _OVER or not (problem or was_released))

    async def _leave(self, look: Look, change: Change, link: Link, policy: Policy) -> None:
        """Take leave of the twin, since the policy keeps the record in another system now.

        Raises:
            Away: that system cannot be asked now, and nothing else has to wait for that.

        """
        records = (await self._policy_in(change, link.system, policy)).records
        found = await self._take_leave(look, change, link, records, policy.records.system)
        async with self.store.transaction() as connection:
            entries = await parting.keep(connection, change, link, records, found)
            await _news(connection, change, look)
            await append(connection, entries, at=self.clock())

    async def _take_leave(self, look: Look, change: Change, link: Link, records: Records, to: System) -> Parting:
        try:
            system = self._system(records)
        except Refusal as refused:
            return parting.untold(link, refused.what)
        try:
            return await parting.take_leave(
                system, link, twin.correlation_id(change, link.generation), parting.note(change, to)
            )
        except Away as away:
            how = f"{system.name} {away.how}"
            if to is not System.REGISTER:
                # The next twin does not wait for a system that may be gone for good.
                return parting.untold(link, f"{how}.")
            await self._failed(change, how, look)
            raise

    async def _policy_in(self, change: Change, system: System, policy: Policy) -> Policy:
        """The last policy that kept the record in that system, which says how to speak with it."""
        async with self.store.transaction() as connection:
            found = await last_policy(connection, await parts.page(connection, change.number), system)
            # Whoever ships with it now may have come when it was kept elsewhere already.
            found = found or await last_policy(connection, change.subject, system)
        return found or replace(policy, records=Records(system))

    def _system(self, records: Records) -> RecordSystem:
        """The system that the policy names, as it says that it is.

        Raises:
            Refusal: Countersign is not connected to it.

        """
        make, name = self.systems.get(records.system), records.system
        if make is None:
            raise Refusal(
                f"The policy keeps change records in {name.spoken}, and Countersign is not connected to it.",
                remedy=f"Whoever runs Countersign sets {name.value.upper()}_URL and its account.",
            )
        return make(records)

    async def _current(
        self, look: Look, change: Change, policy: Policy, system: RecordSystem, link: Link
    ) -> tuple[Link, Snapshot]:
        """The twin that the record has now, in which nobody is asked about, or has approved, another state of it."""
        records, name = policy.records, policy.records.system
        if link.adopt is not None:
            link = await self._adopt(look, change, twin.content_of(change, records, link.generation), system, link)
        if link.id is not None and link.kind not in {"", change.contents.kind.value}:
            link = await self._replace(change, link, system, name)
        link, snapshot = await self._open(look, change, records, system, link)
        if is_stale(change, link, snapshot):
            # What the board said against it is said there, too, before nobody is asked any more.
            await self._carry(look, change, policy, system, snapshot)
            link, snapshot = await self._begin_anew(look, change, records, system, link, name)
        return link, snapshot

    async def _tell_what_it_is(
        self, system: RecordSystem, link: Link, change: Change, snapshot: Snapshot, content: Content, name: System
    ) -> tuple[Snapshot, str, str]:
        """Bring the twin to what the record says and to where it is; answers as ``_tell_how_it_went`` does."""
        ref, wanted = _id(link), twin.digest(content)
        if not change.state.over and (link.sent != wanted or await self._is_astray(change, link, snapshot)):
            await if_need_be_without(system, content, partial(system.update, ref))
            snapshot = await system.read(ref)
        snapshot, problem = await self._move(system, ref, change, snapshot)
        return snapshot, wanted, problem or obstacles.in_the_way(change, snapshot, name)

    async def _tell_how_it_went(
        self, system: RecordSystem, link: Link, change: Change, snapshot: Snapshot, content: Content, name: System
    ) -> tuple[Snapshot, str, str]:
        """Bring the twin to where the record is, with when it was really made and what came of it.

        Answers the twin as it is then, the digest of what it holds, and what is in the way there. What was made is
        written before the twin is closed: afterwards, nobody there may write it any more.
        """
        ref, wanted = _id(link), twin.digest(content)
        if snapshot.state in _OVER:
            problem = obstacles.in_the_way(change, snapshot, name) or obstacles.ended_otherwise(change, snapshot, name)
            return snapshot, link.sent if problem else wanted, problem
        until = port.State.IMPLEMENT if change.state is State.IMPLEMENT else port.State.REVIEW
        if snapshot.state is not until and not port.is_past(snapshot.state, until):
            async with self.store.transaction() as connection:
                await links.asked(connection, change.number, change.round)
            snapshot, problem = await _moved(system, ref, until)
            if problem:
                return snapshot, link.sent, problem
        if link.sent != wanted:
            await if_need_be_without(system, content, partial(system.update, ref))
        problem = ""
        if change.state is State.CLOSED:
            snapshot, problem = await _moved(system, ref, port.State.CLOSED, twin.closure_of(change))
        return snapshot, wanted, problem or obstacles.in_the_way(change, snapshot, name)

    async def _link(self, change: Change, name: System) -> Link:
        """The twin as it is on record, in the system that the policy names now."""
        async with self.store.transaction() as connection:
            await links.intend(connection, change.number, name, self.clock())
            link = await links.read(connection, change.number)
            assert link is not None, "the intention was noted"
            if link.system is not name:
                await links.replaced(connection, change.number, link, name)
                link = await links.read(connection, change.number)
                assert link is not None, "it was there a moment ago"
        return link

    async def _again(self, change: Change) -> Link:
        async with self.store.transaction() as connection:
            link = await links.read(connection, change.number)
        assert link is not None, "a twin that is intended stays so"
        return link

    async def _open(
        self, look: Look, change: Change, records: Records, system: RecordSystem, link: Link
    ) -> tuple[Link, Snapshot]:
        """The twin, made when there is none, which is told then; and as it is there now."""
        if link.id is None:
            receipt = await self._made(change, records, system, link)
            async with self.store.transaction() as connection:
                entries = await links.linked(connection, change, receipt)
                late = self.clock() + LATEST if link.unsettled is not None else None
                await links.settles(connection, change.number, late)
                if entries:
                    await _news(connection, change, look)
                await append(connection, entries, at=self.clock())
            return (link := await self._again(change)), await system.read(_id(link))
        try:
            snapshot = await system.read(link.id)
        except NotFound as missing:
            raise obstacles.gone(change, link.number, system.name) from missing
        if link.unsettled is not None and self.clock() >= link.unsettled:
            # What was asked for and not answered may have been done after another one was made.
            await system.find(twin.correlation_id(change, link.generation), kept=link.id)
            async with self.store.transaction() as connection:
                await links.settles(connection, change.number, None)
        return link, snapshot

    async def _made(self, change: Change, records: Records, system: RecordSystem, link: Link) -> Receipt:
        """The twin, made when there is none, and none can come any more that was asked for before.

        Raises:
            Away: nobody knows whether it was made, or is still to come.

        """
        content = twin.content_of(change, records, link.generation)
        if link.unsettled is not None and self.clock() < link.unsettled:
            found = await system.find(content.correlation_id)
            if found is None:
                what = f"the record of {change.number} in {system.name}, which may still be made there"
                again = min(link.unsettled, self.clock() + BETWEEN_LOOKS)
                raise Away(what, until=again, how="has not said whether it has made the record")
            return found
        noted = partial(self._noted, change, system, link)
        try:
            return await if_need_be_without(system, content, partial(system.open, asking=noted))
        except Unsettled as unknown:
            await self._settles(change, unknown.settled)
            # It is looked for meanwhile: most often, only the answer is lost.
            raise Away(unknown.waits_for, how=unknown.how) from unknown

    @asynccontextmanager
    async def _noted(self, change: Change, system: RecordSystem, link: Link) -> AsyncIterator[None]:
        """Note that a record is asked for, while it is: whoever is killed then leaves it unknown whether one comes."""
        await self._settles(change, self.clock() + system.settles)
        try:
            yield
        except (NotDone, Refusal):
            await self._settles(change, link.unsettled)
            raise

    async def _settles(self, change: Change, at: datetime | None) -> None:
        async with self.store.transaction() as connection:
            await links.settles(connection, change.number, at)

    async def _adopt(self, look: Look, change: Change, content: Content, system: RecordSystem, link: Link) -> Link:
        """The twin that somebody wants to have, or why that cannot be on record.

        What was answered there before was no answer about this change, and is not heard.
        """
        number = link.adopt
        assert number is not None, "somebody named one"
        try:
            receipt = await if_need_be_without(system, content, partial(system.adopt, number))
            earlier = await system.read(receipt.id)
        except Refusal as refused:
            async with self.store.transaction() as connection:
                await links.not_adopted(connection, change.number, number, str(refused))
                await _news(connection, change, look)
            return await self._again(change)
        async with self.store.transaction() as connection:
            entries = await links.adopted(connection, change, receipt, number)
            before = hearing.heard(change, earlier, Records())
            outcome = f"before: {number} was linked after that."
            entries += await links.hear(connection, change, before, outcome=outcome) if entries else []
            await append(connection, entries, at=self.clock())
            await _news(connection, change, look)
        return await self._again(change)

    async def _replace(self, change: Change, link: Link, system: RecordSystem, name: System) -> Link:
        """Give the twin up, and have another one made: it cannot become what the record is now."""
        await system.move(_id(link), port.State.CANCELLED)
        await system.add_note(_id(link), f"Countersign keeps {change.number} in another record from now on.")
        async with self.store.transaction() as connection:
            await links.replaced(connection, change.number, link, name)
        return await self._again(change)

    async def _begin_anew(
        self, look: Look, change: Change, records: Records, system: RecordSystem, link: Link, name: System
    ) -> tuple[Link, Snapshot]:
        """Take the twin back to its beginning, so that people there are asked about the change as it is now."""
        try:
            await system.move(_id(link), port.State.DRAFT)
        except Refusal:
            return await self._open(look, change, records, system, await self._replace(change, link, system, name))
        snapshot = await system.read(_id(link))
        async with self.store.transaction() as connection:
            # Nobody is asked there now: whatever is answered was so before.
            carried = await carrying.noted(connection, change.number)
            before = hearing.heard(change, replace(snapshot, planned=None), records, carried=carried)
            for each in before:
                said = listening.said(each, records.system)
                outcome = f"not counted: {said}, which was about an earlier state of the change."
                entries = await links.hear(connection, change, [each], outcome=outcome)
                await append(connection, entries, at=self.clock())
            await links.asked(connection, change.number, 0)
        return await self._again(change), snapshot

    async def _hear_why(self, look: Look, change: Change, policy: Policy, link: Link, snapshot: Snapshot) -> bool:
        """Write down why the record was sent back there; whether that is still to be judged here."""
        async with self.store.transaction() as connection:
            if not await still_mine(connection, look):
                return True
            carried = await carrying.noted(connection, change.number)
            deeds = hearing.heard(change, snapshot, policy.records, link.planned, sent_back=True, carried=carried)
            entries = await links.hear(connection, change, [replace(each, round=link.round) for each in deeds])
            waiting = await links.unanswered(connection, change.number)
            if await links.answers(connection, change.number, link) or entries:
                await _news(connection, change, look)
            await append(connection, entries, at=self.clock())
        return bool(waiting)

    async def _is_astray(self, change: Change, link: Link, snapshot: Snapshot) -> bool:
        """Whether the twin is planned otherwise although that was heard, and not taken here."""
        planned = hearing.planned_there(change, snapshot)
        if not planned or planned != link.planned:
            return False
        async with self.store.transaction() as connection:
            waiting = await links.unanswered(connection, change.number)
        return all(deed.deed != "schedule" for _, deed in waiting)

    async def _move(self, system: RecordSystem, ref: str, change: Change, snapshot: Snapshot) -> tuple[Snapshot, str]:
        """Bring the twin to the record's state; answers why that system does not let it, which is no error of ours."""
        target = port.State(change.state.value)
        # What follows an unauthorised release, such as its review, is no other reason for the same note.
        follows = snapshot.state is target and (change.reminded or change.retrospective is not None)
        if (change.is_unauthorised and not follows) or (change.abandoned and snapshot.state is not target):
            await system.add_note(ref, f"Countersign cancels {change.number}. {change.notes}")
        if snapshot.state is target or port.is_past(snapshot.state, target):
            return snapshot, ""
        if snapshot.state is port.State.CANCELLED:
            return snapshot, ""
        if change.state in {State.AUTHORIZE, State.SCHEDULED}:
            async with self.store.transaction() as connection:
                await links.asked(connection, change.number, change.round)
        return await _moved(system, ref, target)

    async def _receive(
        self,
        look: Look,
        change: Change,
        policy: Policy,
        before: Link,
        snapshot: Snapshot,
        wanted: str,
        problem: str,
        began: datetime,
    ) -> None:
        """Write down what was sent and what was heard, and have the pull request looked at when that is news.

        ``began`` is the moment until which everything has been read.
        """
        async with self.store.transaction() as connection:
            if not await still_mine(connection, look):
                return
            link = await links.read(connection, change.number)
            assert link is not None, "a twin that is intended stays so"
            carried = await carrying.noted(connection, change.number)
            deeds = hearing.heard(change, snapshot, policy.records, link.planned, carried=carried)
            entries = await links.hear(connection, change, [replace(each, round=link.round) for each in deeds])
            entries += await carrying.received(connection, change, snapshot, self.clock()) if carried else []
            answers = await links.answers(connection, change.number, link)
            news = answers or bool(entries) or link.problem != problem
            news = news or (change.state is State.SCHEDULED and before.version < change.version)
            news = news or ends_the_wait(change, link, began)
            if link.sent != wanted or before.version < change.version:
                body = {"change": change.number, "number": snapshot.receipt.number, "state": change.state.value}
                entries.append(Entry(Kind.RECORD_SENT, change.subject, {**body, "sha256": wanted}))
            planned = hearing.planned_there(change, snapshot)
            await links.sent(
                connection,
                change,
                wanted,
                state_there=snapshot.state_there,
                problem=problem,
                planned=planned,
                at=began,
            )
            if news:
                await _news(connection, change, look)
            await append(connection, entries, at=self.clock())

    async def _carry(
        self, look: Look, change: Change, policy: Policy, system: RecordSystem, snapshot: Snapshot
    ) -> bool:
        """Write the votes of the board's decision into the approvals that wait for them there; whether any was sent."""
        if not policy.records.carry_votes:
            return False
        async with self.store.transaction() as connection:
            link = await links.read(connection, change.number)
            bound = await names.bind(connection, {login.lower() for _, login in policy.records.people}, ())
            mine = link is not None and link.round == change.round and await still_mine(connection, look)
            found = carrying.to_carry(change, snapshot, policy.records, bound, self.web_url) if mine else ()
            for each in found:
                # What is sent is noted before: when the answer is lost, it is known for what it is.
                await carrying.note(connection, change, each, self.clock())
        for each in found:
            try:
                await system.answer(snapshot.receipt.id, each.approval, each.state, each.words)
            except Refusal as refused:
                async with self.store.transaction() as connection:
                    if await carrying.refused(connection, change.number, each.approval, str(refused)):
                        await _news(connection, change, look)
        return bool(found)

    async def _check(self, look: Look, change: Change, system: RecordSystem, ref: str, snapshot: Snapshot) -> None:
        """Ask what that system knows to be in the way of the window that is written there, and have it told."""
        found = await checking.check(self.store, system, change, ref, snapshot)
        if found is None:
            return
        async with self.store.transaction() as connection:
            if not await still_mine(connection, look):
                return
            await checking.keep(connection, change.number, found)
            if found.stage is not Stage.ASKED:
                await _news(connection, change, look)

    async def _note(self, change: Change, problem: str, look: Look) -> None:
        """Write down what is refused, by a system that has answered."""
        async with self.store.transaction() as connection:
            if not await still_mine(connection, look):
                return
            link = await links.read(connection, change.number)
            assert link is not None, "a twin that is intended stays so"
            answers = await links.answers(connection, change.number, link)
            if await links.note(connection, change.number, problem) or answers:
                await _news(connection, change, look)

    async def _failed(self, change: Change, what: str, look: Look) -> None:
        """Write down how that system fails, and have the pull request looked at when another thing is to be told."""
        async with self.store.transaction() as connection:
            mine = await still_mine(connection, look)
            if mine and await links.failed(connection, change.number, what, self.clock()):
                await _news(connection, change, look)


def _again(change: Change, began: datetime, now: datetime) -> datetime:
    """When a twin is read again of which a reading began then."""
    usual = now + (STUCK if change.state.over else AGAIN)
    # What people said there in time is known when it is read once more afterwards.
    return min(usual, change.deadline) if change.deadline is not None and began < change.deadline else usual


async def _moved(
    system: RecordSystem, ref: str, state: port.State, closure: port.Closure | None = None
) -> tuple[Snapshot, str]:
    """The twin, brought to a state, or as it is where that system does not let it; and why not, in its words."""
    try:
        return await system.move(ref, state, closure=closure), ""
    except Refusal as refused:
        return await system.read(ref), str(refused)


def _id(link: Link) -> str:
    assert link.id is not None, "the twin has been opened"
    return link.id


async def _news(connection: AsyncConnection[Any], change: Change, look: Look) -> None:
    """Have every pull request that ships with it looked at again: the one that it was opened for can have left."""
    first = Wish(Subject(change.subject, "pull", look.subject.installation_id, {}), Urgency.PERSON)
    await want(connection, [first], concerns={parts.concern(change.number): Urgency.PERSON})
