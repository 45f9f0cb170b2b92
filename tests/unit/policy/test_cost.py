"""What an expression can cost is known before it is asked: what would take memory or minutes is refused."""

from datetime import UTC, datetime
from pathlib import Path
from resource import getpagesize
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.policy import expressions
from bot.policy.cost import MOST_LOOKED_AT, MOST_MADE, Cost, cost_of
from bot.policy.expressions import Failed, Subject, checked
from bot.policy.faults import Malformed
from tests.unit.policy.test_expressions import everything, value_of

TOO_MUCH = (
    "It puts too much together: of the largest change there can be, more than half a gigabyte of texts and lists."
)
TOO_LONG = "It compares too much: of the largest change there can be, it takes more than seconds."
TEXT = '"' + "a" * 100 + '"'


def cost(text: str) -> Cost:
    return cost_of(expressions._environment().compile(text).serialize())


def refused(text: str) -> str:
    with pytest.raises(Malformed) as caught:
        checked(text)
    [fault] = caught.value.faults
    assert fault.offset is None
    return fault.message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"[{TEXT}]" + ".map(p, p+p+p+p+p+p+p+p)" * 8 + ".exists(q, q.size() == 1)", TOO_MUCH),
        ("[[1]]" + ".map(p, p+p+p+p+p+p+p+p)" * 8 + ".exists(q, q.size() == 1)", TOO_MUCH),
        ('[b"a"]' + ".map(p, p+p+p+p+p+p+p+p)" * 8 + ".exists(q, q.size() == 1)", TOO_MUCH),
        ("[dyn([1])]" + ".map(p, p+p+p+p+p+p+p+p)" * 8 + ".exists(q, q == 1)", TOO_MUCH),
        ("[[1]]" + ".map(p, true, p+p+p+p+p+p+p+p)" * 8 + ".exists(q, q.size() == 1)", TOO_MUCH),
        ("[[1]]" + ".map(p, [p,p,p,p,p,p,p,p])" * 8 + ".exists(q, q == q)", TOO_LONG),
        ('["a"]' + '.map(p, {"a":p,"b":p,"c":p,"d":p,"e":p,"f":p,"g":p,"h":p})' * 8 + ".exists(q, q == q)", TOO_LONG),
        ("(paths + paths + paths + paths).map(p, p).size() == 1", TOO_MUCH),
        ("paths.map(p, p + change.body + change.body).size() == 1", TOO_MUCH),
        ("labels.exists(l, paths.filter(p, p == l).size() == 1 && (change.body + change.body).size() == 2)", TOO_MUCH),
        ("paths.all(p, labels.all(l, change.body.contains(l + p)))", TOO_MUCH),
        ("paths.exists(p, p in paths)", TOO_LONG),
        ("paths.exists(p, p.matches(change.body))", TOO_LONG),
        (r'paths.exists(p, p.matches("\\pL{100}") || p == "a")', TOO_LONG),
    ],
)  # fmt: skip
def test_what_would_take_memory_or_minutes_is_refused(text: str, sentence: str) -> None:
    assert refused(text) == sentence


@pytest.mark.parametrize(
    "text",
    [
        'paths.filter(p, p.startsWith("db/")).size() > 3 && paths.filter(p, p.startsWith("docs/")).size() == 0',
        'files.map(f, f.change == "added", f.path).exists(p, p.endsWith(".sql"))',
        "paths.all(p, change.body.contains(p))",
        "people.approvers.all(a, !(a in people.contributors))",
        'paths.exists(p, p.startsWith(application.name + "/"))',
        'people.approvers.exists(a, labels.exists(l, l == "approved-by-" + a))',
        "paths.exists(p, p.matches(change.title))",
        'evidence.exists(e, e.kind == "junit" && "errors" in e.figures && e.figures["errors"] == 0.0)',
        '{"low": paths, "high": labels}[change.tier].exists(p, p == "a")',
        '{"a": labels}.a.exists(p, p == "a")',
        '(change.draft ? paths : labels).exists(p, p == "a")',
        "has(change.body) && size(string(lines_changed)) == 1",
        'dyn(change).body == ""',
        'type(change.title) == string && matches(change.title, "a")',
        '[1, "a"].exists_one(x, x == 1)',
    ],
)
def test_what_people_ask_is_not_refused(text: str) -> None:
    checked(text)


