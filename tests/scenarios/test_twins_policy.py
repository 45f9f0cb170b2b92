"""The policy keeps records in another place than before: what goes on here, and what becomes of the record there."""

from typing import Any

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from bot.sandbox.servicenow.rules import AUTHORIZE, BusinessRule
from bot.sandbox.vendor import Outage
from tests.scenarios import elsewhere
from tests.scenarios.bank import SECRET, told
from tests.scenarios.board import POLICY, Board, cleared, state
from tests.scenarios.elsewhere import Jira, ServiceNow, fails, is_polled, kept, poll, since, waits

there, countersign, board = elsewhere.servicenow, elsewhere.countersign, elsewhere.board
servicenow, jira = elsewhere.servicenow, elsewhere.jira
KEPT = POLICY + kept("servicenow", *elsewhere.BOARD)
LEFT = "Countersign keeps CHG-2026-0001 in its own register from now on."


async def says(board: Board, policy: str) -> None:
    """The owners of the policy change it, and everybody has heard of that."""
    board.org.repositories[".github"].push("main", by=board.rita, files={"countersign.yml": policy})
    await board.countersign.gh.settle()


def stop_authorising(there: ServiceNow) -> BusinessRule:
    """Nothing is authorised there from now on."""
    rule = BusinessRule("No change in the audit week", lambda _, changes: changes.get("state") == AUTHORIZE)
    there.instance.rules.append(rule)
    return rule


def notes(record: Any) -> list[str]:
    """What those who work on it read in it."""
    return [text for _, _, text in record.notes]


async def parted(countersign: Rehearsal) -> list[tuple[str, str]]:
    """How Countersign has taken leave of records: of which, and what came of it."""
    return await countersign.rows(
        "SELECT body ->> 'number', body ->> 'outcome' FROM (SELECT convert_from(body, 'utf8')::jsonb -> 'body' AS body, "
        "kind, seq FROM ledger_entry) AS entry WHERE kind = 'countersign:record:left' ORDER BY seq"
    )


async def stuck(board: Board, there: ServiceNow) -> Any:
    """A change that its board has authorised here, and whose record there is kept from following."""
    stop_authorising(there)
    pull = await board.opened()
    await board.authorise(pull)
    assert await state(board.countersign, pull) == "scheduled"
    assert not cleared(pull)
    return pull


