"""The commands about the change record: what each does, what it refuses, and how it is written."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.changes import cab
from bot.changes.desk import Desk
from bot.changes.instructions import Asked
from bot.changes.lifecycle import advance
from bot.changes.model import Act, Authorisation, Choice, Event, Part, Request, Routing, State
from bot.changes.model import Change as Record
from bot.changes.waivers import Waiver
from bot.commands import records
from bot.commands.model import Change, LaidDown, Lifted, Moved, WaiverAnswered, WaiverAsked, WaiverRevoked
from bot.commands.parse import Given, parse
from bot.commands.table import BY_NAME
from bot.decide.verdict import Decision, Finding, Involvement, Verdict
from bot.facts.model import Instructed, Instruction, Permission, Standing, Waived
from bot.ingest.statements import Pending
from bot.policy.model import Calendar, ChangeType, Emergency, Freeze, Plan, Policy, Tier, Waivers
from tests.unit.builders import account, decided, oid, pull_request
from tests.unit.changes.builders import (
    BOARD,
    MONDAY,
    SATURDAY,
    WEEKEND,
    approved,
    asked,
    authorised,
    contents,
    context,
    done,
    draft,
    rules,
    standings,
    started,
    vote,
)
from tests.unit.commands.asking import Outcome, outcome_of

FACTS = pull_request(files=[])
HOUR = timedelta(hours=1)
TEAMS = {**BOARD, "rosa": ("acme/release",), "vera": ("acme/verification",), "rick": ("acme/risk",)}
WISH = Asked(3, "rule:ticket", "There is no ticket for a typo.", MONDAY + timedelta(days=2), account("ana"))
OPEN_RULE = Finding("rule:ticket", Verdict.FAIL, "no ticket", "Name the ticket.")


def desk_of(record: Record | None, at: datetime = MONDAY, **more: Any) -> Desk:
    return Desk(record, context(at, **more))


def decision_of(tier: Tier = Tier.MEDIUM, findings: tuple[Finding, ...] = ()) -> Decision:
    """A decision that names ana and bo as contributors."""
    people = (Involvement((account("ana"), account("bo")), "contributor", ("wrote it",)),)
    return replace(decided(FACTS), tier=tier, findings=findings, people=people)


def said(
    text: str,
    who: str = "ana",
    *,
    record: Record | None = None,
    desk: Desk | None = None,
    policy: Policy | None = None,
    decision: Decision | None = None,
    permission: Permission = Permission.WRITE,
    at: datetime = MONDAY,
    written: datetime | None = None,
    **change: Any,
) -> Outcome:
    """What the comment of somebody comes to, which was ``written`` then; ``record`` is that of the change."""
    known = desk if desk is not None else (desk_of(record, at) if record is not None else None)
    giver = Standing(account(who), permission, TEAMS.get(who, ()))
    here = Change(change.pop("facts", FACTS), policy or rules(), "pull:77:7", known, now=at, **change)
    asks = Pending(1, "pull:77:7", 5, giver.account, text, at, written_at=written)
    outcome = outcome_of(asks, giver, decision or decision_of(), here)
    assert outcome is not None
    return outcome


def moved(outcome: Outcome) -> list[Act]:
    """What happened to the record, step by step."""
    assert not outcome.refused, outcome.reply
    return [step.transition.act for deed in outcome.deeds if isinstance(deed, Moved) for step in deed.steps]


def after(outcome: Outcome) -> Record:
    """The record after all of it."""
    last = outcome.deeds[-1]
    assert isinstance(last, Moved)
    return last.steps[-1].change


def laid(outcome: Outcome) -> Instruction:
    """The one thing that was laid down."""
    assert not outcome.refused, outcome.reply
    [deed] = outcome.deeds
    assert isinstance(deed, LaidDown)
    return deed.instruction


def refused(outcome: Outcome) -> str:
    """Why nothing was done."""
    assert outcome.refused
    assert outcome.deeds == ()
    return outcome.reply


# What is said of every command.


@pytest.mark.parametrize("name", [command.name for command in records.COMMANDS])
def test_every_example_can_be_given_as_it_is_written(name: str) -> None:
    for example in BY_NAME[name].examples:
        [given] = parse(example, tuple(BY_NAME))
        assert isinstance(given, Given), given
        assert given.name == name


@pytest.mark.parametrize(
    "text",
    [
        "/change nonsense",
        "/change type emergency INC0012345",
        "/change review",
        "/cab",
        "/cab maybe",
        "/emergency",
        "/emergency INC0012345",
        "/cancel",
        "/hold",
        "/risk",
        "/risk lower low because",
        "/risk raise huge because",
        "/risk raise high",
        "/plan",
        "/plan backout",
        "/plan dinner Pizza for everybody",
        "/schedule",
        "/waive",
        "/waive rule:ticket",
        "/waive rule:ticket until 2027-01-05",
        "/waive rule:ticket until tomorrow because it is a typo",
        "/waive rule:ticket until 2027-02-30 because it is a typo",
        "/waiver",
        "/waiver grant",
        "/waiver deny",
        "/waiver burn 3",
        "/waiver revoke",
    ],
)
def test_what_is_not_understood_is_told_how_to_write_it(text: str) -> None:
    name = text[1:].split(maxsplit=1)[0]
    assert refused(said(text, record=draft())) == f"Write it as `{BY_NAME[name].usage}`."


@pytest.mark.parametrize(
    "text",
    ["/change", "/request-cab", "/cab approve", "/cancel No longer needed", "/emergency INC0012345 Payments are down"],
)
@pytest.mark.parametrize("desk", [None, desk_of(None)])
def test_without_a_record_nothing_is_done_about_one(text: str, desk: Desk | None) -> None:
    assert refused(said(text, "rosa", desk=desk)).startswith("There is no change record here")


@pytest.mark.parametrize(
    ("text", "may", "may_not"),
    [
        ("/change", Permission.READ, Permission.NONE),
        ("/cab approve", Permission.READ, Permission.NONE),
        ("/emergency INC0012345 Payments are down since nine", Permission.READ, Permission.NONE),
        ("/waiver grant 3", Permission.READ, Permission.NONE),
        ("/request-cab", Permission.WRITE, Permission.TRIAGE),
        ("/cancel No longer needed", Permission.READ, Permission.NONE),
        ("/hold Wait", Permission.READ, Permission.NONE),
        ("/unhold", Permission.READ, Permission.NONE),
        ("/risk raise high It pays interest", Permission.WRITE, Permission.TRIAGE),
        ("/plan backout Deploy the image before this one.", Permission.WRITE, Permission.TRIAGE),
        ("/schedule weekend", Permission.WRITE, Permission.TRIAGE),
        ("/waive rule:ticket until 2027-01-05 because it is a typo", Permission.WRITE, Permission.TRIAGE),
    ],
)
def test_who_may_give_a_command(text: str, may: Permission, may_not: Permission) -> None:
    name = text[1:].split(maxsplit=1)[0]
    sentence = f"`/{name}` is for {BY_NAME[name].who}; @rosa does not have that."
    assert refused(said(text, "rosa", record=draft(), permission=may_not)) == sentence
    assert sentence not in said(text, "rosa", record=draft(), permission=may).reply


# /change


def test_the_record_is_shown_with_everything_that_a_board_asks_for() -> None:
    record = approved(by=("rick",))
    record = done(record, vote("ida", Choice.REJECT, "The `back-out` plan was never tried."))
    record = replace(record, votes=(*record.votes, replace(record.votes[0], by=account("ana"))))
    shown = said("/change", record=record, link="servicenow CHG0030001").reply
    assert shown.startswith(f"**{record.number}** Settle twice a day\n")
    for row in (
        "| state | authorize |",
        "| type | normal |",
        "| risk | high: |",
        "| application | payments |",
        "| configuration item | CI0012345 |",
        "| window | 2027-01-09 02:00 to 2027-01-09 06:00 UTC |",
        "| plans | implementation, test, backout and impact from the description |",
        (
            "| board | 3 of cab, it-manager, risk-officer and compliance, "
            "and a signature for each of it-manager, risk-officer and compliance |"
        ),
        "| regulations | none named |",
        "| elsewhere | servicenow CHG0030001 |",
        "| counted, signs for risk-officer | `@rick` | approve | Looks right to me. |",
        "| counted | `@ida` | reject | The `back-out` plan was never tried. |",
        "| not counted | `@ana` | approve | Looks right to me. (whoever gave it contributed to the change) |",
    ):
        assert row in shown


def test_a_record_that_says_little_is_shown_without_gaps() -> None:
    little = draft(
        Tier.LOW, application="", configuration_item="", plans=(), window=None, tier_because=("It is small.",)
    )
    shown = said("/change", record=little).reply
    for row in (
        "| risk | low: It is small. |",
        "| application | none |",
        "| configuration item | none |",
        "| window | none |",
        "| plans | none |",
        "| board | none decides |",
    ):
        assert row in shown
    assert "elsewhere" not in shown
    assert "vote" not in shown


def test_who_asked_and_who_authorised_it_is_shown_with_when() -> None:
    shown = said("/change", record=asked()).reply
    assert "| board asked | on 2027-01-04 12:00 UTC, by @" in shown.replace("`", "").replace("&#64;", "@")
    assert "| to be decided | by 2027-01-05 12:00 UTC |" in shown
    shown = said("/change", record=authorised()).reply.replace("`", "")
    assert "| authorised | on 2027-01-04 12:00 UTC, by @ida, @rick and @cora |" in shown
    assert "to be decided" not in shown
    reviewed = advance(draft(Tier.LOW), context())[-1].change
    assert "| authorised | on 2027-01-04 12:00 UTC, by the reviewers |" in said("/change", record=reviewed).reply


def test_an_emergency_is_shown_with_its_incident_and_its_time() -> None:
    declared = Event(Act.DECLARE, account("rosa"), "Payments are sent twice since nine.", incident="INC0012345")
    shown = said("/change", record=done(draft(), declared)).reply
    assert "| window | at once |" in shown
    assert "INC0012345: Payments are sent twice since nine." in shown
    given = Authorisation(MONDAY, "first", contents().routing)
    begun = replace(done(draft(), declared), authorisation=given)
    assert "| window | at once, and not after 2027-01-04 16:00 UTC |" in said("/change", record=begun).reply


def test_votes_are_shown_as_they_were_counted_when_they_decided() -> None:
    record = asked()
    for login in ("ida", "rick", "cora"):
        record = done(record, vote(login, Choice.REJECT, f"{login} wants to see the totals."))
    record = done(record, Event(Act.REJECT))
    shown = said("/change", record=record).reply
    for row in (
        "| round 1 | rejected on 2027-01-04 12:00 UTC |",
        "| counted in round 1 | `@ida` | reject | ida wants to see the totals. |",
    ):
        assert row in shown
    again = approved(asked(record))
    # Whoever leaves the board afterwards has voted all the same.
    shown = said("/change", desk=desk_of(done(again, Event(Act.AUTHORIZE)), standings=standings({}))).reply
    for row in (
        "| counted in round 1 | `@cora` | reject | cora wants to see the totals. |",
        "| counted in round 2, signs for compliance | `@cora` | approve | Looks right to me. |",
        "| round 2 | approved on 2027-01-04 12:00 UTC |",
    ):
        assert row in shown


def test_a_round_of_before_does_not_know_for_which_roles_its_votes_signed() -> None:
    record = done(approved(), Event(Act.AUTHORIZE))
    old = replace(record, decided=(replace(record.decided[0], signs=()),))
    assert "| counted in round 1 | `@cora` | approve | Looks right to me. |" in said("/change", record=old).reply


def test_the_words_that_the_board_has_read_are_shown_when_others_stand_on_the_pull_request() -> None:
    record = approved(asked(draft(description="Interest is paid out *once* a day.")))
    edited = replace(record.contents, description="Everything goes to one account.")
    shown = said("/change", desk=desk_of(record, parts=(Part("pull:77:7", edited),))).reply
    assert "The description that counts" in shown
    assert "Interest is paid out \\*once\\* a day." in shown
    same = said("/change", desk=desk_of(record, parts=(Part("pull:77:7", record.contents),))).reply
    assert "The description that counts" not in same
    none = approved()
    shown = said("/change", desk=desk_of(none, parts=(Part("pull:77:7", edited),))).reply
    assert "that counts</summary>\n\n(none)" in shown


def test_who_reviewed_what_no_board_decides_about_is_shown() -> None:
    given = Authorisation(MONDAY, "first", Routing(), reviewers=(account("carl"),))
    shown = said("/change", record=replace(draft(Tier.LOW), state=State.SCHEDULED, authorisation=given)).reply
    assert "by @carl" in shown.replace("`", "")


def test_who_decides_after_an_escalation_is_shown_beside_the_board() -> None:
    record = replace(asked(), escalation=Request(None, MONDAY, ("director", "cab"), (account("dina"),)))
    shown = said("/change", record=record).reply
    assert "| board | 3 of cab, it-manager, risk-officer, compliance and director, and a signature for each of" in shown


def test_a_board_without_signatures_is_named_by_its_number() -> None:
    routed = Routing(("ecab",), 1)
    shown = said("/change", record=draft(routing=routed, regulations=("sox", "dora"))).reply
    assert "| board | 1 of ecab |" in shown
    assert "| regulations | sox and dora |" in shown


def test_showing_a_record_notifies_nobody() -> None:
    record = replace(draft(title="For @acme/everyone"), votes=approved(by=("rick",)).votes)
    shown = said("/change", record=record).reply
    assert "@" not in re.sub(r"`[^`]*`", "", shown)


def test_the_template_of_the_plans_can_be_copied() -> None:
    outcome = said("/change template", record=None)
    assert outcome.reply.startswith("```markdown\n## Justification\n")
    assert outcome.reply.count("\n## ") == 5
    assert outcome.deeds == ()


# /request-cab


def test_who_asks_is_told_nothing_that_the_call_of_the_board_says() -> None:
    outcome = said("/request-cab The regulator asks for it", record=draft())
    assert moved(outcome) == [Act.SUBMIT, Act.ASSESS]
    assert after(outcome).requesters == (account("ana"),)
    step = outcome.deeds[0]
    assert isinstance(step, Moved)
    assert step.steps[0].transition.why == "The regulator asks for it"
    assert outcome.reply == ""
    assert step.steps[1].announcement is not None


def test_what_a_record_lacks_is_told_with_the_sections_to_copy() -> None:
    outcome = said("/request-cab", record=draft(plans=()))
    told = refused(outcome)
    assert told.startswith("CHG-2027-0001 is not complete. The description of the pull request lacks the sections")
    assert told.endswith("```")
    copied = told.partition("```markdown\n")[2].removesuffix("```")
    assert [line for line in copied.splitlines() if line.startswith("## ")] == [
        "## Implementation plan",
        "## Test plan",
        "## Backout plan",
        "## Impact",
    ]


def test_a_refusal_that_no_section_would_help_has_none_to_copy() -> None:
    told = refused(said("/request-cab", record=draft(), desk=desk_of(draft(), standings=())))
    assert told.startswith("The board cannot decide")
    assert "```" not in told


def test_what_else_blocks_is_waited_for() -> None:
    outcome = said("/request-cab", desk=desk_of(draft(), blocking=("identity",)))
    assert moved(outcome) == [Act.SUBMIT]
    assert outcome.reply == (
        "CHG-2027-0001 is complete and comes on the agenda when nothing else blocks; the check says what does. "
        "The board is called then, and votes count from then on."
    )


def test_where_no_board_decides_that_is_said() -> None:
    outcome = said("/request-cab", record=draft(Tier.LOW), decision=decision_of(Tier.LOW))
    assert after(outcome).state is State.SCHEDULED
    assert outcome.reply == "CHG-2027-0001 needs no board; it is authorised."


def test_where_no_board_decides_nobody_is_told_that_one_does() -> None:
    waiting = replace(asked(draft(Tier.LOW)), state=State.AUTHORIZE)
    told = "CHG-2027-0001 is in state authorize: no board decides about it, and nobody need be asked."
    assert refused(said("/request-cab", record=waiting)).startswith(told)
    scheduled = replace(waiting, state=State.SCHEDULED)
    told = (
        "CHG-2027-0001 is in state scheduled: no board decides about it. Whoever approves it reviews the pull request."
    )
    assert refused(said("/cab approve", "cleo", record=scheduled)) == told


def test_a_record_that_was_asked_for_already_is_not_asked_again() -> None:
    told = refused(said("/request-cab", record=asked()))
    assert told.startswith("CHG-2027-0001 is in state authorize: its board has been called and decides.")
    assert "```" not in told, "the plans are there to be read, not to be written again"


# /cab


def test_a_vote_is_acknowledged_silently_while_others_are_missing() -> None:
    outcome = said("/cab approve", "ida", record=asked())
    assert moved(outcome) == [Act.VOTE]
    assert outcome.reply == ""
    assert after(outcome).votes[-1].choice is Choice.APPROVE


def test_the_vote_that_decides_says_what_was_decided() -> None:
    outcome = said("/cab approve", "cora", record=approved(by=("ida", "rick")))
    assert moved(outcome) == [Act.VOTE, Act.AUTHORIZE]
    assert outcome.reply == ("CHG-2027-0001 is authorised. Planned for 2027-01-09 02:00 to 2027-01-09 06:00 UTC.")


def test_the_vote_that_rejects_sends_it_back() -> None:
    record = asked()
    for login in ("ida", "rick"):
        record = done(record, vote(login, Choice.REJECT, "Not before the audit."))
    outcome = said("/cab reject Not before the audit", "cleo", record=record)
    assert moved(outcome) == [Act.VOTE, Act.REJECT]
    assert outcome.reply == "", "who asked is told by an announcement"
    step = outcome.deeds[0]
    assert isinstance(step, Moved)
    assert step.steps[1].announcement is not None
    assert step.steps[0].change.votes[-1].reason == "Not before the audit"


def test_a_rejection_and_a_deferral_need_a_reason() -> None:
    for word in ("reject", "defer"):
        assert refused(said(f"/cab {word}", "ida", record=asked())).startswith(f"To {word} needs a reason.")


@pytest.mark.parametrize(
    ("who", "reason"),
    [("ana", "contributed to the change"), ("rosa", "holds none of the roles cab, it-manager")],
)
def test_who_has_no_vote_is_told_why(who: str, reason: str) -> None:
    assert reason in refused(said("/cab approve", who, record=asked()))


def test_what_somebody_may_do_is_what_they_may_now() -> None:
    record = asked()
    stale = desk_of(record, standings=standings({**BOARD, "ida": ()}))
    assert moved(said("/cab approve", "ida", desk=stale)) == [Act.VOTE]
    fresh = desk_of(record, standings=standings())
    giver = Standing(account("ida"), Permission.WRITE, ())
    request = Pending(1, "pull:77:7", 5, giver.account, "/cab approve", MONDAY)
    outcome = outcome_of(request, giver, decision_of(), Change(FACTS, rules(), "pull:77:7", fresh, now=MONDAY))
    assert outcome is not None
    assert "holds none of the roles" in refused(outcome)


# /emergency, /change type and review, /cancel


@pytest.mark.parametrize(
    "text",
    [
        "/emergency INC0012345 Payments are down since nine",
        "/change type emergency INC0012345 Payments are down since nine",
    ],
)
def test_who_may_declares_an_emergency(text: str) -> None:
    outcome = said(text, "rosa", record=draft())
    assert moved(outcome)[0] is Act.DECLARE
    declared = after(outcome).emergency
    assert declared is not None
    assert (declared.incident, declared.reason) == ("INC0012345", "Payments are down since nine")
    assert outcome.reply == "CHG-2027-0001 is an emergency now; ask its board with `/request-cab`."


def test_an_emergency_whose_board_was_asked_already_needs_no_other_request() -> None:
    base = rules()
    plain = replace(base.tiers[Tier.HIGH], sign_off=())
    alone = replace(base, tiers={**base.tiers, Tier.HIGH: plain})
    where = context(policy=alone)
    record = asked(draft(routing=cab.routing(alone, Tier.HIGH, ChangeType.NORMAL)), where)
    outcome = said("/emergency INC0012345 Payments are down since nine", "rosa", desk=Desk(record, where), policy=alone)
    assert moved(outcome) == [Act.DECLARE, Act.ASSESS]
    assert outcome.reply == "CHG-2027-0001 is an emergency now; its board is called."


def test_an_emergency_that_is_authorised_can_be_released_at_once() -> None:
    record = draft()
    for event in (
        Event(Act.DECLARE, account("rosa"), "Payments are down since nine.", incident="INC0012345"),
        Event(Act.SUBMIT, account("rosa")),
        Event(Act.ASSESS),
        vote("cora"),
    ):
        record = done(record, event)
    outcome = said("/cab approve", "cleo", record=record)
    assert moved(outcome) == [Act.VOTE, Act.AUTHORIZE]
    assert outcome.reply == "CHG-2027-0001 is authorised. It can be released now, until 2027-01-04 16:00 UTC."


def test_nobody_else_declares_one() -> None:
    text = "/emergency INC0012345 Payments are down since nine"
    assert refused(said(text, "ana", record=draft())) == (
        "@ana may not declare an emergency. Somebody with release can declare it."
    )
    nobody = desk_of(draft(), policy=rules(emergency=Emergency()))
    assert "Nobody may declare an emergency." in refused(said(text, "rosa", desk=nobody))


@pytest.fixture
def frozen() -> Policy:
    """The bank's policy with a freeze that begins on Monday at two o'clock, and excepts nothing."""
    freeze = Freeze("audit", first=datetime(2027, 1, 4, 14, tzinfo=UTC), last=date(2027, 1, 31))
    return rules(calendar=replace(rules().calendar, freezes=(freeze,)))


def test_an_emergency_in_a_freeze_that_does_not_except_it_is_refused_and_shown_so(frozen: Policy) -> None:
    declared = after(said("/emergency INC0012345 Payments are down since nine", "rosa", record=draft()))
    at = MONDAY + timedelta(hours=3)
    held = "No emergency can be released now: the freeze `audit` holds until 2027-02-01 00:00 UTC"
    for text, record in (
        ("/emergency INC0012345 Payments are down since nine", draft()),
        ("/request-cab", declared),
    ):
        desk = desk_of(record, at, policy=frozen)
        assert refused(said(text, "rosa", desk=desk, policy=frozen, at=at)).startswith(held)
    shown = said("/change", desk=desk_of(declared, at, policy=frozen), policy=frozen, at=at).reply
    assert "at once. No emergency can be released now: the freeze `audit` holds" in shown.replace("\\", "")
    before = said("/change", desk=desk_of(declared, policy=frozen), policy=frozen).reply
    assert "| at once |" in before


def test_an_emergency_is_never_told_to_be_open_when_a_freeze_begins(frozen: Policy) -> None:
    deciding = approved(asked(after(said("/emergency INC1 Payments are down", "rosa", record=draft()))), by=["cleo"])
    outcome = said("/cab approve", "omar", desk=desk_of(deciding, policy=frozen), policy=frozen)
    assert outcome.reply == "CHG-2027-0001 is authorised. It can be released now, until 2027-01-04 14:00 UTC."
    desk = desk_of(after(outcome), policy=frozen)
    assert "at once, and not after 2027-01-04 14:00 UTC" in said("/change", desk=desk, policy=frozen).reply


def test_an_emergency_is_reviewed_by_somebody_of_the_board() -> None:
    declared = after(said("/emergency INC0012345 Payments are down since nine", "rosa", record=draft()))
    where = context(SATURDAY)
    record = replace(started(), contents=declared.contents, emergency=declared.emergency, state=State.REVIEW)
    text = "/change review The cause was a lost index; it is monitored from now on."
    outcome = said(text, "cleo", desk=Desk(record, where), at=SATURDAY)
    assert moved(outcome) == [Act.REVIEW]
    assert outcome.reply == ""
    found = after(outcome).retrospective
    assert found is not None
    assert found.said == "The cause was a lost index; it is monitored from now on."
    assert "cannot review" in refused(said(text, "ana", desk=Desk(record, where), at=SATURDAY))


def test_who_has_to_do_with_a_record_cancels_it() -> None:
    outcome = said("/cancel Superseded by #12", "bo", record=asked())
    assert moved(outcome) == [Act.CANCEL]
    assert (after(outcome).state, outcome.reply) == (State.CANCELLED, "")
    assert moved(said("/cancel Not now", "ida", record=asked(), permission=Permission.READ)) == [Act.CANCEL]
    assert refused(said("/cancel Just because", "rosa", record=asked())) == (
        "@rosa cannot cancel CHG-2027-0001. Whoever contributed or asked for it, or has `cab`, `it-manager`, "
        "`risk-officer` or `compliance`, can."
    )
    low = done(draft(Tier.LOW), Event(Act.SUBMIT))
    told = refused(said("/cancel Just because", "rosa", record=low))
    assert told == "@rosa cannot cancel CHG-2027-0001. Whoever contributed or asked for it can."


# /hold and /unhold


def test_a_hold_is_laid_down_and_lifted() -> None:
    held = laid(said("/hold Wait for the auditors"))
    assert held == Instruction(Instructed.HOLD, "held", account("ana"), "Wait for the auditors", MONDAY)
    facts = replace(FACTS, instructions=(held,))
    [deed] = said("/unhold", facts=facts).deeds
    assert deed == Lifted((account("ana"),), Instruction(Instructed.HOLD, "", account("ana"), "lifted", MONDAY))
    [deed] = said("/unhold They have been here", facts=facts).deeds
    assert isinstance(deed, Lifted)
    assert deed.instruction.reason == "They have been here"
    assert refused(said("/unhold")) == "Nobody holds this change."


def test_nobody_lifts_a_hold_that_was_laid_down_after_they_said_so() -> None:
    held = Instruction(Instructed.HOLD, "held", account("ana"), "Wait.", MONDAY)
    facts = replace(FACTS, instructions=(held, replace(held, by=account("zoe"), at=MONDAY - HOUR)))
    before = MONDAY - timedelta(minutes=1)
    assert lifted(said("/unhold", "rick", facts=facts)) == ["ana", "zoe"]
    outcome = said("/unhold", "rick", facts=facts, written=before)
    assert lifted(outcome) == ["zoe"]
    [deed] = outcome.deeds
    assert isinstance(deed, Lifted)
    assert deed.instruction.at == before
    late = said("/unhold", "rick", facts=facts, written=MONDAY - 2 * HOUR)
    assert refused(late) == "Nobody held this change when that was said."


@pytest.mark.parametrize("text", ["/plan backout Deploy the image before this one.", "/schedule weekend"])
def test_what_was_written_before_a_later_word_is_on_record_and_does_not_count(text: str) -> None:
    kind = Instructed.PLAN_BACKOUT if "plan" in text else Instructed.SCHEDULE
    facts = replace(FACTS, instructions=(Instruction(kind, "", account("bo"), "So.", MONDAY),))
    outcome = said(text, record=draft(), facts=facts, written=MONDAY - HOUR)
    assert laid(outcome).at == MONDAY - HOUR
    assert outcome.reply == "It is on record. What @bo said on 2027-01-04 12:00 UTC is later, and counts."
    assert laid(said(text, record=draft(), facts=facts, written=MONDAY)).at == MONDAY
    assert "It is on record" not in said(text, record=draft(), facts=facts, written=MONDAY).reply


def held_by(*names: str) -> Any:
    said_so = [Instruction(Instructed.HOLD, "held", account(name), "Wait.", MONDAY) for name in names]
    return replace(FACTS, instructions=tuple(said_so))


def lifted(outcome: Outcome) -> list[str]:
    assert not outcome.refused, outcome.reply
    [deed] = outcome.deeds
    assert isinstance(deed, Lifted)
    return [each.login for each in deed.holders]


def test_whoever_holds_a_role_of_the_policy_holds_with_read_access() -> None:
    assert laid(said("/hold Wait", "rick", permission=Permission.READ)).by == account("rick")
    assert laid(said("/hold Wait", "zoe", permission=Permission.WRITE)).by == account("zoe")
    told = refused(said("/hold Wait", "zoe", permission=Permission.TRIAGE))
    assert told == (
        "`/hold` is for anyone with write access to the repository, and whoever holds a role of the policy; "
        "@zoe does not have that."
    )


def test_a_hold_is_lifted_by_who_holds_or_by_a_role_without_a_part_in_the_change() -> None:
    facts = held_by("zoe")
    assert lifted(said("/unhold", "zoe", facts=facts, permission=Permission.READ)) == ["zoe"]
    assert lifted(said("/unhold", "rick", facts=facts, permission=Permission.READ)) == ["zoe"]
    who = (
        "@zoe holds the change: @zoe can lift that, or somebody with `cab`, `compliance`, `director`, `it-manager`, "
        "`release`, `risk-officer` or `verifier` who did not contribute."
    )
    assert refused(said("/unhold", "ana", facts=facts)) == f"@ana cannot lift it. {who}"
    assert refused(said("/unhold", "yan", facts=facts, permission=Permission.ADMIN)) == f"@yan cannot lift it. {who}"


def test_a_contributor_with_a_role_lifts_nobody_elses_hold() -> None:
    people = (Involvement((account("rick"),), "contributor", ("wrote it",)),)
    decision = replace(decision_of(), people=people)
    assert "cannot lift it" in refused(said("/unhold", "rick", facts=held_by("zoe"), decision=decision))
    assert lifted(said("/unhold", "rick", facts=held_by("rick"), decision=decision)) == ["rick"]
    # Another account of theirs is the same person.
    policy = rules(people=(("rick", "omar"),))
    assert "cannot lift it" in refused(said("/unhold", "omar", facts=held_by("zoe"), decision=decision, policy=policy))


def test_another_account_of_who_holds_lifts_it() -> None:
    assert lifted(said("/unhold", "cleo-admin", facts=held_by("cleo"), permission=Permission.READ)) == ["cleo"]


def test_each_hold_is_lifted_by_itself() -> None:
    outcome = said("/unhold", "zoe", facts=held_by("zoe", "yan"))
    assert lifted(outcome) == ["zoe"]
    assert outcome.reply.startswith("@yan holds the change: @yan can lift that, or somebody with")
    assert lifted(said("/unhold", "rick", facts=held_by("zoe", "yan"))) == ["zoe", "yan"]
    told = refused(said("/unhold", "ana", facts=held_by("zoe", "yan"), policy=rules(roles={})))
    assert told == "@ana cannot lift it. @zoe and @yan hold the change: @zoe or @yan can lift that."


def test_a_role_that_the_repository_gave_itself_lifts_nothing() -> None:
    own = rules(own_roles=("risk-officer",))
    assert "cannot lift it" in refused(said("/unhold", "rick", facts=held_by("zoe"), policy=own))
    assert laid(said("/hold Wait", "rick", policy=own, permission=Permission.READ)).by == account("rick")


# /risk


def test_risk_is_raised_and_never_lowered() -> None:
    raised = laid(said("/risk raise high It touches the interest calculation"))
    assert (raised.kind, raised.value) == (Instructed.RAISE, "high")
    assert raised.reason == "It touches the interest calculation"
    for tier in ("low", "medium"):
        assert refused(said(f"/risk raise {tier} Never mind")) == (
            "The change is of tier medium already; risk is raised, never lowered."
        )


# /plan


@pytest.mark.parametrize("kind", ["implementation", "test", "backout", "impact"])
def test_a_plan_is_written_in_a_comment(kind: str) -> None:
    written = laid(said(f"/plan {kind} Deploy the image before this one; ten minutes."))
    assert written.kind is Instructed(f"plan:{kind}")
    assert written.value == "Deploy the image before this one; ten minutes."


def test_a_plan_that_was_written_in_a_comment_is_taken_back() -> None:
    written = Instruction(Instructed.PLAN_BACKOUT, "Deploy the image before.", account("bo"), "written", MONDAY)
    taken = laid(said("/plan backout", facts=replace(FACTS, instructions=(written,))))
    assert (taken.kind, taken.value) == (Instructed.PLAN_BACKOUT, "")


def test_a_plan_is_shown_whatever_it_is_written_with() -> None:
    text = "Run:\n```\nmake back @acme/everyone\n```\n" + "Then compare the totals. " * 100
    shown = said("/change", record=draft(plans=((Plan.BACKOUT, text),))).reply
    assert "<details><summary>Backout plan</summary>\n\n````text\nRun:\n```\nmake back" in shown
    assert "…\n````\n\n</details>" in shown


@pytest.mark.parametrize("text", ["tbd", "n/a", "to be done"])
def test_a_placeholder_is_no_plan(text: str) -> None:
    assert refused(said(f"/plan backout {text}")).startswith("That says nothing as a plan. It should say: What makes")


# /schedule


def window_of(outcome: Outcome) -> tuple[datetime, datetime]:
    first, _, last = laid(outcome).value.partition("/")
    return datetime.fromisoformat(first), datetime.fromisoformat(last)


def test_a_change_is_planned_for_the_next_opening_of_a_window() -> None:
    outcome = said("/schedule weekend", record=draft())
    assert laid(outcome).kind is Instructed.SCHEDULE
    assert window_of(outcome) == (WEEKEND.start, WEEKEND.end)
    assert laid(outcome).reason == "weekend"
    assert outcome.reply == "Planned for 2027-01-09 02:00 to 2027-01-09 06:00 UTC."
    assert window_of(said("/schedule Weekend", record=draft())) == (WEEKEND.start, WEEKEND.end)


def test_a_change_is_planned_for_a_time_within_a_window() -> None:
    outcome = said("/schedule 2027-01-09T05:30", record=draft())
    assert window_of(outcome) == (SATURDAY + timedelta(hours=3.5), WEEKEND.end), "a window's end is not passed"
    assert outcome.reply == "Planned for 2027-01-09 05:30 to 2027-01-09 06:00 UTC."
    assert window_of(said("/schedule 2027-01-09T04:00+01:00", record=draft()))[0] == SATURDAY + timedelta(hours=1)


def test_a_time_is_that_of_the_calendar_and_kept_in_utc() -> None:
    outcome = said("/schedule 2027-07-10T02:00", record=draft())
    assert laid(outcome).value == "2027-07-10T01:00:00+00:00/2027-07-10T05:00:00+00:00"
    assert outcome.reply == "Planned for 2027-07-10 02:00 to 06:00 (Europe/London), 01:00 to 05:00 UTC."


def test_a_time_is_planned_for_as_long_as_the_calendar_allows_and_at_most_a_day() -> None:
    assert window_of(said("/schedule 2027-01-09T02:30", record=draft())) == (SATURDAY + HOUR / 2, WEEKEND.end)
    outcome = said("/schedule 2027-07-10T10:30", record=draft(Tier.MEDIUM))
    assert window_of(outcome)[1] - window_of(outcome)[0] == 24 * HOUR
    assert outcome.reply == (
        "Planned for 2027-07-10 10:30 to 2027-07-11 10:30 (Europe/London), 2027-07-10 09:30 to 2027-07-11 09:30 UTC."
    )


@pytest.mark.parametrize(
    "wish",
    [
        "2027-01-09T03:00 2027-01-09T04:30",
        "2027-01-09 03:00 2027-01-09 04:30",
        "2027-01-09T03:00 2027-01-09T05:30+01:00",
    ],
)
def test_a_time_has_the_end_that_is_given(wish: str) -> None:
    outcome = said(f"/schedule {wish}", record=draft())
    assert window_of(outcome) == (SATURDAY + HOUR, SATURDAY + 2.5 * HOUR)
    assert outcome.reply == "Planned for 2027-01-09 03:00 to 2027-01-09 04:30 UTC."


def test_one_word_for_a_day_and_one_for_a_time_are_one_time() -> None:
    assert window_of(said("/schedule 2027-01-09 02:30", record=draft()))[0] == SATURDAY + HOUR / 2


def test_an_end_is_after_the_beginning_and_while_the_calendar_allows_it() -> None:
    assert refused(said("/schedule 2027-01-09T03:00 2027-01-09T02:30", record=draft())) == (
        "`2027-01-09T03:00 2027-01-09T02:30` ends before it begins."
    )
    assert refused(said("/schedule 2027-07-10T03:00 2027-07-10T08:00", record=draft())) == (
        "The calendar does not allow all of that. "
        "It allows 2027-07-10 03:00 to 06:00 (Europe/London), 02:00 to 05:00 UTC."
    )
    assert "The next time that it allows" in refused(said("/schedule 2027-01-08 2027-01-09T03:00", record=draft()))


@pytest.mark.parametrize(
    "wish",
    [
        "noon",
        "2027-01-09T03:00 9999-01-01",
        "2027-01-09T03:00 noon",
        "a b c d e f 2027-01-09",
        "2027-01-03T02:00",
        "2027-01-04T12:00",
        "9999-12-31T23:30",
        "2028-06-03T02:00",
        "0001-01-01",
    ],
)
def test_what_is_no_time_to_come_is_told_so(wish: str) -> None:
    assert refused(said(f"/schedule {wish}", record=draft())) == (
        f"`{wish}` is neither a window nor a time in the next 400 days, like `2027-01-24T02:00`. Windows are weekend."
    )


def test_a_calendar_without_windows_names_none() -> None:
    free = rules(calendar=Calendar())
    assert "Windows are" not in refused(said("/schedule noon", record=draft(), policy=free))


def test_a_time_that_the_calendar_does_not_allow_is_answered_with_the_next_that_it_does() -> None:
    assert refused(said("/schedule 2027-01-06T02:00", record=draft())) == (
        "The calendar does not allow that. The next time that it allows is 2027-01-09 02:00 to 2027-01-09 06:00 UTC."
    )
    assert "does not allow" in refused(said("/schedule 2027-01-30T02:00", record=draft())), "a freeze"


def test_a_calendar_that_cannot_be_used_allows_nothing() -> None:
    broken = rules(calendar=replace(rules().calendar, holidays="XX-NOWHERE"))
    assert refused(said("/schedule weekend", record=draft(), policy=broken)) == "The calendar does not allow that."


def test_an_emergency_is_planned_for_no_other_time() -> None:
    declared = after(said("/emergency INC0012345 Payments are down since nine", "rosa", record=draft()))
    assert refused(said("/schedule weekend", record=declared)) == (
        "CHG-2027-0001 is an emergency, which is released at once, and not planned for another time. From when its "
        "board has authorised it, it can be released for a few hours; `/change` says until when."
    )


def test_what_is_released_is_planned_no_more() -> None:
    assert refused(said("/schedule weekend", record=started())) == (
        "CHG-2027-0001 is being released, and is not planned any more. "
        "What is not merged can leave it: `/change unlink`."
    )
    over = replace(started(), state=State.REVIEW)
    assert refused(said("/schedule weekend", record=over)) == (
        "CHG-2027-0001 has been released, and is not planned any more."
    )


@pytest.mark.parametrize("desk", [None, desk_of(None)])
def test_without_a_record_nothing_is_planned(desk: Desk | None) -> None:
    assert refused(said("/schedule weekend", desk=desk)) == (
        "There is no change record here. `/request-cab` opens one."
    )


# /waive


def test_a_waiver_is_asked_for_until_the_end_of_a_day_of_the_calendar() -> None:
    blocked = decision_of(findings=(OPEN_RULE,))
    outcome = said("/waive rule:ticket until 2027-01-05 because there is no ticket for a typo", decision=blocked)
    assert not outcome.refused
    midnight = datetime(2027, 1, 6, tzinfo=UTC)
    shouted = "/waive rule:ticket UNTIL 2027-01-05 Because there is no ticket for a typo"
    assert said(shouted, decision=blocked).deeds == outcome.deeds
    assert outcome.deeds == (WaiverAsked("rule:ticket", "there is no ticket for a typo", midnight, oid("head")),)
    assert outcome.reply == (
        "Somebody with risk-officer can answer with `/waiver grant rule:ticket` or `/waiver deny rule:ticket`."
    )


def test_a_waiver_can_end_at_a_moment() -> None:
    blocked = decision_of(findings=(replace(OPEN_RULE, verdict=Verdict.WAIT),))
    outcome = said("/waive rule:ticket until 2027-01-05T18:00 because it's only a typo, for now", decision=blocked)
    [deed] = outcome.deeds
    assert deed == WaiverAsked(
        "rule:ticket", "it's only a typo, for now", datetime(2027, 1, 5, 18, tzinfo=UTC), oid("head")
    )


def test_only_what_blocks_is_waived() -> None:
    text = "/waive rule:ticket until 2027-01-05 because there is no ticket for a typo"
    assert refused(said(text)) == "There is no finding `rule:ticket` that blocks. Open is nothing."
    others = (replace(OPEN_RULE, id="hold"), replace(OPEN_RULE, id="draft", verdict=Verdict.WAIT))
    passed = replace(OPEN_RULE, verdict=Verdict.PASS)
    assert refused(said(text, decision=decision_of(findings=(*others, passed)))) == (
        "There is no finding `rule:ticket` that blocks. Open is `hold` and `draft`."
    )


@pytest.mark.parametrize(
    ("finding", "until", "why", "sentence"),
    [
        ("separation", "2027-01-05", "there is nobody else", "`separation` cannot be waived. Do what the finding asks"),
        ("rule:ticket", "2027-01-03", "there is no ticket", "A waiver ends in the future."),
        ("rule:ticket", "2027-06-01", "there is no ticket", "A waiver holds for 30 days at most."),
        ("rule:ticket", "2027-01-05", "tbd", "A waiver needs a reason."),
    ],
)
def test_a_wish_that_nobody_could_grant_is_refused(finding: str, until: str, why: str, sentence: str) -> None:
    blocked = decision_of(findings=(replace(OPEN_RULE, id=finding),))
    assert sentence in refused(said(f"/waive {finding} until {until} because {why}", decision=blocked))


@pytest.mark.parametrize("until", ["9999-12-31", "9999-12-31T23:59", "0001-01-01"])
def test_the_ends_of_time_are_refused_like_any_other_day(until: str) -> None:
    blocked = decision_of(findings=(OPEN_RULE,))
    assert refused(said(f"/waive rule:ticket until {until} because there is no ticket", decision=blocked))


# /waiver


def answered(outcome: Outcome) -> Waiver | None:
    assert not outcome.refused, outcome.reply
    [deed] = outcome.deeds
    assert isinstance(deed, WaiverAnswered)
    assert deed.asked == WISH
    return deed.waiver


@pytest.mark.parametrize("which", ["3", "#3", "rule:ticket"])
def test_somebody_else_grants_a_waiver(which: str) -> None:
    others = (WISH, replace(WISH, id=33, finding="rule:tickets"))
    waiver = answered(said(f"/waiver grant {which}", "rick", asked=others))
    assert waiver == Waiver(
        "pull:77:7", WISH.finding, WISH.reason, account("ana"), account("rick"), MONDAY, WISH.until, number=3
    )


def test_a_waiver_is_granted_for_the_change_that_it_was_asked_for() -> None:
    asked_for = replace(WISH, head="b" * 40, diff="main:first")
    [deed] = said("/waiver grant 3", "rick", asked=(asked_for,), diff="main:first").deeds
    assert isinstance(deed, WaiverAnswered)
    assert deed.waiver is not None
    assert (deed.waiver.number, deed.waiver.head, deed.waiver.diff) == (3, "b" * 40, "main:first")
    told = refused(said("/waiver grant 3", "rick", asked=(asked_for,), diff="main:second"))
    assert told.startswith("The waiver of `rule:ticket` was asked for at bbbbbbb; the change is another one since.")
    assert said("/waiver deny 3", "rick", asked=(asked_for,), diff="main:second").deeds == (
        WaiverAnswered(asked_for, None),
    )


WAIVED = Waived("rule:ticket", "r", account("ana"), account("rick"), MONDAY, MONDAY + timedelta(days=2), 3)


@pytest.mark.parametrize("which", ["3", "#3", "rule:ticket"])
def test_a_waiver_is_revoked_by_whoever_may_grant_one(which: str) -> None:
    facts = replace(FACTS, waivers=(WAIVED, replace(WAIVED, finding="rule:other", number=33)))
    outcome = said(f"/waiver revoke {which} There is one", "rick", facts=facts, permission=Permission.READ)
    assert outcome.deeds == (WaiverRevoked(3, "There is one"),)
    assert refused(said("/waiver revoke 3", "ida", facts=facts)) == (
        "@ida may not revoke waivers. @rick, or somebody with risk-officer, can."
    )
    assert refused(said("/waiver revoke 4", "rick", facts=facts)) == (
        "No waiver `4` holds here. Waived is 3 (`rule:ticket`) and 33 (`rule:other`)."
    )
    assert refused(said("/waiver revoke 4", "rick")) == "No waiver `4` holds here. Waived is nothing."


def test_somebody_else_denies_a_waiver() -> None:
    assert answered(said("/waiver deny 3", "rick", asked=(WISH,))) is None
    assert said("/waiver Deny 3 There is a ticket", "rick", asked=(WISH,)).deeds == (
        WaiverAnswered(WISH, None, "There is a ticket"),
    )


def test_a_waiver_is_granted_as_it_was_asked_for() -> None:
    assert answered(said("/waiver Grant 3", "rick", asked=(WISH,))) is not None
    told = refused(said("/waiver grant 3 until tomorrow only", "rick", asked=(WISH,)))
    assert told == (
        "A waiver is granted as it was asked for: nothing that is said besides would hold. "
        "Write `/waiver grant 3` alone, or `/waiver deny 3 reason`."
    )


@pytest.mark.parametrize("word", ["grant", "deny"])
@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("ana", "@ana asked for this waiver and cannot grant it."),
        ("bo", "@bo contributed to the change and cannot grant a waiver for it."),
        ("ida", "@ida may not grant waivers. Somebody with risk-officer who did not contribute"),
    ],
)
def test_nobody_else_answers_a_wish(word: str, who: str, sentence: str) -> None:
    assert sentence in refused(said(f"/waiver {word} 3", who, asked=(WISH,)))


def test_a_wish_that_does_not_wait_is_not_answered() -> None:
    assert refused(said("/waiver grant 4", "rick", asked=(WISH, replace(WISH, id=9)))) == (
        "No waiver `4` waits for an answer here. Open is 3 (`rule:ticket`, of @ana) and 9 (`rule:ticket`, of @ana)."
    )
    assert refused(said("/waiver grant 3", "rick")) == "No waiver `3` waits for an answer here. Open is nothing."


def test_of_several_wishes_about_one_finding_a_number_says_which() -> None:
    wishes = (WISH, replace(WISH, id=9, by=account("bo")))
    assert refused(said("/waiver grant rule:ticket", "rick", asked=wishes)) == (
        "Several wait for an answer, so that it takes a number: "
        "3 (`rule:ticket`, of @ana) and 9 (`rule:ticket`, of @bo)."
    )


def test_a_policy_that_lets_nobody_waive_is_told_before_anybody_is_asked() -> None:
    nobody = rules(waivers=Waivers())
    blocked = decision_of(findings=(OPEN_RULE,))
    text = "/waive rule:ticket until 2027-01-05 because there is no ticket for a typo"
    assert refused(said(text, decision=blocked, policy=nobody)) == (
        "Nobody may grant a waiver. The owners of the policy say in `waivers.from` who may."
    )
