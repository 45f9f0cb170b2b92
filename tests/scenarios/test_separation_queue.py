"""Attempts to get something through the merge queue that its pull requests do not have.

The numbers are those of docs/separation.md.
"""

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import Bank, shown, told

GREEN = ("success", "Passed: 2 of 2 approvals, none by a contributor")


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
