"""What two commits differ in: a merge that adds nothing, the same change elsewhere, and what is not shown."""

from dataclasses import replace
from typing import Any

import pytest

from bot.facts.diffs import (
    MOST_FILES,
    Comparison,
    FileDiff,
    Hunk,
    comparison,
    content,
    is_clean_merge,
    is_same_change,
)


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


# The hunks of a file.


PATCH = "@@ -48,3 +48,4 @@ def interest\n line 48\n-line 49\n+line 49, by ana\n+more\n line 50"


def read(patch: str | None, **more: Any) -> FileDiff:
    return comparison({"status": "ahead", "files": [answered(patch=patch, **more)]}).files[0]


def test_a_hunk_is_known_by_its_lines_and_not_by_where_they_stand() -> None:
    [hunk] = read(PATCH).hunks
    assert (hunk.start, hunk.was, hunk.now) == (48, 3, 4)
    moved = PATCH.replace("@@ -48,3 +48,4 @@ def interest", "@@ -49,3 +90,4 @@ class Ledger")
    assert read(moved).hunks == (replace(hunk, start=49),)
    assert read(PATCH.replace("+more", "+less")).hunks[0].text != hunk.text


def test_hunks_are_kept_apart_and_a_line_that_looks_like_a_header_is_none() -> None:
    two = read(f"{PATCH}\n@@ -1 +1,2 @@\n a\n+@@ -1 +1 @@").hunks
    assert [(each.start, each.was, each.now) for each in two] == [(48, 3, 4), (1, 1, 2)]
    assert two[0] == read(PATCH).hunks[0]
    assert [(each.above, each.below) for each in two] == [(1, 1), (1, 0)]
    [last] = read("@@ -8,2 +8,3 @@\n-a\n+b\n+c\n d\n\\ No newline at end of file").hunks
    assert (last.above, last.below) == (0, 1)
    assert read("@@ -0,0 +1 @@\n+a\n\\ No newline at end of file").hunks[0].was == 0


@pytest.mark.parametrize(
    "patch",
    [
        None,
        "",
        "@@",
        "@@ something\n+a",
        "@@ -1 +1 @@\n-a",
        f"{PATCH}\n@@ -90,2 +91,2 @@\n a",
        PATCH.replace("more", "\ufffd"),
    ],
)
def test_lines_that_are_not_shown_whole_are_none(patch: str | None) -> None:
    assert read(patch).hunks == ()


def test_bytes_that_are_no_text_are_not_shown() -> None:
    assert read(PATCH.replace("more", "\ufffd")).patch == ""


# The same change from another place of the base.


def lines(*hunks: Hunk, path: str = "a.py", blob: str = "1", status: str = "modified", previous: str = "") -> FileDiff:
    return FileDiff(path, previous, status, blob, "p", hunks)


def at(*starts: int, text: str = "t", was: int = 7, now: int = 8) -> tuple[Hunk, ...]:
    return tuple(Hunk(start, was, now, text) for start in starts)


NOTHING = compared()
FIVE_MORE = Hunk(3, 6, 11, "grown")


def test_the_name_of_what_is_done_has_everything_but_places_and_the_rest_of_files() -> None:
    one = lines(*at(10, 40))
    known = content(compared(one))
    assert content(compared(lines(*at(11, 90), blob="2"))) == known
    others = [
        compared(lines(*at(10))),
        compared(lines(*at(10, 40, text="u"))),
        compared(replace(one, path="b.py")),
        compared(replace(one, previous="b.py")),
        compared(replace(one, status="added")),
        compared(one, lines(*at(1), path="b.py")),
        compared(replace(one, hunks=())),
        compared(replace(one, hunks=(), blob="2")),
        compared(),
    ]
    assert len({known, *map(content, others)}) == len(others) + 1
    assert all(map(content, others))


def test_what_is_not_shown_whole_has_no_name() -> None:
    assert content(compared(lines(*at(1)), whole=False)) == ""
    assert content(compared(lines(*at(1)), lines(path="huge.bin", blob=""))) == ""
    assert not is_same_change(compared(lines(), whole=False), compared(lines(), whole=False), NOTHING)
    assert not is_same_change(compared(lines(*at(1))), compared(lines(*at(1, text="u"))), NOTHING)


@pytest.mark.parametrize(
    "one",
    [
        lines(*at(10)),
        lines(*at(10), status="renamed", previous="b.py"),
        lines(status="added"),
        lines(status="removed"),
    ],
)
def test_what_was_the_same_before_and_is_afterwards_needs_no_look_at_the_base(one: FileDiff) -> None:
    assert is_same_change(compared(one), compared(one), None)


@pytest.mark.parametrize(
    ("start", "grown"),
    [
        (15, compared(lines(FIVE_MORE))),
        (15, compared(lines(Hunk(6, 7, 12, "grown", above=3, below=3)))),
        (15, compared(lines(Hunk(7, 6, 11, "only added", above=3, below=3)))),
        (10, compared(lines(Hunk(14, 7, 12, "grown", above=3, below=3)))),
        (10, compared(lines(Hunk(17, 6, 11, "below")))),
        (15, compared(lines(FIVE_MORE, Hunk(17, 6, 1, "below")), lines(*at(1), path="b.py"))),
    ],
)
def test_lines_are_the_same_where_the_base_has_moved_them_to(start: int, grown: Comparison) -> None:
    then, now = compared(lines(*at(10))), compared(lines(*at(start), blob="2"))
    assert is_same_change(then, now, grown)
    assert is_same_change(then, now, replace(grown, status="identical"))
    assert not is_same_change(then, now, None)
    assert not is_same_change(then, now, replace(grown, whole=False))
    assert not is_same_change(then, now, replace(grown, status="diverged")), "the base was written anew"


@pytest.mark.parametrize(
    ("start", "grown"),
    [
        (14, compared(lines(FIVE_MORE))),
        (10, compared(lines(FIVE_MORE))),
        (15, compared(lines(FIVE_MORE), lines(path="c.py", previous="a.py", status="renamed"))),
        (15, compared(lines(Hunk(8, 6, 11, "added among them", above=3, below=3)))),
        (10, compared(lines(Hunk(8, 6, 11, "added among them", above=3, below=3)))),
        (10, compared(lines(Hunk(16, 6, 6, "near")))),
        (10, compared(lines(Hunk(5, 6, 6, "near")))),
        (15, compared(lines(FIVE_MORE, status="added"))),
        (10, compared(lines())),
        (10, NOTHING),
    ],
)
def test_the_same_lines_elsewhere_or_in_what_the_base_changed_are_another_change(start: int, grown: Comparison) -> None:
    assert not is_same_change(compared(lines(*at(10))), compared(lines(*at(start), blob="2")), grown)


def test_lines_that_trade_places_are_another_change() -> None:
    then, now = compared(lines(*at(10, 40))), compared(lines(*at(15, 40), blob="2"))
    assert not is_same_change(then, now, compared(lines(FIVE_MORE)))


@pytest.mark.parametrize("status", ["modified", "changed", "renamed"])
def test_a_file_without_lines_is_the_same_while_the_base_leaves_it_alone(status: str) -> None:
    one = compared(lines(path="logo.png", status=status, previous="old.png" if status == "renamed" else ""))
    [path] = {file.previous or file.path for file in one.files}
    assert is_same_change(one, one, compared(lines(*at(1))))
    assert not is_same_change(one, one, compared(lines(path=path))), "it would take back what the base got"
    assert not is_same_change(one, one, None)
