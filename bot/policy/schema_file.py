"""The JSON Schema of policy files, for editors: ``python -m bot.policy.schema_file`` writes it from the models.

It says of each value by itself what the program says; what contradicts something else only the program sees
(``python -m bot policy check``).
"""

import json
import sys
from pathlib import Path
from typing import Any

from bot.policy.schema import PolicyFile

ID = "urn:countersign:policy:1"
NAME = "policy.schema.json"


def schema() -> dict[str, Any]:
    """The schema as JSON Schema 2020-12."""
    made = _plain(PolicyFile.model_json_schema(by_alias=True))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, **made, "title": "Countersign policy"}


def _plain(value: Any, *, named: bool = False) -> Any:
    """Without what pydantic adds for programs: titles made of names, defaults of what may be missing.

    ``named`` says that the keys are names of the file, not words of JSON Schema.
    """
    match value:
        case dict():
            kept = (
                value.items()
                if named
                else [(key, each) for key, each in value.items() if key not in {"title", "default"}]
            )
            plain = {key: _plain(each, named=key in {"properties", "$defs"} and not named) for key, each in kept}
            # A name that is none of those that the pattern allows is not known.
            return {**plain, "additionalProperties": False} if "patternProperties" in plain else plain
        case list():
            return [_plain(each) for each in value]
        case str():
            return value.replace("``", "`")
        case _:
            return value


def text() -> str:
    """The file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def write(root: Path) -> None:
    """Write it where it belongs in a checkout."""
    (root / "config" / NAME).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(*sys.argv[1:2]))
