"""CEL expressions of a policy: what they can speak of, their check when the policy is loaded, and what they say.

The one module that knows the CEL library (https://cel.dev, the official cel-cpp). An expression has no I/O and always
ends, and is checked against the types of `ENVIRONMENT` before any change is looked at; what it can cost at most is
bounded then as well (`cost`). Patterns are RE2's: linear in time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import count
from typing import Any

import re2
from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.timestamp_pb2 import Timestamp

from bot.policy.cost import MOST_LOOKED_AT, MOST_MADE, Cost, cost_of
from bot.policy.near import nearest
from bot.words import quoted, visible

MOST_CHARACTERS = 2_000
MOST_DEPTH = 2
"""How deep macros that go through a list (exists, all, filter, map) may stand in each other."""

MOST_MACROS = 10
_GREEDY = 4_096
"""Pieces, a megabyte: what is put together beyond that is not kept for other expressions."""

_PACKAGE = "countersign"


@dataclass(frozen=True, slots=True)
class Name:
    """Something that expressions can speak of: its type, and what it means."""

    type: str
    meaning: str


Message = Mapping[str, Name]

MESSAGES: Mapping[str, Message] = {
    "Change": {
        "title": Name("string", "The pull request's title."),
        "body": Name("string", "Its description."),
        "number": Name("int", "Its number."),
        "base": Name("string", "The branch that it goes to."),
        "head": Name("string", "The branch that it comes from."),
        "draft": Name("bool", "Whether it is a draft."),
        "from_fork": Name("bool", "Whether its branch is in a fork."),
        "commits": Name("int", "How many commits it has."),
        "tier": Name("string", "low, medium or high: in `rules` the change's, in `risk.raise` the application's."),
        "type": Name("string", "standard, normal or emergency."),
        "repository": Name("string", "The repository as owner/name."),
        "created": Name("timestamp", "When it was opened."),
    },
    "Application": {
        "name": Name("string", "The application's name in the inventory; empty when it is in none."),
        "tier": Name("string", "Its tier."),
        "data": Name("list(string)", "Its classes of data."),
        "configuration_item": Name("string", "Its number in the inventory of configuration items."),
        "known": Name("bool", "Whether the repository is in the inventory."),
    },
    "People": {
        "author": Name("string", "The login of who opened the pull request."),
        "contributors": Name("list(string)", "The logins of everybody who contributed."),
        "approvers": Name("list(string)", "The logins of everybody whose approval counts."),
        "unknown": Name("int", "How many traces of contributors lead to nobody."),
    },
    "File": {
        "path": Name("string", "Its path. A moved file stands here twice: where it was it is deleted."),
        "change": Name("string", "added, changed, copied, deleted, modified or renamed."),
        "additions": Name("int", "Lines added."),
        "deletions": Name("int", "Lines deleted."),
    },
    "Lines": {
        "added": Name("int", "Lines added in all files."),
        "deleted": Name("int", "Lines deleted in all files."),
        "changed": Name("int", "Both together."),
    },
    "Evidence": {
        "kind": Name("string", "The kind of report: junit, sarif, sonarqube …"),
        "name": Name("string", "The name that it was submitted under."),
        "tool": Name("string", "The tool that wrote it."),
        "passed": Name("bool", "Whether it says that all is well."),
        "figures": Name("map(string, double)", "Its figures by name."),
    },
    "Deployment": {
        "environment": Name("string", "Where it goes; empty on a pull request."),
        "kind": Name("string", "The inventory's kind of that environment; empty on a pull request."),
        "commits": Name("int", "How many commits it ships."),
    },
    "Time": {
        "now": Name("timestamp", "The moment of the decision."),
        "day": Name("string", "The day of the week there, as MO, TU, WE, TH, FR, SA or SU."),
        "hour": Name("int", "The hour there, 0 to 23."),
        "timezone": Name("string", "The time zone of the policy's calendar."),
    },
}
ENVIRONMENT: Mapping[str, Name] = {
    "change": Name("Change", "The pull request."),
    "application": Name("Application", "The entry of the inventory that the repository belongs to."),
    "people": Name("People", "Who took part."),
    "paths": Name("list(string)", "The paths of all changed files; of a moved one also where it was."),
    "files": Name("list(File)", "The changed files."),
    "lines": Name("Lines", "How much changed."),
    "lines_changed": Name("int", "Lines added and deleted, together."),
    "labels": Name("list(string)", "The pull request's labels."),
    "evidence": Name("list(Evidence)", "What other tools found about the head commit."),
    "deployment": Name("Deployment", "The deployment, where there is one."),
    "time": Name("Time", "When it is decided, in the policy's time zone."),
}
"""Everything that an expression can speak of. The reference page is made from this."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an expression; ``offset`` is where in its text, None when it is about all of it."""

    message: str
    offset: int | None = None


