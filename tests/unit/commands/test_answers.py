"""What each command answers, to whom, and how it reads."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.commands.act import LONGEST_REPLY
from bot.commands.docs import page
from bot.commands.model import Command
from bot.commands.table import BUTTONS, BY_NAME, TABLE
from bot.facts.model import Permission, Standing
from bot.ingest.statements import Pending
from bot.policy.shelf import folder
from tests.unit.builders import NOON, account, approved, decided, demand, policy, pull_request
from tests.unit.commands.asking import Outcome, outcome_of

ANA = account("ana")
DECISION = decided(pull_request(reviews=[approved("ana"), approved("ben")]), policy(demand(2, "write")))


def ask(text: str, *, permission: Permission = Permission.READ, comment: int | None = 5) -> Outcome | None:
    request = Pending(1, "pull:77:7", comment, ANA, text, NOON)
    return outcome_of(request, Standing(ANA, permission), DECISION)


def asked(text: str, **how: Permission) -> Outcome:
    outcome = ask(text, **how)
    assert outcome is not None
    return outcome


def test_every_row_of_the_help_has_three_cells() -> None:
    told = asked("/help").reply
    cells = {len(re.split(r"(?<!\\)\|", row)) - 2 for row in told.splitlines()}
    assert cells == {3}


@pytest.mark.parametrize(
    "text",
    [
        "/help",
        "/help explain",
        "/help /recheck",
        "/help explian",
        "/help zzz",
        "/explain",
        "/explain approvals",
        "/explain APPROVALS",
        "/explain approval",
        "/explain zzz",
        "/rechek",
        '/recheck "now',
        "/recheck\n/explain identity\n/hlep",
    ],
)
def test_an_answer_reads_well(text: str, snapshot: SnapshotAssertion) -> None:
    outcome = asked(text)
    assert f"{'refused' if outcome.refused else 'done'}: {', '.join(outcome.commands)}\n\n{outcome.reply}" == snapshot


def test_a_recheck_is_answered_with_a_reaction_only() -> None:
    assert asked("/recheck") == Outcome(refused=False, reply="", commands=("recheck",))


def test_a_comment_without_a_command_gets_no_answer() -> None:
    assert ask("Looks good to me. /recheck") is None


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_who_may_not_is_told_who_may(name: str) -> None:
    outcome = asked(f"/{name}", permission=Permission.NONE)
    assert outcome.refused
    assert outcome.reply == f"`/{name}` is for {BY_NAME[name].who}; @ana does not have that."


@pytest.mark.parametrize(("button", "command"), [("recheck", "recheck"), ("rerun", "recheck"), ("explain", "explain")])
def test_a_button_does_what_the_command_does(button: str, command: str) -> None:
    outcome = ask(button, comment=None)
    assert outcome is not None
    assert outcome.commands == (command,)
    assert outcome.reply == asked(f"/{command}").reply


def test_an_unknown_button_does_nothing() -> None:
    assert ask("merge", comment=None) is None


def test_every_button_is_a_command() -> None:
    assert BUTTONS - {"rerun"} <= set(BY_NAME)


def test_the_same_answer_is_given_once() -> None:
    assert asked("/explain\n/explain").reply == asked("/explain").reply


def test_many_long_answers_fit_into_one_comment() -> None:
    reviews = [approved(f"reviewer-with-a-long-name-{index}", at=index) for index in range(500)]
    request = Pending(1, "pull:77:7", 5, ANA, "/explain\n/explain approvals\n/explain separation", NOON)
    outcome = outcome_of(request, Standing(ANA, Permission.READ), decided(pull_request(reviews=reviews)))
    assert outcome is not None
    assert len(outcome.reply.encode()) <= LONGEST_REPLY


@pytest.mark.parametrize("command", TABLE, ids=lambda command: command.name)
def test_a_command_says_what_it_is(command: Command) -> None:
    assert BY_NAME[command.name] is command
    assert command.usage.startswith(f"/{command.name}")
    assert command.summary.endswith(".")
    assert all(example.startswith(f"/{command.name}") for example in command.examples)
    assert command.refusal(Standing(ANA, command.permission)) is None


def test_the_page_about_the_commands_is_that_of_the_table() -> None:
    written = (folder().parent / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m bot.commands.docs"
