"""CEL expressions of a policy: their check when the policy is loaded, and what they say of a change.

The one module that knows the CEL library (https://cel.dev, the official cel-cpp). An expression has no I/O and always
ends, and is checked against the types of `vocabulary.ENVIRONMENT` before any change is looked at; what it can cost at
most is bounded then as well (`cost`), and what is wrong with it is told in our words (`faults`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import RLock
from typing import Any

import re2
from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.timestamp_pb2 import Timestamp

from bot.policy.cost import MOST_LOOKED_AT, MOST_MADE, Cost, cost_of
from bot.policy.faults import Fault, Malformed, malformed, said_type
from bot.policy.patterns import any_matches, compiled, together
from bot.policy.vocabulary import ENVIRONMENT, MESSAGES, PACKAGE

MOST_CHARACTERS = 2_000
MOST_DEPTH = 2
"""How deep macros that go through a list (exists, all, filter, map) may stand in each other."""

MOST_MACROS = 10
_GREEDY = 4_096
"""Pieces, a megabyte: what is put together beyond that is not kept for other expressions."""


class Failed(Exception):
    """An expression had no answer for this change, as when it divides by zero."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is true of one change, ready for any number of expressions.

    ``activation`` keeps everything that expressions put together for as long as it lives itself.
    """

    given: Mapping[str, Any]
    activation: Any

    def alone(self) -> Any:
        """An activation of its own, for an expression that puts much together."""
        return _evaluating().Activation(self.given)


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression that says true or false; a ``greedy`` one puts much together."""

    text: str
    compiled: Any
    greedy: bool = False

    def holds(self, subject: Subject) -> bool:
        """What it says of the change.

        Raises:
            Failed: it has no answer.

        """
        try:
            value = self.compiled.eval(subject.alone() if self.greedy else subject.activation)
        except RuntimeError:
            # The only thing that it raises instead of giving it as a value: an end to going through lists in lists.
            raise Failed("it goes through too many entries") from None
        except MemoryError:
            raise Failed("it takes too much memory") from None
        if value.type() == cel.Type.BOOL:
            return bool(value.value())
        raise Failed(_reason(str(value.value())))


_TYPES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "int": FieldDescriptorProto.TYPE_INT64,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
}
_QUOTES = "'{3}|\"{3}|'|\""
_TOKEN = re.compile(
    rf"(?P<blank>\s+|//[^\n]*)"
    rf"|(?P<literal>[bB]?(?:[rR](?P<raw>{_QUOTES}).*?(?P=raw)|(?P<plain>{_QUOTES})(?:\\.|[^\\])*?(?P=plain)))"
    rf"|(?P<word>\w+)|(?P<sign>.)",
    re.DOTALL,
)
_MACROS = ("all", "exists", "exists_one", "filter", "map")


@lru_cache(maxsize=4096)
def checked(text: str) -> Expression:
    """The expression in ``text``.

    Raises:
        Malformed: it is too long, not CEL, speaks of what is not there, or does not say true or false.

    """
    _within_limits(text)
    try:
        compiled = _environment().compile(text)
    except RuntimeError as error:
        raise malformed(str(error), text) from None
    if wrong := tuple(_patterns_wrong(text)):
        raise Malformed(*wrong)
    if compiled.return_type() != cel.Type.BOOL:
        raise Malformed(Fault(f"It must say true or false, and is {said_type(compiled.return_type().name())}."))
    cost = _within_cost(compiled)
    return Expression(text, _evaluating().compile(_quickened(text)), greedy=cost.made > _GREEDY)


def subject(values: Mapping[str, Any]) -> Subject:
    """What is true of a change: a value for each name of `ENVIRONMENT`; messages are mappings of their fields."""
    missing = set(ENVIRONMENT) - set(values)
    assert not missing, f"nothing is said of {', '.join(sorted(missing))}"
    given = {name: _made(ENVIRONMENT[name].type, value) for name, value in values.items()}
    given["all_paths"] = together(values["paths"])
    return Subject(given, _evaluating().Activation(given))


