"""What other tools report about the head commit stands in the change record, for the board and for an auditor."""

from typing import Any

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.board import Board, said, state


async def asked(countersign: Rehearsal, pull: Any, by: Any, body: str) -> str:
    pull.comment(by=by, body=body)
    await countersign.settle()
    return said(pull)[-1]


async def test_the_board_is_told_what_was_tested_and_the_record_keeps_it(countersign: Rehearsal, board: Board) -> None:
    pull, actions = board.change(), countersign.gh.world.other_app("github-actions")
    board.vault.report_as(actions, "unit", pull.head_sha, conclusion="success", details_url="https://ci.example/1")
    lint = board.vault.report_as(actions, "lint <b>@all</b>", pull.head_sha, conclusion="failure")
    board.vault.report_as(actions, "soak", pull.head_sha, status="in_progress")
    board.vault.set_status(pull.head_sha, {"state": "success", "context": "ci/jenkins"}, by=board.bob)
    called = await asked(countersign, pull, board.alice, "/request-cab")
    assert await state(countersign, pull) == "authorize"
    short = pull.head_sha[:7]
    assert f"Tested: 4 checks of {short}: 1 failed, 1 not finished, 2 passed." in called
    shown = await asked(countersign, pull, board.chris, "/change")
    assert f"| test evidence | 4 checks of {short}: 1 failed, 1 not finished, 2 passed. |" in shown
    assert "- lint <b>`@all`</b> (github-actions): failed" in shown, "of its markup and its mention nothing is left"
    assert "- ci/jenkins (bob): passed" in shown

    lint.update({"conclusion": "success"}, by=actions.account)
    shown = await asked(countersign, pull, board.chris, "/change")
    assert "4 checks of" in shown
    assert "1 not finished, 3 passed. |" in shown
    assert [line.partition(",")[0] for line in shown.splitlines() if line.startswith("- ")][1:] == [
        "- soak (github-actions): not finished",
        "- ci/jenkins (bob): passed",
        "- lint <b>`@all`</b> (github-actions): passed",
        "- unit (github-actions): passed",
    ]
    assert await state(countersign, pull) == "authorize", "what was tested since does not ask the board anew"


async def test_of_a_commit_that_nobody_tested_the_record_says_so(countersign: Rehearsal, board: Board) -> None:
    pull = board.change()
    called = await asked(countersign, pull, board.alice, "/request-cab")
    assert "Tested:" not in called
    shown = await asked(countersign, pull, board.alice, "/change")
    assert "| test evidence | no tool has reported anything |" in shown
    pull.push(by=board.alice, files={"a": "3"})
    actions = countersign.gh.world.other_app("github-actions")
    board.vault.report_as(actions, "unit", pull.head_sha, conclusion="success")
    # That the board is not asked any more is told before anybody asks for the record.
    await countersign.settle()
    shown = await asked(countersign, pull, board.alice, "/change")
    assert f"1 check of {pull.head_sha[:7]}: 1 passed." in shown
