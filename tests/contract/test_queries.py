"""GraphQL's own rules: the size of every page, the nodes of a query, and errors beside data."""

from typing import Any

import pytest

from bot.github.queries import document
from bot.sandbox.git import blob_id
from tests.contract.asking import Client
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
    "repositories": 'repositoryOwner(login: "house") { %s { pageInfo { hasNextPage } } }',
    "members": PEOPLE.replace("%s", "%s { totalCount }"),
    "childTeams": PEOPLE.replace("%s", "%s { totalCount }"),
    "entries": 'repository(owner: "house", name: "queued") { mergeQueue { %s { pageInfo { hasNextPage } } } }',
}
"""Every connection of the simulated schema, and where it is."""


@pytest.mark.parametrize("name", CONNECTIONS)
async def test_every_connection_is_asked_for_at_most_a_hundred_nodes(client: Client, name: str) -> None:
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
            "headCommit": {"oid": group.head_sha},
            "baseCommit": {"oid": group.base_sha},
            "pullRequest": {"number": pull.number, "headRefOid": pull.head_sha},
        }
    ]
    assert await entries("other") is None
