"""Which lines of a comment are commands, and what is said about those that nearly are."""

import pytest

from bot.commands.parse import MOST_COMMANDS, Given, Misspelt, parse
from bot.commands.table import BY_NAME

KNOWN = tuple(BY_NAME)
RECHECK = Given("recheck", ())


def said(text: str) -> tuple[Given | Misspelt, ...]:
    return parse(text, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "/recheck",
        "  /recheck  ",
        "/RECHECK",
        "/recheck\t",
        "Thank you.\n/recheck",
        "Thank you.\n\n/recheck\n\nBye.",
        "/recheck\r\n",
        "> quoted\n\n/recheck",
        "<!-- a comment -->\n\n/recheck",
        "<!-- <details> -->\n\n/recheck",
        "<details>\n\nfolded\n\n</details>\n\n/recheck",
        "text <details>\n\nfolded\n\n</details> text\n\n/recheck",
    ],
)
def test_a_line_of_a_plain_paragraph_that_begins_with_a_slash_is_a_command(text: str) -> None:
    assert said(text) == (RECHECK,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Please /recheck",
        "`/recheck`",
        "`x\n/recheck`",
        "```\n/recheck\n```",
        "~~~\n/recheck\n~~~",
        "    /recheck",
        "> /recheck",
        "> quoted\n/recheck",
        "- /recheck",
        "1. /recheck",
        "# /recheck",
        "| a |\n| - |\n| /recheck |",
        "<!-- /recheck -->",
        "<!--\n\n/recheck\n\n-->",
        "text <!--\n/recheck\n--> text",
        "text <b>\n/recheck\n</b>",
        "<div>\n/recheck\n</div>",
        "<details>\n\n/recheck\n\n</details>",
        "<details><summary>x</summary>\n\n<details>\n\n</details>\n\n/recheck\n\n</details>",
        "text <details>\n\n/recheck\n\n</details>",
        "**/recheck**",
        "[/recheck](http://x.example)",
        "/",
        "/ recheck",
        "/1recheck",
        "//recheck",
        "/lgtm",
        "/approve now",
        "/e",
        "/cc @ana",
        "/etc/hosts",
        "/help/me",
        "/usr/bin/env \u200b",
        "https://x.example/recheck",
    ],
)
def test_what_was_not_plainly_said_to_us_is_no_command(text: str) -> None:
    assert said(text) == ()


def test_several_commands_stand_in_their_order() -> None:
    assert said("/recheck\n/explain approvals\n\n/help") == (
        RECHECK,
        Given("explain", ("approvals",)),
        Given("help", ()),
    )


def test_what_goes_beyond_so_many_commands_is_said() -> None:
    found = said("/recheck\n" * (MOST_COMMANDS + 5))
    assert found[:MOST_COMMANDS] == (RECHECK,) * MOST_COMMANDS
    [last] = found[MOST_COMMANDS:]
    assert isinstance(last, Misspelt)
    assert last.message == "A comment can give 10 commands; from `/recheck` on, nothing was done."


@pytest.mark.parametrize(
    ("text", "written", "whole"),
    [
        ('/hold Wait for the "auditors"', ("Wait", "for", "the", '"auditors"'), 'Wait for the "auditors"'),
        ("/plan test One.\nTwo.\n\n1. Three\n", ("test", "One."), "test One.\nTwo.\n\n1. Three"),
        ("/PLAN test One.\r\nTwo.\n/recheck", ("test", "One."), "test One.\nTwo."),
        ("/plan test See [it](https://x.example) `a b`", ("test", "See", "it", "a", "b"), None),
        ("/plan test One.\n<!-- hidden -->\nTwo.", ("test", "One."), "test One.\n\nTwo."),
    ],
)
def test_what_is_written_is_kept_as_it_stands_up_to_the_next_command(
    text: str, written: tuple[str, ...], whole: str | None
) -> None:
    first = said(text)[0]
    assert isinstance(first, Given)
    assert first.written == written
    assert first.text == (whole if whole is not None else text.removeprefix("/plan "))


def test_where_a_command_cannot_be_found_in_its_source_what_was_understood_is_kept() -> None:
    [first] = said("Some `code that\ngoes on` here\n/plan test It works.")
    assert isinstance(first, Given)
    assert first.text == "test It works."


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("/explain approvals", ("approvals",)),
        ("/explain  two   words ", ("two", "words")),
        ('/explain "two words" three', ("two words", "three")),
        ("/explain it's the auditors' wish #7", ("it's", "the", "auditors'", "wish", "#7")),
        ("/explain `approvals`", ("approvals",)),
        ("/explain **approvals** now", ("approvals", "now")),
        ("/explain\tapprovals", ("approvals",)),
        ("/explain appro\u200bvals", ("appro", "vals")),
    ],
)
def test_arguments_are_words_as_they_are_seen(text: str, arguments: tuple[str, ...]) -> None:
    assert said(text) == (Given("explain", arguments),)


@pytest.mark.parametrize("text", ['/explain it is "', '/explain "a', "/explain \\\\"])
def test_an_open_quotation_mark_is_told(text: str) -> None:
    assert said(text) == (
        Misspelt("explain", "In `/explain`, a quotation mark is not closed, or a backslash has nothing after it."),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/rechek", "There is no `/rechek`. Did you mean `/recheck`?"),
        ("/check", "There is no `/check`. Did you mean `/recheck`?"),
        ("/HLEP me", "There is no `/hlep`. Did you mean `/help`?"),
        ("/explian approvals", "There is no `/explian`. Did you mean `/explain`?"),
        ("/recheck!", "There is no `/recheck!`. Did you mean `/recheck`?"),
        ("/re\u200bcheck", "This is not `/recheck`: it has characters that nobody can see. Write it by hand."),
    ],
)
def test_a_word_that_is_nearly_a_command_gets_a_suggestion(text: str, message: str) -> None:
    [misspelt] = said(text)
    assert isinstance(misspelt, Misspelt)
    assert misspelt.message == message


def test_without_commands_nothing_is_near() -> None:
    assert parse("/recheck", ()) == ()
