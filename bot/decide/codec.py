"""Decisions as canonical JSON and back."""

import rfc8785
from pydantic import TypeAdapter

from bot.decide.verdict import Decision
from bot.facts.codec import plain

_ADAPTER: TypeAdapter[Decision] = TypeAdapter(Decision)


def dump(decision: Decision) -> bytes:
    """Canonical JSON (RFC 8785): equal decisions have equal bytes."""
    return rfc8785.dumps(plain(decision))


def load(body: bytes) -> Decision:
    """The decision that was dumped."""
    return _ADAPTER.validate_json(body)
