"""A policy file as plain values with their places; what is not plain YAML is a problem."""

from typing import Any

import pytest

from bot.policy.yaml import MOST_BYTES, MOST_LEVELS, MOST_PROBLEMS, MOST_VALUES, read


def problems(text: str) -> list[tuple[int, int, str]]:
    return [(each.line, each.column, each.message) for each in read(text, "o").problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-17", -17),
        ("0", 0),
        ("1.5", 1.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("''", ""),
        ("'1'", "1"),
        ("[a, 2]", ["a", 2]),
        ("{b: c}", {"b": "c"}),
        ("2026-03-02", "2026-03-02"),
        ("yes", "yes"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("007", "007"),
        ("1e5", "1e5"),
        (".inf", ".inf"),
        ("=", "="),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_values_are_what_they_look_like(text: str, value: Any) -> None:
    document = read(f"a: {text}", "o")
    assert document.problems == []
    assert document.values == {"a": value}
    assert type(document.values["a"]) is type(value)


def test_a_file_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does() -> None:
    assert read("\ufeffa: 1\r\nb: 2\r\n", "o").values == {"a": 1, "b": 2}


def test_a_value_is_shown_where_its_name_stands() -> None:
    document = read("a:\n  - b: 1\n    c: 2\n", "o")
    assert document.places["a", 0, "c"] == (3, 5)
    assert document.places["a", 0] == (2, 5)
    problem = document.problem(("a", 0, "nowhere", "at all"), "Wrong.")
    assert (problem.line, problem.column) == (2, 5)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", (1, 1), "The file is empty."),
        ("# nothing", (1, 1), "The file is empty."),
        ("a: &x 1", (1, 4), "Anchors and aliases (& and *) are not allowed: write the value out."),
        ("a: *x", (1, 4), "Anchors and aliases (& and *) are not allowed: write the value out."),
        ("a: !!int b", (1, 4), "Tags (!) are not allowed: write the plain value, in quotation marks where it begins with `!`."),
        ("--- !set\n{a}", (1, 5), "Tags (!) are not allowed: write the plain value, in quotation marks where it begins with `!`."),
        ("%YAML 1.1\n---\na: yes", (2, 1), "Directives (%) are not allowed."),
        ("%TAG ! x:\n---\na: 1", (2, 1), "Directives (%) are not allowed."),
        ("a: 1\na: 2", (2, 1), "`a` is there twice."),
        ("? [a]\n: b", (1, 3), "A name is expected here."),
        ("? {a: b}\n: b", (1, 3), "A name is expected here."),
        ("a: 1\n---\nb: 2", (2, 1), "This is not valid YAML: expected a single document in the stream, but found another document."),
        ("a: [1, 2", (1, 9), "This is not valid YAML: expected ',' or ']', but got '<stream end>'."),
        ("a: b: c", (1, 5), "This is not valid YAML: mapping values are not allowed here."),
        ("a: |\n \n  b", (3, 3), "This is not valid YAML: more indented follow up line than first in a block scalar."),
        ("a: `b`", (1, 4), "This is not valid YAML: found character ''' that cannot start any token."),
        ("a: \x00", (1, 1), "This is not valid YAML: unacceptable character #x0000: special characters are not allowed."),
        ("a: \ud800", (1, 1), "This is not valid YAML: unacceptable character #xd800: special characters are not allowed."),
        ('a: "\\ud83d"', (1, 4), "This has a character that cannot be kept: a NUL, or half of a pair (`\\ud800`)."),
        ('a: [b, "\\0"]', (1, 8), "This has a character that cannot be kept: a NUL, or half of a pair (`\\ud800`)."),
        ('a: {"b\\0": 1}', (1, 5), "This has a character that cannot be kept: a NUL, or half of a pair (`\\ud800`)."),
        ('"\\U99999999"', (1, 1), "This is not valid YAML: Python int too large to convert to C int."),
    ],
)  # fmt: skip
def test_what_is_not_plain_yaml_is_a_problem_at_its_place(text: str, place: tuple[int, int], message: str) -> None:
    assert problems(text)[0] == (*place, message)


def test_memory_that_there_is_not_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bot.policy.yaml._events", without_memory)
    with pytest.raises(MemoryError):
        read("a: 1", "o")


def test_a_deep_file_is_not_read_on() -> None:
    # Read whole, this takes the parser minutes.
    assert problems("[" * MOST_BYTES) == [(1, MOST_LEVELS + 1, "Values are nested more than 20 levels deep.")]
    assert problems("- " * MOST_LEVELS + "a") == []


@pytest.mark.no_cover
def test_a_file_of_very_many_values_is_not_read_on() -> None:
    told = f"The file has more than {MOST_VALUES:,} names and values."
    # Besides the entries there are the mapping, its one name and the list.
    begun = "a:\n- [" + "b," * (MOST_VALUES - 4)
    assert problems(begun + "\n]") == []
    assert problems(begun + "\n b]") == [(3, 2, told)]
    # The mapping is one value, and each line has a name and an empty value.
    assert problems("".join(f"{line}:\n" for line in range(MOST_VALUES // 2))) == [(MOST_VALUES // 2 + 1, 1, told)]


def test_a_file_that_is_hardly_ever_plain_is_not_read_on() -> None:
    assert len(problems("[" + "!a b," * 10_000)) == MOST_PROBLEMS


def test_a_large_file_is_not_read() -> None:
    assert problems("é" * (MOST_BYTES // 2 + 1)) == [(1, 1, "The file is larger than 256 KiB.")]


def test_several_things_that_are_not_plain_are_all_told() -> None:
    assert len(problems("a: &x 1\nb: *x\nc: !t 2")) == 3
