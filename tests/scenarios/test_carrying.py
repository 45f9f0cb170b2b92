"""Votes that are given on GitHub are carried into the approvals that wait for them in ServiceNow, where the policy says so."""

from typing import Any

import pytest

from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal, rehearsal
from bot.sandbox.servicenow.rules import BusinessRule
from bot.sandbox.vendor import Outage
from tests.scenarios import elsewhere
from tests.scenarios.bank import SECRET, told
from tests.scenarios.board import BODY, POLICY, Board, cleared, said, state
from tests.scenarios.dying import FATAL, die_at
from tests.scenarios.elsewhere import ServiceNow, kept, poll

there, countersign = elsewhere.servicenow, elsewhere.countersign
MAPPED = kept("servicenow", *elsewhere.BOARD)

CARRYING = MAPPED + "  carry_votes: true\n"


@pytest.fixture(autouse=True)
async def trusted(there: ServiceNow) -> None:
    there.simulation.instance.answers_for_others = True


async def asked(countersign: Rehearsal, gh: SimulatedGitHub, policy: str = POLICY + CARRYING) -> tuple[Board, Any]:
    board = Board.found(countersign, policy)
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    return board, pull


def answers(there: ServiceNow, change: Any = None) -> dict[str, tuple[str, str]]:
    """What each approval there says, and who wrote it."""
    found = (change or there.only).approvals
    return {each.approver.user_name: (each.state, each.updated_by) for each in found}


