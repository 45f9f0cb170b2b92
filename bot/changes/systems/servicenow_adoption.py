"""Which change record of ServiceNow a change may take for its own, as far as the record itself says."""

import re
from collections.abc import Mapping

from bot.changes.systems import adoption
from bot.changes.systems.errors import Disagrees
from bot.changes.systems.port import ApprovalState, ChangeType, Content
from bot.changes.systems.servicenow_fields import FieldMap, Row, plain, shown
from bot.changes.systems.texts import same

NUMBER = re.compile(r"[A-Z][A-Z_-]{0,19}[0-9]{1,20}")
"""A prefix of the instance's own and a counter; nothing in it means anything inside a query."""

DECISIONS = frozenset({ApprovalState.APPROVED, ApprovalState.REJECTED})


def checked_number(number: str) -> str:
    """A number, before it becomes a part of a query.

    Raises:
        Refusal: it is none.

    """
    if not NUMBER.fullmatch(number):
        raise adoption.malformed("ServiceNow", number, "CHG0030001")
    return number


def check_free(record: Row, content: Content, wanted: Mapping[str, str], fields: FieldMap) -> None:
    """Let a record that is not this change's yet become it. Pure.

    ``wanted`` is what it is to hold, by their names, with sys_ids for what it refers to.

    Raises:
        Refusal: it is another's, of another kind, about something else, or on its way.

    """
    number = plain(record.get("number"))
    mark = fields.name("correlation_id")
    # What cannot be seen may be there.
    _check_seen(record, mark, number)
    if plain(record.get(mark)):
        raise adoption.taken("ServiceNow", number)
    if not same(fields.types[content.type], plain(record.get("type"))):
        raise adoption.different("ServiceNow", number, "type")
    for ours in ("configuration_item", "assignment_group"):
        column = fields.name(ours)
        if column and wanted.get(column):
            _check_seen(record, column, number)
            if plain(record.get(column)) not in {"", wanted[column]}:
                raise adoption.different("ServiceNow", number, ours.replace("_", " "))
    if fields.state(plain(record.get("state"))) not in adoption.UNDECIDED:
        raise adoption.further("ServiceNow", number, shown(record.get("state")))
    # A standard change was approved with its template.
    decided = fields.approvals.get(plain(record.get("approval"))) in DECISIONS
    if decided and content.type is not ChangeType.STANDARD:
        raise adoption.answered("ServiceNow", number)


def _check_seen(record: Row, column: str, number: str) -> None:
    if column not in record:
        raise Disagrees(
            f"ServiceNow does not show {column} of {number} to Countersign.",
            remedy="An administrator there checks that the field exists and that Countersign's account can read it.",
        )
