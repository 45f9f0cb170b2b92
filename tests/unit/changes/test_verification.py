"""Until when a release is confirmed in production, who is reminded of that, and what says that it was late."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.changes import codec, twin
from bot.changes.lifecycle import advance, wakes_at
from bot.changes.model import Act, Change, Closure, Event, State
from bot.changes.verification import confirmed_late, pending
from bot.policy.model import Policy, Tier, Verification
from tests.unit.builders import account
from tests.unit.changes.builders import SATURDAY, context, done, refused, rules, started
from tests.unit.changes.test_closing import close, emergency_released, finished, low

HOUR = timedelta(hours=1)
DUE = SATURDAY + 5 * HOUR
"""Four hours after the release has ended."""

REVIEWED = Event(Act.REVIEW, account("omar"), "It was right to do this at once.")
REMIND = Event(Act.REMIND_VERIFIERS)
NOBODY = "Nobody is to be reminded of a verification of CHG-2027-0001."


def demanding(verification: Verification | None) -> Policy:
    """The bank's rules with another verification of everything."""
    return rules(tiers={tier: replace(found, verification=verification) for tier, found in rules().tiers.items()})


def emergency() -> Change:
    """An emergency that was released, and is to be confirmed as any other change of its tier."""
    change = emergency_released()
    return replace(change, contents=replace(change.contents, tier=Tier.HIGH), verification_due=DUE)


def test_a_release_is_to_be_confirmed_within_the_time_of_its_tier() -> None:
    assert finished().verification_due == DUE
    assert pending(finished()) == DUE
    assert low().verification_due is None
    assert started().verification_due is None, "it is not released yet"


def test_that_time_is_fixed_at_the_release() -> None:
    shorter = demanding(Verification(("verifier",), HOUR))
    change = done(started(), Event(Act.FINISH, at=SATURDAY), context(SATURDAY + HOUR, policy=shorter))
    assert change.verification_due == SATURDAY + HOUR, "as of when it was released, however late it is heard of"
    assert wakes_at(finished(), context(SATURDAY, policy=shorter)) == DUE
    assert refused(finished(), REMIND, context(SATURDAY + 3 * HOUR, policy=shorter)).what == NOBODY


def test_it_wakes_when_it_is_due_and_somebody_is_reminded_once() -> None:
    assert wakes_at(finished(), context(SATURDAY + HOUR)) == DUE
    assert advance(finished(), context(DUE - timedelta(seconds=1))) == ()
    [step] = advance(finished(), context(DUE))
    told = step.transition
    assert (told.act, told.who, told.why) == (Act.REMIND_VERIFIERS, None, "Nobody has verified it in time.")
    assert (told.before, told.after) == (State.REVIEW, State.REVIEW)
    assert step.announcement is not None
    assert advance(step.change, context(DUE + timedelta(days=9))) == ()
    assert wakes_at(step.change, context(DUE)) is None
    assert "nobody does it by hand" in refused(finished(), replace(REMIND, who=account("vera")), context(DUE)).what


@pytest.mark.parametrize(
    "change",
    [
        done(finished(), close("vera"), context(SATURDAY + 2 * HOUR)),
        done(finished(), Event(Act.BACK_OUT, account("ana"), "Totals differ."), context(SATURDAY + 2 * HOUR)),
        done(started(), Event(Act.BACK_OUT, account("ana"), "It stops."), context(SATURDAY)),
        replace(finished(), verification_due=None),
        low(),
    ],
)
def test_nobody_is_reminded_of_what_is_not_to_be_confirmed_any_more(change: Change) -> None:
    assert pending(change) is None
    late = context(DUE + HOUR)
    assert not [step for step in advance(change, late) if step.transition.act is Act.REMIND_VERIFIERS]


def test_nobody_is_reminded_where_the_policy_does_not_demand_it_any_more() -> None:
    relaxed = context(DUE, policy=demanding(None))
    assert refused(finished(), REMIND, relaxed).what == NOBODY
    assert wakes_at(finished(), relaxed) == finished().ended_at + timedelta(hours=24)  # type: ignore[operator]


def test_of_an_emergency_somebody_is_reminded_when_it_was_reviewed_and_can_be_confirmed() -> None:
    change = emergency()
    assert change.review_due is not None
    late = context(DUE + HOUR)
    assert [step.transition.act for step in advance(change, late)] == [Act.REMIND]
    assert wakes_at(change, context(change.review_due - HOUR)) == change.review_due
    looked_at = done(change, REVIEWED)
    assert wakes_at(looked_at, context()) == DUE
    assert [step.transition.act for step in advance(looked_at, late)] == [Act.REMIND_VERIFIERS]


@pytest.mark.parametrize("closure", [Closure.SUCCESSFUL, Closure.WITH_ISSUES])
def test_what_is_confirmed_late_says_so(closure: Closure) -> None:
    late = done(finished(), close("vera", closure), context(DUE))
    assert confirmed_late(late) == DUE
    assert twin.closure_of(late).notes.splitlines()[1] == "It was verified late: it was to be by 2027-01-09 07:00 UTC."
    early = done(finished(), close("vera", closure), context(DUE - timedelta(seconds=1)))
    assert confirmed_late(early) is None
    assert "late" not in twin.closure_of(early).notes


def test_only_what_somebody_confirmed_was_confirmed_late() -> None:
    late = context(DUE + timedelta(days=2))
    assert confirmed_late(finished()) is None
    assert confirmed_late(done(finished(), close("vera", Closure.UNSUCCESSFUL), late)) is None
    assert confirmed_late(done(low(), close("ana"), late)) is None
    by_itself = done(finished(), close(None), replace(late, policy=demanding(None)))
    assert confirmed_late(by_itself) is None


def test_a_record_that_was_stored_before_is_read_and_nobody_is_reminded_of_it() -> None:
    stored = codec.dump(finished())
    assert codec.load(stored, finished().votes) == finished()
    before = replace(finished(), verification_due=None)
    older = codec.dump(before).replace(b',"verification_due":null,"verifiers_reminded":false', b"")
    assert b"verifi" not in older
    assert codec.load(older, before.votes) == before
    assert advance(before, context(DUE)) == ()
    assert done(before, close("vera"), context(DUE)).state is State.CLOSED
