"""From draft to closed: what may happen, by whom, on which condition; and the sentence for what may not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.changes import cab, guards
from bot.changes.findings import finding
from bot.changes.guards import lacking
from bot.changes.lifecycle import MOST_STEPS, TABLE, advance, apply, noticed, wakes_at
from bot.changes.model import (
    Act,
    Applied,
    Change,
    Choice,
    Closure,
    Event,
    Merge,
    Part,
    Refused,
    State,
    Transition,
)
from bot.changes.refusals import impossible
from bot.decide.verdict import Demand, Verdict
from bot.deployments.windows import Interval
from bot.policy.model import (
    ChangeType,
    Freeze,
    OnTimeout,
    Plan,
    Records,
    Role,
    Separation,
    System,
    Template,
    Tier,
)
from tests.unit.builders import account, bot
from tests.unit.changes.builders import (
    BOARD,
    GIVEN,
    MONDAY,
    PLANS,
    SATURDAY,
    WEEKEND,
    approved,
    ask,
    asked,
    authorised,
    contents,
    context,
    done,
    draft,
    on_timeout,
    refused,
    rules,
    standing,
    standings,
    started,
    vote,
)

UP = MONDAY + timedelta(hours=24)
INCIDENT = "Payments are sent twice since this morning."


def reviewed(closing: Closure | None = None) -> Change:
    act = Act.BACK_OUT if closing is Closure.BACKED_OUT else Act.FINISH
    return done(started(), Event(act, account("rosa"), "Settlement stopped."))


def declare(who: str = "rosa", why: str = INCIDENT, incident: str = "INC0012345") -> Event:
    return Event(Act.DECLARE, account(who), why, incident=incident)


def emergency() -> Change:
    """An emergency that its board has authorised."""
    change = done(done(done(draft(), declare()), ask("rosa")), Event(Act.ASSESS))
    return done(approved(change, by=("cleo", "cora")), Event(Act.AUTHORIZE))


def test_a_high_change_goes_from_draft_to_closed_with_a_reason_at_every_step() -> None:
    steps: list[tuple[Event, datetime]] = [
        (ask("ana", "Ready for the board."), MONDAY),
        (Event(Act.ASSESS), MONDAY),
        (vote("ida"), MONDAY),
        (vote("rick"), MONDAY),
        (vote("cora", why=""), MONDAY),
        (Event(Act.AUTHORIZE), MONDAY),
        (Event(Act.START, account("rosa")), SATURDAY),
        (Event(Act.FINISH), SATURDAY + timedelta(hours=1)),
        (Event(Act.CLOSE, account("vera"), closure=Closure.SUCCESSFUL), SATURDAY + timedelta(hours=2)),
    ]
    change = draft()
    told: list[Transition] = []
    for event, at in steps:
        found = apply(change, event, context(at, policy_digest="p"))
        assert isinstance(found, Applied), found
        change, told = found.change, [*told, found.transition]
    assert [each.after for each in told] == [
        State.ASSESS, State.AUTHORIZE, State.AUTHORIZE, State.AUTHORIZE, State.AUTHORIZE, State.SCHEDULED,
        State.IMPLEMENT, State.REVIEW, State.CLOSED,
    ]  # fmt: skip
    assert [each.version for each in told] == list(range(2, 11))
    assert all(each.why for each in told)
    assert [each.why for each in told][:5] == [
        "Ready for the board.", "Everything that is checked passes, and nothing is missing.", "Looks right to me.",
        "Looks right to me.", "Approves.",
    ]  # fmt: skip
    assert [each.who.login if each.who else None for each in told] == [
        "ana", None, "ida", "rick", "cora", None, "rosa", None, "vera",
    ]  # fmt: skip
    assert [each.at for each in told] == [at for _, at in steps]
    assert change.closure is Closure.SUCCESSFUL
    assert change.authorisation is not None
    assert [each.login for each in change.authorisation.by] == ["ida", "rick", "cora"]
    assert (change.authorisation.diff, change.authorisation.policy) == ("first", "p")
    assert (change.started_at, change.ended_at) == (SATURDAY, SATURDAY + timedelta(hours=1))


def test_a_low_change_with_a_template_needs_nobody_but_the_reviewers() -> None:
    steps = advance(draft(Tier.LOW), context())
    assert [each.transition.act for each in steps] == [Act.SUBMIT, Act.ASSESS, Act.AUTHORIZE]
    scheduled = steps[-1].change
    assert scheduled.authorisation is not None
    assert (scheduled.authorisation.template, scheduled.authorisation.by) == ("docs", ())
    assert done(scheduled, Event(Act.START), context()).state is State.IMPLEMENT
    # Without its reviewers it waits, and says for whom.
    waiting = advance(draft(Tier.LOW), context(demands=(Demand("write access", 2, 1, ""),)))[-1].change
    assert waiting.state is State.AUTHORIZE
    short = context(demands=(Demand("write access", 2, 1, ""),))
    assert lacking(waiting, short) == ("1 more from write access",)
    assert lacking(waiting, context(demands=())) == (
        "an approval: the policy demands none, and an empty rule is no pass",
    )
    # What a reviewer takes back after it was authorised stops it again.
    assert refused(scheduled, Event(Act.START), short).what == (
        "CHG-2027-0001 is not authorised any more. Missing: 1 more from write access."
    )


def test_a_template_that_is_not_in_force_authorises_nothing() -> None:
    change = done(done(draft(Tier.LOW), Event(Act.SUBMIT)), Event(Act.ASSESS))
    scheduled = done(change, Event(Act.AUTHORIZE))
    gone = "CHG-2027-0001 is not authorised. Missing: the template of the standard change, which is not in force."
    for other in ((), (Template("docs", "Documentation", ("^docs/",), 100, date(2027, 1, 3)),)):
        where = context(policy=rules(templates=other))
        assert refused(change, Event(Act.AUTHORIZE), where).what == gone
        assert "the template" in refused(scheduled, Event(Act.START), where).what
    broken = replace(rules(), calendar=replace(rules().calendar, timezone="Mars/Olympus"))
    assert "the template" in refused(change, Event(Act.AUTHORIZE), context(policy=broken)).what


def test_what_the_board_needs_is_asked_for_before_it_is_asked() -> None:
    bare = draft(plans=PLANS[:2], justification="")
    told = refused(bare, ask())
    assert told.what == (
        "CHG-2027-0001 is not complete. "
        "The description of the pull request lacks the sections `Justification`, `Backout plan` and `Impact`."
    )
    assert told.remedy == "Fill them in: a placeholder is not enough."
    nowhere = refused(draft(plans=PLANS[:3], application=""), ask())
    assert nowhere.what == (
        "CHG-2027-0001 is not complete. The description of the pull request lacks the section `Impact`. "
        "`acme/ledger` is in no application of the inventory."
    )
    assert nowhere.remedy == (
        "Fill it in: a placeholder is not enough. The owners of the policy add the repository under `applications`."
    )
    assert advance(bare, context()) == ()


def test_a_board_is_asked_by_a_person_who_is_not_a_program() -> None:
    assert refused(draft(), Event(Act.SUBMIT)).what == "A person asks the board."
    assert "A program" in refused(draft(), Event(Act.SUBMIT, bot("robot"), "x")).what
    assert refused(done(draft(Tier.LOW), Event(Act.SUBMIT)), Event(Act.SUBMIT)).what == "A person asks the board."


def test_a_board_that_cannot_decide_is_not_asked() -> None:
    few = context(standings=standings({"ida": ("acme/it",), "rick": ("acme/risk",)}))
    told = refused(draft(), ask(), few)
    assert told.what == (
        "The board cannot decide: of cab, it-manager, risk-officer and compliance, 2 could vote, and 3 must approve. "
        "Nobody could sign for compliance."
    )
    # Whoever asks has no vote, which can make the difference.
    medium = context(standings=standings({"ida": ("acme/it",)}))
    assert done(draft(Tier.MEDIUM), ask(), medium).state is State.ASSESS
    assert "The board cannot decide" in refused(draft(Tier.MEDIUM), ask("ida"), medium).what


def test_the_request_remembers_who_was_on_the_board() -> None:
    change = done(draft(), ask())
    assert change.request is not None
    assert {each.login for each in change.request.members} == set(BOARD)
    assert [each.login for each in change.requesters] == ["ana"]


def test_a_change_is_assessed_when_nothing_blocks_and_the_right_board_was_asked() -> None:
    change = done(draft(), ask())
    assert refused(change, Event(Act.ASSESS), context(blocking=("identity", "objections"))).what == (
        "CHG-2027-0001 waits for: identity and objections."
    )
    assert refused(change, Event(Act.ASSESS, account("ana"))).what == (
        "`assess` follows from what is on record; nobody does it by hand."
    )
    low = done(draft(Tier.LOW), Event(Act.SUBMIT))
    risen = done(low, Event(Act.REVISE, contents=contents(Tier.HIGH)))
    assert refused(risen, Event(Act.ASSESS)).what == "The board that decides now has not been asked."
    assert done(done(risen, ask()), Event(Act.ASSESS)).deadline == UP


def test_a_rejection_or_deferral_needs_a_reason() -> None:
    for choice in (Choice.REJECT, Choice.DEFER):
        assert refused(asked(), vote("ida", choice, why=" ")).what == f"To {choice.value} needs a reason."
    assert refused(asked(), Event(Act.VOTE, account("ida"))).what.startswith("A vote is a person's")
    assert refused(asked(), Event(Act.VOTE, choice=Choice.APPROVE)).what.startswith("A vote is a person's")


def test_what_lacks_is_said_person_by_person() -> None:
    change = done(approved(by=("ida",)), vote("rick", Choice.REJECT))
    assert lacking(change, context()) == (
        (
            "the decision of the board (2 more to approve, a signature for risk-officer, a signature for compliance, "
            "that @rick takes a rejection back)"
        ),
    )
    assert refused(change, Event(Act.AUTHORIZE)).what.startswith(
        "CHG-2027-0001 is not authorised. Missing: the decision"
    )
    tie = done(done(draft(Tier.MEDIUM), ask()), Event(Act.ASSESS))
    assert lacking(tie, context()) == (
        "the decision of the board (1 more to approve, a signature for it-manager)",
    )  # fmt: skip


def test_the_board_decides_and_countersign_follows() -> None:
    assert advance(approved(), context())[-1].change.state is State.SCHEDULED
    rejected = asked()
    for login in ("ida", "rick", "cora"):
        rejected = done(rejected, vote(login, Choice.REJECT))
    [step] = advance(rejected, context())
    assert (step.transition.act, step.change.state, step.change.request) == (Act.REJECT, State.DRAFT, None)
    assert len(step.change.votes) == 3
    deferred = asked()
    for login in ("ida", "rick", "cora"):
        deferred = done(deferred, vote(login, Choice.DEFER))
    [step] = advance(deferred, context())
    assert (step.transition.act, step.change.state) == (Act.DEFER, State.DRAFT)
    # Asked again, nobody's earlier vote counts.
    again = asked(step.change)
    assert (again.round, cab.count(again, standings(), rules()).deferrals) == (2, 0)
    assert refused(asked(), Event(Act.REJECT)).what == "The board has not decided so."


def test_when_the_time_is_up_the_policy_says_what_becomes_of_it() -> None:
    change = approved(by=("ida", "rick"))
    assert advance(change, context(UP - timedelta(seconds=1))) == ()
    [step] = advance(change, context(UP))
    assert (step.transition.act, step.change.state) == (Act.REJECT, State.DRAFT)
    assert refused(change, vote("cora"), context(UP)).what == "The time to vote was over at 2027-01-05 12:00 UTC."


@pytest.mark.parametrize("policy", [OnTimeout.EXTEND, OnTimeout.ESCALATE])
def test_more_time_is_time_for_the_votes_that_lack(policy: OnTimeout) -> None:
    rule = on_timeout(policy)
    routed = cab.routing(rule, Tier.HIGH, ChangeType.NORMAL)
    change = approved(
        asked(draft(routing=routed), context(policy=rule)), by=("ida", "rick"), where=context(policy=rule)
    )
    [step] = advance(change, context(UP, policy=rule))
    assert step.transition.act is Act[policy.name]
    longer = step.change
    assert (longer.state, longer.deadline, longer.escalation is not None) == (
        State.AUTHORIZE, UP + timedelta(hours=24), policy is OnTimeout.ESCALATE,
    )  # fmt: skip
    decided = done(longer, vote("cora"), context(UP, policy=rule))
    assert advance(decided, context(UP, policy=rule))[-1].change.state is State.SCHEDULED
    [last] = advance(longer, context(UP + timedelta(hours=24), policy=rule))
    assert last.transition.act is (Act.REJECT if policy is OnTimeout.ESCALATE else Act.EXTEND)


@pytest.mark.parametrize("policy", OnTimeout)
def test_time_decides_when_it_is_known_what_was_said_in_time_elsewhere(policy: OnTimeout) -> None:
    rule = replace(on_timeout(policy), records=Records(System.SERVICENOW))
    routed = cab.routing(rule, Tier.HIGH, ChangeType.NORMAL)
    change = asked(draft(routing=routed), context(policy=rule))
    where = context(UP + timedelta(minutes=5), policy=rule)
    assert advance(change, replace(where, heard_until=UP - timedelta(seconds=1))) == ()
    late = apply(change, vote("cora"), replace(where, heard_until=UP - timedelta(seconds=1)))
    assert isinstance(late, Refused)
    assert late.remedy == "It is decided when ServiceNow has been read."
    [step] = advance(change, replace(where, heard_until=UP))
    assert step.transition.act is Act[policy.name]
    assert [each.transition.act for each in advance(change, where)] == [Act[policy.name]]


WEEK = timedelta(days=7)
NEXT = Interval(WEEKEND.start + WEEK, WEEKEND.end + WEEK)


def test_a_window_leaves_the_board_all_of_its_time() -> None:
    late = SATURDAY - timedelta(hours=10)
    change = asked(where=context(late))
    assert (change.deadline, change.contents.window) == (late + timedelta(hours=24), NEXT)
    in_the_end = done(change, vote("ida"), context(late + timedelta(hours=23)))
    assert in_the_end.votes[-1].by == account("ida")


def test_more_time_moves_the_window_and_leaves_the_votes() -> None:
    rule = on_timeout(OnTimeout.EXTEND)
    routed = cab.routing(rule, Tier.HIGH, ChangeType.NORMAL)
    friday = SATURDAY - timedelta(hours=30)
    change = asked(draft(routing=routed), context(friday, policy=rule))
    assert change.contents.window == WEEKEND
    change = approved(change, ("ida", "rick"), context(friday, policy=rule))
    up = context(friday + timedelta(hours=24), policy=rule)
    [step] = advance(change, up)
    assert (step.transition.act, step.change.state) == (Act.EXTEND, State.AUTHORIZE)
    assert (step.change.deadline, step.change.contents.window) == (friday + timedelta(hours=48), NEXT)
    assert cab.count(step.change, standings(), rule).approvals == 2
    decided = done(step.change, vote("cora"), up)
    assert advance(decided, up)[-1].change.state is State.SCHEDULED


def test_where_somebody_chose_the_window_the_board_has_until_it_begins() -> None:
    late = SATURDAY - timedelta(hours=10)
    change = asked(draft(scheduled=True), context(late))
    assert (change.deadline, change.contents.window) == (SATURDAY, WEEKEND)
    assert wakes_at(change, context(late)) == SATURDAY
    [step] = advance(change, context(SATURDAY))
    assert (step.transition.act, step.change.state) == (Act.REJECT, State.DRAFT)


def test_votes_outlive_what_time_does_to_the_window_and_not_what_people_do() -> None:
    change = approved(by=("ida", "rick"))
    moved = noticed(change, replace(change.contents, window=NEXT), context())
    assert moved is not None
    assert moved.act is Act.REFRESH
    after = done(change, moved)
    assert (after.request, after.deadline) == (change.request, change.deadline)
    assert cab.count(after, standings(), rules()).approvals == 2
    chosen = noticed(change, replace(change.contents, window=NEXT, scheduled=True), context())
    assert chosen is not None
    assert (chosen.act, chosen.why) == (Act.REVISE, "Different now: the window that was authorised.")
    same = noticed(change, replace(change.contents, scheduled=True), context())
    assert same is not None
    assert same.act is Act.REFRESH, "the window is the one that it was planned for"
    authorised_ = noticed(authorised(), replace(change.contents, window=NEXT), context())
    assert authorised_ is not None
    assert authorised_.act is Act.REVISE


def test_an_authorised_time_that_is_over_is_decided_about_anew_and_nobody_has_to_ask_again() -> None:
    change = authorised()
    over = context(WEEKEND.end)
    lapsed, asked_again = advance(change, over)
    assert [lapsed.transition.act, asked_again.transition.act] == [Act.LAPSE, Act.ASSESS]
    again = asked_again.change
    assert change.request is not None
    assert lapsed.change.lapsed == WEEKEND
    assert (again.state, again.round, again.lapsed) == (State.AUTHORIZE, 2, None)
    assert again.request == replace(change.request, at=WEEKEND.end), "it is the same person's, of now"
    assert (again.deadline, again.contents.window) == (WEEKEND.end + timedelta(hours=24), NEXT)
    assert cab.count(again, standings(), rules()).approvals == 0


def test_a_board_that_is_asked_anew_by_itself_is_that_of_then() -> None:
    after = {login: teams for login, teams in BOARD.items() if login != "ida"}
    over = context(WEEKEND.end, standings=standings(after, ivan=("acme/it",)))
    again = advance(authorised(), over)[-1].change
    voted = done(again, vote("ivan"), over)
    assert cab.count(voted, over.standings, rules()).approvals == 1
    late = replace(over, standings=(*over.standings, standing("newt", "acme/cab")))
    assert "came to the board after it was asked on 2027-01-09" in refused(voted, vote("newt"), late).what


def test_whoever_asked_after_the_time_was_over_asked_the_board_of_that_moment() -> None:
    blocked = context(WEEKEND.end, blocking=("hold",))
    [lapsed] = advance(authorised(), blocked)
    asked_ = done(lapsed.change, ask("ana"), blocked)
    later = context(WEEKEND.end + timedelta(hours=1), standings=standings(newt=("acme/cab",)))
    [again] = advance(asked_, later)
    assert again.change.request == asked_.request


def test_a_time_that_is_given_once_more_is_the_same_boards() -> None:
    policy = on_timeout(OnTimeout.EXTEND)
    where = context(policy=policy)
    change = asked(draft(routing=cab.routing(policy, Tier.HIGH, ChangeType.NORMAL)), where)
    late = context(MONDAY + timedelta(hours=24), policy=policy, standings=standings(newt=("acme/cab",)))
    assert done(change, Event(Act.EXTEND), late).request == change.request


def test_an_emergency_lapses_with_its_hours() -> None:
    declared = done(draft(), Event(Act.DECLARE, account("rosa"), "Payments are down again.", incident="INC1"))
    change = approved(asked(declared), by=("cleo", "omar"))
    [given] = advance(change, context())
    [lapsed, *_] = advance(given.change, context(MONDAY + timedelta(hours=4)))
    assert lapsed.change.lapsed == Interval(MONDAY, MONDAY + timedelta(hours=4))


def test_nothing_is_authorised_without_a_time() -> None:
    closed = context(policy=replace(rules(), calendar=replace(rules().calendar, windows=())))
    change = replace(approved(), contents=contents(window=None))
    assert "a window to be released in" in refused(change, Event(Act.AUTHORIZE), closed).what
    assert advance(change, closed) == ()


def test_an_emergency_is_planned_from_the_moment_that_it_is_declared() -> None:
    declared = Event(Act.DECLARE, account("rosa"), INCIDENT, incident="INC0012345")
    change = done(draft(scheduled=True), declared)
    day = Interval(MONDAY, MONDAY + timedelta(hours=24))
    assert (change.contents.window, change.contents.scheduled) == (day, False)


def test_a_board_some_of_whom_reject_has_answered_when_its_time_is_up() -> None:
    rule = on_timeout(OnTimeout.EXTEND)
    routed = cab.routing(rule, Tier.HIGH, ChangeType.NORMAL)
    change = done(asked(draft(routing=routed), context(policy=rule)), vote("cleo", Choice.REJECT), context(policy=rule))
    assert advance(change, context(UP, policy=rule))[0].transition.act is Act.REJECT


def test_a_push_that_changes_the_diff_takes_an_authorisation_back() -> None:
    change = authorised()
    event = noticed(change, contents(head="c" * 40, diff="second"), context())
    assert event is not None
    assert (event.act, event.why) == (Act.REVISE, "Different now: the diff.")
    back = done(change, event)
    assert (back.state, back.authorisation, back.contents.head) == (State.ASSESS, None, "c" * 40)
    # Nothing of the votes is left for the new diff, and the board is asked about it anew.
    assert advance(back, context()) == ()
    asked = done(back, Event(Act.SUBMIT, who=account("alice")))
    steps = advance(asked, context())
    assert [each.change.state for each in steps] == [State.AUTHORIZE]
    assert "3 more to approve" in lacking(steps[-1].change, context())[0]


def test_where_no_board_decides_nobody_votes() -> None:
    waiting = Event(Act.SUBMIT), Event(Act.ASSESS)
    low = draft(Tier.LOW)
    for event in waiting:
        low = done(low, event, context(demands=()))
    assert refused(low, vote("ida"), context(demands=())) == Refused(
        "The vote of @ida does not count, since @ida is on no board: none decides here."
    )


def test_a_clean_rebase_leaves_it() -> None:
    change = authorised()
    event = noticed(change, contents(head="c" * 40), context())
    assert event is not None
    assert event.act is Act.REFRESH
    same = done(change, event)
    assert (same.state, same.authorisation, same.contents.head) == (State.SCHEDULED, change.authorisation, "c" * 40)
    voting = approved(by=("ida", "rick"))
    rebased = noticed(voting, contents(head="c" * 40), context())
    assert rebased is not None
    assert cab.count(done(voting, rebased), standings(), rules()).approvals == 2


def test_whatever_the_authorisation_is_about_takes_it_back() -> None:
    cases: dict[str, dict[str, Any]] = {
        "the risk tier and what the policy demands": {
            "tier": Tier.MEDIUM,
            "routing": contents(Tier.MEDIUM).routing,
            "window": contents().window,
        },
        "the plans": {"plans": PLANS[1:]},
        "what is affected": {"configuration_item": "CI2"},
        "the repository": {"repository": "acme/other"},
        "the base branch": {"base": "staging"},
        "the template": {"template": "docs"},
        "the type": {"kind": ChangeType.STANDARD},
        "the window that was authorised": {"window": Interval(SATURDAY, SATURDAY + timedelta(hours=1))},
        "who contributed, and voted": {"contributors": (account("ana"), account("ida"))},
    }
    for told, changes in cases.items():
        event = noticed(authorised(), contents(**changes), context())
        assert event is not None
        assert (event.act, event.why) == (Act.REVISE, f"Different now: {told}.")
        assert apply(authorised(), replace(event, act=Act.REFRESH), context()) == Refused(
            event.why, "The record goes back to be assessed again."
        )
    assert noticed(authorised(), contents(title="Another", description="Another one."), context()) is None
    for changes in ({"contributors": (account("ana"), account("zoe"))}, {"evidence": ("junit",)}):
        event = noticed(authorised(), contents(**changes), context())
        assert event is not None
        assert event.act is Act.REFRESH
        assert refused(authorised(), replace(event, act=Act.REVISE)).what == "Nothing differs that was authorised."


def test_a_window_that_no_board_authorised_may_move() -> None:
    low = advance(draft(Tier.LOW), context())[-1].change
    moved = contents(Tier.LOW, window=Interval(SATURDAY, SATURDAY + timedelta(days=1)))
    event = noticed(low, moved, context())
    assert event is not None
    assert event.act is Act.REFRESH


def test_a_draft_is_described_anew_and_what_is_over_is_not() -> None:
    event = noticed(draft(), contents(title="Other"), context())
    assert event == Event(Act.REVISE, contents=contents(title="Other"))
    assert done(draft(), event).contents.title == "Other"
    assert noticed(draft(), contents(), context()) is None
    assert noticed(started(), contents(diff="second"), context()) is None
    assert refused(draft(), Event(Act.REVISE, contents=contents())).what == "The record says this already."
    assert refused(draft(), Event(Act.REVISE)).what == "The record says this already."


def test_what_was_asked_of_the_policy_before_does_not_hold_when_it_demands_more() -> None:
    base = rules()
    more = replace(base, tiers={**base.tiers, Tier.HIGH: replace(base.tiers[Tier.HIGH], sign_off=("it-manager",))})
    again = "another look, since the policy demands something else now"
    assert refused(approved(), Event(Act.AUTHORIZE), context(policy=more)).what.endswith(f"Missing: {again}.")
    assert refused(authorised(), Event(Act.START), context(SATURDAY, policy=more)).what.endswith(f"Missing: {again}.")


def test_a_change_is_begun_only_in_its_window() -> None:
    change = authorised()
    start = Event(Act.START, account("rosa"))
    early = refused(change, start, context(SATURDAY - timedelta(seconds=1)))
    assert early.what == "None of the windows `weekend` is open."
    assert early.remedy == "The next time is 2027-01-09 02:00 UTC."
    assert done(change, start, context(SATURDAY)).state is State.IMPLEMENT
    late = refused(change, start, context(SATURDAY + timedelta(hours=3), lasting=timedelta(hours=2)))
    assert late.what == "It takes 2 h 00 min, and must be done by 2027-01-09 06:00 GMT."
    over = context(SATURDAY + timedelta(hours=4))
    assert refused(change, start, over).what == "The window was over at 2027-01-09 06:00 UTC."
    [lapsed] = advance(change, over)[:1]
    assert (lapsed.transition.act, lapsed.change.state, lapsed.change.authorisation) == (Act.LAPSE, State.ASSESS, None)
    # The window after it is open, but it is not what the board authorised.
    later = replace(
        change,
        contents=replace(change.contents, window=Interval(SATURDAY + timedelta(days=7), SATURDAY + timedelta(days=8))),
    )
    assert refused(later, start, context(SATURDAY)).what == (
        "The change is planned for 2027-01-16 02:00 to 2027-01-17 02:00 UTC."
    )
    never = context(policy=replace(rules(), calendar=replace(rules().calendar, windows=())))
    assert refused(change, start, never).remedy == ""


def test_only_what_was_authorised_is_begun() -> None:
    change = authorised()
    other = replace(change, contents=replace(change.contents, diff="second"))
    assert refused(other, Event(Act.START), context(SATURDAY)).what == (
        "What was authorised is not what would be done now."
    )


def test_that_somebody_left_the_board_after_it_decided_changes_nothing() -> None:
    left = context(SATURDAY, standings=())
    assert done(authorised(), Event(Act.START), left).state is State.IMPLEMENT


def test_an_overdue_review_blocks_the_next_change() -> None:
    where = context(SATURDAY, overdue=("CHG-2026-0009",))
    for change, event in ((approved(), Event(Act.AUTHORIZE)), (authorised(), Event(Act.START))):
        told = refused(change, event, where)
        assert told.what == (
            "The review of CHG-2026-0009 is overdue. "
            "An emergency goes ahead on the promise that it is looked at afterwards."
        )


def test_an_emergency_is_declared_authorised_begun_and_reviewed() -> None:
    change = emergency()
    assert change.emergency is not None
    assert (change.emergency.incident, change.emergency.reason) == ("INC0012345", INCIDENT)
    assert (change.state, change.contents.kind) == (State.SCHEDULED, ChangeType.EMERGENCY)
    # No window is open on a Monday, and none is needed.
    begun = done(change, Event(Act.START, account("rosa")), context(MONDAY + timedelta(hours=1)))
    assert begun.review_due == MONDAY + timedelta(days=3, hours=1)
    ended = done(begun, Event(Act.FINISH))
    closing = Event(Act.CLOSE, account("vera"), closure=Closure.SUCCESSFUL)
    assert refused(ended, closing).what == "CHG-2027-0001 was an emergency and has not been reviewed."
    look = Event(Act.REVIEW, account("ida"), "It was right to do this at once.")
    done_right = done(done(ended, look), closing)
    assert done_right.state is State.CLOSED
    assert refused(done(ended, look), look).what == "@ida reviewed CHG-2027-0001 already."


def test_the_time_of_an_emergency_is_short() -> None:
    change = emergency()
    over = context(MONDAY + timedelta(hours=4))
    assert refused(change, Event(Act.START), over).what == "The time of the emergency was over at 2027-01-04 16:00 UTC."
    assert advance(change, over)[0].transition.act is Act.LAPSE
    assert wakes_at(change, context()) == MONDAY + timedelta(hours=4)


def test_what_an_emergency_is_planned_for_says_nothing_about_its_time() -> None:
    change = emergency()
    over = Interval(MONDAY - timedelta(days=1), MONDAY)
    change = replace(change, contents=replace(change.contents, window=over))
    assert guards.in_time(change, Event(Act.START), context()) is None
    assert done(change, Event(Act.START, account("rosa"))).state is State.IMPLEMENT
    moved = noticed(change, replace(change.contents, window=WEEKEND), context())
    assert moved is not None
    assert moved.act is Act.REFRESH, "it stays authorised"


@pytest.mark.parametrize("act", [Act.FINISH, Act.BACK_OUT])
def test_a_release_that_others_have_left_shipped_what_was_merged(act: Act) -> None:
    one, other = contents(pulls=(7,), title="Ledger", head="c" * 40), contents(pulls=(8,), title="Statements")
    change = replace(started(), contents=contents(pulls=(7, 8), title="Ledger (and 1 more)"))
    merged = Part("pull:77:7", one, merge=Merge(account("rosa"), SATURDAY))
    where = context(SATURDAY, parts=(merged, Part("pull:77:8", other)))
    ended = done(change, Event(act, account("rosa"), "It is over."), where)
    assert (ended.contents.pulls, ended.contents.title, ended.contents.head) == ((7,), "Ledger", "c" * 40)
    assert (ended.contents.diff, ended.contents.routing) == (change.contents.diff, change.contents.routing)
    whole = replace(where, parts=(merged, replace(where.parts[1], merge=merged.merge)))
    assert done(change, Event(act, account("rosa"), "It is over."), whole).contents == change.contents


def test_an_emergency_ships_alone() -> None:
    both = draft(pulls=(7, 8))
    told = "CHG-2027-0001 ships #7 and #8, and an emergency ships alone."
    assert refused(both, declare()).what == told
    # One that has joined since, and was not looked at yet, ships with it, too.
    joined = context(parts=(Part("pull:77:7", contents()), Part("pull:77:8")))
    assert refused(draft(), declare(), joined) == Refused(told, "`/change unlink` takes a pull request out of it.")


FROZEN = replace(
    rules(), calendar=replace(rules().calendar, freezes=(Freeze("year end", last=date(2027, 1, 5), first=None),))
)
HELD = (
    "No emergency can be released now: the freeze `year end` holds until 2027-01-06 00:00 UTC, "
    "and its `except` lacks `emergency`."
)


def test_no_emergency_is_declared_nor_asked_for_in_a_freeze_that_does_not_except_it() -> None:
    frozen = context(policy=FROZEN)
    remedy = "The owners of the policy can except emergencies; else it goes on when that is over."
    assert refused(draft(), declare(), frozen) == Refused(HELD, remedy)
    assert refused(done(draft(), declare()), ask("rosa"), frozen).what == HELD
    assert done(draft(), ask(), frozen).state is State.ASSESS, "others wait for their window"


def test_the_time_of_an_emergency_does_not_begin_in_a_freeze_that_holds_it() -> None:
    frozen, thaw = context(policy=FROZEN), datetime(2027, 1, 6, tzinfo=UTC)
    waiting = done(done(draft(), declare()), ask("rosa"))
    assert refused(waiting, Event(Act.ASSESS), frozen).what == HELD
    assert wakes_at(waiting, frozen) == thaw
    deciding = approved(done(waiting, Event(Act.ASSESS)), by=("cleo", "omar"))
    missing = "the end of the freeze `year end`, which does not except emergencies"
    assert lacking(deciding, frozen) == (missing,)
    assert (
        refused(deciding, Event(Act.AUTHORIZE), frozen).what == f"CHG-2027-0001 is not authorised. Missing: {missing}."
    )
    late = replace(frozen, now=thaw - timedelta(hours=1))
    assert advance(deciding, late) == ()
    assert wakes_at(deciding, late) == thaw
    assert [each.transition.act for each in advance(deciding, replace(frozen, now=thaw))] == [Act.AUTHORIZE]


def test_an_emergency_needs_its_own_quorum_and_its_reviewers() -> None:
    change = done(done(done(draft(), declare()), ask("rosa")), Event(Act.ASSESS))
    one = done(change, vote("cleo"))
    where = context(demands=(Demand("write access", 1, 0, "someone"),))
    reviewers, board = "1 more from write access", "the decision of the board (1 more to approve)"
    assert lacking(one, where) == (reviewers, board)
    assert "asked for the change" in refused(change, vote("rosa")).what
    assert lacking(done(one, vote("omar")), where) == (reviewers,)
    assert lacking(done(one, vote("omar")), context()) == ()


@pytest.mark.parametrize("before", [draft, lambda: done(draft(), ask()), asked, authorised])
def test_an_emergency_can_be_declared_until_the_change_is_begun(before: Callable[[], Change]) -> None:
    change = done(before(), declare())
    assert change.state in {State.DRAFT, State.ASSESS}
    assert change.authorisation is None
    assert change.contents.routing.roles == ("cab",)
    assert "already" in refused(change, declare()).what
    # Its board has to be asked.
    if change.state is State.ASSESS:
        assert refused(change, Event(Act.ASSESS)).what == "The board that decides now has not been asked."
    assert refused(change, Event(Act.REVISE, contents=contents(title="x"))).what == (
        "A change becomes an emergency by being declared one, and stays one."
    )
    assert noticed(change, replace(change.contents, title="x"), context()) is not None


def test_a_change_does_not_become_an_emergency_by_being_described_as_one() -> None:
    kind = replace(contents(), kind=ChangeType.EMERGENCY)
    assert "by being declared one" in refused(draft(), Event(Act.REVISE, contents=kind)).what


def test_an_emergency_says_at_least_how_to_go_back() -> None:
    change = done(draft(plans=(), justification=""), declare())
    assert "`Backout plan`" in refused(change, ask("rosa")).what
    assert "`Impact`" not in refused(change, ask("rosa")).what
    enough = draft(plans=((Plan.BACKOUT, "Start the old one."),), justification="", window=None)
    assert done(done(enough, declare()), ask("rosa")).state is State.ASSESS


def test_time_that_is_up_at_once_does_not_keep_countersign_busy_for_ever() -> None:
    rule = on_timeout(OnTimeout.EXTEND)
    high = rule.tiers[Tier.HIGH]
    assert high.cab is not None
    none_at_all = replace(high, cab=replace(high.cab, timeout=timedelta()))
    rule = replace(rule, tiers={**rule.tiers, Tier.HIGH: none_at_all})
    where = context(policy=rule)
    change = asked(draft(routing=cab.routing(rule, Tier.HIGH, ChangeType.NORMAL)), where)
    assert [step.change.state for step in advance(change, where)] == [State.AUTHORIZE] * MOST_STEPS


@pytest.mark.parametrize(
    ("who", "why", "told"),
    [
        ("ana", "Looks fine now.", "@ana cannot review CHG-2027-0001: @ana contributed to the change."),
        ("rosa", "Looks fine now.", "@rosa cannot review CHG-2027-0001: @rosa asked for the change."),
        ("vera", "Looks fine now.", "@vera cannot review CHG-2027-0001: @vera holds none of the roles"),
        ("ida", "ok", "A review says what was found."),
        ("", "Looks fine now.", "A person reviews an emergency."),
    ],
)
def test_who_reviews_an_emergency_did_not_take_part(who: str, why: str, told: str) -> None:
    ended = done(done(emergency(), Event(Act.START)), Event(Act.FINISH))
    event = Event(Act.REVIEW, account(who) if who else None, why)
    assert refused(ended, event).what.startswith(told)
    assert refused(reviewed(), event).what == "Only an emergency is reviewed afterwards by the board."


def test_who_decided_about_an_emergency_does_not_review_it_and_it_is_said_who_helps() -> None:
    ended = done(done(emergency(), Event(Act.START)), Event(Act.FINISH))
    voters = {each.by.login: BOARD[each.by.login] for each in ended.votes}
    event = Event(Act.REVIEW, ended.votes[0].by, "Looks fine now.")
    assert refused(ended, event).what.endswith(" decided about it.")
    assert refused(ended, event).remedy.endswith("`compliance` who had no part in it can.")
    alone = refused(ended, event, context(standings=standings(voters)))
    assert alone.remedy == (
        "Nobody with `cab`, `it-manager`, `risk-officer` or `compliance` is left who had no part in it: the owners of "
        "the policy put somebody into one of these roles, who can."
    )


@pytest.mark.parametrize(
    ("closure", "why", "told"),
    [
        (None, "", "A change is closed with what came of it."),
        (Closure.BACKED_OUT, "Why not.", "CHG-2027-0001 was not backed out, so that it is not closed as backed out."),
        (Closure.UNSUCCESSFUL, "", "To close a change as unsuccessful needs a reason."),
    ],
)
def test_a_change_is_closed_with_what_came_of_it(closure: Closure | None, why: str, told: str) -> None:
    assert refused(reviewed(), Event(Act.CLOSE, account("vera"), why, closure=closure)).what == told


def test_what_was_backed_out_is_closed_as_that_and_what_failed_needs_no_verification() -> None:
    back = reviewed(Closure.BACKED_OUT)
    assert refused(back, Event(Act.CLOSE, closure=Closure.SUCCESSFUL)).what == (
        "CHG-2027-0001 was backed out, so that it is not closed as successful."
    )
    gone = Event(Act.CLOSE, account("ana"), "It is gone.", closure=Closure.BACKED_OUT)
    assert done(back, gone).closure is Closure.BACKED_OUT
    failed = Event(Act.CLOSE, account("ana"), "It did nothing.", closure=Closure.UNSUCCESSFUL)
    assert done(reviewed(), failed).state is State.CLOSED
    medium = replace(reviewed(), contents=contents(Tier.MEDIUM))
    assert done(medium, Event(Act.CLOSE, account("ana"), closure=Closure.SUCCESSFUL)).state is State.CLOSED
    assert refused(started(), Event(Act.BACK_OUT)).what == "A reason is needed."


@pytest.mark.parametrize("before", [draft, lambda: done(draft(), ask()), asked, authorised])
def test_who_has_to_do_with_it_can_cancel_until_it_is_begun(before: Callable[[], Change]) -> None:
    why = "Not needed any more."
    for who in ("ana", "bo", "ida", None):
        cancelled = done(before(), Event(Act.CANCEL, account(who) if who else None, why))
        assert (cancelled.state, cancelled.authorisation) == (State.CANCELLED, None)
    assert refused(before(), Event(Act.CANCEL, account("zoe"), why)).what == "@zoe cannot cancel CHG-2027-0001."
    assert refused(before(), Event(Act.CANCEL, account("ana"))).what == "A reason is needed."


def test_what_is_not_in_the_table_is_refused_with_what_helps() -> None:
    told = refused(started(), Event(Act.CANCEL, account("ana"), "Stop."))
    assert told.what == "CHG-2027-0001 is in state implement: what has been released is not cancelled."
    assert told.remedy == "`/change close backed-out reason` backs it out."
    closed = done(reviewed(), Event(Act.CLOSE, account("ana"), "No.", closure=Closure.UNSUCCESSFUL))
    told = refused(closed, Event(Act.VOTE, account("ida"), choice=Choice.APPROVE))
    assert told.what == "CHG-2027-0001 is in state closed: nothing happens to it any more."
    assert told.remedy == "`/request-cab` opens a new record."
    assert refused(started(), vote("ida")).what.endswith("implement: it is being released.")
    assert refused(draft(), vote("ida")).what.endswith("draft: nobody has asked its board yet.")
    assert refused(authorised(), vote("ida")).what.endswith("its board has decided, and it is authorised.")
    assert refused(draft(), Event(Act.START)).what == "CHG-2027-0001 is in state draft, where that is not possible."


@pytest.mark.parametrize("act", [Act.VOTE, Act.SUBMIT, Act.CANCEL, Act.DECLARE, Act.REVIEW, Act.CLOSE, Act.BACK_OUT])
def test_what_a_person_cannot_do_is_told_in_words_for_every_state(act: Act) -> None:
    for state in State:
        if (state, act) not in TABLE:
            told = impossible(replace(draft(), state=state), act)
            assert ": " in told.what, told


def test_every_act_and_every_state_is_in_the_table() -> None:
    assert {act for _, act in TABLE} == set(Act)
    assert {state for state, _ in TABLE} | {State.CLOSED, State.CANCELLED} == set(State)
    assert {rule.after for rule in TABLE.values()} == set(State)
    assert [key for key, rule in TABLE.items() if rule.after is State.SCHEDULED and key[0] is not State.SCHEDULED] == [
        (State.AUTHORIZE, Act.AUTHORIZE)
    ]
    assert [key for key, rule in TABLE.items() if rule.after is State.IMPLEMENT] == [
        (State.SCHEDULED, Act.START),
        (State.SCHEDULED, Act.OVERTAKE),
        (State.IMPLEMENT, Act.OVERTAKE),
    ]


def test_time_alone_wakes_the_record_when_it_could_change() -> None:
    assert wakes_at(draft(), context()) is None
    assert wakes_at(asked(), context()) == UP
    assert wakes_at(authorised(), context()) == SATURDAY
    assert wakes_at(authorised(), context(SATURDAY)) == SATURDAY + timedelta(hours=4)
    begun = done(emergency(), Event(Act.START))
    assert wakes_at(begun, context()) == MONDAY + timedelta(days=3)
    looked_at = done(done(begun, Event(Act.FINISH)), Event(Act.REVIEW, account("ida"), "It was right to do this."))
    assert wakes_at(looked_at, context()) == looked_at.verification_due == MONDAY + timedelta(hours=4)
    low = advance(draft(Tier.LOW, window=None), context())
    assert low == ()
    assert wakes_at(replace(authorised(), contents=contents(window=None)), context()) is None


def test_what_does_not_hold_any_more_is_told_before_anybody_merges() -> None:
    """The check is green only where a merge would begin the release, but for its time."""
    change, apart = authorised(), rules(separation=(Separation(frozenset({Role.APPROVER, Role.CAB})),))
    voted = finding(change, context(policy=apart, approvers=(account("ida"),)))
    assert (voted.verdict, voted.headline) == (Verdict.WAIT, "CHG-2027-0001, held up")
    assert voted.what == (
        "CHG-2027-0001 is not authorised any more. Missing: an approval by somebody else than @ida, who voted for it "
        "(the policy keeps the two apart; the review is dismissed)."
    )
    asked_since = finding(replace(change, waiving=(account("ida"),)), context())
    assert asked_since.what == (
        "CHG-2027-0001 is not authorised any more. Missing: a vote of somebody else than @ida, who asked for a waiver "
        "of what blocks the change."
    )
    assert asked_since.remedy == "It goes on when that is there; or `/cancel` it, and ask anew."
    assert (
        refused(replace(change, waiving=(account("ida"),)), Event(Act.START), context(SATURDAY)).what
        == asked_since.what
    )
    short = (Demand("write access", 2, 1, ""),)
    assert finding(change, context(demands=short)).verdict is Verdict.PASS, "the finding about approvals says that"
    first, other = Part("pull:77:7", change.contents), Part("pull:77:8", change.contents)
    held = context(parts=(first, other), blocking=("hold of #8",), demands=GIVEN)
    for state_ in (State.SCHEDULED, State.IMPLEMENT):
        assert guards.held_up(replace(change, state=state_), held) == Refused(
            "CHG-2027-0001 waits for: hold of #8.", "The check of each pull request says what it needs."
        )
    lacking_one = guards.held_up(change, context(parts=(first, other), demands=short))
    assert lacking_one is not None
    assert lacking_one.what == "CHG-2027-0001 is not authorised any more. Missing: 1 more from write access."
