"""GitHub's own description of its API, where a copy of it lies beside the project: OpenAPI and the GraphQL schema.

Nothing at run time needs it. A schema says which fields there are; it is read strictly: a field that GitHub does not
describe is an invention, and is refused as well.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_schema
from jsonschema_rs import Draft202012, Draft202012Validator, Registry

FOLDER = Path(__file__).parents[2].parent / "shared" / "github"
CLOUD, SERVER = "api.github.com", "ghes-3.19"

NAME = "urn:github"
CORRECTED = {
    # The list says that an account is a user and an enterprise at once, and knows fewer permissions; one by one it is
    # right.
    ("GET", "/app/installations", 200): {
        "application/json": {"schema": {"items": {"$ref": "#/components/schemas/installation"}, "type": "array"}}
    },
}
"""Where GitHub's description cannot be meant."""

IS_THERE = FOLDER.is_dir()
"""Whether the copy is there; the tests that stand on it are not collected without it."""


@cache
def graphql_schema() -> GraphQLSchema:
    """GitHub's GraphQL schema."""
    return build_schema(gzip.decompress((FOLDER / "schema.graphql.gz").read_bytes()).decode(), assume_valid=True)


@cache
def description(name: str) -> "Description":
    """GitHub's description of one of its servers."""
    text = gzip.decompress((FOLDER / f"openapi-{name}.json.gz").read_bytes())
    document = _translated(json.loads(text))
    registry = Registry([(NAME, {"components": document["components"]})], draft=Draft202012)
    return Description(document, registry, {})


