"""The record and its twin in ServiceNow stay one: people there are asked about the change as it is here, and it waits."""

from datetime import timedelta

from bot.publish.effects import CHECK
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.servicenow.rules import AUTHORIZE, BusinessRule
from tests.scenarios import elsewhere
from tests.scenarios.bank import told
from tests.scenarios.board import POLICY, Board, cleared, planned, said, state
from tests.scenarios.elsewhere import ServiceNow, kept, poll, waits

there, countersign, board = elsewhere.servicenow, elsewhere.countersign, elsewhere.board
KEPT = POLICY + kept("servicenow", *elsewhere.BOARD)


async def test_what_was_approved_there_of_an_earlier_diff_does_not_authorise_this_one(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.approve()
    # Before anybody has looked there again, the change is another one, and its board is asked anew.
    pull.push(by=board.alice, files={"a": "evil"})
    pull.review(by=board.carol, state="APPROVED")
    await board.ask(pull)
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert "about an earlier state of the change" in told(pull)
    assert (there.only.values["state"], there.only.values["approval"]) == ("-3", "requested")
    there.approve()
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert cleared(pull)


async def test_an_authorisation_that_is_taken_back_here_is_so_there(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.approve()
    await poll(countersign)
    assert there.only.values["state"] == "-2"
    pull.push(by=board.alice, files={"a": "3"})
    await countersign.settle()
    assert await state(countersign, pull) == "assess"
    assert there.only.values["state"] == "-4"


async def test_an_authorised_change_waits_until_the_system_that_keeps_its_record_knows_it(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    there.goes_away()
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await waits(countersign)
    board.vote(pull, "chris", "ida", "rick")
    await waits(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert not cleared(pull)
    assert "the record is not there yet" in told(pull)


async def test_what_a_rule_there_refuses_is_tried_again_and_told_until_it_succeeds(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    rule = BusinessRule("No change in the audit week", lambda _, changes: changes.get("state") == AUTHORIZE)
    there.simulation.instance.rules.append(rule)
    pull = await board.requested()
    for _ in range(2):
        await poll(countersign)
        assert (
            "ServiceNow's business rule `No change in the audit week` does not let CHG0030001 go from assess to "
            "authorize. The change manager there meets that rule"
        ) in told(pull)
    there.simulation.instance.rules.remove(rule)
    await poll(countersign)
    assert there.only.values["state"] == "-3"
    assert "audit week" not in told(pull)


async def test_a_rejection_there_sends_the_record_back_here(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = await board.requested()
    there.simulation.instance.reject(there.only.number, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "draft"
    assert any("was rejected in ServiceNow, by chris.cab" in each for each in said(pull))
    await poll(countersign)
    assert there.only.values["state"] == "-5"


async def test_a_rejection_there_by_nobody_here_sends_nothing_back(countersign: Rehearsal, there: ServiceNow) -> None:
    board = Board.found(countersign, KEPT.replace("    chris.cab@bank.example: chris\n", ""))
    pull = await board.requested()
    there.simulation.instance.reject(there.only.number, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert "nobody here by the policy" in told(pull)


async def test_an_emergency_has_a_twin_of_its_own(countersign: Rehearsal, board: Board, there: ServiceNow) -> None:
    pull = await board.opened()
    first = there.only
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.ask(pull)
    [second] = [each for each in there.changes if each is not first]
    assert first.values["state"] == "4"
    assert (second.values["type"], second.values["state"]) == ("emergency", "-3")
    assert second.values["correlation_id"] == "countersign:CHG-2026-0001.2"
    there.simulation.instance.approve(second.number, there.chris)
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"


async def test_the_last_word_about_the_time_holds_wherever_it_is_said(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    pull = board.change()
    await board.say(pull, "alice", "/schedule weekend")
    instance, first = there.simulation.instance, await planned(countersign, pull)
    week, four = timedelta(days=7), timedelta(hours=4)
    for moved in (first + week, first, first + week):
        countersign.later(minutes=5)
        instance.reschedule(there.only.number, moved, moved + four, there.chris)
        await poll(countersign)
        await board.say(pull, "alice", "/recheck")
        assert await planned(countersign, pull) == moved
        assert there.only.values["start_date"] == f"{moved:%Y-%m-%d %H:%M:%S}"
    countersign.later(minutes=5)
    await board.say(pull, "alice", "/schedule weekend")
    assert await planned(countersign, pull) == first


async def test_a_record_that_is_cancelled_here_is_cancelled_there_as_soon_as_that_is_let_through(
    countersign: Rehearsal, board: Board, there: ServiceNow
) -> None:
    rule = BusinessRule("Nobody cancels", lambda _, changes: changes.get("state") == "4")
    there.simulation.instance.rules.append(rule)
    pull = await board.opened()
    await board.say(pull, "alice", "/cancel Superseded")
    assert there.only.values["state"] == "-5"
    there.simulation.instance.rules.remove(rule)
    await poll(countersign)
    assert there.only.values["state"] == "4"


async def test_a_record_that_gives_way_to_another_is_cancelled_there_at_once(board: Board, there: ServiceNow) -> None:
    await board.together()
    assert [each.values["state"] for each in there.changes] == ["-5", "4"]


async def test_a_standard_change_is_made_from_the_template_that_the_policy_names(
    countersign: Rehearsal, there: ServiceNow
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
    board = Board.found(countersign, policy + standard)
    pull = board.site.open_pull_request(by=board.alice, title="PAY-1 Words", files={"texts/en": "Hello"}, body="Words.")
    pull.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    await poll(countersign)
    assert there.only.values["type"] == "standard"
    assert await state(countersign, pull) == "scheduled"
    assert pull.check(CHECK).conclusion == "success", told(pull)


async def test_who_asked_for_the_change_is_who_requests_it_there(countersign: Rehearsal, there: ServiceNow) -> None:
    alice = there.simulation.instance.person("alice.author", "alice@bank.example")
    board = Board.found(countersign, KEPT + "    alice@bank.example: alice\n")
    await board.requested()
    assert there.only.values["requested_by"] == alice.sys_id


async def test_a_requester_whom_servicenow_does_not_know_does_not_keep_the_record_from_being_made(
    countersign: Rehearsal, there: ServiceNow
) -> None:
    board = Board.found(countersign, POLICY + kept("servicenow", *elsewhere.BOARD) + "    alice@bank.example: alice\n")
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert there.only.values["state"] == "-3"
    assert there.only.values["requested_by"] == there.simulation.instance.account.sys_id
    assert "Requested by: alice" in there.only.values["description"]
    [note] = [text for _, _, text in there.only.notes if "requested this change" in text]
    assert "none in sys_user whose email is 'alice@bank.example'" in note
    there.approve()
    await poll(countersign)
    assert cleared(pull)
