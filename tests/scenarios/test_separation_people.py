"""Attempts to be two people at once, or nobody: each is refused with the sentence that explains it.

The numbers are those of docs/separation.md.
"""

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import Bank, reasons, shown, told

WAITS_FOR_ONE = ("action_required", "Waiting: 1 approval from someone with write access")
WAITS_FOR_TWO = ("action_required", "Waiting: 2 approvals from people with write access")


async def test_01_the_author_approves_with_a_second_account(countersign: Rehearsal, bank: Bank) -> None:
    second = bank.org.person("bob-admin")
    bank.ledger.grant(second, "admin")
    pull = bank.ledger.open_pull_request(by=bank.bob, title="Balance", files={"ledger.py": "balance = 1\n"})
    pull.review(by=second, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert reasons(pull)["bob-admin"].startswith("not counted: contributed to the change: opened the pull request")
    assert "The approval of @bob (also @bob-admin) is not counted, since they contributed." in told(pull)


async def test_01_the_second_account_of_a_verified_address_is_the_same_account(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.gh.world.person("frank", email="frank@northbank.example")
    frank = bank.org.person("frank")
    bank.ledger.grant(frank, "write")
    pull = bank.change()
    pull.push(by=bank.alice, email="frank@northbank.example", files={"ledger.py": "balance = 2\n"})
    pull.review(by=frank, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["frank"].startswith("not counted: contributed to the change: author of ")


async def test_02_a_co_author_approves(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change(co_authors=[bank.bob])
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert reasons(pull)["bob"] == f"not counted: contributed to the change: co-author of {pull.head_sha[:7]}"


async def test_03_author_of_one_commit_and_committer_of_another_approves(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.push(by=bank.alice, author=bank.carol, committer=bank.alice, files={"a.py": "1\n"})
    pull.push(by=bank.alice, author=bank.alice, committer=bank.bob, files={"b.py": "1\n"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO
    assert "committer of " in reasons(pull)["bob"]
    assert "author of " in reasons(pull)["carol"]


async def test_04_who_pushed_the_commits_of_others_approves(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.push(by=bank.bob, author=bank.alice, committer=bank.alice, files={"ledger.py": "balance = 2\n"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert reasons(pull)["bob"] == f"not counted: contributed to the change: pushed {pull.head_sha[:7]}"


async def test_08_a_reviewer_whose_suggestion_was_applied_approves_and_so_does_who_applied_it(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change()
    pull.apply_suggestion(by=bank.carol, of=bank.bob, files={"ledger.py": "balance = 2\n"})
    for reviewer in (bank.bob, bank.carol):
        pull.review(by=reviewer, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_TWO
    short = pull.head_sha[:7]
    assert reasons(pull)["bob"] == f"not counted: contributed to the change: co-author of {short}"
    assert reasons(pull)["carol"] == f"not counted: contributed to the change: author of {short}, pushed {short}"


async def test_08_what_github_says_of_a_suggestion_cannot_be_disowned(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.apply_suggestion(by=bank.carol, of=bank.bob, files={"ledger.py": "balance = 2\n"})
    comment = pull.comment(by=bank.bob, body=f"/disown {pull.head_sha[:7]}")
    await countersign.settle()
    assert [reaction.content for reaction in comment.reactions] == ["eyes", "confused"]
    assert "whom GitHub itself named when a suggestion was applied" in pull.comments[-1].body


async def test_09_a_commit_under_an_address_that_is_linked_to_nobody(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.push(by=bank.alice, email="nobody@elsewhere.example", files={"b.py": "1\n"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "`nobody@elsewhere.example`, is linked to no GitHub account." in told(pull)
    assert "Nobody can say that an approver is someone else." in told(pull)


async def test_11_a_cherry_pick_is_approved_by_its_first_author(countersign: Rehearsal, bank: Bank) -> None:
    bank.ledger.branch("release", start="main")
    first = bank.ledger.push("topic", by=bank.bob, files={"fix.py": "1\n"}, start="main")
    pull = bank.ledger.open_pull_request(
        by=bank.alice, title="Fix", files={"other.py": "1\n"}, base="release", branch="pick"
    )
    message = f"Fix\n\n(cherry picked from commit {first.oid})"
    pull.push(by=bank.alice, author=bank.alice, committer=bank.alice, files={"fix.py": "1\n"}, message=message)
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    repeats = f"author of {first.oid[:7]}, which {pull.head_sha[:7]} reverts or repeats"
    assert reasons(pull)["bob"] == f"not counted: contributed to the change: {repeats}"


async def test_11_a_revert_is_approved_by_who_wrote_what_it_takes_back(countersign: Rehearsal, bank: Bank) -> None:
    wrong = bank.ledger.push("main", by=bank.bob, files={"ledger.py": "balance = 13\n"})
    pull = bank.ledger.open_pull_request(by=bank.alice, title="Revert", files={"README.md": "-\n"}, branch="revert")
    message = f'Revert "Balance"\n\nThis reverts commit {wrong.oid}.'
    pull.push(by=bank.alice, files={"ledger.py": "balance = 0\n"}, message=message)
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert f"author of {wrong.oid[:7]}" in reasons(pull)["bob"]


async def test_11_what_repeats_a_commit_that_nobody_can_see_has_an_unknown_contributor(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change()
    pull.push(by=bank.alice, files={"b.py": "1\n"}, message=f"Fix\n\n(cherry picked from commit {'ab' * 20})")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "says that it reverts or repeats abababa, which GitHub does not show." in told(pull)


async def test_12_a_bot_an_app_or_an_automation_token_approves(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    actions = gh.bot("github-actions[bot]")
    bank.ledger.grant(actions, "write")
    pull = bank.change()
    pull.review(by=actions, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert "not counted: a program cannot approve" in reasons(pull).values()


async def test_13_a_bot_opens_the_pull_request_for_a_person_who_approves_it(
    countersign: Rehearsal, gh: SimulatedGitHub, bank: Bank
) -> None:
    agent = gh.bot("coding-agent[bot]")
    pull = bank.ledger.open_pull_request(by=agent, title="Agent", files={"ledger.py": "balance = 1\n"})
    pull.assign(bank.bob, by=agent)
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] != "success"
    assert reasons(pull)["bob"] == "not counted: contributed to the change: was assigned to what a program opened"
    assert reasons(pull)["carol"].startswith("counted: ")


async def test_19_who_was_removed_from_the_team_has_approved_nothing(countersign: Rehearsal, bank: Bank) -> None:
    vault = bank.org.repository(
        "vault", files={"a": "1"}, access={bank.alice: "write", bank.bob: "write", bank.dana: "read"}
    )
    pull = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    bank.appsec.remove(bank.dana)
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")
    assert reasons(pull)["dana"].startswith("not counted: has none of what is demanded")


async def test_20_one_signature_is_used_for_two_required_roles(countersign: Rehearsal, bank: Bank) -> None:
    vault = bank.org.repository("vault", files={"a": "1"}, access={bank.alice: "write", bank.dana: "write"})
    pull = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"})
    pull.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "action_required"
    assert "The policy demands 2 approvals; 1 is given so far." in told(pull)


async def test_21_two_accounts_of_one_person_are_two_approvals(countersign: Rehearsal, bank: Bank) -> None:
    second = bank.org.person("bob-admin")
    bank.ledger.grant(second, "admin")
    pull = bank.change()
    pull.review(by=bank.bob, state="APPROVED")
    bank.time_passes()
    pull.review(by=second, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert reasons(pull)["bob"] == "not counted: a later review of the same person takes its place"
    assert reasons(pull)["bob-admin"].startswith("counted: ")


async def test_38_a_forged_co_author_line_knocks_out_the_right_approver_until_they_disown_it(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.change(co_authors=[bank.bob])
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert "If the message of a commit names @bob wrongly, they comment `/disown COMMIT`." in told(pull)
    stranger = pull.comment(by=bank.carol, body=f"/disown {pull.head_sha[:10]}")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE, "nobody disowns for somebody else"
    assert [reaction.content for reaction in stranger.reactions] == ["eyes", "confused"]
    pull.comment(by=bank.bob, body=f"/disown {pull.head_sha[:10]}")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    assert f"disowned by the person named: @bob ({pull.head_sha[:7]})." in told(pull)
    assert "person:co-authorship:disowned" in [kind for kind, _ in await countersign.ledger()]


async def test_38_a_real_author_cannot_disown_what_they_wrote(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    pull.push(by=bank.bob, files={"b.py": "1\n"})
    pull.comment(by=bank.bob, body=f"/disown {pull.head_sha[:10]}")
    pull.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    assert "can disown it" in pull.comments[-1].body
    assert reasons(pull)["bob"].startswith("not counted: contributed to the change: author of ")


async def test_39_a_login_that_was_given_up_is_taken_by_another_account(countersign: Rehearsal, bank: Bank) -> None:
    policy = bank.policy
    named = policy.history.commits[policy.branches["main"]].files["countersign.yml"]
    policy.push("main", by=bank.erin, files={"countersign.yml": named.replace("[northbank/appsec]", "[grace]")})
    grace = bank.org.person("grace")
    vault = bank.org.repository("vault", files={"a": "1"}, access={bank.alice: "write", bank.bob: "write"})
    vault.grant(grace, "read")
    pull = vault.open_pull_request(by=bank.alice, title="Vault", files={"a": "2"})
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=grace, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"

    bank.gh.world.rename(grace, "grace-hopper")
    impostor = bank.org.person("grace")
    vault.grant(impostor, "read")
    other = vault.open_pull_request(by=bank.alice, title="Again", files={"a": "3"})
    other.review(by=bank.bob, state="APPROVED")
    other.review(by=impostor, state="APPROVED")
    await countersign.settle()
    assert shown(other)[0] == "action_required"
    assert (
        "the login @grace in the policy belonged to another account when it was first seen" in reasons(other)["grace"]
    )
    other.review(by=grace, state="APPROVED")
    await countersign.settle()
    assert shown(other)[0] == "success", "who was named is meant, whatever they are called now"


async def test_39_the_second_account_of_a_person_stays_theirs_under_another_login(
    countersign: Rehearsal, bank: Bank
) -> None:
    second = bank.org.person("bob-admin")
    bank.ledger.grant(second, "admin")
    bank.change()
    await countersign.settle()
    bank.gh.world.rename(second, "somebody-else")
    pull = bank.ledger.open_pull_request(by=bank.bob, title="Mine", files={"b.py": "1\n"}, branch="mine")
    pull.review(by=second, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["somebody-else"].startswith("not counted: contributed to the change")


async def test_39_the_approval_of_a_deleted_account_counts_no_more(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.approved_change()
    await countersign.settle()
    assert shown(pull)[0] == "success"
    bank.gh.world.delete(bank.bob)
    pull.comment(by=bank.alice, body="/recheck")
    await countersign.settle()
    assert shown(pull) == WAITS_FOR_ONE
    assert "its author's account is gone" in told(pull)
