"""What a person raises needs what is demanded of the tier that it comes from, and of the one that it goes to."""

from typing import Any

import pytest

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import told
from tests.scenarios.board import BODY, POLICY, Board, cleared, said, state

_TIERS = POLICY[POLICY.index("tiers:") : POLICY.index("separation:")]
_APART = """\
tiers:
  low:
    approvals: [{count: 1, from: [write]}]
  medium:
    approvals: [{count: 1, from: [write]}]
    sign_off: [it-manager]
    cab: {quorum: 2, timeout: 24 hours, on_timeout: reject}
    plans: [backout]
    windows: [weekend]
    verification: {from: [release], within: 4 hours}
  high:
    approvals: [{count: 1, from: [write]}]
    sign_off: [risk-officer]
"""
MEDIUM = POLICY.replace(_TIERS, _APART).replace("repositories: [site], tier: low", "repositories: [site], tier: medium")
"""A change of medium risk needs a board, and what is riskier a signature of somebody else, and no board."""


@pytest.fixture
async def board(countersign: Rehearsal) -> Board:
    return Board.found(countersign, MEDIUM)


def change(board: Board, *, body: str = BODY) -> Any:
    pull = board.site.open_pull_request(by=board.alice, title="PAY-3 Rates", files={"a": "2"}, body=body)
    pull.review(by=board.carol, state="APPROVED")
    return pull


async def asked(countersign: Rehearsal, board: Board, pull: Any) -> None:
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()


async def test_what_was_authorised_is_assessed_again_and_needs_both(countersign: Rehearsal, board: Board) -> None:
    pull = change(board)
    await asked(countersign, board, pull)
    board.vote(pull, "ida", "chris")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    pull.comment(by=board.carol, body="/risk raise high It shows the new rates")
    await countersign.settle()
    assert await state(countersign, pull) == "assess"
    assert not cleared(pull)

    await asked(countersign, board, pull)
    board.vote(pull, "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize", "one signature is not what the tier before demanded"
    assert "it-manager" in told(pull)
    board.vote(pull, "ida")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    pull.comment(by=board.alice, body="/change")
    await countersign.settle()
    assert "| window | 2" in said(pull)[-1], "the window of the tier before"


async def test_nobody_raises_a_change_out_of_what_it_lacks(countersign: Rehearsal, board: Board) -> None:
    pull = change(board, body="New rates.")
    pull.comment(by=board.alice, body="/risk raise high It shows the new rates")
    await countersign.settle()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert await state(countersign, pull) == "draft"
    assert "## Backout plan" in said(pull)[-1]


async def test_a_change_that_has_a_record_for_its_tier_has_one_when_it_is_raised(
    countersign: Rehearsal,
) -> None:
    board = Board.found(countersign, MEDIUM.replace("    sign_off: [risk-officer]\n", ""))
    await countersign.stop_worker()
    pull = change(board)
    pull.comment(by=board.alice, body="/risk raise high It shows the new rates")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert await state(countersign, pull) == "draft"
    assert not cleared(pull)


async def test_what_ships_together_needs_both_whichever_part_was_raised(countersign: Rehearsal, board: Board) -> None:
    first = change(board)
    await countersign.settle()
    second = change(board)
    await countersign.settle()
    second.comment(by=board.carol, body="/risk raise high It shows the new rates")
    await countersign.settle()
    second.comment(by=board.alice, body="/change link CHG-2026-0001")
    await countersign.settle()
    await asked(countersign, board, first)
    board.vote(first, "rick")
    for pull in (first, second):
        pull.comment(by=board.carol, body="/recheck")
        await countersign.settle()
        assert await state(countersign, first) == "authorize"
    board.vote(second, "ida")
    await countersign.settle()
    assert await state(countersign, first) == "scheduled"
