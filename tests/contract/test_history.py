"""What commits have of each other, where tags stand, and who people are: comparisons, references, accounts."""

from typing import Any

import pytest

from bot.sandbox.git import NOTHING, both
from tests.contract.asking import Client
from tests.contract.story import House

SHOP = "/repos/house/shop"
COMPARE = f"{SHOP}/compare"


# Comparisons.


async def test_a_comparison_says_how_two_commits_stand_to_each_other(client: Client, house: House) -> None:
    shop = house.repository
    parted = shop.branches["main"]
    shop.push("main", by=house.ben, files={"docs/hours.md": "Nine to five.\n"})
    main, head = shop.branches["main"], house.pull.head_sha

    async def compared(base: str, to: str) -> tuple[Any, ...]:
        body = (await client.ask("GET", f"{COMPARE}/{base}...{to}")).body
        assert (body["base_commit"]["sha"], body["total_commits"]) == (base, body["ahead_by"])
        return body["status"], body["ahead_by"], body["behind_by"], body["merge_base_commit"]["sha"]

    assert await compared(main, main) == ("identical", 0, 0, main)
    assert await compared(parted, main) == ("ahead", 1, 0, parted)
    assert await compared(main, parted) == ("behind", 0, 1, parted)
    assert await compared(main, head) == ("diverged", 1, 1, parted)
    body = (await client.ask("GET", f"{COMPARE}/{main}...{head}")).body
    assert {each["filename"]: each["status"] for each in body["files"]} == {
        "docs/about.md": "renamed",
        "src/new.py": "added",
        "src/shop.py": "modified",
    }, "from where they parted: what main has got since is no difference"


async def test_the_commits_of_a_comparison_come_in_pages_and_its_files_once(client: Client, house: House) -> None:
    for number in range(4):
        house.pull.push(by=house.ann, files={"src/new.py": f"x = {number}\n"}, message=f"Step {number}")
    there = f"{COMPARE}/main...{house.pull.head_ref}"

    async def page(query: str) -> tuple[list[str], bool, str]:
        answer = await client.ask("GET", f"{there}{query}")
        assert answer.body["total_commits"] == 5
        messages = [each["commit"]["message"].partition("\n")[0] for each in answer.body["commits"]]
        return messages, "files" in answer.body, answer.headers.get("Link", "")

    whole = ["Close", "Step 0", "Step 1", "Step 2", "Step 3"]
    assert await page("") == (whole, True, "")
    first, files, links = await page("?per_page=2")
    assert (first, files) == (whole[:2], True)
    assert 'page=2>; rel="next"' in links
    assert 'page=3>; rel="last"' in links
    assert (await page("?per_page=2&page=3"))[:2] == (whole[4:], False)
    assert (await page("?page=1"))[:2] == (whole, True)


async def test_a_comparison_has_at_most_250_commits_and_300_files(client: Client, house: House) -> None:
    for number in range(251):
        files = {f"many/{place}.txt": "1\n" for place in range(301)} if number == 0 else {"x": f"{number}\n"}
        house.repository.push("long", by=house.ann, files=files, message=str(number))
    body = (await client.ask("GET", f"{COMPARE}/main...long")).body
    assert (body["total_commits"], len(body["commits"]), len(body["files"])) == (251, 250, 300)
    assert [body["commits"][place]["commit"]["message"] for place in (0, -1)] == ["1", "250"]


@pytest.mark.parametrize(
    ("text", "status"), [("1\n2\n3\n", "renamed"), ("1\n2\n4\n", "renamed"), ("4\n5\n3\n", "added"), ("", "added")]
)
async def test_a_file_of_which_half_stays_is_renamed(client: Client, house: House, text: str, status: str) -> None:
    house.repository.push("main", by=house.ann, files={"a/old.txt": "1\n2\n3\n", "empty.txt": ""})
    pull = house.repository.open_pull_request(
        by=house.ann, title="Move", files={"a/old.txt": None, "b/new.txt": text, "empty.txt": None}, branch="move"
    )
    listed = await client.ask("GET", f"/repos/house/shop/pulls/{pull.number}/files")
    found = {each["filename"]: each for each in listed.body}
    assert found["b/new.txt"]["status"] == status
    assert found["b/new.txt"].get("previous_filename") == ("a/old.txt" if status == "renamed" else None)
    assert ("patch" in found["b/new.txt"]) is (text != "1\n2\n3\n"), "what stays as it is has no lines to show"
    assert ("a/old.txt" in found) is (status == "added")
    assert found["empty.txt"]["status"] == "removed", "git takes no empty file for another one"


async def test_what_cannot_be_compared_is_not_found(client: Client, house: House) -> None:
    alone = house.queued.branches["main"]
    house.repository.history.commits[alone] = house.queued.history.commits[alone]
    for basehead, why in (
        (f"main...{'0' * 40}", "Not Found"),
        ("nowhere...main", "Not Found"),
        ("main", "Not Found"),
        (f"main...{alone}", f"No common ancestor between main and {alone}."),
    ):
        answer = await client.ask("GET", f"{COMPARE}/{basehead}")
        assert (answer.status, answer.message) == (404, why)


async def test_a_name_with_slashes_is_a_name(client: Client, house: House) -> None:
    tip = house.repository.push("feature/till/new", by=house.ann, files={"till.py": "1\n"})
    there = f"{SHOP}/commits/feature/till/new"
    assert (await client.ask("GET", there)).body["sha"] == tip.oid
    assert (await client.ask("GET", f"{there}/check-runs")).body == {"total_count": 0, "check_runs": []}
    assert (await client.ask("GET", f"{there}/status")).body["sha"] == tip.oid
    assert (await client.ask("GET", f"{COMPARE}/main...feature/till/new")).body["ahead_by"] == 1


