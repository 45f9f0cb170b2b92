"""The record and its twin in ServiceNow stay one: people there are asked about the change as it is here, and it waits."""

import asyncio
from datetime import datetime, timedelta

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.servicenow.rules import AUTHORIZE, BusinessRule
from bot.sandbox.vendor import Outage
from tests.scenarios.bank import shown
from tests.scenarios.test_change_records import POLICY, Board, said, state
from tests.scenarios.test_servicenow import MAPPED, There, countersign, poll, there, told

__all__ = ["countersign", "there"]


def approve(there: There, number: str) -> None:
    for who in (there.chris, there.ida, there.rick):
        there.simulation.instance.approve(number, who)


async def test_what_was_approved_there_of_an_earlier_diff_does_not_authorise_this_one(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    approve(there, there.only.number)
    # Before anybody has looked there again, the change is another one, and its board is asked anew.
    pull.push(by=board.alice, files={"a": "evil"})
    pull.review(by=board.carol, state="APPROVED")
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert "of an earlier state of the change" in told(pull)
    assert (there.only.values["state"], there.only.values["approval"]) == ("-3", "requested")
    approve(there, there.only.number)
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull)[0] == "success"


async def test_an_authorisation_that_is_taken_back_here_is_so_there(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    approve(there, there.only.number)
    await poll(countersign)
    assert there.only.values["state"] == "-2"
    pull.push(by=board.alice, files={"a": "3"})
    await countersign.settle()
    assert await state(countersign, pull) == "assess"
    assert there.only.values["state"] == "-4"


async def test_an_authorised_change_waits_until_the_system_that_keeps_its_record_knows_it(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    board = Board.found(gh, POLICY + MAPPED)
    outage = Outage(match="", kind="503", times=1_000_000)
    there.simulation.faults.add(outage)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    board.vote(pull, "chris", "ida", "rick")
    await gh.settle()
    await asyncio.sleep(4)
    assert await state(countersign, pull) == "scheduled"
    assert shown(pull)[0] != "success"
    assert "the record is not there yet" in told(pull)


async def test_what_a_rule_there_refuses_is_tried_again_and_told_until_it_succeeds(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    rule = BusinessRule("No change in the audit week", lambda _, changes: changes.get("state") == AUTHORIZE)
    there.simulation.instance.rules.append(rule)
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    for _ in range(2):
        await poll(countersign)
        assert "No change in the audit week" in told(pull)
    there.simulation.instance.rules.remove(rule)
    await poll(countersign)
    assert there.only.values["state"] == "-3"
    assert "audit week" not in told(pull)


async def test_a_rejection_there_sends_the_record_back_here(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    there.simulation.instance.reject(there.only.number, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "draft"
    assert any("was rejected in servicenow, by chris.cab" in each for each in said(pull))
    await poll(countersign)
    assert there.only.values["state"] == "-5"


async def test_a_rejection_there_by_nobody_here_sends_nothing_back(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    unmapped = MAPPED.replace("    chris.cab@bank.example: chris\n", "")
    board = Board.found(gh, POLICY + unmapped)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    there.simulation.instance.reject(there.only.number, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert "nobody here by the policy" in told(pull)


async def test_an_emergency_has_a_twin_of_its_own(countersign: Rehearsal, gh: SimulatedGitHub, there: There) -> None:
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    await countersign.settle()
    first = there.only
    pull.comment(by=board.rita, body="/emergency INC0012345 Payments are down since nine")
    await countersign.settle()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    [second] = [each for each in there.changes if each is not first]
    assert first.values["state"] == "4"
    assert (second.values["type"], second.values["state"]) == ("emergency", "-3")
    assert second.values["correlation_id"] == "countersign:CHG-2026-0001.2"
    there.simulation.instance.approve(second.number, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"


async def test_the_last_word_about_the_time_holds_wherever_it_is_said(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    pull.comment(by=board.alice, body="/schedule weekend")
    await countersign.settle()

    async def planned() -> datetime:
        [(window,)] = await countersign.rows("SELECT lower(planned) FROM change")
        assert isinstance(window, datetime)
        return window

    instance, first = there.simulation.instance, await planned()
    week, four = timedelta(days=7), timedelta(hours=4)
    for moved in (first + week, first, first + week):
        countersign.later(minutes=5)
        instance.reschedule(there.only.number, moved, moved + four, there.chris)
        await poll(countersign)
        pull.comment(by=board.alice, body="/recheck")
        await countersign.settle()
        assert await planned() == moved
        assert there.only.values["start_date"] == f"{moved:%Y-%m-%d %H:%M:%S}"
    countersign.later(minutes=5)
    pull.comment(by=board.alice, body="/schedule weekend")
    await countersign.settle()
    assert await planned() == first


async def test_a_record_that_is_cancelled_here_is_cancelled_there_as_soon_as_that_is_let_through(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    rule = BusinessRule("Nobody cancels", lambda _, changes: changes.get("state") == "4")
    there.simulation.instance.rules.append(rule)
    board = Board.found(gh, POLICY + MAPPED)
    pull = board.change()
    await countersign.settle()
    pull.comment(by=board.alice, body="/cancel Superseded")
    await countersign.settle()
    assert there.only.values["state"] == "-5"
    there.simulation.instance.rules.remove(rule)
    await poll(countersign)
    assert there.only.values["state"] == "4"


async def test_a_standard_change_is_made_from_the_template_that_the_policy_names(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    template = there.simulation.instance.template(short_description="Texts")
    standard = f"""\
standard:
  - {{id: texts, title: Texts, paths: ['^texts/'], lines: 50, expires: 2099-01-01}}
records:
  system: servicenow
  values: {{template: {{texts: {template}}}}}
"""
    policy = POLICY.replace("  low:\n", "  low:\n    change: standard\n")
    board = Board.found(gh, policy + standard)
    pull = board.site.open_pull_request(by=board.alice, title="PAY-1 Words", files={"texts/en": "Hello"}, body="Words.")
    pull.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    await poll(countersign)
    assert there.only.values["type"] == "standard"
    assert await state(countersign, pull) == "scheduled"
    assert pull.check(CHECK).conclusion == "success", told(pull)


async def test_who_asked_for_the_change_is_who_requests_it_there(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    alice = there.simulation.instance.person("alice.author", "alice@bank.example")
    board = Board.found(gh, POLICY + MAPPED + "    alice@bank.example: alice\n")
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert there.only.values["requested_by"] == alice.sys_id


async def test_a_requester_whom_servicenow_does_not_know_does_not_keep_the_record_from_being_made(
    countersign: Rehearsal, gh: SimulatedGitHub, there: There
) -> None:
    board = Board.found(gh, POLICY + MAPPED + "    alice@bank.example: alice\n")
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert there.only.values["state"] == "-3"
    assert there.only.values["requested_by"] == there.simulation.instance.account.sys_id
    assert "Requested by: alice" in there.only.values["description"]
    [note] = [text for _, _, text in there.only.notes if "requested this change" in text]
    assert "none in sys_user whose email is 'alice@bank.example'" in note
    approve(there, there.only.number)
    await poll(countersign)
    assert shown(pull)[0] == "success"
