"""The change record has a twin in Jira: one, and what people answer there counts here, once."""

import pytest

from bot.sandbox.jira.desk import FAILED, PLANNED
from bot.sandbox.rehearsal import Rehearsal
from bot.sandbox.vendor import Outage
from tests.scenarios import elsewhere
from tests.scenarios.bank import come_due, shown, told
from tests.scenarios.board import POLICY, Board, cleared, state
from tests.scenarios.elsewhere import Jira, fails, kept, poll, since, waits

there, countersign, board = elsewhere.jira, elsewhere.countersign, elsewhere.board


async def test_a_request_is_made_there_once_and_what_the_board_answers_there_counts_here(
    countersign: Rehearsal, board: Board, there: Jira
) -> None:
    pull = await board.requested()
    request = there.only
    assert request.fields["summary"] == "PAY-1 Daily interest"
    assert "Carol deploys the image before" in request.fields["description"]
    chris, ida, rick = there.people
    there.simulation.desk.approve(request.key, chris)
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    there.simulation.desk.approve(request.key, ida)
    there.simulation.desk.approve(request.key, rick)
    await poll(countersign)
    assert request.status == PLANNED
    assert await state(countersign, pull) == "scheduled"
    assert cleared(pull)
    assert there.only is request
    # Jira tells the moment of an answer only when all have answered: nobody is heard twice for that.
    deeds = await countersign.rows("SELECT login, outcome FROM change_heard ORDER BY login")
    assert deeds == [("chris", "done"), ("ida", "done"), ("rick", "done")]


async def test_what_the_board_declines_there_is_not_authorised_here(
    countersign: Rehearsal, board: Board, there: Jira
) -> None:
    pull = await board.requested()
    there.simulation.desk.decline(there.only.key, there.people[0])
    await poll(countersign)
    assert await state(countersign, pull) == "cancelled"
    assert shown(pull)[0] == "failure"


async def test_a_status_that_nobody_explained_is_no_pass(countersign: Rehearsal, board: Board, there: Jira) -> None:
    pull = await board.requested()
    there.simulation.desk.move(there.only.key, "Parked by finance")
    await poll(countersign)
    assert await state(countersign, pull) == "authorize"
    assert not cleared(pull)
    assert "Parked by finance" in told(pull)


async def test_what_was_closed_there_before_it_was_released_is_not_released(
    countersign: Rehearsal, board: Board, there: Jira
) -> None:
    pull = await board.requested()
    there.approve()
    await poll(countersign)
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    there.simulation.desk.move(there.only.key, FAILED)
    await poll(countersign)
    await board.to_its_window()
    await come_due(countersign, "kind IN ('pull', 'record')")
    assert shown(pull) == ("action_required", "Waiting: the record elsewhere")
    assert f"It is closed as `{FAILED}` in Jira, and has not been released." in told(pull)


async def test_what_nobody_has_approved_there_is_not_released_wherever_it_was_put(
    countersign: Rehearsal, board: Board, there: Jira
) -> None:
    pull = await board.requested()
    there.simulation.desk.move(there.only.key, PLANNED)
    await board.ballot(pull, "chris", "ida", "rick")
    await poll(countersign)
    assert await state(countersign, pull) == "scheduled"
    assert f"It is in `{PLANNED}` in Jira, and is not approved there: its approval says `requested`." in told(pull)


@pytest.mark.parametrize("hidden", ["the address", "the account"])
async def test_a_requester_whom_jira_does_not_show_does_not_keep_the_request_from_being_made(
    countersign: Rehearsal, there: Jira, hidden: str
) -> None:
    if hidden == "the address":
        there.desk.user("Alice Author", "alice@bank.example", private=True)
    name = "alice@bank.example" if hidden == "the address" else "5b10ac8d82e05b22cc7d4ef5"
    # The request is made when somebody has asked already: only then is there one whom it is raised for.
    there.simulation.faults.add(Outage(match="", kind="503", times=1_000_000))
    board = Board.found(countersign, POLICY + kept("jira", *elsewhere.BOARD) + f"    {name}: alice\n")
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await waits(countersign)
    assert await state(countersign, pull) == "authorize"
    there.simulation.faults.clear()
    countersign.later(hours=1)
    await poll(countersign)
    request = there.only
    assert request.reporter is there.desk.account
    assert "Requested by: alice" in request.fields["description"]
    [note] = [each for each in request.comments if "requested this change" in each.body]
    assert name in note.body
    there.approve()
    await poll(countersign)
    assert cleared(pull)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("503", "has answered 503 (Service Unavailable)"),
        ("429", "has limited how often Countersign may ask (429)"),
        ("html", "has answered with a page instead of data (perhaps of a sign-in, or of a proxy)"),
        ("cut-before", "has broken off its answers"),
    ],
)
async def test_how_jira_fails_and_since_when_is_told_until_it_answers_again(
    countersign: Rehearsal, board: Board, there: Jira, kind: str, how: str
) -> None:
    there.simulation.faults.add(Outage(match="", kind=kind, times=1_000_000))
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await waits(countersign)
    assert "In Jira, the record is not there yet. Jira has " in told(pull)
    assert since(told(pull), f"Jira {how}", countersign)
    there.simulation.faults.clear()
    countersign.later(hours=1)
    await poll(countersign)
    assert there.only.key in told(pull)
    assert "Jira has" not in told(pull)


async def test_an_answer_of_jira_that_says_too_little_is_told_as_one_that_cannot_be_read(
    countersign: Rehearsal, board: Board, there: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = await board.requested()
    with monkeypatch.context() as patched:
        patched.setattr("bot.sandbox.jira.rest._written", lambda _: "yesterday")
        await fails(countersign)
        assert since(told(pull), "Jira has given answers that cannot be read", countersign)
    await poll(countersign)
    assert "Jira has" not in told(pull)
