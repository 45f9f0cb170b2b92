"""What the life of a change depends on besides the record itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.changes.conflicts import Others
from bot.changes.model import Checked, Part
from bot.decide.approvals import Opinion
from bot.decide.verdict import Demand
from bot.facts.model import Account, Instruction, Standing
from bot.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Context:
    """What is known besides the record.

    ``standings`` are those of now: of whoever acts, of the board, of everybody who voted. ``demands`` are the approvals
    of reviewers that the decision counted, and ``approvers`` who gave them; ``blocking`` the names of findings that
    block for other reasons. ``overdue`` are emergencies of the same application or repository that were not reviewed in
    time.
    ``lasting`` is how long it takes. ``parts`` are the pull requests that ship together, ``opinions`` what people last
    said in reviews, where the policy takes them as votes of the board. ``others`` are the windows that others hold.
    ``holds`` are the last words on holding what ships; one with an empty value lifts a hold.
    ``checked`` is what the system that keeps the record's twin knows to be in its way. ``heard_until`` is until when it
    is known what people said there; None while nobody is asked there. ``unheard_since`` is when the first comment was
    written that is still to be acted on; None where there is none.
    """

    policy: Policy
    now: datetime
    standings: tuple[Standing, ...] = ()
    demands: tuple[Demand, ...] = ()
    blocking: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()
    lasting: timedelta = timedelta()
    policy_digest: str = ""
    parts: tuple[Part, ...] = ()
    others: Others = field(default_factory=Others)
    opinions: tuple[Opinion, ...] = ()
    approvers: tuple[Account, ...] = ()
    checked: Checked | None = None
    holds: tuple[Instruction, ...] = ()
    heard_until: datetime | None = None
    unheard_since: datetime | None = None

    @property
    def held(self) -> tuple[Instruction, ...]:
        """The holds that stand."""
        return tuple(each for each in self.holds if each.value)
