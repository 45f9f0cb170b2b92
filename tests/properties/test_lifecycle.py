"""Whatever happens in whatever order: nothing is released without the authorisation that the policy demands."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.changes import cab
from bot.changes.context import Context
from bot.changes.lifecycle import advance, apply, noticed
from bot.changes.model import Act, Applied, Change, Choice, Closure, Contents, Event, Request, State, Vote
from bot.changes.planning import planned
from bot.decide.verdict import Demand
from bot.deployments.windows import Interval
from bot.facts.model import Account, AccountKind, Standing
from bot.policy.model import ChangeType, OnTimeout, Plan, Policy, Tier
from tests.unit.builders import account, bot
from tests.unit.changes.builders import (
    BOARD,
    GIVEN,
    MONDAY,
    PLANS,
    ROLES,
    SATURDAY,
    WEEKEND,
    contents,
    on_timeout,
    standing,
)

NEXT = Interval(WEEKEND.start + timedelta(days=7), WEEKEND.end + timedelta(days=7))

# Some sit on the board and contribute, some have two accounts, one is a program, one comes later.
TEAMS: dict[str, tuple[str, ...]] = {
    **BOARD,
    "ana": ("acme/cab", "acme/it"),
    "bo": ("acme/cab",),
    "cleo-admin": ("acme/cab",),
    "rosa": ("acme/release", "acme/cab"),
    "vera": ("acme/verification",),
    "newt": ("acme/cab", "acme/compliance"),
    "zoe": (),
    "dina": ("acme/directors",),
    "dora": ("acme/directors", "acme/risk"),
}
PEOPLE = sorted(TEAMS)
SAME = {"cleo-admin": "cleo"}
accounts = st.sampled_from(PEOPLE)
some = st.sampled_from([set(PEOPLE), {"cleo", "cora", "omar"}, {"ida", "rick", "cora"}]) | st.sets(accounts, max_size=5)


def person(account_: Account) -> str:
    return SAME.get(account_.login, account_.login)


def stands_for(votes: list[tuple[str, str, str, Choice]], diff: str) -> dict[str, Choice]:
    """The last word of each person, written a second time and in another way than the program does."""
    return {who: choice for who, _, given_for, choice in votes if given_for == diff}


class Life(RuleBasedStateMachine):
    """A change, and everybody who tries everything."""

    @initialize(tier=st.sampled_from(list(Tier)), timeout=st.sampled_from(list(OnTimeout)))
    def open(self, tier: Tier, timeout: OnTimeout) -> None:
        self.bank: Policy = on_timeout(timeout, *(["director"] if timeout is OnTimeout.ESCALATE else []))
        self.now: datetime = MONDAY
        self.teams = {login: teams for login, teams in TEAMS.items() if login != "newt"}
        self.blocking: tuple[str, ...] = ()
        self.demands: tuple[Demand, ...] = GIVEN
        self.change = Change("CHG-2027-0001", "pull:77:7", self.filled(tier), opened_at=MONDAY)
        self.robot = bot("robot")
        # What the model knows by itself: who said what in this round, and who asked.
        self.said: list[tuple[str, str, str, Choice]] = []
        self.askers: set[str] = set()
        self.on_board: set[str] = set()
        self.beside: set[str] = set()

    def filled(self, tier: Tier, **changes: object) -> Contents:
        kind = {Tier.LOW: ChangeType.STANDARD}.get(tier, ChangeType.NORMAL)
        return contents(tier, **{"routing": cab.routing(self.bank, tier, kind), **changes})

    @property
    def context(self) -> Context:
        standings = [standing(login, *teams) for login, teams in self.teams.items()]
        standings.append(Standing(bot("robot"), standings[0].permission, ("acme/cab",)))
        return Context(self.bank, self.now, tuple(standings), self.demands, self.blocking)

    def try_(self, event: Event) -> bool:
        """Whether it happened; what it did is checked against what the model knows."""
        before = self.change
        found = apply(before, event, self.context)
        if isinstance(found, Applied):
            self.follow(found)
            return True
        return False

    def follow(self, step: Applied) -> None:
        before, self.change = self.change, step.change
        told = step.transition
        assert told.version == self.change.version == before.version + 1
        assert told.why
        assert told.before is before.state
        assert told.after is self.change.state
        if told.act is Act.ASSESS:
            self.said = []
        if told.act in {Act.SUBMIT, Act.DECLARE} and told.who is not None:
            self.askers.add(person(told.who))
        if told.act is Act.SUBMIT:
            self.on_board = {login for login, teams in self.teams.items() if self.roles(teams, before)}
            self.beside = set()
        if told.act is Act.ESCALATE:
            self.beside = {login for login, teams in self.teams.items() if self.is_director(teams)}
        if told.act in {Act.ASSESS, Act.REVISE, Act.DECLARE}:
            self.beside = set()
        assert (found := step.announcement) is None or (found.text and found.version == told.version)
        if told.act is Act.AUTHORIZE:
            self.check_authorised()
            inside = self.change.contents
            if inside.routing.has_board and inside.kind is not ChangeType.EMERGENCY:
                assert inside.window is not None, "a board authorises a time"
                assert self.now < inside.window.end, "that somebody can still use"
        if told.act in {Act.START, Act.OVERTAKE}:
            assert before.state is State.SCHEDULED
            assert before.authorisation is not None
            assert before.authorisation.diff == self.change.contents.diff
            assert before.authorisation.routing == cab.routing(
                self.bank, before.contents.tier, before.contents.kind
            )  # fmt: skip
            assert told.act is Act.OVERTAKE or not self.blocking

    def roles(self, teams: tuple[str, ...], change: Change) -> set[str]:
        return {role for role in change.contents.routing.roles if set(ROLES[role]) & set(teams)}

    def is_director(self, teams: tuple[str, ...]) -> bool:
        return "acme/directors" in teams

    def has_a_seat(self, login: str) -> bool:
        """Whether they sit on the board now, by the role for which they were asked."""
        teams = self.teams.get(login, ())
        first = login in self.on_board and bool(self.roles(teams, self.change))
        return first or (login in self.beside and self.is_director(teams))

    def check_authorised(self) -> None:
        """What the policy demands was given, counted by hand."""
        inside, tier = self.change.contents, self.change.contents.tier
        sign_off: tuple[str, ...] = ()
        assert not self.blocking
        if inside.kind is ChangeType.EMERGENCY:
            assert self.change.emergency is not None
            quorum = self.bank.emergency.quorum
        else:
            assert all(each.given >= each.needed for each in self.demands)
            demanded = self.bank.tiers[tier]
            sign_off = demanded.sign_off
            quorum = demanded.cab.quorum if demanded.cab else len(sign_off)
        if inside.kind is ChangeType.STANDARD:
            assert tier is Tier.LOW
            assert inside.template == "docs"
            return
        for_it = {who for who, choice in stands_for(self.said, inside.diff).items() if choice is Choice.APPROVE}
        contributing = {person(each) for each in inside.contributors}
        counting = {
            login: set(self.roles(teams, self.change))
            for login, teams in self.teams.items()
            if person(account(login)) in for_it - contributing - self.askers and self.has_a_seat(login)
        }
        assert len({SAME.get(login, login) for login in counting}) >= quorum
        assert can_sign(sign_off, {login: roles for login, roles in counting.items() if roles})

    @rule(who=accounts)
    def ask(self, who: str) -> None:
        self.try_(Event(Act.SUBMIT, account(who), "Please."))

    @rule(who=accounts, choice=st.sampled_from(Choice))
    def vote(self, who: str, choice: Choice) -> None:
        if self.try_(Event(Act.VOTE, account(who), "So I think.", choice=choice)):
            assert person(account(who)) not in {person(each) for each in self.change.contents.contributors}
            assert person(account(who)) not in self.askers
            assert self.has_a_seat(who)
            self.said.append((person(account(who)), who, self.change.contents.diff, choice))

    @rule(who=st.sampled_from(["zoe", "ana", "rick", "rosa"]), voters=some)
    @precondition(lambda self: not self.change.state.over)
    def the_usual_next_step(self, who: str, voters: set[str]) -> None:
        """Left to chance, few stories get as far as a board that decides."""
        match self.change.state:
            case State.DRAFT:
                self.ask(who)
            case State.AUTHORIZE if self.change.contents.routing.has_board:
                self.several_vote(Choice.APPROVE, voters)
            case State.SCHEDULED:
                if self.change.emergency is None:
                    self.to_the_weekend()
                self.try_(Event(Act.START, account("rosa")))
        self.countersign_acts()

    @rule(choice=st.sampled_from(Choice), voters=some)
    @precondition(lambda self: self.change.state is State.AUTHORIZE and self.change.contents.routing.has_board)
    def several_vote(self, choice: Choice, voters: set[str]) -> None:
        """Long sequences of single votes rarely make a quorum."""
        for who in sorted(voters):
            self.vote(who, choice)

    @rule()
    def program_votes(self) -> None:
        assert not self.try_(Event(Act.VOTE, self.robot, "So I think.", choice=Choice.APPROVE))

    @rule(act=st.sampled_from(Act), who=st.none() | accounts, closure=st.sampled_from(Closure))
    def anything(self, act: Act, who: str | None, closure: Closure) -> None:
        # Votes and requests are told to the model by the rules above; ends would end the story early.
        if act not in {Act.VOTE, Act.SUBMIT, Act.CANCEL, Act.DECLARE}:
            actor = account(who) if who else None
            self.try_(Event(act, actor, "A reason of mine for this.", incident="INC0012345", closure=closure))

    @rule(
        why=st.sampled_from(["Payments are sent twice since this morning.", ""]), who=st.sampled_from(["rosa", "ana"])
    )
    @precondition(lambda self: self.change.state not in {State.IMPLEMENT, State.REVIEW} and self.now.minute == 0)
    def declare(self, why: str, who: str) -> None:
        self.now += timedelta(minutes=1)
        self.try_(Event(Act.DECLARE, account(who), why, incident="INC0012345"))

    @rule(hours=st.sampled_from([1, 5, 24, 25, 110]))
    def time_passes(self, hours: int) -> None:
        before = self.change
        self.now += timedelta(hours=hours)
        votes = self.change.votes
        for step in advance(self.change, self.context):
            # Time alone authorises nothing: what is authorised now was decided before.
            if step.transition.act is Act.AUTHORIZE and step.change.contents.routing.has_board:
                deciding = replace(self.context, now=before.opened_at)
                assert cab.count(self.change, deciding.standings, self.bank).outcome is cab.Outcome.APPROVED
            self.follow(step)
        assert self.change.votes == votes

    @rule()
    def to_the_weekend(self) -> None:
        self.now = max(self.now, SATURDAY + timedelta(minutes=30))

    @rule()
    def countersign_acts(self) -> None:
        for step in advance(self.change, self.context):
            self.follow(step)

    @rule(
        tier=st.sampled_from(Tier),
        diff=st.sampled_from(["first", "second"]),
        base=st.sampled_from(["main", "main", "staging"]),
        head=st.sampled_from(["b" * 40, "c" * 40]),
        plans=st.sampled_from([PLANS, PLANS, PLANS, PLANS[:2]]),
        contributors=st.sets(st.sampled_from(["ana", "bo", "ida", "cleo-admin"]), min_size=1, max_size=2),
        template=st.booleans(),
        wish=st.sampled_from([None, None, WEEKEND, NEXT]),
        really=st.sampled_from([True, False, False]),
    )
    def push(
        self,
        tier: Tier,
        diff: str,
        base: str,
        head: str,
        plans: tuple[tuple[Plan, str], ...],
        contributors: set[str],
        template: bool,
        wish: Interval | None,
        really: bool,
    ) -> None:
        """Somebody pushes, retargets, or edits the description; what is declared an emergency stays one."""
        if not really:
            return
        declared = self.change.emergency is not None
        kind = ChangeType.EMERGENCY if declared else self.filled(tier).kind
        if kind is ChangeType.STANDARD and not template:
            kind = ChangeType.NORMAL
        now = self.filled(
            tier,
            kind=kind,
            routing=cab.routing(self.bank, tier, kind),
            template="docs" if kind is ChangeType.STANDARD else "",
            diff=diff,
            base=base,
            head=head,
            plans=plans,
            contributors=tuple(account(each) for each in sorted(contributors)),
            window=None,
        )
        before = self.change
        event = noticed(before, planned(now, before, self.context, wish), self.context)
        if event is None:
            return
        assert self.try_(event)
        another = (before.contents.diff, before.contents.base) != (diff, base)
        if another and before.state in {State.AUTHORIZE, State.SCHEDULED}:
            assert self.change.state is State.ASSESS
            assert self.change.authorisation is None

    @rule(by=st.sampled_from(["ida", "rick", "cleo-admin", "zoe"]))
    def rebase(self, by: str) -> None:
        """Somebody pushes the same change on another base, and so has a hand in it."""
        inside = self.change.contents
        contributing = tuple(sorted({*inside.contributors, account(by)}))
        event = noticed(self.change, replace(inside, head="d" * 40, contributors=contributing), self.context)
        if event is not None:
            assert self.try_(event)

    @rule(given=st.sampled_from([2, 2, 2, 1, 0]))
    def reviewers(self, given: int) -> None:
        self.demands = (Demand("write access", 2, given, "someone"),) if given else ()

    @rule(found=st.sampled_from([False, False, True]))
    def another_control(self, found: bool) -> None:
        self.blocking = ("identity",) if found else ()

    @rule(who=accounts, there=st.sampled_from([True, True, False]))
    def board_changes(self, who: str, there: bool) -> None:
        self.teams = {**self.teams, who: TEAMS[who] if there else ()}

    @invariant()
    def nothing_is_released_without_an_authorisation(self) -> None:
        given = self.change.authorisation
        if self.change.state in {State.SCHEDULED, State.IMPLEMENT, State.REVIEW, State.CLOSED}:
            assert given is not None
            assert given.diff == self.change.contents.diff
            assert given.routing == self.change.contents.routing
            involved = {person(each) for each in self.change.contents.contributors} | self.askers
            assert not {person(each) for each in given.by} & involved
        else:
            assert given is None

    @invariant()
    def a_board_decides_before_the_window_that_it_decides_about(self) -> None:
        inside, until = self.change.contents, self.change.deadline
        if self.change.state is State.AUTHORIZE and inside.kind is ChangeType.NORMAL and inside.routing.has_board:
            assert until is not None
            assert inside.window is not None
            assert until <= (inside.window.end if inside.scheduled else inside.window.start)

    @invariant()
    def one_person_counts_once_and_whoever_takes_part_never(self) -> None:
        counted = cab.count(self.change, self.context.standings, self.bank)
        counting = [each.vote for each in counted.votes if not each.reason]
        persons = [person(each.by) for each in counting]
        assert len(persons) == len(set(persons)) == counted.approvals + counted.rejections + counted.deferrals
        involved = {person(each) for each in self.change.contents.contributors} | self.askers
        assert not set(persons) & involved
        assert all(each.by.kind is AccountKind.USER for each in counting)
        # Every vote that was ever given stays on record.
        assert [(person(each.vote.by), each.vote.choice) for each in counted.votes][-len(self.said) :] == [
            (who, choice) for who, _, _, choice in self.said
        ] or not self.said


@given(votes=st.lists(st.tuples(accounts, st.sampled_from(Choice)), max_size=14))
def test_a_board_approves_exactly_when_quorum_roles_and_majority_are_there(votes: list[tuple[str, Choice]]) -> None:
    bank = on_timeout(OnTimeout.REJECT)
    standings = tuple(standing(login, *teams) for login, teams in TEAMS.items())
    routed = cab.routing(bank, Tier.HIGH, ChangeType.NORMAL)
    inside = contents(contributors=(account("ana"), account("bo")), routing=routed)
    request = Request(account("zoe"), MONDAY, routed.roles, cab.members(routed.roles, standings, bank))
    said = tuple(
        Vote(account(login), choice, "So I think.", MONDAY + timedelta(minutes=place), inside.diff, 1)
        for place, (login, choice) in enumerate(votes)
    )
    change = Change("CHG-2027-0001", "pull:77:7", inside, MONDAY, State.AUTHORIZE, request=request, votes=said, round=1)
    counted = cab.count(change, standings, bank)
    latest = {
        SAME.get(login, login): (login, choice)
        for login, choice in votes
        if login not in {"ana", "bo"} and any(set(ROLES[role]) & set(TEAMS[login]) for role in routed.roles)
    }
    for_it = {login for login, choice in latest.values() if choice is Choice.APPROVE}
    against = {login for login, choice in latest.values() if choice is Choice.REJECT}
    signing = {login: {role for role in routed.sign_off if set(ROLES[role]) & set(TEAMS[login])} for login in for_it}
    vetoed = any(set(ROLES[role]) & set(TEAMS[login]) for login in against for role in routed.sign_off)
    assert (counted.approvals, counted.rejections) == (len(for_it), len(against))
    enough = len(for_it) >= 3 > len(against) and len(for_it) > len(against)
    expected = enough and not vetoed and can_sign(routed.sign_off, signing)
    assert (counted.outcome is cab.Outcome.APPROVED) == expected
    assert (counted.outcome is cab.Outcome.REJECTED) == (len(against) >= 3)


def can_sign(sign_off: tuple[str, ...], counting: dict[str, set[str]]) -> bool:
    """Whether each role can be signed for by another person: every way is tried."""
    if not sign_off:
        return True
    role, *others = sign_off
    return any(
        can_sign(
            tuple(others),
            {other: held for other, held in counting.items() if SAME.get(other, other) != SAME.get(login, login)},
        )
        for login, roles in counting.items()
        if role in roles
    )


Life.TestCase.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
TestLife = Life.TestCase
