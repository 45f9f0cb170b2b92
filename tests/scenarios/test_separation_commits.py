"""Attempts to bring in commits that nobody looked at: by merges, stacks, forks and sheer number.

The numbers are those of docs/separation.md.
"""

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import Bank, reasons, shown, told

GREEN = ("success", "Passed: 2 of 2 approvals, none by a contributor")
WAITS_FOR_ONE = ("action_required", "Waiting: 1 approval from someone with write access")


async def test_10_update_branch_with_content_of_ones_own_makes_a_contributor(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change()
    bank.ledger.push("main", by=bank.erin, files={"other.py": "1\n"})
    pull.update_branch(by=bank.bob, own={"backdoor.py": "open()\n"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert f"author of {pull.head_sha[:7]}" in reasons(pull)["bob"]


async def test_10_content_hidden_in_a_file_that_the_base_brings_makes_a_contributor(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change()
    bank.ledger.push("main", by=bank.erin, files={"other.py": "1\n"})
    pull.update_branch(by=bank.bob, own={"other.py": "1\nopen()\n"})
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert f"author of {pull.head_sha[:7]}" in reasons(pull)["bob"]


async def test_10_the_button_update_branch_makes_no_contributor(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    bank.ledger.push("main", by=bank.erin, files={"other.py": "1\n"})
    pull.update_branch(by=bank.bob)
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == GREEN, told(pull)


async def test_10_a_clean_merge_by_hand_excuses_its_author_and_not_who_pushed(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change()
    bank.ledger.push("main", by=bank.erin, files={"other.py": "1\n"})
    pull.update_branch(by=bank.bob, own={})
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["bob"] == f"not counted: contributed to the change: pushed {pull.head_sha[:7]}"


async def test_31_a_fork_whose_pushes_nobody_tells_of(countersign: Rehearsal, bank: Bank) -> None:
    frank = bank.gh.stranger("frank")
    pull = bank.ledger.open_pull_request(by=frank, title="Fork", files={"a.py": "1\n"}, from_fork=frank)
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert f"Nobody is on record as having pushed {pull.head_sha[:7]}." in told(pull)
    pull.push(by=bank.bob, author=frank, committer=frank, files={"a.py": "2\n"})
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["bob"] == f"not counted: contributed to the change: pushed {pull.head_sha[:7]}"


async def test_35_a_stacked_pull_request_brings_unreviewed_commits_of_another_branch(
    countersign: Rehearsal, bank: Bank
) -> None:
    lower = bank.ledger.open_pull_request(by=bank.bob, title="Lower", files={"lower.py": "1\n"}, branch="lower")
    bank.ledger.push("upper", by=bank.alice, files={"upper.py": "1\n"}, start="lower")
    upper = bank.ledger.open_pull_request(by=bank.alice, title="Upper", branch="upper")
    upper.review(by=bank.bob, state="APPROVED")
    upper.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert lower.state == "open"
    assert shown(upper) == WAITS_FOR_ONE, "who wrote what lies below contributed to what is merged with it"
    assert f"author of {lower.head_sha[:7]}" in reasons(upper)["bob"]


async def test_36_more_files_than_github_lists(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.ledger.open_pull_request(
        by=bank.alice, title="Many", files={f"generated/{number}.txt": "1\n" for number in range(3_001)}
    )
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "the list of files (GitHub lists 3,000 of 3,001)" in told(pull)


async def test_46_a_contributor_is_hidden_behind_the_second_parent_of_a_merge(
    countersign: Rehearsal, bank: Bank
) -> None:
    hidden = bank.ledger.push("hidden", by=bank.bob, files={"hidden.py": "1\n"}, start="main")
    pull = bank.change()
    bank.ledger.land(pull.head_ref, hidden.oid, by=bank.alice)
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert f"author of {hidden.oid[:7]}" in reasons(pull)["bob"]