@dataclass(frozen=True, slots=True)
class Description:
    """An OpenAPI document whose schemas a JSON Schema validator understands."""

    document: Mapping[str, Any]
    _registry: Registry
    _validators: dict[str, Draft202012Validator]

    def operation(self, method: str, template: str) -> Mapping[str, Any]:
        """An operation.

        Raises:
            LookupError: GitHub has none of that method and path.

        """
        found: Mapping[str, Any] | None = self.document["paths"].get(template, {}).get(method.lower())
        if found is None:
            raise LookupError(f"{method} {template} is not an operation of GitHub's")
        return found

    def faults_of_request(self, method: str, template: str, body: Any) -> list[str]:
        """What is wrong with a request's body; an operation without one takes none."""
        declared = self.operation(method, template).get("requestBody")
        if declared is None:
            return ["takes no body"] if body else []
        if not body and not declared.get("required", False):
            return []
        return self._faults(declared["content"]["application/json"]["schema"], body)

    def unknown_parameters(self, method: str, template: str, query: Mapping[str, str]) -> set[str]:
        """The parameters of the query that the operation does not have."""
        return set(query) - {each["name"] for each in self._parameters(method, template) if each["in"] == "query"}

    def faults_of_query(self, method: str, template: str, query: Mapping[str, str]) -> list[str]:
        """What is wrong with the values of the query."""
        found = []
        for each in self._parameters(method, template):
            if each["in"] == "query" and each["name"] in query:
                text = query[each["name"]]
                value = int(text) if each["schema"].get("type") == "integer" and text.isdecimal() else text
                found += [f"{each['name']}: {fault}" for fault in self._faults(each["schema"], value)]
        return found

    def _parameters(self, method: str, template: str) -> Iterator[Mapping[str, Any]]:
        for each in self.operation(method, template).get("parameters", ()):
            name = each.get("$ref", "").rpartition("/")[2]
            yield self.document["components"]["parameters"][name] if name else each

    def faults_of_answer(self, method: str, template: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer."""
        declared = self.operation(method, template)["responses"].get(str(status))
        if declared is None:
            return [f"never answers {status}"]
        if "$ref" in declared:
            declared = self.document["components"]["responses"][declared["$ref"].rpartition("/")[2]]
        content = CORRECTED.get((method, template, status), declared.get("content"))
        if content is None:
            # A refusal always says why, also where the description only names its status.
            return [] if body is None or status >= 400 else ["answers no body"]
        return self._faults(content["application/json"]["schema"], body)

    def faults_of_webhook(self, event: str, payload: Mapping[str, Any]) -> list[str]:
        """What is wrong with a webhook's payload."""
        action = payload.get("action")
        name = "-".join([event, *([action] if action is not None else [])]).replace("_", "-")
        declared = self.document["x-webhooks"].get(name)
        if declared is None:
            return [f"{name} is never sent"]
        return self._faults(declared["post"]["requestBody"]["content"]["application/json"]["schema"], payload)

    def _faults(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            named = json.loads(key.replace('"#/', f'"{NAME}#/'))
            self._validators[key] = Draft202012Validator(named, registry=self._registry, validate_formats=True)
        found = self._validators[key].iter_errors(value)
        return [f"{_path(each.instance_path)}: {_short(each.message)}" for each in found]


def _path(parts: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts) or "."


def _short(message: str) -> str:
    return message if len(message) < 400 else f"{message[:200]} … {message[-200:]}"


def _walked(node: Any) -> Any:
    """A document with every schema in it translated."""
    if isinstance(node, list):
        return [_walked(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: _schema(value) if key == "schema" else _walked(value) for key, value in node.items()}


def _translated(document: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0 as JSON Schema 2020-12: what is ``nullable`` may be null, and what is not described may not be there.

    Every named schema is there twice: as a part of an ``allOf`` it cannot know what the other parts describe.
    """
    schemas = document["components"].pop("schemas")
    found: dict[str, Any] = _walked(document)
    found["components"]["schemas"] = {name: _schema(each) for name, each in schemas.items()}
    found["components"]["parts"] = {name: _schema(each, is_part=True) for name, each in schemas.items()}
    return found


def _schema(node: Any, *, is_part: bool = False) -> Any:
    if not isinstance(node, dict):
        return node
    node = _mended(node)
    if "$ref" in node:
        return {"$ref": node["$ref"].replace("/schemas/", "/parts/" if is_part else "/schemas/")}
    found = {key: _keyword(key, value, in_object="properties" in node or is_part) for key, value in node.items()}
    is_open = "additionalProperties" in node or ("properties" not in node and "allOf" not in node)
    if not is_part and not is_open:
        found["unevaluatedProperties"] = False
    return _or_null(found) if found.pop("nullable", False) else found


def _mended(schema: dict[str, Any]) -> dict[str, Any]:
    """What GitHub sends and this copy of its description leaves out in some of the places where it describes a thing."""
    properties = schema.get("properties", {})
    extra: dict[str, Any] = {}
    if {"color", "default", "node_id"} <= properties.keys():
        # A label can be archived; newer descriptions demand that every label says so.
        extra = {"archived_at": {}, "archived_by": {}}
    if "has_issues" in properties:
        # Every other description of a repository has these.
        extra = {"has_discussions": {"type": "boolean"}, "web_commit_signoff_required": {"type": "boolean"}}
    if {"organization_hooks", "organization_plan"} <= properties.keys():
        # Of an App's permissions within an event, the descriptions are older than this one.
        extra = {"organization_custom_properties": {"enum": ["read", "write", "admin"]}}
    if {"documentation_url", "message"} <= properties.keys():
        # Every refusal says its status; most descriptions of one know it.
        extra = {"status": {"type": "string"}}
    if "branch_protection_rule" in schema.get("enum", ()) and "check_run" in schema["enum"]:
        # An App can have subscribed to these as well: one that gates deployments, watches rules, or goes by properties.
        heard = {
            "branch_protection_configuration",
            "custom_property_values",
            "deployment_protection_rule",
            "repository_ruleset",
        }
        return {**schema, "enum": sorted({*schema["enum"], *heard})}
    if schema.get("format") == "email":
        # A bot's address has brackets: 1234+robot[bot]@users.noreply.github.com.
        return {key: value for key, value in schema.items() if key != "format"}
    return {**schema, "properties": {**extra, **properties}} if extra else schema


def _keyword(name: str, value: Any, *, in_object: bool) -> Any:
    match name:
        case "properties":
            return {key: _schema(each) for key, each in value.items()}
        case "items" | "additionalProperties":
            return _schema(value)
        case "allOf":
            return [_schema(each, is_part=True) for each in value]
        case "anyOf" | "oneOf":
            return [_schema(each, is_part=in_object) for each in value]
        case _:
            return value


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        return {**schema, "type": [schema["type"], "null"], **enum}
    return {"anyOf": [schema, {"type": "null"}]}
