"""GraphQL's own rules: the size of every page, the nodes of a query, and errors beside data."""

from importlib.resources import files
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, parse, validate

from bot.github.queries import document
from bot.sandbox.accounts import WEB_FLOW, node_id
from bot.sandbox.git import EXECUTABLE, FOLDER, PLAIN, blob_id
from bot.sandbox.graphql import schema
from tests.contract.asking import Client, Watch
from tests.contract.story import House

SHOP = 'repository(owner: "house", name: "shop")'
PEOPLE = 'organization(login: "house") { team(slug: "reviewers") { %s } }'

CONNECTIONS = {
    "pullRequests": SHOP + " { %s { totalCount } }",
    "commits": SHOP + " { pullRequest(number: 2) { %s { totalCount } } }",
    "reviews": SHOP + " { pullRequest(number: 2) { %s { totalCount } } }",
    "files": SHOP + " { pullRequest(number: 2) { %s { totalCount } } }",
    "labels": SHOP + " { pullRequest(number: 2) { %s { totalCount } } }",
    "authors": SHOP + " { defaultBranchRef { target { ... on Commit { %s { totalCount } } } } }",
    "parents": SHOP + " { defaultBranchRef { target { ... on Commit { %s { totalCount } } } } }",
    "associatedPullRequests": SHOP + " { defaultBranchRef { target { ... on Commit { %s { totalCount } } } } }",
    "contexts": SHOP + " { pullRequest(number: 2) { commits(last: 1) { nodes { commit { statusCheckRollup"
    " { %s { totalCount } } } } } } }",
    "repositories": 'repositoryOwner(login: "house") { %s { pageInfo { hasNextPage } } }',
    "members": PEOPLE.replace("%s", "%s { totalCount }"),
    "childTeams": PEOPLE.replace("%s", "%s { totalCount }"),
    "history": SHOP + " { defaultBranchRef { target { ... on Commit { %s { totalCount } } } } }",
    "timelineItems": SHOP + " { pullRequest(number: 2) { %s { totalCount } } }",
    "entries": 'repository(owner: "house", name: "queued") { mergeQueue { %s { pageInfo { hasNextPage } } } }',
}
"""Every connection of the simulated schema, and where it is."""


def test_every_connection_is_in_the_table() -> None:
    found = {
        name
        for each in schema().type_map.values()
        if isinstance(each, GraphQLObjectType)
        for name, field in each.fields.items()
        if get_named_type(field.type).name.endswith("Connection")
    }
    assert found == set(CONNECTIONS)


@pytest.mark.parametrize("name", CONNECTIONS)
async def test_every_connection_is_asked_for_at_most_a_hundred_nodes(client: Client, house: House, name: str) -> None:
    house.repository.set_status(house.pull.head_sha, {"state": "success"}, by=house.ann)
    asked = "query { " + CONNECTIONS[name] + " }"
    assert (await client.query(asked % name)).problems() == ["MISSING_PAGINATION_BOUNDARIES"]
    for size in (0, 101, -1):
        assert (await client.query(asked % f"{name}(first: {size})")).problems() == ["EXCESSIVE_PAGINATION"]
    for size in (1, 100):
        assert (await client.query(asked % f"{name}(first: {size})")).problems() == []


async def test_pages_follow_each_other_by_cursors(client: Client, house: House) -> None:
    for number in range(5):
        house.pull.push(by=house.ann, files={"new.py": f"x = {number}\n"}, message=f"Step {number}")
    asked = (
        "query($after: String, $size: Int = 2) { "
        + SHOP
        + " { pullRequest(number: 2) { commits(first: $size, after: $after)"
        " { totalCount pageInfo { hasNextPage endCursor } nodes { commit { messageHeadline } } } } } }"
    )
    seen: list[str] = []
    after, pages = None, 0
    while True:
        answer = (await client.query(asked, after=after)).body["data"]["repository"]["pullRequest"]["commits"]
        seen += [node["commit"]["messageHeadline"] for node in answer["nodes"]]
        pages += 1
        after = answer["pageInfo"]["endCursor"]
        assert answer["totalCount"] == 6
        if not answer["pageInfo"]["hasNextPage"]:
            break
    assert pages == 3
    assert seen == ["Close", *(f"Step {number}" for number in range(5))]
    assert (await client.query(asked, after="nonsense")).problems() == ["INVALID_CURSOR_ARGUMENTS"]
    last = (
        "query { "
        + SHOP
        + " { pullRequest(number: 2) { commits(last: 2) { nodes { commit { messageHeadline } } } } } }"
    )
    nodes = (await client.query(last)).body["data"]["repository"]["pullRequest"]["commits"]["nodes"]
    assert [node["commit"]["messageHeadline"] for node in nodes] == ["Step 3", "Step 4"]