@pytest.mark.parametrize(
    ("here", "there", "merged"),
    [
        ("1\n2\nx\n", "0\n1\n2\n3\n", "0\n1\n2\nx\n"),
        ("2\n3\n", "1\n2\n3\n4\n", "2\n3\n4\n"),
        ("1\nx\n3\n", "1\ny\n3\n", None),
        ("x\n2\n3\n", "1\ny\n3\n", None),
        (None, "1\n", None),
    ],
)
def test_lines_that_two_sides_changed_apart_are_merged(here: str | None, there: str, merged: str | None) -> None:
    assert both("1\n2\n3\n", here, there) == merged
    assert both("1\n2\n3\n", there, here) == merged


# Tags.


async def test_a_tag_names_a_commit_itself_or_by_an_object_of_its_own(client: Client, house: House) -> None:
    shop = house.repository
    main = shop.branches["main"]
    shop.tag("light", main, by=house.ann)
    shop.tag("heavy", main, by=house.ann, annotated=True)
    assert shop.tags["light"] == main
    assert shop.tags["heavy"] not in shop.history.commits
    for ref in ("light", "tags/heavy", "refs/tags/heavy", "heavy"):
        assert (await client.ask("GET", f"{SHOP}/commits/{ref}")).body["sha"] == main
    assert (await client.ask("GET", f"{SHOP}/commits/tags/none")).status == 422


async def test_a_tag_that_is_moved_is_a_forced_push(house: House) -> None:
    told: list[dict[str, Any]] = []
    house.github.webhooks.observers.append(lambda _, payload: told.append(payload))
    shop, old = house.repository, house.merged.base_sha
    shop.tag("v1", old, by=house.ann)
    shop.tag("v1", shop.branches["main"], by=house.ben)
    shop.tag("v1", shop.branches["main"], by=house.ben, annotated=True)
    assert [(each["before"], each["after"]) for each in told] == [
        (NOTHING, old),
        (old, shop.branches["main"]),
        (shop.branches["main"], shop.tags["v1"]),
    ]
    assert [(each["created"], each["forced"], each["base_ref"]) for each in told] == [
        (True, False, None),
        (False, True, "refs/heads/main"),
        (False, True, "refs/heads/main"),
    ]
    assert {each["ref"] for each in told} == {"refs/tags/v1"}
    assert [each["head_commit"]["id"] for each in told] == [old, shop.branches["main"], shop.branches["main"]]


# People.


async def test_a_collaborator_is_who_was_given_something(client: Client, house: House) -> None:
    house.github.stranger("passer-by")
    chief = house.organisation.person("chief", role="admin")

    async def able(name: str) -> dict[str, str]:
        listed = (await client.ask("GET", f"/repos/house/{name}/collaborators")).body
        return {each["login"]: each["role_name"] for each in listed}

    assert await able("shop") == {"ann": "write", "ben": "triage", chief.login: "admin"}
    assert await able("queued") == {"ann": "maintain", "ben": "write", chief.login: "admin"}, "though all can read it"
    house.organisation.base = "read"
    assert (await able("shop"))["ann"] == "write"
    told = (await client.ask("GET", "/repos/house/queued/collaborators/passer-by/permission")).body
    assert told["role_name"] == "read"


@pytest.mark.parametrize(("login", "kind"), [("ANN", "User"), ("house", "Organization"), ("countersign[bot]", "Bot")])
async def test_an_account_is_found_by_its_login(client: Client, house: House, login: str, kind: str) -> None:
    shown = (await client.ask("GET", f"/users/{login}")).body
    assert (shown["login"], shown["type"]) == (login.lower(), kind)
    assert shown["id"] == house.github.world.accounts[login.lower()].id


async def test_a_login_that_was_given_up_belongs_to_whoever_takes_it(client: Client, house: House) -> None:
    house.github.world.rename(house.ann, "anna")
    assert (await client.ask("GET", "/users/ann")).status == 404
    assert (await client.ask("GET", "/users/anna")).body["id"] == house.ann.id
    heir = house.github.stranger("ann")
    assert (await client.ask("GET", "/users/ann")).body["id"] == heir.id != house.ann.id


async def test_a_pull_request_says_whom_it_is_assigned_to(client: Client, house: House) -> None:
    there = f"{SHOP}/pulls/{house.pull.number}"
    assert (await client.ask("GET", there)).body["assignee"] is None
    for who in (house.ben, house.ann, house.ben):
        house.pull.assign(who, by=house.ann)
    shown = (await client.ask("GET", there)).body
    assert shown["assignee"]["login"] == "ben"
    assert [each["login"] for each in shown["assignees"]] == ["ben", "ann"]


async def test_a_repository_has_properties_of_three_forms(client: Client, house: House) -> None:
    there = f"{SHOP}/properties/values"
    assert (await client.ask("GET", there)).body == []
    house.repository.properties |= {"tier": "1", "regulations": ["dora", "sox"], "owner": None}
    assert (await client.ask("GET", there)).body == [
        {"property_name": "owner", "value": None},
        {"property_name": "regulations", "value": ["dora", "sox"]},
        {"property_name": "tier", "value": "1"},
    ]
    assert (await client.ask("GET", SHOP)).body["custom_properties"] == house.repository.properties
