"""The end of a change is told in Jira, and what people there say of it counts here by the rules of here."""

from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.jira.desk import CANCELED, DOING, DONE, FAILED
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.test_change_records import state
from tests.scenarios.test_change_records_end import VERIFIED, Ends
from tests.scenarios.test_jira import MAPPED, There, countersign, there
from tests.scenarios.test_servicenow import poll
from tests.scenarios.test_twins_end import is_polled

__all__ = ["countersign", "there"]

KEPT = VERIFIED + MAPPED + "    vera.v@bank.example: vera\n    alice.a@bank.example: alice\n"


@pytest.fixture
async def ends(countersign: Rehearsal, gh: SimulatedGitHub, there: There) -> Ends:
    for name in ("Vera V", "Alice A", "Mia M"):
        there.simulation.desk.user(name)
    return Ends.found(countersign, gh, KEPT)


def person(there: There, name: str) -> Any:
    return next(each for each in there.simulation.desk.users.values() if each.name == name)


async def released(ends: Ends, there: There) -> Any:
    """A change that the board approved there, and that was merged in its window."""
    pull = ends.board.change()
    pull.comment(by=ends.board.alice, body="/request-cab")
    await ends.countersign.settle()
    for who in there.people:
        there.simulation.desk.approve(there.only.key, who)
    await poll(ends.countersign)
    assert await state(ends.countersign, pull) == "scheduled"
    await ends.to_its_window()
    await ends.merge(pull)
    assert await state(ends.countersign, pull) == "review"
    assert there.only.status == DOING
    return pull


async def test_what_was_released_and_closed_here_is_so_there(countersign: Rehearsal, ends: Ends, there: There) -> None:
    pull = await released(ends, there)
    assert await is_polled(countersign)
    await ends.say(pull, "vera", "/change close with-issues Totals are right; it took an hour")
    assert there.only.status == DONE
    told = there.only.comments[-1]
    assert told.body == (
        "Closed: with issues. Totals are right; it took an hour\n"
        "Released by @rita; closed as successful with issues by @vera."
    )
    assert not told.public, "it is for those who work on it"
    assert not await is_polled(countersign)


async def test_what_was_backed_out_failed_there(ends: Ends, there: There) -> None:
    pull = await released(ends, there)
    await ends.say(pull, "alice", "/change close backed-out Totals differ by a cent")
    assert there.only.status == FAILED
    assert "Totals differ by a cent" in there.only.comments[-1].body


async def test_who_verifies_can_close_it_there(countersign: Rehearsal, ends: Ends, there: There) -> None:
    pull = await released(ends, there)
    vera = person(there, "Vera V")
    there.simulation.desk.comment(there.only, "Totals of the night are right.", vera, public=False)
    there.simulation.desk.move(there.only.key, DONE, by=vera)
    await poll(countersign)
    assert await state(countersign, pull) == "closed"
    told = await ends.say(pull, "alice", "/change")
    assert "by `@vera`: Totals of the night are right. (close in jira, by vera.v@bank.example)" in told
    await poll(countersign)
    assert not await is_polled(countersign)


@pytest.mark.parametrize(
    ("who", "status", "sentence"),
    [
        ("Alice A", DONE, "Whoever closes CHG-2026-0001 as a success verifies it"),
        ("Mia M", DONE, "said close in jira, and is nobody here by the policy"),
        (None, DONE, "somebody said close in jira, and is nobody here by the policy"),
        ("Vera V", CANCELED, "what has been released is not cancelled"),
    ],
)
async def test_what_counts_for_nothing_there_ends_nothing_here(
    countersign: Rehearsal, ends: Ends, there: There, who: str | None, status: str, sentence: str
) -> None:
    pull = await released(ends, there)
    there.simulation.desk.move(there.only.key, status, by=person(there, who) if who else None)
    await poll(countersign)
    await poll(countersign)
    assert await state(countersign, pull) == "review"
    assert sentence in await ends.say(pull, "vera", "/change")


async def test_what_is_closed_without_a_merge_is_cancelled_there(
    countersign: Rehearsal, ends: Ends, there: There
) -> None:
    pull = ends.board.change()
    await countersign.settle()
    pull.close(by=ends.board.bob)
    await countersign.settle()
    assert there.only.status == CANCELED
    assert there.only.comments[-1].body.startswith(
        "Countersign cancels CHG-2026-0001. The pull request was closed without a merge, by @bob."
    )
    assert not await is_polled(countersign)