def _made(kind: str, value: Any) -> Any:
    if kind in MESSAGES:
        return _message(kind, value)
    if kind.startswith("list(") and kind[5:-1] in MESSAGES:
        return [_message(kind[5:-1], each) for each in value]
    return list(value) if kind.startswith("list(") else value


def _message(kind: str, fields: Mapping[str, Any]) -> Any:
    return _classes()[kind](**fields)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def _tokens(text: str) -> list[_Token]:
    """The words, literals and signs of an expression, as CEL's grammar divides it."""
    found = (_Token(str(each.lastgroup), each[0], each.start()) for each in _TOKEN.finditer(text))
    return [each for each in found if each.kind != "blank"]


def _reads(tokens: Sequence[_Token], place: int, pattern: str) -> bool:
    """Whether the tokens from ``place`` on read like ``pattern``, in which ``?`` stands for any one."""
    wanted = pattern.split()
    part = tokens[place : place + len(wanted)]
    return len(part) == len(wanted) and all(want in {"?", each.text} for want, each in zip(wanted, part, strict=True))


def _within_limits(text: str) -> None:
    if not text.strip():
        raise Malformed(Fault("It is empty."))
    if len(text) > MOST_CHARACTERS:
        raise Malformed(Fault(f"It is longer than {MOST_CHARACTERS:,} characters."))
    tokens = _tokens(text)
    opened: list[bool] = []
    macros = deepest = 0
    for place, token in enumerate(tokens):
        if token.text == "(":
            opened.append(place > 1 and tokens[place - 2].text == "." and tokens[place - 1].text in _MACROS)
            macros += opened[-1]
            deepest = max(deepest, sum(opened))
        elif token.text == ")" and opened:
            opened.pop()
    if deepest > MOST_DEPTH or macros > MOST_MACROS:
        message = f"It goes through lists too often: at most {MOST_MACROS} times, and {MOST_DEPTH} deep in each other."
        raise Malformed(Fault(message))


def _within_cost(compiled: Any) -> Cost:
    found = cost_of(compiled.serialize())
    if found.made > MOST_MADE:
        raise Malformed(
            Fault(
                "It puts too much together: of the largest change there can be, more than half a gigabyte of texts and "
                "lists."
            )
        )
    if found.looked_at > MOST_LOOKED_AT:
        raise Malformed(Fault("It compares too much: of the largest change there can be, it takes more than seconds."))
    return found


def patterns_in(text: str) -> Iterator[tuple[int, str]]:
    """The patterns that are written out in an expression, whether or not it is one, each with its place."""
    for token in _patterns(text):
        try:
            yield token.start, _value(token.text)
        except RuntimeError:
            continue  # It is no text either, and what is wrong with it is told of the expression.


def _patterns_wrong(text: str) -> Iterator[Fault]:
    for token in _patterns(text):
        try:
            compiled(_value(token.text))
        except re2.error as error:
            yield Fault(f"The pattern is not one of RE2: {_words(error)}.", token.start)


def _patterns(text: str) -> Iterator[_Token]:
    tokens = _tokens(text)
    for place, token in enumerate(tokens):
        if token.kind == "literal" and _reads(tokens, place - 3, ". matches ( ? )"):
            yield token


@lru_cache(maxsize=4096)
def _value(literal: str) -> str:
    """The text that a literal stands for."""
    return str(_environment().compile(literal).eval(_environment().Activation({})).value())


