"""What a query costs, by GitHub's rule: a point for each hundred requests that its connections would take.

https://docs.github.com/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

MOST_NODES = 500_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Points of the rate limit, and how many nodes the answer could have at most."""

    points: int
    nodes: int


def cost(document: DocumentNode, variables: Mapping[str, Any]) -> Cost:
    """What ``document`` costs with these ``variables``."""
    counter = _Counter(variables, {})
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            counter.fragments[definition.name.value] = definition.selection_set
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            counter.walk(definition.selection_set, 1)
    return Cost(max(1, round(counter.requests / 100)), counter.nodes)


@dataclass(slots=True)
class _Counter:
    variables: Mapping[str, Any]
    fragments: dict[str, SelectionSetNode]
    requests: int = 0
    nodes: int = 0

    def walk(self, selections: SelectionSetNode, times: int) -> None:
        """Count the connections below; what is selected here is there ``times`` times."""
        for selection in selections.selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FragmentSpreadNode):
                self.walk(self.fragments[selection.name.value], times)
            elif isinstance(selection, InlineFragmentNode):
                self.walk(selection.selection_set, times)
            elif isinstance(selection, FieldNode) and selection.selection_set is not None:
                size = self._size(selection)
                if size is not None:
                    self.requests += times
                    self.nodes += times * size
                self.walk(selection.selection_set, times * (size or 1))

    def _included(self, selection: Any) -> bool:
        for directive in selection.directives or ():
            value = directive.arguments[0].value
            flag = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
            flag = value.value if isinstance(value, BooleanValueNode) else flag
            if bool(flag) != (directive.name.value == "include"):
                return False
        return True

    def _size(self, field: FieldNode) -> int | None:
        """How many nodes a connection asks for; None for a field that is no connection."""
        for argument in field.arguments or ():
            if argument.name.value in {"first", "last"}:
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    return int(self.variables.get(argument.value.name.value) or 0)
        return None
