"""Expressions of a policy: what they speak of, what is refused when they are read, and what they say."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.policy import expressions
from bot.policy.expressions import (
    MOST_CHARACTERS,
    MOST_DEPTH,
    MOST_MACROS,
    Failed,
    Subject,
    checked,
    subject,
)
from bot.policy.faults import Malformed, malformed
from bot.policy.vocabulary import ENVIRONMENT, MESSAGES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
VALUES: Mapping[str, Any] = {
    "string": "text",
    "int": 3,
    "bool": True,
    "timestamp": NOON,
    "list(string)": ["text"],
    "map(string, double)": {"error": 2.5},
}
SAYS = {
    "string": '{} == "text"',
    "int": "{} + 1 == 4",
    "bool": "{}",
    "timestamp": '{} + duration("1h") == timestamp("2026-03-02T13:00:00Z")',
    "list(string)": '{}.exists(each, each == "text") && size({}) == 1',
    "map(string, double)": '{}["error"] > 2.0 && "error" in {}',
}


def value_of(kind: str) -> Any:
    if kind in MESSAGES:
        return {name: value_of(each.type) for name, each in MESSAGES[kind].items()}
    return [value_of(kind[5:-1])] if kind[5:-1] in MESSAGES else VALUES[kind]


def everything(**given: Any) -> Subject:
    return subject({name: value_of(each.type) for name, each in ENVIRONMENT.items()} | given)


def names() -> list[tuple[str, str]]:
    """Every name of the environment as an expression, and its type."""
    found = []
    for name, each in ENVIRONMENT.items():
        kind = each.type.removeprefix("list(").removesuffix(")")
        if kind in MESSAGES:
            place = f"{name}[0]" if each.type.startswith("list(") else name
            found += [(f"{place}.{part}", inner.type) for part, inner in MESSAGES[kind].items()]
        else:
            found.append((name, each.type))
    return found


def refused(text: str) -> tuple[str, int]:
    with pytest.raises(Malformed) as caught:
        checked(text)
    first = caught.value.faults[0]
    return first.message, 0 if first.offset is None else first.offset + 1


# What they can speak of.


@pytest.mark.parametrize(("name", "kind"), names())
def test_every_name_has_a_value_of_its_type(name: str, kind: str) -> None:
    assert checked(SAYS[kind].replace("{}", name)).holds(everything())


@pytest.mark.parametrize(("name", "kind"), names())
def test_no_name_is_of_another_type(name: str, kind: str) -> None:
    other = "1" if kind == "string" else '"text"'
    assert refused(f"{name} == {other}")[0].startswith("`==` does not go with")


def test_every_name_says_what_it_means() -> None:
    every = [*ENVIRONMENT.values(), *(each for fields in MESSAGES.values() for each in fields.values())]
    assert all(each.meaning.endswith((".", "…")) for each in every)


def test_a_subject_says_something_of_every_name() -> None:
    with pytest.raises(AssertionError, match="nothing is said of labels"):
        subject({name: value_of(each.type) for name, each in ENVIRONMENT.items() if name != "labels"})


# What is refused when they are read.


@pytest.mark.parametrize(
    ("text", "sentence", "column"),
    [
        ("", "It is empty.", 0),
        (" \n ", "It is empty.", 0),
        ("true && " * 300 + "true", f"It is longer than {MOST_CHARACTERS:,} characters.", 0),
        ("1", "It must say true or false, and is a number.", 0),
        ("1.5", "It must say true or false, and is a number.", 0),
        ("change.title", "It must say true or false, and is a text.", 0),
        ("paths", "It must say true or false, and is a list.", 0),
        ("change", "It must say true or false, and is change.", 0),
        ("{1: 2}", "It must say true or false, and is a map.", 0),
        ("time.now", "It must say true or false, and is timestamp.", 0),
        ('change.titel == ""', "`change` has no `titel`. Did you mean `title`?", 7),
        ("files.exists(f, f.size > 1)", "`file` has no `size`. Known are `path`, `change`, `additions` and `deletions`.", 18),
        ("pahts.size() > 1", "`pahts` is not known. Did you mean `paths`?", 1),
        ("true && \nzzz", "`zzz` is not known. Known are `change`, `application`, `people`, `paths`, `files`, `lines`, `lines_changed`, `labels`, `evidence`, `deployment` and `time`.", 10),
        ("paths + 1 == 2", "`+` does not go with (list(string), int).", 7),
        ("change == 1", "`==` does not go with (Change, int).", 8),
        ("true &&", "It ends too early.", 8),
        ("true ) && $", "`)` does not belong here.", 6),
        ("(true", "`)` is missing here.", 6),
        ("true $ false", "`$` does not belong here.", 6),
        ("countersign.Change{nope: 1}.draft", "`change` has no `nope`. Known are `title`, `body`, `number`, `base`, `head`, `draft`, `from_fork`, `commits`, `tier`, `type`, `repository` and `created`.", 24),
        ("paths.exists(p, p.nope)", "It is not CEL: expression of type 'string' cannot be the operand of a select operation.", 18),
        ('change.title.matches("(")', "The pattern is not one of RE2: missing ): (.", 22),
        (r'change.title.matches("\\d(")', "The pattern is not one of RE2: missing ): \\d(.", 22),
        (r'paths.exists(p, p.matches ( r"\Z" ))', "The pattern is not one of RE2: invalid escape sequence: \\Z.", 29),
        (r'change.title.matches("\x28")', "The pattern is not one of RE2: missing ): (.", 22),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text: str, sentence: str, column: int) -> None:
    assert refused(text) == (sentence, column)


def test_a_complaint_of_a_form_that_is_not_known_is_passed_on() -> None:
    assert str(malformed("something else [INTERNAL]", "a")) == "It is not CEL: something else."
    assert str(malformed("<input>:1:1: no viable alternative [X]", "a")) == "It is not CEL: no viable alternative."


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(Malformed) as caught:
        checked('tru && change.titel == "" &&\n  pahts.size() == 1 && 1 == "a"')
    assert [(each.message.partition(".")[0], each.offset) for each in caught.value.faults] == [
        ("`tru` is not known", 0),
        ("`change` has no `titel`", 13),
        ("`pahts` is not known", 31),
        ("`==` does not go with (int, string)", 54),
    ]
    with pytest.raises(Malformed) as caught:
        checked('change.title.matches("(") || change.body.matches("[")')
    assert [each.offset for each in caught.value.faults] == [21, 49]


@pytest.mark.parametrize(
    "text", [" + ".join(["1"] * 40) + " == 40", "(" * 40 + "true" + ")" * 40, "change" + ".a" * 40]
)
def test_how_deep_it_may_be_is_said_in_a_sentence(text: str) -> None:
    assert refused(text) == (
        (
            "It is nested too deeply: at most 32 levels. Each bracket is one, and each link of a chain like `a + b + c`; "
            "`&&` and `||` are not."
        ),
        0,
    )
    checked(" && ".join(["lines_changed == 1"] * 40))


TOO_OFTEN = f"It goes through lists too often: at most {MOST_MACROS} times, and {MOST_DEPTH} deep in each other."
DEEP = "paths.all(p, paths.exists(q, {}))"


@pytest.mark.parametrize(
    "text",
    [
        " || ".join(["paths.exists(p, true)"] * (MOST_MACROS + 1)),
        DEEP.format("labels.filter(l, true) == []"),
        DEEP.format("labels . map (l, l) == []"),
        DEEP.format("labels // (\n.exists_one(l, true)"),
        DEEP.format("r'\\' == q || labels.exists(l, l == '')"),
        DEEP.format("'''a ' b''' == q || labels.exists(l, l == '')"),
        DEEP.format('"""a " b""" == q || labels.exists(l, l == \'\')'),
    ],
)
def test_lists_in_lists_have_an_end_however_they_are_written(text: str) -> None:
    assert refused(text) == (TOO_OFTEN, 0)


