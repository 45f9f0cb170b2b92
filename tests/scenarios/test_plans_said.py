"""A plan that somebody wrote in a comment, and the description: the later one counts, and the board sees which."""

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import told
from tests.scenarios.board import BODY, Board, state

SAID = "/plan backout Deploy the image of yesterday; ten minutes, nothing is lost."
EDITED = "Restore the database from the backup of midnight; four hours, and a day is lost."


async def backout(countersign: Rehearsal) -> str:
    rows = await countersign.rows("SELECT convert_from(body, 'UTF8')::jsonb -> 'contents' -> 'plans' FROM change")
    return str(dict(rows[0][0])["backout"])


async def test_a_section_that_was_edited_after_the_comment_counts_and_the_board_is_asked_anew(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.opened()
    await board.say(pull, "carol", SAID)
    assert await backout(countersign) == SAID.removeprefix("/plan backout ")
    assert "the backout plan is what @carol wrote in a comment on" in told(pull)
    assert "the description says something else" in told(pull)
    answered = await board.say(pull, "bob", "/change")
    assert "backout said by `@carol` on " in answered
    assert "in a comment, where the description says something else |" in answered
    assert "<details><summary>Backout plan</summary>\n\n```text\nDeploy the image of yesterday;" in answered

    await board.authorise(pull)
    section = BODY.partition("## Backout plan\n\n")[2].partition("\n\n")[0]
    assert section
    pull.edit(by=board.alice, body=BODY.replace(section, EDITED))
    await countersign.settle()
    assert await backout(countersign) == EDITED
    assert await state(countersign, pull) == "assess", "that is not what the board has authorised"
    assert "wrote in a comment" not in told(pull)
    assert "implementation, test, backout and impact from the description" in await board.say(pull, "bob", "/change")


async def test_what_was_written_in_a_comment_is_taken_back_by_the_command_without_a_text(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.opened()
    before = await backout(countersign)
    assert "Write it as" in await board.say(pull, "carol", "/plan backout")
    await board.say(pull, "carol", SAID)
    # Another section is edited: what was said of this one stands.
    pull.edit(by=board.alice, body=f"In short. {BODY}")
    await countersign.settle()
    assert await backout(countersign) != before
    assert await board.say(pull, "carol", "/plan backout") == ""
    assert await backout(countersign) == before


async def test_a_plan_is_what_stands_in_quotation_marks_and_says_something(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.opened()
    await board.say(pull, "carol", '/plan "backout" "Deploy the image of yesterday; ten minutes."')
    assert await backout(countersign) == "Deploy the image of yesterday; ten minutes."
    for hollow in ('""', "N/A - low risk change", "see ticket PAY-123456"):
        assert "That says nothing as a plan." in await board.say(pull, "carol", f"/plan backout {hollow}")
    await board.say(pull, "carol", "/plan backout git revert")
    assert await backout(countersign) == "git revert"


async def test_a_description_that_says_why_there_is_no_plan_has_none(countersign: Rehearsal, board: Board) -> None:
    section = BODY.partition("## Backout plan\n\n")[2].partition("\n\n")[0]
    pull = await board.opened(body=BODY.replace(section, "Not applicable because trivial"))
    answer = await board.say(pull, "alice", "/request-cab")
    assert "lacks the section" in answer
    assert "## Backout plan" in answer
    pull.edit(by=board.alice, body=BODY.replace(section, "Revert it."))
    await countersign.settle()
    await board.say(pull, "alice", "/request-cab")
    assert await state(countersign, pull) == "authorize"