NESTED = """
query($inner: Int!, $wanted: Boolean = true) { organization(login: "house") { repositories(first: 100) { nodes {
  pullRequests(first: 100) { nodes { number ...changed @include(if: $wanted) } } } } } }
fragment changed on PullRequest { files(first: $inner) { totalCount } }
"""


async def test_a_query_cannot_ask_for_more_than_half_a_million_nodes(client: Client) -> None:
    # 100 repositories, 10,000 pull requests, and 10,000 times the files.
    assert (await client.query(NESTED, inner=48)).problems() == []
    refused = await client.query(NESTED, inner=49)
    assert (refused.status, refused.problems()) == (200, ["MAX_NODE_LIMIT_EXCEEDED"])
    assert "500,100 possible nodes" in refused.body["errors"][0]["message"]
    assert "data" not in refused.body
    assert (await client.query(NESTED, inner=49, wanted=False)).problems() == []
    skipping = NESTED.replace("@include(if: $wanted)", "@skip(if: $wanted)")
    assert (await client.query(skipping, inner=49)).problems() == []
    assert (await client.query(skipping.replace("$wanted)", "false)"), inner=49)).status == 200
    assert (await client.query(NESTED.replace("@include(if: $wanted)", "@include(if: false)"), inner=49)).status == 200


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query {", {}),
        ("query { viewer { login } }", {}),
        ("query { repository(owner: 7) { name } }", {}),
        ('query { organization(login: "house") { login } } fragment unused on Team { slug }', {}),
        ('query($n: Int!) { repositoryOwner(login: "house") { repositories(first: $n) { nodes { name } } } }', {}),
        (
            'query($n: Int!) { repositoryOwner(login: "house") { repositories(first: $n) { nodes { name } } } }',
            {"n": "many"},
        ),
    ],
)
async def test_what_is_no_query_is_told_with_status_200(client: Client, query: str, variables: dict[str, Any]) -> None:
    answer = await client.query(query, **variables)
    assert (answer.status, list(answer.body)) == (200, ["errors"])
    assert answer.body["errors"][0]["locations"]


async def test_errors_stand_beside_what_could_be_answered(client: Client) -> None:
    query = (
        "query { "
        + SHOP
        + ' { name missing: pullRequest(number: 99) { number } } other: repository(owner: "house", name: "no") { name } }'
    )
    answer = await client.query(query)
    assert answer.body["data"] == {"repository": {"name": "shop", "missing": None}, "other": None}
    assert [(each["type"], each["path"]) for each in answer.body["errors"]] == [
        ("NOT_FOUND", ["repository", "missing"]),
        ("NOT_FOUND", ["other"]),
    ]


async def test_objects_are_commits_and_blobs(client: Client, house: House) -> None:
    query = (
        "query($oid: GitObjectID!) { "
        + SHOP
        + " { object(oid: $oid) { __typename oid ... on Blob { text isBinary isTruncated byteSize } } } }"
    )
    house.repository.push("main", by=house.ann, files={"binary": "\0", "large": "x" * 512_001})

    async def found(oid: str) -> Any:
        return (await client.query(query, oid=oid)).body["data"]["repository"]["object"]

    head = house.repository.branches["main"]
    assert await found(head) == {"__typename": "Commit", "oid": head}
    text = await found(blob_id("# Shop\n"))
    assert (text["__typename"], text["text"], text["byteSize"]) == ("Blob", "# Shop\n", 7)
    binary = await found(blob_id("\0"))
    assert (binary["isBinary"], binary["text"]) == (True, None)
    assert (await found(blob_id("x" * 512_001)))["isTruncated"] is True
    assert await found("0" * 40) is None


