"""Whether a delivery was signed by someone who knows a live secret.

https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

_HEADER = re.compile(r"sha256=([0-9a-fA-F]{64})", re.ASCII)


def is_genuine(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether ``header`` (``X-Hub-Signature-256``) is the HMAC-SHA256 of the raw ``body`` under one of ``secrets``.

    Every secret is tried, whichever matches, in time that does not depend on where a comparison fails. Without a
    secret nothing is genuine; SHA-1 signatures and malformed headers are not looked at.
    """
    match = _HEADER.fullmatch(header or "")
    if match is None:
        return False
    given = bytes.fromhex(match[1])
    genuine = False
    for secret in secrets:
        genuine |= bool(secret) & hmac.compare_digest(hmac.new(secret, body, hashlib.sha256).digest(), given)
    return genuine
