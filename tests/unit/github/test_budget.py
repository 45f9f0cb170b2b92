from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from bot.github.budget import CONTENT_A_MINUTE, CONTENT_AN_HOUR, POINTS_A_MINUTE, Allowance, Budget, Window
from bot.github.errors import NotSent, RateLimited, Unanswered
from bot.github.lanes import Lane
from tests.unit.github.conftest import limits

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ONE = timedelta(hours=1) + NOON
SECOND = timedelta(seconds=1)


@dataclass
class Settable:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return (self.now - NOON).total_seconds()


@pytest.fixture
def settable() -> Settable:
    return Settable()


@pytest.fixture
def budget(settable: Settable) -> Budget:
    return Budget(settable, settable.monotonic)


def observe(
    budget: Budget, remaining: int, *, reset: datetime = ONE, limit: int = 5000, resource: str = "core"
) -> None:
    headers = limits(remaining, limit=limit, reset=reset, resource=resource)
    budget.observe({name.lower(): value for name, value in headers.items()}, asked=resource)


def ask(
    budget: Budget, lane: Lane = Lane.PERSON, *, resource: str = "core", write: bool = False, creates: bool = False
) -> None:
    with budget.spending(lane, resource=resource, write=write, creates=creates):
        pass


def admitted(budget: Budget, lane: Lane = Lane.PERSON, *, write: bool = False, creates: bool = False) -> int:
    """How many requests go through at this moment."""
    for count in range(10_000):
        try:
            ask(budget, lane, write=write, creates=creates)
        except RateLimited:
            return count
    raise AssertionError("there is no end")


def refused(budget: Budget, lane: Lane = Lane.PERSON, *, creates: bool = False, resource: str = "core") -> datetime:
    with pytest.raises(RateLimited) as limited:
        ask(budget, lane, resource=resource, creates=creates)
    return limited.value.until


def test_a_server_without_limits_is_asked_freely(budget: Budget) -> None:
    budget.observe({}, asked="core")
    ask(budget)
    assert budget.remaining() == {}


@pytest.mark.parametrize(
    ("lane", "reserve"), [(Lane.SWEEP, 2500), (Lane.TIMER, 1250), (Lane.DEPLOYMENT, 500), (Lane.PERSON, 100)]
)
def test_a_lane_leaves_what_more_urgent_ones_may_need(budget: Budget, lane: Lane, reserve: int) -> None:
    observe(budget, reserve + 1)
    ask(budget, lane)
    observe(budget, reserve)
    assert refused(budget, lane) == ONE
    with pytest.raises(RateLimited, match="GitHub's REST limit until 2026-11-24 13:00:00 UTC"):
        ask(budget, lane)


def test_a_more_urgent_lane_goes_on(budget: Budget) -> None:
    observe(budget, 2000)
    assert refused(budget, Lane.SWEEP) == ONE
    ask(budget, Lane.PERSON)


def test_each_resource_has_its_own_budget(budget: Budget) -> None:
    observe(budget, 0)
    observe(budget, 4000, resource="graphql")
    assert refused(budget) == ONE
    ask(budget, resource="graphql")
    observe(budget, 0, resource="graphql")
    with pytest.raises(RateLimited, match="GitHub's GraphQL limit"):
        ask(budget, resource="graphql")


def test_each_installation_has_its_own_budget(budget: Budget, settable: Settable) -> None:
    observe(budget, 0)
    ask(Budget(settable, settable.monotonic))


def test_after_the_reset_nothing_is_known(budget: Budget, settable: Settable) -> None:
    observe(budget, 0)
    settable.now = ONE
    ask(budget)
    assert budget.remaining() == {}


def test_requests_on_their_way_count(budget: Budget) -> None:
    observe(budget, 102)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(budget.spending(Lane.PERSON, resource="core", write=False, creates=False))
        assert budget.remaining()["core"].remaining == 100
        assert refused(budget) == ONE
    observe(budget, 100)
    assert budget.remaining()["core"] == Allowance(5000, 100, ONE)


def test_an_answer_that_costs_nothing_gives_back_what_was_counted(budget: Budget) -> None:
    observe(budget, 4000)
    for _ in range(3):
        with budget.spending(Lane.PERSON, resource="core", write=False, creates=False):
            observe(budget, 4000)
    assert budget.remaining()["core"].remaining == 4000


