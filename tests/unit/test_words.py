"""Text from anywhere in sentences of ours."""

from datetime import timedelta

import pytest

from bot.words import counted, listed, quoted, shortened, spoken, unquoted, visible


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(), "0 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=3), "3 days"),
        (timedelta(days=7), "7 days"),
        (timedelta(days=14), "14 days"),
        (timedelta(days=30), "30 days"),
    ],
)
def test_a_duration_is_said_in_the_largest_unit_that_fits(duration: timedelta, words: str) -> None:
    assert spoken(duration) == words


def test_one_is_one_and_more_are_more() -> None:
    assert (counted(1, "person-day"), counted(2, "hour"), counted(0, "hour")) == ("1 person-day", "2 hours", "0 hours")


@pytest.mark.parametrize(("names", "words"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed(names: list[str], words: str) -> None:
    assert listed(names) == words


def test_what_is_quoted_stands_on_one_line_in_short_and_cannot_break_out() -> None:
    assert quoted("a`b\u202e\nc") == "`a'b c`"
    assert quoted("\u200b") == "(empty)"
    assert visible(" a \t b ") == "a b"
    assert shortened("one two three", 8) == "one two…"
    assert shortened("x" * 20, 8) == "x" * 7 + "…"
    assert shortened("short", 8) == "short"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"All of it."', "All of it."),
        ('""', ""),
        (r'"So \"it\" is \\ written"', r'So "it" is \ written'),
        ('"one" and "two"', '"one" and "two"'),
        ('The "auditors"', 'The "auditors"'),
        ('"', '"'),
        ("", ""),
    ],
)
def test_quotation_marks_around_all_of_it_are_left_out(text: str, said: str) -> None:
    assert unquoted(text) == said
