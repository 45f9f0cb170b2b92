"""What was read of a policy file is kept, for as long as there is room."""

import pytest

from bot.policy.remembered import MOST, NotAtHand, only_at_hand, remembered


class Reader:
    """Counts letters, and what it was asked to read."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.letters = remembered(self._letters)

    def _letters(self, text: str, *, most: int = 9) -> int:
        self.asked.append(text[:3])
        return min(len(text), most)


def test_a_text_is_read_once() -> None:
    reader = Reader()
    assert [reader.letters("abc"), reader.letters("abc"), reader.letters("ab")] == [3, 3, 2]
    assert reader.asked == ["abc", "ab"]


def test_the_same_text_is_another_one_where_it_is_read_otherwise() -> None:
    reader = Reader()
    assert [reader.letters("abc", most=2), reader.letters("abc", most=1), reader.letters("abc", most=2)] == [2, 1, 2]
    assert reader.asked == ["abc", "abc"]


def test_only_what_was_read_is_at_hand() -> None:
    reader = Reader()
    reader.letters("abc")
    with only_at_hand():
        assert reader.letters("abc") == 3
        with pytest.raises(NotAtHand):
            reader.letters("ab")
    assert reader.asked == ["abc"]
    assert reader.letters("ab") == 2


def test_what_was_not_asked_for_longest_goes_when_there_is_no_room() -> None:
    reader = Reader()
    large = [letter * (MOST // 3) for letter in "abc"]
    for text in (large[0], large[1], large[0], large[2]):
        reader.letters(text)
    with only_at_hand():
        reader.letters(large[0])
        with pytest.raises(NotAtHand):
            reader.letters(large[1])


def test_a_text_that_is_larger_than_all_the_room_is_read_all_the_same() -> None:
    assert Reader().letters("a" * (MOST + 1)) == 9
