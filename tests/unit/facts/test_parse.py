"""GraphQL's answers as facts."""

from copy import deepcopy
from typing import Any

import pytest

from bot.facts.model import (
    Account,
    AccountKind,
    Ended,
    FileChange,
    Mergeability,
    Permission,
    PullRequestState,
    Reported,
    ReviewState,
    Sibling,
    TurnKind,
)
from bot.facts.parse import account, blob_id, enqueuer, moment, permissions, pull_request, review, signature
from tests.unit.builders import NOON, oid

Node = dict[str, Any]


def user(login: str, number: int = 1, kind: str = "User") -> Node:
    return {"__typename": kind, "login": login, "databaseId": number}


def commit_node(mark: str = "head", **changes: Any) -> Node:
    inner = {
        "oid": oid(mark),
        "messageHeadline": "Settle twice a day",
        "messageBody": "",
        "authors": {
            "totalCount": 1,
            "nodes": [{"name": "Ana", "email": "ana@acme.example", "user": {"login": "ana", "databaseId": 1}}],
        },
        "committer": {"name": None, "email": None, "user": None},
        "parents": {"totalCount": 1, "nodes": [{"oid": oid("base")}]},
        "signature": None,
    }
    return {"commit": inner | changes}


def review_node(**changes: Any) -> Node:
    node = {
        "databaseId": 5,
        "author": user("ben", 2),
        "state": "APPROVED",
        "body": "",
        "commit": {"oid": oid("head")},
        "submittedAt": "2026-03-02T12:00:00Z",
        "lastEditedAt": None,
        "editor": None,
    }
    return node | changes


FILE = {"path": "b.py", "changeType": "MODIFIED", "additions": 2, "deletions": 1}

ANSWER: Node = {
    "databaseId": 77,
    "name": "ledger",
    "owner": {"login": "acme"},
    "pullRequest": {
        "number": 7,
        "title": "Settle",
        "body": None,
        "state": "OPEN",
        "isDraft": False,
        "createdAt": "2026-03-01T12:00:00Z",
        "mergedAt": None,
        "mergedBy": None,
        "mergeable": "MERGEABLE",
        "additions": 2,
        "deletions": 1,
        "changedFiles": 1,
        "author": user("ana"),
        "baseRefName": "main",
        "baseRefOid": oid("base"),
        "headRefName": "settle",
        "headRefOid": oid("head"),
        "headRepository": {"databaseId": 77},
        "labels": {"totalCount": 2, "nodes": [{"name": "urgent"}, {"name": "bug"}]},
        "commits": {"totalCount": 1},
        "reviews": {"totalCount": 1},
        "files": {"totalCount": 1},
        "timelineItems": {"pageInfo": {"hasPreviousPage": False}, "nodes": []},
        "closed": {"nodes": []},
        "tip": {
            "nodes": [
                {
                    "commit": {
                        "associatedPullRequests": {
                            "totalCount": 4,
                            "nodes": [
                                {"number": 7, "state": "OPEN", "headRefOid": oid("head")},
                                {"number": 9, "state": "OPEN", "headRefOid": oid("head"), "author": user("mal", 4)},
                                {"number": 8, "state": "CLOSED", "headRefOid": oid("head")},
                                {"number": 6, "state": "OPEN", "headRefOid": oid("elsewhere")},
                            ],
                        },
                        "statusCheckRollup": None,
                    }
                }
            ]
        },
    },
}
OURS = 7


def read(
    answer: Node = ANSWER,
    *,
    commits: list[Node] | None = None,
    reviews: list[Node] | None = None,
    files: list[Node] | None = None,
) -> Any:
    return pull_request(
        answer,
        commits=[commit_node()] if commits is None else commits,
        reviews=[review_node()] if reviews is None else reviews,
        files=[FILE] if files is None else files,
        app_id=OURS,
    )


def changed(**changes: Any) -> Node:
    answer = deepcopy(ANSWER)
    answer["pullRequest"] |= changes
    return answer


def test_a_pull_request_is_read_whole() -> None:
    facts = read()
    assert facts.repository.full_name == "acme/ledger"
    assert (facts.number, facts.title, facts.body, facts.state) == (7, "Settle", "", PullRequestState.OPEN)
    assert facts.mergeability is Mergeability.MERGEABLE
    assert facts.head.repository_id == facts.base.repository_id == 77
    assert facts.labels == ("bug", "urgent")
    assert facts.files[0].change is FileChange.MODIFIED
    assert facts.incomplete == ()
    [commit] = facts.commits
    assert commit.authors[0].account.login == "ana"
    assert (commit.committer.name, commit.committer.email, commit.committer.account) == ("", "", None)