async def test_a_folder_is_a_tree(client: Client) -> None:
    query = (
        "query($path: String!) { "
        + SHOP
        + " { defaultBranchRef { target { ... on Commit { file(path: $path) { type } } } } } }"
    )

    async def kind(path: str) -> Any:
        target = (await client.query(query, path=path)).body["data"]["repository"]["defaultBranchRef"]["target"]
        return target["file"] and target["file"]["type"]

    assert [await kind(path) for path in ("src/shop.py", "src", "nothing")] == ["blob", "tree", None]


ACCOUNTS = """query { repository(owner: "house", name: "shop") { owner { __typename login } pullRequest(number: %d) {
    state mergeable author { __typename login ... on User { databaseId } ... on Bot { databaseId } }
    tip: commits(last: 1) { nodes { commit {
        signature { __typename isValid state wasSignedByGitHub signer { login } }
        associatedPullRequests(first: 5) { nodes { number state } } committer { name user { login } } } } }
    reviews(first: 5, states: [APPROVED]) { nodes { state editor { login } lastEditedAt } } } } }"""


async def test_people_bots_and_signatures(client: Client, house: House) -> None:
    robot = house.github.bot("renovate[bot]")
    pull = house.repository.open_pull_request(by=robot, title="Renew", files={"lock": "1\n"})
    pull.update_branch(by=house.ann) if pull.mergeable else None
    house.pull.review(by=house.ben, state="APPROVED").edit(by=house.ann, body="Fine.")
    house.pull.review(by=house.ben, state="COMMENTED")
    (shop,) = [(await client.query(ACCOUNTS % house.pull.number)).body["data"]["repository"]]
    assert shop["owner"] == {"__typename": "Organization", "login": "house"}
    (review,) = shop["pullRequest"]["reviews"]["nodes"]
    assert (review["state"], review["editor"]) == ("APPROVED", {"login": "ann"})
    assert review["lastEditedAt"] == "2026-03-02T09:00:00Z"
    by_bot = (await client.query(ACCOUNTS % pull.number)).body["data"]["repository"]["pullRequest"]
    assert by_bot["author"] == {"__typename": "Bot", "login": "renovate", "databaseId": robot.id}
    (tip,) = by_bot["tip"]["nodes"]
    assert tip["commit"]["signature"] == {
        "__typename": "GpgSignature",
        "isValid": True,
        "state": "VALID",
        "wasSignedByGitHub": True,
        "signer": {"login": "web-flow"},
    }
    assert tip["commit"]["associatedPullRequests"]["nodes"] == [{"number": pull.number, "state": "OPEN"}]


async def test_the_state_of_a_pull_request_is_one_of_three(client: Client, house: House) -> None:
    house.repository.push("main", by=house.ben, files={"src/shop.py": "OPEN = 'never'\n"})
    house.from_fork.close(by=house.ann)
    found = [
        (await client.query(ACCOUNTS % pull.number)).body["data"]["repository"]["pullRequest"]
        for pull in (house.merged, house.pull, house.from_fork)
    ]
    assert [(each["state"], each["mergeable"]) for each in found] == [
        ("MERGED", "UNKNOWN"),
        ("OPEN", "CONFLICTING"),
        ("CLOSED", "UNKNOWN"),
    ]


async def test_teams_have_members_of_their_own_and_of_those_below(client: Client) -> None:
    query = (
        "query($which: TeamMembershipType!) { "
        + PEOPLE.replace(
            "%s",
            "combinedSlug members(first: 9, membership: $which) { nodes { login } } childTeams(first: 9) { nodes { slug } }",
        )
        + " }"
    )

    async def members(which: str) -> list[str]:
        team = (await client.query(query, which=which)).body["data"]["organization"]["team"]
        assert (team["combinedSlug"], team["childTeams"]["nodes"]) == ("house/reviewers", [{"slug": "night-shift"}])
        return [each["login"] for each in team["members"]["nodes"]]

    assert [await members(which) for which in ("ALL", "IMMEDIATE", "CHILD_TEAM")] == [["ann", "ben"], ["ben"], ["ann"]]


