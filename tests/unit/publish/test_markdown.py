"""Text from anywhere stays text: read by a Markdown parser that is not ours, it makes nothing else."""

import re

import pytest
from markdown_it import MarkdownIt

from bot.publish.markdown import fitted, literal, sentence, table
from bot.words import LONGEST_QUOTE, listed, quoted, shortened, visible

GITHUB = MarkdownIt("gfm-like", {"linkify": False})
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](http://evil.example)",
    "![pixel](http://evil.example/p.png)",
    "**bold** _it_ ~~gone~~",
    "| a | b |",
    "# heading",
    "a\n\n# heading\n\n- item",
    "&lt;b&gt; &#64;acme",
    "\\`x\\`",
    "$x^2$",
    "```\ncode\n```",
    "``` <b> ` </b> ``",
    "`` <b> `` `[a](b)`",
    "`<b>",
]


def tags(markdown: str) -> set[str]:
    """The kinds of element that a reader of the line would see, apart from the paragraph and its code."""
    html = GITHUB.renderInline(markdown)
    return set(re.findall(r"<([a-z0-9]+)", html)) - {"code"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_literal_shows_its_characters_and_nothing_else(text: str) -> None:
    html = GITHUB.renderInline(literal(text))
    assert "<" not in html
    shown = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert shown == visible(text)


def test_a_literal_mentions_nobody_and_ends_no_cell() -> None:
    assert literal("@acme|x") == "\\@acme\\|x"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_sentence_makes_no_markup_but_code(text: str) -> None:
    assert tags(sentence(text)) == set()
    assert tags(sentence(text, quiet=True)) == set()
    assert tags(sentence(f"Ours `{quoted(text)}` and {text}.")) == set()


def test_a_sentence_keeps_code_and_mentions() -> None:
    assert sentence("Ask @ana to comment `/recheck | now`.") == "Ask @ana to comment `/recheck \\| now`."


def test_a_quiet_sentence_mentions_nobody() -> None:
    said = sentence("Ask @ana-b, @acme/all and @r[bot], not x@y.example or `@in code`.", quiet=True)
    assert said == "Ask `@ana-b`, `@acme/all` and `@r[bot]`, not x@y.example or `@in code`."


def test_a_sentence_with_a_backtick_too_many_has_no_code() -> None:
    assert sentence("a ` b") == "a \\` b"
    assert sentence("a `` b") == "a \\`\\` b"


def test_what_nobody_sees_is_gone() -> None:
    assert visible("a\u200bb\u202ec\x00d\n\te  f") == "a b c d e f"


def test_what_is_quoted_is_one_piece_of_code() -> None:
    assert quoted("a`b") == "`a'b`"
    assert quoted("\u200b") == "(empty)"
    assert len(quoted("x" * 500)) == LONGEST_QUOTE + 2


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("just right", "just right"),
        ("one word more", "one word…"),
        ("overflowing words", "overflowi…"),
        ("longer, so much", "longer…"),
        ("wholeword next", "wholeword…"),
    ],
)
def test_a_text_is_cut_between_words(text: str, short: str) -> None:
    assert shortened(text, 10) == short
    assert len(short) <= 10


def test_names_are_listed_as_people_list_them() -> None:
    assert [listed(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_a_table_has_a_cell_for_what_is_empty() -> None:
    assert table(("", "why"), [("x", "")]) == ["|   | why |", "| --- | --- |", "| x |   |"]


def test_a_text_that_fits_is_whole() -> None:
    assert fitted(["a", "b"], 3) == "a\nb"


def test_a_text_that_is_too_long_is_cut_at_a_line_and_says_so() -> None:
    lines = ["é" * 40 for _ in range(10)]
    cut = fitted(lines, 300)
    assert cut.startswith("é" * 40 + "\n")
    assert cut.endswith("\n\n*More is left out here: it is too long for GitHub. The record has all of it.*")
    assert len(cut.encode()) <= 300
