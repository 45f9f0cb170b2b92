"""The App, its installations and their tokens, and the log of its webhooks.

https://docs.github.com/rest/apps
"""

import json
from typing import Any

from bot.sandbox.auth import Token
from bot.sandbox.organisations import Installation
from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import not_found
from bot.sandbox.shapes import apps as shapes
from bot.sandbox.shapes.common import when
from bot.sandbox.shapes.repositories import repository
from bot.sandbox.webhooks import Delivery


@route("GET", "/app", as_app=True)
def show(call: Call) -> Answer:
    """The App."""
    living = sum(not each.deleted for each in call.world.installations.values())
    return Answer(200, {**shapes.app(call.world), "installations_count": living})


@route("GET", "/app/installations", as_app=True)
def installations(call: Call) -> Answer:
    """Where the App is installed."""
    return call.paged([each for each in call.world.installations.values() if not each.deleted], shapes.installation)


@route("GET", "/app/installations/{installation_id}", as_app=True)
def installation(call: Call) -> Answer:
    """One of them."""
    return Answer(200, shapes.installation(_installation(call)))


@route("POST", "/app/installations/{installation_id}/access_tokens", as_app=True)
def access_token(call: Call) -> Answer:
    """A token of an installation."""
    token = call.github.tokens.grant(_installation(call), call.body)
    body: dict[str, Any] = {
        "token": token.text,
        "expires_at": when(token.expires_at),
        "permissions": dict(token.permissions),
        "repository_selection": _selection(token),
    }
    if token.repository_ids is not None:
        body["repositories"] = [repository(call.world.repositories[each]) for each in sorted(token.repository_ids)]
    return Answer(201, body)


def _selection(token: Token) -> str:
    return "all" if token.repository_ids is None else "selected"


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.deleted:
        raise not_found()
    return found


@route("GET", "/repos/{owner}/{repo}/installation", as_app=True)
def of_repository(call: Call) -> Answer:
    """The installation that can see a repository."""
    found = call.world.repository(call.params["owner"], call.params["repo"])
    there = found.organisation.installation if found is not None and found.organisation is not None else None
    if there is None or there.deleted:
        raise not_found()
    return Answer(200, shapes.installation(there))


@route("GET", "/installation/repositories", "metadata:read")
def repositories(call: Call) -> Answer:
    """What the token can see."""
    token = call.installation_token
    seen = [each for each in token.installation.repositories if token.sees(each)]
    answer = call.paged(seen, repository, key="repositories")
    return Answer(200, {**answer.body, "repository_selection": _selection(token)}, answer.headers)


@route("GET", "/app/hook/deliveries", as_app=True)
def deliveries(call: Call) -> Answer:
    """The log of webhooks, the latest first."""
    log = [each for each in reversed(call.github.deliveries) if each.status is not None]
    wanted = call.query.get("status")
    if wanted is not None:
        log = [each for each in log if each.failed == (wanted == "failure")]
    if cursor := call.query.get("cursor", ""):
        last = int(cursor.removeprefix("v1_")) if cursor.removeprefix("v1_").isdecimal() else 0
        log = [each for each in log if each.id < last]
    asked = call.query.get("per_page", "30")
    per_page = min(100, max(1, int(asked))) if asked.isdecimal() else 30
    shown, more = log[:per_page], log[per_page:]
    headers = {"Link": call.link("next", cursor=f"v1_{shown[-1].id}")} if more else {}
    return Answer(200, [_item(each) for each in shown], headers)


@route("GET", "/app/hook/deliveries/{delivery_id}", as_app=True)
def delivery(call: Call) -> Answer:
    """One delivery, with what was sent."""
    one = _delivery(call)
    body = {
        **_item(one),
        "url": one.url,
        "request": {"headers": dict(one.headers), "payload": json.loads(one.payload)},
        "response": {"headers": {}, "payload": one.answer or None},
    }
    return Answer(200, body)


@route("POST", "/app/hook/deliveries/{delivery_id}/attempts", as_app=True)
def redeliver(call: Call) -> Answer:
    """Send it again."""
    call.github.webhooks.redeliver(_delivery(call))
    return Answer(202, {})


def _delivery(call: Call) -> Delivery:
    number = call.number("delivery_id")
    for one in call.github.deliveries:
        if one.id == number:
            return one
    raise not_found()


def _item(one: Delivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": when(one.delivered_at),
        "redelivery": one.redelivery,
        "duration": one.duration,
        "status": one.status,
        "status_code": one.status_code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation_id,
        "repository_id": one.repository_id,
        "throttled_at": None,
    }
