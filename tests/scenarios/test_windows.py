"""When changes are planned: clear of each other, after the board's time, and where somebody chose, before it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.deployments.windows import next_slot
from bot.policy.model import Calendar, ChangeType, Window
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import subject, told
from tests.scenarios.board import (
    BODY,
    ON_THE_BOARD,
    POLICY,
    Board,
    calls,
    cleared,
    ending,
    number,
    planned,
    said,
    state,
)

CALENDAR = Calendar(
    timezone="Europe/London",
    holidays="GB-ENG",
    windows=(("weekend", (Window("FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0", timedelta(hours=4)),)),),
)
"""That of the policy."""


@pytest.fixture
async def countersign(countersign: Rehearsal) -> Rehearsal:
    """It is a Tuesday: Saturday's window leaves the board its time, whenever this is read."""
    countersign.later(days=(8 - countersign.now().weekday()) % 7)
    return countersign


def after(start: datetime) -> datetime:
    """When the window after that one begins."""
    slot = next_slot(CALENDAR, (("weekend",),), ChangeType.NORMAL, start + timedelta(hours=4))
    assert slot is not None
    return slot.start


async def opened(board: Board, name: str, repository: Any = None) -> Any:
    """A change of a file of its own, approved by carol."""
    home = repository or board.vault
    pull = home.open_pull_request(by=board.alice, title=f"PAY-1 {name}", files={name: "1"}, body=BODY)
    pull.review(by=board.carol, state="APPROVED")
    await board.countersign.settle()
    return pull


async def authorised(board: Board, name: str) -> Any:
    pull = await opened(board, name)
    await board.authorise(pull)
    assert await state(board.countersign, pull) == "scheduled"
    return pull


async def until(countersign: Rehearsal, pull: Any) -> datetime:
    """When the board's time is up."""
    rows = await countersign.rows("SELECT deadline FROM change WHERE subject = %s", subject(pull))
    moment: datetime = rows[0][0]
    return moment


def before(countersign: Rehearsal, moment: datetime, **early: float) -> None:
    """Let time pass until so long before that moment."""
    ahead = moment - timedelta(**early) - countersign.now()
    assert ahead > timedelta()
    countersign.later(seconds=ahead.total_seconds())


async def beside(countersign: Rehearsal, pull: Any, other: Any) -> bool:
    """Whether its check says that the other one is planned at the same time."""
    return f"Planned at the same time: {await number(countersign, other)} (" in told(pull)


def spoken(start: datetime) -> str:
    return f"{start.astimezone(UTC):%Y-%m-%d %H:%M}"


# Two changes of one thing.


async def test_a_newcomer_does_not_stop_what_the_board_has_authorised(countersign: Rehearsal, board: Board) -> None:
    first = await authorised(board, "a")
    assert cleared(first)
    second = await opened(board, "b")
    assert await planned(countersign, second) > await planned(countersign, first)
    assert cleared(first)
    assert "Planned at the same time" not in told(first) + told(second)


async def test_whoever_comes_into_the_window_of_another_waits_and_both_hear_of_it_at_once(
    countersign: Rehearsal, board: Board
) -> None:
    first = await authorised(board, "a")
    start = await planned(countersign, first)
    second = await opened(board, "b")
    await board.say(second, "alice", f"/schedule {start:%Y-%m-%dT%H:%M}+00:00")
    assert await planned(countersign, second) == start
    assert cleared(first), "it comes first"
    assert await beside(countersign, first, second)
    assert await beside(countersign, second, first)
    assert "It comes first: authorised, or asked for, before this one." in told(second)
    # The second one moves away, and the first one hears of that, too.
    await board.say(second, "alice", f"/schedule {after(start):%Y-%m-%dT%H:%M}+00:00")
    assert "Planned at the same time" not in told(first) + told(second)


async def test_whoever_waited_goes_on_when_the_other_is_cancelled(countersign: Rehearsal, board: Board) -> None:
    first = await authorised(board, "a")
    start = await planned(countersign, first)
    second = await opened(board, "b")
    await board.say(second, "alice", f"/schedule {start:%Y-%m-%dT%H:%M}+00:00", "/request-cab")
    assert await beside(countersign, second, first)
    await board.say(first, "alice", "/cancel It is not wanted any more")
    assert "Planned at the same time" not in told(second)


