"""Who knows a live secret, and who does not."""

import hashlib
import hmac

import pytest

from bot.ingest.signature import is_genuine

BODY = b'{"zen": "Non-blocking is better than blocking."}'


def signed(secret: bytes, body: bytes = BODY) -> str:
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def test_githubs_own_example_is_genuine() -> None:
    # https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_genuine(b"Hello, World!", header, [b"It's a Secret to Everybody"])


def test_every_live_secret_counts() -> None:
    assert is_genuine(BODY, signed(b"old"), [b"new", b"old"])
    assert is_genuine(BODY, signed(b"new"), [b"new", b"old"])
    assert is_genuine(BODY, "sha256=" + signed(b"new").removeprefix("sha256=").upper(), [b"new"])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        signed(b"other"),
        signed(b"new", BODY + b" "),
        "sha1=" + "0" * 40,
        signed(b"new")[:-1],
        signed(b"new") + "0",
        " " + signed(b"new"),
        signed(b"new") + "\n",
        "sha256=" + "é" * 64,
        "sha256=" + "٣" * 64,
    ],
)
def test_what_is_not_signed_is_not_genuine(header: str | None) -> None:
    assert not is_genuine(BODY, header, [b"new"])


def test_without_a_secret_nothing_is_genuine() -> None:
    assert not is_genuine(BODY, signed(b""), [])
    assert not is_genuine(BODY, signed(b""), [b""])
