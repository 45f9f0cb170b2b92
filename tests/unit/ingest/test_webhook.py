import asyncio
import gzip
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.clock import utc_now
from bot.ingest.inbox import raw_body
from bot.ingest.webhook import LARGEST, refetched
from tests import database
from tests.unit.ingest.conftest import SECRET, Endpoint, signature
from tests.unit.ingest.payloads import commented, member_added, pull_request
from tests.waiting import until


async def test_a_delivery_is_stored_with_what_it_asks_for(endpoint: Endpoint) -> None:
    assert await endpoint.deliver(pull_request(4), guid="abc-1") == (202, {"stored": True})
    rows = await endpoint.rows("SELECT guid, event, action, installation_id, repository_id, ignored FROM delivery")
    assert rows == [("abc-1", "pull_request", "opened", 7, 21, None)]
    assert await endpoint.one("SELECT key FROM subject WHERE wanted > looked") == "pull:21:4"
    assert await endpoint.one("SELECT kind FROM ledger_entry") == "github:delivery:accepted"
    assert endpoint.counted("countersign_deliveries_total", outcome="stored") == 1
    assert endpoint.counted("countersign_webhook_seconds_count") == 1


async def test_the_raw_body_is_kept_compressed_with_its_digest(endpoint: Endpoint) -> None:
    body = json.dumps(pull_request() | {"padding": "x" * 50_000}, indent=7).encode()
    await endpoint.deliver(body)
    ((kept, digest),) = await endpoint.rows("SELECT body, digest FROM delivery")
    assert raw_body(kept) == body
    assert len(kept) < len(body) / 10
    assert digest == hashlib.sha256(body).digest()


async def test_the_same_delivery_twice_is_stored_once(endpoint: Endpoint) -> None:
    assert (await endpoint.deliver(pull_request()))[0] == 202
    assert await endpoint.deliver(pull_request()) == (200, {"stored": False})
    assert await endpoint.one("SELECT wanted FROM subject") == 1
    assert await endpoint.one("SELECT count(*) FROM ledger_entry") == 1
    assert endpoint.counted("countersign_deliveries_total", outcome="known") == 1


async def test_the_same_delivery_many_times_at_once_is_stored_once(endpoint: Endpoint) -> None:
    answers = await asyncio.gather(*(endpoint.deliver(pull_request()) for _ in range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [202]
    assert await endpoint.one("SELECT wanted FROM subject") == 1


async def test_what_asks_for_nothing_is_stored_counted_and_goes_no_further(endpoint: Endpoint) -> None:
    assert (await endpoint.deliver({"action": "started"}, event="watch"))[0] == 202
    assert await endpoint.one("SELECT ignored FROM delivery") == "not-watched"
    assert await endpoint.one("SELECT (SELECT count(*) FROM subject) + (SELECT count(*) FROM ledger_entry)") == 0
    assert endpoint.counted("countersign_deliveries_ignored_total", reason="not-watched") == 1


async def test_a_ping_is_answered(endpoint: Endpoint) -> None:
    assert (await endpoint.deliver({"zen": "Speak like a human."}, event="ping"))[0] == 200


async def test_both_secrets_count_while_one_is_being_retired(endpoint: Endpoint) -> None:
    body = json.dumps(pull_request()).encode()
    older = {"X-Hub-Signature-256": signature(body, SECRET)}
    assert (await endpoint.deliver(body, guid="1"))[0] == 202
    assert (await endpoint.deliver(body, guid="2", headers=older))[0] == 202


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha256=" + "0" * 63,
        "sha256=" + "0" * 65,
        "0" * 64,
        "sha1=" + "0" * 40,
        "sha256=" + "é" * 64,
        "sha256=" + "٣" * 64,
        " sha256=" + "0" * 64 + ",sha256=" + "0" * 64,
    ],
)
async def test_a_signature_that_is_missing_or_wrong_is_refused(endpoint: Endpoint, header: str | None) -> None:
    status, answer = await endpoint.deliver(pull_request(), headers={"X-Hub-Signature-256": header})
    assert (status, answer) == (401, {"error": "The signature is missing or wrong (X-Hub-Signature-256)."})
    assert await endpoint.one("SELECT count(*) FROM delivery") == 0
    assert endpoint.counted("countersign_deliveries_total", outcome="not-genuine") == 1


