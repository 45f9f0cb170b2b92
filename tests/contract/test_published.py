"""What GitHub has published of itself: OpenAPI for every exchange and webhook, the GraphQL schema for every query."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from importlib.resources import files

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

from bot.github.queries import document
from bot.sandbox import Fault, SimulatedGitHub
from bot.sandbox.graphql import schema
from bot.sandbox.http import Exchange
from bot.sandbox.rehearsal import rehearsal
from bot.sandbox.rest import ROUTES
from tests.contract.asking import Client
from tests.contract.published import CLOUD, SERVER, Description, description, graphql_schema
from tests.contract.story import SECRET, House, Record
from tests.scenarios.bank import Bank, shown

QUERIES = sorted(
    each.name.removesuffix(".graphql")
    for each in files("bot.github.queries").iterdir()
    if each.name.endswith(".graphql") and each.name != "fragments.graphql"
)


@pytest.fixture(params=[(CLOUD, "cloud"), (SERVER, "server")], ids=[CLOUD, SERVER])
def story(request: pytest.FixtureRequest) -> tuple[Description, Record]:
    """GitHub's description, and the story as told on a GitHub of that kind."""
    name, record = request.param
    return description(name), request.getfixturevalue(record)


def faults_of(published: Description, exchange: Exchange) -> Iterator[str]:
    """What is wrong with a request or its answer."""
    where = (exchange.method, exchange.template)
    yield from published.faults_of_request(*where, exchange.sent)
    yield from (f"{name} is no parameter" for name in published.unknown_parameters(*where, exchange.query))
    yield from published.faults_of_query(*where, exchange.query)
    yield from published.faults_of_answer(*where, exchange.status, exchange.answered)


def test_every_exchange_is_as_described(story: tuple[Description, Record]) -> None:
    published, record = story
    for exchange in record.exchanges:
        assert list(faults_of(published, exchange)) == [], f"{exchange.method} {exchange.template}"


def test_every_webhook_is_as_described(story: tuple[Description, Record]) -> None:
    published, record = story
    for event, payload in record.webhooks:
        assert published.faults_of_webhook(event, payload) == [], f"{event} {payload.get('action')}"


def test_every_route_is_an_operation_of_both() -> None:
    for route in ROUTES:
        for name in (CLOUD, SERVER):
            assert description(name).operation(route.method, route.template)["responses"]


def test_what_github_does_not_describe_is_found() -> None:
    published = description(CLOUD)
    run = ("POST", "/repos/{owner}/{repo}/check-runs")
    assert published.faults_of_request(*run, {"name": "control", "head_sha": "0" * 40}) == []
    assert published.faults_of_request(*run, {"name": "control", "head_sha": "0" * 40, "colour": "red"})
    assert published.faults_of_request(*run, {"name": "control"})
    assert published.faults_of_request(*run, None)
    assert published.faults_of_request("GET", "/app", {"name": "control"})
    assert published.faults_of_request("POST", "/app/installations/{installation_id}/access_tokens", {}) == []
    assert published.faults_of_answer(*run, 200, {}) == ["never answers 200"]
    assert published.faults_of_answer("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/merge", 204, {})
    assert published.faults_of_answer("GET", "/repos/{owner}/{repo}", 404, {"message": "Not Found"}) == []
    assert published.faults_of_webhook("pull_request", {"action": "painted"}) == ["pull-request-painted is never sent"]
    assert published.unknown_parameters("GET", "/app/installations", {"pages": "2", "page": "2"}) == {"pages"}
    assert published.faults_of_query("GET", "/app/installations", {"page": "two"})
    with pytest.raises(LookupError):
        published.operation("PATCH", "/app")


@dataclass(slots=True)
class Heard:
    """What a Countersign at work asked, and what it was sent."""

    rest: list[Exchange] = field(default_factory=list)
    graphql: list[Exchange] = field(default_factory=list)


