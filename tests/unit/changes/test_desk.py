"""The change record of a pull request at each look: opened, filled, advanced, and told as facts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.changes import desk, ending, listening, outbox, plans, register
from bot.changes.desk import Desk, is_wanted
from bot.changes.hearing import Heard
from bot.changes.model import Act, Change, Choice, Closure, Declaration, Event, Refused, State
from bot.decide.evaluate import decide
from bot.decide.verdict import Decision, Finding, Verdict
from bot.deployments.windows import Interval
from bot.errors import Transient
from bot.facts.model import (
    Ended,
    Instructed,
    Instruction,
    Permission,
    PullRequestFacts,
    PullRequestState,
    RecordFinding,
    Standing,
)
from bot.policy.model import (
    Above,
    Approvals,
    Cab,
    ChangeType,
    OnTimeout,
    Plan,
    Policy,
    Records,
    System,
    Tier,
    TierRules,
)
from bot.store import Store
from bot.words import dated
from tests.unit.builders import account, approved, asked_for_changes, oid, pull_request
from tests.unit.changes.builders import (
    BOARD,
    MONDAY,
    SATURDAY,
    WEEKEND,
    asked,
    authorised,
    context,
    draft,
    on_timeout,
    rules,
    standings,
    vote,
)

PULL = "pull:77:7"
NEXT = Interval(WEEKEND.start + timedelta(days=7), WEEKEND.end + timedelta(days=7))
BODY = """\
Interest is paid out once a day from now on.

## Justification

The regulator asks for daily interest from January on.

## Implementation plan

Deploy the ledger, then the scheduler; Carol does it in twenty minutes.

## Test plan

The suite ran on the staging ledger with last year's accounts; Dana accepted it.

## Backout plan

If totals differ by a cent, Carol deploys the image before; the schema fits both.

## Impact

