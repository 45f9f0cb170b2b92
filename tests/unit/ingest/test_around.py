"""Events about the gate itself: protections, tags, and checks that go by the name of ours."""

from typing import Any

import pytest

from bot.ingest.events import INCOMPLETE, NOT_WATCHED, GateBypassed, Pushed, StandingChanged, Tagged
from bot.ingest.subjects import intake
from bot.ingest.translate import translate
from bot.queue.model import Urgency
from bot.unauthorised.model import EVERYWHERE, Kind
from tests.unit.builders import oid

ERIN = {"id": 5, "login": "erin", "type": "User"}
COMMON: dict[str, Any] = {
    "repository": {
        "id": 77,
        "full_name": "acme/ledger",
        "default_branch": "main",
        "updated_at": "2026-03-02T12:00:00Z",
    },
    "installation": {"id": 1},
    "organization": {"login": "acme"},
    "sender": ERIN,
}
RUN = {"name": "change-control", "head_sha": oid("head"), "external_id": "", "app": {"id": 9, "slug": "helpful"}}
RULES = {"id": 3, "name": "main", "enforcement": "disabled", "updated_at": "2026-03-02T12:00:00Z"}


CHANGED, PARTS = "were changed or taken away", ("rules", "conditions")


def heard(name: str, *, app_id: int | None = None, **payload: Any) -> Any:
    return translate(name, {**COMMON, **payload}, app_id=app_id)


@pytest.mark.parametrize("action", ["created", "completed"])
def test_another_apps_check_by_our_name_is_news_and_our_own_is_not(action: str) -> None:
    event = heard("check_run", action=action, check_run=RUN, app_id=4)
    assert isinstance(event, GateBypassed)
    assert (event.kind, event.reference) == (Kind.IMPOSTOR, f"check:{oid('head')}:9")
    assert event.what.startswith("The App `helpful` reported a check `change-control`")
    assert heard("check_run", action=action, check_run=RUN, app_id=9) is NOT_WATCHED
    assert heard("check_run", action=action, check_run={**RUN, "name": "build"}, app_id=4) is NOT_WATCHED
    assert heard("check_run", action=action, check_run={**RUN, "app": None}, app_id=4) is INCOMPLETE


def test_a_status_by_our_name_is_news() -> None:
    event = heard("status", sha=oid("head"), context="Change-Control", state="success")
    assert isinstance(event, GateBypassed)
    assert event.what == f"@erin set a status `change-control` on {oid('head')[:7]}, which Countersign never does."
    assert heard("status", sha=oid("head"), context="build") is NOT_WATCHED
    asked = intake(event)
    assert asked.found == (event,)
    assert asked.concerns == {"unauthorised:77": Urgency.TIMER}


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"action": "deleted"}, "@erin changed the ruleset `main`: deleted."),
        (
            {"action": "edited", "changes": {"enforcement": {"from": "active"}}},
            "@erin changed the ruleset `main`: its enforcement went from active to disabled.",
        ),
        (
            {"action": "edited", "changes": {"rules": {"updated": [1]}, "conditions": {"added": [1]}}},
            f"@erin changed the ruleset `main`: {' and '.join(f'its {part} {CHANGED}' for part in PARTS)}.",
        ),
    ],
)
def test_a_ruleset_that_protects_less_is_news(payload: dict[str, Any], said: str) -> None:
    event = heard("repository_ruleset", repository_ruleset=RULES, **payload)
    assert isinstance(event, GateBypassed)
    assert event.what == said
    assert event.at is not None
    assert event.repository_id == 77


@pytest.mark.parametrize(
    "payload",
    [
        {"action": "created"},
        {"action": "edited"},
        {"action": "edited", "changes": {"name": {"from": "x"}, "rules": {"added": [1]}}},
        {"action": "edited", "changes": {"enforcement": {"from": "evaluate"}}},
    ],
)
def test_a_ruleset_that_protects_no_less_is_not(payload: dict[str, Any]) -> None:
    assert heard("repository_ruleset", repository_ruleset=RULES, **payload) is NOT_WATCHED


