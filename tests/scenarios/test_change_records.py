"""The change record and its board, driven from the pull request."""

from datetime import timedelta
from typing import Any

import pytest

from bot.publish.effects import CHECK
from bot.sandbox import SimulatedGitHub
from bot.sandbox.rehearsal import Rehearsal
from tests.scenarios.bank import reasons, shown, told
from tests.scenarios.board import BODY, POLICY, Board, cleared, said, state


async def test_a_high_risk_change_from_missing_plans_to_authorised(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened(body="Interest is paid daily.")
    assert await state(countersign, pull) == "draft"
    assert [each["identifier"] for each in pull.check(CHECK).actions] == ["recheck", "explain", "request-cab"]
    await board.ask(pull)
    assert "is not complete" in said(pull)[-1]
    assert "## Backout plan" in said(pull)[-1]
    assert await state(countersign, pull) == "draft"

    pull.edit(by=board.alice, body=BODY)
    await board.say(pull, "alice", "/request-cab The regulator asks for it")
    assert await state(countersign, pull) == "authorize"
    assert said(pull)[-1].startswith("@northbank/cab @northbank/it-managers @northbank/risk: CHG-")
    assert not cleared(pull)

    await board.ballot(pull, "chris", "ida")
    assert await state(countersign, pull) == "authorize"
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "scheduled"
    assert "is authorised. Planned for" in said(pull)[-1]
    assert cleared(pull)
    kinds = [kind for kind, _ in await countersign.ledger()]
    assert kinds.count("person:vote:cast") == 3
    assert {"countersign:change:opened", "countersign:change:moved"} <= set(kinds)


async def test_the_button_asks_the_board_too(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened()
    pull.check(CHECK).press("request-cab", by=board.alice)
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    assert "@northbank/cab" in said(pull)[-1]


async def test_a_rejection_by_a_signatory_stands_in_the_way_until_it_is_changed(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.requested()
    board.vote(pull, "rick", word="reject Nobody has tried the back-out plan")
    await board.ballot(pull, "chris", "cleo", "ida")
    assert await state(countersign, pull) == "authorize"
    assert "@rick takes a rejection back" in told(pull)
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "scheduled"
    assert (await countersign.rows("SELECT count(*) FROM vote WHERE voter ->> 'login' = 'rick'"))[0][0] == 2


async def test_a_repository_neither_votes_on_the_board_nor_takes_anybodys_rejection_away(
    countersign: Rehearsal,
) -> None:
    """Three who sign by the repository's own file are no quorum, and whom that file takes out of a role still objects."""
    board = Board.found(countersign, POLICY.replace("[northbank/risk]", "[northbank/risk, rita]"))
    own = (
        "version: 1\nroles: {risk-officer: [rita], pals: [carol, alice], ecab: [carol]}\n"
        "people: [[rick, cleo]]\ntiers: {high: {sign_off: [pals]}}\n"
    )
    board.vault.push("main", by=board.carol, files={".github/countersign.yml": own})
    pull = await board.requested()
    await board.ballot(pull, "carol", "ida", "rita")
    assert await state(countersign, pull) == "authorize"
    assert "1 more to approve" in pull.check(CHECK).summary
    assert "Only the organisation says who is `ecab`." in pull.check(CHECK).summary
    board.vote(pull, "rick", word="reject Nobody has tried the back-out plan")
    await board.ballot(pull, "cleo", "chris")
    assert await state(countersign, pull) == "authorize"
    assert "@rick takes a rejection back" in told(pull)
    await board.ballot(pull, "rick")
    assert await state(countersign, pull) == "scheduled"


async def test_a_board_that_rejects_sends_the_change_back(countersign: Rehearsal, board: Board) -> None:
    pull = await board.requested()
    await board.ballot(pull, "chris", "cleo", "ida", word="reject Not before the audit")
    assert await state(countersign, pull) == "draft"
    assert not cleared(pull)
    assert "@alice: CHG-2026-0001, PAY-1 Daily interest, was rejected by the board." in said(pull)[-1]
    assert said(pull)[-1].count("Not before the audit") == 3
    assert shown(pull) == ("action_required", "Waiting: CHG-2026-0001, rejected by its board")
    assert "CHG-2026-0001 is in state draft: its board rejected it on " in told(pull)
    assert told(pull).count("rejects: `Not before the audit`") == 3
    assert "- Ask the board again with `/request-cab` when that is settled." in told(pull)
    await board.ask(pull)
    assert "rejected it on" not in told(pull)


async def test_a_board_that_does_not_answer_in_time_has_rejected(countersign: Rehearsal, board: Board) -> None:
    pull = await board.requested()
    [(deadline,)] = await countersign.rows("SELECT deadline FROM change")
    assert timedelta(hours=23) < deadline - countersign.now() <= timedelta(hours=24)
    await countersign.until(deadline - timedelta(minutes=1))
    assert await state(countersign, pull) == "authorize"
    await countersign.until(deadline)
    assert await state(countersign, pull) == "draft"


async def test_a_contributors_vote_is_refused_with_the_reason(countersign: Rehearsal, board: Board) -> None:
    pull = await board.requested(co_authors=[board.bob])
    comment = pull.comment(by=board.bob, body="/cab approve")
    await countersign.settle()
    assert "contributed to the change" in said(pull)[-1]
    assert [each.content for each in comment.reactions] == ["eyes", "confused"]
    await board.say(pull, "rita", "/cab approve")
    assert "holds none of the roles" in said(pull)[-1]
    assert await countersign.rows("SELECT * FROM vote") == []


async def test_who_came_to_the_board_after_it_was_asked_has_no_vote(countersign: Rehearsal, board: Board) -> None:
    pull = await board.requested()
    board.org.teams["cab"].add(board.rita)
    await countersign.settle()
    await board.ballot(pull, "rita")
    assert "came to the board after it was asked" in said(pull)[-1]


async def test_a_push_that_changes_the_diff_takes_the_authorisation_back(countersign: Rehearsal, board: Board) -> None:
    pull = await board.requested()
    await board.ballot(pull, "chris", "ida", "rick")
    assert await state(countersign, pull) == "scheduled"
    pull.push(by=board.alice, files={"a": "3"})
    pull.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert await state(countersign, pull) == "assess"
    assert not cleared(pull)
    assert "Its board was asked about another state of the change." in told(pull)
    assert "- Ask it again with `/request-cab`." in told(pull)


async def test_another_base_branch_takes_the_authorisation_back(countersign: Rehearsal, board: Board) -> None:
    board.vault.branch("staging", start="main")
    pull = await board.requested(base="staging")
    await board.ballot(pull, "chris", "ida", "rick")
    assert cleared(pull)
    countersign.later(seconds=2)
    pull.retarget(by=board.alice, base="main")
    countersign.later(seconds=2)
    pull.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert await state(countersign, pull) == "assess"
    assert not cleared(pull)
    [(why,)] = await countersign.rows("SELECT why FROM transition WHERE act = 'revise' AND before = 'scheduled'")
    assert why == "Different now: the base branch."


async def test_a_standard_change_is_what_its_template_says(countersign: Rehearsal) -> None:
    template = r"{id: texts, title: Texts, paths: ['^texts/.*\.json$'], lines: 50, expires: 2099-12-31}"
    policy = POLICY.replace("  low:\n", "  low:\n    change: standard\n").replace(
        "emergency:", f"standard:\n  - {template}\nemergency:"
    )
    board = Board.found(countersign, policy)
    kinds = {}
    for path in ("texts/en/rates.json", "texts/x/deploy.sh"):
        pull = board.site.open_pull_request(by=board.alice, title="PAY-5 Text", files={path: "{}"})
        pull.review(by=board.bob, state="APPROVED")
        await countersign.settle()
        ((kinds[path],),) = await countersign.rows("SELECT kind FROM change ORDER BY sequence DESC LIMIT 1")
    assert kinds == {"texts/en/rates.json": "standard", "texts/x/deploy.sh": "normal"}


async def test_an_emergency_goes_ahead_and_its_overdue_review_blocks_the_next(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.change()
    await board.say(pull, "alice", "/emergency INC0012345 Payments are down since nine")
    assert "may not declare an emergency" in said(pull)[-1]
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine")
    await board.ask(pull)
    assert await state(countersign, pull) == "authorize"
    await board.ballot(pull, "chris")
    assert await state(countersign, pull) == "scheduled"
    await board.merge(pull)
    assert await state(countersign, pull) == "review"

    other = board.vault.open_pull_request(by=board.alice, title="PAY-2 Next", files={"b": "1"}, body=BODY)
    other.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert not cleared(other)
    await countersign.until(countersign.now() + timedelta(days=4))
    assert shown(other)[0] == "failure"
    assert "was not reviewed in time" in other.check(CHECK).title or "is overdue" in other.check(CHECK).summary
    found = "The cause was a lost index; it is monitored from now on."
    await board.say(pull, "chris", f"/change review {found}")
    assert any("@chris decided about it. Somebody with `cab`" in each for each in said(pull))
    assert shown(other)[0] == "failure"
    await board.say(pull, "cleo", f"/change review {found}")
    # Nobody has to ask for it to be looked at again.
    assert not cleared(other)


async def test_an_overdue_review_blocks_what_needs_no_record_too(countersign: Rehearsal, board: Board) -> None:
    pull = board.site.open_pull_request(by=board.alice, title="PAY-1 Banner", files={"a": "2"}, body=BODY)
    await board.say(pull, "rita", "/emergency INC0012345 The banner is wrong since nine\n/request-cab")
    pull.review(by=board.bob, state="APPROVED")
    await board.ballot(pull, "chris")
    await board.merge(pull)
    other = board.site.open_pull_request(by=board.alice, title="PAY-2 Colours", files={"b": "1"})
    other.review(by=board.carol, state="APPROVED")
    await countersign.settle()
    assert shown(other)[0] == "success"
    await countersign.until(countersign.now() + timedelta(days=4))
    assert shown(other)[0] == "failure"
    await board.say(pull, "cleo", "/change review The cause was a lost index; it is monitored from now on.")
    assert shown(other)[0] == "success"


async def test_an_overdue_review_is_still_owed_when_the_application_has_another_name(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.change()
    await board.say(pull, "rita", "/emergency INC0012345 Payments are down since nine\n/request-cab")
    await board.ballot(pull, "chris")
    await board.merge(pull)
    other, apart = board.second(), board.low_change()
    renamed = POLICY.replace("name: vault", "name: cellar").replace("name: site", "name: vault")
    board.org.repositories[".github"].push("main", by=board.rita, files={"countersign.yml": renamed})
    await countersign.settle()
    await countersign.until(countersign.now() + timedelta(days=4))
    assert "The review of CHG-2026-0001 is overdue." in told(other), "it is of the same repository"
    assert "The review of CHG-2026-0001 is overdue." in told(apart), "it is of the application of that name"
    await board.say(pull, "cleo", "/change review The cause was a lost index; it is monitored from now on.")
    for each in (other, apart):
        assert "is overdue" not in told(each), "nobody has to ask for it to be looked at again"


async def test_a_waiver_is_asked_for_by_one_and_granted_by_another_and_expires(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.low_change("Typo")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    until = countersign.now().date().isoformat()
    await board.say(pull, "rick", f"/waive rule:ticket until {until} because there is no ticket for a typo")
    await board.say(pull, "rick", "/waiver grant 1")
    assert "asked for this waiver and cannot grant it" in said(pull)[-1]
    assert shown(pull)[0] == "failure"
    await board.say(pull, "alice", f"/waive rule:ticket until {until} because there is no ticket for a typo")
    await board.say(pull, "rick", "/waiver grant 2")
    assert shown(pull)[0] == "success"
    assert "@rick waived this until" in told(pull)
    [(end,)] = await countersign.rows("SELECT until FROM waiver")
    await countersign.until(end - timedelta(minutes=1))
    assert shown(pull)[0] == "success"
    await countersign.until(end)
    assert shown(pull)[0] == "failure", "nobody has said anything"


async def waive(countersign: Rehearsal, board: Board, pull: Any, finding: str = "rule:ticket") -> None:
    """Alice asks for it, and rick grants it."""
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    await board.say(pull, "alice", f"/waive {finding} until {until} because there is no ticket for a typo")
    await board.say(pull, "rick", f"/waiver grant {finding}")


async def test_a_waiver_is_asked_for_in_quotation_marks_as_well(countersign: Rehearsal, board: Board) -> None:
    pull = board.low_change("Typo")
    await countersign.settle()
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    await board.say(pull, "alice", f'/waive "rule:ticket" until "{until}" because "there is no ticket for a typo"')
    await board.say(pull, "rick", '/waiver grant "rule:ticket"')
    assert shown(pull)[0] == "success"
    assert "`there is no ticket for a typo`" in told(pull)


@pytest.mark.parametrize("hollow", ['""', "."])
async def test_a_reason_is_more_than_quotation_marks_or_a_full_stop(
    countersign: Rehearsal, board: Board, hollow: str
) -> None:
    pull = await board.requested()
    assert "To reject needs a reason." in await board.say(pull, "ida", f"/cab reject {hollow}")
    assert "Write it as `/hold reason`." in await board.say(pull, "ida", f"/hold {hollow}")
    assert "Write it as `/cancel reason`." in await board.say(pull, "alice", f"/cancel {hollow}")
    assert await state(countersign, pull) == "authorize"


async def typo(countersign: Rehearsal, board: Board) -> Any:
    """A change of the site without a ticket, which was waived."""
    pull = board.low_change("Typo")
    await countersign.settle()
    await waive(countersign, board, pull)
    assert shown(pull)[0] == "success"
    return pull


async def test_who_granted_a_waiver_and_then_pushes_has_waived_nothing(countersign: Rehearsal, board: Board) -> None:
    pull = await typo(countersign, board)
    pull.push(by=board.rick, files={"b": "1"})
    countersign.later(seconds=2)
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "The waiver of @rick does not hold: @rick, who granted it, contributed to the change." in told(pull)


async def test_a_waiver_is_for_the_change_that_it_was_asked_for(countersign: Rehearsal, board: Board) -> None:
    pull = await typo(countersign, board)
    before = pull.head_sha[:7]
    pull.push(by=board.alice, files={"b": "1"})
    countersign.later(seconds=2)
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert f"does not hold: the change is another one than at {before}, for which it was granted." in told(pull)
    await waive(countersign, board, pull)
    assert shown(pull)[0] == "success"


async def test_what_was_asked_for_before_a_push_is_not_granted_after_it(countersign: Rehearsal, board: Board) -> None:
    pull = board.low_change("Typo")
    await countersign.settle()
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    await board.say(pull, "alice", f"/waive rule:ticket until {until} because there is no ticket for a typo")
    pull.push(by=board.alice, files={"b": "1"})
    await countersign.settle()
    await board.say(pull, "rick", "/waiver grant rule:ticket")
    assert "the change is another one since" in said(pull)[-1]
    assert await countersign.rows("SELECT * FROM waiver") == []


async def test_a_waiver_outlives_a_merge_of_the_base(countersign: Rehearsal, board: Board) -> None:
    pull = await typo(countersign, board)
    board.site.push("main", by=board.carol, files={"elsewhere": "1"}, message="PAY-9 Elsewhere")
    await countersign.settle()
    pull.update_branch(by=board.alice)
    countersign.later(seconds=2)
    pull.review(by=board.bob, state="APPROVED")
    await countersign.settle()
    assert "@rick waived this until" in told(pull)


async def test_a_waiver_is_revoked_by_whoever_may_grant_one(countersign: Rehearsal, board: Board) -> None:
    pull = await typo(countersign, board)
    await board.say(pull, "alice", "/waiver revoke rule:ticket")
    assert "@alice may not revoke waivers." in said(pull)[-1]
    assert shown(pull)[0] == "success"
    await board.say(pull, "rick", "/waiver revoke rule:ticket There is a ticket after all")
    assert shown(pull)[0] == "failure"
    assert "person:waiver:revoked" in [kind for kind, _ in await countersign.ledger()]


async def test_who_is_unknown_is_not_waived(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened(email="rick@home.example")
    assert shown(pull)[0] == "failure"
    await waive(countersign, board, pull, "identity")
    assert any("`identity` cannot be waived." in each for each in said(pull))
    assert shown(pull)[0] == "failure"


async def test_what_people_lay_down_holds(countersign: Rehearsal, board: Board) -> None:
    pull = board.low_change()
    await countersign.settle()
    assert shown(pull)[0] == "success"
    await board.say(pull, "carol", "/hold Wait for the auditors")
    assert shown(pull) == ("action_required", "Waiting: @carol, who holds it")
    await board.say(pull, "carol", "/unhold")
    assert shown(pull)[0] == "success"
    await board.say(pull, "carol", "/risk raise high It shows the new rates")
    assert not cleared(pull)
    assert await state(countersign, pull) == "draft"
    pull.comment(by=board.carol, body="/risk raise low Never mind")
    pull.comment(by=board.alice, body="/plan backout Deploy the image of yesterday; ten minutes, nothing is lost.")
    pull.comment(by=board.alice, body="/schedule weekend")
    await countersign.settle()
    assert any("never lowered" in each for each in said(pull))
    assert any(each.startswith("Planned for") for each in said(pull))
    await board.say(pull, "alice", "/change")
    assert "| plans | backout said by `@alice` on " in said(pull)[-1]


async def test_a_hold_is_lifted_by_who_holds_or_by_a_role_that_has_no_part_in_it(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.low_change()
    board.site.grant(board.rick, "read")
    await countersign.settle()
    assert shown(pull)[0] == "success"
    pull.comment(by=board.rick, body="/hold The rates are not agreed")
    pull.comment(by=board.carol, body="/hold Wait for the auditors")
    await countersign.settle()
    assert shown(pull) == ("action_required", "Waiting: @carol and @rick, who hold it")
    assert "Somebody with `cab`, `it-manager`, `release` or `risk-officer`" in told(pull)
    for name in ("alice", "carol"):
        pull.comment(by=board.people[name], body="/unhold")
        await countersign.settle()
    assert any(each.startswith("@alice cannot lift it.") for each in said(pull))
    assert shown(pull) == ("action_required", "Waiting: @rick, who holds it")
    await board.say(pull, "ida", "/unhold Agreed by mail")
    assert shown(pull)[0] == "success"


async def test_a_member_of_the_board_cancels_and_holds_with_read_access(countersign: Rehearsal, board: Board) -> None:
    board.vault.grant(board.chris, "read")
    pull = await board.opened()
    await board.say(pull, "chris", "/hold Not this week")
    assert "@chris holds the change: Not this week" in told(pull)
    await board.say(pull, "chris", "/cancel It is not wanted any more")
    assert await state(countersign, pull) == "cancelled"


async def test_a_record_can_be_cancelled_and_opened_anew(countersign: Rehearsal, board: Board) -> None:
    pull = await board.opened()
    await board.say(pull, "alice", "/cancel Superseded by another one")
    assert await state(countersign, pull) == "cancelled"
    assert shown(pull)[0] == "failure"
    await board.ask(pull)
    assert await state(countersign, pull) == "authorize"
    assert reasons(pull)["carol"].startswith("counted")


async def test_comments_that_come_together_are_taken_one_after_the_other(countersign: Rehearsal, board: Board) -> None:
    pull = board.low_change("PAY-4 Text")
    await countersign.settle()
    await countersign.stop_worker()
    pull.comment(by=board.carol, body="/hold Wait for the auditors")
    lifted = pull.comment(by=board.carol, body="/unhold They have been here")
    pull.comment(by=board.carol, body="/risk raise high It shows the new rates")
    pull.comment(by=board.alice, body="/risk raise medium It's not as bad as that")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert [each.content for each in lifted.reactions] == ["eyes", "+1"]
    assert "holds the change" not in pull.check(CHECK).summary
    assert "tier high" in pull.check(CHECK).summary


async def test_a_wish_that_was_denied_is_not_granted_by_a_comment_that_was_waiting(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.low_change("Typo")
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    await countersign.settle()
    await board.say(pull, "alice", f"/waive rule:ticket until {until} because there's no ticket for a typo")
    assert "`/waiver grant rule:ticket`" in said(pull)[-1]
    await countersign.stop_worker()
    pull.comment(by=board.rick, body="/waiver deny rule:ticket")
    pull.comment(by=board.rick, body="/waiver grant rule:ticket")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert shown(pull)[0] == "failure"
    assert "waits for an answer here" in said(pull)[-1]
    assert await countersign.rows("SELECT * FROM waiver") == []


async def test_where_nobody_may_waive_that_is_said(countersign: Rehearsal) -> None:
    board = Board.found(countersign, POLICY.replace("waivers: {from: [risk-officer], at_most: 30 days}\n", ""))
    pull = board.site.open_pull_request(by=board.alice, title="Typo", files={"a": "2"})
    await countersign.settle()
    until = (countersign.now() + timedelta(days=2)).date().isoformat()
    await board.say(
        pull,
        "alice",
        f"/waive rule:ticket until {until} because there's no ticket for a typo",
        "/waive rule:ticket until 9999-12-31 because there is no ticket for a typo",
    )
    assert any("Nobody may grant a waiver." in each for each in said(pull))


async def test_the_commands_of_a_comment_are_done_in_order_each_on_what_the_one_before_left(
    countersign: Rehearsal, board: Board
) -> None:
    pull = await board.opened(body=BODY.replace("## Backout plan", "## Back"))
    plan = (
        "/plan backout If totals differ by a cent:\n\n1. Carol deploys the image before.\n2. Dana compares `totals`.\n"
    )
    comment = pull.comment(
        by=board.alice, body=f'/hold Wait\n\n{plan}\n/unhold\n/request-cab It is "urgent"\n/cab approve'
    )
    await countersign.settle()
    assert await state(countersign, pull) == "authorize"
    reply, agenda = said(pull)
    assert "@alice contributed to the change" in reply
    assert "is on the agenda" in agenda
    assert [each.content for each in comment.reactions] == ["eyes", "confused"]
    [(kept,)] = await countersign.rows("SELECT value FROM instruction WHERE kind = 'plan:backout'")
    assert kept == "If totals differ by a cent:\n\n1. Carol deploys the image before.\n2. Dana compares `totals`."
    told = await countersign.rows(
        "SELECT kind, convert_from(body, 'UTF8')::jsonb -> 'body' ->> 'command' FROM ledger_entry "
        "WHERE kind ~ '^person:command' ORDER BY seq"
    )
    done, refused = "person:command:done", "person:command:refused"
    assert told == [
        (done, "hold"),
        (done, "plan"),
        (done, "unhold"),
        (done, "request-cab"),
        (refused, "cab"),
    ]
    [(why,)] = await countersign.rows("SELECT why FROM transition WHERE act = 'submit'")
    assert why == 'It is "urgent"'


async def test_a_vote_in_time_counts_however_late_it_is_heard(countersign: Rehearsal, board: Board) -> None:
    pull = board.change()
    await board.ask(pull)
    await board.ballot(pull, "chris", "ida")
    countersign.later(hours=23)
    await countersign.stop_worker()
    board.vote(pull, "rick")
    await countersign.gh.settle()
    countersign.later(hours=2)
    await countersign.start_worker()
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"


async def test_a_vote_that_came_too_late_does_not_count_although_nobody_had_looked(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.change()
    await board.ask(pull)
    await board.ballot(pull, "chris", "ida")
    await countersign.stop_worker()
    countersign.later(hours=25)
    board.vote(pull, "rick")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    assert await state(countersign, pull) == "draft"


async def test_nobody_opens_a_record_by_looking_or_without_being_allowed_to(
    countersign: Rehearsal, gh: SimulatedGitHub, board: Board
) -> None:
    pull = board.site.open_pull_request(by=board.alice, title="PAY-1 Colours", files={"a": "2"}, body="Blue.")
    pull.comment(by=board.alice, body="/change")
    pull.comment(by=gh.stranger("mallory"), body="/request-cab")
    await countersign.settle()
    assert await countersign.rows("SELECT number FROM change") == []
    assert "There is no change record here: the policy needs none" in said(pull)[0]
    await board.ask(pull)
    assert await countersign.rows("SELECT number FROM change") == [("CHG-2026-0001",)]


async def test_a_plan_that_is_missing_is_not_waived(countersign: Rehearsal, board: Board) -> None:
    pull = board.change(body=BODY.replace("## Backout plan", "## Later"))
    await countersign.settle()
    assert "`plans:backout`" in pull.check(CHECK).summary
    await waive(countersign, board, pull, "plans:backout")
    assert any("`plans:backout` cannot be waived." in each for each in said(pull))
    assert "waived" not in told(pull)
    assert not cleared(pull)


async def test_a_merge_of_the_base_leaves_the_authorisation_and_what_is_added_to_it_takes_it_back(
    countersign: Rehearsal, board: Board
) -> None:
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab")
    await countersign.settle()
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    board.vault.push("main", by=board.carol, files={"elsewhere": "1"}, message="PAY-9 Elsewhere")
    await countersign.settle()
    pull.update_branch(by=board.alice)
    await countersign.settle()
    assert await state(countersign, pull) == "scheduled"
    assert (await countersign.rows("SELECT count(*) FROM vote"))[0][0] == 3
    board.vault.push("main", by=board.carol, files={"elsewhere": "2"}, message="PAY-9 Elsewhere")
    pull.update_branch(by=board.alice, own={"b": "slipped in"})
    await countersign.settle()
    assert await state(countersign, pull) == "assess"
    [(why,)] = await countersign.rows("SELECT why FROM transition WHERE act = 'revise' AND before = 'scheduled'")
    assert why.startswith("Different now: the diff")


LEDGER = """
    SELECT convert_from(body, 'UTF8')::jsonb -> 'body' FROM ledger_entry
    WHERE kind = ANY(%s::text[]) ORDER BY seq
"""


async def test_every_transition_is_in_the_ledger_with_who_what_and_why(countersign: Rehearsal, board: Board) -> None:
    pull = board.change()
    pull.comment(by=board.alice, body="/request-cab The regulator asks for it")
    await countersign.settle()
    board.vote(pull, "chris", "ida", "rick")
    await countersign.settle()
    pull.merge(by=board.rita)
    await countersign.settle()
    kinds = ["countersign:change:moved", "person:vote:cast"]
    entries = [body for (body,) in await countersign.rows(LEDGER, kinds)]
    told = [
        (each["version"], each["act"], each["before"], each["after"], each["actor"], each["why"]) for each in entries
    ]
    columns = "version, act, before, after, actor, why"
    assert told == await countersign.rows(f"SELECT {columns} FROM transition ORDER BY version")
    assert {"submit", "assess", "vote", "authorize", "finish"} <= {each["act"] for each in entries}
    assert all(each["why"] for each in entries)
    assert all(each["started_at"] <= each["ended_at"] for each in entries if each["act"] == "finish")


async def test_a_command_is_on_record_as_it_was_when_it_was_created(countersign: Rehearsal, board: Board) -> None:
    pull = board.change()
    await countersign.settle()
    await countersign.stop_worker()
    comment = pull.comment(by=board.alice, body="/hold Wait for the auditors")
    comment.edit(by=board.bob, body="/cancel Nobody needs it")
    await countersign.gh.settle()
    await countersign.start_worker()
    await countersign.settle()
    [(body,)] = await countersign.rows(LEDGER, ["person:command:done", "person:command:refused"])
    assert (body["comment"], body["text"], body["command"]) == (comment.id, "/hold Wait for the auditors", "hold")
    assert body["actor"] == {"id": board.alice.id, "login": "alice"}
    assert await state(countersign, pull) == "draft"
