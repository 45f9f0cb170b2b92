"""A character of a value has a place in the file, however YAML wrote the value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy.scalars import position
from bot.policy.yaml import read


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a: one two", {"o": (1, 4), "w": (1, 9), "t": (1, 8)}),
        ("a: one\n   two", {"o": (1, 4), "t": (2, 4), "w": (2, 5)}),
        ("a: 'one ''two'''", {"o": (1, 5), "t": (1, 11), "'": (1, 9)}),
        ("a: 'one\n\n  two'", {"w": (3, 4)}),
        ('a: "one \\"two\\" \\\\ \\/x"', {"t": (1, 11), '"': (1, 9), "\\": (1, 17), "/": (1, 20), "x": (1, 22)}),
        ('a: "one \\\n  two"', {"w": (2, 4)}),
        ("a: |\n  one\n    two\n", {"o": (2, 3), "t": (3, 5)}),
        ("a: |2-  # why\n    one\n  two", {"o": (2, 5), "t": (3, 3)}),
        ("a: >-\n  one\n  two\n", {"w": (3, 4)}),
        ("a: é😀 two", {"w": (1, 8)}),
        ("[{a: one two}]", {"w": (1, 11)}),
        ("a: one\r\n   two\r\n", {"w": (2, 5)}),
        ("\ufeffa: two", {"w": (1, 5)}),
    ],
)
def test_a_character_is_found_where_it_is_written(text: str, places: dict[str, tuple[int, int]]) -> None:
    document = read(text, "o")
    assert not document.problems
    path = (0, "a") if text.startswith("[") else ("a",)
    value = document.values[0]["a"] if text.startswith("[") else document.values["a"]
    assert {char: document.within(path, value.index(char)) for char in places} == places


@pytest.mark.parametrize(
    ("text", "place"), [("a: one  # why", (1, 7)), ("a: 'one'", (1, 8)), ("a: |\n  one\n", (2, 6)), ("a: ''", (1, 5))]
)
def test_the_end_of_a_value_is_after_its_last_character(text: str, place: tuple[int, int]) -> None:
    document = read(text, "o")
    assert document.within(("a",), len(document.values["a"])) == place


@pytest.mark.parametrize("text", ['a: "\\x41 two"', 'a: "\\t two"', 'a: "\\u00e9\\n two"'])
def test_behind_an_escape_nothing_can_be_said(text: str) -> None:
    document = read(text, "o")
    assert document.within(("a",), document.values["a"].index("w")) is None
    assert document.within(("b",), 0) is None
    assert document.problem(("a",), "Wrong.", offset=3).column == 1


def test_what_stands_before_an_escape_is_found() -> None:
    assert read('a: "one\\x41"', "o").within(("a",), 1) == (1, 6)


@given(st.text(st.sampled_from("ab'\" \n"), max_size=20), st.data())
def test_in_single_quotation_marks_every_character_is_found(value: str, data: st.DataObject) -> None:
    source = "'" + value.replace("'", "''") + "'"
    offset = data.draw(st.integers(0, len(value)))
    found = position(source, "'", value, offset)
    assert found is not None
    if offset < len(value) and not value[offset].isspace():
        assert source[found] == value[offset]
        assert "".join(source[1:found].replace("''", "'").split()) == "".join(value[:offset].split())
