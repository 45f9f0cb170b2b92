"""Says everything that is wrong in a policy file, at its line, in words."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.policy.contradictions import contradictions
from bot.policy.model import Problem
from bot.policy.near import nearest
from bot.policy.schema import PolicyFile
from bot.policy.yaml import Document, Path, read
from bot.words import quoted

MOST_PROBLEMS = 100
"""Problems of one file that are told; nobody corrects more at once."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was read: its content when it can be used, and what is wrong with it when not."""

    origin: str
    blob: str
    content: PolicyFile | None
    document: Document
    problems: tuple[Problem, ...]


def check(
    text: str,
    origin: str,
    blob: str = "",
    *,
    known_roles: Collection[str] = (),
    known_windows: Collection[str] = (),
) -> Checked:
    """Read a policy file; ``known_roles`` and ``known_windows`` are those of the layers above it. Never raises."""
    return _check(text, origin, blob, frozenset(known_roles), frozenset(known_windows))


@lru_cache(maxsize=256)
def _check(text: str, origin: str, blob: str, known_roles: frozenset[str], known_windows: frozenset[str]) -> Checked:
    """The same text is read at every look, and reading it takes longer than everything else in a decision."""
    document = read(text, origin)
    content: PolicyFile | None = None
    if not document.problems:
        content = validated(document, PolicyFile, _WHOLE)
    if content is not None:
        for path, message in contradictions(content, known_roles, known_windows):
            document.complain(path, message)
    problems = tuple(sorted(document.problems, key=lambda each: (each.line, each.column)))[:MOST_PROBLEMS]
    return Checked(origin, blob, None if problems else content, document, problems)


def content_of(text: str, origin: str) -> PolicyFile | None:
    """What a file says by itself, whatever other files would have to name for it to be used; None when it says nothing.

    Never raises.
    """
    document = read(text, origin)
    return None if document.problems else validated(document, PolicyFile, _WHOLE)


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
    "float_type": "{name} must be a number without quotation marks, not {shown}.",
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
            model = _model_in(_field(model, part).annotation)
    return [field.alias or name for name, field in model.model_fields.items()]


def _field(model: type[BaseModel], name: str) -> FieldInfo:
    """The field that is called so in files."""
    return next(field for key, field in model.model_fields.items() if (field.alias or key) == name)


def _model_in(annotation: Any) -> Any:
    """The model inside of ``list[Model]`` or ``Model | None``."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))), None)
