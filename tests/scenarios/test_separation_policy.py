"""What the policy's keys `reviews` and `acknowledge` switch on.

The numbers are those of docs/separation.md.
"""

from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.git import EXECUTABLE, LINK
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import POLICY, Bank, reasons, shown, told

GREEN = ("success", "Passed: 2 of 2 approvals, none by a contributor")
MORE = """\
reviews: {carry_over: same-diff, member_for: 7 days, quick: 1 minute, large: 500, pair: 10}
acknowledge: [security]
"""


async def years_pass(countersign: Rehearsal) -> None:
    """Everybody has been in their teams for long."""
    async with countersign.store.transaction() as connection:
        await connection.execute("UPDATE membership SET since = since - interval '2 years'")


@pytest.fixture
async def bank(gh: SimulatedGitHub, countersign: Rehearsal) -> Bank:
    return Bank.found(gh, policy=POLICY + MORE)


async def test_07_an_approval_carries_over_to_the_same_diff(countersign: Rehearsal, bank: Bank) -> None:
    await countersign.settle()
    await years_pass(countersign)
    pull = bank.approved_change()
    pull.push(by=bank.alice, files={}, message="The same again", force=True)
    await countersign.settle()
    assert shown(pull) == GREEN
    assert "carried over: the diff is the same" in reasons(pull)["bob"]
    pull.push(by=bank.alice, files={"ledger.py": "balance = 2\n"}, force=True)
    await countersign.settle()
    assert shown(pull)[0] == "action_required"


@pytest.mark.parametrize("mode", [EXECUTABLE, LINK])
async def test_07_no_approval_carries_over_to_the_same_lines_in_another_mode(
    countersign: Rehearsal, bank: Bank, mode: int
) -> None:
    await countersign.settle()
    await years_pass(countersign)
    pull = bank.approved_change()
    pull.push(by=bank.alice, files={}, modes={"ledger.py": mode}, message="The same again", force=True)
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    assert "the head is" in reasons(pull)["bob"]


async def test_07_an_approval_carries_over_a_clean_update_of_the_branch(countersign: Rehearsal, bank: Bank) -> None:
    await countersign.settle()
    await years_pass(countersign)
    pull = bank.approved_change()
    bank.ledger.push("main", by=bank.erin, files={"other.py": "1\n"})
    pull.update_branch(by=bank.alice)
    await countersign.settle()
    assert reasons(pull)["bob"].startswith("counted: ")


async def test_18_added_to_the_approving_team_minutes_before(countersign: Rehearsal, bank: Bank) -> None:
    frank = bank.org.person("frank")
    vault = bank.org.repository("vault", files={"a": "1"}, access={bank.alice: "write", bank.bob: "write"})
    vault.grant(bank.dana, "read")
    vault.grant(frank, "read")
    await countersign.settle()
    await years_pass(countersign)
    first = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"})
    first.review(by=bank.bob, state="APPROVED")
    first.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    assert reasons(first)["dana"].startswith("counted: "), "who has been there for long"
    bank.appsec.add(frank)
    second = vault.open_pull_request(by=bank.alice, title="Again", files={"a": "3"}, branch="again")
    second.review(by=bank.bob, state="APPROVED")
    second.review(by=frank, state="APPROVED")
    await countersign.settle()
    assert reasons(second)["frank"] == "not counted: had what is demanded for less than 7 days when it was given"


async def around(countersign: Rehearsal) -> list[Any]:
    return await countersign.rows(
        "SELECT unauthorised_change.id, reason, unauthorised_acknowledgement.actor_login FROM unauthorised_change "
        "LEFT JOIN unauthorised_acknowledgement ON change = unauthorised_change.id ORDER BY 1"
    )


async def test_28_a_push_past_every_pull_request_blocks_until_somebody_else_answers_for_it(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.appsec.add(bank.erin)
    await countersign.settle()
    await years_pass(countersign)
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull) == GREEN
    bank.ledger.push("main", by=bank.erin, files={"hotfix.py": "1\n"})
    await countersign.settle()
    assert shown(pull) == ("failure", "Blocked: an unauthorised change is open")
    [(number, _, _)] = await around(countersign)
    assert f"comments `/acknowledge {number} REASON`" in told(pull)
    for who in (bank.erin, bank.bob):
        pull.comment(by=who, body=f"/acknowledge {number} It was urgent, believe me")
    pull.comment(by=bank.dana, body=f"/acknowledge {number}")
    pull.comment(by=bank.dana, body=f"/acknowledge {number} Reviewed by mail as well", by_email=True)
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert await around(countersign) == [(number, None, None)]
    pull.comment(by=bank.dana, body=f"/acknowledge {number} Hotfix of incident 4711, reviewed afterwards")
    await countersign.settle()
    assert shown(pull) == GREEN
    assert await around(countersign) == [(number, "Hotfix of incident 4711, reviewed afterwards", "dana")]
    assert "person:unauthorised-change:acknowledged" in [kind for kind, _ in await countersign.ledger()]
