"""What is to be shown, what is shown, and what can be done about the difference."""

import hashlib
from dataclasses import dataclass, replace

import rfc8785

from bot.decide.verdict import Annotation
from bot.facts.codec import plain

CHECK = "change-control"
"""The name of the one check run. Rulesets demand it by this name."""

ANNOTATIONS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Button:
    """A button on the check run: label ≤ 20, description ≤ 40, identifier ≤ 20 characters."""

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True)
class CheckRunContent:
    """A check run as it should be. ``conclusion`` is None while ``status`` is ``in_progress``.

    ``external_id`` says which subject it belongs to, in GitHub's own record of the run. ``record`` ends the text: where
    the decision is on record.
    """

    head: str
    external_id: str
    status: str
    conclusion: str | None
    title: str
    summary: str
    text: str
    details_url: str
    annotations: tuple[Annotation, ...] = ()
    buttons: tuple[Button, ...] = ()
    record: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over everything that people act on; two contents with one digest need no update.

        ``record`` is left out: the decision that a run names stays true when a later one says the same.
        """
        return hashlib.sha256(rfc8785.dumps(plain(replace(self, record="")))).hexdigest()


@dataclass(frozen=True, slots=True)
class Published:
    """What stands on GitHub. An empty ``digest`` says that it is not known what the run shows."""

    check_run_id: int
    digest: str
    annotations_sent: int


@dataclass(frozen=True, slots=True)
class CreateCheckRun:
    """Make a check run with the first annotations; it takes the place of an older one of the same name."""

    content: CheckRunContent


@dataclass(frozen=True, slots=True)
class UpdateCheckRun:
    """Change a check run. GitHub adds annotations to those that are there: only ``annotations`` are sent."""

    check_run_id: int
    content: CheckRunContent
    annotations: tuple[Annotation, ...] = ()


Effect = CreateCheckRun | UpdateCheckRun
