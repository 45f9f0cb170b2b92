"""The end of a change is told in ServiceNow, and what people there say of it counts here by the rules of here."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from bot.sandbox.servicenow.rules import CLOSE_CODE, CLOSED, BusinessRule
from tests.scenarios import elsewhere
from tests.scenarios.bank import SECRET
from tests.scenarios.board import VERIFIED, Board, history, state
from tests.scenarios.dying import FATAL, die_at
from tests.scenarios.elsewhere import ServiceNow, is_polled, kept, poll, waits

there, countersign = elsewhere.servicenow, elsewhere.countersign

KEPT = VERIFIED + kept("servicenow", *elsewhere.BOARD, "vera.v", "alice.a")


def founded(countersign: Rehearsal, there: ServiceNow) -> Board:
    instance = there.simulation.instance
    instance.rules.append(CLOSE_CODE)
    for name in ("vera.v", "alice.a", "mia.m"):
        instance.person(name)
    return Board.with_verifiers(countersign, KEPT)


@pytest.fixture
async def board(countersign: Rehearsal, there: ServiceNow) -> Board:
    return founded(countersign, there)


async def released(board: Board, there: ServiceNow, *, in_time: bool = True) -> Any:
    """A change that the board approved there, and that was merged; in its window where that is waited for."""
    pull = await board.opened()
    await board.ask(pull)
    there.approve(there.changes[-1])
    await poll(board.countersign)
    assert await state(board.countersign, pull) == "scheduled"
    if in_time:
        await board.to_its_window()
    await board.merge(pull)
    assert await state(board.countersign, pull) == "review"
    return pull


async def test_what_was_released_and_closed_here_is_so_there(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await released(board, there)
    values = there.only.values
    [(start, end)] = await countersign.rows(
        "SELECT convert_from(body, 'utf8')::jsonb ->> 'started_at', convert_from(body, 'utf8')::jsonb ->> 'ended_at' "
        "FROM change"
    )
    assert values["state"] == "0"
    assert (values["work_start"], values["work_end"]) == (
        start[:19].replace("T", " "),
        end[:19].replace("T", " "),
    )
    countersign.later(hours=2)
    await board.say(pull, "vera", "/change close with-issues Totals are right; it took an hour")
    assert (values["state"], values["close_code"]) == ("3", "successful_issues")
    assert values["close_notes"] == (
        "Totals are right; it took an hour\nReleased by @rita; closed as successful with issues by @vera."
    )
    assert values["work_start"] == start[:19].replace("T", " "), "it stays when it was made"
    assert not await is_polled(countersign)
    kinds = [kind for kind, _ in await countersign.ledger()]
    assert kinds.count("system:record:heard") == 3, "only the votes of three people"


async def test_what_was_verified_late_says_so_there(countersign: Rehearsal, board: Board, there: ServiceNow) -> None:
    pull = await released(board, there)
    due = (await countersign.rows("SELECT convert_from(body, 'utf8')::jsonb ->> 'verification_due' FROM change"))[0][0]
    await countersign.until(datetime.fromisoformat(due) + timedelta(minutes=1))
    await board.say(pull, "vera", "/change close successful Totals are right")
    assert there.only.values["close_notes"] == (
        f"Totals are right\nIt was verified late: it was to be by {due[:16].replace('T', ' ')} UTC.\n"
        "Released by @rita; closed as successful by @vera."
    )


async def test_what_was_backed_out_has_the_code_and_the_words_that_an_instance_has(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await released(board, there)
    await board.say(pull, "alice", "/change close backed-out Totals differ by a cent")
    assert await state(countersign, pull) == "closed"
    assert there.only.values["close_code"] == "unsuccessful"
    assert there.only.values["close_notes"].startswith("Backed out.\nTotals differ by a cent\n")


async def test_who_verifies_can_close_it_there(countersign: Rehearsal, board: Board, there: ServiceNow) -> None:
    pull = await released(board, there)
    vera = there.person("vera.v")
    there.simulation.instance.close(there.only.number, vera, "successful", "Totals of the night are right.")
    await poll(countersign)
    assert await state(countersign, pull) == "closed"
    told = await board.say(pull, "alice", "/change")
    assert "as successful on " in told
    assert "by `@vera`: Totals of the night are right. (in ServiceNow, by vera.v)" in told
    await poll(countersign)
    assert not await is_polled(countersign)


async def test_whoever_contributed_cannot_verify_it_there_either(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await released(board, there)
    instance = there.simulation.instance
    instance.close(there.only.number, there.person("alice.a"), "successful", "It runs.")
    await poll(countersign)
    assert await state(countersign, pull) == "review"
    told = await board.say(pull, "vera", "/change")
    assert (
        "alice.a closed it in ServiceNow, which does not count. Whoever closes CHG-2026-0001 as a success verifies it"
        in told
    )
    # Vera closes it here with another end: both are told to whoever asks.
    await board.say(pull, "vera", "/change close unsuccessful Interest was paid twice")
    assert await state(countersign, pull) == "closed"
    told = await board.say(pull, "alice", "/change")
    assert "It is closed as `successful` in ServiceNow, and as unsuccessful here." in told
    assert not await is_polled(countersign)


@pytest.mark.parametrize(
    ("who", "code", "sentence"),
    [
        ("mia.m", "successful", "mia.m closed it in ServiceNow, and is nobody here by the policy"),
        ("vera.v", "u_partial", "vera.v closed it in ServiceNow as `u_partial`, which is no end that is known"),
    ],
)
async def test_nobody_known_or_no_end_that_is_known_ends_nothing_here(
    countersign: Rehearsal, board: Board, there: ServiceNow, who: str, code: str, sentence: str
) -> None:
    pull = await released(board, there)
    instance = there.simulation.instance
    instance.close(there.only.number, there.person(who), code, "Done.")
    await poll(countersign)
    await poll(countersign)
    assert await state(countersign, pull) == "review"
    assert sentence in await board.say(pull, "vera", "/change")


async def test_what_is_cancelled_there_after_its_release_was_released(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await released(board, there)
    # Nobody can cancel a change in review there, but an administrator can set anything.
    there.simulation.instance._store(there.only, {"state": "4"}, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "review"
    told = await board.say(pull, "vera", "/change")
    assert "It is cancelled in ServiceNow." in told
    assert "what has been released is not cancelled" in told
    await board.say(pull, "vera", "/change close successful Totals are right")
    assert await state(countersign, pull) == "closed"
    assert there.only.values["state"] == "4"
    assert "It is cancelled in ServiceNow, and has been released." in await board.say(pull, "vera", "/change")
    assert not await is_polled(countersign)


async def test_what_a_rule_there_refuses_is_told_and_tried_again(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    rule = BusinessRule("The record has no review", lambda _, changes: changes.get("state") == CLOSED)
    there.simulation.instance.rules.append(rule)
    pull = await released(board, there)
    await board.say(pull, "vera", "/change close successful Totals are right")
    assert await state(countersign, pull) == "closed"
    assert there.only.values["state"] == "0"
    assert "The record has no review" in await board.say(pull, "vera", "/change")
    await poll(countersign)
    assert await is_polled(countersign)
    there.simulation.instance.rules.remove(rule)
    await poll(countersign)
    assert (there.only.values["state"], there.only.values["close_code"]) == ("3", "successful")
    assert "The record has no review" not in await board.say(pull, "vera", "/change")
    assert not await is_polled(countersign)


async def test_nothing_is_lost_while_servicenow_is_away(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await released(board, there)
    there.goes_away()
    pull.comment(by=board.vera, body="/change close successful Totals are right")
    await waits(countersign)
    assert await state(countersign, pull) == "closed"
    assert there.only.values["state"] == "0"
    there.simulation.faults.clear()
    await poll(countersign)
    assert (there.only.values["state"], there.only.values["close_code"]) == ("3", "successful")


async def test_what_was_approved_nowhere_there_waits_for_that(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.authorised()
    await board.to_its_window()
    await board.merge(pull)
    told = await board.say(pull, "vera", "/change")
    # The board has decided here; there, its answers are missing, and the gate waited for them.
    assert "| should have waited | The pull request was merged all the same: " in told
    assert "the record in ServiceNow" in told
    assert there.only.values["state"] == "-3"
    assert "the change is approved" in told or "Change is approved" in told
    there.approve()
    await poll(countersign)
    assert there.only.values["state"] == "0"


async def test_what_nobody_authorised_is_cancelled_there_with_a_note(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.opened()
    await board.merge(pull)
    assert await state(countersign, pull) == "cancelled"
    assert there.only.values["state"] == "4"
    [note] = [text for _, _, text in there.only.notes]
    assert note.startswith("Countersign cancels CHG-2026-0001. The pull request was merged without authorisation")
    assert not await is_polled(countersign)


async def test_what_is_closed_without_a_merge_is_cancelled_there_and_begins_anew(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.opened()
    pull.close(by=board.bob)
    await countersign.settle()
    first = there.only
    assert first.values["state"] == "4"
    assert first.notes[-1][2] == (
        "Countersign cancels CHG-2026-0001. The pull request was closed without a merge, by @bob."
    )
    pull.reopen(by=board.alice)
    await countersign.settle()
    [second] = [each for each in there.changes if each is not first]
    assert second.values["correlation_id"] == "countersign:CHG-2026-0002"


STEPS, STRIDE = 46, 5
"""A look that closes a twin takes about so many steps; they are shared out among tests that run beside each other."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", [1, 2, 3, 4, 5])
async def test_a_worker_killed_while_it_closes_the_twin_closes_it_once(
    gh: SimulatedGitHub, there: ServiceNow, database_url: str, first: int
) -> None:
    async with rehearsal(gh, database_url, SECRET, patience=FATAL, **there.access) as countersign:
        there.keep_time(countersign.now)
        board = founded(countersign, there)
        # The worker that dies has the time of the machine, and nobody's time has gone on.
        pull = await released(board, there, in_time=False)
        deaths = 0
        await countersign.stop_worker()
        closing = "countersign:record:sent"
        before = [kind for kind, _ in await countersign.ledger()].count(closing)
        async with countersign.store.transaction() as connection:
            await connection.execute("UPDATE subject SET due = NULL WHERE kind = 'record'")
        pull.comment(by=board.vera, body="/change close successful Totals are right")
        await gh.settle()
        for fatal in range(first, STEPS, STRIDE):
            deaths += await die_at(countersign, fatal, kind="record:")
        await countersign.start_worker()
        await countersign.settle()
        assert await state(countersign, pull) == "closed"
        values = there.only.values
        assert (values["state"], values["close_code"]) == ("3", "successful")
        acts = [act for act, _, _ in await history(countersign)]
        assert acts.count("close") == 1
        written = [
            each for each in there.simulation.site.asked if each.method == "PATCH" and each.json.get("state") == "3"
        ]
        assert len(written) == 1, "it was closed once there"
        kinds = [kind for kind, _ in await countersign.ledger()]
        assert kinds.count(closing) == before + 1
        assert kinds.count("system:record:heard") == 3, "our own closing is nobody's there"
        assert 3 < deaths < len(range(first, STEPS, STRIDE)), "it was killed at every step up to the last one"