async def test_drafts_of_one_window_hear_of_each_other_and_give_way_to_what_is_asked_for(
    countersign: Rehearsal, board: Board
) -> None:
    first, second = await opened(board, "a"), await opened(board, "b")
    start = await planned(countersign, first)
    assert await planned(countersign, second) == start
    assert await beside(countersign, first, second)
    assert await beside(countersign, second, first)
    assert "nobody asked for holds no window" in told(first)
    await board.ask(second)
    assert (await planned(countersign, first), await planned(countersign, second)) == (after(start), start)
    assert "Planned at the same time" not in told(first) + told(second)


async def test_of_two_that_are_asked_for_at_one_moment_each_gets_a_window(countersign: Rehearsal, board: Board) -> None:
    pulls = [await opened(board, name) for name in ("a", "b", "c")]
    for pull in pulls:
        pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    starts = [await planned(countersign, pull) for pull in pulls]
    assert len(set(starts)) == 3
    assert [await state(countersign, pull) for pull in pulls] == ["authorize"] * 3
    assert not any("Planned at the same time" in told(pull) for pull in pulls)


async def test_what_the_policy_keeps_apart_is_planned_apart(countersign: Rehearsal) -> None:
    policy = POLICY.replace("emergency:", "exclusive: [[vault, site]]\nemergency:").replace(
        "tier: low}", "tier: high, configuration_item: CI0099999}"
    )
    board = Board.found(countersign, policy)
    one, other = await opened(board, "a"), await opened(board, "b", board.site)
    assert await beside(countersign, one, other)
    assert await beside(countersign, other, one)
    assert "(one of vault and site at a time, " in told(one)
    await board.ask(one)
    assert await planned(countersign, other) == after(await planned(countersign, one))


# The board's time.


async def test_a_board_that_is_asked_shortly_before_a_window_decides_about_the_next(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await opened(board, "a")
    start = await planned(countersign, pull)
    before(countersign, start, hours=10)
    await board.ask(pull)
    [call] = calls(pull, ON_THE_BOARD)
    assert f"Planned for {spoken(after(start))} to" in call
    await board.ballot(pull, "chris", "ida")
    countersign.later(hours=23)
    # The window before has passed; a vote within the stated time counts, and those before it stand.
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "scheduled"
    assert await planned(countersign, pull) == after(start)
    assert cleared(pull)


async def test_where_somebody_chose_the_window_the_board_decides_before_it_begins(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await opened(board, "a")
    start = await planned(countersign, pull)
    before(countersign, start, hours=10)
    await board.say(pull, "alice", "/schedule weekend", "/request-cab")
    [call] = calls(pull, ON_THE_BOARD)
    assert f"is on the agenda until {spoken(start)} UTC. Planned for {spoken(start)} to" in call
    assert "Somebody chose that time: the board decides before it begins." in call
    assert await until(countersign, pull) == start
    countersign.later(hours=11)
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "draft"


async def test_a_board_whose_time_is_extended_keeps_its_votes_and_plans_after_it(countersign: Rehearsal) -> None:
    board = Board.with_directors(countersign, ending("extend"))
    pull = await opened(board, "a")
    start = await planned(countersign, pull)
    before(countersign, start, hours=30)
    await board.ask(pull)
    await board.ballot(pull, "chris", "ida")
    assert await planned(countersign, pull) == start
    await countersign.until(countersign.now() + timedelta(hours=25))
    assert await planned(countersign, pull) == after(start)
    assert f"Planned for {spoken(after(start))} to" in calls(pull, ON_THE_BOARD)[-1]
    assert f"is in state authorize, planned for {spoken(after(start))} to" in told(pull)
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "scheduled", "the votes before stand"


async def test_an_authorised_window_that_passes_has_the_board_asked_about_another(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await authorised(board, "a")
    start = await planned(countersign, pull)
    await countersign.until(start + timedelta(hours=5))
    assert await state(countersign, pull) == "authorize"
    assert await planned(countersign, pull) == after(start)
    assert len(calls(pull, ON_THE_BOARD)) == 2
    assert not cleared(pull)
    assert not any("has not been asked" in each for each in [*said(pull), told(pull)])
