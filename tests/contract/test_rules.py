"""What GitHub refuses and no schema says: about check runs, reviews, merges, comments and deployments."""

from typing import Any

import pytest

from bot.sandbox import Refused
from bot.sandbox.deployments import deploy, environment
from tests.contract.asking import Answered, Client
from tests.contract.story import House

SHOP = "/repos/house/shop"
RUNS = f"{SHOP}/check-runs"
NOTE = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "Look."}
BUTTON = {"label": "Again", "description": "Look again.", "identifier": "recheck"}


def reason(answer: Answered) -> str:
    """The field that was refused, and why."""
    (error,) = answer.body["errors"]
    return f"{error['field']}: {error['message']}"


async def create(client: Client, house: House, **fields: Any) -> Answered:
    return await client.ask("POST", RUNS, {"name": "control", "head_sha": house.pull.head_sha, **fields})


# Check runs.


async def test_a_completed_check_run_needs_a_conclusion(client: Client, house: House) -> None:
    answer = await create(client, house, status="completed")
    assert (answer.status, reason(answer)) == (422, "conclusion: a completed check run needs a conclusion")
    assert house.repository.check_runs == []


async def test_a_conclusion_completes_a_check_run(client: Client, house: House) -> None:
    answer = await create(client, house, conclusion="success")
    assert (answer.status, answer.body["status"]) == (201, "completed")
    assert answer.body["completed_at"]


async def test_a_completed_check_run_can_begin_again(client: Client, house: House) -> None:
    run = (await create(client, house, conclusion="failure")).body["id"]
    answer = await client.ask("PATCH", f"{RUNS}/{run}", {"status": "in_progress"})
    assert (answer.body["status"], answer.body["conclusion"], answer.body["completed_at"]) == (
        "in_progress",
        None,
        None,
    )


async def test_fifty_annotations_fit_into_a_request_and_more_are_added_by_another(client: Client, house: House) -> None:
    output = {"title": "Found", "summary": "Much.", "annotations": [NOTE] * 51}
    answer = await create(client, house, output=output)
    assert (answer.status, reason(answer)) == (422, "output: at most 50 annotations in a request")
    run = (await create(client, house, output={**output, "annotations": [NOTE] * 50})).body["id"]
    more = await client.ask("PATCH", f"{RUNS}/{run}", {"output": {**output, "annotations": [NOTE]}})
    assert more.body["output"]["annotations_count"] == 51
    last = await client.ask("GET", f"{RUNS}/{run}/annotations?per_page=50&page=2")
    assert [each["message"] for each in last.body] == ["Look."]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "waiting"}, "status: waiting is not a status of an App's check run"),
        ({"conclusion": "stale"}, "conclusion: stale is not a conclusion"),
        ({"status": "queued", "conclusion": "success"}, "status: a check run with a conclusion is completed"),
        ({"output": {"title": "Only"}}, "output: title and summary are required"),
        ({"output": {"title": "T", "summary": "s" * 65_536}}, "output: summary has at most 65535 characters"),
        ({"output": {"title": "T", "summary": "s", "text": "t" * 65_536}}, "output: text has at most 65535 characters"),
        ({"actions": [BUTTON] * 4}, "actions: at most three actions"),
        ({"actions": [{**BUTTON, "label": "l" * 21}]}, "actions: label is a text of at most 20 characters"),
        ({"actions": [{**BUTTON, "description": "d" * 41}]}, "actions: description is a text of at most 40 characters"),
        ({"actions": [{**BUTTON, "identifier": ""}]}, "actions: identifier is a text of at most 20 characters"),
        (
            {"output": {"title": "T", "summary": "s", "annotations": [{**NOTE, "annotation_level": "error"}]}},
            "annotations: path, lines, level and message are required",
        ),
        (
            {"output": {"title": "T", "summary": "s", "annotations": [{**NOTE, "message": ""}]}},
            "annotations: path, lines, level and message are required",
        ),
        (
            {"output": {"title": "T", "summary": "s", "annotations": [{**NOTE, "message": "m" * 65_537}]}},
            "annotations: message has at most 64 KB, title 255 characters",
        ),
    ],
)
async def test_what_a_check_run_cannot_be(client: Client, house: House, fields: dict[str, Any], why: str) -> None:
    answer = await create(client, house, **fields)
    assert (answer.status, reason(answer)) == (422, why)
    run = (await create(client, house)).body["id"]
    changed = await client.ask("PATCH", f"{RUNS}/{run}", fields)
    assert (changed.status, reason(changed)) == (422, why)