@pytest.mark.parametrize(
    "text",
    [
        " || ".join(["paths.exists(p, true)"] * MOST_MACROS),
        DEEP.format("'paths.exists(' == q"),
        DEEP.format("true // labels.exists(\n"),
        "(((((true)))))",
        "size(paths.filter(p, true)) + size(paths.filter(p, true)) + size(paths.filter(p, true)) > 0",
    ],
)
def test_what_only_looks_like_lists_in_lists_is_let_through(text: str) -> None:
    checked(text)


# What they say.


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / (lines_changed - 3) == 1", "divide by zero"),
        ("evidence[1].passed", "Index error: index=1 size=1"),
        ('evidence[0].figures["nothing"] > 1.0', 'Key not found in map : "nothing"'),
        ("int(change.title) == 1", "cannot convert string to int"),
        ("paths.exists(p, p.matches(change.head))", "invalid regular expression: missing ): ("),
        ('time.now.getHours("Nowhere") == 3', "Invalid timezone"),
        ("9223372036854775807 + lines_changed > 0", "integer overflow"),
    ],
)  # fmt: skip
def test_an_expression_without_an_answer_says_why(text: str, why: str) -> None:
    odd = everything(change={**value_of("Change"), "head": "("})
    with pytest.raises(Failed, match=why.partition(" ")[0]) as caught:
        checked(text).holds(odd)
    assert str(caught.value) == why


