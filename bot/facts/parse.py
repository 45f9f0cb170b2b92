"""GraphQL's answers as facts: pure translation, one function for each kind of node.

What is null where GitHub's schema allows it becomes None here; what is null where it may not be is not hidden: the
``KeyError`` or ``TypeError`` is a defect and says so in the log.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.facts.model import (
    Account,
    AccountKind,
    Branch,
    ChangedFile,
    Commit,
    Ended,
    FactsIncomplete,
    FileChange,
    GitIdentity,
    Mergeability,
    Permission,
    PullRequestFacts,
    PullRequestState,
    Reported,
    Repository,
    Review,
    ReviewState,
    Sibling,
    Signature,
    Turn,
    TurnKind,
)
from bot.words import shortened, visible

Node = Mapping[str, Any]
LONGEST_TEXT = 300
"""Characters of a review's text that are kept, and of an address."""
LONGEST_NAME = 100
"""Characters that are kept of what a tool calls its check."""
_REPEATS = re.compile(r"^(?:This reverts commit|\(cherry picked from commit) ([0-9a-f]{40,64})\b", re.MULTILINE)
_UNFINISHED = {"PENDING", "EXPECTED"}
_KINDS = {"User": AccountKind.USER, "Bot": AccountKind.BOT}


def moment(text: str) -> datetime:
    """GitHub's ISO 8601 timestamp as a moment in UTC."""
    return datetime.fromisoformat(text)


def account(node: Node | None) -> Account | None:
    """Who acted; None for a deleted account."""
    if node is None or node.get("databaseId") is None:
        return None
    return Account(node["databaseId"], node["login"], _KINDS.get(node["__typename"], AccountKind.OTHER))


def identity(node: Node) -> GitIdentity:
    """A git identity, with the user that GitHub links its e-mail address to."""
    return GitIdentity(node["name"] or "", node["email"] or "", _user(node["user"]))


def signature(node: Node | None) -> Signature | None:
    """A commit's signature, None for an unsigned commit."""
    if node is None:
        return None
    return Signature(node["isValid"], node["state"], _user(node["signer"]), node["wasSignedByGitHub"])


def _user(node: Node | None) -> Account | None:
    """The account behind a commit; GitHub types it as a user also where it is a bot. No user's login has brackets."""
    if node is None or node["databaseId"] is None:
        return None
    kind = AccountKind.BOT if node["login"].endswith("[bot]") else AccountKind.USER
    return Account(node["databaseId"], node["login"], kind)


def commit(node: Node) -> tuple[Commit, tuple[FactsIncomplete, ...]]:
    """A commit, and what of it GitHub did not list."""
    inner = node["commit"]
    short = inner["oid"][:7]
    authors, parents = inner["authors"], inner["parents"]
    gaps = (
        *short_list(f"the authors of {short}", len(authors["nodes"]), authors["totalCount"]),
        *short_list(f"the parents of {short}", len(parents["nodes"]), parents["totalCount"]),
    )
    read = Commit(
        oid=inner["oid"],
        headline=inner["messageHeadline"],
        authors=tuple(identity(author) for author in authors["nodes"]),
        committer=identity(inner["committer"]) if inner["committer"] else None,
        parents=tuple(parent["oid"] for parent in parents["nodes"]),
        signature=signature(inner["signature"]),
        repeats=tuple(dict.fromkeys(_REPEATS.findall(inner["messageBody"]))),
    )
    return read, gaps


def review(node: Node) -> Review:
    """A review as it stands now."""
    state, author, editor = ReviewState(node["state"]), account(node["author"]), account(node["editor"])
    own = state is ReviewState.CHANGES_REQUESTED and editor in {None, author}
    return Review(
        id=node["databaseId"],
        author=author,
        state=state,
        commit=node["commit"]["oid"] if node["commit"] else None,
        submitted_at=moment(node["submittedAt"]),
        edited_at=moment(node["lastEditedAt"]) if node["lastEditedAt"] else None,
        edited_by=editor,
        text=shortened(visible(node["body"]), LONGEST_TEXT) if own else "",
    )