async def test_unknown_fields_are_not_passed_over_in_silence(client: Client, house: House) -> None:
    answer = await create(client, house, colour="red")
    assert (answer.status, answer.message) == (422, "Invalid request.\n\ncolour are not permitted keys.")


async def test_a_check_run_needs_a_name_and_a_commit_that_is_there(client: Client, house: House) -> None:
    assert (await client.ask("POST", RUNS, {"name": "control"})).status == 422
    assert (await client.ask("POST", RUNS, {"head_sha": house.pull.head_sha})).status == 422
    assert "No commit found" in (await create(client, house, head_sha="0" * 40)).message


async def test_check_runs_are_listed_the_newest_of_a_name_or_all(client: Client, house: House) -> None:
    first, second = [(await create(client, house, status=status)).body["id"] for status in ("queued", "in_progress")]
    other = (await create(client, house, name="other")).body["id"]
    there = f"{SHOP}/commits/{house.pull.head_ref}/check-runs"

    async def listed(query: str) -> list[int]:
        return [run["id"] for run in (await client.ask("GET", f"{there}?{query}")).body["check_runs"]]

    assert await listed("") == [other, second]
    assert await listed("filter=all") == [other, second, first]
    assert await listed("filter=all&check_name=control") == [second, first]
    assert await listed("status=in_progress") == [second]
    assert await listed("app_id=1") == []
    assert await listed(f"app_id={house.github.app_id}") == [other, second]
    assert (await client.ask("GET", f"{SHOP}/commits/nowhere/check-runs")).status == 422
    assert (await client.ask("GET", f"{SHOP}/commits/main/check-runs")).body == {"total_count": 0, "check_runs": []}


async def test_a_check_run_is_found_only_in_its_repository(client: Client, house: House) -> None:
    run = (await create(client, house)).body["id"]
    assert (await client.ask("GET", f"{RUNS}/{run}")).status == 200
    assert (await client.ask("GET", f"/repos/house/queued/check-runs/{run}")).status == 404
    assert (await client.ask("GET", f"{RUNS}/abc")).status == 404


async def test_a_button_that_is_not_there_cannot_be_pressed(client: Client, house: House) -> None:
    await create(client, house, actions=[BUTTON])
    run = house.pull.check("control")
    assert run is not None
    with pytest.raises(Refused, match="has no button elsewhere"):
        run.press("elsewhere", by=house.ann)


async def test_a_status_has_one_of_four_states(client: Client, house: House) -> None:
    there = f"{SHOP}/statuses/{house.pull.head_sha}"
    assert (await client.ask("POST", there, {"state": "done"})).status == 422
    assert (await client.ask("POST", f"{SHOP}/statuses/{'0' * 40}", {"state": "success"})).status == 422


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ((), "pending"),
        (("success",), "success"),
        (("success", "pending"), "pending"),
        (("pending", "error"), "failure"),
        (("success", "failure"), "failure"),
    ],
)
async def test_statuses_come_to_one(client: Client, house: House, states: tuple[str, ...], whole: str) -> None:
    head = house.pull.head_sha
    for number, state in enumerate(states):
        await client.ask("POST", f"{SHOP}/statuses/{head}", {"state": "error", "context": f"CI {number}"})
        await client.ask("POST", f"{SHOP}/statuses/{head}", {"state": state, "context": f"ci {number}"})
    combined = (await client.ask("GET", f"{SHOP}/commits/{head}/status")).body
    assert (combined["state"], combined["total_count"]) == (whole, len(states))
    assert len((await client.ask("GET", f"{SHOP}/commits/{head}/statuses")).body) == 2 * len(states)


# Reviews.