def test_the_other_open_pull_requests_of_the_same_head_are_its_siblings() -> None:
    assert read().siblings == (Sibling(9, author=Account(4, "mal")),)


def test_a_short_list_of_siblings_is_a_gap() -> None:
    answer = deepcopy(ANSWER)
    answer["pullRequest"]["tip"]["nodes"][0]["commit"]["associatedPullRequests"]["totalCount"] = 30
    [gap] = read(answer).incomplete
    assert (gap.what, gap.why) == ("the list of pull requests", "GitHub lists 4 of 30")


@pytest.mark.parametrize(
    ("answer", "what", "why"),
    [
        (changed(commits={"totalCount": 1312}), "the list of commits", "GitHub lists 1 of 1,312"),
        (changed(reviews={"totalCount": 2}), "the list of reviews", "GitHub lists 1 of 2"),
        (changed(files={"totalCount": 2}), "the list of files", "GitHub lists 1 of 2"),
        (changed(changedFiles=3001), "the list of files", "GitHub lists 1 of 3,001"),
        (changed(labels={"totalCount": 101, "nodes": []}), "the list of labels", "GitHub lists 0 of 101"),
        (changed(headRefOid=oid("newer")), "the list of commits", "it does not contain the head commit"),
    ],
)
def test_a_list_that_github_shows_in_part_is_a_gap(answer: Node, what: str, why: str) -> None:
    assert (what, why) in [(gap.what, gap.why) for gap in read(answer).incomplete]


def test_authors_and_parents_that_are_not_listed_are_gaps() -> None:
    short = commit_node(
        authors={"totalCount": 21, "nodes": commit_node()["commit"]["authors"]["nodes"]},
        parents={"totalCount": 11, "nodes": []},
    )
    mark = oid("head")[:7]
    assert [gap.what for gap in read(commits=[short]).incomplete] == [
        f"the authors of {mark}",
        f"the parents of {mark}",
    ]


def test_a_commit_without_a_committer_has_none() -> None:
    [commit] = read(commits=[commit_node(committer=None)]).commits
    assert commit.committer is None


def test_a_commit_by_a_bot_is_a_bots() -> None:
    node = commit_node(
        authors={
            "totalCount": 1,
            "nodes": [{"name": "r", "email": "r@x", "user": {"login": "renovate[bot]", "databaseId": 9}}],
        }
    )
    [commit] = read(commits=[node]).commits
    assert commit.authors[0].account.kind is AccountKind.BOT


def test_a_signature_says_whose_it_is_and_whether_github_made_it() -> None:
    node = {"isValid": True, "state": "VALID", "wasSignedByGitHub": True, "signer": {"login": "a", "databaseId": 3}}
    read_ = signature(node)
    assert read_ is not None
    assert (read_.valid, read_.by_github, read_.signer.id if read_.signer else None) == (True, True, 3)
    without = signature(node | {"signer": None})
    assert without is not None
    assert without.signer is None
    unnumbered = signature(node | {"signer": {"login": "a", "databaseId": None}})
    assert unnumbered is not None
    assert unnumbered.signer is None
    assert signature(None) is None


@pytest.mark.parametrize(
    ("kind", "known"),
    [("User", AccountKind.USER), ("Bot", AccountKind.BOT), ("Mannequin", AccountKind.OTHER)],
)
def test_an_account_has_the_kind_that_github_says(kind: str, known: AccountKind) -> None:
    read_ = account(user("x", 4, kind))
    assert read_ is not None
    assert (read_.id, read_.kind) == (4, known)


def test_a_deleted_account_or_one_without_a_number_is_nobody() -> None:
    assert account(None) is None
    assert account({"__typename": "EnterpriseUserAccount", "login": "x"}) is None


def test_a_review_is_read_with_who_edited_it() -> None:
    read_ = review(review_node(lastEditedAt="2026-03-02T12:00:00Z", editor=user("eve", 6)))
    assert (read_.state, read_.submitted_at, read_.edited_at) == (ReviewState.APPROVED, NOON, NOON)
    assert read_.edited_by is not None
    assert read_.edited_by.id == 6


