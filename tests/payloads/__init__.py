"""Deliveries as GitHub sends them: the examples that GitHub's own documentation collects, from an npm package.

They are fetched once, by ``python -m tests.payloads`` or by the first test that needs them, and never committed.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.payloads.fetch import fetch

GITHUB_COM = "api.github.com"


@dataclass(frozen=True, slots=True)
class Example:
    """One recorded payload: of which GitHub (``api.github.com``, ``ghes-35`` …), of which event, and which of those."""

    source: str
    event: str
    number: int
    payload: dict[str, Any]

    @property
    def guid(self) -> str:
        """An id as GitHub gives each delivery."""
        return f"{self.source}-{self.event}-{self.number}".replace(".", "-").replace("_", "-")


def examples() -> Iterator[Example]:
    """All of them, in the package's order."""
    with tarfile.open(fetch()) as package:
        for name in sorted(package.getnames()):
            parts = name.split("/")
            if len(parts) != 3 or parts[2] != "index.json":
                continue
            file = package.extractfile(name)
            assert file is not None, "an index is a file"
            for event in json.load(file):
                for number, payload in enumerate(event["examples"]):
                    yield Example(parts[1], event["name"], number, payload)
