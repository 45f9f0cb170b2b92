"""Who may ask what: tokens, what they are narrowed to, and how the App itself proves to be the App."""

from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox.rest import ROUTES
from tests.contract.asking import Client, Watch
from tests.contract.story import PERMISSIONS, House

SHOP = "/repos/house/shop"
PULLS = 'query { repository(owner: "house", name: "shop") { name pullRequests(first: 1) { totalCount } } }'
TEAM = 'query { organization(login: "house") { team(slug: "reviewers") { slug } } }'
NAME = 'query { repository(owner: "house", name: "shop") { name } }'


# Tokens.


async def test_a_token_ends_after_an_hour(client: Client, watch: Watch) -> None:
    watch.forward(minutes=59)
    assert (await client.ask("GET", SHOP)).status == 200
    watch.forward(minutes=1)
    expired = await client.ask("GET", SHOP)
    assert (expired.status, expired.message) == (401, "Bad credentials")
    assert (await client.query(NAME)).status == 401


async def test_a_token_ends_when_it_is_revoked(client: Client) -> None:
    client.github.tokens.revoke_all()
    assert (await client.ask("GET", SHOP)).status == 401


async def test_a_token_ends_with_its_installation(client: Client, house: House) -> None:
    house.organisation.suspend()
    suspended = await client.ask("GET", SHOP)
    assert (suspended.status, suspended.message) == (403, "This installation has been suspended")
    tokens = f"/app/installations/{house.organisation.installation_id}/access_tokens"
    assert (await client.as_app().ask("POST", tokens)).status == 403
    house.organisation.unsuspend()
    assert (await client.ask("GET", SHOP)).status == 200
    house.organisation.uninstall()
    assert (await client.ask("GET", SHOP)).status == 401
    assert (await client.as_app().ask("POST", tokens)).status == 404
    assert (await client.as_app().ask("GET", "/app/installations")).body == []
    assert (await client.as_app().ask("GET", f"{SHOP}/installation")).status == 404
    assert (await client.as_app().ask("GET", "/app")).body["installations_count"] == 0


async def test_a_token_is_long_and_of_no_length_to_rely_on(client: Client) -> None:
    tokens = f"/app/installations/{client.github.organisation('house').installation_id}/access_tokens"
    answer = await client.as_app().ask("POST", tokens)
    assert answer.status == 201
    assert answer.body["token"].startswith(f"ghs_{client.github.app_id}_")
    assert len(answer.body["token"]) > 500
    assert answer.body["expires_at"] == "2026-03-02T10:00:00Z"


async def test_a_token_is_not_given_for_more_than_was_granted(client: Client, house: House) -> None:
    tokens = f"/app/installations/{house.organisation.installation_id}/access_tokens"
    app = client.as_app()
    for asked in (
        {"permissions": {"administration": "write"}},
        {"permissions": {"workflows": "write"}},
        {"permissions": {"members": "write"}},
        {"permissions": {"contents": "all"}},
        {"repositories": ["shop", "elsewhere"]},
        {"repository_ids": [1]},
    ):
        assert (await app.ask("POST", tokens, asked)).status == 422
    narrow = await app.ask("POST", tokens, {"permissions": {"contents": "read"}, "repositories": ["shop"]})
    assert narrow.body["permissions"] == {"contents": "read", "metadata": "read"}
    assert [each["name"] for each in narrow.body["repositories"]] == ["shop"]


# Permissions.


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if each.needs], ids=lambda each: f"{each.method} {each.template}"
)
async def test_every_operation_needs_its_permission(client: Client, house: House, route: Any) -> None:
    """Without it the answer is 403, whatever stands in the path; the App's own JWT finds nothing."""
    path = route.template.replace("{owner}", "house").replace("{repo}", "shop").replace("{org}", "house")
    path = path.replace("{username}", "ann").replace("{", "").replace("}", "")
    keys = {key for key, _ in route.needs}
    others = {key: level for key, level in PERMISSIONS.items() if key not in keys}
    if keys != {"metadata"}:
        refused = await client.narrowed(house.organisation, permissions=others).ask(route.method, path, {})
        assert (refused.status, refused.message) == (403, "Resource not accessible by integration")
    if any(level == "write" for _, level in route.needs):
        lower = {key: "read" if key in keys else level for key, level in PERMISSIONS.items()}
        refused = await client.narrowed(house.organisation, permissions=lower).ask(route.method, path, {})
        assert (refused.status, refused.message) == (403, "Resource not accessible by integration")
    assert (await client.as_app().ask(route.method, path, {})).status == 404


