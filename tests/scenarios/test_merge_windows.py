"""Where the merge is the release: it waits for its window and for the end of a freeze, and goes on by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.publish.effects import CHECK
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.rules import Refused
from tests.scenarios.bank import shown, told
from tests.scenarios.board import ON_THE_BOARD, POLICY, Board, calls, cleared, planned, said, state

ANY_TIME = POLICY.replace("    windows: [weekend]\n", "")
"""A board decides, and the policy leaves the time to whoever merges."""


def spoken(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def frozen(countersign: Rehearsal, days: int, *excepted: str) -> str:
    """The bank's policy with a freeze from yesterday on, which lasts so many more days."""
    today = countersign.now().date()
    first, last = today - timedelta(days=1), today + timedelta(days=days)
    freeze = f"{{name: year end, from: {first}, to: {last}, except: [{', '.join(excepted)}]}}"
    return POLICY.replace("emergency:", f"  freezes: [{freeze}]\nemergency:", 1)


async def test_it_passes_by_itself_when_its_window_opens_and_github_does_not_merge_it_before(
    countersign: Rehearsal, board: Board
) -> None:
    board.vault.ruleset("main", by=board.rita, checks=[CHECK])
    pull = await board.authorised()
    start = await planned(countersign, pull)
    assert shown(pull) == ("action_required", f"Waiting: its window, {spoken(start)}")
    assert f"It goes on by itself at {spoken(start)}; `/schedule` chooses another time." in told(pull)
    with pytest.raises(Refused):
        pull.merge(by=board.rita)

    await countersign.until(start)
    assert shown(pull) == ("success", f"Passed: by its board, until {spoken(start + timedelta(hours=4))}")
    await board.merge(pull)
    assert await state(countersign, pull) == "review"
    assert "should have waited" not in await board.say(pull, "alice", "/change")


async def test_a_window_that_closes_takes_the_check_back(countersign: Rehearsal, board: Board) -> None:
    pull = await board.authorised()
    start = await planned(countersign, pull)
    await countersign.until(start)
    assert shown(pull)[0] == "success"
    await countersign.until(start + timedelta(hours=4))
    assert not cleared(pull)
    assert len(calls(pull, ON_THE_BOARD)) == 2, "it is asked about the next window"


async def test_a_freeze_holds_what_needs_neither_record_nor_window(countersign: Rehearsal) -> None:
    board = Board.found(countersign, frozen(countersign, 3))
    pull = board.low_change()
    await countersign.settle()
    [(records,)] = await countersign.rows("SELECT count(*) FROM change")
    assert records == 0
    # The freeze ends with its last day in London, which begins no later than that of UTC.
    last = countersign.now().date() + timedelta(days=3)
    state_, title = shown(pull)
    assert (state_, title[:26]) == ("action_required", "Waiting: a freeze, until 2")
    assert "The freeze `year end` lasts until" in told(pull)
    await countersign.until(datetime(last.year, last.month, last.day, 22, tzinfo=UTC))
    assert shown(pull)[0] == "action_required"
    await countersign.until(datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1))
    assert shown(pull)[0] == "success"


async def test_an_emergency_goes_ahead_in_a_freeze_that_excepts_it(countersign: Rehearsal) -> None:
    board = Board.found(countersign, frozen(countersign, 30, "emergency"))
    pull = board.change()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine", "/request-cab")
    await board.ballot(pull, "chris")
    assert shown(pull)[0] == "success"


async def test_what_its_board_authorises_goes_ahead_at_once_where_the_policy_demands_no_window(
    countersign: Rehearsal,
) -> None:
    board = Board.found(countersign, ANY_TIME)
    pull = await board.authorised()
    assert await planned(countersign, pull) > countersign.now(), "a board that takes all of its time is left it"
    assert shown(pull)[0] == "success"
    await board.merge(pull)
    assert "should have waited" not in await board.say(pull, "alice", "/change")


