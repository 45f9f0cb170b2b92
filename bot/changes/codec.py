"""Change records as canonical JSON and back. Votes are not in it: they have a table of their own."""

from dataclasses import replace

import rfc8785
from pydantic import TypeAdapter

from bot.changes.model import Change, Part, Vote
from bot.facts.codec import plain

_ADAPTER: TypeAdapter[Change] = TypeAdapter(Change)
_PART: TypeAdapter[Part] = TypeAdapter(Part)


def dump(change: Change) -> bytes:
    """Canonical JSON (RFC 8785): equal records have equal bytes."""
    return rfc8785.dumps(plain(replace(change, votes=())))


def load(body: bytes, votes: tuple[Vote, ...]) -> Change:
    """The record that was dumped, with its votes."""
    return replace(_ADAPTER.validate_json(body), votes=votes)


def dump_part(part: Part) -> bytes:
    """Canonical JSON of a part: equal parts have equal bytes."""
    return rfc8785.dumps(plain(part))


def load_part(body: bytes) -> Part:
    """The part that was dumped."""
    return _PART.validate_json(body)
