"""The operations of an instance's REST API: Change Management, and reading of a few tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.servicenow import shapes
from bot.sandbox.servicenow.instance import Instance
from bot.sandbox.servicenow.query import page, select
from bot.sandbox.servicenow.records import Change
from bot.sandbox.servicenow.rules import Denied
from bot.sandbox.vendor import Answer, Asked


@dataclass(frozen=True, slots=True)
class Call:
    """A request of somebody who may ask. ``as_list``: a record is answered as a list of one."""

    instance: Instance
    asked: Asked
    names: Mapping[str, str]
    strict: bool
    as_list: bool
    url: str

    @property
    def change(self) -> Change:
        """The change of the path."""
        return self.instance.change(self.names["sys_id"])

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the body, as texts."""
        return {name: _text(value) for name, value in self.asked.json.items()}

    def record(self, found: Change, ignored: Sequence[str] = (), *, typed: bool = False) -> Answer:
        """One change as the answer."""
        shape = shapes.change(self.instance, found, typed=typed)
        if ignored:
            shape["__meta"] = {"ignoredFields": list(ignored)}
        return Answer(200, {"result": [shape] if self.as_list else shape})


Handler = Callable[[Call], Answer]
ROUTES: list[tuple[str, str, re.Pattern[str], Handler]] = []
"""Method, template as the OpenAPI document has it, expression, and who answers."""


def _route(method: str, template: str) -> Callable[[Handler], Handler]:
    # The version may be left out of an address there.
    pattern = re.sub(r"\{\w+\}", r"([^/]+)", template).replace("/v1/", "/(?:v1/)?").replace("/v2/", "/(?:v2/)?")

    def add(handler: Handler) -> Handler:
        ROUTES.append((method, template, re.compile(pattern), handler))
        return handler

    return add


def find(method: str, path: str) -> tuple[str, Mapping[str, str], Handler]:
    """The operation of a request: its template, what stands in the places of that, and who answers.

    Raises:
        Denied: there is none.

    """
    for known, template, pattern, handler in ROUTES:
        found = pattern.fullmatch(path)
        if known == method and found is not None:
            names = re.findall(r"\{(\w+)\}", template)
            return template, dict(zip(names, found.groups(), strict=True)), handler
    raise Denied(400, "Requested URI does not represent any resource", path)


CHANGE = "/api/sn_chg_rest/v1/change"


@_route("GET", CHANGE)
def _list(call: Call) -> Answer:
    found = _changes(call)
    return Answer(200, {"result": [shapes.change(call.instance, each, typed=True) for each in found]})


@_route("POST", CHANGE + "/normal")
def _normal(call: Call) -> Answer:
    return call.record(*call.instance.create("normal", call.fields, call.instance.account))


@_route("POST", CHANGE + "/emergency")
def _emergency(call: Call) -> Answer:
    return call.record(*call.instance.create("emergency", call.fields, call.instance.account))


@_route("POST", CHANGE + "/standard/{standard_change_template_id}")
def _standard(call: Call) -> Answer:
    template = call.names["standard_change_template_id"]
    return call.record(*call.instance.create("standard", call.fields, call.instance.account, template))


@_route("GET", CHANGE + "/{sys_id}")
def _read(call: Call) -> Answer:
    return call.record(call.change, typed=True)


@_route("PATCH", CHANGE + "/{sys_id}")
def _write(call: Call) -> Answer:
    change = call.change
    return call.record(change, call.instance.write(change, call.fields, call.instance.account))


@_route("GET", CHANGE + "/{change_sys_id}/nextstates")
def _next_states(call: Call) -> Answer:
    change = call.instance.change(call.names["change_sys_id"])
    return Answer(200, {"result": shapes.next_states(call.instance, change)})


@_route("GET", CHANGE + "/{sys_id}/conflict")
def _conflicts(call: Call) -> Answer:
    answer = Answer(200, {"result": shapes.conflicts(call.instance, call.change)})
    call.change.check.looks -= 1
    return answer


@_route("POST", CHANGE + "/{sys_id}/conflict")
def _check_conflicts(call: Call) -> Answer:
    return Answer(200, {"result": call.instance.check_conflicts(call.change)})


@_route("GET", "/api/now/v2/table/{tableName}")
def _table(call: Call) -> Answer:
    table, query, instance = call.names["tableName"], call.asked.query, call.instance
    if table == "change_request":
        return _list(call)
    rows = _rows(instance, table)
    known = {name for row in rows for name in row} | {"sys_id", "sysapproval", "email", "name", "user_name"}
    found = select(
        rows,
        query.get("sysparm_query", "").replace("javascript:gs.getUserID()", instance.account.sys_id),
        lambda row, name: _text(row.get(name)),
        lambda name: name in known - instance.hidden,
        strict=call.strict,
    )
    limited = page(found, query.get("sysparm_limit"), query.get("sysparm_offset"), usual=10_000)
    wanted = query["sysparm_fields"].split(",") if "sysparm_fields" in query else sorted(known)
    shown = [name for name in wanted if name not in instance.hidden]
    return Answer(200, {"result": [{name: row[name] for name in shown if name in row} for row in limited]})


@_route("PATCH", "/api/now/v2/table/{tableName}/{sys_id}")
def _write_row(call: Call) -> Answer:
    if call.names["tableName"] != "sysapproval_approver":
        raise Denied(403, "Operation Failed", "ACL Exception Update Failed due to security constraints")
    approval = call.instance.write_approval(call.names["sys_id"], call.fields, call.instance.account)
    return Answer(200, {"result": {"sys_id": approval.sys_id, "state": approval.state, "comments": ""}})


def _rows(instance: Instance, table: str) -> list[dict[str, Any]]:
    """The rows of a table, with fields of what they refer to under names with dots."""
    match table:
        case "sysapproval_approver":
            return [
                {name: shapes.approval_field(change, each, name) for name in shapes.APPROVAL_FIELDS}
                for change in instance.changes.values()
                for each in change.approvals
            ]
        case "sys_user":
            return [
                {"sys_id": each.sys_id, "user_name": each.user_name, "email": each.email, "name": each.name}
                for each in instance.people.values()
            ]
        case "sys_user_group":
            return [{"sys_id": each.sys_id, "name": each.name} for each in instance.groups.values()]
        case "cmdb_ci":
            return [{"sys_id": each.sys_id, "name": each.name} for each in instance.items.values()]
        case "std_change_producer_version":
            return [
                {"sys_id": version, "std_change_producer": {"value": template}}
                for version, template in instance.versions.items()
            ]
        case _:
            raise Denied(400, f"Invalid table {table}")


def _changes(call: Call) -> list[Change]:
    query, instance = call.asked.query, call.instance
    found = select(
        list(instance.changes.values()),
        query.get("sysparm_query", ""),
        lambda change, name: change.values.get(name),
        lambda name: name in instance.columns - instance.hidden,
        strict=call.strict,
    )
    return page(found, query.get("sysparm_limit"), query.get("sysparm_offset"), usual=500)


def _text(value: Any) -> str:
    """A value of JSON as a column takes it."""
    if isinstance(value, dict):
        return _text(value.get("value"))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
