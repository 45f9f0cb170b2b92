"""Change records, their parts, and whoever acts on them, as JSON and back. Votes have a table of their own."""

from dataclasses import replace
from typing import Any

import rfc8785
from pydantic import TypeAdapter

from bot.changes.model import Change, Part, Vote
from bot.facts.codec import plain
from bot.facts.model import Account, AccountKind

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


def told(who: Account) -> dict[str, Any]:
    """An account as JSON."""
    return {"id": who.id, "login": who.login, "kind": who.kind.value}


def account(value: dict[str, Any]) -> Account:
    """The account of that JSON."""
    return Account(value["id"], value["login"], AccountKind(value["kind"]))
