"""A group of the merge queue passes when every member does, and is known whole."""

from dataclasses import replace
from datetime import timedelta

from bot.decide.merge_group import decide_group
from bot.decide.verdict import Decision, Verdict
from bot.facts.model import (
    FactsIncomplete,
    Mergeability,
    MergeGroupFacts,
    PullRequestFacts,
    RecordFacts,
    RecordFinding,
    Waived,
)
from bot.policy.model import Mode, Policy, Rule, Tier
from tests.unit.builders import NOON, REPOSITORY, account, approved, found, oid, policy, pull_request

PASSING = pull_request(number=7, reviews=[approved("ben")])
WAITING = pull_request(number=8)
LATER = NOON + timedelta(hours=3)
CONFLICT = RecordFinding("conflict", "wait", "CHG-2026-0001", "Both are on one line.", "So it is.", "Somebody waits.")
WAIVED = replace(
    PASSING,
    number=9,
    record=RecordFacts("CHG-2026-0001", "authorize", (CONFLICT,)),
    waivers=(Waived("conflict", "The other one is put back.", account("ana"), account("rick"), NOON, LATER),),
)


def group(*members: PullRequestFacts, rules: Policy | None = None, incomplete: tuple[str, ...] = ()) -> Decision:
    gaps = tuple(FactsIncomplete(what, "GitHub shows no such pull request") for what in incomplete)
    facts = MergeGroupFacts(REPOSITORY, "main", oid("group"), members, gaps)
    return decide_group(facts, rules or policy(), NOON)


def test_a_group_passes_when_every_member_does() -> None:
    decision = group(PASSING, replace(PASSING, number=9))
    assert decision.verdict is Verdict.PASS
    assert decision.head == oid("group")
    assert [each.what for each in decision.findings] == [
        "#7 has everything that the policy demands of it.",
        "#9 has everything that the policy demands of it.",
    ]
    assert decision.findings[0].parts


def test_one_member_that_waits_holds_up_the_group_and_stands_first() -> None:
    decision = group(PASSING, WAITING)
    assert decision.verdict is Verdict.WAIT
    first = decision.findings[0]
    assert first.id == "pull-request:8"
    assert first.headline == "#8: 1 approval from someone with write access"
    assert first.remedy.startswith("Ask 1 person")


def test_a_group_waits_minutes_while_github_compares_branches() -> None:
    decision = group(replace(PASSING, mergeability=Mergeability.UNKNOWN))
    assert decision.next_at is not None
    assert decision.findings[0].minutes
    assert decision.findings[0].until == decision.next_at


def test_the_tier_is_the_highest_of_the_members_with_each_reason() -> None:
    decision = group(PASSING, rules=policy(tier="medium"))
    assert decision.tier is Tier.MEDIUM
    assert decision.tier_because == ("#7: `payments` is of tier medium.",)


def test_a_group_with_a_member_that_cannot_be_read_fails() -> None:
    decision = group(PASSING, incomplete=("#9",))
    assert decision.verdict is Verdict.FAIL
    assert found(decision, "facts").what == (
        "The group of the merge queue could not be read whole: #9 (GitHub shows no such pull request)."
    )


def test_a_group_without_members_fails_whatever_the_mode() -> None:
    decision = group(rules=policy(mode=Mode.OBSERVE))
    assert (decision.verdict, decision.mode, decision.tier) == (Verdict.FAIL, Mode.ENFORCE, Tier.HIGH)
    assert found(decision, "facts").what.endswith("it has no pull request.")


def test_a_member_that_is_only_observed_does_not_hold_up_the_others() -> None:
    decision = group(WAITING, rules=policy(mode=Mode.OBSERVE))
    assert (decision.verdict, decision.mode) == (Verdict.PASS, Mode.OBSERVE)
    assert decision.findings[0].what.startswith("#8 is observed only: ")
    assert decision.findings[0].headline == "#8 is observed only"


def test_a_member_that_passes_with_a_waiver_says_what_is_waived_by_whom_and_until_when() -> None:
    decision = group(PASSING, WAIVED)
    assert (decision.verdict, decision.next_at) == (Verdict.WAIVED, LATER)
    first = decision.findings[0]
    assert (first.id, first.verdict, first.until) == ("pull-request:9", Verdict.WAIVED, LATER)
    assert first.what == (
        "#9 has everything that the policy demands of it but `conflict`, which is waived. Both are on one line."
    )
    assert first.why == "@rick waived this until 2026-03-02 15:00 UTC: `The other one is put back.`."
    assert first.remedy == "After 2026-03-02 15:00 UTC it blocks again: Somebody waits."
    assert [each.id for each in first.parts if each.verdict is Verdict.WAIVED] == ["conflict"]


def test_of_several_waivers_each_is_told_and_the_first_end_counts() -> None:
    ticket = Rule("ticket", "true", "false", "Name the ticket.")
    for_ticket = replace(WAIVED.waivers[0], finding="rule:ticket", until=LATER + timedelta(hours=1))
    rules = replace(policy(), rules=(ticket,))
    [only] = group(replace(WAIVED, waivers=(*WAIVED.waivers, for_ticket)), rules=rules).findings
    assert only.what.startswith("#9 has everything that the policy demands of it but `conflict` and `rule:ticket`, ")
    assert "`conflict`: @rick waived this until 2026-03-02 15:00 UTC" in only.why
    assert "`rule:ticket`: @rick waived this until 2026-03-02 16:00 UTC" in only.why
    assert only.until == LATER


def test_what_waits_prevails_over_what_is_waived() -> None:
    decision = group(WAIVED, WAITING)
    assert decision.verdict is Verdict.WAIT
    assert [each.verdict for each in decision.findings] == [Verdict.WAIT, Verdict.WAIVED]


def test_when_a_waiver_is_over_its_member_holds_up_the_group() -> None:
    over = replace(WAIVED, waivers=(replace(WAIVED.waivers[0], until=NOON),))
    decision = group(over)
    assert decision.verdict is Verdict.WAIT
    assert decision.findings[0].headline == "#9: CHG-2026-0001"


def test_a_waiver_of_a_member_that_is_only_observed_changes_nothing() -> None:
    decision = group(WAIVED, rules=policy(mode=Mode.OBSERVE))
    assert (decision.verdict, decision.findings[0].headline) == (Verdict.PASS, "#9 is observed only")