@pytest.mark.parametrize(
    "route", [each for each in ROUTES if each.as_app], ids=lambda each: f"{each.method} {each.template}"
)
async def test_what_the_app_asks_is_closed_to_its_installations(client: Client, route: Any) -> None:
    path = route.template.replace("{", "").replace("}", "")
    refused = await client.ask(route.method, path, {})
    assert (refused.status, refused.message) == (401, "A JSON web token could not be decoded")


async def test_either_of_two_permissions_opens_the_conversation(client: Client, house: House) -> None:
    there = f"{SHOP}/issues/{house.pull.number}/comments"
    for key in ("issues", "pull_requests"):
        one = client.narrowed(house.organisation, permissions={key: "write"})
        assert (await one.ask("POST", there, {"body": key})).status == 201


async def test_a_token_for_some_repositories_does_not_find_the_others(client: Client, house: House) -> None:
    narrow = client.narrowed(house.organisation, repository_ids=[house.queued.id])
    assert (await narrow.ask("GET", "/repos/house/queued")).status == 200
    assert (await narrow.ask("GET", SHOP)).status == 404
    assert (await narrow.ask("GET", f"/repositories/{house.repository.id}")).status == 404
    seen = (await narrow.ask("GET", "/installation/repositories")).body
    assert ([each["name"] for each in seen["repositories"]], seen["repository_selection"]) == (["queued"], "selected")
    assert (await narrow.query(NAME)).problems() == ["NOT_FOUND"]
    listed = await narrow.query('query { organization(login: "house") { repositories(first: 9) { nodes { name } } } }')
    assert listed.body["data"]["organization"]["repositories"]["nodes"] == [{"name": "queued"}]


async def test_a_token_does_not_open_another_organisation(client: Client) -> None:
    other = client.github.organisation("other")
    other.repository("theirs")
    assert (await client.ask("GET", "/repos/other/theirs")).status == 404
    assert (await client.ask("GET", "/orgs/other/teams")).status == 404
    assert (await client.query('query { organization(login: "other") { login } }')).problems() == ["NOT_FOUND"]
    assert (await client.query('query { repository(owner: "other", name: "theirs") { name } }')).problems() == [
        "NOT_FOUND"
    ]
    assert (await client.query('query { repositoryOwner(login: "other") { login } }')).body == {
        "data": {"repositoryOwner": None}
    }


async def test_a_query_needs_the_permissions_of_what_it_asks(client: Client, house: House) -> None:
    nothing = client.narrowed(house.organisation, permissions={"checks": "read"})
    assert (await nothing.query(NAME)).body == {"data": {"repository": {"name": "shop"}}}
    for query in (PULLS, TEAM):
        assert (await client.query(query)).problems() == []
        answer = await nothing.query(query)
        assert (answer.status, answer.problems()) == (200, ["FORBIDDEN"])


# The App itself.


async def test_the_app_may_use_its_number_or_its_client_id(client: Client) -> None:
    assert (await client.as_app().ask("GET", "/app")).body["id"] == client.github.app_id
    assert (await client.as_app(iss=client.github.world.app.client_id).ask("GET", "/app")).status == 200


@pytest.mark.parametrize(
    ("minutes", "message"),
    [
        ({"exp": 12}, "'Expiration time' claim ('exp') is too far in the future"),
        ({"exp": 0}, "'Expiration time' claim ('exp') must be a numeric value in the future"),
        ({"exp": -30, "iat": -40}, "'Expiration time' claim ('exp') must be a numeric value in the future"),
        ({"iat": 2}, "'Issued at' claim ('iat') must be an Integer in the past"),
    ],
    ids=["too long-lived", "just ended", "too old", "of the future"],
)
async def test_a_jwt_lives_for_ten_minutes(client: Client, watch: Watch, minutes: dict[str, int], message: str) -> None:
    moments = {claim: int((watch.now + timedelta(minutes=by)).timestamp()) for claim, by in minutes.items()}
    refused = await client.as_app(**moments).ask("GET", "/app")
    assert (refused.status, refused.message) == (401, message)


