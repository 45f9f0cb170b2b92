"""Just enough of git: commits as content-addressed objects, and what lies between two of them.

Blob, tree and commit ids are those that git itself gives.
"""

import difflib
import hashlib
import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from bot.sandbox.accounts import Account

ALIKE = 0.5
"""How much of a file must be what it was for git to call it renamed: https://git-scm.com/docs/git-diff#_options"""

PLAIN, EXECUTABLE, LINK, FOLDER = 0o100644, 0o100755, 0o120000, 0o040000
"""The modes that git knows of what is in a folder."""

NOTHING = "0" * 40
"""What a push says for a branch that is not there."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and an address as a commit has them; ``account`` is whom GitHub links the address to."""

    name: str
    email: str
    account: Account | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit with the whole content of its tree. ``depth`` counts the longest way back to a first commit.

    ``modes`` has those files that are not plain.
    ``by_github``: made and signed by GitHub itself, as a merge with its button is.
    """

    oid: str
    tree: str
    message: str
    files: Mapping[str, str]
    parents: tuple[str, ...]
    author: Identity
    committer: Identity
    co_authors: tuple[Identity, ...]
    at: datetime
    depth: int
    by_github: bool = False
    modes: Mapping[str, int] = field(default_factory=dict)

    def mode(self, path: str) -> int:
        """The mode of a file."""
        return self.modes.get(path, PLAIN)

    @property
    def headline(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Change:
    """A file that differs between two trees. ``kind`` is ADDED, DELETED, MODIFIED or RENAMED.

    ``previous`` is where a renamed one was.
    """

    path: str
    kind: str
    additions: int
    deletions: int
    previous: str = ""


@dataclass(frozen=True, slots=True)
class Divergence:
    """Two branches: what both have newest, and what only ``head`` or only ``base`` has, newest first."""

    merge_base: str | None
    only_base: tuple[str, ...]
    only_head: tuple[str, ...]


@dataclass(slots=True)
class History:
    """The commits of a network of repositories: a fork shares them with its parent."""

    commits: dict[str, Commit] = field(default_factory=dict)

    def commit(
        self,
        files: Mapping[str, str],
        parents: tuple[str, ...],
        *,
        author: Identity,
        committer: Identity,
        message: str,
        at: datetime,
        co_authors: tuple[Identity, ...] = (),
        by_github: bool = False,
        modes: Mapping[str, int] | None = None,
    ) -> Commit:
        """Put a commit on record; its files keep the modes that they have in its parents, unless ``modes`` says.

        A header of its own keeps apart what two people would do alike within the same second.
        """
        trailers = "".join(f"\nCo-authored-by: {each.name} <{each.email}>" for each in co_authors)
        whole = f"{message}\n{trailers}" if trailers else message
        inherited = {path: mode for each in reversed(parents) for path, mode in self.commits[each].modes.items()}
        kept = {path: mode for path, mode in {**inherited, **(modes or {})}.items() if path in files}
        tree = tree_id(files, kept)
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        seconds = int(at.timestamp())
        lines += [
            f"{role} {who.name} <{who.email}> {seconds} +0000"
            for role, who in (("author", author), ("committer", committer))
        ]
        lines.append(f"change-id {len(self.commits)}")
        oid = _object_id("commit", "\n".join([*lines, "", whole]).encode())
        depth = 1 + max((self.commits[parent].depth for parent in parents), default=0)
        made = Commit(oid, tree, whole, files, parents, author, committer, co_authors, at, depth, by_github, kept)
        self.commits[oid] = made
        return made

    def divergence(self, base: str, head: str) -> Divergence:
        """What two commits have in common and what not.

        Walks back from both by depth, so that every commit is met after all that come after it.
        """
        sides = {base: 1}
        sides[head] = sides.get(head, 0) | 2
        heap = [(-self.commits[oid].depth, oid) for oid in sides]
        heapq.heapify(heap)
        alone: dict[int, list[str]] = {1: [], 2: []}
        merge_base = None
        unsettled = sum(side != 3 for side in sides.values())
        while heap and (unsettled or merge_base is None):
            _, oid = heapq.heappop(heap)
            side = sides[oid]
            if side == 3:
                merge_base = merge_base or oid
            else:
                unsettled -= 1
                alone[side].append(oid)
            for parent in self.commits[oid].parents:
                known = sides.get(parent)
                joined = (known or 0) | side
                unsettled += (joined != 3) - (known is not None and known != 3)
                sides[parent] = joined
                if known is None:
                    heapq.heappush(heap, (-self.commits[parent].depth, parent))
        return Divergence(merge_base, tuple(alone[1]), tuple(alone[2]))

    def behind(self, oid: str) -> list[Commit]:
        """A commit and everything behind it, each after all that come after it."""
        found: dict[str, Commit] = {}
        waiting = [oid]
        while waiting:
            commit = self.commits[waiting.pop()]
            if commit.oid not in found:
                found[commit.oid] = commit
                waiting += commit.parents
        return sorted(found.values(), key=lambda each: (-each.depth, each.oid))

    def changes(self, before: str | None, after: str) -> list[Change]:
        """What differs between the trees of two commits; everything is new when there is none ``before``."""
        if before is None:
            return changes({}, self.commits[after].files)
        first, second = self.commits[before], self.commits[after]
        found = changes(first.files, second.files)
        others = first.files.keys() & second.files.keys() - {each.path for each in found}
        switched = [Change(path, "MODIFIED", 0, 0) for path in others if first.mode(path) != second.mode(path)]
        return sorted([*found, *switched], key=lambda each: each.path)

    def merged(self, ours: str, theirs: str) -> dict[str, str] | None:
        """The files of both; None when they changed the same lines differently, or lines side by side."""
        parted = self.divergence(ours, theirs).merge_base
        before = self.commits[parted].files if parted is not None else {}
        mine, other = self.commits[ours].files, self.commits[theirs].files
        result = dict(mine)
        for path in _differing(before, other):
            was, here, there = before.get(path), mine.get(path), other.get(path)
            if here not in (was, there):
                there = both(was, here, there)
                if there is None:
                    return None
            if there is None:
                result.pop(path, None)
            else:
                result[path] = there
        return result


def both(was: str | None, here: str | None, there: str | None) -> str | None:
    """The text with what was changed of it on two sides; None where these are in each other's way."""
    if was is None or here is None or there is None:
        return None
    before = was.splitlines(keepends=True)
    mine, other = _edits(before, here), _edits(before, there)
    if any(start <= over and begin <= end for start, end, _ in mine for begin, over, _ in other):
        return None
    lines = list(before)
    for start, end, text in sorted([*mine, *other], reverse=True):
        lines[start:end] = text
    return "".join(lines)


