"""GraphQL over the simulated organisation, with GitHub's rules about pages, points and what may be seen."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_variable_values,
    parse,
    validate,
)
from graphql import execute as run

from bot.sandbox.auth import Token
from bot.sandbox.graphql.cost import MOST_NODES, cost
from bot.sandbox.graphql.nodes import View
from bot.sandbox.graphql.pages import Problem
from bot.sandbox.graphql.resolve import resolve, type_of
from bot.sandbox.world import World


@lru_cache
def schema() -> GraphQLSchema:
    """The simulated part of GitHub's schema."""
    return build_schema((Path(__file__).parents[1] / "schema.graphql").read_text(encoding="utf-8"))


@lru_cache(maxsize=256)
def _checked(query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(schema(), document))


def execute(world: World, token: Token, query: str, variables: Mapping[str, Any]) -> tuple[int, dict[str, Any], int]:
    """The answer to a query: status, body and points. Errors come with status 200, beside what could be answered."""
    document, errors = _checked(query)
    if document is None or errors:
        return 200, {"errors": [_unreadable(error) for error in errors]}, 1
    given = _given(document, variables)
    if isinstance(given, list):
        return 200, {"errors": [_unreadable(error) for error in given]}, 1
    price_ = cost(document, given)
    if price_.nodes > MOST_NODES:
        message = (
            f"This query requests up to {price_.nodes:,} possible nodes which exceeds the maximum limit of 500,000."
        )
        return 200, {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message}]}, 1
    result = run(
        schema(),
        document,
        root_value=None,
        context_value=View(world, token),
        variable_values=dict(variables),
        field_resolver=resolve,
        type_resolver=type_of,
    )
    assert isinstance(result, ExecutionResult), "no resolver waits for anything"
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [_told(error) for error in result.errors]
    return 200, body, price_.points


def _given(document: DocumentNode, variables: Mapping[str, Any]) -> dict[str, Any] | list[GraphQLError]:
    """The variables with the defaults of those that were not given, or why they cannot be."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    declared = [each for operation in operations for each in operation.variable_definitions or ()]
    found = get_variable_values(schema(), declared, dict(variables))
    return found if isinstance(found, list) else found.coerced


def _unreadable(error: GraphQLError) -> dict[str, Any]:
    locations = [{"line": each.line, "column": each.column} for each in error.locations or ()]
    return {"message": error.message, "locations": locations}


def _told(error: GraphQLError) -> dict[str, Any]:
    """An error as GitHub tells it; what is no such problem is a defect of the simulation."""
    problem = error.original_error
    if isinstance(problem, Problem):
        return {**_unreadable(error), "type": problem.type, "path": list(error.path or ())}
    if problem is not None:
        raise problem
    return _unreadable(error)
