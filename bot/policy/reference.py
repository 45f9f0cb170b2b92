"""The reference of the policy language, from its models and its expressions: part of ``docs/policy.md``. Pure.

``python -m bot.policy.reference_file`` writes it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.policy.vocabulary import ENVIRONMENT, MESSAGES, Name

BEGIN, END = "<!-- reference: begin -->", "<!-- reference: end -->"

TIGHTENS = {
    "version": "It is the same.",
    "mode": "From `observe` to `enforce`.",
    "observe": "Nothing: what the organisation enforces is enforced.",
    "packs": "More packs.",
    "roles": "Roles of its own, and fewer holders of a role of the organisation. Those left out approve no more, and "
    "what they object to still stands. Who is `cab` or `ecab` is for the organisation to say.",
    "people": "More accounts of a person. What an account rejects by the organisation's policy, no other takes back.",
    "applications": "A higher tier of its own application, and `mode: enforce`. A change that is raised needs what "
    "both tiers demand.",
    "risk": "More rules, with other ids. A change that they raise needs what both tiers demand.",
    "tiers": "More approvals, plans, bounds, and signatures, which are no votes of the board; a larger quorum; less "
    "time; fewer roles to escalate to; a longer cool-down; a stricter type of change. Of windows, one of the "
    "organisation's is open, and one of the repository's as well.",
    "reviews": "`never` instead of `same-diff`, a longer membership, and more reports.",
    "separation": "More pairs, and more tiers of a pair.",
    "calendar": "More freezes, and windows of its own. A window of the organisation's that it names again is open "
    "while both are. The time zone and the holidays are the organisation's.",
    "checks": "More that is looked for and denied; fewer actions. How secrets are looked for is the organisation's.",
    "evidence": "More reports.",
    "emergency": "Fewer people, a larger board, less time. Only the organisation says which approvals it needs.",
    "waivers": "Fewer people, less time.",
    "acknowledge": "Fewer roles, of which one stays.",
    "exclusive": "More sets.",
    "records": "Nothing: they are kept where the organisation says.",
    "standard": "Nothing: it authorises.",
    "audit": "A longer time.",
    "rules": "More rules, with other ids. Those of the organisation are also asked about the tier that a change had "
    "before the repository raised it.",
}
"""What a repository's file can do with each key; ``policy.layers`` is what does it."""


def within(page: str, schema: Mapping[str, Any]) -> str:
    """The page with the reference in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference(schema)}\n{END}{after}"


def reference(schema: Mapping[str, Any]) -> str:
    """All keys, what of them a repository can tighten, and all names of expressions."""
    keys = [part for key in schema["properties"] for part in (*_key(key, schema), "")]
    return "\n".join([*keys, *_expressions()])


def _key(key: str, schema: Mapping[str, Any]) -> Iterator[str]:
    said = schema["properties"][key]
    yield f"### `{key}`"
    yield ""
    yield f"{said['description']} {_sentence(said, schema)}".rstrip()
    yield ""
    yield f"*In a repository's file:* {TIGHTENS[key]}"
    rows = list(_rows(key, said, schema))
    if rows:
        yield from ("", "| key | value | meaning |", "|---|---|---|")
        yield from rows


def _sentence(said: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    value = _value(said, schema)
    return "" if value == "keys" else f"Value: {value}."


def _rows(path: str, said: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """A row for each key below ``path``; keys beside each other that are of one kind share theirs."""
    inner, path = _inside(said, path, schema)
    groups: dict[str, list[str]] = {}
    for key, each in inner.get("properties", {}).items():
        kind = str(_plain(each).get("$ref", key))
        groups.setdefault(kind, []).append(key)
    for keys in groups.values():
        each = inner["properties"][keys[0]]
        place = f"{path}.{keys[0]}" if len(keys) == 1 else f"{path}.({'|'.join(keys)})"
        needed = " (needed)" if keys[0] in inner.get("required", ()) else ""
        meaning = " ".join(inner["properties"][key]["description"] for key in keys)
        yield f"| `{place}`{needed} | {_value(each, schema)} | {meaning} |".replace("(low|medium|high)", "TIER")
        yield from _rows(place, each, schema)


def _inside(said: Mapping[str, Any], path: str, schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The model that stands behind a value, through lists and names."""
    said = _plain(said)
    if "$ref" in said:
        return schema["$defs"][said["$ref"].rpartition("/")[2]], path
    if "items" in said:
        return _inside(said["items"], f"{path}[]", schema)
    each = _named(said)
    return _inside(each, f"{path}.NAME", schema) if each else ({}, path)


def _plain(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a value is when it is there."""
    choices = [each for each in said.get("anyOf", ()) if each.get("type") != "null"]
    plain: Mapping[str, Any] = choices[0] if choices else said
    return plain


def _named(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands behind each name of a mapping whose names are free; nothing where there is none."""
    patterns: Mapping[str, Any] = said.get("patternProperties", {})
    each = next(iter(patterns.values()), said.get("additionalProperties") or {})
    return each if isinstance(each, Mapping) else {}


def _value(said: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    said = _plain(said)
    match said:
        case {"$ref": _}:
            return "keys"
        case {"const": const}:
            return f"`{const}`"
        case {"enum": names}:
            return ", ".join(f"`{name}`" for name in names)
        case {"type": "array", "items": items}:
            of = _value(items, schema)
            return f"list of {'entries' if of == 'keys' else of}{_bounds(said, 'Items')}"
        case {"type": "object"}:
            of = _value(_named(said), schema)
            return "names, each with " + of
        case {"type": "string", "examples": [_, *_] as examples}:
            return "text such as " + ", ".join(f"`{example}`" for example in examples)
        case {"type": "integer" | "number"}:
            return f"number{_bounds(said, 'imum')}"
        case {"type": "boolean"}:
            return "`true`, `false`"
        case _:
            return "text"


def _bounds(said: Mapping[str, Any], bound: str) -> str:
    least, most = said.get(f"min{bound}"), said.get(f"max{bound}")
    if least is None:
        return ""
    return f"; {least} or more" if most is None else f"; {least}" if least == most else f"; {least} to {most}"


def _expressions() -> Iterator[str]:
    yield from ("### Names of expressions", "", "| name | type | meaning |", "|---|---|---|")
    for name, each in ENVIRONMENT.items():
        yield _name(name, each)
        message = each.type.removeprefix("list(").removesuffix(")")
        place = f"{name}[]" if each.type.startswith("list(") else name
        yield from (_name(f"{place}.{key}", field) for key, field in MESSAGES.get(message, {}).items())


def _name(name: str, each: Name) -> str:
    return f"| `{name}` | {each.type} | {each.meaning} |"
