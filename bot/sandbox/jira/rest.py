"""The operations of a site's REST API: the service desk's and the platform's, as far as changes need them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from bot.sandbox.jira.desk import CATEGORIES, Approval, Comment, Desk, Move, Refused, Request, User
from bot.sandbox.vendor import Answer, Asked

ZONE = timezone(timedelta(hours=1))
"""The site writes moments in the zone of whoever asks."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request of somebody who may ask."""

    desk: Desk
    asked: Asked
    names: tuple[str, ...]
    url: str

    @property
    def request(self) -> Request:
        """The request of the path."""
        return self.desk.request(self.names[0])

    def page(self, values: list[Any]) -> Answer:
        """A page of the service desk's lists."""
        query = self.asked.query
        start, limit = int(query.get("start", "0")), min(int(query.get("limit", "50")), 100)
        shown = values[start : start + limit]
        is_last = start + limit >= len(values)
        body = {"size": len(shown), "start": start, "limit": limit, "isLastPage": is_last, "values": shown}
        return Answer(200, {**body, "_links": {"base": f"{self.url}/rest/servicedeskapi"}})


Handler = Callable[[Call], Answer]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def _route(method: str, template: str) -> Callable[[Handler], Handler]:
    def add(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(template.replace("{}", "([^/]+)")), handler))
        return handler

    return add


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...]]:
    """Who answers, and what stands in the path.

    Raises:
        Refused: nobody.

    """
    for known, pattern, handler in ROUTES:
        found = pattern.fullmatch(path)
        if known == method and found is not None:
            return handler, found.groups()
    raise Refused(404, "null for uri: " + path)


# The service desk.


@_route("GET", "/rest/servicedeskapi/servicedesk/{}/requesttype")
def _types(call: Call) -> Answer:
    if call.names[0] != call.desk.id:
        raise Refused(404, "The Service Desk you are trying to view does not exist.")
    return call.page(
        [{"id": id_, "name": name, "serviceDeskId": call.desk.id} for id_, name in call.desk.types.items()]
    )


@_route("POST", "/rest/servicedeskapi/request")
def _create(call: Call) -> Answer:
    sent = call.asked.json
    if sent.get("serviceDeskId") != call.desk.id:
        raise Refused(404, "The Service Desk you are trying to view does not exist.")
    reporter = call.desk.account
    if "raiseOnBehalfOf" in sent:
        if sent["raiseOnBehalfOf"] not in call.desk.users:
            raise Refused(400, "The customer that the request is raised for does not exist.")
        reporter = call.desk.users[sent["raiseOnBehalfOf"]]
    kind, fields = str(sent.get("requestTypeId")), sent.get("requestFieldValues") or {}
    return Answer(201, _shape(call, call.desk.create(kind, fields, reporter, creator=call.desk.account)))


@_route("GET", "/rest/servicedeskapi/request/{}")
def _request(call: Call) -> Answer:
    if call.request.desk is None:
        raise Refused(404, "The request you are trying to view does not exist.")
    return Answer(200, _shape(call, call.request))


@_route("GET", "/rest/servicedeskapi/request/{}/approval")
def _approvals(call: Call) -> Answer:
    return call.page([_approval(call, each) for each in call.request.approvals])


@_route("GET", "/rest/servicedeskapi/request/{}/comment")
def _comments(call: Call) -> Answer:
    wanted = {name: call.asked.query.get(name, "true") == "true" for name in ("public", "internal")}
    shown = [each for each in call.request.comments if wanted["public" if each.public else "internal"]]
    return call.page([_comment(call, each) for each in shown])


@_route("POST", "/rest/servicedeskapi/request/{}/comment")
def _say(call: Call) -> Answer:
    body, public = call.asked.json.get("body"), call.asked.json.get("public", False)
    if not isinstance(body, str) or not body:
        raise Refused(400, "Comment body can not be empty!")
    made = call.desk.comment(call.request, body, call.desk.account, public=public is True)
    return Answer(201, _comment(call, made))


