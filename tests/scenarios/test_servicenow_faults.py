"""What is wrong with ServiceNow, or with our access to it, is told on the check, and nothing is lost or doubled."""

from typing import Any

import pytest

from bot.changes.systems.http import ATTEMPTS
from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.http import Exchange
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.servicenow.rules import BusinessRule
from bot.sandbox.vendor import Outage
from tests.scenarios import elsewhere
from tests.scenarios.bank import shown, told
from tests.scenarios.board import Board, said, state
from tests.scenarios.elsewhere import ServiceNow, fails, poll, since, waits
from tests.waiting import until

there, countersign, board = elsewhere.servicenow, elsewhere.countersign, elsewhere.board


def breaks(there: ServiceNow, kind: str) -> None:
    """From now on, it fails in this way, until its faults are cleared."""
    there.simulation.faults.clear()
    there.simulation.faults.add(Outage(match="", kind=kind, times=1_000_000))


def checks(gh: SimulatedGitHub) -> list[str]:
    """From now on: what is written to check runs."""
    written: list[str] = []

    def watch(exchange: Exchange) -> None:
        sent: Any = exchange.sent
        if exchange.method != "GET" and "/check-runs" in exchange.path:
            written.append(sent.get("output", {}).get("summary", ""))

    gh.watchers.append(watch)
    return written


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("401", "ServiceNow does not accept Countersign's credentials"),
        ("403", "ACL Exception Update Failed due to security constraints"),
    ],
)
async def test_while_it_lasts_the_gate_waits_and_says_why_and_then_there_is_one_record(
    countersign: Rehearsal, board: Board, there: ServiceNow, kind: str, words: str
) -> None:
    breaks(there, kind)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await waits(countersign)
    board.vote(pull, "chris", "ida", "rick")
    await waits(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull) == ("action_required", "Waiting: the record elsewhere")
    said = told(pull)
    assert there.changes == []
    there.simulation.faults.clear()
    countersign.later(hours=1)
    await poll(countersign)
    assert there.only.values["correlation_id"] == "countersign:CHG-2026-0001"
    assert words in said


# It does not answer, or nobody can read what it answers.


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("500", "has answered 500 (Internal Server Error)"),
        ("503", "has answered 503 (Service Unavailable)"),
        ("429", "has limited how often Countersign may ask (429)"),
        ("html", "has answered with a page instead of data (perhaps of a sign-in, or of a proxy)"),
        ("cut-before", "has broken off its answers"),
        ("truncated", "has broken off its answers"),
    ],
)
async def test_how_it_fails_and_since_when_is_told_until_it_answers_again(
    countersign: Rehearsal, board: Board, there: ServiceNow, kind: str, how: str
) -> None:
    breaks(there, kind)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await waits(countersign)
    assert shown(pull)[0] == "action_required"
    assert "wait | In ServiceNow, the record is not there yet. ServiceNow has " in told(pull)
    assert since(told(pull), f"ServiceNow {how}", countersign)
    assert "at least every 15 minutes unless it is asked to wait longer. Nothing is lost." in told(pull)
    there.simulation.faults.clear()
    countersign.later(hours=1)
    await poll(countersign)
    assert there.only.values["state"] == "-3"
    assert "In ServiceNow, the record is CHG0030001." in told(pull)
    assert "ServiceNow has" not in told(pull)


async def test_nobody_listens_there(countersign: Rehearsal, board: Board, there: ServiceNow) -> None:
    pull = await board.opened()
    async with there.simulation.site.away():
        pull.comment(by=board.alice, body="/request-cab")
        await waits(countersign)
        assert since(told(pull), "ServiceNow has not been reachable", countersign)
        pull.comment(by=board.alice, body="/change")
        await countersign.gh.settle()
        await fails(countersign)
        assert since(said(pull)[-1], "ServiceNow has not been reachable", countersign)
    await poll(countersign)
    assert there.only.values["state"] == "-3"
    assert "reachable" not in told(pull)