def permissions(nodes: Sequence[Node]) -> dict[Account, Permission]:
    """What each reviewer may do in the repository at least: GitHub says of everyone whether they may push."""
    return {
        author: Permission.WRITE if node["authorCanPushToRepository"] else Permission.NONE
        for node in nodes
        if (author := account(node["author"])) is not None
    }


def changed_file(node: Node) -> ChangedFile:
    """A file that the change touches."""
    return ChangedFile(node["path"], FileChange(node["changeType"]), node["additions"], node["deletions"])


def short_list(what: str, listed: int, total: int) -> tuple[FactsIncomplete, ...]:
    """The gap of a list that GitHub shows only in part; empty when it is whole."""
    if listed >= total:
        return ()
    return (FactsIncomplete(what, f"GitHub lists {listed:,} of {total:,}"),)


def pull_request(
    repository: Node, *, commits: Sequence[Node], reviews: Sequence[Node], files: Sequence[Node], app_id: int
) -> PullRequestFacts:
    """The pull request as GitHub tells it; pushes and standings are added by who knows them.

    ``repository`` is the answer's first page; the three lists hold the nodes of all pages. ``app_id`` is our own App,
    whose checks say nothing new.
    """
    node = repository["pullRequest"]
    here = Repository(repository["databaseId"], repository["owner"]["login"], repository["name"])
    read = [commit(each) for each in commits]
    reviewed = [each for each in reviews if each["submittedAt"] is not None]
    incomplete = [gap for _, gaps in read for gap in gaps]
    incomplete += short_list("the list of commits", len(commits), node["commits"]["totalCount"])
    incomplete += short_list("the list of reviews", len(reviews), node["reviews"]["totalCount"])
    incomplete += short_list("the list of files", len(files), max(node["files"]["totalCount"], node["changedFiles"]))
    incomplete += short_list("the list of labels", len(node["labels"]["nodes"]), node["labels"]["totalCount"])
    if node["timelineItems"]["pageInfo"]["hasPreviousPage"]:
        incomplete.append(FactsIncomplete("the history of the pull request", "GitHub lists only a part of it"))
    siblings, gap = _siblings(node)
    incomplete += gap
    reported, beside = _reported(node, app_id)
    if not any(each.oid == node["headRefOid"] for each, _ in read):
        incomplete.append(FactsIncomplete("the list of commits", "it does not contain the head commit"))
    return PullRequestFacts(
        repository=here,
        number=node["number"],
        title=node["title"],
        body=node["body"] or "",
        state=PullRequestState(node["state"]),
        draft=node["isDraft"],
        author=account(node["author"]),
        created_at=moment(node["createdAt"]),
        base=Branch(node["baseRefName"], node["baseRefOid"], here.id),
        head=Branch(node["headRefName"], node["headRefOid"], _id_of(node["headRepository"])),
        mergeability=Mergeability(node["mergeable"]),
        additions=node["additions"],
        deletions=node["deletions"],
        labels=tuple(sorted(label["name"] for label in node["labels"]["nodes"])),
        commits=tuple(each for each, _ in read),
        reviews=tuple(sorted(map(review, reviewed), key=lambda each: (each.submitted_at, each.id))),
        files=tuple(sorted(map(changed_file, files), key=lambda each: each.path)),
        siblings=siblings,
        incomplete=tuple(incomplete),
        turns=tuple(sorted(_turns(node["timelineItems"]["nodes"]), key=lambda each: (each.at, each.kind))),
        assigned=tuple(sorted(_assigned(node["timelineItems"]["nodes"]))),
        ended=_ended(node),
        reported=reported,
        reported_beside=beside,
    )


def _ended(node: Node) -> Ended | None:
    """How the pull request was merged or closed; None while it is open, and where GitHub does not tell."""
    if node["mergedAt"] is not None:
        return Ended(moment(node["mergedAt"]), account(node["mergedBy"]))
    closed = node["closed"]["nodes"]
    if not closed or node["state"] == PullRequestState.OPEN.value:
        return None
    return Ended(moment(closed[-1]["createdAt"]), account(closed[-1]["actor"]))


