"""Somebody confirms in production that a release works, in time: who is called and reminded, and what says it was late."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.board import VERIFIED, Board, calls, history, planned, said, state

VERIFIERS = "@northbank/verification"
WITHIN = timedelta(hours=4)
OTHERWISE = "Where it is not well, `/change close backed-out reason` or `/change close unsuccessful reason` says so."


@pytest.fixture
async def board(countersign: Rehearsal) -> Board:
    return Board.with_verifiers(countersign)


async def released(board: Board) -> Any:
    """A change that was merged in its window, by rita."""
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull)
    return pull


async def due(countersign: Rehearsal) -> datetime:
    """Until when the first record is to be verified."""
    [(moment,)] = await countersign.rows(
        "SELECT (convert_from(body, 'utf8')::jsonb ->> 'verification_due')::timestamptz FROM change "
        "ORDER BY number LIMIT 1"
    )
    assert isinstance(moment, datetime)
    return moment


async def hours_after(countersign: Rehearsal, moment: datetime, hours: float) -> None:
    await countersign.until(moment + timedelta(hours=hours))


async def test_who_can_verify_is_called_at_the_release_reminded_once_and_what_is_late_says_so(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await released(board)
    until = await due(countersign)
    ended = await planned(countersign, pull) + timedelta(hours=1)
    assert timedelta() <= until - WITHIN - ended < timedelta(minutes=5)
    [called] = calls(pull, VERIFIERS)
    assert called == (
        f"{VERIFIERS}: CHG-2026-0001, PAY-1 Daily interest, was released by `@rita`. One of you who neither contributed "
        f"to it nor released it confirms by {until:%Y-%m-%d %H:%M} UTC with `/change close successful` that it works in "
        f"production. {OTHERWISE}"
    )
    assert f"| to be verified | by {until:%Y-%m-%d %H:%M} UTC |" in await board.say(pull, "alice", "/change")

    await hours_after(countersign, until, -0.5)
    assert len(calls(pull, VERIFIERS)) == 1, "there is still time"
    for hours in (0.1, 1, 30):
        await hours_after(countersign, until, hours)
        assert len(calls(pull, VERIFIERS)) == 2
    _, reminded = calls(pull, VERIFIERS)
    assert reminded == (
        f"{VERIFIERS}: CHG-2026-0001, PAY-1 Daily interest, was released by `@rita`, and by {until:%Y-%m-%d %H:%M} UTC "
        "nobody had confirmed that it works in production. One of you who neither contributed to it nor released it "
        f"does so now with `/change close successful`; it stays on record that it was late. {OTHERWISE}"
    )
    assert (await history(countersign))[-1] == ("remind-verifiers", None, "Nobody has verified it in time.")
    assert await state(countersign, pull) == "review"
    assert f"| to be verified | by {until:%Y-%m-%d %H:%M} UTC (overdue) |" in await board.say(pull, "vera", "/change")

    assert await board.say(pull, "vera", "/change close successful Totals are right") == ""
    assert await state(countersign, pull) == "closed"
    assert f"| verified late | it was to be by {until:%Y-%m-%d %H:%M} UTC |" in await board.say(pull, "vera", "/change")
    kinds = [kind for kind, about in await countersign.ledger() if about == "CHG-2026-0001"]
    assert kinds.count("countersign:change:announced") == 3, "the board once, and those who verify twice"


async def test_what_is_verified_in_time_says_nothing_of_that_and_nobody_is_reminded(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await released(board)
    until = await due(countersign)
    await hours_after(countersign, until, -1)
    assert await board.say(pull, "vera", "/change close successful Totals are right") == ""
    await hours_after(countersign, until, 1)
    assert len(calls(pull, VERIFIERS)) == 1
    told = await board.say(pull, "alice", "/change")
    assert "| closed | as successful on " in told
    assert "verified" not in told


async def test_what_was_said_in_time_is_in_time_however_late_it_is_read(countersign: Rehearsal, board: Board) -> None:
    pull = await released(board)
    until = await due(countersign)
    await countersign.stop_worker()
    pull.comment(by=board.vera, body="/change close successful Totals are right")
    await countersign.gh.settle()
    countersign.later(hours=9)
    await countersign.start_worker()
    await countersign.settle()
    assert await state(countersign, pull) == "closed"
    assert len(calls(pull, VERIFIERS)) == 1
    assert "verified late" not in await board.say(pull, "alice", "/change")
    assert countersign.now() > until


async def test_what_is_backed_out_is_not_to_be_verified(countersign: Rehearsal, board: Board) -> None:
    pull = await released(board)
    until = await due(countersign)
    await board.say(pull, "alice", "/change close backed-out Totals differ by a cent")
    await hours_after(countersign, until, 1)
    assert len(calls(pull, VERIFIERS)) == 1
    assert "verified" not in await board.say(pull, "alice", "/change")


async def test_a_release_that_is_heard_of_late_calls_for_its_verification_once(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.authorised()
    await board.to_its_window()
    await countersign.stop_worker()
    pull.merge(by=board.rita)
    await countersign.gh.settle()
    countersign.later(hours=9)
    await countersign.start_worker()
    await countersign.settle()
    [called] = calls(pull, VERIFIERS)
    assert "nobody had confirmed that it works in production." in called
    assert [act for act, _, _ in (await history(countersign))[-2:]] == ["finish", "remind-verifiers"]


async def test_an_account_that_had_a_part_in_it_is_not_called(countersign: Rehearsal) -> None:
    named = VERIFIED.replace("verifier: [northbank/verification]", "verifier: [vera, alice, rita]")
    board = Board.with_verifiers(countersign, named)
    pull = await released(board)
    assert len(calls(pull, "@vera")) == 1


async def test_a_release_of_two_is_verified_as_one(countersign: Rehearsal, board: Board) -> None:
    first, other = await board.together()
    await board.authorise(first)
    await board.to_its_window()
    await board.merge(first)
    assert calls(first, VERIFIERS) == [], "it is not all there yet"
    await board.merge(other, "carol")
    until = await due(countersign)
    [called] = calls(first, VERIFIERS)
    assert "PAY-1 Daily interest (and 1 more), was released by `@rita` and `@carol`." in called
    await hours_after(countersign, until, 1)
    assert len(calls(first, VERIFIERS)) == 2
    assert calls(other, VERIFIERS) == []
    assert await board.say(other, "vera", "/change close successful Both run") == ""
    assert "| verified late |" in await board.say(first, "alice", "/change")


async def test_an_emergency_is_called_about_in_one_comment_and_verified_after_its_review(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.opened()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.ask(pull)
    await board.ballot(pull, "chris")
    before = len(said(pull))
    await board.merge(pull)
    until = await due(countersign)
    [called] = said(pull)[before:]
    review, verification, _ = called.split("\n\n")
    assert review.startswith("@northbank/cab @northbank/it-managers @northbank/risk: ")
    assert "reviews it by " in review
    assert verification.startswith(f"{VERIFIERS}: ")
    assert f"confirms by {until:%Y-%m-%d %H:%M} UTC, after its review, with `/change close successful`" in verification

    await hours_after(countersign, until, 1)
    assert len(said(pull)) == before + 1, "nobody can verify what was not reviewed"
    await board.say(pull, "cleo", "/change review The cause was a lost index; it is monitored from now on.")
    [reminded] = calls(pull, VERIFIERS)
    assert "nobody had confirmed that it works in production." in reminded
    assert await board.say(pull, "vera", "/change close successful Payments are back") == ""
    assert "| verified late |" in await board.say(pull, "alice", "/change")


async def test_where_there_are_environments_nothing_is_to_be_verified_yet(countersign: Rehearsal) -> None:
    deployed = VERIFIED.replace(
        "configuration_item: CI0012345}", "configuration_item: CI0012345, environments: {production: [prod]}}"
    )
    board = Board.with_verifiers(countersign, deployed)
    pull = await released(board)
    await hours_after(countersign, countersign.now(), 9)
    assert await state(countersign, pull) == "scheduled"
    assert calls(pull, VERIFIERS) == []
