"""When changes are planned: clear of each other, after the board's time, and where somebody chose, before it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.deployments.windows import next_slot
from bot.policy.model import Calendar, ChangeType, Window
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown, told
from tests.scenarios.test_board import BOARD, calls, ending, founded
from tests.scenarios.test_change_records import BODY, POLICY, Board, said, state

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


@pytest.fixture
async def board(gh: SimulatedGitHub, countersign: Rehearsal) -> Board:
    del countersign
    return Board.found(gh)


def after(start: datetime) -> datetime:
    """When the window after that one begins."""
    slot = next_slot(CALENDAR, (("weekend",),), ChangeType.NORMAL, start + timedelta(hours=4))
    assert slot is not None
    return slot.start


async def opened(countersign: Rehearsal, board: Board, name: str, repository: Any = None) -> Any:
    """A change of a file of its own, approved by carol."""
    home = repository or board.vault
    pull = home.open_pull_request(by=board.alice, title=f"PAY-1 {name}", files={name: "1"}, body=BODY)
    pull.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    return pull


async def say(countersign: Rehearsal, pull: Any, who: Any, *words: str) -> None:
    for each in words:
        pull.comment(by=who, body=each)
    await countersign.settle()


async def authorised(countersign: Rehearsal, board: Board, name: str) -> Any:
    pull = await opened(countersign, board, name)
    await say(countersign, pull, board.alice, "/request-cab")
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    return pull


async def planned(countersign: Rehearsal, pull: Any) -> datetime:
    """When the window begins that its record is planned for."""
    subject = f"pull:{pull.repository.id}:{pull.number}"
    rows = await countersign.rows(
        "SELECT lower(planned) FROM change WHERE subject = %s ORDER BY sequence DESC", subject
    )
    moment: datetime = rows[0][0]
    return moment


async def until(countersign: Rehearsal, pull: Any) -> datetime:
    """When the board's time is up."""
    rows = await countersign.rows(
        "SELECT deadline FROM change WHERE subject = %s", f"pull:{pull.repository.id}:{pull.number}"
    )
    moment: datetime = rows[0][0]
    return moment


def before(countersign: Rehearsal, moment: datetime, **early: float) -> None:
    """Let time pass until so long before that moment."""
    ahead = moment - timedelta(**early) - countersign.now()
    assert ahead > timedelta()
    countersign.later(seconds=ahead.total_seconds())


async def number(countersign: Rehearsal, pull: Any) -> str:
    """That of its record."""
    rows = await countersign.rows(
        "SELECT number FROM change WHERE subject = %s ORDER BY sequence DESC",
        f"pull:{pull.repository.id}:{pull.number}",
    )
    return str(rows[0][0])


async def beside(countersign: Rehearsal, pull: Any, other: Any) -> bool:
    """Whether its check says that the other one is planned at the same time."""
    return f"Planned at the same time: {await number(countersign, other)} (" in told(pull)


def spoken(start: datetime) -> str:
    return f"{start.astimezone(UTC):%Y-%m-%d %H:%M}"


# Two changes of one thing.


async def test_a_newcomer_does_not_stop_what_the_board_has_authorised(countersign: Rehearsal, board: Board) -> None:
    first = await authorised(countersign, board, "a")
    assert shown(first)[0] == "success"
    second = await opened(countersign, board, "b")
    assert await planned(countersign, second) > await planned(countersign, first)
    assert shown(first)[0] == "success"
    assert "Planned at the same time" not in told(first) + told(second)


async def test_whoever_comes_into_the_window_of_another_waits_and_both_hear_of_it_at_once(
    countersign: Rehearsal, board: Board
) -> None:
    first = await authorised(countersign, board, "a")
    start = await planned(countersign, first)
    second = await opened(countersign, board, "b")
    await say(countersign, second, board.alice, f"/schedule {start:%Y-%m-%dT%H:%M}+00:00")
    assert await planned(countersign, second) == start
    assert shown(first)[0] == "success", "it comes first"
    assert await beside(countersign, first, second)
    assert await beside(countersign, second, first)
    assert "It comes first: authorised, or asked for, before this one." in told(second)
    # The second one moves away, and the first one hears of that, too.
    await say(countersign, second, board.alice, f"/schedule {after(start):%Y-%m-%dT%H:%M}+00:00")
    assert "Planned at the same time" not in told(first) + told(second)


async def test_whoever_waited_goes_on_when_the_other_is_cancelled(countersign: Rehearsal, board: Board) -> None:
    first = await authorised(countersign, board, "a")
    start = await planned(countersign, first)
    second = await opened(countersign, board, "b")
    await say(countersign, second, board.alice, f"/schedule {start:%Y-%m-%dT%H:%M}+00:00", "/request-cab")
    assert await beside(countersign, second, first)
    await say(countersign, first, board.alice, "/cancel It is not wanted any more")
    assert "Planned at the same time" not in told(second)


