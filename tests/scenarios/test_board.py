"""Who is called when somebody has to act on a change: the board, those above it, who asked, and who looks back."""

from dataclasses import replace
from typing import Any

import pytest

from bot.publish.effects import CHECK
from bot.sandbox import Fault, SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal, settings
from tests.scenarios.bank import SECRET, shown
from tests.scenarios.dying import FATAL, die_at
from tests.scenarios.test_change_records import BODY, POLICY, Board, said, state

BOARD = "@northbank/cab @northbank/it-managers @northbank/risk"
DIRECTORS = "@northbank/directors"


def ending(how: str) -> str:
    """The bank's policy with another end of a board's time."""
    named = POLICY.replace("  release:", "  director: [northbank/directors]\n  release:")
    return named.replace("on_timeout: reject", f"on_timeout: {how}")


ESCALATING = ending("escalate, escalate_to: [director]")


def founded(gh: SimulatedGitHub, policy: str) -> Board:
    """The bank, with directors: dina, and alice who contributes."""
    board = Board.found(gh, policy)
    org = gh.organisation("northbank")
    board.people["dina"] = org.person("dina")
    org.team("directors", members=[board.dina, board.alice])
    board.vault.access[board.dina] = "read"
    return board


async def requested(countersign: Rehearsal, board: Board, **more: Any) -> Any:
    pull = board.change(**more)
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    return pull


async def hours_pass(countersign: Rehearsal, pull: Any, board: Board, hours: float = 25) -> None:
    countersign.later(hours=hours)
    pull.comment(by=board.carol, body="/recheck")
    await countersign.settle()


def calls(pull: Any, whom: str) -> list[str]:
    """What was said to them, without the hidden marker."""
    return [each.partition("\n\n<!--")[0] for each in said(pull) if each.startswith(f"{whom}: ")]


async def test_whom_it_is_escalated_to_decides_with_the_board(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    board = founded(gh, ESCALATING)
    pull = await requested(countersign, board)
    board.vote(pull, "ida", "rick")
    await countersign.settle()
    for _ in range(3):
        await hours_pass(countersign, pull, board, 12.5)
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, BOARD)) == 1, "who was called already is not called again"
    [call] = calls(pull, DIRECTORS)
    assert "was not decided by" in call
    assert "Whoever has the role `director` is on the board as well now, which has until" in call
    assert "Missing: 1 more to approve. Vote with `/cab approve`" in call

    board.vote(pull, "alice")
    await countersign.settle()
    assert "contributed to the change" in said(pull)[-1]
    gh.organisation("northbank").teams["directors"].add(board.rita)
    await countersign.settle()
    board.vote(pull, "rita")
    await countersign.settle()
    assert "came to the board after it was asked" in said(pull)[-1]

    board.vote(pull, "dina")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert "@ida, @rick and @dina authorised" in pull.check(CHECK).summary.replace("\\", "")
    assert "`risk-officer` and `director`" in pull.check(CHECK).summary.replace("\\", "")
    assert shown(pull)[0] == "success"


async def test_without_anybody_above_the_board_is_called_once_more_and_then_it_is_rejected(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    board = founded(gh, ending("escalate"))
    pull = await requested(countersign, board)
    await hours_pass(countersign, pull, board)
    await hours_pass(countersign, pull, board, 1)
    first, again = calls(pull, BOARD)
    assert "is on the agenda until" in first
    assert "was not decided by" in again
    assert "Without a decision by then, it is rejected." in again
    await hours_pass(countersign, pull, board)
    assert await state(countersign, pull) == "draft"
    [told] = calls(pull, "@alice")
    assert "which rejects it. It is back in draft" in told
    assert len(calls(pull, BOARD)) == 2


async def test_a_board_whose_time_is_extended_is_called_once_for_each_time(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    board = founded(gh, ending("extend"))
    pull = await requested(countersign, board)
    for hours in (25, 1, 25, 1):
        await hours_pass(countersign, pull, board, hours)
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, BOARD)) == 3
    assert all("rejected" not in each for each in said(pull))


async def test_who_asked_is_told_once_that_nobody_decided_in_time(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    board = founded(gh, POLICY)
    pull = await requested(countersign, board)
    for hours in (25, 1):
        await hours_pass(countersign, pull, board, hours)
    [told] = calls(pull, "@alice")
    assert told.startswith("@alice: CHG-2026-0001, PAY-1 Daily interest, was not decided by ")
    # Asked again, the board is called again.
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, BOARD)) == 2


