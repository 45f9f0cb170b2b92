from dataclasses import replace
from datetime import timedelta

from bot.changes import clashes
from bot.changes.checking import Check, heard
from bot.changes.clashes import Stage
from bot.changes.model import Change, Checked, Clash, State
from bot.changes.systems.port import CheckState, Conflict, Conflicts
from bot.decide.verdict import Verdict
from tests.unit.changes.builders import MONDAY as AT
from tests.unit.changes.builders import WEEKEND as NIGHT
from tests.unit.changes.builders import authorised

BLACKOUT = Clash("Blackout", "Quarter end")
ASKED = Check("twin", Checked("ServiceNow", NIGHT, "CI1"), Stage.ASKED, AT)


def knowing(*found: Clash, why_not: str = "") -> Change:
    change = authorised()
    contents = replace(change.contents, configuration_item="CI1", window=NIGHT)
    return replace(
        change, contents=replace(contents, checked=Checked("ServiceNow", NIGHT, "CI1", found, why_not=why_not))
    )


def test_a_check_that_was_asked_for_is_not_the_one_before_it() -> None:
    done = Conflicts(CheckState.DONE, AT, (Conflict("Blackout", "Quarter end"),))
    assert heard(ASKED, replace(done, ran=AT - timedelta(seconds=1)), None) == ASKED
    assert heard(ASKED, Conflicts(CheckState.NOT_RUN), None) == ASKED
    assert heard(ASKED, Conflicts(CheckState.RUNNING, AT), None) == ASKED
    read = heard(ASKED, done, None)
    assert (read.stage, read.ran, read.checked.found) == (Stage.READ, AT, (BLACKOUT,))
    # Whatever is read of it later is the newest there is.
    assert heard(read, replace(done, ran=AT - timedelta(days=1), found=()), AT).checked.found == ()


def test_a_check_that_failed_says_nothing_of_conflicts() -> None:
    read = heard(ASKED, Conflicts(CheckState.DONE, AT, (Conflict("Blackout"),)), AT)
    failed = heard(read, Conflicts(CheckState.FAILED, AT + timedelta(hours=1)), AT + timedelta(hours=1))
    assert (failed.stage, failed.checked.found) == (Stage.REFUSED, ())
    assert failed.checked.why_not
    again = heard(failed, Conflicts(CheckState.DONE, AT + timedelta(hours=2)), None)
    assert (again.stage, again.checked.why_not) == (Stage.READ, "")


def test_what_is_in_the_way_is_a_warning_that_stops_nothing() -> None:
    found = clashes.finding(
        knowing(BLACKOUT, *[Clash("CI Already Scheduled", f"CHG{each}") for each in range(9)]).contents
    )
    assert found is not None
    assert (found.verdict, found.headline) == (Verdict.PASS, "warning: ServiceNow knows of 10 conflicts")
    assert "`Blackout` (`Quarter end`)" in found.what
    assert found.what.endswith("`CI Already Scheduled` (`CHG3`) and 5 more.")
    assert clashes.finding(knowing().contents) is None
    assert clashes.row(knowing().contents) == "none in ServiceNow"
    refused = clashes.finding(knowing(why_not="No role.").contents)
    assert refused is not None
    assert refused.verdict is Verdict.PASS
    assert refused.what.endswith("No role.")


def test_what_was_found_about_another_window_or_item_is_not_told_of_this_one() -> None:
    known = knowing(BLACKOUT).contents
    moved = replace(known, window=replace(NIGHT, end=NIGHT.end + timedelta(hours=1)))
    for other in (moved, replace(known, configuration_item="CI2"), replace(known, window=None)):
        assert clashes.finding(other) is None
        assert clashes.row(other) == "not yet checked in ServiceNow for this window"
        assert not clashes.is_news(known, other)
        assert clashes.is_news(other, known)
    assert clashes.row(authorised().contents) == ""
    assert not clashes.is_news(known, known)
    assert not clashes.is_news(known, knowing().contents)


def test_nothing_is_checked_without_an_item_or_a_window_or_after_the_release() -> None:
    change = knowing()
    assert clashes.is_wanted(change)
    assert not clashes.is_wanted(replace(change, contents=replace(change.contents, configuration_item="")))
    assert not clashes.is_wanted(replace(change, contents=replace(change.contents, window=None)))
    assert not clashes.is_wanted(replace(change, started_at=AT))
    assert not clashes.is_wanted(replace(change, state=State.CANCELLED))