@pytest.mark.parametrize(("event", "deed"), [("APPROVE", "approve"), ("REQUEST_CHANGES", "request changes on")])
async def test_nobody_gives_a_verdict_on_their_own_pull_request(
    client: Client, house: House, event: str, deed: str
) -> None:
    own = house.repository.open_pull_request(by=house.github.world.app.account, title="Own", files={"own.txt": "1\n"})
    answer = await client.ask("POST", f"{SHOP}/pulls/{own.number}/reviews", {"event": event, "body": "Fine."})
    assert (answer.status, answer.body["errors"]) == (422, [f"Can not {deed} your own pull request"])
    assert own.reviews == []
    said = await client.ask("POST", f"{SHOP}/pulls/{own.number}/reviews", {"event": "COMMENT", "body": "Fine."})
    assert (said.status, said.body["state"]) == (200, "COMMENTED")


async def test_a_review_has_one_of_three_events(client: Client, house: House) -> None:
    there = f"{SHOP}/pulls/{house.pull.number}/reviews"
    assert (await client.ask("POST", there, {"event": "PRAISE"})).status == 422
    assert (await client.ask("POST", there, {"event": "REQUEST_CHANGES"})).body["state"] == "CHANGES_REQUESTED"
    with pytest.raises(Refused):
        house.pull.review(by=house.ben, state="PRAISED")


async def test_a_comment_is_no_verdict_that_could_be_dismissed(house: House) -> None:
    said = house.pull.review(by=house.ben, state="COMMENTED")
    with pytest.raises(Refused, match="Can not dismiss a commented"):
        said.dismiss(by=house.ann, message="No.")


# Merging.


async def test_a_required_check_stands_before_the_merge(client: Client, house: House) -> None:
    house.repository.require_check = ("control",)
    there = f"{SHOP}/pulls/{house.pull.number}"
    refused = await client.ask("PUT", f"{there}/merge")
    assert (refused.status, refused.message) == (405, 'Required status check "control" is expected.')
    assert (await client.ask("GET", there)).body["mergeable_state"] == "blocked"
    await create(client, house, conclusion="action_required")
    assert (await client.ask("PUT", f"{there}/merge")).status == 405
    await create(client, house, conclusion="success")
    assert (await client.ask("GET", there)).body["mergeable_state"] == "clean"
    assert (await client.ask("PUT", f"{there}/merge", {"merge_method": "squash"})).body["merged"] is True


async def test_what_changed_meanwhile_is_not_merged(client: Client, house: House) -> None:
    there = f"{SHOP}/pulls/{house.pull.number}/merge"
    answer = await client.ask("PUT", there, {"sha": house.pull.base_sha})
    assert (answer.status, answer.message) == (409, "Head branch was modified. Review and try the merge again.")
    assert not house.pull.merged


async def test_a_draft_a_conflict_and_a_closed_pull_request_are_not_merged(client: Client, house: House) -> None:
    there = f"{SHOP}/pulls/{house.pull.number}"
    house.pull.mark_draft(by=house.ann)
    assert (await client.ask("GET", there)).body["mergeable_state"] == "draft"
    assert (await client.ask("PUT", f"{there}/merge")).status == 405
    house.pull.ready(by=house.ann)
    house.repository.push("main", by=house.ben, files={"src/shop.py": "OPEN = 'never'\n"})
    shown = (await client.ask("GET", there)).body
    assert (shown["mergeable"], shown["mergeable_state"]) == (False, "dirty")
    assert (await client.ask("PUT", f"{there}/merge")).status == 405
    with pytest.raises(Refused, match="conflict"):
        house.pull.update_branch(by=house.ben)
    house.pull.close(by=house.ann)
    shown = (await client.ask("GET", there)).body
    assert (shown["state"], shown["mergeable"], shown["mergeable_state"]) == ("closed", None, "unknown")
    assert (await client.ask("PUT", f"{there}/merge")).status == 405


async def test_a_merged_pull_request_stays_merged(client: Client, house: House) -> None:
    there = f"{SHOP}/pulls/{house.merged.number}"
    assert (await client.ask("GET", f"{there}/merge")).status == 204
    assert (await client.ask("GET", f"{SHOP}/pulls/{house.pull.number}/merge")).status == 404
    with pytest.raises(Refused):
        house.merged.reopen(by=house.ann)


async def test_a_pull_request_whose_commits_reach_the_base_by_another_way_is_merged(house: House) -> None:
    head = house.repository.history.commits[house.pull.head_sha]
    other = house.repository.open_pull_request(by=house.ann, title="Again", branch=house.pull.head_ref)
    other.merge(by=house.ann)
    assert house.pull.merged
    assert head.oid in {each.oid for each in house.pull.commits}


