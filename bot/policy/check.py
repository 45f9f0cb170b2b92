"""Says everything that is wrong in a policy file, at its line, in words."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rapidfuzz import process

from bot.policy.model import Problem, Tier
from bot.policy.schema import PolicyFile, TierPart
from bot.policy.yaml import Document, Path, read

PERMISSIONS = ("write", "maintain", "admin")
_NEAR = 60.0


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was read: its content when it can be used, and what is wrong with it when not."""

    origin: str
    blob: str
    content: PolicyFile | None
    document: Document
    problems: tuple[Problem, ...]


def check(text: str, origin: str, blob: str = "", *, known_roles: Collection[str] = ()) -> Checked:
    """Read a policy file; ``known_roles`` are those of the layers above it. Never raises."""
    document = read(text, origin)
    content: PolicyFile | None = None
    if not document.problems:
        content = _validate(document)
    if content is not None:
        for path, message in _contradictions(content, known_roles):
            document.complain(path, message)
    problems = tuple(sorted(document.problems, key=lambda each: (each.line, each.column)))
    return Checked(origin, blob, None if problems else content, document, problems)


def explain(problems: Iterable[Problem]) -> str:
    """A line for each problem: where it is, and what."""
    return "\n".join(f"{each.origin}:{each.line}:{each.column}: {each.message}" for each in problems)


def _validate(document: Document) -> PolicyFile | None:
    if not isinstance(document.values, dict):
        document.complain((), "A policy is a mapping of names to values, beginning with `version: 1`.")
        return None
    try:
        return PolicyFile.model_validate(document.values)
    except ValidationError as error:
        for detail in error.errors():
            path, message = _sentence(detail)
            document.complain(path, message)
        return None


def _sentence(detail: ErrorDetails) -> tuple[Path, str]:
    """Pydantic's error in our words, and where it is."""
    path = tuple(part for part in detail["loc"] if part != "[key]")
    name = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "This"
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return path, f"{name} is not known here.{_nearest(str(path[-1]), _names_at(path[:-1]))}"
        case "missing":
            return path[:-1], f"{name} is missing."
        case "literal_error":
            expected = str(context.get("expected", "")).replace("'", "`")
            return path, f"{_shown(detail['input'])} is not one of {expected}."
        case "value_error":
            return path, f"{_shown(detail['input'])} {detail['msg'].removeprefix('Value error, ')}."
        case "too_short":
            return path, f"{name} needs at least {context.get('min_length')}."
        case "too_long":
            return path, f"{name} may have at most {context.get('max_length')}."
        case "greater_than_equal":
            return path, f"{name} must be {context.get('ge')} or more."
        case "less_than_equal":
            return path, f"{name} must be {context.get('le')} or less."
        case kind:
            return path, f"{name} must be {_EXPECTED.get(kind, 'something else')}, not {_shown(detail['input'])}."


_EXPECTED = {
    "int_type": "a whole number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
    "model_attributes_type": "a mapping of names to values",
    "string_too_short": "longer",
    "string_too_long": "shorter",
}


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case _:
            return f"`{value}`"


def _names_at(path: Path) -> list[str]:
    """The names that may stand below ``path``."""
    model: Any = PolicyFile
    for part in path:
        if isinstance(part, str):
            fields = getattr(model, "model_fields", {})
            wanted = next((each for name, each in fields.items() if part in {name, each.alias}), None)
            model = _model_in(wanted.annotation) if wanted else None
    return [field.alias or name for name, field in getattr(model, "model_fields", {}).items()]


def _model_in(annotation: Any) -> Any:
    """The model inside of ``list[Model]`` or ``Model | None``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))), None)


def _nearest(word: str, names: Collection[str]) -> str:
    found = process.extractOne(word, names, score_cutoff=_NEAR)
    if found:
        return f" Did you mean `{found[0]}`?"
    return f" Known are {', '.join(f'`{name}`' for name in names)}." if names else ""


def _contradictions(content: PolicyFile, known_roles: Collection[str]) -> Iterable[tuple[Path, str]]:
    """What no single value shows."""
    yield from _unknown_groups(content, {*PERMISSIONS, *content.roles, *known_roles})
    for role in content.roles:
        if role in PERMISSIONS:
            yield ("roles", role), f"`{role}` is a permission of GitHub and cannot be a role."
    for index, pair in enumerate(content.separation):
        if len(set(pair.roles)) < len(pair.roles):
            yield ("separation", index, "roles"), "A role cannot be separated from itself."
    yield from _doubles(content)


def _unknown_groups(content: PolicyFile, groups: Collection[str]) -> Iterable[tuple[Path, str]]:
    for tier in Tier:
        part: TierPart | None = getattr(content.tiers, tier.label)
        for index, demand in enumerate(part.approvals if part else ()):
            path = ("tiers", tier.label, "approvals", index, "from")
            for group in demand.groups:
                if group not in groups:
                    yield path, f"There is no role `{group}`.{_nearest(group, sorted(groups))}"


def _doubles(content: PolicyFile) -> Iterable[tuple[Path, str]]:
    names = Counter(application.name for application in content.applications)
    for index, application in enumerate(content.applications):
        if names[application.name] > 1:
            message = f"There are {names[application.name]} applications `{application.name}`."
            yield ("applications", index, "name"), message
    accounts = Counter(login for person in content.people for login in set(person))
    for index, person in enumerate(content.people):
        for login in sorted(set(person)):
            if accounts[login] > 1:
                yield ("people", index), f"`{login}` belongs to {accounts[login]} people."