async def test_a_board_that_votes_only_on_github_lets_the_record_there_go_on(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await asked(countersign, gh)
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    await poll(countersign)
    ours = "svc_countersign"
    assert answers(there) == dict.fromkeys(("chris.cab", "ida.it", "rick.risk"), ("approved", ours))
    [words] = there.only.approvals[0].comments
    [comment] = [each for each in pull.comments if each.author is board.chris]
    assert words.startswith("@chris voted to approve CHG-2026-0001 on 20")
    assert f"/northbank/vault/pull/{pull.number}#issuecomment-{comment.id}" in words
    assert there.only.values["state"] == "-2"
    assert cleared(pull)
    # Nobody is heard there, and each vote is on record as carried, once.
    await poll(countersign)
    assert await countersign.rows("SELECT 1 FROM change_heard") == []
    kinds = [kind for kind, _ in await countersign.ledger()]
    assert kinds.count("countersign:vote:carried") == 3
    assert "approved it" not in told(pull)


async def test_nothing_is_carried_unless_the_policy_says_so(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await asked(countersign, gh, POLICY + MAPPED)
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    await poll(countersign)
    assert {state for state, _ in answers(there).values()} == {"requested"}
    assert not cleared(pull)


async def test_what_was_said_there_is_not_carried_back_and_the_votes_of_both_places_are_one_decision(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await asked(countersign, gh)
    board.vote(pull, "chris", "ida")
    await countersign.settle()
    # Until the board has decided, a vote can be changed here: nothing is there yet.
    assert {state for state, _ in answers(there).values()} == {"requested"}
    there.simulation.instance.approve(there.only.number, there.rick)
    await poll(countersign)
    await poll(countersign)
    assert answers(there)["rick.risk"] == ("approved", "rick.risk")
    assert answers(there)["chris.cab"] == ("approved", "svc_countersign")
    assert await state(countersign, pull) == "scheduled"
    assert cleared(pull)
    kinds = [kind for kind, _ in await countersign.ledger()]
    assert kinds.count("countersign:vote:carried") == 2


async def test_a_vote_that_was_changed_before_the_decision_is_carried_as_it_was_last(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await asked(countersign, gh)
    board.vote(pull, "chris", word="reject The plan is thin")
    board.vote(pull, "ida", "rick")
    await countersign.settle()
    assert {state for state, _ in answers(there).values()} == {"requested"}
    board.vote(pull, "chris", word="approve It is better now")
    await countersign.settle()
    await poll(countersign)
    [words] = there.only.approvals[0].comments
    assert "@chris voted to approve" in words
    assert words.endswith("It is better now")
    assert there.only.values["state"] == "-2"


async def test_a_board_that_rejects_here_has_rejected_there_and_is_asked_anew_in_both_places(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    one = POLICY.replace("quorum: 3", "quorum: 1").replace("    sign_off: [it-manager, risk-officer]\n", "")
    board, pull = await asked(countersign, gh, one + CARRYING)
    board.vote(pull, "chris", word="reject The back-out plan was never tried")
    await countersign.settle()
    await poll(countersign)
    assert await state(countersign, pull) == "draft"
    first = there.only.approvals[0]
    assert (first.state, first.updated_by) == ("rejected", "svc_countersign")
    assert first.comments[0].endswith("The back-out plan was never tried")
    assert there.only.values["state"] == "-5"
    await board.ask(pull)
    board.vote(pull, "chris")
    await countersign.settle()
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    chris = [each.state for each in there.only.approvals if each.approver is there.chris]
    assert chris == ["rejected", "approved"]
    assert await countersign.rows("SELECT 1 FROM change_heard") == []


async def test_whom_the_policy_does_not_name_or_who_took_a_login_over_answers_for_nobody(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    policy = POLICY + CARRYING.replace("    ida.it@bank.example: ida\n", "")
    board = Board.found(countersign, policy)
    pull = board.change()
    await countersign.settle()
    org, meant = gh.organisation("northbank"), board.rick
    gh.world.rename(meant, "rick-risk")
    other = org.person("rick")
    board.vault.access[other] = "write"
    org.teams["risk"].add(other)
    org.teams["risk"].remove(meant)
    await countersign.settle()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    board.vote(pull, "chris", "ida")
    pull.comment(by=other, body="/cab approve")
    await countersign.settle()
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert {name: state for name, (state, _) in answers(there).items()} == {
        "chris.cab": "approved",
        "ida.it": "requested",
        "rick.risk": "requested",
    }


@pytest.mark.parametrize("lacking", ["right", "rule", "field"])
async def test_what_keeps_a_vote_from_being_carried_is_told_in_that_system_s_words_until_it_is_gone(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow, lacking: str
) -> None:
    instance = there.simulation.instance
    rule = BusinessRule("Nobody approves for another", lambda _, sent: "state" in sent)
    instance.answers_for_others = lacking != "right"
    instance.approval_rules += [rule] if lacking == "rule" else []
    board, pull = await asked(countersign, gh)
    instance.locked |= {"state"} if lacking == "field" else set()
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    await poll(countersign)
    pull.comment(by=board.alice, body="/change")
    await countersign.settle()
    words = {"right": "ACL Exception Update Failed", "rule": "Nobody approves for another", "field": "left that open"}
    assert "Not carried there: the vote of" in said(pull)[-1]
    assert words[lacking] in said(pull)[-1]
    assert not cleared(pull)
    instance.answers_for_others, instance.approval_rules = True, []
    instance.locked.clear()
    await poll(countersign)
    await poll(countersign)
    assert cleared(pull)
    assert "Not carried" not in told(pull)
    assert await countersign.rows("SELECT 1 FROM change_heard") == []


async def test_a_carried_vote_whose_answer_is_lost_is_there_once(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await asked(countersign, gh)
    there.simulation.faults.add(Outage(match="PATCH .*sysapproval_approver", kind="cut-after"))
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    await poll(countersign)
    assert [len(each.comments) for each in there.only.approvals] == [1, 1, 1]
    assert cleared(pull)
    assert await countersign.rows("SELECT 1 FROM change_heard") == []
    kinds = [kind for kind, _ in await countersign.ledger()]
    assert kinds.count("countersign:vote:carried") == 3


async def test_votes_reach_a_record_that_was_away_until_after_the_merge_so_that_it_can_come_to_its_end(
    countersign: Rehearsal, gh: SimulatedGitHub, there: ServiceNow
) -> None:
    board, pull = await asked(countersign, gh)
    there.goes_away()
    board.vote(pull, "chris", "ida", "rick")
    await elsewhere.waits(countersign)
    pull.merge(by=board.rita)
    await elsewhere.waits(countersign)
    assert await state(countersign, pull) == "review"
    there.simulation.faults.clear()
    countersign.later(hours=1)
    for _ in range(3):
        await poll(countersign)
    assert answers(there)["rick.risk"] == ("approved", "svc_countersign")
    assert there.only.values["state"] == "0"


@pytest.mark.timeout(300)
async def test_a_worker_killed_while_it_carries_votes_leaves_one_answer_for_each(
    gh: SimulatedGitHub, there: ServiceNow, database_url: str
) -> None:
    async with rehearsal(gh, database_url, SECRET, patience=FATAL, **there.access) as countersign:
        there.simulation.instance.clock = countersign.now
        board = Board.found(countersign, POLICY + CARRYING)
        await countersign.settle()
        deaths = 0
        for fatal in range(12, 40, 4):
            pull = board.vault.open_pull_request(
                by=board.alice, title=f"PAY-{fatal} Daily", files={f"{fatal}": "2"}, branch=f"c-{fatal}", body=BODY
            )
            pull.review(by=board.carol, state="APPROVED")
            pull.comment(by=board.alice, body="/request-cab")
            await countersign.settle()
            board.vote(pull, "chris", "ida")
            await countersign.settle()
            await countersign.stop_worker()
            board.vote(pull, "rick")
            await gh.settle()
            deaths += await die_at(countersign, fatal, kind="record:")
            await countersign.start_worker()
            await countersign.settle()
            await poll(countersign)
            twin = there.changes[-1]
            assert [len(each.comments) for each in twin.approvals] == [1, 1, 1], fatal
            assert {state for state, _ in answers(there, twin).values()} == {"approved"}, fatal
            kinds = [kind for kind, about in await countersign.ledger() if about == subject_of(pull)]
            assert kinds.count("countersign:vote:carried") == 3, fatal
            async with countersign.store.transaction() as connection:
                await connection.execute("UPDATE subject SET due = NULL, finished = true WHERE kind = 'record'")
        assert await countersign.rows("SELECT 1 FROM change_heard") == []
        assert deaths > 1, "the worker was hardly ever killed"


def subject_of(pull: Any) -> str:
    return f"pull:{pull.repository.id}:{pull.number}"
