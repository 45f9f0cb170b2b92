"""`/change link` and `/change unlink`: what is joined, what is left, and every reason why not."""

from dataclasses import replace

import pytest

from bot.changes.model import Act, State
from bot.changes.model import Change as Record
from bot.commands.model import Joined, Left, Linked
from bot.facts.model import Permission, PullRequestState
from bot.policy.model import Policy, Records, System
from tests.unit.builders import pull_request
from tests.unit.changes.builders import MONDAY, ask, asked, contents, context, done, draft, rules, started
from tests.unit.commands.test_records import desk_of, refused, said

OTHER = replace(draft(), number="CHG-2027-0002", subject="pull:77:8", contents=contents(pulls=(8,)))
BOTH = replace(draft(), contents=contents(pulls=(7, 8)))
THERE = rules(records=Records(System.SERVICENOW))
DESK = rules(records=Records(System.JIRA))


def test_a_pull_request_joins_another_ones_record_and_its_own_is_given_up() -> None:
    outcome = said("/change link CHG-2027-0002", record=draft(), named=(OTHER,))
    [deed] = outcome.deeds
    assert isinstance(deed, Joined)
    assert deed.record is OTHER
    [step] = deed.steps
    assert (step.transition.act, step.transition.why) == (Act.CANCEL, "It ships with CHG-2027-0002.")
    assert (step.change.state, step.change.successor) == (State.CANCELLED, "CHG-2027-0002")


def with_emergency(record: Record) -> Record:
    event_by = replace(ask("rosa"), act=Act.DECLARE, why="Payments are sent twice since noon.", incident="INC0012345")
    return done(record, event_by)


@pytest.mark.parametrize(
    ("own", "other", "sentence"),
    [
        (draft(), None, "There is no change CHG-2027-0002 in this repository."),
        (draft(), replace(OTHER, subject="pull:78:8"), "There is no change CHG-2027-0002 in this repository."),
        (OTHER, OTHER, "This pull request is a part of CHG-2027-0002 already."),
        (BOTH, OTHER, "CHG-2027-0001 ships #8, too. `/change unlink` leaves it."),
        (draft(), replace(OTHER, state=State.AUTHORIZE), "CHG-2027-0002 is in state authorize: what it ships is fixed"),
        (draft(), with_emergency(OTHER), "CHG-2027-0002 is an emergency, which ships alone."),
        (with_emergency(draft()), OTHER, "CHG-2027-0001 is an emergency, which ships alone."),
        (draft(base="release"), OTHER, "CHG-2027-0002 goes to `main`, this pull request to `release`"),
    ],
)
def test_what_cannot_ship_together(own: Record, other: Record | None, sentence: str) -> None:
    outcome = said("/change link CHG-2027-0002", record=own, named=(other,) if other else ())
    assert refused(outcome).startswith(sentence)


def test_whoever_has_no_part_in_the_change_cannot_give_its_record_up() -> None:
    outcome = said("/change link CHG-2027-0002", "eve", record=draft(), named=(OTHER,))
    assert (
        refused(outcome)
        == "@eve cannot cancel CHG-2027-0001. Whoever contributed or asked for it, or has `cab`, `it-manager`, `risk-officer` or `compliance`, can."
    )


@pytest.mark.parametrize("text", ["/change link CHG-2027-0002", "/change unlink"])
def test_it_takes_write_access(text: str) -> None:
    outcome = said(text, record=BOTH, named=(OTHER,), permission=Permission.READ)
    assert refused(outcome).startswith("@ana cannot say what this pull request ships with.")


@pytest.mark.parametrize("text", ["/change link CHG-2027-0002", "/change unlink"])
def test_without_a_record_there_is_nothing_to_link(text: str) -> None:
    assert refused(said(text))
    assert refused(said(text, record=replace(BOTH, state=State.CANCELLED), named=(OTHER,)))


def test_a_pull_request_leaves_a_release_until_it_was_released() -> None:
    desk = desk_of(BOTH)
    outcome = said("/change unlink", desk=desk)
    assert outcome.deeds == (Left("CHG-2027-0001", desk.context),)
    assert refused(said("/change unlink", record=draft())) == "This pull request ships with no other one."
    begun = replace(started(), contents=contents(pulls=(7, 8)))
    assert said("/change unlink", record=begun).deeds, "it is not merged yet"
    merged = pull_request(files=[], state=PullRequestState.MERGED)
    assert "what it shipped stays what it was" in refused(said("/change unlink", record=begun, facts=merged))
    waits = replace(begun, state=State.SCHEDULED)
    assert "is for a pull request that is open" in refused(said("/change unlink", record=waits, facts=merged))
    over = replace(begun, state=State.REVIEW)
    assert "what it shipped stays what it was" in refused(said("/change unlink", record=over))


@pytest.mark.parametrize(
    ("policy", "number", "system"), [(THERE, "CHG0030001", System.SERVICENOW), (DESK, "CM-12", System.JIRA)]
)
def test_a_record_that_is_in_another_system_already_is_taken(policy: Policy, number: str, system: System) -> None:
    outcome = said(f"/change link {number}", record=draft(), policy=policy)
    assert outcome.deeds == (Linked("CHG-2027-0001", number, system),)


@pytest.mark.parametrize(
    ("policy", "number", "sentence"),
    [
        (rules(), "CHG0030001", "`CHG0030001` is no number of a change record here; they look like `CHG-2027-0001`."),
        (THERE, "CM-12", "`CM-12` is no number of a record in ServiceNow; they look like `CHG0030001`."),
        (THERE, "CHG0030001^ORactive=true", "`CHG0030001^ORactive=true` is no number of a record in ServiceNow"),
        (DESK, "../CM-12", "`../CM-12` is no number of a record in Jira; they look like `CM-12`."),
    ],
)
def test_what_is_no_number_there_is_refused(policy: Policy, number: str, sentence: str) -> None:
    assert refused(said(f"/change link {number}", record=draft(), policy=policy)).startswith(sentence)


def test_the_record_there_stays_once_the_board_was_called_about_it() -> None:
    outcome = said("/change link CHG0030001", desk=desk_of(asked(where=context(MONDAY))), policy=THERE)
    assert "its board has been called about the record that ServiceNow has now" in refused(outcome)