async def test_a_jwt_grows_old(client: Client, watch: Watch) -> None:
    app = client.as_app()
    watch.forward(minutes=8)
    assert (await app.ask("GET", "/app")).status == 200
    watch.forward(minutes=2)
    assert (await app.ask("GET", "/app")).status == 401


async def test_a_jwt_of_another_app_is_not_ours(client: Client) -> None:
    refused = await client.as_app(iss="7").ask("GET", "/app")
    assert (refused.status, refused.message) == (401, "Integration must generate a public key")


async def test_a_jwt_is_signed_by_the_apps_key(client: Client, watch: Watch) -> None:
    claims = {
        "iss": str(client.github.app_id),
        "iat": int(watch.now.timestamp()),
        "exp": int(watch.now.timestamp()) + 60,
    }
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims, stranger, algorithm="RS256")
    unsigned = jwt.encode(claims, "", algorithm="none")
    for token in (forged, unsigned, "nonsense"):
        refused = await client.using(token).ask("GET", "/app")
        assert (refused.status, refused.message) == (401, "A JSON web token could not be decoded")


async def test_who_does_not_say_who_they_are_is_nobody(client: Client) -> None:
    for authorization in ("", "Basic YTpi", "Bearer", "Bearer ghs_unknown"):
        anonymous = Client(client.github, client.session, authorization)
        assert (await anonymous.ask("GET", SHOP)).status == 401
        assert (await anonymous.query(NAME)).status == 401


async def test_a_jwt_does_not_ask_queries(client: Client) -> None:
    refused = await client.as_app().query(NAME)
    assert (refused.status, refused.message) == (401, "A JSON web token cannot be used here")
    assert (await client.as_app().ask("GET", "/rate_limit")).status == 401


# Requests.


async def test_a_request_says_which_program_it_is_and_a_version_that_there_is(client: Client) -> None:
    assert (await client.ask("GET", SHOP, headers={"User-Agent": ""})).status == 403
    refused = await client.ask("GET", SHOP, headers={"X-GitHub-Api-Version": "2020-01-01"})
    assert (refused.status, refused.message) == (400, "2020-01-01 is not a supported version of the API")
    assert (await client.ask("GET", SHOP, headers={"X-GitHub-Api-Version": "2022-11-28"})).status == 200


async def test_a_body_is_a_json_object(client: Client, house: House) -> None:
    for raw in (b"{", b"[1]", b'"text"'):
        assert (await client.ask("POST", f"{SHOP}/check-runs", raw=raw)).status == 400
        assert (await client.ask("POST", "/graphql", raw=raw)).status == 400


async def test_operations_that_are_not_there_are_remembered(client: Client) -> None:
    assert (await client.ask("GET", "/repos/house/shop/forks")).status == 404
    assert (await client.ask("DELETE", "/repos/house/shop")).status == 404
    assert client.github.unknown_routes == ["GET /repos/house/shop/forks", "DELETE /repos/house/shop"]


# Names.


async def test_a_name_of_old_leads_to_the_repository(client: Client, house: House) -> None:
    house.repository.rename("store")
    api, number = client.github.api_url, house.repository.id
    read = await client.ask("GET", f"{SHOP}/pulls/{house.pull.number}")
    assert (read.status, read.headers["Location"]) == (301, f"{api}/repositories/{number}/pulls/{house.pull.number}")
    whole = await client.ask("GET", SHOP)
    assert (whole.status, whole.headers["Location"]) == (301, f"{api}/repositories/{number}")
    run = {"name": "control", "head_sha": house.pull.head_sha}
    written = await client.ask("POST", f"{SHOP}/check-runs", run)
    assert (written.status, written.headers["Location"]) == (307, f"{api}/repositories/{number}/check-runs")
    assert house.repository.check_runs == []
    assert (await client.ask("GET", read.headers["Location"])).body["number"] == house.pull.number
    assert (await client.ask("POST", written.headers["Location"], run)).status == 201
    assert (await client.ask("GET", "/repos/house/store")).body["full_name"] == "house/store"
    assert (await client.ask("GET", "/repos/HOUSE/Store")).status == 200


async def test_the_name_of_the_organisation_can_be_written_in_any_way(client: Client) -> None:
    assert (await client.ask("GET", "/orgs/House/teams")).status == 200