async def test_a_pull_request_without_commits_cannot_be_opened(house: House) -> None:
    house.repository.branch("same", start="main")
    with pytest.raises(Refused):
        house.repository.open_pull_request(by=house.ann, title="Nothing", branch="same")
    with pytest.raises(Refused):
        house.repository.open_pull_request(by=house.ann, title="Nothing", branch="nowhere")


# The merge queue.


async def test_a_group_is_merged_when_its_checks_have_passed(client: Client, house: House) -> None:
    queued = house.queued
    queued.require_check = ("control",)
    first, second = (
        queued.open_pull_request(by=house.ann, title=name, files={f"{name}.txt": "1\n"}) for name in ("one", "two")
    )
    group, behind = first.enqueue(by=house.ann), second.enqueue(by=house.ann)
    assert (group.position, behind.position) == (1, 2)
    assert behind.base_sha == group.head_sha
    assert group.head_ref.startswith("refs/heads/gh-readonly-queue/main/pr-1-")
    there = "/repos/house/queued/check-runs"
    ok = {"name": "control", "conclusion": "success"}
    await client.ask("POST", there, {**ok, "head_sha": behind.head_sha})
    assert (first.merged, second.merged) == (False, False)
    await client.ask("POST", there, {**ok, "name": "another", "head_sha": group.head_sha})
    assert not first.merged
    await client.ask("POST", there, {**ok, "head_sha": group.head_sha})
    assert (first.merged, second.merged) == (True, True)
    assert queued.branches["main"] == behind.head_sha
    assert queued.activities[-1].kind == "merge_queue_merge"


async def test_a_group_that_fails_leaves_the_queue_and_those_behind_it_are_built_anew(
    client: Client, house: House
) -> None:
    queued = house.queued
    queued.require_check = ("control",)
    first, second = (
        queued.open_pull_request(by=house.ann, title=name, files={f"{name}.txt": "1\n"}) for name in ("one", "two")
    )
    group, behind = first.enqueue(by=house.ann), second.enqueue(by=house.ben)
    fields = {"name": "control", "conclusion": "failure", "head_sha": group.head_sha}
    await client.ask("POST", "/repos/house/queued/check-runs", fields)
    assert group.state == "UNMERGEABLE"
    assert queued.merge_queue is not None
    (rebuilt,) = queued.merge_queue.entries
    assert (rebuilt.pull, rebuilt.base_sha) == (second, queued.branches["main"])
    assert rebuilt.head_sha != behind.head_sha
    assert rebuilt.check("control") is None
    told = [(each.event, each.action) for each in house.github.deliveries]
    assert told[-3:] == [
        ("merge_group", "destroyed"),
        ("check_suite", "requested"),
        ("merge_group", "checks_requested"),
    ]


async def test_a_branch_with_a_queue_is_merged_by_the_queue_only(client: Client, house: House) -> None:
    pull = house.queued.open_pull_request(by=house.ann, title="One", files={"one.txt": "1\n"})
    answer = await client.ask("PUT", f"/repos/house/queued/pulls/{pull.number}/merge")
    assert (answer.status, answer.message) == (405, "Changes must be made through the merge queue")
    pull.enqueue(by=house.ann)
    with pytest.raises(Refused):
        pull.enqueue(by=house.ann)
    with pytest.raises(Refused):
        house.pull.enqueue(by=house.ann)


# Forks.


async def test_a_pull_request_from_a_fork_is_known_by_its_own_events_only(client: Client, house: House) -> None:
    pull = house.from_fork
    shown = (await client.ask("GET", f"{SHOP}/pulls/{pull.number}")).body
    assert shown["head"]["repo"]["full_name"] == "stranger/shop"
    assert (shown["head"]["repo"]["fork"], shown["base"]["repo"]["fork"]) == (True, False)
    await house.github.settle()
    before = len(house.github.deliveries)
    pull.push(by=pull.author, files={"hello.txt": "hello again\n"})
    told = [(each.event, each.action) for each in house.github.deliveries[before:]]
    assert told == [("pull_request", "synchronize")]
    run = await client.ask("POST", RUNS, {"name": "control", "head_sha": pull.head_sha})
    assert run.body["pull_requests"] == []
    assert house.repository.suites[pull.head_sha].head_branch is None
    assert (await client.ask("GET", "/repos/stranger/shop")).status == 404
    commit = (await client.ask("GET", f"{SHOP}/commits/{pull.head_sha}")).body
    assert house.repository.fork(pull.author) is pull.head_repository
    assert commit["author"]["login"] == "stranger"


