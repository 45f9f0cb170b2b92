"""Who was asked for an approval in Jira, and what each has answered.

Jira lets nobody answer for somebody else, and tells one moment of each approval: when the whole of it was decided.
https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/
"""

from typing import Any

from bot.changes.systems.errors import Unanswered
from bot.changes.systems.jira_fields import items, moment, text
from bot.changes.systems.port import Approval, ApprovalState, Identity
from bot.errors import Refusal


def judged(answers: list[Any]) -> tuple[tuple[Approval, ...], ApprovalState]:
    """Every answer, and the outcome of what was asked last: each round of a workflow asks anew, and the old ones stay.

    Raises:
        Unanswered, Refusal: an approval that cannot be read, or whose state is unknown.

    """
    found = tuple(approval for each in answers for approval in _answers(each))
    last = max(answers, key=_number, default=None)
    return found, ApprovalState.NOT_REQUESTED if last is None else _decision(text(last, "finalDecision"))


def _number(approval: Any) -> int:
    number = text(approval, "id")
    if not number.isascii() or not number.isdecimal():
        raise Unanswered("an approval of Jira with a number")
    return int(number)


def _answers(approval: Any) -> list[Approval]:
    """What each of those who were asked has answered."""
    name, final = text(approval, "name"), _decision(text(approval, "finalDecision"))
    asked, completed = text(approval, "id"), approval.get("completedDate")
    at = moment(completed.get("iso8601")) if isinstance(completed, dict) else None
    found = []
    for each in items(approval, "approvers"):
        account, state = text(each, "approver", "accountId"), _decision(text(each, "approverDecision"))
        if state is ApprovalState.REQUESTED:
            if final is not ApprovalState.REQUESTED:
                # Others decided it: this one need not answer any more.
                state = ApprovalState.NOT_REQUIRED
            found.append(Approval(_identity(account, each), state, None, "", name, asked))
        else:
            found.append(Approval(_identity(account, each), state, at, account, name, asked))
    return found


def _identity(account: str, answer: Any) -> Identity:
    email = answer["approver"].get("emailAddress")
    return Identity(account, email=email if isinstance(email, str) else "")


def _decision(said: str) -> ApprovalState:
    match said:
        case "approved":
            return ApprovalState.APPROVED
        case "declined":
            return ApprovalState.REJECTED
        case "pending":
            return ApprovalState.REQUESTED
        case _:
            raise Refusal(f"Jira has an approval that is '{said}', which Countersign does not know.")
