"""What people see: every kind of check run, and every explanation, as they are sent."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from markdown_it import MarkdownIt
from syrupy.assertion import SnapshotAssertion

from bot.decide.evaluate import decide
from bot.decide.merge_group import decide_group
from bot.decide.verdict import Annotation, Decision, Finding, Verdict
from bot.facts.model import (
    Account,
    FactsIncomplete,
    GitIdentity,
    Mergeability,
    MergeGroupFacts,
    Permission,
    RecordFacts,
    RecordFinding,
    Repository,
)
from bot.policy.model import Application, Calendar, Mode, Problem, Window
from bot.publish.effects import CheckRunContent
from bot.publish.render import TITLE, Record, explanation, render, state, title
from tests.unit.builders import (
    NOON,
    REPOSITORY,
    account,
    approved,
    asked_for_changes,
    bot,
    commented,
    commit,
    decided,
    demand,
    dismissed,
    oid,
    policy,
    pull_request,
    pushed,
    stranger,
    web_flow,
)
from tests.unit.decide.test_merge_group import WAIVED

RECORD = Record("0195-dec", NOON, "5f2c" * 16)
BROKEN = Problem("acme/ledger:.github/countersign.yml", 3, 1, "`mod` is not known here. Did you mean `mode`?")
HIGH = policy(demand(2, "write"), demand(1, "security"), tier="high", people=[("ana", "ana-admin")])


def shown(decision: Decision, *problems: Problem) -> CheckRunContent:
    return render(
        decision,
        RECORD,
        external_id="pull:77:7@4ead",
        details_url="https://github.example/acme/ledger",
        problems=problems,
    )


def page(content: CheckRunContent) -> str:
    head = f"{content.status} / {content.conclusion or 'no conclusion'}\n# {content.title}\n\n"
    notes = [f"\n[{each.path}:{each.start_line}] {each.title}: {each.message}" for each in content.annotations]
    return f"{head}{content.summary}\n\n---\n\n{content.text + content.record}\n{''.join(notes)}"


PASSING = pull_request(reviews=[approved("ben")])
GROUP = MergeGroupFacts(REPOSITORY, "main", oid("group"), (replace(PASSING, number=6), pull_request(number=7)))
WAIVING = replace(GROUP, members=(GROUP.members[0], WAIVED))
UNREADABLE = replace(GROUP, members=(), incomplete=(FactsIncomplete("the group", "the queue has no such entry"),))
HOSTILE = pull_request(
    author=Account(5, "eve"),
    commits=[
        commit(
            author=GitIdentity("x", "`@acme/everyone` | <img src=x>\n# [a](http://b)", None),
            co_authors=[stranger("", "**@ceo** ` | <details>")],
            committer="eve",
        )
    ],
    reviews=[approved("ben"), commented(bot("evil[bot]"))],
    pushes=[pushed("eve")],
    base="`|<b>@acme</b>`",
    mergeability=Mergeability.CONFLICTING,
    repository=Repository(77, "acme", "ledger"),
)

CASES = {
    "pass": (PASSING, policy()),
    "pass with several demands": (
        pull_request(reviews=[approved("ben"), approved("cem"), approved("sam")], teams={"sam": ["acme/appsec"]}),
        HIGH,
    ),
    "wait for approvals": (pull_request(), HIGH),
    "wait, with every kind of review that does not count": (
        pull_request(
            commits=[commit("first"), commit(co_authors=["carl"], committer=web_flow())],
            reviews=[
                approved("ana-admin"),
                approved("carl", at=1),
                approved("olga", on="first", at=2),
                approved("pia", on=None, at=3),
                dismissed("dora", at=4),
                commented("emil", at=5),
                approved("fred", at=6),
                approved(bot("lgtm[bot]"), at=7),
                approved(None, at=8),
                approved("ben", at=9),
                approved("ben", at=10),
            ],
            can={"fred": Permission.READ},
        ),
        replace(HIGH, applications=policy(tier="low").applications),
    ),
    "wait for github": (
        pull_request(reviews=[approved("ben")], mergeability=Mergeability.UNKNOWN),
        policy(),
    ),
    "wait for the author of a draft": (pull_request(reviews=[approved("ben")], draft=True), policy()),
    "fail by a request for changes": (pull_request(reviews=[approved("ben"), asked_for_changes("cem")]), policy()),
    "fail by an unknown contributor": (
        pull_request(commits=[commit(author=stranger("ana@home.example"))], pushes=[pushed(None)]),
        policy(tier="medium"),
    ),
    "fail by conflicts": (pull_request(reviews=[approved("ben")], mergeability=Mergeability.CONFLICTING), policy()),
    "fail by incomplete facts": (
        pull_request(reviews=[approved("ben")], incomplete=[FactsIncomplete("the list of files", "GitHub lists 3,000 of 4,711")]),
        policy(),
    ),
    "fail by a policy that never worked": (
        PASSING,
        policy(problems=[replace(BROKEN, origin="acme/.github:countersign.yml")], undecidable=True),
    ),
    "fail by a repository's policy that never worked": (
        PASSING, replace(policy(problems=[BROKEN]), unusable=BROKEN.origin)
    ),
    "policy file with errors": (PASSING, policy(problems=[BROKEN])),
    "observe a pass": (PASSING, policy(mode=Mode.OBSERVE)),
    "observe a wait": (pull_request(), policy(mode=Mode.OBSERVE)),
    "observe a fail": (pull_request(reviews=[asked_for_changes("cem")]), policy(mode=Mode.OBSERVE)),
    "in no inventory": (PASSING, policy(in_inventory=False)),
    "hostile texts": (
        HOSTILE,
        replace(
            policy(problems=[Problem("acme/ledger:.github/countersign.yml", 1, 1, "`<b>@acme` | is [not](x)`")]),
            applications=(Application("`@acme/all` <b>|", ("ledger",), policy(tier="high").applications[0].tier),),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_check_run_reads_well(case: str, snapshot: SnapshotAssertion) -> None:
    facts, rules = CASES[case]
    assert page(shown(decided(facts, rules), *rules.problems)) == snapshot


@pytest.mark.parametrize("case", CASES)
def test_an_explanation_reads_well(case: str, snapshot: SnapshotAssertion) -> None:
    facts, rules = CASES[case]
    assert explanation(decided(facts, rules)) == snapshot


@pytest.mark.parametrize("facts", [GROUP, UNREADABLE, replace(GROUP, members=GROUP.members[:1]), WAIVING])
def test_a_check_run_of_a_group_reads_well(facts: MergeGroupFacts, snapshot: SnapshotAssertion) -> None:
    assert page(shown(decide_group(facts, policy(), NOON))) == snapshot


def test_an_explanation_of_one_finding_reads_well(snapshot: SnapshotAssertion) -> None:
    decision = decided(pull_request(reviews=[approved("ana")]), HIGH)
    assert explanation(decision, "approvals") == snapshot
    assert "not counted" not in explanation(decision, "identity")


@pytest.mark.parametrize("case", CASES)
def test_titles_say_verdict_and_next_step_in_fifty_characters(case: str) -> None:
    decision = decided(*CASES[case])
    assert len(title(decision)) <= TITLE
    assert title(decision).startswith("Observing: ") is (decision.mode is Mode.OBSERVE)


@pytest.mark.parametrize("case", CASES)
def test_an_explanation_notifies_nobody(case: str) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False}).render(explanation(decided(*CASES[case])))
    assert "@" not in re.sub(r"<code>.*?</code>", "", html)


@pytest.mark.parametrize(
    ("verdict", "minutes", "shows"),
    [
        (Verdict.PASS, False, ("completed", "success")),
        (Verdict.WAIVED, False, ("completed", "success")),
        (Verdict.FAIL, False, ("completed", "failure")),
        (Verdict.WAIT, False, ("completed", "action_required")),
        (Verdict.WAIT, True, ("in_progress", None)),
    ],
)
def test_what_github_makes_of_a_verdict(verdict: Verdict, minutes: bool, shows: tuple[str, str | None]) -> None:
    finding = Finding("x", verdict, "headline", "What.", minutes=minutes)
    decision = replace(decided(PASSING), verdict=verdict, findings=(finding,))
    assert state(decision) == shows
    assert state(replace(decision, mode=Mode.OBSERVE)) == ("completed", "neutral")


def test_a_wait_for_a_person_is_not_in_progress_though_github_needs_a_minute_too() -> None:
    decision = decided(pull_request(mergeability=Mergeability.UNKNOWN))
    assert state(decision) == ("completed", "action_required")


def test_what_is_waived_says_so() -> None:
    decision = replace(
        decided(PASSING), verdict=Verdict.WAIVED, findings=(Finding("x", Verdict.WAIVED, "h", "Waived by @cem."),)
    )
    assert title(decision) == "Waived: 1 of 1 approval, none by a contributor"
    assert "what it lacks is waived" in shown(decision).summary
    observing = replace(decision, mode=Mode.OBSERVE)
    assert title(observing).startswith("Observing: would pass")
    assert "what it lacks would be waived" in shown(observing).summary


def test_a_group_with_waivers_says_whose() -> None:
    group = replace(GROUP, members=(GROUP.members[0], WAIVED, replace(WAIVED, number=10)))
    assert title(decide_group(group, policy(), NOON)) == "Waived: what #9 lacks (+1 more)"


def test_a_long_headline_is_cut_between_words_and_says_how_much_more_there_is() -> None:
    findings = (Finding("a", Verdict.FAIL, "a headline " * 9, "What."), Finding("b", Verdict.WAIT, "b", "What."))
    decision = replace(decided(PASSING), verdict=Verdict.FAIL, findings=findings)
    assert title(decision) == "Blocked: a headline a headline a… (+1 more)"


def test_a_text_longer_than_github_takes_is_cut_and_says_so() -> None:
    reviews = [approved(f"reviewer-with-a-long-name-{index}", at=index) for index in range(900)]
    content = shown(decided(pull_request(reviews=reviews), policy(demand(2, "security"))))
    assert len(content.summary.encode()) <= 65_535
    assert content.summary.endswith("The record has all of it.*")
    assert len(explanation(decided(pull_request(reviews=reviews))).encode()) <= 65_535


def test_remarks_of_findings_and_of_the_policy_file_are_annotations() -> None:
    remark = Annotation("a.py", 4, 5, "Secret", "A key.")
    finding = Finding("secrets", Verdict.FAIL, "h", "What.", annotations=(remark,))
    content = shown(replace(decided(PASSING), findings=(finding,)), BROKEN)
    assert content.annotations == (
        remark,
        Annotation(".github/countersign.yml", 3, 3, "Policy", "`mod` is not known here. Did you mean `mode`?"),
    )


def test_the_buttons_are_within_githubs_limits() -> None:
    buttons = shown(replace(decided(PASSING), findings=(RECORD_WAITS,))).buttons
    assert len(buttons) == 3
    for button in buttons:
        assert len(button.label) <= 20
        assert len(button.description) <= 40
        assert len(button.identifier) <= 20


RECORD_WAITS = Finding("change-record", Verdict.WAIT, "CHG-2026-0001, which is in draft", "CHG-2026-0001 is in draft.")


@pytest.mark.parametrize(
    ("finding", "asks"),
    [
        (RECORD_WAITS, True),
        (replace(RECORD_WAITS, verdict=Verdict.PASS), False),
        (replace(RECORD_WAITS, verdict=Verdict.FAIL), False),
        (replace(RECORD_WAITS, verdict=Verdict.WAIVED), False),
        (replace(RECORD_WAITS, observed=True), False),
        (replace(RECORD_WAITS, id="approvals"), False),
    ],
)
def test_the_board_can_be_asked_where_the_record_waits(finding: Finding, asks: bool) -> None:
    content = shown(replace(decided(PASSING), findings=(finding,)))
    assert [button.identifier for button in content.buttons] == [
        "recheck",
        "explain",
        *(["request-cab"] if asks else []),
    ]


@pytest.mark.parametrize("verdict", Verdict)
def test_what_is_only_observed_says_what_it_would_be_and_asks_nothing(
    verdict: Verdict, snapshot: SnapshotAssertion
) -> None:
    observed = Finding("rule:x", verdict, "the headline", "What.", "Why.", "Do it.", observed=True)
    decision = replace(decided(PASSING), findings=(*decided(PASSING).findings, observed))
    content = shown(decision)
    assert "**What to do next**" not in content.summary
    assert content.title == "Passed: 1 of 1 approval, none by a contributor"
    assert f"{content.summary}\n---\n{explanation(decision)}" == snapshot


def test_a_person_with_several_accounts_is_shown_with_all_of_them() -> None:
    content = shown(decided(pull_request(reviews=[approved("ana-admin")]), HIGH))
    assert "\\-admin" in content.text + content.record
    assert account("ana").login in content.text + content.record


def test_a_title_of_what_passes_for_a_time_says_until_when_and_by_whom() -> None:
    calendar = Calendar(windows=(("noon", (Window("FREQ=DAILY;BYHOUR=11;BYMINUTE=0", timedelta(hours=3)),)),))
    tiers = {tier: replace(each, windows=(("noon",),)) for tier, each in policy().tiers.items()}
    timed = replace(policy(), calendar=calendar, tiers=tiers)
    by_board = replace(
        PASSING, record=RecordFacts("CHG1", "scheduled", (RecordFinding("cab", "pass", "the board", "x"),))
    )
    until = f"{NOON:%Y-%m-%d} 14:00 UTC"
    assert title(decided(PASSING, timed)) == f"Passed: 1 approval, until {until}"
    assert title(decided(by_board, timed)) == f"Passed: by its board, until {until}"
    assert title(decided(by_board)) == "Passed: by its board"
    late = decide(PASSING, timed, NOON + timedelta(hours=2))
    assert title(late) == f"Waiting: its window, {NOON + timedelta(days=1):%Y-%m-%d} 11:00 UTC"
    assert state(late) == ("completed", "action_required")