def test_what_is_counted_is_what_happens() -> None:
    assert cost("true") == Cost(made=0, looked_at=1)
    assert cost('change.title + "a" == "b"').made == 1 + 2
    assert cost('change.body + "a" == "b"').made == 256 + 257
    assert cost('labels.exists(l, l + "a" == "b")').made == 2 * 1_000
    assert cost("paths.map(p, p) == paths").made == 3_000 * 3_000 // 16
    assert cost('labels.exists(l, paths.exists(p, p + l == ""))').made == 17 * 10_000, "the library stops there"
    assert cost('matches(change.title, "(")').looked_at > 1_000, "what is no pattern is taken for one of the change's"


def test_the_memory_that_there_is_not_is_no_answer() -> None:
    class Greedy:
        def eval(self, _: object) -> object:
            raise MemoryError

    with pytest.raises(Failed, match=r"^it takes too much memory$"):
        expressions.Expression("true", Greedy()).holds(everything())


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux shows it")
def test_what_an_expression_put_together_is_not_kept_for_the_next() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * getpagesize()

    expression = checked("paths.filter(p, p.size() > 1).size() == 3000")
    before = resident()
    for _ in range(6):
        assert expression.holds(largest())
    assert resident() - before < 400 * 1024 * 1024, "each time, 140 MB are put together"


LARGEST: list[Subject] = []


def largest() -> Subject:
    """What is said of the largest change there can be."""
    if not LARGEST:
        paths = [f"{index:04}".ljust(4_000, "a") for index in range(3_000)]
        files = [{"path": path, "change": "added", "additions": 1, "deletions": 1} for path in paths]
        change = {**value_of("Change"), "body": "a" * 65_536, "created": datetime(2026, 1, 1, tzinfo=UTC)}
        LARGEST.append(everything(paths=paths, files=files, change=change, labels=[f"label {i}" for i in range(100)]))
    return LARGEST[0]


RANGES = st.sampled_from(["paths", "labels", "files.map(f, f.path)", '["a", "b"]', "[change.body]"])
VALUES = st.recursive(
    st.sampled_from(["p", "change.body", '"a"', "change.title"]),
    lambda inner: st.tuples(inner, inner).map(lambda pair: f"{pair[0]} + {pair[1]}"),
    max_leaves=8,
)
LINKS = st.one_of(
    VALUES.map(lambda value: f".map(p, {value})"),
    st.just('.filter(p, p != "b")'),
)
ASKED = st.sampled_from(["p.size() == 1", "p == p", 'p.matches("a+b$")', "change.body.contains(p)", "labels.exists(l, l == p)"])  # fmt: skip
CHAINS = st.tuples(RANGES, st.lists(LINKS, max_size=3).map("".join), ASKED).map(
    lambda each: f"{each[0]}{each[1]}.exists(p, {each[2]})"
)


@settings(max_examples=60, deadline=None)
@given(CHAINS)
def test_what_is_not_refused_comes_to_an_end_on_the_largest_change(text: str) -> None:
    try:
        expression = checked(text)
    except Malformed as error:
        assert str(error) in {TOO_MUCH, TOO_LONG}  # noqa: PT017 - it may be refused, and is not always
        found = cost(text)
        assert found.made > MOST_MADE or found.looked_at > MOST_LOOKED_AT
        return
    began = process_time()
    try:
        expression.holds(largest())
    except Failed as failed:
        assert str(failed) == "it goes through too many entries"  # noqa: PT017 - it may have an answer
    assert process_time() - began < 15
