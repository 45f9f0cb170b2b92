"""A file's values against the models of what may stand there: what does not fit, in words, and what does without it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.policy.model import Problem
from bot.policy.near import nearest
from bot.policy.yaml import MOST_LEVELS, MOST_PROBLEMS, Document, Path
from bot.words import quoted

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Fitting(Generic[M]):
    """What of a file fits, and the places of what does not; the ``content`` is None where nothing is left.

    Its lists are shorter by what was left out: `place` says where an entry stands in the file.
    """

    content: M | None
    left_out: frozenset[Path]
    values: Mapping[str, Any]

    def place(self, path: Path) -> Path:
        """Where in the file stands what is at ``path`` in the content."""
        value: Any = self.values
        found: Path = ()
        for part in path:
            here = part
            if isinstance(value, list) and isinstance(part, int):
                here = [index for index in range(len(value)) if (*found, index) not in self.left_out][part]
                value = value[here]
            else:
                value = value.get(part) if isinstance(value, dict) else None
            found = (*found, here)
        return found

    def has_all_of(self, path: Path) -> bool:
        """Whether nothing was left out at or below a place of the file."""
        return not any(each[: len(path)] == path for each in self.left_out)


def validated(document: Document, model: type[M], whole: str) -> M | None:
    """The document as a ``model``; None where its problems say why not. ``whole`` says what the file should be."""
    if not isinstance(document.values, dict):
        document.complain((), whole)
        return None
    try:
        return model.model_validate(document.values)
    except ValidationError as error:
        found = sorted(error.errors(include_url=False), key=lambda each: document.place(_path(each)))
        for detail in found[:MOST_PROBLEMS]:
            path, message = _sentence(detail, model)
            document.complain(path, message)
        return None


def fitting(values: Mapping[str, Any], model: type[M]) -> Fitting[M]:
    """What of the values fits: without each that does not, and without what cannot be without it."""
    left_out: frozenset[Path] = frozenset()
    for _ in range(MOST_LEVELS):
        fit: Fitting[M] = Fitting(None, left_out, values)
        try:
            return replace(fit, content=model.model_validate(_without(values, left_out, ())))
        except ValidationError as error:
            if error.error_count() > MOST_PROBLEMS:
                break
            left_out |= {fit.place(_culprit(each)) for each in error.errors(include_url=False)}
    return Fitting(None, left_out, values)


def _without(value: Any, left_out: Collection[Path], path: Path) -> Any:
    match value:
        case dict():
            return {
                key: _without(each, left_out, (*path, key))
                for key, each in value.items()
                if (*path, key) not in left_out
            }
        case list():
            return [
                _without(each, left_out, (*path, index))
                for index, each in enumerate(value)
                if (*path, index) not in left_out
            ]
        case _:
            return value


def _path(detail: ErrorDetails) -> Path:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _culprit(detail: ErrorDetails) -> Path:
    """What has to go for the error to go: where something is missing, that in which it is."""
    path = _path(detail)
    return path[:-1] if detail["type"] == "missing" else path


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> tuple[Path, str]:
    """Pydantic's error in our words, and where it is."""
    path = _path(detail)
    name = _spoken(path)
    if detail["type"] == "extra_forbidden":
        return path, f"{name} is not known here.{nearest(str(path[-1]), _names_at(path[:-1], model))}"
    context = detail.get("ctx", {})
    expected = str(context.get("expected", "")).replace("'", "`")
    shown = _shown(detail["input"])
    message = _SENTENCES[detail["type"]].format(**{**context, "name": name, "shown": shown, "expected": expected})
    if detail["type"] == "value_error" and not isinstance(detail["input"], str | int | float):
        message = f"{name} is {shown}: that {context['error']}."
    return _culprit(detail), message


def _spoken(path: Path) -> str:
    """What is at a place, in a sentence: its name, or the list that it is an entry of."""
    last = path[-1] if path else ""
    if isinstance(last, str):
        return quoted(last)
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    return f"An entry of {quoted(name)}"


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
        case bool():
            return quoted(str(value).lower())
        case _:
            return quoted(str(value))


def explain(problems: Iterable[Problem]) -> str:
    """A line for each problem: where it is, and what."""
    return "\n".join(f"{each.origin}:{each.line}:{each.column}: {each.message}" for each in problems)


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
