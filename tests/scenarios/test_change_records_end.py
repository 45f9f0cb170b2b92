"""The end of a change's life on its pull request: merged, verified, closed; given up; or released without anybody's word."""

from datetime import timedelta

import pytest

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import shown, subject
from tests.scenarios.board import VERIFIED, Board, cleared, history, records, state


@pytest.fixture
async def board(countersign: Rehearsal) -> Board:
    return Board.with_verifiers(countersign)


async def test_a_change_is_released_by_its_merge_and_verified_by_somebody_else(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.authorised()
    start = await board.to_its_window()
    await board.merge(pull)
    assert await state(countersign, pull) == "review"
    assert (await history(countersign))[-2:] == [
        ("start", "rita", "The pull request was merged."),
        ("finish", "rita", "The pull request was merged."),
    ]
    for who, reason in (
        ("alice", "does not have the role verifier (northbank/verification)"),
        ("rita", "does not have the role verifier (northbank/verification)"),
    ):
        told = await board.say(pull, who, "/change close successful It runs")
        assert reason in told
        assert "Somebody with the role verifier (northbank/verification) who neither contributed nor released" in told
    told = await board.say(pull, "vera", "/change")
    assert "| released | " in told
    assert f"{start + timedelta(hours=1):%Y-%m-%d %H}" in told
    assert "by somebody with the role verifier (northbank/verification)" in told
    assert await board.say(pull, "vera", "/change close with-issues Totals are right; it took an hour") == ""
    assert await state(countersign, pull) == "closed"
    told = await board.say(pull, "alice", "/change")
    assert "| closed | as successful with issues on " in told
    assert "by `@vera`: Totals are right; it took an hour |" in told
    kinds = [kind for kind, about in await countersign.ledger() if about == "CHG-2026-0001"]
    assert kinds.count("countersign:change:moved") == 6


async def test_whoever_contributed_or_merged_never_verifies(countersign: Rehearsal, board: Board) -> None:
    for name in ("alice", "rita"):
        board.org.teams["verification"].add(board.people[name])
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull)
    assert "@alice contributed to it" in await board.say(pull, "alice", "/change close successful It runs")
    assert "@rita released it" in await board.say(pull, "rita", "/change close successful It runs")
    assert await state(countersign, pull) == "review"
    # Carol approved it, which this policy does not keep apart from verifying it.
    assert await board.say(pull, "carol", "/change close successful Looked at it with the tellers") == ""
    assert await state(countersign, pull) == "closed"


async def test_a_release_that_turns_out_to_be_bad_is_backed_out(countersign: Rehearsal, board: Board) -> None:
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull)
    assert "A reason is needed." in await board.say(pull, "alice", "/change close backed-out")
    told = await board.say(pull, "zoe", "/change close backed-out I do not like it")
    assert "@zoe cannot say what came of CHG-2026-0001." in told
    assert "Who contributed, asked, approved, merged, decides, or verifies can." in told
    assert (
        await board.say(pull, "alice", "/change close backed-out Totals differ by a cent; the image before runs") == ""
    )
    assert await state(countersign, pull) == "closed"
    assert [act for act, _, _ in (await history(countersign))[-2:]] == ["back-out", "close"]
    assert "| backed out | yes |" in await board.say(pull, "alice", "/change")


async def test_a_change_merged_outside_its_window_says_so(countersign: Rehearsal, board: Board) -> None:
    pull = await board.authorised()
    await board.merge(pull)
    assert await state(countersign, pull) == "review"
    told = await board.say(pull, "alice", "/change")
    assert "| should have waited | The pull request was merged all the same: " in told
    assert [act for act, _, _ in (await history(countersign))[-2:]] == ["overtake", "finish"]


