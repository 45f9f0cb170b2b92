"""Why a record that somebody prepared may not become that of a change, and what is written down where one does.

No sentence tells more of a record than that it is another's: whoever names numbers until one fits learns little.
"""

from bot.changes.systems.errors import NotFound
from bot.changes.systems.port import Approval, ApprovalState, Content, State
from bot.errors import Refusal
from bot.words import quoted

UNDECIDED = frozenset({State.DRAFT, State.ASSESS})
"""Where a record may still be taken, and where one that another takes the place of is cancelled."""

OVER = frozenset({State.CLOSED, State.CANCELLED})
"""Where nothing is written any more."""


def is_answered(approvals: tuple[Approval, ...]) -> bool:
    """Whether anybody has decided, about whatever stood in the record then."""
    return any(each.state in {ApprovalState.APPROVED, ApprovalState.REJECTED} for each in approvals)


def taken_note(content: Content) -> str:
    """What those who work on the record read in it from then on."""
    whose = content.correlation_display or content.correlation_id
    return f"Countersign has taken this record for {whose}, and keeps its texts from now on."


def replaced_note(kept: str) -> str:
    """What the record that is cancelled says; ``kept``: the number of the other one."""
    return f"{kept} has taken the place of this record, which Countersign had made for the same change."


def malformed(system: str, number: str, like: str) -> Refusal:
    """What was named is no number at all."""
    return Refusal(
        f"{quoted(number)} is no number of a change record in {system}.",
        remedy=f"It is named as it is written there, like {like}.",
    )


def missing(system: str, number: str) -> NotFound:
    """There is none, or none for the eyes of Countersign's account."""
    return NotFound(
        f"{system} has no change record {number} that Countersign's account can see.",
        remedy="Whoever named it checks the number, or an administrator there lets Countersign's account see it.",
    )


def taken(system: str, number: str) -> Refusal:
    """It carries the mark of another change, or of another program."""
    return Refusal(
        f"{number} in {system} belongs to another change already.",
        remedy="A record is named that is nobody else's, or Countersign makes one.",
    )


def different(system: str, number: str, what: str) -> Refusal:
    """It is about something else."""
    return Refusal(
        f"{number} in {system} has another {what} than this change.",
        remedy=f"The record is named that was prepared for this change, or the change manager there puts its {what} "
        "right.",
    )


def further(system: str, number: str, there: str) -> Refusal:
    """It is on its way already; ``there``: what its state is called in that system."""
    return Refusal(
        f"{number} in {system} is in {quoted(there)}: a change takes a record that is a draft or is being assessed.",
        remedy="The change manager there brings it back to a draft, or another record is named.",
    )


def answered(system: str, number: str) -> Refusal:
    """Who answered has not seen what is to be written there now, and the answer must not stand for it."""
    return Refusal(
        f"Somebody has answered an approval of {number} in {system} already, without having seen this change.",
        remedy="A record is named about which nobody has decided yet, or Countersign makes one.",
    )


def cancelled(system: str, number: str, kept: str) -> Refusal:
    """It was this change's own, and is over; ``kept``: the number of the one that is used."""
    return Refusal(
        f"{number} in {system} is cancelled, and {kept} is the record of this change.",
        remedy="A record is named that nobody has cancelled.",
    )
