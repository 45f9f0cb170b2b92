"""How a change ends: the merge that releases it, who may say what came of it, and what is closed by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.changes import closing
from bot.changes.closing import NOBODY_REPORTED, NOBODY_REPORTED_MORE, QUIET, closes_by_itself_at
from bot.changes.emergency import is_overdue
from bot.changes.guards import lacking
from bot.changes.lifecycle import advance, wakes_at
from bot.changes.model import Act, Change, Choice, Closure, Event, Merge, Part, State
from bot.facts.model import Account, Instructed, Instruction
from bot.facts.people import GHOST
from bot.policy.model import Policy, Role, Separation, Tier
from tests.unit.builders import account, bot
from tests.unit.changes.builders import (
    BOARD,
    MONDAY,
    SATURDAY,
    approved,
    ask,
    asked,
    authorised,
    contents,
    context,
    done,
    draft,
    refused,
    rules,
    standings,
    started,
)

HOUR = timedelta(hours=1)
MERGED = "The pull request was merged."


def start(who: Account | None = None, **more: Any) -> Event:
    return Event(Act.START, who or account("rosa"), MERGED, **more)


def finished(who: str = "rosa") -> Change:
    """A high change that has been released, by somebody who had no other part in it."""
    begun = done(authorised(), start(account(who)), context(SATURDAY))
    return done(begun, Event(Act.FINISH), context(SATURDAY + HOUR))


def low() -> Change:
    """A low change that has been released: nobody verifies one."""
    scheduled = advance(draft(Tier.LOW), context())[-1].change
    return done(done(scheduled, start()), Event(Act.FINISH))


def close(who: str | Account | None, closure: Closure = Closure.SUCCESSFUL, why: str = "It was seen to work.") -> Event:
    by = account(who) if isinstance(who, str) else who
    return Event(Act.CLOSE, by, why, closure=closure)


def separating(*roles: Role, **more: Any) -> Policy:
    return rules(separation=(Separation(frozenset(roles), **more),))


# What a merge does.


def test_what_happened_is_judged_by_its_own_moment_and_on_record_from_now_on() -> None:
    late = context(SATURDAY + timedelta(days=2))
    begun = done(authorised(), start(at=SATURDAY + HOUR), late)
    assert (begun.state, begun.started_at, begun.released_by) == (
        State.IMPLEMENT, SATURDAY + HOUR, (account("rosa"),),
    )  # fmt: skip
    ended = done(begun, Event(Act.FINISH, at=SATURDAY + HOUR), late)
    assert ended.ended_at == SATURDAY + HOUR
    ahead = done(authorised(), start(at=SATURDAY + timedelta(days=9)), context(SATURDAY))
    assert ahead.started_at == SATURDAY, "nothing has happened that is still to come"


def test_what_should_have_waited_goes_on_with_the_reason_and_was_authorised_once() -> None:
    over = Event(Act.OVERTAKE, account("rosa"), "It was merged on a Monday.", at=MONDAY)
    begun = done(authorised(), over)
    assert (begun.state, begun.started_at, begun.overtaken) == (
        State.IMPLEMENT, MONDAY, "It was merged on a Monday.",
    )  # fmt: skip
    assert begun.authorisation is not None
    again = done(begun, replace(over, who=account("zoe"), why="So was #8."))
    assert again.overtaken == "It was merged on a Monday.\nSo was #8."
    assert again.released_by == (account("rosa"), account("zoe"))
    assert again.started_at == MONDAY
    assert "nobody does it" in refused(authorised(), Event(Act.OVERTAKE, why="I want to.")).what
    assert refused(authorised(), Event(Act.OVERTAKE, at=MONDAY)).what == "A reason is needed."
    assert refused(asked(), over).what == "CHG-2027-0001 is in state authorize, where that is not possible."


@pytest.mark.parametrize("before", [draft, lambda: done(draft(), ask()), asked])
def test_what_was_never_authorised_and_released_is_cancelled_and_says_so(before: Callable[[], Change]) -> None:
    found = done(before(), Event(Act.BYPASS, account("zoe"), "Merged without authorisation.", at=MONDAY))
    assert found.is_unauthorised
    assert (found.state, found.authorisation, found.closure) == (State.CANCELLED, None, None)
    assert (found.started_at, found.ended_at, found.released_by) == (MONDAY, MONDAY, (account("zoe"),))
    assert found.notes == "Merged without authorisation."
    assert "nobody does it" in refused(before(), Event(Act.BYPASS, account("zoe"), "I merge.")).what
    again = Event(Act.BYPASS, account("zoe"), "Merged again.", at=MONDAY)
    assert refused(found, again).what == "It is on record that CHG-2027-0001 was released."
    assert advance(found, context(MONDAY + timedelta(days=9))) == ()


def bypassed(before: Change, by: str = "zoe") -> Change:
    declared = done(before, Event(Act.DECLARE, account("rosa"), "Payments are sent twice.", incident="INC0012345"))
    return done(declared, Event(Act.BYPASS, account(by), "Merged without authorisation.", at=MONDAY))


@pytest.mark.parametrize("before", [draft, lambda: done(draft(), ask()), asked])
def test_an_emergency_that_did_not_wait_for_its_board_is_reviewed_all_the_same(before: Callable[[], Change]) -> None:
    found, due = bypassed(before()), MONDAY + timedelta(days=3)
    assert (found.is_unauthorised, found.review_due, found.emergency is not None) == (True, due, True)
    assert wakes_at(found, context()) == due
    assert is_overdue(found, due)
    [reminded] = advance(found, context(due))
    assert (reminded.transition.act, reminded.change.state) == (Act.REMIND, State.CANCELLED)
    assert advance(reminded.change, context(due)) == ()
    seen = Event(Act.REVIEW, account("cleo"), "The cause was a lost index.")
    reviewed = done(found, seen)
    assert (reviewed.is_unauthorised, wakes_at(reviewed, context())) == (True, None)
    assert not is_overdue(reviewed, due)
    assert "released it without authorisation" in refused(bypassed(before(), "cleo"), seen).what


def test_what_was_cancelled_and_not_released_is_not_reviewed() -> None:
    given_up = done(draft(), Event(Act.CANCEL, account("ana"), "Superseded."))
    seen = Event(Act.REVIEW, account("cleo"), "The cause was a lost index.")
    assert refused(given_up, seen).what.endswith("was released as no emergency: there is nothing to review.")
    normal = done(draft(), Event(Act.BYPASS, account("zoe"), "Merged.", at=MONDAY))
    assert refused(normal, seen).what.endswith("was released as no emergency: there is nothing to review.")


def test_what_was_given_up_and_merged_all_the_same_says_so_too() -> None:
    given_up = done(draft(), Event(Act.CANCEL, account("ana"), "Superseded."))
    assert not given_up.is_unauthorised
    merged = done(given_up, Event(Act.BYPASS, None, "Merged without authorisation.", at=MONDAY))
    assert merged.is_unauthorised
    assert merged.released_by == (GHOST,)
    assert merged.notes == "Superseded.\nMerged without authorisation."


@pytest.mark.parametrize("before", [draft, lambda: done(draft(), ask()), asked, authorised])
def test_what_is_closed_without_a_merge_is_withdrawn(before: Callable[[], Change]) -> None:
    why = "The pull request was closed without a merge, by @ana."
    found = done(before(), Event(Act.ABANDON, why=why, at=MONDAY))
    assert (found.state, found.authorisation, found.abandoned, found.notes) == (State.CANCELLED, None, True, why)
    assert not found.is_unauthorised
    assert "nobody does it" in refused(before(), Event(Act.ABANDON, account("ana"), "Enough.")).what
    assert not done(before(), Event(Act.CANCEL, account("ana"), "Enough.")).abandoned


def test_what_was_released_is_not_withdrawn() -> None:
    gone = Event(Act.ABANDON, why="Closed.", at=MONDAY)
    assert "it is being released" in refused(started(), gone).what
    assert "it has been released" in refused(finished(), gone).what


def test_everybody_who_merged_a_part_released_it() -> None:
    parts = tuple(
        Part(f"pull:77:{number}", merge=Merge(account(who), MONDAY)) for number, who in ((7, "rosa"), (8, "bo"))
    )
    ended = done(started(), Event(Act.FINISH, account("cem")), context(SATURDAY, parts=(*parts, Part("pull:77:9"))))
    assert ended.released_by == (account("rosa"), account("bo"), account("cem"))


# Who may release it.


@pytest.mark.parametrize(
    ("roles", "who", "told"),
    [
        ((Role.CONTRIBUTOR, Role.DEPLOYER), "ana", "@ana contributed to it"),
        ((Role.AUTHOR, Role.MERGER), "ana", "@ana contributed to it"),
        ((Role.REQUESTER, Role.DEPLOYER), "ana", "@ana asked for it"),
        ((Role.CAB, Role.DEPLOYER), "ida", "@ida voted for it"),
        ((Role.APPROVER, Role.MERGER), "ben", "@ben approved it"),
        ((Role.MERGER, Role.DEPLOYER), "rosa", "@rosa merged it"),
    ],
)
def test_who_merges_has_no_part_that_the_policy_keeps_apart_from_that(
    roles: tuple[Role, ...], who: str, told: str
) -> None:
    where = context(SATURDAY, policy=separating(*roles), approvers=(account("ben"),))
    found = refused(authorised(), start(account(who)), where)
    assert found.what == f"{told}, which the policy keeps apart from releasing it."
    if who != "rosa":
        assert done(authorised(), start(), where).state is State.IMPLEMENT
    other = separating(*roles, tiers=frozenset({Tier.LOW}))
    assert done(authorised(), start(account(who)), replace(where, policy=other)).state is State.IMPLEMENT


def test_an_account_of_the_same_person_is_no_other_person() -> None:
    where = context(SATURDAY, policy=separating(Role.CONTRIBUTOR, Role.DEPLOYER))
    mine = replace(authorised(), contents=contents(contributors=(account("cleo"),)))
    assert refused(mine, start(account("cleo-admin")), where).what.startswith("@cleo-admin contributed to it")


@pytest.mark.parametrize("who", [None, GHOST])
def test_nobody_known_is_nobody_who_may_release_what_is_kept_apart(who: Account | None) -> None:
    event = Event(Act.START, who, MERGED)
    where = context(SATURDAY, policy=separating(Role.CONTRIBUTOR, Role.DEPLOYER))
    assert refused(authorised(), event, where).what.startswith("Nobody knows who released it")
    assert done(authorised(), event, context(SATURDAY)).released_by == (GHOST,)


# Who may say what came of it.


def test_who_verifies_closes_it_as_a_success() -> None:
    closed = done(finished(), close("vera"), context(SATURDAY + 2 * HOUR))
    assert (closed.closure, closed.notes, closed.closed_by, closed.closed_at) == (
        Closure.SUCCESSFUL, "It was seen to work.", account("vera"), SATURDAY + 2 * HOUR,
    )  # fmt: skip
    assert done(finished(), close("vera", Closure.WITH_ISSUES)).state is State.CLOSED


REMEDY = (
    "Somebody with the role verifier (acme/verification) who neither contributed nor released it says `/change close`."
)


def test_whoever_does_not_verify_is_told_who_could() -> None:
    told = refused(finished(), close("ana"))
    assert told.what == (
        "Whoever closes CHG-2027-0001 as a success verifies it in production, and @ana does not have "
        "the role verifier (acme/verification)."
    )
    assert told.remedy == REMEDY
    # Whoever is in the group, and nowhere in the records of now, is not.
    assert "does not have" in refused(finished(), close("vera"), context(standings=())).what


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (finished("vera"), "@vera released it"),
        (replace(finished(), contents=contents(contributors=(account("vera"),))), "@vera contributed to it"),
    ],
)
def test_who_contributed_or_released_it_never_verifies_it(change: Change, told: str) -> None:
    found = refused(change, close("vera"))
    assert found.what.startswith("@vera cannot verify CHG-2027-0001: @vera ")
    assert told in found.what
    assert found.what.endswith(", which is kept apart from that.")
    assert found.remedy == REMEDY


def test_the_policy_keeps_other_parts_apart_from_verifying() -> None:
    asker = replace(finished(), requesters=(account("vera"),))
    assert done(asker, close("vera")).state is State.CLOSED
    where = context(policy=separating(Role.REQUESTER, Role.VERIFIER))
    assert "@vera asked for it" in refused(asker, close("vera"), where).what
    reviewing = context(policy=separating(Role.APPROVER, Role.VERIFIER), approvers=(account("vera"),))
    assert "@vera approved it" in refused(finished(), close("vera"), reviewing).what
    assert done(finished(), close("vera"), context(approvers=(account("vera"),))).state is State.CLOSED


def test_the_second_account_of_who_contributed_does_not_verify_either() -> None:
    two = context(standings=standings({**BOARD, "cleo-admin": ("acme/verification",)}))
    mine = replace(finished(), contents=contents(contributors=(account("cleo"),)))
    assert "cannot verify" in refused(mine, close("cleo-admin"), two).what
    assert done(finished(), close("cleo-admin"), two).state is State.CLOSED


@pytest.mark.parametrize("by", [(), (GHOST,), (account("rosa"), GHOST)])
def test_what_nobody_known_released_is_not_called_a_success(by: tuple[Account, ...]) -> None:
    unknown = replace(finished(), released_by=by)
    told = refused(unknown, close("vera"))
    assert told.what == "Nobody knows who released CHG-2027-0001, and so whether @vera is somebody else."
    assert done(unknown, close("vera", Closure.UNSUCCESSFUL)).state is State.CLOSED


@pytest.mark.parametrize("who", ["ana", "bo", "rosa", "vera", "ida", "cleo", "ben"])
def test_whoever_has_to_do_with_it_can_say_that_it_failed(who: str) -> None:
    where = context(approvers=(account("ben"),))
    assert done(finished(), close(who, Closure.UNSUCCESSFUL), where).closed_by == account(who)


def test_nobody_else_can_nor_a_program() -> None:
    told = refused(finished(), close("zoe", Closure.UNSUCCESSFUL))
    assert told.what == "@zoe cannot say what came of CHG-2027-0001."
    assert told.remedy == "Who contributed, asked, approved, merged, decides, or verifies can."
    assert "A program" in refused(finished(), close(bot("robot"), Closure.UNSUCCESSFUL)).what
    assert refused(low(), close("zoe")).what == "@zoe cannot say what came of CHG-2027-0001."
    assert done(low(), close("ana")).state is State.CLOSED


# Backed out.


def test_a_release_that_turns_out_to_be_bad_is_backed_out_afterwards() -> None:
    back = Event(Act.BACK_OUT, account("ana"), "Totals differ by a cent.")
    found = done(finished(), back, context(SATURDAY + 5 * HOUR))
    assert (found.state, found.backed_out, found.ended_at) == (State.REVIEW, True, SATURDAY + HOUR)
    assert refused(found, back).what == "CHG-2027-0001 is backed out already."
    closed = done(found, close("ana", Closure.BACKED_OUT, "Totals differ by a cent."))
    assert (closed.state, closed.closure) == (State.CLOSED, Closure.BACKED_OUT)


def test_one_that_is_under_way_is_backed_out_and_ends_with_that() -> None:
    found = done(started(), Event(Act.BACK_OUT, account("rosa"), "It stops."), context(SATURDAY + 2 * HOUR))
    assert (found.state, found.backed_out, found.ended_at) == (State.REVIEW, True, SATURDAY + 2 * HOUR)
    assert done(started(), Event(Act.BACK_OUT, None, "Its deployment failed.")).backed_out


def test_who_may_back_it_out() -> None:
    told = refused(finished(), Event(Act.BACK_OUT, account("zoe"), "I do not like it."))
    assert told.what == "@zoe cannot say what came of CHG-2027-0001."
    assert refused(draft(), Event(Act.BACK_OUT, account("ana"), "No.")).what.endswith(
        "it is closed when it has been released."
    )


def test_closing_as_backed_out_is_backing_out_first() -> None:
    why = "Totals differ by a cent."
    steps = closing.closing(finished(), account("ana"), Closure.BACKED_OUT, why)
    assert [(each.act, each.why, each.closure) for each in steps] == [
        (Act.BACK_OUT, why, None), (Act.CLOSE, why, Closure.BACKED_OUT),
    ]  # fmt: skip
    back = done(finished(), steps[0])
    assert [each.act for each in closing.closing(back, account("ana"), Closure.BACKED_OUT, why)] == [Act.CLOSE]
    assert [each.act for each in closing.closing(finished(), account("ana"), Closure.SUCCESSFUL, why)] == [Act.CLOSE]


# By itself.


def test_what_nobody_verifies_is_closed_when_nobody_has_reported_a_problem() -> None:
    change = low()
    assert closes_by_itself_at(change, context()) == wakes_at(change, context()) == MONDAY + QUIET
    assert advance(change, context(MONDAY + QUIET - timedelta(seconds=1))) == ()
    [step] = advance(change, context(MONDAY + QUIET))
    assert (step.transition.act, step.transition.who, step.transition.why) == (Act.CLOSE, None, NOBODY_REPORTED)
    assert (step.change.closure, step.change.closed_by, step.change.notes) == (
        Closure.SUCCESSFUL, None, NOBODY_REPORTED,
    )  # fmt: skip
    assert NOBODY_REPORTED == "Nobody has reported a problem within 24 hours of its release."


def test_what_is_held_is_not_closed_by_itself_until_a_day_after_that_was_lifted() -> None:
    change = low()
    hold = Instruction(Instructed.HOLD, "held", account("ana"), "Totals differ.", MONDAY + HOUR)
    held = context(MONDAY + QUIET, holds=(hold,))
    assert held.held == (hold,)
    assert closes_by_itself_at(change, held) is None
    assert advance(change, held) == ()
    lifted = replace(hold, value="", at=MONDAY + 2 * HOUR)
    assert closes_by_itself_at(change, context(holds=(lifted,))) == MONDAY + 2 * HOUR + QUIET
    [step] = advance(change, context(MONDAY + 2 * HOUR + QUIET, holds=(lifted,)))
    assert step.change.notes == NOBODY_REPORTED_MORE
    before = context(holds=(replace(lifted, at=MONDAY - HOUR),))
    assert closes_by_itself_at(change, before) == MONDAY + QUIET, "what was lifted before its release is no report"


def emergency_released() -> Change:
    declared = done(draft(Tier.LOW), Event(Act.DECLARE, account("rosa"), "Payments are sent twice.", incident="INC1"))
    board = done(done(declared, ask("rosa")), Event(Act.ASSESS))
    for login in ("cleo", "cora"):
        board = done(board, Event(Act.VOTE, account(login), choice=Choice.APPROVE))
    return done(done(done(board, Event(Act.AUTHORIZE)), start()), Event(Act.FINISH))


@pytest.mark.parametrize(
    "change",
    [
        finished(),
        emergency_released(),
        done(low(), Event(Act.BACK_OUT, account("ana"), "It is bad.")),
        replace(low(), overtaken="It was merged in a freeze."),
        started(),
        replace(low(), ended_at=None),
    ],
)
def test_whatever_a_person_has_to_look_at_is_not_closed_by_itself(change: Change) -> None:
    never = context(SATURDAY + timedelta(days=99))
    assert closes_by_itself_at(change, never) is None
    assert all(step.transition.act is not Act.CLOSE for step in advance(change, never))
    if change.state is State.REVIEW and not change.backed_out and change.emergency is None:
        told = refused(change, close(None), never)
        assert told.what == "A person says what came of CHG-2027-0001."
        assert told.remedy == "`/change close` says it."


def test_countersign_calls_nothing_but_a_success_by_itself() -> None:
    where = context(MONDAY + QUIET)
    for closure in (Closure.WITH_ISSUES, Closure.UNSUCCESSFUL):
        assert refused(low(), close(None, closure), where).what == "A person says what came of CHG-2027-0001."


def test_an_approval_of_who_has_a_part_that_is_kept_apart_from_it_is_none() -> None:
    apart = "the policy keeps the two apart; the review is dismissed"
    policy = separating(Role.REQUESTER, Role.APPROVER)
    where = context(policy=policy, approvers=(account("ben"),))
    voted = approved()
    assert lacking(voted, where) == ()
    assert lacking(replace(voted, requesters=(account("ben"),)), where) == (
        f"an approval by somebody else than @ben, who asked for it ({apart})",
    )
    voter = context(policy=separating(Role.CAB, Role.APPROVER), approvers=(account("rick"),))
    assert lacking(voted, voter) == (f"an approval by somebody else than @rick, who voted for it ({apart})",)
    merging = context(policy=separating(Role.APPROVER, Role.DEPLOYER), approvers=(account("rosa"),))
    assert lacking(voted, merging) == ()
    asking = context(policy=separating(Role.CONTRIBUTOR, Role.REQUESTER), approvers=(account("ben"),))
    assert lacking(replace(voted, requesters=voted.contents.contributors), asking) == ()


def test_what_is_kept_apart_in_a_tier_stays_so_when_somebody_raises_a_change_of_it() -> None:
    where = context(
        policy=separating(Role.REQUESTER, Role.APPROVER, tiers=frozenset({Tier.LOW})), approvers=(account("ben"),)
    )
    asked_by_ben = replace(approved(), requesters=(account("ben"),))
    assert lacking(asked_by_ben, where) == ()
    raised = replace(asked_by_ben, contents=replace(asked_by_ben.contents, raised_from=Tier.LOW))
    assert any("somebody else than @ben" in each for each in lacking(raised, where))