class Malformed(Exception):
    """An expression that cannot be used, with everything that is wrong with it: at least one fault."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(" ".join(each.message for each in faults))
        self.faults = faults


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
_PLACE = re.compile(r"<input>:(-?\d+):(-?\d+): (.*)")
_DEPTH = re.compile(r"recursion (?:limit|depth).*?(\d+)")
_MISSING = re.compile(r"Syntax error: missing '(.+?)' at ")
_SYNTAX = re.compile(
    r"Syntax error: (?:(?:mismatched|extraneous) input|token recognition error at:) '(.+?)'(?: expecting|$)"
)


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
        raise _malformed(str(error), text) from None
    if wrong := tuple(_patterns_wrong(text)):
        raise Malformed(*wrong)
    if compiled.return_type() != cel.Type.BOOL:
        raise Malformed(Fault(f"It must say true or false, and is {_said_type(compiled.return_type().name())}."))
    cost = _within_cost(compiled)
    return Expression(text, _evaluating().compile(_quickened(text)), greedy=cost.made > _GREEDY)


def subject(values: Mapping[str, Any]) -> Subject:
    """What is true of a change: a value for each name of `ENVIRONMENT`; messages are mappings of their fields."""
    missing = set(ENVIRONMENT) - set(values)
    assert not missing, f"nothing is said of {', '.join(sorted(missing))}"
    given = {name: _made(ENVIRONMENT[name].type, value) for name, value in values.items()}
    given["all_paths"] = _together(values["paths"])
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


def _patterns_wrong(text: str) -> Iterator[Fault]:
    tokens = _tokens(text)
    for place, token in enumerate(tokens):
        if token.kind == "literal" and _reads(tokens, place - 3, ". matches ( ? )"):
            try:
                re2.compile(_value(token.text), options=_QUIET)
            except re2.error as error:
                yield Fault(f"The pattern is not one of RE2: {_words(error)}.", token.start)


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


def _malformed(said: str, text: str) -> Malformed:
    """The library's complaints in our words, each with its place, and the nearest name where one is unknown.

    Of what is wrong with the grammar, the first is told, and what only follows from something else is not.
    """
    if deep := _DEPTH.search(said):
        return Malformed(
            Fault(
                f"It is nested too deeply: at most {deep[1]} levels. Each bracket is one, and each link of a chain "
                "like `a + b + c`; `&&` and `||` are not."
            )
        )
    found = [(each[3].partition(" [")[0], _offset(text, int(each[1]), int(each[2]))) for each in _PLACE.finditer(said)]
    found = [each for each in found if "*error*" not in each[0]] or found
    grammar = [each for each in found if each[0].startswith("Syntax error")]
    told = [Fault(_complaint(complaint), offset) for complaint, offset in grammar[:1] or found]
    return Malformed(*(dict.fromkeys(told) or [Fault(f"It is not CEL: {said.partition(' [')[0][:200]}.")]))


def _offset(text: str, line: int, column: int) -> int | None:
    """Where in a text the line and column are, which are counted from 1."""
    lines = text.split("\n")
    return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1 if 0 < line <= len(lines) else None


def _complaint(said: str) -> str:
    if unknown := re.match(r"undeclared reference to '([^']+)'", said):
        return f"{quoted(unknown[1])} is not known.{nearest(unknown[1], tuple(ENVIRONMENT))}"
    if lacking := re.match(r"undefined field '([^']+)' not found in struct '[^']*\.(\w+)'", said):
        near = nearest(lacking[1], tuple(MESSAGES.get(lacking[2], ())))
        return f"{quoted(lacking[2].lower())} has no {quoted(lacking[1])}.{near}"
    if overload := re.match(r"found no matching overload for '([^']+)' applied to '([^']+)'", said):
        operator = overload[1].strip("_")
        return f"{quoted(operator)} does not go with {overload[2].replace('countersign.', '')}."
    if grammar := _SYNTAX.match(said):
        return "It ends too early." if grammar[1] == "<EOF>" else f"{quoted(grammar[1])} does not belong here."
    if lost := _MISSING.match(said):
        return f"{quoted(lost[1])} is missing here."
    return f"It is not CEL: {visible(said)[:200].rstrip('.')}."


def _said_type(name: str) -> str:
    kind = name.removeprefix(f"{_PACKAGE}.").partition("<")[0].lower()
    return {"int": "a number", "double": "a number", "string": "a text", "list": "a list", "map": "a map"}.get(
        kind, kind
    )


def _reason(said: str) -> str:
    return said.partition(": ")[2] or said


_QUIET = re2.Options()
_QUIET.log_errors = False


def _together(paths: Sequence[str]) -> str:
    """All paths in one text, each behind a character that is in none of them: a line feed where that can be."""
    whole = "".join(paths)
    separator = next(each for each in map(chr, count(ord("\n"))) if each not in whole)
    return separator + separator.join(paths) if paths else ""


@lru_cache(maxsize=1024)
def _patterns(pattern: str) -> tuple[Any, Any]:
    """The pattern for one path, and for a text in which each line is one."""
    return re2.compile(pattern, options=_QUIET), re2.compile(f"(?m){pattern}", options=_QUIET)


_OF_WHOLE_TEXTS = re.compile(r"\\[AzC]|\(\?")


def _any_path_matches(together: str, pattern: str) -> bool:
    """Whether one of the paths matches: what matches in none of the lines of a text does not match in all of it."""
    each, of_lines = _patterns(pattern)
    by_lines = together.startswith("\n") and not _OF_WHOLE_TEXTS.search(pattern)
    if by_lines and of_lines.search(together) is None:
        return False
    # A match may reach from one line into the next.
    return any(each.search(path) is not None for path in together.split(together[:1])[1:]) if together else False


@cache
def _environment() -> Any:
    """What expressions are checked in."""
    return cel.NewEnv(descriptor_pool=_pool(), variables=_variables())


@cache
def _evaluating() -> Any:
    """What they are evaluated in: the same, with a quick way to ask about all paths."""
    matches = cel.Overload(
        id="any_path_matches",
        return_type=cel.Type.BOOL,
        parameters=[cel.Type.STRING, cel.Type.STRING],
        is_member=False,
        impl=_any_path_matches,
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
        return cel.Type(f"{_PACKAGE}.{kind}")
    return {"string": cel.Type.STRING, "int": cel.Type.INT, "bool": cel.Type.BOOL}[kind]


@cache
def _pool() -> Any:
    """The messages as the library wants to have them described."""
    pool = descriptor_pool.DescriptorPool()
    stamp = descriptor_pb2.FileDescriptorProto()
    Timestamp.DESCRIPTOR.file.CopyToProto(stamp)
    pool.Add(stamp)
    file = descriptor_pb2.FileDescriptorProto(
        name="countersign.proto", package=_PACKAGE, syntax="proto3", dependency=[stamp.name]
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
        type_name = f".{_PACKAGE}.{message.name}.{entry.name}"
        message.field.add(
            name=key, number=number, label=many, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=type_name
        )
    elif kind.startswith("list("):
        message.field.add(name=key, number=number, label=many, type=_TYPES[kind[5:-1]])
    else:
        message.field.add(name=key, number=number, label=once, type=_TYPES[kind])


@cache
def _classes() -> Mapping[str, Any]:
    return {
        name: message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in MESSAGES
    }