def test_lists_in_lists_over_very_many_files_have_no_answer() -> None:
    with pytest.raises(Failed, match=r"^it goes through too many entries$"):
        checked("paths.all(p, paths.exists(q, q == p))").holds(everything(paths=[f"p{i}" for i in range(500)]))


def test_an_answer_does_not_depend_on_what_is_not_reached() -> None:
    assert checked("true || 1 / 0 == 1").holds(everything())
    assert not checked('labels.exists(l, l == "x") && evidence[9].passed').holds(everything())


def test_reading_an_expression_twice_is_reading_it_once() -> None:
    assert checked("1 == 1") is checked("1 == 1")


def test_moments_are_those_of_the_subject() -> None:
    aged = everything(change={**value_of("Change"), "created": NOON - timedelta(days=2)})
    assert checked('time.now - change.created > duration("47h")').holds(aged)
    assert not checked('time.now - change.created > duration("49h")').holds(aged)


# The quick way to ask about all paths says what the slow one says.


def literal(pattern: str) -> str:
    escapes = {ord(each): f"\\u{ord(each):04x}" for each in "\"\\'\n\r\t\0\x0b\x0c\x1b"}
    return f'"{pattern.translate(escapes)}"'


def both_ways(paths: list[str], pattern: str) -> tuple[bool, bool]:
    text = f"paths.exists(p, p.matches({literal(pattern)}))"
    quick, slow = checked(text), checked(text.replace("matches", "matches ").replace("p.", "(p)."))
    assert "any_path_matches" in expressions._quickened(text)
    assert "any_path_matches" not in expressions._quickened(slow.text)
    asked = everything(paths=paths)
    return quick.holds(asked), slow.holds(asked)


# Git knows no path with a NUL.
ODD = st.characters(codec="utf-8", include_characters="\n\r\t\x0b \"'\\/.é\u2028", categories=["L", "N", "P"])
PATHS = st.lists(
    st.one_of(st.text(ODD, max_size=8), st.sampled_from(["a/b", "a\nb", "\n", "", "b", "\x01", "é/x"])), max_size=5
)
PIECES = ["a", "b", "^", "$", ".", "/", "|", "[^/]", "[^a]", "\\s", "\\S", "\\b", "\\B", "\\A", "\\z", "(?i)A", "(?s).", "(?:a|b)", "*", "\\Qa.", "\\n", "\\x00", "é", "\\pL", "\n", "a{2}", "\\W"]  # fmt: skip
PATTERNS = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)


@settings(max_examples=400, deadline=None)
@given(PATHS, PATTERNS)
@example([], "")
@example([], ".*")
@example(["a\nb"], "^b")
@example(["a", "b"], "a\\sb")
@example(["a\nb", "c\rd"], "^d$")
@example(["x/a"], "\\Qa")
@example(["b", "a"], "^$|^a")
@example([""], "^$")
def test_asking_about_all_paths_at_once_says_what_asking_about_each_says(paths: list[str], pattern: str) -> None:
    try:
        quick, slow = both_ways(paths, pattern)
    except Malformed as error:
        assert str(error).startswith("The pattern is not one of RE2")  # noqa: PT017 - it may be refused, and is not always
        return
    assert quick == slow


@pytest.mark.parametrize(
    "text",
    [
        "change.title == \"paths.exists(p, p.matches('x'))\"",
        '[["a"]].exists(paths, paths.exists(p, p.matches("a")))',
        'paths.exists(p, paths.exists(q, p.matches("a")))',
        "paths.exists(p, p.matches(change.title))",
        'paths.all(p, p.matches("a"))',
        'labels.exists(p, p.matches("a"))',
    ],
)
def test_only_the_very_question_about_paths_is_asked_quickly(text: str) -> None:
    assert expressions._quickened(text) == text
    checked(text)


def test_the_quick_way_is_taken_wherever_the_question_stands() -> None:
    text = "!( paths.exists(p,p.matches('a')) ) && paths . exists( each , each.matches(r\"^b\") ) // c"
    assert expressions._quickened(text) == (
        "!( any_path_matches(all_paths, 'a') ) && any_path_matches(all_paths, r\"^b\") // c"
    )
    assert checked(text).holds(everything(paths=["b"]))
    assert not checked(text).holds(everything(paths=["b", "a"]))
