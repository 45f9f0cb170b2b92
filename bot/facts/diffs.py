"""What two commits differ in, as GitHub compares them, and what follows from several such comparisons. Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_FILES = 300
"""Files that GitHub names in a comparison: https://docs.github.com/rest/commits/commits#compare-two-commits"""

_HUNKS = re.compile(r"^(?=@@ )", re.MULTILINE)
_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_UNREADABLE = "\ufffd"
"""What stands for bytes that are no text: two files that differ in such bytes are shown alike."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that differ, with those around them: ``was`` lines from ``start`` on became ``now`` lines.

    ``text`` is the digest of all of them. Where they stand is not in it. ``above`` and ``below`` are how many of them
    are only around, before and after those that differ.
    """

    start: int
    was: int
    now: int
    text: str
    above: int = 0
    below: int = 0


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What happened to a file between two commits. ``patch`` is the digest of the lines that differ, if shown.

    ``blob`` is git's id of its content afterwards, of the content before for a file that is removed. ``hunks`` are the
    same lines as ``patch``, one after the other; none where they are not shown whole.
    """

    path: str
    previous: str
    status: str
    blob: str
    patch: str
    hunks: tuple[Hunk, ...] = ()

    @property
    def paths(self) -> frozenset[str]:
        """Every path that it concerns."""
        return frozenset({self.path, self.previous} - {""})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What ``head`` adds to what it has in common with ``base``. ``whole``: GitHub names every file.

    ``status`` says how the two lie to each other: ``ahead`` and ``behind`` on one line, ``diverged``, ``identical``.
    ``parted`` is the last commit that they have in common; empty where GitHub does not say it.
    """

    status: str
    files: tuple[FileDiff, ...]
    whole: bool
    parted: str = ""

    @property
    def kept(self) -> tuple[str, ...]:
        """The paths of the files that are there afterwards."""
        return tuple(file.path for file in self.files if file.status != "removed")


def comparison(answer: Mapping[str, Any]) -> Comparison:
    """GitHub's answer."""
    files = tuple(sorted((_file(each) for each in answer.get("files") or ()), key=lambda each: each.path))
    parted = (answer.get("merge_base_commit") or {}).get("sha") or ""
    return Comparison(str(answer["status"]), files, len(files) < MOST_FILES, parted)


def _file(each: Mapping[str, Any]) -> FileDiff:
    patch = each.get("patch") or ""
    if _UNREADABLE in patch:
        patch = ""
    digest = _digest(patch) if patch else ""
    return FileDiff(
        each["filename"],
        each.get("previous_filename") or "",
        each["status"],
        str(each.get("sha") or ""),
        digest,
        _hunks(patch),
    )


def _hunks(patch: str) -> tuple[Hunk, ...]:
    """The hunks of a patch; none when one of them has not the lines that its header counts."""
    found = [_hunk(each.removesuffix("\n").split("\n")) for each in _HUNKS.split(patch)[1:]]
    return tuple(each for each in found if each is not None) if None not in found else ()


def _hunk(lines: Sequence[str]) -> Hunk | None:
    header = _HEADER.match(lines[0])
    if header is None:
        return None
    start, was, now = (int(each) if each is not None else 1 for each in header.groups())
    signs = [line[:1] for line in lines[1:]]
    counted = (signs.count(" ") + signs.count("-"), signs.count(" ") + signs.count("+"))
    if counted != (was, now):
        return None
    differing = "".join(signs).replace("\\", "")
    above, below = (len(differing) - len(each) for each in (differing.lstrip(" "), differing.rstrip(" ")))
    return Hunk(start, was, now, _digest("\n".join(lines[1:])), above, below)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def content(one: Comparison) -> str:
    """A digest of what is done to each file, whatever the rest of it is; empty when that is not all shown.

    Lines are known by themselves and those around them, wherever they stand; a file whose lines are not shown (binary,
    large, empty, only renamed) by git's id of its content. Two changes that differ have two digests, with two
    exceptions that `is_same_change` keeps apart: the same lines in another place of the file, and the same content of a
    file whose lines are not shown in place of another one.
    """
    does = [_does(file) for file in one.files]
    return _digest(repr(does)) if one.whole and all(does) else ""


def _does(file: FileDiff) -> tuple[str, ...]:
    """What is done to a file; nothing when that is not shown."""
    where = (file.path, file.previous, file.status)
    if file.hunks:
        return (*where, "lines", *(hunk.text for hunk in file.hunks))
    return (*where, "content", file.blob) if file.blob else ()


def is_same_change(then: Comparison, now: Comparison, grown: Comparison | None) -> bool:
    """Whether two commits make the same change, each of where it parted from the base.

    ``grown`` is what the base got between these two places; without it, only what files alone show is the same. Lines
    are the same that stand where the base has moved them to: ``git patch-id`` calls them the same wherever they are,
    but what is added to the other of two blocks that look alike is another change. So is content instead of what the
    base has by now: it would take back what the base got.

    The modes of files are in no comparison: `facts.modes` knows them.
    """
    if not content(now) or content(then) != content(now):
        return False
    pairs = [pair for pair in zip(then.files, now.files, strict=True) if not _is_fixed(*pair)]
    if not pairs or grown is None:
        return not pairs
    follows = grown.whole and grown.status in {"ahead", "identical"}
    return follows and all(_is_moved(*pair, grown) for pair in pairs)


def _is_fixed(then: FileDiff, now: FileDiff) -> bool:
    """Whether the file alone shows that it was the same before, and is afterwards."""
    if then.hunks:
        return (then.blob, then.hunks) == (now.blob, now.hunks)
    return then.status in {"added", "removed"}


def _is_moved(then: FileDiff, now: FileDiff, grown: Comparison) -> bool:
    """Whether the lines of a file stand where the base moved them to; one without lines must be as it was there."""
    touching = [file for file in grown.files if (then.previous or then.path) in file.paths]
    if not then.hunks:
        return not touching
    if [file.status for file in touching] != ["modified"] or not touching[0].hunks:
        return False
    return [_place(hunk, touching[0].hunks) for hunk in then.hunks] == [hunk.start for hunk in now.hunks]


def _place(hunk: Hunk, growth: Sequence[Hunk]) -> int | None:
    """Where lines, with those around them, stand after what the base got; None when that is among them."""
    further = 0
    for each in growth:
        if each.start + each.was - each.below <= hunk.start:
            further += each.now - each.was
        elif each.start + each.above < hunk.start + hunk.was:
            return None
    return hunk.start + further


def is_clean_merge(merge: Comparison, brought: Comparison, kept: Comparison) -> bool:
    """Whether a merge commit has just what its parents have.

    ``merge`` is the merge against its first parent, ``brought`` the second parent against the first, ``kept`` the first
    against the second, both from where they parted. Files that both sides changed are never shown to be clean.
    """
    if not (merge.whole and brought.whole and kept.whole):
        return False
    if _contents(merge) != _contents(brought):
        return False
    here = {path for file in kept.files for path in file.paths}
    return not any(path in here for file in brought.files for path in file.paths)


def _contents(one: Comparison) -> list[tuple[str, ...]]:
    return [(file.path, file.previous, file.status, file.blob) for file in one.files]
