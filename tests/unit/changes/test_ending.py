"""What the end of a pull request does to its record: the merge that releases it, or that it is closed without one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from bot.changes import desk, ending, parts, register
from bot.changes.closing import NOBODY_REPORTED, QUIET
from bot.changes.desk import Desk
from bot.changes.model import Act, Change, Closure, Event, Refused, State, Transition
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Account, Ended, PullRequestFacts, PullRequestState, Standing
from bot.facts.people import GHOST
from bot.ledger.decisions import Made, record
from bot.policy.model import Freeze, Mode, Policy, Records, System, Tier
from bot.store import Store
from tests.unit.builders import account, oid
from tests.unit.changes.builders import MONDAY, SATURDAY, rules, standings, vote
from tests.unit.changes.test_desk import (
    ASK,
    BARE,
    DECLARE,
    FACTS,
    PULL,
    VOTES,
    act,
    decision_of,
    declared,
    kinds,
    look,
    record_of,
)

HOUR = timedelta(hours=1)
INSIDE = SATURDAY + HOUR
OTHER = "pull:77:8"


def merged(
    at: datetime = INSIDE, by: str | Account | None = "rosa", facts: PullRequestFacts = FACTS
) -> PullRequestFacts:
    who = account(by) if isinstance(by, str) else by
    return replace(facts, state=PullRequestState.MERGED, ended=Ended(at, who))


def closed(facts: PullRequestFacts = FACTS, by: str = "ana") -> PullRequestFacts:
    return replace(facts, state=PullRequestState.CLOSED, ended=Ended(MONDAY, account(by)))


async def end(
    store: Store,
    facts: PullRequestFacts,
    *,
    policy: Policy | None = None,
    at: datetime = INSIDE,
    board: Sequence[Standing] = (),
    diff: str = "",
    subject: str = PULL,
    waiting: bool = False,
) -> Desk:
    known = policy or rules()
    decision = decision_of(facts, known, at)
    return await ending.look(store, subject, facts, known, decision, board=board, diff=diff, now=at, waiting=waiting)


async def scheduled(store: Store, facts: PullRequestFacts = FACTS, **more: object) -> Change:
    """A change that its board has authorised for the weekend."""
    _, found = await look(store, facts, **more)  # type: ignore[arg-type]
    return record_of(await act(store, found, ASK, *VOTES))


async def history(store: Store, number: str) -> list[Transition]:
    async with store.transaction() as connection:
        return list(await register.history(connection, number))


async def acts(store: Store, number: str) -> list[Act]:
    return [each.act for each in await history(store, number)]


# The merge is the release.


async def test_a_merge_in_its_window_is_the_release_by_whoever_merged(store: Store) -> None:
    before = await scheduled(store)
    known = await kinds(store)
    found = await end(store, merged())
    change = record_of(found)
    assert (change.state, change.started_at, change.ended_at) == (State.REVIEW, INSIDE, INSIDE)
    assert (change.released_by, change.overtaken) == ((account("rosa"),), "")
    begun, ended = (await history(store, change.number))[-2:]
    assert [(each.act, each.who, each.why) for each in (begun, ended)] == [
        (Act.START, account("rosa"), "The pull request was merged."),
        (Act.FINISH, account("rosa"), "The pull request was merged."),
    ]
    assert await kinds(store) == [*known, *["countersign:change:moved"] * 2]
    assert record_of(await end(store, merged())) == change, "it is made once"
    assert change.authorisation == before.authorisation


async def test_a_merge_is_judged_by_its_own_moment_however_late_it_is_heard_of(store: Store) -> None:
    await scheduled(store)
    late = record_of(await end(store, merged(), at=SATURDAY + timedelta(days=3)))
    assert (late.state, late.started_at, late.overtaken) == (State.REVIEW, INSIDE, "")
    [start, _] = (await history(store, late.number))[-2:]
    assert start.at == SATURDAY + timedelta(days=3), "and on record from when it was heard of"


async def test_it_is_judged_by_the_policy_of_its_last_decision(store: Store) -> None:
    await scheduled(store)
    made = Made(PULL, FACTS, rules(), decision_of(), MONDAY)
    async with store.transaction() as connection:
        await record(connection, made, new_id=UUID(int=1))
    # What was merged can change the policy itself.
    frozen = Freeze("all", first=SATURDAY.date(), last=SATURDAY.date())
    stricter = rules(calendar=replace(rules().calendar, freezes=(frozen,)))
    assert record_of(await end(store, merged(), policy=stricter)).overtaken == ""


async def test_the_gate_waits_for_the_record_elsewhere_and_so_should_the_merge(store: Store) -> None:
    await scheduled(store)
    behind = Finding("change-record:elsewhere", Verdict.WAIT, "h", "w")
    kept = rules(records=Records(system=System.SERVICENOW))
    made = Made(PULL, FACTS, kept, replace(decision_of(), findings=(behind,)), MONDAY)
    async with store.transaction() as connection:
        await record(connection, made, new_id=UUID(int=1))
    change = record_of(await end(store, merged(), policy=kept))
    assert change.overtaken.endswith("waits for: the record in ServiceNow.")


async def test_github_counts_whole_seconds(store: Store) -> None:
    policy = rules(tiers={**rules().tiers, Tier.HIGH: BARE}, records=rules().records)
    _, found = await look(store, policy=policy, asked=True)
    change = record_of(found)
    assert change.authorisation is not None
    early = change.authorisation.at - timedelta(milliseconds=400)
    ended = record_of(await end(store, merged(early), policy=policy, at=MONDAY + HOUR))
    assert ended.started_at == change.authorisation.at


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (MONDAY + HOUR, "None of the windows `weekend` is open."),
        (SATURDAY + timedelta(hours=9), "The window was over at 2027-01-09 06:00 UTC."),
    ],
)
async def test_what_should_have_waited_goes_on_and_says_why_it_should(store: Store, at: datetime, told: str) -> None:
    await scheduled(store)
    change = record_of(await end(store, merged(at), at=at))
    assert change.state is State.REVIEW
    assert change.overtaken == f"The pull request was merged all the same: {told}"
    assert await acts(store, change.number) == [
        *(Act.SUBMIT, Act.ASSESS, Act.VOTE, Act.VOTE, Act.VOTE, Act.AUTHORIZE), Act.OVERTAKE, Act.FINISH,
    ]  # fmt: skip


async def test_what_blocked_it_when_it_was_looked_at_last_is_the_reason(store: Store) -> None:
    await scheduled(store)
    hold = Finding("hold", Verdict.WAIT, "h", "w")
    await look(store, decision=replace(decision_of(), findings=(hold,)))
    change = record_of(await end(store, merged()))
    assert change.overtaken.endswith("CHG-2027-0001 waits for: hold.")


async def test_reviewers_who_took_their_approval_back_are_missed(store: Store) -> None:
    await scheduled(store)
    await look(store, replace(FACTS, reviews=FACTS.reviews[:1]))
    change = record_of(await end(store, merged()))
    assert "is not authorised any more. Missing: 1 more from write access" in change.overtaken


async def test_who_merged_can_be_nobody_known(store: Store) -> None:
    await scheduled(store)
    assert record_of(await end(store, merged(by=None))).released_by == (GHOST,)


async def test_a_merge_of_which_github_says_nothing_was_now(store: Store) -> None:
    await scheduled(store)
    change = record_of(await end(store, replace(merged(), ended=None)))
    assert (change.started_at, change.released_by) == (INSIDE, (GHOST,))


async def test_what_nobody_had_looked_at_is_looked_at_first(store: Store) -> None:
    await scheduled(store)
    pushed = merged(facts=replace(FACTS, head=replace(FACTS.head, oid=oid("pushed"))))
    change = record_of(await end(store, pushed, diff="second"))
    assert change.is_unauthorised
    assert (change.contents.head, change.contents.diff, change.authorisation) == (oid("pushed"), "second", None)
    revised, bypassed = (await history(store, change.number))[-2:]
    assert (revised.act, revised.why) == (Act.REVISE, "Different now: the diff.")
    assert bypassed.act is Act.BYPASS
    assert "in state assess" in bypassed.why


async def test_a_rebase_that_nobody_had_looked_at_should_have_waited_for_that(store: Store) -> None:
    await scheduled(store)
    rebased = merged(facts=replace(FACTS, head=replace(FACTS.head, oid=oid("rebased"))))
    change = record_of(await end(store, rebased, diff="first"))
    assert (change.state, change.contents.head) == (State.REVIEW, oid("rebased"))
    assert change.overtaken.endswith("waits for: a look at what was merged.")


# Never authorised.


@pytest.mark.parametrize("events", [(), (ASK,), (ASK, *VOTES[:2])])
async def test_what_was_never_authorised_is_on_record_as_that(store: Store, events: tuple[Event, ...]) -> None:
    _, found = await look(store)
    before = record_of(await act(store, found, *events))
    change = record_of(await end(store, merged(by="ana")))
    assert change.is_unauthorised
    assert (change.state, change.released_by, change.started_at) == (State.CANCELLED, (account("ana"),), INSIDE)
    state = before.state.value
    assert change.notes == f"The pull request was merged without authorisation: {before.number} was in state {state}."
    async with store.transaction() as connection:
        row = await (await connection.execute("SELECT state, unauthorised, authorised_at FROM change")).fetchone()
    assert row == ("cancelled", True, None)
    again = record_of(await end(store, merged(by="ana"), at=SATURDAY + timedelta(days=9)))
    assert again == change, "it is noted once, and nothing closes it"


async def test_where_the_policy_only_observes_that_is_said(store: Store) -> None:
    observing = rules(mode=Mode.OBSERVE)
    await look(store, policy=observing)
    assert record_of(await end(store, merged(), policy=observing)).notes.endswith("The policy is only observed here.")


async def test_what_a_person_had_given_up_and_was_merged_says_so(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, Event(Act.CANCEL, account("ana"), "Superseded."))
    change = record_of(await end(store, merged()))
    assert change.is_unauthorised
    assert change.notes.startswith("Superseded.\nThe pull request was merged without authorisation: ")
    assert record_of(await end(store, merged())) == change


async def test_a_merge_without_a_record_is_no_matter_of_this(store: Store) -> None:
    assert (await end(store, merged())).change is None


# Where something else releases it.


def deployed() -> Policy:
    (application,) = rules().applications
    return rules(applications=(replace(application, environments=(("production", ("prod",)),)),))


async def test_where_there_are_environments_it_waits_for_its_deployment(store: Store) -> None:
    before = await scheduled(store, policy=deployed())
    found = await end(store, merged(), policy=deployed(), at=SATURDAY + timedelta(days=9))
    assert (record_of(found), found.wakes_at) == (before, None)
    async with store.transaction() as connection:
        [mine] = await parts.of(connection, before.number)
    assert mine.merge is not None
    assert (mine.merge.by, mine.merge.at) == (account("rosa"), INSIDE)


async def test_there_a_merge_of_what_is_not_authorised_yet_releases_nothing(store: Store) -> None:
    _, found = await look(store, policy=deployed())
    assert record_of(await end(store, merged(), policy=deployed())) == record_of(found)


# Emergencies.


async def test_an_emergency_is_made_by_its_merge_and_to_be_reviewed(store: Store) -> None:
    await declared(store)
    found = await end(store, merged(MONDAY + HOUR), policy=deployed(), at=MONDAY + 2 * HOUR)
    change = record_of(found)
    assert (change.state, change.review_due) == (State.REVIEW, MONDAY + timedelta(days=3, hours=1))
    assert found.wakes_at == change.review_due


async def test_one_that_was_merged_when_it_should_have_waited_is_reviewed_all_the_same(store: Store) -> None:
    await declared(store)
    frozen = Freeze("all", first=MONDAY.date(), last=MONDAY.date())
    policy = rules(calendar=replace(rules().calendar, freezes=(frozen,)))
    change = record_of(await end(store, merged(MONDAY), policy=policy, at=MONDAY))
    assert change.state is State.REVIEW
    assert change.review_due is not None
    assert change.overtaken.startswith("The pull request was merged all the same: ")


async def test_one_that_no_board_authorised_is_no_authorised_one(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, DECLARE)
    assert record_of(await end(store, merged(MONDAY), at=MONDAY)).is_unauthorised


# Closed without a merge.


@pytest.mark.parametrize("events", [(), (ASK,), (ASK, *VOTES)])
async def test_what_is_closed_without_a_merge_is_given_up(store: Store, events: tuple[Event, ...]) -> None:
    _, found = await look(store)
    await act(store, found, *events)
    change = record_of(await end(store, closed()))
    assert (change.state, change.authorisation, change.abandoned) == (State.CANCELLED, None, True)
    told = (await history(store, change.number))[-1]
    assert (told.act, told.who) == (Act.ABANDON, None)
    assert told.why == change.notes == "The pull request was closed without a merge, by @ana."
    assert record_of(await end(store, closed())) == change


async def test_it_is_told_when_nobody_knows_who_closed_it(store: Store) -> None:
    await look(store)
    unknown = replace(closed(), ended=None)
    assert record_of(await end(store, unknown)).notes.endswith("by nobody whom GitHub names.")


async def test_what_was_released_is_not_given_up_with_its_pull_request(store: Store) -> None:
    await scheduled(store)
    released = record_of(await end(store, merged()))
    assert record_of(await end(store, closed())) == released


async def test_opened_again_it_has_a_new_record_without_anything_of_the_old_one(store: Store) -> None:
    await scheduled(store)
    old = record_of(await end(store, closed()))
    _, found = await look(store)
    new = record_of(found)
    assert new.number != old.number
    assert (new.state, new.votes, new.authorisation, new.request) == (State.DRAFT, (), None, None)


async def test_one_that_somebody_once_asked_for_is_opened_again_as_well(store: Store) -> None:
    policy = rules(tiers=dict.fromkeys(Tier, BARE))
    await look(store, policy=policy, asked=True)
    old = record_of(await end(store, closed(), policy=policy))
    assert old.abandoned
    _, found = await look(store, policy=policy)
    assert record_of(found).number != old.number


async def test_what_a_person_gave_up_stays_given_up(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, Event(Act.CANCEL, account("ana"), "Superseded."))
    given_up = record_of(await end(store, closed()))
    assert not given_up.abandoned
    _, found = await look(store)
    assert record_of(found) == given_up


# Afterwards.


async def test_what_nobody_verifies_is_closed_a_day_after_its_release(store: Store) -> None:
    policy = rules(tiers={**rules().tiers, Tier.HIGH: replace(rules().tiers[Tier.HIGH], verification=None)})
    await scheduled(store, policy=policy)
    found = await end(store, merged(), policy=policy)
    assert found.wakes_at == INSIDE + QUIET
    early = await end(store, merged(), policy=policy, at=INSIDE + QUIET - HOUR)
    assert record_of(early).state is State.REVIEW
    done = await end(store, merged(), policy=policy, at=INSIDE + QUIET)
    assert (record_of(done).state, record_of(done).closure) == (State.CLOSED, Closure.SUCCESSFUL)
    told = (await history(store, record_of(done).number))[-1]
    assert (told.who, told.why) == (None, NOBODY_REPORTED)
    assert done.wakes_at is None


async def test_what_is_verified_is_not_and_somebody_is_reminded_of_that_once(store: Store) -> None:
    await scheduled(store)
    found = await end(store, merged(), board=standings())
    due = INSIDE + 4 * HOUR
    assert found.wakes_at == record_of(found).verification_due == due
    waits = await end(store, merged(), at=due - HOUR)
    assert (record_of(waits), waits.wakes_at) == (record_of(found), due)
    for at in (due, INSIDE + 9 * QUIET):
        late = await end(store, merged(), at=at, board=standings())
        assert (record_of(late).state, late.wakes_at) == (State.REVIEW, None)
    told = await history(store, record_of(found).number)
    assert [(each.act, each.who, each.why, each.at) for each in told[-2:]] == [
        (Act.FINISH, account("rosa"), "The pull request was merged.", INSIDE),
        (Act.REMIND_VERIFIERS, None, "Nobody has verified it in time.", due),
    ]


async def test_nobody_is_reminded_before_what_was_said_is_heard(store: Store) -> None:
    await scheduled(store)
    await end(store, merged())
    waiting = await end(store, merged(), at=INSIDE + QUIET, waiting=True)
    assert not record_of(waiting).verifiers_reminded


async def hear(store: Store, number: str, deed: str, login: str | None, value: str) -> None:
    async with store.transaction() as connection:
        if login is not None:
            known = [login, account(login).id]
            await connection.execute("INSERT INTO named_login (login, account_id) VALUES (%s, %s)", known)
        await connection.execute(
            "INSERT INTO change_heard (change, mark, deed, who, login, value, at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [number, value, deed, f"{login}.there", login, value, INSIDE],
        )


async def outcomes(store: Store) -> list[str]:
    async with store.transaction() as connection:
        cursor = await connection.execute("SELECT outcome FROM change_heard ORDER BY id")
        return [outcome async for (outcome,) in cursor]


async def test_who_verifies_can_close_it_in_the_other_system(store: Store) -> None:
    change = await scheduled(store)
    await end(store, merged())
    await hear(store, change.number, "close", "vera", "successful\nSettled twice without a difference.")
    found = record_of(await end(store, merged(), board=standings()))
    assert (found.state, found.closure, found.closed_by) == (State.CLOSED, Closure.SUCCESSFUL, account("vera"))
    assert found.notes == "Settled twice without a difference. (in Countersign's own register, by vera.there)"
    assert await outcomes(store) == ["done"]


@pytest.mark.parametrize(
    ("login", "value", "told"),
    [
        ("rosa", "successful\nIt is fine.", "@rosa does not have the role verifier"),
        ("vera", "unsuccessful\n", "To close a change as unsuccessful needs a reason."),
        ("zoe", "successful\nIt is fine.", "zoe, who is on no board here: that does not count."),
        (None, "successful\nIt is fine.", "nobody here by the policy: that does not count."),
    ],
)
async def test_by_the_same_rules_as_here(store: Store, login: str | None, value: str, told: str) -> None:
    change = await scheduled(store)
    await end(store, merged())
    await hear(store, change.number, "close", login, value)
    assert record_of(await end(store, merged(), board=standings())).state is State.REVIEW
    [outcome] = await outcomes(store)
    assert outcome.startswith("not counted: ")
    assert told in outcome


@pytest.mark.parametrize("code", ["backed out", "unsuccessful"])
async def test_one_word_there_can_mean_that_it_was_backed_out_here(store: Store, code: str) -> None:
    await scheduled(store)
    change = record_of(await end(store, merged()))
    if code == "unsuccessful":
        back = desk.act(Desk(change, (await end(store, merged())).context), Event(Act.BACK_OUT, account("ana"), "Bad."))
        assert not isinstance(back, Refused)
        async with store.transaction() as connection:
            for step in back[1]:
                await register.keep(connection, step)
    await hear(store, change.number, "close", "ana", f"{code}\nTotals differ.")
    board = (*standings(), Standing(account("ana"), standings()[0].permission))
    found = record_of(await end(store, merged(), board=board))
    assert (found.state, found.closure, found.backed_out) == (State.CLOSED, Closure.BACKED_OUT, True)


async def test_a_code_that_nobody_knows_ends_nothing(store: Store) -> None:
    change = await scheduled(store)
    await end(store, merged())
    await hear(store, change.number, "close", "vera", "?u_partial\nHalf of it.")
    assert record_of(await end(store, merged(), board=standings())).state is State.REVIEW
    assert await outcomes(store) == [
        "not counted: vera.there closed it in Countersign's own register as `u_partial`, which is no end that is known here."
    ]


async def test_what_was_released_is_not_cancelled_from_there(store: Store) -> None:
    change = await scheduled(store)
    await end(store, merged())
    await hear(store, change.number, "cancel", None, "")
    assert record_of(await end(store, merged())).state is State.REVIEW
    [outcome] = await outcomes(store)
    assert "what has been released is not cancelled" in outcome


# Pull requests that ship together.


async def together(store: Store, policy: Policy | None = None) -> tuple[Change, PullRequestFacts]:
    """A release of two pull requests, authorised by its board."""
    _, found = await look(store, policy=policy)
    second = replace(FACTS, number=8, head=replace(FACTS.head, oid=oid("head")))
    async with store.transaction() as connection:
        await parts.join(connection, record_of(found).number, OTHER, MONDAY)
    await look(store, second, subject=OTHER, diff="two", policy=policy)
    _, both = await look(store, policy=policy)
    change = record_of(await act(store, both, ASK, *VOTES))
    assert change.state is State.SCHEDULED, change.state
    return change, second


async def test_a_release_begins_with_its_first_merge_and_ends_with_its_last(store: Store) -> None:
    change, second = await together(store)
    first = record_of(await end(store, merged(INSIDE, "rosa")))
    assert (first.state, first.started_at, first.ended_at) == (State.IMPLEMENT, INSIDE, None)
    assert record_of(await end(store, merged(INSIDE, "rosa"))) == first
    last = record_of(await end(store, merged(INSIDE + HOUR, "zoe", second), at=INSIDE + HOUR, subject=OTHER))
    assert (last.state, last.started_at, last.ended_at) == (State.REVIEW, INSIDE, INSIDE + HOUR)
    assert last.released_by == (account("rosa"), account("zoe"))
    assert last.overtaken == ""
    assert [(each.act, each.why) for each in (await history(store, change.number))[-2:]] == [
        (Act.START, "#7 was merged."), (Act.FINISH, "#8 was merged."),
    ]  # fmt: skip


async def test_the_last_of_it_can_be_too_late(store: Store) -> None:
    _, second = await together(store)
    await end(store, merged())
    late = SATURDAY + timedelta(hours=9)
    change = record_of(await end(store, merged(late, "zoe", second), at=late, subject=OTHER))
    assert change.state is State.REVIEW
    assert change.overtaken == "#8 was merged all the same: The window was over at 2027-01-09 06:00 UTC."


async def test_what_was_pushed_after_the_release_had_begun_was_not_authorised(store: Store) -> None:
    _, second = await together(store)
    await end(store, merged())
    pushed = merged(INSIDE, "zoe", replace(second, head=replace(second.head, oid=oid("pushed"))))
    change = record_of(await end(store, pushed, subject=OTHER, diff="three"))
    assert change.state is State.REVIEW
    assert "What was authorised is not what would be done now." in change.overtaken


async def test_one_that_is_merged_before_all_are_authorised_has_a_record_of_its_own_for_that(store: Store) -> None:
    _, found = await look(store)
    release = record_of(found)
    async with store.transaction() as connection:
        await parts.join(connection, release.number, OTHER, MONDAY)
    second = replace(FACTS, number=8)
    await look(store, second, subject=OTHER, diff="two")
    _, both = await look(store)
    assert record_of(both).contents.pulls == (7, 8)
    own = record_of(await end(store, merged(facts=second), subject=OTHER))
    assert own.number != release.number
    assert own.is_unauthorised
    assert own.contents.pulls == (8,)
    _, left = await look(store)
    assert (record_of(left).number, record_of(left).state, record_of(left).contents.pulls) == (
        release.number, State.DRAFT, (7,),
    )  # fmt: skip
    assert "person:change:left" in await kinds(store)


async def test_one_that_is_closed_ships_no_more_and_the_others_do(store: Store) -> None:
    change, second = await together(store)
    rest = await end(store, closed(second, "bo"), subject=OTHER)
    assert rest.change is not None
    _, left = await look(store)
    assert (record_of(left).number, record_of(left).state, record_of(left).contents.pulls) == (
        change.number, State.ASSESS, (7,),
    )  # fmt: skip
    last = record_of(await end(store, closed()))
    assert (last.number, last.abandoned) == (change.number, True)


async def test_a_release_ends_when_what_is_left_of_it_is_merged(store: Store) -> None:
    _, second = await together(store)
    await end(store, merged())
    change = record_of(await end(store, closed(second, "bo"), subject=OTHER))
    assert (change.state, change.ended_at) == (State.REVIEW, INSIDE)
    assert (await history(store, change.number))[-1].why == "#8 was closed; all others were merged."


async def test_a_vote_that_comes_after_the_merge_authorises_nothing(store: Store) -> None:
    _, found = await look(store)
    await act(store, found, ASK, *VOTES[:2])
    ended = await end(store, merged(), board=standings())
    refused = desk.act(ended, vote("cora"))
    assert isinstance(refused, Refused)
    assert "nothing happens to it any more" in refused.what