def _edits(before: list[str], after: str) -> list[tuple[int, int, list[str]]]:
    """Which lines became which ones."""
    lines = after.splitlines(keepends=True)
    found = difflib.SequenceMatcher(None, before, lines, autojunk=False).get_opcodes()
    return [(start, end, lines[begin:over]) for kind, start, end, begin, over in found if kind != "equal"]


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    changed = [path for path, text in after.items() if before.get(path) != text]
    return sorted([*changed, *(path for path in before if path not in after)])


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """The files that differ, sorted by path."""
    differing = _differing(before, after)
    moved = _moved(
        {path: before[path] for path in differing if path not in after},
        {path: after[path] for path in differing if path not in before},
    )
    gone = set(moved.values())
    return [_change(path, moved.get(path, path), before, after) for path in differing if path not in gone]


def _change(path: str, previous: str, before: Mapping[str, str], after: Mapping[str, str]) -> Change:
    was, now = before.get(previous), after.get(path)
    counts = _counts(was or "", now or "")
    if path != previous:
        return Change(path, "RENAMED", *counts, previous)
    return Change(path, "ADDED" if was is None else "DELETED" if now is None else "MODIFIED", *counts)


def _moved(gone: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Where new files were before: each is the one that is gone and most like it, if half of it is the same."""
    likeness = sorted(
        ((_likeness(was, now), here, there) for here, now in new.items() for there, was in gone.items() if was and now),
        key=lambda each: (-each[0], each[1], each[2]),
    )
    found: dict[str, str] = {}
    for like, here, there in likeness:
        if like >= ALIKE and here not in found and there not in found.values():
            found[here] = there
    return found


def _likeness(was: str, now: str) -> float:
    """The part of the longer one that the other one has as well."""
    if was == now:
        return 1.0
    added, _ = _counts(was, now)
    lines = len(now.splitlines())
    return (lines - added) / max(lines, len(was.splitlines()))


@lru_cache(maxsize=4096)
def _counts(was: str, now: str) -> tuple[int, int]:
    before, after = was.splitlines(), now.splitlines()
    same = sum(
        block.size for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    )
    return len(after) - same, len(before) - same


def patch(path: str, was: str | None, now: str | None) -> str:
    """The difference as a pull request shows it."""
    lines = difflib.unified_diff((was or "").splitlines(), (now or "").splitlines(), path, path, lineterm="")
    return "\n".join(list(lines)[2:])


def tree_id(files: Mapping[str, str], modes: Mapping[str, int] | None = None) -> str:
    """Git's id of a folder's content; ``modes`` has those files that are not plain."""
    root: dict[str, Any] = {}
    for path, text in files.items():
        *folders, name = path.split("/")
        holder = root
        for folder in folders:
            holder = holder.setdefault(folder, {})
        holder[name] = (text, (modes or {}).get(path, PLAIN))
    return _tree(root)


def _tree(folder: Mapping[str, Any]) -> str:
    entries = []
    for name, inner in folder.items():
        is_folder = isinstance(inner, dict)
        oid, mode = (_tree(inner), FOLDER) if is_folder else (blob_id(inner[0]), inner[1])
        # Git sorts a folder as if its name ended with a slash.
        key = f"{name}/" if is_folder else name
        entries.append((key.encode(), f"{mode:o} {name}\0".encode() + bytes.fromhex(oid)))
    return _object_id("tree", b"".join(entry for _, entry in sorted(entries)))


@lru_cache(maxsize=16384)
def blob_id(text: str) -> str:
    """Git's id of a file's content."""
    return _object_id("blob", text.encode())


def tag_id(name: str, oid: str, tagger: str) -> str:
    """Git's id of an annotated tag."""
    return _object_id("tag", f"object {oid}\ntype commit\ntag {name}\ntagger {tagger}\n\n{name}\n".encode())


def _object_id(kind: str, body: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body, usedforsecurity=False).hexdigest()
