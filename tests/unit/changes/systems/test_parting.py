"""Leave is taken of a twin: what is done there, and what is told of it here."""

from dataclasses import replace

import pytest

from bot.changes.faults import Faults
from bot.changes.links import Link
from bot.changes.model import State as Ours
from bot.changes.parting import Outcome, Parting, note, take_leave, untold
from bot.changes.systems.port import State
from bot.changes.systems.servicenow import ServiceNow
from bot.policy.model import System
from bot.sandbox.servicenow import SimulatedServiceNow
from bot.sandbox.servicenow.rules import BusinessRule
from tests.unit.changes import builders
from tests.unit.changes.systems.conftest import CORRELATION, content

CANCELLING = BusinessRule("Nobody cancels", lambda _, changes: changes.get("state") == "4")
WRITING = BusinessRule("Nobody writes", lambda _, changes: "work_notes" in changes)


def link(id_: str | None, number: str | None) -> Link:
    return Link(Faults(), System.SERVICENOW, id_, number, "", 1, "", None, "", 0, 1, "", "", "")


async def leave(servicenow: ServiceNow, *, known: bool = True) -> Parting:
    made = await servicenow.open(content())
    twin = link(made.id, made.number) if known else link(None, None)
    return await take_leave(servicenow, twin, CORRELATION, "Countersign keeps it elsewhere.")


@pytest.mark.parametrize(
    ("rules", "outcome", "told"),
    [
        ([], Outcome.CANCELLED, "has been cancelled, since the policy did not keep records there any more."),
        (
            [WRITING],
            Outcome.CANCELLED,
            "has been cancelled, since the policy did not keep records there any more. ServiceNow's business rule",
        ),
        (
            [CANCELLING],
            Outcome.NOTED,
            (
                "could not be cancelled when the policy did not keep records there any more; a note in it says so. "
                "ServiceNow's business rule `Nobody cancels` does not let"
            ),
        ),
        (
            [CANCELLING, WRITING],
            Outcome.UNTOLD,
            "was not told that the policy did not keep records there any more. ServiceNow's business rule",
        ),
    ],
)
async def test_a_twin_is_cancelled_or_has_a_note_and_what_is_refused_is_told(
    there: SimulatedServiceNow, servicenow: ServiceNow, rules: list[BusinessRule], outcome: Outcome, told: str
) -> None:
    there.instance.rules.extend(rules)
    parting = await leave(servicenow)
    [record] = there.instance.changes.values()
    assert parting.outcome is outcome
    assert parting.spoken(System.SERVICENOW).startswith(f"CHG0030001 in ServiceNow {told}")
    assert (record.values["state"] == "4") is (CANCELLING not in rules)
    assert bool(record.notes) is (WRITING not in rules)
    assert parting.snapshot is not None


async def test_one_that_nobody_knows_of_since_the_answer_was_lost_is_found_and_cancelled(
    there: SimulatedServiceNow, servicenow: ServiceNow
) -> None:
    assert (await leave(servicenow, known=False)).outcome is Outcome.CANCELLED
    [record] = there.instance.changes.values()
    assert record.values["state"] == "4"


async def test_one_that_was_never_made_is_nothing_to_speak_of(servicenow: ServiceNow) -> None:
    parting = await take_leave(servicenow, link(None, None), CORRELATION, "")
    assert (parting, parting.spoken(System.SERVICENOW)) == (Parting(Outcome.NONE), "")
    assert untold(link(None, None), "It is not connected.") == Parting(Outcome.NONE)


async def test_one_that_is_over_is_left_as_it_is(there: SimulatedServiceNow, servicenow: ServiceNow) -> None:
    made = await servicenow.open(content())
    await servicenow.move(made.id, State.CANCELLED)
    parting = await leave(servicenow)
    assert parting.spoken(System.SERVICENOW) == (
        "CHG0030001 in ServiceNow was over when the policy did not keep records there any more."
    )
    assert there.instance.change(made.number).notes == []


async def test_one_that_is_not_there_any_more_is_told(servicenow: ServiceNow) -> None:
    parting = await take_leave(servicenow, link("0" * 32, "CHG0030009"), CORRELATION, "")
    assert parting.spoken(System.SERVICENOW).startswith("CHG0030009 in ServiceNow was not told that the policy")
    assert parting.spoken(System.SERVICENOW).endswith("Whoever changes records there cancels it.")


def test_the_note_says_where_the_record_is_kept_now() -> None:
    change = builders.draft()
    assert note(change, System.REGISTER) == f"Countersign keeps {change.number} in its own register from now on."
    assert note(change, System.JIRA) == f"Countersign keeps {change.number} in Jira from now on."


@pytest.mark.parametrize("state", list(Ours))
def test_a_record_follows_the_policy_until_it_is_released_or_over(state: Ours) -> None:
    change = replace(builders.draft(), state=state)
    follows = state in {Ours.DRAFT, Ours.ASSESS, Ours.AUTHORIZE, Ours.SCHEDULED}
    twin = link("1", "CHG0030001")
    assert twin.is_left(change, System.REGISTER) is follows
    assert twin.is_left(change, System.JIRA) is follows
    assert not twin.is_left(change, System.SERVICENOW)
