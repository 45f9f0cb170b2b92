"""Several pull requests ship together: one record, one board, and nothing of it goes ahead before all of it may."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown, told
from tests.scenarios.board import (
    BODY,
    ON_THE_BOARD,
    Board,
    calls,
    cleared,
    history,
    number,
    planned,
    records,
    said,
    state,
)


async def test_what_ships_together_is_authorised_together(countersign: Rehearsal, board: Board) -> None:
    first, other = await board.together()
    assert await records(countersign) == [("CHG-2026-0001", "draft"), ("CHG-2026-0002", "cancelled")]
    assert "CHG-2026-0001, which ships #1 and #2, is in state draft" in told(other)
    assert "CHG-2026-0001, which ships #1 and #2, is in state draft" in told(first)
    await board.ask(first)
    called = [each for pull in (first, other) for each in said(pull) if "@northbank/cab" in each]
    assert len(called) == 1
    assert not cleared(first)
    assert not cleared(other)
    # Whoever is on the board votes where they like.
    board.vote(first, "chris", "ida")
    await board.ballot(other, "rick")
    assert await records(countersign) == [("CHG-2026-0001", "scheduled"), ("CHG-2026-0002", "cancelled")]
    assert cleared(first)
    assert cleared(other)


async def test_a_push_to_one_takes_all_of_it_back(countersign: Rehearsal, board: Board) -> None:
    first, other = await board.together()
    await board.authorise(first)
    assert cleared(first)
    assert cleared(other)
    other.push(by=board.bob, files={"b": "2"})
    await countersign.settle()
    assert (await records(countersign))[0] == ("CHG-2026-0001", "assess")
    assert not cleared(first)
    assert not cleared(other)


async def test_what_blocks_one_of_them_or_is_missing_there_holds_all(countersign: Rehearsal, board: Board) -> None:
    bare = BODY.replace("## Backout plan", "## Back")
    first, other = await board.together(body=bare, title="Statements")
    await board.ask(first)
    assert "The description of #2 lacks the section `Backout plan`." in said(first)[-1]
    other.edit(by=board.bob, body=BODY)
    await countersign.settle()
    await board.ask(first)
    assert (await records(countersign))[0] == ("CHG-2026-0001", "assess")
    assert "waits for: rule:ticket of #2" in told(first)
    other.edit(by=board.bob, title="PAY-2 Statements")
    await countersign.settle()
    assert (await records(countersign))[0] == ("CHG-2026-0001", "authorize")


async def test_whoever_contributed_to_one_of_them_has_no_vote_on_any(countersign: Rehearsal, board: Board) -> None:
    # Bob is on the board, and wrote the second of the two.
    first, _ = await board.together()
    await board.ask(first)
    await board.ballot(first, "bob")
    assert "@bob contributed to the change" in said(first)[-1]


async def test_reviews_of_one_are_not_reviews_of_the_other(countersign: Rehearsal, board: Board) -> None:
    first = await board.opened()
    other = board.vault.open_pull_request(by=board.bob, title="PAY-2 Statements", files={"b": "1"}, body=BODY)
    await countersign.settle()
    await board.say(other, "bob", "/change link CHG-2026-0001")
    await board.authorise(first)
    assert (await records(countersign))[0] == ("CHG-2026-0001", "authorize")
    assert "1 more from anyone with write access for #2" in told(first) or "for #2" in told(first)
    other.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert (await records(countersign))[0] == ("CHG-2026-0001", "scheduled")
    assert cleared(first)
    assert cleared(other)


async def test_nobody_joins_what_the_board_was_called_about(countersign: Rehearsal, board: Board) -> None:
    first = await board.opened()
    other = board.second()
    await countersign.settle()
    await board.ask(first)
    await board.say(other, "bob", "/change link CHG-2026-0001")
    assert "what it ships is fixed once its board has been called" in said(other)[-1]
    assert await records(countersign) == [("CHG-2026-0001", "authorize"), ("CHG-2026-0002", "draft")]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("CHG-2026-0099", "There is no change CHG-2026-0099 in this repository."),
        ("CHG-2026-0002", "is a part of CHG-2026-0002 already"),
        ("CHG0030001", "is no number of a change record here; they look like `CHG-2026-0002`"),
    ],
)
async def test_a_number_that_is_none_of_a_record_here_is_refused(
    countersign: Rehearsal, board: Board, number: str, sentence: str
) -> None:
    await board.opened()
    other = board.second()
    await countersign.settle()
    await board.say(other, "bob", f"/change link {number}")
    assert sentence in said(other)[-1]
    assert await records(countersign) == [("CHG-2026-0001", "draft"), ("CHG-2026-0002", "draft")]


async def test_a_record_of_another_repository_is_not_even_told_to_be_there(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.site.open_pull_request(by=board.alice, title="PAY-1 Colours", files={"a": "2"}, body=BODY)
    await board.ask(pull)
    other = board.second()
    await countersign.settle()
    await board.say(other, "bob", "/change link CHG-2026-0001")
    assert "There is no change CHG-2026-0001 in this repository." in said(other)[-1]


async def test_an_emergency_ships_alone(countersign: Rehearsal, board: Board) -> None:
    first = await board.opened()
    other = board.second()
    await countersign.settle()
    await board.say(first, "rita", "/emergency INC0012345 Interest is paid twice since noon.")
    await board.say(other, "bob", "/change link CHG-2026-0001")
    assert "is an emergency, which ships alone" in said(other)[-1]
    await board.say(first, "alice", "/change link CHG-2026-0002")
    assert "is an emergency, which ships alone" in said(first)[-1]


async def test_what_ships_together_is_no_emergency_until_one_of_them_leaves(
    countersign: Rehearsal, board: Board
) -> None:
    first, other = await board.together()
    await board.say(first, "rita", "/emergency INC0012345 Interest is paid twice since noon.")
    assert "ships #1 and #2, and an emergency ships alone. `/change unlink` takes" in said(first)[-1]
    await board.say(other, "bob", "/change unlink")
    await board.say(first, "rita", "/emergency INC0012345 Interest is paid twice since noon.")
    assert "CHG-2026-0001 is an emergency now" in said(first)[-1]


async def test_whoever_leaves_a_release_has_a_record_of_their_own_again(countersign: Rehearsal, board: Board) -> None:
    first, other = await board.together()
    await board.say(other, "bob", "/change unlink")
    assert await records(countersign) == [
        ("CHG-2026-0001", "draft"),
        ("CHG-2026-0002", "cancelled"),
        ("CHG-2026-0003", "draft"),
    ]
    assert "CHG-2026-0003 is in state draft" in told(other)
    assert "CHG-2026-0001 is in state draft" in told(first)
    await board.say(other, "bob", "/change unlink")
    assert "ships with no other one" in said(other)[-1]


async def shipped(countersign: Rehearsal, which: str) -> list[int]:
    """The pull requests that a record says it ships."""
    [(body,)] = await countersign.rows("SELECT body FROM change WHERE number = %s", which)
    pulls: list[int] = json.loads(bytes(body))["contents"]["pulls"]
    return pulls


async def half_merged(countersign: Rehearsal, board: Board) -> tuple[Any, Any]:
    """A release of two: the first was merged in its window, which is over now."""
    first, other = await board.together()
    await board.authorise(first)
    start = await planned(countersign, first)
    await countersign.until(start)
    assert shown(other)[0] == "success"
    await board.merge(first)
    assert shown(other)[0] == "success", "the window is open"
    await countersign.until(start + timedelta(hours=4))
    return first, other


async def test_what_is_left_of_a_release_when_its_window_is_over_is_told_the_way_out(
    countersign: Rehearsal, board: Board
) -> None:
    first, other = await half_merged(countersign, board)
    for _ in range(2):
        assert shown(other) == ("action_required", "Waiting: a record of its own: its window is over")
        assert "It goes on by itself" not in told(other)
        assert "`/change unlink` takes the pull request out of its release" in told(other)
        await countersign.until(await planned(countersign, first) + timedelta(days=7, minutes=30))
    answer = await board.say(other, "bob", "/schedule weekend")
    assert answer.startswith("CHG-2026-0001 is being released, and is not planned any more.")
    assert "What is not merged can leave it: `/change unlink`." in await board.say(other, "bob", "/request-cab")


async def test_what_is_not_merged_leaves_a_release_which_ends_with_what_was(
    countersign: Rehearsal, board: Board
) -> None:
    first, other = await half_merged(countersign, board)
    assert "has been released; what it shipped stays" in await board.say(first, "bob", "/change unlink")
    assert await board.say(other, "bob", "/change unlink") == ""
    assert await records(countersign) == [
        ("CHG-2026-0001", "review"),
        ("CHG-2026-0002", "cancelled"),
        ("CHG-2026-0003", "draft"),
    ]
    assert "CHG-2026-0003 is in state draft" in told(other)
    assert (await history(countersign))[-2][0] == "finish"
    assert await shipped(countersign, "CHG-2026-0001") == [1]
    await board.say(other, "bob", "/request-cab")
    # Who asked for all of it asked for this.
    [(asked,)] = await countersign.rows("SELECT body FROM change WHERE number = 'CHG-2026-0003'")
    assert [each["login"] for each in json.loads(bytes(asked))["requesters"]] == ["alice", "bob"]
    await board.ballot(other, "chris", "ida", "rick")
    assert await state(countersign, other) == "scheduled"


async def test_what_was_not_merged_when_a_release_is_backed_out_was_no_part_of_it(
    countersign: Rehearsal, board: Board
) -> None:
    first, other = await half_merged(countersign, board)
    await board.say(first, "alice", "/change close backed-out Totals differed by a cent")
    assert await records(countersign) == [
        ("CHG-2026-0001", "closed"),
        ("CHG-2026-0002", "cancelled"),
        ("CHG-2026-0003", "draft"),
    ]
    assert "CHG-2026-0003 is in state draft" in told(other)
    assert await shipped(countersign, "CHG-2026-0001") == [1]
    [(why,)] = await countersign.rows(
        "SELECT convert_from(body, 'UTF8')::jsonb -> 'body' ->> 'why' FROM ledger_entry WHERE kind = 'person:change:left'"
    )
    assert why == "CHG-2026-0001 was backed out before it was merged."


async def test_leaving_takes_back_what_was_authorised_for_all(countersign: Rehearsal, board: Board) -> None:
    first, other = await board.together()
    await board.authorise(first)
    await board.say(other, "bob", "/change unlink")
    assert await state(countersign, first) == "assess"
    assert not cleared(first)
    assert not cleared(other)


async def test_what_joined_is_on_record(countersign: Rehearsal, board: Board) -> None:
    _, other = await board.together()
    await board.say(other, "bob", "/change unlink")
    rows = await countersign.rows("SELECT kind FROM ledger_entry WHERE kind ~ '^person:change' ORDER BY seq")
    assert [row[0] for row in rows] == ["person:change:joined", "person:change:left"]


async def test_what_would_stop_one_of_them_is_on_the_check_of_each_before_anybody_merges(
    countersign: Rehearsal, board: Board
) -> None:
    first, other = await board.together()
    await board.authorise(first)
    await countersign.until(await planned(countersign, first) + timedelta(hours=1))
    assert shown(first)[0] == shown(other)[0] == "success"
    await board.say(other, "ida", "/hold The auditors are in the house")
    record = await number(countersign, first)
    assert f"{record} waits for: hold of #{other.number}." in told(first)
    assert shown(first) == ("action_required", f"Waiting: {record}, held up")
    await board.say(other, "ida", "/unhold")
    assert shown(first)[0] == "success"
    other.review(by=board.carol, state="CHANGES_REQUESTED")
    await countersign.settle()
    assert shown(first)[0] == "action_required"
    assert f"{record} waits for: objections of #{other.number}." in told(first)


@pytest.mark.parametrize("how", ["unlinked", "unlinked and closed", "closed"])
async def test_a_release_goes_on_being_spoken_of_where_it_ships_when_its_opener_has_left(
    countersign: Rehearsal, board: Board, how: str
) -> None:
    first, other = await board.together()
    if "unlinked" in how:
        await board.say(first, "alice", "/change unlink")
    if "closed" in how:
        first.close(by=board.alice)
    await countersign.settle()
    before = said(first)
    await board.say(other, "bob", "/request-cab")
    assert (await records(countersign))[0] == ("CHG-2026-0001", "authorize")
    [called] = calls(other, ON_THE_BOARD)
    assert "CHG-2026-0001, PAY-2 Statements, is on the agenda until" in called
    await countersign.until(countersign.now() + timedelta(hours=25))
    assert (await records(countersign))[0] == ("CHG-2026-0001", "draft")
    [rejected] = calls(other, "@bob")
    assert "CHG-2026-0001, PAY-2 Statements, was not decided by" in rejected
    assert said(first) == before, "it is no part of it any more"


async def test_who_asked_is_told_where_the_rest_ships_that_it_is_not_on_the_agenda_any_more(
    countersign: Rehearsal, board: Board
) -> None:
    first, other = await board.together()
    await board.say(other, "bob", "/request-cab")
    assert len(calls(first, ON_THE_BOARD)) == 1
    await board.say(first, "alice", "/change unlink")
    [lost] = calls(other, "@bob")
    assert "CHG-2026-0001, PAY-1 Daily interest (and 1 more), is not on the agenda any more." in lost
    assert calls(first, "@bob") == []