async def test_the_queue_of_a_branch_has_entries(client: Client, house: House) -> None:
    pull = house.queued.open_pull_request(by=house.ann, title="One", files={"one.txt": "1\n"})
    group = pull.enqueue(by=house.ann)

    async def entries(branch: str) -> Any:
        answer = await client.query(document("merge_group"), owner="house", name="queued", branch=branch)
        queue = answer.body["data"]["repository"]["mergeQueue"]
        return queue and queue["entries"]["nodes"]

    assert await entries("main") == [
        {
            "position": 1,
            "headCommit": {
                "oid": group.head_sha,
                "parents": {"totalCount": 2, "nodes": [{"oid": group.base_sha}, {"oid": pull.head_sha}]},
                "signature": {
                    "isValid": True,
                    "state": "VALID",
                    "wasSignedByGitHub": True,
                    "signer": {"databaseId": WEB_FLOW.id, "login": "web-flow"},
                },
            },
            "baseCommit": {"oid": group.base_sha},
            "pullRequest": {"number": pull.number, "headRefOid": pull.head_sha},
        }
    ]
    assert await entries("other") is None


# Countersign's own documents.


def asked(house: House) -> dict[str, dict[str, Any]]:
    """Every document of Countersign's, with the variables that it is asked with here."""
    shop = {"owner": "house", "name": "shop"}
    team = {"organization": "house", "slug": "reviewers", "after": None}
    tip = house.repository.branches["main"]
    policies = {"policyOwner": "house", "policyName": "shop"}
    with_all = {"withCommits": True, "withReviews": True, "withFiles": True}
    blob = blob_id("# Shop\n")
    return {
        "board": team,
        "branch": {**shop, "ref": "refs/heads/main"},
        "comment": {"id": node_id("IssueComment", house.pull.comment(by=house.ann, body="Hello.").id)},
        "commit": {**shop, "oid": house.pull.head_sha},
        "enqueued": {"owner": "house", "name": "queued", "number": 1},
        "merge_group": {"owner": "house", "name": "queued", "branch": "main"},
        "modes": {**shop, "first": f"{tip}:", "second": f"{tip}:src"},
        "more_pull_requests": {**shop, "after": None},
        "open_pull_requests": {"owner": "house"},
        "policy_at": {**shop, "expression": f"{tip}:README.md"},
        "policy_files": {
            **shop,
            **policies,
            "withRepository": True,
            "repositoryBlob": blob,
            "withOrganisation": True,
            "organisationBlob": blob,
        },
        "pull_request": {**shop, **policies, "number": house.pull.number},
        "pull_request_page": {**shop, **with_all, "number": house.pull.number},
        "tag": {**shop, "ref": "refs/tags/v1"},
        "team": team,
    }


DOCUMENTS = sorted(
    each.name.removesuffix(".graphql")
    for each in files("bot.github.queries").iterdir()
    if each.name.endswith(".graphql") and each.name != "fragments.graphql"
)


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_every_document_is_valid_here_and_answered_whole(client: Client, house: House, name: str) -> None:
    assert validate(schema(), parse(document(name))) == []
    house.repository.tag("v1", house.repository.branches["main"], by=house.ann)
    house.queued.open_pull_request(by=house.ann, title="One", files={"one.txt": "1\n"}).enqueue(by=house.ann)
    variables = {**asked(house)[name]}
    if name == "more_pull_requests":
        page = "query { " + SHOP + " { pullRequests(first: 1) { pageInfo { endCursor } } } }"
        info = (await client.query(page)).body["data"]["repository"]["pullRequests"]["pageInfo"]
        variables["after"] = info["endCursor"]
    answer = await client.query(document(name), **variables)
    assert answer.problems() == []
    assert answer.body.keys() == {"data"}
    assert all(value is not None for value in answer.body["data"].values())


async def test_the_history_of_a_branch_is_told_the_newest_first(client: Client, house: House) -> None:
    shop = house.repository
    for number in range(41):
        shop.push("main", by=house.ben, files={"docs/hours.md": f"{number}\n"})
    variables = {"owner": "house", "name": "shop", "ref": "refs/heads/main"}
    seen: list[dict[str, Any]] = []
    after, pages = None, 0
    while True:
        answer = await client.query(document("branch"), **variables, after=after)
        history = answer.body["data"]["repository"]["ref"]["target"]["history"]
        seen, pages, after = [*seen, *history["nodes"]], pages + 1, history["pageInfo"]["endCursor"]
        if not history["pageInfo"]["hasNextPage"]:
            break
    assert (pages, len(seen)) == (2, 43)
    assert seen[0]["oid"] == shop.branches["main"]
    assert [node["parents"]["nodes"] for node in seen] == [
        *([{"oid": older["oid"]}] for older in seen[1:]),
        [],
    ]
    squashed = next(node for node in seen if node["oid"] == house.merged.merge_commit_sha)
    assert squashed["signature"]["wasSignedByGitHub"] is True
    assert squashed["associatedPullRequests"] == {
        "totalCount": 1,
        "nodes": [
            {
                "number": house.merged.number,
                "state": "MERGED",
                "baseRefName": "main",
                "headRefOid": house.merged.head_sha,
                "mergeCommit": {"oid": house.merged.merge_commit_sha},
                "mergedBy": {"__typename": "User", "login": "ann", "databaseId": house.ann.id},
            }
        ],
    }
    assert seen[0]["associatedPullRequests"]["nodes"] == []
    nowhere = await client.query(document("branch"), **{**variables, "ref": "refs/heads/nowhere"})
    assert nowhere.body["data"]["repository"]["ref"] is None


