"""A change of the policy itself: shown for what it means, of tier high, and not approved by who gains from it."""

from typing import Any

import pytest

from bot.publish.effects import CHECK
from bot.publish.preview import NAME
from bot.sandbox.rehearsal import Rehearsal
from bot.trial import history
from bot.trial.fence import Fence
from tests.scenarios.bank import POLICY, Bank, reasons, shown

ORGANISATIONS = f"{NAME} (organisation)"
LOOSER = POLICY.replace("medium:\n    approvals: [{count: 2", "medium:\n    approvals: [{count: 1")


def plain(text: str | None) -> str:
    return (text or "").replace("\\", "")


async def test_a_change_of_the_organisations_policy_shows_what_it_means(countersign: Rehearsal, bank: Bank) -> None:
    waiting = bank.change()
    waiting.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    pull = bank.policy.open_pull_request(by=bank.erin, title="One is enough", files={"countersign.yml": LOOSER})
    await countersign.settle()
    preview = pull.check(ORGANISATIONS)
    assert (preview.conclusion, preview.title) == ("success", "1 of 1 recorded changes would differ")
    assert f"northbank/ledger#{waiting.number} | wait → pass" in plain(preview.summary)
    assert "@alice" in plain(preview.summary)
    summary = plain(pull.check(CHECK).summary)
    assert "tier high" in summary
    assert "the policy is changed" in summary or "is changed: of 1 recorded changes, 1 would be decided" in summary


async def test_who_gains_from_a_looser_policy_cannot_approve_it(countersign: Rehearsal, bank: Bank) -> None:
    waiting = bank.change()
    waiting.review(by=bank.bob, state="APPROVED")
    await countersign.settle()
    for who in (bank.alice, bank.dana):
        bank.policy.grant(who, "write")
    pull = bank.policy.open_pull_request(by=bank.erin, title="One is enough", files={"countersign.yml": LOOSER})
    for who in (bank.alice, bank.dana):
        pull.review(by=who, state="APPROVED")
    await countersign.settle()
    why = reasons(pull)
    assert why["alice"] == (
        f"not counted: gains from this change of the policy: northbank/ledger#{waiting.number} would pass with it"
    )
    assert why["dana"].startswith("counted")
    assert shown(pull)[0] == "action_required"


def danas(bank: Bank) -> Any:
    """A change of Dana's own, of which an approval is missing."""
    own = bank.ledger.open_pull_request(by=bank.dana, title="Mine", files={"mine.py": "1\n"}, branch="mine")
    own.review(by=bank.bob, state="APPROVED")
    return own


async def test_who_opens_a_change_of_their_own_after_the_preview_cannot_approve(
    countersign: Rehearsal, bank: Bank
) -> None:
    pull = bank.policy.open_pull_request(by=bank.erin, title="One is enough", files={"countersign.yml": LOOSER})
    bank.policy.grant(bank.dana, "write")
    await countersign.settle()
    own = danas(bank)
    await countersign.settle()
    pull.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["dana"].endswith(f"northbank/ledger#{own.number} would pass with it")


async def test_who_opens_a_change_of_their_own_after_approving_does_not_count_any_more(
    countersign: Rehearsal, bank: Bank
) -> None:
    bank.policy.grant(bank.dana, "write")
    pull = bank.policy.open_pull_request(by=bank.erin, title="One is enough", files={"countersign.yml": LOOSER})
    pull.review(by=bank.dana, state="APPROVED")
    await countersign.settle()
    assert reasons(pull)["dana"].startswith("counted")
    own = danas(bank)
    await countersign.settle()
    assert reasons(pull)["dana"].endswith(f"northbank/ledger#{own.number} would pass with it")
    own.close(by=bank.dana)
    await countersign.settle()
    pull.comment(by=bank.erin, body="/recheck")
    await countersign.settle()
    assert reasons(pull)["dana"].startswith("counted")