def test_what_was_not_sent_is_not_counted_and_what_may_have_been_is(budget: Budget) -> None:
    observe(budget, 4000)
    failures: list[tuple[Exception, int]] = [(NotSent("GitHub"), 4000), (Unanswered("GitHub"), 3999)]
    for failure, left in failures:
        with (
            pytest.raises(type(failure)),
            budget.spending(Lane.PERSON, resource="core", write=False, creates=False),
        ):
            raise failure
        assert budget.remaining()["core"].remaining == left


def test_an_answer_without_figures_is_counted(budget: Budget) -> None:
    observe(budget, 4000)
    budget.observe({"x-ratelimit-remaining": "4000"}, asked="core")
    budget.observe({"x-ratelimit-remaining": "x", "x-ratelimit-limit": "1", "x-ratelimit-reset": "2"}, asked="core")
    assert budget.remaining()["core"].remaining == 3998


def test_an_older_server_names_no_resource(budget: Budget) -> None:
    headers = limits(17, reset=ONE)
    del headers["X-RateLimit-Resource"]
    budget.observe({name.lower(): value for name, value in headers.items()}, asked="graphql")
    assert budget.remaining() == {"graphql": Allowance(5000, 17, ONE)}


def test_an_answer_that_was_overtaken_tells_nothing_new(budget: Budget) -> None:
    observe(budget, 3000)
    observe(budget, 3001)
    assert budget.remaining()["core"].remaining == 3000
    observe(budget, 4999, reset=ONE + 59 * SECOND)
    assert budget.remaining()["core"].remaining == 3000
    observe(budget, 4999, reset=ONE - timedelta(minutes=5))
    assert budget.remaining()["core"].remaining == 3000
    observe(budget, 4999, reset=ONE + timedelta(hours=1))
    assert budget.remaining()["core"].remaining == 4999


def test_a_minute_has_nine_hundred_points_and_a_write_takes_five(budget: Budget, settable: Settable) -> None:
    assert POINTS_A_MINUTE == {"core": 900, "graphql": 2000}
    writes = admitted(budget, write=True)
    assert writes == 900 * 0.98 // 5
    # What is left is enough for a read or two.
    assert admitted(budget) == 2
    settable.now += 20 * SECOND
    with pytest.raises(RateLimited, match="limits of requests and comments until 2026-11-24 12:01:00 UTC"):
        ask(budget, write=True)
    settable.now = NOON + timedelta(minutes=1)
    ask(budget, write=True)


def test_less_urgent_lanes_leave_a_part_of_every_window(budget: Budget) -> None:
    assert admitted(budget, Lane.SWEEP) == 450
    assert admitted(budget, Lane.TIMER) == 225
    assert admitted(budget, Lane.DEPLOYMENT) == 135
    assert admitted(budget, Lane.PERSON) == 72


def test_what_people_see_appear_has_windows_of_its_own(budget: Budget, settable: Settable) -> None:
    assert (CONTENT_A_MINUTE, CONTENT_AN_HOUR) == (80, 500)
    begun, count = settable.now, 0
    while count < 490:
        now = admitted(budget, write=True, creates=True)
        assert now in {78, 490 % 78}
        count += now
        if count < 490:
            assert refused(budget, creates=True) == settable.now + timedelta(minutes=1)
            ask(budget)
            settable.now += timedelta(minutes=1)
    assert count == 490
    # Now it is the hour that is full.
    assert refused(budget, creates=True) == begun + timedelta(hours=1)
    ask(budget)


def test_a_window_says_when_enough_is_free_again() -> None:
    window = Window(10, 60.0)
    window.spend(0, 4)
    window.spend(10, 4)
    assert window.wait(20, 2) == 0
    assert window.wait(20, 3) == 40
    assert window.wait(20, 7) == 50
    assert window.wait(20, 2, reserve=0.1) == 40
    assert window.wait(60, 6) == 0
    assert window.wait(70, 10) == 0
    assert (window.total, list(window.spent)) == (0, [])


def stopped(budget: Budget, clock: Settable) -> timedelta:
    return refused(budget) - clock.now


def secondary(clock: Settable, after: timedelta, *, named: bool) -> RateLimited:
    return RateLimited(clock.now + after, secondary=True, named=named)


def test_githubs_moment_stops_every_lane_and_resource(budget: Budget, settable: Settable) -> None:
    budget.stop(secondary(settable, 90 * SECOND, named=True))
    for lane in Lane:
        assert refused(budget, lane) == NOON + 90 * SECOND
    assert refused(budget, resource="graphql") == NOON + 90 * SECOND
    settable.now += 90 * SECOND
    ask(budget)


