"""The sections of a description: what is a plan, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.changes.plans import JUSTIFICATION, LONGEST, PLANS, gives_reason, read, says_something, template, to_add
from bot.policy.model import Plan
from bot.policy.shelf import folder

BODY = """\
Settles twice a day instead of once.

## Why

The regulator wants it by March.

# Implementation plan ##
1. Release the service.

### Who
Ops, in about ten minutes.

Backout Plan:
-------------
Release 4.2 again, which reads the new tables as well.

## Testing
```
## Impact
nobody sees this as a heading
```
> ## Impact
> not here either
"""


def test_the_sections_of_a_description_are_found_by_their_headings() -> None:
    found = read(BODY)
    assert found.opening == "Settles twice a day instead of once."
    assert found.justification == "The regulator wants it by March."
    plans = dict(found.plans)
    assert list(plans) == [Plan.IMPLEMENTATION, Plan.TEST, Plan.BACKOUT]
    # A section holds the smaller ones in it.
    assert plans[Plan.IMPLEMENTATION].startswith("1. Release the service.\n\n### Who\nOps, in about ten minutes.")
    assert plans[Plan.BACKOUT] == "Release 4.2 again, which reads the new tables as well."
    assert "nobody sees this as a heading" in plans[Plan.TEST]


def test_two_sections_of_one_name_are_one_and_a_long_one_is_cut() -> None:
    found = read("## Rollback\nRelease 4.2 again.\n\n## Backout\nThen restore the table.\n")
    assert dict(found.plans)[Plan.BACKOUT] == "Release 4.2 again.\n\nThen restore the table."
    long = read(f"## Impact\n{'Customers wait. ' * 2000}")
    assert len(dict(long.plans)[Plan.IMPACT]) == LONGEST


@pytest.mark.parametrize(
    "text",
    [
        "", "n/a", "N/A.", "**N/A**", "n/a - tbd", "TBD", "_to be done_", "- [ ] todo", "1. tbd\n2. tbd", "...", "-", "x",
        "Not applicable", "None needed.", "See above", "<!-- Release 4.2 again, then restore the table. -->",
        "<!-- never closed: Release 4.2 again", "`lorem ipsum`", "\uff54\uff42\uff44", "n\u200b/a", "TODO: to be defined (later)", "???",
        "will be added later", "Not needed for this change", "TODO: write the plan", "N/A - see the ticket",
        "\U0001f6a7 work in progress \U0001f6a7", "### Steps\n#### Who\n#### How long it takes", "&nbsp;" * 20,
        "<backout plan here>", "[insert backout plan here]", "Please describe the backout plan.",
        "<details><summary></summary></details>", "![the plan](https://wiki.example/backout-plan.png)",
        PLANS[Plan.BACKOUT].prompt.replace(", and", ",\nand"), f"{PLANS[Plan.BACKOUT].prompt} TBD",
        "N/A - low risk change", "- [ ] **N/A** low risk change", "1. n.a., it is a small change", "Not applicable because trivial",
        "lorem ipsum dolor sit amet", "fill this in later please", "Will do it later today", "xxxxxxxxxxxxxxxx",
        "asdf asdf asdf asdf", "revert revert", "Rollback", "Deploy: tbd", "See ticket PAY-123456", "PAY-123456, PAY-123457",
        "See #12 for details", "as per INC0012345", "https://jira.bank.example/browse/PAY-123456",
        "See https://github.com/bank/ledger/issues/123456.", "Not applicable: nothing changes; see PAY-12345",
        *(each.prompt for each in PLANS.values()), f"- {JUSTIFICATION.prompt}", f"> {PLANS[Plan.TEST].prompt}\n\nn/a",
    ],
)  # fmt: skip
def test_a_placeholder_is_no_plan(text: str) -> None:
    assert not says_something(text)
    assert dict(read(f"## Backout plan\n{text}\n").plans).get(Plan.BACKOUT) is None


@pytest.mark.parametrize(
    "text",
    [
        "Release 4.2 again.",
        "- [x] Revert #17\n- [ ] Restart",
        "None of the tables change, so revert it.",
        "If p99 < 5 ms does not hold, or errors > 3 %, Carol deploys 4.2.",
        "See [the runbook of the ledger](https://wiki.example/1), steps 1 to 4.",
        "### Steps\nCarol deploys 4.2 again.",
        "旧版本を再度リリースしてテーブルを復元する",
        "git revert",
        "Revert it.",
        "- `helm rollback`",
        "Revert #17",
        "Deploy 4.1.",
        "N/A, but revert the commit if it fails.",
        "N/A for the API. The batch is restarted by ops.",
        "The flag is n/a there; restart.",
        "Na falha, reverter a imagem.",
        "See runbook 12.",
        "None of it needs SHA-256.",
    ],
)
def test_a_sentence_is_one(text: str) -> None:
    assert says_something(text)
    assert dict(read(f"## Backout plan\n{text}\n").plans)[Plan.BACKOUT] == text


@pytest.mark.parametrize("text", ["ok", "No", "wip", "not needed", "PAY-1", "Too late.", "いいえ"])
def test_a_short_reason_is_one(text: str) -> None:
    assert gives_reason(text)


@pytest.mark.parametrize(
    "text", ["", " ", ".", "-", "?!", '""', '"" ""', "\u200b", "n/a", "N/A.", "tbd", "**none**", "\U0001f6a7"]
)
def test_what_says_nothing_at_all_is_no_reason(text: str) -> None:
    assert not gives_reason(text)


def test_the_template_that_is_offered_says_nothing_by_itself() -> None:
    assert (folder() / "change-template.md").read_text(encoding="utf-8") == template()
    found = read(template())
    assert (found.opening, found.justification, found.plans) == ("", "", ())
    # Nor when somebody takes the prompts out of their comments.
    assert read(template().replace("<!--", "").replace("-->", "")) == found


def test_the_template_has_a_place_for_everything() -> None:
    filled = template()
    for section in (JUSTIFICATION, *PLANS.values()):
        filled = filled.replace(f"<!-- {section.prompt} -->", f"All there is to say about {section.heading}.")
    found = read(filled)
    assert [plan for plan, _ in found.plans] == list(Plan)
    assert found.justification == "All there is to say about Justification."
    assert to_add(PLANS[Plan.BACKOUT]).startswith("## Backout plan\n\nWhat makes you go back")


def test_without_a_heading_everything_is_the_opening() -> None:
    assert read("Settles twice a day instead of once.").opening == "Settles twice a day instead of once."
    assert read("").plans == ()


@given(body=st.text(st.sampled_from("# \n-<!>`*abcN/A[]x12.:|"), max_size=80))
def test_any_text_can_be_read_and_a_plan_that_is_found_says_something(body: str) -> None:
    assert all(says_something(text) for _, text in read(body).plans)
    with_plan = read(f"{body}\n\n\n## Backout plan\n\nRelease 4.2 again.\n")
    assert all(says_something(text) for _, text in with_plan.plans)