def enqueuer(repository: Node | None) -> Account | None:
    """Who put the pull request into the merge queue last; None where nobody did."""
    events = repository["pullRequest"]["timelineItems"]["nodes"] if repository and repository["pullRequest"] else ()
    return _user(events[-1]["enqueuer"]) if events else None


def _turns(items: Sequence[Node]) -> Iterator[Turn]:
    """What happened to the pull request that an approval does not outlive."""
    for item in items:
        match item["__typename"]:
            case "BaseRefChangedEvent":
                was, now = item["previousRefName"], item["currentRefName"]
                yield Turn(TurnKind.RETARGETED, moment(item["createdAt"]), was, now)
            case "AutomaticBaseChangeSucceededEvent":
                yield Turn(TurnKind.RETARGETED, moment(item["createdAt"]), item["oldBase"], item["newBase"])
            case "ReadyForReviewEvent":
                yield Turn(TurnKind.READY, moment(item["createdAt"]))
            case "ReopenedEvent":
                yield Turn(TurnKind.REOPENED, moment(item["createdAt"]))


def _assigned(items: Sequence[Node]) -> set[Account]:
    """The people whom the pull request was ever assigned to."""
    events = [item for item in items if item["__typename"] == "AssignedEvent"]
    people = [account(item["assignee"]) for item in events]
    return {each for each in people if each is not None and each.kind is AccountKind.USER}


def _siblings(node: Node) -> tuple[tuple[Sibling, ...], tuple[FactsIncomplete, ...]]:
    """The other open pull requests whose head is the same commit."""
    listed = [tip["commit"]["associatedPullRequests"] for tip in node["tip"]["nodes"]]
    found = {
        each["number"]: Sibling(each["number"], author=account(each["author"]))
        for page in listed
        for each in page["nodes"]
        if each["state"] == "OPEN" and each["headRefOid"] == node["headRefOid"] and each["number"] != node["number"]
    }
    gaps = [short_list("the list of pull requests", len(page["nodes"]), page["totalCount"]) for page in listed]
    return tuple(found[number] for number in sorted(found)), tuple(gap for gap_ in gaps for gap in gap_)


def _reported(node: Node, app_id: int) -> tuple[tuple[Reported, ...], int]:
    """What other tools say of the head, and of how much more GitHub did not say what it is."""
    rollups = [tip["commit"]["statusCheckRollup"] for tip in node["tip"]["nodes"]]
    pages = [rollup["contexts"] for rollup in rollups if rollup is not None]
    known = [each for page in pages for each in page["nodes"]]
    beside = sum(page["totalCount"] - len(page["nodes"]) for page in pages)
    others = [each for each in known if _app(each).get("databaseId") != app_id]
    return tuple(sorted(map(reported, others), key=lambda each: (each.name, each.by, each.word, each.url))), beside


def reported(node: Node) -> Reported:
    """A check run or a commit status; only an address on the web is kept."""
    if node["__typename"] == "CheckRun":
        name, by, url = node["name"], _app(node).get("slug", ""), node["detailsUrl"]
        word, at = node["conclusion"], node["completedAt"]
    else:
        name, by, url = node["context"], (node["creator"] or {}).get("login", ""), node["targetUrl"]
        word, at = "" if node["state"] in _UNFINISHED else node["state"], node["createdAt"]
    return Reported(
        name=shortened(visible(name), LONGEST_NAME),
        by=by,
        word=(word or "").lower(),
        url=shortened(visible(url), LONGEST_TEXT) if (url or "").startswith(("https://", "http://")) else "",
        at=moment(at) if word and at else None,
    )


def _app(node: Node) -> Node:
    """Whose check run it is; nobody's where it is a commit status, or the App is gone."""
    return (node.get("checkSuite") or {}).get("app") or {}


def _id_of(repository: Node | None) -> int | None:
    return repository["databaseId"] if repository else None


def blob_id(holder: Node | None) -> str | None:
    """The blob of a policy file under a ``ref`` with a ``target``; None where there is no such file."""
    target = (holder or {}).get("target") or {}
    entry = target.get("file")
    return entry["oid"] if entry and entry["type"] == "blob" else None
