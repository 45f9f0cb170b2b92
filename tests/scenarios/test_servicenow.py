"""The change record has a twin in ServiceNow: one, whatever happens on the way, and heard in both directions."""

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from bot.sandbox.vendor import Outage
from tests.scenarios import elsewhere
from tests.scenarios.bank import SECRET, come_due, shown, subject, told
from tests.scenarios.board import POLICY, Board, cleared, history, planned, said, state
from tests.scenarios.dying import FATAL, die_at
from tests.scenarios.elsewhere import ServiceNow, fails, kept, poll, waits
from tests.waiting import until

there, countersign, board = elsewhere.servicenow, elsewhere.countersign, elsewhere.board
KEPT = POLICY + kept("servicenow", *elsewhere.BOARD)


async def test_a_record_is_opened_there_once_and_what_is_approved_there_counts_here(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.opened()
    twin = there.only
    assert twin.values["short_description"] == "PAY-1 Daily interest"
    assert "Carol deploys the image before" in twin.values["backout_plan"]
    assert twin.values["correlation_id"] == "countersign:CHG-2026-0001"
    await board.ask(pull)
    assert twin.values["state"] == "-3"
    there.approve(twin)
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert cleared(pull)
    assert there.only is twin
    votes = await countersign.rows("SELECT voter ->> 'login', reason FROM vote ORDER BY 1")
    assert [login for login, _ in votes] == ["chris", "ida", "rick"]
    assert votes[0][1] == "In ServiceNow, by chris.cab."


async def test_whoever_is_nobody_here_does_not_count_and_that_is_said(
    countersign: Rehearsal, there: ServiceNow
) -> None:
    board = Board.found(countersign, KEPT.replace("    rick.risk@bank.example: rick\n", ""))
    pull = await board.requested()
    there.approve()
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert "rick.risk approved it in ServiceNow, and is nobody here" in told(pull)


async def test_a_login_that_somebody_else_took_over_is_not_who_the_policy_meant(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.opened()
    org = board.org
    meant = board.rick
    countersign.gh.world.rename(meant, "rick-risk")
    other = org.person("rick")
    board.vault.access[other] = "write"
    org.teams["risk"].add(other)
    await countersign.settle()
    await board.ask(pull)
    org.teams["risk"].remove(meant)
    await countersign.settle()
    there.approve()
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert (
        "rick.risk approved it in ServiceNow, and is @rick here by the policy, which was another account when it was "
        "first seen: that does not count."
    ) in told(pull)
    assert {login for (login,) in await countersign.rows("SELECT voter ->> 'login' FROM vote")} == {"chris", "ida"}


async def test_who_has_another_login_now_is_who_the_policy_meant(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.opened()
    countersign.gh.world.rename(board.rick, "rick-risk")
    board.org.teams["risk"].add(board.rita)
    await countersign.settle()
    await board.ask(pull)
    there.approve()
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert ("rick-risk",) in await countersign.rows("SELECT voter ->> 'login' FROM vote")


async def test_what_is_rejected_or_cancelled_there_is_so_here(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.simulation.instance.cancel(there.only.number, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "cancelled"
    assert shown(pull)[0] == "failure"


async def test_while_servicenow_is_down_the_gate_waits_and_nothing_is_lost(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    there.goes_away()
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await waits(countersign)
    assert await state(countersign, pull) == "authorize"
    assert there.changes == []
    ((waiting,),) = await countersign.rows("SELECT waiting_for FROM subject WHERE kind = 'record'")
    assert "ServiceNow" in waiting
    assert not cleared(pull)
    countersign.later(hours=1)
    there.simulation.faults.clear()
    await poll(countersign)
    assert there.only.values["state"] == "-3"
    assert "@northbank/cab" in said(pull)[-1]


async def test_another_window_there_is_taken_here_when_the_calendar_has_it(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    first = await planned(countersign, pull)
    week, four = timedelta(days=7), timedelta(hours=4)
    instance = there.simulation.instance
    instance.reschedule(there.only.number, first + week, first + week + four, there.chris)
    await poll(countersign)
    await poll(countersign)
    assert await planned(countersign, pull) == first + week
    assert there.only.values["start_date"] == f"{first + week:%Y-%m-%d %H:%M:%S}"
    # A day later no window is open: it stays, here and there, and the check says why.
    day = week + timedelta(days=1)
    instance.reschedule(there.only.number, first + day, first + day + four, there.chris)
    await poll(countersign)
    await poll(countersign)
    assert await planned(countersign, pull) == first + week
    assert "which the calendar does not allow" in told(pull)


async def test_what_is_in_the_way_there_is_told_on_the_check(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.simulation.instance.hold(there.only.number, there.chris, "The auditors are in the house.")
    await poll(countersign)
    assert "It is on hold in ServiceNow." in told(pull)
    there.simulation.instance.release(there.only.number, there.chris)
    await poll(countersign)
    assert "on hold" not in told(pull)


async def looked_at_in_its_window(countersign: Rehearsal, board: Board) -> None:
    """The twin is read, the planned window comes, and everything is looked at once more."""
    await poll(countersign)
    await board.to_its_window()
    await come_due(countersign, "kind IN ('pull', 'record')")


async def test_what_was_closed_there_before_it_was_released_is_not_released(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.approve()
    await poll(countersign)
    await poll(countersign)
    instance, number = there.simulation.instance, there.only.number
    for step in ("-1", "0"):
        instance.move(number, step, there.chris)
    await looked_at_in_its_window(countersign, board)
    assert "It is in `Review` in ServiceNow, and has not been released." in told(pull)
    instance.close(number, there.chris, "unsuccessful", "Not to be made")
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull) == ("action_required", "Waiting: the record elsewhere")
    assert "It is closed as `unsuccessful` in ServiceNow, and has not been released." in told(pull)


async def test_what_nobody_approved_there_is_not_released_wherever_it_was_put(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.only.values["state"] = "-1"
    await board.ballot(pull, "chris", "ida", "rick")
    await looked_at_in_its_window(countersign, board)
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull) == ("action_required", "Waiting: the record elsewhere")
    assert "It is in `Implement` in ServiceNow, and is not approved there: its approval says `requested`." in told(pull)


async def test_who_begins_there_in_the_window_is_in_nobodys_way(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.approve()
    await poll(countersign)
    await poll(countersign)
    there.simulation.instance.move(there.only.number, "-1", there.chris)
    await looked_at_in_its_window(countersign, board)
    assert shown(pull)[0] == "success"


async def test_what_was_begun_there_is_made_anew_when_it_is_another_change(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.approve()
    await poll(countersign)
    await poll(countersign)
    begun = there.only
    there.simulation.instance.move(begun.number, "-1", there.chris)
    pull.push(by=board.alice, files={"app/interest.py": "another"})
    await countersign.settle()
    await poll(countersign)
    assert begun.values["state"] == "4"
    [other] = [each for each in there.changes if each is not begun]
    assert other.values["state"] == "-4"


async def test_the_record_there_has_the_group_of_the_application(countersign: Rehearsal, there: ServiceNow) -> None:
    group = there.simulation.instance.group("Payments Operations")
    groups = '  values: {assignment_group: {"*": Payments Operations}}\n'
    board = Board.found(countersign, KEPT + groups)
    await board.opened()
    assert there.only.values["assignment_group"] == group.sys_id


# What is said there in time counts, however late it is read.


async def test_what_was_approved_there_in_time_counts_though_it_is_read_after_that(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    await poll(countersign)
    there.goes_away()
    countersign.later(hours=23)
    there.approve()
    countersign.later(hours=1, minutes=5)
    async with countersign.store.transaction() as connection:
        await connection.execute("UPDATE subject SET due = now() WHERE kind = 'pull'")
    await fails(countersign)
    assert await state(countersign, pull) == "authorize"
    assert shown(pull)[0] == "action_required"
    assert "and what was said in ServiceNow until then is not known yet." in told(pull)
    there.simulation.faults.clear()
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert there.only.values["state"] == "-2"


async def test_what_was_approved_there_too_late_or_by_too_few_is_rejected_by_time(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    instance, number = there.simulation.instance, there.only.number
    await poll(countersign)
    there.goes_away()
    countersign.later(hours=23)
    instance.approve(number, there.chris)
    instance.approve(number, there.ida)
    countersign.later(hours=1, minutes=5)
    instance.approve(number, there.rick)
    await fails(countersign)
    there.simulation.faults.clear()
    await poll(countersign)
    assert await state(countersign, pull) == "draft"
    votes = await countersign.rows("SELECT voter ->> 'login' FROM vote ORDER BY 1")
    assert votes == [("chris",), ("ida",)]
    assert "rick.risk approved it in ServiceNow, which" in told(pull)


async def test_it_is_read_when_the_time_of_the_board_is_over_and_then_time_decides(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    await poll(countersign)
    [(deadline,)] = await countersign.rows("SELECT deadline FROM change")
    countersign.later(seconds=(deadline - timedelta(seconds=40) - countersign.now()).total_seconds())
    await poll(countersign)
    [(due,)] = await countersign.rows("SELECT due FROM subject WHERE kind = 'record'")
    assert due - deadline < timedelta(seconds=1)
    countersign.later(minutes=1)
    await come_due(countersign, "kind = 'pull'")
    assert await state(countersign, pull) == "authorize"
    await poll(countersign)
    assert await state(countersign, pull) == "draft"


async def test_who_plans_it_anew_there_is_on_record_here(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    first = await planned(countersign, pull)
    instance = there.simulation.instance
    week, four = timedelta(days=7), timedelta(hours=4)
    instance.reschedule(there.only.number, first + week, first + week + four, there.chris)
    await poll(countersign)
    eve = instance.person("eve.x", "eve.x@bank.example")
    instance.reschedule(there.only.number, first + 2 * week, first + 2 * week + four, eve)
    await poll(countersign)
    moved = [each for each in await history(countersign) if each[2].startswith("In ServiceNow, by")]
    assert [who for _, who, _ in moved] == ["chris", None]
    assert "by chris.cab, who is @chris here." in moved[0][2]
    assert "by eve.x, whom `records.people` does not know." in moved[1][2]


async def test_a_system_that_is_not_connected_is_named(countersign: Rehearsal, there: ServiceNow) -> None:
    board = Board.found(countersign, POLICY + kept("jira", *elsewhere.BOARD))
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await waits(countersign)
    assert "keeps change records in Jira, and Countersign is not connected to it" in told(pull)
    assert there.changes == []


COMES = timedelta(minutes=6)
"""After this time, no record comes any more that was asked for and not answered."""

STEPS, STRIDE = 40, 8
"""A first look at a record takes about so many steps; they are shared out among tests that run beside each other."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", [1, 4, 7])
async def test_a_worker_killed_between_the_answer_and_the_commit_makes_no_second_record(
    gh: SimulatedGitHub, there: ServiceNow, database_url: str, first: int
) -> None:
    async with rehearsal(gh, database_url, SECRET, patience=FATAL, **there.access) as countersign:
        board = Board.found(countersign, KEPT)
        await countersign.settle()
        deaths = 0
        for fatal in range(first, STEPS, STRIDE):
            await countersign.stop_worker()
            before = len(there.changes)
            pull = board.vault.open_pull_request(
                by=board.alice, title=f"PAY-{fatal} Daily", files={f"{fatal}": "2"}, branch=f"change-{fatal}"
            )
            await gh.settle()
            deaths += await die_at(countersign, fatal, kind="record:")
            await countersign.start_worker()
            await countersign.settle()
            if len(there.changes) == before:
                # It is not known whether one is still to come.
                await countersign.until(countersign.now() + COMES)
            key = subject(pull)
            rows = await countersign.rows(
                "SELECT id FROM change_link WHERE change IN (SELECT number FROM change WHERE subject = %s)", key
            )
            assert len(rows) == 1, fatal
            assert len(there.changes) == before + 1, fatal
            assert rows[0][0] in {each.sys_id for each in there.changes}, fatal
            kinds = [kind for kind, about in await countersign.ledger() if about == key]
            assert kinds.count("countersign:record:linked") == 1, fatal
            async with countersign.store.transaction() as connection:
                # The twins of before have had their day: only steps of the next one count.
                await connection.execute("UPDATE subject SET due = NULL, finished = true WHERE kind = 'record'")
        assert deaths > 3, "the worker was hardly ever killed"


@pytest.mark.parametrize(("step", "asked"), [(1, 0), (2, 1)])
async def test_a_worker_killed_while_the_instance_may_be_at_work_asks_for_no_second_record(
    gh: SimulatedGitHub, there: ServiceNow, database_url: str, step: int, asked: int
) -> None:
    async with rehearsal(gh, database_url, SECRET, patience=FATAL, **there.access) as countersign:
        board = Board.found(countersign, KEPT)
        await countersign.settle()
        await countersign.stop_worker()
        if asked:
            there.simulation.faults.add(Outage(match="POST .*/change/normal", kind="done-late", seconds=4))
        board.change()
        await gh.settle()
        assert await die_at(countersign, step, kind="record:", where="/change/normal")
        await countersign.start_worker()
        await countersign.settle()
        created = [each for each in there.simulation.site.titles if each.endswith("/change/normal")]
        assert len(created) == asked
        if asked:
            await until(lambda: bool(there.changes))
        await countersign.until(countersign.now() + COMES)
        assert len(await countersign.rows("SELECT id FROM change_link WHERE id = %s", there.only.sys_id)) == 1
        created = [each for each in there.simulation.site.titles if each.endswith("/change/normal")]
        assert len(created) == 1


# A record that somebody prepared there by hand.


def prepared(there: ServiceNow, **values: str) -> Any:
    instance = there.simulation.instance
    [item] = instance.items.values()
    fields = {"short_description": "Interest, daily", "cmdb_ci": item.sys_id, **values}
    made, _ = instance.create("normal", fields, there.chris)
    return made


async def test_a_record_that_is_there_already_becomes_the_twin_and_the_first_one_is_cancelled(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    by_hand = prepared(there)
    pull = await board.opened()
    [first] = [each for each in there.changes if each is not by_hand]
    await board.say(pull, "alice", f"/change link {by_hand.number.lower()}")
    assert by_hand.values["correlation_id"] == "countersign:CHG-2026-0001"
    assert by_hand.values["short_description"] == "PAY-1 Daily interest"
    assert (first.values["state"], by_hand.values["state"]) == ("4", "-5")
    assert f"In ServiceNow, the record is {by_hand.number}." in told(pull)
    await board.ask(pull)
    there.approve(by_hand)
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    kinds = [kind for kind, _ in await countersign.ledger() if "record:link" in kind]
    assert kinds == ["countersign:record:linked", "person:record:link-asked", "countersign:record:linked"]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("CHG0099999", "CHG0099999 was not linked: ServiceNow has no change record CHG0099999"),
        ("", "was not linked: "),
    ],
)
async def test_a_record_that_cannot_be_the_twin_is_refused_where_people_see_it_and_the_first_one_stays(
    countersign: Rehearsal, board: Board, there: ServiceNow, number: str, sentence: str
) -> None:
    theirs = prepared(there, correlation_id="another-tool:17")
    pull = await board.opened()
    [first] = [each for each in there.changes if each is not theirs]
    await board.say(pull, "alice", f"/change link {number or theirs.number}")
    assert sentence in told(pull)
    assert first.values["state"] == "-5"
    assert theirs.values["short_description"] == "Interest, daily"
    await board.ask(pull)
    assert first.values["state"] == "-3"