def _quickened(text: str) -> str:
    """The expression with ``paths.exists(p, p.matches("…"))`` asked of all paths together.

    Word by word, cel-cpp compiles the pattern anew for each path.
    """
    tokens = _tokens(text)
    if any(_reads(tokens, place, "( paths ,") for place in range(len(tokens))):
        return text  # A macro calls something else `paths`.
    quick, done = "", 0
    for place, token in enumerate(tokens):
        if _reads(tokens, place, _ANY_PATH) and _is_itself(tokens, place):
            quick += f"{text[done : token.start]}any_path_matches(all_paths, {tokens[place + 10].text})"
            done = tokens[place + 12].start + 1
    return quick + text[done:]


_ANY_PATH = "paths . exists ( ? , ? . matches ( ? ) )"


def _is_itself(tokens: Sequence[_Token], place: int) -> bool:
    """Whether the path that is looked at is what is matched, with a pattern that is written out."""
    return tokens[place + 4].text == tokens[place + 6].text and tokens[place + 10].kind == "literal"


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _reason(said: str) -> str:
    return said.partition(": ")[2] or said


_MAKING = RLock()


def _once(make: Callable[[], Any]) -> Callable[[], Any]:
    """The same at every call, for all threads: a message of one pool is none of another's."""
    made = cache(make)

    def one() -> Any:
        with _MAKING:
            return made()

    return one


@_once
def _environment() -> Any:
    """What expressions are checked in."""
    return cel.NewEnv(descriptor_pool=_pool(), variables=_variables())


@_once
def _evaluating() -> Any:
    """What they are evaluated in: the same, with a quick way to ask about all paths."""
    matches = cel.Overload(
        id="any_path_matches",
        return_type=cel.Type.BOOL,
        parameters=[cel.Type.STRING, cel.Type.STRING],
        is_member=False,
        impl=any_matches,
    )
    return cel.NewEnv(
        descriptor_pool=_pool(),
        variables={**_variables(), "all_paths": cel.Type.STRING},
        functions=[cel.FunctionDecl("any_path_matches", [matches])],
    )


def _variables() -> dict[str, Any]:
    return {name: _cel_type(each.type) for name, each in ENVIRONMENT.items()}


def _cel_type(kind: str) -> Any:
    if kind.startswith("list("):
        return cel.Type.List(_cel_type(kind[5:-1]))
    if kind in MESSAGES:
        return cel.Type(f"{PACKAGE}.{kind}")
    return {"string": cel.Type.STRING, "int": cel.Type.INT, "bool": cel.Type.BOOL}[kind]


@_once
def _pool() -> Any:
    """The messages as the library wants to have them described."""
    pool = descriptor_pool.DescriptorPool()
    stamp = descriptor_pb2.FileDescriptorProto()
    Timestamp.DESCRIPTOR.file.CopyToProto(stamp)
    pool.Add(stamp)
    file = descriptor_pb2.FileDescriptorProto(
        name="countersign.proto", package=PACKAGE, syntax="proto3", dependency=[stamp.name]
    )
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (key, each) in enumerate(fields.items(), start=1):
            _add_field(message, key, number, each.type)
    pool.Add(file)
    return pool


def _add_field(message: Any, key: str, number: int, kind: str) -> None:
    once, many = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
    if kind == "timestamp":
        message.field.add(
            name=key,
            number=number,
            label=once,
            type=FieldDescriptorProto.TYPE_MESSAGE,
            type_name=".google.protobuf.Timestamp",
        )
    elif kind == "map(string, double)":
        entry = message.nested_type.add(name=f"{key.title()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=once, type=_TYPES["string"])
        entry.field.add(name="value", number=2, label=once, type=_TYPES["double"])
        type_name = f".{PACKAGE}.{message.name}.{entry.name}"
        message.field.add(
            name=key, number=number, label=many, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=type_name
        )
    elif kind.startswith("list("):
        message.field.add(name=key, number=number, label=many, type=_TYPES[kind[5:-1]])
    else:
        message.field.add(name=key, number=number, label=once, type=_TYPES[kind])


@_once
def _classes() -> Any:
    """Of each message, by its name, what makes one."""
    return {
        name: message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES
    }
