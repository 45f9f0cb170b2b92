"""Where in a file a character of a text stands that YAML folds, puts in quotation marks or in a block. Pure."""

from collections.abc import Iterator
from itertools import islice

_BLOCKS = ("|", ">")
_ESCAPED = ('\\"', "\\\\", "\\/")
"""Escapes that stand for their second character; what the others stand for cannot be seen in the file."""


def position(source: str, style: str | None, value: str, offset: int) -> int | None:
    """The place in ``source``, a text as it is written, of the character of its ``value`` at ``offset``.

    Blanks are not compared, since YAML changes them: one is just after what is before it, and so is the value's end.
    None where an escape is in the way.
    """
    before = len("".join(value[:offset].split()))
    solid = "".join(value.split())[: before + 1]
    written = list(islice(_solid(source, style), before + 1))
    if "".join(char for char, _, _ in written) != solid:
        return None
    if offset < len(value) and not value[offset].isspace():
        return written[before][1]
    return written[before - 1][2] if before else _begin(source, style)


def _solid(source: str, style: str | None) -> Iterator[tuple[str, int, int]]:
    """The characters that are no blanks, each with where it begins and where it ends; up to an escape."""
    place, last = _begin(source, style), len(source) - (style in ("'", '"'))
    while place < last:
        char, pair = source[place], source[place : place + 2]
        long = (style == "'" and pair == "''") or (style == '"' and pair in _ESCAPED)
        if style == '"' and char == "\\" and not long:
            if not pair[1:].isspace():
                return
        elif not char.isspace():
            yield pair[-1] if long else char, place, place + 1 + long
        place += 1 + long


def _begin(source: str, style: str | None) -> int:
    """Where the value begins: after the quotation mark, or in the line below a block's header."""
    return source.find("\n") + 1 if style in _BLOCKS else int(style is not None)
