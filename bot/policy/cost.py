"""What an expression can cost at most, found out before it is asked: the largest change there can be is assumed. Pure.

An abstract reading of the checked expression (https://github.com/google/cel-spec/blob/master/proto/cel/expr): each part
has a bound of its size, and what it makes and looks at is added up over the times that it is reached. It is counted in
*pieces*: an entry or a number, or up to 256 characters of a text. What CEL itself bounds, ten thousand turns of all
loops together, is believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import re2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

PIECE = 256
"""Characters that count as one."""

MOST_TURNS = 10_000
"""Turns of all loops together after which the library gives up."""

MOST_MADE = 2 * 1024 * 1024
"""Pieces that may be put together: half a gigabyte."""

MOST_LOOKED_AT = 10_000_000
"""Pieces that may be gone through: seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The pieces that are put together, and those that are gone through."""

    made: int
    looked_at: int


@dataclass(frozen=True, slots=True)
class _Size:
    """Of a value with all that is in it: the pieces, the entries, and the pieces of the largest entry."""

    whole: int
    entries: int = 0
    each: int = 0

    @property
    def entry(self) -> "_Size":
        """Any one of its entries, of which no more is known than that it is not larger."""
        return _Size(self.each, self.each, self.each)


_ONE = _Size(1)
_TEXTS = {"body": _Size(256), "path": _Size(16)}
"""GitHub keeps 65,536 characters of a description; a path has 4,096 at most. Any other text is one piece."""

_LISTS = {"paths": _Size(3_000 * 16, 3_000, 16), "files": _Size(3_000 * 20, 3_000, 20)}
"""GitHub lists 3,000 files. Of all else there are at most a thousand."""

_LIST = _Size(1_000, 1_000, 1)
_MESSAGES = _Size(1_000 * 1_000, 1_000, 1_000)
_SCALARS = range(1, 5)
"""The numbers that the library has for truth values, integers and decimals; of texts, more."""

_PROGRAM = 4
"""Instructions of a pattern that take as long to write as a piece to read; the library writes them at every turn."""

_UNKNOWN_PROGRAM = 1_000
"""Those of a pattern that only the change has, for each of its pieces."""


def cost_of(serialized: bytes) -> Cost:
    """The cost of a checked expression, as the library writes it down."""
    packed = any_pb2.Any.FromString(serialized)
    checked = _classes()["CheckedExpr"].FromString(packed.value)
    reading = _Reading({each.key: each.value for each in checked.type_map})
    reading.size(checked.expr, {}, 1)
    return Cost(reading.made, reading.looked_at)


@dataclass(slots=True)
class _Reading:
    """Adds up what the parts of one expression cost; ``times`` is how often a part is reached."""

    types: Mapping[int, Any]
    made: int = 0
    looked_at: int = 0

    def size(self, part: Any, names: Mapping[str, _Size], times: int) -> _Size:
        self.looked_at += times
        if part.HasField("ident_expr"):
            name = part.ident_expr.name
            return names[name] if name in names else self._given(part, name)
        if part.HasField("select_expr"):
            return self._select(part, names, times)
        if part.HasField("call_expr"):
            return self._call(part, names, times)
        if part.HasField("list_expr"):
            return self._collected([self.size(each, names, times) for each in part.list_expr.elements], times)
        if part.HasField("struct_expr"):
            return self._struct(part.struct_expr, names, times)
        if part.HasField("comprehension_expr"):
            return self._loop(part.comprehension_expr, names, times)
        constant = part.const_expr
        return _Size(1 + max(len(constant.string_value), len(constant.bytes_value)) // PIECE)

    def _given(self, part: Any, name: str) -> _Size:
        """What a change says by that name."""
        type_ = self._type(part)
        if type_.HasField("list_type"):
            of_messages = bool(type_.list_type.elem_type.message_type)
            return _LISTS.get(name, _MESSAGES if of_messages else _LIST)
        if type_.HasField("map_type"):
            return _LIST
        return _MESSAGES if type_.message_type else _TEXTS.get(name, _ONE)

    def _type(self, part: Any) -> Any:
        return self.types.get(part.id) or _classes()["Type"]()

    def _select(self, part: Any, names: Mapping[str, _Size], times: int) -> _Size:
        selected = part.select_expr
        operand = self.size(selected.operand, names, times)
        if selected.test_only:
            return _ONE
        if not self._type(selected.operand).message_type:
            return operand.entry
        given = self._given(part, selected.field)
        # A text is taken out of a message by writing it down once more.
        self.made += 0 if given.entries else times * given.whole
        return given

    def _struct(self, struct: Any, names: Mapping[str, _Size], times: int) -> _Size:
        values = [self.size(entry.value, names, times) for entry in struct.entries]
        keys = [self.size(entry.map_key, names, times) for entry in struct.entries if entry.HasField("map_key")]
        made = self._collected([*keys, *values], times)
        return _Size(made.whole, len(values), made.each)

    def _collected(self, parts: list[_Size], times: int) -> _Size:
        self.made += times * (1 + len(parts))
        return _Size(1 + sum(each.whole for each in parts), len(parts), max((each.whole for each in parts), default=0))

    def _call(self, part: Any, names: Mapping[str, _Size], times: int) -> _Size:
        call = part.call_expr
        operands = [*([call.target] if call.HasField("target") else []), *call.args]
        sizes = [self.size(each, names, times) for each in operands]
        if call.function == "_?_:_":
            return _Size(*(max(pair) for pair in zip(*map(_figures, sizes[1:]), strict=True)))
        if call.function == "_[_]":
            return sizes[0].entry
        if self._is_scalar(part):
            self.looked_at += times * _looked_at(call.function, sizes, operands)
            return _ONE
        whole, entries = sum(each.whole for each in sizes), sum(each.entries for each in sizes)
        self.made += times * whole
        return _Size(whole, entries, max(each.each for each in sizes))

    def _is_scalar(self, part: Any) -> bool:
        type_ = self._type(part)
        return type_.primitive in _SCALARS or bool(type_.well_known)

    def _loop(self, loop: Any, names: Mapping[str, _Size], times: int) -> _Size:
        """A macro that goes through a list: it makes another list, or comes to one value."""
        through = self.size(loop.iter_range, names, times)
        turns = min(times * through.entries, MOST_TURNS)
        inside = {**names, loop.iter_var: through.entry, loop.iter_var2: through.entry, loop.accu_var: _ONE}
        if not loop.accu_init.HasField("list_expr"):
            for part in (loop.loop_condition, loop.loop_step):
                self.size(part, inside, turns)
            return _ONE
        step = loop.loop_step
        if step.call_expr.function == "_?_:_":
            condition, step, _ = step.call_expr.args
            self.size(condition, inside, turns)
        [entry] = step.call_expr.args[1].list_expr.elements
        each = self.size(entry, inside, turns)
        # With every turn, the library writes down what it has so far once more.
        self.made += turns * through.entries // 16
        return _Size(through.entries * (1 + each.whole), through.entries, each.whole)


def _figures(size: _Size) -> tuple[int, int, int]:
    return size.whole, size.entries, size.each


def _looked_at(function: str, sizes: list[_Size], operands: list[Any]) -> int:
    """The pieces that a function goes through to come to one value."""
    match function, sizes:
        case "_==_" | "_!=_", [left, right]:
            return min(left.whole, right.whole)
        case "@in", [sought, among]:
            return among.entries * min(sought.whole, max(among.each, 1))
        case "matches", [text, pattern]:
            program = _program(operands[1].const_expr.string_value)
            if program is None:
                return text.whole + _UNKNOWN_PROGRAM * pattern.whole
            return text.whole * (1 + program // 100) + program // _PROGRAM
        case _:
            return sum(each.whole for each in sizes)


def _program(pattern: str) -> int | None:
    """How large a pattern is that is written out; None where it is not, or is none."""
    try:
        return int(re2.compile(pattern, options=_quiet()).programsize) if pattern else None
    except re2.error:
        return None


@cache
def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


_INTEGER, _TEXT, _RAW = (
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_BYTES,
)
_FIELDS: Mapping[str, Mapping[str, tuple[int, Any]]] = {
    "CheckedExpr": {"type_map": (3, "*TypeEntry"), "expr": (4, "Expr")},
    "TypeEntry": {"key": (1, _INTEGER), "value": (2, "Type")},
    "Type": {
        "primitive": (3, _INTEGER),
        "well_known": (5, _INTEGER),
        "list_type": (6, "ListType"),
        "map_type": (7, "MapType"),
        "message_type": (9, _TEXT),
    },
    "ListType": {"elem_type": (1, "Type")},
    "MapType": {},
    "Expr": {
        "id": (2, _INTEGER),
        "const_expr": (3, "Constant"),
        "ident_expr": (4, "Ident"),
        "select_expr": (5, "Select"),
        "call_expr": (6, "Call"),
        "list_expr": (7, "CreateList"),
        "struct_expr": (8, "CreateStruct"),
        "comprehension_expr": (9, "Comprehension"),
    },
    "Constant": {"string_value": (6, _TEXT), "bytes_value": (7, _RAW)},
    "Ident": {"name": (1, _TEXT)},
    "Select": {"operand": (1, "Expr"), "field": (2, _TEXT), "test_only": (3, _INTEGER)},
    "Call": {"target": (1, "Expr"), "function": (2, _TEXT), "args": (3, "*Expr")},
    "CreateList": {"elements": (1, "*Expr")},
    "CreateStruct": {"entries": (2, "*Entry")},
    "Entry": {"map_key": (3, "Expr"), "value": (4, "Expr")},
    "Comprehension": {
        "iter_var": (1, _TEXT),
        "iter_range": (2, "Expr"),
        "accu_var": (3, _TEXT),
        "accu_init": (4, "Expr"),
        "loop_condition": (5, "Expr"),
        "loop_step": (6, "Expr"),
        "iter_var2": (8, _TEXT),
    },
}
"""What is read here of checked.proto and syntax.proto, by name and number; a ``*`` is before what repeats."""


@cache
def _classes() -> Mapping[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="expressions.proto", package="cel.expr", syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for key, (number, kind) in fields.items():
            many = isinstance(kind, str) and kind.startswith("*")
            label = FieldDescriptorProto.LABEL_REPEATED if many else FieldDescriptorProto.LABEL_OPTIONAL
            if isinstance(kind, str):
                type_name = f".cel.expr.{kind.removeprefix('*')}"
                message.field.add(
                    name=key, number=number, label=label, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=type_name
                )
            else:
                message.field.add(name=key, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"cel.expr.{name}")) for name in _FIELDS}
