"""What a policy says of an instance of another system, as the client of that system wants to have it."""

from collections.abc import Mapping
from typing import TypeVar

from bot.changes.systems.jira_fields import ENDINGS, STATUSES, JiraMap
from bot.changes.systems.port import ChangeType, CloseCode, State
from bot.changes.systems.servicenow_fields import CLOSE_CODES, STATES, TYPES, FieldMap
from bot.errors import Refusal
from bot.policy.model import Records

T = TypeVar("T", State, ChangeType, CloseCode)


def servicenow_fields(records: Records) -> FieldMap:
    """The field map of a ServiceNow instance.

    Raises:
        Refusal: the policy names a field or a value that is none of ours.

    """
    values = _values(records, {"state", "type", "close_code", "template", "assignment_group"})
    own = {there: _known(State, ours) for ours, there in values.get("state", {}).items()}
    named = set(own.values())
    return FieldMap(
        names=dict(records.fields),
        # A state that the policy names has that value and no other, or the usual one would be written.
        states={**own, **{there: ours for there, ours in STATES.items() if ours not in named and there not in own}},
        types={**TYPES, **{_known(ChangeType, ours): there for ours, there in values.get("type", {}).items()}},
        close_codes={
            **CLOSE_CODES,
            **{_known(CloseCode, ours): there for ours, there in values.get("close_code", {}).items()},
        },
    )


def jira_fields(records: Records) -> JiraMap:
    """The field map of a Jira site.

    Raises:
        Refusal: the policy names a field or a value that is none of ours.

    """
    values = _values(records, {"state", "type", "request_type", "template", "close_code", "assignment_group"})
    usual = JiraMap()
    endings = {_known(CloseCode, ours): there for ours, there in values.get("close_code", {}).items()}
    return JiraMap(
        names=dict(records.fields),
        statuses={
            **STATUSES,
            # A status that ends a change is one in which it is closed.
            **dict.fromkeys(endings.values(), State.CLOSED),
            **{there: _known(State, ours) for ours, there in values.get("state", {}).items()},
        },
        options={
            **usual.options,
            **{_known(ChangeType, ours): there for ours, there in values.get("type", {}).items()},
        },
        request_types={
            **usual.request_types,
            **{_known(ChangeType, ours): there for ours, there in values.get("request_type", {}).items()},
        },
        endings={**ENDINGS, **endings},
    )


def _values(records: Records, known: set[str]) -> Mapping[str, Mapping[str, str]]:
    found = {name: dict(pairs) for name, pairs in records.values}
    if unknown := sorted(set(found) - known):
        raise Refusal(
            f"The policy maps values of {', '.join(unknown)} in `records.values`.",
            remedy=f"Values can be mapped of {', '.join(sorted(known))}.",
        )
    return found


def _known(kind: type[T], ours: str) -> T:
    try:
        return kind(ours)
    except ValueError:
        raise Refusal(
            f"The policy maps {ours!r} in `records.values`, which is none of ours.",
            remedy=f"Ours are {', '.join(each.value for each in kind)}.",
        ) from None