async def test_an_address_that_belongs_to_nobody_is_linked_to_nobody(client: Client, house: House) -> None:
    commit = (await client.ask("GET", f"{SHOP}/pulls/{house.from_fork.number}/commits")).body[0]
    assert (commit["author"], commit["commit"]["author"]["email"]) == (None, "nobody@example.com")


# Comments and reactions.


async def test_a_comment_says_something_and_not_too_much(client: Client, house: House) -> None:
    there = f"{SHOP}/issues/{house.pull.number}/comments"
    for body in (None, "", "  ", 7, "x" * 65_537):
        assert (await client.ask("POST", there, {"body": body})).status == 422
    assert (await client.ask("POST", there, {"body": "x" * 65_536})).status == 201
    assert (await client.ask("GET", f"{SHOP}/issues/comments/1")).status == 404


async def test_comments_are_found_by_when_they_changed(client: Client, house: House) -> None:
    there = f"{SHOP}/issues/{house.pull.number}/comments"
    said = (await client.ask("POST", there, {"body": "Here."})).body
    assert [each["id"] for each in (await client.ask("GET", f"{there}?since={said['updated_at']}")).body] == [
        said["id"]
    ]
    assert (await client.ask("GET", f"{there}?since=2100-01-01T00:00:00Z")).body == []
    assert (await client.ask("GET", f"{there}?since=yesterday")).status == 422


async def test_an_account_reacts_once_in_each_way(client: Client, house: House) -> None:
    comment = house.pull.comment(by=house.ben, body="/recheck")
    there = f"{SHOP}/issues/comments/{comment.id}/reactions"
    first, again = [await client.ask("POST", there, {"content": "eyes"}) for _ in range(2)]
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    comment.react(by=house.ben, content="eyes")
    assert len((await client.ask("GET", there)).body) == 2
    assert (await client.ask("POST", there, {"content": "shrug"})).status == 422


# Deployments.


async def test_a_deployment_waits_for_one_word(client: Client, house: House) -> None:
    run = house.waiting
    there = run.callback_url
    assert there == f"{house.github.api_url}{SHOP}/actions/runs/{run.id}/deployment_protection_rule"

    async def say(**words: Any) -> int:
        return (await client.ask("POST", there, {"environment_name": "production", **words})).status

    assert await say() == 422
    assert await say(environment_name="staging", state="approved") == 422
    assert await say(state="perhaps") == 422
    assert await say(comment="x" * 1025) == 422
    assert [await say(comment="Not yet.") for _ in range(11)] == [204] * 10 + [422]
    assert (run.state, len(run.words)) == ("waiting", 10)
    assert await say(state="rejected", comment="No.") == 204
    assert run.state == "rejected"
    assert await say(state="approved") == 422
    assert (await client.ask("POST", f"{SHOP}/actions/runs/1/deployment_protection_rule", {})).status == 404


async def test_only_an_environment_with_the_rule_asks(house: House) -> None:
    await house.github.settle()
    before = len(house.github.deliveries)
    free = environment(house.repository, "test", gated=False)
    assert environment(house.repository, "test") is free
    assert deploy(free, by=house.ann, branch="main").state == "approved"
    assert house.github.deliveries[before:] == []


# People and roles.


async def test_the_older_word_for_a_role_knows_four(client: Client, house: House) -> None:
    there, cid = f"{SHOP}/collaborators", house.organisation.person("cid")
    for role, old in {
        "read": "read",
        "triage": "read",
        "write": "write",
        "maintain": "write",
        "admin": "admin",
    }.items():
        house.repository.grant(cid, role)
        told = (await client.ask("GET", f"{there}/cid/permission")).body
        assert (told["role_name"], told["permission"]) == (role, old)
    assert (await client.ask("GET", f"{there}/nobody/permission")).status == 404
    told = (await client.ask("GET", f"{there}/stranger/permission")).body
    assert (told["role_name"], told["permission"]) == ("none", "none")
    with pytest.raises(Refused, match="king is not a role"):
        house.repository.grant(cid, "king")


