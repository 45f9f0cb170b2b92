"""Facts as canonical JSON and back, and their digest: what a decision names as the facts that it was made from."""

import hashlib
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

import rfc8785
from pydantic import TypeAdapter

from bot.facts.model import MergeGroupFacts, PullRequestFacts

Facts = PullRequestFacts | MergeGroupFacts
FORMAT = 1
_ENVELOPE: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_PULL: TypeAdapter[PullRequestFacts] = TypeAdapter(PullRequestFacts)
_GROUP: TypeAdapter[MergeGroupFacts] = TypeAdapter(MergeGroupFacts)
_READERS: dict[str, TypeAdapter[PullRequestFacts] | TypeAdapter[MergeGroupFacts]] = {"pull": _PULL, "group": _GROUP}


def dump(facts: Facts) -> bytes:
    """Canonical JSON (RFC 8785): equal facts have equal bytes."""
    kind = "pull" if isinstance(facts, PullRequestFacts) else "group"
    return rfc8785.dumps({"format": FORMAT, "kind": kind, "facts": plain(facts)})


def load(body: bytes) -> Facts:
    """The facts that were dumped.

    Raises:
        ValueError: they were written in a format that this version does not know.

    """
    envelope = _ENVELOPE.validate_json(body)
    if envelope["format"] != FORMAT:
        raise ValueError(f"facts of format {envelope['format']}; this version reads {FORMAT}")
    return _READERS[envelope["kind"]].validate_python(envelope["facts"])


def digest(facts: Facts) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(dump(facts)).hexdigest()


_AS_IT_IS = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> Any:
    """Values as JSON has them: moments in UTC, durations in seconds, members of an enumeration by value."""
    # Most values are that already; they need not go through the list of what they could be.
    return value if type(value) in _AS_IT_IS else _made_plain(value)


def _made_plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case dict():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case frozenset() | set():
            return sorted(plain(item) for item in value)
        case _ if is_dataclass(model := type(value)):
            return {name: plain(getattr(value, name)) for name in _names(model)}
        case _:
            return value


@cache
def _names(model: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(model))
