"""What many pull requests come to as one change: the riskiest decides, and whatever one lacks or waits for, all do."""

from dataclasses import replace
from datetime import timedelta

from bot.changes.findings import finding
from bot.changes.model import CommitLine, Contents, Part
from bot.changes.needs import missing, summed_up
from bot.changes.release import contents_of, context_of, wished
from bot.decide.verdict import Demand, Verdict
from bot.facts.model import Instructed, Instruction
from bot.policy.model import ChangeType, Plan, Tier
from tests.unit.builders import account
from tests.unit.changes.builders import GIVEN, MONDAY, authorised, contents, context, draft, rules

FIRST = contents(pulls=(7,), diff="a", contributors=(account("ana"),), evidence=("junit",), description="One.")
SECOND = contents(
    Tier.LOW,
    pulls=(8,),
    diff="b",
    contributors=(account("bo"), account("ana")),
    evidence=("junit", "sarif"),
    plans=FIRST.plans[:1],
    commits=(CommitLine("c" * 40, "Docs", ("bo",)),),
)


def part(inside: Contents | None, number: int = 7, **more: object) -> Part:
    return replace(Part(f"pull:77:{number}", inside, demands=GIVEN), **more)  # type: ignore[arg-type]


def whole(*inside: Contents) -> Contents:
    found = contents_of([part(each, each.pulls[0]) for each in inside], rules())
    assert found is not None
    return found


def test_a_release_is_as_risky_as_its_riskiest_and_lacks_what_one_lacks() -> None:
    found = whole(SECOND, FIRST)
    assert (found.tier, found.kind, found.pulls) == (Tier.HIGH, ChangeType.NORMAL, (8, 7))
    assert found.title == "Settle twice a day (and 1 more)"
    assert (found.routing, found.window, found.template) == (FIRST.routing, None, "")
    assert whole(replace(FIRST, apart=("b", "a")), replace(SECOND, apart=("c",))).apart == ("a", "b", "c")
    assert found.contributors == tuple(sorted({account("ana"), account("bo")}))
    assert found.evidence == ("junit", "sarif")
    assert found.description == "#7: One."
    assert dict(found.plans).keys() == {Plan.IMPLEMENTATION}
    assert dict(found.plans)[Plan.IMPLEMENTATION].startswith("#8: The implementation plan")
    assert found.diff == whole(FIRST, SECOND).diff != FIRST.diff


def test_a_release_goes_to_one_branch_and_says_so_when_it_does_not_any_more() -> None:
    assert whole(FIRST, SECOND).base == "main"
    assert whole(FIRST, replace(SECOND, base="staging")).base == "#7: main; #8: staging"


def test_one_pull_request_says_what_it_says() -> None:
    assert contents_of([part(FIRST)], rules()) == FIRST
    assert contents_of([part(None)], rules()) is None
    assert contents_of([part(None), part(None, 8)], rules()) is None


def test_it_is_standard_only_by_one_template_and_an_emergency_if_one_is() -> None:
    low = contents(Tier.LOW)
    other = contents(Tier.LOW, pulls=(8,))
    assert (whole(low, other).kind, whole(low, other).template) == (ChangeType.STANDARD, "docs")
    found = whole(low, replace(other, template="texts"))
    assert (found.kind, found.template) == (ChangeType.NORMAL, "")
    urgent = replace(low, kind=ChangeType.EMERGENCY, template="")
    found = whole(urgent, contents(pulls=(8,)))
    assert (found.kind, found.tier) == (ChangeType.EMERGENCY, Tier.HIGH)


def test_whatever_blocks_one_of_them_blocks_all() -> None:
    where = context(blocking=("hold",), demands=())
    alone = context_of([part(FIRST)], where)
    assert (alone.blocking, alone.demands, alone.parts) == (("hold",), (), (part(FIRST),))
    parts = [part(FIRST, blocking=("secrets",)), part(None, 8, demands=()), part(SECOND, 9, demands=())]
    found = context_of(parts, where)
    assert found.blocking == ("secrets of #7", "the first look at #8", "a demand for approvals of #9")
    assert [each.label for each in found.demands] == ["write access for #7"]


def test_reviewers_of_each_are_waited_for() -> None:
    short = (Demand("write access", 2, 1, "someone"),)
    found = context_of([part(FIRST), part(SECOND, 8, demands=short)], context())
    assert [(each.label, each.given) for each in found.demands] == [
        ("write access for #7", 2),
        ("write access for #8", 1),
    ]


def test_the_last_wish_for_a_time_is_that_of_all() -> None:
    early = Instruction(Instructed.SCHEDULE, "early", account("ana"), "", MONDAY)
    late = Instruction(Instructed.SCHEDULE, "late", account("bo"), "", MONDAY + timedelta(hours=1))
    assert wished([part(FIRST), part(SECOND, 8)]) == ""
    assert wished([part(FIRST, wish=late), part(SECOND, 8, wish=early)]) == "late"


def test_whose_description_lacks_a_section_is_named() -> None:
    whole_one, bare = contents(pulls=(7,)), contents(pulls=(8,), plans=(), justification="")
    parts = [part(whole_one), part(bare, 8), part(None, 9)]
    inside = contents_of(parts, rules())
    assert inside is not None
    told = {each.id: each for each in missing(inside, rules(), parts)}
    assert told["change:backout"].what.startswith("The description of #8 has no section")
    assert "to the description of #8, with" in told["change:justification"].remedy
    summary = summed_up(inside, rules(), parts)
    assert summary is not None
    assert summary[0].startswith("The description of #8 lacks the sections `Justification`, ")
    both = [part(bare, 7), part(bare, 8)]
    summary = summed_up(contents(plans=PLANS_BUT_TEST), rules(), [part(contents(plans=PLANS_BUT_TEST)), *both])
    assert summary is not None
    assert summary[0] == "The description of #7, #7 and #8 lacks the section `Test plan`."


PLANS_BUT_TEST = tuple(each for each in FIRST.plans if each[0] is not Plan.TEST)


def test_what_became_another_change_after_it_was_authorised_does_not_pass() -> None:
    change = authorised()
    same = context(parts=(part(change.contents),))
    assert finding(change, same).verdict is Verdict.PASS
    grown = context(parts=(part(change.contents), part(SECOND, 8)))
    found = finding(change, grown)
    assert found.verdict is Verdict.FAIL
    assert found.what == "CHG-2027-0001 is in state scheduled, and this is not what was authorised."


def test_a_release_names_what_it_ships() -> None:
    change = replace(draft(), contents=whole(FIRST, SECOND))
    assert finding(change, context()).what == (
        "CHG-2027-0001, which ships #7 and #8, is in state draft: nobody has asked its board yet."
    )
