"""The controls of regulations, as values: what each asks for, and which findings give evidence for it.

A pack never says that a control is met. It says which findings are evidence for it or exceptions to it, what stays open
after them, and what no change can show.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.decide.catalogue import CATALOGUE, kind


class Basis(StrEnum):
    """What an entry was compared with before it was written down."""

    TEXT = "text"
    COMMENTARY = "commentary"
    PRACTICE = "practice"


class Start(StrEnum):
    """The moment from which a period of retention counts."""

    RECORD = "record"
    AUDIT_CONCLUDED = "audit-concluded"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long evidence is kept: ``period`` in words, and in calendar months, so that seven years are not 2555 days.

    ``laid_down`` says whether the source itself names the period; else it is the pack's choice, and ``because`` its
    reason.
    """

    period: str
    months: int
    starts: Start
    laid_down: bool
    because: str


@dataclass(frozen=True, slots=True)
class Control:
    """One demand of a regulation, in our words.

    ``satisfied_by`` has the ids of the findings that give evidence for it, and ``remainder`` what they leave open;
    a control that no change can show has none, and ``not_judged`` says why, and where it is judged.
    """

    id: str
    title: str
    source: str
    basis: Basis
    retention: Retention
    satisfied_by: tuple[str, ...] = ()
    remainder: str = ""
    not_judged: str = ""

    @property
    def evidenced(self) -> bool:
        """Whether any finding of this version gives evidence for it."""
        return any(CATALOGUE[name].built for name in self.satisfied_by)


@dataclass(frozen=True, slots=True)
class Pack:
    """The controls of one regulation or standard, in one edition.

    ``policy`` is a fragment of the policy language that tightens what is demanded; ``policy_because`` is where the
    regulation asks for that. ``blob`` is the git blob id of the file, as for every file that a policy is made of.
    """

    name: str
    title: str
    edition: str
    document: str
    publisher: str
    controls: tuple[Control, ...]
    retention: Retention
    note: str = ""
    policy: dict[str, Any] = field(default_factory=dict, hash=False)
    policy_because: str = ""
    blob: str = ""

    @property
    def prefix(self) -> str:
        """What the id of each of its controls begins with."""
        return prefix_of(self.name)


def prefix_of(name: str) -> str:
    """What the ids of the controls of the pack of that name begin with."""
    return f"{name.upper()}-"


def controls_for(finding_id: str, packs: Iterable[Pack]) -> tuple[str, ...]:
    """The ids of the controls that a finding gives evidence for, in the order of the packs."""
    name = kind(finding_id)
    return tuple(control.id for pack in packs for control in pack.controls if name in control.satisfied_by)
