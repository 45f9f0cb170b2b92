"""What can go around the gate."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.facts.model import Account

EVERYWHERE = 0
"""Stands for every repository of an installation."""


class Kind(StrEnum):
    """What it was, in a word.

    Something on a branch that was not approved; a history that was rewritten; a tag on a commit that no branch has; a
    protection that was taken away; and a check or status that goes by the name of ours.
    """

    LANDING = "landing"
    HISTORY = "history"
    TAG = "tag"
    PROTECTION = "protection"
    IMPOSTOR = "impostor"


@dataclass(frozen=True, slots=True)
class Found:
    """An unauthorised change as it was found: ``what`` is a sentence, ``reference`` makes it one thing.

    ``at`` is when it happened, as far as that is known.
    """

    installation_id: int
    repository_id: int
    kind: Kind
    reference: str
    what: str
    actor: Account | None
    at: datetime


def concern(installation_id: int, repository_id: int) -> str:
    """What depends on the open unauthorised changes of a repository, or of all when it is `EVERYWHERE`."""
    if repository_id == EVERYWHERE:
        return f"unauthorised:installation:{installation_id}"
    return f"unauthorised:{repository_id}"
