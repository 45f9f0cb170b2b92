"""Signs a saved payload and sends it to a webhook, as GitHub would."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import aiohttp

from bot.errors import Refusal


async def deliver(file: Path, event: str, url: str, secrets: Sequence[bytes], tell: Callable[[str], None]) -> int:
    """Send the payload in ``file`` as ``event`` to ``url``, and tell the answer; 1 when it was not accepted.

    Raises:
        Refusal: the file is no payload, there is no secret to sign with, or nobody answers.

    """
    body = _payload(file)
    if not secrets:
        raise Refusal("There is no secret to sign with.", remedy="Set GITHUB_WEBHOOK_SECRET to the receiver's.")
    guid = str(uuid4())
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secrets[0], body, hashlib.sha256).hexdigest(),
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            tell(f"{answer.status} {(await answer.text())[:500]} (delivery {guid})")
            return 0 if answer.ok else 1
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Refusal(
            f"{url} does not answer: {str(error) or 'it took too long'}.", remedy="Is `serve` running?"
        ) from error


def _payload(file: Path) -> bytes:
    try:
        body = file.read_bytes()
        payload = json.loads(body)
    except (OSError, ValueError) as error:
        raise Refusal(f"{file} holds no payload: {error}.", remedy="Name a file with one JSON object.") from error
    if not isinstance(payload, dict):
        raise Refusal(f"{file} holds no payload.", remedy="Name a file with one JSON object.")
    return body