def test_what_somebody_writes_who_asks_for_changes_is_kept_in_short() -> None:
    asking = review_node(state="CHANGES_REQUESTED", body="Where is the\u202e rollback?\n\nIt is " + "very " * 100)
    assert review(asking).text.startswith("Where is the rollback? It is very very")
    assert len(review(asking).text) <= 300
    assert review(asking | {"editor": user("ben", 2)}).text != ""
    assert review(asking | {"editor": user("eve", 6)}).text == "", "somebody else wrote it"
    assert review(asking | {"state": "APPROVED"}).text == ""
    assert review(review_node(state="CHANGES_REQUESTED")).text == ""


def test_a_review_of_a_forgotten_commit_has_none() -> None:
    assert review(review_node(commit=None)).commit is None


def test_a_review_that_is_not_submitted_is_not_read() -> None:
    assert read(reviews=[review_node(submittedAt=None)]).reviews == ()


def test_reviews_stand_in_the_order_of_their_time() -> None:
    later = review_node(databaseId=4, submittedAt="2026-03-02T13:00:00Z")
    facts = read(changed(reviews={"totalCount": 2}), reviews=[later, review_node()])
    assert [each.id for each in facts.reviews] == [5, 4]


def test_a_fork_that_is_gone_has_no_repository() -> None:
    assert read(changed(headRepository=None)).head.repository_id is None


def test_what_may_not_be_missing_is_a_defect() -> None:
    answer = deepcopy(ANSWER)
    del answer["pullRequest"]["title"]
    with pytest.raises(KeyError):
        read(answer)


def test_a_policy_file_is_known_by_its_blob() -> None:
    file = {"oid": oid("blob"), "type": "blob"}
    assert blob_id({"target": {"file": file}}) == oid("blob")
    assert blob_id({"target": {"file": {"oid": oid("folder"), "type": "tree"}}}) is None
    assert blob_id({"target": {"file": None}}) is None
    assert blob_id({"target": None}) is None
    assert blob_id(None) is None


def test_who_may_push_is_told_beside_the_review() -> None:
    nodes = [
        review_node(authorCanPushToRepository=True),
        review_node(author=user("cai", 3), authorCanPushToRepository=False),
        review_node(author=None, authorCanPushToRepository=False),
    ]
    assert permissions(nodes) == {Account(2, "ben"): Permission.WRITE, Account(3, "cai"): Permission.NONE}


def test_a_moment_is_in_utc() -> None:
    assert moment("2026-03-02T12:00:00Z") == NOON


def timeline(*nodes: Node, earlier: bool = False) -> Node:
    answer = deepcopy(ANSWER)
    answer["pullRequest"]["timelineItems"] = {"pageInfo": {"hasPreviousPage": earlier}, "nodes": list(nodes)}
    return answer


def test_what_an_approval_does_not_outlive_is_read_in_its_order() -> None:
    at = "2026-03-02T12:0{}:00Z"
    answer = timeline(
        {"__typename": "ReopenedEvent", "createdAt": at.format(4)},
        {"__typename": "BaseRefChangedEvent", "createdAt": at.format(1), "previousRefName": "a", "currentRefName": "b"},
        {"__typename": "AutomaticBaseChangeSucceededEvent", "createdAt": at.format(2), "oldBase": "b", "newBase": "c"},
        {"__typename": "ReadyForReviewEvent", "createdAt": at.format(3)},
    )
    facts = pull_request(answer, commits=[commit_node()], reviews=[], files=[FILE], app_id=OURS)
    assert [(turn.kind, turn.was, turn.now) for turn in facts.turns] == [
        (TurnKind.RETARGETED, "a", "b"),
        (TurnKind.RETARGETED, "b", "c"),
        (TurnKind.READY, "", ""),
        (TurnKind.REOPENED, "", ""),
    ]


def ended(**changes: Any) -> Ended | None:
    answer = deepcopy(ANSWER)
    answer["pullRequest"] |= changes
    return pull_request(answer, commits=[commit_node()], reviews=[], files=[FILE], app_id=OURS).ended


def test_who_merged_a_pull_request_or_closed_it_without_that() -> None:
    at = "2026-03-02T12:00:00Z"
    closed = {"nodes": [{"createdAt": at, "actor": user("ben", 2)}]}
    assert ended() is None
    assert ended(state="MERGED", mergedAt=at, mergedBy=user("cai", 3), closed=closed) == Ended(NOON, Account(3, "cai"))
    assert ended(state="MERGED", mergedAt=at, mergedBy=None) == Ended(NOON, None)
    assert ended(state="CLOSED", closed=closed) == Ended(NOON, Account(2, "ben"))
    assert ended(state="CLOSED") is None
    assert ended(closed=closed) is None, "it was opened again"


