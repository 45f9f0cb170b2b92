"""Everybody who had a hand in a change, with how that is known; and the traces that lead to nobody.

Contributor is whoever opened the pull request, is author, co-author or committer of one of its commits, or pushed one.
Every merge commit's maker is among them: nothing here shows that a merge added nothing of its own.
"""

from dataclasses import dataclass

from bot.facts.model import Account, Commit, GitIdentity, PullRequestFacts
from bot.facts.people import WEB_FLOW, People, Person, is_human
from bot.words import quoted

GITHUB_ADDRESS = "noreply@github.com"


@dataclass(frozen=True, slots=True)
class Contributors:
    """The contributing persons with the reasons, and a sentence for every trace that leads to nobody."""

    because: dict[Person, tuple[str, ...]]
    unknown: tuple[str, ...]


def contributors(facts: PullRequestFacts, people: People) -> Contributors:
    """Who contributed to the change."""
    traces: list[tuple[Account, str]] = []
    unknown: list[str] = []
    if facts.author is not None:
        traces.append((facts.author, "opened the pull request"))
    else:
        unknown.append("The account that opened the pull request is gone.")
    for commit in facts.commits:
        _read_commit(commit, traces, unknown)
    _read_pushes(facts, traces, unknown)
    because: dict[Person, list[str]] = {}
    for account, reason in traces:
        because.setdefault(people.person(account), []).append(reason)
    reasons = {person: tuple(dict.fromkeys(found)) for person, found in because.items()}
    return Contributors(reasons, tuple(dict.fromkeys(unknown)))


def _read_commit(commit: Commit, traces: list[tuple[Account, str]], unknown: list[str]) -> None:
    short = commit.oid[:7]
    for index, author in enumerate(commit.authors):
        _trace(author, "author" if index == 0 else "co-author", short, traces, unknown)
    if not commit.authors:
        unknown.append(f"{short} has no author.")
    if commit.committer is None:
        unknown.append(f"{short} has no committer.")
    elif commit.committer not in commit.authors[:1] and not _made_by_github(commit, commit.committer):
        _trace(commit.committer, "committer", short, traces, unknown)


def _trace(identity: GitIdentity, part: str, short: str, traces: list[tuple[Account, str]], unknown: list[str]) -> None:
    if identity.account is None:
        named = quoted(identity.email or identity.name or "nameless")
        unknown.append(f"The {part} of {short}, {named}, is linked to no GitHub account.")
    elif identity.account.id == WEB_FLOW:
        unknown.append(f"{short} names GitHub as its {part}, and no person.")
    else:
        traces.append((identity.account, f"{part} of {short}"))


def _made_by_github(commit: Commit, committer: GitIdentity) -> bool:
    """Whether GitHub itself made the commit for somebody. Its address is free text; its signature is not."""
    claims = committer.email == GITHUB_ADDRESS or (committer.account is not None and committer.account.id == WEB_FLOW)
    return claims and commit.signature is not None and commit.signature.valid and commit.signature.by_github


def _read_pushes(facts: PullRequestFacts, traces: list[tuple[Account, str]], unknown: list[str]) -> None:
    order = {commit.oid: place for place, commit in enumerate(facts.commits)}
    for push in sorted(facts.pushes, key=lambda each: order.get(each.after, len(order))):
        if push.actor is None or push.actor.id == WEB_FLOW:
            unknown.append(
                f"{push.after[:7]} was pushed with a deploy key, or by an account that GitHub does not name."
            )
        else:
            traces.append((push.actor, f"pushed {push.after[:7]}"))
    if not any(push.after == facts.head.oid for push in facts.pushes):
        unknown.append(f"Nobody is on record as having pushed {facts.head.oid[:7]}.")


def humans(found: Contributors, people: People) -> tuple[Person, ...]:
    """The contributing persons that are people, not programs, in a stable order."""
    return tuple(sorted((each for each in found.because if any(map(is_human, people.accounts_of(each)))), key=sorted))
