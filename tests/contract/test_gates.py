"""What guards a branch besides Countersign, and who else reports on its commits: rules, other Apps, people's statuses."""

import json
from typing import Any

import pytest

from bot.sandbox import Refused
from tests.contract.asking import Client
from tests.contract.story import House

SHOP = "/repos/house/shop"


def told(house: House, event: str, since: int) -> list[tuple[str | None, dict[str, Any]]]:
    """Action and payload of every webhook of that name from the place ``since`` in the log."""
    return [(each.action, json.loads(each.payload)) for each in house.github.deliveries[since:] if each.event == event]


def may_merge(house: House) -> bool:
    try:
        house.pull.check_mergeable()
    except Refused as refused:
        if refused.message != 'Required status check "control" is expected.':
            raise
        return False
    return True


async def test_an_active_ruleset_demands_its_checks_and_no_other(house: House) -> None:
    ruleset = house.repository.ruleset("main", by=house.ann, checks=["control"])
    found = [may_merge(house)]
    for enforcement in ("evaluate", "active", "disabled", "active"):
        ruleset.enforce(enforcement, by=house.ann)
        found.append(may_merge(house))
    assert found == [False, True, False, True, False]
    ruleset.release(by=house.ann)
    assert may_merge(house)
    ruleset.delete(by=house.ann)
    assert house.repository.required == ()


async def test_a_change_to_a_ruleset_says_what_was_there(house: House) -> None:
    before = len(house.github.deliveries)
    ruleset = house.repository.ruleset("main", by=house.ann, checks=["control"])
    ruleset.enforce("disabled", by=house.ben)
    ruleset.release(by=house.ben)
    ruleset.delete(by=house.ben)
    events = told(house, "repository_ruleset", before)
    assert [action for action, _ in events] == ["created", "edited", "edited", "deleted"]
    created, switched, released, _ = [body for _, body in events]
    assert created["repository_ruleset"]["rules"][0]["parameters"]["required_status_checks"] == [{"context": "control"}]
    assert switched["changes"] == {"enforcement": {"from": "active"}}
    assert switched["repository_ruleset"]["enforcement"] == "disabled"
    assert released["changes"]["rules"]["deleted"] == created["repository_ruleset"]["rules"]
    assert released["repository_ruleset"]["rules"] == []
    assert [body["sender"]["login"] for _, body in events] == ["ann", "ben", "ben", "ben"]


async def test_protection_is_switched_off_for_all_branches_at_once(house: House) -> None:
    before = len(house.github.deliveries)
    protection = house.repository.protect("main", by=house.ann, checks=["control"])
    assert not may_merge(house)
    house.repository.switch_protection(on=False, by=house.ben)
    assert may_merge(house)
    house.repository.switch_protection(on=True, by=house.ben)
    assert not may_merge(house)
    protection.release(by=house.ann)
    assert may_merge(house)
    protection.delete(by=house.ann)
    switched = told(house, "branch_protection_configuration", before)
    assert [(action, body["sender"]["login"]) for action, body in switched] == [("disabled", "ben"), ("enabled", "ben")]
    rules = told(house, "branch_protection_rule", before)
    assert [action for action, _ in rules] == ["created", "edited", "deleted"]
    assert rules[1][1]["changes"] == {"required_status_checks": {"from": ["control"]}}
    assert rules[1][1]["rule"]["required_status_checks_enforcement_level"] == "off"


async def test_only_an_administrator_merges_past_what_is_demanded(house: House) -> None:
    house.repository.ruleset("main", by=house.ann, checks=["control"])
    with pytest.raises(Refused, match="expected"):
        house.pull.merge(by=house.ann, bypass=True)
    chief = house.organisation.person("chief", role="admin")
    with pytest.raises(Refused, match="expected"):
        house.pull.merge(by=chief)
    house.pull.merge(by=chief, bypass=True)
    assert house.pull.merged_by == chief


async def test_check_runs_of_every_app_are_listed_and_each_counts_for_its_own(client: Client, house: House) -> None:
    head, other = house.pull.head_sha, house.github.world.other_app("builder")
    run = {"name": "control", "head_sha": head}
    own = (await client.ask("POST", f"{SHOP}/check-runs", {**run, "conclusion": "failure"})).body["id"]
    foreign = [
        house.repository.report_as(other, "control", head, conclusion=conclusion).id
        for conclusion in ("failure", "success")
    ]
    house.repository.report_as(other, "control", house.merged.head_sha, conclusion="success")

    async def listed(query: str) -> list[int]:
        answer = (await client.ask("GET", f"{SHOP}/commits/{head}/check-runs?{query}")).body
        assert answer["total_count"] == len(answer["check_runs"])
        return [each["id"] for each in answer["check_runs"]]

    assert await listed("filter=all") == [foreign[1], foreign[0], own]
    assert await listed("") == [foreign[1], own], "the latest of each App"
    assert await listed(f"app_id={other.id}") == [foreign[1]]
    assert await listed(f"app_id={house.github.app_id}&filter=all") == [own]
    assert await listed("app_id=1") == []
    house.repository.require_check = ("control",)
    assert not may_merge(house)


async def test_a_check_run_of_another_app_is_read_and_not_touched(client: Client, house: House) -> None:
    other = house.github.world.other_app("builder")
    before = len(house.github.deliveries)
    foreign = house.repository.report_as(other, "control", house.pull.head_sha, conclusion="failure")
    there = f"{SHOP}/check-runs/{foreign.id}"
    assert [action for action, _ in told(house, "check_run", before)] == ["created", "completed"]
    assert (await client.ask("GET", there)).body["app"]["slug"] == "builder"
    for method, path in (("PATCH", there), ("POST", f"{there}/rerequest")):
        refused = await client.ask(method, path, {"conclusion": "success"} if method == "PATCH" else None)
        assert refused.status == 403
        assert "can only be modified by the GitHub App that created it" in refused.message
    assert foreign.conclusion == "failure"


async def test_anybody_who_can_write_sets_a_status(client: Client, house: House) -> None:
    before = len(house.github.deliveries)
    house.repository.set_status(house.pull.head_sha, {"state": "success", "context": "Control"}, by=house.ann)
    ((_, body),) = told(house, "status", before)
    assert (body["context"], body["state"], body["sender"]["login"]) == ("Control", "success", "ann")
    assert body["branches"][0]["name"] == house.pull.head_ref
    (status,) = (await client.ask("GET", f"{SHOP}/commits/{house.pull.head_sha}/statuses")).body
    assert status["creator"]["login"] == "ann"
    house.repository.require_check = ("control",)
    assert not may_merge(house), "a check that is bound to an App is not a status"


async def test_a_change_of_properties_says_what_they_were(house: House) -> None:
    before = len(house.github.deliveries)
    house.repository.describe(tier="gold", data=["personal"], by=house.ann)
    house.repository.describe(tier=None, by=house.ben)
    [(_, first), (_, second)] = told(house, "custom_property_values", before)
    assert first["new_property_values"] == [
        {"property_name": "data", "value": ["personal"]},
        {"property_name": "tier", "value": "gold"},
    ]
    assert first["old_property_values"] == [
        {"property_name": "data", "value": None},
        {"property_name": "tier", "value": None},
    ]
    assert second["new_property_values"] == [{"property_name": "tier", "value": None}]
    assert second["old_property_values"] == [{"property_name": "tier", "value": "gold"}]
    assert house.repository.properties == {"data": ["personal"]}
