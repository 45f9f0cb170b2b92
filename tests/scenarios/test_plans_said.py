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
