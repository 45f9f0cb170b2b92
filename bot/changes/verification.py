"""The verification of a release: until when somebody confirms it in production, and whether that was late. Pure.

Until when is fixed at the release, by the policy of then. Who may confirm it is judged when they do (``closing``), and
whether anybody has to, as well. Nothing waits for it but the record itself, which stays open and says that it was late.
"""

from datetime import datetime

from bot.changes.context import Context
from bot.changes.model import Change, Closure, State
from bot.policy.model import Verification

CONFIRMING = frozenset({Closure.SUCCESSFUL, Closure.WITH_ISSUES})
"""What somebody says of a change who has seen that it works."""


def demanded(change: Change, context: Context) -> Verification | None:
    """What the policy demands of those who confirm the change in production; None where nobody has to."""
    return change.contents.rules(context.policy).verification


def due(change: Change, context: Context) -> datetime | None:
    """Until when a change whose release ends now is to be confirmed; None where nobody has to."""
    asked = demanded(change, context)
    return context.now + asked.within if asked is not None else None


def pending(change: Change) -> datetime | None:
    """Until when a change that nobody has confirmed is to be; None when it is not, as of what was backed out."""
    awaited = change.state is State.REVIEW and not change.backed_out
    return change.verification_due if awaited else None


def reminds_at(change: Change, context: Context) -> datetime | None:
    """When those who can confirm the change are reminded; None while nobody could: an emergency is reviewed before."""
    possible = change.emergency is None or change.retrospective is not None
    return pending(change) if possible and demanded(change, context) is not None else None


def confirmed_late(change: Change) -> datetime | None:
    """Until when the change should have been confirmed, where somebody did so after that; else None."""
    until, at = change.verification_due, change.closed_at
    confirmed = change.closure in CONFIRMING and change.closed_by is not None
    return until if confirmed and until is not None and at is not None and at >= until else None
