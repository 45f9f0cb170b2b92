"""The agenda of the board: what it is to decide, by when, and what was said so far."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

from bot.changes.model import Act, Choice, Event
from bot.reports.agenda import COLUMNS, written
from bot.reports.form import Format
from tests.unit.builders import account
from tests.unit.changes.builders import MONDAY, asked, context, done, draft, vote

ASKED = asked()


def test_an_item_says_by_when_who_asked_what_it_needs_and_who_has_voted() -> None:
    change = done(done(ASKED, vote("ida")), vote("rick", Choice.REJECT, "Nobody tried the back-out plan."))
    [row] = json.loads(written([change], Format.JSON))
    assert row == {
        "number": "CHG-2027-0001",
        "decide by": "2027-01-05 12:00 UTC",
        "change": "Settle twice a day",
        "application": "payments",
        "tier": "high",
        "planned": "2027-01-09 02:00 to 2027-01-09 06:00 UTC",
        "asked by": "@ana",
        "needs": "3 votes, among them it-manager, risk-officer and compliance",
        "votes": "@ida approve, @rick reject",
        "where": "acme/ledger#7",
    }


def test_of_each_who_voted_the_last_word_of_this_round_is_told() -> None:
    change = done(
        done(ASKED, vote("ida"), context(MONDAY)), vote("ida", Choice.DEFER), context(MONDAY + timedelta(hours=1))
    )
    [row] = json.loads(written([change], Format.JSON))
    assert row["votes"] == "@ida defer"
    [row] = json.loads(written([replace(change, round=2)], Format.JSON))
    assert row["votes"] == ""


def test_a_vote_that_was_taken_back_is_none() -> None:
    given = done(ASKED, replace(vote("ida"), review=7))
    taken = done(given, Event(Act.WITHDRAW, None, "The review was dismissed.", review=7))
    [row] = json.loads(written([taken], Format.JSON))
    assert row["votes"] == ""


def test_an_emergency_is_told_as_one_and_has_no_window_to_wait_for() -> None:
    declared = done(
        draft(), Event(Act.DECLARE, account("rosa"), "Payments are down since nine.", incident="INC0012345")
    )
    [row] = json.loads(written([asked(declared)], Format.JSON))
    assert (row["tier"], row["planned"]) == ("emergency", "")


def test_a_table_and_a_sheet_have_the_same_cells() -> None:
    assert written([], Format.TABLE) == "There is nothing to decide."
    assert written([], Format.JSON) == "[]"
    rows = list(csv.reader(io.StringIO(written([ASKED], Format.CSV))))
    assert rows[0] == list(COLUMNS)
    header, line = written([ASKED], Format.TABLE).splitlines()
    assert header.split("  ")[0] == "number"
    assert all(cell.removeprefix("'") in line for cell in rows[1])


def test_what_people_write_is_no_formula_and_stays_on_its_line() -> None:
    title = '=HYPERLINK("http://evil.example")\n2'
    hostile = replace(ASKED, contents=replace(ASKED.contents, title=title))
    rows = list(csv.reader(io.StringIO(written([hostile], Format.CSV))))
    assert rows[1][2] == '\'=HYPERLINK("http://evil.example") 2'
    assert len(written([hostile], Format.TABLE).splitlines()) == 2
