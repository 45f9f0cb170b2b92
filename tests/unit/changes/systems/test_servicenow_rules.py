"""What is told when a business rule stops a write."""

import pytest

from bot.changes.systems.servicenow_rules import ruled

ID = "6fd3a2b1c0a8016400aa1b2c3d4e5f60"
ABORTED = f"Operation against file 'change_request' was aborted by Business Rule 'Audit week^{ID}'"
REMEDY = (
    "The change manager there meets that rule, or an administrator there lets Countersign's account pass it; "
    "then it goes on by itself."
)


@pytest.mark.parametrize(
    "words",
    [
        f"Operation Failed: {ABORTED}. Business Rule Stack:Audit week",
        f"Operation Failed: {ABORTED}. Business Rule Stack:Audit week,Inserted,And so on",
        f"{ABORTED}. Business Ru…",
        ABORTED,
    ],
)
def test_the_rule_is_named_without_what_is_around_it(words: str) -> None:
    found = ruled(words)
    assert found is not None
    assert str(found) == f"ServiceNow's business rule `Audit week` does not let Countersign write there. {REMEDY}"


def test_what_a_rule_says_itself_is_told_too() -> None:
    found = ruled(f"Operation Failed: No change before Monday.; {ABORTED}. Business Rule Stack:Audit week")
    assert found is not None
    assert found.what == (
        "ServiceNow's business rule `Audit week` does not let Countersign write there; it says: No change before Monday."
    )
    assert found.of_step("CHG0030001", "draft", "assess").what == (
        "ServiceNow's business rule `Audit week` does not let CHG0030001 go from draft to assess; it says: No change "
        "before Monday."
    )


def test_a_rule_s_name_is_no_markup() -> None:
    found = ruled(ABORTED.replace("Audit week", "It's `@everyone`^2 | <b>"))
    assert found is not None
    assert found.what.startswith("ServiceNow's business rule `It's '@everyone'^2 | <b>` does not let")


@pytest.mark.parametrize(
    "words",
    [
        "Operation Failed: ACL Exception Update Failed due to security constraints",
        "Operation against file 'change_request' was aborted by Business Rule",
        "",
    ],
)
def test_where_no_rule_is_named_there_is_none(words: str) -> None:
    assert ruled(words) is None