async def test_a_team_opens_what_is_given_to_it_or_to_one_above_it(client: Client, house: House) -> None:
    shop, below = house.repository, house.organisation.teams["night-shift"]
    cid = house.organisation.person("cid")
    below.add(cid)
    assert shop.role(cid) == "triage"
    assert (await client.ask("GET", "/orgs/house/teams/reviewers/members")).body[-1]["login"] == "cid"
    below.remove(cid)
    assert shop.role(cid) == "none"
    assert shop.role(house.organisation.person("chief", role="admin")) == "admin"
    assert house.queued.role(house.github.stranger("anybody")) == "read"
    assert house.from_fork.head_repository.role(house.from_fork.author) == "admin"
    with pytest.raises(Refused, match="is no member"):
        below.add(house.github.stranger("anybody"))


async def test_what_is_not_there_is_not_found(client: Client, house: House) -> None:
    for path in (
        "/orgs/elsewhere/teams",
        "/orgs/house/teams/nobody",
        f"{SHOP}/pulls/99",
        f"{SHOP}/contents/nothing",
        f"{SHOP}/git/blobs/{'0' * 40}",
        f"{SHOP}/check-runs/1",
        "/repos/house/nothing",
        "/repositories/1",
    ):
        assert (await client.ask("GET", path)).status == 404, path


# Lists.


async def test_lists_have_pages_with_links(client: Client, house: House) -> None:
    for number in range(5):
        house.pull.comment(by=house.ann, body=str(number))
    there = f"{SHOP}/issues/{house.pull.number}/comments"
    first = await client.ask("GET", f"{there}?per_page=2")
    assert [each["body"] for each in first.body] == ["0", "1"]
    assert first.headers["Link"] == (
        f'<{house.github.api_url}{there}?per_page=2&page=2>; rel="next", '
        f'<{house.github.api_url}{there}?per_page=2&page=3>; rel="last"'
    )
    middle = await client.ask("GET", f"{there}?per_page=2&page=2")
    assert [part.partition("rel=")[2] for part in middle.headers["Link"].split(", ")] == [
        '"prev"',
        '"next"',
        '"last"',
        '"first"',
    ]
    assert len((await client.ask("GET", f"{there}?per_page=2&page=3")).body) == 1
    assert "Link" not in (await client.ask("GET", f"{there}?per_page=1000")).headers
    assert len((await client.ask("GET", f"{there}?per_page=none&page=0")).body) == 5


async def test_pull_requests_are_chosen_by_state_base_and_head(client: Client, house: House) -> None:
    async def listed(query: str) -> list[int]:
        return [pull["number"] for pull in (await client.ask("GET", f"{SHOP}/pulls?{query}")).body]

    assert await listed("") == [3, 2]
    assert await listed("state=closed") == [1]
    assert await listed("base=main&state=all") == [3, 2, 1]
    assert await listed("base=other") == []
    assert await listed(f"head=house:{house.pull.head_ref}") == [2]
    assert [pull.number for pull in house.repository.open_pulls()] == [3, 2]


async def test_activities_are_chosen_by_branch_person_and_kind(client: Client, house: House) -> None:
    async def listed(query: str) -> list[str]:
        return [each["activity_type"] for each in (await client.ask("GET", f"{SHOP}/activity?{query}")).body]

    assert await listed("ref=main") == ["pr_merge", "branch_creation"]
    assert await listed("ref=refs/heads/main&actor=ann") == ["pr_merge"]
    assert await listed("activity_type=pr_merge") == ["pr_merge"]
    house.pull.push(by=None, author=house.ann, files={"src/new.py": "x = 2\n"})
    newest = (await client.ask("GET", f"{SHOP}/activity")).body[0]
    assert (newest["activity_type"], newest["actor"]) == ("push", None)


async def test_a_commit_belongs_to_its_pull_requests(client: Client, house: House) -> None:
    async def pulls(sha: str) -> list[int]:
        return [each["number"] for each in (await client.ask("GET", f"{SHOP}/commits/{sha}/pulls")).body]

    assert await pulls(house.merged.merge_commit_sha or "") == [house.merged.number]
    assert await pulls(house.pull.head_sha) == [house.pull.number]
    begin = house.repository.history.commits[house.repository.branches["main"]].parents[0]
    assert await pulls(begin) == []
