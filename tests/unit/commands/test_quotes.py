"""Quotation marks in commands: what stands in them is one argument, and a reason is what stands in them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.changes.desk import Desk
from bot.changes.instructions import Asked
from bot.changes.model import Change as Record
from bot.changes.model import State
from bot.commands.model import Change, LaidDown
from bot.commands.parse import Given, parse
from bot.commands.table import BY_NAME, TABLE
from bot.decide.verdict import Finding, Involvement, Verdict
from bot.facts.model import Instructed, Instruction, Permission, Standing, Unauthorised, Waived
from bot.ingest.statements import Pending
from bot.policy.model import Tier
from tests.unit.builders import account, commit, decided, oid, pull_request
from tests.unit.changes.builders import BOARD, MONDAY, asked, context, draft, rules, started
from tests.unit.commands.asking import Outcome, outcome_of

HEAD = oid("head")
FRIDAY = MONDAY.replace(day=8)
FACTS = replace(
    pull_request(commits=[commit("head", co_authors=["ana"])]),
    unauthorised=(Unauthorised(12, "landing", "It went around.", account("erin"), MONDAY),),
    instructions=(
        Instruction(Instructed.HOLD, "held", account("ana"), "Wait.", MONDAY),
        Instruction(Instructed.PLAN_TEST, "It was tested.", account("ana"), "written in a comment", MONDAY),
    ),
    waivers=(Waived("rule:zap", "It is down.", account("bo"), account("rick"), MONDAY, FRIDAY, 4),),
)
POLICY = replace(rules(), acknowledging=("risk-officer",))
TEAMS = {**BOARD, "rosa": ("acme/release",), "rick": ("acme/risk",)}
DECISION = replace(
    decided(FACTS),
    tier=Tier.MEDIUM,
    findings=(Finding("rule:ticket", Verdict.FAIL, "no ticket", "Name the ticket."),),
    people=(Involvement((account("ana"), account("bo")), "contributor", ("wrote it",)),),
)
RELEASED = replace(started(), state=State.REVIEW)


def said(text: str, who: str, record: Record) -> Outcome:
    """What the comment of somebody comes to."""
    giver = Standing(account(who), Permission.WRITE, TEAMS.get(who, ()))
    wish = Asked(3, "rule:ticket", "There is no ticket for a typo.", FRIDAY, account("ana"))
    here = Change(FACTS, POLICY, "pull:77:7", Desk(record, context()), (wish,), now=MONDAY)
    outcome = outcome_of(Pending(1, "pull:77:7", 5, giver.account, text, MONDAY), giver, DECISION, here)
    assert outcome is not None
    return outcome


CASES: tuple[tuple[str, str, str, Record], ...] = (
    ("ana", "/help explain", '/help "explain"', draft()),
    ("ana", "/explain rule:ticket", '/explain "rule:ticket"', draft()),
    ("ana", "/recheck", '/recheck ""', draft()),
    ("ana", f"/disown {HEAD[:7]}", f'/disown "{HEAD[:7]}"', draft()),
    ("rick", "/acknowledge 12 Hotfix of incident 4711", '/acknowledge "12" "Hotfix of incident 4711"', draft()),
    ("ana", "/change template", '/change "Template"', draft()),
    (
        "rosa",
        "/change type emergency INC0012345 Payments are down",
        '/change "type" "emergency" "INC0012345" "Payments are down"',
        draft(),
    ),
    ("ana", "/change close unsuccessful It was slow", '/change "close" "unsuccessful" "It was slow"', RELEASED),
    ("ana", "/change link CHG-2027-0009", '/change "link" "CHG-2027-0009"', draft()),
    ("ana", "/request-cab The regulator wants it", '/request-cab "The regulator wants it"', draft()),
    ("ida", "/cab reject Nobody has tried it", '/cab "Reject" "Nobody has tried it"', asked()),
    ("ana", "/schedule weekend", '/schedule "weekend"', draft()),
    (
        "ana",
        "/schedule 2027-01-09 02:00 2027-01-09 04:00",
        '/schedule "2027-01-09 02:00" "2027-01-09 04:00"',
        draft(),
    ),
    (
        "ana",
        "/schedule 2027-01-09 02:00 2027-01-09 04:00",
        '/schedule "2027-01-09 02:00 2027-01-09 04:00"',
        draft(),
    ),
    ("ana", "/plan backout Deploy the image before.", '/plan "backout" "Deploy the image before."', draft()),
    ("ana", "/plan backout Deploy the image before.", "/plan `backout` Deploy the image before.", draft()),
    ("ana", "/plan test", '/plan "Test"', draft()),
    ("ana", "/risk raise high It pays interest", '/risk "raise" "High" "It pays interest"', draft()),
    (
        "ana",
        "/waive rule:ticket until 2027-01-08 because it is a typo",
        '/waive "rule:ticket" "until" "2027-01-08" Because "it is a typo"',
        draft(),
    ),
    (
        "ana",
        "/waive rule:ticket until 2027-01-08T12:00 because it is a typo",
        '/waive rule:ticket until "2027-01-08 12:00" because it is a typo',
        draft(),
    ),
    ("rick", "/waiver deny 3 Monday is early enough", '/waiver "deny" "3" "Monday is early enough"', draft()),
    ("rick", "/waiver revoke rule:zap It works", '/waiver revoke "rule:zap" "It works"', draft()),
    ("rosa", "/emergency INC0012345 Payments are down", '/emergency "INC0012345" "Payments are down"', draft()),
    ("ana", "/hold Wait for the auditors", '/hold "Wait for the auditors"', draft()),
    ("ana", "/unhold They were here", '/unhold "They were here"', draft()),
    ("ana", "/unhold", '/unhold ""', draft()),
    ("ana", "/cancel Not needed", '/cancel "Not needed"', draft()),
)


@pytest.mark.parametrize(("who", "plain", "quoted", "record"), CASES)
def test_a_command_is_understood_the_same_in_quotation_marks(who: str, plain: str, quoted: str, record: Record) -> None:
    understood = said(plain, who, record)
    assert "Write it as" not in understood.reply
    assert said(quoted, who, record) == understood


def test_no_command_is_left_out_of_that() -> None:
    assert {plain[1:].split()[0] for _, plain, _, _ in CASES} == {command.name for command in TABLE}


@pytest.mark.parametrize("hollow", ['""', '"" ""', ".", '"."', "-", "?!", "n/a", '"TBD"', "\U0001f6a7"])
@pytest.mark.parametrize(
    ("who", "command", "record"),
    [
        ("rick", "/acknowledge 12", draft()),
        ("rosa", "/change type emergency INC0012345", draft()),
        ("cleo", "/change review", RELEASED),
        ("ana", "/change close unsuccessful", RELEASED),
        ("ana", "/change close backed-out", RELEASED),
        ("ida", "/cab reject", asked()),
        ("ida", "/cab defer", asked()),
        ("ana", "/plan backout", draft()),
        ("ana", "/risk raise high", draft()),
        ("ana", "/waive rule:ticket until 2027-01-08 because", draft()),
        ("rosa", "/emergency INC0012345", draft()),
        ("ana", "/hold", draft()),
        ("ana", "/cancel", draft()),
    ],
)
def test_what_needs_a_reason_is_refused_where_it_says_nothing(
    who: str, command: str, record: Record, hollow: str
) -> None:
    outcome = said(f"{command} {hollow}", who, record)
    assert outcome.refused
    assert outcome.deeds == ()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('/hold Wait for the "auditors"', 'Wait for the "auditors"'),
        ('/hold "Wait" for the "auditors"', '"Wait" for the "auditors"'),
        (r'/hold "Wait for the \\"auditors\\""', 'Wait for the "auditors"'),
        ('/plan backout "Deploy 4.1."\nThen restart.', '"Deploy 4.1."\nThen restart.'),
        ('/plan "backout"  Deploy "4.1".\n\nThen restart.', 'Deploy "4.1".\n\nThen restart.'),
        ("/plan backout\u200b Deploy 4.1.", "Deploy 4.1."),
    ],
)
def test_quotation_marks_around_a_part_are_kept(text: str, kept: str) -> None:
    [deed] = said(text, "ana", draft()).deeds
    assert isinstance(deed, LaidDown)
    assert kept in {deed.instruction.value, deed.instruction.reason}


@given(text=st.text(st.sampled_from('ab "\\\u00a0\u200b`*.'), max_size=30))
def test_each_argument_is_known_as_it_is_written(text: str) -> None:
    found: tuple[Any, ...] = parse(f"/hold {text}", tuple(BY_NAME))
    for each in found:
        assert not isinstance(each, Given) or len(each.arguments) == len(each.written)
