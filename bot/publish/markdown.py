"""Text from anywhere, made safe to stand in Markdown that people read."""

import re
import unicodedata
from collections.abc import Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$@:-])")
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """``text`` on one line, without characters that nobody sees or that turn the direction of others."""
    return " ".join("".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in text).split())


def literal(text: str) -> str:
    """``text`` so that Markdown shows exactly its visible characters: no markup, link, mention or table edge."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def sentence(text: str) -> str:
    """A sentence of ours that may quote names: ends of table cells and markup are neutralised, ``code`` and @ stay."""
    parts = visible(text).split("`")
    safe = [part if index % 2 else _sentence_part(part) for index, part in enumerate(parts)]
    if len(parts) % 2 == 0:
        return _sentence_part(visible(text))
    return "`".join(part.replace("|", "\\|") if index % 2 else part for index, part in enumerate(safe))


_IN_SENTENCE = re.compile(r"([\\`*_\[\]|<>~$&#!])")


def _sentence_part(text: str) -> str:
    return _IN_SENTENCE.sub(r"\\\1", text)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of a table; the cells are Markdown already."""
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines]


def shortened(text: str, most: int) -> str:
    """``text`` of at most ``most`` characters, with an ellipsis where something is missing."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def fitted(lines: list[str], most: int) -> str:
    """As many whole lines as fit into ``most`` bytes of UTF-8, and a note when some do not."""
    note = "\n\n*More is left out here: it is too long for GitHub. The record has all of it.*"
    whole = "\n".join(lines)
    if len(whole.encode()) <= most:
        return whole
    kept: list[str] = []
    size = len(note.encode())
    for line in lines:
        size += len(line.encode()) + 1
        if size > most:
            break
        kept.append(line)
    return "\n".join(kept) + note
