"""GitHub's REST API: the operations that an App like this one uses."""

from bot.sandbox.rest import apps, checks, comments, contents, deployments, organisations, pulls, repositories
from bot.sandbox.rest.routing import ROUTES, Answer, Call, Moved, Route

__all__ = [
    "ROUTES",
    "Answer",
    "Call",
    "Moved",
    "Route",
    "apps",
    "checks",
    "comments",
    "contents",
    "deployments",
    "organisations",
    "pulls",
    "repositories",
]