async def test_however_often_it_is_tried_the_check_is_written_when_it_begins_changes_and_ends(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    written = checks(gh)
    breaks(there, "503")
    await fails(countersign, times=5)
    [first] = written
    assert "has answered 503" in first
    breaks(there, "html")
    await fails(countersign, times=4)
    [_, second] = written
    assert "has answered with a page instead of data" in second
    assert "503" not in second
    there.simulation.faults.clear()
    await poll(countersign)
    [_, _, third] = written
    assert "ServiceNow has" not in third
    assert pull.check(CHECK).summary == third
    assert await countersign.rows("SELECT failing, fault FROM change_link") == [("", "")]


async def test_one_attempt_in_vain_is_no_news(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board, there: ServiceNow
) -> None:
    await countersign.settle()
    written = checks(gh)
    there.simulation.faults.add(Outage(match="GET /api/sn_chg_rest", kind="503", times=ATTEMPTS))
    pull = await board.requested()
    assert there.simulation.faults.met == [("503", "GET /api/sn_chg_rest/v1/change")] * ATTEMPTS
    assert there.only.values["state"] == "-3"
    assert "ServiceNow has" not in told(pull)
    assert not [each for each in written if "503" in each]


async def test_that_the_record_has_been_made_is_on_the_check_by_itself(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    await countersign.settle()
    there.simulation.faults.add(Outage(match="POST /api/sn_chg_rest", kind="slow", seconds=3))
    pull = board.change()
    await until(lambda: bool(there.simulation.faults.met))
    pull.comment(by=board.alice, body="/recheck")
    await until(lambda: "In ServiceNow, the record is not there yet." in told(pull))
    await countersign.settle()
    assert "In ServiceNow, the record is CHG0030001." in told(pull)


async def test_all_pull_requests_of_a_record_are_told(countersign: Rehearsal, board: Board, there: ServiceNow) -> None:
    pulls = await board.together()
    breaks(there, "503")
    await fails(countersign)
    assert all("ServiceNow has answered 503" in told(each) for each in pulls)
    there.simulation.faults.clear()
    await poll(countersign)
    assert not any("ServiceNow has answered 503" in told(each) for each in pulls)


async def test_a_change_of_which_it_knows_already_that_it_is_authorised_does_not_wait_for_it(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.approve()
    await poll(countersign)
    await poll(countersign)
    assert there.only.values["state"] == "-2"
    before = shown(pull)
    breaks(there, "503")
    await fails(countersign)
    [line] = [each for each in told(pull).splitlines() if "change-record:elsewhere" in each]
    assert "pass | In ServiceNow, the record is CHG0030001. ServiceNow has answered 503" in line
    assert shown(pull) == before


async def test_a_refusal_says_that_it_answers_again(countersign: Rehearsal, board: Board, there: ServiceNow) -> None:
    pull = await board.opened()
    breaks(there, "503")
    await fails(countersign)
    assert "has answered 503" in told(pull)
    breaks(there, "401")
    await fails(countersign)
    assert "ServiceNow does not accept Countersign's credentials" in told(pull)
    assert "has answered 503" not in told(pull)


# It does what it was asked after its gateway has given up.


CREATES = "POST .*/change/normal"


async def test_what_is_made_after_the_gateway_gave_up_is_not_made_twice(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    there.simulation.faults.add(Outage(match=CREATES, kind="done-late", seconds=3))
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await until(lambda: bool(there.simulation.faults.met))
    await countersign.settle()
    await until(lambda: bool(there.changes))
    for _ in range(2):
        await poll(countersign)
    assert len([each for each in there.simulation.site.titles if each.endswith("/change/normal")]) == 1
    assert there.only.values["state"] == "-3"
    assert f"In ServiceNow, the record is {there.only.number}." in told(pull)
    countersign.later(minutes=11)
    await poll(countersign)
    assert await countersign.rows("SELECT number, unsettled FROM change_link") == [(there.only.number, None)]


async def test_what_is_made_so_late_that_there_is_another_one_is_cancelled(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    there.simulation.faults.add(Outage(match=CREATES, kind="done-late", seconds=6))
    board.change()
    await until(lambda: bool(there.simulation.faults.met))
    countersign.later(minutes=6)
    await poll(countersign)
    used = there.only
    await until(lambda: len(there.changes) == 2)
    countersign.later(minutes=11)
    await poll(countersign)
    [late] = [each for each in there.changes if each is not used]
    assert (used.values["state"], late.values["state"]) == ("-5", "4")
    assert f"This record was made twice; {used.number} is the one that is used." in [note for *_, note in late.notes]
    assert await countersign.rows("SELECT number, unsettled FROM change_link") == [(used.number, None)]


# It answers, and a rule there does not let it happen.


async def test_a_business_rule_that_stops_the_record_is_named_with_who_can_help(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    rule = BusinessRule("No record in the audit week", lambda *_: True)
    there.simulation.instance.rules.append(rule)
    pull = board.change()
    await waits(countersign)
    assert (
        "In ServiceNow, the record is not there yet. ServiceNow's business rule `No record in the audit week` does not "
        "let Countersign write there. The change manager there meets that rule, or an administrator there lets "
        "Countersign's account pass it; then it goes on by itself."
    ) in told(pull)
    there.simulation.instance.rules.remove(rule)
    await poll(countersign)
    assert there.only.values["state"] == "-5"
    assert "audit week" not in told(pull)
