"""The GraphQL documents that Countersign sends; each file is one operation, fragments stand in one file."""

import re
from functools import cache
from importlib.resources import files

_SPREAD = re.compile(r"\.\.\.\s*([a-z]\w*)")
_FRAGMENT = re.compile(r"^fragment (\w+) on ", re.MULTILINE)


@cache
def document(name: str) -> str:
    """The operation of ``name``.graphql with just the fragments that it spreads: GitHub refuses unused ones."""
    text = _read(name)
    wanted = _needed(text)
    return "\n".join([text, *(body for fragment, body in _fragments().items() if fragment in wanted)])


def _needed(text: str) -> set[str]:
    found: set[str] = set()
    waiting = set(_SPREAD.findall(text)) - {"on"}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= set(_SPREAD.findall(_fragments()[name])) - found - {"on"}
    return found


@cache
def _fragments() -> dict[str, str]:
    text = _read("fragments")
    starts = [match.start() for match in _FRAGMENT.finditer(text)]
    ends = [*starts[1:], len(text)]
    bodies = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    return {body.split()[1]: body for body in bodies}


def _read(name: str) -> str:
    return files(__package__).joinpath(f"{name}.graphql").read_text(encoding="utf-8")
