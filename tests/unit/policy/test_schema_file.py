"""The JSON Schema for editors says of every value by itself what the program says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from bot.policy import schema_file
from bot.policy.check import check, explain
from bot.policy.shelf import folder
from bot.policy.yaml import read

SCHEMA = json.loads((folder() / schema_file.NAME).read_text(encoding="utf-8"))
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)
EXAMPLE = (folder() / "example-policy.yml").read_text(encoding="utf-8")
COMMENT = f"# yaml-language-server: $schema={schema_file.NAME}\n"


def test_the_file_is_that_of_the_models() -> None:
    assert (folder() / schema_file.NAME).read_text(encoding="utf-8") == schema_file.text(), (
        "python -m bot.policy.schema_file writes it"
    )


def test_it_is_a_schema_of_the_2020_draft_that_names_no_host_of_ours() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == "urn:countersign:policy:1"
    jsonschema_rs.meta.validate(SCHEMA)


def _keys(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, model in {"": schema, **schema["$defs"]}.items():
        yield from ((f"{name}.{key}", each) for key, each in model["properties"].items())


@pytest.mark.parametrize(("key", "said"), list(_keys(SCHEMA)))
def test_every_key_says_what_it_means(key: str, said: dict[str, Any]) -> None:
    assert re.search(r"[.…]$", said["description"]), key
    assert "``" not in said["description"]


@pytest.mark.parametrize("name", ["example-policy.yml", "default-policy.yml"])
def test_our_policies_are_sound_to_both_and_name_the_schema(name: str) -> None:
    text = (folder() / name).read_text(encoding="utf-8")
    assert COMMENT in text
    assert explain(check(text, name).problems) == ""
    VALIDATOR.validate(read(text, name).values)


def test_the_example_shows_every_key() -> None:
    shown = read(EXAMPLE, "o").values
    assert shown.keys() == SCHEMA["properties"].keys()
    parts = ("reviews", "calendar", "checks", "emergency", "waivers")
    for key in parts:
        inner = SCHEMA["properties"][key]
        reference = json.dumps(inner).partition("#/$defs/")[2].partition('"')[0]
        assert shown[key].keys() == SCHEMA["$defs"][reference]["properties"].keys()


BROKEN = [
    ("mode: enforce ", "mode: both"),
    ("mode: enforce ", "mod: enforce"),
    ("version: 1\n", ""),
    ("version: 1\n", "version: 2\n"),
    ("version: 1\n", "version: '1'\n"),
    ("  it-manager: ", "  IT manager: "),
    ("[acme/risk]", "[acme/risk/more]"),
    ("[acme/risk]", "acme/risk"),
    ("[jane-doe, jane-doe-admin]", "[jane-doe]"),
    ("[jane-doe, jane-doe-admin]", "[jane-doe, 'jane doe']"),
    ("tier: high\n", "tier: highest\n"),
    ("repositories: [branch-locator]", "repositories: ['branch locator']"),
    ("{business-unit: retail}", "{business-unit: 3}"),
    ("id: large-change", "id: Large change"),
    ("when: 'lines_changed > 500'", "when: ''"),
    ("{count: 1, from: [security]}", "{count: 0, from: [security]}"),
    ("{count: 1, from: [security]}", "{count: 1, from: []}"),
    ("{count: 1, from: [security]}", "{from: [security]}"),
    ("on_timeout: escalate", "on_timeout: ignore"),
    ("escalate_to: [director]", "escalate_to: director"),
    ("escalate_to: [director]", "escalate_to: [The director]"),
    ("plans: [implementation,", "plans: [hope,"),
    ("cool_down: 24 hours", "cool_down: 24h"),
    ("cool_down: 24 hours", "cool_down: 0 hours"),
    ("pairing: true", "pairing: 'yes'"),
    ("roles: [deployer, verifier]", "roles: [deployer]"),
    ("roles: [deployer, verifier]", "roles: [deployer, auditor]"),
    ("holidays: GB-ENG", "holidays: England"),
    ("from: 2027-01-24,", "from: January,"),
    ("pin: sha", "pin: tag"),
    ("{error: 0}", "{error: none}"),
    ("kind: zap", "kind: zapp"),
    ("stage: deployment", "stage: later"),
    ("at_most: 30 days", "at_most: thirty days"),
    ("system: servicenow", "system: paper"),
    ("{retention_days: 2555}", "{retention_days: 0}"),
    ("expires: 2027-06-30", "expires: soon"),
    ("lines: 200", "lines: 0"),
    ("    message: A trading", "    massage: A trading"),
]


@pytest.mark.parametrize(("sound", "broken"), BROKEN)
def test_what_one_refuses_the_other_refuses(sound: str, broken: str) -> None:
    assert EXAMPLE.count(sound) >= 1
    text = EXAMPLE.replace(sound, broken, 1)
    document = read(text, "o")
    assert not document.problems
    assert check(text, "o").content is None
    assert not VALIDATOR.is_valid(document.values)


def test_it_is_written_where_the_command_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    schema_file.write(tmp_path)
    assert (tmp_path / "config" / schema_file.NAME).read_text(encoding="utf-8") == schema_file.text()
