"""GitHub's JSON as typed events, and what each of them asks for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.facts.model import Account, AccountKind
from bot.ingest.events import (
    INCOMPLETE,
    NOT_WATCHED,
    ButtonPressed,
    CommandWritten,
    Ignored,
    InstallationChanged,
    MergeGroupDropped,
    MergeGroupRequested,
    PullRequestTouched,
    Pushed,
    StandingChanged,
    Where,
)
from bot.ingest.subjects import Intake, PushSeen, Request, intake
from bot.ingest.translate import translate
from bot.queue.model import Urgency
from tests.unit.builders import oid

Payload = dict[str, Any]
ANA = Account(1, "ana")
ANA_JSON = {"id": 1, "login": "ana", "type": "User"}
WHERE = Where(9, 77, "acme", "ledger")
HERE: Payload = {
    "installation": {"id": 9},
    "repository": {"id": 77, "full_name": "acme/ledger", "default_branch": "main"},
    "sender": ANA_JSON,
}
COMMENT: Payload = {
    **HERE,
    "action": "created",
    "issue": {"number": 7, "pull_request": {"url": "x"}},
    "comment": {"id": 5, "body": "Thanks\n/recheck", "user": ANA_JSON},
}
RUN: Payload = {
    **HERE,
    "action": "requested_action",
    "requested_action": {"identifier": "explain"},
    "check_run": {"head_sha": oid("head"), "external_id": f"pull:77:7@{oid('head')}"},
}
PUSH: Payload = {**HERE, "ref": "refs/heads/main", "after": oid("head"), "pusher": {"name": "ana", "email": "a@b"}}
GROUP: Payload = {
    **HERE,
    "action": "checks_requested",
    "merge_group": {
        "base_ref": "refs/heads/main",
        "head_sha": oid("group"),
        "head_ref": "refs/heads/gh-readonly-queue/x",
    },
}


def changed(payload: Payload, **changes: Any) -> Payload:
    return {**payload, **changes}


def test_an_event_that_nobody_watches_is_ignored() -> None:
    assert translate("star", HERE) is NOT_WATCHED
    assert intake(NOT_WATCHED) == Intake(ignored="not-watched")


def test_a_pull_request_is_looked_at_when_anything_about_it_changes() -> None:
    event = translate("pull_request", {**HERE, "action": "edited", "pull_request": {"number": 7}})
    assert event == PullRequestTouched(WHERE, 7, None, ANA)
    asked = intake(event)
    [wish] = asked.wishes
    assert (wish.subject.key, wish.urgency) == ("pull:77:7", Urgency.PERSON)
    assert wish.subject.about == {"owner": "acme", "name": "ledger", "repository_id": 77, "number": 7}
    assert (asked.pushes, asked.concerns) == ((), {"pull:77:7": Urgency.PERSON})


def test_the_branch_that_a_pull_request_is_aimed_at_is_watched_from_then_on() -> None:
    pull = {"number": 7, "base": {"ref": "release", "sha": oid("tip")}}
    retargeted = {**HERE, "action": "edited", "pull_request": pull, "changes": {"base": {"ref": {"from": "main"}}}}
    event = translate("pull_request", retargeted)
    assert event == PullRequestTouched(WHERE, 7, None, ANA, ("release", oid("tip")))
    asked = intake(event)
    assert [each.subject.key for each in asked.wishes] == ["pull:77:7", "branch:77:release"]
    assert asked.watched == (("branch:77:release", oid("tip")),)
    renamed = {**retargeted, "changes": {"title": {"from": "Settle"}}}
    assert translate("pull_request", renamed) == PullRequestTouched(WHERE, 7, None, ANA)


def test_a_push_to_a_pull_request_is_remembered_with_who_pushed() -> None:
    pull = {"number": 7, "head": {"sha": oid("head")}}
    event = translate("pull_request", {**HERE, "action": "synchronize", "pull_request": pull})
    assert intake(event).pushes == (PushSeen(77, "pull/7", oid("head"), ANA, "synchronize"),)


def test_a_push_without_its_commit_is_still_a_hint() -> None:
    event = translate("pull_request", {**HERE, "action": "synchronize", "pull_request": {"number": 7, "head": {}}})
    assert event == PullRequestTouched(WHERE, 7, None, ANA)


def test_a_review_is_a_hint_to_look() -> None:
    event = translate("pull_request_review", {**HERE, "pull_request": {"number": 7}})
    assert event == PullRequestTouched(WHERE, 7)


def test_a_comment_with_a_command_is_a_request() -> None:
    event = translate("issue_comment", COMMENT)
    assert event == CommandWritten(WHERE, 7, 5, ANA, "Thanks\n/recheck")
    assert intake(event).requests == (Request("pull:77:7", "comment:5", ANA, "Thanks\n/recheck", 5),)


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("2027-01-04T12:00:05Z", datetime(2027, 1, 4, 12, 0, 5, tzinfo=UTC)),
        ("2027-01-04T12:00:05", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_comment_says_when_it_was_written(written: str | None, known: datetime | None) -> None:
    event = translate("issue_comment", changed(COMMENT, comment={**COMMENT["comment"], "created_at": written}))
    assert event == CommandWritten(WHERE, 7, 5, ANA, "Thanks\n/recheck", known)
    assert intake(event).requests == (Request("pull:77:7", "comment:5", ANA, "Thanks\n/recheck", 5, known),)


def test_a_comment_is_kept_without_what_no_database_keeps() -> None:
    comment = {**COMMENT["comment"], "body": "/recheck \x00\ud800"}
    event = translate("issue_comment", changed(COMMENT, comment=comment))
    assert isinstance(event, CommandWritten)
    assert event.text == "/recheck \ufffd\ufffd"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"action": "edited"}, "comment-edited"),
        ({"issue": {"number": 7}}, "not-watched"),
        ({"comment": {**COMMENT["comment"], "body": "no command /here"}}, "no-command"),
        ({"comment": {**COMMENT["comment"], "body": None}}, "no-command"),
        ({"sender": {**ANA_JSON, "type": "Bot"}}, "not-a-person"),
        ({"sender": {**ANA_JSON, "id": 2}}, "not-a-person"),
        ({"comment": {**COMMENT["comment"], "user": None}}, "not-a-person"),
        ({"comment": {**COMMENT["comment"], "performed_via_github_app": {"id": 1}}}, "not-a-person"),
        ({"sender": None}, "incomplete"),
        ({"installation": None}, "incomplete"),
    ],
)
def test_what_no_person_just_said_to_us_is_no_request(changes: Payload, reason: str) -> None:
    assert translate("issue_comment", changed(COMMENT, **changes)) == Ignored(reason)


def test_a_button_is_a_request_about_what_the_run_belongs_to() -> None:
    event = translate("check_run", RUN)
    assert event == ButtonPressed(WHERE, oid("head"), f"pull:77:7@{oid('head')}", ANA, "explain")
    asked = intake(event)
    assert asked.requests == (Request("pull:77:7", "", ANA, "explain"),)
    assert [wish.subject.key for wish in asked.wishes] == ["pull:77:7"]


def test_a_re_run_is_a_request_also_for_a_merge_group() -> None:
    run = {"head_sha": oid("group"), "external_id": f"merge_group:77:{oid('group')}@{oid('group')}"}
    event = translate("check_run", {**HERE, "action": "rerequested", "check_run": run})
    asked = intake(event)
    assert [each.text for each in asked.requests] == ["rerun"]
    [wish] = asked.wishes
    assert (wish.subject.kind, wish.subject.about) == ("merge_group", {"head": oid("group")})


@pytest.mark.parametrize(
    "external_id",
    [
        None,
        "",
        "pull:78:7@x",
        "pull:77:0",
        "pull:77:x",
        "pull:77:" + "9" * 5000,
        "pull:77:٣",
        f"merge_group:77:{oid('elsewhere')}@x",
        f"merge_group:78:{oid('head')}@x",
        "repository:77",
    ],
)
def test_a_run_that_is_not_ours_is_ignored(external_id: str | None) -> None:
    run = {"head_sha": oid("head"), "external_id": external_id}
    assert intake(translate("check_run", changed(RUN, check_run=run))).ignored == "not-our-check"


def test_a_run_that_was_only_made_is_not_watched() -> None:
    assert translate("check_run", changed(RUN, action="created")) is NOT_WATCHED


def test_a_push_is_remembered_and_ages_what_was_known_of_the_branch() -> None:
    event = translate("push", PUSH)
    assert event == Pushed(WHERE, "main", oid("head"), ANA, to_default=True)
    asked = intake(event)
    assert asked.pushes == (PushSeen(77, "refs/heads/main", oid("head"), ANA, "push"),)
    assert asked.concerns == {"base:77:main": Urgency.TIMER, "policy:acme/ledger": Urgency.TIMER}


def test_a_push_to_another_branch_concerns_no_policy() -> None:
    event = translate("push", changed(PUSH, ref="refs/heads/settle"))
    assert intake(event).concerns == {"base:77:settle": Urgency.TIMER}


def test_a_push_with_a_deploy_key_was_by_nobody() -> None:
    event = translate("push", changed(PUSH, pusher={"name": "deploy_key"}))
    assert isinstance(event, Pushed)
    assert event.sender is None


@pytest.mark.parametrize("changes", [{"ref": "refs/notes/x"}, {"after": "0" * 40}, {"after": "0" * 64}])
def test_other_refs_and_the_end_of_a_branch_are_not_watched(changes: Payload) -> None:
    assert translate("push", changed(PUSH, **changes)) is NOT_WATCHED


def test_a_group_of_the_queue_is_looked_at() -> None:
    event = translate("merge_group", GROUP)
    assert event == MergeGroupRequested(WHERE, "main", oid("group"), "refs/heads/gh-readonly-queue/x")
    [wish] = intake(event).wishes
    assert wish.subject.key == f"merge_group:77:{oid('group')}"
    assert wish.subject.about["base"] == "main"
    assert "dropped" not in wish.subject.about


def test_a_group_that_the_queue_drops_says_so() -> None:
    event = translate("merge_group", changed(GROUP, action="destroyed"))
    assert isinstance(event, MergeGroupDropped)
    [wish] = intake(event).wishes
    assert wish.subject.about["dropped"] is True


def test_another_action_of_a_group_is_not_watched() -> None:
    assert translate("merge_group", changed(GROUP, action="paused")) is NOT_WATCHED


@pytest.mark.parametrize(
    ("name", "payload", "concerns"),
    [
        (
            "membership",
            {"organization": {"login": "Acme"}, "team": {"slug": "AppSec", "parent": {"slug": "risk"}}, "member": ANA_JSON},
            ("account:1", "team:acme/appsec", "team:acme/risk"),
        ),
        ("team", {"organization": {"login": "acme"}, "team": {"slug": "appsec", "parent": None}}, ("team:acme/appsec",)),
        ("member", {"member": ANA_JSON, "repository": {"id": 77}}, ("account:1", "repository:77")),
        ("organization", {"membership": {"user": ANA_JSON}}, ("account:1",)),
        ("organization", {"user": ANA_JSON}, ("account:1",)),
    ],
)  # fmt: skip
def test_what_people_may_do_ages_what_was_known_of_it(name: str, payload: Payload, concerns: tuple[str, ...]) -> None:
    event = translate(name, {"installation": {"id": 9}, **payload})
    assert event == StandingChanged(9, concerns)
    assert intake(event).concerns == dict.fromkeys(concerns, Urgency.TIMER)


@pytest.mark.parametrize(
    "payload",
    [
        {"installation": {"id": 9}},
        {"member": ANA_JSON},
        {"installation": {"id": 9}, "team": {"slug": "appsec"}},
        {"installation": {"id": 9}, "repository": {"id": True}},
    ],
)
def test_a_change_of_standing_that_names_nothing_is_incomplete(payload: Payload) -> None:
    assert translate("member", payload) is INCOMPLETE


def test_a_change_of_a_repository_ages_what_was_known_of_it() -> None:
    assert translate("repository", HERE) == StandingChanged(9, ("repository:77",))


def test_a_change_of_its_properties_ages_only_those() -> None:
    event = translate("custom_property_values", {**HERE, "action": "updated"})
    assert event == StandingChanged(9, ("properties:77",))
    assert intake(event).concerns == {"properties:77": Urgency.TIMER}


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("created", "active"),
        ("unsuspend", "active"),
        ("suspend", "suspended"),
        ("deleted", "deleted"),
        (None, "active"),
    ],
)
def test_an_installation_is_kept_with_its_state_and_looked_at(action: str | None, state: str) -> None:
    installation = {"id": 9, "account": {"id": 3, "login": "acme"}}
    event = translate("installation", {"action": action, "installation": installation})
    assert event == InstallationChanged(9, 3, "acme", state)
    asked = intake(event)
    assert asked.installation is event
    assert [wish.subject.key for wish in asked.wishes] == ["installation:9"]


@pytest.mark.parametrize("number", [None, "7", 7.0, True, 0, -1, 2**63])
def test_a_number_that_is_none_is_incomplete(number: Any) -> None:
    assert translate("pull_request", {**HERE, "pull_request": {"number": number}}) is INCOMPLETE


@pytest.mark.parametrize("full_name", [None, "", 5, "acme", "acme/\x00", "acme/\ud800"])
def test_a_repository_without_a_name_is_incomplete(full_name: Any) -> None:
    payload = {**HERE, "repository": {"id": 77, "full_name": full_name}, "pull_request": {"number": 7}}
    assert translate("pull_request", payload) is INCOMPLETE


@pytest.mark.parametrize(
    ("kind", "known"), [("User", AccountKind.USER), ("Bot", AccountKind.BOT), ("Organization", AccountKind.OTHER)]
)
def test_an_account_has_its_kind(kind: str, known: AccountKind) -> None:
    payload = {**HERE, "sender": {**ANA_JSON, "type": kind}, "pull_request": {"number": 7}}
    event = translate("pull_request", payload)
    assert isinstance(event, PullRequestTouched)
    assert event.sender is not None
    assert event.sender.kind is known