def test_without_a_moment_each_stop_is_longer(budget: Budget, settable: Settable) -> None:
    waits = []
    for _ in range(8):
        budget.stop(secondary(settable, timedelta(minutes=1), named=False))
        waits.append(stopped(budget, settable) // timedelta(minutes=1))
        settable.now = refused(budget)
        ask(budget)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    settable.now += timedelta(hours=1)
    budget.stop(secondary(settable, timedelta(minutes=1), named=False))
    assert stopped(budget, settable) == timedelta(minutes=1)


def test_requests_that_are_refused_together_stop_once(budget: Budget, settable: Settable) -> None:
    for _ in range(20):
        budget.stop(secondary(settable, timedelta(minutes=1), named=False))
    assert stopped(budget, settable) == timedelta(minutes=1)
    budget.stop(secondary(settable, timedelta(minutes=3), named=True))
    budget.stop(secondary(settable, timedelta(minutes=2), named=True))
    assert stopped(budget, settable) == timedelta(minutes=3)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5), st.sampled_from(Lane)), max_size=200))
def test_no_window_is_ever_overspent(steps: list[tuple[float, int, Lane]]) -> None:
    window, now, spent = Window(20, 60.0), 0.0, list[tuple[float, int]]()
    for passed, points, lane in steps:
        now += passed
        wait = window.wait(now, points, reserve=lane.reserve)
        in_window = sum(amount for at, amount in spent if at > now - 60)
        if wait == 0:
            window.spend(now, points)
            spent.append((now, points))
            assert in_window + points <= 20 * (1 - lane.reserve)
        else:
            assert in_window + points > 20 * (1 - lane.reserve)
            assert deepcopy(window).wait(now + wait + 1e-9, points, reserve=lane.reserve) == 0


class Server(RuleBasedStateMachine):
    """GitHub counts; answers come in any order, some are lost, some cost nothing, and others spend as well."""

    LIMIT = 100

    @initialize()
    def begin(self) -> None:
        self.clock = Settable()
        self.budget = Budget(self.clock, self.clock.monotonic)
        self.left, self.reset = self.LIMIT, ONE
        self.said: int | None = None
        self.under_way = 0
        self.told: list[timedelta] = []

    answers = Bundle[tuple[Callable[..., None], int, datetime]]("answers")

    @rule(target=answers, lane=st.sampled_from(Lane), free=st.booleans())
    def send(self, lane: Lane, free: bool) -> Any:
        spending = self.budget.spending(lane, resource="core", write=False, creates=False)
        try:
            spending.__enter__()
        except RateLimited as limited:
            self.told.append(limited.until - self.clock.now)
            return multiple()
        if self.said is not None:
            # GitHub said so, and what is under way may be counted already or not: more than the reserve is left.
            assert self.said - self.under_way - 1 >= self.LIMIT * lane.reserve
        self.under_way += 1
        self.left -= 0 if free or self.left == 0 else 1
        return spending.__exit__, self.left, self.reset

    @rule(answer=consumes(answers))
    def arrive(self, answer: tuple[Callable[..., None], int, datetime]) -> None:
        close, left, reset = answer
        headers = limits(left, limit=self.LIMIT, reset=reset)
        self.budget.observe({name.lower(): value for name, value in headers.items()}, asked="core")
        close(None, None, None)
        self.under_way -= 1
        if reset == self.reset:
            self.said = left if self.said is None else min(self.said, left)

    @rule(answer=consumes(answers))
    def lose(self, answer: tuple[Callable[..., None], int, datetime]) -> None:
        error = Unanswered("GitHub")
        answer[0](Unanswered, error, None)
        self.under_way -= 1

    @rule(spent=st.integers(1, 30))
    def others_spend(self, spent: int) -> None:
        self.left = max(self.left - spent, 0)

    @rule(passed=st.integers(1, 40))
    def time_passes(self, passed: int) -> None:
        self.clock.now += timedelta(minutes=passed)
        if self.clock.now >= self.reset:
            self.left, self.reset, self.said = self.LIMIT, self.clock.now + timedelta(hours=1), None

    @invariant()
    def whoever_has_to_wait_is_told_until_when(self) -> None:
        assert all(wait > timedelta() for wait in self.told)

    @invariant()
    def it_never_believes_more_than_github_said(self) -> None:
        believed = self.budget.remaining().get("core")
        if self.said is None:
            assert believed is None
        else:
            assert believed is not None
            assert believed.remaining <= self.said - self.under_way
            assert believed.reset == self.reset


TestServer = Server.TestCase
TestServer.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
