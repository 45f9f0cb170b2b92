"""Whatever stands in a policy file: it is read to the end, soon, and what is wrong is told at a line that there is."""

import json
from time import process_time
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.deployments.windows import hours
from bot.policy import layers
from bot.policy.check import MOST_PROBLEMS, check
from bot.policy.default import default
from bot.policy.model import ChangeType, Layer
from tests.properties.policies import Plain, organisations
from tests.unit.builders import NOON
from tests.unit.policy.test_recurrence import TEXTS as RULES

PIECES = ["change", "paths", "files", ".title", ".exists(p, ", ".map(p, ", ".size()", "p", "f.path", " + ", " == ", " && ", "(", ")", "[", "]", "{", "}", ",", "'a'", '"\\x28"', "1", "-", "!", "?", ":", ".matches(", "r'", "\n", "true", "in", "dyn(", "b'\\xff'"]  # fmt: skip
EXPRESSIONS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
DATES = st.one_of(
    st.dates().map(str),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())).map(lambda at: at.isoformat()),
    st.sampled_from(["9999-12-31", "0001-01-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2027-W01-1"]),
)
DURATIONS = st.tuples(st.integers(-1, 10**6), st.sampled_from(["minutes", "hours", "days", "weeks", "years"])).map(
    lambda each: f"{each[0]} {each[1]}"
)
LEAVES = st.one_of(
    RULES,
    DATES,
    DURATIONS,
    EXPRESSIONS,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["Europe/London", "../etc/passwd", "", "*", "GB-ENG", "sox", "SOX-NOPE", "facts", "rule:x", "a/b"]),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.just([]),
    st.just({}),
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value of a file, from the top."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


def put(whole: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The file with another value at that place."""
    if not path:
        return value
    copied: Any = dict(whole) if isinstance(whole, dict) else list(whole)
    copied[path[0]] = put(copied[path[0]], path[1:], value)
    return copied


@st.composite
def shaped_like_policies(draw: st.DrawFn) -> Plain:
    """A policy file in which some values are something else."""
    made: Any = draw(organisations)
    for _ in range(draw(st.integers(1, 4))):
        inner = [path for path in places(made) if path]
        if inner:
            made = put(made, draw(st.sampled_from(inner)), draw(LEAVES))
    return made  # type: ignore[no-any-return]


def calendar(**parts: Any) -> Plain:
    return {"version": 1, "calendar": parts}


def window(rule: str, duration: str = "1 hour") -> Plain:
    return calendar(windows={"w": {"rrule": rule, "duration": duration}})


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(shaped_like_policies())
@example(window("FREQ=DAILY;INTERVAL=0;BYMONTH=2;BYMONTHDAY=30"))
@example(window("FREQ=YEARLY;INTERVAL=0;BYMONTH=2;BYMONTHDAY=30"))
@example(window("FREQ=WEEKLY;INTERVAL=0;BYMONTH=2;BYMONTHDAY=30"))
@example(window("FREQ=DAILY;INTERVAL=0"))
@example(window("FREQ=DAILY;INTERVAL=-1"))
@example(window("FREQ=DAILY;BYEASTER=1000"))
@example(window("FREQ=DAILY", "99999 weeks"))
@example(calendar(freezes=[{"name": "f", "from": "2027-01-01", "to": "9999-12-31"}]))
@example(calendar(freezes=[{"name": "f", "rrule": "FREQ=DAILY", "duration": "99999 weeks"}]))
@example({"version": 1, "rules": [{"id": "a", "require": "'\ud800' == ''", "message": "m"}]})
def test_whatever_is_in_it_a_policy_file_is_read_to_the_end(plain: Plain) -> None:
    text = json.dumps(plain, indent=1)
    began = process_time()
    checked = check(text, "o")
    lines = text.count("\n") + 1
    assert len(checked.problems) <= MOST_PROBLEMS
    assert all(1 <= each.line <= lines and each.column >= 1 and each.message for each in checked.problems)
    if checked.content is not None:
        merged = layers.organisation(default(), checked.content, Layer("o", "b"))
        sets = tuple((name,) for name, _ in merged.calendar.windows)
        for kind in ChangeType:
            hours(merged.calendar, sets, kind, NOON)
    assert process_time() - began < 20
