"""Attempts to get something through the merge queue that its pull requests do not have.

The numbers are those of docs/separation.md.
"""

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import POLICY, Bank, shown, told

GREEN = ("success", "Passed: 2 of 2 approvals, none by a contributor")
SIGNED = POLICY.replace("from: [write]}]\n  high", "from: [write]}]\n    sign_off: [security]\n  high")
WAIVING = f"""\
{POLICY}
waivers: {{from: [security], at_most: 30 days}}
rules:
  - {{id: ticket, require: 'change.title.contains("PAY-")', message: Name the ticket in the title.}}
"""


@pytest.fixture
async def bank(gh: SimulatedGitHub, countersign: Rehearsal) -> Bank:
    return Bank.found(gh, merge_queue=True)


async def test_30_a_group_differs_from_its_parts(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == GREEN
    group = pull.enqueue(by=bank.alice, smuggled={"backdoor.py": "open()\n"})
    await countersign.settle()
    assert shown(group) == ("failure", "Blocked: the group could not be read")
    assert f"{group.head_sha[:7]} was not made and signed by GitHub" in told(group)


async def test_52_a_group_is_green_because_nobody_looked(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    await countersign.settle()
    group = pull.enqueue(by=bank.alice)
    await countersign.settle()
    assert shown(group)[0] == "action_required"
    assert f"#{pull.number}" in told(group)


async def test_53_who_holds_a_change_in_the_queue_stops_its_group(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    group = pull.enqueue(by=bank.alice)
    await countersign.settle()
    assert shown(group)[0] == "success"
    pull.comment(by=bank.carol, body="/hold Wait for the auditors")
    await countersign.settle()
    assert shown(group) == ("action_required", f"Waiting: #{pull.number}: @carol, who holds it")
    pull.comment(by=bank.carol, body="/unhold They have been here")
    await countersign.settle()
    assert shown(group)[0] == "success"


async def test_54_the_risk_of_a_change_in_the_queue_is_raised(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    group = pull.enqueue(by=bank.alice)
    await countersign.settle()
    pull.comment(by=bank.carol, body="/risk raise high It moves the balance of everybody")
    await countersign.settle()
    assert shown(group)[0] == "action_required"
    assert "security" in told(group)


async def waived(countersign: Rehearsal, bank: Bank) -> Any:
    """A change without a ticket, approved, and waived by dana until the day after tomorrow."""
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": WAIVING})
    pull = bank.approved_change()
    await countersign.settle()
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    pull.comment(by=bank.alice, body=f"/waive rule:ticket until {until} because there is no ticket for a typo")
    await countersign.settle()
    pull.comment(by=bank.dana, body="/waiver grant rule:ticket")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    assert "`rule:ticket`" in told(pull)
    return pull


async def test_55_a_group_rests_on_a_waiver_as_long_as_it_stands(countersign: Rehearsal, bank: Bank) -> None:
    pull = await waived(countersign, bank)
    group = pull.enqueue(by=bank.alice)
    await countersign.settle()
    assert shown(group) == ("success", f"Waived: what #{pull.number} lacks")
    assert f"{pull.number} has everything that the policy demands of it but `rule:ticket`, which is waived" in told(
        group
    )
    assert "@dana waived this until" in told(group)
    pull.comment(by=bank.dana, body="/waiver revoke 1 There is a ticket after all")
    await countersign.settle()
    assert shown(group) == ("failure", f"Blocked: #{pull.number}: {shown(pull)[1].removeprefix('Blocked: ')}")


async def test_55_a_group_does_not_outlive_the_waiver_that_it_rests_on(countersign: Rehearsal, bank: Bank) -> None:
    pull = await waived(countersign, bank)
    group = pull.enqueue(by=bank.alice)
    await countersign.settle()
    [(end,)] = await countersign.rows("SELECT due FROM subject WHERE kind = 'merge_group'")
    assert timedelta(days=1) < end - countersign.now() <= timedelta(days=3), "it is looked at when the waiver ends"
    await countersign.until(end - timedelta(minutes=1))
    assert shown(group)[0] == "success"
    await countersign.until(end)
    assert shown(group)[0] == "failure"
    assert "Name the ticket in the title." in told(group)


async def test_56_the_record_of_a_change_in_the_queue_loses_its_authorisation(
    countersign: Rehearsal, gh: SimulatedGitHub
) -> None:
    bank = Bank.found(gh, policy=SIGNED, merge_queue=True)
    pull = bank.approved_change(body="## Justification\n\nThe regulator asks for daily interest from January on.\n")
    pull.comment(by=bank.alice, body="/request-cab")
    await countersign.settle()
    pull.comment(by=bank.dana, body="/cab approve")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    group = pull.enqueue(by=bank.alice)
    await countersign.settle()
    assert shown(group)[0] == "success"
    pull.comment(by=bank.alice, body="/cancel It is not wanted any more")
    await countersign.settle()
    assert shown(group)[0] == "failure"
    assert "cancelled" in told(group)