async def test_the_old_kind_of_signature_alone_is_refused(endpoint: Endpoint) -> None:
    body = json.dumps(pull_request()).encode()
    old = "sha1=" + hmac.new(SECRET, body, hashlib.sha1).hexdigest()
    assert (await endpoint.deliver(body, headers={"X-Hub-Signature-256": None, "X-Hub-Signature": old}))[0] == 401
    assert (await endpoint.deliver(body, headers={"X-Hub-Signature-256": old}))[0] == 401


async def test_a_strangers_signature_and_a_changed_body_are_refused(endpoint: Endpoint) -> None:
    body = json.dumps(pull_request()).encode()
    forged = {"X-Hub-Signature-256": signature(body, b"a guess")}
    assert (await endpoint.deliver(body, headers=forged))[0] == 401
    changed = {"X-Hub-Signature-256": signature(body)}
    assert (await endpoint.deliver(body + b" ", headers=changed))[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"X-GitHub-Event": None},
        {"X-GitHub-Event": ""},
        {"X-GitHub-Event": "pull request"},
        {"X-GitHub-Event": "x" * 65},
        {"X-GitHub-Delivery": None},
        {"X-GitHub-Delivery": "1; DROP TABLE delivery"},
        {"X-GitHub-Delivery": "x" * 65},
    ],
)
async def test_headers_that_are_missing_or_malformed_are_refused(
    endpoint: Endpoint, headers: dict[str, str | None]
) -> None:
    status, answer = await endpoint.deliver(pull_request(), headers=headers)
    assert (status, answer["error"]) == (400, "X-GitHub-Event or X-GitHub-Delivery is missing or malformed.")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"action": NaN}',
        b'{"action": -Infinity}',
        b'{"action": "\xff"}',
        b'{"action": "\x00"}',
        b"\xef\xbb\xbf{}",
        '{"action": "opened"}'.encode("utf-16"),
        b"payload=%7B%7D",
        b'{"number": ' + b"9" * 5000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda body: body[:12].decode("ascii", "replace"),
)
async def test_what_is_not_a_json_object_is_refused(endpoint: Endpoint, body: bytes) -> None:
    status, answer = await endpoint.deliver(body)
    assert (status, answer["error"]) == (400, "The payload is not a JSON object; set the content type to JSON.")
    assert await endpoint.one("SELECT count(*) FROM delivery") == 0


async def test_numbers_that_no_id_can_be_are_no_trouble(endpoint: Endpoint) -> None:
    payload = pull_request() | {"installation": {"id": 10**300}, "repository": {"id": -(2**63) - 1}}
    assert (await endpoint.deliver(payload, guid="1"))[0] == 202
    assert (await endpoint.deliver(payload | {"installation": {"id": True}}, guid="2"))[0] == 202
    assert await endpoint.rows("SELECT DISTINCT installation_id, repository_id, ignored FROM delivery") == [
        (None, None, "incomplete")
    ]


async def test_characters_that_no_database_keeps_as_text_are_replaced(endpoint: Endpoint) -> None:
    text = "/help \x00 \ud800 \U0001f600 \\u0000"
    payload = commented(text) | {"\x00": [{"\udfff": None}]}
    payload["repository"]["full_name"] = "acme/led\x00ger"
    assert (await endpoint.deliver(payload, event="issue_comment"))[0] == 202
    assert await endpoint.one("SELECT text FROM request") == "/help \ufffd \ufffd \U0001f600 \\u0000"
    assert await endpoint.one("SELECT about ->> 'name' FROM subject") == "led\ufffdger"
    kept = await endpoint.one("SELECT body FROM delivery")
    assert json.loads(raw_body(kept)) == payload


async def test_an_action_that_is_no_word_is_not_kept(endpoint: Endpoint) -> None:
    await endpoint.deliver(pull_request() | {"action": "opened; or not"})
    assert await endpoint.one("SELECT action FROM delivery") is None


def large(size: int) -> bytes:
    """A payload of exactly that many bytes."""
    payload = json.dumps(pull_request() | {"padding": ""}).encode()
    return payload.replace(b'"padding": ""', b'"padding": "' + b"x" * (size - len(payload)) + b'"')