def test_who_put_a_pull_request_into_the_merge_queue() -> None:
    def answered(*nodes: Node) -> Node:
        return {"pullRequest": {"timelineItems": {"nodes": list(nodes)}}}

    assert enqueuer(answered({"enqueuer": {"databaseId": 2, "login": "ben"}})) == Account(2, "ben")
    assert enqueuer(answered({"enqueuer": None})) is None
    assert enqueuer(answered()) is None
    assert enqueuer({"pullRequest": None}) is None
    assert enqueuer(None) is None


def test_the_people_whom_it_was_ever_assigned_to_are_known_once() -> None:
    events = [
        {"__typename": "AssignedEvent", "assignee": who}
        for who in (user("ben", 2), user("ben", 2), user("tool", 3, "Bot"), None)
    ]
    facts = pull_request(timeline(*events), commits=[commit_node()], reviews=[], files=[FILE], app_id=OURS)
    assert [each.login for each in facts.assigned] == ["ben"]


def test_a_history_that_is_not_listed_whole_is_a_gap() -> None:
    facts = pull_request(timeline(earlier=True), commits=[commit_node()], reviews=[], files=[FILE], app_id=OURS)
    assert "the history of the pull request" in [gap.what for gap in facts.incomplete]


@pytest.mark.parametrize(
    ("body", "repeated"),
    [
        (f"This reverts commit {oid('old')}.", (oid("old"),)),
        (f"Why.\n\n(cherry picked from commit {oid('old')})\n(cherry picked from commit {oid('old')})", (oid("old"),)),
        (f"Somebody said that this reverts commit {oid('old')}.", ()),
        ("This reverts commit 1a2b3c4.", ()),
    ],
)
def test_what_a_commit_says_that_it_repeats(body: str, repeated: tuple[str, ...]) -> None:
    facts = pull_request(ANSWER, commits=[commit_node(messageBody=body)], reviews=[], files=[FILE], app_id=OURS)
    assert facts.commits[0].repeats == repeated


def rollup(*nodes: Node, beside: int = 0) -> Node:
    answer = deepcopy(ANSWER)
    contexts = {"totalCount": len(nodes) + beside, "nodes": list(nodes)}
    answer["pullRequest"]["tip"]["nodes"][0]["commit"]["statusCheckRollup"] = {"contexts": contexts}
    return answer


def run(name: str, conclusion: str | None = "SUCCESS", app: Node | None = None, url: str | None = None) -> Node:
    return {
        "__typename": "CheckRun",
        "name": name,
        "conclusion": conclusion,
        "completedAt": "2026-03-02T12:00:00Z" if conclusion else None,
        "detailsUrl": url,
        "checkSuite": {"app": app},
    }


def status(context: str, state: str, creator: Node | None = None, url: str | None = None) -> Node:
    at = "2026-03-02T12:00:00Z"
    return {
        "__typename": "StatusContext",
        "context": context,
        "state": state,
        "createdAt": at,
        "targetUrl": url,
        "creator": creator,
    }


CI = {"databaseId": 15368, "slug": "github-actions"}


def test_what_other_tools_report_about_the_head_is_told() -> None:
    facts = read(
        rollup(
            run("unit", app=CI, url="https://ci.example/1"),
            run("lint", "TIMED_OUT", app=CI),
            run("slow", None, app=CI),
            run("orphan"),
            run("change-control", "ACTION_REQUIRED", app={"databaseId": OURS, "slug": "countersign"}),
            status("ci/old", "ERROR", user("jenkins"), "http://ci.example/2"),
            status("ci/next", "PENDING"),
            status("ci/soon", "EXPECTED"),
            beside=3,
        )
    )
    assert facts.reported == (
        Reported("ci/next", "", ""),
        Reported("ci/old", "jenkins", "error", "http://ci.example/2", NOON),
        Reported("ci/soon", "", ""),
        Reported("lint", "github-actions", "timed_out", "", NOON),
        Reported("orphan", "", "success", "", NOON),
        Reported("slow", "github-actions", ""),
        Reported("unit", "github-actions", "success", "https://ci.example/1", NOON),
    )
    assert facts.reported_beside == 3
    assert facts.incomplete == ()


def test_nobody_has_reported_anything() -> None:
    assert (read().reported, read().reported_beside) == ((), 0)


def test_what_a_tool_calls_its_check_is_shown_on_one_line_and_leads_nowhere_but_to_the_web() -> None:
    [found] = read(rollup(run("a\n\u202eb" + "c" * 200, url="javascript:alert(1)", app=CI))).reported
    assert found.name.startswith("a bccc")
    assert len(found.name) == 100
    assert found.url == ""
