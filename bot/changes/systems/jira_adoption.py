"""Which request of Jira a change may take for its own, as far as the request itself says."""

import re
from collections.abc import Mapping
from typing import Any

from bot.changes.systems import adoption
from bot.changes.systems.jira_fields import LABEL, JiraMap, holds, items, text

KEY = re.compile(r"[A-Z][A-Z0-9_]{1,29}-[1-9][0-9]{0,17}")
"""A project's key and a counter; nothing in it means anything inside an address."""

TELLING = {"type": "type", "configuration_item": "configuration item", "assignment_group": "assignment group"}
"""The parts by which a request is of another kind, or somebody else's, where the site has fields for them."""


def checked_key(key: str) -> str:
    """A key, before it becomes a part of an address.

    Raises:
        Refusal: it is none.

    """
    if not KEY.fullmatch(key):
        raise adoption.malformed("Jira", key, "CM-12")
    return key


def is_another_s(labels: list[str], label: str) -> bool:
    """Whether one of the labels ties the request to another change than ``label`` does."""
    return any(each.startswith(LABEL) and each != label for each in labels)


def check_free(issue: Mapping[str, Any], wanted: Mapping[str, Any], fields: JiraMap) -> None:
    """Let a request that is not this change's yet become it, as far as its fields are concerned. Pure.

    ``wanted`` is what it is to hold, by the names of the site.

    Raises:
        Refusal: it is of another kind, about something else, or on its way.
        Unanswered: its labels cannot be seen, and with them, whose it is.

    """
    items(issue["fields"], "labels")
    key, status = text(issue, "key"), text(issue, "fields", "status", "name")
    for ours, called in TELLING.items():
        name = fields.names.get(ours, "")
        sent, there = wanted.get(name), issue["fields"].get(name)
        if sent and there and not holds(sent, there):
            raise adoption.different("Jira", key, called)
    if fields.state(status) not in adoption.UNDECIDED:
        raise adoption.further("Jira", key, status)
