"""What two commits differ in: a merge that adds nothing, the same change elsewhere, and what is not shown."""

from dataclasses import replace
from typing import Any

import pytest

from bot.facts.diffs import MOST_FILES, Comparison, FileDiff, comparison, is_clean_merge, same_difference


def file(path: str, blob: str = "b", *, status: str = "modified", patch: str = "p", previous: str = "") -> FileDiff:
    return FileDiff(path, previous, status, blob, patch)


def compared(*files: FileDiff, whole: bool = True) -> Comparison:
    return Comparison("ahead", files, whole)


def answered(**more: Any) -> dict[str, Any]:
    return {"filename": "a.py", "status": "modified", "sha": "b", "patch": "@@ -1 +1 @@\n-a\n+b"} | more


def test_githubs_answer_is_read_with_its_files_in_order() -> None:
    found = comparison({"status": "diverged", "files": [answered(filename="b.py"), answered(previous_filename="z.py")]})
    assert [each.path for each in found.files] == ["a.py", "b.py"]
    assert found.status == "diverged"
    assert found.whole
    assert found.files[0].paths == {"a.py", "z.py"}
    assert found.files[1].paths == {"b.py"}
    assert len(found.files[0].patch) == 64


def test_an_answer_without_files_changes_nothing_and_one_that_is_full_is_not_whole() -> None:
    assert comparison({"status": "identical"}) == Comparison("identical", (), whole=True)
    many = [answered(filename=f"{number}.py", patch=None) for number in range(MOST_FILES)]
    assert not comparison({"status": "ahead", "files": many}).whole


def test_a_merge_of_what_the_parents_have_is_clean() -> None:
    assert is_clean_merge(compared(file("base.py")), compared(file("base.py")), compared(file("own.py")))


@pytest.mark.parametrize(
    ("merge", "brought", "kept"),
    [
        (compared(file("base.py"), file("more.py")), compared(file("base.py")), compared()),
        (compared(file("base.py", "other")), compared(file("base.py")), compared()),
        (compared(), compared(file("base.py")), compared()),
        (compared(file("both.py")), compared(file("both.py")), compared(file("both.py", "mine"))),
        (compared(file("b.py", previous="a.py")), compared(file("b.py", previous="a.py")), compared(file("a.py"))),
        (compared(whole=False), compared(), compared()),
        (compared(), compared(whole=False), compared()),
        (compared(), compared(), compared(whole=False)),
    ],
)
def test_what_cannot_be_shown_is_not_clean(merge: Comparison, brought: Comparison, kept: Comparison) -> None:
    assert not is_clean_merge(merge, brought, kept)


def test_the_same_lines_are_the_same_difference_whatever_the_rest_of_the_file_is() -> None:
    assert same_difference(compared(file("a.py", "1")), compared(file("a.py", "2")))


@pytest.mark.parametrize(
    "other",
    [
        compared(file("a.py", patch="q")),
        compared(file("b.py")),
        compared(file("a.py", status="renamed", previous="b.py")),
        compared(file("a.py"), file("b.py")),
        compared(),
        compared(file("a.py"), whole=False),
    ],
)
def test_anything_else_is_another_difference(other: Comparison) -> None:
    assert not same_difference(compared(file("a.py")), other)
    assert not same_difference(other, compared(file("a.py")))


def test_a_file_that_is_added_or_removed_is_known_by_its_content() -> None:
    for status in ("added", "removed"):
        one = file("logo.png", "1", status=status, patch="")
        assert same_difference(compared(one), compared(one))
        assert not same_difference(compared(one), compared(replace(one, blob="2")))


def test_what_github_does_not_show_is_never_the_same() -> None:
    one = compared(file("huge.bin", patch=""))
    assert not same_difference(one, one)
    part = compared(file("a.py"), whole=False)
    assert not same_difference(part, part)
