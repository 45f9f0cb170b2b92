"""Who may declare an emergency, and what becomes of one that nobody looked at afterwards."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.changes.emergency import (
    concerns,
    finding,
    frozen_out,
    is_overdue,
    lane_ends,
    may_begin_until,
    may_declare,
    next_due,
    overdue,
    reviews_due,
)
from bot.changes.model import Authorisation, Change, Retrospective, State
from bot.decide.verdict import Verdict
from bot.facts.model import Account
from bot.policy.model import ChangeType, Emergency, Freeze
from tests.unit.builders import account, bot
from tests.unit.changes.builders import MONDAY, contents, draft, rules, standings

REASON = "Payments are sent twice since this morning."


def declared(who: Account | None, reason: str = REASON, incident: str = "INC0012345") -> str:
    found = may_declare(who, reason, incident, standings(), rules())
    return found.what if found else ""


@pytest.mark.parametrize("incident", ["INC0012345", "P1-77", "OPS_X-4", "incident#9"])
def test_somebody_of_the_role_declares_an_emergency_for_an_incident(incident: str) -> None:
    assert declared(account("rosa"), incident=incident) == ""


@pytest.mark.parametrize(
    ("who", "reason", "incident", "told"),
    [
        ("ida", REASON, "INC0012345", "@ida may not declare an emergency."),
        ("stranger", REASON, "INC0012345", "@stranger may not declare an emergency."),
        ("rosa", "urgent", "INC0012345", "An emergency needs a reason."),
        ("rosa", REASON, "", "An emergency belongs to an incident."),
        ("rosa", REASON, "n/a", "An emergency belongs to an incident."),
        ("rosa", REASON, "INC1 --force", "An emergency belongs to an incident."),
        ("rosa", REASON, f"INC{'1' * 40}", "An emergency belongs to an incident."),
    ],
)
def test_what_is_no_declaration(who: str, reason: str, incident: str, told: str) -> None:
    assert declared(account(who), reason, incident) == told


def test_nobody_declares_by_a_program_or_where_the_policy_names_nobody() -> None:
    assert declared(None) == declared(bot("robot")) == "Only a person can declare an emergency."
    found = may_declare(account("rosa"), REASON, "INC1", standings(), replace(rules(), emergency=Emergency()))
    assert found is not None
    assert found.what == "Nobody may declare an emergency."


def begun() -> Change:
    inside = replace(contents(), kind=ChangeType.EMERGENCY)
    given = Authorisation(MONDAY, inside.diff, inside.routing)
    return replace(draft(), contents=inside, authorisation=given, state=State.REVIEW, review_due=MONDAY)


def test_an_emergency_opens_the_way_for_a_few_hours() -> None:
    assert lane_ends(begun(), rules()) == MONDAY + timedelta(hours=4)
    assert lane_ends(replace(begun(), authorisation=None), rules()) is None
    assert lane_ends(replace(begun(), contents=contents()), rules()) is None


def test_it_is_open_no_longer_than_until_a_freeze_begins_that_does_not_except_it() -> None:
    freeze = Freeze("audit", first=datetime(2027, 1, 4, 14, tzinfo=UTC), last=date(2200, 12, 31))
    policy = replace(rules(), calendar=replace(rules().calendar, freezes=(freeze,)))
    two = MONDAY + timedelta(hours=2)
    assert may_begin_until(begun(), policy, MONDAY) == two
    assert may_begin_until(begun(), policy, two) == MONDAY + timedelta(hours=4)
    assert may_begin_until(begun(), rules(), MONDAY) == MONDAY + timedelta(hours=4)
    assert may_begin_until(replace(begun(), authorisation=None), policy, MONDAY) is None
    assert frozen_out(policy, MONDAY) is None
    told = frozen_out(policy, two)
    assert told is not None
    assert told.what == (
        "No emergency can be released now: the freeze `audit` holds until further notice, "
        "and its `except` lacks `emergency`."
    )
    other = replace(policy, calendar=replace(policy.calendar, freezes=(freeze, replace(freeze, name="merger"))))
    assert "each `except` lacks" in getattr(frozen_out(other, two), "what", "")


def test_a_freeze_that_is_only_observed_holds_no_emergency() -> None:
    freeze = Freeze("audit", first=date(2027, 1, 1), last=date(2027, 1, 31))
    policy = replace(rules(), calendar=replace(rules().calendar, freezes=(freeze,)), observed=("freeze",))
    assert frozen_out(policy, MONDAY) is None
    assert may_begin_until(begun(), policy, MONDAY) == MONDAY + timedelta(hours=4)
    assert may_begin_until(replace(begun(), authorisation=None), policy, MONDAY) is None


def test_a_review_is_overdue_from_the_moment_that_it_was_due() -> None:
    change = begun()
    assert not is_overdue(change, MONDAY - timedelta(seconds=1))
    assert is_overdue(change, MONDAY)
    assert not is_overdue(replace(change, review_due=None), MONDAY)
    assert is_overdue(replace(change, state=State.CANCELLED), MONDAY), "it was released without authorisation"
    looked_at = Retrospective(account("ida"), MONDAY, "It was right.")
    assert not is_overdue(replace(change, retrospective=looked_at), MONDAY)


HERE, ELSEWHERE = 77, 78


@pytest.mark.parametrize(
    ("application", "repository", "blocked"),
    [
        ("payments", HERE, True),
        ("payments", ELSEWHERE, True),
        ("cards", HERE, True),
        ("", HERE, True),
        ("cards", ELSEWHERE, False),
        ("", ELSEWHERE, False),
    ],
)
def test_it_blocks_the_other_changes_of_the_same_application_or_repository(
    application: str, repository: int, blocked: bool
) -> None:
    change = begun()
    assert reviews_due([change], application, repository, "CHG-2027-0002") == ((change,) if blocked else ())
    mine = {*concerns(change.contents.application, change.repository)}
    assert bool(mine & {*concerns(application, repository)}) is blocked, "and those hear of it"


def test_it_blocks_no_longer_than_it_is_owed() -> None:
    change = begun()
    assert reviews_due([change], "payments", HERE, "CHG-2027-0001") == ()
    bypassed = replace(change, state=State.CANCELLED)
    assert reviews_due([bypassed], "payments", HERE, "CHG-2027-0002") == (bypassed,)
    assert reviews_due([replace(bypassed, review_due=None)], "payments", HERE, "CHG-2027-0002") == ()
    assert overdue([change], MONDAY) == ("CHG-2027-0001",)
    earlier = MONDAY - timedelta(seconds=1)
    assert (overdue([change], earlier), next_due([change], earlier)) == ((), MONDAY)
    assert next_due([change], MONDAY) is None


def test_of_what_is_in_no_application_only_the_same_repository_is_blocked() -> None:
    change = begun()
    change = replace(change, contents=replace(change.contents, application=""))
    assert reviews_due([change], "", HERE, "") == (change,)
    assert reviews_due([change], "payments", HERE, "") == (change,)
    assert reviews_due([change], "", ELSEWHERE, "") == ()
    assert not {*concerns("", ELSEWHERE)} & {*concerns("", HERE)}


def test_what_blocks_is_told() -> None:
    assert finding(()) is None
    found = finding(("CHG-2027-0001",))
    assert found is not None
    assert (found.verdict, found.what) == (Verdict.FAIL, "The review of CHG-2027-0001 is overdue.")
    assert found.remedy == (
        "Somebody of the board who did not take part reviews CHG-2027-0001; then the next change can go on. Where "
        "everybody of the board took part, the owners of the policy put somebody else into one of its roles, who can."
    )
