from importlib.resources import files

import pytest
from graphql import FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode, Visitor, parse, visit

from bot.github.queries import document

NAMES = sorted(
    each.name.removesuffix(".graphql")
    for each in files("bot.github.queries").iterdir()
    if each.name.endswith(".graphql") and each.name != "fragments.graphql"
)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_one_operation_with_just_the_fragments_that_it_spreads(name: str) -> None:
    tree = parse(document(name))
    operations = [node for node in tree.definitions if isinstance(node, OperationDefinitionNode)]
    defined = [node.name.value for node in tree.definitions if isinstance(node, FragmentDefinitionNode)]
    spread: set[str] = set()

    class Spreads(Visitor):
        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
            spread.add(node.name.value)

    visit(tree, Spreads())
    assert len(operations) == 1
    assert len(operations) + len(defined) == len(tree.definitions)
    assert sorted(spread) == sorted(defined)


def test_every_fragment_is_used_by_something() -> None:
    text = files("bot.github.queries").joinpath("fragments.graphql").read_text(encoding="utf-8")
    defined = {node.name.value for node in parse(text).definitions if isinstance(node, FragmentDefinitionNode)}
    documents = "".join(document(name) for name in NAMES)
    assert {name for name in defined if f"fragment {name} on" in documents} == defined


def test_a_document_is_read_once() -> None:
    assert document("team") is document("team")


@pytest.mark.parametrize("name", NAMES)
def test_every_connection_says_how_many(name: str) -> None:
    connections = {"nodes", "pageInfo"}

    class Connections(Visitor):
        def enter_field(self, node: object, *_: object) -> None:
            selected = getattr(getattr(node, "selection_set", None), "selections", ())
            names = {each.name.value for each in selected if hasattr(each, "name")}
            if names & connections:
                arguments = {each.name.value: each.value for each in getattr(node, "arguments", ())}
                (size,) = (getattr(value, "value", "") for key, value in arguments.items() if key in {"first", "last"})
                assert 1 <= int(size) <= 100

    visit(parse(document(name)), Connections())