# The platform.


@_route("GET", "/rest/api/2/search/jql")
def _search(call: Call) -> Answer:
    query, desk = call.asked.query, call.desk
    found = re.fullmatch(r'labels = "([^"]+)"(?: ORDER BY created ASC)?', query.get("jql", ""))
    if found is None:
        raise Refused(400, "Error in the JQL Query.")
    known = set(query.get("reconcileIssues", "").split(","))
    issues = [
        _issue(call, each, query.get("fields", "id"))
        for each in desk.requests.values()
        if found.group(1) in (each.fields.get("labels", []) if str(each.id) in known else desk.labels_found(each))
    ]
    return Answer(200, {"issues": issues[: int(query.get("maxResults", "50"))], "isLast": True})


@_route("GET", "/rest/api/2/user/search")
def _users(call: Call) -> Answer:
    said = call.asked.query.get("query", "").lower()
    found = [each for each in call.desk.users.values() if each.email.lower().startswith(said)]
    return Answer(200, [_user(call, each) for each in found])


@_route("GET", "/rest/api/2/myself")
def _myself(call: Call) -> Answer:
    return Answer(200, _user(call, call.desk.account))


@_route("GET", "/rest/api/2/issue/{}")
def _read(call: Call) -> Answer:
    return Answer(200, _issue(call, call.request, call.asked.query.get("fields", "*all")))


@_route("PUT", "/rest/api/2/issue/{}")
def _edit(call: Call) -> Answer:
    fields, update = (call.asked.json.get(name) or {} for name in ("fields", "update"))
    if twice := sorted(set(fields) & set(update)):
        raise Refused(400, fields=dict.fromkeys(twice, "Field cannot be both set and updated."))
    changed = {name: _updated(call.request, name, operations) for name, operations in update.items()}
    call.desk.edit(call.request, {**fields, **changed})
    return Answer(204)


def _updated(request: Request, name: str, operations: Any) -> list[str]:
    """What a list is after one operation after another; of all that can be updated, labels are here."""
    found: list[str] = list(request.fields.get(name, []))
    for each in operations:
        match each:
            case {"add": str(label)} if name == "labels":
                found += [] if label in found else [label]
            case {"remove": str(label)} if name == "labels":
                found = [other for other in found if other != label]
            case _:
                raise Refused(400, fields={name: "Operation value is not one that the field supports."})
    return found


@_route("GET", "/rest/api/2/issue/{}/changelog")
def _changelog(call: Call) -> Answer:
    query, moves = call.asked.query, call.request.moves
    start, limit = int(query.get("startAt", "0")), min(int(query.get("maxResults", "100")), 100)
    shown = [_change(call, each) for each in moves[start : start + limit]]
    page = {"startAt": start, "maxResults": limit, "total": len(moves), "isLast": start + limit >= len(moves)}
    return Answer(200, {**page, "values": shown})


@_route("GET", "/rest/api/2/issue/{}/transitions")
def _transitions(call: Call) -> Answer:
    asked = {"resolution": {"required": False, "name": "Resolution"}} if call.desk.resolution_asked else {}
    shapes = [
        {"id": id_, "name": name, "to": _status(call, to), "isAvailable": True, "hasScreen": bool(asked)}
        | ({"fields": asked} if "fields" in call.asked.query.get("expand", "") else {})
        for id_, name, to in call.desk.transitions(call.request)
    ]
    return Answer(200, {"expand": "transitions", "transitions": shapes})


@_route("POST", "/rest/api/2/issue/{}/transitions")
def _transit(call: Call) -> Answer:
    request, sent = call.request, call.asked.json
    fields = sent.get("fields") or {}
    if set(fields) - ({"resolution"} if call.desk.resolution_asked else set()):
        raise Refused(400, fields=dict.fromkeys(fields, "cannot be set. It is not on the appropriate screen."))
    call.desk.transit(request, str((sent.get("transition") or {}).get("id")))
    request.fields |= fields
    return Answer(204)


# Shapes.


