"""What a look at a change record reads beside the facts: what people laid down, the board, and what the change does."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bot.changes import gather, parts, register
from bot.changes.desk import Desk
from bot.changes.lifecycle import apply
from bot.changes.model import Act, Applied, Change, Event, Part, State
from bot.changes.waivers import Waiver
from bot.decide.evaluate import decide
from bot.facts import pull_request
from bot.facts.model import (
    Account,
    AccountKind,
    Ended,
    Instructed,
    Permission,
    PullRequestFacts,
    PullRequestState,
    Repository,
)
from bot.facts.pull_request import Place
from bot.github.client import InstallationClient
from bot.github.lanes import Lane
from bot.policy import digest
from bot.policy.model import BOARD, EMERGENCY_BOARD, Approvals, OnTimeout, Policy, Records, System, Tier, TierRules
from bot.sandbox import SimulatedGitHub
from bot.sandbox.pulls import Turn
from bot.store import Store
from tests.unit.builders import account
from tests.unit.changes.builders import MONDAY, contents, context, on_timeout, rules, standings, vote
from tests.unit.changes.builders import ask as ask_board
from tests.unit.changes.test_desk import FACTS, PULL
from tests.unit.changes.test_instructions import LATER, ask, lay_down

BARE = rules(tiers=dict.fromkeys(Tier, TierRules((Approvals(1, ("write",)),))))
HIGH = rules(roles={**rules().roles, EMERGENCY_BOARD: ("acme/ecab",), "verifier": ("acme/verification",)})


NOTHING = gather.Laid(FACTS, ())


@dataclass
class Bench:
    """A pull request, who is on the boards, and how the record is gathered."""

    store: Store
    client: InstallationClient
    facts: PullRequestFacts
    base: str
    pull: Any
    ana: Any

    async def laid_down(self, at: datetime, *, commands: bool = False) -> gather.Laid:
        return await gather.laid_down(
            self.store,
            self.client,
            PULL,
            self.facts,
            at,
            base_tip=self.base,
            commands=commands,
            lane=Lane.PERSON,
        )

    async def record(
        self, policy: Policy = HIGH, *, asked: bool = False, facts: PullRequestFacts | None = None
    ) -> tuple[PullRequestFacts, Desk | None]:
        known = facts or self.facts
        return await gather.record(
            self.store,
            self.client,
            PULL,
            known,
            policy,
            decide(known, policy, MONDAY),
            base_tip=self.base,
            asked=asked,
            lane=Lane.PERSON,
            now=MONDAY,
        )

    async def ended(self, facts: PullRequestFacts, *, asked: bool = False, subject: str = PULL) -> Desk | None:
        decision = decide(facts, HIGH, MONDAY)
        return await gather.ended(
            self.store,
            self.client,
            subject,
            facts,
            HIGH,
            decision,
            asked=asked,
            waiting=False,
            lane=Lane.PERSON,
            now=MONDAY,
        )


@pytest.fixture
async def place(store: Store, gh: SimulatedGitHub, client: InstallationClient) -> Bench:
    org = gh.organisation("acme")
    ana = org.person("ana")
    for team, who in (("cab", "cleo"), ("ecab", "emil"), ("it", "ida"), ("verification", "vera")):
        org.team(team, members=[org.person(who)])
    ledger: Any = org.repository("ledger", files={"a": "1\n"}, access={ana: "admin"})
    pull = ledger.open_pull_request(by=ana, title="Balance", files={"a": "2\n"})
    read = await pull_request.read(client, Place("acme", "ledger", pull.number, ledger.id), ".github", Lane.PERSON)
    assert read is not None
    return Bench(store, client, read.facts, read.base_tip, pull, ana)


def there(found: Desk | None) -> Change:
    assert found is not None
    assert found.change is not None
    return found.change


# What people laid down.


async def test_what_was_laid_down_and_waived_becomes_part_of_the_facts(store: Store, place: Bench) -> None:
    await lay_down(store, Instructed.HOLD, "held")
    wish = await ask(store)
    waiver = Waiver(
        PULL, "rule:x", "It is a typo.", account("ana"), account("rick"), MONDAY, MONDAY + timedelta(days=1)
    )
    async with store.transaction() as connection:
        await register.keep_waiver(connection, waiver, new_id=UUID(int=1))
    laid = await place.laid_down(LATER - timedelta(days=1))
    assert laid.asked == (wish,)
    assert laid.facts.waivers == (), "it was granted later than that"
    assert (laid.facts.diff, laid.diff.startswith("main:")) == ("", True), "a wish is for the change as it is"
    laid = await place.laid_down(MONDAY)
    assert [(each.kind, each.value) for each in laid.facts.instructions] == [(Instructed.HOLD, "held")]
    assert [each.finding for each in laid.facts.waivers] == ["rule:x"]
    assert laid.facts.diff == laid.diff != ""
    assert laid.asked == (), "the wish is over by then"


async def test_who_asked_becomes_part_of_the_facts(store: Store, place: Bench) -> None:
    async with store.transaction() as connection:
        change, _ = await register.open_record(connection, PULL, contents(), MONDAY)
        asking = apply(change, ask_board("rosa"), context())
        assert isinstance(asking, Applied)
        await register.keep(connection, asking)
        waived = Part(PULL, contents(), waiving=(account("ana"),))
        await parts.keep(connection, change.number, waived)
        await parts.join(connection, change.number, "pull:77:8", MONDAY)
        await parts.keep(connection, change.number, replace(waived, subject="pull:77:8", waiving=(account("ben"),)))
    laid = await place.laid_down(MONDAY)
    assert laid.facts.requesters == (account("rosa"),)
    assert laid.facts.waiving == (account("ben"),), "its own waivers are known as such"


async def test_where_nothing_depends_on_it_nobody_asks_what_the_change_does(place: Bench) -> None:
    laid = await place.laid_down(MONDAY)
    assert (laid.facts, laid.asked, laid.diff) == (place.facts, (), "")
    asked_about = await place.laid_down(MONDAY, commands=True)
    assert (asked_about.facts, asked_about.asked) == (place.facts, ()), "facts are not what somebody says"
    assert asked_about.diff.startswith("main:")
    assert asked_about.diff.endswith(f"@{place.facts.head.oid}")


# The record.


async def test_where_no_record_is_wanted_github_is_asked_nothing(place: Bench, gh: SimulatedGitHub) -> None:
    before = gh._requests
    facts, found = await place.record(BARE)
    assert (facts, found and found.change) == (place.facts, None)
    assert gh._requests == before


async def test_who_asks_for_a_record_has_one(place: Bench) -> None:
    facts, found = await place.record(BARE, asked=True)
    assert facts.record is not None
    assert there(found).number == facts.record.number
    again, kept = await place.record(BARE)
    assert there(kept) == there(found), "from then on it is looked at, whoever asks"
    assert again.record == facts.record


async def test_the_board_is_read_with_who_signs_and_nobody_else(place: Bench) -> None:
    _, found = await place.record()
    assert found is not None
    assert {each.account.login: each.teams for each in found.context.standings} == {
        "cleo": ("acme/cab",),
        "emil": ("acme/ecab",),
        "ida": ("acme/it",),
    }
    assert found.context.policy_digest == digest.digest(HIGH)


async def test_a_change_is_known_by_what_it_does(place: Bench) -> None:
    _, first = await place.record()
    moved = replace(
        place.facts, head=replace(place.facts.head, oid=place.pull.push(by=place.ana, files={"a": "3\n"}).oid)
    )
    _, second = await place.record(facts=moved)
    assert there(first).contents.diff != there(second).contents.diff
    assert there(first).contents.diff != place.facts.head.oid


@pytest.mark.parametrize(("asked", "more"), [(False, 1), (True, 2)])
async def test_only_of_what_a_board_was_asked_github_is_asked_whether_it_is_the_same(
    place: Bench, gh: SimulatedGitHub, asked: bool, more: int
) -> None:
    _, found = await place.record()
    _, _, name = (await place.laid_down(MONDAY, commands=True)).diff.partition(":")
    async with place.store.transaction() as connection:
        await parts.close(connection, there(found).number)
        looked_at = contents(head=place.facts.head.oid, diff=name)
        change, _ = await register.open_record(connection, PULL, looked_at, MONDAY)
        await parts.keep(connection, change.number, Part(PULL, looked_at))
        for event in (Event(Act.SUBMIT, account("ana")), Event(Act.ASSESS)) if asked else ():
            step = apply(change, event, context())
            assert isinstance(step, Applied)
            await register.keep(connection, step)
            change = step.change
    again = place.pull.push(by=place.ana, files={}, message="The same again", force=True).oid
    before = gh._requests
    await place.record(facts=replace(place.facts, head=replace(place.facts.head, oid=again)))
    assert gh._requests == before + more, "what it does, and the modes of its files"
    async with place.store.transaction() as connection:
        [part] = await parts.of(connection, change.number)
    assert part.contents is not None
    assert (part.contents.head, part.contents.diff == name) == (again, asked)


async def test_a_change_that_github_does_not_show_is_known_by_its_commit(place: Bench) -> None:
    hidden = replace(place.facts, repository=replace(place.facts.repository, name="hidden"))
    _, found = await place.record(facts=hidden)
    assert there(found).contents.diff == place.facts.head.oid


# Of a pull request that is not open any more.


def merged(place: Bench, by: Account | None) -> PullRequestFacts:
    return replace(place.facts, state=PullRequestState.MERGED, ended=Ended(MONDAY, by))


async def test_when_somebody_asks_the_board_is_read_and_whoever_verifies(place: Bench) -> None:
    await place.record()
    asked = await place.ended(merged(place, account("ana")), asked=True)
    assert asked is not None
    assert {each.account.login for each in asked.context.standings} == {"cleo", "emil", "ida", "vera"}


async def test_nobody_is_read_who_need_not_be(place: Bench, gh: SimulatedGitHub) -> None:
    await place.record()
    before = gh._requests
    closed = replace(merged(place, account("ana")), state=PullRequestState.CLOSED)
    found = await place.ended(closed)
    assert there(found).abandoned
    assert found is not None
    assert found.context.standings == ()
    assert gh._requests == before
    elsewhere = replace(merged(place, None), repository=Repository(1, "acme", "vault"))
    assert await place.ended(elsewhere, asked=True, subject="pull:1:1") is None
    assert gh._requests == before


async def test_the_board_is_read_once_when_it_is_to_be_told_of_what_it_did_not_authorise(place: Bench) -> None:
    await place.record()
    found = await place.ended(merged(place, account("ana")))
    assert there(found).is_unauthorised
    assert there(found).released_by == (account("ana"),)
    assert found is not None
    assert {each.account.login for each in found.context.standings} == {"cleo", "emil", "ida", "vera"}
    again = await place.ended(merged(place, account("ana")))
    assert again is not None
    assert again.context.standings == ()


async def test_the_merge_queue_merges_for_whoever_put_it_there(place: Bench) -> None:
    await place.record()
    queue = Account(9, "github-merge-queue", AccountKind.BOT)
    nobody = await place.ended(merged(place, queue))
    assert there(nobody).released_by == (queue,), "nobody is known to have put it there"


async def test_who_enqueued_it_released_it(place: Bench, gh: SimulatedGitHub) -> None:
    await place.record()
    place.pull.turns.append(Turn("AddedToMergeQueueEvent", gh.world.now(), actor=place.ana))
    queue = Account(9, "github-merge-queue", AccountKind.BOT)
    found = await place.ended(merged(place, queue))
    assert [each.login for each in there(found).released_by] == ["ana"]


async def test_what_was_merged_and_nobody_had_looked_at_is_compared(place: Bench) -> None:
    _, first = await place.record()
    head = place.pull.push(by=place.ana, files={"a": "3\n"}).oid
    unseen = merged(place, account("ana"))
    unseen = replace(unseen, head=replace(unseen.head, oid=head))
    found = await place.ended(unseen)
    assert there(found).contents.head == head
    assert there(found).contents.diff not in {there(first).contents.diff, head, ""}


async def test_who_closed_it_elsewhere_is_known_by_what_they_may_do_here(place: Bench) -> None:
    _, found = await place.record()
    async with place.store.transaction() as connection:
        values = [there(found).number, MONDAY]
        await connection.execute(
            "INSERT INTO change_heard (change, mark, deed, who, login, value, at) "
            "VALUES (%s, 'close:1', 'close', 'ana.a', 'ana', 'successful', %s)",
            values,
        )
    told = await place.ended(merged(place, account("ana")))
    assert told is not None
    known = {each.account.login: each.permission for each in told.context.standings}
    assert known["ana"] is Permission.ADMIN
    assert "vera" in known


async def test_those_above_the_board_are_read_with_it(place: Bench, gh: SimulatedGitHub) -> None:
    org = gh.organisation("acme")
    org.team("directors", members=[org.person("dina")])
    _, found = await place.record(on_timeout(OnTimeout.ESCALATE, "director"))
    assert found is not None
    assert {each.account.login for each in found.context.standings} == {"cleo", "ida", "dina"}


async def test_after_a_merge_the_board_is_read_to_tell_it_of_an_emergency(place: Bench, gh: SimulatedGitHub) -> None:
    async with place.store.transaction() as connection:
        change, _ = await register.open_record(connection, PULL, contents(), MONDAY)
    rosa = context(standings=standings())
    declared = apply(change, Event(Act.DECLARE, account("rosa"), "Payments are down.", incident="INC0012345"), rosa)
    assert isinstance(declared, Applied)
    async with place.store.transaction() as connection:
        await register.keep(connection, declared)
    before = gh._requests
    found = await place.ended(merged(place, account("ana")))
    assert there(found).is_unauthorised, "its board has not decided"
    assert gh._requests > before
    assert found is not None
    assert {each.account.login for each in found.context.standings} == {"cleo", "emil", "ida", "vera"}
    before = gh._requests
    await place.ended(merged(place, account("ana")))
    assert gh._requests == before, "nothing more happens to it"


async def test_after_a_release_those_are_read_who_can_verify_it(place: Bench, gh: SimulatedGitHub) -> None:
    async with place.store.transaction() as connection:
        looked_at = contents(head=place.facts.head.oid)
        change, _ = await register.open_record(connection, PULL, looked_at, MONDAY)
        await parts.keep(connection, change.number, Part(PULL, looked_at))
        votes = [vote(login) for login in ("ida", "rick", "cora")]
        for event in (Event(Act.SUBMIT, account("ana")), Event(Act.ASSESS), *votes, Event(Act.AUTHORIZE)):
            step = apply(change, event, context())
            assert isinstance(step, Applied)
            await register.keep(connection, step)
            change = step.change
    found = await place.ended(merged(place, account("rosa")))
    assert there(found).state is State.REVIEW
    assert there(found).verification_due == MONDAY + timedelta(hours=4)
    assert found is not None
    assert {each.account.login for each in found.context.standings} == {"vera"}


def test_the_boards_roles_are_those_that_a_policy_names() -> None:
    assert {BOARD, EMERGENCY_BOARD} <= set(HIGH.roles)


# What commands can know.


async def link(store: Store, change: Change, columns: dict[str, str | None]) -> None:
    names = ", ".join(columns)
    async with store.transaction() as connection:
        await connection.execute(
            f"INSERT INTO change_link (change, system, intended, {names}) "
            f"VALUES (%s, 'servicenow', now(), {', '.join(['%s'] * len(columns))})",
            [change.number, *columns.values()],
        )


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": None}, "In ServiceNow, the record is not there yet."),
        (
            {"number": "CHG0030001", "url": "https://snow.example/1"},
            "In ServiceNow, the record is CHG0030001. https://snow.example/1",
        ),
        (
            {"number": "CHG0030001", "problem": "It is closed there."},
            "In ServiceNow, the record is CHG0030001. It is closed there.",
        ),
        (
            {"problem": "Nobody may write there."},
            "In ServiceNow, the record is not there yet. Nobody may write there.",
        ),
        (
            {
                "failing": "ServiceNow has broken off its answers",
                "failing_since": "2026-11-29 13:07Z",
                "fault": "ServiceNow has answered 503",
                "fault_since": "2026-11-29 13:05Z",
                "problem": "It is on hold.",
            },
            (
                "In ServiceNow, the record is not there yet. ServiceNow has answered 503 since 2026-11-29 13:05 UTC; "
                "Countersign tries again by itself, at least every 15 minutes unless it is asked to wait longer. "
                "Nothing is lost. It is on hold."
            ),
        ),
    ],
)
async def test_commands_know_where_the_record_is_elsewhere(
    store: Store, columns: dict[str, str | None], said: str
) -> None:
    async with store.transaction() as connection:
        change, _ = await register.open_record(connection, PULL, contents(), MONDAY)
    await link(store, change, columns)
    policy = replace(HIGH, records=Records(System.SERVICENOW))
    known = await gather.situation(store, PULL, FACTS, policy, Desk(change, context()), NOTHING, MONDAY)
    assert known.link == said


@pytest.mark.parametrize(
    ("columns", "system", "said"),
    [
        (
            {"number": "CHG0030001", "url": "https://snow.example/1", "problem": "It is on hold."},
            System.REGISTER,
            (
                "CHG0030001 in ServiceNow is to be cancelled, since the policy does not keep the record there any more; "
                "nothing waits for that. https://snow.example/1"
            ),
        ),
        (
            {"id": None},
            System.JIRA,
            (
                "In Jira, the record is not there yet. What there is in ServiceNow is cancelled, since the policy does not "
                "keep the record there any more; nothing waits for that."
            ),
        ),
    ],
)
async def test_commands_know_that_leave_is_taken_of_the_record_elsewhere(
    store: Store, columns: dict[str, str | None], system: System, said: str
) -> None:
    async with store.transaction() as connection:
        change, _ = await register.open_record(connection, PULL, contents(), MONDAY)
    await link(store, change, columns)
    policy = replace(HIGH, records=Records(system))
    known = await gather.situation(store, PULL, FACTS, policy, Desk(change, context()), NOTHING, MONDAY)
    assert known.link == said


@pytest.mark.parametrize("found", [None, Desk(None, context())])
async def test_commands_know_that_there_is_no_record(store: Store, found: Desk | None) -> None:
    wish = await ask(store)
    known = await gather.situation(store, PULL, FACTS, HIGH, found, gather.Laid(FACTS, (wish,), "main:d"), MONDAY)
    assert (known.facts, known.policy, known.subject) == (FACTS, HIGH, PULL)
    assert (known.desk, known.link, known.asked, known.now, known.diff) == (found, "", (wish,), MONDAY, "main:d")


async def test_a_record_that_is_nowhere_else_has_no_link(store: Store) -> None:
    async with store.transaction() as connection:
        change, _ = await register.open_record(connection, PULL, contents(), MONDAY)
    known = await gather.situation(store, PULL, FACTS, HIGH, Desk(change, context()), NOTHING, MONDAY)
    assert known.link == ""