async def test_a_board_that_was_asked_too_early_is_called_when_it_can_vote(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    board = founded(gh, POLICY)
    pull = await requested(countersign, board, title="Daily interest")
    assert await state(countersign, pull) == "assess"
    assert calls(pull, BOARD) == []
    assert not any("@" in each for each in said(pull))
    assert "The board is called then" in said(pull)[-1]
    pull.edit(by=board.alice, title="PAY-1 Daily interest")
    await countersign.settle()
    pull.comment(by=board.carol, body="/recheck")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert len(calls(pull, BOARD)) == 1


async def merged_emergency(countersign: Rehearsal, board: Board) -> Any:
    pull = board.change()
    pull.comment(by=board.rita, body="/emergency INC0012345 Payments are down since nine")
    await countersign.settle()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    board.vote(pull, "chris")
    await countersign.settle()
    pull.merge(by=board.rita)
    await countersign.settle()
    assert await state(countersign, pull) == "review"
    return pull


async def test_an_emergencys_review_is_asked_for_and_once_more_when_it_is_overdue(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    board = founded(gh, POLICY)
    pull = await merged_emergency(countersign, board)
    assert calls(pull, "@northbank/cab") != []
    [asked] = calls(pull, BOARD)
    assert "was released as an emergency. One of you who neither contributed" in asked
    assert "reviews it by" in asked
    key = f"pull:{board.vault.id}:{pull.number}"
    ((due,),) = await countersign.rows("SELECT due - now() FROM subject WHERE key = %s", key)
    assert 71 * 3600 < due.total_seconds() <= 72 * 3600, "the merged pull request wakes when the review is due"
    await hours_pass(countersign, pull, board, 71)
    assert len(calls(pull, BOARD)) == 1
    for _ in range(2):
        await hours_pass(countersign, pull, board, 2)
    asked, overdue = calls(pull, BOARD)
    assert "its review was due on" in overdue
    assert "Now the next change of `vault` waits for it" in overdue
    assert await countersign.rows("SELECT due FROM subject WHERE key = %s", key) == [(None,)]
    other = board.vault.open_pull_request(by=board.alice, title="PAY-2 Next", files={"b": "1"}, body=BODY)
    other.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert shown(other)[0] == "failure"
    pull.comment(by=board.chris, body="/change review The cause was a lost index; it is monitored from now on.")
    await countersign.settle()
    await hours_pass(countersign, pull, board, 1)
    assert len(calls(pull, BOARD)) == 2


async def test_a_review_that_is_there_in_time_is_asked_for_no_more(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    board = founded(gh, POLICY)
    pull = await merged_emergency(countersign, board)
    pull.comment(by=board.ida, body="/change review The cause was a lost index; it is monitored from now on.")
    await countersign.settle()
    key = f"pull:{board.vault.id}:{pull.number}"
    assert await countersign.rows("SELECT due FROM subject WHERE key = %s", key) == [(None,)]
    await hours_pass(countersign, pull, board, 100)
    assert len(calls(pull, BOARD)) == 1


async def test_a_comment_whose_receipt_is_lost_is_not_made_twice(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    board = founded(gh, POLICY)
    pull = board.change()
    await countersign.settle()
    gh.faults.add(Fault("POST .*/issues/[0-9]+/comments", "cut-after"))
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert gh.faults.met
    assert len(calls(pull, BOARD)) == 1


SETTLED, RECEIVED, TOGETHER = 56, 92, 2
"""The steps of a look between which a command is settled and the call of the board is on record; they are shared out
among tests that run beside each other."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(TOGETHER))
async def test_a_worker_killed_while_it_calls_the_board_calls_it_once(
    gh: SimulatedGitHub, database_url: str, first: int
) -> None:
    async with rehearsal(gh, database_url, SECRET, patience=FATAL) as countersign:
        board = Board.found(gh)
        dying = replace(settings(gh, SECRET), database_url=database_url)
        left = set()
        for fatal in range(SETTLED + first, RECEIVED, TOGETHER):
            pull = board.vault.open_pull_request(
                by=board.alice, title=f"PAY-{fatal}", files={f"{fatal}": "2"}, body=BODY, branch=f"change-{fatal}"
            )
            pull.review(by=board.carol, state="APPROVED")
            await countersign.settle()
            await countersign.stop_worker()
            pull.comment(by=board.alice, body="/request-cab")
            await gh.settle()
            assert await die_at(dying, database_url, fatal), fatal
            [[number]] = await countersign.rows(
                "SELECT number FROM change WHERE subject = %s", f"pull:{board.vault.id}:{pull.number}"
            )
            noted = await countersign.rows("SELECT comment_id IS NOT NULL FROM announcement WHERE number = %s", number)
            left.add((len(said(pull)), noted == [(True,)]))
            await countersign.start_worker()
            await countersign.settle()
            assert await state(countersign, pull) == "authorize", fatal
            assert len(calls(pull, BOARD)) == len(said(pull)) == 1, fatal
            kinds = [kind for kind, about in await countersign.ledger() if about == number]
            assert kinds.count("countersign:change:announced") == 1, fatal
        assert left == {(0, False), (1, False), (1, True)}, "it was killed before, between and after"
