"""What GitHub refuses, in the story as well as in its API."""

from typing import Any


class Refused(Exception):
    """GitHub does not do it. ``status`` and the rest are what its API answers."""

    def __init__(self, message: str, *, status: int = 422, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.errors = errors


def not_found() -> Refused:
    """It is not there, or whoever asks may not know that it is."""
    return Refused("Not Found", status=404)
