"""What people see of a change to a policy file, as it is sent."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.decide.verdict import Annotation, Verdict
from bot.facts.model import Gain
from bot.policy.model import Problem
from bot.publish.effects import CheckRunContent
from bot.publish.preview import NAME, render_preview
from bot.trial.model import Difference, Preview
from tests.unit.builders import account, oid

PATH = "countersign.yml"
LOOSER = Difference(
    "pull:77:7",
    "acme/ledger",
    7,
    Verdict.WAIT,
    Verdict.PASS,
    ("tier high would be low", "approvals: wait would be pass (1 of 1 approvals)"),
    (account("ana"),),
    loosens=True,
)
MODE = replace(LOOSER, number=8, would=Verdict.WAIT, how=("mode enforce would be observe",))
NOTHING = Preview(tried=0, differing=0, passing=0, shown=(), gains=())
SAME = replace(NOTHING, tried=1234)
GAINING = Preview(1234, 2, 1, (LOOSER, MODE), (Gain(account("ana"), "acme/ledger", 7),))
MANY = replace(GAINING, differing=1201, passing=1000, gains=())
WRONG = (
    Problem("acme/.github:countersign.yml", 2, 1, "`moed` is not known here. Did you mean `mode`?"),
    Problem("acme/.github:countersign.yml", 7, 3, "There is no role `secrity`."),
)
LOOSE = (
    Problem("acme/ledger:.github/countersign.yml", 2, 1, "The organisation enforces its policy."),
    Problem("acme/ledger:.github/countersign.yml", 4, 3, "The organisation says that 2 people approve."),
)
HOSTILE = replace(
    GAINING,
    shown=(replace(LOOSER, repository="acme/`|<b>", how=("rule:a|b: fail would be pass (<img> @acme/all | [x](y))",)),),
    gains=(Gain(account("a_b|c"), "acme/*x*", 7),),
)
Case = tuple[Preview | None, tuple[Problem, ...], tuple[str, ...]]
CASES: dict[str, Case] = {
    "cannot be used": (None, WRONG, ()),
    "cannot be used for one reason": (None, WRONG[:1], ()),
    "nothing on record": (NOTHING, (), ()),
    "nothing would differ": (SAME, (), ()),
    "one cannot be compared": (replace(SAME, untried=1), (), ()),
    "none can be compared": (replace(NOTHING, untried=1234), (), ()),
    "some would differ, and somebody gains": (GAINING, (), ()),
    "more differ than are shown": (MANY, (), ()),
    "some of it is not let through": (SAME, LOOSE, ("mode", "tiers.low.approvals")),
    "hostile texts": (HOSTILE, (replace(WRONG[0], message="`<b>@acme` | is [not](x)"),), ("mode",)),
}
CONCLUSIONS = {
    "cannot be used": "failure",
    "cannot be used for one reason": "failure",
    "some of it is not let through": "neutral",
    "hostile texts": "neutral",
}


def shown(
    preview: Preview | None,
    problems: tuple[Problem, ...] = (),
    refused: tuple[str, ...] = (),
    path: str = PATH,
) -> CheckRunContent:
    return render_preview(
        path,
        oid("head"),
        external_id="pull:77:7#countersign.yml@4ead",
        details_url="https://github.example/acme/.github/pull/7/files",
        problems=problems,
        preview=preview,
        refused=refused,
    )


def page(content: CheckRunContent) -> str:
    notes = [f"\n[{each.path}:{each.start_line}] {each.title}: {each.message}" for each in content.annotations]
    return f"{content.status} / {content.conclusion}\n# {content.title}\n\n{content.summary}\n{''.join(notes)}"


@pytest.mark.parametrize("case", CASES)
def test_a_preview_reads_well(case: str, snapshot: SnapshotAssertion) -> None:
    assert page(shown(*CASES[case])) == snapshot


@pytest.mark.parametrize("case", CASES)
def test_only_what_cannot_be_used_fails_and_only_what_would_hold_passes(case: str) -> None:
    content = shown(*CASES[case])
    assert (content.status, content.conclusion) == ("completed", CONCLUSIONS.get(case, "success"))
    assert (content.head, content.external_id) == (oid("head"), "pull:77:7#countersign.yml@4ead")
    assert content.details_url.endswith("/files")
    assert content.buttons == ()


def test_the_title_names_what_would_not_hold_as_far_as_it_fits() -> None:
    assert shown(SAME, LOOSE[:1], ("mode",)).title == "1 rule would not hold: mode"
    four = shown(SAME, (*LOOSE, *WRONG), ("mode", "records", "standard", "observe"))
    assert four.title == "4 rules would not hold: mode, records, standard and 1 more"
    same_key = shown(SAME, LOOSE, ("standard",))
    assert same_key.title == "2 rules would not hold: standard"


def test_problems_are_annotations_at_their_lines_in_the_changed_file() -> None:
    content = shown(None, WRONG, path=".github/countersign.yml")
    assert content.annotations == (
        Annotation(".github/countersign.yml", 2, 2, "Policy", WRONG[0].message),
        Annotation(".github/countersign.yml", 7, 7, "Policy", WRONG[1].message),
    )


def test_what_is_too_long_for_github_is_cut_and_says_so() -> None:
    long = replace(LOOSER, how=tuple(f"rule:{number}: fail would be pass" for number in range(200)))
    content = shown(replace(GAINING, shown=(long,) * 50))
    assert len(content.summary.encode()) <= 65_535
    assert content.summary.endswith("The record has all of it.*")


def test_its_name_is_not_that_of_the_check_that_rulesets_demand() -> None:
    assert NAME == "policy-preview"