async def test_what_somebody_chose_a_time_for_waits_for_that(countersign: Rehearsal) -> None:
    board = Board.found(countersign, ANY_TIME)
    pull = await board.opened()
    chosen = (countersign.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    await board.say(pull, "alice", f"/schedule {chosen.isoformat()}")
    await board.authorise(pull)
    assert shown(pull) == ("action_required", f"Waiting: its window, {spoken(chosen)}")
    await countersign.until(chosen)
    assert shown(pull)[0] == "success"


EMERGENCY = "/emergency INC0012345 Payments are down since nine"


async def test_an_emergency_passes_until_its_time_is_up(countersign: Rehearsal, board: Board) -> None:
    pull = board.change()
    await board.say(pull, "rita", EMERGENCY, "/request-cab")
    await board.ballot(pull, "chris")
    ends = await lane_ends(countersign)
    assert shown(pull) == ("success", f"Passed: by its board, until {spoken(ends)}")
    await countersign.until(ends)
    assert shown(pull)[0] != "success"
    assert await state(countersign, pull) == "authorize"


async def lane_ends(countersign: Rehearsal) -> datetime:
    """When the only emergency may no longer be begun."""
    [(at,)] = await countersign.rows("SELECT authorised_at FROM change")
    assert isinstance(at, datetime)
    return at + timedelta(hours=4)


async def test_nobody_plans_an_emergency_for_another_time_and_an_earlier_wish_is_none(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.opened()
    await board.say(pull, "alice", "/schedule weekend")
    weekend = await planned(countersign, pull)
    await board.say(pull, "rita", EMERGENCY, "/request-cab")
    assert await planned(countersign, pull) < weekend
    await board.ballot(pull, "chris")
    assert shown(pull)[0] == "success"
    answer = await board.say(pull, "alice", "/schedule weekend")
    assert "is an emergency, which is released at once, and not planned for another time." in answer
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull) == ("success", f"Passed: by its board, until {spoken(await lane_ends(countersign))}")
    assert len(calls(pull, ON_THE_BOARD)) == 0
    assert not [each for each in said(pull) if "planned anew" in each]


async def test_no_emergency_is_declared_in_a_freeze_that_does_not_except_it(countersign: Rehearsal) -> None:
    board = Board.found(countersign, frozen(countersign, 30))
    pull = await board.opened()
    answer = await board.say(pull, "rita", EMERGENCY)
    assert "No emergency can be released now: the freeze `year end` holds until 2" in answer
    assert "and its `except` lacks `emergency`. The owners of the policy can except emergencies" in answer
    assert await state(countersign, pull) == "draft"


async def test_no_board_is_asked_about_an_emergency_in_a_freeze_that_does_not_except_it(
    countersign: Rehearsal,
) -> None:
    today = countersign.now().date()
    to_come = f"{{name: year end, from: {today + timedelta(days=1)}, to: {today + timedelta(days=2)}}}"
    board = Board.found(countersign, POLICY.replace("emergency:", f"  freezes: [{to_come}]\nemergency:", 1))
    pull = await board.opened()
    await board.say(pull, "rita", EMERGENCY)
    assert "is an emergency now" in said(pull)[-1]
    countersign.later(days=1)
    assert "No emergency can be released now" in await board.say(pull, "alice", "/request-cab")
    countersign.later(days=2)
    await board.say(pull, "alice", "/request-cab")
    assert await state(countersign, pull) == "authorize"
    assert "It can be released now, until" in await board.say(pull, "chris", "/cab approve")


async def test_a_time_that_somebody_chose_binds_where_no_board_decides_and_is_over_when_it_is(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.low_change()
    await board.say(pull, "alice", "/request-cab")
    assert shown(pull)[0] == "success"
    chosen = (countersign.now() + timedelta(hours=6)).replace(minute=0, second=0, microsecond=0)
    until = chosen + timedelta(hours=2)
    await board.say(pull, "alice", f"/schedule {chosen.isoformat()} {until.isoformat()}")
    assert shown(pull) == ("action_required", f"Waiting: its window, {spoken(chosen)}")
    await countersign.until(chosen)
    assert shown(pull) == ("success", f"Passed: 1 approval, until {spoken(until)}")
    await countersign.until(until)
    assert shown(pull) == ("success", "Passed: 1 of 1 approval, none by a contributor")


async def test_what_is_merged_before_a_time_that_somebody_chose_should_have_waited(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.low_change()
    await board.say(pull, "alice", "/request-cab")
    chosen = countersign.now() + timedelta(hours=6)
    await board.say(pull, "alice", f"/schedule {chosen.isoformat()}")
    await board.merge(pull)
    assert "The change is planned for" in await board.say(pull, "alice", "/change")


async def test_an_emergency_needs_the_approvals_that_the_policy_names_for_it(countersign: Rehearsal) -> None:
    """Its time begins when the board and the reviewers have said yes; who may object by the tier is still heard."""
    strict = POLICY.replace("high:\n    approvals: [{count: 1", "high:\n    approvals: [{count: 2").replace(
        "review_within: 3 days}", "review_within: 3 days, approvals: [{count: 1, from: [release]}]}"
    )
    board = Board.found(countersign, strict)
    board.org.teams["release"].add(board.bob)
    pull = board.change()
    await countersign.settle()
    assert "The policy demands 2 approvals" in told(pull)
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine", "/request-cab")
    await board.ballot(pull, "chris")
    assert await state(countersign, pull) == "authorize"
    assert "1 more from the role release" in told(pull)
    assert "2 approvals" not in told(pull)

    countersign.later(hours=3)
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull)[0] == "success"
    pull.review(by=board.carol, state="CHANGES_REQUESTED", body="It is the wrong account.")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert not [each for each in said(pull) if "declined" in each]