Customers see interest once a day; nothing else changes for them.
"""
FACTS = replace(pull_request(reviews=[approved("ben"), approved("cem")]), body=BODY)
SECOND = replace(
    FACTS,
    number=8,
    head=replace(FACTS.head, oid=oid("second")),
    reviews=(approved("ben", on="second"), approved("cem", on="second")),
)
NOTHING_SAID = replace(FACTS, body="Interest is paid daily.")
DESCRIBED = [f"plans:{name}" for name in ("justification", "implementation", "test", "backout", "impact")]


def decision_of(facts: PullRequestFacts = FACTS, policy: Policy | None = None, at: datetime = MONDAY) -> Decision:
    return decide(facts, policy or rules(), at)


def laid(kind: Instructed, value: str) -> Instruction:
    return Instruction(kind, value, account("ana"), "Said in a comment.", MONDAY)


async def look(
    store: Store,
    facts: PullRequestFacts = FACTS,
    *,
    policy: Policy | None = None,
    board: Sequence[Standing] | None = None,
    diff: str = "first",
    asked: bool = False,
    at: datetime = MONDAY,
    subject: str = PULL,
    decision: Decision | None = None,
) -> tuple[PullRequestFacts, Desk]:
    known = policy or rules()
    return await desk.look(
        store,
        subject,
        facts,
        known,
        decision or decision_of(facts, known, at),
        board=standings() if board is None else board,
        diff=diff,
        policy_digest="d1935",
        asked=asked,
        now=at,
    )


def record_of(found: Desk) -> Change:
    assert found.change is not None
    return found.change


async def act(store: Store, found: Desk, *events: Event) -> Desk:
    """What people do to the record, written down as the commands do it."""
    for event in events:
        moved = desk.act(found, event)
        assert not isinstance(moved, Refused), moved
        found, steps = moved
        async with store.transaction() as connection:
            for step in steps:
                await register.keep(connection, step)
    return found


async def kinds(store: Store) -> list[str]:
    async with store.transaction() as connection:
        cursor = await connection.execute("SELECT kind FROM ledger_entry ORDER BY seq")
        return [kind async for (kind,) in cursor]


def told(facts: PullRequestFacts) -> dict[str, RecordFinding]:
    assert facts.record is not None
    return {each.id: each for each in facts.record.findings}


ASK = Event(Act.SUBMIT, account("ana"), "Please.")
VOTES = tuple(vote(login) for login in ("ida", "rick", "cora"))


# Which changes have a record.


BARE = TierRules((Approvals(1, ("write",)),))


@pytest.mark.parametrize(
    ("tier_rules", "wanted"),
    [
        (BARE, False),
        (replace(BARE, cab=Cab(quorum=1)), True),
        (replace(BARE, sign_off=("it-manager",)), True),
        (replace(BARE, plans=(Plan.BACKOUT,)), True),
        (replace(BARE, windows=(("weekend",),)), True),
        (replace(BARE, change=ChangeType.STANDARD), True),
    ],
)
def test_a_record_is_wanted_where_more_is_demanded_than_reviews(tier_rules: TierRules, wanted: bool) -> None:
    policy = rules(tiers={**dict.fromkeys(Tier, BARE), Tier.MEDIUM: tier_rules})
    assert is_wanted(policy, Tier.MEDIUM) is wanted
    assert not is_wanted(policy, Tier.HIGH)


def test_a_record_is_wanted_of_every_change_where_another_system_keeps_them() -> None:
    policy = rules(tiers=dict.fromkeys(Tier, BARE), records=Records(system=System.SERVICENOW))
    assert is_wanted(policy, Tier.LOW)


# Looks.


async def test_where_none_is_wanted_none_is_opened(store: Store) -> None:
    policy = rules(tiers=dict.fromkeys(Tier, BARE))
    facts, found = await look(store, policy=policy)
    assert (facts, found.change, found.wakes_at) == (FACTS, None, None)
    assert await kinds(store) == []


async def test_somebody_who_wants_one_has_it_opened(store: Store) -> None:
    policy = rules(tiers=dict.fromkeys(Tier, BARE))
    facts, found = await look(store, policy=policy, asked=True)
    assert record_of(found).number.startswith("CHG-2027-")
    assert facts.record is not None
    facts, again = await look(store, policy=policy)
    assert record_of(again).number == record_of(found).number, "it stays, though nobody asks any more"


async def test_a_record_opens_by_itself_and_says_what_it_lacks(store: Store) -> None:
    facts, found = await look(store, NOTHING_SAID)
    record = record_of(found)
    assert (record.state, record.subject, record.contents.diff) == (State.DRAFT, PULL, "first")
    assert facts.record is not None
    assert (facts.record.number, facts.record.state) == (record.number, "draft")
    assert list(told(facts)) == ["change-record", *DESCRIBED]
    assert {each.verdict for each in told(facts).values()} == {"wait"}
    assert "## Backout plan" in told(facts)["plans:backout"].remedy
    assert await kinds(store) == ["countersign:change:opened"]


async def test_a_second_look_alters_nothing(store: Store) -> None:
    first = await look(store, NOTHING_SAID)
    assert await look(store, NOTHING_SAID) == first
    assert await kinds(store) == ["countersign:change:opened"]


async def test_what_the_description_says_comes_into_the_record(store: Store) -> None:
    _, before = await look(store, NOTHING_SAID)
    facts, found = await look(store)
    assert list(told(facts)) == ["change-record"]
    assert record_of(found).version == record_of(before).version + 1
    assert record_of(found).contents.plan(Plan.BACKOUT).startswith("If totals differ")
    assert await kinds(store) == ["countersign:change:opened", "countersign:change:moved"]


async def test_what_was_written_in_a_comment_takes_the_place_of_the_description(store: Store) -> None:
    said = replace(FACTS, instructions=(laid(Instructed.PLAN_TEST, "Everything was tested twice."),))
    _, found = await look(store, said)
    contents = record_of(found).contents
    assert contents.plan(Plan.TEST) == "Everything was tested twice."
    assert contents.plan(Plan.BACKOUT).startswith("If totals differ")
    assert [plan for plan, _ in contents.plans] == list(Plan)


async def test_whoever_edits_the_section_after_the_comment_has_the_last_word(store: Store) -> None:
    section = plans.read(FACTS.body).plan(Plan.BACKOUT)
    written = replace(laid(Instructed.PLAN_BACKOUT, "Deploy the image before it."), instead=plans.mark(section))
    facts, found = await look(store, replace(FACTS, instructions=(written,)))
    contents = record_of(found).contents
    assert contents.plan(Plan.BACKOUT) == "Deploy the image before it."
    [said] = contents.said
    assert (said.plan, said.by, said.pull, said.beside) == (Plan.BACKOUT, written.by, FACTS.number, True)
    assert told(facts)["change-record:plans"].verdict == "pass"
    assert told(facts)["change-record:plans"].what == (
        f"On record, the backout plan is what @{written.by.login} wrote in a comment on {dated(written.at)}; the "
        "description says something else."
    )
    body = FACTS.body.replace(section, "Restore the database from the backup of midnight; four hours.")
    assert body != FACTS.body
    facts, found = await look(store, replace(FACTS, body=body, instructions=(written,)))
    assert record_of(found).contents.plan(Plan.BACKOUT).startswith("Restore the database")
    assert record_of(found).contents.said == ()
    assert "change-record:plans" not in told(facts)


async def test_a_plan_in_a_comment_fills_what_the_description_lacks(store: Store) -> None:
    said = replace(NOTHING_SAID, instructions=(laid(Instructed.PLAN_BACKOUT, "Deploy the image before it."),))
    facts, found = await look(store, said)
    assert [plan for plan, _ in record_of(found).contents.plans] == [Plan.BACKOUT]
    assert "plans:backout" not in told(facts)


async def test_it_is_planned_for_the_first_window_after_the_boards_time(store: Store) -> None:
    _, found = await look(store)
    assert record_of(found).contents.window == WEEKEND


async def test_it_is_planned_for_when_somebody_said_and_stays_there(store: Store) -> None:
    later = Interval(SATURDAY + timedelta(days=7), SATURDAY + timedelta(days=7, hours=1))
    said = replace(FACTS, instructions=(laid(Instructed.SCHEDULE, later.iso),))
    _, found = await look(store, said)
    assert record_of(found).contents.window == later
    _, kept = await look(store)
    assert record_of(kept).contents.window == later, "a window that was planned stays planned"


async def test_a_window_that_is_over_is_planned_anew(store: Store) -> None:
    said = replace(FACTS, instructions=(laid(Instructed.SCHEDULE, WEEKEND.iso),))
    await look(store, said)
    _, found = await look(store, said, at=SATURDAY + timedelta(days=1))
    assert record_of(found).contents.window == Interval(
        WEEKEND.start + timedelta(days=7), WEEKEND.end + timedelta(days=7)
    )


def test_a_window_is_the_same_after_it_was_written_down() -> None:
    assert Interval.of(WEEKEND.iso) == WEEKEND
    assert WEEKEND.iso == "2027-01-09T02:00:00+00:00/2027-01-09T06:00:00+00:00"


async def test_what_nobody_decides_goes_on_by_itself(store: Store) -> None:
    policy = rules(tiers={**rules().tiers, Tier.HIGH: replace(BARE, windows=(("weekend",),))})
    facts, found = await look(store, policy=policy)
    assert record_of(found).state is State.SCHEDULED
    assert told(facts)["change-record"].verdict == "pass"
    assert found.wakes_at == SATURDAY
    authorised = record_of(found).authorisation
    assert authorised is not None
    assert authorised.policy == "d1935"
    assert await kinds(store) == ["countersign:change:opened", *["countersign:change:moved"] * 3]


async def test_a_board_decides_and_the_next_look_knows(store: Store) -> None:
    _, found = await look(store)
    asked = await act(store, found, ASK)
    assert record_of(asked).state is State.AUTHORIZE
    facts, waiting = await look(store)
    assert waiting.wakes_at == MONDAY + timedelta(hours=24)
    assert told(facts)["change-record"].until == MONDAY + timedelta(hours=24)
    await act(store, waiting, *VOTES)
    facts, authorised = await look(store)
    assert record_of(authorised).state is State.SCHEDULED
    assert told(facts)["change-record"].verdict == "pass"


async def test_a_board_that_does_not_answer_has_rejected_at_the_next_look(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, ASK)
    _, late = await look(store, at=MONDAY + timedelta(hours=25))
    assert record_of(late).state is State.DRAFT


async def test_another_diff_takes_the_authorisation_back(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, ASK, *VOTES)
    facts, revised = await look(store, diff="second")
    assert record_of(revised).state is State.ASSESS
    assert told(facts)["change-record"].verdict == "wait"
    assert "was asked about another state of the change" in told(facts)["change-record"].what


async def test_what_does_not_matter_is_refreshed_until_it_is_authorised(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, ASK)
    _, refreshed = await look(store, replace(FACTS, title="Settle thrice a day"))
    assert record_of(refreshed).state is State.AUTHORIZE
    assert record_of(refreshed).contents.title == "Settle thrice a day"
    await act(store, refreshed, *VOTES)
    _, kept = await look(store, replace(FACTS, title="Settle never"))
    assert record_of(kept).state is State.SCHEDULED
    assert record_of(kept).contents.title == "Settle thrice a day", "those who authorised it have read that"


async def test_what_else_blocks_is_waited_for_but_not_the_records_own_findings(store: Store) -> None:
    _, found = await look(store)
    assert found.context.blocking == ()
    others = (
        Finding("rule:x", Verdict.FAIL, "h", "w"),
        Finding("hold", Verdict.WAIT, "h", "w"),
        Finding("identity", Verdict.PASS, "h", "w"),
        Finding("observed", Verdict.FAIL, "h", "w", observed=True),
        *(Finding(name, Verdict.WAIT, "h", "w") for name in ("approvals", "change-record", "plans:test", "emergency")),
    )
    _, blocked = await look(store, decision=replace(decision_of(), findings=others))
    assert blocked.context.blocking == ("rule:x", "hold")
    after = await act(store, blocked, ASK)
    assert record_of(after).state is State.ASSESS
    facts, _ = await look(store, decision=replace(decision_of(), findings=others))
    assert "waits for: rule:x and hold" in told(facts)["change-record"].what


async def test_the_boards_teams_are_added_to_what_the_reviewers_may_do(store: Store) -> None:
    reviewers = replace(
        FACTS, standings=(Standing(account("ida"), Permission.WRITE, ("acme/appsec",)), FACTS.standings[0])
    )
    board = (
        Standing(account("ida"), Permission.NONE, ("acme/it",)),
        Standing(account("rick"), Permission.NONE, ("acme/risk",)),
    )
    _, found = await look(store, reviewers, board=board)
    known = {each.account.login: each for each in found.context.standings}
    assert known["ida"].teams == ("acme/appsec", "acme/it")
    assert known["ida"].permission is Permission.WRITE
    assert known["rick"].teams == ("acme/risk",)
    assert known[FACTS.standings[0].account.login].permission is Permission.WRITE


async def test_two_changes_of_one_thing_at_one_time_are_told_to_both(store: Store) -> None:
    await look(store)
    other = SECOND
    facts, _ = await look(store, other, subject="pull:77:8")
    conflict = told(facts)["conflict"]
    assert conflict.verdict == "pass", "nobody asked for the other one"
    assert "CHG-2027-0001 (CI0012345, 2027-01-09 02:00 to 2027-01-09 06:00 UTC)" in conflict.what
    facts, _ = await look(store)
    assert "CHG-2027-0002" in told(facts)["conflict"].what


async def test_a_draft_moves_away_from_what_was_asked_for_and_comes_back_for_nobody(store: Store) -> None:
    _, first = await look(store)
    other = SECOND
    _, second = await look(store, other, subject="pull:77:8")
    assert record_of(second).contents.window == WEEKEND
    await act(store, first, ASK)
    facts, second = await look(store, other, subject="pull:77:8")
    assert record_of(second).contents.window == NEXT
    assert "conflict" not in told(facts)
    _, first = await look(store)
    assert record_of(first).contents.window == WEEKEND
    # Asked for as well, it holds the window that it has, whatever becomes of the first.
    await act(store, second, ASK)
    await act(store, first, Event(Act.CANCEL, account("ana"), "Superseded."))
    _, second = await look(store, other, subject="pull:77:8")
    assert record_of(second).contents.window == NEXT


async def test_a_newcomer_is_planned_for_a_free_window_at_once(store: Store) -> None:
    _, first = await look(store)
    await act(store, first, ASK)
    _, second = await look(store, SECOND, subject="pull:77:8")
    assert (record_of(second).contents.window, record_of(second).version) == (NEXT, 1)


async def test_whoever_chooses_the_window_of_another_waits_and_the_other_is_told(store: Store) -> None:
    _, first = await look(store)
    await act(store, first, ASK)
    other = replace(SECOND, instructions=(laid(Instructed.SCHEDULE, WEEKEND.iso),))
    facts, second = await look(store, other, subject="pull:77:8")
    assert (record_of(second).contents.window, record_of(second).contents.scheduled) == (WEEKEND, True)
    assert told(facts)["conflict"].verdict == "wait"
    facts, _ = await look(store)
    assert told(facts)["conflict"].verdict == "pass"
    assert record_of(second).number in told(facts)["conflict"].what


async def test_a_window_that_somebody_chose_and_that_is_over_is_planned_anew_once(store: Store) -> None:
    chosen = replace(FACTS, instructions=(laid(Instructed.SCHEDULE, WEEKEND.iso),))
    await look(store, chosen)
    _, moved = await look(store, chosen, at=WEEKEND.end)
    assert (record_of(moved).contents.window, record_of(moved).contents.scheduled) == (NEXT, False)
    _, same = await look(store, chosen, at=WEEKEND.end + timedelta(days=6))
    assert record_of(same).version == record_of(moved).version


async def test_who_was_overtaken_tries_again(store: Store) -> None:
    _, found = await look(store)
    stale = desk.act(found, ASK)
    assert not isinstance(stale, Refused)
    await act(store, found, ASK)
    with pytest.raises(Transient):
        async with store.transaction() as connection:
            await register.keep(connection, stale[1][0])


# Records that are over.


async def test_a_record_that_was_cancelled_still_speaks_and_is_not_opened_anew_by_itself(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, Event(Act.CANCEL, account("ana"), "Superseded."))
    facts, over = await look(store)
    assert record_of(over).state is State.CANCELLED
    assert told(facts)["change-record"].verdict == "fail"
    assert record_of(over).version == record_of(found).version + 1, "nothing happens to it any more"
    _, anew = await look(store, asked=True)
    assert record_of(anew).number != record_of(over).number
    assert record_of(anew).state is State.DRAFT


async def test_a_record_that_was_closed_makes_room_for_another_one(store: Store) -> None:
    await declared(store)
    await merge(store)
    _, found = await look(store)
    review = Event(Act.REVIEW, account("ida"), "The cause was a lost index; it is monitored now.")
    close = Event(Act.CLOSE, account("rosa"), "It did not help.", closure=Closure.UNSUCCESSFUL)
    closed = await act(store, found, review, close)
    assert record_of(closed).state is State.CLOSED
    _, anew = await look(store)
    assert record_of(anew).number != record_of(found).number
    assert record_of(anew).state is State.DRAFT


# Emergencies.

DECLARE = Event(Act.DECLARE, account("rosa"), "Payments are down since nine.", incident="INC0012345")
EMERGENCY_VOTES = tuple(vote(login, Choice.APPROVE) for login in ("cleo", "cora"))


async def declared(store: Store, subject: str = PULL, facts: PullRequestFacts = FACTS) -> Desk:
    """An emergency that its board has authorised."""
    _, found = await look(store, facts, subject=subject)
    await act(store, found, DECLARE)
    _, found = await look(store, facts, subject=subject)
    found = await act(store, found, ASK, *EMERGENCY_VOTES)
    assert record_of(found).state is State.SCHEDULED
    return found


async def merge(store: Store) -> Change:
    """Rosa merges the pull request."""
    return record_of(await merged(store))


async def merged(store: Store, at: datetime = MONDAY) -> Desk:
    """A look at the pull request, which Rosa merged on Monday."""
    facts = replace(FACTS, state=PullRequestState.MERGED, ended=Ended(MONDAY, account("rosa")))
    return await ending.look(store, PULL, facts, rules(), decision_of(facts), board=standings(), diff="", now=at)


async def test_an_emergency_stays_one_at_the_next_look(store: Store) -> None:
    await declared(store)
    facts, found = await look(store)
    assert record_of(found).contents.kind is ChangeType.EMERGENCY
    assert told(facts)["change-record"].verdict == "pass"


async def test_an_emergency_that_was_not_reviewed_in_time_blocks_the_next_change(store: Store) -> None:
    await declared(store)
    record = await merge(store)
    other = SECOND
    facts, _ = await look(store, other, subject="pull:77:8", at=MONDAY + timedelta(days=2))
    assert "emergency" not in told(facts)
    facts, found = await look(store, other, subject="pull:77:8", at=MONDAY + timedelta(days=3))
    overdue = told(facts)["emergency"]
    assert overdue.verdict == "fail"
    assert overdue.what == f"The review of {record.number} is overdue."
    assert found.context.overdue == (record.number,)
    assert record_of(await act(store, found, ASK)).state is State.ASSESS


RENAMED = rules(applications=(replace(rules().applications[0], name="cards"),))
NEEDING_NO_RECORD = replace(RENAMED, tiers=dict.fromkeys(Tier, BARE))


@pytest.mark.parametrize("policy", [RENAMED, rules(applications=()), NEEDING_NO_RECORD])
async def test_no_other_name_for_the_application_frees_its_repository(store: Store, policy: Policy) -> None:
    await declared(store)
    record = await merge(store)
    other, late = SECOND, MONDAY + timedelta(days=3)
    facts, found = await look(store, other, subject="pull:77:8", policy=policy, at=MONDAY)
    assert found.wakes_at == late
    facts, _ = await look(store, other, subject="pull:77:8", policy=policy, at=late)
    assert told(facts)["emergency"].what == f"The review of {record.number} is overdue."
    elsewhere = replace(other, repository=replace(other.repository, id=78, name="statements"))
    facts, _ = await look(store, elsewhere, subject="pull:78:8", policy=policy, at=late)
    assert facts.record is None or "emergency" not in told(facts)


async def test_a_merged_emergency_is_looked_at_again_when_its_review_is_due(store: Store) -> None:
    await declared(store)
    assert (await merged(store)).wakes_at == MONDAY + timedelta(days=3)
    assert (await merged(store, MONDAY + timedelta(days=2))).wakes_at == MONDAY + timedelta(days=3)
    assert await announced(store) == [("authorize", False), ("review", False)]
    assert (await merged(store, MONDAY + timedelta(days=3))).wakes_at is None
    assert (await merged(store, MONDAY + timedelta(days=4))).wakes_at is None
    assert await announced(store) == [("authorize", False), ("review", False), ("review", True)]
    async with store.transaction() as connection:
        record = await register.latest_of(connection, PULL)
        assert record is not None
        history = await register.history(connection, record.number)
    assert (history[-1].act, history[-1].why) == (Act.REMIND, "Its review is overdue.")


async def announced(store: Store) -> list[tuple[str, bool]]:
    """What waits to be said: the state of the change, and whether it says that something was due."""
    async with store.transaction() as connection:
        found = await outbox.waiting(connection, PULL)
    return [(each.state.value, "was due on" in each.text) for each in found]


async def test_what_happens_at_a_look_is_announced_with_it(store: Store) -> None:
    policy = on_timeout(OnTimeout.ESCALATE, "director")
    board = standings({**BOARD, "dina": ("acme/directors",)})
    _, found = await look(store, policy=policy, board=board)
    await act(store, found, ASK)
    assert [state for state, _ in await announced(store)] == ["authorize"]
    _, later = await look(store, policy=policy, board=board, at=MONDAY + timedelta(hours=25))
    escalation = record_of(later).escalation
    assert escalation is not None
    assert [each.login for each in escalation.members] == ["dina"]
    async with store.transaction() as connection:
        waiting = await outbox.waiting(connection, PULL)
        kept = await register.by_number(connection, record_of(later).number)
    assert [each.called for each in waiting][-1] == ("acme/directors",)
    assert kept == record_of(later), "who was asked beside the board is on record"


async def test_its_own_review_does_not_block_an_emergency(store: Store) -> None:
    await declared(store)
    await merge(store)
    facts, found = await look(store, at=MONDAY + timedelta(days=4))
    assert found.context.overdue == ()
    assert "emergency" not in told(facts)


# What people answer in another system.


@pytest.mark.parametrize(
    ("login", "number", "reason"),
    [
        ("ida", "ida", ""),
        ("ida-before", "ida", ""),
        (None, None, ", and is nobody here by the policy"),
        ("vic", None, ", and is @vic, who is on no board here"),
        ("vic", "victoria", ", and is @vic, who is on no board here"),
        (
            "ida",
            "somebody-else",
            ", and is @ida here by the policy, which was another account when it was first seen",
        ),
    ],
)
def test_an_answer_there_is_of_the_account_that_the_policy_meant(
    login: str | None, number: str | None, reason: str
) -> None:
    meant = {login: account(number).id} if login is not None and number is not None else {}
    deed = Heard("mark", "approve", "ida.it", login, MONDAY, round=1)
    steps, outcome = listening._hear(asked(), deed, context(), System.SERVICENOW, meant)
    if reason:
        assert (steps, outcome) == (
            [],
            f"not counted: ida.it approved it in ServiceNow{reason}: that does not count.",
        )
    else:
        assert [(each.transition.act, each.transition.who) for each in steps] == [(Act.VOTE, account("ida"))]
        assert outcome == "done"


def test_an_answer_stands_by_when_it_was_given_and_for_the_round_that_it_was_given_in() -> None:
    later = context(MONDAY + timedelta(hours=2))
    meant = {"ida": account("ida").id}
    at = MONDAY + timedelta(minutes=5)
    steps, _ = listening._hear(
        asked(), Heard("mark", "reject", "ida.it", "ida", at, round=1), later, System.SERVICENOW, meant
    )
    assert steps[0].change.votes[-1].at == at
    steps, outcome = listening._hear(
        asked(), Heard("mark", "reject", "ida.it", "ida", at), later, System.SERVICENOW, meant
    )
    assert steps == []
    assert outcome == "not counted: ida.it rejected it in ServiceNow, which was about an earlier state of the change."


# What people do.


def test_what_somebody_does_and_what_follows_are_the_steps() -> None:
    here = Desk(draft(), context())
    moved = desk.act(here, ASK)
    assert not isinstance(moved, Refused)
    after, steps = moved
    assert [each.transition.act for each in steps] == [Act.SUBMIT, Act.ASSESS]
    assert after.change == steps[-1].change
    assert after.context == here.context


def test_what_is_refused_leads_nowhere() -> None:
    refused = desk.act(Desk(draft(), context()), vote("ida"))
    assert isinstance(refused, Refused)
    assert "in state" in refused.what


def test_nobody_acts_on_nothing() -> None:
    with pytest.raises(AssertionError):
        desk.act(Desk(None, context()), ASK)


def test_whoever_a_repository_calls_one_person_has_two_opinions_for_the_board() -> None:
    facts = pull_request(reviews=[asked_for_changes("rick"), approved("cleo", at=5)])
    base = rules()
    joined = replace(base, people=(*base.people, ("rick", "cleo")))
    for policy, heard in (
        (joined, ["cleo"]),
        (replace(joined, above=Above(base.roles, base.people)), ["rick", "cleo"]),
    ):
        context = desk.context_of(facts, policy, decision_of(facts, policy), (), "", MONDAY)
        assert [each.author.login for each in context.opinions] == heard


def test_an_emergency_is_planned_for_no_other_time_there() -> None:
    urgent = replace(asked(), emergency=Declaration(account("rosa"), MONDAY, "Payments are down.", "INC1"))
    deed = Heard("mark", "schedule", "ida.it", "ida", MONDAY, NEXT.iso)
    steps, outcome = listening._hear(urgent, deed, context(), System.SERVICENOW, {})
    assert steps == []
    assert outcome == "not counted: ida.it planned another time in ServiceNow, and an emergency is released at once."


@pytest.mark.parametrize(
    ("login", "who", "whom"),
    [("ida", "ida", "ida.it, who is @ida here"), (None, None, "ida.it, whom `records.people` does not know")],
)
def test_who_planned_it_for_another_time_there_is_on_record(login: str | None, who: str | None, whom: str) -> None:
    deed = Heard("mark", "schedule", "ida.it", login, MONDAY, NEXT.iso)
    change = authorised()
    steps, outcome = listening._hear(change, deed, context(), System.SERVICENOW, {"ida": account("ida").id})
    assert outcome == "done"
    told = steps[0].transition
    assert (told.act, told.who) == (Act.REVISE, account(who) if who else None)
    assert told.why == f"In ServiceNow, by {whom}. Different now: the window that was authorised."
    assert steps[0].change.rescheduled_at == MONDAY
