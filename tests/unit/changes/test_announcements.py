"""What is announced, to whom, and what is not: each sentence as people read it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.changes import announcements, cab
from bot.changes.context import Context
from bot.changes.lifecycle import apply
from bot.changes.model import Act, Announcement, Applied, Change, Choice, Closure, Event, Refused, State, Transition
from bot.deployments.windows import Interval
from bot.facts.model import Account
from bot.facts.people import GHOST
from bot.policy.model import ChangeType, OnTimeout, Policy, Role, Separation, Tier, Verification
from tests.unit.builders import account
from tests.unit.changes.builders import (
    BOARD,
    MONDAY,
    ROLES,
    SATURDAY,
    WEEKEND,
    approved,
    ask,
    asked,
    contents,
    context,
    done,
    draft,
    on_timeout,
    rules,
    standings,
    started,
    vote,
)

UP = MONDAY + timedelta(hours=24)
TEAMS = "@acme/cab @acme/it @acme/risk @acme/compliance"
VOTE = "Vote with `/cab approve`, `/cab reject reason` or `/cab defer reason`; `/change` shows the record."
PLANNED = "Planned for 2027-01-09 02:00 to 2027-01-09 06:00 UTC."
INCIDENT = "Payments are sent twice since this morning."


def told(change: Change, event: Event, where: Context | None = None) -> Announcement | None:
    """What is announced of what happens."""
    found = apply(change, event, where or context())
    assert isinstance(found, Applied), found
    if found.announcement is not None:
        assert (found.announcement.number, found.announcement.version) == (change.number, found.change.version)
        assert (found.announcement.state, found.announcement.round) == (found.change.state, found.change.round)
        assert found.announcement.at == found.transition.at
    return found.announcement


def text(change: Change, event: Event, where: Context | None = None) -> str:
    found = told(change, event, where)
    assert found is not None
    return found.text


def submitted(policy: Policy | None = None, who: str = "ana", **contents: Any) -> Change:
    known = policy or rules()
    routed = cab.routing(known, Tier.HIGH, ChangeType.NORMAL)
    return done(draft(**{"routing": routed, **contents}), ask(who), context(policy=known))


def voting(policy: Policy, *votes: str) -> Change:
    """A change on the agenda that these have approved."""
    where = context(policy=policy)
    return approved(asked(draft(routing=cab.routing(policy, Tier.HIGH, ChangeType.NORMAL)), where), votes, where)


# The board is called.


def test_the_board_is_called_when_its_change_comes_on_the_agenda() -> None:
    found = told(submitted(), Event(Act.ASSESS))
    assert found is not None
    assert found.called == ("acme/cab", "acme/it", "acme/risk", "acme/compliance")
    assert found.text == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, is on the agenda until 2027-01-05 12:00 UTC. "
        f"Planned for 2027-01-09 02:00 to 2027-01-09 06:00 UTC. {VOTE}"
    )


@pytest.mark.parametrize(
    ("reason", "told_"),
    [
        (INCIDENT, INCIDENT),
        ("Payments are down since nine", "Payments are down since nine."),
        ("Can @acme/everyone see *this*?", "Can `@acme/everyone` see \\*this\\*?"),
    ],
)
def test_the_board_of_an_emergency_is_told_what_cannot_wait(reason: str, told_: str) -> None:
    declared = Event(Act.DECLARE, account("rosa"), reason, incident="INC0012345")
    change = done(done(draft(), declared), ask("rosa"))
    assert text(change, Event(Act.ASSESS)) == (
        "@acme/cab: CHG-2027-0001, Settle twice a day, is on the agenda until 2027-01-04 16:00 UTC. "
        f"It is an emergency, `INC0012345`: {told_} {VOTE}"
    )


def test_a_change_that_is_planned_for_no_time_says_none() -> None:
    change = submitted()
    nowhen = replace(change, contents=replace(change.contents, window=None))
    found = announcements.of(nowhen, replace(nowhen, deadline=UP), transition(Act.ASSESS), context())
    assert found is not None
    assert "is on the agenda until 2027-01-05 12:00 UTC. Vote with" in found.text


def test_where_somebody_chose_the_time_the_board_is_told_to_decide_before() -> None:
    late = SATURDAY - timedelta(hours=10)
    change = submitted(scheduled=True)
    assert text(change, Event(Act.ASSESS), context(late)) == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, is on the agenda until 2027-01-09 02:00 UTC. {PLANNED} "
        f"Somebody chose that time: the board decides before it begins. {VOTE}"
    )
    assert "Somebody chose" not in text(change, Event(Act.ASSESS), context(SATURDAY + timedelta(hours=1)))
    assert text(submitted(), Event(Act.ASSESS), context(late)) == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, is on the agenda until 2027-01-09 16:00 UTC. "
        f"Planned for 2027-01-16 02:00 to 2027-01-16 06:00 UTC. {VOTE}"
    )


def test_the_board_is_told_when_what_it_decides_about_is_planned_anew() -> None:
    week = timedelta(days=7)
    later = contents(window=Interval(WEEKEND.start + week, WEEKEND.end + week))
    anew = (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, is planned anew: its window cannot be used any more, or somebody "
        "else has it. Planned for 2027-01-16 02:00 to 2027-01-16 06:00 UTC. The board has until 2027-01-05 12:00 UTC"
    )
    moved = Event(Act.REFRESH, contents=later)
    assert text(approved(by=["ida"]), moved) == f"{anew}; votes that were given stand. {VOTE}"
    assert text(asked(), moved) == f"{anew}. {VOTE}", "nobody has voted since it was asked"
    assert told(asked(), Event(Act.REFRESH, contents=contents(title="Another"))) is None


def test_an_emergency_is_at_once_and_its_board_is_told_of_no_other_time() -> None:
    change = replace(asked(), emergency=emergency().emergency)
    moved = replace(change, contents=replace(change.contents, window=None))
    assert announcements.of(change, moved, transition(Act.REFRESH), context()) is None


def transition(act: Act) -> Transition:
    return Transition("CHG-2027-0001", 3, act, State.ASSESS, State.AUTHORIZE, None, "So.", MONDAY)


def test_nobody_is_called_while_nobody_can_vote_nor_where_no_board_decides() -> None:
    assert told(draft(), ask()) is None
    low = done(draft(Tier.LOW), Event(Act.SUBMIT))
    assert told(low, Event(Act.ASSESS)) is None
    assert told(asked(), vote("ida")) is None
    assert told(approved(), Event(Act.AUTHORIZE)) is None
    assert told(asked(), Event(Act.CANCEL, account("ana"), "Superseded.")) is None


def test_a_title_calls_nobody_and_is_no_markup() -> None:
    change = submitted(title="For @acme/everyone: **now** #12")
    assert "CHG-2027-0001, For `@acme/everyone`: \\*\\*now\\*\\* \\#12, is on" in text(change, Event(Act.ASSESS))


def test_each_holder_is_called_once_though_it_has_two_roles() -> None:
    both = rules(roles={**ROLES, "it-manager": ("acme/cab",), "risk-officer": ("acme/cab", "acme/risk_it")})
    change = submitted(both)
    assert text(change, Event(Act.ASSESS), context(policy=both)).startswith(
        "@acme/cab @acme/risk_it @acme/compliance: "
    )


def test_an_account_is_called_by_name_unless_it_has_no_say() -> None:
    named = rules(
        roles={**ROLES, "cab": ("acme/cab", "ida", "ana", "rosa", "gone", "ana-admin")}, people=(("ana", "ana-admin"),)
    )
    people = standings({**BOARD, "ana": (), "ana-admin": ()})
    change = submitted(named, who="rosa")
    found = told(change, Event(Act.ASSESS), context(policy=named, standings=people))
    assert found is not None
    # ana contributed, by any account, rosa asked, and nobody has the login gone.
    assert found.called == ("acme/cab", "ida", "acme/it", "acme/risk", "acme/compliance")


# The board did not decide.


def test_who_decides_when_the_board_did_not_is_called_and_nobody_else() -> None:
    policy = on_timeout(OnTimeout.ESCALATE, "director")
    found = told(voting(policy, "ida", "rick"), Event(Act.ESCALATE), context(UP, policy=policy))
    assert found is not None
    assert found.called == ("acme/directors",)
    assert found.text == (
        "@acme/directors: CHG-2027-0001, Settle twice a day, was not decided by 2027-01-05 12:00 UTC. "
        "Whoever has the role `director` is on the board as well now, which has until 2027-01-06 12:00 UTC. "
        f"Without a decision by then, it is rejected. {PLANNED} Missing: 1 more to approve and a signature for "
        f"compliance. {VOTE}"
    )


def test_without_anybody_to_escalate_to_the_same_board_is_called_once_more() -> None:
    policy = on_timeout(OnTimeout.ESCALATE)
    assert text(voting(policy, "ida", "rick", "cleo"), Event(Act.ESCALATE), context(UP, policy=policy)) == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, was not decided by 2027-01-05 12:00 UTC. "
        "The board has until 2027-01-06 12:00 UTC now. Without a decision by then, it is rejected. "
        f"{PLANNED} Missing: a signature for compliance. {VOTE}"
    )


def test_a_board_whose_time_begins_anew_is_called_each_time() -> None:
    policy = on_timeout(OnTimeout.EXTEND)
    change = voting(policy)
    missing = (
        "3 more to approve, a signature for it-manager, a signature for risk-officer and a signature for compliance"
    )
    for day in (5, 6):
        where = context(MONDAY + timedelta(days=day - 4), policy=policy)
        assert text(change, Event(Act.EXTEND), where) == (
            f"{TEAMS}: CHG-2027-0001, Settle twice a day, was not decided by 2027-01-0{day} 12:00 UTC. "
            f"The board has until 2027-01-0{day + 1} 12:00 UTC now. {PLANNED} Missing: {missing}. {VOTE}"
        )
        change = done(change, Event(Act.EXTEND), where)


# What was authorised is not any more.


def test_who_asked_is_told_that_an_authorisation_is_lost() -> None:
    other = Event(Act.REVISE, why="Different now: the diff.", contents=contents(diff="second"))
    found = told(approved_at_last(), other)
    assert found is not None
    assert found.called == ("ana",)
    assert found.text == (
        "@ana: CHG-2027-0001, Settle twice a day, is not authorised any more. Different now: the diff. "
        "Ask for it again with `/request-cab`."
    )
    lost = done(approved_at_last(), other)
    assert announcements.due([found], lost) == found
    assert announcements.due([found], done(lost, ask())) is None, "somebody has asked again"
    assert told(lost, replace(other, contents=contents(diff="third"))) is None, "it is said once"


def test_who_asked_is_told_that_the_board_does_not_decide_about_it_any_more() -> None:
    other = Event(Act.REVISE, why="Different now: the plans.", contents=contents(plans=()))
    assert text(asked(), other) == (
        "@ana: CHG-2027-0001, Settle twice a day, is not on the agenda any more. Different now: the plans. "
        "Ask for it again with `/request-cab`."
    )
    low = Event(Act.REVISE, why="Different now: the risk tier.", contents=contents(Tier.LOW))
    assert text(asked(), low) == (
        "@ana: CHG-2027-0001, Settle twice a day, is not on the agenda any more. Different now: the risk tier. "
        "Nobody need ask again: no board decides about it now, and it goes on when nothing blocks."
    )


def test_who_asked_is_told_that_somebody_made_an_emergency_of_it() -> None:
    declared = Event(Act.DECLARE, account("rosa"), INCIDENT, incident="INC0012345")
    assert text(asked(), declared) == (
        "@ana: CHG-2027-0001, Settle twice a day, is not on the agenda any more. `@rosa` declared it an emergency, "
        "about which the board decides anew. Ask for it again with `/request-cab`."
    )
    assert told(draft(), declared) is None


def test_nobody_is_told_where_nobody_asked_a_board() -> None:
    low = done(done(done(draft(Tier.LOW), Event(Act.SUBMIT)), Event(Act.ASSESS)), Event(Act.AUTHORIZE))
    assert low.state is State.SCHEDULED
    assert told(low, Event(Act.REVISE, why="Different now: the diff.", contents=contents(Tier.LOW, diff="x"))) is None
    unasked = replace(asked(), request=None)
    assert told(unasked, Event(Act.REVISE, why="Different now.", contents=contents(diff="second"))) is None


def test_a_time_that_passed_unused_is_told_by_the_call_about_the_next() -> None:
    over = context(WEEKEND.end)
    lapsed = told(approved_at_last(), Event(Act.LAPSE), over)
    assert lapsed is not None
    unused = "was authorised for 2027-01-09 02:00 to 2027-01-09 06:00 UTC, and nothing was released in that time"
    assert lapsed.text == (
        f"@ana: CHG-2027-0001, Settle twice a day, is not authorised any more. It {unused}. Nobody need ask again: its "
        "board is called when nothing blocks."
    )
    change = done(approved_at_last(), Event(Act.LAPSE), over)
    called = told(change, Event(Act.ASSESS), over)
    assert called is not None
    assert called.text == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, is on the agenda until 2027-01-10 06:00 UTC. It {unused}: the "
        f"board votes anew. Planned for 2027-01-16 02:00 to 2027-01-16 06:00 UTC. {VOTE}"
    )
    assert announcements.due([lapsed, called], done(change, Event(Act.ASSESS), over)) == called


def approved_at_last() -> Change:
    return done(approved(), Event(Act.AUTHORIZE))


# It was released without authorisation.


def bypass(change: Change, by: Account | None, policy: Policy | None = None) -> Announcement | None:
    event = Event(Act.BYPASS, by, "Merged without authorisation.", at=MONDAY)
    return told(change, event, context(policy=policy or rules()))


def test_the_board_and_who_asked_are_told_of_what_was_released_without_authorisation() -> None:
    found = bypass(asked(), account("zoe"))
    assert found is not None
    assert found.called == ("acme/cab", "acme/it", "acme/risk", "acme/compliance", "ana")
    assert found.text == (
        f"{TEAMS} @ana: CHG-2027-0001, Settle twice a day, was released by `@zoe` without authorisation: it was in "
        "state authorize. That stays on record, and nobody authorises it afterwards. Whoever takes it back does so by "
        "a change of its own."
    )
    unknown = bypass(draft(), None, replace(rules(), acknowledging=("risk-officer",)))
    assert unknown is not None
    assert unknown.text == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, was released by somebody whom GitHub does not name without "
        "authorisation: it was in state draft. That stays on record, and nobody authorises it afterwards. Whoever takes "
        "it back does so by a change of its own. Where it went over a red check, somebody with the role `risk-officer` "
        "who did not do that answers for it with `/acknowledge number reason`; the next check of the repository has its "
        "number."
    )
    assert bypass(draft(Tier.LOW), account("zoe")) is None, "there is nobody to be told"


def test_who_can_review_an_emergency_is_asked_to_when_it_did_not_wait_for_its_board() -> None:
    change = done(done(draft(), Event(Act.DECLARE, account("rosa"), INCIDENT, incident="INC0012345")), ask("ana"))
    found = bypass(change, account("zoe"))
    assert found is not None
    assert found.text == (
        f"{TEAMS} @rosa @ana: CHG-2027-0001, Settle twice a day, an emergency, was released by `@zoe` without "
        "authorisation: it was in state assess. That stays on record, and nobody authorises it afterwards. Whoever takes "
        "it back does so by a change of its own. Somebody of the board who neither contributed to it, asked for it, "
        "voted on it nor released it reviews it by 2027-01-07 12:00 UTC with `/change review what-was-found`; else the "
        "next change of `payments` waits until that is done."
    )
    after = done(change, Event(Act.BYPASS, account("zoe"), "Merged.", at=MONDAY))
    assert announcements.due([found], after) == found
    seen = Event(Act.REVIEW, account("cleo"), "The cause was a lost index.")
    assert announcements.due([found], done(after, seen)) is None


# The board sent it back.


def test_who_asked_is_told_that_nobody_decided_in_time() -> None:
    found = told(voting(rules(), "ida", "rick"), Event(Act.REJECT), context(UP))
    assert found is not None
    assert found.called == ("ana",)
    assert found.text == (
        "@ana: CHG-2027-0001, Settle twice a day, was not decided by 2027-01-05 12:00 UTC, which rejects it. "
        "It is back in draft: ask again with `/request-cab`."
    )


def test_who_asked_is_told_who_was_against_it_when_the_time_was_up() -> None:
    change = done(voting(rules(), "ida"), vote("rick", Choice.REJECT, "Nobody has tried the back-out plan."))
    assert text(change, Event(Act.REJECT), context(UP)).endswith(
        "which rejects it. It is back in draft: ask again with `/request-cab`.\n\n"
        "- `@rick` rejects: Nobody has tried the back-out plan."
    )


@pytest.mark.parametrize(
    ("choice", "act", "word"), [(Choice.REJECT, Act.REJECT, "rejected"), (Choice.DEFER, Act.DEFER, "deferred")]
)
def test_who_asked_last_is_told_what_the_board_has_against_it(choice: Choice, act: Act, word: str) -> None:
    change = done(done(draft(), ask("rosa")), ask("ana"))
    change = done(change, Event(Act.ASSESS))
    other = Choice.DEFER if choice is Choice.REJECT else Choice.REJECT
    for login, said, why in (
        ("ida", other, "Not this week."),
        ("rick", choice, "Ask @acme/everyone | first, *please*."),
        ("cora", choice, "No. " * 100),
        ("ida", choice, "Not before the audit."),
    ):
        change = done(change, vote(login, said, why))
    found = told(change, Event(act))
    assert found is not None
    assert found.called == ("ana",)
    first, nothing, *reasons = found.text.split("\n")
    assert not nothing
    assert first == (
        f"@ana: CHG-2027-0001, Settle twice a day, was {word} by the board. "
        "It is back in draft: ask again with `/request-cab`."
    )
    assert reasons[0] == f"- `@rick` {choice}s: Ask `@acme/everyone` \\| first, \\*please\\*."
    assert reasons[1].startswith(f"- `@cora` {choice}s: No. No.")
    assert len(reasons[1]) < 330
    assert reasons[2:] == [f"- `@ida` {choice}s: Not before the audit."]


# Emergencies.


def emergency(at: datetime = MONDAY, **contents: Any) -> Change:
    """An emergency of ana's and bo's that rosa declared, and that has been begun."""
    declared = Event(Act.DECLARE, account("rosa"), INCIDENT, incident="INC0012345")
    change = done(done(done(draft(**contents), declared), ask("rosa")), Event(Act.ASSESS))
    change = done(approved(change, by=("cleo", "cora")), Event(Act.AUTHORIZE))
    return done(change, Event(Act.START, account("rosa")), context(at))


ENDS = [(Act.FINISH, "released as an emergency"), (Act.BACK_OUT, "an emergency, and was backed out")]


UNVERIFIED = rules(tiers={tier: replace(found, verification=None) for tier, found in rules().tiers.items()})


@pytest.mark.parametrize(("act", "how"), ENDS)
def test_an_emergency_that_was_made_is_to_be_reviewed(act: Act, how: str) -> None:
    found = told(emergency(), Event(act, why="It is done."), context(policy=UNVERIFIED))
    assert found is not None
    assert found.called == ("acme/cab", "acme/it", "acme/risk", "acme/compliance")
    assert found.text == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, was {how}. One of you who neither contributed to it nor asked for "
        "it reviews it by 2027-01-07 12:00 UTC with `/change review what-was-found`; else the next change of `payments` "
        "waits until that is done."
    )


def test_of_any_other_change_no_review_is_asked() -> None:
    assert told(started(), Event(Act.FINISH), context(SATURDAY, policy=UNVERIFIED)) is None
    assert told(started(), Event(Act.BACK_OUT, why="It stopped."), context(SATURDAY)) is None


def test_who_may_review_is_reminded_once_when_it_is_overdue() -> None:
    change = done(emergency(), Event(Act.FINISH))
    due = context(MONDAY + timedelta(days=3))
    assert text(change, Event(Act.REMIND), due) == (
        f"{TEAMS}: CHG-2027-0001, Settle twice a day, was an emergency, and its review was due on 2027-01-07 12:00 UTC. "
        "Now the next change of `payments` waits for it: review it with `/change review what-was-found`."
    )
    reminded = done(change, Event(Act.REMIND), due)
    nobody = Refused("Nobody is to be reminded of a review of CHG-2027-0001.")
    assert apply(reminded, Event(Act.REMIND), due) == nobody
    assert apply(change, Event(Act.REMIND), context(MONDAY + timedelta(days=3, seconds=-1))) == nobody
    reviewed = done(change, Event(Act.REVIEW, account("ida"), "It was right to do this at once."), due)
    assert apply(reviewed, Event(Act.REMIND), due) == nobody
    assert told(change, Event(Act.REVIEW, account("ida"), "It was right to do this at once.")) is None
    closing = Event(Act.CLOSE, account("vera"), "It went badly.", closure=Closure.UNSUCCESSFUL)
    assert told(reviewed, closing, context()) is None


def test_an_emergency_of_no_application_is_named_so() -> None:
    change = replace(emergency(), contents=replace(emergency().contents, application=""))
    assert "the next change of a repository that is in no application waits" in text(change, Event(Act.FINISH))


def test_where_everybody_took_part_nobody_is_called() -> None:
    alone = rules(roles=dict.fromkeys(ROLES, ("ana", "rosa")))
    people = standings({"ana": (), "rosa": ()})
    found = told(emergency(), Event(Act.FINISH), context(policy=alone, standings=people))
    assert found is not None
    assert found.called == ()
    assert found.text.startswith("CHG-2027-0001, Settle twice a day, was released as an emergency.")


# Verification.

WHO = "who neither contributed to it nor released it"
OTHERWISE = "Where it is not well, `/change close backed-out reason` or `/change close unsuccessful reason` says so."


def test_who_can_confirm_a_release_is_called_when_it_was_made() -> None:
    found = told(started(), Event(Act.FINISH), context(SATURDAY))
    assert found is not None
    assert found.called == ("acme/verification",)
    assert found.text == (
        "@acme/verification: CHG-2027-0001, Settle twice a day, was released by `@rosa`. "
        f"One of you {WHO} confirms by 2027-01-09 06:00 UTC with `/change close successful` that it works in "
        f"production. {OTHERWISE}"
    )


def test_who_can_confirm_it_is_reminded_when_nobody_has() -> None:
    released = done(started(), Event(Act.FINISH), context(SATURDAY))
    found = told(released, Event(Act.REMIND_VERIFIERS), context(SATURDAY + timedelta(hours=4)))
    assert found is not None
    assert found.called == ("acme/verification",)
    assert found.text == (
        "@acme/verification: CHG-2027-0001, Settle twice a day, was released by `@rosa`, and by 2027-01-09 06:00 UTC "
        f"nobody had confirmed that it works in production. One of you {WHO} does so now with "
        f"`/change close successful`; it stays on record that it was late. {OTHERWISE}"
    )


def test_of_an_emergency_both_are_asked_for_in_one_comment() -> None:
    found = told(emergency(), Event(Act.FINISH))
    assert found is not None
    assert found.called == ("acme/cab", "acme/it", "acme/risk", "acme/compliance", "acme/verification")
    review, verification = found.text.split("\n\n")
    assert review.startswith(f"{TEAMS}: CHG-2027-0001, Settle twice a day, was released as an emergency. One of you")
    assert review.endswith("else the next change of `payments` waits until that is done.")
    assert verification == (
        "@acme/verification: CHG-2027-0001, Settle twice a day, was released by `@rosa`. "
        f"One of you {WHO} confirms by 2027-01-04 16:00 UTC, after its review, with `/change close successful` that it "
        f"works in production. {OTHERWISE}"
    )
    backed_out = told(emergency(), Event(Act.BACK_OUT, why="It stops."))
    assert backed_out is not None
    assert "confirms" not in backed_out.text


def test_an_account_is_called_to_confirm_unless_it_had_another_part() -> None:
    policy = rules(
        roles={**ROLES, "verifier": ("vera", "zoe", "ana", "rosa", "ida", "gone")},
        separation=(Separation(frozenset({Role.CAB, Role.VERIFIER})),),
    )
    people = standings({**BOARD, "ana": (), "zoe": ()})
    asked_by_zoe = replace(started(), requesters=(account("zoe"),))
    found = told(asked_by_zoe, Event(Act.FINISH), context(SATURDAY, policy=policy, standings=people))
    assert found is not None
    # zoe asked, ana contributed, rosa released it, the policy keeps ida's vote apart, and nobody has the login gone.
    assert found.called == ("vera",)


def test_whoever_is_no_member_of_a_team_is_named_by_what_they_hold() -> None:
    high = replace(rules().tiers[Tier.HIGH], verification=Verification(("write", "risk-officer"), timedelta(hours=1)))
    policy = rules(tiers={**rules().tiers, Tier.HIGH: high}, roles={**ROLES, "risk-officer": ("ana",)})
    found = told(started(), Event(Act.FINISH), context(SATURDAY, policy=policy))
    assert found is not None
    assert found.called == ()
    assert f"Somebody with write access or the role risk-officer (ana) {WHO} confirms by 2027-01-09 03:00" in found.text


def test_what_nobody_known_released_cannot_be_confirmed() -> None:
    begun = replace(started(), released_by=(GHOST,))
    assert text(begun, Event(Act.FINISH), context(SATURDAY)) == (
        "@acme/verification: CHG-2027-0001, Settle twice a day, was released. Nobody knows by whom, and so it cannot be "
        "called a success. Say what came of it by 2027-01-09 06:00 UTC with `/change close unsuccessful reason`."
    )
    released = done(begun, Event(Act.FINISH), context(SATURDAY))
    assert text(released, Event(Act.REMIND_VERIFIERS), context(SATURDAY + timedelta(hours=4))) == (
        "@acme/verification: CHG-2027-0001, Settle twice a day, was released, and by 2027-01-09 06:00 UTC nobody had "
        "confirmed that it works in production. Nobody knows by whom, and so it cannot be called a success. "
        "Say what came of it with `/change close unsuccessful reason`."
    )


# What is still worth saying.


def announced(version: int, state: State = State.AUTHORIZE, round_: int = 1, act: Act = Act.ASSESS) -> Announcement:
    return Announcement("CHG-2027-0001", version, act, state, round_, ("acme/cab",), "Vote.", MONDAY)


def test_the_newest_is_said_while_nobody_has_acted_on_it() -> None:
    assert announcements.due([announced(3), announced(5)], asked()) == announced(5)
    assert announcements.due([announced(5), announced(3)], asked()) == announced(5)
    assert announcements.due([], asked()) is None
    assert announcements.due([announced(3)], replace(asked(), round=2)) is None
    assert announcements.due([announced(3)], done(approved(), Event(Act.AUTHORIZE))) is None
    # What came before does not hold any more either.
    assert announcements.due([announced(3), announced(5, State.DRAFT)], asked()) is None


@pytest.mark.parametrize("act", [Act.FINISH, Act.REMIND])
def test_nobody_is_asked_for_a_review_that_is_there(act: Act) -> None:
    change = done(emergency(), Event(Act.FINISH), context(policy=UNVERIFIED))
    waiting = [announced(change.version, State.REVIEW, act=act)]
    assert announcements.due(waiting, change) == waiting[0]
    reviewed = done(change, Event(Act.REVIEW, account("ida"), "It was right to do this at once."))
    assert announcements.due(waiting, reviewed) is None


def test_who_confirms_is_called_although_the_review_is_there() -> None:
    change = done(emergency(), Event(Act.FINISH))
    reviewed = done(change, Event(Act.REVIEW, account("ida"), "It was right to do this at once."))
    for act, said in ((Act.FINISH, True), (Act.REMIND_VERIFIERS, True), (Act.REMIND, False)):
        waiting = [announced(change.version, State.REVIEW, act=act)]
        assert (announcements.due(waiting, reviewed) is not None) == said


def test_nobody_is_asked_to_confirm_what_is_closed_or_was_backed_out() -> None:
    change = done(started(), Event(Act.FINISH), context(SATURDAY))
    first = announced(change.version, State.REVIEW, act=Act.FINISH)
    again = announced(change.version + 1, State.REVIEW, act=Act.REMIND_VERIFIERS)
    assert announcements.due([first], change) == first
    assert announcements.due([first, again], change) == again, "once is enough"
    backed_out = done(change, Event(Act.BACK_OUT, account("ana"), "Totals differ."))
    closed = done(change, Event(Act.CLOSE, account("vera"), closure=Closure.SUCCESSFUL))
    for over in (backed_out, closed):
        assert announcements.due([first, again], over) is None


def test_a_change_that_nobody_asked_for_is_announced_to_nobody() -> None:
    nobody: Account | None = None
    change = voting(rules())
    assert change.request is not None
    unasked = replace(change, request=replace(change.request, by=nobody))
    found = told(unasked, Event(Act.REJECT), context(UP))
    assert found is not None
    assert (found.called, found.text.partition(",")[0]) == ((), "CHG-2027-0001")
