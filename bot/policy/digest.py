"""A policy as canonical JSON and back, and its digest: what a decision names as the policy that it was made under."""

import hashlib

import rfc8785
from pydantic import TypeAdapter

from bot.facts.codec import plain
from bot.policy.model import Policy

_ADAPTER: TypeAdapter[Policy] = TypeAdapter(Policy)


def dump(policy: Policy) -> bytes:
    """Canonical JSON (RFC 8785); sets are sorted, so that equal policies have equal bytes."""
    return rfc8785.dumps(plain(policy))


def load(body: bytes) -> Policy:
    """The policy that was dumped."""
    return _ADAPTER.validate_json(body)


def digest(policy: Policy) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(dump(policy)).hexdigest()
