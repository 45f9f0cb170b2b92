"""Who may waive which finding, for how long, and what becomes of the finding."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.changes.model import Refused
from bot.changes.waivers import NEVER, Waiver, Wanted, grant, waived
from bot.decide.approvals import bound
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Account, Named
from bot.policy.model import Policy, Waivers
from tests.unit.builders import account, bot
from tests.unit.changes.builders import MONDAY, rules, standing

UNTIL = MONDAY + timedelta(days=10)
WANTED = Wanted("pull:77:7", "evidence:zap", "The scanner is down until Thursday.", UNTIL, account("ana"))
HOLDERS = (standing("rick", "acme/risk"), standing("rick-admin", "acme/risk"), standing("cleo"))
RULES = rules(people=(("rick", "rick-admin"), ("bo", "bo-admin")))


def granted(
    wanted: Wanted = WANTED,
    by: str | Account = "rick",
    policy: Policy = RULES,
    contributors: tuple[str, ...] = ("ana", "bo"),
) -> Waiver | Refused:
    who = account(by) if isinstance(by, str) else by
    more = (standing("bo-admin", "acme/risk"),)
    return grant(wanted, who, [account(each) for each in contributors], (*HOLDERS, *more), policy, MONDAY)


def test_a_waiver_says_which_finding_why_until_when_and_by_whom() -> None:
    assert granted() == Waiver(
        "pull:77:7", "evidence:zap", WANTED.reason, account("ana"), account("rick"), MONDAY, UNTIL
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *(({"finding": f"{name}:some-part"}, f"`{name}:some-part` cannot be waived.") for name in sorted(NEVER)),
        ({"finding": ""}, "A waiver is for one finding."),
        ({"finding": "evidence:*"}, "A waiver is for one finding."),
        ({"reason": "tbd"}, "A waiver needs a reason."),
        ({"until": MONDAY}, "A waiver ends in the future."),
        ({"until": MONDAY + timedelta(days=30, seconds=1)}, "A waiver holds for 30 days at most."),
        ({"by": account("rick")}, "@rick asked for this waiver and cannot grant it."),
        ({"by": account("rick-admin")}, "@rick asked for this waiver and cannot grant it."),
    ],
)  # fmt: skip
def test_what_may_not_be_waived(changes: dict[str, object], sentence: str) -> None:
    found = granted(replace(WANTED, **changes))  # type: ignore[arg-type]
    assert isinstance(found, Refused)
    assert found.what == sentence
    assert found.remedy


@pytest.mark.parametrize(
    ("by", "sentence"),
    [
        ("cleo", "@cleo may not grant waivers."),
        ("stranger", "@stranger may not grant waivers."),
        ("bo-admin", "@bo-admin contributed to the change and cannot grant a waiver for it."),
        (bot("robot"), "A program cannot grant a waiver."),
    ],
)
def test_who_may_not_grant_one(by: str | Account, sentence: str) -> None:
    found = granted(by=by)
    assert isinstance(found, Refused)
    assert found.what == sentence
    assert found.remedy == "Somebody with risk-officer who did not contribute or ask for it can grant it."


@pytest.mark.parametrize(
    ("was", "sentence"),
    [
        ("rick-admin", "@new-name asked for this waiver and cannot grant it."),
        ("bo-admin", "@new-name contributed to the change and cannot grant a waiver for it."),
    ],
)
def test_a_second_account_grants_nothing_under_a_new_login_either(was: str, sentence: str) -> None:
    renamed = replace(account(was), login="new-name")
    names = [Named(each, account(each).id) for each in ("rick", "rick-admin", "bo", "bo-admin")]
    mine = replace(standing("x", "acme/risk"), account=renamed)
    wanted = replace(WANTED, by=account("rick"))
    found = grant(wanted, renamed, [account("bo")], (mine,), bound(RULES, names, (mine,)), MONDAY)
    assert isinstance(found, Refused)
    assert found.what == sentence


def test_nobody_grants_where_the_policy_names_nobody() -> None:
    found = granted(policy=replace(RULES, waivers=Waivers()))
    assert isinstance(found, Refused)
    assert found.what == "Nobody may grant a waiver."


def test_a_finding_is_waived_while_the_waiver_holds() -> None:
    waiver = granted()
    assert isinstance(waiver, Waiver)
    failing = Finding("evidence:zap", Verdict.FAIL, "no report", "There is no report.", remedy="Run the scanner.")
    other = replace(failing, id="evidence:junit")
    [found, left] = waived([failing, other], [waiver], MONDAY)
    assert left == other
    assert (found.verdict, found.until) == (Verdict.WAIVED, UNTIL)
    assert found.why == "@rick waived this until 2027-01-14 12:00 UTC: `The scanner is down until Thursday.`."
    assert found.remedy == "After 2027-01-14 12:00 UTC it blocks again: Run the scanner."
    # It ends by itself, and at once when it is revoked.
    assert waived([failing], [waiver], UNTIL) == (failing,)
    assert waived([failing], [waiver], UNTIL - timedelta(seconds=1)) != (failing,)
    assert waived([failing], [waiver], MONDAY - timedelta(seconds=1)) == (failing,)
    revoked = replace(waiver, revoked_at=MONDAY + timedelta(days=1))
    assert waived([failing], [revoked], MONDAY + timedelta(days=1)) == (failing,)
    assert waived([failing], [revoked], MONDAY)[0].verdict is Verdict.WAIVED


def test_what_passes_is_not_waived_nor_what_can_never_be() -> None:
    waiver = Waiver("s", "evidence:zap", "r", account("ana"), account("rick"), MONDAY, UNTIL)
    passing = Finding("evidence:zap", Verdict.PASS, "a report", "There is one.")
    assert waived([passing], [waiver], MONDAY) == (passing,)
    facts = Finding("facts", Verdict.FAIL, "not read", "Not everything could be read.")
    assert waived([facts], [replace(waiver, finding="facts")], MONDAY) == (facts,)
    waiting = replace(passing, verdict=Verdict.WAIT, until=MONDAY)
    assert waived([waiting], [waiver], MONDAY)[0].remedy == ""


def test_of_two_waivers_the_one_that_lasts_longer_is_told() -> None:
    first = Waiver("s", "evidence:zap", "r", account("ana"), account("rick"), MONDAY, UNTIL)
    longer = replace(first, until=UNTIL + timedelta(days=1))
    failing = Finding("evidence:zap", Verdict.FAIL, "no report", "There is no report.")
    assert waived([failing], [longer, first], MONDAY)[0].until == longer.until
