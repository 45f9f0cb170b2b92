"""What the author of an expression is told of what is wrong with it: in our words, and where. Pure."""

import re
from dataclasses import dataclass

from bot.policy.near import nearest
from bot.policy.vocabulary import ENVIRONMENT, MESSAGES, PACKAGE
from bot.words import quoted, visible

_PLACE = re.compile(r"<input>:(-?\d+):(-?\d+): (.*)")
_DEPTH = re.compile(r"recursion (?:limit|depth).*?(\d+)")
_MISSING = re.compile(r"Syntax error: missing '(.+?)' at ")
_SYNTAX = re.compile(
    r"Syntax error: (?:(?:mismatched|extraneous) input|token recognition error at:) '(.+?)'(?: expecting|$)"
)


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


def malformed(said: str, text: str) -> Malformed:
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
        return f"{quoted(operator)} does not go with {overload[2].replace(f'{PACKAGE}.', '')}."
    if grammar := _SYNTAX.match(said):
        return "It ends too early." if grammar[1] == "<EOF>" else f"{quoted(grammar[1])} does not belong here."
    if lost := _MISSING.match(said):
        return f"{quoted(lost[1])} is missing here."
    return f"It is not CEL: {visible(said)[:200].rstrip('.')}."


def said_type(name: str) -> str:
    """What the library calls a type, in our words."""
    kind = name.removeprefix(f"{PACKAGE}.").partition("<")[0].lower()
    return {"int": "a number", "double": "a number", "string": "a text", "list": "a list", "map": "a map"}.get(
        kind, kind
    )
