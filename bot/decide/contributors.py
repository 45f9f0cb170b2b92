"""Everybody who had a hand in a change, with how that is known; and the traces that lead to nobody.

Contributor is whoever opened the pull request, is author, co-author or committer of one of its commits, or pushed one;
who wrote what such a commit reverts or repeats; and whom a program's pull request is assigned to, since GitHub tells no
other way who asked the program for it. A merge commit's maker is among them unless the merge was shown to add nothing.
"""

from dataclasses import dataclass

from bot.facts.model import Account, Commit, Disowned, GitIdentity, PullRequestFacts
from bot.facts.people import WEB_FLOW, People, Person, is_human
from bot.words import quoted

GITHUB_ADDRESS = "noreply@github.com"


@dataclass(frozen=True, slots=True)
class Contributors:
    """The contributing persons with the reasons, and a sentence for every trace that leads to nobody.

    ``disowned`` are claims of co-authorship that the person named has denied, and that do not count.
    """

    because: dict[Person, tuple[str, ...]]
    unknown: tuple[str, ...]
    disowned: tuple[Disowned, ...] = ()


def contributors(facts: PullRequestFacts, people: People) -> Contributors:
    """Who contributed to the change."""
    traces: list[tuple[Account, str]] = []
    unknown: list[str] = []
    if facts.author is not None:
        traces.append((facts.author, "opened the pull request"))
    else:
        unknown.append("The account that opened the pull request is gone.")
    if facts.author is not None and not is_human(facts.author):
        traces += [(each, "was assigned to what a program opened") for each in facts.assigned]
    denied: list[Disowned] = []
    for commit in facts.commits:
        if commit.oid not in facts.clean_merges:
            _read_commit(commit, facts, traces, unknown, denied)
    _read_pushes(facts, traces, unknown)
    because: dict[Person, list[str]] = {}
    for account, reason in traces:
        because.setdefault(people.person(account), []).append(reason)
    reasons = {person: tuple(dict.fromkeys(found)) for person, found in because.items()}
    return Contributors(reasons, tuple(dict.fromkeys(unknown)), tuple(denied))


def _read_commit(
    commit: Commit,
    facts: PullRequestFacts,
    traces: list[tuple[Account, str]],
    unknown: list[str],
    denied: list[Disowned],
) -> None:
    short = commit.oid[:7]
    for index, author in enumerate(commit.authors):
        claim = None if index == 0 or author.account is None else Disowned(commit.oid, author.account)
        if claim is not None and claim in facts.disowned and may_be_disowned(commit, claim.account):
            denied.append(claim)
            continue
        _trace(author, "author" if index == 0 else "co-author", short, traces, unknown)
    if not commit.authors:
        unknown.append(f"{short} has no author.")
    if commit.committer is None:
        unknown.append(f"{short} has no committer.")
    elif commit.committer not in commit.authors[:1] and not _made_by_github(commit, commit.committer):
        _trace(commit.committer, "committer", short, traces, unknown)
    _read_origins(commit, facts, traces, unknown)


def may_be_disowned(commit: Commit, account: Account) -> bool:
    """Whether nothing but a line of the message says that ``account`` wrote it: anybody can write such a line.

    What GitHub made itself is another matter: there it names those whose suggestions were applied.
    """
    named = [index for index, each in enumerate(commit.authors) if each.account == account]
    return bool(named) and 0 not in named and not commit.made_by_github


def _read_origins(
    commit: Commit, facts: PullRequestFacts, traces: list[tuple[Account, str]], unknown: list[str]
) -> None:
    """Who wrote what the commit undoes or does again has a part in it."""
    origins = {origin.oid: origin for origin in facts.origins}
    for oid in commit.repeats:
        origin = origins.get(oid)
        if origin is None or not origin.authors:
            unknown.append(f"{commit.oid[:7]} says that it reverts or repeats {oid[:7]}, which GitHub does not show.")
            continue
        for author in origin.authors:
            if author.account is not None and author.account.id != WEB_FLOW:
                traces.append((author.account, f"author of {oid[:7]}, which {commit.oid[:7]} reverts or repeats"))
            else:
                named = quoted(author.email or author.name or "nameless")
                unknown.append(f"An author of {oid[:7]}, {named}, is linked to no GitHub account of a person.")


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
    return claims and commit.made_by_github


def _read_pushes(facts: PullRequestFacts, traces: list[tuple[Account, str]], unknown: list[str]) -> None:
    order = {commit.oid: place for place, commit in enumerate(facts.commits)}
    buttons = {each.oid: each for each in facts.commits if each.oid in facts.clean_merges and each.made_by_github}
    for push in sorted(facts.pushes, key=lambda each: order.get(each.after, len(order))):
        merge = buttons.get(push.after)
        if merge is not None and push.actor in {author.account for author in merge.authors}:
            # Who presses "Update branch" moves the branch by GitHub's own merge and nothing else.
            continue
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
