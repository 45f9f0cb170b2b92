"""Writes the reference into ``docs/policy.md``: ``python -m bot.policy.reference_file``."""

import sys
from pathlib import Path

from bot.policy.reference import within
from bot.policy.schema_file import schema

PAGE = Path("docs") / "policy.md"


def write(root: Path) -> None:
    """Bring the page of a checkout up to what the language is."""
    page = root / PAGE
    page.write_text(within(page.read_text(encoding="utf-8"), schema()), encoding="utf-8")


if __name__ == "__main__":
    write(Path(*sys.argv[1:2]))
