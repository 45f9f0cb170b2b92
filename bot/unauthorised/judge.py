"""What landed on a branch, held against what was decided. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.facts.model import Account, Signature
from bot.words import listed, quoted

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged pull request: the head that it had, the commit that it became, and who merged it."""

    number: int
    head: str
    merge_commit: str | None
    by: Account | None


@dataclass(frozen=True, slots=True)
class Landed:
    """A commit that is on the branch now, with the pull requests that were merged there and brought it."""

    oid: str
    parents: tuple[str, ...]
    signature: Signature | None
    brought_by: tuple[Merged, ...]

    @property
    def made_by_github(self) -> bool:
        """Whether GitHub itself made the commit, as its merge button and its merge queue do."""
        return self.signature is not None and self.signature.valid and self.signature.by_github


@dataclass(frozen=True, slots=True)
class Decided:
    """The last decision about a head: whether it let the change go on, what it said, and for which base branch."""

    passes: bool
    verdict: str
    base: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What must be compared to show that a merge has just what was approved: a range, and the head that it merges."""

    pull: Merged
    before: str
    after: str


def unexplained(landed: Sequence[Landed]) -> tuple[Landed, ...]:
    """The commits that no merged pull request brought: neither names them, nor has them behind its head."""
    commits = {commit.oid: commit for commit in landed}
    brought = {oid for pull in merges(landed) for oid in reachable(commits, pull.head)}
    return tuple(commit for commit in landed if not commit.brought_by and commit.oid not in brought)


def reachable(commits: Mapping[str, Landed], start: str) -> dict[str, None]:
    """The ids of a commit and of everything behind it, as far as ``commits`` go, the newest first."""
    found: dict[str, None] = {}
    waiting = deque([start])
    while waiting:
        oid = waiting.popleft()
        if oid not in found:
            found[oid] = None
            waiting += commits[oid].parents if oid in commits else ()
    return found


def new(history: Mapping[str, Landed], seen: str, tip: str) -> tuple[Landed, ...]:
    """The commits that ``tip`` has and ``seen`` had not, as far as the history was read; the newest first."""
    old = reachable(history, seen)
    return tuple(history[oid] for oid in reachable(history, tip) if oid not in old and oid in history)


def merges(landed: Iterable[Landed]) -> tuple[Merged, ...]:
    """The pull requests that were merged, by number."""
    return tuple(sorted({pull for commit in landed for pull in commit.brought_by}, key=lambda pull: pull.number))


def proofs(landed: Sequence[Landed]) -> tuple[Proof, ...]:
    """What is to be shown of merges that GitHub did not make itself: it makes them from the heads that were decided."""
    commits = {commit.oid: commit for commit in landed}
    needed = []
    for pull in merges(landed):
        made = commits.get(pull.merge_commit or "")
        if made is None or made.made_by_github or made.oid == pull.head:
            continue
        needed.append(Proof(pull, _before(made, pull, commits), made.oid))
    return tuple(needed)


def _before(made: Landed, pull: Merged, commits: Mapping[str, Landed]) -> str:
    """What the branch had before the pull request: the parent of the first of its commits there."""
    first = made
    while len(first.parents) == 1 and first.parents[0] in commits and pull in commits[first.parents[0]].brought_by:
        first = commits[first.parents[0]]
    return first.parents[0] if first.parents else first.oid


def direct(branch: str, commits: Sequence[Landed], pusher: Account | None) -> str:
    """The sentence about commits that came without a pull request."""
    shown = listed([each.oid[:7] for each in commits[:SHOWN]])
    more = f" and {len(commits) - SHOWN} more" if len(commits) > SHOWN else ""
    by = f"@{pusher.login}" if pusher else "somebody whom GitHub does not name"
    what = "A commit" if len(commits) == 1 else f"{len(commits)} commits"
    return f"{what} ({shown}{more}) came to {quoted(branch)} without a pull request; {by} pushed it there."


def over_red(branch: str, pull: Merged, decided: Decided | None) -> str | None:
    """The sentence about a merge of what was not decided for this branch, or not passed; None when it was passed."""
    if decided is not None and decided.passes and decided.base == branch:
        return None
    by = f"@{pull.by.login}" if pull.by else "somebody whom GitHub does not name"
    return f"#{pull.number} was merged into {quoted(branch)} by {by}, though {_said(branch, pull.head[:7], decided)}."


def _said(branch: str, head: str, decided: Decided | None) -> str:
    if decided is None:
        return f"Countersign had never decided about its head {head}"
    if decided.base != branch:
        return f"its head {head} was decided for {quoted(decided.base)}"
    return f"Countersign said {quoted(decided.verdict)} of its head {head}"


def not_the_same(branch: str, proof: Proof) -> str:
    """The sentence about a merge that cannot be shown to have just what was approved."""
    by = f"@{proof.pull.by.login}" if proof.pull.by else "somebody whom GitHub does not name"
    return (
        f"{proof.after[:7]}, by which #{proof.pull.number} came into {quoted(branch)}, cannot be shown to have just "
        f"what was approved as {proof.pull.head[:7]}; {by} merged it, and GitHub did not make the merge."
    )


def rewritten(branch: str, lost: str, pusher: Account | None) -> str:
    """The sentence about a branch from which something is gone."""
    by = f"@{pusher.login}" if pusher else "Somebody whom GitHub does not name"
    return f"{by} rewrote the history of {quoted(branch)}: {lost[:7]} is not on it any more."


def stray(tag: str, oid: str, default: str, pusher: Account | None, *, moved: bool) -> str:
    """The sentence about a tag on something that is not on the default branch."""
    by = f"@{pusher.login}" if pusher else "Somebody whom GitHub does not name"
    did = "moved the tag {} to" if moved else "put the tag {} on"
    return f"{by} {did.format(quoted(tag))} {oid[:7]}, which is not on {quoted(default)} and was approved by nobody."
