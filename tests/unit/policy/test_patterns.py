"""Patterns of paths mean what they are documented to mean: RE2, found anywhere, bound to the ends as written."""

import pytest

from bot.policy.expressions import checked
from bot.policy.patterns import compiled, matches
from tests.unit.policy.test_expressions import everything


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        (r"^texts/.*\.json$", "texts/a.json", True),
        (r"^texts/.*\.json$", "texts/deep/b.json", True),
        (r"^texts/.*\.json$", "texts/a.json.sh", False),
        (r"^texts/.*\.json$", "src/texts/a.json", False),
        (r"^texts/[a-z]*$", "texts/x/deploy.sh", False),
        (r"^texts/[a-z]*", "texts/x/deploy.sh", True),
        (r"texts/", "src/texts/a.json", True),
        (r"^docs/*", "docs", True),
        (r"^(?i)TEXTS/", "texts/a", True),
    ],
)
def test_a_pattern_is_found_as_the_rules_find_it(pattern: str, path: str, found: bool) -> None:
    assert matches(path, pattern) is found
    rule = checked(f"paths.exists(p, p.matches(r'{pattern}'))")
    assert rule.holds(everything(paths=[path])) is found


def test_what_is_no_pattern_is_told() -> None:
    with pytest.raises(Exception, match="missing"):
        compiled("^texts/(")
