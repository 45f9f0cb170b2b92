"""What somebody wrote counts as of when they wrote it, however late its delivery reaches Countersign."""

from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import come_due, subject
from tests.scenarios.board import Board, said, state
from tests.scenarios.test_faults import fetch_failed


@pytest.fixture
async def board(countersign: Rehearsal) -> Board:
    return Board.found(countersign)


async def votes(countersign: Rehearsal) -> list[tuple[str, str]]:
    return [(who, choice) for who, choice in await countersign.rows("SELECT voter ->> 'login', choice FROM vote")]


async def unheard_votes(countersign: Rehearsal, gh: SimulatedGitHub, board: Board, pull: Any, *names: str) -> None:
    """Members approve, and GitHub fails to deliver that."""
    gh.webhooks.lose(len(names))
    board.vote(pull, *names)
    await countersign.settle()
    assert await votes(countersign) == []
    countersign.later(minutes=10)


async def test_votes_of_an_earlier_diff_authorise_no_later_one(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board
) -> None:
    pull = await board.requested()
    await unheard_votes(countersign, gh, board, pull, "chris", "ida", "rick")
    pull.push(by=board.alice, files={"a": "something else"})
    pull.review(by=board.carol, state="APPROVED")
    await board.ask(pull)
    await fetch_failed(countersign)
    assert await state(countersign, pull) == "authorize"
    assert await votes(countersign) == []
    told = [each for each in said(pull) if "was written before the board was called on" in each]
    assert len(told) == 3
    assert "votes again" in told[0]
    await board.ballot(pull, "chris", "ida", "rick")
    assert await state(countersign, pull) == "scheduled"


async def test_an_older_approval_does_not_take_the_place_of_a_rejection(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board
) -> None:
    pull = await board.requested()
    await unheard_votes(countersign, gh, board, pull, "ida")
    await board.ballot(pull, "chris", "rick", "cleo")
    await board.ballot(pull, "ida", word="reject The back-out plan was never tried")
    countersign.later(minutes=5)
    await fetch_failed(countersign)
    assert await state(countersign, pull) == "authorize"
    assert sorted(await votes(countersign))[-2:] == [("ida", "reject"), ("rick", "approve")]
    shown = await board.say(pull, "alice", "/change")
    assert "| not counted | `@ida` | approve | a later vote of the same person takes its place |" in shown
    await board.ballot(pull, "ida")
    assert await state(countersign, pull) == "scheduled", "it is counted among the others as soon as she says so"


async def test_the_plan_that_was_written_last_counts(countersign: Rehearsal, gh: SimulatedGitHub, board: Board) -> None:
    pull = await board.opened()
    gh.webhooks.lose(1)
    await board.say(pull, "bob", "/plan backout The old words of the plan, which nobody wants any more.")
    countersign.later(minutes=5)
    await board.say(pull, "bob", "/plan backout The new words of the plan, which everybody wants.")
    countersign.later(minutes=5)
    before = len(said(pull))
    await fetch_failed(countersign)
    [told] = said(pull)[before:]
    assert told.startswith("It is on record. What @bob said on ")
    shown = await board.say(pull, "bob", "/change")
    assert "The new words of the plan" in shown
    assert "The old words of the plan" not in shown


async def test_whoever_lifts_a_hold_lifts_none_that_was_said_later(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board
) -> None:
    pull = await board.opened()
    await board.say(pull, "bob", "/hold The auditors are here")
    countersign.later(minutes=5)
    gh.webhooks.lose(1)
    await board.say(pull, "bob", "/unhold")
    countersign.later(minutes=5)
    await board.say(pull, "bob", "/hold They are back")
    await fetch_failed(countersign)
    assert said(pull)[-1].startswith("Nobody held this change when that was said.")
    assert await board.say(pull, "bob", "/unhold") == ""
    assert (await board.say(pull, "bob", "/unhold")).startswith("Nobody holds this change.")


async def test_a_vote_that_was_given_in_time_and_heard_after_time_has_decided_says_so(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board
) -> None:
    pull = await board.requested()
    await unheard_votes(countersign, gh, board, pull, "chris", "ida", "rick")
    countersign.later(hours=24)
    await come_due(countersign, "key = %s", subject(pull))
    assert await state(countersign, pull) == "draft"
    await fetch_failed(countersign)
    assert await state(countersign, pull) == "draft"
    told = [each for each in said(pull) if "was given in time, on " in each]
    assert len(told) == 3
    assert (
        "CHG-2026-0001 was rejected, since its time to decide was over. `/request-cab` asks its board again" in told[0]
    )


async def test_votes_that_were_given_in_time_count_while_time_has_not_decided(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board
) -> None:
    """Countersign was away when the time was up, and the deliveries came after that."""
    pull = await board.requested()
    await countersign.stop_worker()
    gh.webhooks.pause()
    board.vote(pull, "chris", "ida", "rick")
    countersign.later(hours=24, minutes=5)
    gh.webhooks.resume()
    await gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"


async def test_votes_that_wait_on_another_pull_request_of_the_release_are_heard_before_time_decides(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board
) -> None:
    first, other = await board.together()
    await board.ask(first)
    assert await state(countersign, first) == "authorize"
    await countersign.stop_worker()
    board.vote(first, "chris", "ida")
    board.vote(other, "rick")
    countersign.later(hours=24, minutes=5)
    await gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert await state(countersign, first) == "scheduled"
