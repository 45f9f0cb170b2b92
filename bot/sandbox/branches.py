"""Commits and branches of a repository, and everybody whom a push concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from bot.sandbox.accounts import WEB_FLOW, Account
from bot.sandbox.git import NOTHING, Commit, Identity, tag_id
from bot.sandbox.rules import Refused
from bot.sandbox.shapes import commits as shapes

if TYPE_CHECKING:
    from bot.sandbox.pulls import PullRequest
    from bot.sandbox.repositories import Repository

Files = Mapping[str, str | None]


class Pushing(TypedDict, total=False):
    """How a push is done. ``files``: None as a text deletes the file. ``by``: None is a deploy key.

    ``modes`` are those of files that are not plain any more, or plain again.
    ``email`` stands in the commit in place of the author's own. ``force`` puts the commit in the place of the last
    one. A new branch begins at ``start``, or at the tip of the default branch.
    """

    by: Account | None
    files: Files
    modes: Mapping[str, int]
    message: str | None
    author: Account | None
    co_authors: Sequence[Account]
    committer: Account | None
    email: str | None
    force: bool
    start: str | None


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened to a branch, as GitHub's list of activities tells it. ``actor`` is None for a deploy key."""

    id: int
    ref: str
    before: str
    after: str
    kind: str
    actor: Account | None
    at: datetime


def commit(
    repository: Repository,
    files: Mapping[str, str],
    parents: tuple[str, ...],
    *,
    author: Identity,
    committer: Identity,
    message: str,
    co_authors: Sequence[Account] = (),
    modes: Mapping[str, int] | None = None,
) -> Commit:
    """A commit that no branch has yet."""
    return repository.history.commit(
        files,
        parents,
        author=author,
        committer=committer,
        message=message,
        at=repository.world.now(),
        co_authors=tuple(map(identity, co_authors)),
        by_github=committer.account == WEB_FLOW,
        modes=modes,
    )


def merge_commit(pull: PullRequest, base: str, *, by: Account, method: str = "merge") -> Commit:
    """The commit that merges a pull request on top of ``base``; ``method`` is merge or squash."""
    repository = pull.repository
    files = repository.history.merged(base, pull.head_sha)
    if files is None:
        raise Refused("Pull Request is not mergeable", status=405)
    if method == "squash":
        wrote = [each for made in pull.commits for each in (made.author, *made.co_authors)]
        people = {each.account: None for each in wrote if each.account is not None and each.account != pull.author}
        message = f"{pull.title} (#{pull.number})"
        return commit(
            repository,
            files,
            (base,),
            author=identity(pull.author),
            committer=identity(WEB_FLOW),
            message=message,
            co_authors=list(people),
        )
    origin = f"{pull.head_repository.owner.login}/{pull.head_ref}"
    message = f"Merge pull request #{pull.number} from {origin}\n\n{pull.title}"
    parents = (base, pull.head_sha)
    return commit(repository, files, parents, author=identity(by), committer=identity(WEB_FLOW), message=message)


def push(repository: Repository, branch: str, how: Pushing) -> Commit:
    """Push one commit to a branch."""
    by, email, force = how.get("by"), how.get("email"), how.get("force", False)
    tip = repository.branches.get(branch)
    before = tip or repository.branches.get(how.get("start") or repository.default_branch)
    parents: tuple[str, ...] = () if before is None else (before,)
    if force and tip is not None:
        parents = repository.history.commits[tip].parents
    tree = dict(repository.history.commits[before].files) if before is not None else {}
    files = how.get("files", {})
    for path, text in files.items():
        if text is None:
            tree.pop(path, None)
        else:
            tree[path] = text
    wrote = how.get("author") or by or repository.owner
    put = how.get("committer")
    made = commit(
        repository,
        tree,
        parents,
        author=_with_email(repository, wrote, email),
        committer=identity(put) if put is not None else _with_email(repository, by or repository.owner, email),
        message=how.get("message") or f"Change {', '.join(sorted(files)) or 'nothing'}",
        co_authors=how.get("co_authors", ()),
        modes=how.get("modes"),
    )
    advance(repository, branch, made, by=by, forced=force)
    return made


def advance(
    repository: Repository,
    branch: str,
    made: Commit,
    *,
    by: Account | None,
    kind: str | None = None,
    forced: bool = False,
    merging: PullRequest | None = None,
) -> None:
    """Move a branch to a commit, and say so to everybody whom it concerns; ``merging`` is why it moves."""
    before = repository.branches.get(branch, NOTHING)
    repository.branches[branch] = made.oid
    usual = "branch_creation" if before == NOTHING else "force_push" if forced else "push"
    repository.pushed_at = repository.world.now()
    _note(repository, branch, before, made.oid, kind or usual, by)
    sender = by or repository.owner
    repository.tell("push", None, sender, **shapes.push(repository, branch, before, made, by, forced=forced))
    repository.request_checks(made.oid, branch, by=sender)
    for pull in repository.world.pulls_from(repository, branch):
        pull.synchronize(before, made.oid, sender)
    _conclude_merged(repository, branch, sender, merging)


def tag(repository: Repository, name: str, oid: str, *, by: Account, annotated: bool = False) -> None:
    """Put a tag on a commit, or move it there."""
    before = repository.tags.get(name, NOTHING)
    after = oid
    if annotated:
        after = tag_id(name, oid, f"{by.name} <{by.email}> {int(repository.world.now().timestamp())} +0000")
        repository.tag_objects[after] = oid
    repository.tags[name] = after
    repository.tell("push", None, by, **shapes.tag_push(repository, name, before, after, by))


def land(repository: Repository, branch: str, head: str, *, by: Account, own: Files | None = None) -> Commit:
    """Merge a commit by hand into a branch, with ``own`` content besides, and push it there."""
    base = repository.branches[branch]
    files = repository.history.merged(base, head)
    if files is None:
        raise Refused("they conflict")
    tree = files | {path: text for path, text in (own or {}).items() if text is not None}
    who = identity(by)
    made = commit(repository, tree, (base, head), author=who, committer=who, message=f"Merge {head[:7]}")
    advance(repository, branch, made, by=by)
    return made


def delete(repository: Repository, branch: str, *, by: Account) -> None:
    """Delete a branch."""
    before = repository.branches.pop(branch)
    _note(repository, branch, before, NOTHING, "branch_deletion", by)
    repository.tell("push", None, by, **shapes.push(repository, branch, before, None, by, forced=False))


def _note(repository: Repository, branch: str, before: str, after: str, kind: str, by: Account | None) -> None:
    number = repository.world.numbers.next("Activity")
    at = repository.world.now()
    repository.activities.append(Activity(number, f"refs/heads/{branch}", before, after, kind, by, at))


def _conclude_merged(repository: Repository, branch: str, by: Account, merging: PullRequest | None) -> None:
    """A pull request whose head is in its base is merged, however it came there."""
    tip = repository.branches[branch]
    for pull in [each for each in repository.pulls.values() if each.state == "open" and each.base_ref == branch]:
        if pull is merging or not pull.commits:
            continue
        if not repository.history.divergence(tip, pull.head_sha).only_head:
            pull.conclude(tip, by=by)


def identity(who: Account) -> Identity:
    """How an account appears in a commit."""
    return Identity(who.name, who.email, who)


def _with_email(repository: Repository, who: Account, email: str | None) -> Identity:
    if email is None:
        return identity(who)
    return Identity(who.name, email, repository.world.account_of(email))