async def test_an_expression_names_a_commit_or_a_file_in_it(client: Client, house: House) -> None:
    query = (
        "query($expression: String!) { "
        + SHOP
        + " { object(expression: $expression) { __typename oid ... on Blob { text } } } }"
    )
    old, head = house.repository.branches["main"], house.pull.head_sha

    async def found(expression: str) -> Any:
        answer = await client.query(query, expression=expression)
        assert answer.problems() == []
        return answer.body["data"]["repository"]["object"]

    assert await found(f"{old}:README.md") == {"__typename": "Blob", "oid": blob_id("# Shop\n"), "text": "# Shop\n"}
    assert (await found("main:src/shop.py"))["text"] == "OPEN = 1\n"
    assert (await found(f"{head}:src/shop.py"))["text"] == "OPEN = False\n"
    assert await found(f"{head}:README.md") is None, "the change deletes it"
    assert await found(f"{'0' * 40}:README.md") is None
    assert await found(old) == {"__typename": "Commit", "oid": old}
    asked_for_less = client.narrowed(house.organisation, permissions={"issues": "read"})
    assert (await asked_for_less.query(query, expression="main:README.md")).problems() == ["FORBIDDEN"]


async def test_a_folder_lists_what_stands_in_it_with_its_mode(client: Client, house: House) -> None:
    head = house.pull.push(by=house.ann, files={"src/run.sh": "true\n"}, modes={"src/run.sh": EXECUTABLE}).oid
    variables = {"owner": "house", "name": "shop"}

    async def modes(expression: str) -> Any:
        answer = await client.query(document("modes"), **variables, first=expression, second=f"{head}:nowhere")
        assert answer.body["data"]["repository"]["second"] is None
        return {each["name"]: each["mode"] for each in answer.body["data"]["repository"]["first"]["entries"]}

    assert await modes(f"{head}:src") == {"new.py": PLAIN, "run.sh": EXECUTABLE, "shop.py": PLAIN}
    assert await modes(f"{head}:") == {"docs": FOLDER, "src": FOLDER}
    plain = house.pull.push(by=house.ann, files={"src/other": "x"}, modes={"src/run.sh": PLAIN}).oid
    assert (await modes(f"{plain}:src"))["run.sh"] == PLAIN
    [switched] = house.repository.history.changes(head, plain)[1:]
    assert (switched.path, switched.kind, switched.additions) == ("src/run.sh", "MODIFIED", 0)


async def test_a_comment_is_found_by_its_node_and_says_whether_it_came_by_mail(client: Client, house: House) -> None:
    for by_email in (False, True):
        comment = house.pull.comment(by=house.ben, body="/recheck", by_email=by_email)
        answer = await client.query(document("comment"), id=node_id("IssueComment", comment.id))
        assert answer.body["data"]["node"] == {"createdViaEmail": by_email}
    assert (await client.query(document("comment"), id="nothing")).problems() == ["NOT_FOUND"]
    blind = client.narrowed(house.organisation, permissions={"contents": "read"})
    refused = await blind.query(document("comment"), id=node_id("IssueComment", house.pull.comments[-1].id))
    assert refused.problems() == ["FORBIDDEN"]