def test_a_ruleset_of_the_organisation_concerns_every_repository() -> None:
    rules = {**RULES, "updated_at": "yesterday"}
    event = heard("repository_ruleset", action="deleted", repository_ruleset=rules, repository=None)
    assert isinstance(event, GateBypassed)
    assert event.repository_id == EVERYWHERE
    assert event.at is None
    assert intake(event).concerns == {"unauthorised:installation:1": Urgency.TIMER}


def test_a_time_without_a_zone_is_no_time() -> None:
    rules = {**RULES, "updated_at": "2026-03-02T12:00:00"}
    event = heard("repository_ruleset", action="deleted", repository_ruleset=rules)
    assert isinstance(event, GateBypassed)
    assert event.at is None


def test_branch_protection_that_is_taken_away_is_news() -> None:
    rule = {"id": 8, "name": "main", "updated_at": "2026-03-02T12:00:00Z"}
    gone = heard("branch_protection_rule", action="deleted", rule=rule)
    assert gone.what == "@erin deleted the protection of the branch `main`."
    edited = heard("branch_protection_rule", action="edited", rule=rule, changes={"admin_enforced": {"from": True}})
    assert edited.what == "@erin changed (`admin_enforced`) the protection of the branch `main`."
    assert gone.reference != edited.reference
    assert heard("branch_protection_rule", action="created", rule=rule) is NOT_WATCHED
    assert heard("branch_protection_rule", action="edited", rule=rule, changes={}) is NOT_WATCHED
    off = heard("branch_protection_configuration", action="disabled")
    assert off.what == "@erin switched off the branch protection of the repository."
    assert heard("branch_protection_configuration", action="enabled") is NOT_WATCHED


def test_a_tag_is_looked_at_with_who_put_it_there() -> None:
    event = heard("push", ref="refs/tags/v1", before=oid("old"), after=oid("new"), pusher={"email": "e"})
    assert isinstance(event, Tagged)
    assert event.moved
    [wish] = intake(event).wishes
    assert wish.subject.key == "tag:77:v1"
    assert wish.subject.about["sender"] == [5, "erin", "user"]
    fresh = heard("push", ref="refs/tags/v1", before="0" * 40, after=oid("new"), sender=None)
    assert isinstance(fresh, Tagged)
    assert not fresh.moved
    assert intake(fresh).wishes[0].subject.about["sender"] is None


def test_the_default_branch_is_watched_from_where_it_was() -> None:
    event = heard("push", ref="refs/heads/main", before=oid("old"), after=oid("new"), pusher={"email": "e"})
    assert isinstance(event, Pushed)
    asked = intake(event)
    assert asked.watched == (("branch:77:main", oid("old")),)
    assert [wish.subject.key for wish in asked.wishes] == ["branch:77:main"]
    first = heard("push", ref="refs/heads/main", before="0" * 40, after=oid("new"), pusher={"email": "e"})
    assert intake(first).watched == (("branch:77:main", oid("new")),)
    other = heard("push", ref="refs/heads/topic", before=oid("old"), after=oid("new"), pusher={"email": "e"})
    assert intake(other).watched == ()
    assert intake(other).wishes == ()


TEAM = {"slug": "appsec", "parent": {"slug": "security"}}
DANA = {"id": 6, "login": "dana", "type": "User"}


def test_who_joins_or_leaves_a_team_is_dated_in_it_and_in_the_one_above() -> None:
    joined = heard("membership", action="added", scope="team", member=DANA, team=TEAM, repository=None)
    assert isinstance(joined, StandingChanged)
    assert joined.joined == (("team:acme/appsec", 6), ("team:acme/security", 6))
    assert intake(joined).joined == joined.joined
    left = heard("membership", action="removed", scope="team", member=DANA, team=TEAM, repository=None)
    assert left.left == joined.joined
    assert left.joined == ()


def test_a_permission_of_ones_own_is_dated() -> None:
    for action in ("added", "edited"):
        assert heard("member", action=action, member=DANA).joined == (("permission:77", 6),)
    assert heard("member", action="removed", member=DANA).left == (("permission:77", 6),)


def test_who_joins_the_organisation_is_in_no_team_yet() -> None:
    event = heard("organization", action="member_added", membership={"user": DANA}, repository=None)
    assert (event.joined, event.left) == ((), ())
    alone = heard("membership", action="added", member=DANA, repository=None, team=None)
    assert alone.joined == ()
