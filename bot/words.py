"""Text from anywhere, made fit to be quoted in a sentence of ours."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

LONGEST_QUOTE = 80

_IN_QUOTATION_MARKS = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """``text`` on one line, without characters that nobody sees or that turn the direction of others."""
    return " ".join("".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in text).split())


def unquoted(text: str) -> str:
    """``text`` without its quotation marks where all of it stands in one pair of them; else as it is."""
    found = _IN_QUOTATION_MARKS.fullmatch(text)
    return re.sub(r'\\(["\\])', r"\1", found[1]) if found else text


def shortened(text: str, most: int) -> str:
    """``text`` of at most ``most`` characters, cut between words, with an ellipsis for what is missing."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    words = kept.rpartition(" ")[0]
    # One long word is cut inside.
    return (words if len(words) > most // 2 and text[most - 1] != " " else kept).rstrip(" :,") + "…"


def quoted(text: str) -> str:
    """``text`` as code: shown as it is, in short, and never a link, a mention or markup of the sentence around it."""
    shown = shortened(visible(text).replace("`", "'"), LONGEST_QUOTE)
    return f"`{shown}`" if shown else "(empty)"


def counted(count: int, one: str) -> str:
    """``1 hour``, ``2 hours``."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def listed(names: list[str], joint: str = "and") -> str:
    """``a``, ``a and b``, or ``a, b and c``; with ``or`` where one of them is enough."""
    *others, last = names
    return f"{', '.join(others)} {joint} {last}" if others else last


def dated(moment: datetime) -> str:
    """A moment as people read it: ``2027-01-04 12:00 UTC``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def spoken(length: timedelta) -> str:
    """A duration in its largest whole unit: ``7 days``, ``90 minutes``."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