async def test_a_policy_that_cannot_be_used_fails_at_its_lines(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.policy.open_pull_request(
        by=bank.erin, title="Oops", files={"countersign.yml": "version: 1\nmoed: enforce\n"}
    )
    await countersign.settle()
    preview = pull.check(ORGANISATIONS)
    assert (preview.conclusion, preview.title) == ("failure", "1 problem in countersign.yml")
    [note] = preview.annotations
    assert (note["path"], note["start_line"]) == ("countersign.yml", 2)
    assert "Did you mean `mode`?" in note["message"]
    assert shown(pull)[0] == "failure"
    pull.push(by=bank.erin, files={"countersign.yml": LOOSER})
    await countersign.settle()
    assert pull.check(ORGANISATIONS).conclusion == "success"
    assert shown(pull)[0] == "action_required"


async def test_a_repositorys_own_policy_is_of_tier_high_too(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.ledger.open_pull_request(
        by=bank.alice, title="Stricter", files={".github/countersign.yml": "version: 1\nmode: enforce\n"}
    )
    pull.review(by=bank.bob, state="APPROVED")
    pull.review(by=bank.carol, state="APPROVED")
    await countersign.settle()
    assert pull.check(NAME).title == "No change is on record to try it on"
    assert shown(pull) == ("action_required", "Waiting: 1 approval from security")


LOOSENING = """\
version: 1
mode: observe
tiers:
  medium:
    approvals: [{count: 3, from: [write]}]
standard:
  - {id: typo, title: Typos, paths: [^docs/], lines: 10, expires: 2099-01-01}
"""


async def test_what_would_loosen_is_named_and_annotated_before_it_is_merged(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.ledger.open_pull_request(by=bank.alice, title="Looser", files={".github/countersign.yml": LOOSENING})
    await countersign.settle()
    preview = pull.check(NAME)
    assert (preview.conclusion, preview.title) == ("neutral", "2 rules would not hold: mode and standard")
    assert [(note["path"], note["start_line"]) for note in preview.annotations] == [
        (".github/countersign.yml", 2),
        (".github/countersign.yml", 7),
    ]
    assert "a repository cannot only observe" in preview.annotations[0]["message"]
    assert "**Not let through**" in preview.summary
    assert "What it says of `mode` and `standard` would loosen" in plain(pull.check(CHECK).summary)
    assert shown(pull)[0] == "action_required"
    pull.push(by=bank.alice, files={".github/countersign.yml": "version: 1\nmode: enforce\n"})
    await countersign.settle()
    assert pull.check(NAME).conclusion == "success"


async def test_the_repositorys_own_file_is_not_judged_by_what_it_says_today(countersign: Rehearsal, bank: Bank) -> None:
    """It goes from three approvals to two, which is what the organisation says; a role of the old version is gone."""
    before = (
        "version: 1\nroles: {owners: [northbank/owners]}\ntiers: {medium: {approvals: [{count: 3, from: [write]}]}}\n"
    )
    bank.ledger.push("main", by=bank.erin, files={".github/countersign.yml": before})
    pull = bank.ledger.open_pull_request(
        by=bank.alice, title="As the others", files={".github/countersign.yml": before.replace("count: 3", "count: 2")}
    )
    other = bank.ledger.open_pull_request(
        by=bank.alice,
        title="Owners",
        files={".github/countersign.yml": "version: 1\ntiers: {medium: {approvals: [{count: 1, from: [owners]}]}}\n"},
    )
    await countersign.settle()
    assert pull.check(NAME).conclusion == "success"
    assert pull.check(NAME).annotations == []
    assert (other.check(NAME).conclusion, other.check(NAME).title) == (
        "failure",
        "1 problem in .github/countersign.yml",
    )


async def test_a_file_that_names_a_newer_role_is_compared_with_what_can_be(countersign: Rehearsal, bank: Bank) -> None:
    """Of what was decided before the organisation had the role, nobody knows what the file would have meant."""
    over = bank.change()
    await countersign.settle()
    over.close(by=bank.alice)
    open_still = bank.ledger.open_pull_request(by=bank.alice, title="Other", files={"b.py": "1\n"}, branch="other")
    await countersign.settle()
    newer = POLICY.replace("roles:\n", "roles:\n  auditor: [northbank/audit]\n")
    bank.policy.push("main", by=bank.erin, files={"countersign.yml": newer})
    await countersign.settle()
    own = "version: 1\ntiers: {medium: {approvals: [{count: 1, from: [auditor]}]}}\n"
    pull = bank.ledger.open_pull_request(by=bank.alice, title="Audited", files={".github/countersign.yml": own})
    await countersign.settle()
    preview = pull.check(NAME)
    assert (preview.conclusion, preview.annotations) == ("success", [])
    assert preview.title == "No recorded change of 1 would differ, 1 not compared"
    assert "1 more cannot be compared: the file names what was not known when it was decided." in plain(preview.summary)
    assert "1 more cannot be compared" in plain(pull.check(CHECK).summary)
    assert shown(pull)[0] == "action_required"
    assert shown(open_still)[0] == "action_required"


async def test_a_policy_that_cannot_be_tried_on_the_record_fails_and_says_why(
    countersign: Rehearsal, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.change()
    await countersign.settle()
    monkeypatch.setattr(history, "FENCE", Fence(seconds=0))
    many = "".join(f"  - {{name: app-{n}, repositories: [app-{n}], tier: low}}\n" for n in range(3_000))
    longer = LOOSER.replace("applications:\n", f"applications:\n{many}")
    assert longer != LOOSER
    pull = bank.policy.open_pull_request(by=bank.erin, title="Greedy", files={"countersign.yml": longer})
    await countersign.settle()
    preview = pull.check(ORGANISATIONS)
    assert preview.conclusion == "failure"
    assert "could not be tried on the record" in plain(preview.summary)
    assert "makes its expressions simpler" in plain(preview.summary)
    assert shown(pull)[0] == "failure"
    monkeypatch.undo()
    pull.push(by=bank.erin, files={"countersign.yml": LOOSER})
    await countersign.settle()
    assert pull.check(ORGANISATIONS).conclusion == "success"


async def test_a_repositorys_own_policy_may_name_what_the_organisation_has_and_nothing_else(
    countersign: Rehearsal, bank: Bank
) -> None:
    sound = "version: 1\nexclusive:\n  - [ledger, vault]\n"
    pull = bank.ledger.open_pull_request(by=bank.alice, title="One", files={".github/countersign.yml": sound})
    await countersign.settle()
    assert pull.check(NAME).conclusion == "success"
    unsound = "version: 1\nobserve: [facts]\nexclusive:\n  - [ledger, valt]\nrules:\n  - {id: a, controls: [SOX-303], require: tru, message: m}\n"
    pull.push(by=bank.alice, files={".github/countersign.yml": unsound})
    await countersign.settle()
    told = [(note["start_line"], note["message"].partition("?")[0]) for note in pull.check(NAME).annotations]
    assert told == [
        (2, "`facts` is never only observed: what could not be read would pass, and nobody knows what it is."),
        (4, "There is no application or configuration item `valt`. Did you mean `vault`"),
        (6, "There is no control `SOX-303`. Did you mean `SOX-302`"),
        (
            6,
            "`tru` is not known. Known are `change`, `application`, `people`, `paths`, `files`, `lines`, `lines_changed`, `labels`, `evidence`, `deployment` and `time`.",
        ),
    ]


async def test_taking_the_policy_away_is_told_and_fails(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.policy.open_pull_request(by=bank.erin, title="Away", files={"countersign.yml": None})
    await countersign.settle()
    assert "taken away" in plain(pull.check(ORGANISATIONS).summary)
    assert shown(pull)[0] == "failure"


async def test_other_changes_have_no_preview(countersign: Rehearsal, bank: Bank) -> None:
    pull = bank.change()
    await countersign.settle()
    assert pull.check(NAME) is None
    assert pull.check(ORGANISATIONS) is None


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (
            "calendar:\n  windows:\n    w:\n      rrule: FREQ=DAILY;INTERVAL=0;BYMONTH=2;BYMONTHDAY=30\n      duration: 1 hour\n",
            5,
            "`INTERVAL` must be a number from 1 to 999, not `0`.",
        ),
        (
            "calendar:\n  windows:\n    w: {rrule: FREQ=DAILY;BYEASTER=1000, duration: 1 hour}\n",
            4,
            "`BYEASTER` is not known in a recurrence rule.",
        ),
        (
            "calendar:\n  freezes:\n    - name: until further notice\n      from: 2027-01-01\n      to: 9999-12-31\n",
            6,
            "`9999-12-31` is not in the years 1970 to 2200.",
        ),
        (
            f"rules:\n  - id: eats\n    require: '[\"a\"]{'.map(p, p+p+p+p+p+p+p+p)' * 8}.exists(q, q.size() == 1)'\n    message: m\n",
            4,
            "It puts too much together",
        ),
    ],
)
async def test_a_file_that_would_never_end_or_eat_everything_gets_its_checks_with_the_error_at_its_line(
    countersign: Rehearsal, bank: Bank, text: str, line: int, told: str
) -> None:
    pull = bank.ledger.open_pull_request(
        by=bank.alice, title="Calendar", files={".github/countersign.yml": f"version: 1\n{text}"}
    )
    await countersign.settle()
    [note] = pull.check(NAME).annotations
    assert (note["path"], note["start_line"]) == (".github/countersign.yml", line)
    assert note["message"].startswith(told)
    assert shown(pull)[0] == "failure"
