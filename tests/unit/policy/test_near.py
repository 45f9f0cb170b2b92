"""The name that was meant is one that is near; nonsense is not proposed."""

import pytest

from bot.policy.near import nearest


@pytest.mark.parametrize(
    ("word", "names", "meant"),
    [
        ("modee", ["mode", "packs"], "mode"),
        ("hihg", ["low", "medium", "high"], "high"),
        ("rsik", ["write", "risk"], "risk"),
        ("soxx", ["sox", "dora"], "sox"),
        ("MODE", ["mode"], "mode"),
        ("pci", ["pci-dss", "sox"], "pci-dss"),
        ("Europe/Londn", ["Europe/Lisbon", "Europe/London"], "Europe/London"),
    ],
)
def test_a_slip_is_understood(word: str, names: list[str], meant: str) -> None:
    assert nearest(word, names) == f" Did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("security", ["admin", "maintain", "write"]),
        ("i", ["files", "lines", "time"]),
        ("nope", ["name", "mode"]),
        ("", ["a"]),
        ("cab", ["cab-of-retail", "cab-of-markets"]),
        ("li", ["lines_changed"]),
    ],
)
def test_what_is_not_near_is_not_proposed(word: str, names: list[str]) -> None:
    assert nearest(word, names).startswith(" Known are `")


def test_of_very_many_names_none_is_told_and_of_none_that() -> None:
    assert nearest("zzz", [f"name-{index}" for index in range(41)]) == ""
    assert nearest("zzz", []) == " There are none."
