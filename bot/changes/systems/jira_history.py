"""Who did what to a request in Jira, from the changes of its issue and from its comments.

https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issues/
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.changes.systems.jira_fields import items, moment
from bot.changes.systems.port import Identity

NOBODY = Identity("")


def closed_by(changes: Sequence[Any], status: str) -> tuple[Identity, datetime | None]:
    """Who brought the issue to the status that it is in, and when; nobody where no change says so."""
    for change in reversed(changes):
        for item in items(change, "items"):
            if item.get("field") == "status" and str(item.get("toString")).casefold() == status.casefold():
                return _identity(change.get("author")), moment(change.get("created"))
    return NOBODY, None


def last_word(comments: Sequence[Any], by: Identity) -> str:
    """What somebody said last; empty when they said nothing."""
    said = [each for each in comments if isinstance(each, dict) and _identity(each.get("author")).id == by.id]
    return str(said[-1].get("body") or "") if said else ""


def _identity(author: Any) -> Identity:
    if not isinstance(author, dict) or not isinstance(author.get("accountId"), str):
        return NOBODY
    email = author.get("emailAddress")
    return Identity(author["accountId"], email=email if isinstance(email, str) else "")
