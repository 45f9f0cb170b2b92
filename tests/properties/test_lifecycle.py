"""Whatever happens in whatever order: nothing is released without the authorisation that the policy demands."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.changes import cab, desk, ending
from bot.changes.closing import closing
from bot.changes.context import Context
from bot.changes.ending import Ending
from bot.changes.lifecycle import advance, apply, noticed
from bot.changes.model import (
    Act,
    Applied,
    Change,
    Choice,
    Closure,
    Contents,
    Event,
    Merge,
    Part,
    Request,
    State,
    Transition,
    Vote,
)
from bot.changes.planning import planned
from bot.changes.verification import confirmed_late
from bot.decide.approvals import Opinion
from bot.decide.verdict import Demand
from bot.deployments.windows import Interval
from bot.facts.model import Account, AccountKind, Ended, PullRequestState, Review, ReviewState, Standing
from bot.facts.people import GHOST
from bot.policy.model import ChangeType, OnTimeout, Plan, Policy, Tier
from tests.unit.builders import account, bot, decided, pull_request
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
FACTS = pull_request(state=PullRequestState.MERGED)
SAME = {"cleo-admin": "cleo"}
accounts = st.sampled_from(PEOPLE)
some = st.sampled_from([set(PEOPLE), {"cleo", "cora", "omar"}, {"ida", "rick", "cora"}]) | st.sets(accounts, max_size=5)


@dataclass(frozen=True)
class Word:
    """Who said what of which diff, and when."""

    person: str
    login: str
    diff: str
    choice: Choice
    at: datetime


def person(account_: Account) -> str:
    return SAME.get(account_.login, account_.login)


def stands_for(votes: list[Word], diff: str) -> dict[str, Choice]:
    """The last word of each person, written a second time and in another way than the program does."""
    return {each.person: each.choice for each in in_time(votes) if each.diff == diff}


def in_time(votes: list[Word]) -> list[Word]:
    return sorted(votes, key=lambda each: each.at)


class Life(RuleBasedStateMachine):
    """A change, and everybody who tries everything."""

    @initialize(tier=st.sampled_from(list(Tier)), timeout=st.sampled_from(list(OnTimeout)), reviews=st.booleans())
    def open(self, tier: Tier, timeout: OnTimeout, reviews: bool) -> None:
        bank = on_timeout(timeout, *(["director"] if timeout is OnTimeout.ESCALATE else []))
        high = bank.tiers[Tier.HIGH]
        assert high.cab is not None
        board = replace(high, cab=replace(high.cab, reviews=reviews))
        self.bank: Policy = replace(bank, tiers={**bank.tiers, Tier.HIGH: board})
        self.robot = bot("robot")
        self.begin(tier)

    def begin(self, tier: Tier) -> None:
        self.opinions: dict[str, Opinion] = {}
        self.now: datetime = MONDAY
        self.teams = {login: teams for login, teams in TEAMS.items() if login != "newt"}
        self.blocking: tuple[str, ...] = ()
        self.demands: tuple[Demand, ...] = GIVEN
        self.change = Change("CHG-2027-0001", "pull:77:7", self.filled(tier), opened_at=MONDAY)
        self.authorised = False
        # What the model knows by itself: who said what in this round, and who asked.
        self.said: list[Word] = []
        self.called = MONDAY
        self.askers: set[str] = set()
        self.on_board: dict[str, set[str]] = {}
        self.beside: set[str] = set()
        self.lapsed = False

    @rule(tier=st.sampled_from([Tier.LOW, Tier.HIGH, Tier.HIGH]))
    @precondition(lambda self: self.change.state.over)
    def another_one(self, tier: Tier) -> None:
        """Most stories are over soon."""
        self.begin(tier)

    def filled(self, tier: Tier, **changes: object) -> Contents:
        kind = {Tier.LOW: ChangeType.STANDARD}.get(tier, ChangeType.NORMAL)
        return contents(tier, **{"routing": cab.routing(self.bank, tier, kind), **changes})

    @property
    def context(self) -> Context:
        standings = [standing(login, *teams) for login, teams in self.teams.items()]
        standings.append(Standing(bot("robot"), standings[0].permission, ("acme/cab",)))
        opinions = tuple(sorted(self.opinions.values(), key=lambda each: each.review.submitted_at))
        return Context(self.bank, self.now, tuple(standings), self.demands, self.blocking, opinions=opinions)

    def try_(self, event: Event) -> bool:
        """Whether it happened; what it did is checked against what the model knows."""
        before = self.change
        found = apply(before, event, self.context)
        if isinstance(found, Applied):
            self.follow(found)
            return True
        return False

    def seat(self, before: Change, told: Transition) -> None:
        """Who asked, who is on the board since then, and who beside it."""
        if told.act in {Act.SUBMIT, Act.DECLARE} and told.who is not None:
            self.askers.add(person(told.who))
        if told.act is Act.SUBMIT:
            self.on_board = {login: self.roles(teams, before) for login, teams in self.teams.items()}
            self.beside = set()
        if told.act is Act.ASSESS and self.lapsed:
            self.on_board = {login: self.roles(teams, before) for login, teams in self.teams.items()}
        if told.act in {Act.ASSESS, Act.SUBMIT, Act.LAPSE}:
            # Nobody asks again: the board that is called is that of the moment.
            self.lapsed = told.act is Act.LAPSE
        if told.act is Act.ESCALATE:
            self.beside = {login for login, teams in self.teams.items() if self.is_director(teams)}
        if told.act in {Act.ASSESS, Act.REVISE, Act.DECLARE}:
            self.beside = set()

    def follow(self, step: Applied) -> None:
        before, self.change = self.change, step.change
        told = step.transition
        assert told.version == self.change.version == before.version + 1
        assert told.why
        assert told.before is before.state
        assert told.after is self.change.state
        if told.act is Act.ASSESS:
            self.said, self.called = [], self.now
        if told.act in {Act.VOTE, Act.WITHDRAW}:
            self.hear(self.change.votes[-1])
        self.seat(before, told)
        assert (found := step.announcement) is None or (found.text and found.version == told.version)
        if told.act is Act.AUTHORIZE:
            self.check_authorised()
            inside = self.change.contents
            if inside.routing.has_board and inside.kind is not ChangeType.EMERGENCY:
                assert inside.window is not None, "a board authorises a time"
                assert self.now < inside.window.end, "that somebody can still use"
            self.authorised = True
        if told.after in {State.DRAFT, State.ASSESS, State.CANCELLED}:
            self.authorised = False
        if told.act is Act.CLOSE:
            self.check_closed(before, told.who)
        self.check_verification(before, step)
        if told.after is State.IMPLEMENT:
            assert told.act in {Act.START, Act.OVERTAKE}
            assert before.state is State.SCHEDULED or (before.state, told.act) == (State.IMPLEMENT, Act.OVERTAKE)
            assert self.authorised
            assert before.authorisation is not None
            assert before.authorisation.diff == self.change.contents.diff
            assert before.authorisation.routing == cab.routing(
                self.bank, before.contents.tier, before.contents.kind
            )  # fmt: skip
            assert told.act is Act.OVERTAKE or not self.blocking

    def hear(self, vote: Vote) -> None:
        if vote.choice is not Choice.WITHDRAW:
            assert self.has_a_seat(vote.by.login)
            assert person(vote.by) not in {person(each) for each in self.change.contents.contributors}
            assert person(vote.by) not in self.askers
            assert vote.review is not None or vote.at >= self.called
        if vote.review is not None and vote.choice is not Choice.WITHDRAW:
            said = self.opinions[person(vote.by)]
            assert self.bank.tiers[self.change.contents.tier].cab is not None
            assert (said.review.id, said.reason) == (vote.review, "")
            assert said.review.state is (
                ReviewState.APPROVED if vote.choice is Choice.APPROVE else ReviewState.CHANGES_REQUESTED
            )
        self.said.append(Word(person(vote.by), vote.by.login, self.change.contents.diff, vote.choice, vote.at))

    def roles(self, teams: tuple[str, ...], change: Change) -> set[str]:
        return {role for role in change.contents.routing.roles if set(ROLES[role]) & set(teams)}

    def is_director(self, teams: tuple[str, ...]) -> bool:
        return "acme/directors" in teams

    def has_a_seat(self, login: str) -> bool:
        """Whether they sit on the board now, by a role for which they were asked."""
        return bool(self.seats(login)) or (login in self.beside and self.is_director(self.teams.get(login, ())))

    def seats(self, login: str) -> set[str]:
        """The roles of the board that they held when it was asked, and hold now."""
        return self.roles(self.teams.get(login, ()), self.change) & self.on_board.get(login, set())

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
        # Nobody is for it by a review that was dismissed, or who asks for changes since.
        by_review = {person(vote.by): vote for vote in sorted(self.change.votes, key=lambda each: each.at)}
        for who, vote in by_review.items():
            if who in for_it and vote.review is not None:
                assert self.opinions[who].review.state is ReviewState.APPROVED
        contributing = {person(each) for each in inside.contributors}
        counting = {
            login: self.seats(login)
            for login in self.teams
            if person(account(login)) in for_it - contributing - self.askers and self.has_a_seat(login)
        }
        assert len({SAME.get(login, login) for login in counting}) >= quorum
        assert can_sign(sign_off, {login: roles for login, roles in counting.items() if roles})

    def check_closed(self, before: Change, who: Account | None) -> None:
        """Who says that it went well had no hand in it; Countersign says so only where nobody has to look."""
        demanded = self.bank.tiers[before.contents.tier].verification
        well = self.change.closure in {Closure.SUCCESSFUL, Closure.WITH_ISSUES}
        assert before.emergency is None or before.retrospective is not None
        if who is None:
            assert self.change.closure is Closure.SUCCESSFUL
            assert demanded is None
            assert not before.overtaken
            assert not before.backed_out
            assert before.emergency is None
            assert before.ended_at is not None
            assert self.now - before.ended_at >= timedelta(hours=24)
        elif well and demanded is not None:
            assert "acme/verification" in self.teams[who.login]
            took_part = (*before.contents.contributors, *before.released_by)
            assert person(who) not in {person(each) for each in took_part}

    def check_verification(self, before: Change, step: Applied) -> None:
        """Until when it is to be confirmed is fixed once; who can confirm it is called then, and once more when it is late."""
        told, after = step.transition, step.change
        demanded = self.bank.tiers[before.contents.tier].verification
        if told.act is Act.FINISH:
            self.reminded = 0
            assert after.ended_at is not None
            within = after.ended_at + demanded.within if demanded is not None else None
            assert after.verification_due == within
            called = step.announcement.called if step.announcement is not None else ()
            assert ("acme/verification" in called) == (demanded is not None)
        else:
            assert after.verification_due == before.verification_due
        if told.act is Act.REMIND_VERIFIERS:
            self.reminded += 1
            assert self.reminded == 1
            assert before.verification_due is not None
            assert self.now >= before.verification_due
            assert before.emergency is None or before.retrospective is not None
            assert not before.backed_out
            assert step.announcement is not None
            assert step.announcement.called == ("acme/verification",)
        confirmed = told.act is Act.CLOSE and after.closure in {Closure.SUCCESSFUL, Closure.WITH_ISSUES}
        late = after.verification_due is not None and self.now >= after.verification_due
        assert (confirmed_late(after) is not None) == (confirmed and late)

    @rule(
        who=accounts,
        late=st.sampled_from([0, 0, 1, 30]),
        named=st.sampled_from([True, True, False]),
        really=st.sampled_from([False, False, False, True]),
    )
    @precondition(lambda self: self.change.state is not State.CLOSED)
    def somebody_merges(self, who: str, late: int, named: bool, really: bool) -> None:
        if really or self.change.state in {State.SCHEDULED, State.IMPLEMENT}:
            self.merge(who, late, named=named)

    def merge(self, who: str, late: int, *, named: bool) -> None:
        """Somebody merges, whatever anybody thinks of it; it is heard of when it is."""
        before, at = self.change, self.now
        facts = replace(FACTS, ended=Ended(at, account(who) if named else None))
        self.now += timedelta(hours=late)
        by = account(who) if named else GHOST
        part = Part(before.subject, before.contents, self.blocking, self.demands, merge=Merge(by, at))
        end = Ending(before.subject, facts, self.bank, decided(facts), "", self.now)
        for step in ending.merged(before, replace(self.context, parts=(part,)), end):
            self.follow(step)
        after = self.change
        if before.state is State.SCHEDULED:
            assert after.state is State.REVIEW
            assert by in after.released_by
        elif before.state in {State.DRAFT, State.ASSESS, State.AUTHORIZE}:
            assert after.is_unauthorised
            assert by in after.released_by
        else:
            assert after.state is before.state or (before.state, after.state) == (State.IMPLEMENT, State.REVIEW)

    @rule(really=st.sampled_from([False, False, False, False, False, True]))
    def closed_without_a_merge(self, really: bool) -> None:
        before = self.change
        if really and self.try_(Event(Act.ABANDON, why="It was closed.", at=self.now)):
            assert before.state in {State.DRAFT, State.ASSESS, State.AUTHORIZE, State.SCHEDULED}
            assert self.change.abandoned
            assert not self.change.is_unauthorised

    @rule(who=st.sampled_from(["vera", "vera", "ana", "ida", "rosa"]), closure=st.sampled_from(Closure))
    @precondition(lambda self: self.change.state in {State.IMPLEMENT, State.REVIEW})
    def somebody_says_what_came_of_it(self, who: str, closure: Closure) -> None:
        self.try_(Event(Act.FINISH, account("rosa")))
        for event in closing(self.change, account(who), closure, "This is what we found."):
            self.try_(event)

    @rule()
    @precondition(lambda self: self.change.state in {State.IMPLEMENT, State.REVIEW})
    def nobody_says_anything(self) -> None:
        self.try_(Event(Act.FINISH, account("rosa")))
        self.time_passes(25)

    @rule(who=accounts)
    def ask(self, who: str) -> None:
        self.try_(Event(Act.SUBMIT, account(who), "Please."))

    @rule(who=accounts, choice=st.sampled_from(Choice))
    def vote(self, who: str, choice: Choice) -> None:
        happened = self.try_(Event(Act.VOTE, account(who), "So I think.", choice=choice))
        assert not happened or choice is not Choice.WITHDRAW

    @rule(who=accounts, choice=st.sampled_from(Choice), minutes=st.sampled_from([1, 30, 3000]))
    def vote_heard_late(self, who: str, choice: Choice, minutes: int) -> None:
        said = self.now - timedelta(minutes=minutes)
        self.try_(Event(Act.VOTE, account(who), "So I thought.", choice=choice, said_at=said))

    @rule(who=accounts, approves=st.sampled_from([True, True, False]), stale=st.sampled_from([False, False, True]))
    def review(self, who: str, approves: bool, stale: bool) -> None:
        self.say(who, approves=approves, stale=stale)
        self.countersign_acts()

    def say(self, who: str, *, approves: bool = True, stale: bool = False) -> None:
        self.now += timedelta(minutes=1)
        state = ReviewState.APPROVED if approves else ReviewState.CHANGES_REQUESTED
        number = len(self.change.votes) * 1000 + len(self.opinions) + int(self.now.timestamp())
        given = Review(number, account(who), state, "b" * 40, self.now)
        self.opinions[person(account(who))] = Opinion(given, account(who), "it is of another commit" if stale else "")

    @rule(voters=some, gone=st.none() | accounts)
    @precondition(lambda self: self.change.state is State.AUTHORIZE and self.change.contents.routing.has_board)
    def several_review_and_one_takes_it_back(self, voters: set[str], gone: str | None) -> None:
        """While something else is in the way, so that it is not decided before."""
        others, self.blocking = self.blocking, ("hold",)
        for who in sorted(voters):
            self.say(who)
        self.countersign_acts()
        self.blocking = others
        if gone is not None:
            self.dismiss(gone)
        self.countersign_acts()

    @rule(who=accounts)
    @precondition(lambda self: self.opinions)
    def dismiss(self, who: str) -> None:
        known = self.opinions.get(person(account(who)))
        if known is not None:
            gone = replace(known.review, state=ReviewState.DISMISSED)
            self.opinions[person(account(who))] = replace(known, review=gone, reason="it was dismissed")
            self.countersign_acts()

    @rule(
        who=st.sampled_from(["zoe", "ana", "rick", "rosa"]),
        voters=some,
        releasing=st.sampled_from(["rosa", "vera", "vera", "ana"]),
        by_merging=st.booleans(),
    )
    @precondition(lambda self: not self.change.state.over)
    def the_usual_next_step(self, who: str, voters: set[str], releasing: str, by_merging: bool) -> None:
        """Left to chance, few stories get as far as a board that decides."""
        match self.change.state:
            case State.DRAFT:
                self.ask(who)
            case State.AUTHORIZE if self.change.contents.routing.has_board:
                self.several_vote(Choice.APPROVE, voters)
            case State.SCHEDULED:
                if self.change.emergency is None:
                    self.to_the_weekend()
                if by_merging:
                    self.merge(releasing, 0, named=True)
                else:
                    self.try_(Event(Act.START, account(releasing)))
            case State.IMPLEMENT | State.REVIEW if by_merging:
                self.nobody_says_anything()
            case State.IMPLEMENT | State.REVIEW:
                self.somebody_says_what_came_of_it("vera", Closure.SUCCESSFUL)
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
        # What Countersign does by itself it does after it has heard the reviews.
        if act not in {Act.VOTE, Act.SUBMIT, Act.CANCEL, Act.DECLARE, Act.AUTHORIZE}:
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
        for step in desk._steps(self.change, None, self.context):
            # Time alone authorises nothing: what is authorised now was decided before.
            if step.transition.act is Act.AUTHORIZE and step.change.contents.routing.has_board:
                deciding = replace(self.context, now=before.opened_at)
                assert cab.count(self.change, deciding.standings, self.bank).outcome is cab.Outcome.APPROVED
            self.follow(step)
        assert self.change.votes[: len(votes)] == votes

    @rule()
    def to_the_weekend(self) -> None:
        self.now = max(self.now, SATURDAY + timedelta(minutes=30))

    @rule()
    def countersign_acts(self) -> None:
        for step in desk._steps(self.change, None, self.context):
            self.follow(step)

    @rule(
        tier=st.sampled_from(Tier),
        diff=st.sampled_from(["first", "second"]),
        base=st.sampled_from(["main", "main", "staging"]),
        head=st.sampled_from(["b" * 40, "c" * 40]),
        plans=st.sampled_from([PLANS, PLANS, PLANS, PLANS[:2]]),
        contributors=st.sets(st.sampled_from(["ana", "bo", "ida", "cleo-admin", "vera"]), min_size=1, max_size=2),
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
        if before.contents.diff != diff:
            self.opinions = {
                who: replace(each, reason="it is of another commit") for who, each in self.opinions.items()
            }
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

    @rule(who=accounts, team=st.sampled_from(["acme/cab", "acme/it", "acme/risk", "acme/compliance", "acme/directors"]))
    def another_team(self, who: str, team: str) -> None:
        """Somebody takes over another role, beside what they have or instead of it."""
        held = self.teams.get(who, ())
        self.teams = {**self.teams, who: (team,) if team in held else (*held, team)}

    @rule(
        team=st.sampled_from(["acme/compliance", "acme/risk", "acme/it"]), who=st.sampled_from(["cleo", "cleo", "newt"])
    )
    @precondition(lambda self: self.change.contents.routing.has_board and self.change.emergency is None)
    def somebody_takes_over_a_role_while_the_board_votes(self, team: str, who: str) -> None:
        """Whoever held it alone when the board was asked says nothing; the others all approve."""
        self.ask("zoe")
        self.countersign_acts()
        self.teams = {**self.teams, who: ("acme/cab", team)}
        alone = {"acme/compliance": "cora", "acme/risk": "rick", "acme/it": "ida"}[team]
        if self.change.state is State.AUTHORIZE:
            self.several_vote(Choice.APPROVE, {"ida", "rick", "cora", who} - {alone})
            self.countersign_acts()

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
    def what_was_released_without_an_authorisation_passes_for_nothing(self) -> None:
        change = self.change
        released = change.started_at is not None
        assert change.is_unauthorised == (released and change.authorisation is None)
        assert (change.closure is not None) == (change.state is State.CLOSED)
        if change.state is State.CLOSED:
            assert released
        if change.is_unauthorised:
            assert change.state is State.CANCELLED
            owed = change.emergency is not None and change.retrospective is None and not change.reminded
            late = advance(change, replace(self.context, now=self.now + timedelta(days=99)))
            assert [each.transition.act for each in late] == ([Act.REMIND] if owed else [])

    @invariant()
    def one_person_counts_once_and_whoever_takes_part_never(self) -> None:
        counted = cab.count(self.change, self.context.standings, self.bank)
        counting = [each.vote for each in counted.votes if not each.reason]
        persons = [person(each.by) for each in counting]
        choosing = [each for each in counting if each.choice is not Choice.WITHDRAW]
        assert len(persons) == len(set(persons))
        assert len(choosing) == counted.approvals + counted.rejections + counted.deferrals
        involved = {person(each) for each in self.change.contents.contributors} | self.askers
        assert not set(persons) & involved
        assert all(each.by.kind is AccountKind.USER for each in counting)
        # Every vote that was ever given stays on record.
        assert {(person(each.vote.by), each.vote.choice, each.vote.at) for each in counted.votes} >= {
            (each.person, each.choice, each.at) for each in self.said
        }
        assert len(counted.votes) == len(self.change.votes) >= len(self.said)


class End(Life):
    """The same from where it is authorised: left to chance, few stories come to their end."""

    def begin(self, tier: Tier) -> None:
        super().begin(tier)
        self.ask("zoe")
        self.countersign_acts()
        self.several_vote(Choice.APPROVE, {"ida", "rick", "cora"})
        self.countersign_acts()
        self.to_the_weekend()
        assert self.change.state is State.SCHEDULED


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


@given(
    asked=st.sets(accounts),
    then=st.sets(accounts),
    board=st.sets(accounts),
    now=st.sets(accounts),
    voters=st.sets(accounts),
)
def test_after_an_escalation_those_vote_who_were_asked_and_still_have_what_they_were_asked_for(
    asked: set[str], then: set[str], board: set[str], now: set[str], voters: set[str]
) -> None:
    bank = on_timeout(OnTimeout.ESCALATE, "director")
    seen = sorted(asked | then | board | now | voters)

    def seated(members: set[str], directors: set[str]) -> tuple[Standing, ...]:
        places = {each: ("acme/cab",) * (each in members) + ("acme/directors",) * (each in directors) for each in seen}
        return tuple(standing(login, *teams) for login, teams in places.items())

    routed = cab.routing(bank, Tier.HIGH, ChangeType.NORMAL)
    inside = contents(contributors=(account("ana"), account("bo")), routing=routed)
    first = Request(account("zoe"), MONDAY, routed.roles, cab.members(routed.roles, seated(asked, set()), bank))
    change = Change("CHG-2027-0001", "pull:77:7", inside, MONDAY, State.AUTHORIZE, request=first, round=1)
    change = replace(change, requesters=(account("zoe"),), deadline=MONDAY)
    late = MONDAY + timedelta(hours=1)
    escalated = apply(change, Event(Act.ESCALATE), Context(bank, late, seated(asked, then)))
    assert isinstance(escalated, Applied)
    change, here = escalated.change, Context(bank, late, seated(board, now))
    for who in sorted(voters):
        voted = apply(change, Event(Act.VOTE, account(who), choice=Choice.APPROVE), here)
        change = voted.change if isinstance(voted, Applied) else change
    seats = (asked & board) | (then & now)
    expected = {SAME.get(each, each) for each in (voters & seats) - {"ana", "bo", "zoe"}}
    assert cab.count(change, here.standings, bank).approvals == len(expected)
    assert {person(each.by) for each in change.votes} == expected


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
End.TestCase.settings = settings(max_examples=250, stateful_step_count=30, deadline=None)
TestEnd = End.TestCase
