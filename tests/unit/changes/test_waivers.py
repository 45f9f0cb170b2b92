"""Who may waive which finding, for how long, and what becomes of the finding."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.changes.model import Refused
from bot.changes.waivers import NEVER, Waiver, Wanted, grant, lapsed, may_answer, may_revoke, waived
from bot.decide.approvals import bound
from bot.decide.verdict import Finding, Verdict
from bot.facts.model import Account, Named
from bot.facts.people import people_among
from bot.policy.model import Policy, Waivers
from tests.unit.builders import account, bot
from tests.unit.changes.builders import MONDAY, rules, standing

UNTIL = MONDAY + timedelta(days=10)
WANTED = Wanted("pull:77:7", "evidence:zap", "The scanner is down until Thursday.", UNTIL, account("ana"))
HOLDERS = (standing("rick", "acme/risk"), standing("rick-admin", "acme/risk"), standing("cleo"))
RULES = rules(people=(("rick", "rick-admin"), ("bo", "bo-admin")))


def held(_waiver: Waiver) -> str:
    """Nothing is wrong with it."""
    return ""


def granted(
    wanted: Wanted = WANTED,
    by: str | Account = "rick",
    policy: Policy = RULES,
    contributors: tuple[str, ...] = ("ana", "bo"),
    requesters: tuple[str, ...] = ("ana",),
) -> Waiver | Refused:
    who = account(by) if isinstance(by, str) else by
    more = (standing("bo-admin", "acme/risk"),)
    involved, asking = ([account(each) for each in those] for those in (contributors, requesters))
    return grant(wanted, who, involved, (*HOLDERS, *more), policy, MONDAY, requesters=asking)


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


@pytest.mark.parametrize("who", ["rick", "rick-admin"])
def test_who_asked_for_the_change_grants_no_waiver_of_it_by_any_account(who: str) -> None:
    found = granted(requesters=("ana", who))
    assert isinstance(found, Refused)
    assert found.what == "@rick asked for the change to be authorised and cannot grant a waiver for it."


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
    found = grant(wanted, renamed, [account("bo")], (mine,), bound(RULES, names, (mine,)), MONDAY, requesters=())
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
    [found, left] = waived([failing, other], [waiver], MONDAY, held)
    assert left == other
    assert (found.verdict, found.until) == (Verdict.WAIVED, UNTIL)
    assert found.why == "@rick waived this until 2027-01-14 12:00 UTC: `The scanner is down until Thursday.`."
    assert found.remedy == "After 2027-01-14 12:00 UTC it blocks again: Run the scanner."
    # It ends by itself, and at once when it is revoked.
    assert waived([failing], [waiver], UNTIL, held) == (failing,)
    assert waived([failing], [waiver], UNTIL - timedelta(seconds=1), held) != (failing,)
    assert waived([failing], [waiver], MONDAY - timedelta(seconds=1), held) == (failing,)
    revoked = replace(waiver, revoked_at=MONDAY + timedelta(days=1))
    assert waived([failing], [revoked], MONDAY + timedelta(days=1), held) == (failing,)
    assert waived([failing], [revoked], MONDAY, held)[0].verdict is Verdict.WAIVED


def test_what_passes_is_not_waived_nor_what_can_never_be() -> None:
    waiver = Waiver("s", "evidence:zap", "r", account("ana"), account("rick"), MONDAY, UNTIL)
    passing = Finding("evidence:zap", Verdict.PASS, "a report", "There is one.")
    assert waived([passing], [waiver], MONDAY, held) == (passing,)
    facts = Finding("facts", Verdict.FAIL, "not read", "Not everything could be read.")
    assert waived([facts], [replace(waiver, finding="facts")], MONDAY, held) == (facts,)
    waiting = replace(passing, verdict=Verdict.WAIT, until=MONDAY)
    assert waived([waiting], [waiver], MONDAY, held)[0].remedy == ""


WAIVER = Waiver("s", "evidence:zap", "r", account("ana"), account("rick"), MONDAY, UNTIL, None, 3, "b" * 40, "first")


def why_not(
    waiver: Waiver = WAIVER,
    diff: str = "first",
    contributors: tuple[str, ...] = ("ana",),
    *known: tuple[str, ...],
    requesters: tuple[str, ...] = ("ana",),
) -> str:
    people = people_among(
        [account(each) for each in ("ana", "rick", *contributors, *requesters)], known or RULES.people
    )
    contributing = {people.person(account(each)): ("pushed",) for each in contributors}
    return lapsed(waiver, diff, people, contributing, [account(each) for each in requesters])


def test_a_waiver_holds_for_the_change_that_it_was_asked_for() -> None:
    assert why_not() == ""
    assert why_not(diff="second") == "the change is another one than at bbbbbbb, for which it was granted"
    old = replace(WAIVER, head="", diff="")
    assert why_not(old) == "the change is another one than at an earlier commit, for which it was granted"


@pytest.mark.parametrize("who", ["rick", "rick-admin"])
def test_a_waiver_does_not_hold_when_who_granted_it_contributes_afterwards(who: str) -> None:
    assert why_not(WAIVER, "first", ("ana", who)) == "@rick, who granted it, contributed to the change"


@pytest.mark.parametrize("who", ["rick", "rick-admin"])
def test_a_waiver_does_not_hold_when_who_granted_it_asks_for_the_change_afterwards(who: str) -> None:
    assert why_not(requesters=("ana", who)) == "@rick, who granted it, asked for the change to be authorised"


def test_a_waiver_does_not_hold_when_who_asked_and_who_granted_turn_out_to_be_one() -> None:
    assert why_not(WAIVER, "first", ("bo",), ("ana", "rick")) == "@rick, who granted it, is who asked for it"


def test_a_waiver_that_does_not_hold_is_missed_with_the_reason() -> None:
    failing = Finding("evidence:zap", Verdict.FAIL, "no report", "There is no report.", why="So it is.")
    [found] = waived([failing], [WAIVER], MONDAY, lambda _: "it is another change")
    assert found == replace(failing, why="So it is. The waiver of @rick does not hold: it is another change.")
    again = replace(WAIVER, number=4, until=UNTIL - timedelta(days=1))
    [found] = waived([failing], [WAIVER, again], MONDAY, lambda each: "" if each.number == 4 else "it is another")
    assert found.until == again.until
    identity = replace(failing, id="identity")
    assert waived([identity], [replace(WAIVER, finding="identity")], MONDAY, held) == (identity,)


def test_what_was_asked_for_another_change_is_not_granted() -> None:
    wanted = replace(WANTED, number=3, head="b" * 40, diff="first")
    waiver = grant(wanted, account("rick"), (), HOLDERS, RULES, MONDAY, requesters=(), diff="first")
    assert isinstance(waiver, Waiver)
    assert (waiver.number, waiver.head, waiver.diff) == (3, "b" * 40, "first")
    assert grant(wanted, account("rick"), (), HOLDERS, RULES, MONDAY, requesters=(), diff="second") == Refused(
        "The waiver of `evidence:zap` was asked for at bbbbbbb; the change is another one since.",
        "Whoever still needs it asks again with `/waive`.",
    )


def test_where_nobody_may_grant_nobody_answers() -> None:
    found = may_answer(WANTED, account("rick"), (), HOLDERS, replace(RULES, waivers=Waivers()), requesters=())
    assert found is not None
    assert found.what == "Nobody may grant a waiver."


def test_whoever_may_grant_may_revoke_and_so_may_who_granted() -> None:
    rick = account("rick")
    assert may_revoke(rick, account("rick-admin"), HOLDERS, RULES) is None
    assert may_revoke(rick, rick, (), replace(RULES, waivers=Waivers())) is None
    assert may_revoke(rick, account("cleo"), HOLDERS, RULES) == Refused(
        "@cleo may not revoke waivers.", "@rick, or somebody with risk-officer, can."
    )
    assert may_revoke(rick, bot("robot"), HOLDERS, replace(RULES, waivers=Waivers())) == Refused(
        "@robot may not revoke waivers.", "@rick can."
    )


def test_of_two_waivers_the_one_that_lasts_longer_is_told() -> None:
    first = Waiver("s", "evidence:zap", "r", account("ana"), account("rick"), MONDAY, UNTIL)
    longer = replace(first, until=UNTIL + timedelta(days=1))
    failing = Finding("evidence:zap", Verdict.FAIL, "no report", "There is no report.")
    assert waived([failing], [longer, first], MONDAY, held)[0].until == longer.until