@pytest.fixture(params=[CLOUD, SERVER])
async def at_work(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[tuple[str, Heard]]:
    """Countersign through a small day, whole and unchanged."""
    heard = Heard()
    async with SimulatedGitHub.start(webhook_secret=SECRET, ghes=request.param == SERVER) as github:
        github.watchers.append(
            lambda exchange: (heard.graphql if exchange.template == "/graphql" else heard.rest).append(exchange)
        )
        async with rehearsal(github, database_url, SECRET) as running:
            bank = Bank.found(github)
            github.webhooks.swallow(lambda each: each.event == "push" and b'"ref":"refs/heads/' in each.payload)
            pull = bank.change()
            github.faults.add(Fault("POST .*/check-runs$", "cut-after"))
            github.faults.add(Fault("POST .*/issues/[0-9]+/comments$", "cut-after"))
            await running.settle()
            pull.review(by=bank.bob, state="APPROVED")
            pull.review(by=bank.carol, state="APPROVED")
            asked = pull.comment(by=bank.bob, body="/explain")
            await running.settle()
            pull.push(by=bank.alice, files={"ledger.py": "balance = 2\n"})
            pull.comment(by=bank.bob, body="/nonsense")
            pull.review(by=bank.bob, state="APPROVED")
            pull.review(by=bank.carol, state="APPROVED")
            await running.settle()
            pull.check("change-control").press("recheck", by=bank.alice)
            await running.settle()
            assert shown(pull)[0] == "success"
            rules = bank.ledger.ruleset("main", by=bank.erin, checks=["change-control"])
            rules.enforce("disabled", by=bank.erin)
            bank.ledger.report_as(
                github.world.other_app("helpful"), "change-control", pull.head_sha, conclusion="neutral"
            )
            stray = bank.ledger.push("main", by=bank.erin, files={"stray.py": "1\n"})
            bank.ledger.tag("v1", stray.oid, by=bank.erin, annotated=True)
            pull.update_branch(by=bank.alice)
            pull.comment(by=bank.bob, body=f"/disown {pull.head_sha[:10]}")
            await running.settle()
            assert [each.content for each in asked.reactions] == ["eyes", "+1"]
            assert not github.unknown_routes
        yield request.param, heard


async def test_countersign_asks_only_what_github_describes(at_work: tuple[str, Heard]) -> None:
    name, heard = at_work
    assert {(each.method, each.template) for each in heard.rest} >= {
        ("POST", "/repos/{owner}/{repo}/check-runs"),
        ("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}"),
        ("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
        ("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
        ("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
        ("POST", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions"),
        ("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission"),
        ("GET", "/repos/{owner}/{repo}/compare/{basehead}"),
        ("GET", "/repos/{owner}/{repo}/activity"),
        ("GET", "/app/hook/deliveries"),
        ("GET", "/app/installations"),
        ("POST", "/app/installations/{installation_id}/access_tokens"),
    }
    for exchange in heard.rest:
        assert list(faults_of(description(name), exchange)) == [], f"{exchange.method} {exchange.template}"
    operations = {each.sent["query"].partition("(")[0] for each in heard.graphql}
    assert operations >= {"query PullRequest", "query Branch", "query Tag", "query Comment"}
    for exchange in heard.graphql:
        assert validate(graphql_schema(), parse(exchange.sent["query"])) == []
        assert "errors" not in exchange.answered


async def test_every_refusal_is_as_described(client: Client, house: House) -> None:
    seen: list[Exchange] = []
    client.github.watchers.append(seen.append)
    where = "/repos/house/shop"
    own = house.repository.open_pull_request(by=client.github.world.app.account, title="Own", files={"own.txt": "1\n"})
    await client.ask("POST", f"{where}/check-runs", {"name": "x", "head_sha": "0" * 40})
    await client.ask("GET", "/repos/house/nowhere")
    await client.ask("POST", f"{where}/pulls/{own.number}/reviews", {"event": "APPROVE"})
    await client.ask("POST", f"{where}/issues/{own.number}/comments", {"body": ""})
    await client.ask("PUT", f"{where}/pulls/{house.merged.number}/merge", {})
    await client.ask("PUT", f"{where}/pulls/{house.pull.number}/merge", {"sha": "0" * 40})
    await client.ask("GET", f"{where}/pulls/{house.pull.number}/merge")
    await client.ask("GET", f"{where}/compare/main...nowhere")
    await client.ask("GET", "/users/nobody")
    await client.ask("GET", "/repos/house/nowhere/collaborators")
    await client.ask("GET", "/repos/house/nowhere/properties/values")
    await client.ask("GET", f"{where}/commits/nowhere")
    assert [each.status for each in seen] == [422, 404, 422, 422, 405, 409, 404, 404, 404, 404, 404, 422]
    published = description(CLOUD)
    described = [each for each in seen if each.template != "/repos/{owner}/{repo}/check-runs"]
    for each in described:
        answer = (each.method, each.template, each.status, each.answered)
        assert published.faults_of_answer(*answer) == [], f"{each.status} of {each.method} {each.template}"


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_valid_on_github(name: str) -> None:
    assert validate(graphql_schema(), parse(document(name))) == []


def test_the_simulated_schema_is_a_part_of_githubs() -> None:
    real = graphql_schema()
    found = [
        fault
        for name, simulated in schema().type_map.items()
        if not name.startswith("__")
        for fault in _not_in(simulated, real.type_map.get(name))
    ]
    assert found == []
    assert len(schema().type_map) > 50


def test_a_schema_that_is_no_part_is_found() -> None:
    real, simulated = graphql_schema().type_map, schema().type_map
    assert list(_not_in(simulated["Team"], None)) == ["Team is not there"]
    assert list(_not_in(simulated["Team"], real["TeamPrivacy"]))
    assert "Label.slug is not there" in list(_not_in(simulated["Team"], real["Label"]))
    assert list(_not_in(simulated["OrderDirection"], real["IssueOrderField"]))


def _not_in(simulated: GraphQLNamedType, real: GraphQLNamedType | None) -> Iterator[str]:
    """Where a type is not a part of GitHub's type of the same name."""
    if real is None:
        yield f"{simulated.name} is not there"
        return
    if type(simulated) is not type(real):
        yield f"{real.name} is of another kind"
        return
    match simulated, real:
        case (GraphQLEnumType(), GraphQLEnumType()):
            yield from (f"{real.name}.{value} is not there" for value in simulated.values.keys() - real.values.keys())
        case (GraphQLInputObjectType(), GraphQLInputObjectType()):
            yield from _fields_not_in(simulated, real)
            missing = {name for name, each in real.fields.items() if is_required_input_field(each)}
            yield from (f"{real.name}.{name} is demanded" for name in missing - simulated.fields.keys())
        case (GraphQLObjectType() | GraphQLInterfaceType(), GraphQLObjectType() | GraphQLInterfaceType()):
            yield from _fields_not_in(simulated, real)
            names = {each.name for each in simulated.interfaces} - {each.name for each in real.interfaces}
            yield from (f"{real.name} is no {name}" for name in names)
        case (GraphQLUnionType(), GraphQLUnionType()):
            names = {each.name for each in simulated.types} - {each.name for each in real.types}
            yield from (f"{real.name} is never {name}" for name in names)


def _fields_not_in(
    simulated: GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType,
    real: GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType,
) -> Iterator[str]:
    for name, each in simulated.fields.items():
        there = real.fields.get(name)
        if there is None:
            yield f"{real.name}.{name} is not there"
            continue
        if str(each.type) != str(there.type):
            yield f"{real.name}.{name} is {there.type}, not {each.type}"
        arguments, known = getattr(each, "args", {}), getattr(there, "args", {})
        for key, argument in arguments.items():
            if key not in known or str(known[key].type) != str(argument.type):
                yield f"{real.name}.{name} has no such argument {key}"
            elif known[key].default_value != argument.default_value:
                yield f"{real.name}.{name}({key}) is {known[key].default_value} when nothing is said"
        demanded = {key for key, argument in known.items() if is_required_argument(argument)}
        yield from (f"{real.name}.{name} demands {key}" for key in demanded - arguments.keys())
