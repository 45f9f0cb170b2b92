"""What two commits differ in, as GitHub compares them, and what follows from several such comparisons. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_FILES = 300
"""Files that GitHub names in a comparison: https://docs.github.com/rest/commits/commits#compare-two-commits"""


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What happened to a file between two commits. ``patch`` is the digest of the lines that differ, if shown.

    ``blob`` is git's id of its content afterwards, of the content before for a file that is removed.
    """

    path: str
    previous: str
    status: str
    blob: str
    patch: str

    @property
    def paths(self) -> frozenset[str]:
        """Every path that it concerns."""
        return frozenset({self.path, self.previous} - {""})


@dataclass(frozen=True, slots=True)
class Comparison:
    """What ``head`` adds to what it has in common with ``base``. ``whole``: GitHub names every file.

    ``status`` says how the two lie to each other: ``ahead`` and ``behind`` on one line, ``diverged``, ``identical``.
    """

    status: str
    files: tuple[FileDiff, ...]
    whole: bool

    @property
    def kept(self) -> tuple[str, ...]:
        """The paths of the files that are there afterwards."""
        return tuple(file.path for file in self.files if file.status != "removed")


def comparison(answer: Mapping[str, Any]) -> Comparison:
    """GitHub's answer."""
    files = tuple(sorted((_file(each) for each in answer.get("files") or ()), key=lambda each: each.path))
    return Comparison(str(answer["status"]), files, len(files) < MOST_FILES)


def _file(each: Mapping[str, Any]) -> FileDiff:
    patch = each.get("patch")
    digest = hashlib.sha256(patch.encode()).hexdigest() if patch else ""
    return FileDiff(
        each["filename"], each.get("previous_filename") or "", each["status"], str(each.get("sha") or ""), digest
    )


def same_difference(first: Comparison, second: Comparison) -> bool:
    """Whether two comparisons show the same change, line by line. What GitHub does not show is not the same.

    The modes of files are in no comparison: `facts.modes` knows them.
    """
    ours, theirs = _shown(first), _shown(second)
    return ours is not None and ours == theirs


def _shown(one: Comparison) -> list[tuple[str, ...]] | None:
    """Everything that a reader is shown; None when that is not everything."""
    shown: list[tuple[str, ...]] = []
    for file in one.files:
        if file.patch:
            shown.append((file.path, file.previous, file.status, file.patch))
        elif file.status in {"added", "removed"}:
            # Its content is the whole difference.
            shown.append((file.path, file.previous, file.status, file.blob))
        else:
            return None
    return shown if one.whole else None


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
