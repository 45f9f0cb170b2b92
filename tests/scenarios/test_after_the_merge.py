"""What people say on a pull request that is merged, or closed: it counts, or they are told that it does not."""

from datetime import timedelta

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import come_due, subject
from tests.scenarios.board import Board, history, state

TOO_LATE = (
    "/schedule weekend",
    "/plan backout Deploy the image of before; ten minutes, and Carol decides.",
    "/risk raise high It touches the totals",
    "/waive rule:ticket until 2027-01-01 because it is needed",
    "/waiver grant 1",
    "/emergency INC0012345 Payments are down since nine",
    "/explain",
    "/change link CHG-2026-0001",
    "/change type emergency INC0012345 Payments are down since nine",
)


async def test_what_could_only_matter_before_the_merge_is_refused_after_it(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull)
    before = await history(countersign)
    for text in TOO_LATE:
        command = " ".join(text.split()[: 3 if "type" in text else 2 if text.startswith("/change") else 1])
        answered = await board.say(pull, "alice", text)
        assert answered.startswith(
            f"`{command}` is for a pull request that is open; this one is merged. `/change close` says what came of it."
        )
    assert await history(countersign) == before
    assert await countersign.rows("SELECT kind FROM instruction") == []


async def test_what_is_held_after_its_release_is_not_closed_by_itself(countersign: Rehearsal, board: Board) -> None:
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull)
    answered = await board.say(pull, "alice", "/hold Totals differ")
    assert answered.startswith(
        "That counts as a report of a problem: CHG-2026-0001 is not closed by itself while the hold stands."
    )
    await day_passes(countersign, pull)
    assert await state(countersign, pull) == "review"
    shown = await board.say(pull, "bob", "/change")
    assert "| held | by `@alice` on " in shown
    assert "by whoever had to do with it" in shown
    await board.say(pull, "alice", "/unhold They were those of the day before")
    assert await state(countersign, pull) == "review", "another day goes by, from then on"
    await day_passes(countersign, pull)
    assert (await history(countersign))[-1] == (
        "close",
        None,
        "Nobody has reported another problem within 24 hours of when the hold on it was lifted.",
    )
    answered = await board.say(pull, "alice", "/hold Totals differ again")
    assert answered.startswith("CHG-2026-0001 is closed: nothing of it can be held any more.")


async def test_a_hold_on_one_pull_request_of_a_release_is_about_all_of_it(countersign: Rehearsal, board: Board) -> None:
    first, other = await board.together()
    await board.authorise(first)
    await board.to_its_window()
    await board.merge(other)
    await board.merge(first)
    assert await state(countersign, first) == "review"
    await board.say(other, "bob", "/hold Totals differ")
    await day_passes(countersign, first)
    assert await state(countersign, first) == "review"


async def test_what_is_said_of_a_closed_pull_request_is_refused(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened()
    pull.close(by=board.alice)
    await countersign.settle()
    for text, states in (
        ("/hold Wait", "open or merged"),
        ("/schedule weekend", "open"),
        ("/request-cab", "open or merged"),
    ):
        answered = await board.say(pull, "alice", text)
        name = text.split()[0]
        told = f"`{name}` is for a pull request that is {states}; this one is closed. `/change` shows how it ended."
        assert answered.startswith(told)
    answered = await board.say(pull, "alice", "/cancel It is over")
    assert "`/request-cab` opens" not in answered


async def test_where_there_is_no_record_nothing_is_held_after_the_merge(board: Board) -> None:
    pull = board.low_change()
    await board.countersign.settle()
    await board.merge(pull)
    answered = await board.say(pull, "alice", "/hold It looks odd")
    assert answered.startswith("The pull request is merged, and there is no change record that could be held.")


async def day_passes(countersign: Rehearsal, pull: object) -> None:
    countersign.later(seconds=timedelta(hours=25).total_seconds())
    await come_due(countersign, "key = %s", subject(pull))
