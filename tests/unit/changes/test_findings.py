"""What the check run says of a change record in each of its states: where it stands, why, and what to do next."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.changes import carrying, rounds
from bot.changes.findings import elsewhere, finding
from bot.changes.lifecycle import advance
from bot.changes.model import Act, Change, Choice, Decided, Elsewhere, Event, Request, Round
from bot.decide.verdict import Finding, Verdict
from bot.policy.model import Records, System, Tier
from tests.unit.builders import account
from tests.unit.changes.builders import (
    MONDAY,
    SATURDAY,
    approved,
    ask,
    asked,
    authorised,
    contents,
    context,
    done,
    draft,
    rules,
    vote,
)

UP = MONDAY + timedelta(days=1)
WHEN = "planned for 2027-01-09 02:00 to 2027-01-09 06:00 UTC"
HOW = "`/cab approve`, `/cab reject reason` or `/cab defer reason`"
ROLES = "`cab`, `it-manager`, `risk-officer` or `compliance`"


def said(found: Finding) -> tuple[str, str, str, str]:
    """Everything that people read, without the number of the record."""
    sentences = (found.headline, found.what, found.why, found.remedy)
    headline, what, why, remedy = (each.replace("CHG-2027-0001", "It") for each in sentences)
    return headline, what, why, remedy


def against_it(choice: Choice, *reasons: str) -> Change:
    change = asked()
    for who, reason in zip(("ida", "rick", "cleo", "omar"), reasons, strict=False):
        change = done(change, vote(who, choice, reason))
    return change


def test_a_draft_says_that_nobody_was_asked_and_how_to() -> None:
    assert said(finding(draft(), context())) == (
        "It, still a draft",
        "It is in state draft: nobody has asked its board yet.",
        "",
        "Ask the board with `/request-cab`: the record is complete.",
    )
    assert finding(draft(plans=()), context()).remedy == (
        "Ask the board with `/request-cab` when nothing below is missing any more."
    )


def test_a_draft_that_no_board_decides_about_goes_on_by_itself() -> None:
    _, what, _, remedy = said(finding(draft(Tier.LOW), context()))
    assert (what, remedy) == ("It is in state draft.", "It goes on by itself.")
    assert finding(draft(Tier.LOW, window=None), context()).remedy == (
        "It goes on by itself when nothing below is missing any more."
    )


def test_a_rejection_says_by_whom_when_and_why_until_somebody_asks_again() -> None:
    change = done(against_it(Choice.REJECT, "No way back.", "Not in the audit week.", "Too large."), Event(Act.REJECT))
    assert said(finding(change, context())) == (
        "It, rejected by its board",
        "It is in state draft: its board rejected it on 2027-01-04 12:00 UTC.",
        "@ida rejects: `No way back.`. @rick rejects: `Not in the audit week.`. @cleo rejects: `Too large.`.",
        "Ask the board again with `/request-cab` when that is settled.",
    )
    assert carrying._decided(change) == (tuple(account(each) for each in ("ida", "rick", "cleo")), Choice.REJECT)
    revised = done(change, Event(Act.REVISE, contents=contents(plans=(), diff="d2")))
    assert finding(revised, context()).headline.endswith("rejected by its board")
    assert finding(revised, context()).remedy == (
        "Ask the board again with `/request-cab` when nothing below is missing any more."
    )
    again = done(change, ask())
    assert "rejected" not in finding(again, context()).what
    assert carrying._decided(again) == ((), Choice.REJECT)
    lost = replace(draft(), decided=(Round(1, Decided.APPROVED, MONDAY),))
    assert finding(lost, context()).what.endswith("nobody has asked its board yet.")


def test_of_many_reasons_the_last_are_told() -> None:
    more = done(against_it(Choice.REJECT, "One.", "Two.", "Three.", "Four."), Event(Act.REJECT))
    assert finding(more, context()).why == (
        "@rick rejects: `Two.`. @cleo rejects: `Three.`. @omar rejects: `Four.`. 1 more, which `/change` shows."
    )


def test_who_changed_a_vote_since_is_not_named_with_it() -> None:
    change = done(against_it(Choice.REJECT, "One.", "Two.", "Three."), vote("ida"))
    change = done(done(change, vote("omar", Choice.REJECT, "Four.")), Event(Act.REJECT))
    assert [each.by.login for each in rounds.against(change, change.decided[-1])] == ["rick", "cleo", "omar"]


def test_a_deferral_says_so() -> None:
    change = done(against_it(Choice.DEFER, "After the audit.", "So do I.", "Later."), Event(Act.DEFER))
    head, what, why, remedy = said(finding(change, context()))
    assert (head, what) == (
        "It, deferred by its board",
        "It is in state draft: its board deferred it on 2027-01-04 12:00 UTC.",
    )
    assert why.startswith("@ida defers: `After the audit.`. ")
    assert remedy == "Ask the board again with `/request-cab` when it can decide."
    assert carrying._decided(change)[0] == (), "nobody has rejected it"


def test_a_board_that_did_not_decide_in_time_is_said_to_have_not() -> None:
    change = done(asked(), Event(Act.REJECT), context(UP))
    assert said(finding(change, context(UP))) == (
        "It, not decided in time",
        "It is in state draft: its board did not decide in time, which rejected it on 2027-01-05 12:00 UTC.",
        "",
        "Ask the board again with `/request-cab`.",
    )


def test_a_rejection_elsewhere_says_where() -> None:
    change = done(asked(), vote("ida", Choice.REJECT, "In ServiceNow, by ida.it."))
    change = done(change, Event(Act.REJECT, why="rejected in ServiceNow, by ida.it", final=True))
    head, what, why, _ = said(finding(change, context()))
    assert (head, what) == (
        "It, rejected by its board",
        "It is in state draft: its board rejected it on 2027-01-04 12:00 UTC.",
    )
    assert why == "It was rejected in ServiceNow, by ida.it. @ida rejects: `In ServiceNow, by ida.it.`."


def test_an_emergency_that_was_declared_since_begins_anew() -> None:
    rejected = done(against_it(Choice.REJECT, "One.", "Two.", "Three."), Event(Act.REJECT))
    urgent = done(rejected, Event(Act.DECLARE, account("rosa"), "Payments are down.", incident="INC0012345"))
    assert finding(urgent, context()).what.endswith("nobody has asked its board yet.")


def test_what_nothing_stops_is_told_to_go_on_by_itself() -> None:
    assert said(finding(done(draft(), ask()), context())) == (
        "It, being assessed",
        "It is in state assess.",
        "",
        "It goes on by itself.",
    )


def test_what_blocks_is_named_and_says_itself_what_to_do() -> None:
    blocked = context(blocking=("identity", "rule:ticket of #8"))
    assert said(finding(done(draft(), ask()), blocked)) == (
        "It, being assessed",
        "It is in state assess. It waits for: identity and rule:ticket of #8.",
        "Its board is called when nothing blocks the change.",
        "",
    )
    assert said(finding(done(draft(Tier.LOW), Event(Act.SUBMIT)), blocked))[2:] == ("", "")


def test_what_is_missing_is_told_while_it_is_assessed() -> None:
    change = done(done(draft(), ask()), Event(Act.REVISE, contents=contents(plans=(), diff="d2")))
    found = finding(change, context())
    assert found.what.startswith("CHG-2027-0001 is in state assess. It is not complete. The description of the pull")
    assert found.remedy.startswith("Fill them in")


@pytest.mark.parametrize("change", [asked(), authorised()])
def test_what_is_another_than_the_board_was_asked_about_is_told_so(change: Change) -> None:
    other = done(change, Event(Act.REVISE, why="Different now: the diff.", contents=contents(diff="d2")))
    assert said(finding(other, context())) == (
        "It, being assessed",
        "It is in state assess. Its board was asked about another state of the change.",
        "",
        "Ask it again with `/request-cab`.",
    )
    assert finding(done(other, ask()), context()).remedy == "It goes on by itself."


def test_who_votes_how_and_until_when_is_told() -> None:
    found = finding(asked(), context())
    assert (found.verdict, found.until) == (Verdict.WAIT, UP)
    assert said(found) == (
        "It, to be authorised",
        (
            f"It is in state authorize, {WHEN}. Missing: the decision of the board (3 more to approve, "
            "a signature for it-manager, a signature for risk-officer, a signature for compliance)."
        ),
        "",
        f"Whoever has {ROLES}, and no part in the change, votes by 2027-01-05 12:00 UTC: {HOW}.",
    )


def test_that_the_decision_waits_for_what_was_said_elsewhere_is_told() -> None:
    kept = replace(rules(), records=Records(System.SERVICENOW))
    late = context(UP, policy=kept)
    before = finding(asked(), replace(late, now=UP - timedelta(minutes=1), heard_until=MONDAY))
    assert before.remedy == finding(asked(), context()).remedy
    waiting = finding(asked(), replace(late, heard_until=MONDAY))
    assert waiting.what.endswith(
        "Its time was over at 2027-01-05 12:00 UTC, and what was said in ServiceNow until then is not known yet."
    )
    assert (waiting.verdict, waiting.remedy) == (Verdict.WAIT, "It is decided when ServiceNow has been read.")
    assert finding(asked(), replace(late, heard_until=UP)).remedy == before.remedy


def test_what_the_board_has_said_so_far_is_told() -> None:
    one = approved(by=("ida",))
    assert finding(one, context()).why == "So far: @ida approves."
    change = done(done(approved(one, by=("cora",)), vote("rick", Choice.REJECT, "No way back.")), vote("cleo"))
    found = finding(change, context())
    assert found.why == "So far: @ida, @cora and @cleo approve. @rick rejects: `No way back.`."
    assert "a signature for risk-officer, that @rick takes a rejection back" in found.what


def test_a_review_is_a_vote_where_the_policy_says_so_and_whom_it_was_escalated_to_votes_too() -> None:
    policy = rules()
    high = policy.tiers[Tier.HIGH]
    assert high.cab is not None
    reviews = replace(policy, tiers={**policy.tiers, Tier.HIGH: replace(high, cab=replace(high.cab, reviews=True))})
    called = Request(None, MONDAY, ("director",), (account("dina"),))
    change = replace(asked(where=context(policy=reviews)), escalation=called, deadline=None)
    assert finding(change, context(policy=reviews)).remedy == (
        "Whoever has `cab`, `it-manager`, `risk-officer`, `compliance` or `director`, and no part in the change, votes: "
        f"{HOW}, or a review of the pull request."
    )


def test_what_else_is_missing_when_the_board_has_approved_says_so_itself() -> None:
    found = finding(approved(), context(blocking=("rule:ticket",)))
    assert said(found)[1:] == (
        f"It is in state authorize, {WHEN}. It waits for: rule:ticket.",
        "So far: @ida, @rick and @cora approve.",
        "It goes on by itself when that is given.",
    )


def test_a_change_whose_time_is_over_says_so_until_its_board_is_asked_anew() -> None:
    late = context(SATURDAY + timedelta(hours=4), blocking=("hold",))
    found = finding(done(authorised(), Event(Act.LAPSE), late), late)
    assert found.what == (
        "CHG-2027-0001 is in state assess. Nothing was released in 2027-01-09 02:00 to 2027-01-09 06:00 UTC, the time "
        "it was authorised for. It waits for: hold."
    )


def test_what_is_authorised_says_by_whom_and_for_when() -> None:
    passed = finding(authorised(), context())
    assert (passed.verdict, said(passed)) == (
        Verdict.PASS,
        ("It is authorised", f"It is in state scheduled, authorised by @ida, @rick and @cora, {WHEN}.", "", ""),
    )
    low = advance(draft(Tier.LOW), context())[-1].change
    unplanned = replace(low, contents=replace(low.contents, window=None))
    assert finding(unplanned, context()).what == "CHG-2027-0001 is in state scheduled."


def test_what_is_cancelled_says_by_whom_and_why() -> None:
    found = finding(done(draft(), Event(Act.CANCEL, account("ana"), "We do it otherwise.")), context())
    assert (found.verdict, said(found)) == (
        Verdict.FAIL,
        (
            "It is cancelled",
            "It is in state cancelled: @ana cancelled it on 2027-01-04 12:00 UTC.",
            "The reason: `We do it otherwise.`.",
            "If it is still wanted, open a new record with `/request-cab`.",
        ),
    )
    itself = done(draft(), Event(Act.CANCEL, why="The pull request was closed."))
    assert "it was cancelled on 2027-01-04" in finding(itself, context()).what
    before = replace(itself, closed_at=None, notes="")
    assert said(finding(before, context()))[1:3] == ("It is in state cancelled.", "")


def test_what_was_released_without_authorisation_says_so() -> None:
    event = Event(Act.BYPASS, account("ana"), "Merged over a red check.", at=MONDAY)
    found = finding(done(draft(), event), context())
    assert "released without authorisation on 2027-01-04 12:00 UTC." in found.what


def test_what_is_told_of_the_record_elsewhere_waits_only_where_it_has_to() -> None:
    assert elsewhere(None) == ()
    [told] = elsewhere(Elsewhere("In ServiceNow, the record is CHG0030001.", waits=False))
    assert (told.verdict, told.what, told.why) == ("pass", "In ServiceNow, the record is CHG0030001.", "")
    [told] = elsewhere(Elsewhere("In ServiceNow, the record is not there yet.", waits=True))
    assert (told.verdict, told.why) == (
        "wait",
        "A change is released when the system that keeps its record says so, too.",
    )