async def test_a_tag_leads_to_its_commit_through_an_object_of_its_own(client: Client, house: House) -> None:
    shop = house.repository
    main = shop.branches["main"]
    shop.tag("light", main, by=house.ann)
    shop.tag("heavy", main, by=house.ann, annotated=True)

    async def target(name: str) -> Any:
        variables = {"owner": "house", "name": "shop", "ref": f"refs/tags/{name}"}
        data = (await client.query(document("tag"), **variables)).body["data"]["repository"]
        assert data["defaultBranchRef"] == {"name": "main", "target": {"oid": main}}
        return data["ref"] and data["ref"]["target"]

    commit = {"__typename": "Commit", "oid": main}
    assert await target("light") == commit
    assert await target("heavy") == {"__typename": "Tag", "oid": shop.tags["heavy"], "target": commit}
    assert await target("none") is None
    query = "query($oid: GitObjectID!) { " + SHOP + " { object(oid: $oid) { __typename } } }"
    found = await client.query(query, oid=shop.tags["heavy"])
    assert found.body["data"]["repository"]["object"] == {"__typename": "Tag"}


TIMELINE = """query($types: [PullRequestTimelineItemsItemType!], $last: Int = 100) {
  repository(owner: "house", name: "shop") { pullRequest(number: 2) {
    timelineItems(last: $last, itemTypes: $types) { totalCount pageInfo { hasPreviousPage } nodes {
      __typename
      ... on BaseRefChangedEvent { createdAt previousRefName currentRefName }
      ... on ReadyForReviewEvent { createdAt }
      ... on ReopenedEvent { createdAt }
      ... on ClosedEvent { createdAt actor { login } }
      ... on AddedToMergeQueueEvent { enqueuer { login } }
      ... on AssignedEvent { createdAt assignee { __typename ... on User { login } ... on Bot { login } } }
    } } } } }"""


async def test_a_timeline_tells_what_happened_to_a_pull_request(client: Client, house: House, watch: Watch) -> None:
    pull, ann = house.pull, house.ann
    house.repository.branch("release", start="main")
    pull.assign(house.ben, by=ann)
    pull.assign(house.github.bot("renovate[bot]"), by=ann)
    watch.forward(minutes=1)
    pull.retarget(by=ann, base="release")
    pull.mark_draft(by=ann)
    pull.ready(by=ann)
    pull.close(by=ann)
    watch.forward(minutes=1)
    pull.reopen(by=ann)

    async def items(**variables: Any) -> Any:
        answer = await client.query(TIMELINE, **variables)
        assert answer.problems() == []
        return answer.body["data"]["repository"]["pullRequest"]["timelineItems"]

    nine, after, later = (f"2026-03-02T09:0{minute}:00Z" for minute in range(3))
    told = [
        {"__typename": "AssignedEvent", "createdAt": nine, "assignee": {"__typename": "User", "login": "ben"}},
        {"__typename": "AssignedEvent", "createdAt": nine, "assignee": {"__typename": "Bot", "login": "renovate"}},
        {
            "__typename": "BaseRefChangedEvent",
            "createdAt": after,
            "previousRefName": "main",
            "currentRefName": "release",
        },
        {"__typename": "ReadyForReviewEvent", "createdAt": after},
        {"__typename": "ClosedEvent", "createdAt": after, "actor": {"login": "ann"}},
        {"__typename": "ReopenedEvent", "createdAt": later},
    ]
    assert await items() == {"totalCount": 6, "pageInfo": {"hasPreviousPage": False}, "nodes": told}
    assert (await items(last=2)) == {"totalCount": 6, "pageInfo": {"hasPreviousPage": True}, "nodes": told[4:]}
    assert (await items(types=["REOPENED_EVENT", "ASSIGNED_EVENT"]))["nodes"] == [*told[:2], told[5]]
    assert (await items(types=["AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT"]))["nodes"] == []


async def test_a_board_is_everybody_in_a_team_and_below_it(client: Client, house: House) -> None:
    variables = {"organization": "house", "slug": "reviewers", "after": None}
    team = (await client.query(document("board"), **variables)).body["data"]["organization"]["team"]
    assert team == {
        "childTeams": {"totalCount": 1, "nodes": [{"slug": "night-shift"}]},
        "members": {
            "totalCount": 2,
            "pageInfo": team["members"]["pageInfo"],
            "nodes": [{"databaseId": who.id, "login": who.login} for who in (house.ann, house.ben)],
        },
    }
    absent = await client.query(document("board"), **{**variables, "slug": "nobody"})
    assert absent.body["data"]["organization"]["team"] is None
    blind = client.narrowed(house.organisation, permissions={"contents": "read"})
    assert (await blind.query(document("board"), **variables)).problems() == ["FORBIDDEN"]
