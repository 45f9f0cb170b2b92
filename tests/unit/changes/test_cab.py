"""Who is on the board, whose vote counts and why another does not, and what the board decides."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.changes import cab, codec
from bot.changes.cab import Count, Outcome
from bot.changes.context import Context
from bot.changes.guards import material
from bot.changes.lifecycle import noticed
from bot.changes.model import Act, Change, Choice, Decided, Event, Request, Round, Routing, State
from bot.decide.approvals import bound
from bot.facts.model import Named, Standing
from bot.policy.model import Above, Cab, ChangeType, OnTimeout, Tier
from tests.unit.builders import account, bot
from tests.unit.changes.builders import (
    BOARD,
    MONDAY,
    ROLES,
    SIGN_OFF,
    approved,
    ask,
    asked,
    context,
    done,
    draft,
    on_timeout,
    refused,
    rules,
    standing,
    standings,
    vote,
)

DAY = timedelta(hours=24)
LATER = MONDAY + timedelta(hours=25)


def counted(change: Change, people: tuple[Standing, ...] | None = None) -> Count:
    return cab.count(change, standings() if people is None else people, rules())


def reason(change: Change, login: str) -> str:
    [found] = [each.reason for each in counted(change).votes if each.vote.by.login == login]
    return found


def say(change: Change, *votes: tuple[str, Choice]) -> Change:
    for place, (login, choice) in enumerate(votes):
        change = done(change, vote(login, choice), context(MONDAY + timedelta(minutes=place)))
    return change


def test_the_policy_says_who_authorises_a_change() -> None:
    high = cab.routing(rules(), Tier.HIGH, ChangeType.NORMAL)
    assert high == Routing(("cab", *SIGN_OFF), 3, SIGN_OFF, timedelta(hours=24), OnTimeout.REJECT)
    medium = cab.routing(rules(), Tier.MEDIUM, ChangeType.NORMAL)
    assert medium == Routing(("it-manager",), 1, ("it-manager",), timedelta(hours=24))
    assert not cab.routing(rules(), Tier.LOW, ChangeType.NORMAL).has_board
    assert not cab.routing(rules(), Tier.HIGH, ChangeType.STANDARD).has_board
    emergency = cab.routing(rules(), Tier.HIGH, ChangeType.EMERGENCY)
    assert emergency == Routing(("cab",), 2, (), timedelta(hours=4))


def test_who_decides_after_an_escalation_is_routed_to_only_where_it_is_escalated() -> None:
    for end in OnTimeout:
        routed = cab.routing(on_timeout(end, "director"), Tier.HIGH, ChangeType.NORMAL)
        assert routed.escalate_to == (("director",) if end is OnTimeout.ESCALATE else ())
        assert routed.roles == ("cab", *SIGN_OFF)
    escalating = on_timeout(OnTimeout.ESCALATE, "director")
    assert cab.routing(escalating, Tier.HIGH, ChangeType.EMERGENCY).escalate_to == ()
    assert cab.roles_to_ask(escalating, Tier.HIGH) == ("cab", "ecab", *SIGN_OFF, "director")
    assert cab.roles_to_ask(escalating, Tier.MEDIUM) == ("cab", "ecab", "it-manager")
    assert cab.reviewing(escalating, Tier.HIGH) == ("cab", *SIGN_OFF)


def test_an_emergency_board_of_its_own_takes_the_boards_place_and_an_empty_quorum_is_no_quorum() -> None:
    policy = rules(roles={**ROLES, "ecab": ("acme/on-call",)})
    assert cab.routing(policy, Tier.HIGH, ChangeType.EMERGENCY).roles == ("ecab",)
    base = rules()
    nobody = replace(base, tiers={**base.tiers, Tier.HIGH: replace(base.tiers[Tier.HIGH], cab=Cab(0), sign_off=())})
    assert cab.routing(nobody, Tier.HIGH, ChangeType.NORMAL) == Routing(("cab",), 1, (), timedelta(hours=24))


def test_a_quorum_with_every_signature_approves() -> None:
    two = approved(by=("ida", "rick"))
    assert (counted(two).outcome, counted(two).approvals, counted(two).unsigned) == (Outcome.OPEN, 2, ("compliance",))
    three = counted(approved(by=("ida", "rick", "cora")))
    assert (three.outcome, three.approvals, three.unsigned) == (Outcome.APPROVED, 3, ())
    assert {each.vote.by.login: each.signs for each in three.votes} == {
        "ida": "it-manager", "rick": "risk-officer", "cora": "compliance",
    }  # fmt: skip
    assert [each.login for each in three.approvers] == ["ida", "rick", "cora"]


def test_a_quorum_without_a_demanded_role_does_not_approve() -> None:
    found = counted(approved(by=("ida", "cleo", "rick")))
    assert (found.outcome, found.approvals, found.unsigned) == (Outcome.OPEN, 3, ("compliance",))


def test_one_person_signs_for_one_role_only() -> None:
    found = counted(approved(by=("omar", "cora", "cleo")))
    assert (found.outcome, found.approvals) == (Outcome.OPEN, 3)
    assert found.unsigned in {("it-manager",), ("risk-officer",)}
    assert counted(approved(by=("omar", "cora", "rick"))).outcome is Outcome.APPROVED


def test_a_person_with_two_accounts_has_one_vote() -> None:
    people = standings({**BOARD, "cleo-admin": ("acme/cab",)})
    where = context(standings=people)
    change = asked(where=where)
    change = done(change, vote("cleo"), where)
    change = done(change, vote("cleo-admin"), replace(where, now=MONDAY + timedelta(minutes=1)))
    found = counted(change, people)
    assert found.approvals == 1
    assert found.votes[0].reason == "a later vote of the same person takes its place"


def test_a_second_account_is_the_same_person_under_a_new_login_as_well() -> None:
    renamed = replace(account("cleo-admin"), login="new-name")
    people = (*standings(), replace(standing("x", "acme/cab"), account=renamed))
    names = [Named(each, account(each).id) for each in ("cleo", "cleo-admin")]
    where = context(policy=bound(rules(), names, people), standings=people)
    change = done(asked(where=where), vote("cleo"), where)
    change = done(change, vote(renamed), replace(where, now=MONDAY + timedelta(minutes=1)))
    assert came_to(change, where).approvals == 1
    contributing = asked(draft(contributors=(account("cleo"),)), where)
    assert "contributed to the change" in refused(contributing, vote(renamed), where).what
    # Whoever turns out to have contributed under another name did not authorise it.
    given = done(approved(where=where), Event(Act.AUTHORIZE), where)
    assert given.authorisation is not None
    by_cleo = replace(given, authorisation=replace(given.authorisation, by=(account("cleo"),)))
    now = replace(given.contents, contributors=(*given.contents.contributors, renamed))
    assert "who contributed, and voted" in material(by_cleo, now, where)
    assert "who contributed, and voted" not in material(given, now, where)


def test_a_vote_is_changed_by_another_and_both_stay_on_record() -> None:
    change = say(asked(), ("ida", Choice.REJECT), ("ida", Choice.APPROVE), ("ida", Choice.APPROVE))
    found = counted(change)
    assert (found.approvals, found.rejections, len(found.votes)) == (1, 0, 3)
    assert [bool(each.reason) for each in found.votes] == [True, True, False]


@pytest.mark.parametrize(
    ("login", "because"),
    [
        ("ana", "contributed to the change"),
        ("rosa", "holds none of the roles cab, it-manager, risk-officer and compliance"),
        ("stranger", "holds none of the roles cab, it-manager, risk-officer and compliance"),
    ],
)
def test_who_has_no_vote_is_told_why(login: str, because: str) -> None:
    # Even a contributor who sits on the board.
    people = standings({**BOARD, "ana": ("acme/cab",)})
    told = refused(asked(), vote(login), context(standings=people))
    assert told.what == f"The vote of @{login} does not count, since @{login} {because}."


def test_whoever_asked_has_no_vote_nor_who_asked_before() -> None:
    change = done(done(draft(), ask("ida")), Event(Act.ASSESS))
    assert "asked for the change" in refused(change, vote("ida")).what
    again = done(done(done(draft(), ask("ida")), ask("ana")), Event(Act.ASSESS))
    assert "asked for the change" in refused(again, vote("ida")).what


def test_who_asked_for_a_waiver_of_what_blocks_it_has_no_vote() -> None:
    change = replace(asked(), waiving=(account("ida"),))
    assert "asked for a waiver of what blocks the change" in refused(change, vote("ida")).what


def test_a_second_account_of_a_contributor_has_no_vote() -> None:
    people = standings({**BOARD, "cleo-admin": ("acme/cab",)})
    where = context(standings=people)
    change = asked(draft(contributors=(account("cleo-admin"),)), where)
    assert "contributed to the change" in refused(change, vote("cleo"), where).what


def test_who_came_to_the_board_after_it_was_asked_has_no_vote() -> None:
    people = standings({**BOARD, "newt": ("acme/cab",)})
    told = refused(asked(), vote("newt"), context(standings=people))
    assert told.what.endswith("@newt came to the board after it was asked on 2027-01-04 12:00 UTC.")


def test_who_has_left_the_board_does_not_count_any_more() -> None:
    change = approved()
    left = standings({login: teams for login, teams in BOARD.items() if login != "rick"})
    found = counted(change, left)
    assert (found.outcome, found.approvals, found.unsigned) == (Outcome.OPEN, 2, ("risk-officer",))
    assert found.votes[1].reason.startswith("whoever gave it holds none of the roles cab")


def test_a_program_has_no_vote() -> None:
    robot = bot("robot")
    people = (*standings(), Standing(robot, standing("x").permission, ("acme/cab",)))
    assert "is a program" in refused(asked(), vote(robot), context(standings=people)).what


def test_where_nobody_was_asked_or_no_board_decides_nobody_has_a_vote() -> None:
    people = cab.people_of_change(draft(), standings(), rules())
    assert cab.objection(account("ida"), draft(), standings(), rules(), people) == (
        "was not asked: nobody has asked the board yet"
    )
    low = done(draft(Tier.LOW), Event(Act.SUBMIT))
    assert cab.objection(account("ida"), low, standings(), rules(), people) == "is on no board: none decides here"
    assert cab.count(low, standings(), rules()).outcome is Outcome.OPEN


def test_a_vote_where_no_board_decides_is_refused_with_nobody_named_who_could() -> None:
    short = context(demands=())
    change = done(done(draft(Tier.LOW), Event(Act.SUBMIT), short), Event(Act.ASSESS), short)
    told = refused(change, vote("ida"), short)
    assert told.what == "The vote of @ida does not count, since @ida is on no board: none decides here."
    assert told.remedy == ""


def test_a_vote_for_an_earlier_diff_or_round_does_not_count() -> None:
    change = approved()
    other = replace(change, contents=replace(change.contents, diff="second"))
    assert counted(other).approvals == 0
    assert reason(other, "ida") == "it was given for an earlier state of the change"
    assert counted(replace(change, round=2)).approvals == 0


def test_of_a_round_that_is_over_no_vote_counts_any_more_and_how_it_counted_is_on_record() -> None:
    change = say(asked(), *((login, Choice.REJECT) for login in ("ida", "rick", "cora")))
    over = done(change, Event(Act.REJECT))
    assert reason(over, "ida") == "the round that it was given in is over"
    assert over.decided == (Round(1, Decided.REJECTED, MONDAY, ("",) * 3, deadline=MONDAY + DAY, signs=("",) * 3),)
    late = replace(change, votes=change.votes[:1])
    over = done(late, Event(Act.REJECT), context(MONDAY + timedelta(hours=24)))
    assert over.decided[0].outcome == "rejected, since its time to decide was over"
    change = say(asked(), *((login, Choice.DEFER) for login in ("ida", "rick", "cora")))
    assert done(change, Event(Act.DEFER)).decided[0].outcome == "deferred"


def test_the_rejection_of_who_could_sign_stands_in_the_way_until_it_is_changed() -> None:
    change = say(
        asked(), ("omar", Choice.REJECT), ("ida", Choice.APPROVE), ("rick", Choice.APPROVE), ("cora", Choice.APPROVE)
    )
    found = counted(change)
    assert (found.outcome, found.unsigned, [each.login for each in found.against]) == (Outcome.OPEN, (), ["omar"])
    changed = done(change, vote("omar"), context(MONDAY + timedelta(hours=1)))
    assert counted(changed).outcome is Outcome.APPROVED


def test_a_member_without_a_role_to_sign_for_is_outvoted() -> None:
    change = say(
        asked(), ("cleo", Choice.REJECT), ("ida", Choice.APPROVE), ("rick", Choice.APPROVE), ("cora", Choice.APPROVE)
    )
    assert (counted(change).outcome, counted(change).against) == (Outcome.APPROVED, ())


def test_as_many_rejections_as_make_a_quorum_reject_and_as_many_deferrals_defer() -> None:
    rejected = say(asked(), ("cleo", Choice.REJECT), ("ida", Choice.REJECT), ("rick", Choice.REJECT))
    assert counted(rejected).outcome is Outcome.REJECTED
    deferred = say(asked(), ("cleo", Choice.DEFER), ("ida", Choice.DEFER), ("rick", Choice.DEFER))
    assert (counted(deferred).outcome, counted(deferred).deferrals) == (Outcome.DEFERRED, 3)


def test_more_than_the_quorum_does_not_help_against_as_many_rejections() -> None:
    wide = {**BOARD, **{f"m{number}": ("acme/cab",) for number in range(4)}}
    base = rules()
    two = replace(base, tiers={**base.tiers, Tier.HIGH: replace(base.tiers[Tier.HIGH], cab=Cab(3), sign_off=())})
    where = context(policy=two, standings=standings(wide))
    change = asked(draft(routing=cab.routing(two, Tier.HIGH, ChangeType.NORMAL)), where)
    for login in ("m0", "m1", "m2"):
        change = done(change, vote(login), where)
    for login in ("cleo", "cora"):
        change = done(change, vote(login, Choice.REJECT), where)
    assert cab.count(change, where.standings, two).outcome is Outcome.APPROVED
    change = done(change, vote("omar", Choice.REJECT), where)
    assert cab.count(change, where.standings, two).outcome is Outcome.REJECTED


DIRECTORS = {**BOARD, "dina": ("acme/directors",), "ana": ("acme/directors",), "cleo-admin": ("acme/directors",)}
ESCALATING = on_timeout(OnTimeout.ESCALATE, "director")
UP = MONDAY + timedelta(hours=24)


def escalated(*votes: str, board: Mapping[str, Sequence[str]] = DIRECTORS) -> Change:
    """A change that the board did not decide, escalated to the directors of then."""
    where = context(policy=ESCALATING, standings=standings(BOARD))
    routed = cab.routing(ESCALATING, Tier.HIGH, ChangeType.NORMAL)
    change = approved(asked(draft(routing=routed), where), by=votes, where=where)
    return done(change, Event(Act.ESCALATE), directed(board))


def directed(board: Mapping[str, Sequence[str]] = DIRECTORS) -> Context:
    return context(UP, policy=ESCALATING, standings=standings(board))


def test_whom_it_is_escalated_to_is_on_the_board_beside_the_first_one() -> None:
    change = escalated("ida", "rick")
    assert change.escalation is not None
    assert (change.escalation.by, change.escalation.at, change.escalation.roles) == (None, UP, ("director",))
    assert {each.login for each in change.escalation.members} == {"dina", "ana", "cleo-admin"}
    assert change.request is not None
    assert change.request.roles == ("cab", *SIGN_OFF), "who was asked first stays on record"
    change = done(done(change, vote("dina"), directed()), vote("cora"), directed())
    found = cab.count(change, directed().standings, ESCALATING)
    assert (found.outcome, found.approvals, found.unsigned) == (Outcome.APPROVED, 4, ())


def test_a_director_makes_the_quorum_full_and_signs_for_nobody() -> None:
    change = done(escalated("ida", "rick"), vote("dina"), directed())
    found = cab.count(change, directed().standings, ESCALATING)
    assert (found.outcome, found.approvals, found.unsigned) == (Outcome.OPEN, 3, ("compliance",))


@pytest.mark.parametrize(
    ("login", "because"),
    [
        ("ana", "contributed to the change"),
        ("late", "came to the board after it was asked on 2027-01-05 12:00 UTC"),
        ("newt", "came to the board after it was asked on 2027-01-04 12:00 UTC"),
        ("vera", "holds none of the roles cab, it-manager, risk-officer, compliance and director"),
        # A place on the one board is none on the other.
        ("moved", "came to the board after it was asked on 2027-01-05 12:00 UTC"),
    ],
)
def test_who_has_no_vote_has_none_after_an_escalation(login: str, because: str) -> None:
    then = {**DIRECTORS, "late": (), "newt": (), "moved": ()}
    now = {**then, "late": ("acme/directors",), "newt": ("acme/cab",), "moved": ("acme/directors",)}
    change = escalated(board=then)
    assert change.request is not None
    members, held = (*change.request.members, account("moved")), (*change.request.held, ("cab",))
    change = replace(change, request=replace(change.request, members=members, held=held))
    told = refused(change, vote(login), directed(now))
    assert told.what == f"The vote of @{login} does not count, since @{login} {because}."


def test_a_requester_and_a_second_account_have_no_vote_of_their_own_after_an_escalation() -> None:
    where = context(policy=ESCALATING, standings=standings({**BOARD, "dina": ("acme/directors",)}))
    routed = cab.routing(ESCALATING, Tier.HIGH, ChangeType.NORMAL)
    change = done(done(draft(routing=routed), ask("dina"), where), Event(Act.ASSESS), where)
    change = done(change, Event(Act.ESCALATE), directed())
    assert "asked for the change" in refused(change, vote("dina"), directed()).what
    both = done(done(escalated("ida"), vote("cleo"), directed()), vote("cleo-admin"), directed())
    assert cab.count(both, directed().standings, ESCALATING).approvals == 2


def test_who_decides_after_an_escalation_can_cancel() -> None:
    why = "Not needed any more."
    assert done(escalated(), Event(Act.CANCEL, account("dina"), why), directed()).state.over
    assert "cannot cancel" in refused(approved(), Event(Act.CANCEL, account("dina"), why), directed()).what
    late = directed({**DIRECTORS, "newt": ("acme/directors",)})
    assert "cannot cancel" in refused(escalated(), Event(Act.CANCEL, account("newt"), why), late).what


def test_without_anybody_to_escalate_to_the_same_board_has_time_again() -> None:
    alone = on_timeout(OnTimeout.ESCALATE)
    where = context(policy=alone)
    change = asked(draft(routing=cab.routing(alone, Tier.HIGH, ChangeType.NORMAL)), where)
    again = done(change, Event(Act.ESCALATE), context(UP, policy=alone))
    assert again.escalation == Request(None, UP)
    assert (again.request, again.deadline) == (change.request, UP + timedelta(hours=24))
    assert "holds none of the roles cab, it-manager" in refused(again, vote("dina"), directed()).what


def test_a_new_round_is_that_of_the_first_board() -> None:
    change = escalated()
    pushed = noticed(change, replace(change.contents, diff="second"), directed())
    assert pushed is not None
    back = done(change, pushed, directed())
    assert (back.state, back.escalation) == (State.ASSESS, None)
    again = done(done(back, ask(), directed()), Event(Act.ASSESS), directed())
    assert (again.round, again.escalation) == (2, None)
    assert "holds none of the roles" in refused(again, vote("dina"), directed()).what


# What a repository's file says of the board: it adds signatures, which are no votes, and takes no objection away.


def with_repository(**changes: Any) -> Context:
    """The bank's rules with a repository's file over them, whose own role Pat, Pia and Paul have."""
    base = rules()
    high = replace(base.tiers[Tier.HIGH], sign_off=(*SIGN_OFF, "mine"), besides=("mine",))
    known: dict[str, Any] = {
        "roles": {**base.roles, "mine": ("pat", "pia", "paul")},
        "tiers": {**base.tiers, Tier.HIGH: high},
    }
    policy = replace(base, **{**known, **changes}, above=Above(base.roles, base.people))
    return context(policy=policy, standings=standings(pat=(), pia=(), paul=()))


def put_to(where: Context) -> Change:
    return asked(draft(routing=cab.routing(where.policy, Tier.HIGH, ChangeType.NORMAL)), where)


def came_to(change: Change, where: Context) -> Count:
    return cab.count(change, where.standings, where.policy)


def test_signatures_that_only_a_repository_asks_for_are_no_votes() -> None:
    where = with_repository()
    routed = cab.routing(where.policy, Tier.HIGH, ChangeType.NORMAL)
    assert (routed.quorum, routed.besides, routed.voting) == (3, ("mine",), ("cab", *SIGN_OFF))
    pals = approved(put_to(where), ("pat", "pia", "paul", "ida", "rick"), where)
    found = came_to(pals, where)
    assert (found.outcome, found.approvals, found.unsigned) == (Outcome.OPEN, 2, ("compliance",))
    assert {each.login for each in found.approvers} == {"pat", "pia", "paul", "ida", "rick"}
    whole = came_to(approved(pals, ("cora",), where), where)
    assert (whole.outcome, whole.approvals) == (Outcome.APPROVED, 3)
    without = came_to(approved(put_to(where), ("ida", "rick", "cora"), where), where)
    assert (without.outcome, without.unsigned) == (Outcome.OPEN, ("mine",))


def test_a_repository_that_wants_signatures_where_nobody_else_wants_a_board_has_one_of_its_own() -> None:
    base = with_repository().policy
    alone = replace(base.tiers[Tier.LOW], sign_off=("mine", "risk-officer"), besides=("mine", "risk-officer"))
    policy = replace(base, tiers={**base.tiers, Tier.LOW: alone})
    found = cab.routing(policy, Tier.LOW, ChangeType.NORMAL)
    assert found == Routing(("mine", "risk-officer"), 2, ("mine", "risk-officer"), timedelta(hours=24))
    with_cab = replace(policy, tiers={**base.tiers, Tier.LOW: replace(alone, sign_off=("cab", "mine"), cab=Cab(1))})
    found = cab.routing(with_cab, Tier.LOW, ChangeType.NORMAL)
    assert (found.roles, found.voting) == (("cab", "mine"), ("cab",))


@pytest.mark.parametrize(
    ("people", "who"), [(("rick", "cleo"), "cleo"), (("rick", "ana"), "omar"), (("rick", "zoe"), "omar")]
)
def test_no_account_that_only_a_repository_joins_to_another_takes_back_what_that_one_rejected(
    people: tuple[str, ...], who: str
) -> None:
    """Not by a vote of its own, nor since it contributed or asked."""
    where = with_repository(people=(*rules().people, people))
    change = done(done(put_to(where), vote("rick", Choice.REJECT), where), vote(who), where)
    for login in ("ida", "cora", "omar", "pat"):
        change = done(change, vote(login), where)
    found = came_to(change, where)
    assert [each.login for each in found.against] == ["rick"]
    assert found.outcome is Outcome.OPEN
    assert reason_in(found, "rick") == [""]


def reason_in(found: Count, login: str) -> list[str]:
    return [each.reason for each in found.votes if each.vote.by.login == login]


def test_whom_a_repository_takes_out_of_a_role_says_no_and_takes_that_back() -> None:
    where = with_repository(roles={**rules().roles, "risk-officer": ("omar",), "mine": ("pat", "pia", "paul")})
    change = put_to(where)
    assert change.request is not None
    assert "rick" in {each.login for each in change.request.members}
    assert "holds none of the roles" in refused(change, vote("rick"), where).what
    change = done(change, vote("rick", Choice.REJECT), where)
    for login in ("ida", "cora", "omar", "pat"):
        change = done(change, vote(login), where)
    assert (came_to(change, where).outcome, [each.login for each in came_to(change, where).against]) == (
        Outcome.OPEN,
        ["rick"],
    )
    lifted = came_to(done(change, vote("rick"), replace(where, now=MONDAY + timedelta(hours=1))), where)
    assert (lifted.outcome, lifted.against) == (Outcome.APPROVED, ())
    assert reason_in(lifted, "rick") == [
        "a later vote of the same person takes its place",
        "whoever gave it holds none of the roles cab, it-manager, risk-officer, compliance and mine",
    ]
    # In another round nothing of that is left to take back.
    assert "holds none" in refused(replace(change, round=2), vote("rick"), where).what


def test_a_larger_quorum_of_a_repository_makes_it_no_harder_to_say_no() -> None:
    base = rules()
    high = replace(base.tiers[Tier.HIGH], cab=Cab(5, against=3), sign_off=())
    more = {**BOARD, "mia": ("acme/cab",), "max": ("acme/cab",)}
    where = context(policy=replace(base, tiers={**base.tiers, Tier.HIGH: high}), standings=standings(more))
    for choice, outcome in ((Choice.REJECT, Outcome.REJECTED), (Choice.DEFER, Outcome.DEFERRED)):
        change = put_to(where)
        for login in ("cleo", "cora", "omar"):
            assert came_to(change, where).outcome is Outcome.OPEN
            change = done(change, vote(login, choice), where)
        assert came_to(change, where).outcome is outcome
    urgent = replace(base, emergency=replace(base.emergency, quorum=4, against=2))
    assert cab.routing(urgent, Tier.HIGH, ChangeType.EMERGENCY).against == 2


@pytest.mark.parametrize("policy", list(OnTimeout))
def test_what_becomes_of_a_request_when_its_time_is_up(policy: OnTimeout) -> None:
    where = context(policy=on_timeout(policy))
    routed = cab.routing(where.policy, Tier.HIGH, ChangeType.NORMAL)
    change = asked(draft(routing=routed), where)
    at = MONDAY + timedelta(hours=24)
    assert cab.on_timeout(change, Outcome.OPEN, rejected=False, now=at - timedelta(seconds=1)) is None
    assert cab.on_timeout(change, Outcome.OPEN, rejected=False, now=at) is policy
    assert cab.on_timeout(change, Outcome.OPEN, rejected=True, now=at) is OnTimeout.REJECT
    assert cab.on_timeout(change, Outcome.APPROVED, rejected=False, now=LATER) is None
    assert cab.on_timeout(draft(), Outcome.OPEN, rejected=False, now=LATER) is None
    expected = OnTimeout.REJECT if policy is OnTimeout.ESCALATE else policy
    again = replace(change, escalation=Request(None, at))
    assert cab.on_timeout(again, Outcome.OPEN, rejected=False, now=LATER) is expected


def joined(login: str, *teams: str) -> Context:
    """An hour later, when somebody has these teams."""
    return context(MONDAY + timedelta(hours=1), standings=standings({**BOARD, login: teams}))


def test_nobody_signs_for_a_role_that_they_were_given_after_the_board_was_asked() -> None:
    where = joined("cleo", "acme/cab", "acme/compliance")
    change = asked()
    for login in ("ida", "rick", "cleo"):
        change = done(change, vote(login), where)
    found = cab.count(change, where.standings, where.policy)
    assert (found.approvals, found.unsigned, found.outcome) == (3, ("compliance",), Outcome.OPEN)
    assert cab.count(done(change, vote("cora"), where), where.standings, where.policy).outcome is Outcome.APPROVED
    against = done(change, vote("cleo", Choice.REJECT), where)
    assert cab.count(against, where.standings, where.policy).against == (), "nor does it stand in the way for that role"


def test_whoever_was_asked_to_sign_besides_does_not_vote_for_a_role_of_later() -> None:
    routed = Routing(("cab", *SIGN_OFF), 3, SIGN_OFF, timedelta(hours=24), besides=("compliance",))
    board = {**BOARD, "cora": ("acme/compliance",)}
    change = asked(draft(routing=routed), context(standings=standings(board), policy=rules()))
    where = context(standings=standings({**board, "cora": ("acme/compliance", "acme/cab")}))
    for login in ("ida", "rick", "cora"):
        change = done(change, vote(login), where)
    found = cab.count(change, where.standings, where.policy)
    assert (found.approvals, found.unsigned) == (2, ())


def test_who_has_another_role_than_the_one_they_were_asked_for_has_no_vote() -> None:
    where = joined("cleo", "acme/risk")
    told = refused(asked(), vote("cleo"), where)
    assert told.what == (
        "The vote of @cleo does not count, since @cleo has other roles now than those it was asked for on "
        "2027-01-04 12:00 UTC."
    )


def test_whom_it_is_escalated_to_signs_only_for_what_they_were_asked_for_then() -> None:
    bank = on_timeout(OnTimeout.ESCALATE, "director", "compliance")
    routed = cab.routing(bank, Tier.HIGH, ChangeType.NORMAL)
    board = {each: teams for each, teams in BOARD.items() if each != "cora"} | {"cora": ("acme/compliance",)}
    first = context(policy=bank, standings=standings(board))
    late = context(MONDAY + DAY, policy=bank, standings=standings({**board, "dina": ("acme/directors", "acme/risk")}))
    change = done(asked(draft(routing=routed), first), Event(Act.ESCALATE), late)
    assert change.escalation is not None
    assert change.escalation.roles_of(account("dina")) == ("director",)
    assert change.escalation.roles_of(account("zoe")) == ()
    for login in ("ida", "dina", "cora"):
        change = done(change, vote(login), late)
    found = cab.count(change, late.standings, bank)
    assert (found.approvals, found.unsigned) == (3, ("risk-officer",))


def test_a_request_of_before_asked_its_members_for_every_role_that_they_have() -> None:
    change = asked()
    assert change.request is not None
    assert change.request.roles_of(account("omar")) == ("cab", "it-manager", "risk-officer")
    assert change.request.roles_of(account("cleo")) == ("cab",)
    old = replace(change, request=replace(change.request, held=()))
    where = joined("cleo", "acme/cab", "acme/compliance")
    for login in ("ida", "rick", "cleo"):
        old = done(old, vote(login), where)
    assert cab.count(old, where.standings, where.policy).outcome is Outcome.APPROVED
    assert codec.load(codec.dump(replace(old, votes=())), old.votes) == old
