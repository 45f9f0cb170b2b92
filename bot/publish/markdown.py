"""Text from anywhere, made safe to stand in Markdown that people read."""

import re
from collections.abc import Sequence
from itertools import accumulate

from bot.words import visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$@:-])")


def literal(text: str) -> str:
    """``text`` so that Markdown shows exactly its visible characters: no markup, link, mention or table edge."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def sentence(text: str, *, quiet: bool = False) -> str:
    """A sentence of ours that may quote names: markup and ends of table cells are neutralised, ``code`` stays.

    ``quiet`` turns every mention into code, so that nobody is notified.
    """
    shown = visible(text)
    parts = shown.split("`")
    # Backticks in pairs, each alone, are code to every reader of Markdown; of others nobody knows what they begin.
    if len(parts) % 2 == 0 or "``" in shown:
        return _prose(shown, quiet=quiet)
    return "`".join(
        part.replace("|", "\\|") if index % 2 else _prose(part, quiet=quiet) for index, part in enumerate(parts)
    )


_IN_PROSE = re.compile(r"([\\`*_\[\]|<>~$&#!])")
_MENTION = re.compile(r"(?<!\w)(@[A-Za-z0-9][\w/-]*(?:\[bot\])?)", re.ASCII)


def _prose(text: str, *, quiet: bool) -> str:
    if not quiet:
        return _IN_PROSE.sub(r"\\\1", text)
    parts = _MENTION.split(text)
    return "".join(f"`{part}`" if index % 2 else _prose(part, quiet=False) for index, part in enumerate(parts))


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of a table; the cells are Markdown already."""
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines]


def fitted(lines: list[str], most: int) -> str:
    """As many whole lines as fit into ``most`` bytes of UTF-8, and a note when some do not."""
    note = "\n\n*More is left out here: it is too long for GitHub. The record has all of it.*"
    whole = "\n".join(lines)
    if len(whole.encode()) <= most:
        return whole
    sizes = accumulate((len(line.encode()) + 1 for line in lines), initial=len(note.encode()))
    fitting = sum(1 for size in sizes if size <= most) - 1
    return "\n".join(lines[:fitting]) + note