async def test_drafts_of_one_window_hear_of_each_other_and_give_way_to_what_is_asked_for(
    countersign: Rehearsal, board: Board
) -> None:
    first, second = await opened(countersign, board, "a"), await opened(countersign, board, "b")
    start = await planned(countersign, first)
    assert await planned(countersign, second) == start
    assert await beside(countersign, first, second)
    assert await beside(countersign, second, first)
    assert "nobody asked for holds no window" in told(first)
    await say(countersign, second, board.alice, "/request-cab")
    assert (await planned(countersign, first), await planned(countersign, second)) == (after(start), start)
    assert "Planned at the same time" not in told(first) + told(second)


async def test_of_two_that_are_asked_for_at_one_moment_each_gets_a_window(countersign: Rehearsal, board: Board) -> None:
    pulls = [await opened(countersign, board, name) for name in ("a", "b", "c")]
    for pull in pulls:
        pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    starts = [await planned(countersign, pull) for pull in pulls]
    assert len(set(starts)) == 3
    assert [await state(countersign, pull) for pull in pulls] == ["authorize"] * 3
    assert not any("Planned at the same time" in told(pull) for pull in pulls)


async def test_what_the_policy_keeps_apart_is_planned_apart(countersign: Rehearsal, gh: SimulatedGitHub) -> None:
    policy = POLICY.replace("emergency:", "exclusive: [[vault, site]]\nemergency:").replace(
        "tier: low}", "tier: high, configuration_item: CI0099999}"
    )
    board = Board.found(gh, policy)
    one, other = await opened(countersign, board, "a"), await opened(countersign, board, "b", board.site)
    assert await beside(countersign, one, other)
    assert await beside(countersign, other, one)
    assert "(one of vault and site at a time, " in told(one)
    await say(countersign, one, board.alice, "/request-cab")
    assert await planned(countersign, other) == after(await planned(countersign, one))


# The board's time.


async def test_a_board_that_is_asked_shortly_before_a_window_decides_about_the_next(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await opened(countersign, board, "a")
    start = await planned(countersign, pull)
    before(countersign, start, hours=10)
    await say(countersign, pull, board.alice, "/request-cab")
    [call] = calls(pull, BOARD)
    assert f"Planned for {spoken(after(start))} to" in call
    board.vote(pull, "chris", "ida")
    await countersign.settle()
    countersign.later(hours=23)
    # The window before has passed; a vote within the stated time counts, and those before it stand.
    board.vote(pull, "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert await planned(countersign, pull) == after(start)
    assert shown(pull)[0] == "success"


async def test_where_somebody_chose_the_window_the_board_decides_before_it_begins(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await opened(countersign, board, "a")
    start = await planned(countersign, pull)
    before(countersign, start, hours=10)
    await say(countersign, pull, board.alice, "/schedule weekend", "/request-cab")
    [call] = calls(pull, BOARD)
    assert f"is on the agenda until {spoken(start)} UTC. Planned for {spoken(start)} to" in call
    assert "Somebody chose that time: the board decides before it begins." in call
    assert await until(countersign, pull) == start
    countersign.later(hours=11)
    board.vote(pull, "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "draft"


async def test_a_board_whose_time_is_extended_keeps_its_votes_and_plans_after_it(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    board = founded(gh, ending("extend"))
    pull = await opened(countersign, board, "a")
    start = await planned(countersign, pull)
    before(countersign, start, hours=30)
    await say(countersign, pull, board.alice, "/request-cab")
    board.vote(pull, "chris", "ida")
    await countersign.settle()
    assert await planned(countersign, pull) == start
    countersign.later(hours=25)
    await say(countersign, pull, board.carol, "/recheck")
    assert await planned(countersign, pull) == after(start)
    assert f"Planned for {spoken(after(start))} to" in calls(pull, BOARD)[-1]
    assert f"is in state authorize, planned for {spoken(after(start))} to" in told(pull)
    board.vote(pull, "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled", "the votes before stand"


async def test_an_authorised_window_that_passes_has_the_board_asked_about_another(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await authorised(countersign, board, "a")
    start = await planned(countersign, pull)
    before(countersign, start, hours=-5)
    await say(countersign, pull, board.carol, "/recheck")
    assert await state(countersign, pull) == "authorize"
    assert await planned(countersign, pull) == after(start)
    assert len(calls(pull, BOARD)) == 2
    assert shown(pull)[0] == "action_required"
    assert not any("has not been asked" in each for each in [*said(pull), told(pull)])