async def test_what_nobody_authorised_is_never_taken_for_authorised(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened()
    await board.ask(pull)
    await countersign.stop_worker()
    board.vote(pull, "chris", "ida", "rick")
    pull.merge(by=board.rita)
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    # The last votes are read after the merge: they authorise nothing any more.
    assert await countersign.rows("SELECT state, unauthorised, authorised_at FROM change") == [
        ("cancelled", True, None)
    ]
    act, who, why = (await history(countersign))[-1]
    assert (act, who) == ("bypass", "rita")
    assert why == "The pull request was merged without authorisation: CHG-2026-0001 was in state authorize."
    told = await board.say(pull, "alice", "/change")
    assert "without authorisation, by `@rita` |" in told
    assert "nothing happens to it any more" in await board.say(pull, "vera", "/change close successful It runs")


async def test_a_low_change_closes_by_itself_a_day_after_its_release(countersign: Rehearsal, board: Board) -> None:
    pull = board.low_change()
    await board.ask(pull)
    assert await state(countersign, pull) == "scheduled"
    await board.merge(pull, "bob")
    [(due, finished)] = await countersign.rows(
        "SELECT extract(epoch FROM due - now()), finished FROM subject WHERE key = %s", subject(pull)
    )
    assert 23.9 * 3600 < due <= 24 * 3600, "the record wakes its pull request by itself"
    assert not finished
    assert "by itself on " in await board.say(pull, "alice", "/change")
    await countersign.until(countersign.now() + timedelta(hours=24))
    assert await state(countersign, pull) == "closed"
    assert (await history(countersign))[-1] == (
        "close",
        None,
        "Nobody has reported a problem within 24 hours of its release.",
    )
    [(finished,)] = await countersign.rows("SELECT finished FROM subject WHERE key = %s", subject(pull))
    assert finished


async def test_a_problem_that_was_reported_in_time_counts_however_late_it_is_read(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.low_change()
    await board.ask(pull)
    await board.merge(pull, "bob")
    await countersign.stop_worker()
    countersign.later(hours=20)
    pull.comment(by=board.alice, body="/change close with-issues One page was in German")
    await countersign.gh.settle()
    countersign.later(hours=20)
    await countersign.start_worker()
    await countersign.settle()
    [(body,)] = await countersign.rows("SELECT convert_from(body, 'utf8')::jsonb ->> 'closure' FROM change")
    assert body == "successful with issues"


async def test_what_is_closed_without_a_merge_is_given_up_and_begins_anew(countersign: Rehearsal, board: Board) -> None:
    pull = await board.authorised()
    pull.close(by=board.bob)
    await countersign.settle()
    assert await state(countersign, pull) == "cancelled"
    assert (await history(countersign))[-1] == (
        "abandon",
        None,
        "The pull request was closed without a merge, by @bob.",
    )
    pull.reopen(by=board.alice)
    await countersign.settle()
    assert await records(countersign) == [("CHG-2026-0001", "cancelled"), ("CHG-2026-0002", "draft")]
    assert not cleared(pull)
    assert await countersign.rows("SELECT count(*) FROM vote WHERE number = 'CHG-2026-0002'") == [(0,)]


async def test_what_a_person_cancelled_stays_cancelled_when_it_is_opened_again(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.authorised()
    await board.say(pull, "alice", "/cancel Superseded by another one")
    pull.close(by=board.alice)
    await countersign.settle()
    pull.reopen(by=board.alice)
    await countersign.settle()
    assert await records(countersign) == [("CHG-2026-0001", "cancelled")]
    assert shown(pull)[0] == "failure"


async def test_where_there_are_environments_the_merge_is_not_the_release(countersign: Rehearsal) -> None:
    deployed = VERIFIED.replace(
        "configuration_item: CI0012345}", "configuration_item: CI0012345, environments: {production: [prod]}}"
    )
    board = Board.with_verifiers(countersign, deployed)
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull)
    assert await state(countersign, pull) == "scheduled"
    told = await board.say(pull, "vera", "/change close successful It runs")
    assert "it is closed when it has been released" in told


async def test_a_release_is_begun_by_its_first_merge_and_ended_by_its_last(
    countersign: Rehearsal, board: Board
) -> None:
    first, other = await board.together()
    await board.authorise(first)
    await board.to_its_window()
    await board.merge(first)
    assert (await records(countersign))[0] == ("CHG-2026-0001", "implement")
    assert shown(other)[0] == "success"
    await board.merge(other, "carol")
    assert (await records(countersign))[0] == ("CHG-2026-0001", "review")
    # Carol merged one of them, and verifies none.
    assert "@carol released it" in await board.say(first, "carol", "/change close successful It runs")
    assert await board.say(other, "vera", "/change close successful Both run") == ""
    assert (await records(countersign))[0] == ("CHG-2026-0001", "closed")


@pytest.mark.parametrize("merger", ["alice", "rita"])
async def test_the_policy_can_keep_contributors_from_releasing(countersign: Rehearsal, merger: str) -> None:
    apart = VERIFIED.replace("separation:\n", "separation:\n  - {roles: [contributor, deployer]}\n")
    board = Board.with_verifiers(countersign, apart)
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull, merger)
    told = await board.say(pull, "vera", "/change")
    sentence = "@alice contributed to it, which the policy keeps apart from releasing it."
    assert (sentence.replace("@alice", "`@alice`") in told) == (merger == "alice"), told


async def test_an_emergency_is_closed_after_its_review(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.ask(pull)
    await board.ballot(pull, "chris")
    await board.merge(pull)
    told = await board.say(pull, "vera", "/change close successful Payments are back")
    assert "was an emergency and has not been reviewed" in told
    assert (
        await board.say(pull, "cleo", "/change review The cause was a lost index; it is monitored from now on.") == ""
    )
    assert await board.say(pull, "vera", "/change close successful Payments are back") == ""
    assert await state(countersign, pull) == "closed"
