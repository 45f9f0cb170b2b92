"""Whoever asked for a change has no vote on it, by whatever way it comes to its board."""

from datetime import timedelta

from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import reasons, shown, told
from tests.scenarios.board import BODY, POLICY, VERIFIED, Board, cleared, records, said, state

APART = POLICY.replace("separation:\n", "separation:\n  - {roles: [requester, approver]}\n")
KEPT_APART = "which the policy keeps apart from approving"


def wanted(countersign: Rehearsal) -> str:
    """The wish that it needs no ticket for two days."""
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    return f"/waive rule:ticket until {until} because the ticket follows on Monday"


async def votes(countersign: Rehearsal) -> set[str]:
    return {login for (login,) in await countersign.rows("SELECT DISTINCT voter ->> 'login' FROM vote")}


async def test_who_asked_has_no_vote_after_the_record_was_cancelled_and_opened_anew(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.change()
    pull.comment(by=board.cleo, body="/request-cab")
    await countersign.settle()
    pull.comment(by=board.cleo, body="/cancel Somebody else asks for it")
    await countersign.settle()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    board.vote(pull, "cleo")
    await countersign.settle()
    assert "does not count, since @cleo asked for the change" in said(pull)[-1]
    assert await votes(countersign) == set()


async def test_who_asked_for_what_joins_a_record_has_no_vote_on_all_of_it(countersign: Rehearsal, board: Board) -> None:
    first = board.change()
    await countersign.settle()
    second = board.vault.open_pull_request(by=board.alice, title="PAY-2 More", files={"b": "2"}, body=BODY)
    second.review(by=board.carol, state="APPROVED")
    second.comment(by=board.cleo, body="/request-cab")
    await countersign.settle()
    [(number,)] = await countersign.rows("SELECT number FROM change ORDER BY sequence LIMIT 1")
    second.comment(by=board.alice, body=f"/change link {number}")
    await countersign.settle()
    first.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert await state(countersign, first) == "authorize"
    for pull in (first, second):
        board.vote(pull, "cleo")
        await countersign.settle()
        assert "does not count, since @cleo asked for the change" in said(pull)[-1]
    board.vote(first, "chris", "ida", "rick")
    await countersign.settle()
    assert await votes(countersign) == {"chris", "ida", "rick"}


async def test_who_asked_for_a_release_has_no_vote_on_what_left_it(countersign: Rehearsal, board: Board) -> None:
    first, other = await board.together()
    await board.say(first, "cleo", "/request-cab")
    await board.say(other, "bob", "/change unlink")
    await board.say(other, "bob", "/request-cab")
    await board.say(first, "alice", "/request-cab")
    assert await records(countersign) == [
        ("CHG-2026-0001", "authorize"),
        ("CHG-2026-0002", "cancelled"),
        ("CHG-2026-0003", "authorize"),
    ]
    for pull in (first, other):
        assert "does not count, since @cleo asked for the change" in await board.say(pull, "cleo", "/cab approve")
    assert await votes(countersign) == set()


async def test_who_asked_for_a_waiver_has_no_vote_on_what_it_lets_through(countersign: Rehearsal, board: Board) -> None:
    pull = board.change(title="Daily interest")
    await countersign.settle()
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    pull.comment(by=board.cleo, body=f"/waive rule:ticket until {until} because the ticket follows on Monday")
    await countersign.settle()
    pull.comment(by=board.rick, body="/waiver grant rule:ticket")
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    board.vote(pull, "cleo", "chris", "rick")
    await countersign.settle()
    assert any("since @cleo asked for a waiver of what blocks the change" in each for each in said(pull))
    assert await votes(countersign) == {"chris", "rick"}


async def test_who_asked_does_not_approve_where_the_policy_keeps_the_two_apart(
    countersign: Rehearsal,
) -> None:
    board = Board.found(countersign, APART)
    pull = board.change()
    pull.comment(by=board.carol, body="/request-cab")
    await countersign.settle()
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert reasons(pull)["carol"] == f"not counted: asked for the change to be authorised, {KEPT_APART}"
    assert "Missing: 1 more from write access." in told(pull)
    assert "somebody else than @carol" not in told(pull), "it is told once"
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert cleared(pull)


async def test_who_asked_for_a_waiver_does_not_approve_what_has_no_record(countersign: Rehearsal) -> None:
    board = Board.found(countersign, APART)
    pull = board.site.open_pull_request(by=board.alice, title="Text", files={"a": "2"})
    await countersign.settle()
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    await board.say(pull, "carol", f"/waive rule:ticket until {until} because the ticket follows on Monday")
    pull.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["carol"].startswith("counted: "), "nobody has granted it"
    await board.say(pull, "rick", "/waiver grant rule:ticket")
    assert reasons(pull)["carol"] == f"not counted: asked for a waiver of `rule:ticket`, {KEPT_APART}"
    assert shown(pull) == ("action_required", "Waiting: 1 approval from someone with write access")
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    assert await countersign.rows("SELECT number FROM change") == []


async def test_who_asked_for_a_release_does_not_approve_any_part_of_it(countersign: Rehearsal) -> None:
    board = Board.found(countersign, APART)
    first, other = await board.together()
    await board.say(first, "carol", "/request-cab")
    await board.ballot(first, "chris", "ida", "rick")
    for pull in (first, other):
        assert reasons(pull)["carol"] == f"not counted: asked for the change to be authorised, {KEPT_APART}"
        assert "Missing: 1 more from write access for #1; 1 more from write access for #2." in told(pull)
    assert await state(countersign, first) == "authorize"


async def test_who_authorised_it_asks_for_no_waiver_of_it(countersign: Rehearsal, board: Board) -> None:
    pull = await board.authorised()
    pull.edit(by=board.alice, title="Daily interest without a ticket")
    await countersign.settle()
    until = (countersign.now() + timedelta(days=20)).date().isoformat()
    refusal = await board.say(pull, "chris", f"/waive rule:ticket until {until} because the ticket follows on Monday")
    assert "@chris has authorised CHG-2026-0001, and whoever asks for a waiver has no vote on it." in refusal


async def test_who_asked_for_a_waiver_of_what_is_authorised_does_not_verify_it(countersign: Rehearsal) -> None:
    apart = VERIFIED.replace("separation:\n", "separation:\n  - {roles: [requester, verifier]}\n")
    board = Board.with_verifiers(countersign, apart)
    pull = await board.authorised()
    pull.edit(by=board.alice, title="Daily interest without a ticket")
    await countersign.settle()
    until = (countersign.now() + timedelta(days=20)).date().isoformat()
    await board.say(pull, "vera", f"/waive rule:ticket until {until} because the ticket follows on Monday")
    await board.say(pull, "rick", "/waiver grant rule:ticket")
    await board.to_its_window()
    await board.merge(pull)
    assert "@vera asked for it" in await board.say(pull, "vera", "/change close successful It runs")
    assert await state(countersign, pull) == "review"


def second_officer(board: Board) -> None:
    """The board can decide without rick: carol is responsible for risk as well."""
    board.org.team("risk", members=[board.rick, board.carol])


async def test_who_asked_for_the_change_grants_no_waiver_of_it(countersign: Rehearsal, board: Board) -> None:
    second_officer(board)
    pull = await board.opened(title="Daily interest")
    await board.say(pull, "rick", "/request-cab")
    await board.say(pull, "alice", wanted(countersign))
    refusal = await board.say(pull, "rick", "/waiver grant rule:ticket")
    assert "@rick asked for the change to be authorised and cannot grant a waiver for it." in refusal
    assert await countersign.rows("SELECT * FROM waiver") == []
    await board.say(pull, "carol", "/waiver grant rule:ticket")
    assert "@carol waived this until" in told(pull)


async def test_who_granted_a_waiver_and_then_asks_for_the_change_has_waived_nothing(
    countersign: Rehearsal, board: Board
) -> None:
    second_officer(board)
    pull = await board.opened(title="Daily interest")
    await board.say(pull, "alice", wanted(countersign))
    await board.say(pull, "rick", "/waiver grant rule:ticket")
    assert "@rick waived this until" in told(pull)
    await board.say(pull, "rick", "/request-cab")
    missed = "The waiver of @rick does not hold: @rick, who granted it, asked for the change to be authorised."
    assert missed in told(pull)
