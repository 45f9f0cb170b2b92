"""Teams, their members, and the limits of the one who asks.

https://docs.github.com/rest/teams
"""

from bot.sandbox.organisations import Organisation, Team
from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import not_found
from bot.sandbox.shapes import accounts as shapes


@route("GET", "/orgs/{org}/teams", "members:read")
def teams(call: Call) -> Answer:
    """The teams of the organisation."""
    return call.paged(list(_organisation(call).teams.values()), shapes.team)


@route("GET", "/orgs/{org}/teams/{team_slug}", "members:read")
def team(call: Call) -> Answer:
    """A team."""
    found = _team(call)
    opened = sum(found in each.access for each in found.organisation.repositories.values())
    return Answer(200, shapes.team_full(found, repositories=opened))


@route("GET", "/orgs/{org}/teams/{team_slug}/members", "members:read")
def members(call: Call) -> Answer:
    """Everybody in a team, and in the teams below it."""
    people = {who: None for each in _team(call).family() for who in each.members}
    return call.paged(list(people), lambda who: shapes.user(call.world, who))


@route("GET", "/rate_limit")
def rate_limit(call: Call) -> Answer:
    """What is left; asking costs nothing. A server without limits says that it has none."""
    told = call.github.allowances(call)
    if told is None:
        raise not_found()
    return Answer(200, told)


def _organisation(call: Call) -> Organisation:
    organisation = call.installation_token.installation.organisation
    if organisation.login.lower() != call.params["org"].lower():
        raise not_found()
    return organisation


def _team(call: Call) -> Team:
    found = _organisation(call).teams.get(call.params["team_slug"])
    if found is None:
        raise not_found()
    return found