async def test_a_record_that_is_kept_in_the_register_again_waits_for_nothing_elsewhere(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await stuck(board, there)
    await says(board, POLICY)
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert cleared(pull)
    assert (
        "CHG0030001 in ServiceNow has been cancelled, since the policy did not keep records there any more."
    ) in told(pull)
    assert there.only.values["state"] == "4"
    assert LEFT in notes(there.only)
    assert await parted(countersign) == [("CHG0030001", "cancelled")]


async def test_it_does_not_wait_for_a_system_that_is_away_either_which_is_told_when_it_answers(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.goes_away()
    board.vote(pull, "chris", "ida", "rick")
    await waits(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert not cleared(pull)
    await says(board, POLICY)
    await fails(countersign)
    assert cleared(pull)
    assert "CHG0030001 in ServiceNow is to be cancelled" in told(pull)
    assert since(told(pull), "ServiceNow has answered 503 (Service Unavailable)", countersign)
    there.simulation.faults.clear()
    await poll(countersign)
    assert there.only.values["state"] == "4"
    assert "CHG0030001 in ServiceNow has been cancelled" in told(pull)
    assert "answered 503" not in told(pull)
    assert await parted(countersign) == [("CHG0030001", "cancelled")]
    assert not await is_polled(countersign)


async def test_what_cannot_be_cancelled_there_has_a_note_and_that_is_told_here(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    there.instance.rules.append(BusinessRule("Nobody cancels", lambda _, changes: changes.get("state") == "4"))
    pull = await board.requested()
    await says(board, POLICY)
    await countersign.settle()
    what = "CHG0030001 in ServiceNow could not be cancelled when the policy did not keep records there any more"
    assert f"{what}; a note in it says so. ServiceNow's business rule `Nobody cancels` does not let" in told(pull)
    assert there.only.values["state"] == "-3"
    assert LEFT in notes(there.only)
    assert what in await board.say(pull, "alice", "/change")
    assert await parted(countersign) == [("CHG0030001", "noted")]


async def test_a_system_that_is_not_connected_any_more_keeps_nobody_waiting(
    gh: SimulatedGitHub, there: ServiceNow, database_url: str
) -> None:
    async with rehearsal(gh, database_url, SECRET, **there.access) as countersign:
        pull = await Board.found(countersign, KEPT).opened()
    async with rehearsal(gh, database_url, SECRET) as countersign:
        board = Board(countersign, pull.repository, None, {each.login: each for each in gh.world.accounts.values()})
        await says(board, POLICY)
        await countersign.settle()
        assert (
            "CHG0030001 in ServiceNow was not told that the policy did not keep records there any more. The policy "
            "keeps change records in ServiceNow, and Countersign is not connected to it. Whoever changes records there "
            "cancels it."
        ) in told(pull)
        await board.authorise(pull)
        assert cleared(pull)
        assert await parted(countersign) == [("CHG0030001", "untold")]


async def test_what_somebody_said_there_that_nobody_had_heard_does_not_count_and_is_told(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.approve()
    await says(board, POLICY)
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert "chris.cab said approve in ServiceNow, where the policy does not keep the record any more." in told(pull)
    assert [kind for kind, _ in await countersign.ledger()].count("system:record:heard") == 3
    await board.ballot(pull, "chris", "ida", "rick")
    assert cleared(pull)


async def test_an_open_record_is_made_there_when_the_policy_keeps_records_there_from_now_on(
    countersign: Rehearsal, there: ServiceNow
) -> None:
    board = Board.found(countersign, POLICY)
    pull = await board.opened()
    await board.authorise(pull)
    assert cleared(pull)
    await says(board, KEPT)
    await countersign.settle()
    assert there.only.values["correlation_id"] == "countersign:CHG-2026-0001"
    assert there.only.values["state"] == "-3", "nobody there has approved it"
    assert not cleared(pull)
    there.approve()
    await poll(countersign)
    assert there.only.values["state"] == "-2"
    assert cleared(pull)


async def test_where_a_release_is_kept_is_said_by_what_still_ships_with_it(
    countersign: Rehearsal, there: ServiceNow
) -> None:
    board = Board.found(countersign, POLICY)
    first, other = await board.together()
    first.close(by=board.alice)
    await countersign.settle()
    await says(board, KEPT)
    await countersign.settle()
    assert there.only.values["correlation_id"] == "countersign:CHG-2026-0001"
    await says(board, POLICY)
    await countersign.settle()
    assert there.only.values["state"] == "4"
    assert "CHG0030001 in ServiceNow has been cancelled" in told(other)


async def test_an_authorised_change_waits_from_the_moment_on_in_which_the_policy_keeps_it_there(
    countersign: Rehearsal, there: ServiceNow
) -> None:
    board = Board.found(countersign, POLICY)
    pull = await board.opened()
    await board.authorise(pull)
    there.simulation.faults.add(Outage(match="", kind="429", seconds=120))
    await says(board, KEPT)
    await countersign.settle()
    assert there.changes == []
    assert not cleared(pull)
    assert "In ServiceNow, the record is not there yet." in told(pull)


async def test_there_and_back_again_there_is_another_record(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.opened()
    for policy in (POLICY, KEPT):
        await says(board, policy)
        await countersign.settle()
    first, second = there.changes
    assert (first.values["state"], second.values["state"]) == ("4", "-5")
    assert second.values["correlation_id"] == "countersign:CHG-2026-0001.2"
    assert "In ServiceNow, the record is CHG0030002." in told(pull)


async def test_what_has_been_released_ends_where_it_was_kept(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    first, other = await board.together()
    await board.ask(first)
    twin = there.changes[0]
    there.approve(twin)
    await poll(countersign)
    await board.to_its_window()
    await board.merge(other)
    assert await state(countersign, first) == "implement"
    await says(board, POLICY)
    await countersign.settle()
    await board.merge(first)
    await board.say(first, "ida", "/change close successful Totals are right")
    assert twin.values["state"] == "3"
    assert await parted(countersign) == []


async def test_a_record_that_moves_to_another_system_leaves_the_first_one(
    gh: SimulatedGitHub, servicenow: ServiceNow, jira: Jira, database_url: str
) -> None:
    async with rehearsal(gh, database_url, SECRET, **servicenow.access, **jira.access) as countersign:
        servicenow.keep_time(countersign.now)
        jira.keep_time(countersign.now)
        board = Board.found(countersign, KEPT)
        pull = await board.opened()
        servicenow.goes_away()
        await says(board, POLICY + kept("jira", *elsewhere.BOARD))
        await countersign.settle()
        assert jira.only.key in told(pull)
        assert (
            "CHG0030001 in ServiceNow was not told that the policy did not keep records there any more. Serv"
            in told(pull)
        )
        assert await parted(countersign) == [("CHG0030001", "untold")]
