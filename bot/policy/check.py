"""Says everything that is wrong in a policy file, at its line, in words."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from rapidfuzz import process

from bot.policy.model import Problem, Tier
from bot.policy.schema import PolicyFile, TierPart
from bot.policy.yaml import Document, Path, read
from bot.words import listed, quoted

PERMISSIONS = ("write", "maintain", "admin")
MOST_PROBLEMS = 100
"""Problems of one file that are told; nobody corrects more at once."""

_NEAR = 60.0

M = TypeVar("M", bound=BaseModel)


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
    return _check(text, origin, blob, frozenset(known_roles))


@lru_cache(maxsize=256)
def _check(text: str, origin: str, blob: str, known_roles: frozenset[str]) -> Checked:
    """The same text is read at every look, and reading it takes longer than everything else in a decision."""
    document = read(text, origin)
    content: PolicyFile | None = None
    if not document.problems:
        content = validated(document, PolicyFile, _WHOLE)
    if content is not None:
        for path, message in _contradictions(content, known_roles):
            document.complain(path, message)
    problems = tuple(sorted(document.problems, key=lambda each: (each.line, each.column)))[:MOST_PROBLEMS]
    return Checked(origin, blob, None if problems else content, document, problems)


def explain(problems: Iterable[Problem]) -> str:
    """A line for each problem: where it is, and what."""
    return "\n".join(f"{each.origin}:{each.line}:{each.column}: {each.message}" for each in problems)


_WHOLE = "A policy is a mapping of names to values, beginning with `version: 1`."


def validated(document: Document, model: type[M], whole: str) -> M | None:
    """The document as a ``model``; None where its problems say why not. ``whole`` says what the file should be."""
    if not isinstance(document.values, dict):
        document.complain((), whole)
        return None
    try:
        return model.model_validate(document.values)
    except ValidationError as error:
        for detail in error.errors():
            path, message = _sentence(detail, model)
            document.complain(path, message)
        return None


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> tuple[Path, str]:
    """Pydantic's error in our words, and where it is."""
    path = tuple(part for part in detail["loc"] if part != "[key]")
    name = quoted(path[-1]) if isinstance(path[-1], str) else "This"
    if detail["type"] == "extra_forbidden":
        return path, f"{name} is not known here.{nearest(str(path[-1]), _names_at(path[:-1], model))}"
    context = detail.get("ctx", {})
    expected = str(context.get("expected", "")).replace("'", "`")
    message = _SENTENCES[detail["type"]].format(
        **{**context, "name": name, "shown": _shown(detail["input"]), "expected": expected}
    )
    return path[:-1] if detail["type"] == "missing" else path, message


_SENTENCES = {
    "missing": "{name} is missing.",
    "literal_error": "{name} must be {expected}, not {shown}.",
    "value_error": "{shown} {error}.",
    "too_short": "{name} has too few entries: at least {min_length}.",
    "too_long": "{name} has too many entries: at most {max_length}.",
    "string_too_short": "{name} must not be empty.",
    "string_too_long": "{name} is too long: at most {max_length} characters.",
    "greater_than_equal": "{name} must be {ge} or more.",
    "less_than_equal": "{name} must be {le} or less.",
    "bool_type": "{name} must be true or false, not {shown}.",
    "int_type": "{name} must be a whole number without quotation marks, not {shown}.",
    "string_type": "{name} must be text, not {shown}.",
    "list_type": "{name} must be a list, not {shown}.",
    "dict_type": "{name} must be a mapping of names to values, not {shown}.",
    "model_type": "{name} must be a mapping of names to values, not {shown}.",
}
"""What pydantic can find wrong with a value of the schema, in our words; a new kind of field brings its own."""


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case _:
            return quoted(str(value))


def _names_at(path: Path, whole: type[BaseModel]) -> list[str]:
    """The names that may stand below ``path`` in a ``whole``."""
    model: Any = whole
    for part in path:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation)
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """The model inside of ``list[Model]`` or ``Model | None``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))), None)


def nearest(word: str, names: Collection[str]) -> str:
    """The name that is nearest to ``word``, as a question; all of them where none is near."""
    found = process.extractOne(word, names, score_cutoff=_NEAR)
    if found:
        return f" Did you mean `{found[0]}`?"
    return f" Known are {listed([f'`{name}`' for name in names])}."


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
                    yield path, f"There is no role `{group}`.{nearest(group, sorted(groups))}"


def _doubles(content: PolicyFile) -> Iterable[tuple[Path, str]]:
    names = Counter(application.name for application in content.applications)
    for index, application in enumerate(content.applications):
        if names[application.name] > 1:
            message = f"There are {names[application.name]} applications {quoted(application.name)}."
            yield ("applications", index, "name"), message
    accounts = Counter(login for person in content.people for login in set(person))
    for index, person in enumerate(content.people):
        for login in sorted(set(person)):
            if accounts[login] > 1:
                yield ("people", index), f"`{login}` belongs to {accounts[login]} people."
