"""When a change may be merged, where its merge releases it: the calendar's windows and freezes, and the board's time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.changes import findings, guards
from bot.changes.model import Act, Authorisation, Change, Event
from bot.decide.evaluate import decide
from bot.decide.verdict import Decision, Verdict
from bot.deployments.windows import Interval
from bot.facts.model import PullRequestFacts, RecordFacts, Waived
from bot.policy.model import Application, Calendar, ChangeType, Freeze, Policy, Tier, TierRules, Window
from tests.unit.builders import REPOSITORY, account, approved, demand, finding, found, policy, pull_request
from tests.unit.changes import builders as changes

READY = pull_request(reviews=[approved("ben")])
MONDAY = datetime(2027, 1, 4, 12, tzinfo=UTC)
SATURDAY = datetime(2027, 1, 9, 2, tzinfo=UTC)
WEEKEND = (SATURDAY, SATURDAY + timedelta(hours=4))
FREEZE = Freeze("tax", first=date(2027, 1, 24), last=date(2027, 2, 1), excepted=(ChangeType.EMERGENCY,))
CALENDAR = Calendar(
    windows=(
        ("weekend", (Window("FREQ=WEEKLY;BYDAY=SA;BYHOUR=2;BYMINUTE=0", timedelta(hours=4)),)),
        ("never", (Window("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", timedelta(hours=4)),)),
    )
)


def rules(
    *windows: str, freezes: tuple[Freeze, ...] = (), environments: Any = (), calendar: Calendar = CALENDAR
) -> Policy:
    """A policy whose tier low has these windows."""
    low = TierRules((demand(1, "write"),), windows=(windows,) if windows else ())
    return replace(
        policy(),
        tiers={**policy().tiers, Tier.LOW: low},
        calendar=replace(calendar, freezes=freezes),
        applications=(Application("payments", (REPOSITORY.name,), Tier.LOW, environments=environments),),
    )


def planned(window: tuple[datetime, datetime] | None = None, kind: ChangeType = ChangeType.NORMAL) -> PullRequestFacts:
    return replace(READY, record=RecordFacts("CHG-2027-0001", "scheduled", (), kind.value, window))


def at(moment: datetime, demanded: Policy, facts: PullRequestFacts = READY) -> Decision:
    return decide(facts, demanded, moment)


def test_outside_its_window_it_waits_until_that_opens_and_says_when() -> None:
    decision = at(MONDAY, rules("weekend"))
    window = found(decision, "window")
    assert decision.verdict is Verdict.WAIT
    assert decision.next_at == window.until == SATURDAY
    assert window.headline == "its window, 2027-01-09 02:00 UTC"
    assert window.what == "None of the windows `weekend` is open."
    assert window.why == "The merge releases this change: the policy names no environment that it is deployed to."
    assert window.remedy == "It goes on by itself at 2027-01-09 02:00 UTC; `/schedule` chooses another time."


def test_in_its_window_it_passes_until_that_closes() -> None:
    decision = at(SATURDAY, rules("weekend"))
    assert decision.verdict is Verdict.PASS
    assert decision.next_at == WEEKEND[1]
    assert found(decision, "window").what == "It can be merged until 2027-01-09 06:00 UTC."
    assert at(WEEKEND[1] - timedelta(seconds=1), rules("weekend")).verdict is Verdict.PASS
    assert at(WEEKEND[1], rules("weekend")).next_at == SATURDAY + timedelta(days=7)


def test_any_time_will_do_where_nothing_is_demanded() -> None:
    decision = at(MONDAY, rules())
    assert (decision.verdict, decision.next_at) == (Verdict.PASS, None)
    assert finding(decision, "window") is finding(decision, "freeze") is None


def test_what_is_deployed_is_held_at_its_deployment_and_not_at_its_merge() -> None:
    deployed = rules("weekend", freezes=(FREEZE,), environments=(("production", ("prod",)),))
    decision = at(MONDAY, deployed)
    assert (decision.verdict, decision.next_at) == (Verdict.PASS, None)
    assert finding(decision, "window") is finding(decision, "freeze") is None


def test_a_repository_in_no_application_is_released_by_its_merge() -> None:
    lost = replace(rules("weekend"), applications=(), observed=("inventory",))
    high = replace(lost.tiers[Tier.HIGH], windows=(("weekend",),))
    assert at(MONDAY, replace(lost, tiers={**lost.tiers, Tier.HIGH: high})).verdict is Verdict.WAIT


def test_a_freeze_holds_also_what_has_no_window_and_says_until_when() -> None:
    frozen = rules(freezes=(FREEZE,))
    before, during = at(MONDAY, frozen), at(datetime(2027, 1, 25, tzinfo=UTC), frozen)
    assert found(before, "freeze").what == "No freeze holds until 2027-01-24 00:00 UTC."
    assert before.next_at == datetime(2027, 1, 24, tzinfo=UTC)
    assert during.verdict is Verdict.WAIT
    assert found(during, "freeze").headline == "a freeze, until 2027-02-02 00:00 UTC"
    assert found(during, "freeze").what == "The freeze `tax` lasts until 2027-02-02 00:00 UTC."
    assert found(during, "freeze").remedy == "It goes on by itself when the freeze is over, at 2027-02-02 00:00 UTC."
    assert during.next_at == datetime(2027, 2, 2, tzinfo=UTC)
    assert finding(during, "window") is None


def test_a_freeze_that_is_over_for_good_is_waited_for_by_nobody() -> None:
    decision = at(MONDAY, rules(freezes=(replace(FREEZE, first=date(2020, 1, 1), last=date(2020, 1, 2)),)))
    assert found(decision, "freeze").what == "No freeze holds."
    assert (decision.verdict, decision.next_at) == (Verdict.PASS, None)


def test_of_two_freezes_the_last_end_is_told_and_each_end_is_looked_at() -> None:
    other = replace(FREEZE, name="audit", last=date(2027, 1, 27))
    decision = at(datetime(2027, 1, 25, tzinfo=UTC), rules(freezes=(FREEZE, other)))
    assert found(decision, "freeze").headline == "a freeze, until 2027-02-02 00:00 UTC"
    assert decision.next_at == datetime(2027, 1, 28, tzinfo=UTC)


def test_a_freeze_until_further_notice_has_no_end_that_moves() -> None:
    endless = replace(FREEZE, name="merger", last=date(2200, 12, 31))
    first, later = (at(datetime(2027, 2, 25, hour, tzinfo=UTC), rules(freezes=(endless,))) for hour in (1, 2))
    assert found(first, "freeze").headline == "a freeze, until further notice"
    assert found(first, "freeze").what == "The freeze `merger` lasts until further notice."
    assert found(first, "freeze").remedy == "The owners of the policy end the freeze `merger` in its calendar."
    assert first.next_at is None
    assert first == later, "it is not decided anew every hour"


def test_the_end_of_a_freeze_is_looked_at_while_another_lasts_until_further_notice() -> None:
    endless = replace(FREEZE, name="merger", last=date(2200, 12, 31))
    decision = at(datetime(2027, 1, 25, tzinfo=UTC), rules(freezes=(FREEZE, endless)))
    assert found(decision, "freeze").headline == "a freeze, until further notice"
    assert decision.next_at == datetime(2027, 2, 2, tzinfo=UTC)


def test_in_a_window_between_freezes_both_are_told() -> None:
    decision = at(SATURDAY, rules("weekend", freezes=(FREEZE,)))
    assert [finding.id for finding in decision.findings][-2:] == ["freeze", "window"]
    assert found(decision, "freeze").what == "No freeze holds."
    assert decision.next_at == WEEKEND[1]


def test_a_window_that_never_opens_is_for_the_owners_of_the_policy() -> None:
    window = found(at(MONDAY, rules("never")), "window")
    assert (window.headline, window.until) == ("a window, and none comes", None)
    assert window.remedy == "The owners of the policy give the calendar a window for this tier."


def test_the_board_has_it_released_in_its_own_window() -> None:
    later = (WEEKEND[0] + timedelta(days=7), WEEKEND[1] + timedelta(days=7))
    early = at(SATURDAY, rules("weekend"), planned(later))
    assert (early.verdict, early.next_at) == (Verdict.WAIT, later[0])
    assert found(early, "window").what == "It is planned for 2027-01-16 02:00 to 2027-01-16 06:00 UTC."
    assert at(later[0], rules("weekend"), planned(later)).verdict is Verdict.PASS


OVER = "Nothing is left of the time that it is planned for, 2027-01-09 02:00 to 2027-01-09 06:00 UTC."


def test_nothing_goes_on_by_itself_when_the_time_that_it_is_planned_for_is_over() -> None:
    for moment in (WEEKEND[1], SATURDAY + timedelta(days=7)):
        over = at(moment, rules("weekend"), planned(WEEKEND))
        window = found(over, "window")
        assert (over.verdict, over.next_at) == (Verdict.WAIT, None)
        assert (window.headline, window.what) == ("another window: its own is over", OVER)
        assert window.remedy == "Another time is planned by itself, and the board that decides is asked about that."


def test_what_is_left_of_a_release_that_has_begun_is_told_the_way_out() -> None:
    begun = replace(READY, record=RecordFacts("CHG-2027-0001", "implement", (), "normal", WEEKEND))
    window = found(at(SATURDAY + timedelta(days=7), rules("weekend"), begun), "window")
    assert (window.headline, window.what) == ("a record of its own: its window is over", OVER)
    assert window.remedy == (
        "`/change unlink` takes the pull request out of its release, which ends with what was merged; "
        "it has a record of its own then, for which everything is asked anew."
    )
    early = found(at(MONDAY, rules("weekend"), begun), "window")
    assert early.remedy == "It goes on by itself at 2027-01-09 02:00 UTC.", "no other time is chosen any more"
    assert at(SATURDAY, rules("weekend"), begun).verdict is Verdict.PASS


def test_a_freeze_that_outlasts_the_planned_time_is_not_what_it_goes_on_after() -> None:
    freeze = replace(FREEZE, first=date(2027, 1, 9), last=date(2027, 1, 10))
    frozen = at(SATURDAY, rules("weekend", freezes=(freeze,)), planned(WEEKEND))
    assert (found(frozen, "freeze").remedy, found(frozen, "window").headline) == ("", "another window: its own is over")
    before = at(SATURDAY - timedelta(hours=1), rules("weekend", freezes=(freeze,)), planned(WEEKEND))
    assert found(before, "freeze").remedy


def test_a_freeze_that_ends_in_the_planned_time_is_waited_for() -> None:
    freeze = replace(FREEZE, first=SATURDAY - timedelta(days=1), last=SATURDAY + timedelta(hours=1))
    decision = at(SATURDAY, rules("weekend", freezes=(freeze,)), planned(WEEKEND))
    assert finding(decision, "window") is None
    assert "It goes on by itself" in found(decision, "freeze").remedy


def test_a_window_that_is_authorised_binds_where_the_calendar_would_let_it_go_on() -> None:
    decision = at(MONDAY, rules(), planned(WEEKEND))
    assert (decision.verdict, decision.next_at) == (Verdict.WAIT, SATURDAY)
    assert at(SATURDAY, rules(), planned(WEEKEND)).next_at == WEEKEND[1]


def test_an_emergency_needs_no_window_and_no_environment_lets_it_into_a_freeze() -> None:
    strict = replace(FREEZE, excepted=())
    deployed = rules("weekend", freezes=(strict,), environments=(("production", ("prod",)),))
    assert at(MONDAY, rules("weekend"), planned(kind=ChangeType.EMERGENCY)).verdict is Verdict.PASS
    held = at(datetime(2027, 1, 25, tzinfo=UTC), deployed, planned(kind=ChangeType.EMERGENCY))
    assert held.verdict is Verdict.WAIT
    assert found(held, "freeze").why == "The merge of an emergency releases it."


def test_an_emergency_passes_until_its_time_is_up() -> None:
    lane = (MONDAY, MONDAY + timedelta(hours=4))
    decision = at(MONDAY, rules("weekend"), planned(lane, ChangeType.EMERGENCY))
    assert (decision.verdict, decision.next_at) == (Verdict.PASS, lane[1])
    assert found(decision, "window").what == "It can be merged until 2027-01-04 16:00 UTC."
    assert at(lane[1], rules("weekend"), planned(lane, ChangeType.EMERGENCY)).verdict is Verdict.WAIT


def test_what_waits_for_people_is_not_told_the_time() -> None:
    decision = at(MONDAY, rules("weekend", freezes=(FREEZE,)), pull_request())
    assert decision.verdict is Verdict.WAIT
    assert finding(decision, "window") is finding(decision, "freeze") is None
    assert decision.next_at is None


def test_the_time_can_be_observed_and_never_waived() -> None:
    observed = at(MONDAY, replace(rules("weekend"), observed=("window",)))
    assert (observed.verdict, found(observed, "window").verdict) == (Verdict.PASS, Verdict.WAIT)
    asked = Waived("window", "The auditors want it.", account("ana"), account("rick"), MONDAY, SATURDAY)
    assert at(MONDAY, rules("weekend"), replace(READY, waivers=(asked,))).verdict is Verdict.WAIT


def test_a_calendar_that_cannot_be_used_opens_nothing() -> None:
    broken = rules("weekend", calendar=replace(CALENDAR, timezone="Europe/Atlantis"))
    assert found(at(SATURDAY, broken), "window").what == "There is no time zone `Europe/Atlantis`."


TIMES = st.integers(0, 60 * 24 * 4).map(lambda quarters: MONDAY + timedelta(minutes=15 * quarters))
RECORDS = st.sampled_from(Tier).map(changes.draft)


@settings(deadline=None)
@given(
    moment=TIMES,
    record=RECORDS,
    kind=st.sampled_from(ChangeType),
    days=st.integers(-7, 21),
    chosen=st.booleans(),
    given_at=st.none() | TIMES,
)
def test_it_passes_exactly_when_a_merge_would_begin_the_release_in_time(
    moment: datetime, record: Change, kind: ChangeType, days: int, *, chosen: bool, given_at: datetime | None
) -> None:
    window = record.contents.window
    assert window is not None
    moved = Interval(window.start + timedelta(days=days), window.end + timedelta(days=days))
    record = replace(record, contents=replace(record.contents, kind=kind, window=moved, scheduled=chosen))
    given_ = Authorisation(given_at, "first", record.contents.routing) if given_at is not None else None
    record = replace(record, authorisation=given_)
    demanded = changes.rules()
    tier = record.contents.tier
    demanded = replace(demanded, applications=(Application("payments", (REPOSITORY.name,), tier),))
    context = replace(changes.context(), policy=demanded, now=moment)
    facts = replace(
        pull_request(reviews=[approved("ben"), approved("carl")]), record=findings.known(record, (), context)
    )
    refused = guards.window_open(record, Event(Act.START), context)
    assert (decide(facts, demanded, moment).verdict is Verdict.PASS) is (refused is None)
