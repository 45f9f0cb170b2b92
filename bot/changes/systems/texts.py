"""Texts on their way into other systems: cut to what fits there, and compared with what came back."""

import hashlib


def fitted(text: str, most: int) -> str:
    """``text`` in at most ``most`` characters; what was cut can still be shown to be the same by its digest."""
    if len(text) <= most:
        return text
    ending = f"\n[shortened; SHA-256 of the whole text: {hashlib.sha256(text.encode()).hexdigest()}]"
    return text[: most - len(ending)] + ending


def same(sent: str, there: str) -> bool:
    """Whether a text is what was sent: line ends, and space around it, are not kept."""
    return _normal(sent) == _normal(there)


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