def _shape(call: Call, request: Request) -> dict[str, Any]:
    return {
        "issueId": str(request.id),
        "issueKey": request.key,
        "requestTypeId": request.type_id,
        "serviceDeskId": request.desk,
        "createdDate": _date(request.created),
        "reporter": _user(call, request.reporter),
        "currentStatus": {
            "status": request.status,
            "statusCategory": _category(request.status)[0].upper(),
            "statusDate": _date(request.updated),
        },
        "requestFieldValues": [{"fieldId": name, "value": value} for name, value in request.fields.items()],
        "_links": {"web": f"{call.url}/servicedesk/customer/portal/{request.desk}/{request.key}"},
    }


def _issue(call: Call, request: Request, wanted: str) -> dict[str, Any]:
    options = {
        name: {"self": f"{call.url}/rest/api/2/customFieldOption/1", "id": "1", **value} if _is_option(value) else value
        for name, value in request.fields.items()
    }
    fields = dict.fromkeys(call.desk.custom) | {
        "description": None,
        "labels": [],
        **{name: _moment(value) for name, value in options.items()},
        "status": _status(call, request.status),
        "creator": _user(call, request.creator),
        "created": _written(request.created),
        "updated": _written(request.updated),
    }
    names = set(wanted.split(","))
    shown = {name: value for name, value in fields.items() if name in names or "*all" in names}
    link = f"{call.url}/rest/api/2/issue/{request.id}"
    return {"expand": "", "id": str(request.id), "self": link, "key": request.key, "fields": shown}


def _is_option(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"value"}


def _moment(value: Any) -> Any:
    """A moment that was set, in the zone of whoever asks."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}", value):
        return _written(datetime.fromisoformat(value))
    return value


def _status(call: Call, name: str) -> dict[str, Any]:
    key, shown = _category(name)
    category = {"key": key, "name": shown, "self": f"{call.url}/rest/api/2/statuscategory/{key}"}
    return {"name": name, "id": str(10_000 + len(name)), "statusCategory": category}


def _category(status: str) -> tuple[str, str]:
    return CATEGORIES.get(status, ("indeterminate", "In Progress"))


def _approval(call: Call, approval: Approval) -> dict[str, Any]:
    completed = {"completedDate": _date(approval.completed)} if approval.completed else {}
    return {
        "id": str(approval.id),
        "name": approval.name,
        "finalDecision": approval.decision,
        "canAnswerApproval": call.desk.account in approval.approvers,
        "approvers": [
            {"approver": _user(call, each), "approverDecision": approval.answers.get(each.account_id, "pending")}
            for each in approval.approvers
        ],
        "createdDate": _date(approval.created),
        **completed,
    }


def _change(call: Call, move: Move) -> dict[str, Any]:
    item = {"field": "status", "fieldtype": "jira", "fieldId": "status"}
    item |= {"from": "1", "fromString": move.before, "to": "2", "toString": move.after}
    author = {"author": _user(call, move.by)} if move.by is not None else {}
    return {"id": str(move.id), **author, "created": _written(move.at), "items": [item]}


def _comment(call: Call, comment: Comment) -> dict[str, Any]:
    return {
        "id": str(comment.id),
        "body": comment.body,
        "public": comment.public,
        "author": _user(call, comment.author),
        "created": _date(comment.created),
    }


def _user(call: Call, user: User) -> dict[str, Any]:
    address: Mapping[str, str] = {} if user.private else {"emailAddress": user.email}
    link = f"{call.url}/rest/api/2/user?accountId={user.account_id}"
    return {"accountId": user.account_id, "displayName": user.name, "active": True, **address, "self": link}


def _date(moment: datetime) -> dict[str, Any]:
    local = moment.astimezone(ZONE)
    return {
        "iso8601": local.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "jira": _written(moment),
        "friendly": f"{local:%d/%b/%y %H:%M}",
        "epochMillis": int(moment.timestamp() * 1000),
    }


def _written(moment: datetime) -> str:
    local = moment.astimezone(ZONE)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"