async def test_the_largest_payload_is_stored(endpoint: Endpoint) -> None:
    body = large(LARGEST)
    assert len(body) == LARGEST
    assert (await endpoint.deliver(body))[0] == 202
    assert raw_body(await endpoint.one("SELECT body FROM delivery")) == body


async def test_a_larger_one_is_refused_before_it_is_read(endpoint: Endpoint) -> None:
    reader, writer = await asyncio.open_connection(*endpoint.url.removeprefix("http://").split(":"))
    writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (LARGEST + 1))
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()
    assert endpoint.counted("countersign_deliveries_total", outcome="too-large") == 1


async def in_pieces(body: bytes, size: int = 1 << 20) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def chunked(endpoint: Endpoint, body: bytes) -> int:
    """Send a body without saying how long it is."""
    headers = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": signature(body)}
    status, _ = await endpoint.post(in_pieces(body), dict(headers))
    return status


async def test_a_body_without_a_length_is_stored(endpoint: Endpoint) -> None:
    assert await chunked(endpoint, large(2_000_000)) == 202


async def test_a_body_without_a_length_is_refused_when_it_gets_too_large(endpoint: Endpoint) -> None:
    assert await chunked(endpoint, large(LARGEST + 1)) == 413
    assert await endpoint.one("SELECT count(*) FROM delivery") == 0


async def test_a_small_body_that_unpacks_to_a_large_one_is_refused(endpoint: Endpoint) -> None:
    body = gzip.compress(bytes(LARGEST + 1))
    assert len(body) < 100_000
    headers = {"Content-Encoding": "gzip", "X-Hub-Signature-256": signature(body)}
    assert (await endpoint.deliver(body, headers=headers))[0] in {400, 413}
    assert await endpoint.one("SELECT count(*) FROM delivery") == 0


async def test_without_a_database_nothing_is_stored_and_github_is_told_when_to_come_back(
    endpoint: Endpoint, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint.store._pool, "timeout", 0.3)
    body = json.dumps(pull_request()).encode()
    headers = {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": signature(body)}
    with database.away(database_url):
        async with endpoint.session.post(f"{endpoint.url}/webhook", data=body, headers=headers) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "10"
            assert await answer.json() == {"error": "The delivery could not be stored; send it again."}
        assert endpoint.counted("countersign_deliveries_total", outcome="unavailable") == 1

    answers = [(await endpoint.deliver(body))[0]]
    async with asyncio.timeout(20):
        while answers[-1] == 503:
            answers.append((await endpoint.deliver(body))[0])
    assert answers[-1] == 202
    assert await endpoint.one("SELECT wanted FROM subject") == 1


async def test_a_client_that_goes_away_does_not_take_back_what_it_sent(endpoint: Endpoint) -> None:
    body = json.dumps(pull_request()).encode()
    host, port = endpoint.url.removeprefix("http://").split(":")
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nX-GitHub-Event: pull_request\r\n"
        f"X-GitHub-Delivery: gone\r\nX-Hub-Signature-256: {signature(body)}\r\n\r\n"
    )
    client = socket.create_connection((host, int(port)))
    client.sendall(head.encode() + body)
    client.close()

    async def stored() -> bool:
        return bool(await endpoint.one("SELECT count(*) FROM delivery"))

    await until(stored)


def fetched(payload: Any) -> dict[str, Any]:
    return {"id": 1, "guid": "from-the-log", "event": "membership", "request": {"payload": payload}}


async def test_a_delivery_from_githubs_log_is_accepted_like_any_other(endpoint: Endpoint) -> None:
    delivery = refetched(fetched(member_added() | {"text": "\x00 \ud800 é"}), utc_now)
    assert await endpoint.inbox.accept(delivery)
    assert not await endpoint.inbox.accept(delivery)
    assert await endpoint.one("SELECT convert_from(body, 'UTF8')::jsonb #>> '{body,via}' FROM ledger_entry") == (
        "delivery log"
    )


@pytest.mark.parametrize("payload", [[], None, "text", 7])
def test_what_is_no_delivery_in_githubs_log_is_told(payload: object) -> None:
    with pytest.raises(TypeError, match="no object"):
        refetched(fetched(payload), utc_now)
