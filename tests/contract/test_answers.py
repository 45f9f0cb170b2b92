"""githubkit, generated from GitHub's description, reads every answer and every webhook, and finds nothing to add."""

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest
from githubkit import GitHub
from githubkit.webhooks import parse
from pydantic import BaseModel, TypeAdapter

from bot.sandbox.rest import ROUTES
from bot.sandbox.webhooks import SENT, Webhooks
from bot.sandbox.world import Announcement
from tests.contract.story import CLOUD_ONLY, NEXT, TOP, House, Record

TOKEN = "/app/installations/{installation_id}/access_tokens"
UNTOLD = re.compile(r"^(\[\d+\])?\.labels\[\d+\]\.archived_at is only in one$")
"""GitHub describes by whom a pull request's label was archived, and forgets when."""

ASKED = {(route.method, route.template) for route in ROUTES}


def operations(record: Record) -> set[tuple[str, str]]:
    return {(each.method, each.template) for each in record.exchanges}


def test_every_operation_was_asked_and_read(cloud: Record, cloud_next: Record) -> None:
    for record in (cloud, cloud_next):
        assert operations(record) == ASKED
        read = {id(each.exchange) for each in record.read}
        # The token that the client fetched for itself.
        assert [each.template for each in record.exchanges if id(each) not in read] == [TOKEN]


def test_every_operation_succeeded(cloud: Record, cloud_next: Record, server: Record) -> None:
    for record in (cloud, cloud_next, server):
        assert {each.status for each in record.exchanges} == {200, 201, 202, 204}


def test_a_server_answers_the_same_operations_but_has_no_limits_to_tell_of(server: Record) -> None:
    assert operations(server) == ASKED - {("GET", "/rate_limit")}


def test_what_has_a_body_was_read_as_a_model(cloud: Record, cloud_next: Record, server: Record) -> None:
    for record in (cloud, cloud_next, server):
        for read in record.read:
            models = read.model if isinstance(read.model, list) else [read.model]
            if read.exchange.answered not in (None, {}):
                assert models
                assert all(isinstance(model, BaseModel) for model in models), read.exchange.template


def test_nothing_is_lost_or_changed_when_an_answer_is_read_and_written_again(cloud: Record, server: Record) -> None:
    for record in (cloud, server):
        for read in record.read:
            if isinstance(read.model, (BaseModel, list)):
                found = _differences(read.exchange.answered, _written(read.model))
                assert [each for each in found if not UNTOLD.search(each)] == [], read.exchange.template


def test_every_webhook_was_sent(cloud: Record, server: Record) -> None:
    assert cloud.events == SENT
    assert server.events == SENT - CLOUD_ONLY


def test_every_webhook_is_read_as_its_event(cloud: Record, server: Record) -> None:
    for record in (cloud, server):
        for event, payload in record.webhooks:
            assert (
                parse(event, json.dumps(payload)).model_dump(by_alias=True)["sender"]["id"] == payload["sender"]["id"]
            )


@pytest.mark.parametrize("version", [TOP, NEXT])
def test_every_version_of_the_api_reads_the_webhooks(cloud: Record, version: Any) -> None:
    reader = GitHub().webhooks(version)
    for event, payload in cloud.webhooks:
        assert isinstance(reader.parse(event, json.dumps(payload)), BaseModel)


def test_a_webhook_that_no_story_tells_cannot_be_sent(house: House) -> None:
    world = house.github.world
    installation = house.organisation.installation
    assert installation is not None
    with pytest.raises(LookupError, match="pull_request locked is not a webhook of the simulation"):
        Webhooks(world, "").announce(
            Announcement(installation, "pull_request", "locked", house.ann, {}, house.repository)
        )


def _written(model: Any) -> Any:
    return TypeAdapter(type(model)).dump_python(model, mode="json", by_alias=True, exclude_unset=True)


def _differences(sent: Any, read: Any, at: str = "") -> Iterable[str]:
    """Where what was read is not what was sent; a moment may be written in another way."""
    if isinstance(sent, dict) and isinstance(read, dict):
        for name in sent.keys() | read.keys():
            if (name in sent) != (name in read):
                yield f"{at}.{name} is only in one"
            else:
                yield from _differences(sent[name], read[name], f"{at}.{name}")
    elif isinstance(sent, list) and isinstance(read, list) and len(sent) == len(read):
        for number, (one, other) in enumerate(zip(sent, read, strict=True)):
            yield from _differences(one, other, f"{at}[{number}]")
    elif sent != read:
        yield f"{at}: {sent!r} became {read!r}"
